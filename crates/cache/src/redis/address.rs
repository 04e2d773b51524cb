//! Where a cache is: one line that names the server, the kind of cache and what little can be set.

use std::fmt;

use vetted_redis::{Line, RedisError};

/// Where a cache on Redis is, parsed from one line.
///
/// | line | what it is |
/// |---|---|
/// | `redis://[user[:password]@]host[:port][/database]` | one server, or any node of a cluster |
/// | `redis+cluster://[user[:password]@]host[:port],host[:port],...` | a cluster, with several nodes to ask first |
/// | `redisvl+redis://host[:port][/database]?index=NAME` | a cache that RedisVL made, read in place |
///
/// What these have in common, TLS and passwords among it, says [`vetted_redis::Address`].
///
/// Nothing that prints an address prints a password: `Debug` and `Display` leave user and password out.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Which kind of cache lies there.
    pub layout: Layout,
    /// Where.
    pub(super) server: vetted_redis::Address,
}

/// Who laid out a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// This crate: vector sets of Redis 8.
    VectorSets,
    /// RedisVL's `SemanticCache`: hashes under an index of the query engine.
    RedisVl {
        /// The name of the index, which is also the prefix of its keys.
        index: String,
    },
}

impl Address {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// [`RedisError::Address`] if it is none of those in the table above. The message repeats no password.
    pub fn parse(line: &str) -> Result<Address, RedisError> {
        let wrong = |reason: String| RedisError::Address { reason };
        let (is_redisvl, line) = match line.strip_prefix("redisvl+") {
            Some(line) => (true, line),
            None => (false, line),
        };
        let line = Line::parse(line)?;
        let database = match line.path.as_str() {
            "" => 0,
            number => {
                number.parse().map_err(|_| wrong("what stands after the host is not a database's number".into()))?
            }
        };
        let mut index = None;
        for (name, value) in &line.fields {
            match name.as_str() {
                "index" if is_redisvl && !value.is_empty() => index = Some(value.clone()),
                _ => {
                    let known = "`index` (with redisvl+) and `ca` (with rediss)";
                    return Err(wrong(format!("`{name}` cannot be set in this address; there are {known}")));
                }
            }
        }
        let layout = match is_redisvl {
            true => Layout::RedisVl { index: index.unwrap_or_else(|| "llmcache".to_owned()) },
            false => Layout::VectorSets,
        };
        Ok(Address { layout, server: line.address(database)? })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.layout == Layout::VectorSets { "" } else { "redisvl+" };
        write!(f, "{prefix}{}", self.server)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.to_string()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_where_and_what() {
        let redisvl = |index: &str| Layout::RedisVl { index: index.into() };
        for (line, shown, layout) in [
            ("redis://host", "redis://host/0", Layout::VectorSets),
            ("redis://host:1/3", "redis://host:1/3", Layout::VectorSets),
            ("redis+cluster://u:p%40q@a:1,b:2", "redis+cluster://a:1,b:2/0", Layout::VectorSets),
            (
                "redisvl+redis://:secret@host:6379/1?index=my%20cache",
                "redisvl+redis://host:6379/1",
                redisvl("my cache"),
            ),
            ("redisvl+rediss+cluster://host", "redisvl+rediss+cluster://host/0", redisvl("llmcache")),
        ] {
            let address = Address::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!((address.to_string().as_str(), address.layout), (shown, layout), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said_without_its_password() {
        for (line, says) in [
            ("host:6379", "no `://`"),
            ("redis://u:hunter2@host/x", "database"),
            ("redis+cluster://u:hunter2@host/2", "one database"),
            ("redis://u:hunter2@host?timeout=3", "`timeout` cannot be set"),
            ("redis://u:hunter2@host?index=x", "`index` cannot be set"),
            ("redis://u:hunter2@host?ca=x", "`ca` cannot be set"),
        ] {
            let error = Address::parse(line).expect_err(line).to_string();
            assert!(error.contains(says), "{line}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let address = Address::parse("redisvl+redis://me:p%40ss%2Fword@host").unwrap();
        for shown in [format!("{address}"), format!("{address:?}"), format!("{:?}", Some(&address))] {
            assert!(!shown.contains("p%40ss") && !shown.contains("p@ss"), "{shown}");
        }
    }
}
