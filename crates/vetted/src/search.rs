//! Questions and answers.

use std::time::Duration;

use serde_json::{Map, Value};
use vetted_recall::{Filter, Fusion, Scores};

use crate::snippet::Snippet;

/// What is searched for.
///
/// ```
/// use vetted::{Mode, Search};
/// let search = Search::new("who bit the dog").mode(Mode::Bm25).k(3);
/// # assert_eq!(search.k, 3);
/// ```
#[derive(Clone, Debug)]
pub struct Search {
    /// The question.
    pub text: String,
    /// What documents are ranked by.
    pub mode: Mode,
    /// How many hits at most.
    pub k: usize,
    /// Only documents whose metadata fit all of these.
    pub filters: Vec<Filter>,
}

/// What documents are ranked by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Mode {
    /// The inner product of the query's vector with a document's best passage.
    #[default]
    Dense,
    /// BM25 of the words.
    Bm25,
    /// Both, fused.
    Hybrid(Fusion),
}

impl Search {
    /// The best 10 documents by vector.
    pub fn new(text: impl Into<String>) -> Search {
        Search { text: text.into(), mode: Mode::default(), k: 10, filters: Vec::new() }
    }

    /// Ranks by `mode`.
    pub fn mode(mut self, mode: Mode) -> Search {
        self.mode = mode;
        self
    }

    /// Asks for at most `k` hits.
    pub fn k(mut self, k: usize) -> Search {
        self.k = k;
        self
    }

    /// Asks only for documents that fit `filter`, and all given before.
    pub fn filter(mut self, filter: Filter) -> Search {
        self.filters.push(filter);
        self
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The hits, best first.
    pub hits: Vec<Hit>,
    /// How long encoding the query took.
    pub encoding: Duration,
    /// How long ranking took.
    pub ranking: Duration,
}

/// What was found, documents unread.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// The hits, best first.
    pub hits: Vec<vetted_recall::Hit>,
    /// How long encoding the query took.
    pub encoding: Duration,
    /// How long ranking took.
    pub ranking: Duration,
}

/// A document that was found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// From 1.
    pub rank: usize,
    /// The document's id.
    pub id: String,
    /// What hits are ordered by: a cosine for dense searches with a model that normalizes, a BM25 score, or a fused one.
    pub score: f32,
    /// The scores it comes from.
    pub scores: Scores,
    /// The document's title, possibly empty.
    pub title: String,
    /// The part of the text that matches, with its place in the document.
    pub snippet: Snippet,
    /// The document's metadata.
    pub metadata: Map<String, Value>,
}
