//! Forward passes that keep what their gradients need, and those gradients: attention, layer normalization, GELU.

use crate::attention::{Heads, pack_keys, pack_values};
use crate::elementwise::{LANES, exp, fma, gelu_half, softmax, sum};
use crate::f32::{Rows, product};
use crate::isa::for_each_isa;
use crate::linear::{Columns, Target};
use crate::{Isa, PANEL};

/// Working memory of [`attend`] and [`attend_gradient`], reused from text to text.
#[derive(Default)]
pub struct AttentionMemory {
    panels: Vec<f32>,
    scores: Vec<f32>,
    turned: Vec<f32>,
    zeros: Vec<f32>,
}

/// Multi-head scaled dot-product attention of one text, as [`attention`](crate::attention()), which also keeps the attention
/// weights: `probabilities` is heads x `tokens` x `tokens`.
///
/// # Panics
/// When the lengths do not fit together.
pub fn attend(
    isa: Isa,
    qkv: &[f32],
    tokens: usize,
    heads: Heads,
    out: &mut [f32],
    probabilities: &mut [f32],
    memory: &mut AttentionMemory,
) {
    if tokens == 0 {
        return;
    }
    let Heads { count: heads, position_bias } = heads;
    let (hidden, width) = shape(qkv, tokens, heads, probabilities);
    assert!(position_bias.is_none_or(|bias| bias.heads() == heads), "position bias is not of these heads");
    assert_eq!(out.len(), tokens * hidden, "output is not tokens x hidden");
    let AttentionMemory { panels, zeros, .. } = memory;
    zeros.resize(tokens.max(width).next_multiple_of(PANEL), 0.0);
    let stride = 3 * hidden;
    for (head, weights) in probabilities.chunks_exact_mut(tokens * tokens).enumerate() {
        let (q, k, v) = (head * width, hidden + head * width, 2 * hidden + head * width);
        pack_keys(&qkv[k..], stride, tokens, width, panels);
        times(isa, Rows { values: &qkv[q..], stride }, width, panels, zeros, tokens, weights, tokens, tokens);
        let scale = 1.0 / (width as f32).sqrt();
        for (query, row) in weights.chunks_exact_mut(tokens).enumerate() {
            match position_bias {
                None => softmax(isa, row, scale),
                Some(bias) => {
                    row.iter_mut().zip(bias.row(head, query, tokens)).for_each(|(x, b)| *x = *x * scale + b);
                    softmax(isa, row, 1.0);
                }
            }
        }
        pack_values(&qkv[v..], stride, tokens, width, panels);
        let out = &mut out[head * width..];
        times(isa, Rows { values: weights, stride: tokens }, tokens, panels, zeros, tokens, out, hidden, width);
    }
}

/// The gradient of [`attend`], whose bias is no part of what is learnt: from that of its output (`tokens` x hidden) to that
/// of `qkv`, which is overwritten.
///
/// # Panics
/// When the lengths do not fit together.
#[allow(clippy::too_many_arguments)]
pub fn attend_gradient(
    isa: Isa,
    qkv: &[f32],
    tokens: usize,
    heads: usize,
    probabilities: &[f32],
    gradient: &[f32],
    into: &mut [f32],
    memory: &mut AttentionMemory,
) {
    if tokens == 0 {
        return;
    }
    let (hidden, width) = shape(qkv, tokens, heads, probabilities);
    assert_eq!(gradient.len(), tokens * hidden, "gradient is not tokens x hidden");
    assert_eq!(into.len(), qkv.len(), "gradient of qkv has another shape");
    let AttentionMemory { panels, scores, turned, zeros } = memory;
    zeros.resize(tokens.max(width).next_multiple_of(PANEL), 0.0);
    scores.resize(tokens * tokens, 0.0);
    turned.resize(tokens * tokens, 0.0);
    let (stride, scale) = (3 * hidden, 1.0 / (width as f32).sqrt());
    fn square(values: &[f32], stride: usize) -> Rows<'_> {
        Rows { values, stride }
    }
    for (head, weights) in probabilities.chunks_exact(tokens * tokens).enumerate() {
        let (q, k, v) = (head * width, hidden + head * width, 2 * hidden + head * width);
        let outer = Rows { values: &gradient[head * width..], stride: hidden };
        // Values: weights^T x gradient.
        turn(weights, tokens, turned);
        pack_values(outer.values, hidden, tokens, width, panels);
        times(isa, square(turned, tokens), tokens, panels, zeros, tokens, &mut into[v..], stride, width);
        // Scores: gradient x values^T, through the softmax.
        pack_keys(&qkv[v..], stride, tokens, width, panels);
        times(isa, outer, width, panels, zeros, tokens, scores, tokens, tokens);
        softmax_gradient(isa, weights, scores, tokens, scale);
        pack_values(&qkv[k..], stride, tokens, width, panels);
        times(isa, square(scores, tokens), tokens, panels, zeros, tokens, &mut into[q..], stride, width);
        turn(scores, tokens, turned);
        pack_values(&qkv[q..], stride, tokens, width, panels);
        times(isa, square(turned, tokens), tokens, panels, zeros, tokens, &mut into[k..], stride, width);
    }
}

