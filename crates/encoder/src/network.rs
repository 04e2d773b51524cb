//! BERT and its relatives, run from safetensors on vetted's own kernels.
//!
//! Texts of a batch lie one after the other without padding, so no work is spent on padding tokens and a text's vectors
//! do not depend on its neighbours. Everything is computed as in Devlin et al. 2019 (arXiv 1810.04805) with the
//! variations [`Family`] lists.

use std::sync::Arc;

use vetted_kernels::{
    Activation, Attention, Heads, Isa, Linear, Precision, RelativeBias, Scratch, Team, add_layer_norm, attention,
};

use vetted_models::folder::{self, Family, Transformer};

use crate::Error;
use crate::weights::WeightFile;

/// A loaded network. Two networks of one base share what they have in common: it is in memory once, and what one has computed
/// with it the other need not compute again.
pub(crate) struct Network {
    isa: Isa,
    shape: Transformer,
    precision: Precision,
    embeddings: Arc<Embeddings>,
    layers: Vec<Arc<Layer>>,
}

/// What the lowest layer's input depends on, and the relative positions that every layer reads.
struct Embeddings {
    words: Vec<f32>,
    /// Position embeddings, the embedding of token type 0 added where there is one.
    positions: Vec<f32>,
    /// What a token of the second of two texts read together adds to that: type 1's embedding less type 0's.
    second_type: Option<Vec<f32>>,
    norm: Norm,
    /// MPNet's.
    relative_bias: Option<RelativeBias>,
}

struct Layer {
    qkv: Linear,
    attention_output: Linear,
    attention_norm: Norm,
    feed_forward: Linear,
    output: Linear,
    output_norm: Norm,
}

struct Norm {
    gain: Vec<f32>,
    bias: Vec<f32>,
}

/// Working memory of one thread.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) hidden: Vec<f32>,
    wide: Vec<f32>,
    context: Vec<f32>,
    mixed: Vec<f32>,
    scratch: Scratch,
    attention: Attention,
}

impl Network {
    pub(crate) fn open(file: &WeightFile, shape: &Transformer, precision: Precision) -> Result<Network, Error> {
        let reader = Reader { file, shape, precision, isa: Isa::detect() };
        Ok(Network {
            isa: reader.isa,
            shape: shape.clone(),
            precision,
            embeddings: Arc::new(reader.embeddings()?),
            layers: (0..shape.layers).map(|index| Ok(Arc::new(reader.layer(index)?))).collect::<Result<_, Error>>()?,
        })
    }

    /// The same network with the replacements of `file`, which is the file that this one was read from: what they do not touch is
    /// shared.
    pub(crate) fn with_replacements(&self, file: &WeightFile) -> Result<Network, Error> {
        let reader = Reader { file, shape: &self.shape, precision: self.precision, isa: self.isa };
        let layer = |(index, layer): (usize, &Arc<Layer>)| match file.replaces(&layer_prefix(self.shape.family, index))
        {
            true => Ok(Arc::new(reader.layer(index)?)),
            false => Ok(layer.clone()),
        };
        let embeddings = match file.replaces("embeddings.") || file.replaces(RELATIVE_BIAS) {
            true => Arc::new(reader.embeddings()?),
            false => self.embeddings.clone(),
        };
        let layers = self.layers.iter().enumerate().map(layer).collect::<Result<_, Error>>()?;
        Ok(Network { isa: self.isa, shape: self.shape.clone(), precision: self.precision, embeddings, layers })
    }

    /// How many of the lowest layers, with the embeddings below them, both networks have in common, so that they make the same of
    /// the same text.
    pub(crate) fn shared_layers(&self, other: &Network) -> usize {
        if !Arc::ptr_eq(&self.embeddings, &other.embeddings) {
            return 0;
        }
        self.layers.iter().zip(&other.layers).take_while(|(own, others)| Arc::ptr_eq(own, others)).count()
    }

    /// The last layer's token vectors of every text, one text after the other, in `memory.hidden`: `tokens` x `hidden`.
    /// `team` is the calling thread alone where other threads have batches of their own.
    ///
    /// # Errors
    /// [`Error::UnknownToken`] when an id is beyond the vocabulary: tokenizer and weights are of different models;
    /// [`Error::Expired`] when the result is no longer wanted.
    pub(crate) fn run(&self, texts: &[Vec<u32>], team: &mut Team, memory: &mut Memory) -> Result<(), Error> {
        self.run_below(self.layers.len(), texts, team, memory)
    }

    /// As [`run`](Self::run), of the lowest `layers` only.
    pub(crate) fn run_below(
        &self,
        layers: usize,
        texts: &[Vec<u32>],
        team: &mut Team,
        memory: &mut Memory,
    ) -> Result<(), Error> {
        self.embed(texts, &mut memory.hidden)?;
        self.run_layers(&self.layers[..layers], texts, team, memory)
    }

