//! A whole Transformer layer over the kernels, with its gradient: what lies between its products never leaves the cache.

use vetted_kernels::{
    Activation, Arithmetic, AttentionMemory, Isa, Left, Lies, Right, Write, activate, add_column_sums, add_to,
    gelu_gradient, layer_norm, layer_norm_gradient, product,
};

use super::attention::{AttentionHeads, attend_all, attend_all_gradient};
use crate::parameters::LAYER;
use crate::texts::Spans;

/// A layer's weights as the kernels read them.
pub(crate) struct PackedLayer {
    shape: LayerShape,
    heads: AttentionHeads,
    qkv: Packed,
    mix: Packed,
    up: Packed,
    down: Packed,
    norms: [[Vec<f32>; 2]; 2],
}

/// A layer's numbers, and what computes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LayerShape {
    pub(crate) norms: Norms,
    pub(crate) isa: Isa,
    pub(crate) arithmetic: Arithmetic,
    pub(crate) hidden: usize,
    pub(crate) epsilon: f32,
}

/// Where a layer normalizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Norms {
    /// What comes out of each half, as BERT does.
    After,
    /// What goes into each half, as readers do.
    Before,
}

/// What a layer's gradient needs of its forward pass.
#[derive(Default)]
pub(crate) struct Kept {
    input: Vec<f32>,
    /// The input of queries, keys and values, where it is not the layer's.
    normed1: Vec<f32>,
    qkv: Vec<f32>,
    probabilities: Vec<f32>,
    context: Vec<f32>,
    /// The residual stream after attention, before any norm.
    sum1: Vec<f32>,
    /// The input of the feed-forward half.
    normed2: Vec<f32>,
    wide: Vec<f32>,
    active: Vec<f32>,
    /// The residual stream after the feed-forward half, before any norm.
    sum2: Vec<f32>,
}

/// Working memory that all layers of a worker share.
#[derive(Default)]
pub(crate) struct Workspace {
    left: Left,
    right: Right,
    attention: AttentionMemory,
    of_wide: Vec<f32>,
    of_qkv: Vec<f32>,
    of_context: Vec<f32>,
    of_branch: Vec<f32>,
}

/// The factors by which dropout multiplies what both halves add; none where nothing is dropped.
pub(crate) type Masks = Option<[Vec<f32>; 2]>;

/// The gradients of a layer's weights, in the order of [`LAYER`].
pub(crate) type LayerGradients = [Vec<f32>; LAYER.len()];

impl PackedLayer {
    /// Packs the tensors of [`LAYER`].
    pub(crate) fn new(shape: LayerShape, heads: AttentionHeads, tensors: [&[f32]; LAYER.len()]) -> PackedLayer {
        let [qkv, qkv_b, mix, mix_b, gain1, bias1, up, up_b, down, down_b, gain2, bias2] = tensors;
        PackedLayer {
            shape,
            heads,
            qkv: Packed::new(shape, qkv, qkv_b),
            mix: Packed::new(shape, mix, mix_b),
            up: Packed::new(shape, up, up_b),
            down: Packed::new(shape, down, down_b),
            norms: [[gain1, bias1], [gain2, bias2]].map(|norm| norm.map(<[f32]>::to_vec)),
        }
    }

    /// The layer's output for the rows `x`.
    pub(crate) fn forward(
        &self,
        x: &[f32],
        spans: &Spans,
        masks: &Masks,
        kept: &mut Kept,
        work: &mut Workspace,
    ) -> Vec<f32> {
        let shape @ LayerShape { norms, isa, hidden, epsilon, .. } = self.shape;
        let rows = spans.rows();
        let Kept { input, normed1, qkv, probabilities, context, sum1, normed2, wide, active, sum2 } = kept;
        copy(x, input);
        let norm = |which: usize, x: &[f32], out: &mut Vec<f32>| {
            out.resize(rows * hidden, 0.0);
            layer_norm(isa, x, &self.norms[which][0], &self.norms[which][1], epsilon, out);
        };
        let drop = |which: usize, out: &mut [f32]| {
            if let Some(masks) = masks {
                out.iter_mut().zip(&masks[which]).for_each(|(o, m)| *o *= m);
            }
        };
        let inner = match norms {
            Norms::After => &*input,
            Norms::Before => {
                norm(0, input, normed1);
                normed1
            }
        };
        self.qkv.forward(shape, &mut work.left, inner, rows, qkv);
        context.resize(rows * hidden, 0.0);
        attend_all(isa, qkv, spans, &self.heads, context, probabilities, &mut work.attention);
        self.mix.forward(shape, &mut work.left, context, rows, sum1);
        drop(0, sum1);
        add_to(isa, input, sum1);
        norm(
            match norms {
                Norms::After => 0,
                Norms::Before => 1,
            },
            sum1,
            normed2,
        );
        self.up.forward(shape, &mut work.left, normed2, rows, wide);
        copy(wide, active);
        activate(isa, Activation::Gelu, active);
        self.down.forward(shape, &mut work.left, active, rows, sum2);
        drop(1, sum2);
        match norms {
            Norms::After => {
                add_to(isa, normed2, sum2);
                let mut out = Vec::new();
                norm(1, sum2, &mut out);
                out
            }
            Norms::Before => {
                add_to(isa, sum1, sum2);
                sum2.clone()
            }
        }
    }

