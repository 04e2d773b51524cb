//! `/v1/explain`: two texts, the verdict, and how their tokens meet.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use vetted::wire::{Outcome, Relation};

use super::rerank::read;
use super::{check_query, check_texts};
use crate::ask::Ask;
use crate::error::Failure;
use crate::reading::{Explaining, Question, Rules};
use crate::service::Service;
use crate::shapes::own::{ExplainAnswer, ExplainRequest, TextWindow, TokenMap, relation};

/// Explains the verdict on a pair.
pub(super) async fn explain(State(service): State<Arc<Service>>, ask: Ask) -> Result<Response, Failure> {
    let ExplainRequest { query, candidate, relation: asked } = ask.json()?;
    check_query(&service, &query)?;
    let candidates = vec![candidate];
    check_texts(&service, "candidate", &candidates)?;
    let characters = query.chars().count() + super::characters(&candidates);
    let (rules, candidate) = (Rules::Texts(relation(asked)), candidates[0].clone());
    let question = Question { query: query.clone(), candidates };
    let (verifications, mut cost) = read(&service, &ask, rules, vec![question], characters).await?;
    let Some(verification) = verifications.into_iter().flatten().next() else {
        return Err(Failure::new(crate::Code::Internal, "the verifier said nothing about the candidate"));
    };
    let window = TextWindow::of(&candidate, &verification);
    let mut map = None;
    if let Some(window) = &window {
        let pairs = vec![(query.clone(), window.text.clone())];
        let work = Explaining { relation: relation(asked), pairs, explained: Vec::new() };
        let done = service.explanations.submit(work, ask.deadline).await?;
        cost.computed += done.computed;
        map = done.answer.iter().flatten().next().map(TokenMap::new);
    }
    let (relation, outcome) = (asked.unwrap_or(Relation::Support), Outcome::from(&verification));
    let answer = ExplainAnswer { query, candidate, relation, outcome, window, map };
    Ok(ask.with_cost(Json(answer).into_response(), cost))
}
