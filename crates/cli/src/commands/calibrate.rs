//! `vetted calibrate`: thresholds with a promise, out of labelled pairs or of logged decisions.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use time::OffsetDateTime;
use vetted::calibrated::{
    COSINE, encoder_model, encoder_model_of, feature_names, features_of_pairs, verifier_model, verifier_model_of,
};
use vetted::calibration::{
    Checked, Log, Made, Model, OWN_SCORE, Promise, Provenance, Report, Request, calibrate, is_logged, read_logged,
    write_logged,
};
use vetted::models::{self, DEFAULT_MODEL};
use vetted::{Precision as Arithmetic, VerifierOptions, reader};
use vetted_pairs::{Label, Pair, Sources, read_labelled};

use super::scorers::{self, JUDGES};
use super::verify::Relation;
use super::{CONDITION_FAILED, Precision};
use crate::progress::count_bar;
use crate::terminal::{download_progress, printable_json, printable_lines, say};

/// Finds the probability from which on candidates can be accepted so that, of what is accepted, at most so much is wrong, with
/// stated confidence. Where none qualifies, the file accepts nothing, the exit status is 3, and it is said how many labelled pairs
/// are missing.
///
/// The data are labelled pairs (tab-separated text, CSV or JSONL with s1, s2 and equiv or label; .gz as well), or logged
/// decisions: JSONL with `right`, and a `score` of your own or the `features` that `vetted verify --calibration FILE --json` prints;
/// the `decisions/feedback.jsonl` of a cache is such a log. A file fits the verifier that it was made with, and no other.
#[derive(Args)]
pub struct Calibrate {
    /// Labelled pairs or logged decisions, like those that are to come
    #[arg(long, value_name = "FILE", required = true)]
    data: PathBuf,
    /// What is asked about the pairs; those that say another relation are left out
    #[arg(long, value_enum)]
    relation: Relation,
    /// At most this rate of what is accepted may be wrong, as 0.01
    #[arg(long, value_name = "RATE")]
    max_false_accept: f64,
    /// Reject, too: at most this rate of what is rejected may be right [default: nothing is rejected]
    #[arg(long, value_name = "RATE")]
    max_false_reject: Option<f64>,
    /// How surely the promise holds; all its parts together
    #[arg(long, value_name = "P", default_value_t = 0.95)]
    confidence: f64,
    /// What the rates are rates of
    #[arg(long, value_enum, default_value = "accepted")]
    promise: PromiseKind,
    /// Thresholds of their own for each value of this column (tenant, intent); all promises hold together
    #[arg(long, value_name = "COLUMN")]
    by_segment: Option<String>,
    #[arg(long, env = "VETTED_VERIFIER",
        help = format!("Who judges: {JUDGES} [default: the one that logged decisions name, else vetted]"))]
    verifier: Option<String>,
    /// The encoder whose cosine is held beside the verifier's probabilities where equivalence is asked
    /// [default: the one that logged decisions name, else all-MiniLM-L6-v2]
    #[arg(long, env = "VETTED_MODEL")]
    model: Option<String>,
    /// The arithmetic of encoder and reader: take the one that will be used
    #[arg(long, value_enum, env = "VETTED_PRECISION", default_value = "auto")]
    precision: Precision,
    /// What is known about data sets by their names in the column source, in JSON, such as recipes/sources.json
    #[arg(long, value_name = "FILE.json")]
    sources: Option<PathBuf>,
    /// The calibration to write, for `vetted verify --calibration` and `vetted drift`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Write a page about it into this folder: calibration.html, .md and .json
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Write what was read of the pairs as logged decisions (JSONL, with features, without the texts): to calibrate on it again
    /// without a model
    #[arg(long, value_name = "FILE.jsonl")]
    decisions_out: Option<PathBuf>,
    /// Print the report as JSON instead of Markdown
    #[arg(long)]
    json: bool,
}

/// The verifier where nobody names one.
const SHIPPED: &str = "vetted";

/// What the rates of a promise are rates of.
#[derive(Clone, Copy, ValueEnum)]
enum PromiseKind {
    /// Of what is accepted, with confidence (Learn then Test): what users notice
    Accepted,
    /// Of all decisions, on average (conformal risk control): weaker, and takes far fewer pairs
    Marginal,
}

/// What is calibrated on, and by whom it was judged.
struct Material {
    checked: Vec<Checked>,
    features: Vec<String>,
    verifier: Option<Model>,
    encoder: Option<Model>,
}

