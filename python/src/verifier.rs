//! Tier two: texts in, verdicts out.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use vetted::calibrated::Calibrated;
use vetted::models::{self, DEFAULT_MODEL};
use vetted::reader::Relation;
use vetted::wire::{CalibratedResult, Outcome};
use vetted::{Encoder, EncoderOptions, PassageSource, Precision, Team, Verification, VerifierOptions};
use vetted_verifier::Error as VerifierError;

use crate::calibration::Calibration;
use crate::errors::{Fault, conflict, invalid};
use crate::running::{Cancellation, OfProcess, Told, Wanted, compute, run};
use crate::values::{precision, relation, text, texts};
use crate::verdicts::{characters, explained, said};

/// So many candidates are read between two looks at the caller's wish to stop.
const TOGETHER: usize = 512;

/// A verifier that is open.
#[pyclass(frozen, module = "vetted._vetted")]
pub struct Verifier {
    open: OfProcess<Open>,
}

#[derive(Clone)]
struct Open {
    verifier: Arc<vetted::Verifier>,
    calibrated: Option<(Arc<Calibrated>, Option<String>)>,
}

/// Which verifier, in which arithmetic, and by which thresholds.
struct Opening {
    folder: Option<String>,
    precision: Precision,
    calibration: Option<vetted::calibration::Calibration>,
    segment: Option<String>,
    model: Option<String>,
}

impl Opening {
    fn open(self, progress: &mut dyn FnMut(models::Progress<'_>)) -> Result<Open, Fault> {
        let options = VerifierOptions::all_in(self.precision);
        let verifier = match &self.folder {
            None => vetted::Verifier::shipped(options, progress),
            Some(folder) => vetted::Verifier::open(folder.as_ref(), options, progress),
        };
        let verifier = Arc::new(verifier.map_err(vetted::Error::from)?.with_compute(compute()));
        let Some(calibration) = self.calibration else { return Ok(Open { verifier, calibrated: None }) };
        let encoder = match &calibration.encoder {
            Some(_) => Some(encoder(self.model.as_deref(), self.precision, progress)?),
            None => None,
        };
        let relation = calibration.relation;
        let calibrated = Calibrated::new(calibration, relation, &verifier, encoder)?;
        calibrated.check_segment(self.segment.as_deref())?;
        Ok(Open { verifier, calibrated: Some((Arc::new(calibrated), self.segment)) })
    }
}

/// The encoder of this name or folder; the default one where none is named.
pub fn encoder(
    name: Option<&str>,
    precision: Precision,
    progress: &mut dyn FnMut(models::Progress<'_>),
) -> Result<Arc<Encoder>, Fault> {
    let folder = models::ensure(name.unwrap_or(DEFAULT_MODEL), progress).map_err(vetted::Error::from)?;
    let options = EncoderOptions { precision, ..EncoderOptions::default() };
    Ok(Arc::new(Encoder::open(&folder, options).map_err(vetted::Error::from)?))
}

#[pymethods]
impl Verifier {
    #[new]
    #[pyo3(signature = (folder, precision_name, calibration, segment, model, progress))]
    fn new(
        py: Python<'_>,
        folder: Option<String>,
        precision_name: &str,
        calibration: Option<&Calibration>,
        segment: Option<String>,
        model: Option<String>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Verifier> {
        let precision = precision(precision_name)?.unwrap_or_else(Precision::fastest);
        let calibration = calibration.map(|it| it.file().clone());
        let opening = Opening { folder, precision, calibration, segment, model };
        let open = run(py, &Wanted::new(None, None)?, move || {
            let mut told = Told::new(progress);
            let opened = opening.open(&mut |progress| told.tell(&progress))?;
            told.end().map(|()| opened)
        })?;
        Ok(Verifier { open: OfProcess::new(open) })
    }

    /// The verifier's name.
    #[getter]
    fn name(&self) -> PyResult<String> {
        Ok(self.here()?.verifier.config().name.clone())
    }

    /// A digest of its files.
    #[getter]
    fn digest(&self) -> PyResult<String> {
        Ok(self.here()?.verifier.digest().to_owned())
    }

    /// The arithmetic of its encoder.
    #[getter]
    fn precision(&self) -> PyResult<&'static str> {
        Ok(precision_name(self.here()?.verifier.precision()))
    }

    /// A tuple for each candidate: `verdicts.Said`, then the window that decided in characters (or None), the logit of all
    /// support, and what a calibration says (probability, score; or None). `asked` is a relation, or `passages`: support, by
    /// the rules for what a retriever found.
    #[pyo3(signature = (query, candidates, asked, timeout, cancellation, progress))]
    #[allow(clippy::too_many_arguments)]
    fn verify<'py>(
        &self,
        py: Python<'py>,
        query: &Bound<'py, PyAny>,
        candidates: &Bound<'py, PyAny>,
        asked: &str,
        timeout: Option<f64>,
        cancellation: Option<&Cancellation>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (query, candidates) = (text(query, "query")?, texts(candidates, "candidates")?);
        if query.trim().is_empty() {
            return Err(invalid("the query is empty: give it at least one word"));
        }
        let pairs = candidates.into_iter().map(|candidate| (query.clone(), candidate)).collect();
        self.judged(py, pairs, Asked::named(asked)?, &Wanted::new(timeout, cancellation)?, progress)
    }

    /// As `verify`, of pairs of texts.
    #[pyo3(signature = (queries, candidates, asked, timeout, cancellation, progress))]
    #[allow(clippy::too_many_arguments)]
    fn verify_pairs<'py>(
        &self,
        py: Python<'py>,
        queries: &Bound<'py, PyAny>,
        candidates: &Bound<'py, PyAny>,
        asked: &str,
        timeout: Option<f64>,
        cancellation: Option<&Cancellation>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let (queries, candidates) = (texts(queries, "queries")?, texts(candidates, "candidates")?);
        if queries.len() != candidates.len() {
            let (queries, candidates) = (queries.len(), candidates.len());
            return Err(invalid(format!(
                "{queries} queries and {candidates} candidates make no pairs: give equally many"
            )));
        }
        let pairs = queries.into_iter().zip(candidates).collect();
        self.judged(py, pairs, Asked::named(asked)?, &Wanted::new(timeout, cancellation)?, progress)
    }

