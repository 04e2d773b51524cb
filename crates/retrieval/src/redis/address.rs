//! Where an index on Redis is: a server or a cluster, and the index's name there.

use std::fmt;
use std::path::{Path, PathBuf};

use vetted_redis::{Address, Line, RedisError};

/// Where an index on Redis is, parsed from one line: `redis://[user[:password]@]host[:port]/[database/]NAME[?shards=N]`, with
/// `rediss` for TLS and `redis+cluster://host:port,host:port/NAME` for several nodes to ask first.
///
/// Nothing that prints an address prints a password.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexAddress {
    /// Where the server is.
    pub(super) server: Address,
    /// The index's name there.
    pub(super) name: String,
    /// How many shards a new index should have, if that was said.
    pub(super) shards: Option<usize>,
    /// As it may be shown.
    shown: PathBuf,
}

/// Shards, at most. Each is asked at every search.
const MOST_SHARDS: usize = 1024;

impl IndexAddress {
    /// Whether a line with this scheme is meant for Redis.
    pub(crate) fn is_scheme(scheme: &str) -> bool {
        matches!(scheme, "redis" | "rediss" | "redis+cluster" | "rediss+cluster")
    }

    /// Reads a line.
    ///
    /// # Errors
    /// [`RedisError::Address`] if it cannot be read. The message repeats no password.
    pub fn parse(line: &str) -> Result<IndexAddress, RedisError> {
        let wrong = |reason: String| RedisError::Address { reason };
        let line = Line::parse(line)?;
        let (database, name) = match line.path.trim_end_matches('/').split_once('/') {
            Some((database, name)) => {
                let number = database.parse().map_err(|_| wrong(format!("`{database}` is not a database's number")))?;
                (number, name.to_owned())
            }
            None => (0, line.path.trim_end_matches('/').to_owned()),
        };
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(1..=64).contains(&name.len()) || !name.bytes().all(allowed) {
            return Err(wrong(
                "behind the host it names no index: 1 to 64 characters of A-Z a-z 0-9 . _ -, as in redis://host:6379/notes".into(),
            ));
        }
        let mut shards = None;
        for (field, value) in &line.fields {
            match (field.as_str(), value.parse()) {
                ("shards", Ok(number)) if (1..=MOST_SHARDS).contains(&number) => shards = Some(number),
                ("shards", _) => return Err(wrong(format!("`shards` is a number from 1 to {MOST_SHARDS}"))),
                _ => {
                    return Err(wrong(format!(
                        "`{field}` cannot be set in this address; there are `shards` and `ca` (with rediss)"
                    )));
                }
            }
        }
        let server = line.address(database)?;
        let shown = PathBuf::from(format!("{server}/{name}"));
        Ok(IndexAddress { server, name, shards, shown })
    }

    /// As it may be shown.
    pub(crate) fn shown(&self) -> &Path {
        &self.shown
    }
}

impl fmt::Display for IndexAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown.display().fmt(formatter)
    }
}

impl fmt::Debug for IndexAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("IndexAddress").field(&self.shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_where_and_which() {
        for (line, shown, name, shards) in [
            ("redis://host/notes", "redis://host/0/notes", "notes", None),
            ("redis://u:hunter2@host:7000/3/my.index?shards=4", "redis://host:7000/3/my.index", "my.index", Some(4)),
            ("rediss+cluster://u:hunter2@a:1,b:2/notes/", "rediss+cluster://a:1,b:2/0/notes", "notes", None),
        ] {
            let address = IndexAddress::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!((address.to_string().as_str(), address.name.as_str(), address.shards), (shown, name, shards));
            assert!(!format!("{address:?}").contains("hunter2"));
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said_without_its_password() {
        for (line, says) in [
            ("redis://u:hunter2@host", "names no index"),
            ("redis://u:hunter2@host/a b", "names no index"),
            ("redis://u:hunter2@host/x/notes", "database's number"),
            ("redis+cluster://u:hunter2@host/2/notes", "one database"),
            ("redis://u:hunter2@host/notes?shards=0", "from 1 to"),
            ("redis://u:hunter2@host/notes?shard=2", "`shard` cannot be set"),
        ] {
            let error = IndexAddress::parse(line).expect_err(line).to_string();
            assert!(error.contains(says), "{line}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
