//! Where a Redis is, from one line that a user wrote.

use std::fmt;
use std::path::PathBuf;

use crate::RedisError;

/// Where a Redis is: one server, or a cluster.
///
/// | line | what it is |
/// |---|---|
/// | `redis://[user[:password]@]host[:port]...` | one server, or any node of a cluster |
/// | `redis+cluster://[user[:password]@]host[:port],host[:port],...` | a cluster, with several nodes to ask first |
///
/// `rediss` instead of `redis` means TLS; `?ca=FILE` names the certificates (PEM) to trust instead of the system's.
/// What is special in a user's name or password is written in percent code, as in every URL. What stands after the host is up to
/// whoever keeps something there: see [`Line`].
///
/// Nothing that prints an address prints a password: `Debug` and `Display` leave user and password out.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// The nodes to ask first, at least one, each as a URL of the crate `redis`, password included.
    pub(crate) nodes: Vec<String>,
    /// It was said that this is a cluster. If it was not, the server is asked.
    pub cluster: bool,
    /// Certificates to trust instead of the system's.
    pub(crate) certificates: Option<PathBuf>,
    /// As it may be shown.
    shown: String,
    /// What must never be shown, decoded and as it was written.
    secrets: Vec<String>,
}

/// A line in its parts: an address, and what stands behind it.
#[derive(Clone)]
pub struct Line {
    scheme: String,
    cluster: bool,
    credentials: Option<String>,
    hosts: Vec<String>,
    certificates: Option<PathBuf>,
    /// What stands between the host and a `?`, without the first slash.
    pub path: String,
    /// What stands behind `?`, without `ca`: names and values.
    pub fields: Vec<(String, String)>,
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    ///
    /// [`RedisError::Address`] if it names no Redis. The message repeats no password.
    pub fn parse(line: &str) -> Result<Line, RedisError> {
        let wrong = |reason: String| RedisError::Address { reason };
        let (scheme, rest) = line.split_once("://").ok_or_else(|| wrong("it has no `://`".into()))?;
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
        let host = rest.find(['/', '?']).unwrap_or(rest.len());
        if rest[host..].contains('@') {
            // Part of the password would be taken for the rest of the address, and shown.
            return Err(wrong(
                "it has an `@` behind the host. In a user's name or password write %2F for `/`, %3F for `?` and %40 for `@`".into(),
            ));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (Some(credentials.to_owned()), rest),
            None => (None, rest),
        };
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let hosts: Vec<String> = hosts.split(',').map(str::to_owned).collect();
        if hosts.len() > 1 && !cluster {
            return Err(wrong("it names several hosts; for a cluster write redis+cluster://".into()));
        }
        let mut certificates = None;
        let mut fields = Vec::new();
        for (name, value) in form_fields(query) {
            match name.as_str() {
                "ca" if scheme == "rediss" && !value.is_empty() => certificates = Some(PathBuf::from(value)),
                _ => fields.push((name, value)),
            }
        }
        let (scheme, path) = (scheme.to_owned(), path.to_owned());
        Ok(Line { scheme, cluster, credentials, hosts, certificates, path, fields })
    }

    /// The address, of the database with this number.
    ///
    /// # Errors
    ///
    /// [`RedisError::Address`] if a host cannot be read, or a cluster should have several databases.
    pub fn address(self, database: u32) -> Result<Address, RedisError> {
        let wrong = |reason: String| RedisError::Address { reason };
        let Line { scheme, cluster, credentials, hosts, certificates, .. } = self;
        if cluster && database != 0 {
            return Err(wrong("a cluster has one database, number 0".into()));
        }
        let nodes: Vec<String> = (hosts.iter())
            .map(|host| match &credentials {
                Some(credentials) => format!("{scheme}://{credentials}@{host}/{database}"),
                None => format!("{scheme}://{host}/{database}"),
            })
            .collect();
        for (node, host) in nodes.iter().zip(&hosts) {
            // What the parser says of a node might repeat the password.
            if host.is_empty() || redis::IntoConnectionInfo::into_connection_info(node.as_str()).is_err() {
                return Err(wrong(format!("`{host}` with its user and password is not an address")));
            }
        }
        let suffix = if cluster { "+cluster" } else { "" };
        let shown = format!("{scheme}{suffix}://{}/{database}", hosts.join(","));
        let secrets = credentials.as_deref().map(secrets_of).unwrap_or_default();
        Ok(Address { nodes, cluster, certificates, shown, secrets })
    }
}

