//! What a server serves: indexes, a verifier, an encoder, and the queues before them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;
use vetted::calibrated::Calibrated;
use vetted::calibration::Calibration;
use vetted::models::{self, DEFAULT_MODEL};
use vetted::reader::Storage;
use vetted::retrieval::Place;
use vetted::{Compute, Engine, Precision, Verifier, VerifierOptions, VerifierSource};
use vetted_cache::Cache;
use vetted_encoder::{Encoder, ModelFolder, Options};

use crate::auth::{Caller, Keys};
use crate::caches::open_cache;
use crate::caching::{self, Changing, Looking};
use crate::embedding::{self, Embedding};
use crate::error::{Code, Failure};
use crate::kept_views::KeptViews;
use crate::metrics::Metrics;
use crate::queue::{Bounds, Queue};
use crate::reading::{self, Explaining, Reading};
use crate::searching::{self, Searching};
use crate::settings::{IndexSettings, Settings};
use crate::telemetry::Telemetry;
use crate::writing::{self, Writing};
use crate::{StartError, settings};

/// All that requests share.
pub(crate) struct Service {
    pub(crate) settings: Settings,
    pub(crate) keys: Option<Keys>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) telemetry: Option<Telemetry>,
    pub(crate) indexes: Vec<ServedIndex>,
    pub(crate) caches: Vec<ServedCache>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) encoder: Arc<Encoder>,
    pub(crate) calibrated: Option<Arc<Calibrated>>,
    pub(crate) readings: Queue<Reading>,
    pub(crate) explanations: Queue<Explaining>,
    pub(crate) embeddings: Queue<Embedding>,
    /// Bytes of bodies that may still be taken.
    pub(crate) body_bytes: Arc<Semaphore>,
    stopping: AtomicBool,
}

/// An index with its queues.
pub(crate) struct ServedIndex {
    pub(crate) name: String,
    pub(crate) engine: Arc<Engine>,
    pub(crate) searches: Queue<Searching>,
    pub(crate) writes: Queue<Writing>,
}

/// A cache with its queues.
pub(crate) struct ServedCache {
    pub(crate) name: String,
    pub(crate) cache: Arc<Cache>,
    pub(crate) lookups: Queue<Looking>,
    pub(crate) changes: Queue<Changing>,
}

/// Lookups that are answered together, and changes that are brought to the disk together.
const LOOKED_UP_TOGETHER: usize = 16;
const CHANGED_TOGETHER: usize = 64;

/// Requests that are read together, searched together, embedded together. Writing has an order.
const READ_TOGETHER: usize = 64;
const SEARCHED_TOGETHER: usize = 32;

