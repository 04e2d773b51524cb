//! Exact statements about a share, from a count (Clopper and Pearson, *The Use of Confidence or Fiducial Limits Illustrated in
//! the Case of the Binomial*, Biometrika 26, 1934).

use serde::{Deserialize, Serialize};
use statrs::function::beta::{beta_reg, inv_beta_reg};

use crate::Error;

/// The largest share of errors that `wrong` of `all` leave possible: the true one is above it with probability `delta` at
/// most. 1 if all are wrong, or if there are none.
///
/// # Errors
/// [`Error::Counts`] if more are wrong than there are, [`Error::NotBetween`] for `delta`.
pub fn upper(wrong: u64, all: u64, delta: f64) -> Result<f64, Error> {
    check(wrong, all, delta)?;
    if wrong == all {
        return Ok(1.0);
    }
    if wrong == 0 {
        // 1 - delta^(1/n), without rounding where it is tiny.
        return Ok(-(delta.ln() / all as f64).exp_m1());
    }
    Ok(inv_beta_reg((wrong + 1) as f64, (all - wrong) as f64, 1.0 - delta))
}

/// The smallest share of errors that `wrong` of `all` leave possible: the true one is below it with probability `delta` at
/// most. 0 if none is wrong.
///
/// # Errors
/// As [`upper`].
pub fn lower(wrong: u64, all: u64, delta: f64) -> Result<f64, Error> {
    check(wrong, all, delta)?;
    if wrong == 0 {
        return Ok(0.0);
    }
    if wrong == all {
        return Ok((delta.ln() / all as f64).exp());
    }
    Ok(inv_beta_reg(wrong as f64, (all - wrong + 1) as f64, delta))
}

/// How likely it is to see `wrong` or fewer errors of `all`, were the share of errors `rate`: the p-value of the hypothesis
/// that it is `rate` or more.
pub(crate) fn as_few(wrong: u64, all: u64, rate: f64) -> f64 {
    if wrong >= all {
        return 1.0;
    }
    // P[Bin(n, p) <= k] = I(1-p; n-k, k+1)
    beta_reg((all - wrong) as f64, (wrong + 1) as f64, 1.0 - rate)
}

/// The share of wrong ones among what is accepted, if a share `matches` of all candidates match, for a verifier that accepts
/// `true_accepts` of what matches and `false_accepts` of what does not. It says what becomes of a bound when the traffic holds
/// fewer matches than the decisions that were calibrated on. 0 if nothing is accepted.
pub fn shifted(true_accepts: f64, false_accepts: f64, matches: f64) -> f64 {
    let wrong = (1.0 - matches) * false_accepts;
    let all = wrong + matches * true_accepts;
    if all > 0.0 { wrong / all } else { 0.0 }
}

/// From where to where a share may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// What was seen.
    pub share: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The quantile of the normal distribution that leaves 2.5 % above it.
const TWO_SIDED_95: f64 = 1.959_963_984_540_054;

/// The interval of 95 % for a share (Wilson, *Probable Inference, the Law of Succession, and Statistical Inference*, Journal of
/// the American Statistical Association 22, 1927). All of [0, 1] of nothing.
pub fn wilson(part: u64, all: u64) -> Interval {
    if all == 0 {
        return Interval { share: 0.0, low: 0.0, high: 1.0 };
    }
    let (n, share, z) = (all as f64, part as f64 / all as f64, TWO_SIDED_95);
    let middle = share + z * z / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let end = |it: f64| (it / (1.0 + z * z / n)).clamp(0.0, 1.0);
    Interval { share, low: end(middle - half), high: end(middle + half) }
}

fn check(wrong: u64, all: u64, delta: f64) -> Result<(), Error> {
    if wrong > all {
        return Err(Error::Counts { wrong, all });
    }
    match delta > 0.0 && delta < 1.0 {
        true => Ok(()),
        false => Err(Error::NotBetween { what: "the probability of being wrong", got: delta, example: 0.05 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_tails_are_exact() -> Result<(), Error> {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near((1.0 - upper(0, 299, 0.05)?).powi(299), 0.05));
        // Where the tail at the limit is delta, the limit is right: this holds for any count.
        for (wrong, all) in [(1, 10), (3, 500), (40, 1000), (7, 8), (250, 100_000)] {
            let (low, high) = (lower(wrong, all, 0.05)?, upper(wrong, all, 0.05)?);
            assert!((as_few(wrong, all, high) - 0.05).abs() < 1e-6, "{wrong} of {all}: {}", as_few(wrong, all, high));
            assert!((1.0 - as_few(wrong - 1, all, low) - 0.05).abs() < 1e-6, "{wrong} of {all}");
            let share = wrong as f64 / all as f64;
            assert!(low < share && share < high);
        }
        // Summed by hand: (1-p)^n + n p (1-p)^(n-1).
        let by_hand = 0.99f64.powi(100) + 100.0 * 0.01 * 0.99f64.powi(99);
        assert!(near(as_few(1, 100, 0.01), by_hand));
        assert_eq!((upper(5, 5, 0.05)?, upper(0, 0, 0.05)?, lower(0, 9, 0.05)?), (1.0, 1.0, 0.0));
        assert!(matches!(upper(2, 1, 0.05), Err(Error::Counts { .. })));
        assert!(matches!(upper(0, 1, 0.0), Err(Error::NotBetween { .. })));
        Ok(())
    }

    #[test]
    fn intervals_are_wilsons() {
        // R: prop.test(15, 100, correct = FALSE)$conf.int
        let Interval { share, low, high } = wilson(15, 100);
        assert!(share == 0.15 && (low - 0.0930).abs() < 1e-4 && (high - 0.2328).abs() < 1e-4, "{low} {high}");
        assert_eq!((wilson(0, 9).low, wilson(9, 9).high), (0.0, 1.0));
        assert_eq!(wilson(0, 0), Interval { share: 0.0, low: 0.0, high: 1.0 });
    }

    #[test]
    fn fewer_matches_make_more_errors_of_what_is_accepted() {
        assert!((shifted(0.8, 0.01, 0.5) - 0.01 * 0.5 / (0.01 * 0.5 + 0.8 * 0.5)).abs() < 1e-12);
        assert!(shifted(0.8, 0.01, 0.1) > shifted(0.8, 0.01, 0.5));
        assert_eq!(shifted(0.0, 0.0, 0.5), 0.0);
        assert_eq!(shifted(0.8, 0.01, 0.0), 1.0);
    }
}
