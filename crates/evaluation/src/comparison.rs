//! Two systems over one set of queries, or over several: by how much they differ, and whether chance may explain it.
//!
//! ```
//! use vetted_evaluation::comparison::compare;
//! use vetted_evaluation::interval::Bootstrap;
//!
//! # fn main() -> Result<(), vetted_evaluation::Error> {
//! // The tuned model's scores minus the base's, query by query, on two sets.
//! let (large, small) = (vec![-0.1, 0.0, -0.2, -0.1, -0.1, 0.0, -0.3, -0.2], vec![-0.3, -0.1]);
//! let average = compare(&[&large, &small], &Bootstrap::default())?;
//! assert!((average.mean - (-0.125 - 0.2) / 2.0).abs() < 1e-12); // both sets count the same
//! assert!(average.interval.high < 0.0 && average.p_value < 0.05);
//! # Ok(())
//! # }
//! ```

use crate::Error;
use crate::interval::{Bootstrap, Difference, SplitMix64, interval_of};
use crate::metrics::retrieval::mean;

/// Compares two systems by their differences on every query of every set, `sets[s][q]` being the second system's score
/// minus the first's.
///
/// The mean is that of the sets' means, so that a large set does not outvote a small one. Its interval is a percentile
/// bootstrap that draws queries anew inside every set. The p-value is that of the paired randomization test (Fisher 1935;
/// Smucker, Allan and Carterette, *A Comparison of Statistical Significance Tests for Information Retrieval Evaluation*,
/// CIKM 2007): were the systems equal, which of the two has which score would be chance, so the signs of all differences are
/// drawn at random, [`resamples`](Bootstrap::resamples) times, and it is counted how often the mean is at least as far from
/// 0 as the observed one, which counts as one of them.
///
/// # Errors
/// [`Error::NoQueries`] without sets, or if one has no queries; [`Error::NotANumber`] for a difference that is NaN.
pub fn compare(sets: &[&[f64]], bootstrap: &Bootstrap) -> Result<Difference, Error> {
    if sets.is_empty() || sets.iter().any(|set| set.is_empty()) {
        return Err(Error::NoQueries);
    }
    if let Some(index) = sets.iter().flat_map(|set| set.iter()).position(|difference| difference.is_nan()) {
        return Err(Error::NotANumber { position: index + 1 });
    }
    let of_sets =
        |set_mean: &mut dyn FnMut(&[f64]) -> f64| sets.iter().map(|set| set_mean(set)).sum::<f64>() / sets.len() as f64;
    let observed = of_sets(&mut mean);
    let mut random = SplitMix64(bootstrap.seed);
    let mut resampled = |set: &[f64]| {
        let drawn: f64 = set.iter().map(|_| set[random.below(set.len())]).sum();
        drawn / set.len() as f64
    };
    let means: Vec<f64> = (0..bootstrap.resamples.get()).map(|_| of_sets(&mut resampled)).collect();
    // Sums of the same numbers in another order differ by rounding, which must not make a tie into a smaller mean.
    let far = observed.abs() * (1.0 - 1e-12);
    let mut random = SplitMix64(bootstrap.seed ^ SIGNS);
    let mut signed = |set: &[f64]| {
        let mut bits = 0;
        let flipped = set.iter().enumerate().map(|(index, difference)| {
            if index % 64 == 0 {
                bits = random.next();
            }
            if bits >> (index % 64) & 1 == 1 { -difference } else { *difference }
        });
        flipped.sum::<f64>() / set.len() as f64
    };
    let as_far = (0..bootstrap.resamples.get()).filter(|_| of_sets(&mut signed).abs() >= far).count();
    Ok(Difference {
        mean: observed,
        interval: interval_of(&means)?,
        p_value: (as_far + 1) as f64 / (f64::from(bootstrap.resamples.get()) + 1.0),
    })
}

/// Sets the sequence of signs apart from that of the bootstrap.
const SIGNS: u64 = 0x5167_0000_0000_0001;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_p_value_is_the_exact_tests() -> Result<(), Error> {
        // Of the 2^8 ways to give eight equal differences their signs, two have a mean as far from 0: p = 2 / 256.
        let same = compare(&[&[0.1; 8]], &Bootstrap::default())?;
        assert!((same.p_value - 2.0 / 256.0).abs() < 0.003, "{same:?}");
        let mixed = [0.3, -0.1, 0.2, 0.05, -0.15, 0.25];
        let found = compare(&[&mixed], &Bootstrap::default())?;
        assert!((found.p_value - exact(&mixed)).abs() < 0.015, "{} for {}", found.p_value, exact(&mixed));
        Ok(())
    }

    /// All signs, one after the other.
    fn exact(differences: &[f64]) -> f64 {
        let observed = differences.iter().sum::<f64>().abs() - 1e-12;
        let all = 1u32 << differences.len();
        let sum = |signs: u32| -> f64 {
            differences.iter().enumerate().map(|(i, d)| if signs >> i & 1 == 1 { -d } else { *d }).sum()
        };
        f64::from((0..all).filter(|signs| sum(*signs).abs() >= observed).count() as u32) / f64::from(all)
    }

    #[test]
    fn one_set_has_the_bootstraps_own_interval() -> Result<(), Error> {
        let differences = [0.2, -0.1, 0.4, 0.1, 0.0, -0.3, 0.2];
        let bootstrap = Bootstrap::default();
        assert_eq!(compare(&[&differences], &bootstrap)?.interval, bootstrap.mean(&differences)?);
        Ok(())
    }

    #[test]
    fn what_cannot_be_compared_is_an_error() {
        let bootstrap = Bootstrap::default();
        assert!(matches!(compare(&[], &bootstrap), Err(Error::NoQueries)));
        assert!(matches!(compare(&[&[0.1], &[]], &bootstrap), Err(Error::NoQueries)));
        assert!(matches!(compare(&[&[0.1], &[f64::NAN]], &bootstrap), Err(Error::NotANumber { position: 2 })));
    }

    proptest! {
        #[test]
        fn exchanging_the_systems_changes_signs_only(set in prop::collection::vec(-1f64..1.0, 2..30)) {
            let bootstrap = Bootstrap { resamples: 200.try_into().unwrap(), seed: 3 };
            let reversed: Vec<f64> = set.iter().map(|d| -d).collect();
            let (there, back) = (compare(&[&set], &bootstrap).unwrap(), compare(&[&reversed], &bootstrap).unwrap());
            prop_assert_eq!(there.mean, -back.mean);
            prop_assert_eq!(there.p_value, back.p_value);
            prop_assert!((there.interval.low + back.interval.high).abs() < 1e-12);
        }
    }
}