impl Service {
    /// Opens indexes and loads models.
    pub(crate) fn open(settings: Settings) -> Result<Service, StartError> {
        let keys = settings.keys.as_deref().map(Keys::read).transpose()?;
        let metrics = Arc::new(Metrics::new());
        let telemetry = settings.otlp.as_deref().map(Telemetry::start).transpose()?;
        let engines = engines(&settings)?;
        let (verifier, encoder) = models(&settings, &engines)?;
        let calibrated = calibrated(&settings, &verifier, &encoder)?;
        let bounds =
            |together| Bounds { waiting: settings.limits.queue, waiting_units: settings.limits.queued_texts, together };
        let readings = {
            let (verifier, encoder) = (verifier.clone(), encoder.clone());
            let kept = KeptViews::new(settings.limits.kept_views_bytes, metrics.kept_views());
            let step = move |items: &mut [_]| reading::step(&verifier, &encoder, &kept, items);
            Queue::start("read", bounds(READ_TOGETHER), metrics.queue("read"), step)?
        };
        let explanations = {
            let verifier = verifier.clone();
            let step = move |items: &mut [_]| reading::explain(&verifier, items);
            Queue::start("explain", bounds(READ_TOGETHER), metrics.queue("explain"), step)?
        };
        let embeddings = {
            let (encoder, compute) = (encoder.clone(), Compute::of_this_process());
            let step = move |items: &mut [_]| embedding::step(&encoder, &compute, items);
            Queue::start("embed", bounds(READ_TOGETHER), metrics.queue("embed"), step)?
        };
        let mut indexes = Vec::with_capacity(engines.len());
        for (IndexSettings { name, .. }, engine) in settings.indexes.iter().zip(engines) {
            let own = engine.clone();
            let searches = Queue::start(
                &format!("search-{name}"),
                bounds(SEARCHED_TOGETHER),
                metrics.queue(&format!("search-{name}")),
                move |items: &mut [_]| searching::step(&own, items),
            )?;
            let own = engine.clone();
            let writes = Queue::start(
                &format!("write-{name}"),
                bounds(1),
                metrics.queue(&format!("write-{name}")),
                move |items: &mut [_]| writing::step(&own, items),
            )?;
            indexes.push(ServedIndex { name: name.clone(), engine, searches, writes });
        }
        let mut caches = Vec::with_capacity(settings.caches.len());
        for named in &settings.caches {
            let name = &named.name;
            let cache = Arc::new(open_cache(named, &settings.cache, &verifier, &encoder, calibrated.as_ref())?);
            let (own, counts) = (cache.clone(), metrics.cache(name, cache.backend().name()));
            let lookups = Queue::start(
                &format!("lookup-{name}"),
                bounds(LOOKED_UP_TOGETHER),
                metrics.queue(&format!("lookup-{name}")),
                move |items: &mut [_]| caching::look(&own, &counts, items),
            )?;
            let (own, counts) = (cache.clone(), metrics.cache(name, cache.backend().name()));
            let changes = Queue::start(
                &format!("cache-{name}"),
                bounds(CHANGED_TOGETHER),
                metrics.queue(&format!("cache-{name}")),
                move |items: &mut [_]| caching::change(&own, &counts, items),
            )?;
            caches.push(ServedCache { name: name.clone(), cache, lookups, changes });
        }
        let body_bytes = Arc::new(Semaphore::new(settings.limits.bytes_in_flight.min(Semaphore::MAX_PERMITS)));
        Ok(Service {
            settings,
            keys,
            metrics,
            telemetry,
            indexes,
            caches,
            verifier,
            encoder,
            calibrated,
            readings,
            explanations,
            embeddings,
            body_bytes,
            stopping: AtomicBool::new(false),
        })
    }

    /// The index that a request means: the only one, or the one that it names.
    ///
    /// # Errors
    /// When there is none of that name, or the caller's key is not for it.
    pub(crate) fn index(&self, caller: &Caller, name: Option<&str>) -> Result<&ServedIndex, Failure> {
        let seen: Vec<&ServedIndex> = self.indexes.iter().filter(|index| caller.may_see(&index.name)).collect();
        let names = || seen.iter().map(|index| index.name.as_str()).collect::<Vec<_>>().join(", ");
        match name.filter(|name| !name.is_empty()) {
            Some(name) => seen.iter().find(|index| index.name == name).copied().ok_or_else(|| {
                Failure::new(Code::NotFound, format!("no index is called {name:?} here; there are: {}", names()))
            }),
            None => match seen.as_slice() {
                [only] => Ok(only),
                [] => Err(Failure::new(
                    Code::NotFound,
                    "this server has no index: start it with `vetted serve --index DIR`",
                )),
                _ => Err(Failure::invalid(format!("say which `index` is meant; there are: {}", names()))),
            },
        }
    }

    /// The cache of this name.
    ///
    /// # Errors
    /// When there is none, or the caller's key is not for it.
    pub(crate) fn cache(&self, caller: &Caller, name: &str) -> Result<&ServedCache, Failure> {
        let mut seen = self.caches.iter().filter(|cache| caller.may_see(&cache.name));
        if let Some(cache) = seen.clone().find(|cache| cache.name == name) {
            return Ok(cache);
        }
        let message = match seen.next() {
            None => "this server has no cache: start it with `vetted serve --cache DIR`".to_owned(),
            Some(first) => {
                let names: Vec<&str> = std::iter::once(first).chain(seen).map(|cache| cache.name.as_str()).collect();
                format!("no cache is called {name:?} here; there are: {}", names.join(", "))
            }
        };
        Err(Failure::new(Code::NotFound, message))
    }

