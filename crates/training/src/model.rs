//! The networks: a BERT encoder, and what reads its tokens.

pub(crate) mod encoder;
mod initial;
pub(crate) mod layers;
mod reader;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use candle_core::{Tensor, Var};
use vetted_reader::Architecture;

use self::encoder::Encoder;
use self::layers::{LayerKind, Layers};
use crate::Error;
use crate::base::Base;
use crate::ops::layer::Norms;
use crate::ops::stack::StackMemory;
use crate::ops::{AttentionHeads, Dropout, Exactness, Ops};
use crate::parameters::{Gradients, LAYER, Parameters};
use crate::recipe::Recipe;
use crate::texts::Texts;

pub(crate) use encoder::base_tensors;
pub(crate) use initial::{Start, layer_parameters, principal_view, read_parameters, stored_parts};

/// What is read: texts, and which of them make a pair.
pub(crate) struct Input {
    pub(crate) texts: Texts,
    /// Query and candidate, by their numbers among the texts. A cross-encoder's texts are pairs already: it reads `(k, k)`
    /// as the k-th.
    pub(crate) pairs: Vec<(usize, usize)>,
}

/// A network without its trained weights.
pub(crate) struct Model {
    pub(crate) ops: Ops,
    pub(crate) encoder: Encoder,
    pub(crate) architecture: Architecture,
    max_tokens: usize,
}

/// Trained weights where they are computed with, for one step.
pub(crate) struct Bound {
    encoder: Layers,
    blocks: Layers,
    reader: HashMap<String, Var>,
}

/// One worker's memory, kept from step to step.
#[derive(Default)]
pub(crate) struct Worker {
    encoder: Arc<Mutex<StackMemory>>,
    blocks: Arc<Mutex<StackMemory>>,
}

/// What a forward pass is for.
pub(crate) enum Pass {
    /// Scores only.
    Evaluation,
    /// Gradients will be asked for; some of the reader's outputs are dropped.
    Training(Dropout),
}

impl Model {
    /// The network of a recipe over a base encoder.
    pub(crate) fn new(base: &Base, recipe: &Recipe, ops: Ops) -> Result<Model, Error> {
        Ok(Model {
            encoder: Encoder::new(base, recipe.trained_from_layer, &ops)?,
            architecture: recipe.architecture.clone(),
            max_tokens: recipe.max_tokens,
            ops,
        })
    }

    /// Copies trained weights to where they are computed with.
    pub(crate) fn bind(&self, parameters: &Parameters) -> Result<Bound, Error> {
        let [encoder, blocks] = parameters.layers();
        let (layers, rest) = parameters.list.split_at((encoder + blocks) * LAYER.len());
        let tensors = layers.as_chunks::<{ LAYER.len() }>().0.iter();
        let mut tensors: Vec<_> =
            tensors.map(|layer| layer.each_ref().map(|parameter| &parameter.values[..])).collect();
        let block_tensors = tensors.split_off(encoder);
        let var = |values: &[f32], shape: &[usize]| Var::from_slice(values, shape, &self.ops.device);
        let reader = rest.iter().map(|p| Ok((p.name.clone(), var(&p.values, &p.shape)?)));
        Ok(Bound {
            encoder: Layers::bind(&self.ops, self.encoder.layer_kind(), tensors)?,
            blocks: Layers::bind(&self.ops, self.block_kind(), block_tensors)?,
            reader: reader.collect::<Result<_, Error>>()?,
        })
    }

    fn block_kind(&self) -> LayerKind {
        let (hidden, heads, feed_forward) = match &self.architecture {
            Architecture::MapTransformer(shape) => (shape.width, shape.heads, shape.feed_forward),
            Architecture::F4(shape) => (shape.width, shape.heads, shape.feed_forward),
            _ => (0, 1, 0),
        };
        let heads = AttentionHeads { count: heads, position_bias: None };
        LayerKind { norms: Norms::Before, hidden, heads, feed_forward, epsilon: READER_EPSILON }
    }

