//! Requests to caches and their answers, in vetted's own shape.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vetted::wire::Outcome;
use vetted_cache::{
    Attributes, Cost, Entry, EntryId, Hit, Judged, Scope, Similarity, Source, Strategies, Strategy, VolatileRule,
};

use crate::error::Failure;

/// Parts of a scope by name, such as tenant, user, model, instructions. Entries are found under the very parts that they were
/// stored under.
pub(crate) type ScopeParts = BTreeMap<String, String>;

/// A question to a cache.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LookupRequest {
    /// The prompt.
    pub(crate) prompt: String,
    /// For whom: tenant, user, model, instructions, or any other names.
    #[serde(default)]
    pub(crate) scope: Option<ScopeParts>,
    /// What an entry must have.
    #[serde(default)]
    pub(crate) attributes: Option<BTreeMap<String, String>>,
    /// How to look; both unless given.
    #[serde(default)]
    pub(crate) strategies: Option<Vec<StrategyName>>,
    /// The least cosine of what is served by meaning, from -1 to 1. The verifier decides among what is as near as that.
    #[serde(default)]
    #[schemars(range(min = -1.0, max = 1.0))]
    pub(crate) min_cosine: Option<f32>,
    /// So many entries at most; 1 unless given.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub(crate) k: Option<usize>,
    /// The versions of documents that are current, by id. Without them, entries that rest on documents are not served.
    #[serde(default)]
    pub(crate) sources: Option<BTreeMap<String, String>>,
    /// `serve` serves entries that were true for a moment or for a person; `guard`, unless given.
    #[serde(default)]
    pub(crate) volatile: Option<VolatileName>,
}

/// How an entry is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StrategyName {
    /// By the same prompt.
    Exact,
    /// By a prompt that means the same.
    Semantic,
}

/// What becomes of entries that were true for a moment or for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VolatileName {
    /// They are served while they are young, and where the scope says who asks.
    Guard,
    /// They are served.
    Serve,
}

/// What a cache answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LookupAnswer {
    /// The cache.
    pub(crate) cache: String,
    /// Whether something is served.
    pub(crate) hit: bool,
    /// Why nothing is, for programs. Absent from a hit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) miss: Option<String>,
    /// Why nothing is, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// Names the decision, for feedback.
    pub(crate) decision: String,
    /// What is served, the first before all others.
    pub(crate) entries: Vec<ServedEntry>,
}

/// How near two prompts are, with the scale of the numbers.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(crate) struct Nearness {
    /// The cosine of the prompts' vectors, from -1 to 1.
    pub(crate) similarity: f32,
    /// 1 - similarity, from 0 to 2.
    pub(crate) distance: f32,
    /// What the two numbers are: `cosine`.
    pub(crate) scale: &'static str,
}

/// An entry that is served.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ServedEntry {
    /// The entry.
    #[serde(flatten)]
    pub(crate) entry: EntryShape,
    /// How it was found.
    pub(crate) strategy: StrategyName,
    /// How near the prompts are.
    #[serde(flatten)]
    pub(crate) nearness: Nearness,
    /// What the verifier says. Absent where the prompts are the same, byte for byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verification: Option<Outcome>,
}

/// An entry.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EntryShape {
    /// Its id.
    pub(crate) id: String,
    /// The prompt that its response answers.
    pub(crate) prompt: String,
    /// Its response.
    pub(crate) response: String,
    /// What it can be filtered by.
    pub(crate) attributes: BTreeMap<String, String>,
    /// The documents that it rests on.
    pub(crate) sources: Vec<SourceShape>,
    /// How many seconds ago it was stored.
    pub(crate) age_seconds: f64,
    /// In how many seconds it is over; null where it never is.
    pub(crate) ttl_seconds: Option<f64>,
}

/// A document that a response rests on.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceShape {
    /// Its id.
    pub(crate) id: String,
    /// Its version.
    pub(crate) version: String,
}

/// Every candidate of a lookup.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CacheExplainAnswer {
    /// The cache.
    pub(crate) cache: String,
    /// The candidates, the nearest first.
    pub(crate) candidates: Vec<CandidateShape>,
}

/// A candidate, and what becomes of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CandidateShape {
    /// Its id.
    pub(crate) id: String,
    /// Its prompt.
    pub(crate) prompt: String,
    /// How it was found.
    pub(crate) strategy: StrategyName,
    /// How near the prompts are.
    #[serde(flatten)]
    pub(crate) nearness: Nearness,
    /// What the verifier says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verification: Option<Outcome>,
    /// Whether it could be served.
    pub(crate) served: bool,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refused: Option<String>,
}

