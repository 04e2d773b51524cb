//! Searching: filters first, then the rankings, then their fusion.

use std::collections::{HashMap, VecDeque};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::filter::Filter;
use crate::fusion::{Evidence, Fusion, join};
use crate::index::Index;
use crate::query::{Hit, Matching, Query, Scores};
use crate::ranking::{Best, Candidate};
use crate::roster::{Ordinal, Roster};
use crate::state::{Needs, State};
use crate::store::Snapshot;
use crate::vectors::{Method, Scope};

impl Index {
    /// The documents that answer `query` best, best first.
    ///
    /// The answer follows from the documents and the query alone: not from the number of threads, from the order in
    /// which documents came, or from what was deleted. Only dense candidates of an index that is large enough for a graph
    /// ([`Settings::graph_from`](crate::Settings::graph_from)) depend on the graph as well: about one in a hundred of the
    /// ten nearest is missed, and the same ones by every search of the same graph. Scores are exact in any case.
    ///
    /// # Errors
    /// [`Error::EmptyQuery`](crate::Error::EmptyQuery), [`Error::Dimensions`](crate::Error::Dimensions),
    /// [`Error::NotFinite`](crate::Error::NotFinite), [`Error::Alpha`](crate::Error::Alpha), and if the index cannot be
    /// read.
    pub fn search(&self, query: &Query<'_>) -> Result<Vec<Hit>> {
        query.check(self.manifest().encoder.dimensions)?;
        let needs = Needs { vectors: query.vector().is_some(), text: query.text().is_some() };
        let (state, snapshot) = self.current(needs)?;
        let allowed = allowed(query, &snapshot, state.roster(), self.recent_filters())?;
        let scope = Scope { snapshot: &snapshot, roster: state.roster(), allowed: &allowed };
        let searcher = Searcher { state: &state, scope, method: query.method };
        let found = match query.matching {
            Matching::Dense(vector) => searcher.dense(vector, query.k)?,
            Matching::Bm25(text) => searcher.bm25(text, query.k)?,
            Matching::Hybrid { vector, text, fusion, depth } => {
                searcher.hybrid(vector, text, fusion, depth.max(query.k), query.k)?
            }
        };
        let ranked = (1..).zip(found);
        ranked.map(|(rank, found)| searcher.hit(rank, found, query.vector())).collect()
    }
}

/// Which documents are there and fit the query's filters.
fn allowed<'roster>(
    query: &Query<'_>,
    snapshot: &Snapshot<'_>,
    roster: &'roster Roster,
    recent: &RecentFilters,
) -> Result<Allowed<'roster>> {
    if query.filters.is_empty() {
        return Ok(Allowed::Living(roster.alive()));
    }
    let moment = (snapshot.sequence()?, roster.places());
    if let Some(allowed) = recent.find(moment, &query.filters) {
        return Ok(Allowed::Fitting(allowed));
    }
    let mut allowed = vec![false; roster.places()];
    for (ordinal, number) in roster.living() {
        let metadata = snapshot.metadata(number)?;
        allowed[ordinal as usize] = query.filters.iter().all(|filter| filter.accepts(&metadata));
    }
    let allowed: Arc<[bool]> = allowed.into();
    recent.keep(moment, query.filters.clone(), allowed.clone());
    Ok(Allowed::Fitting(allowed))
}

/// By ordinal, which documents a query may find.
enum Allowed<'roster> {
    Living(&'roster [bool]),
    Fitting(Arc<[bool]>),
}

impl Deref for Allowed<'_> {
    type Target = [bool];

    fn deref(&self) -> &[bool] {
        match self {
            Allowed::Living(allowed) => allowed,
            Allowed::Fitting(allowed) => allowed,
        }
    }
}

/// What the last few filters allowed: reading all metadata takes longer than the search that follows, and programs ask
/// with the same filters again and again.
#[derive(Default)]
pub(crate) struct RecentFilters(Mutex<VecDeque<Filtered>>);

/// When, by which filters, and what they allowed.
type Filtered = (Moment, Vec<Filter>, Arc<[bool]>);

/// The store's sequence number and the roster's places: what ordinals mean changes with them.
type Moment = (u64, usize);

impl RecentFilters {
    const KEPT: usize = 8;

    fn find(&self, moment: Moment, filters: &[Filter]) -> Option<Arc<[bool]>> {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = recent.iter().find(|(then, asked, _)| *then == moment && asked == filters);
        found.map(|(_, _, allowed)| allowed.clone())
    }

