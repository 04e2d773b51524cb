//! Whether probabilities mean what they say: of the pairs given 0.8, do four in five match?
//!
//! ```
//! use vetted_evaluation::metrics::calibration::{BINS, brier, expected_calibration_error};
//!
//! # fn main() -> Result<(), vetted_evaluation::Error> {
//! let overconfident = [(0.9, true), (0.9, true), (0.9, false), (0.9, false)];
//! assert!((expected_calibration_error(&overconfident, BINS)? - 0.4).abs() < 1e-12); // says 0.9 where 0.5 is true
//! assert!((brier(&overconfident)? - 0.41).abs() < 1e-12);
//! # Ok(())
//! # }
//! ```

use std::num::NonZeroUsize;

use crate::Error;
use crate::metrics::retrieval::mean;

/// How many bins are customary for [`expected_calibration_error`].
pub const BINS: NonZeroUsize = NonZeroUsize::new(15).unwrap();

/// The mean squared difference between a probability and what was the case, 1 or 0 (Brier, *Verification of Forecasts
/// Expressed in Terms of Probability*, Monthly Weather Review 78, 1950, halved as is usual for two classes). In `0..=1`,
/// lower is better; always saying 0.5 gives 0.25. Each pair is given as its probability and whether it matches.
///
/// # Errors
/// [`Error::NotAProbability`], [`Error::NotANumber`]; [`Error::NoPairs`] if there are none.
pub fn brier(predicted: &[(f64, bool)]) -> Result<f64, Error> {
    Ok(mean(&squared_errors(predicted)?))
}

/// What [`brier`] averages, in the same order.
pub(crate) fn squared_errors(predicted: &[(f64, bool)]) -> Result<Vec<f64>, Error> {
    check(predicted)?;
    Ok(predicted.iter().map(|(probability, matches)| (probability - f64::from(u8::from(*matches))).powi(2)).collect())
}

/// How far, on average, the mean probability of a bin of pairs is from the share of them that match, weighted by the
/// bins' sizes. In `0..=1`, lower is better.
///
/// The bins hold equally many pairs ("adaptive": Nixon et al., *Measuring Calibration in Deep Learning*, CVPR workshops
/// 2019, section 3; Nguyen and O'Connor, EMNLP 2015), so that probabilities crowded near 0 and 1 are told apart, but
/// for pairs of equal probability, which stay together in the bin of the first: their order does not count. It is
/// biased: of few pairs, even perfect probabilities get some error.
///
/// # Errors
/// As [`brier`].
pub fn expected_calibration_error(predicted: &[(f64, bool)], bins: NonZeroUsize) -> Result<f64, Error> {
    check(predicted)?;
    let mut sorted = predicted.to_vec();
    sorted.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    // Per bin: what the probabilities promise in total, less what came true.
    let mut excess = vec![0.0; bins.get().min(sorted.len())];
    let mut first = 0;
    for tied in sorted.chunk_by(|(a, _), (b, _)| a == b) {
        let bin = first * excess.len() / sorted.len();
        excess[bin] +=
            tied.iter().map(|(probability, matches)| probability - f64::from(u8::from(*matches))).sum::<f64>();
        first += tied.len();
    }
    Ok(excess.iter().map(|excess: &f64| excess.abs()).sum::<f64>() / sorted.len() as f64)
}

fn check(predicted: &[(f64, bool)]) -> Result<(), Error> {
    if predicted.is_empty() {
        return Err(Error::NoPairs);
    }
    match predicted.iter().position(|(probability, _)| !(0.0..=1.0).contains(probability)) {
        None => Ok(()),
        Some(index) => Err(match predicted[index].0 {
            score if score.is_nan() => Error::NotANumber { position: index + 1 },
            got => Error::NotAProbability { position: index + 1, got },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_and_bad_calibration() -> Result<(), Error> {
        // One in ten of the pairs at 0.1 matches, nine in ten of those at 0.9; then the other way round.
        let outcomes = |say: fn(bool) -> f64| -> Vec<(f64, bool)> {
            (0..20).map(|i| (say(i < 10), if i < 10 { i == 0 } else { i != 10 })).collect()
        };
        let good = outcomes(|low| if low { 0.1 } else { 0.9 });
        let bad = outcomes(|low| if low { 0.9 } else { 0.1 });
        assert!(expected_calibration_error(&good, BINS)? < 1e-12);
        assert!((expected_calibration_error(&bad, BINS)? - 0.8).abs() < 1e-12);
        // In one bin the errors of both kinds cancel.
        assert!(expected_calibration_error(&bad, NonZeroUsize::MIN)? < 1e-12);
        assert!((brier(&good)? - 0.09).abs() < 1e-12 && (brier(&bad)? - 0.73).abs() < 1e-12);
        Ok(())
    }

    #[test]
    fn only_probabilities_are_calibrated() {
        assert!(matches!(brier(&[]), Err(Error::NoPairs)));
        assert!(matches!(brier(&[(0.5, true), (f64::NAN, true)]), Err(Error::NotANumber { position: 2 })));
        let cosine = expected_calibration_error(&[(-0.2, false)], BINS);
        assert!(matches!(cosine, Err(Error::NotAProbability { position: 1, .. })), "{cosine:?}");
    }
}
