//! Metrics of pairs: agreement with scikit-learn, on values that `tests/golden/pairs.py` had it compute, and what must
//! hold of them whatever the scores.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde::Deserialize;
use vetted_evaluation::Error;
use vetted_evaluation::interval::Bootstrap;
use vetted_evaluation::metrics::calibration::{BINS, brier, expected_calibration_error};
use vetted_evaluation::metrics::pairs::{KeepRate, RankedPairs, accuracy};

#[derive(Deserialize)]
struct Golden {
    keep: Vec<f64>,
    thresholds: Vec<f64>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    labels: Vec<u8>,
    scores: Vec<f64>,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    auc: f64,
    ap: f64,
    brier: f64,
    ece: f64,
    accuracy: Vec<f64>,
    rejected: Vec<f64>,
}

#[test]
fn every_figure_agrees_with_scikit_learn() -> Result<(), Error> {
    let golden: Golden = serde_json::from_str(include_str!("golden/pairs.json")).expect("the golden file is JSON");
    let mut distinct = BTreeSet::new();
    for Case { name, labels, scores, expected } in &golden.cases {
        let scored: Vec<(f64, bool)> = scores.iter().zip(labels).map(|(score, label)| (*score, *label == 1)).collect();
        let ranked = RankedPairs::new(scored.iter().copied())?;
        let mut figures = vec![
            ("auc".to_owned(), ranked.auc(), expected.auc),
            ("ap".to_owned(), ranked.average_precision(), expected.ap),
            ("brier".to_owned(), brier(&scored)?, expected.brier),
            ("ece".to_owned(), expected_calibration_error(&scored, BINS)?, expected.ece),
        ];
        for (threshold, expected) in golden.thresholds.iter().zip(&expected.accuracy) {
            let decisions = scored.iter().map(|(score, matches)| (score >= threshold, *matches));
            let accuracy = accuracy(decisions).expect("there are pairs").value;
            figures.push((format!("accuracy at {threshold}"), accuracy, *expected));
        }
        for (percent, expected) in golden.keep.iter().zip(&expected.rejected) {
            let rejected = ranked.rejected(KeepRate::percent(*percent)?);
            figures.push((format!("rejected@{percent}"), rejected, *expected));
        }
        assert_eq!(figures.len(), 12, "the golden file is complete");
        for (figure, found, expected) in figures {
            assert!((found - expected).abs() < 1e-9, "{name}: {figure} is {found}, scikit-learn says {expected}");
            distinct.insert(expected.to_bits());
        }
    }
    assert!(golden.cases.len() >= 10 && distinct.len() > 60, "{} distinct values are no test", distinct.len());
    Ok(())
}

/// Scores with classes, both present; few distinct values, so that ties are frequent, or many.
fn scored() -> impl Strategy<Value = Vec<(f64, bool)>> {
    let score = prop_oneof![(-3..4_i8).prop_map(f64::from), -3.0..3.0_f64];
    let pair = (score, any::<bool>());
    prop::collection::vec(pair, 2..40).prop_map(|mut scored| {
        (scored[0].1, scored[1].1) = (false, true);
        scored
    })
}

fn mapped(scored: &[(f64, bool)], map: impl Fn(f64) -> f64) -> Result<RankedPairs, Error> {
    RankedPairs::new(scored.iter().map(|(score, matches)| (map(*score), *matches)))
}

