//! Requests and answers that are vetted's own. What stands in them is defined in [`vetted::wire`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vetted::reader;
use vetted::wire::{CalibratedResult, IndexInfo, Mode, Outcome, Relation, SearchAnswer, TokenPair};
use vetted::{Explanation, Fusion, Normalization, Policy, Search, Verification, Verify};

use super::characters;
use crate::error::Failure;

/// A request for verdicts on candidates.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct VerifyRequest {
    /// What the candidates are held against.
    #[schemars(regex(pattern = r"\S"))]
    pub(crate) query: String,
    /// The candidates.
    #[schemars(length(min = 1))]
    pub(crate) candidates: Vec<CandidateInput>,
    /// What is asked; `support` unless given.
    #[serde(default)]
    pub(crate) relation: Option<Relation>,
    /// Whether the candidates are passages that were searched for, which takes more for support; they are texts that somebody
    /// brought unless it says so.
    #[serde(default)]
    pub(crate) passages: Option<bool>,
    /// A bound on how many of those accepted may be accepted wrongly, from 0 to 1, by the verifier's own calibrated
    /// probabilities: what is accepted with less certainty than that is abstained from.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) max_false_accepts: Option<f64>,
    /// Whether results carry the token pairs that decided; of the first 50 that have a verdict.
    #[serde(default)]
    pub(crate) evidence: Option<bool>,
    /// Whose thresholds (a tenant, an intent), where the server's calibration has some for each segment.
    #[serde(default)]
    pub(crate) segment: Option<String>,
}

/// A candidate, perhaps with an id.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum CandidateInput {
    /// Its text.
    Text(String),
    /// Its text and its id.
    WithId {
        /// The id.
        #[serde(default)]
        id: Option<String>,
        /// The text.
        text: String,
    },
}

/// Verdicts on candidates.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct VerifyAnswer {
    /// The query.
    pub(crate) query: String,
    /// What was asked.
    pub(crate) relation: Relation,
    /// Whether at least one candidate is accepted.
    pub(crate) verified: bool,
    /// A result for each candidate, in their order.
    pub(crate) results: Vec<VerifyResult>,
}

/// The verdict on a candidate.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct VerifyResult {
    /// The candidate's place among those given, from 0.
    pub(crate) index: usize,
    /// Its id, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// The verdict.
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// The part that decided. Absent where nothing was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<TextWindow>,
    /// The token pairs that decided, where these were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<Vec<TokenPair>>,
    /// What the server's calibration says, where it has one for what is asked. The verdict is then by its thresholds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) calibrated: Option<CalibratedResult>,
}

/// A part of a text, in code points.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct TextWindow {
    /// The part.
    pub(crate) text: String,
    /// Its first code point.
    pub(crate) start: usize,
    /// The one after its last.
    pub(crate) end: usize,
}

/// A request to explain the verdict on one pair.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ExplainRequest {
    /// What the candidate is held against.
    #[schemars(regex(pattern = r"\S"))]
    pub(crate) query: String,
    /// The candidate.
    pub(crate) candidate: String,
    /// What is asked; `support` unless given.
    #[serde(default)]
    pub(crate) relation: Option<Relation>,
}

/// The verdict on one pair, and what it rests on.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExplainAnswer {
    /// The query.
    pub(crate) query: String,
    /// The candidate.
    pub(crate) candidate: String,
    /// What was asked.
    pub(crate) relation: Relation,
    /// The verdict.
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// The part of the candidate that decided. Absent where nothing was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<TextWindow>,
    /// How the tokens of both meet. Absent where nothing was read, and of verifiers that have no map.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) map: Option<TokenMap>,
}

/// How the tokens of a query and of a candidate's window meet.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TokenMap {
    /// The query's tokens: the rows.
    pub(crate) query_tokens: Vec<WeighedToken>,
    /// The tokens of the candidate's window: the columns.
    pub(crate) candidate_tokens: Vec<WeighedToken>,
    /// How alike they are, from -1 to 1, a row for each token of the query.
    pub(crate) similarities: Vec<Vec<f32>>,
    /// The pairs of tokens that made most for the verdict, the heaviest first.
    pub(crate) pairs: Vec<TokenPair>,
}

/// A token, and what it does for the verdict.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WeighedToken {
    /// The token, as the vocabulary writes it.
    pub(crate) token: String,
    /// Whether it stands for no part of the text, as `[CLS]` does.
    pub(crate) special: bool,
    /// Logits that it makes for the verdict; negative where it speaks against it.
    pub(crate) weight: f32,
}

