//! The backend on vector sets of Redis 8.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ::redis::{Cmd, FromRedisValue, Value, cmd};
use vetted::Deadline;
use vetted_redis::{Connections, Memory, Purpose, check};

use super::error::of_backend;
use super::keys::{self, Keys};
use super::patience::Patience;
use super::scripts::{self, Script};
use super::{Address, Notice, RedisError, Settings};
use crate::encoding::milliseconds;
use crate::{Attributes, Backend, BackendError, Candidate, Entry, EntryId, Evicted, Scope, Wanted};

/// What errors and telemetry call it.
const NAME: &str = "redis";
/// Of others, one call removes so many at most: what is over, and what there is no room for. A removal from a vector set takes
/// a quarter of a millisecond, and the server does nothing else meanwhile.
const BOUND: usize = 8;
/// So many more than were asked for are searched: the server may have dropped the content of some.
const SPARE: usize = 4;
/// Larger numbers are not exact in the server's scores. No moment is so far off (it is the year 287396).
const NEVER: u64 = 9_000_000_000_000_000;
/// A process that searches lets what is over be removed, so often at most.
const SWEEP_EVERY: Duration = Duration::from_millis(200);

/// What a user needs: all of it is tried before a cache is used.
const PURPOSE: Purpose = Purpose {
    needed: "+@read +@write +@connection +cluster|slots +eval +time +info +vadd +vsim +vrem +vgetattr +vdim",
    when_full: "Raise `maxmemory`, or set `maxmemory-policy` to volatile-lru or allkeys-lru",
};

/// What of a full server's manners is bad for a cache.
fn memory(memory: Memory) -> Option<Notice> {
    match memory {
        Memory::Unknown => Some(Notice::MemoryUnknown),
        Memory::Policies(policies) => {
            let bad = |(policy, limited): (String, bool)| {
                (limited && !policy.starts_with("volatile")).then_some(Notice::Memory { policy })
            };
            policies.into_iter().find_map(bad)
        }
    }
}

/// A cache on vector sets of Redis 8: see the [module](super) for what is kept where.
pub(super) struct VectorSets {
    connections: Connections,
    settings: Settings,
    no_threads: bool,
    patience: Patience,
    /// When the last sweep was, in milliseconds since 1970.
    swept: AtomicU64,
    /// How many entries this process took away because they were over, and to make room.
    expired: Arc<AtomicU64>,
    made_room: AtomicU64,
}

impl VectorSets {
    /// Connects, and checks what there is.
    pub(super) fn open(address: Address, settings: Settings) -> Result<(VectorSets, Vec<Notice>), RedisError> {
        let connections = Connections::to(address.server, settings.limits(), PURPOSE)?;
        let checked = check(&connections)?;
        let mut notices = checked.notices;
        notices.extend(memory(checked.memory));
        let backend = VectorSets {
            connections,
            settings,
            no_threads: checked.no_threads,
            patience: Patience::default(),
            swept: AtomicU64::default(),
            expired: Arc::default(),
            made_room: AtomicU64::default(),
        };
        backend.rehearse()?;
        Ok((backend, notices))
    }

    /// Stores, finds and removes an entry of a scope that nobody has: what the user may not do, or the server cannot, is said
    /// now and not with the first answer that should be kept.
    fn rehearse(&self) -> Result<(), RedisError> {
        let scope = Scope::new("").with("vetted", "rehearsal");
        let now = SystemTime::now();
        let id = EntryId::of(&scope, "rehearsal", &Attributes::new());
        let entry = Entry {
            id: id.clone(),
            scope: scope.clone(),
            prompt: "rehearsal".to_owned(),
            response: Vec::new(),
            attributes: Attributes::new(),
            vector: vec![1.0, 0.0],
            views: None,
            sources: Vec::new(),
            volatile: false,
            stored_at: now,
            expires_at: Some(now + Duration::from_secs(60)),
            copy_of: None,
            cost: None,
        };
        let keys = self.keys(&scope);
        let address = || self.connections.address().to_string();
        self.store(&entry, None).map_err(|error| match error {
            RedisError::Answered { reason, .. } if reason.contains("nknown Redis command") => {
                RedisError::NoVectorSets { address: address(), reason }
            }
            error => error,
        })?;
        self.search(&keys, &Attributes::new(), now, &entry.vector, 1, self.settings.command)?;
        self.connections.ask("MGET", mget(&keys, [id.as_str()]))?;
        self.connections.ask("ZCOUNT", self.count(&keys))?;
        self.run(scripts::SERVED, &keys, |command| command.arg(id.as_str()))?;
        self.clear_all(&keys)?;
        Ok(())
    }

