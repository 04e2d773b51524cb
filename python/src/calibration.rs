//! Thresholds with a promise, out of pairs, checked decisions or scores.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use time::OffsetDateTime;
use vetted::Encoder;
use vetted::calibrated::{COSINE, encoder_model, feature_names, features_of_pairs, verifier_model};
use vetted::calibration::{
    Checked, Features, Made, Model, OWN_SCORE, Promise, Report, Request, Side, calibrate, is_logged, read_logged,
};
use vetted::digest;
use vetted::models::Progress;
use vetted::reader::Relation;
use vetted_pairs::{Label, read_labelled};

use crate::errors::{Fault, invalid};
use crate::running::{Cancellation, Told, Wanted, run};
use crate::values::{relation, text};
use crate::verifier::{Verifier, encoder};

/// A calibration, with the page about it where it was just made.
#[pyclass(frozen, module = "vetted._vetted")]
pub struct Calibration {
    file: vetted::calibration::Calibration,
    report: Option<Box<Report>>,
}

/// What is asked of a calibration.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Asking {
    relation: String,
    max_false_accept: f64,
    max_false_reject: Option<f64>,
    confidence: f64,
    promise: String,
    by_segment: Option<String>,
    model: Option<String>,
}

/// A pair of texts, whether accepting is right, and its segment.
type Labelled<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, bool, Option<String>);

/// What is calibrated on.
enum Data {
    /// A file of labelled pairs or of checked decisions.
    File(PathBuf),
    /// Query, candidate, whether accepting is right, segment.
    Pairs(Vec<(String, String, bool, Option<String>)>),
    /// A score of one's own, and whether accepting was right.
    Scores(Vec<(f64, bool)>),
}

/// Decisions to calibrate on, the names of what is known about them, and the models that know it.
struct Material {
    checked: Vec<Checked>,
    features: Vec<String>,
    sha256: String,
    verifier: Option<Model>,
    encoder: Option<Model>,
}

#[pymethods]
impl Calibration {
    /// Reads a file.
    #[staticmethod]
    fn read(path: PathBuf) -> PyResult<Calibration> {
        let file = vetted::calibration::Calibration::read(&path).map_err(Fault::from)?;
        Ok(Calibration { file, report: None })
    }

    /// Writes it, for `vetted verify --calibration` and for `read`.
    fn write(&self, path: PathBuf) -> PyResult<()> {
        Ok(self.file.write(&path).map_err(Fault::from)?)
    }

    /// What was asked about the texts.
    #[getter]
    fn relation(&self) -> String {
        self.file.relation.to_string()
    }

    /// Whether anything at all is accepted.
    #[getter]
    fn accepts_anything(&self) -> bool {
        self.file.accepts_anything()
    }

    /// (segment, threshold as a probability, as a score, decisions beyond it, wrong ones, upper bound, coverage, about so many
    /// more decisions needed) for each segment; without a threshold all but the first and last are None.
    #[getter]
    #[allow(clippy::type_complexity)]
    fn thresholds(
        &self,
    ) -> Vec<(Option<String>, Option<f64>, Option<f64>, Option<u64>, Option<u64>, Option<f64>, Option<f64>, Option<u64>)>
    {
        let of = |it: &vetted::calibration::Thresholds| {
            let segment = it.segment.clone();
            match &it.accept {
                Side::Threshold(it) => {
                    let share = (it.beyond as f64 / self.tested(segment.as_deref()).max(1) as f64).min(1.0);
                    let (probability, score) = (Some(it.probability), Some(it.score));
                    (segment, probability, score, Some(it.beyond), Some(it.wrong), Some(it.upper), Some(share), None)
                }
                Side::Nothing(missing) => (segment, None, None, None, None, None, None, missing.more),
            }
        };
        self.file.thresholds.iter().map(of).collect()
    }

    /// The segments that it knows.
    #[getter]
    fn segments(&self) -> Vec<String> {
        self.file.segments().map(str::to_owned).collect()
    }

    /// What is accepted, in a sentence; None of one that was read from a file.
    #[getter]
    fn verdict(&self) -> Option<String> {
        self.report.as_ref().map(|report| report.verdict())
    }

    /// The page about it as HTML, Markdown and JSON; None of one that was read from a file.
    fn page(&self) -> PyResult<Option<(String, String, String)>> {
        let Some(report) = &self.report else { return Ok(None) };
        let json = serde_json::to_string(report).map_err(|error| invalid(error.to_string()))?;
        Ok(Some((report.html(), report.to_string(), json)))
    }

