//! `/mcp`: the protocol's streamable HTTP, without sessions.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use http_body_util::Full;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};

use super::handler::{Tools, Until};
use super::opening::Opening;
use crate::ask::Ask;
use crate::service::Service;

type Mcp = StreamableHttpService<Tools, NeverSessionManager>;

/// The route. Keys, names and origins are checked before it, as for every other route (`guard`).
pub(crate) fn route(service: &Arc<Service>) -> MethodRouter<Arc<Service>> {
    let tools = Tools::over(Opening::of(service.clone()));
    let config = StreamableHttpServerConfig::default()
        // Nothing is kept between two requests of clients that begin with `initialize` either.
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_max_request_body_bytes(service.settings.limits.body_bytes);
    let mcp = Mcp::new(move || Ok(tools.clone()), Arc::default(), config);
    any(move |State(service): State<Arc<Service>>, request: Request| answer(service, mcp.clone(), request))
}

async fn answer(service: Arc<Service>, mcp: Mcp, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // The body is read within the server's bounds, and counts against them until it is answered.
    let ask = match Ask::from_request(Request::from_parts(parts.clone(), body), &service).await {
        Ok(ask) => ask,
        Err(failure) => return failure.into_response(),
    };
    let mut request = Request::from_parts(parts, Full::new(ask.body()));
    request.extensions_mut().insert(Until(ask.deadline));
    mcp.handle(request).await.map(Body::new)
}
