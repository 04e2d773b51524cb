//! `/v1/caches/{cacheId}/...`: the LangCache REST API, so that its clients switch by URL.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use vetted_cache::VolatileRule;

use super::cache::{Named, answered, changed, check_count, check_prompt, keep, mistaken, named, writable};
use crate::ask::Ask;
use crate::caching::{Changing, Looking, Storing};
use crate::error::Failure;
use crate::service::Service;
use crate::shapes::cache::{entry_id, pairs, scope, strategies};
use crate::shapes::langcache::{
    CacheEntry, DeleteAnswer, DeleteRequest, SearchAnswer, SearchRequest, SetAnswer, SetRequest, least_cosine, problem,
    stands_alone,
};

/// Where all of it is.
const PREFIX: &str = "/v1/caches/";

/// Whatever goes wrong on these paths, also before a route is found, is told as LangCache tells it.
pub(crate) async fn tell_problems(request: Request, next: Next) -> Response {
    let is_own = request.uri().path().starts_with(PREFIX);
    let response = next.run(request).await;
    match response.extensions().get::<Failure>() {
        Some(failure) if is_own => problem(failure),
        _ => response,
    }
}

/// Looks for what may be served.
pub(super) async fn search(
    State(service): State<Arc<Service>>,
    name: Named<String>,
    ask: Ask,
) -> Result<Response, Failure> {
    let (name, request) = (named(name)?, ask.json::<SearchRequest>()?);
    let data = found(&service, &name, request, &ask).await?;
    Ok(Json(SearchAnswer { actual_prompt: None, data }).into_response())
}

/// The same in a conversation: nothing for a prompt that cannot be understood without what was asked before.
pub(super) async fn search_conversation(
    State(service): State<Arc<Service>>,
    name: Named<String>,
    ask: Ask,
) -> Result<Response, Failure> {
    let (name, request) = (named(name)?, ask.json::<SearchRequest>()?);
    let actual_prompt = Some(request.prompt.clone());
    let has_context = request.context.as_ref().is_some_and(|context| !context.is_empty());
    let alone = !has_context || stands_alone(&request.prompt);
    let data = match alone {
        true => found(&service, &name, request, &ask).await?,
        false => {
            service.cache(&ask.caller, &name)?;
            check_prompt(&service, &request.prompt)?;
            Vec::new()
        }
    };
    Ok(Json(SearchAnswer { actual_prompt, data }).into_response())
}

async fn found(service: &Service, name: &str, request: SearchRequest, ask: &Ask) -> Result<Vec<CacheEntry>, Failure> {
    let cache = service.cache(&ask.caller, name)?;
    check_prompt(service, &request.prompt)?;
    let looking = Looking {
        scope: scope(&cache.name, None)?,
        prompt: request.prompt,
        attributes: pairs("attributes", request.attributes)?,
        strategies: strategies(request.search_strategies.as_deref())?,
        least_cosine: least_cosine(request.similarity_threshold)?,
        most: check_count("maxResults", request.max_results)?,
        sources: None,
        volatile: VolatileRule::Guarded,
        explain: false,
    };
    let answer = answered(cache, looking, ask).await?;
    Ok(match &answer.outcome {
        vetted_cache::Outcome::Hit(hits) => hits.iter().map(CacheEntry::from).collect(),
        vetted_cache::Outcome::Miss(_) => Vec::new(),
    })
}

/// Keeps a response.
pub(super) async fn set(
    State(service): State<Arc<Service>>,
    name: Named<String>,
    ask: Ask,
) -> Result<Response, Failure> {
    let cache = writable(&service, &ask, &named(name)?)?;
    let SetRequest { prompt, response, attributes, ttl_millis } = ask.json()?;
    check_prompt(&service, &prompt)?;
    let storing = Storing {
        scope: scope(&cache.name, None)?,
        prompt,
        response,
        attributes: pairs("attributes", attributes)?,
        id: None,
        ttl: ttl_millis.map(Duration::from_millis),
        sources: Vec::new(),
        volatile: false,
        cost: None,
    };
    let stored = keep(cache, vec![storing], &ask).await?;
    let entry_id = stored.into_iter().next().ok_or_else(mistaken)?.id.to_string();
    Ok((StatusCode::CREATED, Json(SetAnswer { entry_id })).into_response())
}

/// Removes an entry, whether it is there or not.
pub(super) async fn delete(
    State(service): State<Arc<Service>>,
    path: Named<(String, String)>,
    ask: Ask,
) -> Result<Response, Failure> {
    let (name, id) = named(path)?;
    let cache = writable(&service, &ask, &name)?;
    let work = Changing::Remove(scope(&cache.name, None)?, vec![entry_id(&id)?]);
    changed(cache, work, &ask).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Removes entries by their attributes.
pub(super) async fn delete_query(
    State(service): State<Arc<Service>>,
    name: Named<String>,
    ask: Ask,
) -> Result<Response, Failure> {
    let cache = writable(&service, &ask, &named(name)?)?;
    let DeleteRequest { attributes } = ask.json()?;
    let attributes = pairs("attributes", Some(attributes))?;
    if attributes.is_empty() {
        return Err(Failure::invalid("`attributes` is empty: give at least one, or flush the cache"));
    }
    let work = Changing::RemoveWhere(scope(&cache.name, None)?, attributes);
    let deleted_entries_count = changed(cache, work, &ask).await?;
    Ok(Json(DeleteAnswer { deleted_entries_count }).into_response())
}

/// Removes all entries.
pub(super) async fn flush(
    State(service): State<Arc<Service>>,
    name: Named<String>,
    ask: Ask,
) -> Result<Response, Failure> {
    let cache = writable(&service, &ask, &named(name)?)?;
    changed(cache, Changing::Clear(scope(&cache.name, None)?), &ask).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
