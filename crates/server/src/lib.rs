//! vetted over HTTP, in the shapes that clients already speak: adopting it is changing a URL. And over the Model Context
//! Protocol, for agents: on `/mcp`, and on standard input and output ([`serve_mcp`]).
//!
//! [`start`] opens indexes, loads models and listens. [`Running`] says where, and stops it.
//!
//! ```no_run
//! use vetted_server::{IndexSettings, Settings, start};
//!
//! # fn main() -> Result<(), vetted_server::StartError> {
//! let notes = IndexSettings { name: "notes".into(), folder: "notes.index".into() };
//! let running = start(Settings { indexes: vec![notes], ..Settings::default() })?;
//! let address = running.address();
//! running.wait(|| println!("listening on http://{address}"))?;
//! # Ok(())
//! # }
//! ```
//!
//! # From a request to its answer
//!
//! ```text
//!  connection        accepted while there are fewer than `Limits::connections`
//!      |
//!  guard             is counted and logged; web pages of others, and whoever has no key, are refused
//!      |
//!  routes            one file for each family of paths. Reads the body within bounds (`ask`), understands it
//!      |             (`shapes`), checks limits
//!      |
//!  queue             one for reading pairs, one for embeddings, two for each index. Bounded: what does not fit, or would
//!      |             not be done by its deadline, is refused (429)
//!      |
//!  a thread          takes what is there, of any clients, and does a step of all of it in one batch: `reading`,
//!      |             `embedding`, `searching`, `writing`
//!      |
//!  routes            write the answer in the client's shape
//! ```
//!
//! Nothing computes on the threads that read and write sockets. When a client goes away, its work is dropped before its next
//! step. When the server is told to stop, it takes no more, and does what it took.

mod ask;
mod auth;
mod caches;
mod caching;
mod connections;
mod embedding;
mod error;
mod guard;
mod kept_views;
mod mcp;
mod metrics;
mod page;
mod queue;
mod reading;
mod routes;
mod searching;
mod service;
mod settings;
mod shapes;
mod start;
mod telemetry;
mod writing;

pub use auth::{Caller, Keys, KeysError, Rights};
pub use error::{Code, ErrorAnswer, ErrorBody, Failure, TeiErrorAnswer};
pub use mcp::{McpError, serve_mcp};
pub use settings::{CacheLimits, CacheStore, IndexSettings, Limits, NamedCache, Settings, TlsFiles};
pub use start::{Running, StartError, start};
pub use vetted_cache::MemoryLimits;
pub use vetted_cache::redis::Address as RedisAddress;
