//! Spans with the attributes that are proposed for caches of generative models (`gen_ai.cache.*`).
//!
//! Scope and entry id stand on spans only: as labels of counters they would be too many.

use tracing::{Span, field};

use crate::Scope;
use crate::answer::Outcome;

/// The span of a lookup.
pub(crate) fn lookup(system: &'static str, scope: &Scope) -> Span {
    let span = tracing::info_span!(
        "cache.lookup",
        gen_ai.cache.system = system,
        gen_ai.cache.scope = field::Empty,
        gen_ai.cache.hit = field::Empty,
        gen_ai.cache.outcome = field::Empty,
        gen_ai.cache.miss.reason = field::Empty,
        gen_ai.cache.similarity = field::Empty,
        gen_ai.cache.entry.id = field::Empty,
        gen_ai.cache.degraded.operation = field::Empty,
    );
    // Written only where somebody reads it.
    if !span.is_disabled() {
        span.record("gen_ai.cache.scope", scope.digest().to_string());
    }
    span
}

/// The span of one of its stages.
pub(crate) fn stage(stage: &'static str) -> Span {
    tracing::debug_span!("cache.stage", gen_ai.cache.stage = stage)
}

/// Says on the span what came of a lookup.
pub(crate) fn concluded(span: &Span, outcome: &Outcome) {
    if span.is_disabled() {
        return;
    }
    match outcome {
        Outcome::Hit(hits) => {
            span.record("gen_ai.cache.hit", true);
            if let Some(hit) = hits.first() {
                span.record("gen_ai.cache.outcome", hit.strategy.name());
                span.record("gen_ai.cache.similarity", f64::from(hit.similarity.cosine()));
                span.record("gen_ai.cache.entry.id", hit.entry.id.as_str());
            }
        }
        Outcome::Miss(miss) => {
            span.record("gen_ai.cache.hit", false);
            span.record("gen_ai.cache.outcome", "miss");
            span.record("gen_ai.cache.miss.reason", miss.name());
            if let Some(operation) = miss.failed_operation() {
                span.record("gen_ai.cache.degraded.operation", operation);
            }
        }
    }
}
