//! Embeddings and models as OpenAI writes them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cohere::Usage;

/// A request for embeddings.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct EmbeddingsRequest {
    /// A text or many.
    #[schemars(with = "Input")]
    pub(crate) input: Value,
    /// How vectors are written; numbers unless given.
    #[serde(default)]
    pub(crate) encoding_format: Option<EncodingFormat>,
    /// The length of vectors; it can only be the model's own.
    #[serde(default)]
    pub(crate) dimensions: Option<u32>,
}

/// A text or many.
#[derive(JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)]
pub(crate) enum Input {
    /// A text.
    Text(String),
    /// Many.
    Texts(#[schemars(length(min = 1))] Vec<String>),
}

/// How vectors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EncodingFormat {
    /// As numbers.
    #[default]
    Float,
    /// As single-precision numbers in little-endian order, in base64.
    Base64,
}

/// Embeddings.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EmbeddingsAnswer {
    /// `list`.
    pub(crate) object: &'static str,
    /// A vector for each text, in their order.
    pub(crate) data: Vec<Embedding>,
    /// The model.
    pub(crate) model: String,
    /// Tokens.
    pub(crate) usage: Usage,
}

/// The vector of a text.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Embedding {
    /// `embedding`.
    pub(crate) object: &'static str,
    /// The text's place, from 0.
    pub(crate) index: usize,
    /// The vector.
    pub(crate) embedding: Vector,
}

/// A vector.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Vector {
    /// As numbers.
    Float(Vec<f32>),
    /// In base64.
    Base64(String),
}

/// The models that a server serves.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ModelsAnswer {
    /// `list`.
    pub(crate) object: &'static str,
    /// The models.
    pub(crate) data: Vec<ModelEntry>,
}

/// A model.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ModelEntry {
    /// Its name.
    pub(crate) id: String,
    /// `model`.
    pub(crate) object: &'static str,
    /// When it was made; 0, for nobody knows.
    pub(crate) created: u64,
    /// Who serves it.
    pub(crate) owned_by: &'static str,
}

impl EmbeddingsAnswer {
    /// Of vectors in their texts' order.
    pub(crate) fn new(
        vectors: Vec<Vec<f32>>,
        format: EncodingFormat,
        model: String,
        tokens: usize,
    ) -> EmbeddingsAnswer {
        let vector = |vector: Vec<f32>| match format {
            EncodingFormat::Float => Vector::Float(vector),
            EncodingFormat::Base64 => {
                Vector::Base64(STANDARD.encode(vector.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()))
            }
        };
        let embedding = |(index, values)| Embedding { object: "embedding", index, embedding: vector(values) };
        let data = vectors.into_iter().enumerate().map(embedding).collect();
        EmbeddingsAnswer { object: "list", data, model, usage: Usage { prompt_tokens: tokens, total_tokens: tokens } }
    }
}
