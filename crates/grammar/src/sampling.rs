//! Random choices, and the choice among drafts that keeps surface cues uninformative.

use vetted_pairs::Relation;

use crate::{Draft, Reading};

/// SplitMix64 (Steele, Lea and Flood, 2014): small, fast, and the same on every machine.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 when `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// A number in `low..=high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as usize) as i64
    }

    /// True with the given probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        ((self.next() >> 11) as f64 / (1u64 << 53) as f64) < probability
    }

    /// One of `items`, all equally likely.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, items: &'a [&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    /// One of `items`, all equally likely.
    pub(crate) fn one<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

/// Chooses, among several drafts, the labelled reading that a linear model over surface cues could predict least.
///
/// For every cue (a word of either text, the overlap, the difference in length) it keeps a decayed count of positives
/// minus negatives, and prefers the reading that pulls those counts towards zero: herding (Welling, 2009) turned
/// against shortcuts. One such ledger exists per phenomenon and relation.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Leanings by hashed cue; that a few cues share a cell does no harm.
    leaning: Vec<f32>,
}

/// A place in the ledger and the weight of what stands there.
type Cue = (u32, f32);

impl Default for Ledger {
    fn default() -> Self {
        Self { leaning: vec![0.0; CELLS] }
    }
}

const CELLS: usize = 1 << 14;

impl Ledger {
    const DECAY: f32 = 0.999;
    const MOST: f32 = 20.0;

    /// How much accepting a pair with these cues and this label would add to what cues give away.
    fn cost(&self, cues: &[Cue], matches: bool) -> f32 {
        let lean = |&(cell, weight): &Cue| weight * self.leaning[cell as usize].clamp(-Self::MOST, Self::MOST);
        let sum: f32 = cues.iter().map(lean).sum();
        if matches { sum } else { -sum }
    }

    fn record(&mut self, cues: &[Cue], matches: bool) {
        for &(cell, _) in cues {
            let value = &mut self.leaning[cell as usize];
            *value = *value * Self::DECAY + if matches { 1.0 } else { -1.0 };
        }
    }

    /// The cheapest of the readings, recorded; `None` when there are none.
    pub(crate) fn choose(&mut self, readings: Vec<Reading>) -> Option<Reading> {
        let mut best: Option<(f32, Reading, Vec<Cue>)> = None;
        for pair in readings {
            let cues = cues(&pair);
            let cost = self.cost(&cues, pair.matches);
            if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                best = Some((cost, pair, cues));
            }
        }
        let (_, pair, cues) = best?;
        self.record(&cues, pair.matches);
        Some(pair)
    }
}

fn hash(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |state, byte| {
        (state ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn words(text: &str) -> Vec<u64> {
    let mut words: Vec<u64> =
        text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty()).map(hash).collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn cell(side: u64, value: u64) -> u32 {
    let mixed = (value ^ side.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (mixed >> 40) as u32 % CELLS as u32
}

/// What a shortcut could look at: the words of each text, those that only one has, and statistics of both.
fn cues(pair: &Reading) -> Vec<Cue> {
    let (first, second) = (words(&pair.s1), words(&pair.s2));
    let mut cues: Vec<Cue> = Vec::with_capacity(2 * (first.len() + second.len()) + 8);
    let (mut only_first, mut only_second) = (0, 0);
    for &word in &first {
        cues.push((cell(0, word), 1.0));
        if second.binary_search(&word).is_err() {
            cues.push((cell(2, word), 3.0));
            only_first += 1;
        }
    }
    for &word in &second {
        cues.push((cell(1, word), 1.0));
        if first.binary_search(&word).is_err() {
            cues.push((cell(3, word), 3.0));
            only_second += 1;
        }
    }
    let shared = second.len() - only_second;
    let union = first.len() + only_second;
    let difference = (pair.s1.len() as i64 - pair.s2.len() as i64).clamp(-60, 60) / 12 + 100;
    let statistics = [
        10 * shared / second.len().max(1),
        10 * shared / union.max(1),
        difference as usize,
        only_first.min(8),
        only_second.min(8),
        second.len() / 3,
        0,
    ];
    cues.extend(statistics.into_iter().zip(4..).map(|(value, side)| (cell(side, value as u64), 3.0)));
    cues
}

/// The ways in which a draft can be read as a pair of the wanted relation.
pub(crate) fn readings(phenomenon: &'static str, draft: Draft, relation: Relation, into: &mut Vec<Reading>) {
    let Draft { s1, s2, verdict, kind, directed } = draft;
    if s1 == s2 {
        return;
    }
    let pair = |s1: String, s2: String, matches: bool| Reading {
        phenomenon,
        relation,
        matches,
        conflict: if matches { Some(false) } else { verdict.conflict() },
        kind: (!matches).then_some(kind),
        s1,
        s2,
    };
    match relation {
        Relation::Equivalence if directed => {}
        Relation::Equivalence => into.push(pair(s1, s2, verdict.forward() && verdict.backward())),
        Relation::Support => {
            if !directed && verdict.backward() != verdict.forward() {
                into.push(pair(s2.clone(), s1.clone(), verdict.backward()));
            }
            into.push(pair(s1, s2, verdict.forward()));
        }
    }
}
