//! `/predict`: pairs of texts to match, conflict or neutral, as text-embeddings-inference serves a classifier.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use vetted::reader::Relation;

use super::rerank::read;
use super::{characters, check_texts};
use crate::ask::Ask;
use crate::error::Failure;
use crate::reading::{Question, Rules};
use crate::service::Service;
use crate::shapes::tei::{Pair, PredictAnswer, PredictRequest, predictions};

/// Classifies pairs.
pub(super) async fn predict(State(service): State<Arc<Service>>, ask: Ask) -> Response {
    classified(&service, &ask).await.unwrap_or_else(Failure::into_tei_response)
}

async fn classified(service: &Service, ask: &Ask) -> Result<Response, Failure> {
    let mut request: PredictRequest = ask.json()?;
    let (pairs, alone) = request.pairs()?;
    let (premises, hypotheses): (Vec<String>, Vec<String>) =
        pairs.into_iter().map(|Pair { premise, hypothesis }| (premise, hypothesis)).unzip();
    check_texts(service, "inputs", &premises)?;
    check_texts(service, "inputs", &hypotheses)?;
    let characters = characters(&premises) + characters(&hypotheses);
    let question = |(premise, query)| Question { query, candidates: vec![premise] };
    let questions = premises.into_iter().zip(hypotheses).map(question).collect();
    let rules = Rules::Texts(Relation::Support);
    let (verifications, cost) = read(service, ask, rules, questions, characters).await?;
    let all: Vec<_> = verifications.iter().flatten().map(|it| predictions(it, request.raw_scores)).collect();
    let answer = match all.as_slice() {
        [one] if alone => PredictAnswer::One(*one),
        _ => PredictAnswer::Many(all),
    };
    Ok(ask.with_cost(Json(answer).into_response(), cost))
}
