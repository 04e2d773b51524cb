//! Tier one and both tiers: an index on disk.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use vetted::wire::{Milliseconds, Outcome, PartOf, SearchAnswer, TokenPair};
use vetted::{Document, Engine, Found, Hit, Indexed, LeftOut, Part, Policy, Search, Verify, ViewStorage};

use crate::errors::{Fault, conflict, invalid};
use crate::running::{Cancellation, OfProcess, Told, Wanted, compute, run};
use crate::values::{dict, document, filters, mode, name, numbers_of, precision, text, texts};
use crate::verdicts::{Said, said, snippet};
use crate::verifier::Verifier;

/// An index that is open, until it is closed.
#[pyclass(frozen, module = "vetted._vetted")]
pub struct Index {
    open: OfProcess<Mutex<Option<Arc<Engine>>>>,
    location: String,
    writable: bool,
}

/// How an index is opened.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Opening {
    folder: String,
    read_only: bool,
    model: Option<String>,
    vectors: Option<(String, usize)>,
    precision: String,
    max_tokens: Option<usize>,
    overlap_tokens: Option<usize>,
    keep_views: Option<bool>,
    verifier: Option<String>,
}

/// A document as Python gives it.
type Given<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

/// How a search is asked for.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Asking {
    k: usize,
    mode: String,
    alpha: f32,
    filters: Vec<String>,
    verify: String,
    depth: usize,
    budget: Option<f64>,
    evidence: bool,
}

impl Opening {
    fn open(self, verifier: Option<Arc<vetted::Verifier>>, told: &mut Told) -> Result<Engine, Fault> {
        let asked = precision(&self.precision).map_err(Fault::Raised)?;
        let mut builder = Engine::builder(&self.folder)
            .compute(compute())
            .precision(asked)
            .max_tokens(self.max_tokens)
            .overlap_tokens(self.overlap_tokens)
            .views(self.keep_views.map(|keep| if keep { ViewStorage::Int8 } else { ViewStorage::None }))
            .progress(|progress| told.tell(&progress));
        if let Some(model) = self.model {
            builder = builder.model(model);
        }
        if let Some((field, dimensions)) = self.vectors {
            builder = builder.given_vectors(field, dimensions);
        }
        match (verifier, self.verifier) {
            (Some(open), _) => builder = builder.verifier(open),
            (None, Some(folder)) => builder = builder.verifier(std::path::PathBuf::from(folder)),
            (None, None) => {}
        }
        Ok(if self.read_only { builder.open() } else { builder.open_or_create() }?)
    }
}

#[pymethods]
impl Index {
    #[new]
    #[pyo3(signature = (opening, verifier, progress))]
    fn new(
        py: Python<'_>,
        opening: Opening,
        verifier: Option<&Verifier>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Index> {
        let (verifier, writable) = (verifier.map(Verifier::shared).transpose()?, !opening.read_only);
        let engine = run(py, &Wanted::new(None, None)?, move || {
            let mut told = Told::new(progress);
            let engine = opening.open(verifier, &mut told)?;
            told.end().map(|()| engine)
        })?;
        let location = engine.index().location().to_string_lossy().into_owned();
        Ok(Index { open: OfProcess::new(Mutex::new(Some(Arc::new(engine)))), location, writable })
    }

    /// (added, replaced, unchanged, duplicates).
    #[pyo3(signature = (documents, cancellation))]
    fn upsert(
        &self,
        py: Python<'_>,
        documents: Vec<Given<'_>>,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<(usize, usize, usize, usize)> {
        let documents = documents.into_iter().map(document).collect::<PyResult<Vec<Document>>>()?;
        let (engine, wanted) = (self.engine()?, Wanted::new(None, cancellation)?);
        let deadline = wanted.deadline.clone();
        let Indexed { added, replaced, unchanged, duplicates } = run(py, &wanted, move || {
            deadline.check()?;
            Ok::<_, Fault>(engine.upsert(documents)?)
        })?;
        Ok((added, replaced, unchanged, duplicates))
    }

    /// Answers queries together: a tuple (hits, left out, verified, scale, milliseconds) for each. Vectors are bytes of float32.
    #[pyo3(signature = (queries, vectors, asking, timeout, cancellation))]
    fn search<'py>(
        &self,
        py: Python<'py>,
        queries: &Bound<'py, PyAny>,
        vectors: Option<Vec<Vec<u8>>>,
        asking: Asking,
        timeout: Option<f64>,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (engine, wanted) = (self.engine()?, Wanted::new(timeout, cancellation)?);
        let mut searches = Vec::new();
        let template = asking.search(&wanted)?;
        for (at, query) in texts(queries, "queries")?.into_iter().enumerate() {
            let vector = match vectors.as_ref().and_then(|vectors| vectors.get(at)) {
                Some(bytes) => Some(numbers_of(bytes, "vector")?),
                None => None,
            };
            searches.push(Search { text: query, vector, ..template.clone() });
        }
        let (searches, found) = run(py, &wanted, move || {
            let found = engine.search_many(&searches).into_iter().collect::<Result<Vec<_>, _>>();
            Ok::<_, vetted::Error>((searches, found?))
        })?;
        let answers = searches.iter().zip(&found).map(|(search, found)| answer(py, search, found));
        PyList::new(py, answers.collect::<PyResult<Vec<_>>>()?)
    }

