//! An index on Redis: making and opening it, and everything that is asked of it without a search.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use vetted_corpus::{Document, Passage};
use vetted_kernels::Team;
use vetted_redis::redis::{FromRedisValue, Pipeline, Value, cmd};
use vetted_redis::{Limits, Memory, Nodes, Notice as ServerNotice, Purpose, RedisError, Request, Version, check_nodes};

use super::session::RedisSession;
use super::shards::Shards;
use super::{IndexAddress, keys};
use crate::check::{Check, Problem};
use crate::error::{Error, Result, ServerProblem};
use crate::manifest::Manifest;
use crate::notice::{Notice, Notices};
use crate::query::Query;
use crate::retriever::{Holdings, Retriever, Session};
use crate::writing::{Entry, Upserted};

/// An index on Redis: see the [module](super) for what is kept where.
pub struct RedisIndex {
    pub(super) address: IndexAddress,
    pub(super) shards: Arc<Shards>,
    pub(super) manifest: Manifest,
    created: u64,
    writable: bool,
    notices: Notices,
}

/// How long things may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// A new connection: network, TLS, user and password.
    pub connect: Duration,
    /// What a search asks of a shard. A shard that takes longer is left out.
    pub search: Duration,
    /// One batch of changes in a shard.
    pub change: Duration,
    /// For so long, changes that fail because a server cannot be reached, or a cluster is being changed, are tried again.
    pub patience: Duration,
    /// Open connections, at most.
    pub connections: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            connect: Duration::from_millis(500),
            search: Duration::from_secs(1),
            change: Duration::from_secs(30),
            patience: Duration::from_secs(20),
            connections: 64,
        }
    }
}

/// What the index's own key says.
#[derive(Serialize, Deserialize)]
struct Description {
    /// Of how keys are laid out.
    layout: u32,
    /// The hash tags of its shards.
    tags: Vec<String>,
    /// When it was made, in seconds since 1970.
    created: u64,
    manifest: Manifest,
}

/// How this version lays out keys.
const LAYOUT: u32 = 1;

const PURPOSE: Purpose = Purpose {
    needed: "+@read +@write +@connection +cluster|slots +eval +info +vadd +vsim +vrem +vdim",
    when_full: "Raise `maxmemory`, or add machines: an index makes no room by dropping documents. What was written before is there",
};

impl RedisIndex {
    /// Opens the index at `address`.
    ///
    /// # Errors
    /// When there is none, the server cannot be used, or something else lies under its keys. Of several shards one has to answer.
    pub fn open(address: IndexAddress, settings: Settings, writable: bool) -> Result<RedisIndex> {
        let (nodes, server) = connect(&address, &settings)?;
        let Some(description) = describe(&nodes, &address)? else {
            let message =
                format!("there is no index at {address}: create it with `vetted index --into`, or check its name");
            return Err(Error::Server { problem: ServerProblem::NotThere, message });
        };
        RedisIndex::assemble(address, nodes, server, settings, description, writable)
    }

    /// Makes an index at `address`, with as many shards as that says; else one for each primary of a cluster, and one on a single server.
    ///
    /// # Errors
    /// When there is one already, or the server cannot be used.
    pub fn create(address: IndexAddress, manifest: Manifest, settings: Settings) -> Result<RedisIndex> {
        if manifest.encoder.dimensions == 0 {
            return Err(Error::NoDimensions { name: manifest.encoder.name });
        }
        let (nodes, server) = connect(&address, &settings)?;
        let shards = match address.shards {
            Some(shards) => shards,
            None => nodes.primaries().max(1),
        };
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let description = Description { layout: LAYOUT, tags: keys::tags(&address.name, shards), created, manifest };
        let json = serde_json::to_string(&description).unwrap_or_default();
        let command = cmd("SET").arg(keys::index(&address.name)).arg(json).arg("NX").to_owned();
        match nodes.ask("SET", keys::slot(&address.name), command)? {
            Value::Okay => RedisIndex::assemble(address, nodes, server, settings, description, true),
            _ => Err(unsuitable(format!("at {address} there is an index already: open it, or choose another name"))),
        }
    }

    /// What the index at `address` says of itself.
    ///
    /// # Errors
    /// When there is none, or the server cannot be used.
    pub fn manifest_at(address: &IndexAddress, settings: &Settings) -> Result<Option<Manifest>> {
        let (nodes, _) = connect(address, settings)?;
        Ok(describe(&nodes, address)?.map(|description| description.manifest))
    }

