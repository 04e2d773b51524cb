//! What goes wrong between vetted and a Redis.

use std::time::Duration;

/// Something went wrong between vetted and a Redis. No message holds a password or a text that is kept there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// The line that should say where something is does not.
    #[error(
        "the address cannot be read: {reason}. Write it like redis://user:password@host:6379/0 or \
         redis+cluster://host:7000,host:7001 (an index has its name behind that: redis://host:6379/NAME), a cache of RedisVL like \
         redisvl+redis://host:6379?index=llmcache"
    )]
    Address {
        /// What is wrong with it.
        reason: String,
    },
    /// A setting that cannot be used.
    #[error("settings of what is kept on Redis cannot be used: {reason}")]
    Settings {
        /// Which, and why.
        reason: String,
    },
    /// The server cannot be reached, or the connection broke.
    #[error("the Redis at {address} cannot be reached: {reason}")]
    Unreachable {
        /// Where it should be.
        address: String,
        /// What the network says.
        reason: String,
    },
    /// The server did not answer in time.
    #[error("the Redis at {address} did not answer {command} within {} ms", within.as_millis())]
    Deadline {
        /// Where it is.
        address: String,
        /// What it was asked.
        command: &'static str,
        /// How long it had.
        within: Duration,
    },
    /// User or password is wrong, or one is missing.
    #[error("the Redis at {address} refuses this user and password: {reason}")]
    Refused {
        /// Where it is.
        address: String,
        /// What the server says.
        reason: String,
    },
    /// The user may not do what is needed.
    #[error(
        "the user of the Redis at {address} may not run {command}: {reason}. It takes this, on the keys that are kept: ACL \
         SETUSER name {needed} ~PREFIX:*"
    )]
    NotPermitted {
        /// Where it is.
        address: String,
        /// What was tried.
        command: &'static str,
        /// What the server says.
        reason: String,
        /// What the user needs, as a rule for its list of permissions.
        needed: &'static str,
    },
    /// The server is too old.
    #[error(
        "the Redis at {address} is {version}; vetted needs vector sets, which came with Redis 8.0. Install Redis 8 \
         (https://redis.io/downloads; 8.2.9, 8.4.6, 8.6.6, 8.8.2 or later), or keep it on this machine: a cache in memory, an \
         index in a folder"
    )]
    TooOld {
        /// Where it is.
        address: String,
        /// Its version.
        version: String,
    },
    /// The server has no vector sets.
    #[error(
        "the server at {address} has no vector sets: it was built without them, or it is not Redis (Valkey has none). Install \
         Redis 8 (https://redis.io/downloads), or keep it on this machine: a cache in memory, an index in a folder. It says: {reason}"
    )]
    NoVectorSets {
        /// Where it is.
        address: String,
        /// What it says.
        reason: String,
    },
    /// The server has no query engine.
    #[error(
        "the server at {address} knows no command {command}: it has no query engine, so no cache of RedisVL can be \
         there. Check the address, or use redis:// for a cache of vetted's own"
    )]
    NoQueryEngine {
        /// Where it is.
        address: String,
        /// The command.
        command: &'static str,
    },
    /// There is no such index, or it is not one that RedisVL's cache makes.
    #[error("the index `{index}` at {address} cannot be used: {reason}")]
    Index {
        /// Where it is.
        address: String,
        /// Its name.
        index: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The index has vectors of another encoder than the one that is configured.
    #[error(
        "the index `{index}` at {address} has vectors of {theirs} values, and the encoder makes {ours}: configure the encoder \
         that RedisVL's vectorizer used"
    )]
    Dimensions {
        /// Where it is.
        address: String,
        /// Its name.
        index: String,
        /// The length of its vectors.
        theirs: usize,
        /// The length of the encoder's.
        ours: usize,
    },
    /// The server has no memory left.
    #[error("the Redis at {address} has no memory left and stores nothing: {reason}. {advice}")]
    Full {
        /// Where it is.
        address: String,
        /// What the server says.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// The server answered with an error.
    #[error("the Redis at {address} answers {command} with an error: {reason}")]
    Answered {
        /// Where it is.
        address: String,
        /// What it was asked.
        command: &'static str,
        /// What it says.
        reason: String,
    },
    /// The server answered with something that is no answer to what it was asked.
    #[error("the Redis at {address} answers {command} with something else than was expected: {reason}")]
    Unexpected {
        /// Where it is.
        address: String,
        /// What it was asked.
        command: &'static str,
        /// What is wrong with the answer.
        reason: String,
    },
}
