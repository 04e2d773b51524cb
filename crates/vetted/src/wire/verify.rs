//! What a verifier answers about candidates that somebody brought.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Outcome, TokenPair};
use crate::calibrated::CalibratedVerdict;
use crate::{Explanation, Verification, reader};

/// The verdicts on the candidates for one query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyAnswer {
    /// The query.
    pub query: String,
    /// What was asked.
    pub relation: Relation,
    /// Whether at least one candidate is accepted.
    pub verified: bool,
    /// A result for each candidate, in their order.
    pub results: Vec<VerifyResult>,
}

/// What is asked about a query and a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// Whether the candidate supports the query.
    Support,
    /// Whether both mean the same.
    Equivalence,
}

/// The verdict on one candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VerifyResult {
    /// The candidate's place among those given, from 0.
    pub index: usize,
    /// The candidate's own id, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The candidate.
    pub candidate: String,
    /// The verdict.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The part of the candidate that decided: its first byte, and the one after its last. Absent where nothing was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<[usize; 2]>,
    /// The token pairs that decided, where these were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Vec<TokenPair>>,
    /// What a calibration says, where one was asked. The verdict is then by its thresholds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<CalibratedResult>,
}

/// What a calibration says about a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibratedResult {
    /// The probability that accepting is right, on texts like those that were calibrated on; null where nothing was read.
    pub probability: Option<f64>,
    /// The same as log-odds: thresholds are about it.
    pub score: Option<f64>,
    /// The segment whose thresholds these are, where they differ by segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// What the probability is made of, by name; add `right` to make a line of logged decisions for `vetted calibrate` and
    /// `vetted drift`. Empty where nothing was read.
    pub features: BTreeMap<String, f64>,
}

impl VerifyAnswer {
    /// Of results in their candidates' order.
    pub fn new(query: String, relation: reader::Relation, results: Vec<VerifyResult>) -> VerifyAnswer {
        let relation = match relation {
            reader::Relation::Support => Relation::Support,
            reader::Relation::Equivalence => Relation::Equivalence,
        };
        let verified = results.iter().any(|result| matches!(result.outcome, Outcome::Accept(_)));
        VerifyAnswer { query, relation, verified, results }
    }
}

impl VerifyResult {
    /// Of the candidate at `index`, with evidence where there is some.
    pub fn new(
        index: usize,
        candidate: &str,
        verification: &Verification,
        explanation: Option<&Explanation>,
    ) -> VerifyResult {
        let window = verification.assessment().map(|read| [read.window.start, read.window.end]);
        let (candidate, outcome) = (candidate.to_owned(), Outcome::from(verification));
        let evidence = explanation.map(TokenPair::of);
        VerifyResult { index, id: None, candidate, outcome, window, evidence, calibrated: None }
    }

    /// With the verdict of a calibration.
    pub fn calibrated(
        mut self,
        verification: &Verification,
        verdict: &CalibratedVerdict,
        segment: Option<&str>,
    ) -> Self {
        self.outcome = Outcome::ruled(verification, verdict.decided.ruling);
        self.calibrated = Some(CalibratedResult::new(verdict, segment));
        self
    }

    /// With the id that the candidate was given, if it was given one.
    pub fn id(mut self, id: Option<String>) -> VerifyResult {
        self.id = id;
        self
    }
}

impl CalibratedResult {
    /// Of a verdict by the thresholds of a segment.
    pub fn new(verdict: &CalibratedVerdict, segment: Option<&str>) -> CalibratedResult {
        let features = verdict.features.iter().flat_map(|it| it.iter());
        CalibratedResult {
            probability: verdict.decided.probability,
            score: verdict.decided.score,
            segment: segment.map(str::to_owned),
            features: features.map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }
}
