//! One search of an index on Redis, and what belongs to it: what was fetched with the hits answers what is asked about them.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use vetted_corpus::{Document, Passage};
use vetted_kernels::Team;
use vetted_redis::redis::{Cmd, FromRedisValue, Pipeline, Value, cmd};
use vetted_redis::{RedisError, Request};

use super::records::{decode_metadata, decode_passages, decode_text, encode_metadata, encode_text};
use super::scripts;
use super::shards::Shards;
use super::words::Matching as Words;
use super::{filtering, keys};
use crate::error::{Error, Result};
use crate::fetched::{self, Fetched, Nearest, WITH_CONTENTS, best_of, fuse};
use crate::filter::Filter;
use crate::fusion::Fusion;
use crate::query::{Hit, Matching, Query, Scores};
use crate::retriever::{Retrieved, Session};
use crate::vectors::Method;

/// Where a document is: its shard, and its number there. Another document never gets the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) shard: usize,
    pub(super) number: u32,
}

/// Fields of a document's hash, in the order in which they were asked for.
type Fields = Vec<Option<Vec<u8>>>;

/// How much of documents is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contents {
    /// What it takes to rank them.
    Ranking,
    /// Also text and views.
    Whole,
}

/// A document with its score.
pub(super) type Ranked = crate::fetched::Ranked<Place>;

/// Documents are listed and read so many at a time.
const LISTED_TOGETHER: usize = 1000;

/// See the [module](self).
pub(super) struct RedisSession {
    pub(super) shards: Arc<Shards>,
    pub(super) dimensions: usize,
    /// What was fetched with hits, by id.
    fetched: RefCell<HashMap<String, Arc<Fetched>>>,
}

/// What a search has found out so far.
pub(super) struct Searching<'search> {
    pub(super) shards: &'search Shards,
    pub(super) dimensions: usize,
    pub(super) filters: &'search [Filter],
    /// What the server can apply of the filters.
    pub(super) expression: Option<String>,
    pub(super) within: Duration,
    /// The shards that did not answer, and why.
    pub(super) lost: HashMap<usize, RedisError>,
    /// What was fetched; `None` for what is gone.
    pub(super) fetched: HashMap<Place, Option<Arc<Fetched>>>,
}

impl RedisSession {
    pub(super) fn new(shards: Arc<Shards>, dimensions: usize) -> RedisSession {
        RedisSession { shards, dimensions, fetched: RefCell::default() }
    }

    /// Fields of documents with these ids, from where they are now.
    fn fields(&self, ids: &[&str], fields: &[&str], patience: Duration) -> Result<Vec<Option<Fields>>> {
        let mut by_shard: Vec<Vec<usize>> = vec![Vec::new(); self.shards.len()];
        ids.iter().enumerate().for_each(|(at, id)| by_shard[keys::shard_of(id, self.shards.len())].push(at));
        let mut found: Vec<Option<Fields>> = vec![None; ids.len()];
        let chunks = by_shard.iter().map(|all| all.len().div_ceil(LISTED_TOGETHER)).max().unwrap_or(0);
        for chunk in 0..chunks {
            let mut requests = Vec::new();
            let mut asked = Vec::new();
            for (shard, all) in by_shard.iter().enumerate() {
                let Some(some) = all.chunks(LISTED_TOGETHER).nth(chunk) else { continue };
                let mut command = self.shards.script(scripts::GET, shard);
                command.arg(fields.len()).arg(fields);
                for at in some {
                    command.arg(ids[*at]);
                }
                requests.push((shard, Request::from(command)));
                asked.push(some);
            }
            let answers = self.shards.ask_patiently("EVAL", requests, patience).map_err(Error::from)?;
            for (some, answer) in asked.into_iter().zip(answers) {
                let unexpected =
                    |error: &dyn std::fmt::Display| Error::from(self.shards.nodes.unexpected("EVAL", error));
                let answers = Vec::<Value>::from_redis_value(answer).map_err(|error| unexpected(&error))?;
                for (at, answer) in some.iter().zip(answers) {
                    found[*at] = Option::from_redis_value(answer).map_err(|error| unexpected(&error))?;
                }
            }
        }
        Ok(found)
    }

