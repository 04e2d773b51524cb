//! From questions to answers: encoded together, recalled, verified together, and their documents read. All of it happens at one
//! moment of the index.

use std::sync::Arc;
use std::time::{Duration, Instant};

use vetted_corpus::{Document, leads};
use vetted_encoder::{Encoder, Role};
use vetted_kernels::{Deadline, Team};
use vetted_reader::Relation;
use vetted_retrieval::{NotAsked, Query, Retrieved, Session};
use vetted_verifier::Recalled;

use crate::outcome::{Outcome, Part, select};
use crate::search::{Candidate, Found, Hit, LeftOut, Mode, Ranked, Search, Timing};
use crate::snippet::{Snippet, snippet};
use crate::verify::{Cosines, Question};
use crate::{Engine, Error, PassageText, PreparedQuery, Unverified, Verifier};

/// What one search needs of models.
struct Models {
    verifier: Option<Arc<Verifier>>,
    encoder: Option<Arc<Encoder>>,
}

/// A search on its way.
struct Underway<'a> {
    search: &'a Search,
    models: Models,
    /// The query as the verifier reads it, where it is asked.
    asked: Option<PreparedQuery>,
    vector: Vec<f32>,
    /// Where the verifier regards how far passages are ahead of others: what cosine others usually have.
    usual: Option<f32>,
    candidates: Vec<Candidate>,
    /// Of what was recalled, also of what is no candidate any more; nothing where the verifier does not regard it.
    cosines: Vec<f32>,
    /// What recall could not ask.
    not_asked: Vec<NotAsked>,
    timing: Timing,
}

/// What is made of a search that was ranked and verified.
type Finish<'f, 'a, Answer> = &'f dyn Fn(Underway<'a>, &dyn Session, &mut Team) -> Result<Answer, Error>;

impl Engine {
    /// The documents that best match `search`, each with its title, the part that matches, its metadata and what the
    /// verifier says about it.
    ///
    /// Candidates are verified as [`Search::verify`] says. A verifier that cannot be loaded is an error; one that fails on a
    /// text leaves candidates [`Unverified::Failed`](crate::Unverified::Failed), and accepts none of them.
    ///
    /// # Errors
    /// [`Error::EmptyQuery`] (a vector alone will do for [`Mode::Dense`], and leaves what it finds unverified),
    /// [`Error::Expired`], or when a model cannot be loaded or the index read.
    pub fn search(&self, search: &Search) -> Result<Found, Error> {
        only(self.search_many(std::slice::from_ref(search)))
    }

    /// As [`search`](Self::search), without reading the documents of hits: ids, scores, verdicts and the places of passages.
    ///
    /// # Errors
    /// As [`search`](Self::search).
    pub fn rank(&self, search: &Search) -> Result<Ranked, Error> {
        only(self.rank_many(std::slice::from_ref(search)))
    }

    /// Answers several searches together, perhaps of different callers: they share batches of the encoder and of the verifier,
    /// which takes less time than one after the other. Each gets what it would have got alone, bit for bit, or its own error;
    /// all of them see the same moment of the index.
    ///
    /// Each one's [deadline](Search::deadline) is looked at between two steps, which take some milliseconds for each search.
    /// [`Timing`] says how long the steps took for all of them.
    pub fn search_many(&self, searches: &[Search]) -> Vec<Result<Found, Error>> {
        let _search = tracing::debug_span!("search", queries = searches.len()).entered();
        self.at_one_moment(searches, &|search, session, team| self.found(search, session, team))
    }

    /// As [`search_many`](Self::search_many), without reading the documents of hits.
    pub fn rank_many(&self, searches: &[Search]) -> Vec<Result<Ranked, Error>> {
        let _rank = tracing::debug_span!("rank", queries = searches.len()).entered();
        self.at_one_moment(searches, &|search, _, _| Ok(ranked(search)))
    }

