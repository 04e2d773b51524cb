//! Tier two at work: what recall found, verified.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use vetted_corpus::{Document, Passage};
use vetted_retrieval::Snapshot;
use vetted_verifier::Verdict;

use crate::notice::Notice;
use crate::passages::{verified_text, with_most_words};
use crate::rivals::{Contender, rivals};
use crate::search::Candidate;
use crate::stored_views::{Missing, find};
use crate::vetting::{Part, Unverified, Verify, Vetted, Vetting};
use crate::{Engine, Error, PassageSource, PreparedQuery, QueryExtent, Verification};

/// So many candidates are verified between two looks at the clock.
const VETTED_TOGETHER: usize = 8;

/// What of a candidate is read.
struct Reading {
    /// The passage, in bytes of the text; an empty one is the title.
    bytes: Range<usize>,
    /// The document, where it had to be read to know that.
    document: Option<Document>,
}

impl Engine {
    /// Leaves on each candidate what the verifier says about it, as it is in `snapshot`, where it was found.
    pub(crate) fn vet(
        &self,
        snapshot: &Snapshot,
        asked: &PreparedQuery,
        query: &str,
        verify: Verify,
        candidates: &mut [Candidate],
    ) {
        if asked.extent() == QueryExtent::Keywords {
            candidates.iter_mut().for_each(|it| it.vetting = Vetting::Unverified(Unverified::QueryTooShort));
            return;
        }
        let start = Instant::now();
        let depth = verify.depth.min(candidates.len());
        let (verified, beyond) = candidates.split_at_mut(depth);
        let mut contenders = Vec::with_capacity(depth);
        for candidates in verified.chunks_mut(VETTED_TOGETHER) {
            if verify.budget.is_some_and(|budget| start.elapsed() >= budget) {
                candidates.iter_mut().for_each(|it| it.vetting = Vetting::Unverified(Unverified::BudgetSpent));
                contenders.extend(candidates.iter().map(|_| None));
                continue;
            }
            match self.vet_some(snapshot, asked, query, candidates) {
                Ok(some) => contenders.extend(some),
                Err(error) => {
                    let error = Arc::new(error);
                    let failed = || Vetting::Unverified(Unverified::Failed(error.clone()));
                    candidates.iter_mut().for_each(|it| it.vetting = failed());
                    contenders.extend(candidates.iter().map(|_| None));
                }
            }
        }
        reject_near_misses(verified, &rivals(&contenders, asked.verifier().config().thresholds.rival_margin));
        beyond.iter_mut().for_each(|it| it.vetting = Vetting::Unverified(Unverified::BeyondDepth));
    }

    fn vet_some(
        &self,
        snapshot: &Snapshot,
        asked: &PreparedQuery,
        query: &str,
        candidates: &mut [Candidate],
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
        let verified = asked.verify_contenders(&sources.collect::<Vec<_>>())?;
        let mut contenders = Vec::with_capacity(candidates.len());
        for ((candidate, (verification, contender)), reading) in candidates.iter_mut().zip(verified).zip(readings) {
            candidate.vetting = vetting(asked.extent(), verification, reading.bytes);
            let stays = candidate.vetting.verdict().is_some_and(|verdict| verdict != Verdict::Reject);
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
        let rival = rival.map(|rival| candidates[rival].id.clone());
        if let (Some(rival), Vetting::Vetted(vetted)) = (rival, &mut candidates[at].vetting) {
            vetted.judgement.verdict = Verdict::Reject;
            vetted.rival = Some(rival);
        }
    }
}

/// `bytes` are those of the passage in the text.
fn vetting(extent: QueryExtent, verification: Verification, bytes: Range<usize>) -> Vetting {
    let Verification { judgement, outputs, support_of_all, coverage, window } = verification;
    let accepts = matches!(judgement.verdict, Verdict::Accept | Verdict::Abstain);
    if window.is_empty() {
        return Vetting::Unverified(Unverified::NoText);
    }
    if accepts && extent == QueryExtent::Beginning {
        return Vetting::Unverified(Unverified::QueryTooLong);
    }
    let part = match bytes.is_empty() {
        true => Part::Title,
        false => Part::Text(bytes.start + window.start..bytes.start + window.end),
    };
    Vetting::Vetted(Vetted { judgement, outputs, support_of_all, coverage, part, rival: None })
}