    /// What is written into a file.
    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(&self.file).map_err(|error| invalid(error.to_string()))
    }

    fn __eq__(&self, other: &Calibration) -> bool {
        self.file == other.file
    }
}

impl Calibration {
    /// What its file holds.
    pub fn file(&self) -> &vetted::calibration::Calibration {
        &self.file
    }

    fn tested(&self, segment: Option<&str>) -> u64 {
        self.file.of_segment(segment).map_or(0, |it| it.decisions)
    }
}

/// Calibrates on a file.
#[pyfunction]
#[pyo3(signature = (path, asking, verifier, progress, cancellation))]
pub fn calibrate_file(
    py: Python<'_>,
    path: PathBuf,
    asking: Asking,
    verifier: Option<&Verifier>,
    progress: Option<Py<PyAny>>,
    cancellation: Option<&Cancellation>,
) -> PyResult<Calibration> {
    calibrated(py, Data::File(path), asking, verifier, progress, cancellation)
}

/// Whether a file holds checked decisions, not labelled pairs: then no verifier is needed.
#[pyfunction]
#[pyo3(name = "is_logged")]
pub fn is_logged_file(path: PathBuf) -> PyResult<bool> {
    Ok(is_logged(&path).map_err(Fault::from)?)
}

/// Calibrates on pairs of texts, which the verifier reads.
#[pyfunction]
#[pyo3(signature = (pairs, asking, verifier, progress, cancellation))]
pub fn calibrate_pairs(
    py: Python<'_>,
    pairs: Vec<Labelled<'_>>,
    asking: Asking,
    verifier: &Verifier,
    progress: Option<Py<PyAny>>,
    cancellation: Option<&Cancellation>,
) -> PyResult<Calibration> {
    let own = |(at, (query, candidate, right, segment)): (usize, Labelled<'_>)| {
        let query = text(&query, &format!("the query of pair {at}"))?;
        Ok((query, text(&candidate, &format!("the candidate of pair {at}"))?, right, segment))
    };
    let pairs = pairs.into_iter().enumerate().map(own).collect::<PyResult<_>>()?;
    calibrated(py, Data::Pairs(pairs), asking, Some(verifier), progress, cancellation)
}

/// Calibrates on scores of one's own.
#[pyfunction]
#[pyo3(signature = (scores, asking, cancellation))]
pub fn calibrate_scores(
    py: Python<'_>,
    scores: Vec<(f64, bool)>,
    asking: Asking,
    cancellation: Option<&Cancellation>,
) -> PyResult<Calibration> {
    if let Some(at) = scores.iter().position(|(score, _)| !score.is_finite()) {
        return Err(invalid(format!("scores has {} at position {at}: it must be a number", scores[at].0)));
    }
    calibrated(py, Data::Scores(scores), asking, None, None, cancellation)
}

fn calibrated(
    py: Python<'_>,
    data: Data,
    asking: Asking,
    verifier: Option<&Verifier>,
    progress: Option<Py<PyAny>>,
    cancellation: Option<&Cancellation>,
) -> PyResult<Calibration> {
    let relation = relation(&asking.relation)?;
    let promise = match asking.promise.as_str() {
        "accepted" => Promise::accepted(asking.max_false_accept, asking.max_false_reject, asking.confidence),
        "marginal" => Promise::marginal(asking.max_false_accept, asking.max_false_reject),
        other => return Err(invalid(format!("promise is {other:?}: it must be \"accepted\" or \"marginal\""))),
    };
    let promise = promise.map_err(|error| invalid(error.to_string()))?;
    let (verifier, wanted) = (verifier.map(Verifier::shared).transpose()?, Wanted::new(None, cancellation)?);
    let deadline = wanted.deadline.clone();
    let report = run(py, &wanted, move || {
        let mut told = Told::new(progress);
        let material = material(data, relation, &asking, verifier.as_ref(), &mut told, &deadline)?;
        told.end()?;
        let features: Vec<&str> = material.features.iter().map(String::as_str).collect();
        let report = calibrate(
            &material.checked,
            Request {
                relation,
                promise,
                features: &features,
                verifier: material.verifier,
                encoder: material.encoder,
                encoder_feature: COSINE,
                data_sha256: material.sha256,
                segment_column: asking.by_segment.clone(),
                made: Made { vetted: env!("CARGO_PKG_VERSION").to_owned(), date: today() },
            },
        );
        report.map_err(|error| Fault::invalid(error.to_string()))
    })?;
    Ok(Calibration { file: report.calibration.clone(), report: Some(Box::new(report)) })
}

