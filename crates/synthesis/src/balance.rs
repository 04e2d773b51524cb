//! Equal numbers of matches and non-matches among pairs that look alike to a reader without understanding.

use crate::random::Random;
use crate::shortcut::{Folds, held_out};
use crate::synthesis::SyntheticPair;

/// Bins of the bag-of-words reader's score.
const BINS: usize = 25;
/// A bin of fewer pairs often has one label alone, of which nothing would be kept.
const FEWEST_IN_BIN: usize = 20;
/// Rounds of matching: what one reader no longer sees, the next one may.
const ROUNDS: usize = 3;

/// Matches the two labels on a propensity score (Rosenbaum and Rubin, Biometrika 1983): pairs are binned by the
/// cross-validated score of the bag-of-words reader, and the larger side of every bin is cut at random to `slack` times
/// the smaller. The order of the rest is kept.
pub fn balance(mut pairs: Vec<SyntheticPair>, slack: f64, random: &mut Random) -> Vec<SyntheticPair> {
    for round in 0..ROUNDS {
        let scores = held_out(&pairs, Folds { stride: 1 + round, epochs: 4 });
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by(|one, other| scores[*one].total_cmp(&scores[*other]));
        let mut kept = vec![false; pairs.len()];
        for bin in order.chunks(pairs.len().div_ceil(BINS).max(FEWEST_IN_BIN)) {
            let (mut matching, mut other): (Vec<usize>, Vec<usize>) =
                bin.iter().partition(|index| pairs[**index].matches());
            let size = (matching.len().min(other.len()) as f64 * slack) as usize;
            for side in [&mut matching, &mut other] {
                random.shuffle(side);
                side.iter().take(size).for_each(|index| kept[*index] = true);
            }
        }
        pairs = pairs.into_iter().zip(kept).filter_map(|(pair, kept)| kept.then_some(pair)).collect();
    }
    pairs
}

#[cfg(test)]
mod tests {
    use crate::{Options, synthesize};

    #[test]
    fn a_few_sentences_leave_pairs_of_both_labels() {
        let sentences = [
            "Anna sold the old boat to Jonas in May.",
            "The north library is open on Tuesdays.",
            "Every ticket costs five euros.",
            "The nurse visited the old doctor before the war.",
            "Dogs are not allowed in the dining room.",
        ];
        for count in 3..=sentences.len() {
            for seed in 1..4 {
                let some = || sentences[..count].iter().copied();
                let all = synthesize(some(), &Options { seed, slack: f64::INFINITY, ..Options::default() });
                let kept = synthesize(some(), &Options { seed, ..Options::default() });
                let matching = kept.iter().filter(|made| made.matches()).count();
                assert_eq!(2 * matching, kept.len(), "{count} sentences, seed {seed}");
                assert!(3 * kept.len() >= all.len(), "{} of {} pairs of {count} sentences", kept.len(), all.len());
            }
        }
    }
}