    fn keys(&self, scope: &Scope) -> Keys {
        Keys::new(&self.settings.prefix, scope)
    }

    fn run(
        &self,
        script: Script,
        keys: &Keys,
        arguments: impl FnOnce(&mut Cmd) -> &mut Cmd,
    ) -> Result<Value, RedisError> {
        let mut command = script.on(keys, &[]);
        arguments(&mut command);
        self.connections.ask("EVAL", command)
    }

    /// Says whether it is kept, which it is not where something else than `was` is there.
    fn store(&self, entry: &Entry, was: Option<&Entry>) -> Result<bool, RedisError> {
        let keys = self.keys(&entry.scope);
        let record = entry.to_bytes();
        let over = entry.expires_at.map(milliseconds).filter(|over| *over < NEVER);
        let prompt = keys::prompt_digest(&entry.prompt);
        let mut command = scripts::PUT.on(&keys, &[keys.entry(entry.id.as_str()), keys.prompt(&prompt)]);
        command
            .arg(entry.id.as_str())
            .arg(blob(&entry.vector))
            .arg(keys::beside_vector(entry, over.unwrap_or(NEVER)))
            .arg(record)
            .arg(&prompt)
            .arg(microseconds(entry.stored_at))
            .arg(over.map_or_else(|| "+inf".to_owned(), |over| over.to_string()))
            .arg(self.settings.entries_per_scope)
            .arg(BOUND);
        if let Some(was) = was {
            command.arg(was.to_bytes());
        }
        let answer = self.connections.ask("EVAL", command)?;
        let counted: Option<(u64, u64)> =
            FromRedisValue::from_redis_value(answer).map_err(|error| self.connections.unexpected("EVAL", &error))?;
        let Some((expired, made_room)) = counted else { return Ok(false) };
        self.expired.fetch_add(expired, Ordering::Relaxed);
        self.made_room.fetch_add(made_room, Ordering::Relaxed);
        Ok(true)
    }

    /// The ids of the nearest, the nearest first.
    fn search(
        &self,
        keys: &Keys,
        attributes: &Attributes,
        now: SystemTime,
        vector: &[f32],
        k: usize,
        within: Duration,
    ) -> Result<Vec<String>, RedisError> {
        let mut command = cmd("VSIM");
        command.arg(keys.vectors()).arg("FP32").arg(blob(vector)).arg("COUNT").arg(k);
        command.arg("FILTER").arg(keys::filter(attributes, milliseconds(now)));
        if self.no_threads {
            command.arg("NOTHREAD");
        }
        let answer = self.connections.ask_within("VSIM", command, within)?;
        Vec::from_redis_value(answer).map_err(|error| self.connections.unexpected("VSIM", &error))
    }

    /// What is kept of these, in their order.
    fn records(&self, keys: &Keys, ids: &[String], within: Duration) -> Result<Vec<Option<Vec<u8>>>, RedisError> {
        let command = mget(keys, ids.iter().map(String::as_str));
        let answer = self.connections.ask_within("MGET", command, within)?;
        let records: Vec<Option<Vec<u8>>> =
            Vec::from_redis_value(answer).map_err(|error| self.connections.unexpected("MGET", &error))?;
        match records.len() == ids.len() {
            true => Ok(records),
            false => Err(self.connections.unexpected("MGET", &"it answers for another number of keys")),
        }
    }

    /// The entry, unless it is damaged or not what was asked for: then it is left out, whatever the server's filter said.
    fn read(&self, record: &[u8], id: Option<&str>, wanted: &Wanted<'_>) -> Option<Arc<Entry>> {
        match Entry::from_bytes(record) {
            Ok(entry) => {
                let is_it = id.is_none_or(|id| entry.id.as_str() == id)
                    && entry.scope == *wanted.scope
                    && !entry.is_over(wanted.now)
                    && entry.fits(wanted.attributes);
                is_it.then(|| Arc::new(entry))
            }
            Err(error) => {
                tracing::warn!(address = %self.connections.address(), %error, "an entry of the cache cannot be read");
                None
            }
        }
    }