    /// What a hit was fetched with, contents included.
    fn at_hand(&self, id: &str) -> Option<Arc<Fetched>> {
        self.fetched.borrow().get(id).filter(|kept| kept.contents.is_some()).cloned()
    }

    /// Reads something of each of these: from what is at hand, or from fields that are fetched now.
    fn read<Read>(
        &self,
        ids: &[&str],
        fields: &[&str],
        at_hand: impl Fn(&Fetched) -> Option<Read>,
        decode: impl Fn(&str, Fields) -> Option<Read>,
    ) -> Result<Vec<Option<Read>>> {
        let mut read: Vec<Option<Read>> =
            ids.iter().map(|id| self.at_hand(id).and_then(|kept| at_hand(&kept))).collect();
        let missing: Vec<usize> = (0..ids.len()).filter(|at| self.at_hand(ids[*at]).is_none()).collect();
        if missing.is_empty() {
            return Ok(read);
        }
        let asked: Vec<&str> = missing.iter().map(|at| ids[*at]).collect();
        for (at, found) in missing.iter().zip(self.fields(&asked, fields, self.shards.settings.search)?) {
            read[*at] = found.and_then(|fields| decode(ids[*at], fields));
        }
        Ok(read)
    }

    /// All documents of a shard, in no order: each id with fields.
    fn walk(&self, shard: usize, fields: &[&str], mut each: impl FnMut(String, Fields)) -> Result<()> {
        let base = &self.shards.bases[shard];
        let mut cursor = "0".to_owned();
        loop {
            let command: Cmd =
                cmd("HSCAN").arg(format!("{base}i")).arg(&cursor).arg("COUNT").arg(LISTED_TOGETHER).to_owned();
            let answer = self
                .shards
                .ask_patiently("HSCAN", vec![(shard, command.into())], self.shards.settings.patience)
                .map_err(Error::from)?
                .pop();
            let unexpected = |error: &dyn std::fmt::Display| Error::from(self.shards.nodes.unexpected("HSCAN", error));
            let (next, pairs): (String, Vec<(String, u32)>) =
                FromRedisValue::from_redis_value(answer.unwrap_or(Value::Nil)).map_err(|error| unexpected(&error))?;
            let ids: Vec<String> = pairs.into_iter().map(|(id, _)| id).collect();
            if fields.is_empty() {
                ids.into_iter().for_each(|id| each(id, Vec::new()));
            } else {
                // By id and not by number: what was replaced meanwhile has another number now.
                let borrowed: Vec<&str> = ids.iter().map(String::as_str).collect();
                let found = self.fields(&borrowed, fields, self.shards.settings.patience)?;
                let there = ids.into_iter().zip(found).filter_map(|(id, fields)| Some((id, fields?)));
                there.for_each(|(id, fields)| each(id, fields));
            }
            if next == "0" {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Ids and origins of all documents.
    pub(super) fn all_origins(&self) -> Result<Vec<(String, Vec<String>)>> {
        let mut all = HashMap::new();
        for shard in 0..self.shards.len() {
            self.walk(shard, &["o"], |id, mut fields| drop(all.insert(id, origins(fields.pop().flatten()))))?;
        }
        let mut all: Vec<(String, Vec<String>)> = all.into_iter().collect();
        all.sort();
        Ok(all)
    }

    pub(super) fn origins(&self, ids: &[&str]) -> Result<Vec<Vec<String>>> {
        let found = self.fields(ids, &["o"], self.shards.settings.patience)?;
        Ok(found.into_iter().map(|fields| origins(fields.and_then(|mut fields| fields.pop().flatten()))).collect())
    }
}

/// Origins as they are kept: JSON.
fn origins(record: Option<Vec<u8>>) -> Vec<String> {
    record.and_then(|record| serde_json::from_slice(&record).ok()).unwrap_or_default()
}

impl Session for RedisSession {
    fn search(&self, query: &Query<'_>, team: &mut Team) -> Result<Retrieved> {
        query.check(self.dimensions)?;
        team.check()?;
        // Something is left for whoever has to make an answer of it.
        let left = team.deadline().remaining().map(|left| left.mul_f64(0.8));
        let within = left.map_or(self.shards.settings.search, |left| left.min(self.shards.settings.search));
        let expression = filtering::expression(&query.filters).filter(|_| self.shards.filters_lists);
        let mut searching = Searching {
            shards: &self.shards,
            dimensions: self.dimensions,
            filters: &query.filters,
            expression,
            within,
            lost: HashMap::new(),
            fetched: HashMap::new(),
        };
        let exact = query.method == Method::Exact;
        let mut ranked: Vec<(Ranked, Scores)> = match query.matching {
            Matching::Dense(vector) => searching.by_vector(&Nearest { vector, k: query.k, exact }, team)?,
            Matching::Bm25(text) => searching.by_words(text, query.k, team)?,
            Matching::Hybrid { vector, text, fusion, depth } => {
                searching.by_both(&Nearest { vector, k: depth.max(query.k), exact }, text, fusion, query.k, team)?
            }
        };
        // A document that was replaced while it was searched for may be found as it was and as it is.
        let mut newest: HashMap<&str, u32> = HashMap::with_capacity(ranked.len());
        for (scored, _) in &ranked {
            let number = newest.entry(&scored.document.id).or_default();
            *number = scored.place.number.max(*number);
        }
        let is_newest: Vec<bool> =
            ranked.iter().map(|(scored, _)| newest[scored.document.id.as_str()] == scored.place.number).collect();
        let mut is_newest = is_newest.into_iter();
        ranked.retain(|_| is_newest.next().unwrap_or(true));
        ranked.truncate(query.k);
        if ranked.len() <= WITH_CONTENTS {
            searching.fill(ranked.iter_mut().map(|(scored, _)| scored));
        }
        if searching.lost.len() == self.shards.len()
            && let Some(error) = searching.lost.values().next().cloned()
        {
            return Err(error.into());
        }
        // What a shard had found that was lost afterwards cannot be shown.
        ranked.retain(|(scored, _)| !searching.lost.contains_key(&scored.place.shard));
        let mut fetched = self.fetched.borrow_mut();
        let hits = (1..).zip(ranked).map(|(rank, (scored, scores))| {
            let passage = query.vector().and_then(|vector| scored.document.best_passage(vector)).map(|(at, _)| at);
            let passage = passage.and_then(|at| scored.document.passages.get(at).cloned());
            let id = scored.document.id.clone();
            fetched.insert(id.clone(), scored.document);
            Hit { id, rank, score: scored.score, scores, passage }
        });
        let hits = hits.collect();
        let mut lost: Vec<_> = searching.lost.into_iter().collect();
        lost.sort_by_key(|(shard, _)| *shard);
        let not_asked = lost.iter().map(|(shard, error)| self.shards.not_asked(*shard, error)).collect();
        Ok(Retrieved { hits, not_asked })
    }

    fn documents(&self, ids: &[&str]) -> Result<Vec<Option<Document>>> {
        self.read(
            ids,
            &["a", "m"],
            |kept| {
                let fetched::Contents { title, text, .. } = kept.contents.as_ref()?;
                let (title, text) = (title.clone(), text.clone());
                Some(Document { id: kept.id.clone(), title, text, metadata: kept.metadata.clone() })
            },
            |id, fields| {
                let [text, metadata] = <[Option<Vec<u8>>; 2]>::try_from(fields).ok()?;
                let (title, text) = decode_text(&text?)?;
                Some(Document { id: id.to_owned(), title, text, metadata: decode_metadata(metadata.as_deref())? })
            },
        )
    }

    fn passages(&self, ids: &[&str]) -> Result<Vec<Option<Vec<Passage>>>> {
        let decode = |record: Option<Vec<u8>>| Some(decode_passages(&record?, self.dimensions)?.0);
        self.read(ids, &["p"], |kept| Some(kept.passages.clone()), |_, mut fields| decode(fields.pop()?))
    }

    fn vectors(&self, ids: &[&str]) -> Result<Vec<Option<Vec<f32>>>> {
        let decode = |record: Option<Vec<u8>>| Some(decode_passages(&record?, self.dimensions)?.1);
        self.read(ids, &["p"], |kept| Some(kept.vectors.clone()), |_, mut fields| decode(fields.pop()?))
    }

    fn views<'session>(&'session self, ids: &[&str]) -> Result<Vec<Option<Cow<'session, [u8]>>>> {
        let views = |kept: &Fetched| kept.contents.as_ref()?.views.clone().map(Cow::Owned);
        self.read(ids, &["v"], views, |_, mut fields| fields.pop()?.map(Cow::Owned))
    }

    fn contains(&self, ids: &[&str]) -> Result<Vec<bool>> {
        Ok(self.fields(ids, &["i"], self.shards.settings.search)?.into_iter().map(|found| found.is_some()).collect())
    }

    fn unchanged(&self, documents: &[&Document]) -> Result<Vec<bool>> {
        let ids: Vec<&str> = documents.iter().map(|document| document.id.as_str()).collect();
        let found = self.fields(&ids, &["a", "m"], self.shards.settings.patience)?;
        let same = |(document, found): (&&Document, Option<Fields>)| {
            let Some(Ok([text, metadata])) = found.map(<[Option<Vec<u8>>; 2]>::try_from) else { return false };
            text.as_deref() == Some(encode_text(document).as_slice())
                && metadata.unwrap_or_default() == encode_metadata(&document.metadata)
        };
        Ok(documents.iter().zip(found).map(same).collect())
    }

    fn ids_that_fit(&self, filters: &[Filter]) -> Result<Vec<String>> {
        let fields: &[&str] = if filters.is_empty() { &[] } else { &["m"] };
        // What is written while it is read may come twice.
        let mut ids = std::collections::BTreeSet::new();
        for shard in 0..self.shards.len() {
            self.walk(shard, fields, |id, mut fields| {
                let metadata = decode_metadata(fields.pop().flatten().as_deref()).unwrap_or_default();
                if filters.iter().all(|filter| filter.accepts(&metadata)) {
                    ids.insert(id);
                }
            })?;
        }
        Ok(ids.into_iter().collect())
    }

    fn some_ids(&self, most: usize) -> Result<Vec<String>> {
        let from_each = most.div_ceil(self.shards.len());
        let ask = |base: &str| cmd("HRANDFIELD").arg(format!("{base}i")).arg(from_each).to_owned().into();
        let mut ids = Vec::new();
        for answer in self
            .shards
            .ask_patiently("HRANDFIELD", self.shards.to_all(ask), self.shards.settings.search)
            .map_err(Error::from)?
        {
            let some: Vec<String> = FromRedisValue::from_redis_value(answer)
                .map_err(|error| Error::from(self.shards.nodes.unexpected("HRANDFIELD", &error)))?;
            ids.extend(some);
        }
        ids.truncate(most);
        Ok(ids)
    }
}

impl Searching<'_> {
    fn by_vector(&mut self, nearest: &Nearest<'_>, team: &Team) -> Result<Vec<(Ranked, Scores)>> {
        let scores = |scored: Ranked| {
            let scores = Scores { dense: Some(scored.score), bm25: None };
            (scored, scores)
        };
        Ok(self.nearest(nearest, team)?.into_iter().map(scores).collect())
    }

