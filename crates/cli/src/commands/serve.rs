//! `vetted serve`: indexes and the verifier over HTTP.

use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use vetted_server::{
    CacheLimits, CacheStore, IndexSettings, Limits, MemoryLimits, NamedCache, RedisAddress, Settings, TlsFiles, start,
};

use super::{Precision, scorers};

/// Answers as Cohere, Jina, text-embeddings-inference, vLLM, llama.cpp and OpenAI do, for whoever has a client of these; and as
/// vetted does: verify, search, documents. GET /openapi.json lists all of it.
///
/// Without --index it verifies, reranks and embeds. An index that is not there yet is made.
#[derive(Args)]
pub struct Serve {
    /// An index's folder or its address on a server (redis://host:6379/NAME, qdrant://host:6334/NAME), or its name in requests and where it is;
    /// may be given many times [default name: the folder's, or the one in the address]
    #[arg(long = "index", value_name = "[NAME=]DIR", env = "VETTED_INDEX", hide_env_values = true)]
    indexes: Vec<NamedFolder>,
    /// A semantic cache's folder, or its name in requests and its folder, or its name and where it is on Redis (redis://,
    /// rediss://, redis+cluster://; redisvl+redis://...?index=NAME reads what RedisVL stored). May be given many times. GET
    /// /v1/cache lists them, and clients of LangCache find them under their names
    #[arg(long = "cache", value_name = "[NAME=]DIR|NAME=redis://...", env = "VETTED_CACHE", hide_env_values = true)]
    caches: Vec<Cache>,
    /// Where to listen. Beyond this machine only with --keys
    #[arg(long, value_name = "ADDRESS", env = "VETTED_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Take no documents and remove none: another process may do so meanwhile, and it is followed
    #[arg(long)]
    read_only: bool,
    #[arg(long, env = "VETTED_VERIFIER", default_value = "vetted", help = format!("Who judges: {}", scorers::JUDGES))]
    verifier: String,
    /// `/v1/verify` decides by this calibration (`vetted calibrate`) where it is asked for its relation; caches serve by it, if it is
    /// about equivalence
    #[arg(long, value_name = "FILE", env = "VETTED_CALIBRATION")]
    calibration: Option<PathBuf>,
    /// The encoder of new indexes, and of embeddings where there is no index: a name (`vetted models list`) or a model folder
    /// [default: all-MiniLM-L6-v2]
    #[arg(long, env = "VETTED_MODEL")]
    model: Option<String>,
    /// The arithmetic where there is no index; an index has its own
    #[arg(long, value_enum, env = "VETTED_PRECISION", default_value = "auto")]
    precision: Precision,
    /// A file of API keys, a line for each: NAME SHA256 read|write INDEXES, where INDEXES is `*` or names with commas between.
    /// A new key: KEY=$(openssl rand -hex 32); printf %s "$KEY" | sha256sum
    #[arg(long, value_name = "FILE", env = "VETTED_KEYS")]
    keys: Option<PathBuf>,
    /// Listen beyond this machine without keys: whoever reaches it may ask, change and remove everything
    #[arg(long, conflicts_with = "keys")]
    no_keys: bool,
    /// A certificate in PEM, for TLS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's private key in PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Web pages of this origin may ask (https://chat.example); may be given many times
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,
    /// Another name of this machine, as a proxy before it calls it; may be given many times
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Where to send traces, by OTLP over HTTP, as http://127.0.0.1:4318. The other OTEL_ variables count, too
    #[arg(long, value_name = "URL", env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    otlp: Option<String>,
    #[command(flatten)]
    cache: CacheArguments,
    #[command(flatten)]
    limits: LimitArguments,
}

/// What each cache keeps, and how it serves.
#[derive(Args)]
struct CacheArguments {
    /// Entries that each cache keeps; what is over makes room first, then what was least recently used
    #[arg(long, value_name = "N", default_value_t = CacheLimits::default().memory.entries as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    cache_entries: u32,
    /// MiB that each cache keeps in memory
    #[arg(long, value_name = "MIB", default_value_t = (CacheLimits::default().memory.bytes >> 20) as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    cache_bytes: u32,
    /// Seconds that an entry lives which is stored without a time of its own [default: for ever]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    cache_ttl: Option<u64>,
    /// Only watch: decide, write each lookup down with what would have come of it (DIR/decisions/shadow.jsonl), and serve nothing
    #[arg(long)]
    cache_shadow: bool,
    /// Where decisions of caches on Redis are written down; those of others are in DIR/decisions
    #[arg(long, value_name = "DIR")]
    cache_decisions: Option<PathBuf>,
    /// Write prompts down with decisions
    #[arg(long)]
    cache_log_prompts: bool,
}