    fn forget(&self, keys: &Keys, ids: &[impl AsRef<str>]) -> Result<usize, RedisError> {
        let mut alive = 0;
        for some in ids.chunks(64) {
            let answer = self.run(scripts::REMOVE, keys, |command| {
                some.iter().fold(command, |command, id| command.arg(id.as_ref()))
            })?;
            alive += self.number(&answer)?;
        }
        Ok(alive)
    }

    fn clear_all(&self, keys: &Keys) -> Result<usize, RedisError> {
        let mut alive = None;
        loop {
            let mut command = scripts::CLEAR.on(keys, &keys.gone());
            command.arg(u8::from(alive.is_none()));
            let answer = self.connections.ask("EVAL", command)?;
            let (begun, live, left): (usize, usize, usize) = FromRedisValue::from_redis_value(answer)
                .map_err(|error| self.connections.unexpected("EVAL", &error))?;
            if begun == 1 {
                alive = Some(live);
            }
            if let (Some(alive), 0) = (alive, left) {
                return Ok(alive);
            }
        }
    }

    fn count(&self, keys: &Keys) -> Cmd {
        cmd("ZCOUNT").arg(keys.ledger()).arg(format!("({}", milliseconds(SystemTime::now()))).arg("+inf").to_owned()
    }

    fn number(&self, answer: &Value) -> Result<usize, RedisError> {
        usize::from_redis_value_ref(answer).map_err(|error| self.connections.unexpected("EVAL", &error))
    }

