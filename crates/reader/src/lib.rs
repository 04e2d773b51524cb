//! Reads two texts side by side: hidden states in, logits out. What they amount to is decided elsewhere, by the crate
//! `vetted-verifier`.
//!
//! ```
//! use vetted_kernels::Team;
//! use vetted_reader::{Architecture, Relation, Scratch, Storage, ViewScorer};
//!
//! # fn main() -> Result<(), vetted_reader::Error> {
//! let scorer = ViewScorer::parameter_free(Architecture::F1, 2, 64, Storage::F32)?;
//! // Two hidden values per token, in earnest 384; a scorer that compares words also takes the tokens' ids.
//! let query = scorer.views(&[1.0, 0.0, /* second token: */ 0.0, 1.0], &[])?;
//! let candidates = [scorer.views(&[0.0, 3.0, 2.0, 0.0], &[])?, scorer.views(&[-1.0, 0.0], &[])?];
//!
//! let (mut team, mut scratch) = (Team::alone(), Scratch::default());
//! let outputs = scorer.score(&query, &candidates, Relation::Support, &mut team, &mut scratch)?;
//! assert_eq!(outputs[0].support, 1.0); // each word finds its twin: MaxSim does not see the order
//! assert_eq!(outputs[1].support, -0.5);
//! # Ok(())
//! # }
//! ```
//!
//! A text is encoded once. What is kept of it are its [`Views`]: a narrow unit vector per token, a few learned traits, and
//! token ids, 58 bytes a token in the shipped form. A pair costs a similarity map, a small Transformer over its patches and a few convolutions.
//!
//! This crate does no input or output: it is given hidden states, and bytes of `config.json` and `model.safetensors`.
//!
//! # From files to logits
//!
//! [`Config::parse`], [`Weights::parse`], [`Scorer::load`]; [`ViewScorer::views`] once per text, [`ViewScorer::score`] for a
//! query and all its candidates gives their [`Outputs`]; [`ViewScorer::evidence`] says which tokens these rest on. The
//! numbers that turn outputs into verdicts come with a verifier, as [`Calibrations`] and [`Thresholds`].
//!
//! # The family
//!
//! | [`Architecture`] | reads | parameters |
//! |---|---|---|
//! | `Cosine` | the mean of all tokens | 0 |
//! | `F0`, `F1`, `F2` | the map: its mean, MaxSim, soft monotone alignment | 0 |
//! | `F3` | the map, by convolutions | 0.1 million |
//! | `F4` | the padded map in patches, by a Transformer | 0.3 million |
//! | `MapTransformer` | the true maps of views and of words, by a Transformer over patches and by convolutions, and what is known of each token | 0.4 million |
//! | `CrossEncoder` | both texts in one pass of the encoder | all of the encoder |
//!
//! # Failing closed
//!
//! Hidden states that are not finite, texts that are empty or too long, views of another verifier: an [`Error`], and the
//! caller must not accept.

mod architecture;
mod config;
mod error;
mod evidence;
mod lexical;
mod outputs;
mod pair;
mod readers;
mod scorer;
mod transformer;
mod views;
mod vouching;
mod weights;

pub use architecture::{Architecture, F2, F3, F4, MapTransformer};
pub use config::{Base, Config, Encoder};
pub use error::Error;
pub use evidence::{Change, Evidence, Logit, TokenPair, Weighing};
pub use lexical::LexicalTable;
pub use outputs::{Calibrations, Outputs, Platt, Thresholds};
pub use pair::PackedQuery;
pub use scorer::{JointScorer, Runtime, Scorer, Scratch, ViewScorer};
pub use vetted_pairs::{Kind, Relation};
pub use views::{Storage, Views};
pub use vouching::Vouching;
pub use weights::{ReplacedTensor, Weights};
