//! Where an index on Qdrant is: a server, and the collection's name there.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, ServerProblem};

/// Where an index on Qdrant is, parsed from one line: `qdrant://[:KEY@]host[:port]/NAME[?shards=N][&replicas=N]`, with `qdrants` for TLS.
/// Where no key is written there, the variable `QDRANT_API_KEY` is asked.
///
/// Nothing that prints an address prints a key.
#[derive(Clone, PartialEq, Eq)]
pub struct QdrantAddress {
    /// The server as the client wants it: `http://host:port`.
    pub(super) server: String,
    /// The key, decoded.
    pub(super) key: Option<String>,
    /// The collection's name.
    pub(super) name: String,
    /// Shards of a new collection, if that was said.
    pub(super) shards: Option<u32>,
    /// How many nodes keep each of them, if that was said.
    pub(super) replicas: Option<u32>,
    /// As it may be shown.
    shown: PathBuf,
}

/// Where Qdrant listens for gRPC.
const PORT: u16 = 6334;
/// The variable that may have the key.
const KEY: &str = "QDRANT_API_KEY";

impl QdrantAddress {
    /// Whether a line with this scheme is meant for Qdrant.
    pub(crate) fn is_scheme(scheme: &str) -> bool {
        matches!(scheme, "qdrant" | "qdrants")
    }

    /// Reads a line.
    ///
    /// # Errors
    /// [`Error::Server`] if it cannot be read. The message repeats no key.
    pub fn parse(line: &str) -> Result<QdrantAddress> {
        QdrantAddress::parse_with(line, std::env::var(KEY).ok().filter(|key| !key.is_empty()))
    }

    fn parse_with(line: &str, key: Option<String>) -> Result<QdrantAddress> {
        let (scheme, rest) = line.split_once("://").ok_or_else(|| wrong("it has no `://`"))?;
        let protocol = match scheme {
            "qdrant" => "http",
            "qdrants" => "https",
            _ => return Err(wrong("it begins neither with qdrant:// nor with qdrants://")),
        };
        if rest.contains('#') {
            return Err(wrong("it has a `#`, which means nothing here; in a key write %23"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        let key = match credentials.map(|credentials| credentials.strip_prefix(':')) {
            None => key,
            Some(Some(key)) if !key.is_empty() => Some(decoded(key)),
            Some(_) => return Err(wrong("before the `@` stands no key: write `:KEY@`")),
        };
        // What goes into a header is visible ASCII.
        if key.as_deref().is_some_and(|key| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(wrong("its key has a character that no key has"));
        }
        let (host, name) = rest.split_once('/').unwrap_or((rest, ""));
        let name = name.trim_end_matches('/');
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(1..=64).contains(&name.len()) || !name.bytes().all(allowed) {
            return Err(wrong(
                "behind the host it names no index: 1 to 64 characters of A-Z a-z 0-9 . _ -, as in qdrant://host:6334/notes",
            ));
        }
        let host = with_port(host).ok_or_else(|| wrong("its host is no host, or its port is none"))?;
        let (mut shards, mut replicas) = (None, None);
        for field in query.split('&').filter(|field| !field.is_empty()) {
            let (field, value) = field.split_once('=').unwrap_or((field, ""));
            let into = match field {
                "shards" => &mut shards,
                "replicas" => &mut replicas,
                _ => return Err(wrong(&format!("`{field}` cannot be set in it; there are `shards` and `replicas`"))),
            };
            match value.parse() {
                Ok(number @ 1..=1024) => *into = Some(number),
                _ => return Err(wrong(&format!("`{field}` is a number from 1 to 1024"))),
            }
        }
        let (server, shown) = (format!("{protocol}://{host}"), format!("{scheme}://{host}/{name}").into());
        Ok(QdrantAddress { server, key, name: name.to_owned(), shards, replicas, shown })
    }

    /// The collection of the passages. No index has such a name.
    pub(super) fn passages(&self) -> String {
        format!("{}~passages", self.name)
    }

    /// As it may be shown.
    pub(crate) fn shown(&self) -> &Path {
        &self.shown
    }

    /// The same text without the key: some messages repeat what was sent.
    pub(super) fn without_key(&self, text: &str) -> String {
        match &self.key {
            Some(key) => text.replace(key, "***"),
            None => text.to_owned(),
        }
    }
}

impl fmt::Display for QdrantAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown.display().fmt(formatter)
    }
}

impl fmt::Debug for QdrantAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("QdrantAddress").field(&self.shown).finish()
    }
}

