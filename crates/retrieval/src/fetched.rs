//! Documents as a server sent them, and their ranking here: for retrievers that keep documents elsewhere.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use serde_json::{Map, Value};
use vetted_corpus::Passage;
use vetted_kernels::{Isa, dots};

use crate::fusion::{Evidence, Fusion};
use crate::query::Scores;

/// A document as it was fetched.
pub(crate) struct Fetched {
    pub(crate) id: String,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) passages: Vec<Passage>,
    /// One after the other, as many as there are passages.
    pub(crate) vectors: Vec<f32>,
    /// `None` where they were not asked for.
    pub(crate) contents: Option<Contents>,
}

/// What it does not take to rank a document.
pub(crate) struct Contents {
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) views: Option<Vec<u8>>,
}

/// A document with its score. `Place` is what its server knows it by.
pub(crate) struct Ranked<Place> {
    pub(crate) place: Place,
    pub(crate) score: f32,
    pub(crate) document: Arc<Fetched>,
}

impl Fetched {
    /// The passage with the greatest inner product, the first of equals, and that.
    pub(crate) fn best_passage(&self, vector: &[f32]) -> Option<(usize, f32)> {
        let mut scores = vec![0.0; self.passages.len()];
        dots(Isa::detect(), vector, &self.vectors, &mut scores);
        let better = |best: (usize, f32), next: (usize, f32)| if next.1 > best.1 { next } else { best };
        scores.into_iter().enumerate().reduce(better)
    }
}

impl<Place> Ranked<Place> {
    /// The greater score comes first, and of equal scores the smaller id.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        (other.score + 0.0).total_cmp(&(self.score + 0.0)).then_with(|| self.document.id.cmp(&other.document.id))
    }
}

/// One ranking of two, each best first: the best `k`. `bm25_of` says what any document scores by words.
pub(crate) fn fuse<Place: Copy + Eq + Hash>(
    dense: Vec<Ranked<Place>>,
    matching: Vec<Ranked<Place>>,
    vector: &[f32],
    bm25_of: impl Fn(Place) -> f32,
    fusion: Fusion,
    k: usize,
) -> Vec<(Ranked<Place>, Scores)> {
    let mut joined: Vec<(Ranked<Place>, Evidence)> = Vec::with_capacity(dense.len() + matching.len());
    let mut places = HashMap::with_capacity(dense.len());
    for (rank, ranked) in (1..).zip(dense) {
        places.insert(ranked.place, joined.len());
        let (dense, bm25) = (Some(ranked.score), bm25_of(ranked.place));
        joined.push((ranked, Evidence { ordinal: 0, dense_rank: Some(rank), bm25_rank: None, dense, bm25 }));
    }
    for (rank, ranked) in (1..).zip(matching) {
        match places.get(&ranked.place) {
            Some(at) => joined[*at].1.bm25_rank = Some(rank),
            None => {
                let dense = ranked.document.best_passage(vector).map(|(_, score)| score);
                let bm25 = ranked.score;
                joined.push((ranked, Evidence { ordinal: 0, dense_rank: None, bm25_rank: Some(rank), dense, bm25 }));
            }
        }
    }
    let (found, evidence): (Vec<Ranked<Place>>, Vec<Evidence>) = joined.into_iter().unzip();
    let scores = fusion.scores(&evidence);
    let fused = |((ranked, it), score): ((Ranked<Place>, Evidence), f32)| {
        let scores = Scores { dense: it.dense, bm25: (it.bm25 > 0.0).then_some(it.bm25) };
        (Ranked { score, ..ranked }, scores)
    };
    let mut fused: Vec<_> = found.into_iter().zip(evidence).zip(scores).map(fused).collect();
    fused.sort_by(|(a, _), (b, _)| a.order(b));
    fused.truncate(k);
    fused
}
