//! The calibration file: thresholds, what they promise, what they were made from, and for which models.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vetted_pairs::Relation;
use vetted_tensors::digest;

use crate::binomial::Interval;
use crate::file_error::FileError;
use crate::score::{Features, Score, probability};
use crate::split::GroupedBy;
use crate::{Bound, Error};

/// From which score on decisions are accepted, and what that promises. A value of this type has been made by
/// [`calibrate`](crate::calibrate), or read from a file that nobody changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// By which vetted, and when.
    pub made: Made,
    /// What was asked about the texts.
    pub relation: Relation,
    /// What is promised.
    pub promise: Promise,
    /// Whose decisions these are. None of logged decisions that bring a score of their own.
    pub verifier: Option<Model>,
    /// The encoder whose cosine is one of the features, if one is.
    pub encoder: Option<Model>,
    /// What it was made from.
    pub data: Data,
    /// How features become the score that thresholds are about.
    pub score: Score,
    /// The column that names a decision's segment, if thresholds differ by segment.
    pub segment_column: Option<String>,
    /// The thresholds: one entry, or one for each segment.
    pub thresholds: Vec<Thresholds>,
}

/// By which vetted a calibration was made, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// Its version.
    pub vetted: String,
    /// The day, as in 2026-12-01.
    pub date: String,
}

/// What is promised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Promise {
    /// Of what is accepted, at most this rate is wrong, and of what is rejected at most this rate was right: all of it together
    /// with this confidence.
    Accepted {
        /// About what is accepted.
        accept: Bound,
        /// About what is rejected, if something is to be.
        reject: Option<Bound>,
    },
    /// Of all decisions, at most this rate is accepted and wrong, on average over draws of the data; likewise rejected and
    /// right.
    Marginal {
        /// About what is accepted.
        accept: f64,
        /// About what is rejected, if something is to be.
        reject: Option<f64>,
    },
}

/// A model by name and content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name, for people.
    pub name: String,
    /// A digest of what it is made of.
    pub sha256: String,
    /// Its arithmetic: scores of another differ by rounding.
    pub precision: String,
}

/// What a calibration was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Of the file.
    pub sha256: String,
    /// Of the division into development and test.
    pub split_sha256: String,
    /// Different decisions.
    pub decisions: u64,
    /// Decisions that say the same as another one, and were left out.
    pub repeated: u64,
    /// How many are right to accept.
    pub right: u64,
    /// What keeps decisions on one side of the division.
    pub grouped_by: GroupedBy,
    /// How many groups there are by that.
    pub groups: u64,
    /// How many decisions the largest group has.
    pub largest_group: u64,
    /// How many weights and ladders were made on.
    pub development: u64,
    /// How many thresholds were tested on.
    pub test: u64,
    /// How many the verifier gave no verdict on. They are never accepted.
    pub unverified: u64,
}

/// The thresholds of one segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// The segment's name; none where all decisions have the same thresholds.
    pub segment: Option<String>,
    /// Decisions of the test, the unverified ones included.
    pub decisions: u64,
    /// From where on decisions are accepted.
    pub accept: Side,
    /// From where down they are rejected. None if nobody asked.
    pub reject: Option<Side>,
}

/// A threshold, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Side {
    /// The promise holds beyond this score.
    Threshold(Threshold),
    /// None qualified: nothing is accepted (or rejected).
    Nothing(Missing),
}

/// A threshold and what was seen at it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// The score.
    pub score: f64,
    /// The same as a probability that accepting is right.
    pub probability: f64,
    /// How many decisions of the test are beyond it.
    pub beyond: u64,
    /// How many of these are wrong: accepted and wrong, or rejected and right.
    pub wrong: u64,
    /// The most of them that may be wrong in truth, as far as this threshold alone was looked at (Clopper and Pearson): a share
    /// of those beyond it, or of all decisions, as the promise is.
    pub upper: f64,
    /// The share of all decisions that are beyond it, with its interval of 95 % (Wilson).
    pub coverage: Interval,
}

/// What is missing for a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// How many verified decisions of the test there were.
    pub decisions: u64,
    /// The least that could ever do, all of them accepted and right.
    pub fewest: u64,
    /// About so many more labelled decisions would do, if they are like these; none if no number would.
    pub more: Option<u64>,
}

