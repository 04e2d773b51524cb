//! One ranking of two.

use std::collections::HashMap;

use crate::ranking::Candidate;
use crate::roster::Ordinal;

/// How a hybrid query makes one ranking of a dense and a BM25 one.
///
/// Each side contributes its best `depth` documents. A document that only one side found is scored by the other as
/// well, where scores are fused, so that nothing is guessed.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Fusion {
    /// The sum of 1 / (`k` + rank) over the rankings that a document is in. Cormack, Clarke and Büttcher, *Reciprocal
    /// Rank Fusion Outperforms Condorcet and Individual Rank Learning Methods* (SIGIR 2009), where `k` is 60. Needs no
    /// tuning, and looks at no score.
    ReciprocalRank {
        /// The greater, the less the first few ranks stand out.
        k: f32,
    },
    /// `alpha` times the normalized dense score plus 1 - `alpha` times the normalized BM25 score. Bruch, Gai and Ingber,
    /// *An Analysis of Fusion Functions for Hybrid Retrieval* (TOIS 2023), section 4.
    Score {
        /// The dense score's weight, from 0 to 1.
        alpha: f32,
        /// What makes the two kinds of scores comparable.
        normalization: Normalization,
    },
}

impl Default for Fusion {
    fn default() -> Self {
        Fusion::ReciprocalRank { k: 60.0 }
    }
}

/// What makes scores of two kinds comparable. Both are taken over the candidates of one query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Normalization {
    /// The greatest candidate gets 1. Of dense scores the least candidate gets 0, unless all are equal; of BM25 scores what
    /// shares no word with the query does, which is the least that BM25 can be.
    MinMax,
}

/// What is known of one candidate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence {
    pub(crate) ordinal: Ordinal,
    /// From 1; `None` if the side does not have it among its best.
    pub(crate) dense_rank: Option<usize>,
    pub(crate) bm25_rank: Option<usize>,
    /// Of whatever document, not only of the best. A document without passages has no dense score.
    pub(crate) dense: Option<f32>,
    pub(crate) bm25: f32,
}

/// The documents that either ranking has, with their ranks; scores are those of the rankings until filled in.
pub(crate) fn join(dense: &[Candidate<'_>], bm25: &[Candidate<'_>]) -> Vec<Evidence> {
    let mut joined: Vec<Evidence> = Vec::with_capacity(dense.len() + bm25.len());
    let mut places = HashMap::with_capacity(dense.len());
    for (rank, candidate) in (1..).zip(dense) {
        let ordinal = candidate.ordinal;
        places.insert(ordinal, joined.len());
        let dense = Some(candidate.score);
        joined.push(Evidence { ordinal, dense_rank: Some(rank), bm25_rank: None, dense, bm25: 0.0 });
    }
    for (rank, candidate) in (1..).zip(bm25) {
        let Candidate { ordinal, score: bm25, .. } = *candidate;
        match places.get(&ordinal) {
            Some(place) => joined[*place].bm25_rank = Some(rank),
            None => joined.push(Evidence { ordinal, dense_rank: None, bm25_rank: Some(rank), dense: None, bm25 }),
        }
    }
    joined
}

impl Fusion {
    /// The candidates' fused scores, in the order of the candidates.
    pub(crate) fn scores(self, candidates: &[Evidence]) -> Vec<f32> {
        match self {
            Fusion::ReciprocalRank { k } => {
                let share = |rank: Option<usize>| rank.map_or(0.0, |rank| 1.0 / (k + rank as f32));
                candidates.iter().map(|it| share(it.dense_rank) + share(it.bm25_rank)).collect()
            }
            Fusion::Score { alpha, normalization } => {
                let dense: Vec<_> = candidates.iter().map(|it| it.dense).collect();
                let bm25: Vec<_> = candidates.iter().map(|it| Some(it.bm25)).collect();
                let (dense, bm25) = (normalization.apply(&dense, None), normalization.apply(&bm25, Some(0.0)));
                dense.iter().zip(&bm25).map(|(dense, bm25)| alpha * dense + (1.0 - alpha) * bm25).collect()
            }
        }
    }
}