/// A search.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SearchRequest {
    /// The question.
    #[schemars(regex(pattern = r"\S"))]
    pub(crate) query: String,
    /// Which index; needed where the server has several.
    #[serde(default)]
    pub(crate) index: Option<String>,
    /// How many hits; 10 unless given.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(crate) k: Option<u32>,
    /// What documents are ranked by; `dense` unless given.
    #[serde(default)]
    pub(crate) mode: Option<Mode>,
    /// The weight of the dense score in hybrid search, from 0 to 1.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) alpha: Option<f32>,
    /// Only documents whose metadata fit all of these: `field=value`, also !=, <, <=, >, >=.
    #[serde(default)]
    pub(crate) filters: Option<Vec<String>>,
    /// What becomes of documents that are rejected; `filter` unless given.
    #[serde(default)]
    pub(crate) verify: Option<VerifyMode>,
    /// How many of the documents found are verified; 20 unless given.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(crate) depth: Option<u32>,
    /// Milliseconds for verifying; what is left then is unverified.
    #[serde(default)]
    pub(crate) budget_ms: Option<u64>,
    /// Whether hits carry the token pairs that decided.
    #[serde(default)]
    pub(crate) evidence: Option<bool>,
    /// The question's vector, of an index whose documents bring theirs.
    #[serde(default)]
    pub(crate) vector: Option<Vec<f32>>,
}

/// What becomes of documents that are rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VerifyMode {
    /// They are left out.
    #[default]
    Filter,
    /// They stay where they are, with their verdict.
    Flag,
    /// Nothing is verified.
    Off,
}

/// What was found, and in which index.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SearchFound {
    /// The index.
    pub(crate) index: String,
    /// What was found.
    #[serde(flatten)]
    pub(crate) answer: SearchAnswer,
}

/// Documents to add, or to put in the place of those with the same ids: one, several, or several with the index's name.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)]
pub(crate) enum UpsertRequest {
    /// With the index's name.
    Named {
        /// Which index; needed where the server has several.
        index: Option<String>,
        /// The documents.
        documents: Vec<DocumentRecord>,
    },
    /// Several.
    Several(Vec<DocumentRecord>),
    /// One.
    One(DocumentRecord),
}

/// A document as it is given. Every other field becomes metadata.
#[derive(JsonSchema)]
#[allow(dead_code)]
pub(crate) struct DocumentRecord {
    /// Its id; `_id` is read, too.
    #[schemars(regex(pattern = r"\S"))]
    id: String,
    /// Its title.
    #[serde(default)]
    title: Option<String>,
    /// Its text; `body` and `content` are read, too.
    text: String,
    /// What filters look at.
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
}

/// What became of documents that were given. They are on disk.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UpsertAnswer {
    /// The index.
    pub(crate) index: String,
    /// New ones.
    pub(crate) added: usize,
    /// Ones that took the place of another with the same id.
    pub(crate) replaced: usize,
    /// Ones that were there already, word for word.
    pub(crate) unchanged: usize,
    /// Ones left out because a later one that was sent with it has the same id.
    pub(crate) duplicates: usize,
}

/// A document as it is kept.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DocumentAnswer {
    /// The index.
    pub(crate) index: String,
    /// Its id.
    pub(crate) id: String,
    /// Its title, possibly empty.
    pub(crate) title: String,
    /// Its text.
    pub(crate) text: String,
    /// What filters look at.
    pub(crate) metadata: Map<String, Value>,
}

/// A request to remove documents: by their ids, or by their metadata.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteRequest {
    /// Which index; needed where the server has several.
    #[serde(default)]
    pub(crate) index: Option<String>,
    /// Their ids.
    #[serde(default)]
    pub(crate) ids: Option<Vec<String>>,
    /// Documents whose metadata fit all of these: `field=value`, also !=, <, <=, >, >=.
    #[serde(default)]
    pub(crate) filters: Option<Vec<String>>,
}

/// How many documents were removed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DeleteAnswer {
    /// The index.
    pub(crate) index: String,
    /// How many.
    pub(crate) deleted: usize,
}

/// The indexes that a server has and the caller may see.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct IndexesAnswer {
    /// The indexes.
    pub(crate) indexes: Vec<NamedIndex>,
}

/// An index, and what it holds.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NamedIndex {
    /// What requests call it.
    pub(crate) name: String,
    /// Whether documents can be added and removed with the caller's key.
    pub(crate) writable: bool,
    /// What it holds.
    #[serde(flatten)]
    pub(crate) info: IndexInfo,
}

impl CandidateInput {
    /// Its id and its text.
    pub(crate) fn into_parts(self) -> (Option<String>, String) {
        match self {
            CandidateInput::Text(text) => (None, text),
            CandidateInput::WithId { id, text } => (id, text),
        }
    }
}

/// For the library.
pub(crate) fn relation(relation: Option<Relation>) -> reader::Relation {
    match relation {
        None | Some(Relation::Support) => reader::Relation::Support,
        Some(Relation::Equivalence) => reader::Relation::Equivalence,
    }
}

/// The verdict, where of those accepted at most `bound` may be accepted wrongly.
pub(crate) fn bounded(outcome: Outcome, bound: Option<f64>) -> Outcome {
    match (outcome, bound) {
        (Outcome::Accept(judgement), Some(bound)) if judgement.p_match < 1.0 - bound => Outcome::Abstain(judgement),
        (outcome, _) => outcome,
    }
}

