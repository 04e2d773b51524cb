//! How what retrieval found is verified.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vetted_corpus::{Document, Passage};
use vetted_kernels::{Deadline, Expired, Team};
use vetted_retrieval::Session;
use vetted_verifier::{Asked, Contender, PassageText, Policy, Recalled, Unverified, Verification, unanswerable};

use crate::notice::Notice;
use crate::passages::{verified_text, verified_texts, with_most_words};
use crate::search::{Candidate, Search};
use crate::stored_views::{Missing, find};
use crate::{Engine, Error, Outcome, PassageSource, PreparedQuery};

/// How the candidates that recall found are verified.
///
/// ```
/// use std::time::Duration;
/// use vetted::{Policy, Verify};
///
/// let verify = Verify { policy: Policy::Flag, budget: Some(Duration::from_millis(50)), ..Verify::default() };
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verify {
    /// What a rejection does to a candidate. By default it is left out.
    pub policy: Policy,
    /// How many of recall's candidates are verified, from the first on. When some are rejected, the hits are filled up from
    /// deeper ones: verified ones first, and beyond the depth unverified ones, marked as such.
    pub depth: usize,
    /// After so much time of verifying (models loaded), what is left is returned [`Unverified::BudgetSpent`].
    pub budget: Option<Duration>,
    /// Whether hits carry the token pairs that decided, which takes a reading of the pair per token.
    pub evidence: bool,
}

impl Default for Verify {
    /// Rejected candidates are left out, 20 are verified, however long it takes, without evidence.
    fn default() -> Verify {
        Verify { policy: Policy::default(), depth: DEFAULT_DEPTH, budget: None, evidence: false }
    }
}

/// How many candidates are verified unless told otherwise.
const DEFAULT_DEPTH: usize = 20;

/// So many candidates are verified between two looks at the clock.
const CANDIDATES_TOGETHER: usize = 8;

/// What of a candidate is read.
struct Reading {
    /// The passage, in bytes of the text; an empty one is the title.
    bytes: Range<usize>,
    /// The document, where it had to be read to know that.
    document: Option<Document>,
}

/// A query whose candidates are to be verified.
pub(crate) struct Question<'a> {
    asked: &'a PreparedQuery,
    text: &'a str,
    deadline: &'a Deadline,
    verify: Verify,
    /// Those to verify, and what is compared among those that are not rejected by themselves.
    candidates: &'a mut [Candidate],
    /// What recall knows of them, where the verifier regards it.
    known: Option<Cosines<'a>>,
    contenders: Vec<Option<Contender>>,
    expired: Option<Expired>,
}

/// Cosines of what was recalled, the candidates first, and what others usually have.
pub(crate) struct Cosines<'a> {
    pub(crate) of: &'a [f32],
    pub(crate) usual: f32,
}

/// Some candidates of a question, with what is read of them.
struct Part<'a> {
    question: usize,
    range: Range<usize>,
    readings: Vec<Reading>,
    sources: Vec<PassageSource<'a>>,
}

impl<'a> Question<'a> {
    /// About the best candidates, as many as `verify` says; the others are left unverified. So are all where the query says
    /// nothing.
    pub(crate) fn new(
        asked: &'a PreparedQuery,
        search: &'a Search,
        verify: Verify,
        candidates: &'a mut [Candidate],
        known: Option<Cosines<'a>>,
    ) -> Question<'a> {
        let (depth, why) = match unanswerable(asked.extent()) {
            Some(why) => (0, why),
            None => (verify.depth, Unverified::BeyondDepth),
        };
        let (candidates, beyond) = candidates.split_at_mut(depth.min(candidates.len()));
        beyond.iter_mut().for_each(|it| it.outcome = Outcome::Unverified(why.clone()));
        let contenders = Vec::with_capacity(candidates.len());
        Question {
            asked,
            text: &search.text,
            deadline: &search.deadline,
            verify,
            candidates,
            known: known.filter(|_| asked.vouches()),
            contenders,
            expired: None,
        }
    }

    /// Whether its deadline was over before all was verified.
    pub(crate) fn expired(self) -> Option<Expired> {
        self.expired
    }

    fn leave(&mut self, range: Range<usize>, why: Unverified) {
        self.contenders.extend(range.clone().map(|_| None));
        self.candidates[range].iter_mut().for_each(|it| it.outcome = Outcome::Unverified(why.clone()));
    }

    /// That nothing can be said about some candidates; a deadline that is over ends the search.
    fn fail(&mut self, range: Range<usize>, error: Error) {
        match error {
            Error::Expired(expired) => self.expired = Some(expired),
            error => {
                tracing::warn!(%error, "candidates could not be verified");
                self.leave(range, Unverified::Failed(Arc::new(error)));
            }
        }
    }

    fn conclude(&mut self, range: Range<usize>, readings: Vec<Reading>, verified: Vec<(Verification, Contender)>) {
        for ((candidate, (verification, contender)), reading) in
            self.candidates[range].iter_mut().zip(verified).zip(readings)
        {
            candidate.outcome = Outcome::of_passage(verification, reading.bytes);
            let stays = matches!(candidate.outcome, Outcome::Accept(_) | Outcome::Abstain(_));
            self.contenders.push(stays.then_some(contender));
        }
    }
}

