//! Searching: filters first, then the rankings, then their fusion.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::Ordering;

use vetted_kernels::Team;

use crate::bits::Bits;
use crate::error::Result;
use crate::filter::Filter;
use crate::fusion::{Evidence, Fusion, join};
use crate::index::Index;
use crate::query::{Hit, Matching, Query, Scores};
use crate::ranking::{Best, Candidate};
use crate::roster::{CHUNK, Ordinal, Roster};
use crate::snapshot::Snapshot;
use crate::store::Reading;
use crate::text::Matches;
use crate::vectors::{Method, Scope, Vectors};

impl Index {
    /// [`Snapshot::search`] of the index as it is now, by the calling thread alone.
    ///
    /// # Errors
    /// As [`Snapshot::search`].
    pub fn search(&self, query: &Query<'_>) -> Result<Vec<Hit>> {
        self.snapshot()?.search(query, &mut Team::alone())
    }
}

impl Snapshot {
    /// The documents that answer `query` best, best first.
    ///
    /// The answer follows from the documents and the query alone: not from the team, from the order in which documents
    /// came, or from what was deleted. Only dense candidates of an index that is large enough for a graph
    /// ([`Settings::graph_from`](crate::Settings::graph_from)) depend on the graph as well: about one in a hundred of the
    /// ten nearest is missed, and the same ones by every search of the same graph. Scores are exact in any case.
    ///
    /// # Errors
    /// [`Error::EmptyQuery`](crate::Error::EmptyQuery), [`Error::Dimensions`](crate::Error::Dimensions),
    /// [`Error::NotFinite`](crate::Error::NotFinite), [`Error::Alpha`](crate::Error::Alpha), if the index cannot be read, and
    /// [`Error::Expired`](crate::Error::Expired) when the team's deadline is over, at which every step looks first.
    pub fn search(&self, query: &Query<'_>, team: &mut Team) -> Result<Vec<Hit>> {
        let (reading, roster) = (self.reading(), self.roster());
        query.check(reading.dimensions())?;
        team.check()?;
        let vectors = query.vector().map(|_| self.vectors()).transpose()?;
        team.check()?;
        let bm25 = match query.text() {
            Some(text) => {
                self.shared().words_asked.store(true, Ordering::Relaxed);
                self.text()?.scores(text, roster)?
            }
            None => Matches::none(),
        };
        let allowed = allowed(&query.filters, reading, roster, team)?;
        team.check()?;
        let scope = Scope { reading, roster, allowed: &allowed };
        let mut searcher = Searcher { vectors, bm25, scope, method: query.method, team };
        let found = match query.matching {
            Matching::Dense(vector) => searcher.dense(vector, query.k)?,
            Matching::Bm25(_) => searcher.bm25(query.k),
            Matching::Hybrid { vector, fusion, depth, .. } => {
                searcher.hybrid(vector, fusion, depth.max(query.k), query.k)?
            }
        };
        let ranked = (1..).zip(found);
        ranked.map(|(rank, found)| searcher.hit(rank, found, query.vector())).collect()
    }
}

impl Snapshot {
    /// The ids of the documents that fit all of `filters`, in the order in which they were last written.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn ids_that_fit(&self, filters: &[Filter]) -> Result<Vec<&str>> {
        let roster = self.roster();
        let allowed = allowed(filters, self.reading(), roster, &Team::alone())?;
        Ok(allowed.from(0).map(|ordinal| roster.id(ordinal)).collect())
    }
}

