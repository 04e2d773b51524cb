//! What a search answers.

use std::ops::Range;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Outcome, TokenPair};
use crate::{Found, Fusion, Part, Search};

/// The answer to one query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SearchAnswer {
    /// The query's id, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_id: Option<String>,
    /// The query.
    pub query: String,
    /// What documents are ranked by.
    pub mode: Mode,
    /// What the scores are.
    pub score_scale: ScoreScale,
    /// Whether at least one hit is accepted; absent when nobody verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    /// The hits, best first.
    pub hits: Vec<Hit>,
    /// What was left out because it is rejected; absent when nobody verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Vec<LeftOut>>,
    /// The parts of the index that could not be asked, so that hits may be missing; absent where all was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_asked: Vec<NotAsked>,
    /// How long it took.
    pub ms: Milliseconds,
}

/// A part of an index that could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotAsked {
    /// Which: "shard 2 of 3", say.
    pub part: String,
    /// How many documents it had when it was last asked; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<u64>,
    /// Why.
    pub reason: String,
}

impl From<&crate::NotAsked> for NotAsked {
    fn from(part: &crate::NotAsked) -> NotAsked {
        let crate::NotAsked { part, documents, reason } = part.clone();
        NotAsked { part, documents, reason }
    }
}

/// What documents are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The inner product of vectors.
    Dense,
    /// Words.
    Bm25,
    /// Both, fused by normalized scores.
    Hybrid,
    /// Both, fused by reciprocal ranks.
    HybridRrf,
}

/// What scores are. The greater is the better on every scale, and scores of two scales do not compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScoreScale {
    /// The inner product of two vectors: a cosine, from -1 to 1, with encoders that normalize, as the default one does.
    InnerProduct,
    /// BM25: 0 or more, without an upper end, and not to be compared between two queries.
    Bm25,
    /// Dense and BM25 scores of one query's candidates, each brought to 0 to 1, and their weighted mean: from 0 to 1.
    FusedScores,
    /// A sum of 1 / (60 + rank): at most 2 / 61.
    FusedRanks,
}

/// A document that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hit {
    /// From 1.
    pub rank: usize,
    /// The document's id.
    pub id: String,
    /// What it is ranked by.
    pub score: f64,
    /// The scores that this one comes from.
    pub scores: Scores,
    /// Its place, from 1, before anything was left out; absent when nobody verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall_rank: Option<usize>,
    /// The verdict; none of its fields when nobody verified.
    #[serde(flatten)]
    pub outcome: Option<Outcome>,
    /// The part that decided the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The token pairs that decided, where these were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Vec<TokenPair>>,
    /// The document's title, possibly empty.
    pub title: String,
    /// The part of the text worth showing: around the window, or where most words of the query are.
    pub snippet: Snippet,
    /// The document's metadata.
    pub metadata: Map<String, Value>,
}

/// A document that was found and left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// The document's id.
    pub id: String,
    /// Its place, from 1, before anything was left out.
    pub recall_rank: usize,
    /// What it is ranked by.
    pub score: f64,
    /// The verdict, which is `reject`, and why.
    #[serde(flatten)]
    pub outcome: Option<Outcome>,
    /// The part that decided the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The document's title, possibly empty.
    pub title: String,
}

/// Scores by vectors and by words, each where that was ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scores {
    /// Inner product of the vectors.
    pub dense: Option<f64>,
    /// BM25.
    pub bm25: Option<f64>,
}

/// The part of a document that decided a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// What it is a part of.
    pub of: PartOf,
    /// The part.
    pub text: String,
    /// Its first character there.
    pub start: usize,
    /// The character after its last.
    pub end: usize,
}

/// What of a document is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PartOf {
    /// Its title.
    Title,
    /// Its text.
    Text,
}

/// The part of a text that matches a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snippet {
    /// The part.
    pub text: String,
    /// Its first character in the text.
    pub start: usize,
    /// The character after its last.
    pub end: usize,
    /// Where in `text` words of the query stand: first character, and the one after the last.
    pub matches: Vec<[usize; 2]>,
}

