//! What a calibration's test decisions look like: for people, no promise.

use serde::Serialize;

use crate::Error;
use crate::binomial::{Interval, shifted, upper, wilson};
use crate::bound::{Bound, Decision, sorted};
use crate::calibrate::missing;
use crate::calibration::{Calibration, Missing, Promise, Ruling};
use crate::learn_then_test::side;
use crate::operational::Operational;
use crate::score::probability;

/// What was measured on the test decisions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// How many of them have a score.
    pub decisions: u64,
    /// Ways to make one score of the features, compared on development decisions that they were not fitted on.
    pub fits: Vec<Fit>,
    /// The share of wrong ones among those beyond each score, from the highest down, for at most a hundred scores.
    pub risk: Vec<Risk>,
    /// Probabilities held against what was so, in ten bins of equal width.
    pub reliability: Vec<Bin>,
    /// How far probabilities are from what was so, on average: of fifteen bins with equally many decisions each.
    pub expected_calibration_error: f64,
    /// The mean squared difference of probability and what was so.
    pub brier: f64,
    /// How good the ranking is for a cache (arXiv 2606.19719). Without the points, which are in `risk`.
    pub operational: Ranking,
    /// What becomes of the share of wrong ones among the accepted if the share of matches changes. Empty if nothing is accepted.
    pub shift: Vec<Shift>,
    /// What other bounds would give, each looked at alone.
    pub other_bounds: Vec<OtherBound>,
}

/// A way to make one score of features.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// The features.
    pub features: Vec<String>,
    /// The mean of -ln of the probability that it gave to what was so; lower is better.
    pub log_loss: f64,
    /// How likely a right decision has the higher score than a wrong one. None if there is only one sort.
    pub auc: Option<f64>,
    /// Whether it is the one that is used.
    pub kept: bool,
}

/// What accepting from a score on would do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Risk {
    /// The score as a probability.
    pub probability: f64,
    /// The share of scored decisions that is accepted.
    pub coverage: f64,
    /// The share of these that is wrong.
    pub wrong: f64,
    /// The most that it may be in truth, looked at alone, with the confidence of the promise (Clopper and Pearson).
    pub upper: f64,
}

/// Decisions of about the same probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// How many they are.
    pub decisions: u64,
    /// Their mean probability.
    pub probability: f64,
    /// The share of them that is right, with its interval of 95 %.
    pub right: Interval,
}

/// How good a ranking is for a cache.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ranking {
    /// The area under precision over cache hit rate.
    pub p_chr_auc: f64,
    /// The area under precision over recall.
    pub pr_auc: Option<f64>,
    /// The one over the other.
    pub operational_retention: Option<f64>,
    /// The `p_chr_auc` of a perfect ranking with as many matches.
    pub ceiling: f64,
    /// `p_chr_auc` over its ceiling.
    pub of_ceiling: f64,
    /// The share of decisions that it is right to accept.
    pub matches: f64,
    /// How likely a right decision has the higher score than a wrong one.
    pub auc: Option<f64>,
}

/// What becomes of the promise if the share of matches changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shift {
    /// The share of all candidates that match.
    pub matches: f64,
    /// The share of wrong ones among the accepted.
    pub wrong: f64,
}

/// What another bound would give.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OtherBound {
    /// The rate of wrong ones among the accepted.
    pub rate: f64,
    /// The share of scored decisions that would be accepted; none if no threshold qualifies.
    pub coverage: Option<f64>,
    /// What is missing, if none qualifies.
    pub missing: Option<Missing>,
}

