//! What is asked for under which path. Each file reads a request, puts its work into a queue, and writes the answer.

mod cache;
mod documents;
mod embeddings;
mod explain;
mod health;
mod langcache;
mod openapi;
mod predict;
mod rerank;
mod search;
mod verify;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::routing::{delete, get, post};

use crate::error::{Code, Failure};
use crate::service::Service;

pub(crate) use langcache::tell_problems as tell_langcache_problems;

/// Rerank's paths. Clients of Cohere append `v1/rerank` or `v2/rerank` to whatever their users typed.
const RERANK: [&str; 13] = [
    "/rerank",
    "/v1/rerank",
    "/v2/rerank",
    "/reranking",
    "/v1/reranking",
    "/v1/v1/rerank",
    "/v1/v2/rerank",
    "/v2/v1/rerank",
    "/v2/v2/rerank",
    "/rerank/v1/rerank",
    "/rerank/v2/rerank",
    "/v1/rerank/v1/rerank",
    "/v1/rerank/v2/rerank",
];

/// All routes.
pub(crate) fn router(service: Arc<Service>) -> Router {
    let mut router = Router::new();
    for path in RERANK {
        router = router.route(path, post(rerank::rerank));
    }
    router
        .route("/score", post(rerank::score))
        .route("/v1/score", post(rerank::score))
        .route("/predict", post(predict::predict))
        .route("/v1/verify", post(verify::verify))
        .route("/v1/explain", post(explain::explain))
        .route("/v1/search", post(search::search))
        .route("/v1/documents", post(documents::upsert).delete(documents::delete_many))
        .route("/v1/documents/{*id}", get(documents::get).delete(documents::delete))
        .route("/v1/indexes", get(documents::indexes))
        .route("/v1/cache", get(cache::list))
        .route("/v1/cache/{name}/lookup", post(cache::lookup))
        .route("/v1/cache/{name}/explain", post(cache::explain))
        .route("/v1/cache/{name}/entries", post(cache::store).delete(cache::remove_many))
        .route("/v1/cache/{name}/entries/{id}", get(cache::get).patch(cache::update).delete(cache::remove))
        .route("/v1/cache/{name}/clear", post(cache::clear))
        .route("/v1/cache/{name}/feedback", post(cache::feedback))
        .route("/v1/caches/{cacheId}/entries/search", post(langcache::search))
        .route("/v1/caches/{cacheId}/conversations/search", post(langcache::search_conversation))
        .route("/v1/caches/{cacheId}/entries", post(langcache::set).delete(langcache::delete_query))
        .route("/v1/caches/{cacheId}/entries/{entryId}", delete(langcache::delete))
        .route("/v1/caches/{cacheId}/flush", post(langcache::flush))
        .route("/v1/embeddings", post(embeddings::openai))
        .route("/embeddings", post(embeddings::openai))
        .route("/embed", post(embeddings::tei))
        .route("/mcp", crate::mcp::route(&service))
        .route("/info", get(health::info))
        .route("/v1/models", get(health::models))
        .route("/health", get(health::live))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi::openapi))
        .merge(crate::page::routes())
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        // Bodies are bounded where they are read.
        .layer(DefaultBodyLimit::disable())
        .with_state(service)
}

async fn unknown(uri: Uri) -> Failure {
    Failure::new(Code::NotFound, format!("there is no route {}: /openapi.json lists what there is", uri.path()))
}

async fn other_method(method: Method, uri: Uri) -> Failure {
    Failure::new(
        Code::MethodNotAllowed,
        format!("{} has no method {method}: /openapi.json lists what there is", uri.path()),
    )
}

/// Refuses more texts than the server takes, longer ones, and none.
pub(crate) fn check_texts(service: &Service, field: &str, texts: &[String]) -> Result<(), Failure> {
    let limits = &service.settings.limits;
    let refused = |message| Err(Failure::new(Code::LimitExceeded, message));
    if texts.is_empty() {
        return Err(Failure::invalid(format!("`{field}` is empty: give at least one")));
    }
    if texts.len() > limits.texts {
        return refused(format!(
            "`{field}` has {}, and this server takes {} in one request: send them in parts",
            texts.len(),
            limits.texts
        ));
    }
    match texts.iter().position(|text| text.len() > limits.text_bytes) {
        None => Ok(()),
        Some(at) => refused(format!(
            "`{field}[{at}]` has {} bytes, and this server takes {} of one text: cut it into passages",
            texts[at].len(),
            limits.text_bytes
        )),
    }
}

/// Refuses a query that is empty or too long.
fn check_query(service: &Service, query: &str) -> Result<(), Failure> {
    check_text(service, "query", query)
}

/// Refuses a text that is empty or too long.
fn check_text(service: &Service, field: &str, text: &str) -> Result<(), Failure> {
    let most = service.settings.limits.text_bytes;
    match text {
        text if text.trim().is_empty() => {
            Err(Failure::invalid(format!("`{field}` is empty: give it at least one word")))
        }
        text if text.len() > most => Err(Failure::new(
            Code::LimitExceeded,
            format!("`{field}` has {} bytes, and this server takes {most} of one text", text.len()),
        )),
        _ => Ok(()),
    }
}

fn characters<'a>(texts: impl IntoIterator<Item = &'a String>) -> usize {
    texts.into_iter().map(|text| text.chars().count()).sum()
}

/// An id for an answer, as clients keep them in logs.
fn new_id() -> String {
    use std::hash::{BuildHasher, RandomState};
    // The standard library's hasher is seeded at random for each thread, and with another number each time.
    format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(1))
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_differ() {
        let ids: std::collections::HashSet<String> = (0..1_000).map(|_| super::new_id()).collect();
        assert_eq!(ids.len(), 1_000);
    }
}
