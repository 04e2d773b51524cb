//! `/v1/verify`: one query, its candidates, and a verdict on each.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use vetted::calibrated::{Calibrated, CalibratedVerdict, cosine};
use vetted::wire::{CalibratedResult, Outcome, Relation, TokenPair};
use vetted::{Explanation, Verdict, Verification, reader};
use vetted_encoder::Role;

use super::embeddings::encoded;
use super::rerank::read;
use super::{characters, check_query, check_texts};
use crate::ask::Ask;
use crate::error::Failure;
use crate::reading::{Explaining, Question, Rules};
use crate::service::Service;
use crate::shapes::own::{CandidateInput, TextWindow, VerifyAnswer, VerifyRequest, VerifyResult, bounded, relation};

/// Candidates that are explained; each takes up to a hundred readings.
const EXPLAINED: usize = 50;

/// Gives verdicts.
pub(super) async fn verify(State(service): State<Arc<Service>>, ask: Ask) -> Result<Response, Failure> {
    let request: VerifyRequest = ask.json()?;
    check_query(&service, &request.query)?;
    let bound = request.max_false_accepts;
    if bound.is_some_and(|bound| !(0.0..=1.0).contains(&bound)) {
        return Err(Failure::invalid("`max_false_accepts` is from 0 to 1"));
    }
    let asked = relation(request.relation);
    let rules = match (request.passages == Some(true), asked) {
        (false, _) => Rules::Texts(asked),
        (true, reader::Relation::Support) => Rules::Passages,
        (true, reader::Relation::Equivalence) => {
            return Err(Failure::invalid("of `passages` only `support` can be asked"));
        }
    };
    let (ids, texts): (Vec<Option<String>>, Vec<String>) =
        request.candidates.into_iter().map(CandidateInput::into_parts).unzip();
    check_texts(&service, "candidates", &texts)?;
    let characters = request.query.chars().count() + characters(&texts);
    let question = Question { query: request.query.clone(), candidates: texts.clone() };
    let (mut verifications, mut cost) = read(&service, &ask, rules, vec![question], characters).await?;
    let verifications = verifications.pop().unwrap_or_default();
    let calibrated = match service.calibrated.as_ref().filter(|_| matches!(rules, Rules::Texts(_))) {
        Some(calibrated) if calibrated.calibration().relation == asked => {
            let segment = request.segment.as_deref();
            let verdicts = by_calibration(&service, &ask, calibrated, &request.query, &texts, &verifications, segment);
            let (verdicts, computed) = verdicts.await?;
            cost.computed += computed;
            verdicts.into_iter().map(Some).collect()
        }
        _ => vec![None; texts.len()],
    };
    let mut evidence = match request.evidence {
        Some(true) => {
            let (evidence, computed) = explained(&service, &ask, &request.query, &texts, &verifications, asked).await?;
            cost.computed += computed;
            evidence.into_iter().map(|it| Some(it.as_ref().map(TokenPair::of).unwrap_or_default())).collect()
        }
        _ => vec![None; texts.len()],
    }
    .into_iter();
    let results: Vec<VerifyResult> = verifications
        .iter()
        .zip(ids)
        .zip(&texts)
        .zip(&calibrated)
        .enumerate()
        .map(|(index, (((verification, id), text), calibrated))| VerifyResult {
            index,
            id,
            outcome: match calibrated {
                Some(verdict) => bounded(Outcome::ruled(verification, verdict.decided.ruling), bound),
                None => bounded(Outcome::from(verification), bound),
            },
            window: TextWindow::of(text, verification),
            evidence: evidence.next().flatten(),
            calibrated: calibrated.as_ref().map(|it| CalibratedResult::new(it, request.segment.as_deref())),
        })
        .collect();
    let verified = results.iter().any(|result| matches!(result.outcome, Outcome::Accept(_)));
    let relation = request.relation.unwrap_or(Relation::Support);
    let answer = VerifyAnswer { query: request.query, relation, verified, results };
    Ok(ask.with_cost(Json(answer).into_response(), cost))
}

/// What the calibration says about each candidate.
async fn by_calibration(
    service: &Service,
    ask: &Ask,
    calibrated: &Calibrated,
    query: &str,
    texts: &[String],
    verifications: &[Verification],
    segment: Option<&str>,
) -> Result<(Vec<CalibratedVerdict>, Duration), Failure> {
    calibrated.check_segment(segment).map_err(|error| Failure::invalid(error.to_string()))?;
    let candidates: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (cosines, computed) = match calibrated.takes_cosine() {
        true => {
            let both = std::iter::once(query).chain(candidates.iter().copied()).map(str::to_owned).collect();
            let (vectors, cost) = encoded(service, ask, both, Role::Query).await?;
            let cosines =
                vectors.split_first().map(|(query, others)| others.iter().map(|it| cosine(query, it)).collect());
            (cosines, cost.computed)
        }
        false => (None::<Vec<f64>>, Duration::ZERO),
    };
    Ok((calibrated.decide_with(query, &candidates, verifications, cosines.as_deref(), segment), computed))
}

/// Why each was judged as it was, where there is a verdict, of the first ones.
async fn explained(
    service: &Service,
    ask: &Ask,
    query: &str,
    texts: &[String],
    verifications: &[Verification],
    relation: reader::Relation,
) -> Result<(Vec<Option<Explanation>>, Duration), Failure> {
    let has_verdict = |at: &usize| verifications[*at].verdict() != Verdict::Unverified;
    let places: Vec<usize> = (0..texts.len()).filter(has_verdict).take(EXPLAINED).collect();
    let pair = |at: &usize| {
        let window = verifications[*at].assessment().and_then(|read| texts[*at].get(read.window.clone()));
        (query.to_owned(), window.unwrap_or_default().to_owned())
    };
    let work = Explaining { relation, pairs: places.iter().map(pair).collect(), explained: Vec::new() };
    let done = service.explanations.submit(work, ask.deadline).await?;
    let mut all = vec![None; texts.len()];
    for (at, explanation) in places.into_iter().zip(done.answer) {
        all[at] = explanation;
    }
    Ok((all, done.computed))
}
