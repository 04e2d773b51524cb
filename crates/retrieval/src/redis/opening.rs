//! An index on Redis: making and opening it, and everything that is asked of it without a search.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
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
use super::writing::put_command;
use super::{IndexAddress, keys, scripts};
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
#[derive(Clone, Serialize, Deserialize)]
struct Description {
    /// Of how keys are laid out.
    layout: u32,
    /// A number of its own, which its shards repeat: an index that is made anew under the same name has another one.
    making: String,
    /// Its shards have been told so.
    complete: bool,
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
    when_full: "Raise `maxmemory`, or delete documents: an index makes no room by dropping some. What was written before is there",
};

impl RedisIndex {
    /// Opens the index at `address`.
    ///
    /// # Errors
    /// When there is none, the server cannot be used, or something else lies under its keys. Of several shards one has to answer.
    pub fn open(address: IndexAddress, settings: Settings, writable: bool) -> Result<RedisIndex> {
        let (nodes, server) = connect(&address, &settings)?;
        let Some(description) = describe(&nodes, &address, &settings)? else {
            let message =
                format!("there is no index at {address}: create it with `vetted index --into`, or check its name");
            return Err(Error::Server { problem: ServerProblem::NotThere, message });
        };
        let shards = description.tags.len();
        if address.shards.is_some_and(|asked| asked != shards) {
            return Err(unsuitable(format!(
                "the index at {address} has {shards} shards, and that cannot be changed: leave `?shards=` out, or index the documents \
                 again under another name"
            )));
        }
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
        let making = format!("{:016x}", RandomState::new().hash_one(created));
        let tags = keys::tags(&address.name, shards);
        let description = Description { layout: LAYOUT, making, complete: false, tags, created, manifest };
        let key = keys::index(&address.name);
        let command = cmd("SET").arg(&key).arg(json(&description)).arg("NX").to_owned();
        let index = RedisIndex::of(address, nodes, &server, settings, description.clone(), true);
        index.check_free()?;
        index.rehearse()?;
        match index.shards.nodes.ask("SET", keys::slot(&index.address.name), command)? {
            Value::Okay => index.finish_making(description)?,
            _ => {
                return Err(unsuitable(format!(
                    "at {} there is an index already: open it, or choose another name",
                    index.address
                )));
            }
        }
        index.ready(server)
    }

    /// What the index at `address` says of itself.
    ///
    /// # Errors
    /// When there is none, or the server cannot be used.
    pub fn manifest_at(address: &IndexAddress, settings: &Settings) -> Result<Option<Manifest>> {
        let (nodes, _) = connect(address, settings)?;
        Ok(describe(&nodes, address, settings)?.map(|description| description.manifest))
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
        let index = RedisIndex::of(address, nodes, &server, settings, description.clone(), writable);
        if !description.complete {
            // Whoever made it was killed meanwhile, or is about to finish.
            index.finish_making(description)?;
        }
        let index = index.ready(server)?;
        if writable {
            index.try_a_change()?;
        }
        Ok(index)
    }

    fn of(
        address: IndexAddress,
        nodes: Nodes,
        server: &ServerFacts,
        settings: Settings,
        description: Description,
        writable: bool,
    ) -> RedisIndex {
        let Description { tags, making, created, manifest, .. } = description;
        let shards = Shards::new(nodes, settings, (&tags, making), server.no_threads, server.filters_lists);
        RedisIndex { address, shards: Arc::new(shards), manifest, created, writable, notices: Notices::default() }
    }

    fn ready(self, server: ServerFacts) -> Result<RedisIndex> {
        for notice in server.notices {
            tracing::warn!("{notice}");
            self.notices.add(Notice::Server { message: notice.to_string() });
        }
        self.check_shards()?;
        Ok(self)
    }

    /// Tells all shards which making of the index they belong to, then says so, also where the index is still found when the node
    /// with its key is lost. Done twice, it is the same.
    fn finish_making(&self, description: Description) -> Result<()> {
        let (shards, patience) = (&self.shards, self.shards.settings.patience);
        let mark =
            |base: &str| cmd("HSET").arg(format!("{base}s")).arg("of").arg(&description.making).to_owned().into();
        shards.ask_patiently("HSET", shards.to_all(mark), patience)?;
        let complete = json(&Description { complete: true, ..description });
        // The index's own key comes last: what it says is then true of all.
        for (key, slot) in places(&self.address.name).into_iter().rev() {
            shards.nodes.ask("SET", slot, cmd("SET").arg(key).arg(&complete).to_owned())?;
        }
        Ok(())
    }

