//! What can be seen of a server from outside: whether it lives, what it serves, what it counts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::{Code, Failure};
use crate::service::Service;
use crate::shapes::openai::{ModelEntry, ModelsAnswer};

/// Whether the process answers.
pub(super) async fn live() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// Whether it takes work.
pub(super) async fn ready(State(service): State<Arc<Service>>) -> Result<Response, Failure> {
    match service.is_stopping() {
        true => Err(Failure::new(Code::Unavailable, "the server is shutting down")),
        false => Ok(Json(json!({ "status": "ok" })).into_response()),
    }
}

/// Counters, for Prometheus.
pub(super) async fn metrics(State(service): State<Arc<Service>>) -> Result<Response, Failure> {
    let text = service
        .metrics
        .text()
        .map_err(|error| Failure::new(Code::Internal, format!("cannot write metrics: {error}")))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// What text-embeddings-inference says of itself.
pub(super) async fn info(State(service): State<Arc<Service>>) -> Response {
    let limits = &service.settings.limits;
    let config = service.verifier.config();
    Json(json!({
        "model_id": config.name,
        "model_sha": null,
        "model_dtype": format!("{:?}", service.encoder.precision()).to_lowercase(),
        "served_model_name": config.name,
        "model_type": { "reranker": {
            "id2label": { "0": "match", "1": "conflict", "2": "neutral" },
            "label2id": { "match": 0, "conflict": 1, "neutral": 2 },
        } },
        "max_concurrent_requests": limits.queue,
        "max_input_length": config.encoder.max_tokens,
        "max_batch_tokens": limits.tokens,
        "max_batch_requests": null,
        "max_client_batch_size": limits.texts,
        "auto_truncate": true,
        "tokenization_workers": service.verifier.compute().threads(),
        "version": env!("CARGO_PKG_VERSION"),
        "sha": null,
        "docker_label": null,
    }))
    .into_response()
}

/// The models, as OpenAI lists them.
pub(super) async fn models(State(service): State<Arc<Service>>) -> Response {
    let entry = |id: String| ModelEntry { id, object: "model", created: 0, owned_by: "vetted" };
    let data = vec![entry(service.verifier.config().name.clone()), entry(service.encoder.folder().name.clone())];
    Json(ModelsAnswer { object: "list", data }).into_response()
}
