//! `/v1/search`: a question to an index.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use vetted::wire::SearchAnswer;

use super::check_query;
use crate::ask::{Ask, Cost, IndexName};
use crate::error::{Code, Failure};
use crate::searching::find;
use crate::service::Service;
use crate::shapes::own::{SearchFound, SearchRequest};

/// Finds documents.
pub(super) async fn search(
    State(service): State<Arc<Service>>,
    IndexName(named): IndexName,
    ask: Ask,
) -> Result<Response, Failure> {
    let request: SearchRequest = ask.json()?;
    check_query(&service, &request.query)?;
    check_size(&service, &request)?;
    let index = service.index(&ask.caller, request.index.as_deref().or(named.as_deref()))?;
    let search = request.search(service.settings.limits.hits)?;
    let done = find(&service, index, &search, ask.deadline).await?;
    let found = done.answer;
    let cost =
        Cost { characters: request.query.chars().count(), tokens: 0, waited: done.waited, computed: done.computed };
    let answer = SearchFound { index: index.name.clone(), answer: SearchAnswer::new(None, &search, &found) };
    Ok(ask.with_cost(Json(answer).into_response(), cost))
}

/// Searches of one index share its thread: a query of a whole book would hold up everybody.
fn check_size(service: &Service, request: &SearchRequest) -> Result<(), Failure> {
    let bytes = request.query.len() + request.filters.iter().flatten().map(String::len).sum::<usize>();
    let most = service.settings.limits.search_bytes;
    match bytes > most {
        true => Err(Failure::new(
            Code::LimitExceeded,
            format!("query and filters have {bytes} bytes, and this server takes {most} of a search: ask for less"),
        )),
        false => Ok(()),
    }
}
