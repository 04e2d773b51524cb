//! What programs exchange with vetted: the JSON of `--json`, of HTTP, of MCP and of Python, as types.
//!
//! Each shape has a name, a JSON Schema ([`schemars::schema_for`]) and a golden file in `tests/all/wire`. Fields are added, never
//! renamed; a reader ignores fields that it does not know. Names of values are lower case with hyphens. Probabilities and
//! scores are the numbers that the engine computes, in single precision, written out in full.
//!
//! ```
//! use vetted::wire::VerifyAnswer;
//!
//! let answer: VerifyAnswer = serde_json::from_str(
//!     r#"{"query": "The dog bit the man.", "relation": "support", "verified": true, "results": [
//!         {"index": 0, "candidate": "The man was bitten by the dog.", "verdict": "accept", "finding": "supports",
//!          "p_match": 0.98, "p_conflict": 0.01, "kind": null, "window": [0, 30]}]}"#,
//! ).unwrap();
//! assert!(answer.verified);
//! ```

mod error;
mod index;
mod outcome;
mod search;
mod verify;

pub use error::{ErrorAnswer, ErrorBody, ErrorKind};
pub use index::{Encoder, IndexAnswer, IndexInfo};
pub use outcome::{Answer, Finding, Grounds, Judgement, Outcome, TokenPair, UnverifiedReason};
pub use search::{Hit, LeftOut, Milliseconds, Mode, PartOf, ScoreScale, Scores, SearchAnswer, Snippet, Window};
pub use verify::{CalibratedResult, Relation, VerifyAnswer, VerifyResult};