    /// How many of these documents there were.
    fn delete(&self, py: Python<'_>, ids: &Bound<'_, PyAny>) -> PyResult<usize> {
        let (engine, ids) = (self.engine()?, texts(ids, "ids")?);
        run(py, &Wanted::new(None, None)?, move || engine.delete(&ids))
    }

    /// The ids of the documents that fit.
    fn ids(&self, py: Python<'_>, expressions: Vec<String>) -> PyResult<Vec<String>> {
        let (engine, filters) = (self.engine()?, filters(expressions)?);
        run(py, &Wanted::new(None, None)?, move || engine.ids_that_fit(&filters))
    }

    /// (title, text, metadata) of a document.
    fn get<'py>(
        &self,
        py: Python<'py>,
        id: &Bound<'py, PyAny>,
    ) -> PyResult<Option<(String, String, Bound<'py, PyDict>)>> {
        let (engine, id) = (self.engine()?, text(id, "id")?);
        let document = run(py, &Wanted::new(None, None)?, move || engine.get(&id))?;
        document.map(|it| Ok((it.title, it.text, dict(py, &it.metadata)?))).transpose()
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.engine()?.len().map_err(Fault::from)?)
    }

    /// The name of the model of its vectors.
    #[getter]
    fn model(&self) -> PyResult<String> {
        Ok(self.engine()?.model().to_owned())
    }

    /// Where it is, without a password.
    #[getter]
    fn location(&self) -> &str {
        &self.location
    }

    /// What happened that the user should know, since the last call.
    fn notices(&self) -> PyResult<Vec<String>> {
        Ok(self.engine()?.notices().iter().map(ToString::to_string).collect())
    }

    /// Brings everything to the disk and closes. A second time is nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let Some(open) = self.open.get() else { return Ok(()) };
        let Some(engine) = open.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        let writable = self.writable;
        run(py, &Wanted::new(None, None)?, move || {
            let finished = if writable { engine.finish() } else { Ok(()) };
            drop(engine);
            finished
        })
    }

    /// Whether it is closed.
    #[getter]
    fn closed(&self) -> bool {
        self.open.get().is_none_or(|open| open.lock().unwrap_or_else(PoisonError::into_inner).is_none())
    }
}

impl Index {
    fn engine(&self) -> PyResult<Arc<Engine>> {
        let Some(open) = self.open.get() else {
            return Err(conflict(
                "this index was opened before the process forked, and its store cannot be used in two processes: open it in \
                 the child, or start processes by \"spawn\" or \"forkserver\"",
            ));
        };
        let engine = open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        engine.ok_or_else(|| conflict("the index is closed: open it again with vetted.Index(path)"))
    }
}

