//! Transformer layers on either backend.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};

use crate::Error;
use crate::ops::layer::{LayerShape, Masks, Norms, PackedLayer};
use crate::ops::stack::{Stack, StackMemory, apply};
use crate::ops::{AttentionHeads, Backend, Dropout, Exactness, Ops};
use crate::parameters::LAYER;
use crate::texts::Spans;

/// What layers that lie on top of each other have in common.
#[derive(Clone, Debug)]
pub(crate) struct LayerKind {
    pub(crate) norms: Norms,
    pub(crate) hidden: usize,
    pub(crate) heads: AttentionHeads,
    pub(crate) feed_forward: usize,
    pub(crate) epsilon: f64,
}

/// Layers where they are computed with.
pub(crate) enum Layers {
    /// For the kernels.
    Packed(Vec<Arc<PackedLayer>>),
    /// For candle, each in the order of [`LAYER`].
    Plain(LayerKind, Vec<[Var; LAYER.len()]>),
}

/// Whether anything below some layers is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Below {
    Frozen,
    Trained,
}

impl Default for Layers {
    fn default() -> Self {
        Layers::Packed(Vec::new())
    }
}

impl Layers {
    /// Copies weights to where they are computed with.
    pub(crate) fn bind(ops: &Ops, kind: LayerKind, layers: Vec<[&[f32]; LAYER.len()]>) -> Result<Layers, Error> {
        let LayerKind { norms, hidden, feed_forward, epsilon, .. } = kind;
        if let Backend::Kernels { isa, arithmetic } = ops.backend {
            let shape = LayerShape { norms, isa, arithmetic, hidden, epsilon: epsilon as f32 };
            let (one, other) = layers.split_at(layers.len() / 2);
            let pack = |layers: &[_]| {
                layers.iter().map(|layer| Arc::new(PackedLayer::new(shape, kind.heads.clone(), *layer))).collect()
            };
            let packed = std::thread::scope(|scope| {
                let one = scope.spawn(|| pack(one));
                let other: Vec<_> = pack(other);
                one.join().map(|one: Vec<_>| [one, other].concat())
            });
            return Ok(Layers::Packed(packed.map_err(|_| Error::Worker)?));
        }
        let shapes = layer_shapes(hidden, feed_forward);
        let bound = layers.into_iter().map(|tensors| {
            let vars =
                tensors.iter().zip(&shapes).map(|(values, shape)| Var::from_slice(values, &shape[..], &ops.device));
            let vars: Vec<Var> = vars.collect::<Result<_, _>>()?;
            vars.try_into().map_err(|_| candle_core::Error::Msg("a layer has 12 tensors".into()))
        });
        Ok(Layers::Plain(kind, bound.collect::<Result<_, _>>()?))
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Layers::Packed(layers) => layers.is_empty(),
            Layers::Plain(_, layers) => layers.is_empty(),
        }
    }

    /// What the layers make of `x`, without gradients.
    pub(crate) fn evaluate(
        &self,
        ops: &Ops,
        x: &Tensor,
        spans: &Spans,
        memory: &Mutex<StackMemory>,
    ) -> Result<Tensor, Error> {
        match self {
            _ if self.is_empty() => Ok(x.clone()),
            Layers::Packed(layers) => Ok(apply(x, layers, spans, memory)?),
            Layers::Plain(kind, layers) => plain(ops, kind, layers, x, spans, &mut Dropout::none()),
        }
    }

    /// The same with gradients, and with dropout.
    pub(crate) fn train(
        &self,
        ops: &Ops,
        x: &Tensor,
        spans: &Spans,
        memory: &Arc<Mutex<StackMemory>>,
        below: Below,
        dropout: &mut Dropout,
    ) -> Result<Tensor, Error> {
        match self {
            Layers::Packed(layers) => {
                let through = below == Below::Trained;
                // The lowest layer's input must be a variable for candle to go down there.
                let input = if through { x.contiguous()? } else { Var::from_tensor(x)?.into_inner() };
                let mut masks = || Some([dropout.mask(x.elem_count())?, dropout.mask(x.elem_count())?]);
                let masks: Vec<Masks> = layers.iter().map(|_| masks()).collect();
                let (layers, spans, memory) = (layers.clone(), spans.clone(), memory.clone());
                Ok(input.apply_op1(Stack { layers, spans, masks, memory, through })?)
            }
            Layers::Plain(kind, layers) => plain(ops, kind, layers, x, spans, dropout),
        }
    }

    /// The gradients of the layers' weights after a backward pass, in the order of [`LAYER`] each.
    pub(crate) fn gradients(
        &self,
        store: &GradStore,
        memory: &Mutex<StackMemory>,
        into: &mut [[Vec<f32>; LAYER.len()]],
    ) -> Result<(), Error> {
        match self {
            Layers::Packed(_) => {
                let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
                if memory.reached {
                    memory.gradients.iter_mut().zip(into).for_each(|(layer, into)| std::mem::swap(layer, into));
                } else {
                    into.iter_mut().flatten().for_each(|values| values.fill(0.0));
                }
            }
            Layers::Plain(_, layers) => {
                for (var, into) in layers.iter().flatten().zip(into.iter_mut().flatten()) {
                    match store.get(var) {
                        Some(gradient) => *into = gradient.flatten_all()?.to_vec1()?,
                        None => into.fill(0.0),
                    }
                }
            }
        }
        Ok(())
    }
}

fn plain(
    ops: &Ops,
    kind: &LayerKind,
    layers: &[[Var; LAYER.len()]],
    x: &Tensor,
    spans: &Spans,
    dropout: &mut Dropout,
) -> Result<Tensor, Error> {
    let linear = |x: &Tensor, w: &Var, b: &Var| ops.linear(x, w, Some(b), Exactness::Rounded);
    let norm = |x: &Tensor, gain: &Var, bias: &Var| ops.layer_norm(x, gain, bias, kind.epsilon);
    let mut x = x.clone();
    for [qkv, qkv_b, mix, mix_b, gain1, bias1, up, up_b, down, down_b, gain2, bias2] in layers {
        let attend = |x: &Tensor| linear(&ops.attention(&linear(x, qkv, qkv_b)?, spans, &kind.heads)?, mix, mix_b);
        let forward = |x: &Tensor| linear(&ops.gelu(&linear(x, up, up_b)?)?, down, down_b);
        x = match kind.norms {
            Norms::After => {
                let middle = norm(&(dropout.apply(&attend(&x)?)? + &x)?, gain1, bias1)?;
                norm(&(dropout.apply(&forward(&middle)?)? + &middle)?, gain2, bias2)?
            }
            Norms::Before => {
                let x = (dropout.apply(&attend(&norm(&x, gain1, bias1)?)?)? + &x)?;
                (dropout.apply(&forward(&norm(&x, gain2, bias2)?)?)? + &x)?
            }
        };
    }
    Ok(x)
}

/// The shapes of a layer's tensors, in the order of [`LAYER`].
pub(crate) fn layer_shapes(hidden: usize, feed_forward: usize) -> [Vec<usize>; LAYER.len()] {
    let (h, f) = (hidden, feed_forward);
    let vector = || vec![h];
    [
        vec![3 * h, h],
        vec![3 * h],
        vec![h, h],
        vector(),
        vector(),
        vector(),
        vec![f, h],
        vec![f],
        vec![h, f],
        vector(),
        vector(),
        vector(),
    ]
}
