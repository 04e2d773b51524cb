//! A request as routes take it: its body read within bounds, who asks, and until when.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use crate::auth::Caller;
use crate::error::{Code, Failure};
use crate::metrics::Metrics;
use crate::service::Service;

/// A request with its whole body.
pub(crate) struct Ask {
    pub(crate) caller: Caller,
    pub(crate) deadline: Instant,
    begun: Instant,
    body: Bytes,
    _held: Held,
}

/// A request whose body is read bit by bit.
pub(crate) struct StreamedAsk {
    pub(crate) caller: Caller,
    pub(crate) headers: HeaderMap,
    /// How long each change may take that the body asks for.
    pub(crate) timeout: Duration,
    pub(crate) body: Body,
}

/// Bytes of bodies that count against the server's bound, until this is dropped.
pub(crate) struct Held {
    permit: Option<OwnedSemaphorePermit>,
    metrics: Arc<Metrics>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let bytes = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        self.metrics.bytes_held(-(bytes as i64));
    }
}

impl Held {
    pub(crate) fn nothing(service: &Service) -> Held {
        Held { permit: None, metrics: service.metrics.clone() }
    }

    /// Counts what JSON takes once it is parsed.
    ///
    /// # Errors
    /// When the server holds as much as it can, or could never hold as much.
    pub(crate) fn take_parsed(&mut self, service: &Service, json: &[u8]) -> Result<(), Failure> {
        let count = || parsed_bytes(json);
        let bytes = if json.len() > LARGE { tokio::task::block_in_place(count) } else { count() };
        let most = service.settings.limits.bytes_in_flight;
        if bytes > most {
            return Err(Failure::new(
                Code::LimitExceeded,
                format!(
                    "parsed, the body would take about {} MiB, and this server holds {} MiB of all: send it in parts",
                    bytes >> 20,
                    most >> 20
                ),
            ));
        }
        self.take(service, bytes)
    }

    /// Counts so many bytes more.
    ///
    /// # Errors
    /// When the server holds as much as it can.
    pub(crate) fn take(&mut self, service: &Service, bytes: usize) -> Result<(), Failure> {
        let full = || Failure::overloaded("the server holds as many request bodies as it can: try again later", 1);
        let count = u32::try_from(bytes).map_err(|_| full())?;
        let more = service.body_bytes.clone().try_acquire_many_owned(count).map_err(|_| full())?;
        self.metrics.bytes_held(bytes as i64);
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}

/// The index that a path names behind `?index=`.
pub(crate) struct IndexName(pub(crate) Option<String>);

/// The document's id in a path.
pub(crate) struct DocumentId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for IndexName {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<IndexName, Failure> {
        #[derive(Deserialize)]
        struct Named {
            #[serde(default)]
            index: Option<String>,
        }
        let named = Query::<Named>::try_from_uri(&parts.uri).map_err(|error| Failure::invalid(error.body_text()))?;
        Ok(IndexName(named.0.index))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DocumentId {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<DocumentId, Failure> {
        let id = Path::<String>::from_request_parts(parts, state).await;
        id.map(|Path(id)| DocumentId(id)).map_err(|error| Failure::invalid(error.body_text()))
    }
}

/// In which milliseconds a request says how long it waits.
const TIMEOUT: &str = "x-request-timeout-ms";
/// How long somebody is listened to whose body is not taken.
const PATIENCE: Duration = Duration::from_secs(2);
/// What a parsed value takes in an array that grows, and an object with its first field, in bytes.
const VALUE: usize = 128;
const OBJECT: usize = 640;
/// A body of so many bytes takes milliseconds to parse.
const LARGE: usize = 128 << 10;

impl FromRequest<Arc<Service>> for Ask {
    type Rejection = Failure;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Ask, Failure> {
        let begun = Instant::now();
        let (parts, body) = request.into_parts();
        let timeout = timeout(&parts.headers, service)?;
        let caller = parts.extensions.get::<Caller>().cloned().unwrap_or_else(Caller::anybody);
        let limits = &service.settings.limits;
        let body = check_length(&parts.headers, body, limits.body_bytes).await?;
        let (body, mut held) = tokio::time::timeout(limits.read_timeout, read(body, service))
            .await
            .map_err(|_| slow(limits.read_timeout))??;
        held.take_parsed(service, &body)?;
        // The time that the client took to send its request is its own.
        Ok(Ask { caller, deadline: Instant::now() + timeout, begun, body, _held: held })
    }
}

impl FromRequest<Arc<Service>> for StreamedAsk {
    type Rejection = Failure;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<StreamedAsk, Failure> {
        let (parts, body) = request.into_parts();
        let timeout = timeout(&parts.headers, service)?;
        let caller = parts.extensions.get::<Caller>().cloned().unwrap_or_else(Caller::anybody);
        Ok(StreamedAsk { caller, headers: parts.headers, timeout, body })
    }
}

fn timeout(headers: &HeaderMap, service: &Service) -> Result<Duration, Failure> {
    let Some(value) = headers.get(TIMEOUT) else { return Ok(service.settings.limits.timeout) };
    let milliseconds = value.to_str().ok().and_then(|value| value.trim().parse::<u64>().ok());
    match milliseconds {
        Some(milliseconds @ 1..=86_400_000) => Ok(Duration::from_millis(milliseconds)),
        _ => Err(Failure::invalid("X-Request-Timeout-Ms is not a number of milliseconds from 1 to 86400000")),
    }
}

/// Refuses a body that says that it is too large, before it is sent.
async fn check_length(headers: &HeaderMap, mut body: Body, most: usize) -> Result<Body, Failure> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_none_or(|length| length <= most as u64) {
        return Ok(body);
    }
    // Whoever asks first has sent nothing yet. Of others some is passed over, so that they read the answer.
    if !headers.contains_key(header::EXPECT) {
        let _ = tokio::time::timeout(PATIENCE, pass_over(&mut body, most)).await;
    }
    Err(too_large(most))
}

/// What a body takes beside its own bytes once it is parsed: its texts, twice, and its values. A few bytes can be a value of
/// many: `{}` is a table.
fn parsed_bytes(json: &[u8]) -> usize {
    let (mut values, mut objects, mut in_text, mut escaped) = (0, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b',' | b'[' => values += 1,
            b'{' => objects += 1,
            _ => {}
        }
    }
    2 * json.len() + values * VALUE + objects * OBJECT
}

async fn read(mut body: Body, service: &Service) -> Result<(Bytes, Held), Failure> {
    let most = service.settings.limits.body_bytes;
    let mut held = Held::nothing(service);
    let mut read = Vec::new();
    while let Some(data) = next_data(&mut body).await? {
        let taken = match read.len() + data.len() > most {
            true => Err(too_large(most)),
            false => held.take(service, data.len()),
        };
        if let Err(failure) = taken {
            drop((held, read));
            pass_over(&mut body, most).await;
            return Err(failure);
        }
        read.extend_from_slice(&data);
    }
    Ok((read.into(), held))
}

/// Reads the rest of a body, keeping nothing: a client that is still sending reads no answer, it only sees its connection end.
/// What is much larger than the server takes is not waited for.
pub(crate) async fn pass_over(body: &mut Body, most: usize) {
    let mut passed = 0;
    while passed <= most.saturating_mul(4) {
        match next_data(body).await {
            Ok(Some(data)) => passed += data.len(),
            Ok(None) | Err(_) => return,
        }
    }
}

/// The next bytes of a body; none at its end.
pub(crate) async fn next_data(body: &mut Body) -> Result<Option<Bytes>, Failure> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Failure::new(Code::InvalidJson, format!("the body ended before it was all there: {error}"))
        })?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// That a body took too long.
