//! Which pairs make up which step, and in what order.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::base::Base;
use crate::example::Example;
use crate::model::Input;
use crate::random::{Purpose, Random};
use crate::recipe::{Architecture, Contrast, Recipe};
use crate::texts::Texts;
use crate::{Error, recipe};

/// Pairs as tokens.
pub(crate) struct Set {
    pub(crate) pairs: Vec<Coded>,
    /// For every pair, the candidates that pairs with the same query deny, by the number of the first such pair.
    denied: HashMap<Vec<u32>, Vec<usize>>,
}

/// A pair as tokens, and what is known about it.
pub(crate) struct Coded {
    pub(crate) query: Vec<u32>,
    pub(crate) candidate: Vec<u32>,
    /// Support, equivalence, conflict.
    pub(crate) labels: [Option<bool>; 3],
    pub(crate) kind: Option<usize>,
    pub(crate) symmetric: bool,
    pub(crate) weight: f32,
}

impl Coded {
    /// The output that says whether the two match.
    pub(crate) fn output(&self) -> usize {
        if self.labels[0].is_none() && self.labels[1].is_some() { 1 } else { 0 }
    }

    fn tokens(&self) -> usize {
        self.query.len() + self.candidate.len()
    }
}

impl Set {
    /// Tokenizes what has a label. `name` is for complaints.
    pub(crate) fn new(base: &Base, recipe: &Recipe, name: &'static str, examples: &[Example]) -> Result<Set, Error> {
        let kinds = recipe.kinds.len();
        for (index, example) in examples.iter().enumerate() {
            if let Some(kind) = example.kind.filter(|kind| *kind >= kinds) {
                return Err(Error::UnknownKind { set: name, index, kind, kinds });
            }
        }
        let examples: Vec<&Example> = examples.iter().filter(|example| example.is_labelled()).collect();
        let queries: Vec<&str> = examples.iter().map(|example| &example.query[..]).collect();
        let candidates: Vec<&str> = examples.iter().map(|example| &example.candidate[..]).collect();
        let queries = base.token_ids(&queries, recipe.max_tokens)?;
        let candidates = base.token_ids(&candidates, recipe.max_tokens)?;
        let coded = examples.iter().zip(queries.into_iter().zip(candidates));
        let pairs = coded.map(|(example, (query, candidate))| Coded {
            query,
            candidate,
            labels: [example.support, example.equivalence, example.conflict],
            kind: example.kind,
            symmetric: example.symmetric,
            weight: example.weight,
        });
        let mut set = Set { pairs: pairs.collect(), denied: HashMap::new() };
        if recipe.contrast.is_some() {
            for (index, pair) in set.pairs.iter().enumerate() {
                if pair.labels[pair.output()] == Some(false) {
                    set.denied.entry(pair.query.clone()).or_default().push(index);
                }
            }
        }
        Ok(set)
    }

    /// A digest of all pairs and labels.
    pub(crate) fn fingerprint(&self) -> String {
        let mut digest = Sha256::new();
        for pair in &self.pairs {
            for ids in [&pair.query, &pair.candidate] {
                digest.update((ids.len() as u64).to_le_bytes());
                ids.iter().for_each(|id| digest.update(id.to_le_bytes()));
            }
            digest.update(format!("{:?}{:?}{}{}", pair.labels, pair.kind, pair.symmetric, pair.weight));
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Steps of one pass.
    pub(crate) fn steps(&self, batch: usize) -> usize {
        self.pairs.len().div_ceil(batch).max(1)
    }

    /// The batches of pass number `epoch`: pairs in random order, near each other in length inside a batch.
    pub(crate) fn pass(&self, recipe: &Recipe, epoch: usize) -> Vec<Vec<usize>> {
        let mut random = Random::new(recipe.seed, Purpose::Order, &[epoch as u64]);
        let mut order: Vec<usize> = (0..self.pairs.len()).collect();
        random.shuffle(&mut order);
        // Lengths are sorted inside pools of many batches: batches are even in length, and no two passes have the same.
        let mut batches = Vec::with_capacity(self.steps(recipe.batch));
        for pool in order.chunks_mut(recipe.batch * POOL) {
            pool.sort_by_key(|index| self.pairs[*index].tokens());
            batches.extend(pool.chunks(recipe.batch).map(<[usize]>::to_vec));
        }
        random.shuffle(&mut batches);
        batches
    }
}

/// Batches in a pool of pairs that is sorted by length.
const POOL: usize = 32;

/// What one worker learns from in one step.
pub(crate) struct Shard {
    pub(crate) input: Input,
    /// Of the first pairs of the input.
    pub(crate) targets: Vec<Target>,
    pub(crate) contrasts: Vec<Contrasted>,
    /// The weight of the whole batch, all shards together.
    pub(crate) total: f32,
}

/// What is known about a pair, and what it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) labels: [Option<bool>; 3],
    pub(crate) kind: Option<usize>,
    pub(crate) weight: f32,
}

/// A pair of the input that must be above others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contrasted {
    pub(crate) output: usize,
    pub(crate) positive: usize,
    pub(crate) negatives: Vec<usize>,
    pub(crate) weight: f32,
}

/// A batch divided among `workers`. The division, and with it the result, does not depend on how many threads there are.
pub(crate) fn shards(set: &Set, recipe: &Recipe, batch: &[usize], step: usize, workers: usize) -> Vec<Shard> {
    let total = batch.iter().map(|index| set.pairs[*index].weight).sum::<f32>().max(1e-6);
    let mut swaps = Random::new(recipe.seed, Purpose::Swap, &[step as u64]);
    let swapped: Vec<bool> = batch.iter().map(|index| swaps.next() & 1 == 1 && set.pairs[*index].symmetric).collect();
    let shard = |worker: usize| {
        // Every so-manieth pair: neighbours are alike in length, so shards are too.
        let mine: Vec<(usize, bool)> =
            batch.iter().copied().zip(swapped.iter().copied()).skip(worker).step_by(workers).collect();
        let random = Random::new(recipe.seed, Purpose::Negatives, &[step as u64, worker as u64]);
        shard(set, recipe, &mine, total, random)
    };
    (0..workers).map(shard).collect()
}