    /// Says that no more requests are wanted, for `/health/ready`.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Does what was accepted, and brings the indexes' files up to date.
    pub(crate) fn finish(&self) {
        self.readings.finish();
        self.explanations.finish();
        self.embeddings.finish();
        for cache in &self.caches {
            cache.lookups.finish();
            cache.changes.finish();
        }
        for index in &self.indexes {
            index.searches.finish();
            index.writes.finish();
            if self.settings.writable
                && let Err(error) = index.engine.finish()
            {
                // Nothing is lost: the next process does it again.
                tracing::warn!(%error, index = index.name, "the index's caches could not be written");
            }
        }
        if let Some(telemetry) = &self.telemetry {
            telemetry.finish();
        }
    }
}

/// The engines of all indexes, in their order. They share one verifier.
fn engines(settings: &Settings) -> Result<Vec<Arc<Engine>>, StartError> {
    let mut engines: Vec<Arc<Engine>> = Vec::with_capacity(settings.indexes.len());
    for settings::IndexSettings { name, folder } in &settings.indexes {
        let fault = |error| StartError::Index { name: name.clone(), error: Box::new(error) };
        let verifier = match engines.first() {
            Some(first) => VerifierSource::Open(first.verifier().map_err(fault)?),
            None => settings.verifier.clone(),
        };
        let builder = Engine::builder(folder).verifier(verifier);
        let engine = match (settings.writable, &settings.model) {
            (false, _) => builder.open(),
            (true, Some(model)) if is_new(folder).map_err(fault)? => builder.model(model).open_or_create(),
            (true, _) => builder.open_or_create(),
        };
        engines.push(Arc::new(engine.map_err(fault)?));
    }
    Ok(engines)
}

/// Whether there is no index yet.
fn is_new(place: &Path) -> Result<bool, vetted::Error> {
    Ok(Place::parse(place)?.manifest()?.is_none())
}

/// Who judges, and who encodes for `/v1/embeddings`: the first index's, where there is one.
fn models(settings: &Settings, engines: &[Arc<Engine>]) -> Result<(Arc<Verifier>, Arc<Encoder>), StartError> {
    let model = |error: vetted::Error| StartError::Model(Box::new(error));
    if let Some(engine) = engines.first() {
        let verifier = engine.verifier().map_err(model)?;
        let encoder = match engine.vector_field() {
            None => engine.encoder().map_err(model)?,
            // Its documents bring vectors of an encoder that nobody here has.
            Some(_) => encoder(settings).map_err(model)?,
        };
        return Ok((verifier, encoder));
    }
    let encoder = encoder(settings).map_err(model)?;
    let options = VerifierOptions { precision: encoder.precision(), reader: Precision::Bf16, storage: Storage::Int8 };
    let loaded = |base: &ModelFolder| (base.path == encoder.folder().path).then(|| encoder.clone());
    let verifier = match &settings.verifier {
        VerifierSource::Shipped => {
            Arc::new(Verifier::shipped_over(&loaded, options, &mut |_| {}).map_err(vetted::Error::from).map_err(model)?)
        }
        VerifierSource::Folder(folder) => Arc::new(
            Verifier::open_over(folder, &loaded, options, &mut |_| {}).map_err(vetted::Error::from).map_err(model)?,
        ),
        VerifierSource::Open(verifier) => verifier.clone(),
    };
    Ok((verifier, encoder))
}

/// The calibration, if there is one, with the models that it was made for.
fn calibrated(
    settings: &Settings,
    verifier: &Verifier,
    encoder: &Arc<Encoder>,
) -> Result<Option<Arc<Calibrated>>, StartError> {
    let Some(path) = &settings.calibration else { return Ok(None) };
    let fault = |error: vetted::Error| StartError::Calibration(Box::new(error));
    let calibration = Calibration::read(path).map_err(vetted::Error::from).map_err(fault)?;
    let relation = calibration.relation;
    let calibrated = Calibrated::new(calibration, relation, verifier, Some(encoder.clone())).map_err(fault)?;
    Ok(Some(Arc::new(calibrated)))
}

fn encoder(settings: &Settings) -> Result<Arc<Encoder>, vetted::Error> {
    let folder = models::ensure(settings.model.as_deref().unwrap_or(DEFAULT_MODEL), &mut |_| {})?;
    let precision = settings.precision.unwrap_or_else(|| Encoder::fastest(&folder));
    Ok(Arc::new(Encoder::open(&folder, Options { precision, ..Options::default() })?))
}
