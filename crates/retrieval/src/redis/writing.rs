//! Everything that changes an index on Redis.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use vetted_redis::Request;
use vetted_redis::redis::{Cmd, FromRedisValue, Pipeline, Value};

use super::dense::LENGTH_TOLERANCE;
use super::opening::RedisIndex;
use super::records::{encode_metadata, encode_passages, encode_text, encode_vector};
use super::words::half_posting;
use super::{filtering, keys, scripts};
use crate::error::{Error, Result, ServerProblem};
use crate::query::check_vector;
use crate::text::{rounded, terms};
use crate::writing::{Entry, Upserted};

/// So many documents, and bytes, are on their way to a shard before it has answered for those before. So a loader is as fast as
/// the slowest shard, and a server's buffers stay small.
const DOCUMENTS_TOGETHER: usize = 64;
const BYTES_TOGETHER: usize = 4 << 20;
/// Passages of a document, at most. Its script takes about a millisecond for each, and the server does nothing else meanwhile.
const MOST_PASSAGES: usize = 8192;

impl RedisIndex {
    pub(super) fn put_all(&self, entries: Vec<Entry>, origins: &HashMap<String, String>) -> Result<Upserted> {
        self.check_writable()?;
        entries.iter().try_for_each(|entry| self.check_entry(entry))?;
        let given = entries.len();
        let last: HashMap<String, usize> =
            entries.iter().enumerate().map(|(at, entry)| (entry.document.id.clone(), at)).collect();
        let mut upserted = Upserted { duplicates: given - last.len(), ..Upserted::default() };
        let mut by_shard: Vec<Vec<Cmd>> = vec![Vec::new(); self.shards.len()];
        for (at, entry) in entries.iter().enumerate() {
            let id = &entry.document.id;
            if last.get(id) == Some(&at) {
                let shard = keys::shard_of(id, self.shards.len());
                let command = self.shards.script(scripts::PUT, shard);
                by_shard[shard].push(put_command(command, entry, origins.get(id)));
            }
        }
        for answer in self.pipelined(by_shard)? {
            match self.number(answer)? {
                0 => upserted.added += 1,
                _ => upserted.replaced += 1,
            }
        }
        Ok(upserted)
    }

    pub(super) fn delete_all(&self, ids: &[&str]) -> Result<usize> {
        self.check_writable()?;
        // One at a time, so that a server is never held up for long.
        let command = |shard: usize, id: &str| {
            let mut command = self.shards.script(scripts::DELETE, shard);
            command.arg(now()).arg(id);
            command
        };
        let mut by_shard: Vec<Vec<Cmd>> = vec![Vec::new(); self.shards.len()];
        for id in ids {
            let shard = keys::shard_of(id, self.shards.len());
            by_shard[shard].push(command(shard, id));
        }
        let answers = self.pipelined(by_shard)?;
        answers.into_iter().try_fold(0, |sum, answer| Ok(sum + self.number(answer)?))
    }

    pub(super) fn set_field(&self, field: &str, values: Vec<(&str, Vec<u8>)>) -> Result<usize> {
        self.check_writable()?;
        let mut by_shard: Vec<Vec<Cmd>> = vec![Vec::new(); self.shards.len()];
        for (id, value) in values {
            let shard = keys::shard_of(id, self.shards.len());
            let mut command = self.shards.script(scripts::SET, shard);
            command.arg(field).arg(id).arg(value);
            by_shard[shard].push(command);
        }
        let answers = self.pipelined(by_shard)?;
        answers.into_iter().try_fold(0, |sum, answer| Ok(sum + self.number(answer)?))
    }

