//! Ranking by words, from lists of postings: the arithmetic of the index in a folder, over the counts of all shards together.

use std::collections::HashMap;

use vetted_redis::redis::{FromRedisValue, Pipeline, Value, cmd};
use vetted_redis::{RedisError, Request};

use super::session::Place;
use super::shards::Shards;
use crate::text::{length_of, saturation, terms, weight};

/// Bytes of a posting.
pub(super) const POSTING: usize = 8;

/// The scores of documents that share a term with a query.
#[derive(Default)]
pub(super) struct Matching {
    /// By shard, then by the document's number; 0 where nothing is shared.
    scores: Vec<Vec<f32>>,
}

/// What a shard knows of a query's words.
struct Postings {
    documents: u64,
    terms: u64,
    /// By term of the query.
    lists: Vec<Vec<u8>>,
}

impl Matching {
    /// Asks every shard that is not lost, and adds those to the lost that do not answer.
    pub(super) fn of(
        shards: &Shards,
        text: &str,
        within: std::time::Duration,
        lost: &mut HashMap<usize, RedisError>,
    ) -> Matching {
        let query = terms(text);
        let mut distinct: Vec<&String> = Vec::with_capacity(query.len());
        query.iter().for_each(|term| {
            if !distinct.contains(&term) {
                distinct.push(term)
            }
        });
        if distinct.is_empty() {
            return Matching::default();
        }
        let ask = |base: &str| {
            let mut pipeline = Pipeline::new();
            pipeline.add_command(cmd("HMGET").arg(format!("{base}s")).arg("of").arg("worded").arg("length").to_owned());
            for term in &distinct {
                pipeline.add_command(cmd("GET").arg(format!("{base}w:{term}")).to_owned());
            }
            Request::from(pipeline)
        };
        let requests = shards.to_all(ask).into_iter().filter(|(shard, _)| !lost.contains_key(shard)).collect();
        let mut found: Vec<(usize, Postings)> = Vec::with_capacity(shards.len());
        for (shard, answer) in shards.ask("GET", requests, within) {
            match answer.and_then(|answer| postings(shards, answer, distinct.len())) {
                Ok(postings) => found.push((shard, postings)),
                Err(error) => drop(lost.insert(shard, error)),
            }
        }
        let documents: u64 = found.iter().map(|(_, postings)| postings.documents).sum();
        let total: u64 = found.iter().map(|(_, postings)| postings.terms).sum();
        let average_length = total as f32 / documents.max(1) as f32;
        let mut scores: Vec<Vec<f32>> = vec![Vec::new(); shards.len()];
        for (at, term) in distinct.iter().enumerate() {
            let repetitions = query.iter().filter(|other| other == term).count();
            let living =
                || found.iter().flat_map(|(shard, it)| living(&it.lists[at]).map(move |posting| (*shard, posting)));
            let weight = weight(repetitions, documents as f32, living().count() as f32);
            for (shard, Posting { number, frequency, length }) in living() {
                let (place, scores) = (number as usize, &mut scores[shard]);
                if scores.len() <= place {
                    scores.resize(place + 1, 0.0);
                }
                scores[place] += saturation(frequency as f32, length as f32, average_length) * weight;
            }
        }
        Matching { scores }
    }

    /// One document's score.
    pub(super) fn of_document(&self, place: Place) -> f32 {
        self.scores.get(place.shard).and_then(|scores| scores.get(place.number as usize)).copied().unwrap_or(0.0)
    }

    /// All documents that share something, the greatest score first.
    pub(super) fn ranked(&self) -> Vec<(Place, f32)> {
        let mut ranked: Vec<(Place, f32)> = Vec::new();
        for (shard, scores) in self.scores.iter().enumerate() {
            let places = (0u32..).zip(scores).filter(|(_, score)| **score > 0.0);
            ranked.extend(places.map(|(number, score)| (Place { shard, number }, *score)));
        }
        ranked.sort_unstable_by(|(_, a), (_, b)| b.total_cmp(a));
        ranked
    }
}

#[derive(Clone, Copy)]
struct Posting {
    number: u32,
    frequency: u32,
    length: u32,
}

/// The postings of documents that are there.
fn living(list: &[u8]) -> impl Iterator<Item = Posting> + '_ {
    let (postings, _) = list.as_chunks::<POSTING>();
    postings.iter().filter_map(|posting| {
        let [a, b, c, d, e, f, g, length] = *posting;
        let frequency = u32::from_le_bytes([e, f, g, 0]);
        (frequency > 0).then(|| Posting {
            number: u32::from_le_bytes([a, b, c, d]),
            frequency,
            length: length_of(length),
        })
    })
}

/// The half of a posting that says how often a term is in a document of this length.
pub(super) fn half_posting(frequency: u32, length: u8) -> [u8; 4] {
    let [a, b, c, _] = frequency.min(0x00ff_ffff).to_le_bytes();
    [a, b, c, length]
}

fn postings(shards: &Shards, answer: Value, terms: usize) -> Result<Postings, RedisError> {
    let unexpected = |reason: &dyn std::fmt::Display| shards.nodes.unexpected("GET", reason);
    let mut answers = Vec::<Value>::from_redis_value(answer).map_err(|error| unexpected(&error))?.into_iter();
    let counts = answers.next().unwrap_or(Value::Nil);
    let (of, documents, total): (Option<String>, Option<i64>, Option<i64>) =
        FromRedisValue::from_redis_value(counts).map_err(|error| unexpected(&error))?;
    shards.check_whose("GET", of.as_deref())?;
    let list = |answer| Option::<Vec<u8>>::from_redis_value(answer).map(Option::unwrap_or_default);
    let lists = answers.map(list).collect::<Result<Vec<_>, _>>().map_err(|error| unexpected(&error))?;
    if lists.len() != terms {
        return Err(unexpected(&"it answers for another number of keys"));
    }
    let number = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0);
    Ok(Postings { documents: number(documents), terms: number(total), lists })
}
