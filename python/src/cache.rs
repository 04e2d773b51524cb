//! A semantic cache: answers that are served again to prompts that mean the same.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use vetted::Precision;
use vetted::calibrated::Calibrated;
use vetted::reader::Relation;
use vetted::wire::Outcome;
use vetted_cache::{
    Acceptance, ByCalibration, CacheSettings, DecisionId, Entry, EntryId, Lookup, Memory, MemoryLimits, Miss, NewEntry,
    Scope, Source, Sources, Strategies, VolatileRule,
};

use crate::errors::{Fault, conflict, invalid};
use crate::running::{Cancellation, OfProcess, Told, Wanted, run};
use crate::values::{precision, text};
use crate::verdicts::{Said, said};
use crate::verifier::{Verifier, encoder};

/// A cache that is open, until it is closed.
#[pyclass(frozen, module = "vetted._vetted")]
pub struct Cache {
    open: OfProcess<Mutex<Option<Arc<vetted_cache::Cache>>>>,
    name: String,
}

/// How a cache is opened.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Opening {
    folder: Option<String>,
    name: String,
    model: Option<String>,
    precision: String,
    ttl: Option<f64>,
    max_entries: usize,
    max_bytes: u64,
    candidates: usize,
    min_probability: Option<f32>,
    shadow: bool,
    log_prompts: bool,
}

/// A lookup.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Asking {
    scope: BTreeMap<String, String>,
    attributes: BTreeMap<String, String>,
    strategies: String,
    min_similarity: Option<f32>,
    most: usize,
    sources: Option<BTreeMap<String, String>>,
    ignore_sources: bool,
    serve_volatile: bool,
}

/// Something to keep.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Keeping {
    scope: BTreeMap<String, String>,
    attributes: BTreeMap<String, String>,
    id: Option<String>,
    ttl: Option<f64>,
    sources: BTreeMap<String, String>,
    volatile: bool,
}

/// Id, prompt, response, attributes, seconds since 1970 when it was stored.
type Kept<'py> = (String, String, Bound<'py, PyBytes>, BTreeMap<String, String>, f64);

/// An entry, how it was found, the cosine, what the verifier says (None of equal prompts), and how old it is in seconds.
type Served<'py> = (Kept<'py>, &'static str, f32, Option<Said>, f64);