    fn by_words(&mut self, text: &str, k: usize, team: &Team) -> Result<Vec<(Ranked, Scores)>> {
        let words = Words::of(self.shards, text, self.within, &mut self.lost);
        let scores = |scored: Ranked| {
            let scores = Scores { dense: None, bm25: Some(scored.score) };
            (scored, scores)
        };
        Ok(self.best_by_words(&words, k, team)?.into_iter().map(scores).collect())
    }

    /// The best documents that fit, with all that have the last one's score: their ids decide.
    fn best_by_words(&mut self, words: &Words, k: usize, team: &Team) -> Result<Vec<Ranked>> {
        let contents = if k <= WITH_CONTENTS { Contents::Whole } else { Contents::Ranking };
        best_of(&words.ranked(), k, !self.filters.is_empty(), |places| {
            team.check()?;
            let contents = if places.len() <= 2 * WITH_CONTENTS { contents } else { Contents::Ranking };
            self.fetch(places.iter().copied(), contents);
            Ok(places.iter().map(|place| self.fitting(*place)).collect())
        })
    }

    fn by_both(
        &mut self,
        nearest: &Nearest<'_>,
        text: &str,
        fusion: Fusion,
        k: usize,
        team: &Team,
    ) -> Result<Vec<(Ranked, Scores)>> {
        let words = Words::of(self.shards, text, self.within, &mut self.lost);
        let dense = self.nearest(nearest, team)?;
        let matching = self.best_by_words(&words, nearest.k, team)?;
        Ok(fuse(dense, matching, nearest.vector, |place| words.of_document(place), fusion, k))
    }