impl Calibrate {
    pub fn run(self) -> Result<ExitCode> {
        // What is wrong with the promise is said before models are loaded.
        let promise = match self.promise {
            PromiseKind::Accepted => Promise::accepted(self.max_false_accept, self.max_false_reject, self.confidence)?,
            PromiseKind::Marginal => Promise::marginal(self.max_false_accept, self.max_false_reject)?,
        };
        if self.data.as_os_str() == "-" {
            bail!("give the data as a file: its digest becomes a part of the calibration");
        }
        let material = if is_logged(&self.data)? { self.logged()? } else { self.pairs()? };
        if let Some(path) = &self.decisions_out {
            let provenance = Provenance {
                relation: Some(self.relation.into()),
                verifier: material.verifier.clone(),
                encoder: material.encoder.clone(),
            };
            write_logged(path, &material.checked, &provenance)?;
        }
        let features: Vec<&str> = material.features.iter().map(String::as_str).collect();
        let sha256 =
            vetted::digest::of_file(&self.data).with_context(|| format!("cannot read {}", self.data.display()))?;
        let report = calibrate(
            &material.checked,
            Request {
                relation: self.relation.into(),
                promise,
                features: &features,
                verifier: material.verifier,
                encoder: material.encoder,
                encoder_feature: COSINE,
                data_sha256: sha256,
                segment_column: self.by_segment.clone(),
                made: Made { vetted: env!("CARGO_PKG_VERSION").to_owned(), date: today() },
            },
        )
        .with_context(|| self.data.display().to_string())?;
        self.deliver(&report)
    }

    /// Logged decisions: no model runs.
    fn logged(&self) -> Result<Material> {
        let (path, relation) = (&self.data, self.relation.into());
        let log = read_logged(path, self.by_segment.as_deref())?;
        log.provenance.check_relation(path, relation)?;
        let features = match log.features()? {
            own if own == [OWN_SCORE] => own,
            logged => in_order(&logged, relation),
        };
        let own = features.first().is_none_or(|name| name == OWN_SCORE);
        let takes_cosine = features.iter().any(|name| name == COSINE);
        // What is told must be what the decisions say.
        let named = &log.provenance;
        let verifier = if own && named.verifier.is_none() { None } else { self.told_verifier()? };
        let encoder = if !takes_cosine && named.encoder.is_none() { None } else { self.told_encoder()? };
        named.check_models(path, verifier.as_ref(), encoder.as_ref())?;
        let verifier = match named.verifier.clone().or(verifier) {
            _ if own => None,
            Some(verifier) => Some(verifier),
            None => Some(verifier_model_of(&scorers::source(SHIPPED), self.arithmetic())?),
        };
        say_of_log(&log, verifier.as_ref());
        let encoder = match named.encoder.clone().or(encoder) {
            _ if !takes_cosine => None,
            Some(encoder) => Some(encoder),
            None => Some(self.model_of_encoder(DEFAULT_MODEL)?),
        };
        Ok(Material { checked: log.decisions.into_iter().map(Checked::from).collect(), features, verifier, encoder })
    }

    /// The verifier that the command or its environment names, by its files.
    fn told_verifier(&self) -> Result<Option<Model>> {
        let told = self.verifier.as_deref().filter(|name| !name.is_empty());
        Ok(told.map(|name| verifier_model_of(&scorers::source(name), self.arithmetic())).transpose()?)
    }

    fn told_encoder(&self) -> Result<Option<Model>> {
        let told = self.model.as_deref().filter(|name| !name.is_empty());
        told.map(|name| self.model_of_encoder(name)).transpose()
    }

    fn model_of_encoder(&self, name: &str) -> Result<Model> {
        Ok(encoder_model_of(&models::ensure(name, &mut download_progress())?, self.arithmetic())?)
    }

    fn arithmetic(&self) -> Arithmetic {
        self.precision.into()
    }

    /// Labelled pairs: the verifier reads them.
    fn pairs(&self) -> Result<Material> {
        let relation = reader::Relation::from(self.relation);
        let (pairs, left_out) = self.read_pairs(relation)?;
        if left_out > 0 {
            say(format_args!("{left_out} pairs are about another relation than {relation} and were left out"));
        }
        let precision = self.arithmetic();
        let takes_cosine = feature_names(relation).contains(&COSINE);
        let encoder = match takes_cosine {
            true => Some(Arc::new(scorers::load_encoder(self.encoder(), precision)?)),
            false => None,
        };
        let judge = self.verifier.as_deref().filter(|name| !name.is_empty()).unwrap_or(SHIPPED);
        let verifier = scorers::load_judge(judge, VerifierOptions::all_in(precision))?;
        let texts: Vec<(&str, &str)> =
            pairs.iter().map(|(pair, _)| (pair.query.as_str(), pair.candidate.as_str())).collect();
        let bar = count_bar(texts.len() as u64, "reading pairs");
        let features =
            features_of_pairs(&texts, relation, &verifier, encoder.as_deref(), |read| bar.set_position(read as u64))?;
        bar.finish_and_clear();
        let checked = pairs.into_iter().zip(features).map(|((pair, segment), features)| Checked {
            features,
            // Neutral is not right to accept.
            right: pair.label == Some(Label::Match),
            segment: self.by_segment.is_some().then_some(segment),
            texts: vec![pair.candidate, pair.query],
        });
        Ok(Material {
            checked: checked.collect(),
            features: feature_names(relation).iter().map(ToString::to_string).collect(),
            verifier: Some(verifier_model(&verifier)),
            encoder: encoder.as_deref().map(encoder_model).transpose()?,
        })
    }

