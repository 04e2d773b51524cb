//! The shards of an index: all of them asked at once, each within its time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use vetted_redis::redis::{Cmd, Value, cmd};
use vetted_redis::{Nodes, RedisError, Request};

use super::keys;
use super::opening::Settings;
use super::scripts::Script;
use crate::retriever::NotAsked;

pub(super) struct Shards {
    pub(super) nodes: Nodes,
    pub(super) settings: Settings,
    /// What the keys of each begin with.
    pub(super) bases: Vec<String>,
    /// Which making of the index they belong to: what each says of itself.
    pub(super) making: String,
    slots: Vec<u16>,
    /// How many documents each had when it last said so, and one more; 0 where it never did.
    counts: Vec<AtomicU64>,
    /// Searches must not run in threads of the server.
    pub(super) no_threads: bool,
    /// The server can apply filters to lists.
    pub(super) filters_lists: bool,
}

/// What a shard answered.
pub(super) type Answer = (usize, Result<Value, RedisError>);

impl Shards {
    pub(super) fn new(
        nodes: Nodes,
        settings: Settings,
        (tags, making): (&[String], String),
        no_threads: bool,
        filters_lists: bool,
    ) -> Shards {
        let counts = tags.iter().map(|_| AtomicU64::new(0)).collect();
        let (bases, slots) = tags.iter().map(|tag| (keys::base(tag), keys::slot(tag))).unzip();
        Shards { nodes, settings, bases, making, slots, counts, no_threads, filters_lists }
    }

    pub(super) fn len(&self) -> usize {
        self.bases.len()
    }

    /// Asks some shards at once. One that fails in a way that passes is asked once more, if there is time. The answers
    /// come in the order of the requests.
    pub(super) fn ask(&self, command: &'static str, requests: Vec<(usize, Request)>, within: Duration) -> Vec<Answer> {
        let begun = Instant::now();
        let (shards, requests): (Vec<usize>, Vec<(u16, Request)>) =
            requests.into_iter().map(|(shard, request)| (shard, (self.slots[shard], request))).unzip();
        let mut answers = self.nodes.ask_all(command, requests.clone(), within);
        let again: Vec<usize> = (0..answers.len()).filter(|at| answers[*at].as_ref().is_err_and(passes_soon)).collect();
        let pause = jittered(Duration::from_millis(20));
        let left = within.saturating_sub(begun.elapsed() + pause);
        if !again.is_empty() && !left.is_zero() {
            std::thread::sleep(pause);
            let requests = again.iter().map(|at| requests[*at].clone()).collect();
            for (at, answer) in again.iter().zip(self.nodes.ask_all(command, requests, left)) {
                answers[*at] = answer;
            }
        }
        shards.into_iter().zip(answers).collect()
    }

    /// Asks some shards, and asks again those that fail in a way that may pass, with pauses that grow, until `patience` ends.
    ///
    /// # Errors
    /// The first shard's that fails for good.
    pub(super) fn ask_patiently(
        &self,
        command: &'static str,
        requests: Vec<(usize, Request)>,
        patience: Duration,
    ) -> Result<Vec<Value>, RedisError> {
        let begun = Instant::now();
        // Whoever has little patience does not wait for a change either.
        let within = self.settings.change.min(2 * patience);
        let mut pause = Duration::from_millis(20);
        let mut waiting: Vec<usize> = (0..requests.len()).collect();
        let mut answers: Vec<Option<Value>> = requests.iter().map(|_| None).collect();
        loop {
            let asked = waiting.iter().map(|at| (self.slots[requests[*at].0], requests[*at].1.clone())).collect();
            let mut failed = Vec::new();
            let mut last = None;
            for (at, answer) in waiting.iter().zip(self.nodes.ask_all(command, asked, within)) {
                match answer {
                    Ok(value) => answers[*at] = Some(value),
                    Err(error) if may_pass(&error) => {
                        failed.push(*at);
                        last = Some(error);
                    }
                    Err(error) => return Err(error),
                }
            }
            let Some(error) = last else { return Ok(answers.into_iter().flatten().collect()) };
            if begun.elapsed() + pause > patience {
                return Err(error);
            }
            tracing::debug!(%error, command, "tried again");
            std::thread::sleep(jittered(pause));
            pause = (pause * 2).min(Duration::from_secs(1));
            waiting = failed;
        }
    }

    /// Asks one shard, once.
    pub(super) fn ask_one(
        &self,
        command: &'static str,
        shard: usize,
        request: impl Into<Request>,
    ) -> Result<Value, RedisError> {
        self.nodes.ask(command, self.slots[shard], request)
    }

    /// A script, to be run in a shard. Arguments are added to it.
    pub(super) fn script(&self, script: Script, shard: usize) -> Cmd {
        script.in_shard(&self.bases[shard], &self.making)
    }

    /// What asks a shard which making of the index it belongs to.
    pub(super) fn whose(base: &str) -> Cmd {
        cmd("HGET").arg(format!("{base}s")).arg("of").to_owned()
    }

    /// Whether a shard's answer to that is right.
    ///
    /// # Errors
    /// If it belongs to no making of an index, or to another.
    pub(super) fn check_whose(&self, command: &'static str, of: Option<&str>) -> Result<(), RedisError> {
        if of == Some(self.making.as_str()) {
            return Ok(());
        }
        Err(self.nodes.unexpected(
            command,
            &"this shard has nothing of the index: its server came back without its data, or the index was made anew under the \
              same name. Open it again; if documents are missing then, index them again under another name",
        ))
    }

    /// The same request to every shard, made of what its keys begin with.
    pub(super) fn to_all(&self, request: impl Fn(&str) -> Request) -> Vec<(usize, Request)> {
        self.bases.iter().map(|base| request(base)).enumerate().collect()
    }

    /// Remembers how many documents a shard has.
    pub(super) fn counted(&self, shard: usize, documents: u64) {
        self.counts[shard].store(documents + 1, Ordering::Relaxed);
    }

    /// What to say of a shard that was not asked.
    pub(super) fn not_asked(&self, shard: usize, error: &RedisError) -> NotAsked {
        NotAsked {
            part: format!("shard {} of {}", shard + 1, self.len()),
            documents: self.counts[shard].load(Ordering::Relaxed).checked_sub(1),
            reason: error.to_string(),
        }
    }
}

/// Whether asking again soon may help a search.
fn passes_soon(error: &RedisError) -> bool {
    matches!(error, RedisError::Unreachable { .. }) || is_moving(error)
}

/// Whether trying again may help a change.
fn may_pass(error: &RedisError) -> bool {
    matches!(error, RedisError::Unreachable { .. } | RedisError::Deadline { .. }) || is_moving(error)
}

/// A cluster is moving the slot to another node, and some of its keys are there already.
fn is_moving(error: &RedisError) -> bool {
    let RedisError::Answered { reason, .. } = error else { return false };
    let signs =
        ["TRYAGAIN", "non local key", "rehashing of the slot", "cluster is down", "CLUSTERDOWN", "MOVED", "ASK "];
    signs.iter().any(|sign| reason.contains(sign))
}

/// Between half of a pause and all of it, so that many who wait do not come back at once.
fn jittered(pause: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(0) as u32;
    pause / 2 + pause.mul_f64(0.5 * f64::from(random) / f64::from(u32::MAX))
}