impl TextWindow {
    /// The part of `text` that decided.
    pub(crate) fn of(text: &str, verification: &Verification) -> Option<TextWindow> {
        let bytes = verification.assessment()?.window.clone();
        let [start, end] = characters(text, &bytes)?;
        Some(TextWindow { text: text.get(bytes)?.to_owned(), start, end })
    }
}

impl TokenMap {
    /// Of what the verifier says.
    pub(crate) fn new(explanation: &Explanation) -> TokenMap {
        let Explanation { evidence, query_tokens, candidate_tokens } = explanation;
        let weighed = |(token, weight): (&String, &f32)| WeighedToken {
            special: token.starts_with('[') && token.ends_with(']') && token.len() > 2,
            token: token.clone(),
            weight: *weight,
        };
        TokenMap {
            query_tokens: query_tokens.iter().zip(&evidence.query).map(weighed).collect(),
            candidate_tokens: candidate_tokens.iter().zip(&evidence.candidate).map(weighed).collect(),
            similarities: evidence.map.chunks(evidence.columns.max(1)).map(<[f32]>::to_vec).collect(),
            pairs: TokenPair::of(explanation),
        }
    }
}

/// What a search for `hits` hits may ask for at most.
const DEFAULT_HITS: usize = 10;
/// The weight of dense scores: neither side is preferred without a reason from data.
const DEFAULT_ALPHA: f32 = 0.5;
/// The constant of reciprocal ranks.
const RECIPROCAL_RANK: f32 = 60.0;

impl SearchRequest {
    /// For the engine.
    ///
    /// # Errors
    /// When more hits are asked for than `most`, or a filter is none.
    pub(crate) fn search(&self, most: usize) -> Result<Search, Failure> {
        let k = self.k.map_or(DEFAULT_HITS, |k| k as usize);
        let depth = self.depth.map_or(Verify::default().depth, |depth| depth as usize);
        if k == 0 || depth == 0 {
            return Err(Failure::invalid("`k` and `depth` are at least 1"));
        }
        if k > most || depth > most {
            let message = format!("`k` and `depth` are at most {most} on this server");
            return Err(Failure::new(crate::error::Code::LimitExceeded, message));
        }
        let alpha = self.alpha.unwrap_or(DEFAULT_ALPHA);
        if !(0.0..=1.0).contains(&alpha) {
            return Err(Failure::invalid("`alpha` is from 0 to 1"));
        }
        let verify = |policy| Verify {
            policy,
            depth,
            budget: self.budget_ms.map(std::time::Duration::from_millis),
            evidence: self.evidence == Some(true),
        };
        let search = Search::new(self.query.clone())
            .k(k)
            .mode(match self.mode {
                None | Some(Mode::Dense) => vetted::Mode::Dense,
                Some(Mode::Bm25) => vetted::Mode::Bm25,
                Some(Mode::Hybrid) => {
                    vetted::Mode::Hybrid(Fusion::Score { alpha, normalization: Normalization::MinMax })
                }
                Some(Mode::HybridRrf) => vetted::Mode::Hybrid(Fusion::ReciprocalRank { k: RECIPROCAL_RANK }),
            })
            .vector(self.vector.clone())
            .verify(match self.verify.unwrap_or_default() {
                VerifyMode::Filter => Some(verify(Policy::Filter)),
                VerifyMode::Flag => Some(verify(Policy::Flag)),
                VerifyMode::Off => None,
            });
        let filters = filters(self.filters.as_deref().unwrap_or_default())?;
        Ok(filters.into_iter().fold(search, Search::filter))
    }
}

/// Conditions on metadata.
///
/// # Errors
/// When one is none.
pub(crate) fn filters(texts: &[String]) -> Result<Vec<vetted::Filter>, Failure> {
    texts.iter().map(|text| vetted::Filter::parse(text).map_err(|error| Failure::invalid(error.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use vetted::wire::{Finding, Judgement};

    use super::*;

    #[test]
    fn a_bound_on_false_accepts_turns_what_is_less_sure_into_abstaining() {
        let judgement = Judgement {
            finding: Finding::Supports,
            p_match: 0.875,
            p_conflict: 0.0,
            kind: None,
            answer: None,
            vouched: None,
        };
        let accepted = Outcome::Accept(judgement.clone());
        for (bound, stays) in
            [(None, true), (Some(1.0), true), (Some(0.125), true), (Some(0.12), false), (Some(0.0), false)]
        {
            let expected = if stays { accepted.clone() } else { Outcome::Abstain(judgement.clone()) };
            assert_eq!(bounded(accepted.clone(), bound), expected, "{bound:?}");
        }
        let abstained = Outcome::Abstain(judgement);
        assert_eq!(bounded(abstained.clone(), Some(1.0)), abstained, "nothing is accepted that was not");
    }
}