    /// The pairs of the relation with their segments, and how many are about another.
    fn read_pairs(&self, relation: reader::Relation) -> Result<(Vec<(Pair, String)>, usize)> {
        let sources = self.sources.as_ref().map(Sources::read).transpose()?.unwrap_or_default();
        let mut reader = read_labelled(&self.data)?.with_sources(sources);
        if let Some(column) = &self.by_segment {
            reader = reader.with_column(column)?;
        }
        let mut pairs = Vec::new();
        while let Some(pair) = reader.next() {
            pairs.push((pair?, reader.cell().to_owned()));
        }
        // A file that does not say what its labels are about is about what was asked.
        let says_relation = reader.named_relation() || self.sources.is_some();
        let all = pairs.len();
        let asked = |(pair, _): &(Pair, String)| !says_relation || pair.relation == relation;
        let pairs: Vec<_> = pairs.into_iter().filter(asked).collect();
        if pairs.is_empty() && all > 0 {
            bail!("{}: none of the {all} pairs is about {relation}", self.data.display());
        }
        let left_out = all - pairs.len();
        Ok((pairs, left_out))
    }

    fn encoder(&self) -> &str {
        self.model.as_deref().filter(|name| !name.is_empty()).unwrap_or(DEFAULT_MODEL)
    }

    /// Writes the file and the page, and says what may be accepted.
    fn deliver(&self, report: &Report) -> Result<ExitCode> {
        report.calibration.write(&self.out)?;
        let json = serde_json::to_string(report)?;
        if let Some(folder) = &self.report {
            let write = |name: &str, text: &str| {
                let path = folder.join(name);
                std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
            };
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
            write("calibration.html", &report.html())?;
            write("calibration.md", &report.to_string())?;
            write("calibration.json", &json)?;
        }
        match self.json {
            true => writeln!(stdout(), "{}", printable_json(&json))?,
            false => write!(stdout(), "{}", printable_lines(&report.to_string()))?,
        }
        say(format_args!("wrote {}{}", self.out.display(), page(self.report.as_deref())));
        let calibration = &report.calibration;
        let holds = calibration.accepts_anything() && calibration.rejects_as_asked();
        Ok(if holds { ExitCode::SUCCESS } else { CONDITION_FAILED.into() })
    }
}

fn page(folder: Option<&Path>) -> String {
    folder.map(|folder| format!(", and {}", folder.join("calibration.html").display())).unwrap_or_default()
}

/// Says what of a log may not be as it is taken.
pub(super) fn say_of_log(log: &Log, verifier: Option<&Model>) {
    let path = log.path.display();
    if log.overruled > 0 {
        say(format_args!("{path}: {} lines were overruled by a later one about the same decision", log.overruled));
    }
    if let Some(verifier) = verifier.filter(|_| log.unnamed > 0) {
        say(format_args!(
            "warning: {path}: {} decisions do not say who judged them and what was asked (`verifier`, `relation`): they are taken for \
             those of the verifier {}. If another one judged, what is made of them promises nothing",
            log.unnamed, verifier.name
        ));
    }
    if log.precisions.len() > 1 {
        let all: Vec<&str> = log.precisions.iter().map(String::as_str).collect();
        say(format_args!(
            "warning: {path}: its decisions were made in several arithmetics ({}), and their scores differ by rounding",
            all.join(", ")
        ));
    }
}

/// The names of logged features, the one first that the others have to beat.
fn in_order(logged: &[String], relation: reader::Relation) -> Vec<String> {
    let known = feature_names(relation).iter().filter(|name| logged.iter().any(|it| it == *name)).copied();
    let others = logged.iter().map(String::as_str).filter(|name| !vetted::calibrated::ALL.contains(name));
    known.chain(others).map(str::to_owned).collect()
}

/// As 2026-12-01; empty where the clock stands before 1970.
fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let now = since.and_then(|it| OffsetDateTime::from_unix_timestamp(i64::try_from(it.as_secs()).ok()?).ok());
    now.map(|now| format!("{}-{:02}-{:02}", now.year(), u8::from(now.month()), now.day())).unwrap_or_default()
}
