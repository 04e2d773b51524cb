//! What every request passes before its route: who may ask, which web pages may, and what is counted and logged.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use opentelemetry::Context;
use opentelemetry::trace::FutureExt;

use crate::ask::pass_over;
use crate::auth::Caller;
use crate::error::{Code, Failure};
use crate::service::Service;
use crate::telemetry::Telemetry;

/// How long the body of somebody who is refused is read, so that the answer can be.
const PATIENCE: Duration = Duration::from_secs(2);

/// Refuses web pages of others, and whoever has no key.
pub(crate) async fn check(State(service): State<Arc<Service>>, mut request: Request, next: Next) -> Response {
    let open = is_open(request.uri().path());
    let checked = check_page(&service, request.headers(), request.uri()).and_then(|()| match &service.keys {
        Some(keys) if !open => keys.caller(request.headers()),
        _ => Ok(Caller::anybody()),
    });
    match checked {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(failure) => {
            // Whoever is refused is not waited for long.
            let passed = pass_over(request.body_mut(), service.settings.limits.body_bytes);
            let _ = tokio::time::timeout(PATIENCE, passed).await;
            failure.into_response()
        }
    }
}

/// Who watches over a server has no key, and neither has who reads what it can do, nor the page that asks a person for one.
fn is_open(path: &str) -> bool {
    matches!(path, "/health" | "/health/live" | "/health/ready" | "/openapi.json") || crate::page::is_part(path)
}

/// A browser sends what any web page asks it to, and says which page it was. Pages on the machine itself may ask, those of the
/// server's own address, and those that it was told of. A server that asks for no keys also looks at the name that it is asked
/// for: a page whose name was made to mean this machine would else be its own address. On the machine itself nobody else has
/// another name for it; where it listens to others, programs do, and browsers are told by what they say of themselves.
fn check_page(service: &Service, headers: &HeaderMap, uri: &Uri) -> Result<(), Failure> {
    let settings = &service.settings;
    let asked =
        headers.get(header::HOST).and_then(|value| value.to_str().ok()).or(uri.authority().map(|it| it.as_str()));
    let of_page = headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site");
    if service.keys.is_none()
        && (settings.listen.ip().is_loopback() || of_page)
        && let Some(asked) = asked
        && !is_local(host(asked))
        // A number cannot be made to mean another machine.
        && (settings.listen.ip().is_loopback() || host(asked).parse::<IpAddr>().is_err())
        && !settings.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host(asked)))
    {
        return Err(Failure::new(
            Code::Forbidden,
            format!(
                "this server is not called {:?}: if it is, start it with --allow-host {}",
                host(asked),
                host(asked)
            ),
        ));
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let own = origin.split_once("://").map(|(_, authority)| authority);
    let allowed = own
        .is_some_and(|own| is_local(host(own)) || asked.is_some_and(|asked| asked.eq_ignore_ascii_case(own)))
        || settings.origins.iter().any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin));
    match allowed {
        true => Ok(()),
        false => Err(Failure::new(
            Code::Forbidden,
            format!(
                "web pages of {origin:?} may not ask this server: if they may, start it with --allow-origin {origin}"
            ),
        )),
    }
}

/// Without the port.
fn host(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_local(host: &str) -> bool {
    let named = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    named || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// That the client went away before the answer was there, as nginx has it.
const CLIENT_WENT_AWAY: u16 = 499;

/// Counts and logs a request, also where its client goes away.
pub(crate) async fn watch(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = method_name(request.method());
    let span = service.telemetry.as_ref().map(|it| it.request(method, &route, request.headers()));
    let mut watch = Watch {
        span: span.clone(),
        service,
        method,
        route,
        begun: Instant::now(),
        status: CLIENT_WENT_AWAY,
        code: None,
    };
    watch.service.metrics.begun();
    let mut response = match span {
        Some(span) => next.run(request).with_context(span).await,
        None => next.run(request).await,
    };
    watch.status = response.status().as_u16();
    watch.code = response.extensions().get::<Code>().copied();
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A method's name, as it is counted. Anybody may make up methods, and each would be counted for itself.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        "PUT" => "PUT",
        _ => "other",
    }
}

struct Watch {
    span: Option<Context>,
    service: Arc<Service>,
    method: &'static str,
    route: String,
    begun: Instant,
    status: u16,
    code: Option<Code>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let took: Duration = self.begun.elapsed();
        self.service.metrics.answered(self.method, &self.route, self.status, took);
        if let Some(span) = &self.span {
            Telemetry::answered(span, self.status, self.code);
        }
        tracing::info!(
            target: "vetted_server::requests",
            method = self.method,
            route = self.route,
            status = self.status,
            code = self.code.map(Code::name),
            ms = took.as_secs_f64() * 1e3,
            "answered"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_itself_has_these_names() {
        for (authority, local) in [
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("page.localhost:3000", true),
            ("127.0.0.1:8080", true),
            ("127.9.9.9", true),
            ("[::1]:8080", true),
            ("localhost.evil.example", false),
            ("evil.example:8080", false),
            ("10.0.0.1", false),
            ("[2001:db8::1]:8080", false),
            ("", false),
        ] {
            assert_eq!(is_local(host(authority)), local, "{authority}");
        }
    }
}