    /// Ranks all searches in one session, and makes of each what is wanted.
    fn at_one_moment<'a, Answer>(
        &self,
        searches: &'a [Search],
        answer: Finish<'_, 'a, Answer>,
    ) -> Vec<Result<Answer, Error>> {
        // Models are loaded before a processor is taken: the first search may have to wait for a download.
        let mut underway: Vec<_> = searches.iter().map(|search| self.underway(search)).collect();
        // A single search is given up wherever it is when its deadline is over; among several each is asked between two steps,
        // and all are given up with the last.
        let deadline = match searches {
            [search] => search.deadline.clone(),
            several => {
                let remaining: Option<Vec<Duration>> =
                    several.iter().map(|search| search.deadline.remaining()).collect();
                remaining.and_then(|all| all.into_iter().max()).map_or(Deadline::none(), Deadline::after)
            }
        };
        let team = self.compute().enter(&deadline).map_err(Error::from);
        let begun = team.and_then(|team| Ok((team, self.index().session()?)));
        self.forward_notices();
        let (mut team, session) = match begun {
            Ok(begun) => begun,
            Err(error) if searches.len() == 1 => return vec![Err(error)],
            // The index could not be read: each search tries for itself, and has its own error.
            Err(_) => return searches.chunks(1).flat_map(|one| self.at_one_moment(one, answer)).collect(),
        };
        encode(&mut underway, &mut team);
        if self.index().is_remote() {
            // Whoever waits for a network holds no processor.
            drop(team);
            each(&mut underway, |search| {
                let mut alone = Team::alone().until(&search.search.deadline);
                search.recall(&*session, &mut alone)
            });
            team = match self.compute().enter(&deadline) {
                Ok(team) => team,
                Err(expired) => return searches.iter().map(|_| Err(expired.into())).collect(),
            };
        } else {
            each(&mut underway, |search| search.recall(&*session, &mut team));
        }
        self.verify_all(&mut underway, &*session, &mut team);
        underway.into_iter().map(|search| answer(search?, &*session, &mut team)).collect()
    }

    fn underway<'a>(&self, search: &'a Search) -> Result<Underway<'a>, Error> {
        let by_vector_alone = search.mode == Mode::Dense && search.vector.is_some();
        if !has_text(search) && !by_vector_alone {
            return Err(Error::EmptyQuery);
        }
        let verifier = search.verify.filter(|_| has_text(search)).map(|_| self.verifier()).transpose()?;
        let encoder = match (search.mode, &search.vector) {
            (Mode::Bm25, _) | (_, Some(_)) => None,
            (Mode::Dense | Mode::Hybrid(_), None) => Some(self.encoder()?),
        };
        let vouching = verifier.as_ref().and_then(|verifier| verifier.config().vouching.as_ref());
        // Cosines of another encoder mean something else; of vectors that somebody brings, nobody knows whose they are.
        let known = vouching.filter(|it| encoder.is_some() && self.is_of_encoder(&it.encoder));
        let usual = known.map(|vouching| vouching.usual);
        Ok(Underway {
            search,
            models: Models { verifier, encoder },
            asked: None,
            vector: search.vector.clone().unwrap_or_default(),
            usual,
            candidates: Vec::new(),
            cosines: Vec::new(),
            not_asked: Vec::new(),
            timing: Timing::default(),
        })
    }

    fn verify_all(&self, underway: &mut [Result<Underway<'_>, Error>], session: &dyn Session, team: &mut Team) {
        let start = Instant::now();
        let mut questions = Vec::with_capacity(underway.len());
        let mut places = Vec::with_capacity(underway.len());
        for (at, search) in underway.iter_mut().enumerate() {
            let Ok(Underway { search, asked: Some(asked), candidates, usual, cosines, .. }) = search else { continue };
            let Some(verify) = search.verify else { continue };
            let known = usual.map(|usual| Cosines { of: cosines, usual });
            questions.push(Question::new(asked, search, verify, candidates, known));
            places.push(at);
        }
        if questions.is_empty() {
            return;
        }
        let _verify = tracing::debug_span!("verify", queries = questions.len()).entered();
        self.verify(session, &mut questions, team);
        let expired: Vec<_> = questions.into_iter().map(Question::expired).collect();
        for (at, expired) in places.into_iter().zip(expired) {
            match expired {
                Some(expired) => underway[at] = Err(expired.into()),
                None => {
                    if let Ok(search) = &mut underway[at] {
                        search.timing.verifying = start.elapsed();
                    }
                }
            }
        }
    }

    fn found(&self, search: Underway<'_>, session: &dyn Session, team: &mut Team) -> Result<Found, Error> {
        let (Search { text, verify, deadline, .. }, verifier) = (search.search, search.models.verifier.clone());
        let Ranked { hits: ranked, rejected: left_out, not_asked, mut timing } = ranked(search);
        let start = Instant::now();
        let (mut hits, mut rejected) = (Vec::with_capacity(ranked.len()), Vec::with_capacity(left_out.len()));
        {
            let _read = tracing::debug_span!("documents").entered();
            let ids: Vec<&str> = ranked.iter().map(|candidate| candidate.id.as_str()).collect();
            let documents = session.documents(&ids)?;
            for (candidate, document) in ranked.into_iter().zip(documents) {
                let Some(document) = document else { continue };
                hits.push(hit(hits.len() + 1, candidate, document, text));
            }
            let ids: Vec<&str> = left_out.iter().map(|candidate| candidate.id.as_str()).collect();
            let documents = session.documents(&ids)?;
            for (Candidate { id, recall_rank, score, outcome, .. }, document) in left_out.into_iter().zip(documents) {
                let document = document.unwrap_or_default();
                let window = decided(&outcome, &document);
                rejected.push(LeftOut { id, recall_rank, score, outcome, window, title: document.title });
            }
        }
        timing.reading = start.elapsed();
        if verify.is_some_and(|verify| verify.evidence) {
            let _evidence = tracing::debug_span!("evidence").entered();
            for hit in &mut hits {
                deadline.check()?;
                if let (Some(verifier), Outcome::Accept(read) | Outcome::Reject(read, _)) = (&verifier, &hit.outcome) {
                    let lead = match &read.window {
                        Part::Title => String::new(),
                        Part::Text(bytes) => {
                            let document = session.documents(&[&hit.id])?.pop().flatten().unwrap_or_default();
                            leads(&document.text, &[bytes.start]).pop().unwrap_or_default()
                        }
                    };
                    let window = PassageText { lead: lead.into(), text: hit.window.text.as_str().into() };
                    hit.evidence = verifier.explain_with(text, &window, Relation::Support, team)?;
                }
            }
            timing.evidence = start.elapsed() - timing.reading;
        }
        tracing::debug!(
            encode_ms = milliseconds(timing.encoding),
            recall_ms = milliseconds(timing.ranking),
            verify_ms = milliseconds(timing.verifying),
            documents_ms = milliseconds(timing.reading),
            evidence_ms = milliseconds(timing.evidence),
            hits = hits.len(),
            left_out = rejected.len(),
            "searched"
        );
        Ok(Found { hits, rejected, not_asked, timing })
    }
}