    /// Every pair's logits: support, equivalence, conflict, then the kinds.
    pub(crate) fn logits(
        &self,
        bound: &Bound,
        input: &Input,
        worker: &Worker,
        pass: &mut Pass,
    ) -> Result<Tensor, Error> {
        let training = matches!(pass, Pass::Training(_));
        let hidden = self.hidden(bound, &input.texts, worker, training)?;
        let mut nothing = Dropout::none();
        let dropout = match pass {
            Pass::Evaluation => &mut nothing,
            Pass::Training(dropout) => dropout,
        };
        let weights = Weights(&bound.reader);
        match &self.architecture {
            Architecture::CrossEncoder => {
                let firsts = input.texts.spans.firsts();
                let firsts = Tensor::from_vec(firsts, input.texts.spans.len(), &self.ops.device)?;
                let cls = dropout.apply(&hidden.index_select(&firsts, 0)?)?;
                let mixed = weights.linear(&self.ops, "reader.head.hidden", &cls, Exactness::Exact)?.tanh()?;
                Ok(weights.linear(&self.ops, "reader.head.output", &mixed, Exactness::Exact)?)
            }
            _ => self.read(bound, &hidden, input, worker, training.then_some(dropout)),
        }
    }

    /// The encoder's last layer for every token.
    pub(crate) fn hidden(
        &self,
        bound: &Bound,
        texts: &Texts,
        worker: &Worker,
        training: bool,
    ) -> Result<Tensor, Error> {
        self.encoder.hidden(&self.ops, &bound.encoder, texts, &worker.encoder, training)
    }

    /// The gradients of `loss`, of which the forward pass was `worker`'s last, in the parameters' order.
    pub(crate) fn gradients(
        &self,
        loss: &Tensor,
        bound: &Bound,
        parameters: &Parameters,
        worker: &Worker,
        into: &mut Gradients,
    ) -> Result<(), Error> {
        let store = loss.backward()?;
        let [encoder, blocks] = parameters.layers();
        let (layers, rest) = into.split_at_mut((encoder + blocks) * LAYER.len());
        let (of_encoder, of_blocks) = layers.as_chunks_mut::<{ LAYER.len() }>().0.split_at_mut(encoder);
        bound.encoder.gradients(&store, &worker.encoder, of_encoder)?;
        bound.blocks.gradients(&store, &worker.blocks, of_blocks)?;
        for (parameter, into) in parameters.list[(encoder + blocks) * LAYER.len()..].iter().zip(rest) {
            match bound.reader.get(&parameter.name).and_then(|var| store.get(var)) {
                Some(gradient) => *into = gradient.flatten_all()?.to_vec1()?,
                None => into.fill(0.0),
            }
        }
        Ok(())
    }
}

/// Added to variances in the reader's norms, as PyTorch does.
const READER_EPSILON: f64 = 1e-5;

/// The reader's weights by name.
pub(crate) struct Weights<'a>(&'a HashMap<String, Var>);

impl Weights<'_> {
    fn get(&self, name: &str) -> Result<&Tensor, Error> {
        let missing = || candle_core::Error::Msg(format!("the reader has no weights {name}"));
        Ok(self.0.get(name).ok_or_else(missing)?.as_tensor())
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn linear(&self, ops: &Ops, name: &str, x: &Tensor, exactness: Exactness) -> Result<Tensor, Error> {
        let (w, b) = (self.get(&format!("{name}.weight"))?, self.get(&format!("{name}.bias"))?);
        Ok(ops.linear(x, w, Some(b), exactness)?)
    }

    fn layer_norm(&self, ops: &Ops, name: &str, x: &Tensor) -> Result<Tensor, Error> {
        let (gain, bias) = (self.get(&format!("{name}.weight"))?, self.get(&format!("{name}.bias"))?);
        Ok(ops.layer_norm(x, gain, bias, READER_EPSILON)?)
    }
}
