//! Trains vetted's verifiers: a BERT encoder and what reads its tokens, end to end, from labelled pairs.
//!
//! [`train`] takes a [`Recipe`], the [`Base`] encoder and [`Example`]s, and leaves a verifier's folder (`config.json` and
//! `model.safetensors`: whatever differs from the base) that `vetted-reader` runs:
//!
//! ```no_run
//! use std::ops::ControlFlow;
//! use std::path::Path;
//! use vetted_training::{Base, Example, Recipe, train};
//!
//! # fn main() -> Result<(), vetted_training::Error> {
//! let pair = |query: &str, candidate: &str, same| Example {
//!     query: query.into(),
//!     candidate: candidate.into(),
//!     equivalence: Some(same),
//!     symmetric: true,
//!     weight: 1.0,
//!     ..Example::default()
//! };
//! let pairs = [
//!     pair("The dog bit the man.", "The man was bitten by the dog.", true),
//!     pair("The dog bit the man.", "The man bit the dog.", false),
//! ];
//! let base = Base::open("all-MiniLM-L6-v2")?;
//! let recipe = Recipe { name: "bites".into(), epochs: 5.0, ..Recipe::default() };
//! let outcome = train(&recipe, &base, None, &pairs, &[], Path::new("bites"), &mut |progress| {
//!     eprintln!("{} of {} steps, {:.0} pairs/s", progress.step, progress.steps, progress.pairs_per_second);
//!     ControlFlow::Continue(()) // at a break, a checkpoint is written and the run ends
//! })?;
//! println!("{} parameters trained in {} steps", outcome.parameters, outcome.steps);
//! # Ok(())
//! # }
//! ```
//!
//! A pair of a file ([`vetted_pairs`]) becomes an example by `Example::from(&pair)`. A recipe is JSON where it is not
//! Rust; what it leaves out is as in [`Recipe::default`]:
//!
//! ```
//! use vetted_training::{Architecture, Recipe};
//!
//! let json = r#"{"architecture": {"architecture": "map-transformer", "view": 32}, "epochs": 2, "patience": 3}"#;
//! let recipe: Recipe = serde_json::from_str(json).unwrap();
//! assert!(matches!(&recipe.architecture, Architecture::MapTransformer(shape) if shape.view == 32 && shape.layers == 2));
//! assert_eq!((recipe.batch, recipe.patience), (64, Some(3)));
//! ```
//!
//! # What a run leaves behind
//!
//! | file | |
//! |---|---|
//! | `config.json`, `model.safetensors` | the verifier, as it was best on the held-out pairs |
//! | `metrics.jsonl` | a [`Line`] for every so many steps |
//! | `curve.svg` | the same as a picture |
//! | `checkpoint.safetensors` | weights, the optimizer's moments and the step, every two minutes or more often: a run that was killed or interrupted goes on from here when started again, to the same weights bit for bit |
//!
//! Every file is replaced in one step, so a full disk or a kill leaves the old one. [`export_onnx`] makes an ONNX model of
//! the folder.
//!
//! # How it computes
//!
//! On the CPU, Transformer layers, attention, norms and maps are custom operations over `vetted-kernels`, in bf16 where the
//! recipe does not say f32, without padding; candle's automatic differentiation joins them. Both halves of every batch
//! have a thread of their own, and their gradients are added in one order: results do not depend on timing. candle's pool,
//! which spins beside them, only slows them: a program that trains should run with `CANDLE_NUM_THREADS=1`, as `vetted` does. With the
//! feature `cuda`, and a device, candle's own operations compute the same functions there.

mod base;
mod batches;
mod calibration;
mod checkpoint;
pub mod curve;
mod error;
mod example;
mod export;
#[cfg(test)]
mod golden;
mod held_out;
mod loss;
mod metrics;
mod model;
mod ops;
mod optimizer;
mod parameters;
mod random;
mod recipe;
mod run;
mod scoring;
mod sentence;
mod split;
mod tensors;
mod texts;
mod verifier;

pub use base::{Base, Shape};
pub use error::Error;
pub use example::Example;
pub use export::export_onnx;
pub use held_out::HeldOut;
pub use metrics::Line;
pub use recipe::{Contrast, Decay, Recipe, Storage, Weights};
pub use run::{Outcome, Progress, Stage, Watcher};
pub use sentence::{EncoderRecipe, TrainedPooling, train_encoder};
pub use split::hold_out;
pub use verifier::train;
pub use vetted_kernels::Arithmetic;
pub use vetted_reader::{Architecture, F3, F4, MapTransformer};
