//! What a lookup answers, and why.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use vetted::{Judgement, Verification};

use crate::{Entry, EntryId, Source};

/// What came of a lookup.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Names the decision, for [feedback](crate::Cache::feedback).
    pub decision: DecisionId,
    /// Hit or miss.
    pub outcome: Outcome,
    /// The candidates that were looked at, the nearest first.
    pub candidates: Vec<Judged>,
    /// How long it took.
    pub took: Took,
}

/// Hit or miss.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// These may be served, the first before all others. At least one.
    Hit(Vec<Hit>),
    /// Nothing is served, and why.
    Miss(Miss),
}

/// An entry that is served.
#[derive(Clone, Debug)]
pub struct Hit {
    /// It.
    pub entry: Arc<Entry>,
    /// How it was found.
    pub strategy: Strategy,
    /// How near the prompts' vectors are.
    pub similarity: Similarity,
    /// What the verifier says; none of equal prompts, which it need not read.
    pub verification: Option<Verification>,
    /// How long ago it was stored.
    pub age: Duration,
}

/// A candidate, and what became of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// It.
    pub entry: Arc<Entry>,
    /// How it was found.
    pub strategy: Strategy,
    /// How near the prompts' vectors are.
    pub similarity: Similarity,
    /// What the verifier says, where it was asked.
    pub verification: Option<Verification>,
    /// Why it is not served; none of one that is, or that came after.
    pub refused: Option<Refusal>,
}

/// A cosine. There is no similarity without its scale in this crate: the same number means other things on other scales.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Similarity(f32);

/// How an entry was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// By the same prompt, byte for byte.
    Exact,
    /// By a prompt that means the same.
    Semantic,
}

/// Why nothing is served.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Miss {
    /// The scope has nothing with these attributes, or nothing by a strategy that was asked for.
    NoCandidate,
    /// Nothing is as near as was asked for.
    BelowSimilarity,
    /// Of what is near, nothing was accepted as meaning the same.
    NotEquivalent,
    /// What means the same was true for a moment or for a person.
    Volatile(Across),
    /// What means the same rests on a document that has changed or is gone.
    SourceChanged(Source),
    /// What means the same rests on documents, and the lookup does not say which versions are current.
    SourcesUnchecked,
    /// What means the same is a copy of an entry that is gone or has another response now.
    OriginalGone,
    /// The prompt is blank.
    NoText,
    /// The prompt is longer than the verifier reads, so only equal ones are served.
    TooLong,
    /// There was no time.
    Late,
    /// The verifier or the encoder failed.
    VerifierFailed(String),
    /// The backend failed.
    BackendFailed(String),
    /// It would have been a hit, and the cache only watches.
    Shadow,
}

/// Why a candidate is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It is not near enough.
    BelowSimilarity,
    /// It was not accepted as meaning the same.
    NotEquivalent,
    /// It is longer than the verifier reads.
    TooLong,
    /// It was true for a moment or for a person.
    Volatile(Across),
    /// A document that it rests on has changed or is gone.
    SourceChanged(Source),
    /// It rests on documents, and nobody said which versions are current.
    SourcesUnchecked,
    /// It is a copy of an entry that is gone or has another response now.
    OriginalGone,
}

/// What a volatile entry would have been served across.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Across {
    /// It is older than entries of the moment may be.
    Time,
    /// The scope does not say who asks.
    Users,
}

/// How long the parts of a lookup took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Took {
    /// Encoding the prompt.
    pub embed: Duration,
    /// Asking the backend.
    pub search: Duration,
    /// Verifying.
    pub verify: Duration,
    /// All of it.
    pub total: Duration,
}

/// The name of a decision: 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DecisionId(u128);

/// The versions of documents that are current, by id.
pub type Versions = BTreeMap<String, String>;

impl Similarity {
    /// What its numbers are: cosines, in [-1, 1].
    pub const SCALE: &str = "cosine";

    /// Of equal prompts.
    pub const EQUAL: Similarity = Similarity(1.0);

    pub(crate) fn of_cosine(cosine: f32) -> Similarity {
        Similarity(cosine.clamp(-1.0, 1.0))
    }

    /// The cosine of the two prompts' vectors, in [-1, 1].
    pub fn cosine(self) -> f32 {
        self.0
    }

    /// The distance on the scale of cosines: 1 - cosine, in [0, 2].
    pub fn distance(self) -> f32 {
        1.0 - self.0
    }
}

impl Answer {
    /// What is served first.
    pub fn hit(&self) -> Option<&Hit> {
        match &self.outcome {
            Outcome::Hit(hits) => hits.first(),
            Outcome::Miss(_) => None,
        }
    }

    /// Why nothing is served.
    pub fn miss(&self) -> Option<&Miss> {
        match &self.outcome {
            Outcome::Hit(_) => None,
            Outcome::Miss(miss) => Some(miss),
        }
    }
}