    /// What the servers of an index use in all, in bytes, whatever is kept there.
    ///
    /// # Errors
    /// When they cannot be asked.
    pub fn memory_at(address: &IndexAddress, settings: &Settings) -> Result<u64> {
        let (nodes, _) = connect(address, settings)?;
        let answers = nodes.ask_each_primary("INFO", cmd("INFO").arg("memory").to_owned())?;
        let used = |answer: &Value| {
            let text = String::from_redis_value_ref(answer).ok()?;
            text.lines().find_map(|line| line.strip_prefix("used_memory:"))?.trim().parse::<u64>().ok()
        };
        Ok(answers.iter().filter_map(used).sum())
    }

    fn assemble(
        address: IndexAddress,
        nodes: Nodes,
        server: ServerFacts,
        settings: Settings,
        description: Description,
        writable: bool,
    ) -> Result<RedisIndex> {
        let shards = Shards::new(nodes, settings, &description.tags, server.no_threads, server.filters_lists);
        let index = RedisIndex {
            address,
            shards: Arc::new(shards),
            manifest: description.manifest,
            created: description.created,
            writable,
            notices: Notices::default(),
        };
        for notice in server.notices {
            tracing::warn!("{notice}");
            index.notices.add(Notice::Server { message: notice.to_string() });
        }
        index.check_shards()?;
        if writable {
            index.rehearse()?;
        }
        Ok(index)
    }

