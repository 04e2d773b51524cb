//! What is checked before a server is used: its version, and what it does when its memory is full.

use std::fmt;

use redis::{FromRedisValue, Value, cmd};

use crate::{Address, Connections, Nodes, RedisError};

/// What an operator should know of a server that can be used all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The server has a known fault that a search can run into.
    BelowSecurityFloor {
        /// Its version.
        version: Version,
        /// The version of its line in which that is mended.
        mended: Version,
    },
    /// What the server does when its memory is full is bad for a cache.
    Memory {
        /// `maxmemory-policy`.
        policy: String,
    },
    /// The server does not say what it does when its memory is full.
    MemoryUnknown,
    /// A server whose memory is full drops documents.
    DropsDocuments {
        /// `maxmemory-policy`.
        policy: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::BelowSecurityFloor { version, mended } => write!(
                f,
                "this Redis is {version}: a removal during a search of a vector set can crash it or worse, mended in {mended}. \
                 Searches run without threads (NOTHREAD) until it is updated"
            ),
            Notice::Memory { policy } if policy == "noeviction" => f.write_str(
                "this Redis has a limit of memory and maxmemory-policy noeviction: when it is full, nothing is stored. Set it to \
                 volatile-lru, so that entries with a time to live make room",
            ),
            Notice::Memory { policy } => write!(
                f,
                "maxmemory-policy is {policy}: a full Redis may drop the index of a whole scope at once. Nothing wrong is served, \
                 but the scope is empty then. Set it to volatile-lru"
            ),
            Notice::DropsDocuments { policy } => write!(
                f,
                "maxmemory-policy is {policy}: a full Redis drops documents, or a whole shard's vectors, without telling anybody. Set \
                 it to noeviction, so that it refuses new ones instead"
            ),
            Notice::MemoryUnknown => f.write_str(
                "this user may not run INFO memory, so maxmemory-policy is not known: for a cache it should be volatile-lru, for an \
                 index noeviction, or there should be no limit",
            ),
        }
    }
}

/// A version of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The 8 of 8.2.9.
    pub major: u32,
    /// The 2 of 8.2.9.
    pub minor: u32,
    /// The 9 of 8.2.9.
    pub patch: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Version {
    const fn new(major: u32, minor: u32, patch: u32) -> Version {
        Version { major, minor, patch }
    }

    /// `8.2.9`, also with something behind it.
    fn parse(text: &str) -> Option<Version> {
        let mut numbers = text.split(['.', '-']).map(str::parse);
        let mut next = || numbers.next().and_then(Result::ok);
        Some(Version::new(next()?, next()?, next().unwrap_or(0)))
    }

    /// The version of this one's line in which the faults of August 2026 are mended, if this one is below it.
    fn mended_in(self) -> Option<Version> {
        let mended = match (self.major, self.minor) {
            (8, 0..=2) => Version::new(8, 2, 9),
            (8, 3..=4) => Version::new(8, 4, 6),
            (8, 5..=6) => Version::new(8, 6, 6),
            (8, 7..=8) => Version::new(8, 8, 2),
            (8, 9..=10) => Version::new(8, 10, 1),
            _ => return None,
        };
        (self < mended).then_some(mended)
    }
}

/// What was found out about a server.
pub struct Checked {
    /// The oldest version of all primaries, if they tell it.
    pub oldest: Option<Version>,
    /// Searches must not run in threads.
    pub no_threads: bool,
    /// What each primary does when its memory is full.
    pub memory: Memory,
    /// What an operator should know, whatever is kept there.
    pub notices: Vec<Notice>,
}

/// What servers do when their memory is full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Memory {
    /// They do not say.
    Unknown,
    /// `maxmemory-policy` of each, and whether it has a limit at all.
    Policies(Vec<(String, bool)>),
}

