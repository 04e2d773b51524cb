//! Of what is accepted, at most so much is wrong: Learn then Test (Angelopoulos, Bates, Candès, Jordan and Lei, *Learn then
//! Test: Calibrating Predictive Algorithms to Achieve Risk Control*, 2021) with exact binomial tests.
//!
//! The share of wrong ones among the accepted does not fall steadily as the threshold rises, so it is not enough to look for
//! the first threshold that seems good: whoever looks often enough finds one by luck. Here thresholds are tested in an order
//! fixed beforehand, from strict to lax, and a sequence ends at its first failure (section 2.2 there). Sequences begin in
//! several places, which share the probability of being wrong.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::binomial::{as_few, upper};
use crate::bound::{Bound, Decision, sorted};
use crate::{Error, Ladder};

/// A threshold that keeps the bound, and what was seen at it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// Accept scores of at least this.
    pub threshold: f64,
    /// How many of the decisions it accepts.
    pub accepted: u64,
    /// How many of these are wrong.
    pub wrong: u64,
    /// Of how many decisions.
    pub decisions: u64,
    /// The share of wrong ones is at most this, as far as this threshold alone was looked at (Clopper and Pearson).
    pub upper: f64,
}

/// Accept above one threshold, reject below another, abstain between. Both promises hold together.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Accept from here up. None: accept nothing.
    pub accept: Option<Chosen>,
    /// Reject from here down. None: reject nothing. Its `accepted` counts what is rejected, its `wrong` what of that was right.
    pub reject: Option<Chosen>,
}

impl Band {
    /// Whether a score is accepted. Not a number is not.
    pub fn accepts(&self, score: f64) -> bool {
        self.accept.is_some_and(|chosen| score >= chosen.threshold)
    }

    /// Whether a score is rejected. What is accepted is not rejected, and neither is what is not a number.
    pub fn rejects(&self, score: f64) -> bool {
        !self.accepts(score) && self.reject.is_some_and(|chosen| score <= chosen.threshold)
    }
}

/// The laxest threshold of the ladder of which `bound` can be promised: with probability `confidence` over the draw of the
/// decisions, at most `rate` of what it accepts is wrong. None if no threshold qualifies: then nothing may be accepted.
///
/// # Errors
/// [`Error::NotANumber`] for a score, [`Error::TooFew`] if so few decisions cannot show the bound at all.
pub fn learn_then_test(decisions: &[Decision], ladder: &Ladder, bound: Bound) -> Result<Option<Chosen>, Error> {
    let sorted = sorted(decisions)?;
    let needed = bound.fewest_accepts();
    if sorted.len() < needed {
        let (rate, confidence) = (bound.rate(), bound.confidence());
        return Err(Error::TooFew { got: sorted.len(), needed, rate, confidence });
    }
    // How many of the first n are wrong.
    let mut wrong_of_first = vec![0u64];
    wrong_of_first.extend(sorted.iter().scan(0, |wrong, it| {
        *wrong += u64::from(!it.right);
        Some(*wrong)
    }));
    let at = |threshold: f64| {
        let accepted = sorted.partition_point(|it| it.score >= threshold);
        (accepted as u64, wrong_of_first[accepted])
    };
    let sequences = ladder.sequences();
    let delta = bound.delta() / sequences.len().max(1) as f64;
    let passes = |threshold: f64| {
        let (accepted, wrong) = at(threshold);
        as_few(wrong, accepted, bound.rate()) <= delta
    };
    let laxest = sequences.filter_map(|rungs| rungs.iter().copied().take_while(|&rung| passes(rung)).last());
    let Some(threshold) = laxest.min_by(f64::total_cmp) else { return Ok(None) };
    let (accepted, wrong) = at(threshold);
    let upper = upper(wrong, accepted, bound.delta())?;
    Ok(Some(Chosen { threshold, accepted, wrong, decisions: sorted.len() as u64, upper }))
}

/// Two thresholds at once: what is accepted is wrong in at most `accept`'s rate, what is rejected was right in at most
/// `reject`'s; without `reject`, nothing is rejected. Each is tested at its part of the probability of being wrong, so that both
/// hold together. The `development` decisions are others.
///
/// # Errors
/// [`Error::NotANumber`] for a score. Too few decisions are not an error here but a `None`: the other side may have enough.
pub fn band(
    development: &[Decision],
    decisions: &[Decision],
    accept: Bound,
    reject: Option<Bound>,
) -> Result<Band, Error> {
    let band = bands([((), (development, decisions))], accept, reject)?;
    Ok(band.into_values().next().unwrap_or(Band { accept: None, reject: None }))
}

