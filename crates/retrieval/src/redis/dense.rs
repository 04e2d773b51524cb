//! Ranking by vectors: what the vector sets find, scored again with the exact vectors.

use std::collections::HashMap;

use vetted_kernels::Team;
use vetted_redis::redis::{FromRedisValue, Pipeline, cmd};

use super::records::encode_vector;
use super::session::{Contents, Place, Ranked, Searching};
use super::shards::Shards;
use crate::error::Result;
use crate::fetched::Nearest;

/// So many more than were asked for are scored exactly, at least: vectors of 8 bits are not quite in the order of the exact ones.
const SPARE: usize = 8;
/// How many candidates the search in a graph keeps in view, at least. The more, the less it misses.
const EFFORT: usize = 200;
/// How far a cosine of 8-bit vectors is from the exact one, seldom more. What is not proposed may be nearer than what is by as much.
/// (Of 384 values the error's standard deviation is about 0.0005.)
const ROUNDING: f64 = 0.002;
/// Where many documents are as near to each other as that, so many are scored exactly, and not more.
const MOST_ALIKE: usize = 256;
/// Beyond so many documents, only what ranks them is fetched with them.
const FETCHED_WHOLE: usize = 192;
/// More of a shard are not asked for in one way.
const MOST: usize = 1 << 20;
/// Vectors whose length is nearer to 1 than this count as of length 1.
pub(super) const LENGTH_TOLERANCE: f32 = 1e-3;

impl Searching<'_> {
    /// The nearest documents that fit, best first, with exact scores.
    pub(super) fn nearest(&mut self, nearest: &Nearest<'_>, team: &Team) -> Result<Vec<Ranked>> {
        if nearest.k == 0 {
            return Ok(Vec::new());
        }
        let length = nearest.vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        let mut count = nearest.k.saturating_add(SPARE.max(nearest.k / 4)).min(MOST);
        if nearest.exact {
            count = count.saturating_mul(2).min(MOST);
        }
        let mut linear = nearest.exact;
        loop {
            team.check()?;
            let Proposed { documents, least, full } = self.propose(nearest.vector, count, linear);
            // Beyond these, none was proposed: whatever is left out is less near than this, as the server sees it.
            let some =
                if nearest.exact || !self.filters.is_empty() { documents.len() } else { documents.len().min(count) };
            let contents = if some <= FETCHED_WHOLE { Contents::Whole } else { Contents::Ranking };
            let lost = self.lost.len();
            self.fetch(documents[..some].iter().map(|(place, _)| *place), contents);
            if self.lost.len() > lost {
                // Others of the documents that were proposed take the places of those that cannot be had.
                continue;
            }
            let mut best: Vec<Ranked> = Vec::with_capacity(some);
            for (place, _) in &documents[..some] {
                let Some(document) = self.fitting(*place) else { continue };
                if let Some((_, score)) = document.best_passage(nearest.vector) {
                    best.push(Ranked { place: *place, score, document });
                }
            }
            best.sort_by(Ranked::order);
            let is_gone = |(place, _): &(Place, f64)| self.fetched.get(place).is_some_and(Option::is_none);
            let gone = documents[..some].iter().filter(|it| is_gone(it)).count();
            let enough = best.len() >= nearest.k;
            let is_ahead = |error: f64| {
                let worst = best.get(nearest.k - 1).map_or(f32::NEG_INFINITY, |scored| scored.score);
                f64::from(worst / length.max(f32::MIN_POSITIVE)) > least + error
            };
            let done = match (full, nearest.exact) {
                (true, true) => enough && is_ahead(error_bound(nearest.vector, length)),
                (true, false) => enough && (count >= MOST_ALIKE || is_ahead(ROUNDING)),
                // A graph may not have led to all that fit the filters.
                (false, _) => enough || linear || self.expression.is_none() && gone == 0,
            };
            if done || count >= MOST {
                best.truncate(nearest.k);
                return Ok(best);
            }
            if full {
                count = count.saturating_mul(4).min(MOST);
            } else {
                linear = true;
            }
        }
    }

    /// Asks the vector sets of all shards that are not lost.
    fn propose(&mut self, vector: &[f32], count: usize, linear: bool) -> Proposed {
        let blob = encode_vector(vector);
        let ask = |base: &str| {
            let mut command = cmd("VSIM");
            command.arg(format!("{base}v")).arg("FP32").arg(&blob).arg("WITHSCORES").arg("COUNT").arg(count);
            if linear {
                command.arg("TRUTH");
            } else {
                command.arg("EF").arg(EFFORT.max(count));
            }
            if let Some(expression) = &self.expression {
                command.arg("FILTER").arg(expression);
            }
            if self.shards.no_threads {
                command.arg("NOTHREAD");
            }
            let mut pipeline = Pipeline::new();
            pipeline.add_command(Shards::whose(base)).add_command(command);
            pipeline.into()
        };
        let requests =
            self.shards.to_all(ask).into_iter().filter(|(shard, _)| !self.lost.contains_key(shard)).collect();
        let mut documents: HashMap<Place, f64> = HashMap::new();
        let (mut least, mut full) = (f64::NEG_INFINITY, false);
        for (shard, answer) in self.shards.ask("VSIM", requests, self.within) {
            let unexpected = |error: &dyn std::fmt::Display| self.shards.nodes.unexpected("VSIM", error);
            type Found = (Option<String>, Vec<(String, f64)>);
            let found = answer
                .and_then(|answer| Found::from_redis_value(answer).map_err(|error| unexpected(&error)))
                .and_then(|(of, found)| self.shards.check_whose("VSIM", of.as_deref()).map(|()| found));
            let found = match found {
                Ok(found) => found,
                Err(error) => {
                    self.lost.insert(shard, error);
                    continue;
                }
            };
            let mut last = f64::INFINITY;
            let number = found.len();
            for (element, score) in found {
                // Redis gives (1 + cosine) / 2.
                let cosine = 2.0 * score - 1.0;
                last = last.min(cosine);
                let Some(number) = element.split(':').next().and_then(|number| number.parse().ok()) else { continue };
                let known = documents.entry(Place { shard, number }).or_insert(cosine);
                *known = known.max(cosine);
            }
            if number >= count {
                full = true;
                least = least.max(last);
            }
        }
        let mut documents: Vec<(Place, f64)> = documents.into_iter().collect();
        documents.sort_by(|(a, near), (b, far)| far.total_cmp(near).then_with(|| a.cmp(b)));
        Proposed { documents, least, full }
    }
}

/// What the vector sets propose.
struct Proposed {
    /// Documents with the cosine of their nearest passage as the servers compute it, the nearest first.
    documents: Vec<(Place, f64)>,
    /// Where `full`, no passage that was not proposed has a greater cosine, as the servers compute it.
    least: f64,
    /// At least one shard may have more.
    full: bool,
}

/// How far a cosine of 8-bit vectors may be from the exact one. A value is rounded to one of 127 steps of the vector's
/// greatest, so it is off by half a step at most; the other vector's values, at most 1 in all squared, weigh that.
fn error_bound(vector: &[f32], length: f32) -> f64 {
    let length = f64::from(length.max(f32::MIN_POSITIVE));
    let greatest = vector.iter().map(|value| f64::from(value.abs()) / length).fold(0.0, f64::max);
    let sum: f64 = vector.iter().map(|value| f64::from(value.abs()) / length).sum();
    let root = (vector.len() as f64).sqrt();
    // The query's error meets at most sqrt(dimensions) of the other's values; the other's greatest value is at most 1.
    (greatest * root + sum + root * greatest / 254.0) / 254.0 + f64::from(LENGTH_TOLERANCE)
}
