//! Tier two of vetted: a query and candidate texts in, verdicts out.
//!
//! A [`Verifier`] reads both token by token and says whether one vouches for the other. It needs no index: put it behind
//! any retriever.
//!
//! ```no_run
//! use vetted_reader::Relation;
//! use vetted_verifier::{Verdict, Verifier, VerifierOptions};
//!
//! # fn main() -> Result<(), vetted_verifier::Error> {
//! let verifier = Verifier::shipped(VerifierOptions::default(), &mut |_| {})?;
//! let candidates = ["The man was bitten by the dog.", "The man bit the dog."];
//! let verified = verifier.verify("The dog bit the man.", &candidates, Relation::Support)?;
//! assert_eq!(verified[0].verdict(), Verdict::Accept);
//! assert_eq!(verified[1].verdict(), Verdict::Reject);
//! # Ok(())
//! # }
//! ```
//!
//! Where one query is held against many passages, read it once. Where passages are known beforehand, keep their
//! [views](Verifier::passage_views).
//!
//! ```no_run
//! use std::sync::Arc;
//! use vetted_verifier::{PassageSource, Verifier, VerifierOptions};
//!
//! # fn main() -> Result<(), vetted_verifier::Error> {
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
//! # Findings and verdicts
//!
//! A *finding* is what two texts have to do with each other: the candidate [supports](Finding::Supports) the query,
//! [contradicts](Finding::Contradicts) it, or [neither](Finding::Neither); of equivalence, both are the [same](Finding::Same) or
//! [different](Finding::Different). A *verdict* is what becomes of the candidate: [accept](Verdict::Accept),
//! [reject](Verdict::Reject), [abstain](Verdict::Abstain), or [unverified](Verdict::Unverified) with the reason. What merely does
//! not support a query is not rejected: its finding is *neither*, its verdict *abstain*. All rules that lead from numbers to
//! verdicts stand in one module, `decide`.

mod decide;
mod encoding;
mod error;
mod fingerprint;
mod judging;
mod prepared;
mod prompts;
mod second_look;
mod verification;
mod verifier;
mod windows;

pub use decide::{
    Answer, Contender, Finding, Judgement, Policy, Recalled, Unverified, Verdict, Window, asks, beaten,
    combine_passage, log_odds, unanswerable,
};
pub use encoding::EncodedPassages;
pub use error::{Error, ErrorKind};
pub use fingerprint::ViewsFingerprint;
pub use prepared::{Asked, PassageSource, PreparedQuery, QueryExtent};
pub use prompts::{EncodedPrompt, KeptPrompt};
pub use verification::{Assessment, Verification};
pub use verifier::{Explanation, LoadedBase, SHIPPED_VERIFIER, Verifier, VerifierOptions, verifier_digest};
pub use windows::{PassageText, PassageViews};
