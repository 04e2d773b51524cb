//! A semantic cache whose hits are verified.
//!
//! A [`Backend`] keeps entries and finds candidates, by equal prompts and by near vectors. Whether a candidate is served is decided
//! by a verifier, which reads both prompts token by token, and by rules; never by a distance alone. "Enable 2FA" and "disable 2FA"
//! are near, and have different answers.
//!
//! ```no_run
//! use std::sync::Arc;
//! use vetted::models::{self, DEFAULT_MODEL};
//! use vetted::{Deadline, Verifier, VerifierOptions};
//! use vetted_cache::{Cache, CacheSettings, Lookup, Memory, MemoryLimits, NewEntry, Scope};
//! use vetted_encoder::{Encoder, Options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = Arc::new(Verifier::shipped(VerifierOptions::default(), &mut |_| {})?);
//! let folder = models::ensure(DEFAULT_MODEL, &mut |_| {})?;
//! let encoder = Arc::new(Encoder::open(&folder, Options::default())?);
//! let (backend, _) = Memory::open("answers.cache", MemoryLimits::default())?;
//! let cache = Cache::new(Arc::new(backend), verifier, encoder, CacheSettings::default())?;
//!
//! let scope = Scope::new("support").with(Scope::TENANT, "acme");
//! cache.store(NewEntry::new(&scope, "How do I enable 2FA?", "Open Settings, then Security."), &Deadline::none())?;
//! let answer = cache.lookup(&Lookup::new(&scope, "How can I turn on 2FA?"));
//! match answer.hit() {
//!     Some(hit) => println!("{} ({} {})", String::from_utf8_lossy(&hit.entry.response), hit.similarity.cosine(), "cosine"),
//!     None => println!("a miss: {:?}", answer.miss()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # A lookup
//!
//! ```text
//!  scope            compared as a whole; nothing outside it is looked at
//!    |
//!  exact match      the same prompt, byte for byte: needs no verifier
//!    |
//!  recall           the nearest few (8) of the scope whose attributes fit
//!    |
//!  verify           are both prompts equivalent? The nearest two first, then the others
//!    |
//!  rules            volatile prompts, changed documents
//!    |
//!  the first that passes is served; else a miss that says why
//! ```
//!
//! It fails closed: a verifier that fails, a backend that cannot be reached and a deadline that has passed are misses.

mod answer;
mod backend;
mod by_calibration;
mod cache;
mod decisions;
mod encoding;
mod entry;
mod error;
mod flight;
mod looking;
mod lookup;
mod memory;
mod opinion;
#[cfg(feature = "redis")]
pub mod redis;
mod scope;
mod settings;
mod storing;
mod telemetry;
mod views;
mod volatile;

pub use answer::{
    Across, Answer, DecisionId, Hit, Judged, Miss, Outcome, Refusal, Similarity, Strategy, Took, Versions,
};
pub use backend::{Backend, Candidate, Evicted, Wanted};
pub use by_calibration::ByCalibration;
pub use cache::{Cache, Stored};
pub use encoding::Malformed;
pub use entry::{Attributes, Cost, Entry, EntryId, InvalidCost, InvalidEntryId, Source};
pub use error::{BackendError, CacheError};
pub use flight::{Computed, Got, Origin};
pub use lookup::{Change, Lookup, NewEntry, Sources, Strategies, VolatileRule};
pub use memory::{Memory, MemoryLimits, MemoryNotice};
pub use opinion::{NearMiss, SecondOpinion};
pub use scope::{Scope, ScopeDigest};
pub use settings::{Acceptance, Accepts, CacheSettings, Scale, Seen};
pub use volatile::Volatility;
