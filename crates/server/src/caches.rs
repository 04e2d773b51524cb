//! Opening caches, and what they serve by.

use std::sync::Arc;

use vetted::Verifier;
use vetted::calibrated::Calibrated;
use vetted::calibration::Calibration;
use vetted::reader::Relation;
use vetted_cache::{Acceptance, Backend, ByCalibration, Cache, CacheError, CacheSettings, Memory, redis};
use vetted_encoder::Encoder;

use crate::StartError;
use crate::settings::{CacheLimits, CacheStore, NamedCache};

/// A cache, in this process or on Redis. It serves by the calibration, if that is about equivalence.
pub(crate) fn open_cache(
    NamedCache { name, store }: &NamedCache,
    limits: &CacheLimits,
    verifier: &Arc<Verifier>,
    encoder: &Arc<Encoder>,
    calibrated: Option<&Arc<Calibrated>>,
) -> Result<Cache, StartError> {
    let fault = |error: CacheError| StartError::Cache { name: name.clone(), error: Box::new(error) };
    let (backend, decisions): (Arc<dyn Backend>, _) = match store {
        CacheStore::Folder(folder) => {
            let (backend, notices) = Memory::open(folder, limits.memory).map_err(|error| fault(error.into()))?;
            for notice in notices {
                tracing::warn!(target: "vetted_cache", "{notice}");
            }
            (Arc::new(backend), Some(folder.join("decisions")))
        }
        CacheStore::Redis(address) => {
            let settings = redis::Settings {
                entries_per_scope: limits.memory.entries,
                dimensions: Some(encoder.dimensions()),
                ..redis::Settings::default()
            };
            let opened = redis::open_at(address.clone(), &settings);
            let opened = opened.map_err(|error| StartError::Redis { name: name.clone(), error })?;
            (Arc::from(opened.backend), limits.decisions.as_ref().map(|folder| folder.join(name)))
        }
    };
    calibrated.into_iter().flat_map(|it| unbounded(it.calibration())).for_each(|why| {
        tracing::warn!(cache = name, "{why}");
    });
    let acceptance = match calibrated.filter(|it| it.calibration().relation == Relation::Equivalence) {
        Some(calibrated) => Acceptance::By(Arc::new(ByCalibration::new(calibrated.clone()))),
        None => Acceptance::default(),
    };
    let settings = CacheSettings {
        acceptance,
        ttl: limits.ttl,
        shadow: limits.shadow,
        decisions,
        prompts_in_decisions: limits.log_prompts,
        ..CacheSettings::default()
    };
    Cache::new(backend, verifier.clone(), encoder.clone(), settings).map_err(fault)
}

/// How a calibration does not bound what a cache serves, though it was given: each a sentence for whoever started the server.
fn unbounded(calibration: &Calibration) -> Vec<String> {
    let relation = calibration.relation;
    if relation != Relation::Equivalence {
        return vec![format!(
            "the calibration is about {relation}, so it bounds nothing that the cache serves: the verifier's own verdict decides there, \
             and nothing is promised. Give one that `vetted calibrate --relation equivalence` made"
        )];
    }
    if !calibration.accepts_anything() {
        return vec![
            "the calibration accepts nothing, so the cache serves nothing but equal prompts. Calibrate with more decisions, or with a \
             larger rate; or start without --calibration, by the verifier's own verdict, where nothing is promised"
                .to_owned(),
        ];
    }
    let Some(column) = &calibration.segment_column else { return Vec::new() };
    let mut said = vec![format!(
        "the calibration has thresholds for each `{column}`, which the cache takes the scope's tenant for: lookups of another tenant, \
         or of none, are served nothing but equal prompts. It knows: {}",
        calibration.segments().collect::<Vec<_>>().join(", ")
    )];
    let nothing = calibration.thresholds.iter().filter(|it| it.accept.threshold().is_none());
    let nothing: Vec<&str> = nothing.filter_map(|it| it.segment.as_deref()).collect();
    if !nothing.is_empty() {
        said.push(format!(
            "the calibration accepts nothing of {}: these tenants are served nothing but equal prompts",
            nothing.join(", ")
        ));
    }
    said
}