impl Normalization {
    /// `floor` is the least that a score can be, where there is such a thing; else it is the least of the candidates. What has
    /// no score gets that. If all scores are equal, all are the best, unless they are as low as can be.
    fn apply(self, scores: &[Option<f32>], floor: Option<f64>) -> Vec<f32> {
        let known = || scores.iter().flatten().map(|score| f64::from(*score));
        let least = floor.unwrap_or_else(|| known().fold(f64::INFINITY, f64::min));
        let greatest = known().fold(f64::NEG_INFINITY, f64::max);
        let (origin, unit) = match self {
            Normalization::MinMax => (least, greatest - least),
        };
        let normalized = |score: &Option<f32>| match score.map(f64::from) {
            None => 0.0,
            Some(score) if unit > 0.0 && unit.is_finite() => ((score - origin) / unit) as f32,
            Some(score) => f32::from(u8::from(floor.is_none_or(|floor| score > floor))),
        };
        scores.iter().map(normalized).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidates(scores: &[(Option<f32>, f32)]) -> Vec<Evidence> {
        let evidence = |(ordinal, (dense, bm25)): (usize, &(Option<f32>, f32))| Evidence {
            ordinal: ordinal as Ordinal,
            dense_rank: None,
            bm25_rank: None,
            dense: *dense,
            bm25: *bm25,
        };
        scores.iter().enumerate().map(evidence).collect()
    }

    #[test]
    fn ranks_are_joined_and_fused() {
        let candidate = |ordinal, score| Candidate { ordinal, score, id: "" };
        let joined = join(&[candidate(7, 0.9), candidate(3, 0.8)], &[candidate(3, 12.0), candidate(5, 4.0)]);
        let ranks: Vec<_> = joined.iter().map(|it| (it.ordinal, it.dense_rank, it.bm25_rank)).collect();
        assert_eq!(ranks, [(7, Some(1), None), (3, Some(2), Some(1)), (5, None, Some(2))]);
        let fused = Fusion::default().scores(&joined);
        assert_eq!(fused, [1.0 / 61.0, 1.0 / 62.0 + 1.0 / 61.0, 1.0 / 62.0]);
    }

    #[test]
    fn scores_are_fused_by_weight() {
        let candidates = candidates(&[(Some(0.9), 0.0), (Some(0.5), 10.0), (None, 5.0)]);
        for (alpha, expected) in [(1.0, [1.0, 0.0, 0.0]), (0.0, [0.0, 1.0, 0.5]), (0.5, [0.5, 0.5, 0.25])] {
            let fused = Fusion::Score { alpha, normalization: Normalization::MinMax }.scores(&candidates);
            for (got, expected) in fused.iter().zip(expected) {
                assert!((got - expected).abs() < 1e-6, "{alpha}: {fused:?}");
            }
        }
    }

    #[test]
    fn what_nothing_is_better_than_has_a_score() {
        let fuse = |alpha, scores: &[(Option<f32>, f32)]| {
            Fusion::Score { alpha, normalization: Normalization::MinMax }.scores(&candidates(scores))
        };
        // A sole candidate, by both sides, by vectors alone and by words alone; and equal ones.
        assert_eq!(fuse(0.5, &[(Some(0.8), 3.0)]), [1.0]);
        assert_eq!(fuse(0.5, &[(Some(0.8), 0.0)]), [0.5]);
        assert_eq!(fuse(0.5, &[(None, 3.0)]), [0.5]);
        assert_eq!(fuse(0.25, &[(Some(0.8), 3.0), (Some(0.8), 3.0)]), [1.0, 1.0]);
        assert_eq!(fuse(0.5, &[(Some(-0.8), 0.0)]), [0.5]);
        // Who shares half as much with the query is not nothing because he is the last.
        assert_eq!(fuse(0.0, &[(Some(0.8), 4.0), (Some(0.7), 2.0)]), [1.0, 0.5]);
        assert!(fuse(0.5, &[]).is_empty());
    }

    proptest! {
        #[test]
        fn fused_scores_are_finite_and_shifting_a_side_changes_nothing(
            scores in prop::collection::vec((prop::option::of(-1.0..1.0f32), 0.0..50.0f32), 0..20),
            alpha in 0.0..=1.0f32,
        ) {
            let fusion = Fusion::Score { alpha, normalization: Normalization::MinMax };
            let fused = fusion.scores(&candidates(&scores));
            let shifted: Vec<_> = scores.iter().map(|(dense, bm25)| (dense.map(|it| it * 2.0), bm25 * 4.0)).collect();
            for (a, b) in fused.iter().zip(fusion.scores(&candidates(&shifted))) {
                prop_assert!(a.is_finite());
                prop_assert!((a - b).abs() < 1e-4, "{a} {b}");
            }
        }
    }
}