    /// Changes nothing, by commands that could: a user who may not, or a replica, is told now. It takes no memory, for a full server
    /// is opened to remove documents.
    fn try_a_change(&self) -> Result<()> {
        let mut failed = None;
        for shard in 0..self.shards.len() {
            let nothing = cmd("HDEL").arg(format!("{}s", self.shards.bases[shard])).arg("nothing").to_owned();
            let within = self.shards.settings.search;
            match self.shards.ask("HDEL", vec![(shard, nothing.into())], within).pop().map(|(_, answer)| answer) {
                Some(Err(error @ (RedisError::Unreachable { .. } | RedisError::Deadline { .. }))) => {
                    failed = Some(error)
                }
                Some(Err(error)) => return Err(error.into()),
                _ => return Ok(()),
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Refuses to make an index where documents of one are left whose own key is gone.
    fn check_free(&self) -> Result<()> {
        let ask = |base: &str| cmd("HLEN").arg(format!("{base}i")).to_owned().into();
        let answers = self.shards.ask_patiently("HLEN", self.shards.to_all(ask), self.shards.settings.search)?;
        let documents: i64 = answers.iter().map(|answer| if let Value::Int(count) = answer { *count } else { 0 }).sum();
        if documents > 0 {
            return Err(unsuitable(format!(
                "at {} there are {documents} documents of an index whose description is gone: its server came back without its \
                 data, or somebody removed the key {}. Choose another name, or remove all keys that begin with `vetted:{{{}` first",
                self.address,
                keys::index(&self.address.name),
                self.address.name
            )));
        }
        Ok(())
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
            let whose = self.shards.ask_one("HGET", shard, Shards::whose(base))?;
            let whose = Option::<String>::from_redis_value(whose)
                .map_err(|error| self.shards.nodes.unexpected("HGET", &error))
                .and_then(|of| self.shards.check_whose("HGET", of.as_deref()));
            if let Err(error) = whose {
                let part = self.shards.not_asked(shard, &error);
                tracing::warn!("{part}");
                self.notices.add(Notice::Server { message: part.to_string() });
                lost = Some(error);
                continue;
            }
            answered += 1;
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

    /// Writes, finds and removes a document under keys of its own: what the user may not do, or the server cannot, is said before an
    /// index is made, and not with the first document.
    fn rehearse(&self) -> Result<()> {
        let making = &self.shards.making;
        // Two who make one at the same time are not in each other's way.
        let base = format!("{}rehearsal:{making}:", self.shards.bases[0]);
        let mut vector = vec![0.0; self.manifest.encoder.dimensions];
        vector[0] = 1.0;
        let entry = Entry {
            document: Document { id: "rehearsal".into(), text: "rehearsal".into(), ..Document::default() },
            passages: vec![(Passage { bytes: 0..9, chars: 0..9 }, vector.clone())],
            views: None,
        };
        let ask = |command: &'static str, request: vetted_redis::redis::Cmd| self.shards.ask_one(command, 0, request);
        ask("HSET", cmd("HSET").arg(format!("{base}s")).arg("of").arg(making).to_owned())?;
        let put = put_command(scripts::PUT.in_shard(&base, making), &entry, None);
        ask("EVAL", put).map_err(|error| match error {
            RedisError::Answered { address, reason, .. } if reason.contains("nknown Redis command") => {
                RedisError::NoVectorSets { address, reason }
            }
            error => error,
        })?;
        let blob = super::records::encode_vector(&vector);
        ask("VSIM", cmd("VSIM").arg(format!("{base}v")).arg("FP32").arg(blob).arg("COUNT").arg(1).to_owned())?;
        let mut delete = scripts::DELETE.in_shard(&base, making);
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
            pipeline.add_command(Shards::whose(base));
            Request::from(pipeline)
        };
        let mut sums = [0; 5];
        for (shard, answer) in self
            .shards
            .ask_patiently("HLEN", self.shards.to_all(ask), self.shards.settings.search)?
            .into_iter()
            .enumerate()
        {
            let (documents, counts, of): (u64, Vec<Option<i64>>, Option<String>) =
                FromRedisValue::from_redis_value(answer)
                    .map_err(|error| self.shards.nodes.unexpected("HLEN", &error))?;
            self.shards.check_whose("HGET", of.as_deref())?;
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

/// Where the description of the index of this name lies: each key with its slot. The first is the index's own; the others are
/// copies, in other parts of a cluster.
fn places(name: &str) -> Vec<(String, u16)> {
    let copies =
        keys::tags(name, COPIES).into_iter().map(|tag| (format!("{}index", keys::base(&tag)), keys::slot(&tag)));
    std::iter::once((keys::index(name), keys::slot(name))).chain(copies).collect()
}

/// Copies of an index's description.
const COPIES: usize = 3;

fn json(description: &Description) -> String {
    serde_json::to_string(description).unwrap_or_default()
}

/// Reads the index's own key, or a copy where that cannot be had.
fn describe(nodes: &Nodes, address: &IndexAddress, settings: &Settings) -> Result<Option<Description>> {
    let places = places(&address.name);
    let requests = places.iter().map(|(key, slot)| (*slot, Request::from(cmd("GET").arg(key).to_owned()))).collect();
    let (mut json, mut key, mut failed) = (None, String::new(), None);
    for ((name, _), answer) in places.into_iter().zip(nodes.ask_all("GET", requests, settings.search)) {
        match answer {
            Ok(Value::BulkString(found)) => {
                (json, key) = (Some(found), name);
                break;
            }
            Err(RedisError::Answered { reason, .. }) if reason.contains("WRONGTYPE") => {
                return Err(unsuitable(format!(
                    "at {address} the key {name} is no index's: something else is kept there. Choose another name for the index"
                )));
            }
            Err(error) => failed = failed.or(Some(error)),
            Ok(_) => {}
        }
    }
    let Some(json) = json else { return failed.map_or(Ok(None), |error| Err(error.into())) };
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
