//! The small pre-norm Transformer that reads a map's patches, and the head on its `[CLS]`.

use vetted_kernels::{
    Activation, Isa, Linear, Precision, Scratch, ShortAttention, add_layer_norm, attention_pool, residual_layer_norm,
    short_attention,
};

use crate::Error;
use crate::weights::Weights;

const EPSILON: f32 = 1e-5;

/// Sequences of tokens in, outputs of the head out.
pub(crate) struct Transformer {
    isa: Isa,
    width: usize,
    heads: usize,
    cls: Vec<f32>,
    norm_in: Norm,
    /// All but the last.
    blocks: Vec<Block>,
    last: LastBlock,
    norm_out: Norm,
    hidden: Linear,
    output: Linear,
}

/// The shape of a [`Transformer`].
pub(crate) struct Shape {
    pub(crate) width: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) feed_forward: usize,
    pub(crate) outputs: usize,
}

struct Norm {
    gain: Vec<f32>,
    bias: Vec<f32>,
}

struct Block {
    norm1: Norm,
    qkv: Linear,
    out: Linear,
    feed_forward: FeedForward,
}

struct FeedForward {
    norm: Norm,
    up: Linear,
    down: Linear,
}

/// Only `[CLS]` is read, so the products with the key and value matrices are moved to where there is one row instead of
/// one for each token: `(Wq x) . (Wk y) = (Wk^T Wq x) . y`, and `sum a_y (Wv y) = Wv (sum a_y y)`. A key's bias adds the
/// same to all scores of a row, which softmax ignores; weights that sum to 1 pass a value's bias on as it is.
struct LastBlock {
    norm1: Norm,
    /// `[CLS]` to one query of the whole width for each head.
    queries: Linear,
    /// Each head's weighted sum of tokens to what attention adds.
    out: Linear,
    feed_forward: FeedForward,
}

/// Sequences that are read together, and the memory it takes.
#[derive(Default)]
pub(crate) struct Sequences {
    /// All tokens, one sequence after the other.
    x: Vec<f32>,
    lengths: Vec<usize>,
    /// What is added to what comes of each `[CLS]`, one row for each sequence; nothing where empty.
    pub(crate) beside: Vec<f32>,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    context: Vec<f32>,
    inner: Vec<f32>,
    mixed: Vec<f32>,
    cls: Cls,
    pub(crate) linear: Scratch,
    attention: ShortAttention,
}

/// What is known of `[CLS]` alone, one row for each sequence.
#[derive(Default)]
struct Cls {
    x: Vec<f32>,
    normed: Vec<f32>,
    queries: Vec<f32>,
    pooled: Vec<f32>,
    weights: Vec<f32>,
    inner: Vec<f32>,
    mixed: Vec<f32>,
}

impl Sequences {
    pub(crate) fn clear(&mut self) {
        self.x.clear();
        self.lengths.clear();
        self.beside.clear();
    }
}