/// Decision, hits, why nothing was served (name and sentence), milliseconds.
type Answered<'py> = (String, Vec<Served<'py>>, Option<(&'static str, String)>, f64);

impl Opening {
    fn open(
        self,
        verifier: Arc<vetted::Verifier>,
        calibrated: Option<Arc<Calibrated>>,
        told: &mut Told,
    ) -> Result<vetted_cache::Cache, Fault> {
        let precision = precision(&self.precision).map_err(Fault::Raised)?.unwrap_or_else(Precision::fastest);
        let encoder = encoder(self.model.as_deref(), precision, &mut |progress| told.tell(&progress))?;
        let limits = MemoryLimits { entries: self.max_entries, bytes: self.max_bytes };
        let folder = self.folder.map(PathBuf::from);
        let backend = match &folder {
            None => Memory::new(limits),
            Some(folder) => Memory::open(folder, limits).map_err(vetted_cache::CacheError::from)?.0,
        };
        let acceptance = match (calibrated, self.min_probability) {
            (Some(calibrated), _) => Acceptance::By(Arc::new(ByCalibration::new(calibrated))),
            (None, Some(least)) if (0.0..=1.0).contains(&least) => Acceptance::Probability(least),
            (None, Some(least)) => {
                return Err(Fault::invalid(format!("min_probability is {least}: it must be from 0 to 1")));
            }
            (None, None) => Acceptance::Verdict,
        };
        if self.candidates == 0 {
            return Err(Fault::invalid("candidates is 0: at least one has to be looked at"));
        }
        let settings = CacheSettings {
            candidates: self.candidates,
            acceptance,
            ttl: seconds(self.ttl, "ttl")?,
            shadow: self.shadow,
            decisions: folder.map(|folder| folder.join("decisions")),
            prompts_in_decisions: self.log_prompts,
            ..CacheSettings::default()
        };
        Ok(vetted_cache::Cache::new(Arc::new(backend), verifier, encoder, settings)?)
    }
}

#[pymethods]
impl Cache {
    #[new]
    #[pyo3(signature = (opening, verifier, progress))]
    fn new(py: Python<'_>, opening: Opening, verifier: &Verifier, progress: Option<Py<PyAny>>) -> PyResult<Cache> {
        let (shared, calibrated) = (verifier.shared()?, verifier.calibrated()?);
        if let Some(relation) = calibrated.as_ref().map(|it| it.calibration().relation)
            && relation != Relation::Equivalence
        {
            return Err(invalid(format!(
                "a cache asks whether two prompts mean the same, and the verifier's calibration is about {relation}: \
                 calibrate with relation=\"equivalence\""
            )));
        }
        let name = opening.name.clone();
        let cache = run(py, &Wanted::new(None, None)?, move || {
            let mut told = Told::new(progress);
            let cache = opening.open(shared, calibrated, &mut told)?;
            told.end().map(|()| cache)
        })?;
        Ok(Cache { open: OfProcess::new(Mutex::new(Some(Arc::new(cache)))), name })
    }

    /// `Answered`.
    #[pyo3(signature = (prompt, asking, timeout, cancellation))]
    fn lookup<'py>(
        &self,
        py: Python<'py>,
        prompt: &Bound<'py, PyAny>,
        asking: Asking,
        timeout: Option<f64>,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<Answered<'py>> {
        let (cache, prompt) = (self.cache()?, text(prompt, "prompt")?);
        let (scope, wanted) = (self.scope(&asking.scope), Wanted::new(timeout, cancellation)?);
        let strategies = match asking.strategies.as_str() {
            "all" => Strategies::All,
            "exact" => Strategies::Exact,
            "semantic" => Strategies::Semantic,
            other => {
                return Err(invalid(format!("strategies is {other:?}: it must be \"all\", \"exact\" or \"semantic\"")));
            }
        };
        if let Some(least) = asking.min_similarity
            && !(-1.0..=1.0).contains(&least)
        {
            return Err(invalid(format!("min_similarity is {least}: it is a cosine, from -1 to 1")));
        }
        let deadline = wanted.deadline.clone();
        let answer = run(py, &wanted, move || {
            let lookup = Lookup {
                attributes: &asking.attributes,
                strategies,
                least_cosine: asking.min_similarity,
                most: asking.most.max(1),
                sources: match (&asking.sources, asking.ignore_sources) {
                    (_, true) => Sources::Trusted,
                    (Some(current), false) => Sources::Current(current),
                    (None, false) => Sources::Unknown,
                },
                volatile: if asking.serve_volatile { VolatileRule::Served } else { VolatileRule::Guarded },
                deadline: deadline.clone(),
                ..Lookup::new(&scope, &prompt)
            };
            let answer = cache.lookup(&lookup);
            // What was cancelled is no miss: nobody reads it.
            match (answer.miss(), deadline.check()) {
                (Some(Miss::Late), Err(expired)) => Err(Fault::Expired(expired)),
                _ => Ok(answer),
            }
        })?;
        let milliseconds = answer.took.total.as_secs_f64() * 1e3;
        let decision = answer.decision.to_string();
        Ok(match answer.outcome {
            vetted_cache::Outcome::Miss(miss) => {
                (decision, Vec::new(), Some((miss.name(), miss.to_string())), milliseconds)
            }
            vetted_cache::Outcome::Hit(hits) => {
                let served = hits.iter().map(|hit| {
                    let verdict = hit.verification.as_ref().map(|it| said(Outcome::from(it)));
                    let cosine = hit.similarity.cosine();
                    (kept(py, &hit.entry), hit.strategy.name(), cosine, verdict, hit.age.as_secs_f64())
                });
                (decision, served.collect(), None, milliseconds)
            }
        })
    }

    /// The entry's id, and whether it is found by meaning too.
    #[pyo3(signature = (prompt, response, keeping, cancellation))]
    fn store(
        &self,
        py: Python<'_>,
        prompt: &Bound<'_, PyAny>,
        response: Vec<u8>,
        keeping: Keeping,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<(String, bool)> {
        let (cache, prompt, scope) = (self.cache()?, text(prompt, "prompt")?, self.scope(&keeping.scope));
        let wanted = Wanted::new(None, cancellation)?;
        let id = keeping.id.map(entry_id).transpose()?;
        let ttl = seconds(keeping.ttl, "ttl")?;
        let deadline = wanted.deadline.clone();
        let stored = run(py, &wanted, move || {
            let sources = keeping.sources.into_iter().map(|(id, version)| Source { id, version }).collect();
            let new = NewEntry {
                attributes: keeping.attributes,
                id,
                ttl,
                sources,
                volatile: keeping.volatile,
                ..NewEntry::new(&scope, &prompt, response)
            };
            cache.store(new, &deadline)
        })?;
        Ok((stored.id.to_string(), stored.by_meaning))
    }

    /// The entry with this id.
    fn get<'py>(&self, py: Python<'py>, id: String, scope: BTreeMap<String, String>) -> PyResult<Option<Kept<'py>>> {
        let (cache, id, scope) = (self.cache()?, entry_id(id)?, self.scope(&scope));
        let entry = run(py, &Wanted::new(None, None)?, move || cache.get(&scope, &id))?;
        Ok(entry.map(|entry| kept(py, &entry)))
    }

    /// How many of these entries there were.
    fn delete(&self, py: Python<'_>, ids: Vec<String>, scope: BTreeMap<String, String>) -> PyResult<usize> {
        let (cache, scope) = (self.cache()?, self.scope(&scope));
        let ids = ids.into_iter().map(entry_id).collect::<PyResult<Vec<_>>>()?;
        run(py, &Wanted::new(None, None)?, move || cache.remove(&scope, &ids))
    }

    /// How many entries had all of these attributes.
    fn delete_where(
        &self,
        py: Python<'_>,
        attributes: BTreeMap<String, String>,
        scope: BTreeMap<String, String>,
    ) -> PyResult<usize> {
        let (cache, scope) = (self.cache()?, self.scope(&scope));
        run(py, &Wanted::new(None, None)?, move || cache.remove_where(&scope, &attributes))
    }

    /// How many entries the scope had.
    fn clear(&self, py: Python<'_>, scope: BTreeMap<String, String>) -> PyResult<usize> {
        let (cache, scope) = (self.cache()?, self.scope(&scope));
        run(py, &Wanted::new(None, None)?, move || cache.clear(&scope))
    }

    /// How many entries the scope has.
    fn count(&self, py: Python<'_>, scope: BTreeMap<String, String>) -> PyResult<usize> {
        let (cache, scope) = (self.cache()?, self.scope(&scope));
        run(py, &Wanted::new(None, None)?, move || cache.len(&scope))
    }

    /// Whether what was decided was right.
    fn feedback(&self, py: Python<'_>, decision: &str, right: bool) -> PyResult<()> {
        let Some(decision) = DecisionId::parse(decision) else {
            return Err(invalid(format!("{decision:?} names no decision: give the `decision` of a lookup's answer")));
        };
        let cache = self.cache()?;
        run(py, &Wanted::new(None, None)?, move || cache.feedback(decision, right))
    }

    /// Closes. A second time is nothing.
    fn close(&self, py: Python<'_>) {
        let Some(open) = self.open.get() else { return };
        let cache = open.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(cache));
    }

    /// Whether it is closed.
    #[getter]
    fn closed(&self) -> bool {
        self.open.get().is_none_or(|open| open.lock().unwrap_or_else(PoisonError::into_inner).is_none())
    }
}

