//! Everything known of a passage to the probability that it answers a question.

use vetted_reader::{Thresholds, Vouching, VouchingWeights};

use super::{Finding, Judgement};

/// What recall knows of a passage before anybody reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Recalled {
    /// The cosine of query and passage, by the encoder that the verifier's [`Vouching`] knows.
    Cosine(Standing),
    /// The part of the query's words that the document has, from 0 to 1.
    Words(Standing),
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

/// The probability that a passage answers a question, by what is found in it, by how much of the question the window covers that
/// decided, and by what recall knows. A passage in which no support is found is not vouched for at all.
pub(crate) fn probability(
    judgement: &Judgement,
    coverage: f32,
    recalled: &Recalled,
    vouching: &Vouching,
) -> Option<f32> {
    let supports = judgement.finding == Finding::Supports;
    supports.then(|| weights(vouching, recalled).probability(&known(judgement, coverage, recalled)))
}

/// Whether a passage that supports the query does so surely enough to be vouched for: by the [`probability`] of it, where there is
/// one, and by what that is made of; else by that of the match alone ([`Thresholds::passage_support`]).
pub(crate) fn is_sure(
    judgement: &Judgement,
    vouched: Option<(f32, (&Recalled, &Vouching))>,
    thresholds: &Thresholds,
) -> bool {
    match vouched {
        Some((probability, (recalled, vouching))) => probability >= weights(vouching, recalled).accept,
        None => judgement.p_match >= thresholds.passage_support,
    }
}

/// All that [`VouchingWeights`] weigh, in their order; for fitting them.
pub fn known(judgement: &Judgement, coverage: f32, recalled: &Recalled) -> [f32; VouchingWeights::KNOWN] {
    let (Recalled::Cosine(Standing { score, ahead }) | Recalled::Words(Standing { score, ahead })) = *recalled;
    [log_odds(judgement.p_match), log_odds(judgement.p_conflict), coverage, score, ahead]
}

fn weights<'a>(vouching: &'a Vouching, recalled: &Recalled) -> &'a VouchingWeights {
    match recalled {
        Recalled::Cosine(_) => &vouching.by_cosine,
        Recalled::Words(_) => &vouching.by_words,
    }
}

fn log_odds(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln().clamp(-SUREST, SUREST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vouching() -> Vouching {
        let by_cosine = VouchingWeights {
            accept: 0.8,
            usual: 0.25,
            ahead_at_most: 1.0,
            offset: -4.0,
            matching: 1.0,
            conflict: -0.5,
            coverage: 0.0,
            score: 0.0,
            ahead: 10.0,
        };
        let by_words = VouchingWeights { accept: 0.6, ahead: 5.0, ..by_cosine };
        Vouching { fitted: String::new(), encoder: "one".into(), by_cosine, by_words }
    }

    fn judgement(finding: Finding, p_match: f32, p_conflict: f32) -> Judgement {
        Judgement { finding, p_match, p_conflict, kind: None, answer: None }
    }

    fn standing(ahead: f32) -> Standing {
        Standing { score: 0.5, ahead }
    }

    #[test]
    fn a_score_is_held_against_the_nine_others_that_recall_puts_first() {
        let usual = 0.25;
        let ahead = |scores: &[f32]| Standing::among(scores, usual).iter().map(|it| it.ahead).collect::<Vec<_>>();
        assert!(ahead(&[]).is_empty());
        let close = |got: &[f32], expected: &[f32]| {
            got.len() == expected.len() && got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6)
        };
        // Alone, it is ahead of what is usual.
        assert!(close(&ahead(&[0.75]), &[0.5]));
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
            assert_eq!(of(finding, 0.99, 0.01, Recalled::Cosine(standing(1.0))), None);
        }
        let supports = |p_match, p_conflict, ahead| {
            of(Finding::Supports, p_match, p_conflict, Recalled::Cosine(standing(ahead))).unwrap()
        };
        let plain = supports(0.9, 0.1, 0.2);
        assert!(supports(0.95, 0.1, 0.2) > plain && supports(0.9, 0.1, 0.3) > plain);
        assert!(supports(0.9, 0.3, 0.2) < plain);
        assert!(
            of(Finding::Supports, 0.9, 0.1, Recalled::Words(standing(0.2))).unwrap() < plain,
            "has weights of its own"
        );
        // Certainty is no infinity.
        assert!(supports(1.0, 0.0, -100.0) < 0.5);
    }

    #[test]
    fn the_probability_decides_where_there_is_one_and_else_the_match() {
        let (vouching, thresholds) = (vouching(), Thresholds::default());
        let (cosine, words) = (Recalled::Cosine(standing(0.5)), Recalled::Words(standing(0.5)));
        for (p_match, vouched, accepted) in [
            (0.6, Some((0.85, &cosine)), true),
            (0.99, Some((0.75, &cosine)), false),
            (0.6, Some((0.65, &words)), true),
            (0.99, Some((0.55, &words)), false),
            (0.99, Some((f32::NAN, &words)), false),
            (0.6, None, false),
            (0.99, None, true),
        ] {
            let vouched = vouched.map(|(probability, recalled)| (probability, (recalled, &vouching)));
            let judgement = judgement(Finding::Supports, p_match, 0.0);
            assert_eq!(is_sure(&judgement, vouched, &thresholds), accepted, "{p_match} {vouched:?}");
        }
    }
}