    /// A document that was fetched, if it is there and fits.
    pub(super) fn fitting(&self, place: Place) -> Option<Arc<Fetched>> {
        let kept = self.fetched.get(&place)?.as_ref()?;
        self.filters.iter().all(|filter| filter.accepts(&kept.metadata)).then(|| kept.clone())
    }

    /// Fetches the contents of hits that lack them.
    fn fill<'hits>(&mut self, hits: impl Iterator<Item = &'hits mut Ranked>) {
        let bare: Vec<&mut Ranked> = hits.filter(|scored| scored.document.contents.is_none()).collect();
        if bare.is_empty() {
            return;
        }
        let places: Vec<Place> = bare.iter().map(|scored| scored.place).collect();
        places.iter().for_each(|place| drop(self.fetched.remove(place)));
        self.fetch(places.into_iter(), Contents::Whole);
        for scored in bare {
            if let Some(Some(kept)) = self.fetched.get(&scored.place) {
                scored.document = kept.clone();
            }
        }
    }

    /// Fetches documents that were not fetched yet, of all shards at once. Whoever does not answer is lost.
    pub(super) fn fetch(&mut self, places: impl Iterator<Item = Place>, contents: Contents) {
        let fields: &[&str] = match contents {
            Contents::Whole => &["i", "m", "p", "a", "v"],
            Contents::Ranking => &["i", "m", "p"],
        };
        let mut by_shard: Vec<Vec<u32>> = vec![Vec::new(); self.shards.len()];
        for place in places {
            if !self.fetched.contains_key(&place) && !self.lost.contains_key(&place.shard) {
                by_shard[place.shard].push(place.number);
            }
        }
        let mut requests = Vec::new();
        for (shard, numbers) in by_shard.iter().enumerate().filter(|(_, numbers)| !numbers.is_empty()) {
            let mut pipeline = Pipeline::new();
            for number in numbers {
                let key = format!("{}d:{number}", self.shards.bases[shard]);
                pipeline.add_command(cmd("HMGET").arg(key).arg(fields).to_owned());
            }
            requests.push((shard, Request::from(pipeline)));
        }
        for (shard, answer) in self.shards.ask("HMGET", requests, self.within) {
            let unexpected = |error: &dyn std::fmt::Display| self.shards.nodes.unexpected("HMGET", error);
            let records =
                answer.and_then(|answer| Vec::<Fields>::from_redis_value(answer).map_err(|error| unexpected(&error)));
            match records {
                Err(error) => drop(self.lost.insert(shard, error)),
                Ok(records) => {
                    for (number, record) in by_shard[shard].iter().zip(records) {
                        let kept = document(record, self.dimensions).map(Arc::new);
                        self.fetched.insert(Place { shard, number: *number }, kept);
                    }
                }
            }
        }
    }
}

/// A document of its fields, as far as they were asked for.
fn document(fields: Fields, dimensions: usize) -> Option<Fetched> {
    let mut fields = fields.into_iter();
    let mut next = || fields.next().flatten();
    let id = String::from_utf8(next()?).ok()?;
    let metadata = decode_metadata(next().as_deref())?;
    let (passages, vectors) = decode_passages(&next()?, dimensions)?;
    let contents = next().and_then(|text| decode_text(&text));
    let contents = contents.map(|(title, text)| fetched::Contents { title, text, views: next() });
    Some(Fetched { id, metadata, passages, vectors, contents })
}