    /// Sends commands to their shards, all shards at once, some commands of each at a time. The answers are in no order.
    fn pipelined(&self, by_shard: Vec<Vec<Cmd>>) -> Result<Vec<Value>> {
        let mut waiting: BTreeMap<usize, std::vec::IntoIter<Cmd>> = by_shard
            .into_iter()
            .map(Vec::into_iter)
            .enumerate()
            .filter(|(_, commands)| !commands.as_slice().is_empty())
            .collect();
        let mut answers = Vec::new();
        while !waiting.is_empty() {
            let requests = waiting.iter_mut().map(|(shard, commands)| (*shard, together(commands))).collect();
            for answer in self.shards.ask_patiently("EVAL", requests, self.shards.settings.patience)? {
                let some = Vec::<Value>::from_redis_value(answer);
                answers.extend(some.map_err(|error| self.shards.nodes.unexpected("EVAL", &error))?);
            }
            waiting.retain(|_, commands| !commands.as_slice().is_empty());
        }
        Ok(answers)
    }

    fn number(&self, answer: Value) -> Result<usize> {
        let number = usize::from_redis_value(answer);
        Ok(number.map_err(|error| self.shards.nodes.unexpected("EVAL", &error))?)
    }

    fn check_entry(&self, entry: &Entry) -> Result<()> {
        let id = &entry.document.id;
        if id.is_empty() {
            return Err(Error::EmptyId { title: entry.document.title.clone() });
        }
        if entry.passages.len() > MOST_PASSAGES {
            return Err(Error::Server {
                problem: ServerProblem::Unsuitable,
                message: format!(
                    "document {id:?} has {} passages: Redis would answer nobody while it is written, so a document there has at most \
                     {MOST_PASSAGES}. Split it, make passages longer (--max-tokens), or keep the index in a folder",
                    entry.passages.len()
                ),
            });
        }
        for (_, vector) in &entry.passages {
            check_vector(vector, self.manifest.encoder.dimensions, Some(id))?;
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            if length != 0.0 && (length - 1.0).abs() > LENGTH_TOLERANCE {
                return Err(Error::Server {
                    problem: ServerProblem::Unsuitable,
                    message: format!(
                        "a vector of document {id:?} has length {length}: Redis compares vectors by their angle alone, so an index \
                         there takes vectors of length 1. Normalize them, or keep the index in a folder"
                    ),
                });
            }
        }
        Ok(())
    }
}

/// Some commands of those that wait, as one pipeline.
fn together(commands: &mut std::vec::IntoIter<Cmd>) -> Request {
    let mut pipeline = Pipeline::new();
    let (mut documents, mut bytes) = (0, 0);
    while documents < DOCUMENTS_TOGETHER && bytes < BYTES_TOGETHER {
        let Some(command) = commands.next() else { break };
        bytes += command
            .args_iter()
            .map(|argument| match argument {
                vetted_redis::redis::Arg::Simple(bytes) => bytes.len(),
                _ => 0,
            })
            .sum::<usize>();
        documents += 1;
        pipeline.add_command(command);
    }
    pipeline.into()
}

/// The script that puts a document into a shard, with its arguments.
pub(super) fn put_command(mut command: Cmd, entry: &Entry, origin: Option<&String>) -> Cmd {
    let Entry { document, passages, views } = entry;
    let all = terms(&document.full_text());
    let length = rounded(all.len());
    let mut counts: BTreeMap<&String, u32> = BTreeMap::new();
    all.iter().for_each(|term| *counts.entry(term).or_default() += 1);
    command
        .arg(&document.id)
        .arg(encode_text(document))
        .arg(encode_metadata(&document.metadata))
        .arg(encode_passages(passages))
        .arg(views.as_deref().unwrap_or_default())
        .arg(origin.map(|origin| serde_json::json!([origin]).to_string()).unwrap_or_default())
        .arg(now())
        .arg(crate::text::length_of(length))
        .arg(filtering::attributes(&document.metadata))
        .arg(passages.len());
    for (_, vector) in passages {
        command.arg(encode_vector(vector));
    }
    command.arg(counts.len());
    for (term, frequency) in counts {
        command.arg(term).arg(&half_posting(frequency, length)[..]);
    }
    command
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