    /// Looks at what lies under the keys of each shard, before anything is asked of them.
    fn check_shards(&self) -> Result<()> {
        let types = [("v", "vectorset"), ("i", "hash"), ("s", "hash"), ("x", "hash")];
        let ask = |base: &str| {
            let mut pipeline = Pipeline::new();
            for (name, _) in types {
                pipeline.add_command(cmd("TYPE").arg(format!("{base}{name}")).to_owned());
            }
            Request::from(pipeline)
        };
        let mut lost = None;
        let mut answered = 0;
        for (shard, answer) in self.shards.ask("TYPE", self.shards.to_all(ask), self.shards.settings.search) {
            let found: Vec<String> = match answer {
                Ok(answer) => FromRedisValue::from_redis_value(answer)
                    .map_err(|error| self.shards.nodes.unexpected("TYPE", &error))?,
                Err(error @ (RedisError::Unreachable { .. } | RedisError::Deadline { .. })) => {
                    let part = self.shards.not_asked(shard, &error);
                    tracing::warn!("{part}");
                    self.notices.add(Notice::Server { message: part.to_string() });
                    lost = Some(error);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            answered += 1;
            let base = &self.shards.bases[shard];
            for ((name, expected), found) in types.iter().zip(&found) {
                if found.as_str() != *expected && found != "none" {
                    return Err(unsuitable(format!(
                        "at {} the key {base}{name} is a {found} where an index has a {expected}: something else is kept \
                         there. Choose another name for the index, or remove that key",
                        self.address
                    )));
                }
            }
            if found.first().is_some_and(|kind| kind == "vectorset") {
                self.check_dimensions(shard)?;
            }
            let count = cmd("HLEN").arg(format!("{base}i")).to_owned();
            if let Some((_, Ok(Value::Int(documents)))) =
                self.shards.ask("HLEN", vec![(shard, count.into())], self.shards.settings.search).pop()
            {
                self.shards.counted(shard, documents.try_into().unwrap_or(0));
            }
        }
        match lost {
            Some(error) if answered == 0 => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn check_dimensions(&self, shard: usize) -> Result<()> {
        let command = cmd("VDIM").arg(format!("{}v", self.shards.bases[shard])).to_owned();
        let answer = self.shards.ask_one("VDIM", shard, command)?;
        let found = usize::from_redis_value(answer).map_err(|error| self.shards.nodes.unexpected("VDIM", &error))?;
        let expected = self.manifest.encoder.dimensions;
        if found != expected {
            return Err(unsuitable(format!(
                "at {} the vectors of shard {} have {found} values where the index's encoder, {}, makes {expected}: another \
                 encoder's were put there. Choose another name for the index, or index the documents again",
                self.address,
                shard + 1,
                self.manifest.encoder.name
            )));
        }
        Ok(())
    }

    /// Writes, finds, reads and removes a document under keys of its own: what the user may not do, or the server cannot, is said now
    /// and not with the first document.
    fn rehearse(&self) -> Result<()> {
        let base = format!("{}rehearsal:", self.shards.bases[0]);
        let mut vector = vec![0.0; self.manifest.encoder.dimensions];
        vector[0] = 1.0;
        let entry = Entry {
            document: Document { id: "rehearsal".into(), text: "rehearsal".into(), ..Document::default() },
            passages: vec![(Passage { bytes: 0..9, chars: 0..9 }, vector.clone())],
            views: None,
        };
        let put = super::writing::put_command(&base, &entry, None);
        let ask = |command: &'static str, request: vetted_redis::redis::Cmd| self.shards.ask_one(command, 0, request);
        ask("EVAL", put).map_err(|error| match error {
            RedisError::Answered { address, reason, .. } if reason.contains("nknown Redis command") => {
                RedisError::NoVectorSets { address, reason }
            }
            error => error,
        })?;
        let blob = super::records::encode_vector(&vector);
        ask("VSIM", cmd("VSIM").arg(format!("{base}v")).arg("FP32").arg(blob).arg("COUNT").arg(1).to_owned())?;
        let mut delete = super::scripts::DELETE.in_shard(&base);
        delete.arg(0).arg("rehearsal");
        ask("EVAL", delete)?;
        ask("DEL", cmd("DEL").arg(format!("{base}s")).to_owned())?;
        Ok(())
    }

    pub(super) fn check_writable(&self) -> Result<()> {
        match self.writable {
            true => Ok(()),
            false => Err(Error::ReadOnly { path: self.address.shown().to_owned() }),
        }
    }

    fn redis_session(&self) -> RedisSession {
        RedisSession::new(self.shards.clone(), self.manifest.encoder.dimensions)
    }

    /// Counts of all shards; those that do not answer are an error.
    fn counts(&self) -> Result<[u64; 5]> {
        let ask = |base: &str| {
            let mut pipeline = Pipeline::new();
            pipeline.add_command(cmd("HLEN").arg(format!("{base}i")).to_owned());
            let fields = ["passages", "bytes", "views", "changed"];
            pipeline.add_command(cmd("HMGET").arg(format!("{base}s")).arg(&fields).to_owned());
            Request::from(pipeline)
        };
        let mut sums = [0; 5];
        for (shard, answer) in self
            .shards
            .ask_patiently("HLEN", self.shards.to_all(ask), self.shards.settings.search)?
            .into_iter()
            .enumerate()
        {
            let (documents, counts): (u64, Vec<Option<i64>>) = FromRedisValue::from_redis_value(answer)
                .map_err(|error| self.shards.nodes.unexpected("HLEN", &error))?;
            self.shards.counted(shard, documents);
            sums[0] += documents;
            let mut counts = counts.into_iter().map(|count| u64::try_from(count.unwrap_or(0)).unwrap_or(0));
            let mut next = || counts.next().unwrap_or(0);
            (1..4).for_each(|at| sums[at] += next());
            sums[4] = sums[4].max(next());
        }
        Ok(sums)
    }
}

/// What was found out about the server.
struct ServerFacts {
    no_threads: bool,
    filters_lists: bool,
    notices: Vec<ServerNotice>,
}

fn connect(address: &IndexAddress, settings: &Settings) -> Result<(Nodes, ServerFacts)> {
    let limits = Limits { connect: settings.connect, command: settings.change, connections: settings.connections };
    // A server that does not answer is told soon, and not after the time that a batch may take.
    let probe = Limits { command: (2 * settings.connect).max(settings.search), ..limits };
    let checked = check_nodes(&Nodes::to(address.server.clone(), probe, PURPOSE)?)?;
    let nodes = Nodes::to(address.server.clone(), limits, PURPOSE)?;
    let mut notices = checked.notices;
    if let Memory::Policies(policies) = checked.memory {
        let drops = |(policy, limited): (String, bool)| {
            (limited && policy != "noeviction").then_some(ServerNotice::DropsDocuments { policy })
        };
        notices.extend(policies.into_iter().find_map(drops));
    }
    let filters_lists = checked.oldest.is_some_and(|oldest| oldest >= Version { major: 8, minor: 2, patch: 0 });
    Ok((nodes, ServerFacts { no_threads: checked.no_threads, filters_lists, notices }))
}

/// Reads the index's own key.
fn describe(nodes: &Nodes, address: &IndexAddress) -> Result<Option<Description>> {
    let key = keys::index(&address.name);
    let answer = nodes.ask("GET", keys::slot(&address.name), cmd("GET").arg(&key).to_owned()).map_err(|error| match error {
        RedisError::Answered { reason, .. } if reason.contains("WRONGTYPE") => unsuitable(format!(
            "at {address} the key {key} is no index's: something else is kept there. Choose another name for the index"
        )),
        error => error.into(),
    })?;
    let Value::BulkString(json) = answer else { return Ok(None) };
    let unreadable = |error: &dyn std::fmt::Display| {
        unsuitable(format!(
            "at {address} the key {key} does not say what the index is ({error}): another version of vetted wrote it, or \
             something else is kept there. Update vetted, or choose another name for the index"
        ))
    };
    let description: Description = serde_json::from_slice(&json).map_err(|error| unreadable(&error))?;
    if description.layout != LAYOUT {
        return Err(unreadable(&format!("its layout is {}, and this version knows {LAYOUT}", description.layout)));
    }
    Ok(Some(description))
}

fn unsuitable(message: String) -> Error {
    Error::Server { problem: ServerProblem::Unsuitable, message }
}

impl From<RedisError> for Error {
    fn from(error: RedisError) -> Error {
        let problem = match &error {
            RedisError::Address { .. } | RedisError::Settings { .. } => ServerProblem::Address,
            RedisError::Unreachable { .. } | RedisError::Deadline { .. } => ServerProblem::Unavailable,
            RedisError::Refused { .. } | RedisError::NotPermitted { .. } => ServerProblem::Refused,
            RedisError::Full { .. } => ServerProblem::Full,
            RedisError::TooOld { .. } | RedisError::NoVectorSets { .. } => ServerProblem::Unsuitable,
            _ => ServerProblem::Answered,
        };
        Error::Server { problem, message: error.to_string() }
    }
}

impl Retriever for RedisIndex {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn location(&self) -> &Path {
        self.address.shown()
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn session(&self) -> Result<Box<dyn Session>> {
        Ok(Box::new(self.redis_session()))
    }

    fn len(&self) -> Result<usize> {
        Ok(self.counts()?[0] as usize)
    }

    fn holdings(&self) -> Result<Holdings> {
        let [documents, passages, bytes, bytes_of_views, changed] = self.counts()?;
        let time = |seconds: u64| (seconds > 0).then(|| UNIX_EPOCH + Duration::from_secs(seconds));
        let created = time(self.created);
        let (documents, passages) = (documents as usize, passages as usize);
        Ok(Holdings { documents, passages, bytes, bytes_of_views, created, changed: time(changed).or(created) })
    }

    fn upsert_from(&self, entries: Vec<Entry>, origins: &HashMap<String, String>) -> Result<Upserted> {
        self.put_all(entries, origins)
    }

    fn set_views(&self, views: &[(String, Vec<u8>)]) -> Result<usize> {
        self.set_field("v", views.iter().map(|(id, views)| (id.as_str(), views.clone())).collect())
    }

    fn set_origins(&self, origins: &[(String, Vec<String>)]) -> Result<usize> {
        let json = |origins: &Vec<String>| serde_json::to_vec(origins).unwrap_or_default();
        self.set_field("o", origins.iter().map(|(id, origins)| (id.as_str(), json(origins))).collect())
    }

    fn delete(&self, ids: &[&str]) -> Result<usize> {
        self.delete_all(ids)
    }

    fn origins(&self, ids: &[&str]) -> Result<Vec<Vec<String>>> {
        self.redis_session().origins(ids)
    }

    fn all_origins(&self) -> Result<Vec<(String, Vec<String>)>> {
        self.redis_session().all_origins()
    }

    fn finish(&self) -> Result<()> {
        Ok(())
    }

    /// Every document is found by its own first vector, and has as many vectors as passages.
    fn check(&self) -> Result<Check> {
        let session = self.redis_session();
        let ids = session.ids_that_fit(&[])?;
        let mut check = Check { documents: ids.len(), passages: 0, problems: Vec::new() };
        for ids in ids.chunks(256) {
            let borrowed: Vec<&str> = ids.iter().map(String::as_str).collect();
            let (passages, vectors) = (session.passages(&borrowed)?, session.vectors(&borrowed)?);
            for ((id, passages), vectors) in ids.iter().zip(passages).zip(vectors) {
                let (Some(passages), Some(vectors)) = (passages, vectors) else {
                    check.problems.push(Problem::Altered { id: id.clone() });
                    continue;
                };
                check.passages += passages.len();
                if let Some(first) = vectors.chunks(self.manifest.encoder.dimensions).next() {
                    let found = session.search(&Query::dense(first).k(1), &mut Team::alone())?.hits;
                    // Another with the same vector may come first.
                    let near = found.first().and_then(|hit| hit.scores.dense).unwrap_or_default();
                    let own: f32 = first.iter().map(|value| value * value).sum();
                    if near < own - super::dense::LENGTH_TOLERANCE {
                        check.problems.push(Problem::VectorIndex { id: id.clone() });
                    }
                }
            }
        }
        Ok(check)
    }

    fn notices(&self) -> Vec<Notice> {
        self.notices.take()
    }
}
