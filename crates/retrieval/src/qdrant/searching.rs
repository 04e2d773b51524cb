//! One search of an index on Qdrant, step by step.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use qdrant_client::qdrant::{Filter as Conditions, GetPoints, VectorsOutput};
use vetted_kernels::Team;

use super::connection::Connection;
use super::points::{DENSE, Payload, Place, RANKING, WHOLE, document, fields, vectors};
use super::words::{Matching, Size};
use crate::error::Result;
use crate::fetched::{FETCHED_TOGETHER, Fetched, Nearest, WITH_CONTENTS, best_of, fuse};
use crate::filter::Filter;
use crate::fusion::Fusion;
use crate::query::Scores;

/// A document with its score.
pub(super) type Ranked = crate::fetched::Ranked<Place>;

/// What a search has found out so far.
pub(super) struct Searching<'search> {
    pub(super) connection: &'search Connection,
    pub(super) size: &'search Size,
    pub(super) dimensions: usize,
    pub(super) filters: &'search [Filter],
    /// What the server can apply of the filters.
    pub(super) conditions: Option<Conditions>,
    /// When it has to be over.
    pub(super) until: Instant,
    /// What was fetched; `None` for what is gone.
    pub(super) fetched: HashMap<Place, Option<Arc<Fetched>>>,
}

impl Searching<'_> {
    pub(super) fn collection(&self) -> &str {
        &self.connection.address.name
    }

    pub(super) fn by_vector(&mut self, nearest: &Nearest<'_>, team: &Team) -> Result<Vec<(Ranked, Scores)>> {
        let scores = |ranked: Ranked| {
            let scores = Scores { dense: Some(ranked.score), bm25: None };
            (ranked, scores)
        };
        Ok(self.nearest(nearest, team)?.into_iter().map(scores).collect())
    }

    pub(super) fn by_words(&mut self, text: &str, k: usize, team: &Team) -> Result<Vec<(Ranked, Scores)>> {
        let matching = self.matching(text)?;
        let scores = |ranked: Ranked| {
            let scores = Scores { dense: None, bm25: Some(ranked.score) };
            (ranked, scores)
        };
        Ok(self.best_by_words(&matching, k, team)?.into_iter().map(scores).collect())
    }

    pub(super) fn by_both(
        &mut self,
        nearest: &Nearest<'_>,
        text: &str,
        fusion: Fusion,
        k: usize,
        team: &Team,
    ) -> Result<Vec<(Ranked, Scores)>> {
        let matching = self.matching(text)?;
        let dense = self.nearest(nearest, team)?;
        let by_words = self.best_by_words(&matching, nearest.k, team)?;
        Ok(fuse(dense, by_words, nearest.vector, |place| matching.of_document(place), fusion, k))
    }

    /// The best documents that fit, with all that have the last one's score: their ids decide.
    fn best_by_words(&mut self, matching: &Matching, k: usize, team: &Team) -> Result<Vec<Ranked>> {
        best_of(&matching.ranked(), k, !self.filters.is_empty(), |places| {
            team.check()?;
            self.fetch(places, if places.len() <= WITH_CONTENTS { WHOLE } else { RANKING })?;
            Ok(places.iter().map(|place| self.fitting(*place)).collect())
        })
    }

    /// A document that was fetched, if it is there and fits.
    pub(super) fn fitting(&self, place: Place) -> Option<Arc<Fetched>> {
        let document = self.fetched.get(&place)?.as_ref()?;
        self.filters.iter().all(|filter| filter.accepts(&document.metadata)).then(|| document.clone())
    }

    /// Keeps what was sent of a document, unless more of it was sent before.
    pub(super) fn keep(&mut self, place: Place, payload: Payload, vectors: Option<VectorsOutput>) {
        let known = self.fetched.get(&place).and_then(Option::as_ref);
        if known.is_none_or(|known| known.contents.is_none()) {
            self.fetched.insert(place, document(payload, vectors, self.dimensions).map(Arc::new));
        }
    }

    /// Fetches the contents of hits that lack them.
    pub(super) fn fill<'hits>(&mut self, hits: impl Iterator<Item = &'hits mut Ranked>) -> Result<()> {
        let bare: Vec<&mut Ranked> = hits.filter(|ranked| ranked.document.contents.is_none()).collect();
        let places: Vec<Place> = bare.iter().map(|ranked| ranked.place).collect();
        places.iter().for_each(|place| drop(self.fetched.remove(place)));
        self.fetch(&places, WHOLE)?;
        for ranked in bare {
            if let Some(Some(document)) = self.fetched.get(&ranked.place) {
                ranked.document = document.clone();
            }
        }
        Ok(())
    }

    /// Fetches documents that were not fetched yet.
    pub(super) fn fetch(&mut self, places: &[Place], contents: &[&str]) -> Result<()> {
        let missing: Vec<Place> = places.iter().filter(|place| !self.fetched.contains_key(place)).copied().collect();
        for some in missing.chunks(FETCHED_TOGETHER) {
            let question = GetPoints {
                collection_name: self.collection().to_owned(),
                ids: some.iter().map(|place| place.point()).collect(),
                with_payload: fields(contents),
                with_vectors: vectors(&[DENSE]),
                ..GetPoints::default()
            };
            let found = self.connection.ask_until("documents", self.until, |client| {
                let question = question.clone();
                async move { Ok(client.get_points(question).await?.result) }
            })?;
            for point in found {
                if let Some(place) = Place::read(point.id.as_ref()) {
                    self.keep(place, point.payload, point.vectors);
                }
            }
            // What was not sent is gone.
            some.iter().for_each(|place| {
                self.fetched.entry(*place).or_default();
            });
        }
        Ok(())
    }
}