fn shard(set: &Set, recipe: &Recipe, mine: &[(usize, bool)], total: f32, mut random: Random) -> Shard {
    let texts = |(index, swapped): &(usize, bool)| {
        let pair = &set.pairs[*index];
        if *swapped { (&pair.candidate[..], &pair.query[..]) } else { (&pair.query[..], &pair.candidate[..]) }
    };
    let mut reading = Reading::new(&recipe.architecture, mine.iter().map(texts));
    let target = |(index, _): &(usize, bool)| {
        let Coded { labels, kind, weight, .. } = set.pairs[*index];
        Target { labels, kind, weight }
    };
    let mut contrasts = Vec::new();
    for (place, (index, swapped)) in mine.iter().enumerate() {
        let (Some(Contrast { negatives, .. }), pair) = (recipe.contrast, &set.pairs[*index]) else { continue };
        if pair.labels[pair.output()] != Some(true) || mine.len() < 2 {
            continue;
        }
        let denied = if *swapped { None } else { set.denied.get(&pair.query) };
        let negatives = (0..negatives).map(|n| match denied {
            // One denied candidate if there is any, others of this batch.
            Some(denied) if n == 0 => reading.add(place, &set.pairs[denied[random.below(denied.len())]].candidate),
            _ => {
                let other = (place + 1 + random.below(mine.len() - 1)) % mine.len();
                reading.pair(place, other)
            }
        });
        let negatives = negatives.collect();
        contrasts.push(Contrasted { output: pair.output(), positive: place, negatives, weight: pair.weight });
    }
    Shard { targets: mine.iter().map(target).collect(), input: reading.input(), contrasts, total }
}

/// Texts and pairs of an input as they come together.
struct Reading<'a> {
    joint: bool,
    queries: Vec<&'a [u32]>,
    candidates: Vec<&'a [u32]>,
    extra: Vec<&'a [u32]>,
    /// Query and candidate; numbers from the number of pairs on are of `extra`.
    pairs: Vec<(usize, usize)>,
}

impl<'a> Reading<'a> {
    fn new(architecture: &Architecture, pairs: impl Iterator<Item = (&'a [u32], &'a [u32])>) -> Reading<'a> {
        let (queries, candidates): (Vec<_>, Vec<_>) = pairs.unzip();
        let pairs = (0..queries.len()).map(|k| (k, k)).collect();
        let joint = *architecture == Architecture::CrossEncoder;
        Reading { joint, queries, candidates, extra: Vec::new(), pairs }
    }

    /// Reads the query of one pair with the candidate of another, and says as which pair.
    fn pair(&mut self, query: usize, candidate: usize) -> usize {
        self.pairs.push((query, candidate));
        self.pairs.len() - 1
    }

    /// Reads the query of one pair with another candidate.
    fn add(&mut self, query: usize, candidate: &'a [u32]) -> usize {
        self.extra.push(candidate);
        self.pair(query, self.candidates.len() + self.extra.len() - 1)
    }

    fn input(self) -> Input {
        let Reading { joint, queries, mut candidates, extra, pairs } = self;
        candidates.extend(extra);
        if joint {
            let joined: Vec<_> =
                pairs.iter().map(|(query, candidate)| (queries[*query], candidates[*candidate])).collect();
            return Input { texts: Texts::joined(&joined), pairs: (0..pairs.len()).map(|k| (k, k)).collect() };
        }
        let first = queries.len();
        let texts = Texts::of(&[queries, candidates].concat());
        Input { texts, pairs: pairs.into_iter().map(|(query, candidate)| (query, first + candidate)).collect() }
    }
}

/// The input that scores `pairs`, each as it is and then, where it is symmetric, the other way round.
pub(crate) fn scoring(architecture: &Architecture, pairs: &[&Coded]) -> Input {
    if *architecture == Architecture::CrossEncoder {
        let straight = pairs.iter().map(|pair| (&pair.query[..], &pair.candidate[..]));
        let turned = pairs.iter().filter(|pair| pair.symmetric).map(|pair| (&pair.candidate[..], &pair.query[..]));
        let joined: Vec<_> = straight.chain(turned).collect();
        return Input { texts: Texts::joined(&joined), pairs: (0..joined.len()).map(|k| (k, k)).collect() };
    }
    let texts: Vec<&[u32]> = pairs.iter().flat_map(|pair| [&pair.query[..], &pair.candidate[..]]).collect();
    let straight = (0..pairs.len()).map(|k| (2 * k, 2 * k + 1));
    let turned = pairs.iter().enumerate().filter(|(_, pair)| pair.symmetric).map(|(k, _)| (2 * k + 1, 2 * k));
    Input { texts: Texts::of(&texts), pairs: straight.chain(turned).collect() }
}

/// Texts to look at before training: the first tokens of random pairs.
pub(crate) fn sample(set: &Set, recipe: &recipe::Recipe, count: usize) -> Texts {
    let mut random = Random::new(recipe.seed, Purpose::Sample, &[]);
    let picked: Vec<&[u32]> = match set.pairs.len() {
        0 => Vec::new(),
        pairs => (0..count).map(|_| &set.pairs[random.below(pairs)].candidate[..]).collect(),
    };
    Texts::of(&picked)
}
