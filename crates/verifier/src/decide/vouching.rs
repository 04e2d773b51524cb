//! Everything known of a passage to the probability that it supports the query.

use vetted_reader::{Thresholds, Vouching, VouchingWeights};

use super::{Finding, Judgement};
use crate::verification::Assessment;

/// What recall knows of a passage before anybody reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recalled {
    /// The cosine of query and passage; none where their vectors were not compared, or are not of the encoder that a verifier's
    /// [`Vouching`] knows.
    pub cosine: Option<Standing>,
    /// The part of the query's words that the document has, from 0 to 1.
    pub words: Standing,
}

/// A score, and how it stands among the others of one search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// The score.
    pub score: f32,
    /// How far it is ahead of the others, below 0 when it is behind them.
    pub ahead: f32,
}

/// The logarithm of odds is cut here: nobody is surer.
const SUREST: f32 = 12.0;

/// A score is held against this many others, of those that recall puts first. Their number is fixed, so that it changes nothing
/// about a passage how many others are asked for.
const OTHERS: usize = 9;

impl Standing {
    /// So many of what is recalled decide how scores stand.
    pub const DECIDED_BY: usize = OTHERS + 1;

    /// How each score stands among the first of `scores`, itself left out: how far it is ahead of their mean. Where there are
    /// few others, the rest counts as if it were as `usual`: what stands alone in an index is not ahead for that.
    pub fn among(scores: &[f32], usual: f32) -> Vec<Standing> {
        let first = &scores[..scores.len().min(Self::DECIDED_BY)];
        let standing = |(at, score): (usize, &f32)| {
            let others = first.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, score)| *score);
            let others: Vec<f32> = others.take(OTHERS).collect();
            let sum = others.iter().sum::<f32>() + usual * (OTHERS - others.len()) as f32;
            Standing { score: *score, ahead: score - sum / OTHERS as f32 }
        };
        scores.iter().enumerate().map(standing).collect()
    }
}

/// The probability that a passage supports the query, by what is found in it, by how much of the query the window covers that
/// decided, and by what recall knows. A passage in which no support is found is not vouched for at all.
pub(crate) fn probability(
    judgement: &Judgement,
    coverage: f32,
    recalled: &Recalled,
    vouching: &Vouching,
) -> Option<f32> {
    let weights = if recalled.cosine.is_some() { &vouching.with_cosine } else { &vouching.without_cosine };
    let logit = weights.logit(&known(judgement, coverage, recalled));
    (judgement.finding == Finding::Supports).then(|| 1.0 / (1.0 + (-logit).exp()))
}

/// Whether a passage that supports the query is vouched for: by its own probability where there is one, else by that of the
/// match alone.
pub(crate) fn vouches(assessment: &Assessment, vouching: Option<&Vouching>, thresholds: &Thresholds) -> bool {
    let (sure, enough) = match (assessment.vouched, vouching) {
        (Some(vouched), Some(vouching)) => (vouched, vouching.accept),
        _ => (assessment.judgement.p_match, thresholds.passage_support),
    };
    sure >= enough
}

/// All that [`VouchingWeights`] weigh, in their order; for fitting them.
pub fn known(judgement: &Judgement, coverage: f32, recalled: &Recalled) -> [f32; VouchingWeights::KNOWN] {
    let Recalled { cosine, words } = recalled;
    let cosine = cosine.unwrap_or(Standing { score: 0.0, ahead: 0.0 });
    let Judgement { p_match, p_conflict, .. } = *judgement;
    [log_odds(p_match), log_odds(p_conflict), coverage, cosine.score, cosine.ahead, words.score, words.ahead]
}

fn log_odds(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln().clamp(-SUREST, SUREST)
}

#[cfg(test)]
mod tests {
    use vetted_reader::{Kind, Outputs, Usual};

    use super::*;

    fn vouching() -> Vouching {
        Vouching {
            fitted: String::new(),
            encoder: "one".into(),
            accept: 0.8,
            usual: Usual { cosine: 0.4, words: 0.2 },
            with_cosine: VouchingWeights::new(-4.0, [1.0, -0.5, 0.0, 0.0, 10.0, 0.0, 0.0]),
            without_cosine: VouchingWeights::new(-4.0, [1.0, -0.5, 0.0, 0.0, 0.0, 0.0, 10.0]),
        }
    }

