//! Embeddings, as OpenAI and as text-embeddings-inference write them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use vetted_encoder::Role;

use super::{characters, check_texts};
use crate::ask::{Ask, Cost};
use crate::embedding::{Embedded, Embedding};
use crate::error::Failure;
use crate::service::Service;
use crate::shapes::openai::{EmbeddingsAnswer, EmbeddingsRequest};
use crate::shapes::{tei::EmbedRequest, texts};

/// `/v1/embeddings`.
pub(super) async fn openai(State(service): State<Arc<Service>>, ask: Ask) -> Result<Response, Failure> {
    let request: EmbeddingsRequest = ask.json()?;
    let texts = texts("input", request.input)?;
    check_dimensions(&service, request.dimensions)?;
    let (vectors, cost) = embed(&service, &ask, "input", texts).await?;
    let (format, model) = (request.encoding_format.unwrap_or_default(), service.encoder.folder().name.clone());
    let answer = EmbeddingsAnswer::new(vectors, format, model, cost.tokens);
    Ok(ask.with_cost(Json(answer).into_response(), cost))
}

/// `/embed`.
pub(super) async fn tei(State(service): State<Arc<Service>>, ask: Ask) -> Response {
    embedded(&service, &ask).await.unwrap_or_else(Failure::into_tei_response)
}

async fn embedded(service: &Service, ask: &Ask) -> Result<Response, Failure> {
    let request: EmbedRequest = ask.json()?;
    let texts = texts("inputs", request.inputs)?;
    check_dimensions(service, request.dimensions)?;
    let (vectors, cost) = embed(service, ask, "inputs", texts).await?;
    Ok(ask.with_cost(Json(vectors).into_response(), cost))
}

/// Only models that were trained for it can be cut.
fn check_dimensions(service: &Service, dimensions: Option<u32>) -> Result<(), Failure> {
    let own = service.encoder.dimensions();
    match dimensions {
        Some(dimensions) if dimensions as usize != own => {
            Err(Failure::invalid(format!("this model's vectors have {own} dimensions: leave `dimensions` out")))
        }
        _ => Ok(()),
    }
}

async fn embed(
    service: &Service,
    ask: &Ask,
    field: &str,
    texts: Vec<String>,
) -> Result<(Vec<Vec<f32>>, Cost), Failure> {
    check_texts(service, field, &texts)?;
    encoded(service, ask, texts, Role::Document).await
}

/// The vectors of texts that were looked at, and what they cost.
pub(super) async fn encoded(
    service: &Service,
    ask: &Ask,
    texts: Vec<String>,
    role: Role,
) -> Result<(Vec<Vec<f32>>, Cost), Failure> {
    let characters = characters(&texts);
    let work = Embedding { texts, role, most_tokens: service.settings.limits.tokens, done: Embedded::default() };
    let done = service.embeddings.submit(work, ask.deadline).await?;
    let tokens = done.answer.tokens.unwrap_or(0);
    Ok((done.answer.vectors, Cost { characters, tokens, waited: done.waited, computed: done.computed }))
}