/// Hidden size and width of a head, checked.
fn shape(qkv: &[f32], tokens: usize, heads: usize, probabilities: &[f32]) -> (usize, usize) {
    let hidden = qkv.len() / (3 * tokens);
    assert_eq!(qkv.len(), 3 * tokens * hidden, "qkv is not tokens x 3 x hidden");
    assert!(heads > 0 && hidden.is_multiple_of(heads), "hidden is not heads x width");
    assert_eq!(probabilities.len(), heads * tokens * tokens, "probabilities are not heads x tokens x tokens");
    (hidden, hidden / heads)
}

/// `rows` of `left`, `terms` each, times packed panels, into `out` with its own stride.
#[allow(clippy::too_many_arguments)]
fn times(
    isa: Isa,
    left: Rows,
    terms: usize,
    panels: &[f32],
    zeros: &[f32],
    rows: usize,
    out: &mut [f32],
    stride: usize,
    columns: usize,
) {
    assert!((rows - 1) * stride + columns <= out.len(), "output is too short");
    let target =
        Target { columns: Columns { start: out.as_mut_ptr(), stride }, rows, from: 0, to: columns, bias: zeros };
    product(isa, left, terms, panels, &target);
}

fn turn(square: &[f32], side: usize, into: &mut [f32]) {
    for (r, row) in square.chunks_exact(side).enumerate() {
        for (c, value) in row.iter().enumerate() {
            into[c * side + r] = *value;
        }
    }
}

for_each_isa! { fn softmax_gradient = softmax_gradient_body(weights: &[f32], gradient: &mut [f32], side: usize, scale: f32) }

#[inline(always)]
fn softmax_gradient_body<const FMA: bool>(weights: &[f32], gradient: &mut [f32], side: usize, scale: f32) {
    for (p, g) in weights.chunks_exact(side).zip(gradient.chunks_exact_mut(side)) {
        let mean = sum_of_products::<FMA>(p, g);
        for (g, p) in g.iter_mut().zip(p) {
            *g = p * (*g - mean) * scale;
        }
    }
}

#[inline(always)]
fn sum_of_products<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            lanes[i] = fma::<FMA>(a[i], b[i], lanes[i]);
        }
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

for_each_isa! {
    /// `out = LayerNorm(x) * gain + bias`, row by row of `gain.len()` values.
    pub fn layer_norm = layer_norm_body(x: &[f32], gain: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32])
}

#[inline(always)]
fn layer_norm_body<const FMA: bool>(x: &[f32], gain: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) {
    let width = gain.len();
    assert!(width > 0 && bias.len() == width && x.len().is_multiple_of(width), "layer norm shapes disagree");
    assert_eq!(x.len(), out.len(), "input and output differ in shape");
    for (row, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let (mean, inverse) = moments(row, epsilon);
        for (((o, v), g), b) in out.iter_mut().zip(row).zip(gain).zip(bias) {
            *o = fma::<FMA>((*v - mean) * inverse, *g, *b);
        }
    }
}

