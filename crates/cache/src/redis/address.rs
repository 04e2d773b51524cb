//! Where a cache is: one line that names the server, the kind of cache and what little can be set.

use std::fmt;
use std::path::PathBuf;

use super::RedisError;

/// Where a cache on Redis is, parsed from one line.
///
/// | line | what it is |
/// |---|---|
/// | `redis://[user[:password]@]host[:port][/database]` | one server, or any node of a cluster |
/// | `redis+cluster://[user[:password]@]host[:port],host[:port],...` | a cluster, with several nodes to ask first |
/// | `redisvl+redis://host[:port][/database]?index=NAME` | a cache that RedisVL made, read in place |
///
/// `rediss` instead of `redis` means TLS; `?ca=FILE` names the certificates (PEM) to trust instead of the system's.
/// What is special in a user's name or password is written in percent code, as in every URL.
///
/// Nothing that prints an address prints a password: `Debug` and `Display` leave user and password out.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Which kind of cache lies there.
    pub layout: Layout,
    /// The nodes to ask first, at least one, each as a URL of the crate `redis`, password included.
    pub(super) nodes: Vec<String>,
    /// It was said that this is a cluster. If it was not, the server is asked.
    pub(super) cluster: bool,
    /// Certificates to trust instead of the system's.
    pub(super) certificates: Option<PathBuf>,
    /// As it may be shown.
    shown: String,
    /// What must never be shown, decoded and as it was written.
    secrets: Vec<String>,
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
        let (scheme, rest) = line.split_once("://").ok_or_else(|| wrong("it has no `://`".into()))?;
        let (is_redisvl, scheme) = match scheme.strip_prefix("redisvl+") {
            Some(scheme) => (true, scheme),
            None => (false, scheme),
        };
        let (cluster, scheme) = match scheme.strip_suffix("+cluster") {
            Some(scheme) => (true, scheme),
            None => (false, scheme),
        };
        if !matches!(scheme, "redis" | "rediss") {
            return Err(wrong("it begins with none of redis://, rediss://, redis+cluster://, redisvl+redis://".into()));
        }
        if rest.contains('#') {
            return Err(wrong("it has a `#`, which means nothing here; in a password write %23".into()));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        let (hosts, database) = rest.split_once('/').unwrap_or((rest, ""));
        let database = match database {
            "" => 0,
            number => {
                number.parse().map_err(|_| wrong("what stands after the host is not a database's number".into()))?
            }
        };
        if cluster && database != 0u32 {
            return Err(wrong("a cluster has one database, number 0".into()));
        }
        let hosts: Vec<&str> = hosts.split(',').collect();
        if hosts.len() > 1 && !cluster {
            return Err(wrong("it names several hosts; for a cluster write redis+cluster://".into()));
        }
        let nodes: Vec<String> = (hosts.iter())
            .map(|host| match credentials {
                Some(credentials) => format!("{scheme}://{credentials}@{host}/{database}"),
                None => format!("{scheme}://{host}/{database}"),
            })
            .collect();
        for (node, host) in nodes.iter().zip(&hosts) {
            // What the parser says of a node might repeat the password.
            if host.is_empty() || ::redis::IntoConnectionInfo::into_connection_info(node.as_str()).is_err() {
                return Err(wrong(format!("`{host}` with its user and password is not an address")));
            }
        }

        let (mut index, mut certificates) = (None, None);
        for (name, value) in form_fields(query) {
            match name.as_str() {
                "index" if is_redisvl && !value.is_empty() => index = Some(value),
                "ca" if scheme == "rediss" && !value.is_empty() => certificates = Some(PathBuf::from(value)),
                _ => {
                    let known = "`index` (with redisvl+) and `ca` (with rediss)";
                    return Err(wrong(format!("`{name}` cannot be set in this address; there are {known}")));
                }
            }
        }
        let layout = if is_redisvl {
            Layout::RedisVl { index: index.unwrap_or_else(|| "llmcache".to_owned()) }
        } else {
            Layout::VectorSets
        };
        let prefix = if is_redisvl { "redisvl+" } else { "" };
        let suffix = if cluster { "+cluster" } else { "" };
        Ok(Address {
            layout,
            nodes,
            cluster,
            certificates,
            shown: format!("{prefix}{scheme}{suffix}://{}/{database}", hosts.join(",")),
            secrets: credentials.map(secrets_of).unwrap_or_default(),
        })
    }

    /// The same cluster, with all of these nodes to ask first: hosts and ports.
    pub(super) fn with_nodes(&self, nodes: &[(String, u16)]) -> Address {
        let first = &self.nodes[0];
        let before_host = first.rfind('@').map_or_else(|| first.find("://").map_or(0, |at| at + 3), |at| at + 1);
        let more = nodes.iter().map(|(host, port)| {
            let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
            format!("{}{host}:{port}/0", &first[..before_host])
        });
        let mut all = self.nodes.clone();
        all.extend(more);
        Address { cluster: true, nodes: all, ..self.clone() }
    }

    /// The same text without this address's password, for texts that a server or a library wrote: some of them repeat
    /// the commands that they were sent.
    pub(super) fn without_secrets(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.shown).finish()
    }
}

