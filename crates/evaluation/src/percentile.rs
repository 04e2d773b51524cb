//! Percentiles of a sample.

/// Percentiles of `values`, each `percent` in `0..=100` (values outside are taken as the nearest end), or `None` if
/// there are no values.
///
/// Between two values it interpolates linearly: definition 7 of Hyndman and Fan, *Sample Quantiles in Statistical
/// Packages*, The American Statistician 50(4), 1996, the default of NumPy and R.
///
/// ```
/// use vetted_evaluation::percentile::percentiles;
/// assert_eq!(percentiles(&[30.0, 10.0, 20.0, 40.0], [0.0, 50.0, 100.0]), Some([10.0, 25.0, 40.0]));
/// assert_eq!(percentiles(&[], [50.0]), None);
/// ```
pub fn percentiles<const N: usize>(values: &[f64], percents: [f64; N]) -> Option<[f64; N]> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    Some(percents.map(|percent| {
        let position = percent.clamp(0.0, 100.0) / 100.0 * last as f64;
        let below = position.floor() as usize;
        let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
        low + (high - low) * position.fract()
    }))
}

#[cfg(test)]
mod tests {
    use super::percentiles;

    #[test]
    fn agrees_with_numpy() {
        // numpy.percentile([3.2, 1.1, 8.7, 4.4, 2.5, 9.9, 0.3], [2.5, 50, 95, 97.5]), NumPy's default method.
        let values = [3.2, 1.1, 8.7, 4.4, 2.5, 9.9, 0.3];
        let found = percentiles(&values, [2.5, 50.0, 95.0, 97.5]).expect("there are values");
        for (found, expected) in found.iter().zip([0.42, 3.2, 9.54, 9.72]) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }
}