/// The ordinals of documents that are there and fit all filters.
fn allowed<'roster>(
    filters: &[Filter],
    reading: &Reading,
    roster: &'roster Roster,
    team: &Team,
) -> Result<Cow<'roster, Bits>> {
    if filters.is_empty() {
        return Ok(Cow::Borrowed(roster.alive()));
    }
    let mut allowed = Bits::default();
    for (chunk, first) in roster.chunks().iter().zip((0..).step_by(CHUNK)) {
        // Columns are made when a filter first asks for them, which reads documents.
        team.check()?;
        let mut alive = Bits::default();
        roster.alive().words(first).take(CHUNK / 64).for_each(|word| alive.push_word(word));
        let read = |place: u32| reading.metadata(chunk.number(place as usize));
        let mut words: Vec<u64> = alive.words(0).take(CHUNK / 64).collect();
        for filter in filters {
            let mut fitting = vec![0; words.len()];
            for condition in filter.conditions() {
                let fits = chunk.columns.fitting(condition, &alive, read)?;
                fitting.iter_mut().zip(fits.words(0)).for_each(|(word, fits)| *word |= fits);
            }
            words.iter_mut().zip(fitting).for_each(|(word, fits)| *word &= fits);
        }
        words.into_iter().for_each(|word| allowed.push_word(word));
    }
    Ok(Cow::Owned(allowed))
}

struct Searcher<'search> {
    /// `None` if the query has no vector.
    vectors: Option<&'search Vectors>,
    bm25: Matches,
    scope: Scope<'search>,
    method: Method,
    team: &'search mut Team,
}

/// A hit before its passage is looked up.
struct Found {
    ordinal: Ordinal,
    score: f32,
    scores: Scores,
}

impl<'search> Searcher<'search> {
    fn dense(&mut self, vector: &[f32], k: usize) -> Result<Vec<Found>> {
        let found = |it: Candidate<'_>| Found {
            ordinal: it.ordinal,
            score: it.score,
            scores: Scores { dense: Some(it.score), bm25: None },
        };
        Ok(self.nearest(vector, k)?.into_iter().map(found).collect())
    }

    fn bm25(&self, k: usize) -> Vec<Found> {
        let found = |it: Candidate<'_>| Found {
            ordinal: it.ordinal,
            score: it.score,
            scores: Scores { dense: None, bm25: Some(it.score) },
        };
        self.matching(k).into_iter().map(found).collect()
    }

    fn hybrid(&mut self, vector: &[f32], fusion: Fusion, depth: usize, k: usize) -> Result<Vec<Found>> {
        let mut candidates = join(&self.nearest(vector, depth)?, &self.matching(depth));
        for candidate in &mut candidates {
            candidate.bm25 = self.bm25.of_document(candidate.ordinal);
            if candidate.dense.is_none() {
                candidate.dense = self.best_passage(vector, candidate.ordinal)?.map(|(_, score)| score);
            }
        }
        let fused = fusion.scores(&candidates);
        let mut best = Best::new(k, self.scope.roster);
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

    fn nearest(&mut self, vector: &[f32], k: usize) -> Result<Vec<Candidate<'search>>> {
        let Some(vectors) = self.vectors else { return Ok(Vec::new()) };
        vectors.nearest(vector, k, self.scope, self.method, self.team)
    }

    /// The best passage of one document, as its index and inner product.
    fn best_passage(&self, vector: &[f32], ordinal: Ordinal) -> Result<Option<(u32, f32)>> {
        self.vectors.map_or(Ok(None), |vectors| vectors.best_passage(vector, ordinal, self.scope))
    }

    /// The best `k` of the documents that have something in common with the query's text.
    fn matching(&self, k: usize) -> Vec<Candidate<'search>> {
        self.bm25.best(k, self.scope.allowed, self.scope.roster)
    }

    /// Looks up what was found.
    fn hit(&self, rank: usize, found: Found, vector: Option<&[f32]>) -> Result<Hit> {
        let Found { ordinal, score, scores } = found;
        let Scope { reading, roster, .. } = self.scope;
        let best = vector.map_or(Ok(None), |vector| self.best_passage(vector, ordinal))?;
        let passage = best.map(|(index, _)| reading.passage(roster.number(ordinal), index)).transpose()?;
        Ok(Hit { id: roster.id(ordinal).to_owned(), rank, score, scores, passage })
    }
}
