//! What the verifier and what recall know of a passage, to the probability that it answers a question.

use vetted_reader::{Thresholds, Vouching};

use super::{Finding, Judgement};

/// What recall knows of a passage before anybody reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recalled {
    /// How far the cosine of query and passage is ahead of the best other one's, below 0 when it is behind. Cosines are those of
    /// the encoder that the verifier's [`Vouching`] knows.
    pub ahead: f32,
}

/// The logarithm of odds is cut here: nobody is surer.
const SUREST: f32 = 12.0;

impl Recalled {
    /// So many of what is recalled decide who is ahead. Their number is fixed, so that it changes nothing about a passage how many
    /// others are asked for.
    pub const DECIDED_BY: usize = 10;

    /// Ahead of everything: what may turn out once it is known what is rejected. Only more can be accepted by it than by what
    /// is known then.
    pub const AHEAD_OF_ALL: Recalled = Recalled { ahead: f32::INFINITY };

    /// Of passages with these cosines, in recall's order. What is rejected is nobody's rival: a near-miss is as near as its
    /// original, and once it is told apart its nearness says nothing. What stands alone is held against the `usual` cosine: it
    /// is not ahead for being alone.
    pub fn of(cosines: &[f32], is_rejected: impl Fn(usize) -> bool, usual: f32) -> Vec<Recalled> {
        let first = &cosines[..cosines.len().min(Self::DECIDED_BY)];
        let rivals: Vec<(usize, f32)> = first.iter().copied().enumerate().filter(|(at, _)| !is_rejected(*at)).collect();
        let recalled = |(at, cosine): (usize, &f32)| {
            let others = rivals.iter().filter(|(other, _)| *other != at).map(|(_, cosine)| *cosine);
            Recalled { ahead: cosine - others.reduce(f32::max).unwrap_or(usual) }
        };
        cosines.iter().enumerate().map(recalled).collect()
    }
}

/// The probability that a passage answers a question. A passage in which no support is found, or hardly any, is not vouched for
/// at all.
pub(crate) fn probability(judgement: &Judgement, recalled: &Recalled, vouching: &Vouching) -> Option<f32> {
    let supports = judgement.finding == Finding::Supports && judgement.p_match >= vouching.match_at_least;
    supports.then(|| vouching.probability(log_odds(judgement.p_match), recalled.ahead))
}

/// Whether a passage that supports the query does so surely enough to be vouched for: by the [`probability`] of it, where there is
/// one; else by that of the match alone ([`Thresholds::passage_support`]).
pub(crate) fn is_sure(judgement: &Judgement, vouched: Option<(f32, &Vouching)>, thresholds: &Thresholds) -> bool {
    match vouched {
        Some((probability, vouching)) => probability >= vouching.accept,
        None => judgement.p_match >= thresholds.passage_support,
    }
}

/// The logarithm of the odds of a probability, as [`Vouching`] weighs it.
pub fn log_odds(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln().clamp(-SUREST, SUREST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vouching() -> Vouching {
        let (fitted, encoder) = (String::new(), String::new());
        let (accept, match_at_least, usual, ahead_at_most) = (0.8, 0.625, 0.25, 0.5);
        let (offset, matching, ahead) = (-4.0, 1.0, 10.0);
        Vouching { fitted, encoder, accept, match_at_least, usual, ahead_at_most, offset, matching, ahead }
    }

    fn judgement(finding: Finding, p_match: f32) -> Judgement {
        Judgement { finding, p_match, p_conflict: 0.1, kind: None, answer: None }
    }

    #[test]
    fn a_cosine_is_held_against_the_best_other_one_of_those_that_recall_puts_first() {
        let but = |rejected: &[usize], cosines: &[f32]| {
            let rejected = rejected.to_vec();
            let recalled = Recalled::of(cosines, |at| rejected.contains(&at), 0.25);
            recalled.iter().map(|it| it.ahead).collect::<Vec<_>>()
        };
        let ahead = |cosines: &[f32]| but(&[], cosines);
        assert!(ahead(&[]).is_empty());
        assert_eq!(ahead(&[0.75]), [0.5], "alone, it is ahead of what is usual");
        assert_eq!(ahead(&[0.75, 0.5, 0.25]), [0.25, -0.25, -0.5]);
        // A ranking need not be by cosines alone.
        assert_eq!(ahead(&[0.5, 0.75, 0.25]), [-0.25, 0.25, -0.5]);
        assert_eq!(but(&[1], &[0.75, 0.75, 0.5]), [0.25, 0.0, -0.25], "what is rejected is no rival");
        assert_eq!(but(&[0, 1], &[0.75, 0.75, 0.5]), [0.25, 0.25, 0.25]);
        let mut many = vec![0.5; 30];
        let before = ahead(&many);
        many[Recalled::DECIDED_BY] = 1.0;
        assert_eq!(ahead(&many)[..10], before[..10], "what is deeper changes nothing");
        assert_eq!(ahead(&many)[Recalled::DECIDED_BY], 0.5);
    }

    #[test]
    fn only_what_supports_the_query_is_vouched_for() {
        let of = |finding, p_match| probability(&judgement(finding, p_match), &Recalled { ahead: 0.2 }, &vouching());
        for finding in [Finding::Contradicts, Finding::Neither] {
            assert_eq!(of(finding, 0.99), None);
        }
        assert_eq!(of(Finding::Supports, 0.6), None);
        assert!(of(Finding::Supports, 0.95) > of(Finding::Supports, 0.9));
        assert!(of(Finding::Supports, 1.0).is_some_and(|it| it < 1.0), "certainty is no infinity");
    }

    #[test]
    fn the_probability_decides_where_there_is_one_and_else_the_match() {
        let (vouching, thresholds) = (vouching(), Thresholds::default());
        for (p_match, vouched, accepted) in [
            (0.6, Some(0.85), true),
            (0.99, Some(0.75), false),
            (0.99, Some(f32::NAN), false),
            (0.6, None, false),
            (0.99, None, true),
        ] {
            let judgement = judgement(Finding::Supports, p_match);
            let is_sure = is_sure(&judgement, vouched.map(|it| (it, &vouching)), &thresholds);
            assert_eq!(is_sure, accepted, "{p_match} {vouched:?}");
        }
    }
}
