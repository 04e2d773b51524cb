//! How many decisions a promise takes, as far as those that there are can tell.

use crate::binomial::as_few;
use crate::bound::{Bound, Decision, sorted};
use crate::{Error, Ladder};

/// How many decisions a promise takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// About so many in all, if they are like those that there are.
    About(u64),
    /// No number of them: even of the surest, too many are wrong.
    NoNumber,
}

/// Cuts at which the share of wrong ones is looked at.
const CUTS: usize = 60;
/// Of fewer decisions a share says nothing.
const FEWEST: usize = 20;
/// No test is made with more.
const MOST: u64 = 1 << 40;

/// How many decisions it would take to show `bound` for any part of them, were the share of wrong ones at each score what it
/// is here. An estimate, no promise: of few decisions it can be far off.
///
/// # Errors
/// [`Error::NotANumber`] for a score.
pub fn decisions_needed(decisions: &[Decision], bound: Bound) -> Result<Need, Error> {
    let sorted = sorted(decisions)?;
    let each = bound.one_of(Ladder::LEARNED_STARTS);
    if sorted.len() < FEWEST {
        return Ok(Need::About(each.fewest_accepts() as u64));
    }
    let mut wrong_of_first = vec![0u64];
    wrong_of_first.extend(sorted.iter().scan(0, |wrong, it| {
        *wrong += u64::from(!it.right);
        Some(*wrong)
    }));
    let cuts = (1..=CUTS).map(|cut| (sorted.len() * cut).div_ceil(CUTS)).filter(|cut| *cut >= FEWEST);
    let needed = cuts.filter_map(|cut| {
        // What is tied is accepted together.
        let cut = sorted.partition_point(|it| it.score >= sorted[cut - 1].score);
        let (accepted, all) = (cut as f64, sorted.len() as f64);
        let share = wrong_of_first[cut] as f64 / accepted;
        Some((accepts_needed(share, each)? as f64 * all / accepted).ceil() as u64)
    });
    Ok(needed.min().map_or(Need::NoNumber, Need::About))
}

/// The least number of accepted decisions that shows the bound if this share of them is wrong.
fn accepts_needed(share: f64, bound: Bound) -> Option<u64> {
    if share >= bound.rate() {
        return None;
    }
    let shows = |accepts: u64| as_few((share * accepts as f64).ceil() as u64, accepts, bound.rate()) <= bound.delta();
    let mut enough = bound.fewest_accepts() as u64;
    while !shows(enough) {
        enough *= 2;
        if enough > MOST {
            return None;
        }
    }
    let mut too_few = enough / 2;
    while enough - too_few > 1 {
        let middle = too_few + (enough - too_few) / 2;
        if shows(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    Some(enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_about_what_it_takes() -> Result<(), Error> {
        let bound = Bound::new(0.01, 0.95)?;
        let decisions = |n: u32, wrong_every: u32| -> Vec<Decision> {
            (0..n).map(|i| Decision { score: -f64::from(i), right: !(i + 1).is_multiple_of(wrong_every) }).collect()
        };
        // Without an error: the fewest, at half of the probability.
        assert_eq!(decisions_needed(&decisions(100, 1000), bound)?, Need::About(368));
        assert_eq!(decisions_needed(&[], bound)?, Need::About(368));
        // One in 200 throughout, for 1 %: a few thousand.
        let Need::About(needed) = decisions_needed(&decisions(4000, 200), bound)? else { panic!("it can be shown") };
        assert!((400..4000).contains(&needed), "{needed}");
        assert_eq!(decisions_needed(&decisions(1000, 10), bound)?, Need::NoNumber);
        assert!(matches!(
            decisions_needed(&[Decision { score: f64::NAN, right: true }], bound),
            Err(Error::NotANumber { .. })
        ));
        Ok(())
    }
}
