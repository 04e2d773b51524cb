//! The LangCache REST API, as its clients (the `langcache` SDK, RedisVL's, LangChain's and Spring's) write and read it.
//!
//! Its similarity is on a scale of its own: (1 + cosine) / 2, from 0 to 1. Thresholds are, too.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vetted_cache::{Hit, Similarity};

use super::cache::StrategyName;
use crate::error::{Code, Failure};

/// A question to a cache.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchRequest {
    /// The prompt.
    #[schemars(regex(pattern = r"\S"))]
    pub(crate) prompt: String,
    /// The least similarity, from 0 to 1: (1 + cosine) / 2.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) similarity_threshold: Option<f32>,
    /// How to look; both unless given.
    #[serde(default)]
    pub(crate) search_strategies: Option<Vec<StrategyName>>,
    /// What an entry must have.
    #[serde(default)]
    pub(crate) attributes: Option<BTreeMap<String, String>>,
    /// So many entries at most; 1 unless given.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub(crate) max_results: Option<usize>,
    /// What was asked before in the conversation, in its order: for `conversations/search`.
    #[serde(default)]
    pub(crate) context: Option<Vec<String>>,
}

/// What a cache answers: nothing in `data` is a miss.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchAnswer {
    /// The prompt that was looked for: for `conversations/search`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actual_prompt: Option<String>,
    /// The entries.
    pub(crate) data: Vec<CacheEntry>,
}

/// An entry that is served.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CacheEntry {
    /// Its id.
    pub(crate) id: String,
    /// Its prompt.
    pub(crate) prompt: String,
    /// Its response.
    pub(crate) response: String,
    /// Its attributes.
    pub(crate) attributes: BTreeMap<String, String>,
    /// How near the prompts are, from 0 to 1: (1 + cosine) / 2.
    pub(crate) similarity: f32,
    /// How it was found.
    pub(crate) search_strategy: StrategyName,
}

/// A response to keep.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetRequest {
    /// The prompt that it answers.
    #[schemars(regex(pattern = r"\S"))]
    pub(crate) prompt: String,
    /// The response.
    pub(crate) response: String,
    /// What it can be filtered by.
    #[serde(default)]
    pub(crate) attributes: Option<BTreeMap<String, String>>,
    /// How long it lives, in milliseconds; as the cache says unless given.
    #[serde(default)]
    pub(crate) ttl_millis: Option<u64>,
}

/// What was kept.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetAnswer {
    /// Its id.
    pub(crate) entry_id: String,
}

/// Which entries to remove.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteRequest {
    /// What they have.
    pub(crate) attributes: BTreeMap<String, String>,
}

/// How many were removed.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeleteAnswer {
    /// How many.
    pub(crate) deleted_entries_count: usize,
}

/// What went wrong.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// In a few words.
    pub(crate) title: String,
    /// Of what kind it is.
    pub(crate) r#type: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What happened, and what to do.
    pub(crate) detail: String,
    /// Vetted's own code.
    pub(crate) code: Code,
}

/// On LangCache's scale.
pub(crate) fn similarity(of: Similarity) -> f32 {
    f32::midpoint(1.0, of.cosine())
}

/// The least cosine of a threshold on LangCache's scale.
pub(crate) fn least_cosine(threshold: Option<f32>) -> Result<Option<f32>, Failure> {
    match threshold {
        None => Ok(None),
        Some(threshold) if (0.0..=1.0).contains(&threshold) => Ok(Some(2.0 * threshold - 1.0)),
        Some(_) => Err(Failure::invalid("`similarityThreshold` is a number from 0 to 1")),
    }
}

/// The status of an error. LangCache's clients know these, and no others.
pub(crate) fn status(code: Code) -> StatusCode {
    match code {
        Code::InvalidJson | Code::InvalidRequest | Code::LimitExceeded | Code::Conflict | Code::MethodNotAllowed => {
            StatusCode::BAD_REQUEST
        }
        Code::Unavailable | Code::Damaged | Code::BodyTimeout | Code::DeadlineExceeded => StatusCode::FAILED_DEPENDENCY,
        Code::Unauthorized
        | Code::Forbidden
        | Code::NotFound
        | Code::BodyTooLarge
        | Code::Overloaded
        | Code::Internal => code.status(),
    }
}