    /// From the gradient of the output to those of the weights, which replace `gradients`, and of the input, which
    /// replaces `gradient` if `through`.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn backward(
        &self,
        spans: &Spans,
        masks: &Masks,
        kept: &Kept,
        gradient: &mut Vec<f32>,
        through: bool,
        gradients: &mut LayerGradients,
        work: &mut Workspace,
    ) {
        let shape @ LayerShape { norms, isa, hidden, epsilon, .. } = self.shape;
        let rows = spans.rows();
        let Kept { input, normed1, qkv, probabilities, context, sum1, normed2, wide, active, sum2 } = kept;
        let [qkv_w, qkv_b, mix_w, mix_b, gain1, bias1, up_w, up_b, down_w, down_b, gain2, bias2] = gradients;
        let Workspace { left, right, attention, of_wide, of_qkv, of_context, of_branch } = work;
        let mut outer = Outer { shape, rows, left, right };
        for vector in [&mut *gain1, &mut *bias1, &mut *gain2, &mut *bias2] {
            vector.clear();
            vector.resize(hidden, 0.0);
        }
        let [norm1, norm2] = &self.norms;
        let set = Write::Set { bias: &[] };
        if norms == Norms::After {
            layer_norm_gradient(isa, sum2, &norm2[0], epsilon, gradient, gain2, bias2);
        }
        let branch = dropped(gradient, masks, 1, of_branch);
        outer.weights(branch, active, down_w, down_b);
        outer.inner(branch, &self.down, set, of_wide);
        gelu_gradient(isa, wide, of_wide);
        outer.weights(of_wide, normed2, up_w, up_b);
        match norms {
            Norms::After => {
                outer.inner(of_wide, &self.up, Write::Add, gradient);
                layer_norm_gradient(isa, sum1, &norm1[0], epsilon, gradient, gain1, bias1);
            }
            Norms::Before => {
                outer.inner(of_wide, &self.up, set, of_branch);
                layer_norm_gradient(isa, sum1, &norm2[0], epsilon, of_branch, gain2, bias2);
                add_to(isa, of_branch, gradient);
            }
        }
        let branch = dropped(gradient, masks, 0, of_branch);
        outer.weights(branch, context, mix_w, mix_b);
        outer.inner(branch, &self.mix, set, of_context);
        of_qkv.resize(rows * 3 * hidden, 0.0);
        attend_all_gradient(isa, qkv, spans, &self.heads, probabilities, of_context, of_qkv, attention);
        match norms {
            Norms::After => {
                outer.weights(of_qkv, input, qkv_w, qkv_b);
                if through {
                    outer.inner(of_qkv, &self.qkv, Write::Add, gradient);
                }
            }
            Norms::Before => {
                outer.weights(of_qkv, normed1, qkv_w, qkv_b);
                outer.inner(of_qkv, &self.qkv, set, of_branch);
                layer_norm_gradient(isa, input, &norm1[0], epsilon, of_branch, gain1, bias1);
                add_to(isa, of_branch, gradient);
            }
        }
    }
}

/// A matrix for `x W^T + b` and for `x W`.
#[derive(Default)]
struct Packed {
    forward: Right,
    backward: Right,
    bias: Vec<f32>,
}

impl Packed {
    fn new(shape: LayerShape, weight: &[f32], bias: &[f32]) -> Packed {
        let outputs = bias.len();
        let inputs = weight.len() / outputs.max(1);
        let mut packed = Packed { bias: bias.to_vec(), ..Packed::default() };
        packed.forward.pack(shape.isa, shape.arithmetic, weight, inputs, outputs, Lies::Transposed);
        packed.backward.pack(shape.isa, shape.arithmetic, weight, outputs, inputs, Lies::AsIs);
        packed
    }

    fn forward(&self, shape: LayerShape, left: &mut Left, x: &[f32], rows: usize, out: &mut Vec<f32>) {
        left.pack(shape.isa, shape.arithmetic, x, rows, x.len() / rows.max(1), Lies::AsIs);
        out.resize(rows * self.bias.len(), 0.0);
        product(shape.isa, left, &self.forward, Write::Set { bias: &self.bias }, out);
    }
}

/// Both gradients of a linear layer.
struct Outer<'a> {
    shape: LayerShape,
    rows: usize,
    left: &'a mut Left,
    right: &'a mut Right,
}

impl Outer<'_> {
    /// The gradients of weight and bias, from that of the output and the input.
    fn weights(&mut self, outer: &[f32], input: &[f32], weight: &mut Vec<f32>, bias: &mut Vec<f32>) {
        let LayerShape { isa, arithmetic, .. } = self.shape;
        let (outputs, inputs) = (outer.len() / self.rows.max(1), input.len() / self.rows.max(1));
        weight.resize(outputs * inputs, 0.0);
        self.left.pack(isa, arithmetic, outer, outputs, self.rows, Lies::Transposed);
        self.right.pack(isa, arithmetic, input, self.rows, inputs, Lies::AsIs);
        product(isa, self.left, self.right, Write::Set { bias: &[] }, weight);
        bias.clear();
        bias.resize(outputs, 0.0);
        add_column_sums(isa, outer, bias);
    }

    /// The gradient of the input.
    fn inner(&mut self, outer: &[f32], packed: &Packed, write: Write, out: &mut Vec<f32>) {
        let LayerShape { isa, arithmetic, .. } = self.shape;
        self.left.pack(isa, arithmetic, outer, self.rows, outer.len() / self.rows.max(1), Lies::AsIs);
        out.resize(self.rows * packed.backward.columns(), 0.0);
        product(isa, self.left, &packed.backward, write, out);
    }
}

fn dropped<'a>(gradient: &'a [f32], masks: &Masks, which: usize, memory: &'a mut Vec<f32>) -> &'a [f32] {
    let Some(masks) = masks else { return gradient };
    memory.clear();
    memory.extend(gradient.iter().zip(&masks[which]).map(|(g, m)| g * m));
    memory
}

fn copy(from: &[f32], to: &mut Vec<f32>) {
    to.clear();
    to.extend_from_slice(from);
}
