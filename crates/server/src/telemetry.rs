//! Traces and one metric for OpenTelemetry, by OTLP over HTTP: a span for each request, by the conventions for HTTP servers, and
//! within it one for each search, by the GenAI conventions (`gen_ai.retrieval`, open-telemetry/semantic-conventions-genai
//! v0.1.0), with its stages. What the environment says of OpenTelemetry (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`,
//! `OTEL_TRACES_SAMPLER`, `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_EXPORTER_OTLP_TIMEOUT`, `OTEL_BSP_*`) counts.

use std::time::{Duration, Instant, SystemTime};

use axum::http::HeaderMap;
use opentelemetry::metrics::{Histogram, MeterProvider as _};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, SpanKind, Status, TraceContextExt, Tracer, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use serde_json::json;
use vetted::{Found, Search};

use crate::error::{Code, Failure};
use crate::queue::Done;
use crate::searching::stages;

/// Where spans and measurements go.
pub(crate) struct Telemetry {
    tracer: SdkTracer,
    spans: SdkTracerProvider,
    durations: Histogram<f64>,
    metrics: SdkMeterProvider,
    /// Whether queries and what was found for them may be told.
    content: bool,
}

/// Whoever wants texts in traces sets this to `true`, as for other instrumentations of GenAI.
const CONTENT: &str = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";
/// How long what has not been sent may take when the server stops.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// And anything else that is sent.
const PATIENCE: Duration = Duration::from_secs(5);

impl Telemetry {
    /// Sends to the collector at `endpoint`: `http://127.0.0.1:4318`.
    ///
    /// # Errors
    /// When that is no address.
    pub(crate) fn start(endpoint: &str) -> Result<Telemetry, opentelemetry_otlp::ExporterBuildError> {
        let url = |signal| format!("{}/v1/{signal}", endpoint.trim_end_matches('/'));
        let spans = SpanExporter::builder().with_http().with_http_client(Post::new()).with_endpoint(url("traces"));
        let metrics = MetricExporter::builder().with_http().with_http_client(Post::new()).with_endpoint(url("metrics"));
        let resource = match std::env::var_os("OTEL_SERVICE_NAME") {
            Some(_) => Resource::builder(),
            None => Resource::builder().with_service_name("vetted"),
        };
        let resource = resource.with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))).build();
        let spans =
            SdkTracerProvider::builder().with_resource(resource.clone()).with_batch_exporter(spans.build()?).build();
        let metrics =
            SdkMeterProvider::builder().with_resource(resource).with_periodic_exporter(metrics.build()?).build();
        let durations = metrics
            .meter("vetted")
            .f64_histogram("gen_ai.retrieval.duration")
            .with_unit("s")
            .with_description("How long searches took")
            .with_boundaries(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
            .build();
        let content = std::env::var(CONTENT).is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        Ok(Telemetry { tracer: spans.tracer("vetted"), spans, durations, metrics, content })
    }

    /// Begins the span of a request, in the trace that its headers name.
    pub(crate) fn request(&self, method: &'static str, route: &str, headers: &HeaderMap) -> Context {
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
        let span = self
            .tracer
            .span_builder(format!("{method} {route}"))
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("http.request.method", method),
                KeyValue::new("http.route", route.to_owned()),
            ])
            .start_with_context(&self.tracer, &parent);
        parent.with_span(span)
    }

    /// Ends it. What a client did wrong is no error of the server's.
    pub(crate) fn answered(request: &Context, status: u16, code: Option<Code>) {
        let span = request.span();
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        if let Some(code) = code {
            span.set_attribute(KeyValue::new("error.type", code.name()));
        }
        if status >= 500 {
            span.set_status(Status::error(""));
        }
        span.end();
    }

    /// Tells of a search that began at `begun`, as a part of the request that is being answered.
    pub(crate) fn retrieved(
        &self,
        index: &str,
        search: &Search,
        begun: (SystemTime, Instant),
        outcome: &Result<Done<Found>, Failure>,
    ) {
        let common = [
            KeyValue::new("gen_ai.operation.name", "retrieval"),
            KeyValue::new("gen_ai.provider.name", "vetted"),
            KeyValue::new("gen_ai.data_source.id", index.to_owned()),
        ];
        let (start, took) = (begun.0, begun.1.elapsed());
        let mut span = self
            .tracer
            .span_builder(format!("retrieval {index}"))
            .with_kind(SpanKind::Internal)
            .with_start_time(start)
            .with_attributes(common.clone())
            .start(&self.tracer);
        span.set_attribute(KeyValue::new("gen_ai.retrieval.top_k", search.k as i64));
        if self.content {
            span.set_attribute(KeyValue::new("gen_ai.retrieval.query.text", search.text.clone()));
        }
        let mut measured = common.to_vec();
        match outcome {
            Ok(done) => {
                let found = &done.answer;
                span.set_attribute(KeyValue::new("vetted.verified", found.verified()));
                span.set_attribute(KeyValue::new("vetted.retrieval.hits", found.hits.len() as i64));
                span.set_attribute(KeyValue::new("vetted.retrieval.rejected", found.rejected.len() as i64));
                if self.content {
                    let documents: Vec<_> =
                        found.hits.iter().map(|hit| json!({ "id": hit.id, "score": hit.score })).collect();
                    span.set_attribute(KeyValue::new("gen_ai.retrieval.documents", json!(documents).to_string()));
                }
                let context = Context::current().with_remote_span_context(span.span_context().clone());
                self.stages(&context, start, done);
            }
            Err(failure) => {
                let error = KeyValue::new("error.type", failure.code.name());
                span.set_attribute(error.clone());
                measured.push(error);
                if failure.code.status().is_server_error() {
                    span.set_status(Status::error(""));
                }
            }
        }
        span.end_with_timestamp(start + took);
        self.durations.record(took.as_secs_f64(), &measured);
    }

    /// The stages, one after the other. Of searches that were answered together each has the time of all.
    fn stages(&self, search: &Context, start: SystemTime, done: &Done<Found>) {
        let mut at = start;
        for (stage, took) in [("wait", done.waited)].into_iter().chain(stages(&done.answer.timing)) {
            if !took.is_zero() {
                let span = self.tracer.span_builder(stage).with_start_time(at).start_with_context(&self.tracer, search);
                at += took;
                { span }.end_with_timestamp(at);
            }
        }
    }

    /// Sends what has not been sent.
    pub(crate) fn finish(&self) {
        for ended in [self.spans.shutdown_with_timeout(LAST_WORDS), self.metrics.shutdown_with_timeout(LAST_WORDS)] {
            if let Err(error) = ended {
                tracing::warn!(%error, "the last spans and measurements did not reach the OTLP collector");
            }
        }
    }
}

/// Posts what is exported. The threads that export have nothing else to do, so they may wait for it.
#[derive(Debug)]
struct Post(ureq::Agent);

impl Post {
    fn new() -> Post {
        Post(ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build().into())
    }
}

#[async_trait::async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let (parts, mut body) = self.0.run(Request::from_parts(parts, body.as_ref()))?.into_parts();
        Ok(Response::from_parts(parts, body.read_to_vec()?.into()))
    }
}