/// Responses to keep, as `/openapi.json` describes them.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "the route reads the body by hand, so that a message says which field is wrong")]
pub(crate) enum StoreRequest {
    /// Several.
    Many {
        /// The responses.
        entries: Vec<NewEntryShape>,
    },
    /// One.
    One(NewEntryShape),
}

/// A response to keep.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEntryShape {
    /// The prompt that it answers.
    #[schemars(regex(pattern = r"\S"))]
    pub(crate) prompt: String,
    /// The response.
    pub(crate) response: String,
    /// For whom: tenant, user, model, instructions, or any other names.
    #[serde(default)]
    pub(crate) scope: Option<ScopeParts>,
    /// What it can be filtered by.
    #[serde(default)]
    pub(crate) attributes: Option<BTreeMap<String, String>>,
    /// What it is called; a digest of scope, prompt and attributes unless given.
    #[serde(default)]
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z0-9._:-]+$"))]
    pub(crate) id: Option<String>,
    /// In how many seconds it is over; as the cache says unless given.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub(crate) ttl_seconds: Option<f64>,
    /// The documents that it rests on.
    #[serde(default)]
    pub(crate) sources: Option<Vec<SourceShape>>,
    /// Whether it is true for a moment, whatever the prompt's words say.
    #[serde(default)]
    pub(crate) volatile: Option<bool>,
    /// What it cost to make the response: what each hit saves, as metrics tell.
    #[serde(default)]
    pub(crate) cost: Option<CostShape>,
}

/// A sum of money.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CostShape {
    /// How much.
    #[schemars(range(min = 0.0))]
    pub(crate) amount: f64,
    /// Of which currency, by its three letters.
    #[schemars(regex(pattern = r"^[A-Z]{3}$"))]
    pub(crate) currency: String,
}

/// What was kept.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StoreAnswer {
    /// The cache.
    pub(crate) cache: String,
    /// An entry for each response, in their order.
    pub(crate) stored: Vec<StoredShape>,
}

/// A response that was kept.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StoredShape {
    /// Its id.
    pub(crate) id: String,
    /// Whether it is found by meaning too: not what is longer than the verifier reads.
    pub(crate) by_meaning: bool,
}

/// What to change of an entry. What is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateRequest {
    /// For whom it is.
    #[serde(default)]
    pub(crate) scope: Option<ScopeParts>,
    /// The response.
    #[serde(default)]
    pub(crate) response: Option<String>,
    /// All attributes.
    #[serde(default)]
    pub(crate) attributes: Option<BTreeMap<String, String>>,
    /// In how many seconds it is over.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub(crate) ttl_seconds: Option<f64>,
    /// All documents that it rests on.
    #[serde(default)]
    pub(crate) sources: Option<Vec<SourceShape>>,
}

/// Which entries to remove: by id or by attributes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoveRequest {
    /// For whom they are.
    #[serde(default)]
    pub(crate) scope: Option<ScopeParts>,
    /// Their ids.
    #[serde(default)]
    pub(crate) ids: Option<Vec<String>>,
    /// What they have.
    #[serde(default)]
    pub(crate) attributes: Option<BTreeMap<String, String>>,
}

/// What to empty.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClearRequest {
    /// For whom; the scope without parts unless given.
    #[serde(default)]
    pub(crate) scope: Option<ScopeParts>,
}

/// How many entries were changed or removed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChangedAnswer {
    /// The cache.
    pub(crate) cache: String,
    /// How many entries.
    pub(crate) changed: usize,
}

/// Whether a decision was right.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedbackRequest {
    /// The decision, from a lookup's answer.
    #[schemars(regex(pattern = r"^[0-9a-fA-F]{32}$"))]
    pub(crate) decision: String,
    /// Whether what was served, or would have been, answers the prompt.
    pub(crate) right: bool,
}

/// That feedback is kept.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FeedbackAnswer {
    /// The cache.
    pub(crate) cache: String,
    /// The decision.
    pub(crate) decision: String,
}

/// The caches of a server.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CachesAnswer {
    /// Those that the caller may see.
    pub(crate) caches: Vec<CacheShape>,
}

/// A cache.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CacheShape {
    /// What requests call it.
    pub(crate) name: String,
    /// Where it keeps entries.
    pub(crate) backend: &'static str,
    /// Whether it only watches.
    pub(crate) shadow: bool,
    /// Whether the caller may store.
    pub(crate) writable: bool,
}

/// So many parts or attributes, and so many bytes of each name and value, are taken: LangChain has all parameters of a model in one.
const MOST_PAIRS: usize = 64;
const MOST_BYTES: usize = 64 << 10;

