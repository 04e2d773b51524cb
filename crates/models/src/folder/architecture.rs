//! `config.json`: which network this is, and its numbers.

use std::path::Path;

use super::Error;
use super::json::Object;

/// Model types that generate text. Their hidden states are made for the next token, not for pooling.
const GENERATING: &str = "
    bart bigbird_pegasus blenderbot bloom codegen cohere ctrl deepseek_v2 deepseek_v3 falcon gemma gemma2 gemma3
    gemma3_text gpt2 gpt_bigcode gpt_neo gpt_neox gpt_oss gptj llama llama4 longt5 m2m_100 mamba marian mbart mistral
    mixtral mpt mt5 olmo olmo2 opt pegasus phi phi3 prophetnet qwen2 qwen2_moe qwen3 qwen3_moe stablelm starcoder2 t5
    umt5 xglm
";

/// How the network can be run.
#[derive(Debug, Clone, PartialEq)]
pub enum Architecture {
    /// A transformer encoder of a family that vetted implements itself: runs from safetensors or from ONNX.
    Native(Transformer),
    /// Anything else: runs from ONNX, which carries its own description of the network.
    OnnxOnly {
        /// `model_type` in `config.json`, such as `modernbert`.
        model_type: String,
        /// Length of a token vector, where the config tells.
        hidden_size: Option<usize>,
        /// The longest input in tokens, where the config tells.
        max_positions: Option<usize>,
    },
}

/// The numbers of a BERT-like encoder (Devlin et al. 2019, arXiv 1810.04805, section 3).
#[derive(Debug, Clone, PartialEq)]
pub struct Transformer {
    /// Which of BERT's relatives this is.
    pub family: Family,
    /// Length of a token vector; a multiple of `heads`.
    pub hidden_size: usize,
    /// Transformer blocks.
    pub layers: usize,
    /// Attention heads per block.
    pub heads: usize,
    /// Width of the feed-forward step inside a block.
    pub intermediate_size: usize,
    /// Added to the variance in every layer normalization.
    pub layer_norm_epsilon: f32,
    /// The function inside the feed-forward step.
    pub activation: Activation,
    /// Rows of the token embedding.
    pub vocabulary: usize,
    /// Rows of the position embedding. The longest input is shorter by [`Family::position_offset`].
    pub max_positions: usize,
}

/// The families that differ in their embeddings or their attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// BERT: learned positions from 0, token types.
    Bert {
        /// Rows of the token-type embedding; type 0 is what encoders use.
        token_types: usize,
    },
    /// RoBERTa, XLM-RoBERTa, CamemBERT: BERT with positions counted from the padding token's id plus 1.
    Roberta {
        /// Rows of the token-type embedding.
        token_types: usize,
        /// The padding token's id, 1 in all known models.
        padding: usize,
    },
    /// DistilBERT: BERT without token types.
    DistilBert,
    /// MPNet: no token types, positions as RoBERTa's, and a learned bias by distance shared by all layers
    /// (Song et al. 2020, arXiv 2004.09297; buckets as in T5).
    Mpnet {
        /// Distances fall into this many buckets.
        relative_attention_buckets: usize,
        /// The padding token's id, 1 in all known models.
        padding: usize,
    },
}

/// The function between the two halves of the feed-forward step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Exact, by the error function: `x * (1 + erf(x / sqrt(2))) / 2`.
    Gelu,
    /// The tanh approximation, which configs call `gelu_new` or `gelu_pytorch_tanh`.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
}

impl Architecture {
    /// Length of a token vector, and of the pooled vector, where it is known before the model runs.
    pub fn hidden_size(&self) -> Option<usize> {
        match self {
            Self::Native(network) => Some(network.hidden_size),
            Self::OnnxOnly { hidden_size, .. } => *hidden_size,
        }
    }

    /// The longest input, in tokens, that the position embeddings allow, where it is known.
    pub fn max_tokens(&self) -> Option<usize> {
        match self {
            Self::Native(network) => Some(network.max_tokens()),
            Self::OnnxOnly { max_positions, .. } => *max_positions,
        }
    }

    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("config.json");
        let Some(config) = Object::read(&path)? else {
            return Err(Error::ConfigMissing { path });
        };
        let model_type = config.text("model_type")?;
        let generates = GENERATING.split_whitespace().any(|generating| generating == model_type)
            || config.optional_flag("is_encoder_decoder")? == Some(true)
            || config.optional_flag("is_decoder")? == Some(true);
        if generates {
            return Err(Error::NotAnEncoder { path, model_type });
        }
        // Relative position embeddings exist in BERT's code and in no published sentence encoder.
        let absolute = config.optional_text("position_embedding_type")?.is_none_or(|kind| kind == "absolute");
        match model_type.as_str() {
            "bert" | "roberta" | "xlm-roberta" | "camembert" | "mpnet" if absolute => {
                Ok(Self::Native(Transformer::read(&config, family(&model_type, &config)?)?))
            }
            "distilbert" => Ok(Self::Native(Transformer::read_distilbert(&config)?)),
            _ => Ok(Self::OnnxOnly {
                hidden_size: config.optional_size("hidden_size")?,
                max_positions: config.optional_size("max_position_embeddings")?,
                model_type,
            }),
        }
    }
}