    /// The rest of [`run`](Self::run), where `memory.hidden` is what the layers below `layers` made.
    ///
    /// # Errors
    /// [`Error::Expired`] when the result is no longer wanted.
    pub(crate) fn run_above(
        &self,
        layers: usize,
        texts: &[Vec<u32>],
        team: &mut Team,
        memory: &mut Memory,
    ) -> Result<(), Error> {
        self.run_layers(&self.layers[layers..], texts, team, memory)
    }

    /// As [`run`](Self::run), for inputs of two texts each: `second` says where in each the second text begins.
    pub(crate) fn run_joint(
        &self,
        texts: &[Vec<u32>],
        second: &[usize],
        team: &mut Team,
        memory: &mut Memory,
    ) -> Result<(), Error> {
        self.embed_with(texts, &mut memory.hidden, |text, position, row| {
            if let Some(second_type) = self.embeddings.second_type.as_ref().filter(|_| position >= second[text]) {
                row.iter_mut().zip(second_type).for_each(|(x, t)| *x += t);
            }
        })?;
        self.run_layers(&self.layers, texts, team, memory)
    }

    /// Of a batch, a layer takes about a millisecond: often enough to ask whether the result is still wanted.
    fn run_layers(
        &self,
        layers: &[Arc<Layer>],
        texts: &[Vec<u32>],
        team: &mut Team,
        memory: &mut Memory,
    ) -> Result<(), Error> {
        let hidden = self.shape.hidden_size;
        let tokens: usize = texts.iter().map(Vec::len).sum();
        let Memory { hidden: x, wide, context, mixed, scratch, attention: attention_memory } = memory;
        let mut forward = |team: &mut Team, layer: &Linear, x: &[f32], out: &mut Vec<f32>, activation| {
            out.resize(tokens * layer.outputs(), 0.0);
            layer.forward_with(team, x, out, activation, scratch);
        };
        let activation = match self.shape.activation {
            folder::Activation::Gelu => Activation::Gelu,
            folder::Activation::GeluTanh => Activation::GeluTanh,
            folder::Activation::Relu => Activation::Relu,
        };
        let norm = |team: &mut Team, norm: &Norm, x: &mut [f32], residual: &[f32]| {
            let piece = team.rows_at_a_time(tokens) * hidden;
            team.each(x.chunks_mut(piece).zip(residual.chunks(piece)), |(x, residual)| {
                add_layer_norm(self.isa, x, residual, &norm.gain, &norm.bias, self.shape.layer_norm_epsilon);
            });
        };
        for layer in layers {
            team.check()?;
            forward(team, &layer.qkv, x, wide, Activation::None);
            context.resize(tokens * hidden, 0.0);
            let mut start = 0;
            for ids in texts {
                let end = start + ids.len();
                let qkv = &wide[3 * start * hidden..3 * end * hidden];
                let out = &mut context[start * hidden..end * hidden];
                let heads = Heads { count: self.shape.heads, position_bias: self.embeddings.relative_bias.as_ref() };
                attention(self.isa, qkv, ids.len(), heads, out, attention_memory, team);
                start = end;
            }
            forward(team, &layer.attention_output, context, mixed, Activation::None);
            norm(team, &layer.attention_norm, mixed, x);
            forward(team, &layer.feed_forward, mixed, wide, activation);
            forward(team, &layer.output, wide, x, Activation::None);
            norm(team, &layer.output_norm, x, mixed);
        }
        Ok(())
    }

    /// The word embeddings: `vocabulary` x `hidden`.
    pub(crate) fn words(&self) -> &[f32] {
        &self.embeddings.words
    }

    fn embed(&self, texts: &[Vec<u32>], x: &mut Vec<f32>) -> Result<(), Error> {
        self.embed_with(texts, x, |_, _, _| {})
    }

    /// `edit` sees every token's sum of embeddings, with its text's index and its position, before it is normalized.
    fn embed_with(
        &self,
        texts: &[Vec<u32>],
        x: &mut Vec<f32>,
        edit: impl Fn(usize, usize, &mut [f32]),
    ) -> Result<(), Error> {
        let hidden = self.shape.hidden_size;
        let offset = self.shape.family.position_offset();
        let Embeddings { words, positions, norm, .. } = &*self.embeddings;
        x.clear();
        for (text, ids) in texts.iter().enumerate() {
            for (position, id) in ids.iter().enumerate() {
                let (word, at) = (*id as usize * hidden, (position + offset) * hidden);
                let word = words.get(word..word + hidden);
                let word = word.ok_or(Error::UnknownToken { id: *id, vocabulary: self.shape.vocabulary })?;
                // The input is cut at `max_tokens`, which leaves room for every position.
                let start = x.len();
                x.extend(word.iter().zip(&positions[at..at + hidden]).map(|(w, p)| w + p));
                edit(text, position, &mut x[start..]);
            }
        }
        add_layer_norm(self.isa, x, &[], &norm.gain, &norm.bias, self.shape.layer_norm_epsilon);
        Ok(())
    }
}