    /// Lets some of what is over be removed, if that was not done just now. Nobody waits for it.
    fn sweep(&self, keys: &Keys) {
        let now = milliseconds(SystemTime::now());
        let last = self.swept.load(Ordering::Relaxed);
        if now.saturating_sub(last) >= SWEEP_EVERY.as_millis() as u64
            && self.swept.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            let mut command = scripts::SWEEP.on(keys, &[]);
            command.arg(BOUND);
            self.connections.tell(command, Some(self.expired.clone()));
        }
    }

    /// Says whether it is kept, as [`store`](Self::store) does.
    fn keep(&self, entry: &Entry, was: Option<&Entry>) -> Result<bool, BackendError> {
        // Without one, it is found by its words alone.
        if !entry.vector.is_empty() {
            check_vector(&entry.vector)?;
        }
        let size = entry.size();
        if size > self.settings.largest_entry {
            return Err(BackendError::TooLarge { bytes: size as u64, limit: self.settings.largest_entry as u64 });
        }
        let keys = self.keys(&entry.scope);
        self.store(entry, was).map_err(|error| self.told("an entry to keep", &keys, &entry.vector, error))
    }

    /// Looks something up, if the server has not just let somebody else wait in vain.
    fn patiently<T>(&self, keys: &Keys, look: impl FnOnce() -> Result<T, BackendError>) -> Result<T, BackendError> {
        // One node of a cluster may hang alone; its scopes are not known, so each is tried.
        let place = if self.connections.address().cluster { keys.base() } else { "" };
        if !self.patience.is_left(place) {
            return Err(BackendError::Late { backend: NAME });
        }
        let since = Instant::now();
        let found = look();
        match &found {
            // Whoever has little time learns nothing about the server.
            Err(BackendError::Late { .. }) if since.elapsed() < self.settings.command => {}
            Err(BackendError::Late { .. }) => self.patience.lost(place),
            _ => self.patience.found(place),
        }
        found
    }

    fn find_exact(&self, keys: &Keys, wanted: &Wanted<'_>) -> Result<Option<Arc<Entry>>, BackendError> {
        let prompt = keys::prompt_digest(wanted.prompt);
        let mut command = scripts::EXACT.on(keys, &[keys.prompt(&prompt)]);
        command.arg(&prompt).arg(milliseconds(wanted.now));
        for attribute in keys::written(wanted.attributes) {
            command.arg(attribute);
        }
        let told = |error: RedisError| of_backend(error, NAME, "an exact lookup");
        let answer = self.connections.ask_within("EVAL", command, self.time_left(wanted.deadline)?).map_err(told)?;
        let record: Option<Vec<u8>> = FromRedisValue::from_redis_value(answer)
            .map_err(|error| told(self.connections.unexpected("EVAL", &error)))?;
        Ok(record.and_then(|record| self.read(&record, None, wanted)).filter(|entry| entry.prompt == wanted.prompt))
    }

    /// See [`nearest`](Backend::nearest).
    fn find_nearest(
        &self,
        keys: &Keys,
        wanted: &Wanted<'_>,
        vector: &[f32],
        k: usize,
    ) -> Result<Vec<Candidate>, BackendError> {
        let told = |error| self.told("a search", keys, vector, error);
        if k == 0 {
            return Ok(Vec::new());
        }
        check_vector(vector)?;
        let mut found = Vec::with_capacity(k);
        // Twice at most: what lost its content is removed after the first time, and is not in the way at the second.
        for is_last in [false, true] {
            found.clear();
            let asked = k.saturating_add(SPARE);
            let within = self.time_left(wanted.deadline)?;
            let ids = self.search(keys, wanted.attributes, wanted.now, vector, asked, within).map_err(told)?;
            let mut lost = Vec::new();
            let mut rest = &ids[..];
            while found.len() < k && !rest.is_empty() {
                let (some, later) = rest.split_at(rest.len().min(k - found.len()));
                rest = later;
                let within = self.time_left(wanted.deadline)?;
                let records = self.records(keys, some, within).map_err(told)?;
                for (id, record) in some.iter().zip(records) {
                    match record {
                        None => lost.push(id.clone()),
                        Some(record) => {
                            let entry = self.read(&record, Some(id), wanted);
                            found.extend(entry.filter(|entry| entry.vector.len() == vector.len()).map(|entry| {
                                // The server's score is of rounded vectors, and it is (1 + cosine) / 2.
                                let cosine = cosine(&entry.vector, vector);
                                Candidate { entry, cosine }
                            }));
                        }
                    }
                }
            }
            if lost.is_empty() {
                break;
            }
            let is_enough = found.len() >= k || ids.len() < asked || is_last;
            if is_enough {
                let mut command = scripts::REMOVE.on(keys, &[]);
                lost.iter().for_each(|id| {
                    command.arg(id);
                });
                self.connections.tell(command, None);
                break;
            }
            self.forget(keys, &lost).map_err(told)?;
        }
        self.sweep(keys);
        found.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then_with(|| a.entry.id.cmp(&b.entry.id)));
        Ok(found)
    }

    /// So long a command may take for somebody who waits until this deadline.
    fn time_left(&self, deadline: &Deadline) -> Result<Duration, BackendError> {
        deadline.check().map_err(|_| BackendError::Late { backend: NAME })?;
        Ok(deadline.remaining().map_or(self.settings.command, |left| left.min(self.settings.command)))
    }

    /// An error, in the words that all backends share. If a vector has the wrong length, the right one is found out.
    fn told(&self, operation: &'static str, keys: &Keys, vector: &[f32], error: RedisError) -> BackendError {
        if let RedisError::Answered { reason, .. } = &error
            && reason.to_ascii_lowercase().contains("dimension")
            && let Ok(answer) = self.connections.ask("VDIM", cmd("VDIM").arg(keys.vectors()).to_owned())
            && let Ok(expected) = usize::from_redis_value(answer)
        {
            return BackendError::Dimensions { expected, got: vector.len() };
        }
        of_backend(error, NAME, operation)
    }
}

