//! Tier two of vetted: a query and candidate texts in, verdicts out.
//!
//! A [`Verifier`] reads both token by token and says whether one vouches for the other. It needs no index: put it behind
//! any retriever.
//!
//! ```no_run
//! use vetted_reader::{Relation, Verdict};
//! use vetted_verifier::{Verifier, VerifierOptions};
//!
//! # fn main() -> Result<(), vetted_verifier::Error> {
//! let verifier = Verifier::shipped(VerifierOptions::default(), &mut |_| {})?;
//! let candidates = ["The man was bitten by the dog.", "The man bit the dog."];
//! let verified = verifier.verify("The dog bit the man.", &candidates, Relation::Support)?;
//! assert_eq!(verified[0].judgement.verdict, Verdict::Accept);
//! assert_eq!(verified[1].judgement.verdict, Verdict::Reject);
//! # Ok(())
//! # }
//! ```
//!
//! Where one query is held against many passages, read it once. What merely does not support the query is not rejected
//! then, only what conflicts with it. Where passages are known beforehand, keep their
//! [views](Verifier::passage_views).
//!
//! ```no_run
//! use vetted_verifier::{PassageSource, Verifier, VerifierOptions};
//!
//! # fn main() -> Result<(), vetted_verifier::Error> {
//! let verifier = Verifier::shipped(VerifierOptions::default(), &mut |_| {})?;
//! let kept = verifier.passage_views(&["The man was bitten by the dog.", "The park has a pond."])?.unwrap_or_default();
//! let query = verifier.prepare("The dog bit the man.")?;
//! let sources: Vec<_> = kept.into_iter().map(PassageSource::Views).collect();
//! for verification in query.verify_passages(&sources)? {
//!     println!("{:?} {:.2}", verification.judgement.verdict, verification.judgement.p_match);
//! }
//! # Ok(())
//! # }
//! ```

mod encoding;
mod error;
mod judging;
mod prepared;
mod rivals;
mod verifier;
mod windows;

pub use encoding::EncodedPassages;
pub use error::Error;
pub use prepared::{PassageSource, PreparedQuery, QueryExtent};
pub use rivals::{Contender, Wording, rivals};
pub use verifier::{
    Explanation, LoadedBase, SHIPPED_VERIFIER, Verification, Verifier, VerifierOptions, ViewsFingerprint,
};
pub use windows::PassageViews;
