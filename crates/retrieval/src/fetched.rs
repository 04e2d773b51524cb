//! Documents as a server sent them, and their ranking here: for retrievers that keep documents elsewhere.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use serde_json::{Map, Value};
use vetted_corpus::Passage;
use vetted_kernels::{Isa, dots};

use crate::error::Result;
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

/// What is asked of a server's vectors.
pub(crate) struct Nearest<'query> {
    pub(crate) vector: &'query [f32],
    pub(crate) k: usize,
    /// Nothing may be missed.
    pub(crate) exact: bool,
}

/// Hits beyond so many are fetched without their contents, which are seldom asked for.
pub(crate) const WITH_CONTENTS: usize = 128;
/// So many documents are fetched at a time when it is not known how many of them fit.
pub(crate) const FETCHED_TOGETHER: usize = 512;

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

/// The best `k` that fit of a ranking, best first, with all that have the last one's score: their ids decide. `fetch` gives the
/// documents at some places, `None` for what is gone or does not fit; where nothing is `filtered`, no more are fetched than are needed.
pub(crate) fn best_of<Place: Copy>(
    ranked: &[(Place, f32)],
    k: usize,
    filtered: bool,
    mut fetch: impl FnMut(&[Place]) -> Result<Vec<Option<Arc<Fetched>>>>,
) -> Result<Vec<Ranked<Place>>> {
    let mut best: Vec<Ranked<Place>> = Vec::new();
    let mut rest = ranked;
    while let Some((_, next)) = rest.first() {
        if best.len() >= k && best.last().is_some_and(|last| *next < last.score) {
            break;
        }
        let mut some = if filtered { FETCHED_TOGETHER } else { k.saturating_sub(best.len()).max(1) };
        some = some.min(rest.len());
        // Those of equal score come together.
        while some < rest.len() && rest[some].1 == rest[some - 1].1 && some < FETCHED_TOGETHER {
            some += 1;
        }
        let (these, others) = rest.split_at(some);
        rest = others;
        let places: Vec<Place> = these.iter().map(|(place, _)| *place).collect();
        for ((place, score), document) in these.iter().zip(fetch(&places)?) {
            best.extend(document.map(|document| Ranked { place: *place, score: *score, document }));
        }
    }
    best.sort_by(Ranked::order);
    best.truncate(k);
    Ok(best)
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
