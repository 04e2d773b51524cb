//! Verdicts and what they rest on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calibration::Ruling;
use crate::{Assessment, Explanation, Unverified, Verification};

/// The verdict on a candidate, its reason and its numbers. The same words mean the same wherever they stand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Outcome {
    /// It supports the query, or says the same, as was asked: it can be vouched for.
    Accept(Judgement),
    /// It contradicts the query, is different, or is beaten by a rival, as `reason` says.
    Reject {
        /// What is found about it and the query.
        #[serde(flatten)]
        judgement: Judgement,
        /// Why it is rejected.
        #[serde(flatten)]
        grounds: Grounds,
    },
    /// It was read, and it is none of these, or not surely enough.
    Abstain(Judgement),
    /// It was not read, or not enough of it or of the query. Nothing unverified is accepted.
    Unverified {
        /// Why, for programs.
        reason: UnverifiedReason,
        /// Why, for people.
        why: String,
        /// What is found in the part that was read, where something was.
        #[serde(flatten)]
        judgement: Option<Judgement>,
    },
}

/// What is found about a query and a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// What is found.
    pub finding: Finding,
    /// Probability of the relation asked about, from 0 to 1.
    pub p_match: f64,
    /// Probability that the two contradict each other, from 0 to 1.
    pub p_conflict: f64,
    /// The likeliest kind of difference; null for what supports or says the same.
    pub kind: Option<String>,
    /// What it answers to a question that asks for yes or no; absent where that is not known, or not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// The probability, by all that is known, that decides whether a search accepts an answer; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vouched: Option<f64>,
}

/// An answer to a question that asks for yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// What is asked is so.
    Yes,
    /// It is not so.
    No,
}

/// What a candidate has to do with a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// The candidate entails or answers the query.
    Supports,
    /// They cannot both be true.
    Contradicts,
    /// Neither, or not clearly enough.
    Neither,
    /// Both mean the same.
    Same,
    /// They mean different things.
    Different,
}

/// Why a candidate is rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Grounds {
    /// It contradicts the query.
    Contradicts,
    /// It means something else, and equivalence was asked about.
    Different,
    /// Another document says nearly the same and supports the query clearly better.
    Rival {
        /// The other one's id.
        rival: String,
    },
    /// A calibration was asked, and its promise about what is rejected covers it.
    Improbable,
}

/// Why there is no verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnverifiedReason {
    /// It stands deeper than what was to be verified.
    BeyondDepth,
    /// The time for verifying was spent.
    BudgetSpent,
    /// The query is longer than the verifier reads.
    QueryTooLong,
    /// The query is a word or two.
    QueryTooShort,
    /// The query has no text, only a vector.
    QueryWithoutText,
    /// The candidate is longer than can be read at once.
    CandidateTooLong,
    /// The candidate has no text.
    NoText,
    /// The query or the candidate is not English.
    NotEnglish,
    /// It has characters that the verifier does not know.
    UnknownCharacters,
    /// The verifier failed.
    Failed,
}

/// A token of the query beside the candidate's that is most like it, or the other way round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenPair {
    /// The query's.
    pub query: String,
    /// The candidate's.
    pub candidate: String,
    /// How alike they are, from -1 to 1.
    pub similarity: f64,
    /// Logits that they make for the verdict, above 0.
    pub weight: f64,
}

/// So many token pairs are given as evidence, the heaviest.
const PAIRS: usize = 5;

impl TokenPair {
    /// The token pairs that made most for a verdict. `[CLS]` and `[SEP]` say nothing to people and are left out.
    pub fn of(explanation: &Explanation) -> Vec<TokenPair> {
        let special = |token: &str| token.starts_with('[') && token.ends_with(']');
        let pairs = explanation.evidence.pairs.iter().map(|pair| TokenPair {
            query: explanation.query_tokens[pair.query].clone(),
            candidate: explanation.candidate_tokens[pair.candidate].clone(),
            similarity: pair.similarity.into(),
            weight: pair.weight.into(),
        });
        pairs.filter(|pair| !special(&pair.query) && !special(&pair.candidate)).take(PAIRS).collect()
    }
}

