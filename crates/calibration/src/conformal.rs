//! Of all that is asked, at most so often something wrong is accepted: conformal risk control (Angelopoulos, Bates, Fisch, Lei
//! and Schuster, *Conformal Risk Control*, ICLR 2024, theorem 1).

use crate::bound::{Decision, sorted};
use crate::{Bound, Error};

/// The laxest score that may be accepted so that, on average over draws of the decisions, the next one is accepted wrongly
/// with probability `rate` at most. None if no threshold qualifies, as when there are fewer than `1 / rate - 1` decisions:
/// then nothing may be accepted.
///
/// It is a weaker promise than [`learn_then_test`](crate::learn_then_test)'s in two ways: it is about all decisions, so
/// whatever is not accepted counts as right, and it holds on average, not with a confidence. It needs far fewer decisions.
///
/// # Errors
/// [`Error::NotANumber`] for a score, [`Error::NotBetween`] for the rate.
pub fn conformal(decisions: &[Decision], rate: f64) -> Result<Option<f64>, Error> {
    Bound::new(rate, 0.5)?;
    let sorted = sorted(decisions)?;
    let mut threshold = None;
    let mut wrong = 0;
    // A decision's loss only grows as the threshold falls: the first level that is too much ends it.
    for tied in sorted.chunk_by(|a, b| a.score == b.score) {
        wrong += tied.iter().filter(|it| !it.right).count();
        if (wrong + 1) as f64 > rate * (sorted.len() + 1) as f64 {
            break;
        }
        threshold = Some(tied[0].score);
    }
    Ok(threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_laxest_threshold_counts_one_more_error_than_was_seen() -> Result<(), Error> {
        // Of 99 decisions the 10th and each 10th after it are wrong.
        let decision = |i: u32| Decision { score: f64::from(100 - i), right: !i.is_multiple_of(10) };
        let decisions: Vec<Decision> = (1..100).map(decision).collect();
        // (wrong + 1) / 100 <= rate
        for (rate, expected) in [(0.009, None), (0.01, Some(91.0)), (0.02, Some(81.0)), (0.5, Some(1.0))] {
            assert_eq!(conformal(&decisions, rate)?, expected, "{rate}");
        }
        // Equal scores are accepted together.
        let tied: Vec<Decision> = (1..100).map(|i| Decision { score: 0.5, right: i % 10 != 0 }).collect();
        assert_eq!(conformal(&tied, 0.05)?, None);
        assert_eq!(conformal(&tied, 0.1)?, Some(0.5));
        assert_eq!(conformal(&[], 0.1)?, None);
        assert!(matches!(conformal(&tied, 0.0), Err(Error::NotBetween { .. })));
        Ok(())
    }
}
