//! Which pairs make up which step, and in what order.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use vetted_reader::Architecture;
use vetted_tensors::digest::Digest;

use crate::base::Base;
use crate::example::Example;
use crate::model::Input;
use crate::random::{Purpose, Random};
use crate::recipe::{Contrast, Recipe};
use crate::texts::Texts;
use crate::{Error, recipe};

/// Pairs as tokens.
pub(crate) struct Set {
    pub(crate) pairs: Vec<Coded>,
    /// For every pair, the candidates that pairs with the same query deny, by the number of the first such pair.
    denied: HashMap<Vec<u32>, Vec<usize>>,
    /// The token of a full stop, if it has one.
    full_stop: Option<u32>,
}

/// A pair as tokens, and what is known about it.
pub(crate) struct Coded {
    pub(crate) query: Vec<u32>,
    pub(crate) candidate: Vec<u32>,
    /// Support, equivalence, conflict.
    pub(crate) labels: [Option<bool>; 3],
    /// Its place among the recipe's kinds.
    pub(crate) kind: Option<usize>,
    pub(crate) symmetric: bool,
    pub(crate) weight: f32,
    pub(crate) source: String,
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
    /// Tokenizes what has a label.
    pub(crate) fn new(base: &Base, recipe: &Recipe, examples: &[Example]) -> Result<Set, Error> {
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
            kind: example.kind.and_then(|kind| recipe.kinds.iter().position(|told| *told == kind)),
            symmetric: example.symmetric,
            weight: example.weight,
            source: example.source.clone(),
        });
        let full_stop = base.tokenizer.token_to_id(".");
        let mut set = Set { pairs: pairs.collect(), denied: HashMap::new(), full_stop };
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
        let mut digest = Digest::default();
        for pair in &self.pairs {
            for ids in [&pair.query, &pair.candidate] {
                digest.update((ids.len() as u64).to_le_bytes());
                ids.iter().for_each(|id| digest.update(id.to_le_bytes()));
            }
            let Coded { labels, kind, symmetric, weight, source, .. } = pair;
            digest.update(format!("{labels:?}{kind:?}{symmetric}{weight}{source:?}"));
        }
        digest.hex()
    }

    /// The batches of a whole run: pairs in random order, near each other in length inside a batch.
    ///
    /// # Errors
    /// [`Error::NoShare`].
    pub(crate) fn batches(&self, recipe: &Recipe) -> Result<Vec<Vec<usize>>, Error> {
        let mut random = Random::new(recipe.seed, Purpose::Order, &[u64::MAX]);
        let mut visits = self.visits(recipe)?;
        // Lengths are sorted inside pools of many batches: batches are even in length, and no two pools have the same.
        let mut batches = Vec::with_capacity(visits.len() / recipe.batch + 1);
        for pool in visits.chunks_mut(recipe.batch * POOL) {
            pool.sort_by_key(|index| self.pairs[*index].tokens());
            let first = batches.len();
            batches.extend(pool.chunks(recipe.batch).map(<[usize]>::to_vec));
            random.shuffle(&mut batches[first..]);
        }
        Ok(batches)
    }

    /// Pairs in the order in which they are visited. Every source's are gone through as often as its share asks, always
    /// all of them before one comes again, and lie evenly over the run.
    fn visits(&self, recipe: &Recipe) -> Result<Vec<usize>, Error> {
        let mut sources: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, pair) in self.pairs.iter().enumerate() {
            let source = if recipe.shares.is_empty() { "" } else { &pair.source };
            sources.entry(source).or_default().push(index);
        }
        let names = || sources.keys().copied().collect::<Vec<_>>().join(", ");
        let share = |source: &str| if recipe.shares.is_empty() { 1.0 } else { recipe.share(source) };
        let total: f64 = sources.keys().map(|source| share(source)).sum();
        if total == 0.0 {
            return Err(Error::NoShare { sources: names() });
        }
        let pairs: usize = sources.iter().filter(|(source, _)| share(source) > 0.0).map(|(_, pairs)| pairs.len()).sum();
        let count = recipe.visits.map_or(recipe.epochs * pairs as f64, |visits| visits as f64);
        let mut visits = Vec::new();
        for (at, (source, mut pairs)) in sources.into_iter().enumerate() {
            let mut random = Random::new(recipe.seed, Purpose::Order, &[at as u64]);
            let count = (count * share(source) / total).round() as usize;
            for visit in 0..count {
                if visit % pairs.len() == 0 {
                    random.shuffle(&mut pairs);
                }
                visits.push(((visit as f64 + random.uniform()) / count as f64, pairs[visit % pairs.len()]));
            }
        }
        visits.sort_by(|one, other| one.0.total_cmp(&other.0));
        Ok(visits.into_iter().map(|(_, pair)| pair).collect())
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