/// What is said about one decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decided {
    /// What becomes of it.
    pub ruling: Ruling,
    /// The score that thresholds are about; none if a feature is missing.
    pub score: Option<f64>,
    /// The probability that accepting is right, on decisions like those of the calibration; none if a feature is missing.
    pub probability: Option<f64>,
}

/// What becomes of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// The promise covers it.
    Accept,
    /// The promise about rejecting covers it.
    Reject,
    /// Neither, or nothing is known about such decisions.
    Abstain,
}

const FORMAT: &str = "vetted calibration";
const VERSION: u64 = 1;

/// The file as it is written.
#[derive(Serialize)]
struct Sealed<'a> {
    format: &'a str,
    version: u64,
    /// Of `calibration`, written without blanks.
    sha256: &'a str,
    calibration: &'a Calibration,
}

impl Calibration {
    /// Reads a file.
    ///
    /// # Errors
    /// [`FileError`]: it cannot be read, is something else, of another version, or was changed.
    pub fn read(path: &Path) -> Result<Calibration, FileError> {
        let bytes = std::fs::read(path).map_err(|source| FileError::Unreadable { path: path.into(), source })?;
        Calibration::parse(&bytes, path)
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Calibration, FileError> {
        let other = |problem: String| FileError::NotACalibration { path: path.into(), problem };
        let value: Value = serde_json::from_slice(bytes).map_err(|error| other(error.to_string()))?;
        if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(other(format!("its `format` is not {FORMAT:?}")));
        }
        let version = value.get("version").and_then(Value::as_u64);
        if version != Some(VERSION) {
            let got = value.get("version").map(Value::to_string).unwrap_or_default();
            return Err(FileError::Version { path: path.into(), got, expected: VERSION });
        }
        let changed = || FileError::Changed { path: path.into() };
        let written = value.get("calibration").cloned().unwrap_or_default();
        let calibration: Calibration = serde_json::from_value(written).map_err(|_| changed())?;
        let expected = value.get("sha256").and_then(Value::as_str).unwrap_or_default();
        // A field beside these would be no part of what the digest is about.
        let fields = value.as_object().map_or(0, serde_json::Map::len);
        if calibration.digest().as_deref() != Some(expected) || fields != 4 || !calibration.is_sound() {
            return Err(changed());
        }
        Ok(calibration)
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// [`FileError::Unwritable`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let fault = |source| FileError::Unwritable { path: path.into(), source };
        let sha256 = self.digest().ok_or_else(|| fault(std::io::ErrorKind::InvalidData.into()))?;
        let sealed = Sealed { format: FORMAT, version: VERSION, sha256: &sha256, calibration: self };
        let mut text = serde_json::to_vec_pretty(&sealed).map_err(|error| fault(error.into()))?;
        text.push(b'\n');
        vetted_tensors::replace(path, text).map_err(fault)
    }

    /// As it is when it is read from its file: numbers in decimal digits may differ in the last bit from what was computed.
    pub(crate) fn into_written(self) -> Calibration {
        let mut before = self;
        for _ in 0..ROUNDS {
            let read = serde_json::to_string(&before).ok().and_then(|text| serde_json::from_str(&text).ok());
            match read {
                Some(after) if after == before => break,
                Some(after) => before = after,
                None => break,
            }
        }
        before
    }

    fn digest(&self) -> Option<String> {
        serde_json::to_string(self).ok().map(digest::of_bytes)
    }

    fn is_sound(&self) -> bool {
        let sides = self.thresholds.iter().flat_map(|it| std::iter::once(&it.accept).chain(&it.reject));
        let weights = self.score.features.iter().map(|it| it.weight).chain([self.score.intercept]);
        !self.thresholds.is_empty()
            && sides.filter_map(Side::threshold).map(|it| it.score).chain(weights).all(f64::is_finite)
    }

    /// Fails unless the calibration was made for this verifier, this question, and, if it takes the cosine, this encoder.
    ///
    /// # Errors
    /// [`FileError::OtherModel`], [`FileError::OtherRelation`], [`FileError::OwnScores`].
    pub fn check(&self, verifier: &Model, encoder: Option<&Model>, relation: Relation) -> Result<(), FileError> {
        if self.relation != relation {
            return Err(FileError::OtherRelation { expected: self.relation, got: relation });
        }
        let Some(expected) = &self.verifier else { return Err(FileError::OwnScores) };
        let same = |what, expected: &Model, got: Option<&Model>| match got {
            Some(got) if got.sha256 == expected.sha256 => Ok(()),
            got => Err(FileError::OtherModel {
                what,
                expected: expected.name.clone(),
                expected_sha256: expected.sha256.clone(),
                got: got.map_or_else(|| "none".to_owned(), |got| got.name.clone()),
                got_sha256: got.map(|got| got.sha256.clone()).unwrap_or_default(),
            }),
        };
        same("verifier", expected, Some(verifier))?;
        self.encoder.as_ref().map_or(Ok(()), |expected| same("encoder", expected, encoder))
    }