impl Transformer {
    /// The longest input in tokens: the position embedding's rows that positions can reach.
    pub fn max_tokens(&self) -> usize {
        self.max_positions - self.family.position_offset()
    }

    fn read(config: &Object, family: Family) -> Result<Self, Error> {
        Self {
            family,
            hidden_size: config.size("hidden_size")?,
            layers: config.size("num_hidden_layers")?,
            heads: config.size("num_attention_heads")?,
            intermediate_size: config.size("intermediate_size")?,
            layer_norm_epsilon: config.optional_number("layer_norm_eps")?.unwrap_or(1e-12) as f32,
            activation: activation(config, "hidden_act")?,
            vocabulary: config.size("vocab_size")?,
            max_positions: config.size("max_position_embeddings")?,
        }
        .checked(config, "num_attention_heads")
    }

    /// DistilBERT has names of its own for the same numbers, and a fixed epsilon.
    fn read_distilbert(config: &Object) -> Result<Self, Error> {
        Self {
            family: Family::DistilBert,
            hidden_size: config.size("dim")?,
            layers: config.size("n_layers")?,
            heads: config.size("n_heads")?,
            intermediate_size: config.size("hidden_dim")?,
            layer_norm_epsilon: 1e-12,
            activation: activation(config, "activation")?,
            vocabulary: config.size("vocab_size")?,
            max_positions: config.size("max_position_embeddings")?,
        }
        .checked(config, "n_heads")
    }

    fn checked(self, config: &Object, heads: &'static str) -> Result<Self, Error> {
        if !self.hidden_size.is_multiple_of(self.heads) {
            return Err(config.bad_value(heads, "a divisor of the hidden size"));
        }
        if self.max_positions <= self.family.position_offset() {
            let expected = "larger than the padding token's id plus 1";
            return Err(config.bad_value("max_position_embeddings", expected));
        }
        Ok(self)
    }
}

impl Family {
    /// The position embedding's row of an input's first token.
    pub fn position_offset(self) -> usize {
        match self {
            Self::Bert { .. } | Self::DistilBert => 0,
            Self::Roberta { padding, .. } | Self::Mpnet { padding, .. } => padding + 1,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bert { .. } => "bert",
            Self::Roberta { .. } => "roberta",
            Self::DistilBert => "distilbert",
            Self::Mpnet { .. } => "mpnet",
        }
    }
}

impl Activation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_tanh",
            Self::Relu => "relu",
        }
    }
}

fn family(model_type: &str, config: &Object) -> Result<Family, Error> {
    Ok(match model_type {
        "bert" => Family::Bert { token_types: config.optional_size("type_vocab_size")?.unwrap_or(2) },
        "mpnet" => Family::Mpnet {
            relative_attention_buckets: config.optional_size("relative_attention_num_buckets")?.unwrap_or(32),
            padding: padding(config)?,
        },
        _ => Family::Roberta {
            token_types: config.optional_size("type_vocab_size")?.unwrap_or(1),
            padding: padding(config)?,
        },
    })
}

fn padding(config: &Object) -> Result<usize, Error> {
    let expected = "a token id below vocab_size";
    let padding = config.optional_count("pad_token_id")?.unwrap_or(1);
    if padding < config.size("vocab_size")? { Ok(padding) } else { Err(config.bad_value("pad_token_id", expected)) }
}

fn activation(config: &Object, key: &'static str) -> Result<Activation, Error> {
    match config.optional_text(key)?.as_deref() {
        None | Some("gelu") => Ok(Activation::Gelu),
        Some("gelu_new" | "gelu_pytorch_tanh") => Ok(Activation::GeluTanh),
        Some("relu") => Ok(Activation::Relu),
        Some(_) => Err(config.bad_value(key, "gelu, gelu_new, gelu_pytorch_tanh or relu")),
    }
}