/// Names and values within bounds.
pub(crate) fn pairs(field: &str, given: Option<BTreeMap<String, String>>) -> Result<Attributes, Failure> {
    let pairs = given.unwrap_or_default();
    let is_long = |(name, value): (&String, &String)| name.len() > MOST_BYTES || value.len() > MOST_BYTES;
    if pairs.len() > MOST_PAIRS || pairs.iter().any(is_long) {
        return Err(Failure::invalid(format!(
            "`{field}` takes up to {MOST_PAIRS} names, and up to {MOST_BYTES} bytes of each name and value"
        )));
    }
    Ok(pairs)
}

/// The scope of a cache with these parts.
pub(crate) fn scope(cache: &str, parts: Option<ScopeParts>) -> Result<Scope, Failure> {
    let mut scope = Scope::new(cache);
    for (name, value) in pairs("scope", parts)? {
        if name == Scope::CACHE || name == Scope::ENCODER {
            return Err(Failure::invalid(format!("`scope.{name}` is vetted's own: choose another name")));
        }
        scope = scope.with(name, value);
    }
    Ok(scope)
}

/// A time to live; none of what is no number of seconds.
pub(crate) fn ttl(seconds: Option<f64>) -> Result<Option<std::time::Duration>, Failure> {
    let parse = |seconds: f64| {
        let long = std::time::Duration::try_from_secs_f64(seconds);
        long.map_err(|_| Failure::invalid("`ttl_seconds` is not a number of seconds from 0 on"))
    };
    seconds.map(parse).transpose()
}

pub(crate) fn cost(given: CostShape) -> Result<Cost, Failure> {
    Cost::new(given.amount, &given.currency).map_err(|error| Failure::invalid(format!("`cost`: {error}")))
}

pub(crate) fn entry_id(id: &str) -> Result<EntryId, Failure> {
    EntryId::new(id).map_err(|error| Failure::invalid(error.to_string()))
}

pub(crate) fn sources(given: Option<Vec<SourceShape>>) -> Vec<Source> {
    let source = |SourceShape { id, version }| Source { id, version };
    given.unwrap_or_default().into_iter().map(source).collect()
}

/// How to look by these names.
pub(crate) fn strategies(names: Option<&[StrategyName]>) -> Result<Strategies, Failure> {
    let has = |name| names.is_none_or(|names| names.contains(&name));
    match (has(StrategyName::Exact), has(StrategyName::Semantic)) {
        (true, true) => Ok(Strategies::All),
        (true, false) => Ok(Strategies::Exact),
        (false, true) => Ok(Strategies::Semantic),
        (false, false) => Err(Failure::invalid("give at least one strategy: exact, semantic, or both")),
    }
}

impl From<Strategy> for StrategyName {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Exact => StrategyName::Exact,
            Strategy::Semantic => StrategyName::Semantic,
        }
    }
}

impl From<VolatileName> for VolatileRule {
    fn from(name: VolatileName) -> Self {
        match name {
            VolatileName::Guard => VolatileRule::Guarded,
            VolatileName::Serve => VolatileRule::Served,
        }
    }
}

impl From<Similarity> for Nearness {
    fn from(similarity: Similarity) -> Self {
        Nearness { similarity: similarity.cosine(), distance: similarity.distance(), scale: Similarity::SCALE }
    }
}

impl From<&Entry> for EntryShape {
    fn from(entry: &Entry) -> Self {
        let now = std::time::SystemTime::now();
        let seconds = |time: std::time::Duration| time.as_secs_f64();
        EntryShape {
            id: entry.id.to_string(),
            prompt: entry.prompt.clone(),
            response: String::from_utf8_lossy(&entry.response).into_owned(),
            attributes: entry.attributes.clone(),
            sources: entry
                .sources
                .iter()
                .map(|it| SourceShape { id: it.id.clone(), version: it.version.clone() })
                .collect(),
            age_seconds: now.duration_since(entry.stored_at).map(seconds).unwrap_or_default(),
            ttl_seconds: entry.expires_at.map(|end| end.duration_since(now).map(seconds).unwrap_or_default()),
        }
    }
}

impl From<&Hit> for ServedEntry {
    fn from(hit: &Hit) -> Self {
        ServedEntry {
            entry: EntryShape::from(&*hit.entry),
            strategy: hit.strategy.into(),
            nearness: hit.similarity.into(),
            verification: hit.verification.as_ref().map(Outcome::from),
        }
    }
}

impl From<&Judged> for CandidateShape {
    fn from(judged: &Judged) -> Self {
        CandidateShape {
            id: judged.entry.id.to_string(),
            prompt: judged.entry.prompt.clone(),
            strategy: judged.strategy.into(),
            nearness: judged.similarity.into(),
            verification: judged.verification.as_ref().map(Outcome::from),
            served: judged.refused.is_none(),
            refused: judged.refused.as_ref().map(|refused| refused.name().to_owned()),
        }
    }
}
