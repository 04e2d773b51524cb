//! Reranking as Cohere (v1 and v2), Jina, vLLM, llama.cpp and Infinity write it: one request and one answer that fits all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vetted::Verification;
use vetted::wire::Outcome;

use super::{characters, logit, ranking, score};
use crate::error::Failure;

/// A request to rank documents.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RerankRequest {
    /// What the documents are to answer.
    #[schemars(regex(pattern = r"\S"))]
    pub(crate) query: String,
    /// The documents: strings, or objects with `text`.
    #[schemars(with = "Vec<DocumentInput>", length(min = 1))]
    pub(crate) documents: Vec<Value>,
    /// So many of the best; all where it is 0, null or absent.
    #[serde(default)]
    pub(crate) top_n: Option<u32>,
    /// Whether results carry their documents.
    #[serde(default)]
    pub(crate) return_documents: Option<bool>,
    /// Which fields of documents that are objects are read; `text` unless given.
    #[serde(default)]
    pub(crate) rank_fields: Option<Vec<String>>,
    /// Whether results say which sentence decided (Cohere Rerank v5).
    #[serde(default)]
    pub(crate) relevant_spans: Option<RelevantSpans>,
    /// Whether scores are logits instead of probabilities (Infinity).
    #[serde(default)]
    pub(crate) raw_scores: Option<bool>,
    /// What only vetted does.
    #[serde(default)]
    pub(crate) vetted: Option<RerankOptions>,
    /// Any name is taken.
    #[serde(default)]
    #[allow(dead_code)]
    #[schemars(with = "Option<String>")]
    pub(crate) model: Value,
}

/// A document to be ranked.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)]
pub(crate) enum DocumentInput {
    /// Its text.
    Text(String),
    /// An object with its text.
    Object(DocumentObject),
}

/// A document to be ranked, with fields.
#[derive(JsonSchema)]
#[allow(dead_code)]
pub(crate) struct DocumentObject {
    /// Its text.
    text: String,
}

/// Whether and how results say which sentence decided.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct RelevantSpans {
    /// Whether they do.
    #[serde(default)]
    pub(crate) mode: Option<Switch>,
    /// Only spans with at least this score; 0.1 unless given.
    #[serde(default)]
    pub(crate) threshold: Option<f64>,
    /// At most so many of each document; vetted gives one.
    #[serde(default)]
    pub(crate) max_spans: Option<u32>,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Switch {
    /// On.
    Enabled,
    /// Off.
    Disabled,
}

/// What only vetted does.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct RerankOptions {
    /// What becomes of documents that are rejected.
    #[serde(default)]
    pub(crate) mode: Option<RerankMode>,
}

/// What becomes of documents that are rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RerankMode {
    /// They stay, with their verdict: many clients expect every document back.
    #[default]
    Flag,
    /// They are left out.
    Filter,
}

/// An answer to a request to rank documents.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RerankAnswer {
    /// The answer's id.
    pub(crate) id: String,
    /// The model that ranked.
    pub(crate) model: String,
    /// The documents, best first.
    pub(crate) results: Vec<RerankResult>,
    /// What Cohere's clients read of costs.
    pub(crate) meta: Meta,
    /// What Jina's and vLLM's clients read of costs.
    pub(crate) usage: Usage,
}

/// A document's place and score.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RerankResult {
    /// The document's place among those given, from 0.
    pub(crate) index: usize,
    /// The probability, from 0 to 1, that the document supports or answers the query; its logit where that was asked for.
    pub(crate) relevance_score: f64,
    /// The document, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) document: Option<DocumentText>,
    /// The sentence that decided, where that was asked for and it scores enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) relevant_spans: Option<Vec<RelevantSpan>>,
    /// The verdict.
    pub(crate) vetted: VettedResult,
}

/// A document.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DocumentText {
    /// Its text.
    pub(crate) text: String,
}

/// A part of a document, in code points.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RelevantSpan {
    /// Its first code point.
    pub(crate) start: usize,
    /// The one after its last.
    pub(crate) end: usize,
    /// Its score.
    pub(crate) score: f64,
}

/// The verdict on a document.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct VettedResult {
    /// The verdict.
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
    /// The part that decided, in code points: the first, and the one after the last. Absent where nothing was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<[usize; 2]>,
}

/// Costs, for Cohere's clients.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Meta {
    /// The version of Cohere's interface.
    pub(crate) api_version: ApiVersion,
    /// What Cohere would bill.
    pub(crate) billed_units: BilledUnits,
    /// Tokens.
    pub(crate) tokens: MetaTokens,
}

