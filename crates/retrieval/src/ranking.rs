//! The best `k` of many, in an order that does not depend on how the work was divided.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::roster::{Ordinal, Roster};

/// A document with a score.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'roster> {
    pub(crate) score: f32,
    pub(crate) id: &'roster str,
    pub(crate) ordinal: Ordinal,
}

impl Candidate<'_> {
    /// The order of results: the greater score comes first, and of equal scores the smaller id, byte by byte. Not a
    /// number counts as the smallest score there is.
    pub(crate) fn rank(&self, other: &Self) -> Ordering {
        orderly(other.score).total_cmp(&orderly(self.score)).then_with(|| self.id.cmp(other.id))
    }
}

/// Makes the order of scores total: NaN goes to the end, and the two zeros are one.
fn orderly(score: f32) -> f32 {
    if score.is_nan() { f32::NEG_INFINITY } else { score + 0.0 }
}

impl Ord for Candidate<'_> {
    /// The better is the greater.
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank(self)
    }
}

impl PartialOrd for Candidate<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate<'_> {}

/// Keeps the best `k` candidates of those it is shown.
pub(crate) struct Best<'roster> {
    k: usize,
    roster: &'roster Roster,
    kept: BinaryHeap<Reverse<Candidate<'roster>>>,
}

impl<'roster> Best<'roster> {
    /// Keeps the best `k` documents of `roster`.
    pub(crate) fn new(k: usize, roster: &'roster Roster) -> Self {
        // `k` comes from a user and may be huge; there are never more candidates than documents.
        Self { k, roster, kept: BinaryHeap::with_capacity(k.min(roster.places())) }
    }

    /// Whether a document of this score may be among the best: a quick look before something that takes longer.
    pub(crate) fn may_keep(&self, score: f32) -> bool {
        self.k > 0 && !(self.kept.len() == self.k && self.kept.peek().is_some_and(|Reverse(worst)| score < worst.score))
    }

    /// Shows one candidate. Each document is to be shown at most once.
    pub(crate) fn offer(&mut self, ordinal: Ordinal, score: f32) {
        if !self.may_keep(score) {
            return;
        }
        let full = self.kept.len() == self.k;
        let candidate = Candidate { score, id: self.roster.id(ordinal), ordinal };
        if !full {
            self.kept.push(Reverse(candidate));
        } else if let Some(mut worst) = self.kept.peek_mut()
            && candidate > worst.0
        {
            *worst = Reverse(candidate);
        }
    }

    /// The best, best first.
    pub(crate) fn into_ranking(self) -> Vec<Candidate<'roster>> {
        let mut ranking: Vec<_> = self.kept.into_iter().map(|Reverse(candidate)| candidate).collect();
        ranking.sort_unstable_by(Candidate::rank);
        ranking
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_best_are_the_head_of_a_full_sort(
            scores in prop::collection::vec(
                prop_oneof![(-3..3i32).prop_map(|it| it as f32), Just(f32::NAN), Just(-0.0), Just(f32::INFINITY)],
                0..60,
            ),
            k in 0..70usize,
        ) {
            // Ids in another order than ordinals, so that ties show which of the two decides.
            let mut roster = Roster::default();
            for at in 0..scores.len() as u64 {
                roster.add(at, format!("{}", (at * 7919) % 1000).into());
            }
            let mut best = Best::new(k, &roster);
            let mut all = Vec::new();
            for (ordinal, score) in scores.iter().enumerate() {
                best.offer(ordinal as Ordinal, *score);
                all.push(Candidate { score: *score, id: roster.id(ordinal as Ordinal), ordinal: ordinal as Ordinal });
            }
            all.sort_by(Candidate::rank);
            all.truncate(k);
            let ordinals = |ranking: &[Candidate<'_>]| ranking.iter().map(|it| it.ordinal).collect::<Vec<_>>();
            prop_assert_eq!(ordinals(&best.into_ranking()), ordinals(&all));
        }
    }

    #[test]
    fn a_huge_k_takes_no_memory() {
        let mut roster = Roster::default();
        roster.add(0, "a".into());
        let mut best = Best::new(usize::MAX, &roster);
        best.offer(0, 1.0);
        assert_eq!(best.into_ranking().len(), 1);
    }
}
