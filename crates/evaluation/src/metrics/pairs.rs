//! How well scores tell pairs that match (positives) from pairs that do not (negatives).
//!
//! [`RankedPairs`] has the metrics that look at the order of the scores only: ROC AUC and average precision, equal to
//! scikit-learn's, and the share of negatives rejected when a given share of positives is kept. [`accuracy`] looks at
//! decisions. Everywhere a pair is *accepted* if its score is at least the threshold.
//!
//! ```
//! use vetted_evaluation::interval::Bootstrap;
//! use vetted_evaluation::metrics::pairs::{KeepRate, RankedPairs};
//!
//! # fn main() -> Result<(), vetted_evaluation::Error> {
//! let scored = [(0.9, true), (0.8, true), (0.7, false), (0.6, true), (0.2, false), (0.1, false)];
//! let ranked = RankedPairs::new(scored)?;
//! assert_eq!(ranked.auc(), 8.0 / 9.0); // of the 3 x 3 ways to pick one of each, the positive is above in 8
//! assert_eq!(ranked.rejected(KeepRate::percent(60.0)?), 1.0); // two positives of three are above all negatives
//! assert_eq!(ranked.rejected(KeepRate::default()), 2.0 / 3.0); // 79 %: three of three
//!
//! let intervals = ranked.intervals(KeepRate::default(), &Bootstrap::default())?;
//! assert!(intervals.auc.low < 0.6 && intervals.auc.high == 1.0);
//! # Ok(())
//! # }
//! ```

use std::fmt;

use crate::Error;
use crate::interval::{Bootstrap, Estimate, Interval};

/// The share of positives that a threshold has to keep, in percent.
///
/// The default, 79 %, is that of the metric `rejected@79`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeepRate(f64);

/// Pairs of both classes by their score: what the rank metrics are computed from. Made in O(n log n), read in O(n).
#[derive(Debug, Clone, PartialEq)]
pub struct RankedPairs {
    /// The distinct scores, best first.
    scores: Vec<f64>,
    /// For each positive, in the order given, which of `scores` it has.
    positives: Vec<usize>,
    /// For each negative, likewise.
    negatives: Vec<usize>,
}

/// The 95 % intervals of the rank metrics.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankIntervals {
    /// Of [`RankedPairs::auc`].
    pub auc: Interval,
    /// Of [`RankedPairs::average_precision`].
    pub average_precision: Interval,
    /// Of [`RankedPairs::rejected`].
    pub rejected: Interval,
}

/// The share of decisions that are right, with Wilson's interval, or `None` if there are none. A decision is whether
/// the pair was accepted, and whether it should have been.
///
/// Of positives alone this is the acceptance rate, of negatives alone the rejection rate.
pub fn accuracy(decisions: impl IntoIterator<Item = (bool, bool)>) -> Option<Estimate> {
    let (mut right, mut all) = (0, 0);
    for (accepted, matches) in decisions {
        right += usize::from(accepted == matches);
        all += 1;
    }
    Estimate::of_proportion(right, all)
}

impl KeepRate {
    /// Keep at least `percent` % of the positives.
    ///
    /// # Errors
    /// [`Error::KeepRate`] unless `0 < percent <= 100`.
    pub fn percent(percent: f64) -> Result<Self, Error> {
        match percent > 0.0 && percent <= 100.0 {
            true => Ok(Self(percent)),
            false => Err(Error::KeepRate { got: percent }),
        }
    }

    /// The smallest number of positives that is at least this share of `positives`, and at least 1.
    fn of(self, positives: usize) -> usize {
        // The product of a whole percentage is exact, so that 79 % of 100 are 79 and not, by rounding, 80.
        ((self.0 * positives as f64 / 100.0).ceil() as usize).clamp(1, positives.max(1))
    }
}

impl Default for KeepRate {
    fn default() -> Self {
        Self(79.0)
    }
}

impl fmt::Display for KeepRate {
    /// The percentage, as in `rejected@79`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl RankedPairs {
    /// Ranks pairs, each given as its score and whether it is a positive. Scores may be infinite.
    ///
    /// # Errors
    /// [`Error::NotANumber`] for a score that is NaN, [`Error::OneClass`] if there are no positives or no negatives.
    pub fn new(scored: impl IntoIterator<Item = (f64, bool)>) -> Result<Self, Error> {
        // Adding 0 makes -0 into 0, with which it is tied.
        let scored: Vec<(f64, bool)> = scored.into_iter().map(|(score, matches)| (score + 0.0, matches)).collect();
        if let Some(index) = scored.iter().position(|(score, _)| score.is_nan()) {
            return Err(Error::NotANumber { position: index + 1 });
        }
        let mut scores: Vec<f64> = scored.iter().map(|(score, _)| *score).collect();
        scores.sort_unstable_by(|a, b| b.total_cmp(a));
        scores.dedup();
        let levels_of = |class: bool| -> Vec<usize> {
            let of_class = scored.iter().filter(|(_, matches)| *matches == class);
            of_class.map(|(score, _)| scores.partition_point(|higher| higher > score)).collect()
        };
        let (positives, negatives) = (levels_of(true), levels_of(false));
        match positives.is_empty() || negatives.is_empty() {
            true => Err(Error::OneClass { positives: positives.len(), negatives: negatives.len() }),
            false => Ok(Self { scores, positives, negatives }),
        }
    }

