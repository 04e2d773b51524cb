//! What belongs to one search: what was fetched with the hits answers what is asked about them.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use qdrant_client::qdrant::{Filter as Conditions, GetPoints, PointId, RetrievedPoint, ScrollPoints};
use vetted_corpus::{Document, Passage};
use vetted_kernels::Team;

use super::connection::Connection;
use super::filtering::conditions;
use super::points::{
    DENSE, Payload, Place, WHOLE, decode_metadata, decode_origins, document, encode_metadata, fields, no_fields, text,
    vectors, whole,
};
use super::searching::Searching;
use super::words::Size;
use crate::error::Result;
use crate::fetched::{Fetched, Nearest, WITH_CONTENTS};
use crate::filter::Filter;
use crate::query::{Hit, Matching, Query};
use crate::retriever::{Retrieved, Session};
use crate::vectors::Method;

/// See the [module](self).
pub(super) struct QdrantSession {
    pub(super) connection: Arc<Connection>,
    size: Arc<Size>,
    dimensions: usize,
    /// What was fetched with hits, by id.
    fetched: RefCell<HashMap<String, Arc<Fetched>>>,
}

/// Documents are read so many at a time,
pub(super) const READ_TOGETHER: usize = 256;
/// and listed.
const LISTED_TOGETHER: u32 = 1000;

impl QdrantSession {
    pub(super) fn new(connection: Arc<Connection>, size: Arc<Size>, dimensions: usize) -> QdrantSession {
        QdrantSession { connection, size, dimensions, fetched: RefCell::default() }
    }

    fn collection_name(&self) -> String {
        self.connection.address.name.clone()
    }

    /// Points of documents with these ids, from where they are now, with these fields of their payloads and these vectors.
    pub(super) fn points(
        &self,
        ids: &[&str],
        names: &[&str],
        with: &[&str],
        patience: Duration,
    ) -> Result<HashMap<Place, RetrievedPoint>> {
        let mut found = HashMap::with_capacity(ids.len());
        for some in ids.chunks(READ_TOGETHER) {
            let question = GetPoints {
                collection_name: self.collection_name(),
                ids: some.iter().map(|id| Place::of(id).point()).collect(),
                with_payload: if names.is_empty() { no_fields() } else { fields(names) },
                with_vectors: vectors(with),
                ..GetPoints::default()
            };
            let points = self.connection.ask_patiently("documents", patience, |client| {
                let question = question.clone();
                async move { Ok(client.get_points(question).await?.result) }
            })?;
            found.extend(points.into_iter().filter_map(|point| Some((Place::read(point.id.as_ref())?, point))));
        }
        Ok(found)
    }