/// A pair as it is read at one step.
struct Visit<'a> {
    pair: &'a Coded,
    query: Cow<'a, [u32]>,
    candidate: Cow<'a, [u32]>,
    target: Target,
    /// Whether its texts have changed places, or its candidate is its query.
    moved: bool,
}

/// A batch divided among `workers`. The division, and with it the result, does not depend on how many threads there are.
pub(crate) fn shards(set: &Set, recipe: &Recipe, batch: &[usize], step: usize, workers: usize) -> Vec<Shard> {
    let total = batch.iter().map(|index| set.pairs[*index].weight).sum::<f32>().max(1e-6);
    let mut swaps = Random::new(recipe.seed, Purpose::Swap, &[step as u64]);
    let mut variation = Random::new(recipe.seed, Purpose::Variation, &[step as u64]);
    let visits = batch.iter().map(|index| visit(set, recipe, *index, swaps.next() & 1 == 1, &mut variation));
    // Every so-manieth pair is one worker's: neighbours are alike in length, so shards are too.
    let mut mine: Vec<Vec<Visit>> = (0..workers).map(|_| Vec::new()).collect();
    visits.enumerate().for_each(|(place, visit)| mine[place % workers].push(visit));
    let random = |worker| Random::new(recipe.seed, Purpose::Negatives, &[step as u64, worker as u64]);
    mine.iter().enumerate().map(|(worker, mine)| shard(set, recipe, mine, total, random(worker))).collect()
}

/// What is read of a pair: its texts in either order if it has none, and now and then as data sets do not hold them.
fn visit<'a>(set: &'a Set, recipe: &Recipe, index: usize, swap: bool, variation: &mut Random) -> Visit<'a> {
    let pair = &set.pairs[index];
    let mut moved = swap && pair.symmetric;
    let (query, mut candidate) = if moved { (&pair.candidate, &pair.query) } else { (&pair.query, &pair.candidate) };
    let mut target = Target { labels: pair.labels, kind: pair.kind, weight: pair.weight };
    if variation.uniform() < recipe.identical {
        candidate = query;
        target = Target { labels: [Some(true), Some(true), Some(false)], kind: None, ..target };
        moved = true;
    }
    let mut unstopped = |text: &'a Vec<u32>| match text[..] {
        [.., last, end] if Some(last) == set.full_stop && text.len() > 3 && variation.uniform() < recipe.unstopped => {
            Cow::Owned([&text[..text.len() - 2], &[end]].concat())
        }
        _ => Cow::Borrowed(&text[..]),
    };
    Visit { pair, query: unstopped(query), candidate: unstopped(candidate), target, moved }
}

