//! `/v1/verify`: one query, its candidates, and a verdict on each.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use vetted::wire::{Outcome, Relation, TokenPair};
use vetted::{Explanation, Verdict, Verification, reader};

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
        .enumerate()
        .map(|(index, ((verification, id), text))| VerifyResult {
            index,
            id,
            outcome: bounded(Outcome::from(verification), bound),
            window: TextWindow::of(text, verification),
            evidence: evidence.next().flatten(),
        })
        .collect();
    let verified = results.iter().any(|result| matches!(result.outcome, Outcome::Accept(_)));
    let relation = request.relation.unwrap_or(Relation::Support);
    let answer = VerifyAnswer { query: request.query, relation, verified, results };
    Ok(ask.with_cost(Json(answer).into_response(), cost))
}

/// Why each was judged as it was, where there is a verdict, of the first ones.
async fn explained(
    service: &Service,
    ask: &Ask,
    query: &str,
    texts: &[String],
    verifications: &[Verification],
    relation: reader::Relation,
) -> Result<(Vec<Option<Explanation>>, std::time::Duration), Failure> {
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