pub(crate) fn slow(limit: Duration) -> Failure {
    Failure::new(Code::BodyTimeout, format!("the body took longer than {} s to arrive", limit.as_secs_f64()))
}

/// That a body, or a line of one, is too large.
pub(crate) fn too_large(most: usize) -> Failure {
    Failure::new(Code::BodyTooLarge, format!("the body has more than {most} bytes: send it in parts"))
}

impl Ask {
    /// The body, as this route takes it.
    ///
    /// # Errors
    /// When it is not that.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let parse = || serde_json::from_slice(&self.body).map_err(|error| Failure::of_json(&error));
        match self.body.len() > LARGE {
            true => tokio::task::block_in_place(parse),
            false => parse(),
        }
    }

    /// The body, as it came.
    pub(crate) fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// Whether the body is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// Says in `response` what the answer cost, as text-embeddings-inference does.
    pub(crate) fn with_cost(&self, mut response: Response, cost: Cost) -> Response {
        let headers = response.headers_mut();
        let milliseconds = |time: Duration| HeaderValue::from(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        headers.insert("x-compute-type", HeaderValue::from_static("cpu"));
        headers.insert("x-compute-characters", HeaderValue::from(cost.characters as u64));
        headers.insert("x-compute-tokens", HeaderValue::from(cost.tokens as u64));
        headers.insert("x-compute-time", milliseconds(cost.waited + cost.computed));
        headers.insert("x-queue-time", milliseconds(cost.waited));
        headers.insert("x-inference-time", milliseconds(cost.computed));
        headers.insert("x-total-time", milliseconds(self.begun.elapsed()));
        response
    }
}

/// What an answer cost.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    /// Characters of its texts.
    pub(crate) characters: usize,
    /// Their tokens.
    pub(crate) tokens: usize,
    /// How long it waited in line.
    pub(crate) waited: Duration,
    /// How long it was computed.
    pub(crate) computed: Duration,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_is_parsed_takes_no_more_than_was_counted() {
        assert_eq!(parsed_bytes(br#"{"a": "{[,\"{,", "b": [1, 2]}"#), 2 * 29 + 3 * VALUE + OBJECT);
        // Of what the parser itself allocates, values are the only part that is much larger than its text.
        assert!(2 * size_of::<Value>() <= VALUE + 16 && size_of::<Value>() < OBJECT / 8);
    }
}
