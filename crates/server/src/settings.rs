//! What a server is told when it is started.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use vetted::retrieval::Place;
use vetted::{Precision, VerifierSource};
use vetted_cache::MemoryLimits;
use vetted_cache::redis::Address as RedisAddress;

/// Where a server listens, what it serves, and how much of it.
#[derive(Clone)]
pub struct Settings {
    /// Where it listens. Beyond the machine itself only with keys, unless [`open_to_all`](Self::open_to_all).
    pub listen: SocketAddr,
    /// The indexes; none for verification, reranking and embeddings alone.
    pub indexes: Vec<IndexSettings>,
    /// The caches.
    pub caches: Vec<NamedCache>,
    /// How much each cache keeps, and how it serves.
    pub cache: CacheLimits,
    /// Whether documents can be added and removed. If not, another process may do it.
    pub writable: bool,
    /// Who judges.
    pub verifier: VerifierSource,
    /// A calibration by which `/v1/verify` decides where its relation is asked; made for this verifier.
    pub calibration: Option<PathBuf>,
    /// The encoder of new indexes, and of embeddings where there is no index; the default one unless told.
    pub model: Option<String>,
    /// The arithmetic where there is no index; an index has its own.
    pub precision: Option<Precision>,
    /// A file of hashed keys ([`Keys`](crate::Keys)); without one, everybody may do everything.
    pub keys: Option<PathBuf>,
    /// Whether it may listen beyond the machine without keys.
    pub open_to_all: bool,
    /// Certificate and key, for TLS.
    pub tls: Option<TlsFiles>,
    /// Web pages of these origins may ask (`https://chat.example`), besides those on the machine itself.
    pub origins: Vec<String>,
    /// Names, besides the machine's own, under which a server without keys on the machine itself may be asked for.
    pub hosts: Vec<String>,
    /// The OTLP collector (`http://127.0.0.1:4318`) that is told of requests and searches; none for none.
    pub otlp: Option<String>,
    /// How much it takes.
    pub limits: Limits,
}

/// An index and its name.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexSettings {
    /// What requests call it.
    pub name: String,
    /// Its folder, or its address ([`Place`]); made where there is none, if the server is writable.
    pub folder: PathBuf,
}

/// Without the password of an address.
impl fmt::Debug for IndexSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = Place::parse(&self.folder).map(|place| place.to_string()).unwrap_or_default();
        formatter.debug_struct("IndexSettings").field("name", &self.name).field("folder", &place).finish()
    }
}

/// A cache and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCache {
    /// What requests call it.
    pub name: String,
    /// Where its entries are.
    pub store: CacheStore,
}

/// Where a cache keeps its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheStore {
    /// In this process, with a log in a folder, which is made where there is none.
    Folder(PathBuf),
    /// On Redis.
    Redis(RedisAddress),
}

/// How much each cache keeps, and how it serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheLimits {
    /// So many entries and bytes; on Redis, so many entries of each scope.
    pub memory: MemoryLimits,
    /// Where decisions of caches on Redis are written down, a folder for each cache; those of others are in their folders.
    pub decisions: Option<PathBuf>,
    /// How long entries live that are stored without a time of their own; none for ever.
    pub ttl: Option<Duration>,
    /// Decides and writes down, and serves nothing.
    pub shadow: bool,
    /// Whether prompts are written down with decisions.
    pub log_prompts: bool,
}

/// PEM files for TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, with those that it rests on.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How much a server takes at once. What goes beyond is refused with a status that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one body (413).
    pub body_bytes: usize,
    /// Bytes of all bodies that are being read or answered, and of what they take once they are parsed: this bounds the server's
    /// memory (429, and 422 for a body that takes more by itself).
    pub bytes_in_flight: usize,
    /// Texts of one request: documents to rerank, candidates, pairs, inputs of embeddings (422).
    pub texts: usize,
    /// Bytes of one of these texts (422).
    pub text_bytes: usize,
    /// Bytes of the query and the filters of a search (422).
    pub search_bytes: usize,
    /// Bytes of views of passages that are kept from one rerank for the next; none for none.
    pub kept_views_bytes: usize,
    /// Tokens of all of them together (422).
    pub tokens: usize,
    /// Hits that a search may ask for (422).
    pub hits: usize,
    /// Requests that wait in one queue (429).
    pub queue: usize,
    /// Texts that wait in one queue, where one of more than 512 bytes counts as up to five (429).
    pub queued_texts: usize,
    /// Connections at once; more wait to be accepted.
    pub connections: usize,
    /// How long an answer may take where the request does not say.
    pub timeout: Duration,
    /// How long headers, and then a body, may take to arrive (408).
    pub read_timeout: Duration,
    /// How long requests that were accepted have to finish once the server is told to stop.
    pub shutdown: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            indexes: Vec::new(),
            caches: Vec::new(),
            cache: CacheLimits::default(),
            writable: true,
            verifier: VerifierSource::default(),
            calibration: None,
            model: None,
            precision: None,
            keys: None,
            open_to_all: false,
            tls: None,
            origins: Vec::new(),
            hosts: Vec::new(),
            otlp: None,
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes: 16 << 20,
            bytes_in_flight: 256 << 20,
            texts: 2_000,
            text_bytes: 512 << 10,
            search_bytes: 32 << 10,
            kept_views_bytes: 256 << 20,
            tokens: 1_000_000,
            hits: 1_000,
            queue: 1_024,
            queued_texts: 1 << 17,
            connections: 4_096,
            timeout: Duration::from_secs(60),
            read_timeout: Duration::from_secs(30),
            shutdown: Duration::from_secs(30),
        }
    }
}