impl Hit {
    /// The verifier's judgement, where it read.
    pub fn judgement(&self) -> Option<&Judgement> {
        self.verification.as_ref().and_then(Verification::judgement)
    }

    /// The entry's id.
    pub fn id(&self) -> &EntryId {
        &self.entry.id
    }
}

impl Strategy {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Exact => "exact",
            Strategy::Semantic => "semantic",
        }
    }
}

impl Miss {
    /// Its name, as in JSON and in telemetry.
    pub fn name(&self) -> &'static str {
        match self {
            Miss::NoCandidate => "no-candidate",
            Miss::BelowSimilarity => "below-similarity",
            Miss::NotEquivalent => "not-equivalent",
            Miss::Volatile(Across::Time) => "volatile-time",
            Miss::Volatile(Across::Users) => "volatile-users",
            Miss::SourceChanged(_) => "source-changed",
            Miss::SourcesUnchecked => "sources-unchecked",
            Miss::OriginalGone => "original-gone",
            Miss::NoText => "no-text",
            Miss::TooLong => "too-long",
            Miss::Late => "late",
            Miss::VerifierFailed(_) => "verifier-failed",
            Miss::BackendFailed(_) => "backend-failed",
            Miss::Shadow => "shadow",
        }
    }
}

impl Miss {
    /// Which part of the lookup failed, where one did.
    pub fn failed_operation(&self) -> Option<&'static str> {
        match self {
            Miss::VerifierFailed(_) => Some("verify"),
            Miss::BackendFailed(_) => Some("search"),
            Miss::Late => Some("lookup"),
            _ => None,
        }
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Miss::NoCandidate => "nothing was stored that could answer",
            Miss::BelowSimilarity => "nothing is as near as was asked for",
            Miss::NotEquivalent => "of what is near, nothing means the same",
            Miss::Volatile(Across::Time) => "what means the same was true for a moment, and that is over",
            Miss::Volatile(Across::Users) => {
                "what means the same is about one person, and the scope does not say who asks"
            }
            Miss::SourceChanged(Source { id, .. }) => {
                return write!(formatter, "what means the same rests on {id:?}, which has changed or is gone");
            }
            Miss::SourcesUnchecked => {
                "what means the same rests on documents, and the lookup does not say which versions are current"
            }
            Miss::OriginalGone => "what means the same is a copy of an entry that was changed or removed",
            Miss::NoText => "the prompt is blank",
            Miss::TooLong => "the prompt is longer than the verifier reads, so only an equal one is served",
            Miss::Late => "there was no time",
            Miss::VerifierFailed(reason) => return write!(formatter, "it could not be verified: {reason}"),
            Miss::BackendFailed(reason) => return write!(formatter, "what is stored could not be read: {reason}"),
            Miss::Shadow => "it would have been a hit, and this cache only watches",
        })
    }
}

impl Refusal {
    /// Its name, as in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Refusal::TooLong => "too-long",
            other => other.as_miss().name(),
        }
    }

    /// Whether it was accepted as meaning the same, and rules refuse it.
    pub(crate) fn is_by_rules(&self) -> bool {
        match self {
            Refusal::BelowSimilarity | Refusal::NotEquivalent | Refusal::TooLong => false,
            Refusal::Volatile(_) | Refusal::SourceChanged(_) | Refusal::SourcesUnchecked | Refusal::OriginalGone => {
                true
            }
        }
    }

    /// What a lookup misses by that has nothing better.
    pub(crate) fn as_miss(&self) -> Miss {
        match self {
            Refusal::BelowSimilarity => Miss::BelowSimilarity,
            Refusal::NotEquivalent | Refusal::TooLong => Miss::NotEquivalent,
            Refusal::Volatile(across) => Miss::Volatile(*across),
            Refusal::SourceChanged(source) => Miss::SourceChanged(source.clone()),
            Refusal::SourcesUnchecked => Miss::SourcesUnchecked,
            Refusal::OriginalGone => Miss::OriginalGone,
        }
    }

    /// Of several reasons, that of the candidate that came nearest to being served is told.
    pub(crate) fn came_far(&self) -> u8 {
        match self {
            Refusal::BelowSimilarity => 0,
            Refusal::TooLong | Refusal::NotEquivalent => 1,
            Refusal::Volatile(_) | Refusal::SourceChanged(_) | Refusal::SourcesUnchecked | Refusal::OriginalGone => 2,
        }
    }
}

impl DecisionId {
    pub(crate) fn random() -> DecisionId {
        let mut bytes = [0; 16];
        // Without randomness from the system, ids could repeat, and feedback would go astray: worse than none.
        match getrandom::fill(&mut bytes) {
            Ok(()) => DecisionId(u128::from_le_bytes(bytes)),
            Err(_) => DecisionId(0),
        }
    }

    /// From its 32 digits.
    pub fn parse(text: &str) -> Option<DecisionId> {
        let is_hexadecimal = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hexadecimal.then(|| u128::from_str_radix(text, 16).ok().map(DecisionId)).flatten()
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl fmt::Debug for DecisionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
