//! Equal numbers of matches and non-matches among pairs that look alike to a reader without understanding.

use crate::random::Random;
use crate::shortcut::{Folds, held_out};
use crate::synthesis::SyntheticPair;

/// Bins of the bag-of-words reader's score.
const BINS: usize = 25;
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
        for bin in order.chunks(pairs.len().div_ceil(BINS).max(1)) {
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
