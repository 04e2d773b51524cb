//! BERT (Devlin et al. 2019, arXiv 1810.04805), RoBERTa and MPNet: the lower part as it comes, the upper part trained.

use std::sync::{Arc, Mutex};

use candle_core::Tensor;
use vetted_encoder::folder::Family;
use vetted_kernels::RelativeBias;

use super::initial::stored_parts;
use super::layers::{Below, LayerKind, Layers, layer_shapes};
use crate::Error;
use crate::base::{Base, Shape};
use crate::ops::layer::Norms;
use crate::ops::stack::StackMemory;
use crate::ops::{AttentionHeads, Dropout, Ops};
use crate::parameters::LAYER;
use crate::texts::Texts;

/// An encoder without the weights that are trained.
pub(crate) struct Encoder {
    pub(crate) shape: Shape,
    words: Vec<f32>,
    /// From that of a text's first token on.
    positions: Vec<f32>,
    types: Vec<f32>,
    norm: [Vec<f32>; 2],
    position_bias: Option<Arc<RelativeBias>>,
    frozen: Layers,
}

impl Encoder {
    pub(crate) fn new(base: &Base, trained_from: usize, ops: &Ops) -> Result<Encoder, Error> {
        let Shape { hidden, vocabulary, positions, types, .. } = base.shape;
        let take = |name: &str, shape: &[usize]| base.weights.tensor(&format!("embeddings.{name}"), shape);
        let before_first = base.family.position_offset();
        let position_bias = match base.family {
            Family::Mpnet { relative_attention_buckets: buckets, .. } => {
                let table =
                    base.weights.tensor("encoder.relative_attention_bias.weight", &[buckets, base.shape.heads])?;
                Some(Arc::new(RelativeBias::new(&table, base.shape.heads, positions - before_first)))
            }
            _ => None,
        };
        let mut encoder = Encoder {
            words: take("word_embeddings.weight", &[vocabulary, hidden])?,
            positions: take("position_embeddings.weight", &[positions, hidden])?.split_off(before_first * hidden),
            types: match types {
                0 => vec![0.0; hidden],
                types => take("token_type_embeddings.weight", &[types, hidden])?,
            },
            norm: [take("LayerNorm.weight", &[hidden])?, take("LayerNorm.bias", &[hidden])?],
            position_bias,
            frozen: Layers::default(),
            shape: base.shape.clone(),
        };
        let frozen: Vec<Vec<Vec<f32>>> =
            (0..trained_from).map(|layer| layer_tensors(base, layer)).collect::<Result<_, _>>()?;
        let tensors = frozen.iter().map(|layer| std::array::from_fn(|index| &layer[index][..]));
        encoder.frozen = Layers::bind(ops, encoder.layer_kind(), tensors.collect())?;
        Ok(encoder)
    }

    /// What its layers have in common.
    pub(crate) fn layer_kind(&self) -> LayerKind {
        let Shape { hidden, heads, feed_forward, epsilon, .. } = self.shape;
        let heads = AttentionHeads { count: heads, position_bias: self.position_bias.clone() };
        LayerKind { norms: Norms::After, hidden, heads, feed_forward, epsilon }
    }

    /// Unit word embeddings of every token.
    pub(crate) fn words(&self, ops: &Ops, ids: &[u32]) -> Result<Tensor, Error> {
        let hidden = self.shape.hidden;
        let mut rows = Vec::with_capacity(ids.len() * hidden);
        for id in ids {
            let start = rows.len();
            rows.extend_from_slice(self.word(*id)?);
            vetted_kernels::l2_normalize(vetted_kernels::Isa::detect(), &mut rows[start..]);
        }
        Ok(Tensor::from_vec(rows, (ids.len(), hidden), &ops.device)?)
    }