impl Address {
    /// The same cluster, with all of these nodes to ask first: hosts and ports.
    pub(crate) fn with_nodes(&self, nodes: &[(String, u16)]) -> Address {
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

    /// One node of the same cluster: its host and port.
    pub(crate) fn node(&self, host: &str, port: u16) -> Address {
        let mut node = self.with_nodes(&[(host.to_owned(), port)]);
        node.nodes.drain(..node.nodes.len() - 1);
        let scheme = self.nodes[0].split("://").next().unwrap_or("redis");
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let shown = format!("{scheme}://{host}:{port}/0");
        Address { cluster: false, shown, ..node }
    }

    /// The nodes to ask first, each as an address of its own.
    pub(crate) fn seeds(&self) -> impl Iterator<Item = Address> + '_ {
        let scheme = self.nodes[0].split("://").next().unwrap_or("redis");
        self.nodes.iter().map(move |node| {
            let behind = node.rsplit('@').next().unwrap_or(node);
            let shown = format!("{scheme}://{}", behind.split("://").last().unwrap_or(behind));
            Address { nodes: vec![node.clone()], cluster: false, shown, ..self.clone() }
        })
    }

    /// The same text without this address's password, for texts that a server or a library wrote: some of them repeat
    /// the commands that they were sent.
    pub fn without_secrets(&self, text: &str) -> String {
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

    fn parse(line: &str) -> Result<Address, RedisError> {
        Line::parse(line)?.address(0)
    }

    #[test]
    fn lines_say_where() {
        for (line, shown, nodes, cluster, path) in [
            ("redis://host", "redis://host/0", vec!["redis://host/0"], false, ""),
            ("redis://host:1/3", "redis://host:1/0", vec!["redis://host:1/0"], false, "3"),
            ("rediss://u:p@host/name?a=b", "rediss://host/0", vec!["rediss://u:p@host/0"], false, "name"),
            (
                "redis+cluster://u:p%40q@a:1,b:2,[::1]:3",
                "redis+cluster://a:1,b:2,[::1]:3/0",
                vec!["redis://u:p%40q@a:1/0", "redis://u:p%40q@b:2/0", "redis://u:p%40q@[::1]:3/0"],
                true,
                "",
            ),
        ] {
            let parts = Line::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(parts.path, path, "{line}");
            let address = parts.address(0).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(
                (address.to_string().as_str(), &address.nodes, address.cluster),
                (shown, &nodes.iter().map(|it| (*it).to_owned()).collect(), cluster)
            );
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
            let address = parse(line).unwrap().with_nodes(&nodes);
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
            ("redis://u:hunter2@", "is not an address"),
            ("redis://u:x/hunter2@host/notes", "%2F"),
            ("redis://u:x?hunter2@host/notes", "%3F"),
            ("redis://u:hunter2@host:99999999", "is not an address"),
            ("rediss://u:hunter2@host#insecure", "%23"),
        ] {
            let error = parse(line).expect_err(line).to_string();
            assert!(error.contains(says), "{line}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let error = Line::parse("redis+cluster://u:hunter2@host").unwrap().address(2).unwrap_err().to_string();
        assert!(error.contains("one database"), "{error}");
    }

    #[test]
    fn a_password_is_never_shown() {
        let address = parse("redis://me:p%40ss%2Fword@host").unwrap();
        for shown in [format!("{address}"), format!("{address:?}"), format!("{:?}", Some(&address))] {
            assert!(!shown.contains("p%40ss") && !shown.contains("p@ss"), "{shown}");
        }
        let said = "unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'me' 'p@ss/word'";
        assert!(!address.without_secrets(said).contains("p@ss"));
    }
}