/// A version.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApiVersion {
    /// The version.
    pub(crate) version: &'static str,
}

/// What Cohere would bill: a unit for each hundred documents.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BilledUnits {
    /// Units.
    pub(crate) search_units: usize,
}

/// Tokens of the query and the documents.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct MetaTokens {
    /// Read.
    pub(crate) input_tokens: usize,
    /// Written: none.
    pub(crate) output_tokens: usize,
}

/// Tokens of the query and the documents.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Usage {
    /// Read.
    pub(crate) prompt_tokens: usize,
    /// All.
    pub(crate) total_tokens: usize,
}

/// The least score of a relevant span, as Cohere has it.
const SPAN_THRESHOLD: f64 = 0.1;
/// Documents that Cohere bills as one unit.
const BILLED_TOGETHER: usize = 100;

impl RerankRequest {
    /// The documents' texts.
    ///
    /// # Errors
    /// When one has none.
    pub(crate) fn texts(&mut self) -> Result<Vec<String>, Failure> {
        let fields = self.rank_fields.as_deref().unwrap_or_default();
        let documents = std::mem::take(&mut self.documents);
        documents.into_iter().enumerate().map(|(at, document)| text(at, document, fields)).collect()
    }
}

fn text(at: usize, document: Value, fields: &[String]) -> Result<String, Failure> {
    match document {
        Value::String(text) => Ok(text),
        Value::Object(object) if fields.is_empty() => text_field(at, object),
        Value::Object(object) => {
            let texts: Vec<&str> = fields.iter().filter_map(|field| object.get(field)?.as_str()).collect();
            match texts.is_empty() {
                true => Err(Failure::invalid(format!("`documents[{at}]` has none of the `rank_fields` as a string"))),
                false => Ok(texts.join("\n")),
            }
        }
        _ => Err(Failure::invalid(format!("`documents[{at}]` is neither a string nor an object with `text`"))),
    }
}

fn text_field(at: usize, mut object: Map<String, Value>) -> Result<String, Failure> {
    match object.remove("text") {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Failure::invalid(format!("`documents[{at}]` has no string `text`"))),
    }
}

impl RerankAnswer {
    /// Of the verifications of the documents, whose texts are `texts`.
    pub(crate) fn new(
        request: &RerankRequest,
        id: String,
        model: String,
        texts: &[String],
        verifications: &[Verification],
        tokens: usize,
    ) -> RerankAnswer {
        let filters = request.vetted.as_ref().and_then(|options| options.mode) == Some(RerankMode::Filter);
        let most = request.top_n.filter(|n| *n > 0).map_or(usize::MAX, |n| n as usize);
        let results = ranking(verifications)
            .into_iter()
            .filter(|at| !(filters && verifications[*at].verdict() == vetted::Verdict::Reject))
            .take(most)
            .map(|at| RerankResult::new(request, at, &texts[at], &verifications[at]))
            .collect();
        RerankAnswer {
            id,
            model,
            results,
            meta: Meta {
                api_version: ApiVersion { version: "2" },
                billed_units: BilledUnits { search_units: texts.len().div_ceil(BILLED_TOGETHER) },
                tokens: MetaTokens { input_tokens: tokens, output_tokens: 0 },
            },
            usage: Usage { prompt_tokens: tokens, total_tokens: tokens },
        }
    }
}

impl RerankResult {
    fn new(request: &RerankRequest, index: usize, text: &str, verification: &Verification) -> RerankResult {
        let probability = score(verification);
        let window = verification.assessment().and_then(|read| characters(text, &read.window));
        RerankResult {
            index,
            relevance_score: match request.raw_scores {
                Some(true) => logit(probability),
                _ => probability,
            },
            document: (request.return_documents == Some(true)).then(|| DocumentText { text: text.to_owned() }),
            relevant_spans: request.relevant_spans.as_ref().and_then(|spans| spans.of(window, probability)),
            vetted: VettedResult { outcome: Outcome::from(verification), window },
        }
    }
}

impl RelevantSpans {
    fn of(&self, window: Option<[usize; 2]>, score: f64) -> Option<Vec<RelevantSpan>> {
        let wanted = self.mode == Some(Switch::Enabled)
            && self.max_spans != Some(0)
            && score >= self.threshold.unwrap_or(SPAN_THRESHOLD);
        let [start, end] = window.filter(|_| wanted)?;
        Some(vec![RelevantSpan { start, end, score }])
    }
}
