//! Two-tier retrieval: recall wide, then vet.
//!
//! An [`Engine`] keeps documents in a folder on disk, finds them by meaning, by words or by both, and quotes the part
//! that matches. A [`Verifier`] reads a query and what was found for it, and says what it can vouch for.
//!
//! ```no_run
//! use vetted::{Document, Engine, Search};
//!
//! # fn main() -> Result<(), vetted::Error> {
//! let engine = Engine::builder("notes.index").open_or_create()?;
//! engine.upsert(vec![Document {
//!     id: "bite-1".into(),
//!     title: "Police report".into(),
//!     text: "The dog bit the man.".into(),
//!     ..Document::default()
//! }])?;
//!
//! for hit in engine.search(&Search::new("who was bitten?").k(5))?.hits {
//!     println!("{:.3}  {}  {}", hit.score, hit.title, hit.snippet.text);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Verdicts
//!
//! ```no_run
//! use vetted::reader::Relation;
//! use vetted::{Verdict, Verifier, VerifierOptions};
//!
//! # fn main() -> Result<(), vetted::Error> {
//! let verifier = Verifier::shipped(VerifierOptions::default(), &mut |_| {})?;
//! let candidates = ["The man was bitten by the dog.", "The man bit the dog."];
//! let verified = verifier.verify("The dog bit the man.", &candidates, Relation::Support)?;
//! assert_eq!(verified[0].verdict(), Verdict::Accept);
//! assert_eq!(verified[1].verdict(), Verdict::Reject);
//! # Ok(())
//! # }
//! ```
//!
//! *Accept*: the candidate supports the query. *Reject*: it contradicts the query, is different where equivalence was asked
//! about, or (of a search) is beaten by another document that says nearly the same and supports the query better. *Abstain*:
//! none of these, so what is merely about something else is not rejected. *Unverified*: too little was read, and [`Unverified`]
//! says why. These words mean the same in every command and every interface.
//!
//! Behind a retriever of your own, read a query once and hold passages against it. Where passages are known beforehand, keep their [views](Verifier::passage_views).
//!
//! ```no_run
//! use std::sync::Arc;
//! use vetted::{PassageSource, Verifier, VerifierOptions};
//!
//! # fn main() -> Result<(), vetted::Error> {
//! let verifier = Arc::new(Verifier::shipped(VerifierOptions::default(), &mut |_| {})?);
//! let kept = verifier.passage_views(&["The man was bitten by the dog.", "The park has a pond."])?.unwrap_or_default();
//! let query = verifier.prepare("The dog bit the man.")?;
//! let sources: Vec<_> = kept.into_iter().map(PassageSource::Views).collect();
//! for verification in query.verify_passages(&sources)? {
//!     println!("{} {:?}", verification.verdict(), verification.judgement());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Documents in
//!
//! [`corpus`] reads them from JSONL, CSV, TSV and folders of text; [`Engine::upsert`] takes a batch at a time. A batch
//! is on disk, whole, when the call returns. A process that is killed loses at most the batch it was working on, and
//! indexing the same input again skips what is there.
//!
//! An index keeps, besides each passage's vector, what the verifier reads of it ([`ViewStorage`]): about 60 bytes a token. A search
//! that verifies then encodes its query and nothing else.
//!
//! # Ways to search
//!
//! [`Mode::Dense`] is exact nearest-neighbour search among the passages' vectors, [`Mode::Bm25`] matches words, and
//! [`Mode::Hybrid`] fuses the two. [`Filter`] restricts any of them to documents with certain metadata.
//!
//! # Models
//!
//! An index remembers its encoder and refuses another. The default is all-MiniLM-L6-v2, fetched at first use; any
//! encoder in a Hugging Face folder will do ([`Builder::model`]). [`models`] lists, fetches and registers them.

pub mod calibrated;
mod engine;
mod error;
mod model;
mod notice;
mod origins;
mod outcome;
mod passages;
mod search;
mod searching;
mod second_tier;
mod snippet;
mod stored_views;
mod verify;
pub mod wire;

pub use engine::{Builder, Engine, Indexed};
pub use error::{Error, calibration_kind};
pub use notice::Notice;
pub use origins::{Gone, Sighted};
pub use outcome::{Grounds, Outcome, Part};
pub use passages::Passages;
pub use search::{Candidate, Found, Hit, LeftOut, Mode, Ranked, Search, Timing};
pub use second_tier::VerifierSource;
pub use snippet::Snippet;
pub use stored_views::ViewStorage;
pub use verify::Verify;
pub use vetted_calibration as calibration;
pub use vetted_corpus as corpus;
pub use vetted_corpus::Document;
pub use vetted_encoder::{Encoder, Options as EncoderOptions, Precision, models};
pub use vetted_kernels::{Cancellation, Compute, Deadline, Expired, Team};
pub use vetted_reader as reader;
pub use vetted_retrieval as retrieval;
pub use vetted_retrieval::{Filter, Fusion, Literal, Normalization, NotAsked, Scores};
pub use vetted_tensors::digest;
pub use vetted_verifier::{
    Answer, Assessment, EncodedPrompt, ErrorKind, Explanation, Finding, Judgement, KeptPrompt, PassageSource,
    PassageText, PassageViews, Policy, PreparedQuery, QueryExtent, SHIPPED_VERIFIER, Unverified, Verdict, Verification,
    Verifier, VerifierOptions, ViewsFingerprint, Window, combine_passage, verifier_digest,
};
