//! `/v1/search`: a question to an index.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use vetted::wire::SearchAnswer;

use super::check_query;
use crate::ask::{Ask, Cost};
use crate::error::Failure;
use crate::searching::find;
use crate::service::Service;
use crate::shapes::own::{SearchFound, SearchRequest};

/// Finds documents.
pub(super) async fn search(State(service): State<Arc<Service>>, ask: Ask) -> Result<Response, Failure> {
    let request: SearchRequest = ask.json()?;
    check_query(&service, &request.query)?;
    let index = service.index(&ask.caller, request.index.as_deref())?;
    let search = request.search(service.settings.limits.hits)?;
    let done = find(&service, index, &search, ask.deadline).await?;
    let found = done.answer;
    let cost =
        Cost { characters: request.query.chars().count(), tokens: 0, waited: done.waited, computed: done.computed };
    let answer = SearchFound { index: index.name.clone(), answer: SearchAnswer::new(None, &search, &found) };
    Ok(ask.with_cost(Json(answer).into_response(), cost))
}