proptest! {
    #[test]
    fn only_the_order_counts(scored in scored(), percent in 0.1..100.0_f64) {
        let keep = KeepRate::percent(percent)?;
        let figures = |ranked: &RankedPairs| [ranked.auc(), ranked.average_precision(), ranked.rejected(keep)];
        let plain = RankedPairs::new(scored.iter().copied())?;
        // Strictly increasing, and so coarse a function that rounding makes no ties of different scores.
        let cubed = mapped(&scored, |score| 8.0 * score + 3.0)?;
        let exponential = mapped(&scored, f64::exp)?;
        prop_assert_eq!(figures(&plain), figures(&cubed));
        prop_assert_eq!(figures(&plain), figures(&exponential));
        let mut reversed = scored.clone();
        reversed.reverse();
        prop_assert_eq!(figures(&plain), figures(&RankedPairs::new(reversed)?));
    }

    #[test]
    fn negated_scores_and_swapped_classes_complement_auc(scored in scored()) {
        let auc = RankedPairs::new(scored.iter().copied())?.auc();
        let negated = mapped(&scored, |score| -score)?.auc();
        let swapped = RankedPairs::new(scored.iter().map(|(score, matches)| (*score, !matches)))?.auc();
        prop_assert!((auc + negated - 1.0).abs() < 1e-12, "{auc} and {negated}");
        prop_assert!((auc + swapped - 1.0).abs() < 1e-12, "{auc} and {swapped}");
    }

    #[test]
    fn auc_is_the_share_of_pairs_in_order(scored in scored()) {
        let of_class = |class| scored.iter().filter(move |(_, matches)| *matches == class).map(|(score, _)| *score);
        let wins: f64 = of_class(true)
            .flat_map(|positive| of_class(false).map(move |negative| (positive, negative)))
            .map(|(positive, negative)| if positive > negative { 1.0 } else if positive == negative { 0.5 } else { 0.0 })
            .sum();
        let all = (of_class(true).count() * of_class(false).count()) as f64;
        let auc = RankedPairs::new(scored.iter().copied())?.auc();
        prop_assert!((auc - wins / all).abs() < 1e-12, "{auc}, not {}", wins / all);
    }

    #[test]
    fn the_threshold_keeps_enough_and_the_next_does_not(scored in scored(), percent in 0.1..=100.0_f64) {
        let keep = KeepRate::percent(percent)?;
        let ranked = RankedPairs::new(scored.iter().copied())?;
        let threshold = ranked.threshold(keep);
        let share = |class: bool, accepted: &dyn Fn(f64) -> bool| {
            let of_class: Vec<f64> = scored.iter().filter(|(_, c)| *c == class).map(|(score, _)| *score).collect();
            of_class.iter().filter(|score| accepted(**score)).count() as f64 / of_class.len() as f64
        };
        prop_assert!(share(true, &|score| score >= threshold) >= percent / 100.0 - 1e-12);
        prop_assert!(share(true, &|score| score > threshold) < percent / 100.0);
        let rejected = share(false, &|score| score < threshold);
        prop_assert!((ranked.rejected(keep) - rejected).abs() < 1e-12, "{} is not {rejected}", ranked.rejected(keep));
    }

    #[test]
    fn figures_lie_in_their_intervals_and_ranges(scored in scored()) {
        let ranked = RankedPairs::new(scored.iter().copied())?;
        let bootstrap = Bootstrap { resamples: 200.try_into().expect("not zero"), seed: 0 };
        let intervals = ranked.intervals(KeepRate::default(), &bootstrap)?;
        for interval in [intervals.auc, intervals.average_precision, intervals.rejected] {
            prop_assert!(0.0 <= interval.low && interval.low <= interval.high && interval.high <= 1.0 + 1e-12, "{interval:?}");
        }
        // AUC is a mean over draws of both classes: its bootstrap distribution is centered on it.
        prop_assert!(intervals.auc.low <= ranked.auc() + 1e-12 && ranked.auc() <= intervals.auc.high + 1e-12);
    }
}

#[test]
fn resampling_eight_thousand_pairs_takes_no_sorting() -> Result<(), Error> {
    let noise = |i: u32| f64::from(i.wrapping_mul(2_654_435_761)) / f64::from(u32::MAX);
    let ranked = RankedPairs::new((0..8_000).map(|i| (noise(i) + f64::from(i % 2) / 4.0, i % 2 == 1)))?;
    let start = Instant::now();
    let bootstrap = Bootstrap { resamples: 1000.try_into().expect("not zero"), seed: 0 };
    let interval = ranked.intervals(KeepRate::default(), &bootstrap)?.auc;
    let elapsed = start.elapsed();
    assert!(interval.low < ranked.auc() && ranked.auc() < interval.high);
    // It takes 0.07 s; the limit is for machines that do other things too.
    assert!(elapsed < Duration::from_secs(3), "{elapsed:?}");
    Ok(())
}
