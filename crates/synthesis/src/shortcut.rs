//! How far a reader gets that sees words but no structure.

use std::collections::BTreeSet;

use vetted_pairs::Relation;

use crate::synthesis::SyntheticPair;

/// What the bag-of-words reader reaches on pairs of sentences that it was not trained on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shortcut {
    /// Area under the ROC curve over all held-out pairs; 0.5 is chance.
    pub auc: f64,
    /// Number of pairs.
    pub pairs: usize,
}

const BUCKETS: usize = 1 << 16;
const FOLDS: usize = 5;

/// How the reader is cross-validated.
#[derive(Debug, Clone, Copy)]
pub struct Folds {
    /// Sentences in a row that share a fold.
    pub stride: usize,
    /// Passes over the pairs.
    pub epochs: usize,
}

/// Five-fold cross-validation, by original sentence, of a logistic regression over the hashed words that are in one text
/// only (by side), the lengths, their difference, the overlap, and the relation with each of these.
pub fn shortcut(pairs: &[SyntheticPair]) -> Shortcut {
    // Other folds and more passes than those of the matching, which must not judge itself.
    let scored = held_out(pairs, Folds { stride: 7, epochs: 10 })
        .into_iter()
        .zip(pairs)
        .map(|(score, pair)| (score, pair.matches()))
        .collect();
    Shortcut { auc: auc(scored), pairs: pairs.len() }
}

/// The bag-of-words reader's probability of a match for every pair, given by the fold that did not see its sentence.
pub fn held_out(pairs: &[SyntheticPair], folds: Folds) -> Vec<f64> {
    let fold_of = |pair: &SyntheticPair| pair.origin / folds.stride % FOLDS;
    let features: Vec<Vec<(usize, f64)>> = pairs.iter().map(features).collect();
    let mut scores = vec![0.5; pairs.len()];
    for fold in 0..FOLDS {
        let mut weights = vec![0.0f64; BUCKETS];
        let mut squares = vec![1e-6f64; BUCKETS];
        for _ in 0..folds.epochs {
            for (pair, features) in pairs.iter().zip(&features).filter(|(pair, _)| fold_of(pair) != fold) {
                let error = probability(&weights, features) - f64::from(u8::from(pair.matches()));
                for (index, value) in features {
                    let gradient = error * value + 1e-5 * weights[*index];
                    squares[*index] += gradient * gradient;
                    weights[*index] -= 0.1 * gradient / squares[*index].sqrt();
                }
            }
        }
        for (index, _) in pairs.iter().enumerate().filter(|(_, pair)| fold_of(pair) == fold) {
            scores[index] = probability(&weights, &features[index]);
        }
    }
    scores
}

fn probability(weights: &[f64], features: &[(usize, f64)]) -> f64 {
    let score: f64 = features.iter().map(|(index, value)| weights[*index] * value).sum();
    1.0 / (1.0 + (-score).exp())
}

fn features(SyntheticPair { pair, .. }: &SyntheticPair) -> Vec<(usize, f64)> {
    let words = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_lowercase).collect() };
    let (candidate, query) = (words(&pair.candidate), words(&pair.query));
    // Ordered sets: the sums of floating-point numbers must not depend on the order of a hash.
    let sets: [BTreeSet<&String>; 2] = [candidate.iter().collect(), query.iter().collect()];
    let mut features = vec![(0, 1.0)];
    for (side, (mine, other)) in [(&sets[0], &sets[1]), (&sets[1], &sets[0])].into_iter().enumerate() {
        for word in mine.difference(other) {
            features.push((hash(&format!("{side}{word}")), 1.0));
            features.push((hash(&format!("either{word}")), 1.0));
        }
    }
    let shared = sets[0].intersection(&sets[1]).count() as f64;
    let union = (sets[0].len() + sets[1].len()) as f64 - shared;
    let (long, short) = (candidate.len() as f64 / 20.0, query.len() as f64 / 20.0);
    let dense = [
        long,
        short,
        long - short,
        (long - short).abs(),
        shared / union.max(1.0),
        f64::from(u8::from(sets[0] == sets[1])),
    ];
    let relation = if pair.relation == Relation::Support { "support" } else { "equivalence" };
    for (index, value) in dense.into_iter().enumerate() {
        features.push((hash(&format!("dense{index}")), value));
        features.push((hash(&format!("dense{index}{relation}")), value));
    }
    features.push((hash(relation), 1.0));
    features
}

fn hash(text: &str) -> usize {
    let mut state = 0xCBF2_9CE4_8422_2325u64;
    for byte in text.bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    }
    1 + (state ^ (state >> 29)) as usize % (BUCKETS - 1)
}

/// Share of (match, non-match) pairs that are ranked right, ties counting half. (The metrics' own lie in a crate above.)
fn auc(mut scored: Vec<(f64, bool)>) -> f64 {
    scored.sort_by(|one, other| one.0.total_cmp(&other.0));
    let positives = scored.iter().filter(|(_, matches)| *matches).count() as f64;
    let negatives = scored.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return 0.5;
    }
    let (mut below, mut sum, mut start) = (0.0, 0.0, 0);
    while start < scored.len() {
        let end = scored[start..]
            .iter()
            .position(|(score, _)| *score != scored[start].0)
            .map_or(scored.len(), |length| start + length);
        let tied = scored[start..end].iter().filter(|(_, matches)| !matches).count() as f64;
        let matching = (end - start) as f64 - tied;
        sum += matching * (below + tied / 2.0);
        below += tied;
        start = end;
    }
    sum / (positives * negatives)
}

#[cfg(test)]
mod tests {
    use super::auc;

    #[test]
    fn auc_counts_pairs_in_order_and_ties_as_half() {
        assert_eq!(auc(vec![(0.1, false), (0.9, true)]), 1.0);
        assert_eq!(auc(vec![(0.9, false), (0.1, true)]), 0.0);
        assert_eq!(auc(vec![(0.5, false), (0.5, true)]), 0.5);
    }
}