impl Question<'_> {
    /// Accepts what can be vouched for by all that is known, now that it is known what is rejected.
    fn vouch(&mut self) {
        let Some(Cosines { of, usual }) = self.known else { return };
        let is_rejected =
            |at: usize| self.candidates.get(at).is_some_and(|it| matches!(it.outcome, Outcome::Reject(..)));
        let recalled = Recalled::of(of, is_rejected, usual);
        for (candidate, recalled) in self.candidates.iter_mut().zip(&recalled) {
            let (mut read, was_accepted) = match std::mem::replace(&mut candidate.outcome, Outcome::Off) {
                Outcome::Accept(read) => (read, true),
                Outcome::Abstain(read) => (read, false),
                other => {
                    candidate.outcome = other;
                    continue;
                }
            };
            // What was not accepted though it might have been ahead of all was not looked at as closely.
            let is_sure = self.asked.vouch(&mut read, recalled);
            candidate.outcome = match was_accepted && is_sure.unwrap_or(true) {
                true => Outcome::Accept(read),
                false => Outcome::Abstain(read),
            };
        }
    }
}

impl Engine {
    /// Leaves on each candidate what the verifier says about it, as it is in `session`, where it was found. All questions are
    /// of the same verifier. What goes wrong is left on the candidates that it befell.
    pub(crate) fn verify(&self, session: &dyn Session, questions: &mut [Question<'_>], team: &mut Team) {
        let start = Instant::now();
        let kept = kept_views(session, questions);
        let most = questions.iter().map(|question| question.candidates.len()).max().unwrap_or(0);
        for first in (0..most).step_by(CANDIDATES_TOGETHER) {
            let mut parts = Vec::with_capacity(questions.len());
            for (at, question) in questions.iter_mut().enumerate() {
                let range = first..question.candidates.len().min(first + CANDIDATES_TOGETHER);
                if range.is_empty() || question.expired.is_some() {
                    continue;
                }
                if question.verify.budget.is_some_and(|budget| start.elapsed() >= budget) {
                    question.leave(range, Unverified::BudgetSpent);
                    continue;
                }
                let part = question.deadline.check().map_err(Error::from);
                match part.and_then(|()| self.part(session, &kept[at], at, question, range.clone())) {
                    Ok(part) => parts.push(part),
                    Err(error) => question.fail(range, error),
                }
            }
            let verified = verified(questions, &parts, team);
            for (Part { question, range, readings, .. }, verified) in parts.into_iter().zip(verified) {
                let Question { asked, candidates, .. } = &questions[question];
                let candidates = &candidates[range.clone()];
                let looked = verified.and_then(|it| looked_at(session, asked, candidates, &readings, it, team));
                match looked {
                    Ok(verified) => questions[question].conclude(range, readings, verified),
                    Err(error) => questions[question].fail(range, error),
                }
            }
        }
        for question in questions.iter_mut().filter(|it| it.expired.is_none()) {
            reject_near_misses(question.candidates, &question.asked.rivals(&question.contenders));
            question.vouch();
        }
    }

    fn part<'s>(
        &self,
        session: &dyn Session,
        records: &'s [Option<Cow<'_, [u8]>>],
        at: usize,
        question: &Question<'_>,
        range: Range<usize>,
    ) -> Result<Part<'s>, Error> {
        let candidates = &question.candidates[range.clone()];
        let readings =
            candidates.iter().map(|it| reading(session, question.text, it)).collect::<Result<Vec<_>, _>>()?;
        let mut sources = Vec::with_capacity(candidates.len());
        for ((candidate, reading), record) in candidates.iter().zip(&readings).zip(&records[range.clone()]) {
            sources.push(match find(record.as_deref(), &reading.bytes, question.asked.verifier()) {
                Ok(views) => PassageSource::Views(views),
                Err(missing) => PassageSource::Text(self.text(session, &candidate.id, reading, missing)?),
            });
        }
        Ok(Part { question: at, range, readings, sources })
    }

    /// A passage's text, where its views cannot be had.
    fn text(
        &self,
        session: &dyn Session,
        id: &str,
        reading: &Reading,
        missing: Missing,
    ) -> Result<PassageText<'static>, Error> {
        match missing {
            Missing::Absent => {}
            Missing::OtherVerifier => self.notice_other_views(),
            Missing::Damaged => self.notice(Notice::DamagedViews { id: id.to_owned() }),
        }
        let passage = Passage { bytes: reading.bytes.clone(), chars: 0..0 };
        let read = match &reading.document {
            Some(_) => None,
            None => Some(document(session, id)?),
        };
        let document = reading.document.as_ref().or(read.as_ref());
        let text = document.and_then(|document| verified_texts(document, &[passage]).pop()).unwrap_or_default();
        Ok(PassageText { lead: text.lead.into_owned().into(), text: text.text.into_owned().into() })
    }
}