impl Outcome {
    /// Of a document that was found; none when nobody asked.
    pub fn of(outcome: &crate::Outcome) -> Option<Outcome> {
        Some(match outcome {
            crate::Outcome::Off => return None,
            crate::Outcome::Accept(read) => Outcome::Accept(read.into()),
            crate::Outcome::Reject(read, grounds) => {
                Outcome::Reject { judgement: read.into(), grounds: grounds.into() }
            }
            crate::Outcome::Abstain(read) => Outcome::Abstain(read.into()),
            crate::Outcome::Unverified(why) => Outcome::unverified(why, None),
        })
    }

    /// By a calibration. What was not verified stays so.
    pub fn ruled(verification: &Verification, ruling: Ruling) -> Outcome {
        match (verification, verification.assessment().map(Judgement::from)) {
            (Verification::Unverified(why, _), judgement) => Outcome::unverified(why, judgement),
            (_, None) => Outcome::unverified(&Unverified::NoText, None),
            (_, Some(judgement)) => match ruling {
                Ruling::Accept => Outcome::Accept(judgement),
                Ruling::Reject => Outcome::Reject { judgement, grounds: Grounds::Improbable },
                Ruling::Abstain => Outcome::Abstain(judgement),
            },
        }
    }

    fn unverified(why: &Unverified, judgement: Option<Judgement>) -> Outcome {
        Outcome::Unverified { reason: why.into(), why: why.to_string(), judgement }
    }
}

impl From<&Verification> for Outcome {
    fn from(verification: &Verification) -> Outcome {
        match verification {
            Verification::Accept(read) => Outcome::Accept(read.into()),
            Verification::Reject(read) => Outcome::Reject {
                judgement: read.into(),
                grounds: match read.judgement.finding {
                    crate::Finding::Different => Grounds::Different,
                    _ => Grounds::Contradicts,
                },
            },
            Verification::Abstain(read) => Outcome::Abstain(read.into()),
            Verification::Unverified(why, read) => Outcome::unverified(why, read.as_ref().map(Judgement::from)),
        }
    }
}

impl<Place> From<&Assessment<Place>> for Judgement {
    fn from(read: &Assessment<Place>) -> Judgement {
        let crate::Judgement { finding, p_match, p_conflict, kind, answer } = read.judgement;
        Judgement {
            finding: finding.into(),
            p_match: p_match.into(),
            p_conflict: p_conflict.into(),
            kind: kind.map(|kind| kind.name().to_owned()),
            answer: answer.map(Answer::from),
            vouched: read.vouched.map(f64::from),
        }
    }
}

impl From<crate::Answer> for Answer {
    fn from(answer: crate::Answer) -> Answer {
        match answer {
            crate::Answer::Yes => Answer::Yes,
            crate::Answer::No => Answer::No,
        }
    }
}

impl From<crate::Finding> for Finding {
    fn from(finding: crate::Finding) -> Finding {
        match finding {
            crate::Finding::Supports => Finding::Supports,
            crate::Finding::Contradicts => Finding::Contradicts,
            crate::Finding::Neither => Finding::Neither,
            crate::Finding::Same => Finding::Same,
            crate::Finding::Different => Finding::Different,
        }
    }
}

impl From<&crate::Grounds> for Grounds {
    fn from(grounds: &crate::Grounds) -> Grounds {
        match grounds {
            crate::Grounds::Contradicts => Grounds::Contradicts,
            crate::Grounds::Rival { id } => Grounds::Rival { rival: id.clone() },
        }
    }
}

impl From<&Unverified> for UnverifiedReason {
    fn from(why: &Unverified) -> UnverifiedReason {
        match why {
            Unverified::BeyondDepth => UnverifiedReason::BeyondDepth,
            Unverified::BudgetSpent => UnverifiedReason::BudgetSpent,
            Unverified::QueryTooLong => UnverifiedReason::QueryTooLong,
            Unverified::QueryTooShort => UnverifiedReason::QueryTooShort,
            Unverified::QueryWithoutText => UnverifiedReason::QueryWithoutText,
            Unverified::CandidateTooLong => UnverifiedReason::CandidateTooLong,
            Unverified::NoText => UnverifiedReason::NoText,
            Unverified::NotEnglish => UnverifiedReason::NotEnglish,
            Unverified::UnknownCharacters => UnverifiedReason::UnknownCharacters,
            // And whatever else a verifier may not be able to do some day.
            _ => UnverifiedReason::Failed,
        }
    }
}
