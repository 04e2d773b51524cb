//! What a set of synthetic pairs is worth: how many of what, how they read, and what gives them away.

use std::collections::{BTreeMap, HashSet};

use vetted_pairs::{Kind, Label, Pair};

use crate::fluency::Fluency;
use crate::sentence::Sentence;
use crate::shortcut::{Shortcut, shortcut};
use crate::synthesis::SyntheticPair;

/// Numbers about a set of synthetic pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What a bag-of-words reader reaches on the pairs.
    pub shortcut: Shortcut,
    /// By kind of operation, then by whether the texts match.
    pub kinds: BTreeMap<(Kind, bool), Tally>,
    /// By the first operation of the pair, then by whether the texts match.
    pub operations: BTreeMap<(String, bool), Tally>,
}

/// Pairs of one sort.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many there are.
    pub pairs: usize,
    /// How many edited sentences are in them.
    pub edited: usize,
    /// How many of these read worse than the first percentile of the originals, to a model learnt from other originals.
    pub odd: usize,
}

impl Tally {
    /// Share of edited sentences that read worse than all but one in a hundred originals: 0.01 is as good as those.
    pub fn odd_share(self) -> f64 {
        if self.edited == 0 { 0.0 } else { self.odd as f64 / self.edited as f64 }
    }
}

/// Numbers about pairs that were made from no sentences, by a grammar.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratedReport {
    /// What a bag-of-words reader reaches on the first of the pairs, 20,000 at most.
    pub shortcut: Shortcut,
    /// By phenomenon: how many pairs match, and how many do not.
    pub phenomena: BTreeMap<String, [usize; 2]>,
}

/// Counts such pairs and looks for shortcuts.
pub fn report_generated(pairs: &[Pair]) -> GeneratedReport {
    let mut phenomena: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for pair in pairs {
        let counts = phenomena.entry(pair.phenomenon.clone()).or_default();
        counts[usize::from(pair.label != Some(Label::Match))] += 1;
    }
    let some = pairs.iter().take(20_000).enumerate();
    let some: Vec<SyntheticPair> = some
        .map(|(origin, pair)| SyntheticPair { pair: pair.clone(), operation: pair.kind.unwrap_or(Kind::Other), origin })
        .collect();
    GeneratedReport { shortcut: shortcut(&some), phenomena }
}

/// Checks pairs against the sentences they were made from (the same, in the same order).
pub fn report<'a>(pairs: &[SyntheticPair], sentences: impl IntoIterator<Item = &'a str>) -> Report {
    let originals: Vec<(usize, Sentence)> =
        sentences.into_iter().enumerate().filter_map(|(index, text)| Some((index, Sentence::parse(text)?))).collect();
    let half = |side: usize| originals.iter().filter(move |(index, _)| index % 2 == side).map(|(_, sentence)| sentence);
    // Edits of one half are judged by what the other half taught.
    let models = [Fluency::learn(half(1), half(0)), Fluency::learn(half(0), half(1))];
    let known: HashSet<String> = originals.iter().map(|(_, sentence)| sentence.text()).collect();
    let mut report = Report { shortcut: shortcut(pairs), kinds: BTreeMap::new(), operations: BTreeMap::new() };
    for made in pairs {
        let texts = [&made.pair.candidate, &made.pair.query];
        let edited: Vec<Sentence> =
            texts.into_iter().filter(|text| !known.contains(*text)).filter_map(|text| Sentence::parse(text)).collect();
        let odd = edited.iter().filter(|sentence| models[made.origin % 2].is_odd(sentence)).count();
        let operation = made.pair.phenomenon.split('+').next().unwrap_or_default().to_owned();
        let tallies = [
            report.kinds.entry((made.operation, made.matches())).or_default(),
            report.operations.entry((operation, made.matches())).or_default(),
        ];
        for tally in tallies {
            tally.pairs += 1;
            tally.edited += edited.len();
            tally.odd += odd;
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_pairs_are_counted_and_searched_for_shortcuts() {
        // Whatever says "never" does not match.
        let pair = |i: usize| Pair {
            label: Some(if i.is_multiple_of(3) { Label::Match } else { Label::NoMatch }),
            phenomenon: ["tense", "voice"][i % 2].into(),
            ..Pair::new(format!("it {} rains {i}", if i.is_multiple_of(3) { "often" } else { "never" }), "it rains")
        };
        let report = report_generated(&(0..600).map(pair).collect::<Vec<_>>());
        assert_eq!(report.phenomena["tense"], [100, 200]);
        assert_eq!(report.phenomena["voice"], [100, 200]);
        assert!(report.shortcut.auc > 0.95 && report.shortcut.pairs == 600, "{:?}", report.shortcut);
        assert_eq!(report_generated(&[]).shortcut.auc, 0.5);
    }
}
