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

/// So many of those that recall puts first are what a score is held against. Their number is fixed, so that what is asked for
/// beside a passage changes nothing about it.
pub const HELD_AGAINST: usize = 10;

impl Standing {
    /// How each score stands among the first [`HELD_AGAINST`] of `scores`, itself left out: ahead of their mean. One that stands
    /// alone is ahead of nothing.
    pub fn among(scores: &[f32]) -> Vec<Standing> {
        let first = &scores[..scores.len().min(HELD_AGAINST)];
        let sum: f32 = first.iter().sum();
        let standing = |(at, score): (usize, &f32)| {
            let (sum, others) = match first.get(at) {
                Some(own) => (sum - own, first.len() - 1),
                None => (sum, first.len()),
            };
            let ahead = if others == 0 { 0.0 } else { score - sum / others as f32 };
            Standing { score: *score, ahead }
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
    if judgement.finding != Finding::Supports {
        return None;
    }
    let Judgement { p_match, p_conflict, .. } = *judgement;
    let weights = if recalled.cosine.is_some() { &vouching.with_cosine } else { &vouching.without_cosine };
    let VouchingWeights { offset, matching, conflict, coverage: covering, cosine, cosine_ahead, words, words_ahead } =
        *weights;
    let of_cosine = recalled.cosine.map_or(0.0, |it| cosine * it.score + cosine_ahead * it.ahead);
    let of_words = words * recalled.words.score + words_ahead * recalled.words.ahead;
    let logit = offset
        + matching * log_odds(p_match)
        + conflict * log_odds(p_conflict)
        + covering * coverage
        + of_cosine
        + of_words;
    Some(1.0 / (1.0 + (-logit).exp()))
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

fn log_odds(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln().clamp(-SUREST, SUREST)
}