    /// Why: `verdicts.explained`, of the part of the candidate that decided; None where there is no map.
    #[pyo3(signature = (query, window, relation_name, timeout, cancellation))]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        query: &Bound<'py, PyAny>,
        window: &Bound<'py, PyAny>,
        relation_name: &str,
        timeout: Option<f64>,
        cancellation: Option<&Cancellation>,
    ) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let (query, window) = (text(query, "query")?, text(window, "candidate")?);
        let (relation, wanted) = (relation(relation_name)?, Wanted::new(timeout, cancellation)?);
        let (open, deadline) = (self.here()?.clone(), wanted.deadline.clone());
        let explanation = run(py, &wanted, move || {
            let mut team = open.verifier.compute().enter(&deadline)?;
            let explanation = open.verifier.explain_with(&query, &window.as_str().into(), relation, &mut team);
            Ok::<_, Fault>(explanation.map_err(vetted::Error::from)?)
        })?;
        explanation.map(|explanation| explained(py, &explanation)).transpose()
    }
}

impl Verifier {
    fn here(&self) -> PyResult<&Open> {
        self.open.get().ok_or_else(|| conflict("this verifier was opened before the process forked: open it again"))
    }

    /// For an index or a cache.
    pub fn shared(&self) -> PyResult<Arc<vetted::Verifier>> {
        Ok(self.here()?.verifier.clone())
    }

    /// The calibration that it judges by.
    pub fn calibrated(&self) -> PyResult<Option<Arc<Calibrated>>> {
        Ok(self.here()?.calibrated.as_ref().map(|(calibrated, _)| calibrated.clone()))
    }