/// A network's parts out of its file.
struct Reader<'a> {
    file: &'a WeightFile,
    shape: &'a Transformer,
    precision: Precision,
    isa: Isa,
}

const RELATIVE_BIAS: &str = "encoder.relative_attention_bias.weight";

impl Reader<'_> {
    fn embeddings(&self) -> Result<Embeddings, Error> {
        let Reader { file, shape, .. } = self;
        let hidden = shape.hidden_size;
        let mut second_type = None;
        let mut positions = file.tensor("embeddings.position_embeddings.weight", &[shape.max_positions, hidden])?;
        if let Family::Bert { token_types } | Family::Roberta { token_types, .. } = shape.family {
            let types = file.tensor("embeddings.token_type_embeddings.weight", &[token_types, hidden])?;
            for row in positions.chunks_exact_mut(hidden) {
                row.iter_mut().zip(&types).for_each(|(p, t)| *p += t);
            }
            second_type =
                types.get(hidden..2 * hidden).map(|second| second.iter().zip(&types).map(|(b, a)| b - a).collect());
        }
        let relative_bias = match shape.family {
            Family::Mpnet { relative_attention_buckets: buckets, .. } => {
                let table = file.tensor(RELATIVE_BIAS, &[buckets, shape.heads])?;
                Some(RelativeBias::new(&table, shape.heads, shape.max_tokens()))
            }
            _ => None,
        };
        let words = file.tensor("embeddings.word_embeddings.weight", &[shape.vocabulary, hidden])?;
        Ok(Embeddings { words, positions, second_type, norm: self.norm("embeddings.LayerNorm")?, relative_bias })
    }

    fn layer(&self, index: usize) -> Result<Layer, Error> {
        let (hidden, wide) = (self.shape.hidden_size, self.shape.intermediate_size);
        let names = LayerNames::of(self.shape.family, index);
        Ok(Layer {
            qkv: self.linear(&names.qkv, hidden, hidden)?,
            attention_output: self.linear(&[names.attention_output], hidden, hidden)?,
            attention_norm: self.norm(&names.attention_norm)?,
            feed_forward: self.linear(&[names.feed_forward], hidden, wide)?,
            output: self.linear(&[names.output], wide, hidden)?,
            output_norm: self.norm(&names.output_norm)?,
        })
    }

    /// Layers of one input side by side.
    fn linear(&self, names: &[String], inputs: usize, outputs: usize) -> Result<Linear, Error> {
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            weight.extend(self.file.tensor(&format!("{name}.weight"), &[outputs, inputs])?);
            bias.extend(self.file.tensor(&format!("{name}.bias"), &[outputs])?);
        }
        Ok(Linear::new(&weight, &bias, inputs, outputs * names.len(), self.precision, self.isa))
    }

    fn norm(&self, name: &str) -> Result<Norm, Error> {
        // Checkpoints converted from TensorFlow call them gamma and beta.
        let either = |a: &str, b: &str| {
            let name = |suffix: &str| format!("{name}.{suffix}");
            let name = if self.file.has(&name(a)) { name(a) } else { name(b) };
            self.file.tensor(&name, &[self.shape.hidden_size])
        };
        Ok(Norm { gain: either("gamma", "weight")?, bias: either("beta", "bias")? })
    }
}

/// What the names of one layer's tensors begin with in a checkpoint.
fn layer_prefix(family: Family, index: usize) -> String {
    let layers = match family {
        Family::DistilBert => "transformer.layer",
        Family::Bert { .. } | Family::Roberta { .. } | Family::Mpnet { .. } => "encoder.layer",
    };
    format!("{layers}.{index}.")
}

/// Where one layer's tensors are in a checkpoint.
struct LayerNames {
    qkv: [String; 3],
    attention_output: String,
    attention_norm: String,
    feed_forward: String,
    output: String,
    output_norm: String,
}

impl LayerNames {
    fn of(family: Family, index: usize) -> LayerNames {
        let (qkv, names) = match family {
            Family::Bert { .. } | Family::Roberta { .. } => (
                ["attention.self.query", "attention.self.key", "attention.self.value"],
                [
                    "attention.output.dense",
                    "attention.output.LayerNorm",
                    "intermediate.dense",
                    "output.dense",
                    "output.LayerNorm",
                ],
            ),
            Family::Mpnet { .. } => (
                ["attention.attn.q", "attention.attn.k", "attention.attn.v"],
                ["attention.attn.o", "attention.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"],
            ),
            Family::DistilBert => (
                ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
                ["attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm"],
            ),
        };
        let prefix = layer_prefix(family, index);
        let full = |name: &str| format!("{prefix}{name}");
        let [attention_output, attention_norm, feed_forward, output, output_norm] = names.map(full);
        LayerNames { qkv: qkv.map(full), attention_output, attention_norm, feed_forward, output, output_norm }
    }
}
