//! Text to vectors: model folders, where they come from, and the encoders that run them.
//!
//! A model is a folder as Hugging Face and sentence-transformers lay it out. [`models`] finds or fetches one by name,
//! [`folder`] reads what it says about itself, and [`Encoder`] runs it:
//!
//! ```no_run
//! use vetted_encoder::{Compute, Encoder, Options, Role, models};
//!
//! # fn main() -> Result<(), vetted_encoder::Error> {
//! let folder = models::ensure("all-MiniLM-L6-v2", &mut |_| {})?;
//! let encoder = Encoder::open(&folder, Options::default())?;
//! let mut team = Compute::of_this_process().team();
//! let vectors = encoder.embed(&["the dog bit the man", "the man bit the dog"], Role::Document, &mut team)?;
//! let cosine: f32 = vectors.iter().next().into_iter().flatten().zip(vectors.iter().nth(1).into_iter().flatten()).map(|(a, b)| a * b).sum();
//! assert!(cosine > 0.95); // which is why there is a second tier
//! # Ok(())
//! # }
//! ```
//!
//! # Two engines
//!
//! BERT, RoBERTa, XLM-RoBERTa, CamemBERT, DistilBERT and MPNet run from `model.safetensors` on vetted's own kernels
//! ([`Backend::Native`]), in f32, bf16 or int8. Everything else with an ONNX export runs on `rten`
//! ([`Backend::Onnx`]), where the feature `onnx` is on.

mod encoder;
mod error;
mod network;
#[cfg(feature = "onnx")]
mod onnx;
#[cfg(not(feature = "onnx"))]
#[path = "onnx_missing.rs"]
mod onnx;
mod token_encoder;
mod tokens;
mod weights;

pub use encoder::{Backend, Encoder, Options, Role, Vectors};
pub use error::Error;
pub use token_encoder::TokenEncoder;
pub use tokens::{Tokens, Unseen};
pub use vetted_kernels::{Compute, Deadline, Expired, Precision, Team};
pub use vetted_models as models;
pub use vetted_models::{ModelFolder, folder};
pub use weights::{Replacements, Tensor};