    /// Some pairs at a time; between them `progress` is told how many are done, and of how many.
    fn judged<'py>(
        &self,
        py: Python<'py>,
        pairs: Vec<(String, String)>,
        asked: Asked,
        wanted: &Wanted,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let open = self.here()?;
        if let (Some((calibrated, _)), Asked::Texts(relation)) = (&open.calibrated, asked) {
            let made_for = calibrated.calibration().relation;
            if made_for != relation {
                return Err(invalid(format!(
                    "the calibration is about {made_for}, and {relation} is asked: leave the calibration out, or ask for {made_for}"
                )));
            }
        }
        let (all, list) = (pairs.len(), PyList::empty(py));
        let mut pairs = pairs;
        while !pairs.is_empty() {
            let rest = pairs.split_off(pairs.len().min(TOGETHER));
            let some = std::mem::replace(&mut pairs, rest);
            let (open, deadline) = (open.clone(), wanted.deadline.clone());
            let judged = run(py, wanted, move || open.judge(&some, asked, &deadline))?;
            for (said, window, support, calibrated) in judged {
                list.append((said, window, support, calibrated))?;
            }
            if let Some(progress) = &progress {
                progress.call1(("verifying", list.len(), all))?;
            }
        }
        Ok(list)
    }
}

/// What is said, the window, the logit of all support, and probability and score of a calibration.
type Judged = (crate::verdicts::Said, Option<(usize, usize)>, f32, Option<(Option<f64>, Option<f64>)>);

impl Open {
    fn verified(
        &self,
        query: &str,
        candidates: &[&str],
        asked: Asked,
        team: &mut Team,
    ) -> Result<Vec<Verification>, VerifierError> {
        let relation = match asked {
            Asked::Texts(relation) => relation,
            // Of an empty query every candidate is unverified.
            Asked::Passages if query.trim().is_empty() => Relation::Support,
            Asked::Passages => {
                let mut prepared = self.verifier.prepare_many(&[query], team)?;
                let Some(query) = prepared.pop() else { return Ok(Vec::new()) };
                let passages: Vec<PassageSource> =
                    candidates.iter().map(|it| PassageSource::Text((*it).into())).collect();
                let verified = self.verifier.verify_many(&[(&query, &passages)], team)?;
                let verified = verified.into_iter().flatten().map(|(verification, _)| verification).collect();
                return query.look_at_texts(verified, &passages, team);
            }
        };
        Ok(self.verifier.verify_queries(&[(query, candidates, relation)], team)?.into_iter().flatten().collect())
    }

    fn judge(
        &self,
        pairs: &[(String, String)],
        asked: Asked,
        deadline: &vetted::Deadline,
    ) -> Result<Vec<Judged>, Fault> {
        let mut team = self.verifier.compute().enter(deadline)?;
        let mut judged = Vec::with_capacity(pairs.len());
        // Neighbors with one query are asked together: it is read once.
        for some in pairs.chunk_by(|(one, _), (other, _)| one == other) {
            let (query, candidates) = (&some[0].0, some.iter().map(|(_, it)| it.as_str()).collect::<Vec<_>>());
            let verified = self.verified(query, &candidates, asked, &mut team).map_err(vetted::Error::from)?;
            let calibrated = match &self.calibrated {
                // It is about two texts.
                Some((calibrated, segment)) if asked != Asked::Passages => {
                    let decided = calibrated.decide(query, &candidates, &verified, segment.as_deref(), &mut team)?;
                    decided.into_iter().map(Some).collect()
                }
                _ => vec![None; verified.len()],
            };
            for ((candidate, verification), calibrated) in candidates.iter().zip(&verified).zip(calibrated) {
                let (outcome, calibrated) = match calibrated {
                    Some(verdict) => {
                        let CalibratedResult { probability, score, .. } = CalibratedResult::new(&verdict, None);
                        (Outcome::ruled(verification, verdict.decided.ruling), Some((probability, score)))
                    }
                    None => (Outcome::from(verification), None),
                };
                let window = verification.assessment().map(|read| characters(candidate, &read.window));
                judged.push((said(outcome), window, verification.support_of_all(), calibrated));
            }
        }
        Ok(judged)
    }
}

/// What is asked about texts.
#[derive(Clone, Copy, PartialEq)]
enum Asked {
    /// A relation of two texts that somebody brings.
    Texts(Relation),
    /// Support, of passages that a retriever found: what is merely about something else is not rejected.
    Passages,
}

impl Asked {
    fn named(name: &str) -> PyResult<Asked> {
        match name {
            "passages" => Ok(Asked::Passages),
            name => relation(name).map(Asked::Texts),
        }
    }
}

fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
        Precision::Int8 => "int8",
    }
}