/// What is kept of each question's candidates, asked for at once. Where that cannot be had, their texts are read instead.
fn kept_views<'s>(session: &'s dyn Session, questions: &[Question<'_>]) -> Vec<Vec<Option<Cow<'s, [u8]>>>> {
    let views = |question: &Question<'_>| {
        let ids: Vec<&str> = question.candidates.iter().map(|candidate| candidate.id.as_str()).collect();
        session.views(&ids).unwrap_or_else(|error| {
            tracing::warn!(%error, "the views of candidates could not be had");
            vec![None; ids.len()]
        })
    };
    questions.iter().map(views).collect()
}

/// The document with this id; an empty one where it is not there any more.
fn document(session: &dyn Session, id: &str) -> Result<Document, Error> {
    Ok(session.documents(&[id])?.pop().flatten().unwrap_or_default())
}

/// What is said about the candidates of each part, all read together.
fn verified(
    questions: &[Question<'_>],
    parts: &[Part<'_>],
    team: &mut Team,
) -> Vec<Result<Vec<(Verification, Contender)>, Error>> {
    let asked: Vec<Asked> =
        parts.iter().map(|part| (questions[part.question].asked, part.sources.as_slice())).collect();
    // What is rejected is not known yet.
    let recalled: Vec<&[Recalled]> = parts
        .iter()
        .map(|part| match questions[part.question].known {
            Some(_) => &[Recalled::AHEAD_OF_ALL; CANDIDATES_TOGETHER][..part.range.len()],
            None => &[],
        })
        .collect();
    let Some((first, _)) = asked.first() else { return Vec::new() };
    let verifier = first.verifier();
    match verifier.verify_recalled(&asked, &recalled, team) {
        Ok(all) => all.into_iter().map(Ok).collect(),
        Err(error) if asked.len() == 1 => vec![Err(error.into())],
        // One text's fault is no other's.
        Err(_) => {
            let mut alone = |(one, known)| {
                let verified =
                    verifier.verify_recalled(std::slice::from_ref(one), std::slice::from_ref(known), team)?;
                Ok(verified.into_iter().flatten().collect())
            };
            asked.iter().zip(&recalled).map(&mut alone).collect()
        }
    }
}

/// What becomes of what is said about candidates when the texts are looked at that decided: views do not tell all of a text.
fn looked_at(
    session: &dyn Session,
    asked: &PreparedQuery,
    candidates: &[Candidate],
    readings: &[Reading],
    verified: Vec<(Verification, Contender)>,
    team: &mut Team,
) -> Result<Vec<(Verification, Contender)>, Error> {
    let (mut verifications, contenders): (Vec<_>, Vec<_>) = verified.into_iter().unzip();
    let (mut places, mut windows) = (Vec::new(), Vec::new());
    for (at, (verification, contender)) in verifications.iter().zip(&contenders).enumerate() {
        let Some(read) = verification.assessment().filter(|_| asked.needs_text(verification, contender)) else {
            continue;
        };
        let Reading { bytes, document } = &readings[at];
        let document = match document {
            Some(document) => Cow::Borrowed(document),
            None => Cow::Owned(self::document(session, &candidates[at].id)?),
        };
        let text = verified_text(&document, bytes);
        places.push(at);
        windows.push(text.get(read.window.clone()).unwrap_or_default().to_owned());
    }
    let given = places.iter().zip(&windows).map(|(at, window)| (verifications[*at].clone(), window.as_str())).collect();
    for (at, looked) in places.iter().zip(asked.look_again(given, team)?) {
        verifications[*at] = looked;
    }
    Ok(verifications.into_iter().zip(contenders).collect())
}

/// The passage that recall found; of a document that was found by its words, the one that shares most of them.
fn reading(session: &dyn Session, query: &str, candidate: &Candidate) -> Result<Reading, Error> {
    if let Some(Passage { bytes, .. }) = &candidate.passage {
        return Ok(Reading { bytes: bytes.clone(), document: None });
    }
    let document = document(session, &candidate.id)?;
    let passages = session.passages(&[&candidate.id])?.pop().flatten().unwrap_or_default();
    let bytes = with_most_words(&document.text, passages, query).map_or(0..0, |it| it.bytes);
    Ok(Reading { bytes, document: Some(document) })
}

/// Rejects each candidate that has a rival among the others.
fn reject_near_misses(candidates: &mut [Candidate], rivals: &[Option<usize>]) {
    for (at, rival) in rivals.iter().enumerate() {
        if let Some(rival) = rival {
            let id = candidates[*rival].id.clone();
            let outcome = std::mem::replace(&mut candidates[at].outcome, Outcome::Off);
            candidates[at].outcome = outcome.beaten_by(id);
        }
    }
}