impl Transformer {
    pub(crate) fn new(weights: &Weights, shape: &Shape, precision: Precision) -> Result<Transformer, Error> {
        let Shape { width, layers, heads, feed_forward, outputs } = *shape;
        let isa = Isa::detect();
        let norm = |name: &str| -> Result<Norm, Error> {
            let part = |part: &str| weights.take(&format!("{name}.{part}"), &[width]);
            Ok(Norm { gain: part("weight")?, bias: part("bias")? })
        };
        let parts = |name: &str, inputs: usize, outputs: usize| -> Result<(Vec<f32>, Vec<f32>), Error> {
            let weight = weights.take(&format!("{name}.weight"), &[outputs, inputs])?;
            Ok((weight, weights.take(&format!("{name}.bias"), &[outputs])?))
        };
        let linear = |name: &str, inputs: usize, outputs: usize, precision| -> Result<Linear, Error> {
            let (weight, bias) = parts(name, inputs, outputs)?;
            Ok(Linear::new(&weight, &bias, inputs, outputs, precision, isa))
        };
        let name = |layer: usize, part: &str| format!("reader.blocks.{layer}.{part}");
        let forward = |layer: usize, precision: Precision| -> Result<FeedForward, Error> {
            Ok(FeedForward {
                norm: norm(&name(layer, "norm2"))?,
                up: linear(&name(layer, "up"), width, feed_forward, precision)?,
                down: linear(&name(layer, "down"), feed_forward, width, precision)?,
            })
        };
        let block = |layer: usize| -> Result<Block, Error> {
            Ok(Block {
                norm1: norm(&name(layer, "norm1"))?,
                qkv: linear(&name(layer, "qkv"), width, 3 * width, precision)?,
                out: linear(&name(layer, "out"), width, width, precision)?,
                feed_forward: forward(layer, precision)?,
            })
        };
        let last = layers - 1;
        let (qkv, qkv_bias) = parts(&name(last, "qkv"), width, 3 * width)?;
        let (out, out_bias) = parts(&name(last, "out"), width, width)?;
        Ok(Transformer {
            isa,
            width,
            heads,
            cls: weights.take("reader.cls", &[width])?,
            norm_in: norm("reader.norm_in")?,
            blocks: (0..last).map(block).collect::<Result<_, _>>()?,
            last: LastBlock {
                norm1: norm(&name(last, "norm1"))?,
                queries: fold_queries(&qkv, &qkv_bias, width, heads, isa),
                out: fold_values(&qkv, &qkv_bias, &out, &out_bias, width, heads, isa),
                feed_forward: forward(last, Precision::F32)?,
            },
            norm_out: norm("reader.norm_out")?,
            hidden: linear("reader.head.hidden", width, width, Precision::F32)?,
            output: linear("reader.head.output", width, outputs, Precision::F32)?,
        })
    }

    /// Adds a sequence: `[CLS]`, and `tokens` that the caller is to write.
    pub(crate) fn add<'a>(&self, sequences: &'a mut Sequences, tokens: usize) -> (&'a mut [f32], &'a mut Scratch) {
        let Sequences { x, lengths, linear, .. } = sequences;
        x.extend_from_slice(&self.cls);
        let start = x.len();
        x.resize(start + tokens * self.width, 0.0);
        lengths.push(tokens + 1);
        (&mut x[start..], linear)
    }

    /// Reads all sequences; `outputs` becomes one row of the head's values for each.
    pub(crate) fn read(&self, sequences: &mut Sequences, outputs: &mut Vec<f32>) {
        let Transformer { isa, width, .. } = *self;
        let Sequences { x, lengths, beside, normed, qkv, context, inner, mixed, cls, linear, attention: memory } =
            sequences;
        let tokens = x.len() / width;
        let mut forward = |layer: &Linear, x: &[f32], out: &mut Vec<f32>, activation| {
            out.resize(x.len() / layer.inputs() * layer.outputs(), 0.0);
            layer.forward(x, out, activation, linear);
        };
        let norm = |x: &mut [f32], delta: &[f32], norm: &Norm, out: &mut Vec<f32>| {
            out.resize(x.len(), 0.0);
            residual_layer_norm(isa, x, delta, &norm.gain, &norm.bias, EPSILON, out);
        };

        add_layer_norm(isa, x, &[], &self.norm_in.gain, &self.norm_in.bias, EPSILON);
        mixed.clear(); // what the last layer adds: nothing yet
        for block in &self.blocks {
            norm(x, mixed, &block.norm1, normed);
            forward(&block.qkv, normed, qkv, Activation::None);
            context.resize(tokens * width, 0.0);
            let (mut qkv, mut out) = (&qkv[..], &mut context[..]);
            for length in &*lengths {
                let (this, rest) = qkv.split_at(3 * length * width);
                let (context, left) = out.split_at_mut(length * width);
                short_attention(isa, this, *length, self.heads, context, memory);
                (qkv, out) = (rest, left);
            }
            forward(&block.out, context, mixed, Activation::None);
            norm(x, mixed, &block.feed_forward.norm, normed);
            forward(&block.feed_forward.up, normed, inner, Activation::Gelu);
            forward(&block.feed_forward.down, inner, mixed, Activation::None);
        }

        let LastBlock { norm1, queries: to_queries, out, feed_forward } = &self.last;
        norm(x, mixed, norm1, normed);
        let rows_of_cls = |values: &[f32], into: &mut Vec<f32>| {
            into.clear();
            let mut start = 0;
            for length in &*lengths {
                into.extend_from_slice(&values[start * width..(start + 1) * width]);
                start += length;
            }
        };
        let Cls { x: cls, normed: cls_normed, queries, pooled, weights, inner, mixed } = cls;
        rows_of_cls(normed, cls_normed);
        forward(to_queries, cls_normed, queries, Activation::None);
        pooled.resize(queries.len(), 0.0);
        let (mut tokens, scale) = (&normed[..], 1.0 / ((width / self.heads) as f32).sqrt());
        let of_pairs = queries.chunks_exact(self.heads * width).zip(pooled.chunks_exact_mut(self.heads * width));
        for (length, (queries, pooled)) in lengths.iter().zip(of_pairs) {
            let (this, rest) = tokens.split_at(length * width);
            attention_pool(isa, queries, this, width, scale, pooled, weights);
            tokens = rest;
        }
        forward(out, pooled, mixed, Activation::None);
        rows_of_cls(x, cls);
        norm(cls, mixed, &feed_forward.norm, cls_normed);
        forward(&feed_forward.up, cls_normed, inner, Activation::Gelu);
        forward(&feed_forward.down, inner, mixed, Activation::None);
        norm(cls, mixed, &self.norm_out, cls_normed);
        cls_normed.iter_mut().zip(&*beside).for_each(|(x, seen)| *x += seen);
        forward(&self.hidden, cls_normed, inner, Activation::Gelu);
        forward(&self.output, inner, outputs, Activation::None);
    }
}