impl Asking {
    fn search(&self, wanted: &Wanted) -> PyResult<Search> {
        let policy = match self.verify.as_str() {
            "filter" => Some(Policy::Filter),
            "flag" => Some(Policy::Flag),
            "off" => None,
            other => {
                return Err(invalid(format!("verify is {other:?}: it must be \"filter\", \"flag\" or \"off\"")));
            }
        };
        let budget = match self.budget.map(Duration::try_from_secs_f64) {
            None => None,
            Some(Ok(budget)) => Some(budget),
            Some(Err(_)) => return Err(invalid("budget must be a number of seconds, 0 or more")),
        };
        if self.k == 0 {
            return Err(invalid("k is 0: ask for at least one hit"));
        }
        let verify = policy.map(|policy| Verify { policy, depth: self.depth, budget, evidence: self.evidence });
        let mut search = Search::new("").k(self.k).mode(mode(&self.mode, self.alpha)?).verify(verify);
        search.filters = filters(self.filters.clone())?;
        Ok(search.deadline(wanted.deadline.clone()))
    }
}

/// Text, first character, the one after the last, matches.
type Quoted = (String, usize, usize, Vec<(usize, usize)>);

/// Which part of a document, its text, first character, and the one after the last.
type Window = (Option<String>, String, usize, usize);

fn answer<'py>(py: Python<'py>, search: &Search, found: &Found) -> PyResult<Bound<'py, PyAny>> {
    let hits = found.hits.iter().map(|hit| of_hit(py, hit)).collect::<PyResult<Vec<_>>>()?;
    let left_out = found.rejected.iter().map(|one| of_left_out(py, one)).collect::<PyResult<Vec<_>>>()?;
    // The rest as the wire has it.
    let bare = Found { hits: Vec::new(), rejected: Vec::new(), not_asked: Vec::new(), timing: found.timing };
    let SearchAnswer { score_scale, ms: Milliseconds { encode, rank, verify, documents, evidence, total }, .. } =
        SearchAnswer::new(None, search, &bare);
    let milliseconds = (encode, rank, verify, documents, evidence, total);
    let verified = search.verify.map(|_| found.verified());
    let not_asked: Vec<(&str, Option<u64>, &str)> =
        found.not_asked.iter().map(|it| (it.part.as_str(), it.documents, it.reason.as_str())).collect();
    Ok((hits, left_out, verified, name(score_scale), milliseconds, not_asked).into_pyobject(py)?.into_any())
}

fn of_hit<'py>(py: Python<'py>, hit: &Hit) -> PyResult<Bound<'py, PyAny>> {
    let said: Option<Said> = Outcome::of(&hit.outcome).map(said);
    let evidence = hit.evidence.as_ref().map(TokenPair::of).unwrap_or_default();
    let evidence: Vec<(String, String, f64, f64)> =
        evidence.into_iter().map(|it| (it.query, it.candidate, it.similarity, it.weight)).collect();
    let (snippet, window): (Quoted, Option<Window>) = (snippet(&hit.snippet), window(&hit.outcome, &hit.window));
    let (dense, bm25) = (hit.scores.dense, hit.scores.bm25);
    let metadata = dict(py, &hit.metadata)?;
    let of_document = (hit.title.clone(), snippet, metadata);
    let of_rank = (hit.rank, hit.id.clone(), hit.score, dense, bm25, hit.recall_rank);
    Ok((of_rank, said, window, evidence, of_document).into_pyobject(py)?.into_any())
}

fn of_left_out<'py>(py: Python<'py>, one: &LeftOut) -> PyResult<Bound<'py, PyAny>> {
    let said: Option<Said> = Outcome::of(&one.outcome).map(said);
    let window = window(&one.outcome, &one.window);
    Ok((one.id.clone(), one.score, one.recall_rank, said, window, one.title.clone()).into_pyobject(py)?.into_any())
}

fn window(outcome: &vetted::Outcome, window: &vetted::Snippet) -> Option<Window> {
    let of = match outcome.assessment()?.window {
        Part::Title => PartOf::Title,
        Part::Text(_) => PartOf::Text,
    };
    Some((name(of), window.text.clone(), window.chars.start, window.chars.end))
}
