//! A semantic cache whose hits are verified.
//!
//! A *backend* keeps entries and finds candidates, by equal prompts and by near vectors ([`Backend`]). Whether a candidate is
//! served is decided by a verifier, which reads both prompts, and by rules; never by a distance alone.

mod backend;
mod encoding;
mod entry;
mod error;
mod memory;
#[cfg(feature = "redis")]
pub mod redis;
mod scope;

pub use backend::{Backend, Candidate, Evicted, Wanted};
pub use encoding::Malformed;
pub use entry::{Attributes, Entry, EntryId, InvalidEntryId, Source};
pub use error::BackendError;
pub use memory::{Memory, MemoryLimits, MemoryNotice};
pub use scope::{Scope, ScopeDigest};