    fn keep(&self, moment: Moment, filters: Vec<Filter>, allowed: Arc<[bool]>) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.retain(|(then, _, _)| *then == moment);
        recent.truncate(Self::KEPT - 1);
        recent.push_front((moment, filters, allowed));
    }
}

struct Searcher<'search> {
    state: &'search State,
    scope: Scope<'search>,
    method: Method,
}

/// A hit before its passage is looked up.
struct Found {
    ordinal: Ordinal,
    score: f32,
    scores: Scores,
}

impl<'search> Searcher<'search> {
    fn dense(&self, vector: &[f32], k: usize) -> Result<Vec<Found>> {
        let found = |it: Candidate<'_>| Found {
            ordinal: it.ordinal,
            score: it.score,
            scores: Scores { dense: Some(it.score), bm25: None },
        };
        Ok(self.nearest(vector, k)?.into_iter().map(found).collect())
    }

    fn bm25(&self, text: &str, k: usize) -> Result<Vec<Found>> {
        let scores = self.bm25_scores(text)?;
        let found = |it: Candidate<'_>| Found {
            ordinal: it.ordinal,
            score: it.score,
            scores: Scores { dense: None, bm25: Some(it.score) },
        };
        Ok(self.matching(&scores, k).into_iter().map(found).collect())
    }

    fn hybrid(&self, vector: &[f32], text: &str, fusion: Fusion, depth: usize, k: usize) -> Result<Vec<Found>> {
        let bm25 = self.bm25_scores(text)?;
        let mut candidates = join(&self.nearest(vector, depth)?, &self.matching(&bm25, depth));
        for candidate in &mut candidates {
            candidate.bm25 = bm25[candidate.ordinal as usize];
            if candidate.dense.is_none() {
                candidate.dense = self.best_passage(vector, candidate.ordinal)?.map(|(_, score)| score);
            }
        }
        let fused = fusion.scores(&candidates);
        let mut best = Best::new(k, self.ids());
        let mut evidence = HashMap::with_capacity(candidates.len());
        for (candidate, score) in candidates.iter().zip(&fused) {
            best.offer(candidate.ordinal, *score);
            evidence.insert(candidate.ordinal, candidate);
        }
        let found = |it: Candidate<'_>| {
            let Evidence { dense, bm25, .. } = **evidence.get(&it.ordinal)?;
            let scores = Scores { dense, bm25: (bm25 > 0.0).then_some(bm25) };
            Some(Found { ordinal: it.ordinal, score: it.score, scores })
        };
        Ok(best.into_ranking().into_iter().filter_map(found).collect())
    }

    fn nearest(&self, vector: &[f32], k: usize) -> Result<Vec<Candidate<'search>>> {
        let vectors = self.state.vectors();
        vectors.map_or_else(|| Ok(Vec::new()), |index| index.nearest(vector, k, self.scope, self.method))
    }

    /// The best passage of one document, as its index and inner product.
    fn best_passage(&self, vector: &[f32], ordinal: Ordinal) -> Result<Option<(u32, f32)>> {
        let vectors = self.state.vectors();
        vectors.map_or(Ok(None), |index| index.best_passage(vector, ordinal, self.scope))
    }

    /// By ordinal, BM25 scores; 0 where there is nothing in common.
    fn bm25_scores(&self, text: &str) -> Result<Vec<f32>> {
        let places = self.scope.roster.places();
        self.state.text().map_or_else(|| Ok(vec![0.0; places]), |index| index.scores(text, places))
    }

    /// The best `k` of the documents that have something in common with the query's text.
    fn matching(&self, scores: &[f32], k: usize) -> Vec<Candidate<'search>> {
        let mut best = Best::new(k, self.ids());
        for (ordinal, (score, allowed)) in scores.iter().zip(self.scope.allowed).enumerate() {
            if *allowed && *score > 0.0 {
                best.offer(ordinal as Ordinal, *score);
            }
        }
        best.into_ranking()
    }

    fn ids(&self) -> &'search [Box<str>] {
        self.scope.roster.ids()
    }

    /// Looks up what was found.
    fn hit(&self, rank: usize, found: Found, vector: Option<&[f32]>) -> Result<Hit> {
        let Found { ordinal, score, scores } = found;
        let best = vector.map_or(Ok(None), |vector| self.best_passage(vector, ordinal))?;
        let number = self.scope.roster.number(ordinal);
        let passage = best.map(|(index, _)| self.scope.snapshot.passage(number, index)).transpose()?;
        Ok(Hit { id: self.ids()[ordinal as usize].to_string(), rank, score, scores, passage })
    }
}
