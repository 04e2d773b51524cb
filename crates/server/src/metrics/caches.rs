//! What caches count, by the names that are proposed for caches of generative models (`gen_ai.cache.*`). Scopes and entries are no
//! labels: there would be too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use vetted_cache::{Answer, Evicted, Outcome};

use super::of_seconds;

/// The counters of all caches.
pub(super) struct Caches {
    lookups: Family<LookupLabels, Counter>,
    writes: Family<WriteLabels, Counter>,
    evictions: Family<EvictionLabels, Counter>,
    seconds: Family<StageLabels, Histogram, fn() -> Histogram>,
    saved: Family<SavedLabels, Histogram, fn() -> Histogram>,
}

/// The counters of one cache.
pub(crate) struct CacheMetrics {
    cache: String,
    system: &'static str,
    lookups: Family<LookupLabels, Counter>,
    writes: Family<WriteLabels, Counter>,
    evictions: Family<EvictionLabels, Counter>,
    seconds: Family<StageLabels, Histogram, fn() -> Histogram>,
    saved: Family<SavedLabels, Histogram, fn() -> Histogram>,
    /// What was counted of the backend's own counts.
    counted: Arc<[AtomicU64; 2]>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LookupLabels {
    cache: String,
    system: &'static str,
    /// `exact` and `semantic` of hits, `miss`.
    outcome: &'static str,
    /// Why, of a miss.
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriteLabels {
    cache: String,
    system: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EvictionLabels {
    cache: String,
    system: &'static str,
    cause: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    cache: String,
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SavedLabels {
    cache: String,
    currency: String,
}

/// What one response costs: from a thousandth of a cent to a hundred.
fn of_costs() -> Histogram {
    Histogram::new([0.00001, 0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0, 100.0])
}

impl Caches {
    pub(super) fn new(registry: &mut Registry) -> Caches {
        let lookups = Family::<LookupLabels, Counter>::default();
        registry.register("lookups", "Lookups by outcome, and misses by reason", lookups.clone());
        let writes = Family::<WriteLabels, Counter>::default();
        registry.register("writes", "Changes by outcome", writes.clone());
        let evictions = Family::<EvictionLabels, Counter>::default();
        registry.register("evictions", "Entries that a backend took away by itself", evictions.clone());
        let seconds = Family::<StageLabels, Histogram, fn() -> Histogram>::new_with_constructor(of_seconds);
        registry.register("duration_seconds", "How long lookups and their stages took", seconds.clone());
        let saved = Family::<SavedLabels, Histogram, fn() -> Histogram>::new_with_constructor(of_costs);
        registry.register(
            "saved",
            "What each hit did not cost, in the currency that its entry was stored with",
            saved.clone(),
        );
        Caches { lookups, writes, evictions, seconds, saved }
    }

    pub(super) fn of(&self, cache: &str, system: &'static str) -> CacheMetrics {
        CacheMetrics {
            cache: cache.to_owned(),
            system,
            lookups: self.lookups.clone(),
            writes: self.writes.clone(),
            evictions: self.evictions.clone(),
            seconds: self.seconds.clone(),
            saved: self.saved.clone(),
            counted: Arc::default(),
        }
    }
}

impl CacheMetrics {
    /// A lookup was answered.
    pub(crate) fn looked(&self, answer: &Answer) {
        let (outcome, reason) = match &answer.outcome {
            Outcome::Hit(hits) => (hits.first().map_or("miss", |hit| hit.strategy.name()), "none"),
            Outcome::Miss(miss) => ("miss", miss.name()),
        };
        let labels = LookupLabels { cache: self.cache.clone(), system: self.system, outcome, reason };
        self.lookups.get_or_create(&labels).inc();
        if let Some(cost) = answer.hit().and_then(|hit| hit.entry.cost) {
            let labels = SavedLabels { cache: self.cache.clone(), currency: cost.currency().to_owned() };
            self.saved.get_or_create(&labels).observe(cost.amount());
        }
        let took = answer.took;
        for (stage, took) in
            [("embed", took.embed), ("search", took.search), ("verify", took.verify), ("total", took.total)]
        {
            if !took.is_zero() {
                let labels = StageLabels { cache: self.cache.clone(), stage };
                self.seconds.get_or_create(&labels).observe(took.as_secs_f64());
            }
        }
    }

    /// A change was made, or was not.
    pub(crate) fn written(&self, is_kept: bool) {
        let outcome = if is_kept { "ok" } else { "error" };
        self.writes.get_or_create(&WriteLabels { cache: self.cache.clone(), system: self.system, outcome }).inc();
    }

    /// What a backend has counted up to now.
    pub(crate) fn evicted(&self, evicted: Evicted) {
        for (counted, (cause, count)) in self.counted.iter().zip([("expired", evicted.expired), ("room", evicted.room)])
        {
            let before = counted.swap(count, Ordering::Relaxed);
            if count > before {
                let labels = EvictionLabels { cache: self.cache.clone(), system: self.system, cause };
                self.evictions.get_or_create(&labels).inc_by(count - before);
            }
        }
    }
}
