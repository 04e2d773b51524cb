//! How what retrieval found is verified.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use vetted_corpus::{Document, Passage};
use vetted_kernels::Team;
use vetted_retrieval::Snapshot;
use vetted_verifier::{Contender, Policy, Unverified, rivals};

use crate::notice::Notice;
use crate::passages::{verified_text, with_most_words};
use crate::search::Candidate;
use crate::stored_views::{Missing, find};
use crate::{Engine, Error, Outcome, PassageSource, PreparedQuery, QueryExtent};

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

impl Engine {
    /// Leaves on each candidate what the verifier says about it, as it is in `snapshot`, where it was found.
    ///
    /// # Errors
    /// [`Error::Expired`]; whatever else goes wrong is left on the candidates that it befell.
    pub(crate) fn verify(
        &self,
        snapshot: &Snapshot,
        asked: &PreparedQuery,
        query: &str,
        verify: Verify,
        candidates: &mut [Candidate],
        team: &mut Team,
    ) -> Result<(), Error> {
        if asked.extent() == QueryExtent::Keywords {
            candidates.iter_mut().for_each(|it| it.outcome = Outcome::Unverified(Unverified::QueryTooShort));
            return Ok(());
        }
        let start = Instant::now();
        let depth = verify.depth.min(candidates.len());
        let (verified, beyond) = candidates.split_at_mut(depth);
        let mut contenders = Vec::with_capacity(depth);
        for candidates in verified.chunks_mut(CANDIDATES_TOGETHER) {
            if verify.budget.is_some_and(|budget| start.elapsed() >= budget) {
                candidates.iter_mut().for_each(|it| it.outcome = Outcome::Unverified(Unverified::BudgetSpent));
                contenders.extend(candidates.iter().map(|_| None));
                continue;
            }
            match self.verify_some(snapshot, asked, query, candidates, team) {
                Ok(some) => contenders.extend(some),
                Err(expired @ Error::Expired(_)) => return Err(expired),
                Err(error) => {
                    tracing::warn!(%error, "candidates could not be verified");
                    let error = Arc::new(error);
                    let failed = || Outcome::Unverified(Unverified::Failed(error.clone()));
                    candidates.iter_mut().for_each(|it| it.outcome = failed());
                    contenders.extend(candidates.iter().map(|_| None));
                }
            }
        }
        reject_near_misses(verified, &rivals(&contenders, asked.verifier().config().thresholds.rival_margin));
        beyond.iter_mut().for_each(|it| it.outcome = Outcome::Unverified(Unverified::BeyondDepth));
        Ok(())
    }

    fn verify_some(
        &self,
        snapshot: &Snapshot,
        asked: &PreparedQuery,
        query: &str,
        candidates: &mut [Candidate],
        team: &mut Team,
    ) -> Result<Vec<Option<Contender>>, Error> {
        let readings = candidates.iter().map(|it| reading(snapshot, query, it)).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<&str> = candidates.iter().map(|candidate| candidate.id.as_str()).collect();
        let records = snapshot.views(&ids)?;
        let mut texts = Vec::with_capacity(ids.len());
        for ((id, reading), record) in ids.iter().zip(&readings).zip(records) {
            texts.push(match find(record, &reading.bytes, asked.verifier()) {
                Ok(views) => Ok(views),
                Err(missing) => Err(self.text(snapshot, id, reading, missing)?),
            });
        }
        let sources = texts.iter().map(|text| match text {
            Ok(views) => PassageSource::Views(views.clone()),
            Err(text) => PassageSource::Text(text),
        });
        let verified = asked.verify_contenders(&sources.collect::<Vec<_>>(), team)?;
        let mut contenders = Vec::with_capacity(candidates.len());
        for ((candidate, (verification, contender)), reading) in candidates.iter_mut().zip(verified).zip(readings) {
            candidate.outcome = Outcome::of_passage(verification, reading.bytes);
            let stays = matches!(candidate.outcome, Outcome::Accept(_) | Outcome::Abstain(_));
            contenders.push(stays.then_some(contender));
        }
        Ok(contenders)
    }

    /// A passage's text, where its views cannot be had.
    fn text(&self, snapshot: &Snapshot, id: &str, reading: &Reading, missing: Missing) -> Result<String, Error> {
        match missing {
            Missing::Absent => {}
            Missing::OtherVerifier => self.notice_other_views(),
            Missing::Damaged => self.notice(Notice::DamagedViews { id: id.to_owned() }),
        }
        let passage = Passage { bytes: reading.bytes.clone(), chars: 0..0 };
        match &reading.document {
            Some(document) => Ok(verified_text(document, &passage).to_owned()),
            None => Ok(verified_text(&snapshot.get(id)?.unwrap_or_default(), &passage).to_owned()),
        }
    }
}

/// The passage that recall found; of a document that was found by its words, the one that shares most of them.
fn reading(snapshot: &Snapshot, query: &str, candidate: &Candidate) -> Result<Reading, Error> {
    if let Some(Passage { bytes, .. }) = &candidate.passage {
        return Ok(Reading { bytes: bytes.clone(), document: None });
    }
    let document = snapshot.get(&candidate.id)?.unwrap_or_default();
    let passages = snapshot.passages(&candidate.id)?.unwrap_or_default();
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
