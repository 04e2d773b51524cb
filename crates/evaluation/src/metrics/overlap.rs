//! How far the scores of two classes overlap.

use crate::Error;

/// The share of two classes' scores that no threshold can keep apart: 1 minus the largest distance between their empirical
/// distribution functions (Kolmogorov and Smirnov's statistic, Youden's J at the best threshold). In `0..=1`: 0 when some
/// threshold separates them, 1 when they are distributed alike.
///
/// Where the two densities cross once it equals the overlapping coefficient, the integral of the smaller density (Inman
/// and Bradley, *The overlapping coefficient as a measure of agreement between probability distributions*, 1989), and
/// takes no choice of bins.
///
/// # Errors
/// [`Error::OneClass`] if there are no scores of one class, [`Error::NotANumber`] for a NaN, counted through both classes.
///
/// ```
/// use vetted_evaluation::metrics::overlap::overlap;
/// assert_eq!(overlap(&[0.9, 0.8], &[0.7, 0.1])?, 0.0);
/// assert_eq!(overlap(&[0.9, 0.8, 0.7, 0.6], &[0.6, 0.7, 0.8, 0.9])?, 1.0);
/// assert_eq!(overlap(&[0.9, 0.8, 0.3, 0.7], &[0.5, 0.2])?, 0.25); // one of four paraphrases is among the near misses
/// # Ok::<(), vetted_evaluation::Error>(())
/// ```
pub fn overlap(positives: &[f64], negatives: &[f64]) -> Result<f64, Error> {
    if positives.is_empty() || negatives.is_empty() {
        return Err(Error::OneClass { positives: positives.len(), negatives: negatives.len() });
    }
    if let Some(index) = positives.iter().chain(negatives).position(|score| score.is_nan()) {
        return Err(Error::NotANumber { position: index + 1 });
    }
    let sorted = |scores: &[f64]| {
        let mut sorted = scores.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    };
    let (positives, negatives) = (sorted(positives), sorted(negatives));
    let share = |scores: &[f64], at: f64| scores.partition_point(|score| *score <= at) as f64 / scores.len() as f64;
    let distances =
        positives.iter().chain(&negatives).map(|at| (share(&positives, *at) - share(&negatives, *at)).abs());
    Ok(1.0 - distances.fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_kolmogorov_and_smirnov() -> Result<(), Error> {
        // scipy.stats.ks_2samp([.1, .4, .35, .8, .7], [.2, .3, .5, .9, .95, .6]).statistic = 0.3333
        let found = overlap(&[0.1, 0.4, 0.35, 0.8, 0.7], &[0.2, 0.3, 0.5, 0.9, 0.95, 0.6])?;
        assert!((found - (1.0 - 1.0 / 3.0)).abs() < 1e-12, "{found}");
        assert!(matches!(overlap(&[], &[0.1]), Err(Error::OneClass { positives: 0, negatives: 1 })));
        assert!(matches!(overlap(&[0.2], &[f64::NAN]), Err(Error::NotANumber { position: 2 })));
        Ok(())
    }
}
