//! The public encoder that training starts from.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokenizers::utils::truncation::TruncationParams;

use vetted_encoder::ModelFolder;
use vetted_encoder::folder::{Activation, Architecture, Family, Pooling};

use crate::Error;
use crate::tensors::TensorFile;

/// A BERT encoder's folder, opened: its shape, its tokenizer and its weights.
pub struct Base {
    /// The folder's name.
    pub name: String,
    /// SHA-256 of its `model.safetensors`, in hex.
    pub sha256: String,
    /// Its shape.
    pub shape: Shape,
    pub(crate) family: Family,
    pub(crate) tokenizer: tokenizers::Tokenizer,
    pub(crate) weights: TensorFile,
}

/// The numbers of a BERT encoder (Devlin et al. 2019, arXiv 1810.04805).
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Shape {
    /// Width of a token's vector.
    #[serde(rename = "hidden_size")]
    pub hidden: usize,
    /// Layers.
    #[serde(rename = "num_hidden_layers")]
    pub layers: usize,
    /// Attention heads of a layer.
    #[serde(rename = "num_attention_heads")]
    pub heads: usize,
    /// Width of the feed-forward part.
    #[serde(rename = "intermediate_size")]
    pub feed_forward: usize,
    /// Positions that have an embedding.
    #[serde(rename = "max_position_embeddings")]
    pub positions: usize,
    /// Words of the vocabulary.
    #[serde(rename = "vocab_size")]
    pub vocabulary: usize,
    /// Token types that have an embedding.
    #[serde(rename = "type_vocab_size")]
    pub types: usize,
    /// Added to variances in layer norms.
    #[serde(rename = "layer_norm_eps")]
    pub epsilon: f64,
}

impl Base {
    /// Opens the folder `path`: `config.json`, `tokenizer.json` and `model.safetensors` of a BERT encoder.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Json`], [`Error::Tokenizer`], [`Error::WeightFile`], or [`Error::Base`] when the
    /// encoder is no BERT.
    pub fn open(path: impl AsRef<Path>) -> Result<Base, Error> {
        let path = path.as_ref();
        let config = path.join("config.json");
        let json = std::fs::read(&config).map_err(|source| Error::Unreadable { path: config.clone(), source })?;
        let fault = |source| Error::Json { path: config.clone(), source };
        #[derive(Deserialize)]
        struct Kind {
            model_type: String,
            hidden_act: String,
        }
        let kind: Kind = serde_json::from_slice(&json).map_err(fault)?;
        let shape: Shape = serde_json::from_slice(&json).map_err(fault)?;
        for (field, got, expected) in [("model_type", kind.model_type, "bert"), ("hidden_act", kind.hidden_act, "gelu")]
        {
            if got != expected {
                return Err(Error::Base { path: config, field, got, expected });
            }
        }
        if shape.heads == 0 || shape.hidden == 0 || !shape.hidden.is_multiple_of(shape.heads) {
            let (field, got) = ("num_attention_heads", shape.heads.to_string());
            return Err(Error::Base { path: config, field, got, expected: "a divisor of hidden_size" });
        }
        let family = Family::Bert { token_types: shape.types };
        Base::new(path, shape, family, &path.join("tokenizer.json"), &path.join("model.safetensors"))
    }

    /// Opens a sentence encoder's folder, BERT, RoBERTa or MPNet.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`Error::Untrainable`] for another family, activation, pooling or format of weights.
    pub(crate) fn of_folder(folder: &ModelFolder) -> Result<Base, Error> {
        let path = &folder.path;
        let untrainable = |reason: String| Error::Untrainable { path: path.clone(), reason };
        let network = match &folder.settings.architecture {
            Architecture::Native(network) => network,
            Architecture::OnnxOnly { model_type, .. } => {
                return Err(untrainable(format!("its network is a {model_type}")));
            }
        };
        let types = match network.family {
            Family::Bert { token_types } | Family::Roberta { token_types, .. } => token_types,
            Family::Mpnet { .. } => 0,
            Family::DistilBert => return Err(untrainable("its network is a DistilBERT".into())),
        };
        if network.activation != Activation::Gelu {
            return Err(untrainable("its activation is not the exact GELU".into()));
        }
        if folder.settings.pooling == Pooling::Max {
            return Err(untrainable("it pools by maxima; mean and CLS pooling are trained".into()));
        }
        let Some(weights) = &folder.weights.safetensors else {
            return Err(untrainable("it has ONNX weights only, no model.safetensors".into()));
        };
        let shape = Shape {
            hidden: network.hidden_size,
            layers: network.layers,
            heads: network.heads,
            feed_forward: network.intermediate_size,
            positions: network.max_positions,
            vocabulary: network.vocabulary,
            types,
            epsilon: f64::from(network.layer_norm_epsilon),
        };
        Base::new(path, shape, network.family, &folder.tokenizer, weights)
    }

    fn new(path: &Path, shape: Shape, family: Family, tokenizer: &Path, weights: &Path) -> Result<Base, Error> {
        let tokenizer = self::tokenizer(tokenizer)?;
        let weights = TensorFile::open(weights)?;
        let sha256 = weights.sha256();
        let named: PathBuf = path.canonicalize().unwrap_or_else(|_| path.into());
        let name = named.file_name().unwrap_or(named.as_os_str()).to_string_lossy().into_owned();
        Ok(Base { name, sha256, shape, family, tokenizer, weights })
    }

    /// Under which name the weights keep what BERT calls `name`.
    pub(crate) fn stored_name(&self, name: &str) -> String {
        const MPNET: [(&str, &str); 5] = [
            ("attention.self.query", "attention.attn.q"),
            ("attention.self.key", "attention.attn.k"),
            ("attention.self.value", "attention.attn.v"),
            ("attention.output.dense", "attention.attn.o"),
            ("attention.output.LayerNorm", "attention.LayerNorm"),
        ];
        match self.family {
            Family::Mpnet { .. } => MPNET.iter().fold(name.to_owned(), |name, (bert, mpnet)| name.replace(bert, mpnet)),
            _ => name.to_owned(),
        }
    }

    /// The token ids of every text, special tokens included, at most `max_tokens`.
    pub(crate) fn token_ids(&self, texts: &[&str], max_tokens: usize) -> Result<Vec<Vec<u32>>, Error> {
        let mut tokenizer = self.tokenizer.clone();
        let truncation = TruncationParams { max_length: max_tokens, ..TruncationParams::default() };
        let beginning = |text: &str| text.chars().take(60).collect::<String>();
        let fault = |text: &str, source| Error::Tokenization { beginning: beginning(text), source };
        tokenizer.with_padding(None).with_truncation(Some(truncation)).map_err(|source| fault("", source))?;
        let mut ids = Vec::with_capacity(texts.len());
        for part in texts.chunks(4096) {
            let first = part.first().copied().unwrap_or_default();
            let encodings = tokenizer.encode_batch_fast(part.to_vec(), true).map_err(|source| fault(first, source))?;
            ids.extend(encodings.iter().map(|encoding| encoding.get_ids().to_vec()));
        }
        Ok(ids)
    }
}

fn tokenizer(path: &Path) -> Result<tokenizers::Tokenizer, Error> {
    tokenizers::Tokenizer::from_file(path).map_err(|source| Error::Tokenizer { path: path.into(), source })
}