fn shard(set: &Set, recipe: &Recipe, mine: &[Visit], total: f32, mut random: Random) -> Shard {
    let mut reading =
        Reading::new(&recipe.architecture, mine.iter().map(|visit| (&visit.query[..], &visit.candidate[..])));
    let mut contrasts = Vec::new();
    for (place, Visit { pair, moved, .. }) in mine.iter().enumerate() {
        let Some(Contrast { negatives, .. }) = recipe.contrast else { continue };
        if pair.labels[pair.output()] != Some(true) || mine.len() < 2 {
            continue;
        }
        let denied = if *moved { None } else { set.denied.get(&pair.query) };
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
    Shard { targets: mine.iter().map(|visit| visit.target).collect(), input: reading.input(), contrasts, total }
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

#[cfg(test)]
mod tests {
    use super::*;
    use vetted_pairs::Kind;

    const STOP: u32 = 9;

    /// Pairs of the sources a (20 pairs) and b (80), each text five tokens long and its own.
    fn set() -> Set {
        let coded = |index: u32| Coded {
            query: vec![1, 100 + index, 7, STOP, 2],
            candidate: vec![1, 500 + index, 7, 8, 2],
            labels: [None, Some(false), None],
            kind: Some(3),
            symmetric: index.is_multiple_of(2),
            weight: 1.0,
            source: if index < 20 { "a" } else { "b" }.into(),
        };
        Set { pairs: (0..100).map(coded).collect(), denied: HashMap::new(), full_stop: Some(STOP) }
    }

    fn counts(visits: &[usize]) -> Vec<usize> {
        let mut counts = vec![0; 100];
        visits.iter().for_each(|pair| counts[*pair] += 1);
        counts
    }

    #[test]
    fn a_kind_is_the_output_that_the_recipe_gives_it() {
        let base = Base::open(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tiny")).unwrap();
        let recipe: Recipe = serde_json::from_str(r#"{"kinds": ["role", "date", "negation"]}"#).unwrap();
        let example =
            |kind| Example { query: "w1".into(), support: Some(false), kind: Some(kind), ..Example::default() };
        let examples = [Kind::Negation, Kind::Role, Kind::Unit].map(example);
        let set = Set::new(&base, &recipe, &examples).unwrap();
        assert_eq!(set.pairs.iter().map(|pair| pair.kind).collect::<Vec<_>>(), [Some(2), Some(0), None]);
        let unknown = serde_json::from_str::<Recipe>(r#"{"kinds": ["roles"]}"#).unwrap_err();
        assert!(unknown.to_string().contains("unknown variant `roles`"), "{unknown}");
        let twice = Recipe { kinds: vec![Kind::Role, Kind::Role], ..Recipe::default() };
        assert!(twice.check(6, 384).unwrap_err().to_string().contains("kinds is role, and must be named once"));
    }

    #[test]
    fn every_pair_comes_as_often_as_its_share_asks() {
        let set = set();
        let visits = set.visits(&Recipe { epochs: 3.0, ..Recipe::default() }).unwrap();
        assert_eq!(counts(&visits), [3; 100]);
        assert_eq!(counts(&visits[..100]), [1; 100], "a pass comes before the next");

        let shares: BTreeMap<String, f64> = [("a".into(), 1.0), ("*".into(), 3.0)].into();
        let recipe = Recipe { visits: Some(400), shares, ..Recipe::default() };
        let visits = set.visits(&recipe).unwrap();
        let counted = counts(&visits);
        assert!(counted[..20].iter().all(|n| *n == 5), "{counted:?}");
        assert!(counted[20..].iter().all(|n| (3..=4).contains(n)), "{counted:?}");
        let early = visits[..100].iter().filter(|pair| **pair < 20).count();
        assert!((23..=27).contains(&early), "a quarter of any part of the run, not {early}");
        assert_ne!(visits, set.visits(&Recipe { seed: 1, ..recipe.clone() }).unwrap());

        let only = Recipe { shares: [("b".into(), 1.0)].into(), epochs: 1.0, ..Recipe::default() };
        assert_eq!(set.visits(&only).unwrap().len(), 80);
        let none = Recipe { shares: [("c".into(), 1.0)].into(), ..Recipe::default() };
        assert!(matches!(set.visits(&none), Err(Error::NoShare { sources }) if sources == "a, b"));
        let batches = set.batches(&Recipe { batch: 32, ..recipe }).unwrap();
        assert_eq!(batches.iter().map(Vec::len).sum::<usize>(), 400);
    }

    #[test]
    fn texts_vary_as_often_as_asked() {
        let set = set();
        let all: Vec<usize> = (0..100).collect();
        let at = |identical, unstopped| {
            let recipe = Recipe { identical, unstopped, ..Recipe::default() };
            let mut random = Random::new(1, Purpose::Variation, &[]);
            all.iter().map(|index| visit(&set, &recipe, *index, true, &mut random)).collect::<Vec<_>>()
        };
        for (index, visit) in at(0.0, 0.0).iter().enumerate() {
            let (query, candidate) = (&set.pairs[index].query[..], &set.pairs[index].candidate[..]);
            let expected = if index.is_multiple_of(2) { (candidate, query) } else { (query, candidate) };
            assert_eq!((&visit.query[..], &visit.candidate[..]), expected);
            assert_eq!((visit.target.labels, visit.target.kind), ([None, Some(false), None], Some(3)));
        }
        let identical = at(0.3, 0.0);
        let same: Vec<_> = identical.iter().filter(|visit| visit.query == visit.candidate).collect();
        assert!((15..45).contains(&same.len()), "{}", same.len());
        assert!(
            same.iter().all(|v| v.target.labels == [Some(true), Some(true), Some(false)] && v.target.kind.is_none())
        );
        let unstopped = at(0.0, 0.99);
        let shorter = |text: &[u32]| text.len() == 4 && text[2..] == [7, 2];
        let without = unstopped.iter().filter(|v| shorter(&v.query) || shorter(&v.candidate)).count();
        assert!(without > 90, "{without}");
        assert!(unstopped.iter().all(|v| v.query.contains(&8) || v.candidate.contains(&8)), "no other token goes");
    }
}