    /// What becomes of a decision with these features. A segment must be named where thresholds differ by segment; of one that
    /// the calibration does not know, nothing is promised, so it abstains.
    pub fn decide(&self, features: &Features, segment: Option<&str>) -> Decided {
        let score = self.score.logit(features);
        let ruling = match (score, self.of_segment(segment)) {
            (Some(score), Some(thresholds)) => thresholds.rule(score),
            _ => Ruling::Abstain,
        };
        Decided { ruling, score, probability: score.map(probability) }
    }

    /// The thresholds of a segment.
    pub fn of_segment(&self, segment: Option<&str>) -> Option<&Thresholds> {
        match self.segment_column {
            None => self.thresholds.first(),
            Some(_) => self.thresholds.iter().find(|it| segment.is_some() && it.segment.as_deref() == segment),
        }
    }

    /// The names of the segments, where thresholds differ by segment.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.thresholds.iter().filter_map(|it| it.segment.as_deref())
    }

    /// Whether anything at all is accepted.
    pub fn accepts_anything(&self) -> bool {
        self.thresholds.iter().any(|it| it.accept.threshold().is_some())
    }

    /// Whether anything at all is rejected, or nobody asked for it.
    pub fn rejects_as_asked(&self) -> bool {
        let mut asked = self.thresholds.iter().filter_map(|it| it.reject.as_ref()).peekable();
        asked.peek().is_none() || asked.any(|side| side.threshold().is_some())
    }
}

const ROUNDS: usize = 16;

impl Thresholds {
    pub(crate) fn rule(&self, score: f64) -> Ruling {
        let accepts = |it: &Threshold| score >= it.score;
        let rejects = |it: &Threshold| score <= it.score;
        if self.accept.threshold().is_some_and(accepts) {
            Ruling::Accept
        } else if self.reject.as_ref().and_then(Side::threshold).is_some_and(rejects) {
            Ruling::Reject
        } else {
            Ruling::Abstain
        }
    }
}

impl Side {
    /// The threshold, if one qualified.
    pub fn threshold(&self) -> Option<&Threshold> {
        match self {
            Side::Threshold(threshold) => Some(threshold),
            Side::Nothing(_) => None,
        }
    }
}

impl Promise {
    /// Of what is accepted (or rejected), at most so much is wrong.
    ///
    /// # Errors
    /// [`Error::NotBetween`] for a rate or the confidence.
    pub fn accepted(accept: f64, reject: Option<f64>, confidence: f64) -> Result<Promise, Error> {
        let reject = reject.map(|rate| Bound::new(rate, confidence)).transpose()?;
        Ok(Promise::Accepted { accept: Bound::new(accept, confidence)?, reject })
    }

    /// Of all decisions, at most so many are accepted (or rejected) and wrong, on average.
    ///
    /// # Errors
    /// [`Error::NotBetween`] for a rate.
    pub fn marginal(accept: f64, reject: Option<f64>) -> Result<Promise, Error> {
        // The confidence is not asked about: any will do.
        for rate in std::iter::once(accept).chain(reject) {
            Bound::new(rate, 0.5)?;
        }
        Ok(Promise::Marginal { accept, reject })
    }

    /// The rate of wrong accepts that is tolerated.
    pub fn accept_rate(&self) -> f64 {
        match self {
            Promise::Accepted { accept, .. } => accept.rate(),
            Promise::Marginal { accept, .. } => *accept,
        }
    }

    /// The bound that drift is watched by.
    ///
    /// # Errors
    /// [`FileError::NoDrift`] where the promise is not about what is accepted.
    pub fn watched(&self) -> Result<Bound, FileError> {
        match self {
            Promise::Accepted { accept, .. } => Ok(*accept),
            Promise::Marginal { .. } => Err(FileError::NoDrift),
        }
    }
}

impl Ruling {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Ruling::Accept => "accept",
            Ruling::Reject => "reject",
            Ruling::Abstain => "abstain",
        }
    }
}
