//! Attention inside each of several texts.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, D, Layout, Result, Shape, Tensor};
use vetted_kernels::{AttentionMemory, Heads, Isa, RelativeBias, attend, attend_gradient};

use super::padding::Padding;
use super::storage::{floats, result, slice, tensor};
use crate::texts::Spans;

/// How a layer's attention is divided, and what it adds to scores by distance.
#[derive(Clone, Debug)]
pub(crate) struct AttentionHeads {
    pub(crate) count: usize,
    /// MPNet's, which is not trained.
    pub(crate) position_bias: Option<Arc<RelativeBias>>,
}

impl AttentionHeads {
    fn kernels(&self) -> Heads<'_> {
        Heads { count: self.count, position_bias: self.position_bias.as_deref() }
    }
}

pub(super) fn attention(isa: Isa, qkv: &Tensor, spans: &Spans, heads: &AttentionHeads) -> Result<Tensor> {
    let op = Attention { isa, spans: spans.clone(), heads: heads.clone(), probabilities: Mutex::default() };
    qkv.contiguous()?.apply_op1(op)
}

struct Attention {
    isa: Isa,
    spans: Spans,
    heads: AttentionHeads,
    probabilities: Mutex<Vec<f32>>,
}

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, qkv: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (rows, width) = layout.shape().dims2()?;
        let mut out = vec![0.0; rows * width / 3];
        let mut probabilities = self.probabilities.lock().unwrap_or_else(PoisonError::into_inner);
        let (qkv, memory) = (slice(qkv, layout)?, &mut AttentionMemory::default());
        attend_all(self.isa, qkv, &self.spans, &self.heads, &mut out, &mut probabilities, memory);
        result(out, (rows, width / 3))
    }

    fn bwd(&self, qkv: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let probabilities = self.probabilities.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of_qkv = vec![0.0; qkv.elem_count()];
        let memory = &mut AttentionMemory::default();
        floats(qkv, |qkv| {
            floats(gradient, |gradient| {
                let of_qkv = &mut of_qkv;
                attend_all_gradient(self.isa, qkv, &self.spans, &self.heads, &probabilities, gradient, of_qkv, memory);
                Ok(())
            })
        })?;
        Ok(Some(tensor(of_qkv, qkv)?))
    }
}

/// Attention inside each span; `probabilities` keeps the weights, span after span.
pub(super) fn attend_all(
    isa: Isa,
    qkv: &[f32],
    spans: &Spans,
    heads: &AttentionHeads,
    out: &mut [f32],
    probabilities: &mut Vec<f32>,
    memory: &mut AttentionMemory,
) {
    let hidden = out.len() / spans.rows().max(1);
    let count = heads.count;
    probabilities.resize(spans.iter().map(|span| count * span.len() * span.len()).sum(), 0.0);
    let mut rest = &mut probabilities[..];
    for span in spans.iter() {
        let (here, after) = rest.split_at_mut(count * span.len() * span.len());
        let qkv = &qkv[span.start * 3 * hidden..span.end * 3 * hidden];
        attend(isa, qkv, span.len(), heads.kernels(), &mut out[span.start * hidden..span.end * hidden], here, memory);
        rest = after;
    }
}

/// The gradient of [`attend_all`], into `of_qkv`.
#[allow(clippy::too_many_arguments)]
pub(super) fn attend_all_gradient(
    isa: Isa,
    qkv: &[f32],
    spans: &Spans,
    heads: &AttentionHeads,
    probabilities: &[f32],
    gradient: &[f32],
    of_qkv: &mut [f32],
    memory: &mut AttentionMemory,
) {
    let hidden = gradient.len() / spans.rows().max(1);
    let mut rest = probabilities;
    for span in spans.iter() {
        let (here, after) = rest.split_at(heads.count * span.len() * span.len());
        let wide = span.start * 3 * hidden..span.end * 3 * hidden;
        let gradient = &gradient[span.start * hidden..span.end * hidden];
        attend_gradient(isa, &qkv[wide.clone()], span.len(), heads.count, here, gradient, &mut of_qkv[wide], memory);
        rest = after;
    }
}

pub(super) fn attention_plain(qkv: &Tensor, spans: &Spans, heads: &AttentionHeads) -> Result<Tensor> {
    let AttentionHeads { count: heads, position_bias } = heads;
    let (heads, hidden) = (*heads, qkv.dim(1)? / 3);
    let padding = Padding::new(spans, 0..spans.len(), qkv.device())?;
    let (groups, longest) = (padding.groups, padding.longest);
    let parts = padding.pad(qkv)?.reshape((groups, longest, 3, heads, hidden / heads))?.permute((2, 0, 3, 1, 4))?;
    let part = |index: usize| parts.get(index)?.contiguous();
    let scale = 1.0 / ((hidden / heads) as f64).sqrt();
    let scores = (part(0)?.matmul(&part(1)?.transpose(2, 3)?.contiguous()?)? * scale)?;
    let bias = ((&padding.mask - 1.0)? * 1e4)?.reshape((groups, 1, 1, longest))?;
    let mut scores = scores.broadcast_add(&bias)?;
    if let Some(bias) = position_bias {
        let rows = (0..heads).flat_map(|head| (0..longest).flat_map(move |query| bias.row(head, query, longest)));
        let bias = Tensor::from_vec(rows.copied().collect(), (1, heads, longest, longest), qkv.device())?;
        scores = scores.broadcast_add(&bias)?;
    }
    let powers = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?.detach())?.exp()?;
    let weights = powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)?;
    let mixed = weights.matmul(&part(2)?)?.transpose(1, 2)?.reshape((groups, longest, hidden))?;
    padding.unpad(&mixed)
}
