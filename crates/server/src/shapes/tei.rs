//! Requests and answers of text-embeddings-inference, and of vLLM's `/score`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vetted::Verification;

use super::cohere::Usage;
use super::{logit, ranking, score, texts};
use crate::error::Failure;

/// A request to rank texts.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "TeiRerankRequest")]
pub(crate) struct RerankRequest {
    /// What the texts are to answer.
    #[schemars(regex(pattern = r"\S"))]
    pub(crate) query: String,
    /// The texts.
    #[schemars(length(min = 1))]
    pub(crate) texts: Vec<String>,
    /// Whether scores are logits instead of probabilities.
    #[serde(default)]
    pub(crate) raw_scores: Option<bool>,
    /// Whether ranks carry their texts.
    #[serde(default)]
    pub(crate) return_text: Option<bool>,
}

/// A text's place and score.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Rank {
    /// The text's place among those given, from 0.
    pub(crate) index: usize,
    /// The probability that the text supports or answers the query; its logit where that was asked for.
    pub(crate) score: f64,
    /// The text, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

/// A request to classify pairs.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct PredictRequest {
    /// `["premise", "hypothesis"]`, or many of these.
    #[schemars(with = "PredictInputs")]
    pub(crate) inputs: Value,
    /// Whether scores are logits instead of probabilities.
    #[serde(default)]
    pub(crate) raw_scores: Option<bool>,
}

/// One pair or many.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)]
pub(crate) enum PredictInputs {
    /// A pair.
    Pair([String; 2]),
    /// Pairs.
    Pairs(Vec<[String; 2]>),
}

/// A pair: what is known, and what is held against it.
pub(crate) struct Pair {
    pub(crate) premise: String,
    pub(crate) hypothesis: String,
}

/// A class and its probability.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(crate) struct Prediction {
    /// Its probability; its logit where that was asked for.
    pub(crate) score: f64,
    /// The class.
    pub(crate) label: Label,
}

/// What a premise has to do with a hypothesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Label {
    /// The premise supports the hypothesis.
    Match,
    /// Both cannot be true.
    Conflict,
    /// Neither.
    Neutral,
}

/// The predictions for one pair, or for each of many.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum PredictAnswer {
    /// For one pair, the likeliest class first.
    One([Prediction; 3]),
    /// For each of many.
    Many(Vec<[Prediction; 3]>),
}

/// A request to embed texts.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct EmbedRequest {
    /// A text or many.
    #[schemars(with = "super::openai::Input")]
    pub(crate) inputs: Value,
    /// The length of vectors; it can only be the model's own.
    #[serde(default)]
    pub(crate) dimensions: Option<u32>,
}

/// A request for scores of pairs, as vLLM has it. One text on either side is held against all of the other.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ScoreRequest {
    /// A query or many.
    #[serde(alias = "queries", alias = "data_1")]
    #[schemars(with = "super::openai::Input")]
    pub(crate) text_1: Value,
    /// A document or many.
    #[serde(alias = "documents", alias = "data_2")]
    #[schemars(with = "super::openai::Input")]
    pub(crate) text_2: Value,
}

/// Scores of pairs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ScoreAnswer {
    /// The answer's id.
    pub(crate) id: String,
    /// `list`.
    pub(crate) object: &'static str,
    /// When, in seconds since 1970.
    pub(crate) created: u64,
    /// The model.
    pub(crate) model: String,
    /// A score for each pair, in their order.
    pub(crate) data: Vec<Score>,
    /// Tokens.
    pub(crate) usage: Usage,
}

/// The score of a pair.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Score {
    /// The pair's place, from 0.
    pub(crate) index: usize,
    /// `score`.
    pub(crate) object: &'static str,
    /// The probability that the document supports or answers the query.
    pub(crate) score: f64,
}

impl RerankRequest {
    /// The texts' ranks, best first.
    pub(crate) fn ranks(&self, verifications: &[Verification]) -> Vec<Rank> {
        let rank = |index: usize| Rank {
            index,
            score: scaled(score(&verifications[index]), self.raw_scores),
            text: (self.return_text == Some(true)).then(|| self.texts[index].clone()),
        };
        ranking(verifications).into_iter().map(rank).collect()
    }
}

fn scaled(probability: f64, raw: Option<bool>) -> f64 {
    if raw == Some(true) { logit(probability) } else { probability }
}

impl PredictRequest {
    /// The pairs, and whether it is one that stands alone.
    ///
    /// # Errors
    /// When something is no pair.
    pub(crate) fn pairs(&mut self) -> Result<(Vec<Pair>, bool), Failure> {
        let wrong = "`inputs` is neither a pair of strings, [\"premise\", \"hypothesis\"], nor an array of pairs";
        let Value::Array(values) = std::mem::take(&mut self.inputs) else { return Err(Failure::invalid(wrong)) };
        if values.is_empty() {
            return Err(Failure::invalid("`inputs` is empty"));
        }
        match values.iter().all(Value::is_string) {
            true => Ok((vec![Pair::of(0, values)?], true)),
            false => {
                let pair = |(at, value)| match value {
                    Value::Array(values) => Pair::of(at, values),
                    _ => Err(Failure::invalid(wrong)),
                };
                Ok((values.into_iter().enumerate().map(pair).collect::<Result<_, _>>()?, false))
            }
        }
    }
}

impl Pair {
    fn of(at: usize, values: Vec<Value>) -> Result<Pair, Failure> {
        match <[Value; 2]>::try_from(values) {
            Ok([Value::String(premise), Value::String(hypothesis)]) => Ok(Pair { premise, hypothesis }),
            _ => Err(Failure::invalid(format!(
                "pair {at} of `inputs` is not two strings, [\"premise\", \"hypothesis\"]"
            ))),
        }
    }
}

/// The three classes, likeliest first.
pub(crate) fn predictions(verification: &Verification, raw: Option<bool>) -> [Prediction; 3] {
    let (p_match, p_conflict) = match verification.judgement() {
        Some(it) if it.p_match.is_finite() && it.p_conflict.is_finite() => {
            (f64::from(it.p_match), f64::from(it.p_conflict))
        }
        _ => (0.0, 0.0),
    };
    // Each is a probability of its own. Where they leave nothing to a third, they are brought down to a sum of 1.
    let sum = (p_match + p_conflict).max(1.0);
    let (p_match, p_conflict) = (p_match / sum, p_conflict / sum);
    let neutral = (1.0 - p_match - p_conflict).max(0.0);
    let mut classes = [(Label::Match, p_match), (Label::Conflict, p_conflict), (Label::Neutral, neutral)];
    classes.sort_by(|a, b| b.1.total_cmp(&a.1));
    classes.map(|(label, probability)| Prediction { score: scaled(probability, raw), label })
}

impl ScoreRequest {
    /// Pairs of a query and a document.
    ///
    /// # Errors
    /// When both sides have several texts, and not equally many.
    pub(crate) fn pairs(&mut self) -> Result<Vec<(String, String)>, Failure> {
        let queries = texts("text_1", std::mem::take(&mut self.text_1))?;
        let documents = texts("text_2", std::mem::take(&mut self.text_2))?;
        match (queries.len(), documents.len()) {
            (1, _) => Ok(documents.into_iter().map(|document| (queries[0].clone(), document)).collect()),
            (_, 1) => Ok(queries.into_iter().map(|query| (query, documents[0].clone())).collect()),
            (a, b) if a == b => Ok(queries.into_iter().zip(documents).collect()),
            (a, b) => Err(Failure::invalid(format!(
                "`text_1` has {a} texts and `text_2` {b}: give one on either side, or equally many on both"
            ))),
        }
    }
}
