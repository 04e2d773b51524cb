//! The thresholds among which one is chosen, fixed before a decision is counted.

use serde::{Deserialize, Serialize};

use crate::binomial::as_few;
use crate::bound::{Bound, sorted};
use crate::{Decision, Error};

/// How many thresholds a ladder has at most.
const RUNGS: usize = 60;
/// In how many places the tests begin. One early error stops a single sequence for good; three stand on different rungs.
/// Of five populations in simulation a single sequence found nothing in up to 94 % of runs, three in 3 to 23 %.
const STARTS: usize = 3;
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
    /// The places of a ladder that was [learned](Self::learned).
    pub(crate) const LEARNED_STARTS: usize = 2;

    /// Rungs at the quantiles of the `development` scores, where among `decisions` decisions at least three times the fewest
    /// that `bound` takes are likely to be accepted. The tests begin on three rungs, spread evenly.
    ///
    /// # Errors
    /// [`Error::NotANumber`] for a score; [`Error::TooFew`] if so many decisions could not show the bound even if all of them
    /// were accepted and right, or if there are no development scores.
    pub fn new(development: impl IntoIterator<Item = f64>, decisions: usize, bound: Bound) -> Result<Ladder, Error> {
        let development: Vec<Decision> = development.into_iter().map(|score| Decision { score, right: true }).collect();
        let even = |first: f64, rung: f64| first + (1.0 - first) * rung;
        let rungs = rungs(&sorted(&development)?, decisions, bound, even)?;
        let mut starts: Vec<usize> = (0..STARTS).map(|start| start * rungs.len() / STARTS).collect();
        starts.dedup();
        Ok(Ladder { rungs, starts })
    }

    /// As [`new`](Self::new), where the `development` decisions were checked, too: the tests begin on the strictest rung, and on
    /// that of which the development decisions speak most clearly for the bound. Rungs are denser where little is accepted, for
    /// where accepting is hard, that is where it ends.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn learned(development: &[Decision], decisions: usize, bound: Bound) -> Result<Ladder, Error> {
        let sorted = sorted(development)?;
        let geometric = |first: f64, rung: f64| first.powf(1.0 - rung);
        let rungs = rungs(&sorted, decisions, bound, geometric)?;
        let against = |rung: &f64| {
            let accepted = sorted.partition_point(|it| it.score >= *rung);
            let wrong = sorted[..accepted].iter().filter(|it| !it.right).count();
            as_few(wrong as u64, accepted as u64, bound.rate())
        };
        let p_values: Vec<f64> = rungs.iter().map(against).collect();
        let best = (0..rungs.len()).min_by(|a, b| p_values[*a].total_cmp(&p_values[*b])).unwrap_or(0);
        let mut starts = vec![0, best];
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

/// Scores at the quantiles of `sorted` scores, falling; `share` says which share is above a rung, by the share above the first
/// one and how far down it is, from 0 to 1.
fn rungs(
    sorted: &[Decision],
    decisions: usize,
    bound: Bound,
    share: impl Fn(f64, f64) -> f64,
) -> Result<Vec<f64>, Error> {
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
        let share = share(first, rung as f64 / (RUNGS - 1) as f64);
        sorted[((share * sorted.len() as f64).ceil() as usize).clamp(1, sorted.len()) - 1].score
    };
    let mut rungs: Vec<f64> = (0..RUNGS).map(quantile).collect();
    rungs.dedup();
    Ok(rungs)
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
    fn a_ladder_that_was_learned_begins_where_the_development_decisions_are_best() -> Result<(), Error> {
        // The highest tenth is a coin, then comes what is right, then what is wrong.
        let decision = |i: u32| {
            let right = if i < 100 { i.is_multiple_of(2) } else { i < 600 };
            Decision { score: -f64::from(i), right }
        };
        let development: Vec<Decision> = (0..1000).map(decision).collect();
        let bound = Bound::new(0.15, 0.95)?;
        let ladder = Ladder::learned(&development, 1000, bound)?;
        assert_eq!(ladder.starts.len(), Ladder::LEARNED_STARTS);
        let [first, best] = ladder.starts[..] else { panic!("{ladder:?}") };
        assert_eq!(first, 0);
        assert!((-650.0..-500.0).contains(&ladder.rungs()[best]), "{}", ladder.rungs()[best]);
        assert!(ladder.rungs().is_sorted_by(|a, b| a > b) && ladder.rungs().last() == Some(&-999.0));
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