#[inline(always)]
fn moments(row: &[f32], epsilon: f32) -> (f32, f32) {
    let mean = sum(row, |v| v) / row.len() as f32;
    let variance = sum(row, |v| (v - mean) * (v - mean)) / row.len() as f32;
    (mean, 1.0 / (variance + epsilon).sqrt())
}

for_each_isa! {
    /// The gradient of [`layer_norm`]: `gradient`, that of its output, becomes that of its input, in place; those of gain
    /// and bias are added to `of_gain` and `of_bias`.
    pub fn layer_norm_gradient = layer_norm_gradient_body(
        x: &[f32], gain: &[f32], epsilon: f32, gradient: &mut [f32], of_gain: &mut [f32], of_bias: &mut [f32],
    )
}

#[inline(always)]
fn layer_norm_gradient_body<const FMA: bool>(
    x: &[f32],
    gain: &[f32],
    epsilon: f32,
    gradient: &mut [f32],
    of_gain: &mut [f32],
    of_bias: &mut [f32],
) {
    let width = gain.len();
    assert!(width > 0 && x.len() == gradient.len() && x.len().is_multiple_of(width), "layer norm shapes disagree");
    assert!(of_gain.len() == width && of_bias.len() == width, "layer norm shapes disagree");
    for (row, gradient) in x.chunks_exact(width).zip(gradient.chunks_exact_mut(width)) {
        let (mean, inverse) = moments(row, epsilon);
        let (mut total, mut along) = ([0f32; LANES], [0f32; LANES]);
        let (chunks, rest) = gradient.as_chunks_mut::<LANES>();
        let done = chunks.len() * LANES;
        for (c, g) in chunks.iter_mut().enumerate() {
            let at = c * LANES..(c + 1) * LANES;
            let (x, gain) = (&row[at.clone()], &gain[at.clone()]);
            let (of_gain, of_bias) = (&mut of_gain[at.clone()], &mut of_bias[at]);
            for i in 0..LANES {
                let unit = (x[i] - mean) * inverse;
                of_gain[i] = fma::<FMA>(g[i], unit, of_gain[i]);
                of_bias[i] += g[i];
                g[i] *= gain[i];
                total[i] += g[i];
                along[i] = fma::<FMA>(g[i], unit, along[i]);
            }
        }
        let (mut total, mut along) = (total.iter().sum::<f32>(), along.iter().sum::<f32>());
        for (i, g) in rest.iter_mut().enumerate() {
            let i = done + i;
            let unit = (row[i] - mean) * inverse;
            of_gain[i] += *g * unit;
            of_bias[i] += *g;
            *g *= gain[i];
            total += *g;
            along += *g * unit;
        }
        let (total, along) = (total / width as f32, along / width as f32);
        for (g, v) in gradient.iter_mut().zip(row) {
            *g = (*g - total - (*v - mean) * inverse * along) * inverse;
        }
    }
}

for_each_isa! {
    /// The gradient of the exact GELU at `x`: `gradient` is multiplied by `Phi(x) + x phi(x)`.
    pub fn gelu_gradient = gelu_gradient_body(x: &[f32], gradient: &mut [f32])
}

#[inline(always)]
fn gelu_gradient_body<const FMA: bool>(x: &[f32], gradient: &mut [f32]) {
    const DENSITY: f32 = 0.398_942_3; // 1 / sqrt(2 pi)
    for (x, g) in x.iter().zip(gradient) {
        *g *= fma::<FMA>(*x * DENSITY, exp::<FMA>(-0.5 * *x * *x), 0.5 + gelu_half::<FMA>(*x));
    }
}

for_each_isa! {
    /// Adds the sum of all rows of `out.len()` values to `out`: the gradient of a bias.
    pub fn add_column_sums = add_column_sums_body(rows: &[f32], out: &mut [f32])
}

#[inline(always)]
fn add_column_sums_body<const FMA: bool>(rows: &[f32], out: &mut [f32]) {
    for row in rows.chunks_exact(out.len()) {
        out.iter_mut().zip(row).for_each(|(o, v)| *o += *v);
    }
}