const POINTS: usize = 100;
const BINS: usize = 10;
const EQUAL_BINS: usize = 15;
const RATES: [f64; 7] = [0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
const USUAL_CONFIDENCE: f64 = 0.95;

impl Measured {
    pub(crate) fn new(
        calibration: &Calibration,
        development: &[Decision],
        test: &[Decision],
        segments: &[&str],
        whole: f64,
        fits: Vec<Fit>,
    ) -> Result<Measured, Error> {
        let confidence = match calibration.promise {
            Promise::Accepted { accept, .. } => accept.confidence(),
            Promise::Marginal { .. } => USUAL_CONFIDENCE,
        };
        let sorted = sorted(test)?;
        let operational = Operational::new(test)?;
        let (points, ranking) = match operational {
            Some(it) => {
                let Operational { p_chr_auc, pr_auc, operational_retention, ceiling, of_ceiling, matches, points } = it;
                let auc = auc(test)?;
                (points, Ranking { p_chr_auc, pr_auc, operational_retention, ceiling, of_ceiling, matches, auc })
            }
            None => (Vec::new(), Ranking::NONE),
        };
        let mut risk = Vec::new();
        let every = points.len().div_ceil(POINTS).max(1);
        for point in points.iter().enumerate().filter(|(at, _)| (at + 1) % every == 0 || at + 1 == points.len()) {
            let (_, point) = point;
            let accepted = (point.hit_rate * test.len() as f64).round() as u64;
            let wrong = ((1.0 - point.precision) * accepted as f64).round() as u64;
            risk.push(Risk {
                probability: probability(point.threshold),
                coverage: point.hit_rate,
                wrong: 1.0 - point.precision,
                upper: upper(wrong, accepted, 1.0 - confidence)?,
            });
        }
        let mut other_bounds = Vec::new();
        for rate in RATES {
            other_bounds.push(OtherBound::new(Bound::new(rate, confidence)?, development, test, whole)?);
        }
        let predicted: Vec<(f64, bool)> = sorted.iter().rev().map(|it| (probability(it.score), it.right)).collect();
        Ok(Measured {
            decisions: test.len() as u64,
            fits,
            risk,
            reliability: reliability(&predicted),
            expected_calibration_error: expected_calibration_error(&predicted),
            brier: mean(predicted.iter().map(|(p, right)| (p - indicator(*right)).powi(2))),
            operational: ranking,
            shift: shift(calibration, test, segments),
            other_bounds,
        })
    }
}

impl Ranking {
    const NONE: Ranking = Ranking {
        p_chr_auc: 0.0,
        pr_auc: None,
        operational_retention: None,
        ceiling: 0.0,
        of_ceiling: 0.0,
        matches: 0.0,
        auc: None,
    };
}

impl OtherBound {
    fn new(bound: Bound, development: &[Decision], test: &[Decision], whole: f64) -> Result<OtherBound, Error> {
        let chosen = side(development, test, bound)?;
        let coverage = chosen.map(|it| it.accepted as f64 / it.decisions as f64);
        let missing = if chosen.is_none() { Some(missing(test, bound, whole)?) } else { None };
        Ok(OtherBound { rate: bound.rate(), coverage, missing })
    }
}

/// How likely a right decision has the higher score than a wrong one, ties counted half. None if there is only one sort.
///
/// # Errors
/// [`Error::NotANumber`] for a score.
pub(crate) fn auc(decisions: &[Decision]) -> Result<Option<f64>, Error> {
    let sorted = sorted(decisions)?;
    let right = sorted.iter().filter(|it| it.right).count() as f64;
    let wrong = sorted.len() as f64 - right;
    let (mut above, mut won) = (0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.score == b.score) {
        let right_here = tied.iter().filter(|it| it.right).count() as f64;
        won += (tied.len() as f64 - right_here) * (above + right_here / 2.0);
        above += right_here;
    }
    Ok((right > 0.0 && wrong > 0.0).then(|| won / (right * wrong)))
}

/// The mean of -ln of the probability that was given to what was so, of scores that are log-odds.
pub(crate) fn log_loss(decisions: &[Decision]) -> f64 {
    let loss = |it: &Decision| {
        let towards = if it.right { -it.score } else { it.score };
        // ln(1 + e^x), without overflow; no single decision counts without end.
        (towards.max(0.0) + (-towards.abs()).exp().ln_1p()).min(MOST_LOSS)
    };
    mean(decisions.iter().map(loss))
}

const MOST_LOSS: f64 = 30.0;

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len().max(1) as f64;
    values.sum::<f64>() / n
}