    /// Which of these passages are there.
    pub(super) fn passages_there(&self, ids: Vec<PointId>) -> Result<Vec<Place>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let question = GetPoints {
            collection_name: self.connection.address.passages(),
            ids,
            with_payload: no_fields(),
            ..GetPoints::default()
        };
        let points = self.connection.ask_patiently("passages", self.connection.settings.patience, |client| {
            let question = question.clone();
            async move { Ok(client.get_points(question).await?.result) }
        })?;
        Ok(points.iter().filter_map(|point| Place::read(point.id.as_ref())).collect())
    }

    /// Fields of documents with these ids.
    fn payloads(&self, ids: &[&str], names: &[&str], patience: Duration) -> Result<Vec<Option<Payload>>> {
        let found = self.points(ids, names, &[], patience)?;
        Ok(ids.iter().map(|id| Some(found.get(&Place::of(id))?.payload.clone())).collect())
    }

    /// Where documents came from.
    pub(super) fn origins(&self, ids: &[&str]) -> Result<Vec<Vec<String>>> {
        let found = self.payloads(ids, &["origins"], self.connection.settings.search)?;
        Ok(found.iter().map(|payload| payload.as_ref().map(decode_origins).unwrap_or_default()).collect())
    }

    /// All points that meet these conditions, in the order of their numbers.
    pub(super) fn walk(
        &self,
        filter: Option<Conditions>,
        names: &[&str],
        with: &[&str],
        mut each: impl FnMut(RetrievedPoint),
    ) -> Result<()> {
        let mut question = ScrollPoints {
            collection_name: self.collection_name(),
            filter,
            limit: Some(if with.is_empty() { LISTED_TOGETHER } else { READ_TOGETHER as u32 }),
            with_payload: fields(names),
            with_vectors: vectors(with),
            ..ScrollPoints::default()
        };
        loop {
            let page = self.connection.ask_patiently("a list", self.connection.settings.patience, |client| {
                let question = question.clone();
                async move { client.scroll(question).await }
            })?;
            page.result.into_iter().for_each(&mut each);
            match page.next_page_offset {
                Some(next) => question.offset = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// What a hit was fetched with, contents included.
    fn at_hand(&self, id: &str) -> Option<Arc<Fetched>> {
        self.fetched.borrow().get(id).filter(|document| document.contents.is_some()).cloned()
    }

    /// Reads something of each of these: from what is at hand, or from what is fetched now.
    fn read<Read>(&self, ids: &[&str], read: impl Fn(&Fetched) -> Option<Read>) -> Result<Vec<Option<Read>>> {
        let at_hand: Vec<Option<Arc<Fetched>>> = ids.iter().map(|id| self.at_hand(id)).collect();
        let missing: Vec<&str> = ids.iter().zip(&at_hand).filter(|(_, it)| it.is_none()).map(|(id, _)| *id).collect();
        let mut found: HashMap<Place, Fetched> = HashMap::new();
        for (place, point) in self.points(&missing, WHOLE, &[DENSE], self.connection.settings.search)? {
            found.extend(document(point.payload, point.vectors, self.dimensions).map(|document| (place, document)));
        }
        let of = |(id, at_hand): (&&str, &Option<Arc<Fetched>>)| match at_hand {
            Some(document) => read(document),
            None => read(found.get(&Place::of(id))?),
        };
        Ok(ids.iter().zip(&at_hand).map(of).collect())
    }
}

impl Session for QdrantSession {
    fn search(&self, query: &Query<'_>, team: &mut Team) -> Result<Retrieved> {
        query.check(self.dimensions)?;
        team.check()?;
        // Something is left for whoever has to make an answer of it.
        let left = team.deadline().remaining().map(|left| left.mul_f64(0.8));
        let within = left.map_or(self.connection.settings.search, |left| left.min(self.connection.settings.search));
        let mut searching = Searching {
            connection: &self.connection,
            size: &self.size,
            dimensions: self.dimensions,
            filters: &query.filters,
            conditions: conditions(&query.filters),
            until: Instant::now() + within,
            fetched: HashMap::new(),
        };
        let exact = query.method == Method::Exact;
        let mut ranked = match query.matching {
            Matching::Dense(vector) => searching.by_vector(&Nearest { vector, k: query.k, exact }, team)?,
            Matching::Bm25(text) => searching.by_words(text, query.k, team)?,
            Matching::Hybrid { vector, text, fusion, depth } => {
                searching.by_both(&Nearest { vector, k: depth.max(query.k), exact }, text, fusion, query.k, team)?
            }
        };
        ranked.truncate(query.k);
        if ranked.len() <= WITH_CONTENTS {
            searching.fill(ranked.iter_mut().map(|(ranked, _)| ranked))?;
        }
        let mut fetched = self.fetched.borrow_mut();
        let hits = (1..).zip(ranked).map(|(rank, (ranked, scores))| {
            let document = ranked.document;
            let passage = query.vector().and_then(|vector| document.best_passage(vector)).map(|(at, _)| at);
            let passage = passage.and_then(|at| document.passages.get(at).cloned());
            let id = document.id.clone();
            fetched.insert(id.clone(), document);
            Hit { id, rank, score: ranked.score, scores, passage }
        });
        Ok(Retrieved { hits: hits.collect(), not_asked: Vec::new() })
    }

    fn documents(&self, ids: &[&str]) -> Result<Vec<Option<Document>>> {
        self.read(ids, whole)
    }

    fn passages(&self, ids: &[&str]) -> Result<Vec<Option<Vec<Passage>>>> {
        self.read(ids, |document| Some(document.passages.clone()))
    }

    fn vectors(&self, ids: &[&str]) -> Result<Vec<Option<Vec<f32>>>> {
        self.read(ids, |document| Some(document.vectors.clone()))
    }

    fn views<'session>(&'session self, ids: &[&str]) -> Result<Vec<Option<Cow<'session, [u8]>>>> {
        self.read(ids, |document| document.contents.as_ref()?.views.clone().map(Cow::Owned))
    }

    fn contains(&self, ids: &[&str]) -> Result<Vec<bool>> {
        let found = self.points(ids, &[], &[], self.connection.settings.search)?;
        Ok(ids.iter().map(|id| found.contains_key(&Place::of(id))).collect())
    }

    fn unchanged(&self, documents: &[&Document]) -> Result<Vec<bool>> {
        let ids: Vec<&str> = documents.iter().map(|document| document.id.as_str()).collect();
        let found = self.payloads(&ids, &["title", "text", "metadata"], self.connection.settings.patience)?;
        let same = |(document, payload): (&&Document, Option<Payload>)| {
            let Some(mut payload) = payload else { return false };
            let mut has = |name: &str, expected: &str| text(&mut payload, name).as_deref() == Some(expected);
            has("title", &document.title)
                && has("text", &document.text)
                && has("metadata", &encode_metadata(&document.metadata))
        };
        Ok(documents.iter().zip(found).map(same).collect())
    }

    fn ids_that_fit(&self, filters: &[Filter]) -> Result<Vec<String>> {
        let names: &[&str] = if filters.is_empty() { &["id"] } else { &["id", "metadata"] };
        // What is written while it is read may come twice.
        let mut ids = BTreeSet::new();
        self.walk(conditions(filters), names, &[], |mut point| {
            let Some(id) = text(&mut point.payload, "id") else { return };
            let metadata = text(&mut point.payload, "metadata").and_then(|metadata| decode_metadata(&metadata));
            let metadata = metadata.unwrap_or_default();
            if filters.iter().all(|filter| filter.accepts(&metadata)) {
                ids.insert(id);
            }
        })?;
        Ok(ids.into_iter().collect())
    }

    fn some_ids(&self, most: usize) -> Result<Vec<String>> {
        let question = ScrollPoints {
            collection_name: self.collection_name(),
            limit: Some(u32::try_from(most).unwrap_or(u32::MAX)),
            with_payload: fields(&["id"]),
            ..ScrollPoints::default()
        };
        if most == 0 {
            return Ok(Vec::new());
        }
        let page = self.connection.ask_patiently("a list", self.connection.settings.search, |client| {
            let question = question.clone();
            async move { client.scroll(question).await }
        })?;
        Ok(page.result.into_iter().filter_map(|mut point| text(&mut point.payload, "id")).collect())
    }
}
