//! What a server counts, as Prometheus reads it.

mod caches;

use std::sync::atomic::AtomicI64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use vetted::{Timing, Verification};

use crate::searching::stages;

pub(crate) use caches::CacheMetrics;
use caches::Caches;

/// All counters of one server.
pub(crate) struct Metrics {
    registry: Registry,
    caches: Caches,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    stages: Family<StageLabels, Histogram, fn() -> Histogram>,
    verdicts: Family<VerdictLabels, Counter>,
    in_flight: Gauge<i64, AtomicI64>,
    body_bytes: Gauge<i64, AtomicI64>,
    queues: Family<QueueLabels, Gauge<i64, AtomicI64>>,
    refused: Family<QueueLabels, Counter>,
    waited: Family<QueueLabels, Histogram, fn() -> Histogram>,
    steps: Family<QueueLabels, Histogram, fn() -> Histogram>,
    batch_requests: Family<QueueLabels, Histogram, fn() -> Histogram>,
    batch_texts: Family<QueueLabels, Histogram, fn() -> Histogram>,
    kept_views: KeptViewsMetrics,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabels {
    verdict: &'static str,
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    queue: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeptLabels {
    kept: bool,
}

/// The counters of the views that are kept.
#[derive(Clone, Default)]
pub(crate) struct KeptViewsMetrics {
    passages: Family<KeptLabels, Counter>,
    bytes: Gauge<i64, AtomicI64>,
}

/// The counters of one queue.
#[derive(Clone)]
pub(crate) struct QueueMetrics {
    waiting: Gauge<i64, AtomicI64>,
    refused: Counter,
    waited: Histogram,
    steps: Histogram,
    batch_requests: Histogram,
    batch_texts: Histogram,
}

fn of_seconds() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0])
}