    fn judgement(finding: Finding, p_match: f32, p_conflict: f32) -> Judgement {
        Judgement { finding, p_match, p_conflict, kind: None, answer: None }
    }

    fn recalled(cosine_ahead: Option<f32>, words_ahead: f32) -> Recalled {
        let standing = |ahead| Standing { score: 0.5, ahead };
        Recalled { cosine: cosine_ahead.map(standing), words: standing(words_ahead) }
    }

    #[test]
    fn a_score_is_held_against_the_nine_others_that_recall_puts_first() {
        let usual = 0.25;
        let ahead = |scores: &[f32]| Standing::among(scores, usual).iter().map(|it| it.ahead).collect::<Vec<_>>();
        assert_eq!(ahead(&[]), []);
        // Alone, it is ahead of what is usual.
        assert_eq!(ahead(&[0.75]), [0.5]);
        let close = |got: &[f32], expected: &[f32]| {
            got.len() == expected.len() && got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6)
        };
        let mean_beside = |other: f32| (other + 8.0 * usual) / 9.0;
        assert!(close(&ahead(&[0.75, 0.5]), &[0.75 - mean_beside(0.5), 0.5 - mean_beside(0.75)]));
        // Of many, the first ten decide, whatever follows.
        let many: Vec<f32> = (0..30).map(|at| 1.0 - at as f32 / 30.0).collect();
        let all = ahead(&many);
        assert!(close(&ahead(&many[..10]), &all[..10]), "what follows changes nothing");
        let nine: f32 = many[..9].iter().sum::<f32>() / 9.0;
        assert!((all[20] - (many[20] - nine)).abs() < 1e-6);
    }

    #[test]
    fn only_what_supports_the_query_is_vouched_for_and_the_more_is_known_the_surer() {
        let vouching = vouching();
        let of = |finding, p_match, p_conflict, known| {
            probability(&judgement(finding, p_match, p_conflict), 0.5, &known, &vouching)
        };
        for finding in [Finding::Contradicts, Finding::Neither] {
            assert_eq!(of(finding, 0.99, 0.01, recalled(Some(1.0), 1.0)), None);
        }
        let supports = |p_match, p_conflict, known| of(Finding::Supports, p_match, p_conflict, known).unwrap();
        let plain = supports(0.9, 0.1, recalled(Some(0.2), 0.0));
        assert!(supports(0.95, 0.1, recalled(Some(0.2), 0.0)) > plain);
        assert!(supports(0.9, 0.3, recalled(Some(0.2), 0.0)) < plain);
        assert!(supports(0.9, 0.1, recalled(Some(0.3), 0.0)) > plain);
        // Without cosines, words count; with them, here they do not.
        assert_eq!(supports(0.9, 0.1, recalled(Some(0.2), 0.5)), plain);
        assert!(supports(0.9, 0.1, recalled(None, 0.5)) > supports(0.9, 0.1, recalled(None, 0.0)));
        // Certainty is no infinity, and what is no number vouches for nothing.
        assert!(supports(1.0, 0.0, recalled(Some(-100.0), 0.0)) < 0.5);
        let mut read = Assessment {
            judgement: judgement(Finding::Supports, 0.99, 0.0),
            outputs: Outputs { support: 0.0, equivalence: 0.0, conflict: 0.0, kinds: [0.0; Kind::COUNT] },
            support_of_all: 0.0,
            coverage: 1.0,
            window: 0..1,
            recalled: None,
            vouched: Some(supports(f32::NAN, 0.0, recalled(Some(1.0), 1.0))),
        };
        let thresholds = Thresholds::default();
        assert!(!vouches(&read, Some(&vouching), &thresholds));
        for (vouched, with, without) in [(Some(0.85), true, true), (Some(0.75), false, true), (None, true, true)] {
            read.vouched = vouched;
            assert_eq!(vouches(&read, Some(&vouching), &thresholds), with, "{vouched:?}");
            assert_eq!(vouches(&read, None, &thresholds), without, "{vouched:?}");
        }
    }
}