/// The password, as it stands in the address and as it is sent.
fn secrets_of(credentials: &str) -> Vec<String> {
    let Some((_, password)) = credentials.split_once(':') else { return Vec::new() };
    let mut secrets = vec![password.to_owned(), decoded(password)];
    secrets.dedup();
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

/// The fields of a query, `name=value&name=value`.
fn form_fields(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|field| !field.is_empty()).map(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        (decoded(name), decoded(value))
    })
}

/// Percent code resolved. What is no code stays as it is.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_where_and_what() {
        for (line, shown, nodes, cluster, layout) in [
            ("redis://host", "redis://host/0", vec!["redis://host/0"], false, Layout::VectorSets),
            ("redis://host:1/3", "redis://host:1/3", vec!["redis://host:1/3"], false, Layout::VectorSets),
            ("rediss://u:p@host", "rediss://host/0", vec!["rediss://u:p@host/0"], false, Layout::VectorSets),
            (
                "redis+cluster://u:p%40q@a:1,b:2,[::1]:3",
                "redis+cluster://a:1,b:2,[::1]:3/0",
                vec!["redis://u:p%40q@a:1/0", "redis://u:p%40q@b:2/0", "redis://u:p%40q@[::1]:3/0"],
                true,
                Layout::VectorSets,
            ),
            (
                "redisvl+redis://:secret@host:6379/1?index=my%20cache",
                "redisvl+redis://host:6379/1",
                vec!["redis://:secret@host:6379/1"],
                false,
                Layout::RedisVl { index: "my cache".into() },
            ),
            (
                "redisvl+rediss+cluster://host",
                "redisvl+rediss+cluster://host/0",
                vec!["rediss://host/0"],
                true,
                Layout::RedisVl { index: "llmcache".into() },
            ),
        ] {
            let address = Address::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(address.to_string(), shown);
            assert_eq!(address.nodes, nodes);
            assert_eq!((address.cluster, address.layout), (cluster, layout), "{line}");
        }
    }

    #[test]
    fn nodes_that_a_cluster_names_are_asked_with_the_same_password() {
        let nodes = [("10.0.0.1".to_owned(), 7001), ("::1".to_owned(), 7002)];
        for (line, expected) in [
            (
                "rediss+cluster://u:p%40@host",
                ["rediss://u:p%40@host/0", "rediss://u:p%40@10.0.0.1:7001/0", "rediss://u:p%40@[::1]:7002/0"],
            ),
            ("redis://host:1", ["redis://host:1/0", "redis://10.0.0.1:7001/0", "redis://[::1]:7002/0"]),
        ] {
            let address = Address::parse(line).unwrap().with_nodes(&nodes);
            assert!(address.cluster);
            assert_eq!(address.nodes, expected);
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said_without_its_password() {
        for (line, says) in [
            ("host:6379", "no `://`"),
            ("http://u:hunter2@host", "begins with none of"),
            ("redis://u:hunter2@a,b", "redis+cluster://"),
            ("redis://u:hunter2@host/x", "database"),
            ("redis+cluster://u:hunter2@host/2", "one database"),
            ("redis://u:hunter2@", "is not an address"),
            ("redis://u:hunter2@host:99999999", "is not an address"),
            ("redis://u:hunter2@host?timeout=3", "`timeout` cannot be set"),
            ("redis://u:hunter2@host?index=x", "`index` cannot be set"),
            ("redis://u:hunter2@host?ca=x", "`ca` cannot be set"),
            ("rediss://u:hunter2@host#insecure", "%23"),
        ] {
            let error = Address::parse(line).expect_err(line).to_string();
            assert!(error.contains(says), "{line}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let address = Address::parse("redis://me:p%40ss%2Fword@host").unwrap();
        for shown in [format!("{address}"), format!("{address:?}"), format!("{:?}", Some(&address))] {
            assert!(!shown.contains("p%40ss") && !shown.contains("p@ss"), "{shown}");
        }
        let said = "unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'me' 'p@ss/word'";
        assert!(!address.without_secrets(said).contains("p@ss"));
    }
}