/// Encodes the queries, for each tier that asks for it: all that the same models read in one batch.
fn encode(underway: &mut [Result<Underway<'_>, Error>], team: &mut Team) {
    let _encode = tracing::debug_span!("encode").entered();
    let start = Instant::now();
    each(underway, |search| Ok(search.search.deadline.check()?));
    let mut together: Vec<&mut Underway<'_>> = Vec::with_capacity(underway.len());
    let mut apart = Vec::new();
    for (at, search) in underway.iter_mut().enumerate() {
        let Ok(search) = search else { continue };
        match together.first().is_none_or(|first| first.models.are(&search.models)) {
            true => together.push(search),
            false => apart.push(at),
        }
    }
    let alone = match encode_together(&mut together, team) {
        Ok(()) => apart,
        // One text's fault is no other's.
        Err(_) => (0..underway.len()).collect(),
    };
    for at in alone {
        let encoded = match &mut underway[at] {
            Ok(search) => encode_together(&mut [search], team),
            Err(_) => Ok(()),
        };
        if let Err(error) = encoded {
            underway[at] = Err(error);
        }
    }
    for search in underway.iter_mut().flatten() {
        search.timing.encoding = start.elapsed();
    }
}

/// All of them with the models of the first.
fn encode_together(searches: &mut [&mut Underway<'_>], team: &mut Team) -> Result<(), Error> {
    let Some(first) = searches.first() else { return Ok(()) };
    let texts: Vec<&str> = searches.iter().map(|search| search.search.text.as_str()).collect();
    match (first.models.verifier.clone(), first.models.encoder.clone()) {
        (Some(verifier), Some(encoder)) => {
            let prepared = verifier.prepare_many_with(&texts, &encoder, team)?;
            for (search, (asked, vector)) in searches.iter_mut().zip(prepared) {
                (search.asked, search.vector) = (Some(asked), vector);
            }
        }
        (Some(verifier), None) => {
            for (search, asked) in searches.iter_mut().zip(verifier.prepare_many(&texts, team)?) {
                search.asked = Some(asked);
            }
        }
        (None, Some(encoder)) => {
            for (search, vector) in searches.iter_mut().zip(encoder.embed(&texts, Role::Query, team)?.iter()) {
                search.vector = vector.to_vec();
            }
        }
        (None, None) => {}
    }
    Ok(())
}

impl Models {
    fn are(&self, other: &Models) -> bool {
        fn same<T>(a: &Option<Arc<T>>, b: &Option<Arc<T>>) -> bool {
            match (a, b) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                (None, None) => true,
                _ => false,
            }
        }
        same(&self.verifier, &other.verifier) && same(&self.encoder, &other.encoder)
    }
}

impl Underway<'_> {
    fn recall(&mut self, session: &dyn Session, team: &mut Team) -> Result<(), Error> {
        let _recall = tracing::debug_span!("recall").entered();
        let start = Instant::now();
        let search = self.search;
        search.deadline.check()?;
        let query = match search.mode {
            Mode::Dense => Query::dense(&self.vector),
            Mode::Bm25 => Query::bm25(&search.text),
            Mode::Hybrid(fusion) => Query::hybrid(&search.text, &self.vector).fusion(fusion),
        };
        // At most `depth` candidates are rejected, so with so many more there are `k` left, if the index has them.
        let depth = search.verify.filter(|_| has_text(search)).map_or(0, |verify| verify.depth);
        let wanted = search.k.saturating_add(depth);
        let query = search.filters.iter().cloned().fold(query, Query::filter);
        let least = self.usual.map_or(0, |_| Recalled::DECIDED_BY);
        let Retrieved { mut hits, not_asked } = session.search(&query.k(wanted.max(least)), team)?;
        self.not_asked = not_asked;
        self.cosines = hits.iter().map(|hit| hit.scores.dense.unwrap_or_default()).collect();
        hits.truncate(wanted);
        self.candidates = hits.into_iter().map(Candidate::recalled).collect();
        if search.verify.is_some() && !has_text(search) {
            for candidate in &mut self.candidates {
                candidate.outcome = Outcome::Unverified(Unverified::QueryWithoutText);
            }
        }
        self.timing.ranking = start.elapsed();
        Ok(())
    }
}