    /// The area under the ROC curve: how likely a positive drawn at random is scored above a negative drawn at random,
    /// ties counting one half (Hanley and McNeil, *The Meaning and Use of the Area under a Receiver Operating
    /// Characteristic (ROC) Curve*, Radiology 143, 1982). In `0..=1`, chance 0.5.
    pub fn auc(&self) -> f64 {
        self.counts().auc()
    }

    /// The precisions at each distinct score that a positive has, weighted by how many do: the area under the
    /// precision-recall curve without interpolation, as `sklearn.metrics.average_precision_score`. In `0..=1`; by
    /// chance, the share of positives.
    pub fn average_precision(&self) -> f64 {
        self.counts().average_precision()
    }

    /// The share of negatives whose score lies strictly below the [threshold](Self::threshold) that keeps this share
    /// of positives: one minus the false positive rate at that true positive rate. In `0..=1`.
    pub fn rejected(&self, keep: KeepRate) -> f64 {
        self.counts().rejected(keep)
    }

    /// The largest threshold that accepts at least this share of the positives; always the score of one of them.
    pub fn threshold(&self, keep: KeepRate) -> f64 {
        let mut levels = self.positives.clone();
        let index = keep.of(levels.len()) - 1;
        let (_, level, _) = levels.select_nth_unstable(index);
        self.scores[*level]
    }

    /// The intervals of the three, by a bootstrap that draws positives and negatives apart, so that each sample has as
    /// many of both as there are.
    ///
    /// No sample is sorted: drawing n pairs and reading them off takes O(n), for 8,000 pairs and 1,000 resamples some
    /// 70 ms. Scores of the same pairs in the same order are resampled alike. Where every positive is above every
    /// negative, so they are in all samples: the interval is then one point, which says little when there are few.
    ///
    /// # Errors
    /// None that can occur.
    pub fn intervals(&self, keep: KeepRate, bootstrap: &Bootstrap) -> Result<RankIntervals, Error> {
        let mut counts = Counts::none(self.scores.len());
        let sizes = [self.positives.len(), self.negatives.len()];
        let [auc, average_precision, rejected] = bootstrap.stratified(sizes, |[positives, negatives]| {
            counts.clear();
            positives.iter().for_each(|index| counts.add_positive(self.positives[*index]));
            negatives.iter().for_each(|index| counts.add_negative(self.negatives[*index]));
            [counts.auc(), counts.average_precision(), counts.rejected(keep)]
        })?;
        Ok(RankIntervals { auc, average_precision, rejected })
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::none(self.scores.len());
        self.positives.iter().for_each(|level| counts.add_positive(*level));
        self.negatives.iter().for_each(|level| counts.add_negative(*level));
        counts
    }
}

/// How many pairs of each class have each score, best score first. Never without pairs of both when it is read.
struct Counts(Vec<[u32; 2]>);

/// What lies at a score, and above it.
struct Level {
    positives: f64,
    negatives: f64,
    positives_above: f64,
    negatives_above: f64,
}

impl Counts {
    fn none(levels: usize) -> Self {
        Self(vec![[0; 2]; levels])
    }

    fn clear(&mut self) {
        self.0.fill([0; 2]);
    }

    fn add_positive(&mut self, level: usize) {
        self.0[level][0] += 1;
    }

    fn add_negative(&mut self, level: usize) {
        self.0[level][1] += 1;
    }

    fn totals(&self) -> [u64; 2] {
        self.0
            .iter()
            .fold([0; 2], |[p, n], [positives, negatives]| [p + u64::from(*positives), n + u64::from(*negatives)])
    }

    fn levels(&self) -> impl Iterator<Item = Level> {
        self.0.iter().scan([0.0; 2], |above, counts| {
            let [positives, negatives] = counts.map(f64::from);
            let [positives_above, negatives_above] = *above;
            *above = [positives_above + positives, negatives_above + negatives];
            Some(Level { positives, negatives, positives_above, negatives_above })
        })
    }

    fn auc(&self) -> f64 {
        let [positives, negatives] = self.totals().map(|total| total as f64);
        // All terms are multiples of one half: the sum is exact up to 2^52 pairs of a positive and a negative.
        let in_order: f64 =
            self.levels().map(|level| level.negatives * (level.positives_above + level.positives / 2.0)).sum();
        in_order / (positives * negatives)
    }