fn material(
    data: Data,
    relation: Relation,
    asking: &Asking,
    verifier: Option<&Arc<vetted::Verifier>>,
    told: &mut Told,
    deadline: &vetted::Deadline,
) -> Result<Material, Fault> {
    match data {
        Data::Scores(scores) => {
            let lines: String = scores.iter().map(|(score, right)| format!("{score} {right}\n")).collect();
            let checked = scores.into_iter().map(|(score, right)| Checked {
                features: Some(Features::from([(OWN_SCORE, score)])),
                right,
                ..Checked::default()
            });
            let (checked, features) = (checked.collect(), vec![OWN_SCORE.to_owned()]);
            Ok(Material { checked, features, sha256: digest::of_bytes(lines), verifier: None, encoder: None })
        }
        Data::File(path) if is_logged(&path)? => {
            let logged = read_logged(&path, asking.by_segment.as_deref())?.decisions;
            if logged.iter().any(|it| it.features.get(OWN_SCORE).is_none()) {
                return Err(Fault::invalid(
                    "these decisions were logged with the verifier's features, not with a score of your own: \
                     `vetted calibrate --data FILE` takes them",
                ));
            }
            let sha256 = file_digest(&path)?;
            let (checked, features) = (logged.into_iter().map(Checked::from).collect(), vec![OWN_SCORE.to_owned()]);
            Ok(Material { checked, features, sha256, verifier: None, encoder: None })
        }
        Data::File(path) => {
            let mut reader = read_labelled(&path).map_err(of_pairs)?;
            if let Some(column) = &asking.by_segment {
                reader = reader.with_column(column).map_err(of_pairs)?;
            }
            let mut pairs = Vec::new();
            while let Some(pair) = reader.next() {
                let pair = pair.map_err(of_pairs)?;
                let segment = asking.by_segment.is_some().then(|| reader.cell().to_owned());
                if !reader.named_relation() || pair.relation == relation {
                    pairs.push((pair.query, pair.candidate, pair.label == Some(Label::Match), segment));
                }
            }
            judged(pairs, file_digest(&path)?, relation, asking, verifier, told, deadline)
        }
        Data::Pairs(pairs) => {
            let lines: String =
                pairs.iter().map(|(query, candidate, right, _)| format!("{query}\t{candidate}\t{right}\n")).collect();
            judged(pairs, digest::of_bytes(lines), relation, asking, verifier, told, deadline)
        }
    }
}

/// Pairs that the verifier reads.
fn judged(
    pairs: Vec<(String, String, bool, Option<String>)>,
    sha256: String,
    relation: Relation,
    asking: &Asking,
    verifier: Option<&Arc<vetted::Verifier>>,
    told: &mut Told,
    deadline: &vetted::Deadline,
) -> Result<Material, Fault> {
    let Some(verifier) = verifier else {
        return Err(Fault::invalid("labelled pairs have to be read by a verifier: give one"));
    };
    let cosine: Option<Arc<Encoder>> = match feature_names(relation).contains(&COSINE) {
        true => {
            let name = asking.model.as_deref();
            Some(encoder(name, verifier.precision(), &mut |progress: Progress<'_>| told.tell(&progress))?)
        }
        false => None,
    };
    let mut features = Vec::with_capacity(pairs.len());
    // Some at a time: between them it is seen whether somebody still wants the result.
    for some in pairs.chunks(512) {
        deadline.check()?;
        let texts: Vec<(&str, &str)> = some.iter().map(|(query, candidate, ..)| (&**query, &**candidate)).collect();
        features.extend(features_of_pairs(&texts, relation, verifier, cosine.as_deref(), |_| {})?);
        told.count("reading pairs", features.len(), pairs.len());
    }
    let checked = pairs.into_iter().zip(features).map(|((query, candidate, right, segment), features)| Checked {
        features,
        right,
        segment: segment.filter(|_| asking.by_segment.is_some()),
        texts: vec![candidate, query],
    });
    Ok(Material {
        checked: checked.collect(),
        features: feature_names(relation).iter().map(ToString::to_string).collect(),
        sha256,
        verifier: Some(verifier_model(verifier)),
        encoder: cosine.as_deref().map(encoder_model).transpose()?,
    })
}

fn of_pairs(error: vetted_pairs::Error) -> Fault {
    Fault::invalid(error.to_string())
}

fn file_digest(path: &std::path::Path) -> Result<String, Fault> {
    digest::of_file(path)
        .map_err(|error| Fault::Known((&error).into(), format!("cannot read {}: {error}", path.display())))
}

/// As 2026-12-01.
fn today() -> String {
    let now = OffsetDateTime::now_utc();
    format!("{}-{:02}-{:02}", now.year(), u8::from(now.month()), now.day())
}