impl Cache {
    fn cache(&self) -> PyResult<Arc<vetted_cache::Cache>> {
        let Some(open) = self.open.get() else {
            return Err(conflict(
                "this cache was opened before the process forked, and one process keeps a cache: open another in the child, or \
                 ask `vetted serve --cache`, which many processes may",
            ));
        };
        let cache = open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        cache.ok_or_else(|| conflict("the cache is closed: open it again with vetted.Cache(folder)"))
    }

    fn scope(&self, parts: &BTreeMap<String, String>) -> Scope {
        parts.iter().fold(Scope::new(&self.name), |scope, (name, value)| scope.with(name, value))
    }
}

fn entry_id(id: String) -> PyResult<EntryId> {
    EntryId::new(id).map_err(|error| invalid(error.to_string()))
}

fn kept<'py>(py: Python<'py>, entry: &Entry) -> Kept<'py> {
    let stored_at = entry.stored_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let response = PyBytes::new(py, &entry.response);
    (entry.id.to_string(), entry.prompt.clone(), response, entry.attributes.clone(), stored_at)
}

fn seconds(given: Option<f64>, what: &str) -> Result<Option<Duration>, Fault> {
    let Some(given) = given else { return Ok(None) };
    let duration = Duration::try_from_secs_f64(given).ok();
    // Beyond what a clock can say it would be over at once.
    let duration = duration.filter(|duration| SystemTime::now().checked_add(*duration).is_some());
    let wrong =
        || Fault::invalid(format!("{what} is {given}: it must be a number of seconds, 0 or more; None for ever"));
    duration.map(Some).ok_or_else(wrong)
}