/// Whether the server is one node of a cluster, as it says itself.
pub(crate) fn is_cluster(connections: &Connections) -> Result<bool, RedisError> {
    match connections.ask("HELLO", cmd("HELLO")) {
        Ok(hello) => Ok(field(&hello, "mode").is_some_and(|mode| mode == "cluster")),
        // Before 6.0 it is not known. That the server is too old is told with its version.
        Err(RedisError::Answered { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Some slots of a cluster that one primary serves.
pub(crate) struct Range {
    pub(crate) first: u16,
    pub(crate) last: u16,
    /// Empty where a node does not know its own.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// What CLUSTER SLOTS answers.
pub(crate) fn ranges(slots: &Value) -> Vec<Range> {
    let range = |range: &Value| {
        let [first, last, primary, ..] = range.as_sequence()? else { return None };
        let [host, port, ..] = primary.as_sequence()? else { return None };
        let number = |value: &Value| u16::from_redis_value_ref(value).ok();
        let host = String::from_redis_value_ref(host).unwrap_or_default();
        Some(Range { first: number(first)?, last: number(last)?, host, port: number(port)? })
    };
    slots.as_sequence().unwrap_or_default().iter().filter_map(range).collect()
}

/// Hosts and ports of all primaries of a cluster, as one of its nodes tells them.
pub(crate) fn nodes(connections: &Connections) -> Result<Vec<(String, u16)>, RedisError> {
    let slots = connections.ask("CLUSTER SLOTS", cmd("CLUSTER").arg("SLOTS").to_owned())?;
    // A node that does not know its own name leaves it empty: it is the one that was asked, which is known.
    let named = ranges(&slots).into_iter().filter(|range| !range.host.is_empty());
    let mut nodes: Vec<(String, u16)> = named.map(|range| (range.host, range.port)).collect();
    nodes.sort();
    nodes.dedup();
    Ok(nodes)
}

/// Looks at every primary: is it new enough, and what should be known?
///
/// # Errors
/// When one is too old, or cannot be asked.
pub fn check(connections: &Connections) -> Result<Checked, RedisError> {
    checked(connections.address(), &|name, command| connections.ask_each_primary(name, command))
}

/// As [`check`], of those nodes that can be reached.
///
/// # Errors
/// When one is too old, or none can be asked.
pub fn check_nodes(nodes: &Nodes) -> Result<Checked, RedisError> {
    checked(nodes.address(), &|name, command| nodes.ask_each_primary(name, command))
}

/// Asks each primary the same.
type AskEach<'a> = &'a dyn Fn(&'static str, redis::Cmd) -> Result<Vec<Value>, RedisError>;

fn checked(address: &Address, ask: AskEach<'_>) -> Result<Checked, RedisError> {
    let mut notices = Vec::new();
    let mut oldest: Option<Version> = None;
    for version in versions(ask)? {
        if version < Version::new(8, 0, 0) {
            return Err(RedisError::TooOld { address: address.to_string(), version: version.to_string() });
        }
        oldest = Some(oldest.map_or(version, |oldest| oldest.min(version)));
    }
    let no_threads = match oldest.and_then(|version| Some((version, version.mended_in()?))) {
        Some((version, mended)) => {
            notices.push(Notice::BelowSecurityFloor { version, mended });
            true
        }
        // Of a server that does not tell its version the worse is assumed.
        None => oldest.is_none(),
    };
    Ok(Checked { oldest, no_threads, memory: memory(ask)?, notices })
}

fn versions(ask: AskEach<'_>) -> Result<Vec<Version>, RedisError> {
    // INFO may be forbidden; HELLO never is, but servers before 6.0 do not know it.
    let told = match ask("INFO", cmd("INFO").arg("server").to_owned()) {
        Ok(answers) => answers.iter().filter_map(|answer| info_field(answer, "redis_version")).collect(),
        Err(RedisError::NotPermitted { .. }) => {
            let answers = ask("HELLO", cmd("HELLO"))?;
            answers.iter().filter_map(|answer| field(answer, "version")).collect::<Vec<_>>()
        }
        Err(error) => return Err(error),
    };
    Ok(told.iter().filter_map(|version| Version::parse(version)).collect())
}

fn memory(ask: AskEach<'_>) -> Result<Memory, RedisError> {
    let answers = match ask("INFO", cmd("INFO").arg("memory").to_owned()) {
        Ok(answers) => answers,
        Err(RedisError::NotPermitted { .. }) => return Ok(Memory::Unknown),
        Err(error) => return Err(error),
    };
    let policy = |answer: &Value| {
        let limited = info_field(answer, "maxmemory").is_some_and(|limit| limit != "0");
        Some((info_field(answer, "maxmemory_policy")?, limited))
    };
    Ok(Memory::Policies(answers.iter().filter_map(policy).collect()))
}

/// A field of what INFO answers.
fn info_field(answer: &Value, name: &str) -> Option<String> {
    let text = String::from_redis_value_ref(answer).ok()?;
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned()))
}

/// A field of a map, which older protocols write as an array of names and values.
pub(crate) fn field(answer: &Value, name: &str) -> Option<String> {
    let pairs = answer.as_map_iter()?;
    for (key, value) in pairs {
        if String::from_redis_value_ref(key).is_ok_and(|key| key == name) {
            return String::from_redis_value_ref(value).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_below_the_floor_of_their_line_are_known() {
        for (version, mended) in [
            ("8.0.0", Some("8.2.9")),
            ("8.2.3", Some("8.2.9")),
            ("8.2.8-rc1", Some("8.2.9")),
            ("8.2.9", None),
            ("8.2.10", None),
            ("8.4.5", Some("8.4.6")),
            ("8.4.6", None),
            ("8.6.5", Some("8.6.6")),
            ("8.8.1", Some("8.8.2")),
            ("8.8.2", None),
            ("8.10.0", Some("8.10.1")),
            ("8.10.1", None),
            ("8.12.0", None),
            ("9.0", None),
        ] {
            let found = Version::parse(version).unwrap().mended_in().map(|version| version.to_string());
            assert_eq!(found.as_deref(), mended, "{version}");
        }
        for text in ["", "unstable", "8"] {
            assert_eq!(Version::parse(text), None);
        }
    }
}