fn of_sizes() -> Histogram {
    Histogram::new((0..14).map(|power| f64::from(1u32 << power)))
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        let mut all = Registry::default();
        let caches = Caches::new(all.sub_registry_with_prefix("gen_ai_cache"));
        let registry = all.sub_registry_with_prefix("vetted");
        let requests = Family::<RequestLabels, Counter>::default();
        registry.register("requests", "Requests by route and status", requests.clone());
        let seconds = Family::<RouteLabels, Histogram, fn() -> Histogram>::new_with_constructor(of_seconds);
        registry.register(
            "request_seconds",
            "How long requests took, from their first byte to their answer",
            seconds.clone(),
        );
        let stages = Family::<StageLabels, Histogram, fn() -> Histogram>::new_with_constructor(of_seconds);
        registry.register("stage_seconds", "How long the stages of searches took", stages.clone());
        let verdicts = Family::<VerdictLabels, Counter>::default();
        registry.register("verdicts", "Verdicts, with the likeliest kind of difference", verdicts.clone());
        let in_flight = Gauge::default();
        registry.register("requests_in_flight", "Requests that are being answered", in_flight.clone());
        let body_bytes = Gauge::default();
        registry.register(
            "body_bytes_in_flight",
            "Bytes of bodies that are being read or answered",
            body_bytes.clone(),
        );
        let queues = Family::<QueueLabels, Gauge<i64, AtomicI64>>::default();
        registry.register("queue_requests", "Requests that wait in a queue", queues.clone());
        let refused = Family::<QueueLabels, Counter>::default();
        registry.register("queue_refused", "Requests that a queue refused", refused.clone());
        let waited = Family::<QueueLabels, Histogram, fn() -> Histogram>::new_with_constructor(of_seconds);
        registry.register("queue_wait_seconds", "How long requests waited in a queue", waited.clone());
        let steps = Family::<QueueLabels, Histogram, fn() -> Histogram>::new_with_constructor(of_seconds);
        registry.register("batch_seconds", "How long a step of a batch took", steps.clone());
        let batch_requests = Family::<QueueLabels, Histogram, fn() -> Histogram>::new_with_constructor(of_sizes);
        registry.register("batch_requests", "Requests that were answered together", batch_requests.clone());
        let batch_texts = Family::<QueueLabels, Histogram, fn() -> Histogram>::new_with_constructor(of_sizes);
        registry.register("batch_texts", "Texts of requests that were answered together", batch_texts.clone());
        let kept_views = KeptViewsMetrics::default();
        registry.register(
            "reranked_passages",
            "Passages to rerank, and whether their views were kept from an earlier request",
            kept_views.passages.clone(),
        );
        registry.register("kept_views_bytes", "Bytes of views that are kept", kept_views.bytes.clone());
        Metrics {
            registry: all,
            caches,
            requests,
            seconds,
            stages,
            verdicts,
            in_flight,
            body_bytes,
            queues,
            refused,
            waited,
            steps,
            batch_requests,
            batch_texts,
            kept_views,
        }
    }

    /// The counters of the views that are kept.
    pub(crate) fn kept_views(&self) -> KeptViewsMetrics {
        self.kept_views.clone()
    }

    /// The counters of the queue of this name.
    pub(crate) fn queue(&self, name: &str) -> QueueMetrics {
        let labels = QueueLabels { queue: name.to_owned() };
        QueueMetrics {
            waiting: self.queues.get_or_create_owned(&labels),
            refused: self.refused.get_or_create_owned(&labels),
            waited: self.waited.get_or_create_owned(&labels),
            steps: self.steps.get_or_create_owned(&labels),
            batch_requests: self.batch_requests.get_or_create_owned(&labels),
            batch_texts: self.batch_texts.get_or_create_owned(&labels),
        }
    }

    /// The counters of the cache of this name over such a backend.
    pub(crate) fn cache(&self, name: &str, system: &'static str) -> CacheMetrics {
        self.caches.of(name, system)
    }

    /// As text, for `/metrics`.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    pub(crate) fn begun(&self) {
        self.in_flight.inc();
    }

    /// A request on `route` was answered, or its client went away (499).
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.in_flight.dec();
        let (method, route) = (method.to_owned(), route.to_owned());
        self.seconds.get_or_create(&RouteLabels { route: route.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&RequestLabels { method, route, status }).inc();
    }

    pub(crate) fn bytes_held(&self, bytes: i64) {
        self.body_bytes.inc_by(bytes);
    }

    pub(crate) fn searched(&self, timing: &Timing) {
        for (stage, took) in stages(timing) {
            if !took.is_zero() {
                self.stages.get_or_create(&StageLabels { stage }).observe(took.as_secs_f64());
            }
        }
    }

    pub(crate) fn verified(&self, verification: &Verification) {
        let kind = verification.judgement().and_then(|judgement| judgement.kind);
        self.verdict(verification.verdict(), kind);
    }

    pub(crate) fn verdict(&self, verdict: vetted::Verdict, kind: Option<vetted::reader::Kind>) {
        let labels = VerdictLabels { verdict: verdict.name(), kind: kind.map_or("none", |kind| kind.name()) };
        self.verdicts.get_or_create(&labels).inc();
    }
}

impl KeptViewsMetrics {
    pub(crate) fn asked(&self, kept: bool) {
        self.passages.get_or_create(&KeptLabels { kept }).inc();
    }

    pub(crate) fn holds(&self, bytes: u64) {
        self.bytes.set(bytes as i64);
    }
}

impl QueueMetrics {
    pub(crate) fn waiting(&self, requests: usize) {
        self.waiting.set(requests as i64);
    }

    pub(crate) fn refused(&self) {
        self.refused.inc();
    }

    pub(crate) fn step(&self, requests: usize, texts: usize) {
        self.batch_requests.observe(requests as f64);
        self.batch_texts.observe(texts as f64);
    }

    pub(crate) fn stepped(&self, took: Duration) {
        self.steps.observe(took.as_secs_f64());
    }

    pub(crate) fn done(&self, waited: Duration) {
        self.waited.observe(waited.as_secs_f64());
    }
}

#[cfg(test)]
impl Default for QueueMetrics {
    fn default() -> QueueMetrics {
        Metrics::new().queue("test")
    }
}
