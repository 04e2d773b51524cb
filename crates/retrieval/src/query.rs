//! What is asked of an index, and what it answers.

use vetted_corpus::Passage;

use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::fusion::Fusion;
use crate::vectors::Method;

/// How many hits a query asks for, unless told otherwise.
pub const DEFAULT_K: usize = 10;
/// How many candidates a hybrid query takes from each side, unless told otherwise.
pub const DEFAULT_DEPTH: usize = 1000;

/// A question to an [`Index`](crate::Index).
#[derive(Debug, Clone)]
pub struct Query<'query> {
    pub(crate) matching: Matching<'query>,
    pub(crate) k: usize,
    pub(crate) filters: Vec<Filter>,
    pub(crate) method: Method,
}

/// What documents are ranked by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Matching<'query> {
    Dense(&'query [f32]),
    Bm25(&'query str),
    Hybrid { vector: &'query [f32], text: &'query str, fusion: Fusion, depth: usize },
}

impl<'query> Query<'query> {
    /// Ranks documents by the greatest inner product of one of their passages with `vector`.
    pub fn dense(vector: &'query [f32]) -> Self {
        Self::new(Matching::Dense(vector))
    }

    /// Ranks documents by BM25 of title and text with `text`. Any text is a valid query; there is no syntax.
    pub fn bm25(text: &'query str) -> Self {
        Self::new(Matching::Bm25(text))
    }

    /// Ranks documents by both, fused by [`Fusion::default`] over [`DEFAULT_DEPTH`] candidates of each side.
    pub fn hybrid(text: &'query str, vector: &'query [f32]) -> Self {
        Self::new(Matching::Hybrid { vector, text, fusion: Fusion::default(), depth: DEFAULT_DEPTH })
    }

    /// Asks for the best `k` documents ([`DEFAULT_K`] unless told).
    pub fn k(mut self, k: usize) -> Self {
        self.k = k;
        self
    }

    /// Asks only for documents that fit `filter`, and all filters given before. Filters come before ranking: if `k`
    /// documents fit, there are `k` hits.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// How a hybrid query fuses its two rankings. Means nothing to other queries.
    pub fn fusion(mut self, new: Fusion) -> Self {
        if let Matching::Hybrid { fusion, .. } = &mut self.matching {
            *fusion = new;
        }
        self
    }

    /// How many candidates a hybrid query takes from each side; at least `k` are taken. Means nothing to other queries.
    pub fn depth(mut self, new: usize) -> Self {
        if let Matching::Hybrid { depth, .. } = &mut self.matching {
            *depth = new;
        }
        self
    }

    /// Compares the vector with every passage, in large indexes too, where a graph would find nearly the same documents
    /// much faster. For measuring what the graph misses. Means nothing to BM25.
    pub fn exact(mut self) -> Self {
        self.method = Method::Exact;
        self
    }

    fn new(matching: Matching<'query>) -> Self {
        Self { matching, k: DEFAULT_K, filters: Vec::new(), method: Method::Quickest }
    }

    /// The query's vector, if it has one.
    pub(crate) fn vector(&self) -> Option<&'query [f32]> {
        match self.matching {
            Matching::Dense(vector) | Matching::Hybrid { vector, .. } => Some(vector),
            Matching::Bm25(_) => None,
        }
    }

    /// The query's text, if it has one.
    pub(crate) fn text(&self) -> Option<&'query str> {
        match self.matching {
            Matching::Bm25(text) | Matching::Hybrid { text, .. } => Some(text),
            Matching::Dense(_) => None,
        }
    }

    /// Checks everything that a query can have wrong.
    pub(crate) fn check(&self, dimensions: usize) -> Result<()> {
        if self.text().is_some_and(|text| text.trim().is_empty()) {
            return Err(Error::EmptyQuery);
        }
        if let Some(vector) = self.vector() {
            check_vector(vector, dimensions, None)?;
        }
        match self.matching {
            Matching::Hybrid { fusion: Fusion::Score { alpha, .. }, .. } if !(0.0..=1.0).contains(&alpha) => {
                Err(Error::Alpha { alpha })
            }
            _ => Ok(()),
        }
    }
}

/// A document that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The document's id.
    pub id: String,
    /// Its place among the hits, from 1.
    pub rank: usize,
    /// What the hits are ordered by, the greatest first; hits of equal score are in the order of their ids. An inner
    /// product for dense queries (a cosine from -1 to 1 if the encoder normalizes), a BM25 score of 0 or more, or what
    /// the [`Fusion`] makes of the two.
    pub score: f32,
    /// The scores it comes from.
    pub scores: Scores,
    /// The passage nearest to the query's vector. `None` for BM25 queries, and for documents without passages.
    pub passage: Option<Passage>,
}

/// A hit's score on each side.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Scores {
    /// The inner product of the query's vector and the document's best passage. `None` if the query has no vector, or
    /// the document no passage.
    pub dense: Option<f32>,
    /// BM25 of the query's text and the document. `None` if the query has no text, or shares no term with the
    /// document.
    pub bm25: Option<f32>,
}

/// Checks that a vector can be compared with the index's.
pub(crate) fn check_vector(vector: &[f32], expected: usize, document: Option<&str>) -> Result<()> {
    let document = || document.map(str::to_owned);
    if vector.len() != expected {
        return Err(Error::Dimensions { document: document(), expected, got: vector.len() });
    }
    match vector.iter().position(|value| !value.is_finite()) {
        Some(position) => Err(Error::NotFinite { document: document(), position, value: vector[position] }),
        None => Ok(()),
    }
}