impl Backend for VectorSets {
    fn name(&self) -> &'static str {
        NAME
    }

    fn exact(&self, wanted: &Wanted<'_>) -> Result<Option<Arc<Entry>>, BackendError> {
        let keys = self.keys(wanted.scope);
        self.patiently(&keys, || self.find_exact(&keys, wanted))
    }

    fn nearest(&self, wanted: &Wanted<'_>, vector: &[f32], k: usize) -> Result<Vec<Candidate>, BackendError> {
        let keys = self.keys(wanted.scope);
        self.patiently(&keys, || self.find_nearest(&keys, wanted, vector, k))
    }

    fn put(&self, entry: &Entry) -> Result<(), BackendError> {
        if entry.is_over(SystemTime::now()) {
            return self.remove(&entry.scope, std::slice::from_ref(&entry.id)).map(drop);
        }
        self.keep(entry, None).map(drop)
    }

    fn replace(&self, was: &Entry, entry: &Entry) -> Result<bool, BackendError> {
        // What is over from now on is kept for a moment, so that it is known to have taken the other's place.
        let end = SystemTime::now() + Duration::from_millis(1);
        let expires_at = entry.expires_at.map(|it| it.max(end));
        self.keep(&Entry { expires_at, ..entry.clone() }, Some(was))
    }

    fn get(&self, scope: &Scope, id: &EntryId) -> Result<Option<Arc<Entry>>, BackendError> {
        let keys = self.keys(scope);
        let told = |error: RedisError| of_backend(error, NAME, "an entry by its id");
        let within = self.settings.command;
        let mut commands = ::redis::pipe();
        commands.add_command(cmd("ZSCORE").arg(keys.ledger()).arg(id.as_str()).to_owned());
        commands.add_command(cmd("GET").arg(keys.entry(id.as_str())).to_owned());
        let answer = self.connections.ask_within("GET", commands, within).map_err(told)?;
        let (over, record): (Option<f64>, Option<Vec<u8>>) = FromRedisValue::from_redis_value(answer)
            .map_err(|error| told(self.connections.unexpected("GET", &error)))?;
        let (none, forever) = (Attributes::new(), Deadline::none());
        let wanted = Wanted { scope, prompt: "", attributes: &none, now: SystemTime::now(), deadline: &forever };
        Ok(over.and(record).and_then(|record| self.read(&record, Some(id.as_str()), &wanted)))
    }

    fn remove(&self, scope: &Scope, ids: &[EntryId]) -> Result<usize, BackendError> {
        let ids: Vec<&str> = ids.iter().map(EntryId::as_str).collect();
        self.forget(&self.keys(scope), &ids).map_err(|error| of_backend(error, NAME, "a removal"))
    }

    fn remove_where(&self, scope: &Scope, attributes: &Attributes) -> Result<usize, BackendError> {
        if attributes.is_empty() {
            return self.clear(scope);
        }
        let keys = self.keys(scope);
        let told = |error: RedisError| of_backend(error, NAME, "a removal");
        let (mut at, mut alive) = ("0".to_owned(), 0);
        loop {
            let answer = self
                .run(scripts::REMOVE_WHERE, &keys, |command| {
                    keys::written(attributes).fold(command.arg(&at), |command, attribute| command.arg(attribute))
                })
                .map_err(told)?;
            let (next, some): (String, usize) = FromRedisValue::from_redis_value(answer)
                .map_err(|error| told(self.connections.unexpected("EVAL", &error)))?;
            alive += some;
            at = next;
            if at == "0" {
                return Ok(alive);
            }
        }
    }

    fn clear(&self, scope: &Scope) -> Result<usize, BackendError> {
        self.clear_all(&self.keys(scope)).map_err(|error| of_backend(error, NAME, "a removal"))
    }

    fn len(&self, scope: &Scope) -> Result<usize, BackendError> {
        let keys = self.keys(scope);
        (self.connections.ask("ZCOUNT", self.count(&keys)))
            .and_then(|answer| self.number(&answer))
            .map_err(|error| of_backend(error, NAME, "the number of entries"))
    }

    fn evicted(&self) -> Evicted {
        Evicted { expired: self.expired.load(Ordering::Relaxed), room: self.made_room.load(Ordering::Relaxed) }
    }

    fn served(&self, scope: &Scope, id: &EntryId) {
        let mut command = scripts::SERVED.on(&self.keys(scope), &[]);
        command.arg(id.as_str());
        self.connections.tell(command, None);
    }
}

fn mget<'a>(keys: &Keys, ids: impl IntoIterator<Item = &'a str>) -> Cmd {
    let mut command = cmd("MGET");
    for id in ids {
        command.arg(keys.entry(id));
    }
    command
}

/// Redis takes a vector that has a NaN, and finds nothing right from then on.
fn check_vector(vector: &[f32]) -> Result<(), BackendError> {
    match !vector.is_empty() && vector.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err(BackendError::Refused {
            backend: NAME,
            operation: "a vector",
            reason: "it is empty, or one of its values is not finite".to_owned(),
        }),
    }
}

fn blob(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>().clamp(-1.0, 1.0)
}

/// Since 1970; 0 for what was before.
fn microseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(NEVER).min(NEVER)
}
