//! A cache on Redis: on vector sets of Redis 8, or on what RedisVL's `SemanticCache` stored.
//!
//! [`open`] takes the address and gives a [`Backend`]:
//!
//! ```no_run
//! use vetted_cache::redis::{Settings, open};
//!
//! let opened = open("redis://localhost:6379", &Settings::default())?;
//! for notice in &opened.notices {
//!     eprintln!("{notice}");
//! }
//! let backend = opened.backend;
//! # Ok::<(), vetted_cache::redis::RedisError>(())
//! ```
//!
//! # What is kept where
//!
//! All keys of a scope begin with `PREFIX:{SCOPE}:`, where SCOPE is the beginning of the scope's digest. The braces make it the
//! hash tag, so that in a cluster all keys of a scope are on one node, and what belongs together is changed together.
//!
//! | key | type | what |
//! |---|---|---|
//! | `v` | vector set, Q8 | a vector for each id; beside it when it is over, digests of its prompt and of its attributes |
//! | `e:ID` | string, with the entry's time to live | the [entry](crate::Entry), as bytes |
//! | `x:PROMPT` | sorted set | ids of the entries with this prompt (a digest), by when they were stored |
//! | `t` | sorted set | the *ledger*: every id, with when it is over in milliseconds |
//! | `u` | sorted set | every id, with when it was last used in microseconds |
//! | `a` | hash | what else stands beside a vector, of entries that have none |
//!
//! All but `e` live as long as the last entry in them, and for ever where one of them does. So a scope that nobody asks for any
//! longer leaves nothing behind.
//!
//! An entry is served only if its bytes are there and say the same as what was asked: scope, attributes, time. The vector set
//! and its filter only propose. So a vector whose entry is over, evicted or damaged is a miss.
//!
//! # What happens at once
//!
//! Everything that changes a scope is one script, which Redis runs and keeps whole or not at all: a server that dies, or a
//! client, leaves what was there before. A lookup is a script (exact), then `VSIM`, then `MGET`.
//!
//! # Making room
//!
//! A scope has at most [`Settings::entries_per_scope`] entries. One more, and those go that were not used for the longest time:
//! being stored and being served are uses. What is over is removed by the next entries that are stored, eight at a time, and
//! while there are searches.

mod address;
mod error;
mod keys;
mod patience;
mod redisvl;
mod scripts;
mod vector_sets;

use std::time::Duration;

pub use address::{Address, Layout};
use vetted_redis::Limits;
pub use vetted_redis::{Notice, RedisError, Version};

use crate::Backend;

/// What can be set of a cache on Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What all keys begin with: 1 to 32 characters of `A-Z a-z 0-9 . _ -`. Caches of different prefixes share nothing.
    pub prefix: String,
    /// How long a new connection may take: network, TLS, user and password.
    pub connect: Duration,
    /// How long one command may take, a new connection included. Lookups with less time have less.
    pub command: Duration,
    /// Open connections, at most. Each is used for one command at a time.
    pub connections: usize,
    /// Entries in one scope, at most.
    pub entries_per_scope: usize,
    /// Bytes of one entry, at most.
    pub largest_entry: usize,
    /// How many values the encoder's vectors have, to hold against a cache of RedisVL before anything is looked up.
    pub dimensions: Option<usize>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            prefix: "vetted".to_owned(),
            connect: Duration::from_millis(500),
            command: Duration::from_secs(1),
            connections: 16,
            entries_per_scope: 100_000,
            largest_entry: 32 << 20,
            dimensions: None,
        }
    }
}

/// A backend that is ready, and what an operator should know of its server.
pub struct Opened {
    /// It.
    pub backend: Box<dyn Backend>,
    /// What an operator should know. The same is told as events.
    pub notices: Vec<Notice>,
}

/// Opens the cache at an [address](Address) once everything about its server has been checked.
///
/// # Errors
///
/// When the address or the settings cannot be used, the server cannot be reached, is too old, or does not let the user do what
/// a cache needs. No message has a password in it.
pub fn open(address: &str, settings: &Settings) -> Result<Opened, RedisError> {
    open_at(Address::parse(address)?, settings)
}

/// As [`open`], at an address that was parsed before.
///
/// # Errors
///
/// As [`open`].
pub fn open_at(address: Address, settings: &Settings) -> Result<Opened, RedisError> {
    settings.check()?;
    let opened = match address.layout.clone() {
        Layout::VectorSets => {
            let (backend, notices) = vector_sets::VectorSets::open(address, settings.clone())?;
            Opened { backend: Box::new(backend), notices }
        }
        Layout::RedisVl { index } => {
            let backend = redisvl::RedisVl::open(address, &index, settings.clone())?;
            Opened { backend: Box::new(backend), notices: Vec::new() }
        }
    };
    for notice in &opened.notices {
        tracing::warn!("{notice}");
    }
    Ok(opened)
}

impl Settings {
    fn limits(&self) -> Limits {
        Limits { connect: self.connect, command: self.command, connections: self.connections }
    }

    fn check(&self) -> Result<(), RedisError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let wrong = |reason: &str| Err(RedisError::Settings { reason: reason.to_owned() });
        if !(1..=32).contains(&self.prefix.len()) || !self.prefix.bytes().all(allowed) {
            return wrong("the prefix of its keys takes 1 to 32 characters of A-Z a-z 0-9 . _ -");
        }
        if self.connect.is_zero() || self.command.is_zero() {
            return wrong("without any time nothing can be looked up");
        }
        if self.connections == 0 || self.entries_per_scope == 0 || self.largest_entry == 0 {
            return wrong("connections, entries of a scope and bytes of an entry are 1 at least");
        }
        Ok(())
    }
}