/// How much is taken at once.
#[derive(Args)]
struct LimitArguments {
    /// The largest body, in MiB
    #[arg(long, value_name = "MIB", default_value_t = (Limits::default().body_bytes >> 20) as u32,
        value_parser = clap::value_parser!(u32).range(1..=1024))]
    max_body: u32,
    /// Of all bodies that are being read or answered, with what they take once they are parsed, in MiB: beyond that requests are
    /// refused
    #[arg(long, value_name = "MIB", default_value_t = (Limits::default().bytes_in_flight >> 20) as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    max_memory: u32,
    /// Of passages that were reranked before, what is read of them is kept, in MiB: 250 of 64 tokens take one. 0 keeps nothing
    #[arg(long, value_name = "MIB", default_value_t = (Limits::default().kept_views_bytes >> 20) as u32)]
    kept_views: u32,
    /// Texts of one request: documents to rerank, candidates, inputs
    #[arg(long, value_name = "N", default_value_t = Limits::default().texts as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    max_texts: u32,
    /// The query and the filters of a search, in KiB
    #[arg(long, value_name = "KIB", default_value_t = (Limits::default().search_bytes >> 10) as u32,
        value_parser = clap::value_parser!(u32).range(1..=1024))]
    max_search: u32,
    /// Tokens of all texts of one request
    #[arg(long, value_name = "N", default_value_t = Limits::default().tokens as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    max_tokens: u32,
    /// Requests that wait: beyond that they are refused
    #[arg(long, value_name = "N", default_value_t = Limits::default().queue as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    max_queue: u32,
    /// Seconds that an answer may take where the request does not say (X-Request-Timeout-Ms)
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().timeout.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

/// `NAME=DIR`, or `DIR`, which is called as its last part; an address may stand for the folder.
#[derive(Clone)]
pub(super) struct NamedFolder(pub(super) IndexSettings);

impl FromStr for NamedFolder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.split_once('=').filter(|(name, _)| !name.is_empty() && !name.contains(['/', '\\']));
        let (name, folder) = match named {
            Some((name, folder)) => (Some(name.to_owned()), folder),
            None => (None, text),
        };
        if folder.is_empty() {
            return Err("the folder's name is empty".into());
        }
        let last = || {
            if folder.contains("://") {
                let path = folder.split('?').next().unwrap_or(folder).trim_end_matches('/');
                return path.rsplit('/').next().unwrap_or("index").to_owned();
            }
            let whole = std::path::absolute(folder).ok();
            let name =
                whole.as_deref().unwrap_or(Path::new(folder)).file_stem().map(|it| it.to_string_lossy().into_owned());
            name.unwrap_or_else(|| "index".to_owned())
        };
        Ok(NamedFolder(IndexSettings { name: name.unwrap_or_else(last), folder: folder.into() }))
    }
}

/// As [`NamedFolder`], or `NAME=redis://...`.
#[derive(Clone)]
struct Cache(NamedCache);

impl FromStr for Cache {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A password may have `=` in it, and the name comes before the first `:`.
        let Some((before, _)) = text.split_once("://") else {
            let NamedFolder(IndexSettings { name, folder }) = text.parse()?;
            return Ok(Cache(NamedCache { name, store: CacheStore::Folder(folder) }));
        };
        let (name, _) = before
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| "a cache on Redis needs a name: --cache NAME=redis://...".to_owned())?;
        let address = RedisAddress::parse(&text[name.len() + 1..]).map_err(|error| error.to_string())?;
        Ok(Cache(NamedCache { name: name.to_owned(), store: CacheStore::Redis(address) }))
    }
}

impl Serve {
    pub fn run(self) -> Result<()> {
        let (limits, cache) = (&self.limits, &self.cache);
        if limits.max_memory < limits.max_body {
            bail!("--max-memory is less than --max-body: no body of that size could be taken");
        }
        let limits = Limits {
            body_bytes: (limits.max_body as usize) << 20,
            bytes_in_flight: (limits.max_memory as usize) << 20,
            kept_views_bytes: (limits.kept_views as usize) << 20,
            search_bytes: (limits.max_search as usize) << 10,
            texts: limits.max_texts as usize,
            tokens: limits.max_tokens as usize,
            queue: limits.max_queue as usize,
            timeout: Duration::from_secs(limits.timeout),
            ..Limits::default()
        };
        let tls = self.tls_certificate.zip(self.tls_key).map(|(certificate, key)| TlsFiles { certificate, key });
        let scheme = if tls.is_some() { "https" } else { "http" };
        let running = start(Settings {
            listen: self.listen,
            indexes: self.indexes.into_iter().map(|NamedFolder(index)| index).collect(),
            caches: self.caches.into_iter().map(|Cache(named)| named).collect(),
            cache: CacheLimits {
                memory: MemoryLimits {
                    entries: cache.cache_entries as usize,
                    bytes: u64::from(cache.cache_bytes) << 20,
                },
                decisions: cache.cache_decisions.clone(),
                ttl: cache.cache_ttl.map(Duration::from_secs),
                shadow: cache.cache_shadow,
                log_prompts: cache.cache_log_prompts,
            },
            writable: !self.read_only,
            verifier: scorers::source(&self.verifier),
            calibration: self.calibration,
            model: self.model,
            precision: self.precision.chosen(),
            keys: self.keys,
            open_to_all: self.no_keys,
            tls,
            origins: self.allow_origin,
            hosts: self.allow_host,
            otlp: self.otlp.filter(|url| !url.is_empty()),
            limits,
        })?;
        let address = running.address();
        // Whoever started it may not be reading any more, and it serves all the same.
        let listening =
            || drop(writeln!(stdout(), "listening on {scheme}://{address}").and_then(|()| stdout().flush()));
        Ok(running.wait(listening)?)
    }
}
