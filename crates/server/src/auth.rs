//! Who asks, and what they may do.

use std::path::{Path, PathBuf};

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::{Code, Failure};

/// The keys that a server knows, by their SHA-256. The keys themselves are nowhere.
///
/// A file of keys has a line for each: a name, the key's SHA-256 in hexadecimal, `read` or `write`, and the indexes and caches that it is
/// for, or `*` for all. What follows `#` is a comment.
///
/// ```text
/// # name    sha256 of the key                                                   rights  indexes
/// frontend  9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  read    *
/// ingest    60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752  write   notes,wiki
/// ```
///
/// A fast hash is enough, for a key is no password: make it of 32 random bytes.
/// `KEY=$(openssl rand -hex 32); printf %s "$KEY" | sha256sum`.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<Key>);

#[derive(Clone, Debug)]
struct Key {
    sha256: [u8; 32],
    caller: Caller,
}

/// Who asks, as far as the server knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The key's name; empty where no keys are asked for.
    pub name: String,
    /// What the key is for.
    pub rights: Rights,
    /// The indexes and caches that it is for; none means all.
    pub indexes: Option<Vec<String>>,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Asking.
    Read,
    /// Asking, adding documents and removing them, storing in caches.
    Write,
}

/// A file of keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// It cannot be read.
    #[error("cannot read the keys in {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is not a key.
    #[error(
        "{path}:{line}: {problem}. A line is `NAME SHA256 read|write INDEXES`, where INDEXES is `*` or names with commas between"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// It has no keys, so nobody could ask.
    #[error("{path} has no keys, so nobody could ask anything: add one, or leave --keys out")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl Keys {
    /// Reads a file of keys.
    ///
    /// # Errors
    /// When it cannot be read, or a line is not a key.
    pub fn read(path: &Path) -> Result<Keys, KeysError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| KeysError::Unreadable { path: path.to_owned(), source })?;
        let keys =
            Keys::parse(&text).map_err(|(line, problem)| KeysError::Line { path: path.to_owned(), line, problem })?;
        match keys.0.is_empty() {
            true => Err(KeysError::Empty { path: path.to_owned() }),
            false => Ok(keys),
        }
    }

    fn parse(text: &str) -> Result<Keys, (usize, &'static str)> {
        let mut keys: Vec<Key> = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            let content = line.split('#').next().unwrap_or_default();
            let fields: Vec<&str> = content.split_whitespace().collect();
            let key = match fields.as_slice() {
                [] => continue,
                [name, sha256, rights, indexes] => Key {
                    sha256: hexadecimal(sha256).ok_or((number, "the SHA-256 is not 64 hexadecimal digits"))?,
                    caller: Caller {
                        name: (*name).to_owned(),
                        rights: match *rights {
                            "read" => Rights::Read,
                            "write" => Rights::Write,
                            _ => return Err((number, "the third field is neither `read` nor `write`")),
                        },
                        indexes: (*indexes != "*")
                            .then(|| indexes.split(',').map(str::to_owned).filter(|it| !it.is_empty()).collect()),
                    },
                },
                _ => return Err((number, "it has not four fields")),
            };
            if keys.iter().any(|other| other.sha256 == key.sha256) {
                return Err((number, "the same key stands in another line"));
            }
            keys.push(key);
        }
        Ok(Keys(keys))
    }

    /// Who asks with these headers.
    ///
    /// # Errors
    /// Without a key, and with one that is not known.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, Failure> {
        let given = given_key(headers).ok_or_else(|| {
            Failure::new(Code::Unauthorized, "this server asks for a key: send `Authorization: Bearer KEY`")
        })?;
        let sha256: [u8; 32] = Sha256::digest(given.as_bytes()).into();
        // All are compared, each in constant time: how long it takes says nothing about any of them.
        let mut found = None;
        for key in &self.0 {
            if bool::from(key.sha256.ct_eq(&sha256)) {
                found = Some(&key.caller);
            }
        }
        found.cloned().ok_or_else(|| Failure::new(Code::Unauthorized, "this server does not know that key"))
    }
}

/// The key in the headers: `Authorization: Bearer KEY`, as some clients send it without `Bearer`, or `X-API-Key: KEY`.
fn given_key(headers: &HeaderMap) -> Option<&str> {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let bearer = value(header::AUTHORIZATION).map(|value| match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
        _ => value,
    });
    bearer.filter(|key| !key.is_empty() && !key.eq_ignore_ascii_case("bearer")).or(value("x-api-key".parse().ok()?))
}

fn hexadecimal(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

impl Caller {
    /// Somebody, where no keys are asked for.
    pub fn anybody() -> Caller {
        Caller { name: String::new(), rights: Rights::Write, indexes: None }
    }

    /// Whether the key is for this index.
    pub fn may_see(&self, index: &str) -> bool {
        self.indexes.as_ref().is_none_or(|indexes| indexes.iter().any(|it| it == index))
    }

    /// Fails unless the key is for writing.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_writes(&self) -> Result<(), Failure> {
        match self.rights {
            Rights::Write => Ok(()),
            Rights::Read => {
                Err(Failure::new(Code::Forbidden, format!("the key {:?} is for reading, not for writing", self.name)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of "test".
    const TEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn a_key_is_found_however_clients_send_it() {
        let keys = Keys::parse(&format!("# keys\nfrontend {TEST} read notes,wiki # a comment\n\n")).unwrap();
        for (name, value, known) in [
            ("authorization", "Bearer test", true),
            ("authorization", "bearer  test", true),
            ("authorization", "test", true),
            ("x-api-key", "test", true),
            ("authorization", "Bearer other", false),
            ("authorization", "Bearer ", false),
            ("authorization", "Bearer", false),
            ("authorization", "", false),
            ("cookie", "test", false),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            let caller = keys.caller(&headers);
            assert_eq!(caller.is_ok(), known, "{name}: {value}");
            if let Ok(caller) = caller {
                assert!(caller.may_see("wiki") && !caller.may_see("secret") && caller.check_writes().is_err());
            }
        }
    }

    #[test]
    fn wrong_lines_are_told() {
        for (text, line) in [
            (format!("a {TEST} read"), 1),
            (format!("a {TEST} read *\nb {TEST} write *"), 2),
            (format!("\n\na {} read *", &TEST[1..]), 3),
            (format!("a {TEST} admin *"), 1),
            (format!("a +{} read *", &TEST[1..]), 1),
        ] {
            assert_eq!(Keys::parse(&text).unwrap_err().0, line, "{text}");
        }
    }
}