/// An error as LangCache writes it.
pub(crate) fn problem(failure: &Failure) -> Response {
    let status = status(failure.code);
    let (kind, title) = match status {
        StatusCode::BAD_REQUEST => ("/errors/invalid-data", "Invalid data"),
        StatusCode::UNAUTHORIZED => ("/errors/authentication-failed", "Authentication failed"),
        StatusCode::FORBIDDEN => ("/errors/insufficient-permissions", "Insufficient permissions"),
        StatusCode::NOT_FOUND => ("/errors/resource-not-found", "Resource not found"),
        StatusCode::PAYLOAD_TOO_LARGE => ("/errors/payload-too-large", "Payload too large"),
        StatusCode::TOO_MANY_REQUESTS => ("/errors/too-many-requests", "Too many requests"),
        StatusCode::FAILED_DEPENDENCY => ("/errors/resource-unavailable", "Resource unavailable"),
        _ => ("/errors/unexpected-error", "Unexpected error"),
    };
    let (title, detail, code) = (title.to_owned(), failure.message.clone(), failure.code);
    let body = Problem { title, r#type: kind, status: status.as_u16(), detail, code };
    let mut response = (status, axum::Json(body)).into_response();
    if let Some(seconds) = failure.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response.extensions_mut().insert(code);
    response
}

impl From<&Hit> for CacheEntry {
    fn from(hit: &Hit) -> Self {
        CacheEntry {
            id: hit.entry.id.to_string(),
            prompt: hit.entry.prompt.clone(),
            response: String::from_utf8_lossy(&hit.entry.response).into_owned(),
            attributes: hit.entry.attributes.clone(),
            similarity: similarity(hit.similarity),
            search_strategy: hit.strategy.into(),
        }
    }
}

/// Whether a prompt can be understood without what was asked before. LangCache rewrites those that cannot; vetted does not, and
/// serves nothing for them: "and on Windows?" means another thing in every conversation. Words decide: those that point back,
/// openings that go on, and very few words.
pub(crate) fn stands_alone(prompt: &str) -> bool {
    const POINTING_BACK: [&str; 24] = [
        "it", "its", "it's", "this", "that", "that's", "these", "those", "they", "them", "their", "he", "him", "his",
        "she", "her", "hers", "one", "ones", "same", "other", "another", "former", "latter",
    ];
    const GOING_ON: [&str; 14] = [
        "and",
        "or",
        "but",
        "so",
        "also",
        "then",
        "else",
        "instead",
        "too",
        "what about",
        "how about",
        "why",
        "why not",
        "more",
    ];
    let lower = prompt.to_lowercase().replace('\u{2019}', "'");
    let words: Vec<&str> =
        lower.split(|c: char| !(c.is_alphanumeric() || c == '\'')).filter(|word| !word.is_empty()).collect();
    let begins = |opening: &str| {
        let opening: Vec<&str> = opening.split(' ').collect();
        words.starts_with(&opening)
    };
    // "Why is the sky blue?" asks for itself; "Why?" does not, and is too short anyhow.
    let goes_on = GOING_ON.iter().filter(|opening| **opening != "why").any(|opening| begins(opening));
    words.len() >= 4 && !goes_on && !words.iter().any(|word| POINTING_BACK.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_points_back_does_not_stand_alone() {
        for (prompt, alone) in [
            ("How do I enable 2FA on Windows?", true),
            ("Why is the sky blue?", true),
            ("And on Windows?", false),
            ("what about the second model of the series", false),
            ("How do I turn it off again?", false),
            ("Why?", false),
            ("On Windows", false),
            ("", false),
        ] {
            assert_eq!(stands_alone(prompt), alone, "{prompt}");
        }
    }

    #[test]
    fn thresholds_are_on_the_scale_of_similarities() {
        for (threshold, cosine) in [(0.0, -1.0), (0.5, 0.0), (0.9, 0.8), (1.0, 1.0)] {
            let least = least_cosine(Some(threshold)).unwrap().unwrap();
            assert!((least - cosine).abs() < 1e-6);
        }
        for wrong in [-0.1, 1.1, f32::NAN] {
            assert!(least_cosine(Some(wrong)).is_err());
        }
    }
}