fn indicator(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn reliability(predicted: &[(f64, bool)]) -> Vec<Bin> {
    let mut bins = vec![(0u64, 0u64, 0.0); BINS];
    for (p, right) in predicted {
        let bin = &mut bins[((p * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += 1;
        bin.1 += u64::from(*right);
        bin.2 += p;
    }
    let filled = bins.into_iter().filter(|(decisions, ..)| *decisions > 0);
    filled
        .map(|(decisions, right, sum)| Bin {
            decisions,
            probability: sum / decisions as f64,
            right: wilson(right, decisions),
        })
        .collect()
}

/// As `vetted eval pairs` has it: of bins with equally many decisions, equal probabilities together.
fn expected_calibration_error(predicted: &[(f64, bool)]) -> f64 {
    let mut excess = vec![0.0; EQUAL_BINS.min(predicted.len())];
    let mut first = 0;
    for tied in predicted.chunk_by(|(a, _), (b, _)| a == b) {
        let bin = first * excess.len() / predicted.len();
        excess[bin] += tied.iter().map(|(p, right)| p - indicator(*right)).sum::<f64>();
        first += tied.len();
    }
    excess.iter().map(|excess: &f64| excess.abs()).sum::<f64>() / predicted.len().max(1) as f64
}

fn shift(calibration: &Calibration, test: &[Decision], segments: &[&str]) -> Vec<Shift> {
    let accepts = |(it, segment): &(&Decision, &&str)| {
        let segment = calibration.segment_column.as_ref().map(|_| **segment);
        calibration.of_segment(segment).is_some_and(|thresholds| thresholds.rule(it.score) == Ruling::Accept)
    };
    let of = |right: bool| {
        let all = test.iter().filter(|it| it.right == right).count();
        let accepted = test.iter().zip(segments).filter(|(it, _)| it.right == right).filter(accepts).count();
        (all > 0).then(|| accepted as f64 / all as f64)
    };
    match (of(true), of(false)) {
        (Some(true_accepts), Some(false_accepts)) if true_accepts + false_accepts > 0.0 => (1..20)
            .map(|twentieth| f64::from(twentieth) / 20.0)
            .map(|matches| Shift { matches, wrong: shifted(true_accepts, false_accepts, matches) })
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_what_they_are_called() -> Result<(), Error> {
        let decisions =
            [(2.0, true), (1.0, false), (1.0, true), (-1.0, false)].map(|(score, right)| Decision { score, right });
        // Of four comparisons three are won, and one is tied... half of it counts.
        assert_eq!(auc(&decisions)?, Some(3.5 / 4.0));
        assert_eq!(auc(&decisions[..1])?, None);
        let by_hand = [2.0f64, -1.0, 1.0, 1.0].map(|towards| -(1.0 / (1.0 + (-towards).exp())).ln());
        assert!((log_loss(&decisions) - by_hand.iter().sum::<f64>() / 4.0).abs() < 1e-12);
        assert!(log_loss(&[Decision { score: f64::INFINITY, right: false }]).is_finite());

        let overconfident = [(0.95, true), (0.95, false)].repeat(50);
        assert!((expected_calibration_error(&overconfident) - 0.45).abs() < 1e-12);
        let bins = reliability(&[(0.95, true), (0.95, false), (1.0, true), (0.0, false)]);
        assert_eq!(bins.iter().map(|bin| bin.decisions).collect::<Vec<_>>(), [1, 3]);
        assert!((bins[1].right.share - 2.0 / 3.0).abs() < 1e-12);
        assert!(reliability(&[]).is_empty() && expected_calibration_error(&[]) == 0.0);
        Ok(())
    }
}
