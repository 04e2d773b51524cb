//! `/rerank` in all its shapes, told apart by the body, and `/score`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use vetted::Verification;

use super::{characters, check_query, check_texts, new_id};
use crate::ask::{Ask, Cost};
use crate::error::Failure;
use crate::reading::{self, Question, Rules};
use crate::service::Service;
use crate::shapes::cohere::{self, Usage};
use crate::shapes::{score as score_of, tei};

/// Ranks documents. `texts` without `documents` is the shape of text-embeddings-inference.
pub(super) async fn rerank(State(service): State<Arc<Service>>, ask: Ask) -> Response {
    let body: Map<String, Value> = match ask.json() {
        Ok(body) => body,
        Err(failure) => return failure.into_response(),
    };
    let has = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    let is_tei = has("texts") && !has("documents");
    match is_tei {
        true => rerank_texts(&service, &ask, body).await.unwrap_or_else(Failure::into_tei_response),
        false => rerank_documents(&service, &ask, body).await.unwrap_or_else(Failure::into_response),
    }
}

async fn rerank_texts(service: &Service, ask: &Ask, body: Map<String, Value>) -> Result<Response, Failure> {
    let request: tei::RerankRequest =
        serde_json::from_value(Value::Object(body)).map_err(|error| Failure::of_json(&error))?;
    check_query(service, &request.query)?;
    check_texts(service, "texts", &request.texts)?;
    let (verifications, cost) = passages(service, ask, &request.query, &request.texts).await?;
    Ok(ask.with_cost(Json(request.ranks(&verifications)).into_response(), cost))
}

async fn rerank_documents(service: &Service, ask: &Ask, body: Map<String, Value>) -> Result<Response, Failure> {
    let mut request: cohere::RerankRequest =
        serde_json::from_value(Value::Object(body)).map_err(|error| Failure::of_json(&error))?;
    check_query(service, &request.query)?;
    let texts = request.texts()?;
    check_texts(service, "documents", &texts)?;
    let (verifications, cost) = passages(service, ask, &request.query, &texts).await?;
    let model = service.verifier.config().name.clone();
    let answer = cohere::RerankAnswer::new(&request, new_id(), model, &texts, &verifications, cost.tokens);
    Ok(ask.with_cost(Json(answer).into_response(), cost))
}

/// What is said about passages that somebody found for a query.
async fn passages(
    service: &Service,
    ask: &Ask,
    query: &str,
    texts: &[String],
) -> Result<(Vec<Verification>, Cost), Failure> {
    let question = Question { query: query.to_owned(), candidates: texts.to_vec() };
    let characters = query.chars().count() + characters(texts);
    let (mut verifications, cost) = read(service, ask, Rules::Passages, vec![question], characters).await?;
    Ok((verifications.pop().unwrap_or_default(), cost))
}

/// What is said about the candidates of questions.
pub(super) async fn read(
    service: &Service,
    ask: &Ask,
    rules: Rules,
    questions: Vec<Question>,
    characters: usize,
) -> Result<(Vec<Vec<Verification>>, Cost), Failure> {
    let done = reading::read(service, rules, questions, ask.deadline).await?;
    let cost = Cost { characters, tokens: done.answer.tokens, waited: done.waited, computed: done.computed };
    Ok((done.answer.verifications, cost))
}

/// Scores pairs.
pub(super) async fn score(State(service): State<Arc<Service>>, ask: Ask) -> Result<Response, Failure> {
    let mut request: tei::ScoreRequest = ask.json()?;
    let (queries, documents): (Vec<String>, Vec<String>) = request.pairs()?.into_iter().unzip();
    check_texts(&service, "text_1", &queries)?;
    check_texts(&service, "text_2", &documents)?;
    queries.iter().try_for_each(|query| check_query(&service, query))?;
    let characters = characters(&queries) + characters(&documents);
    let pair = |(query, document)| Question { query, candidates: vec![document] };
    let questions = queries.into_iter().zip(documents).map(pair).collect();
    let (verifications, cost) = read(&service, &ask, Rules::Passages, questions, characters).await?;
    let score = |(index, verification)| tei::Score { index, object: "score", score: score_of(verification) };
    let answer = tei::ScoreAnswer {
        id: new_id(),
        object: "list",
        created: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
        model: service.verifier.config().name.clone(),
        data: verifications.iter().flatten().enumerate().map(score).collect(),
        usage: Usage { prompt_tokens: cost.tokens, total_tokens: cost.tokens },
    };
    Ok(ask.with_cost(Json(answer).into_response(), cost))
}
