//! What a verifier answers about candidates that somebody brought.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Outcome, TokenPair};
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
        VerifyResult { index, id: None, candidate, outcome, window, evidence: explanation.map(TokenPair::of) }
    }

    /// With the id that the candidate was given, if it was given one.
    pub fn id(mut self, id: Option<String>) -> VerifyResult {
        self.id = id;
        self
    }
}