/// How long the parts of a search took, in milliseconds, models loaded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Milliseconds {
    /// Encoding the query.
    pub encode: f64,
    /// Ranking.
    pub rank: f64,
    /// Verifying; absent when nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<f64>,
    /// Reading the documents.
    pub documents: f64,
    /// Finding evidence; absent when nobody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<f64>,
    /// All of it.
    pub total: f64,
}

impl SearchAnswer {
    /// What was found for a search.
    pub fn new(query_id: Option<String>, search: &Search, found: &Found) -> SearchAnswer {
        let (verify, timing) = (search.verify, found.timing);
        let explained = verify.is_some_and(|verify| verify.evidence);
        SearchAnswer {
            query_id,
            query: search.text.clone(),
            mode: search.mode.into(),
            score_scale: search.mode.into(),
            verified: verify.map(|_| found.verified()),
            hits: found.hits.iter().map(|hit| Hit::new(hit, explained)).collect(),
            rejected: verify.map(|_| found.rejected.iter().map(LeftOut::from).collect()),
            not_asked: found.not_asked.iter().map(NotAsked::from).collect(),
            ms: Milliseconds {
                encode: milliseconds(timing.encoding),
                rank: milliseconds(timing.ranking),
                verify: verify.map(|_| milliseconds(timing.verifying)),
                documents: milliseconds(timing.reading),
                evidence: explained.then(|| milliseconds(timing.evidence)),
                total: milliseconds(timing.total()),
            },
        }
    }
}

impl Hit {
    /// `explained`: whether evidence was asked for.
    fn new(hit: &crate::Hit, explained: bool) -> Hit {
        let outcome = Outcome::of(&hit.outcome);
        Hit {
            rank: hit.rank,
            id: hit.id.clone(),
            score: hit.score.into(),
            scores: Scores { dense: hit.scores.dense.map(f64::from), bm25: hit.scores.bm25.map(f64::from) },
            recall_rank: outcome.is_some().then_some(hit.recall_rank),
            outcome,
            window: window(&hit.outcome, &hit.window),
            evidence: explained.then(|| hit.evidence.as_ref().map(TokenPair::of).unwrap_or_default()),
            title: hit.title.clone(),
            snippet: (&hit.snippet).into(),
            metadata: hit.metadata.clone(),
        }
    }
}

impl From<&crate::LeftOut> for LeftOut {
    fn from(left_out: &crate::LeftOut) -> LeftOut {
        LeftOut {
            id: left_out.id.clone(),
            recall_rank: left_out.recall_rank,
            score: left_out.score.into(),
            outcome: Outcome::of(&left_out.outcome),
            window: window(&left_out.outcome, &left_out.window),
            title: left_out.title.clone(),
        }
    }
}

impl From<crate::Mode> for Mode {
    fn from(mode: crate::Mode) -> Mode {
        match mode {
            crate::Mode::Dense => Mode::Dense,
            crate::Mode::Bm25 => Mode::Bm25,
            crate::Mode::Hybrid(Fusion::ReciprocalRank { .. }) => Mode::HybridRrf,
            crate::Mode::Hybrid(_) => Mode::Hybrid,
        }
    }
}

impl From<crate::Mode> for ScoreScale {
    fn from(mode: crate::Mode) -> ScoreScale {
        match mode.into() {
            Mode::Dense => ScoreScale::InnerProduct,
            Mode::Bm25 => ScoreScale::Bm25,
            Mode::Hybrid => ScoreScale::FusedScores,
            Mode::HybridRrf => ScoreScale::FusedRanks,
        }
    }
}

impl From<&crate::Snippet> for Snippet {
    fn from(snippet: &crate::Snippet) -> Snippet {
        let characters = |bytes: &Range<usize>| {
            let start = snippet.text[..bytes.start].chars().count();
            [start, start + snippet.text[bytes.clone()].chars().count()]
        };
        Snippet {
            text: snippet.text.clone(),
            start: snippet.chars.start,
            end: snippet.chars.end,
            matches: snippet.matches.iter().map(characters).collect(),
        }
    }
}

fn window(outcome: &crate::Outcome, window: &crate::Snippet) -> Option<Window> {
    let of = match outcome.assessment()?.window {
        Part::Title => PartOf::Title,
        Part::Text(_) => PartOf::Text,
    };
    Some(Window { of, text: window.text.clone(), start: window.chars.start, end: window.chars.end })
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