/// A band for each segment (a tenant, an intent), such that all promises of all segments hold together: each is tested at its
/// part of the probability of being wrong. A segment is given as its development decisions and those that test; one with too few
/// decisions accepts nothing.
///
/// # Errors
/// [`Error::NotANumber`] for a score.
pub fn bands<'a, K: Ord + 'a>(
    segments: impl IntoIterator<Item = (K, (&'a [Decision], &'a [Decision]))>,
    accept: Bound,
    reject: Option<Bound>,
) -> Result<BTreeMap<K, Band>, Error> {
    let segments: Vec<_> = segments.into_iter().collect();
    let promises = segments.len() * if reject.is_some() { 2 } else { 1 };
    let of_segment = |(development, decisions): (&[Decision], &[Decision])| {
        let accepted = side(development, decisions, accept.one_of(promises))?;
        let rejected = match reject {
            None => None,
            Some(bound) => side(&opposite(development), &opposite(decisions), bound.one_of(promises))?,
        };
        let rejected = rejected.map(|chosen| Chosen { threshold: -chosen.threshold, ..chosen });
        Ok(Band { accept: accepted, reject: rejected })
    };
    segments.into_iter().map(|(name, segment)| Ok((name, of_segment(segment)?))).collect()
}

/// Rejecting is accepting the opposite.
pub(crate) fn opposite(decisions: &[Decision]) -> Vec<Decision> {
    decisions.iter().map(|it| Decision { score: -it.score, right: !it.right }).collect()
}

/// One side of a band; too few decisions are none.
pub(crate) fn side(development: &[Decision], decisions: &[Decision], bound: Bound) -> Result<Option<Chosen>, Error> {
    match Ladder::learned(development, decisions.len(), bound) {
        Ok(ladder) => learn_then_test(decisions, &ladder, bound),
        Err(Error::TooFew { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `good` right decisions above `bad` wrong ones.
    fn separated(good: usize, bad: usize) -> Vec<Decision> {
        let all = good + bad;
        (0..all).map(|i| Decision { score: 1.0 - i as f64 / all as f64, right: i < good }).collect()
    }

    fn choose(decisions: &[Decision], bound: Bound) -> Result<Option<Chosen>, Error> {
        let ladder = Ladder::new(decisions.iter().map(|it| it.score), decisions.len(), bound)?;
        learn_then_test(decisions, &ladder, bound)
    }

    #[test]
    fn of_separated_decisions_nearly_all_right_ones_are_accepted() -> Result<(), Error> {
        let bound = Bound::new(0.02, 0.95)?;
        let chosen = choose(&separated(1500, 500), bound)?.expect("it is easy");
        assert!(chosen.accepted > 1450, "{chosen:?}");
        assert!(chosen.upper <= 0.02, "{chosen:?}");
        Ok(())
    }

    #[test]
    fn what_cannot_be_promised_is_not() -> Result<(), Error> {
        let bound = Bound::new(0.02, 0.95)?;
        let mut upside_down = separated(1000, 1000);
        upside_down.iter_mut().for_each(|it| it.right = !it.right);
        assert_eq!(choose(&upside_down, bound)?, None);
        assert!(matches!(choose(&separated(100, 0), bound), Err(Error::TooFew { got: 100, needed: 149, .. })));
        let unreadable = [Decision { score: f64::NAN, right: true }; 500];
        assert!(matches!(choose(&unreadable, bound), Err(Error::NotANumber { position: 1 })));
        Ok(())
    }

    #[test]
    fn scores_that_are_all_the_same_are_accepted_or_not_together() -> Result<(), Error> {
        let same =
            |right: usize| -> Vec<Decision> { (0..1000).map(|i| Decision { score: 0.5, right: i < right }).collect() };
        let bound = Bound::new(0.02, 0.95)?;
        assert_eq!(choose(&same(1000), bound)?.map(|it| (it.threshold, it.accepted)), Some((0.5, 1000)));
        assert_eq!(choose(&same(980), bound)?, None);
        Ok(())
    }

    #[test]
    fn a_band_accepts_rejects_and_abstains() -> Result<(), Error> {
        // Right above 0.7, wrong below 0.3, a coin between.
        let decision = |i: usize| {
            let score = (i * 7919 % 6000) as f64 / 6000.0;
            Decision { score, right: score > 0.7 || score > 0.3 && i.is_multiple_of(2) }
        };
        let all: Vec<Decision> = (0..6000).map(decision).collect();
        let bound = Bound::new(0.02, 0.95)?;
        let band = band(&all[..1000], &all[1000..], bound, Some(bound))?;
        for (score, accepts, rejects) in [
            (0.9, true, false),
            (0.75, true, false),
            (0.5, false, false),
            (0.25, false, true),
            (f64::NAN, false, false),
        ] {
            assert_eq!((band.accepts(score), band.rejects(score)), (accepts, rejects), "{score} {band:?}");
        }
        Ok(())
    }

    #[test]
    fn segments_share_the_probability_of_being_wrong() -> Result<(), Error> {
        let bound = Bound::new(0.02, 0.95)?;
        let (good, few) = (separated(1500, 100), separated(100, 0));
        let bands = bands([("good", (&good[..], &good[..])), ("few", (&few[..], &few[..]))], bound, None)?;
        assert!(bands["good"].accept.is_some() && bands["few"].accept.is_none(), "{bands:?}");
        assert!(bands.values().all(|band| band.reject.is_none()), "nobody asked for it: {bands:?}");
        // 149 clean decisions are enough for one promise, not for one of two.
        assert_eq!(bound.one_of(2).fewest_accepts(), 183);
        Ok(())
    }
}
