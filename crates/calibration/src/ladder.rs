//! The thresholds among which one is chosen, fixed before a decision is counted.

use serde::{Deserialize, Serialize};

use crate::bound::Bound;
use crate::{Decision, Error};

/// How many thresholds a ladder has at most.
const RUNGS: usize = 60;
/// In how many places the tests begin. One early error stops a single sequence for good; three stand on different rungs.
/// Of five populations in simulation a single sequence found nothing in up to 94 % of runs, three in 3 to 23 %.
const STARTS: usize = Ladder::STARTS;
/// The first test waits for this many times the fewest accepts that could pass: at the fewest, one error ends it.
const ROOM: usize = 3;

/// Thresholds from strict to lax, and where the tests begin.
///
/// They are taken from scores of *other* decisions than those that are tested on, because a threshold that is chosen by the
/// sample that judges it has seen the verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ladder {
    /// Falling.
    rungs: Vec<f64>,
    /// Of `rungs`, rising.
    starts: Vec<usize>,
}

impl Ladder {
    /// So many places at most.
    pub(crate) const STARTS: usize = 3;

    /// Rungs at the quantiles of the `development` scores, where among `decisions` decisions at least three times the fewest
    /// that `bound` takes are likely to be accepted. The tests begin on three rungs, spread evenly.
    ///
    /// # Errors
    /// [`Error::NotANumber`] for a score; [`Error::TooFew`] if so many decisions could not show the bound even if all of them
    /// were accepted and right, or if there are no development scores.
    pub fn new(development: impl IntoIterator<Item = f64>, decisions: usize, bound: Bound) -> Result<Ladder, Error> {
        let development: Vec<Decision> = development.into_iter().map(|score| Decision { score, right: true }).collect();
        let sorted = crate::bound::sorted(&development)?;
        let needed = bound.fewest_accepts();
        let too_few = |got| Error::TooFew { got, needed, rate: bound.rate(), confidence: bound.confidence() };
        if decisions < needed {
            return Err(too_few(decisions));
        }
        if sorted.is_empty() {
            return Err(too_few(0));
        }
        // With little more than the fewest, there is no room to wait for: begin in the middle of what there is.
        let first = (ROOM * needed).min((needed + decisions) / 2) as f64 / decisions as f64;
        let quantile = |rung: usize| {
            let share = first + (1.0 - first) * rung as f64 / (RUNGS - 1) as f64;
            sorted[((share * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len()) - 1].score
        };
        let mut rungs: Vec<f64> = (0..RUNGS).map(quantile).collect();
        rungs.dedup();
        let mut starts: Vec<usize> = (0..STARTS).map(|start| start * rungs.len() / STARTS).collect();
        starts.dedup();
        Ok(Ladder { rungs, starts })
    }

    /// The thresholds, falling.
    pub fn rungs(&self) -> &[f64] {
        &self.rungs
    }

    /// Each sequence of thresholds that is tested from its beginning until one fails.
    pub(crate) fn sequences(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.starts.iter().map(|&start| &self.rungs[start.min(self.rungs.len())..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_waits_for_enough_accepts_and_ends_at_the_lowest_score() -> Result<(), Error> {
        let bound = Bound::new(0.05, 0.95)?; // 59 at least
        let ladder = Ladder::new((0..1000).map(|i| f64::from(i) / 1000.0), 1000, bound)?;
        assert_eq!(ladder.rungs().len(), RUNGS);
        assert!((ladder.rungs()[0] - (1.0 - 0.177)).abs() < 0.002, "{:?}", ladder.rungs()[0]);
        assert_eq!(ladder.rungs().last(), Some(&0.0));
        assert!(ladder.rungs().is_sorted_by(|a, b| a > b));
        assert_eq!(ladder.starts, [0, 20, 40]);
        // Few distinct scores make few rungs, and each is tested once.
        let coarse = Ladder::new([0.1, 0.9, 0.9, 0.9], 1000, bound)?;
        assert_eq!(coarse.rungs(), [0.9, 0.1]);
        assert_eq!(coarse.starts, [0, 1]);
        Ok(())
    }

    #[test]
    fn too_few_decisions_are_refused_with_the_number_that_is_missing() -> Result<(), Error> {
        let error = Ladder::new([0.5], 100, Bound::new(0.01, 0.95)?).expect_err("100 cannot show 1 %");
        assert_eq!(error, Error::TooFew { got: 100, needed: 299, rate: 0.01, confidence: 0.95 });
        assert!(error.to_string().contains("199 more"), "{error}");
        assert!(matches!(Ladder::new([], 1000, Bound::new(0.01, 0.95)?), Err(Error::TooFew { got: 0, .. })));
        assert!(matches!(
            Ladder::new([f64::NAN], 1000, Bound::new(0.01, 0.95)?),
            Err(Error::NotANumber { position: 1 })
        ));
        Ok(())
    }
}
