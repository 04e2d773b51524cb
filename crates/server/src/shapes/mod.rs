//! Requests and answers as clients write and read them.
//!
//! Unknown fields and explicit nulls are taken in the shapes of others, and so is any `model`: clients send what they like. Routes of
//! the cache refuse unknown fields: a misspelt scope would let an answer be served to anybody.

pub(crate) mod cache;
pub(crate) mod cohere;
pub(crate) mod langcache;
pub(crate) mod openai;
pub(crate) mod own;
pub(crate) mod tei;

use serde_json::Value;
use vetted::Verification;

use crate::error::Failure;

/// Probability that the candidate supports the query, in [0, 1]; 0 of what was not read.
pub(crate) fn score(verification: &Verification) -> f64 {
    let p_match = verification.judgement().map_or(0.0, |judgement| f64::from(judgement.p_match));
    if p_match.is_finite() { p_match.clamp(0.0, 1.0) } else { 0.0 }
}

/// The candidates' places, best first. Among equal scores the one with more support, then the one that came first.
pub(crate) fn ranking(verifications: &[Verification]) -> Vec<usize> {
    let key = |verification: &Verification| {
        (score(verification), verification.assessment().map_or(f32::NEG_INFINITY, |read| read.support_of_all))
    };
    let keys: Vec<(f64, f32)> = verifications.iter().map(key).collect();
    let mut places: Vec<usize> = (0..keys.len()).collect();
    places.sort_by(|a, b| {
        let ((score_a, support_a), (score_b, support_b)) = (keys[*a], keys[*b]);
        score_b.total_cmp(&score_a).then(support_b.total_cmp(&support_a))
    });
    places
}

/// A probability on the scale on which a reader says it; where it is 0 or 1, the nearest that single precision has.
pub(crate) fn logit(probability: f64) -> f64 {
    let probability = probability.clamp(f64::from(f32::EPSILON) / 2.0, 1.0 - f64::from(f32::EPSILON) / 2.0);
    (probability / (1.0 - probability)).ln()
}

/// The part of a text that is these bytes, in characters (code points): the first, and the one after the last.
pub(crate) fn characters(text: &str, bytes: &std::ops::Range<usize>) -> Option<[usize; 2]> {
    let start = text.get(..bytes.start)?.chars().count();
    Some([start, start + text.get(bytes.clone())?.chars().count()])
}

/// The texts of a field that holds one or several. Tokens are no texts.
pub(crate) fn texts(field: &str, value: Value) -> Result<Vec<String>, Failure> {
    match value {
        Value::String(text) => Ok(vec![text]),
        Value::Array(values) if values.is_empty() => Err(Failure::invalid(format!("`{field}` is empty"))),
        Value::Array(values) => values.into_iter().enumerate().map(|(at, value)| text(field, at, value)).collect(),
        _ => Err(Failure::invalid(format!("`{field}` is neither a string nor an array of strings"))),
    }
}

fn text(field: &str, at: usize, value: Value) -> Result<String, Failure> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(_) | Value::Array(_) => Err(Failure::invalid(format!(
            "`{field}[{at}]` is not a string: vetted has a tokenizer of its own and takes no token ids. Send text; of LangChain's \
             OpenAIEmbeddings set `check_embedding_ctx_length=False`"
        ))),
        _ => Err(Failure::invalid(format!("`{field}[{at}]` is not a string"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_code_points() {
        let text = "Ä. 🐕 bit. Ü";
        let bytes = text.find('🐕').unwrap()..text.find(" Ü").unwrap();
        assert_eq!(characters(text, &bytes), Some([3, 9]));
        assert_eq!(characters(text, &(1..2)), None, "not within a character");
    }

    #[test]
    fn logits_are_finite_and_in_order() {
        let logits: Vec<f64> = [0.0, 1e-30, 0.1, 0.5, 0.9, 1.0].into_iter().map(logit).collect();
        assert!(logits.is_sorted() && logits.iter().all(|it| it.is_finite()), "{logits:?}");
    }
}