/// For each head, `Wk^T Wq` and `Wk^T bq`: `width` to `heads x width`.
fn fold_queries(qkv: &[f32], bias: &[f32], width: usize, heads: usize, isa: Isa) -> Linear {
    let (mut weight, mut folded) = (Vec::with_capacity(heads * width * width), Vec::with_capacity(heads * width));
    for head in 0..heads {
        let rows = head * (width / heads)..(head + 1) * (width / heads);
        let key = |row: usize, d: usize| f64::from(qkv[(width + row) * width + d]);
        for d in 0..width {
            for e in 0..width {
                let sum: f64 = rows.clone().map(|r| key(r, d) * f64::from(qkv[r * width + e])).sum();
                weight.push(sum as f32);
            }
            folded.push(rows.clone().map(|r| key(r, d) * f64::from(bias[r])).sum::<f64>() as f32);
        }
    }
    Linear::new(&weight, &folded, width, heads * width, Precision::F32, isa)
}

/// For each head, the output matrix's columns of that head times `Wv`: `heads x width` to `width`.
fn fold_values(
    qkv: &[f32],
    qkv_bias: &[f32],
    out: &[f32],
    out_bias: &[f32],
    width: usize,
    heads: usize,
    isa: Isa,
) -> Linear {
    let size = width / heads;
    let (mut weight, mut folded) = (Vec::with_capacity(heads * width * width), Vec::with_capacity(width));
    for o in 0..width {
        let out = &out[o * width..(o + 1) * width];
        for head in 0..heads {
            let mut sums = vec![0f64; width];
            for r in head * size..(head + 1) * size {
                let value = &qkv[(2 * width + r) * width..][..width];
                sums.iter_mut().zip(value).for_each(|(s, v)| *s += f64::from(out[r]) * f64::from(*v));
            }
            weight.extend(sums.into_iter().map(|sum| sum as f32));
        }
        let passed: f64 = out.iter().zip(&qkv_bias[2 * width..]).map(|(o, b)| f64::from(*o) * f64::from(*b)).sum();
        folded.push((f64::from(out_bias[o]) + passed) as f32);
    }
    Linear::new(&weight, &folded, heads * width, width, Precision::F32, isa)
}