/// The best that stay, and what is left out.
fn ranked(search: Underway<'_>) -> Ranked {
    let Underway { search, asked, candidates, not_asked, timing, .. } = search;
    let (hits, rejected) = match (asked, search.verify) {
        (Some(_), Some(verify)) => select(candidates, verify.policy, search.k),
        _ => (candidates, Vec::new()),
    };
    Ranked { hits, rejected, not_asked, timing }
}

/// Does one step of every search that is still on its way.
fn each<'a>(
    underway: &mut [Result<Underway<'a>, Error>],
    mut step: impl FnMut(&mut Underway<'a>) -> Result<(), Error>,
) {
    for search in underway {
        if let Ok(on_its_way) = search
            && let Err(error) = step(on_its_way)
        {
            *search = Err(error);
        }
    }
}

/// Whether there is something that documents can be verified against.
fn has_text(search: &Search) -> bool {
    !search.text.trim().is_empty()
}

/// The one answer to one search.
fn only<Answer>(mut answers: Vec<Result<Answer, Error>>) -> Result<Answer, Error> {
    // One question has one answer.
    answers.pop().unwrap_or(Err(Error::EmptyQuery))
}

/// A candidate with what is shown of its document.
fn hit(rank: usize, candidate: Candidate, document: Document, query: &str) -> Hit {
    let Candidate { id: _, recall_rank, score, scores, passage, outcome } = candidate;
    let part = passage.map_or(0..document.text.len(), |passage| passage.bytes);
    let read = outcome.assessment().and_then(|read| match &read.window {
        Part::Text(bytes) => Some(bytes.clone()),
        Part::Title => None,
    });
    let (window, snippet) = (decided(&outcome, &document), snippet(&document.text, part, read, query));
    let Document { id, title, metadata, .. } = document;
    Hit { rank, id, recall_rank, score, scores, outcome, window, evidence: None, title, snippet, metadata }
}

/// The part of a document that decided the verdict; empty without one.
fn decided(outcome: &Outcome, document: &Document) -> Snippet {
    outcome.assessment().map(|read| read.window.of(document)).unwrap_or_default()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