    /// The last layer's vectors of every token; with gradients if `training`.
    pub(crate) fn hidden(
        &self,
        ops: &Ops,
        trained: &Layers,
        texts: &Texts,
        memory: &Arc<Mutex<StackMemory>>,
        training: bool,
    ) -> Result<Tensor, Error> {
        let embedded = self.embed(texts)?;
        let x = Tensor::from_vec(embedded, (texts.ids.len(), self.shape.hidden), &ops.device)?;
        let x = self.frozen.evaluate(ops, &x, &texts.spans, memory)?.detach();
        if !training || trained.is_empty() {
            return trained.evaluate(ops, &x, &texts.spans, memory);
        }
        trained.train(ops, &x, &texts.spans, memory, Below::Frozen, &mut Dropout::none())
    }

    fn embed(&self, texts: &Texts) -> Result<Vec<f32>, Error> {
        let hidden = self.shape.hidden;
        let mut x = Vec::with_capacity(texts.ids.len() * hidden);
        for span in texts.spans.iter() {
            for (position, token) in span.enumerate() {
                let position = &self.positions[position * hidden..][..hidden];
                let kind = &self.types[texts.types[token] as usize * hidden..][..hidden];
                let word = self.word(texts.ids[token])?;
                x.extend(word.iter().zip(position).zip(kind).map(|((w, p), t)| w + p + t));
            }
        }
        let isa = vetted_kernels::Isa::detect();
        vetted_kernels::add_layer_norm(isa, &mut x, &[], &self.norm[0], &self.norm[1], self.shape.epsilon as f32);
        Ok(x)
    }

    fn word(&self, id: u32) -> Result<&[f32], Error> {
        let hidden = self.shape.hidden;
        let word = self.words.get(id as usize * hidden..(id as usize + 1) * hidden);
        word.ok_or(Error::UnknownToken { id, vocabulary: self.shape.vocabulary })
    }
}

/// A tensor's name, shape and values.
pub(crate) type Named = (String, Vec<usize>, Vec<f32>);

/// All tensors that the network needs out of the base's file.
pub(crate) fn base_tensors(base: &Base) -> Result<Vec<Named>, Error> {
    let Shape { hidden, vocabulary, positions, types, .. } = base.shape;
    let embeddings = [
        ("word_embeddings.weight", vec![vocabulary, hidden]),
        ("position_embeddings.weight", vec![positions, hidden]),
        ("token_type_embeddings.weight", vec![types, hidden]),
        ("LayerNorm.weight", vec![hidden]),
        ("LayerNorm.bias", vec![hidden]),
    ];
    let mut tensors = Vec::new();
    for (name, shape) in embeddings {
        let name = format!("embeddings.{name}");
        let values = base.weights.tensor(&name, &shape)?;
        tensors.push((name, shape, values));
    }
    let shapes = layer_shapes(base.shape.hidden, base.shape.feed_forward);
    for layer in 0..base.shape.layers {
        for ((part, shape), values) in LAYER.iter().zip(&shapes).zip(layer_tensors(base, layer)?) {
            for (name, range, shape) in stored_parts(&format!("encoder.layer.{layer}.{part}"), shape) {
                tensors.push((name, shape, values[range].to_vec()));
            }
        }
    }
    Ok(tensors)
}

/// A layer's tensors out of the base's file, in the order of [`LAYER`].
pub(crate) fn layer_tensors(base: &Base, layer: usize) -> Result<Vec<Vec<f32>>, Error> {
    let hidden = base.shape.hidden;
    let name = |part: &str| base.stored_name(&format!("encoder.layer.{layer}.{part}"));
    LAYER
        .iter()
        .zip(layer_shapes(base.shape.hidden, base.shape.feed_forward))
        .map(|(part, shape)| match part.split_once("qkv") {
            None => base.weights.tensor(&name(part), &shape),
            Some((before, after)) => {
                let shape: Vec<usize> = std::iter::once(hidden).chain(shape.into_iter().skip(1)).collect();
                let parts = QKV.map(|which| base.weights.tensor(&name(&format!("{before}{which}{after}")), &shape));
                let mut joined = Vec::new();
                for part in parts {
                    joined.extend(part?);
                }
                Ok(joined)
            }
        })
        .collect()
}

/// What stands for `qkv` in a file's names.
pub(crate) const QKV: [&str; 3] = ["query", "key", "value"];