    fn average_precision(&self) -> f64 {
        let weighted = self.levels().filter(|level| level.positives > 0.0).map(|level| {
            let accepted_positives = level.positives_above + level.positives;
            let accepted = accepted_positives + level.negatives_above + level.negatives;
            level.positives * accepted_positives / accepted
        });
        let [positives, _] = self.totals();
        weighted.sum::<f64>() / positives as f64
    }

    fn rejected(&self, keep: KeepRate) -> f64 {
        let [positives, negatives] = self.totals();
        let kept = keep.of(positives as usize) as f64;
        let at_threshold = self.levels().find(|level| level.positives_above + level.positives >= kept);
        let accepted = at_threshold.map_or(0.0, |level| level.negatives_above + level.negatives);
        (negatives as f64 - accepted) / negatives as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_one_half() -> Result<(), Error> {
        let tied = RankedPairs::new([(1.0, true), (1.0, false), (1.0, false), (1.0, true)])?;
        assert_eq!((tied.auc(), tied.average_precision(), tied.rejected(KeepRate::default())), (0.5, 0.5, 0.0));
        let zeros = RankedPairs::new([(0.0, true), (-0.0, false)])?;
        assert_eq!(zeros.auc(), 0.5);
        let infinite = RankedPairs::new([(f64::INFINITY, true), (f64::NEG_INFINITY, false), (f64::INFINITY, false)])?;
        assert_eq!(infinite.auc(), 0.75);
        Ok(())
    }

    #[test]
    fn keeping_a_share_is_exact() -> Result<(), Error> {
        // 100 positives at 1..=100 and as many negatives half a point below each.
        let scored = (1..=100).flat_map(|i| [(f64::from(i), true), (f64::from(i) - 0.5, false)]);
        let ranked = RankedPairs::new(scored)?;
        // Keeping k positives, the threshold is 101 - k, and 100 - k negatives and the one just below it are rejected.
        for (percent, threshold, rejected) in
            [(79.0, 22.0, 0.22), (79.5, 21.0, 0.21), (100.0, 1.0, 0.01), (1.0, 100.0, 1.0), (0.001, 100.0, 1.0)]
        {
            let keep = KeepRate::percent(percent)?;
            assert_eq!((ranked.threshold(keep), ranked.rejected(keep)), (threshold, rejected), "{percent} %");
        }
        Ok(())
    }

    #[test]
    fn keep_rates_are_percentages_above_zero() {
        for percent in [0.0, -1.0, 100.1, f64::NAN, f64::INFINITY] {
            assert!(matches!(KeepRate::percent(percent), Err(Error::KeepRate { .. })), "{percent}");
        }
        assert_eq!(KeepRate::default().to_string(), "79");
        assert_eq!(KeepRate::percent(99.5).expect("in range").to_string(), "99.5");
    }

    #[test]
    fn one_class_has_no_ranking_but_an_accuracy() {
        let one_class = RankedPairs::new([(0.3, true), (0.9, true)]);
        assert!(matches!(one_class, Err(Error::OneClass { positives: 2, negatives: 0 })));
        assert!(matches!(RankedPairs::new([(0.3, true), (f64::NAN, false)]), Err(Error::NotANumber { position: 2 })));
        let rate = accuracy([(true, true), (false, true), (true, true), (true, true)]).expect("there are decisions");
        assert_eq!(rate.value, 0.75);
        assert_eq!(accuracy([]), None);
    }

    #[test]
    fn the_interval_of_auc_is_that_of_hanley_and_mcneil() -> Result<(), Error> {
        // Their standard error supposes exponential scores; here are the quantiles of two such distributions.
        let quantile = |i: u32| -(1.0 - (f64::from(i) + 0.5) / 500.0).ln();
        let scored = (0..500).flat_map(|i| [(2.0 * quantile(i), true), (quantile(i), false)]);
        let ranked = RankedPairs::new(scored)?;
        let (auc, n) = (ranked.auc(), 500.0);
        assert!((auc - 2.0 / 3.0).abs() < 1e-3, "{auc}");
        let (q1, q2) = (auc / (2.0 - auc), 2.0 * auc * auc / (1.0 + auc));
        let variance = (auc * (1.0 - auc) + (n - 1.0) * (q1 - auc * auc + q2 - auc * auc)) / (n * n);
        let interval = ranked.intervals(KeepRate::default(), &Bootstrap::default())?.auc;
        let reach = 1.96 * variance.sqrt();
        assert!((interval.low - (auc - reach)).abs() < 0.05 * reach, "{interval:?}, not {auc} +- {reach}");
        assert!((interval.high - (auc + reach)).abs() < 0.05 * reach, "{interval:?}, not {auc} +- {reach}");
        Ok(())
    }
}