for_each_isa! {
    /// Adds `values` to `out`, one by one.
    pub fn add_to = add_to_body(values: &[f32], out: &mut [f32])
}

#[inline(always)]
fn add_to_body<const FMA: bool>(values: &[f32], out: &mut [f32]) {
    out.iter_mut().zip(values).for_each(|(o, v)| *o += *v);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RelativeBias;

    fn values(n: usize, seed: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 + seed) as f32 * 12.9898).sin()).collect()
    }

    /// Central differences of `loss` at `x` against `gradient`, in f32: to 1 % of the largest.
    fn check(name: &str, x: &[f32], gradient: &[f32], mut loss: impl FnMut(&[f32]) -> f64) {
        let largest = gradient.iter().fold(0f32, |a, b| a.max(b.abs()));
        let step = 5e-3;
        let mut moved = x.to_vec();
        for i in (0..x.len()).step_by(1 + x.len() / 60) {
            moved[i] = x[i] + step;
            let above = loss(&moved);
            moved[i] = x[i] - step;
            let slope = (above - loss(&moved)) / f64::from(2.0 * step);
            moved[i] = x[i];
            assert!(
                (slope - f64::from(gradient[i])).abs() < 0.01 * f64::from(largest),
                "{name} {i}: {slope} {}",
                gradient[i]
            );
        }
    }

    fn inner(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    #[test]
    fn gradients_agree_with_finite_differences() {
        for isa in Isa::available() {
            for (tokens, heads, width, biased) in [(1, 1, 8, false), (5, 2, 8, true), (37, 3, 32, false)] {
                let bias = biased.then(|| RelativeBias::new(&values(32 * heads, 5), heads, tokens));
                let with = Heads { count: heads, position_bias: bias.as_ref() };
                let hidden = heads * width;
                let (qkv, outer) = (values(3 * tokens * hidden, 1), values(tokens * hidden, 2));
                let mut memory = AttentionMemory::default();
                let mut out = vec![0.0; tokens * hidden];
                let mut weights = vec![0.0; heads * tokens * tokens];
                attend(isa, &qkv, tokens, with, &mut out, &mut weights, &mut memory);
                let mut gradient = vec![f32::NAN; qkv.len()];
                attend_gradient(isa, &qkv, tokens, heads, &weights, &outer, &mut gradient, &mut memory);
                check("attention", &qkv, &gradient, |qkv| {
                    attend(isa, qkv, tokens, with, &mut out, &mut weights, &mut memory);
                    inner(&out, &outer)
                });
            }
            for width in [3, 32, 40] {
                let (x, outer) = (values(4 * width, 1), values(4 * width, 2));
                let (gain, bias) = (values(width, 3), values(width, 4));
                let (mut of_gain, mut of_bias) = (vec![0.0; width], vec![0.0; width]);
                let mut gradient = outer.clone();
                layer_norm_gradient(isa, &x, &gain, 1e-5, &mut gradient, &mut of_gain, &mut of_bias);
                let loss = |x: &[f32], gain: &[f32], bias: &[f32]| {
                    let mut out = vec![0.0; x.len()];
                    layer_norm(isa, x, gain, bias, 1e-5, &mut out);
                    inner(&out, &outer)
                };
                check("layer norm", &x, &gradient, |x| loss(x, &gain, &bias));
                check("gain", &gain, &of_gain, |gain| loss(&x, gain, &bias));
                check("bias", &bias, &of_bias, |bias| loss(&x, &gain, bias));
            }
            let x: Vec<f32> = (-70..70).map(|i| i as f32 / 10.0).collect();
            let mut gradient = vec![1.0; x.len()];
            gelu_gradient(isa, &x, &mut gradient);
            check("gelu", &x, &gradient, |x| {
                let mut y = x.to_vec();
                crate::activate(isa, crate::Activation::Gelu, &mut y);
                inner(&y, &vec![1.0; y.len()])
            });
        }
    }
}