fn wrong(reason: &str) -> Error {
    let message =
        format!("the address cannot be read: {reason}. Write it like qdrant://host:6334/NAME, with the key in {KEY}");
    Error::Server { problem: ServerProblem::Address, message }
}

/// A host with its port, or with the usual one; `None` if that cannot be.
fn with_port(host: &str) -> Option<String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_allowed) {
        return None;
    }
    // The colons within brackets are those of an IPv6 address.
    let behind = host.rfind(']').map_or(0, |at| at + 1);
    match host[behind..].split_once(':') {
        None => Some(format!("{host}:{PORT}")),
        Some((name, port)) => {
            let is_host = behind > 0 || !name.is_empty();
            (is_host && port.parse::<u16>().is_ok_and(|port| port > 0)).then(|| host.to_owned())
        }
    }
}

/// Percent code resolved. What is no code stays as it is.
fn decoded(text: &str) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let code = (*first == b'%').then(|| others.get(..2)).flatten().and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                rest = &others[2..];
            }
            None => {
                plain.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_where_and_which() {
        for (line, shown, server, key) in [
            ("qdrant://host/notes", "qdrant://host:6334/notes", "http://host:6334", Some("outer")),
            ("qdrants://:hun%23ter2@host:1/my.index/", "qdrants://host:1/my.index", "https://host:1", Some("hun#ter2")),
            ("qdrant://[::1]/a", "qdrant://[::1]:6334/a", "http://[::1]:6334", Some("outer")),
            ("qdrant://[::1]:7/a?shards=3&replicas=2", "qdrant://[::1]:7/a", "http://[::1]:7", Some("outer")),
        ] {
            let address =
                QdrantAddress::parse_with(line, Some("outer".into())).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!((address.to_string().as_str(), address.server.as_str()), (shown, server), "{line}");
            assert_eq!(address.key.as_deref(), key, "{line}");
            assert!(!format!("{address:?}{address}").contains("ter2"));
            assert!(
                !address.without_key("it says hun#ter2").contains("hun#ter2")
                    || line.contains("host/notes")
                    || line.contains("::1")
            );
        }
        let address = QdrantAddress::parse_with("qdrant://h/a?shards=3&replicas=2", None).unwrap();
        assert_eq!((address.shards, address.replicas, address.key), (Some(3), Some(2), None));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said_without_its_key() {
        for (line, says) in [
            ("qdrant://:hunter2@host", "names no index"),
            ("qdrant://:hunter2@host/a b", "names no index"),
            ("qdrant://:hunter2@host/a/b", "names no index"),
            ("qdrant://:hunter2@/notes", "no host"),
            ("qdrant://:hunter2@host:0/notes", "no host"),
            ("qdrant://:hunter2@host:x/notes", "no host"),
            ("qdrant://:hunter2@:6334/notes", "no host"),
            ("qdrant://hunter2@host/notes", ":KEY@"),
            ("qdrant://:@host/notes", ":KEY@"),
            ("qdrant://:hunter2%0a@host/notes", "character"),
            ("qdrant://:hunter2@host/notes?shards=0", "from 1 to"),
            ("qdrant://:hunter2@host/notes?ca=x", "`ca` cannot be set"),
            ("qdrant://:hunter2#@host/notes", "%23"),
            ("http://:hunter2@host/notes", "begins neither"),
        ] {
            let error = QdrantAddress::parse_with(line, None).expect_err(line).to_string();
            assert!(error.contains(says), "{line}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
