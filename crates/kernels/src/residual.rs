//! What a pre-norm Transformer does between its matrix products.

use crate::Isa;
use crate::dot::dots;
use crate::elementwise::{add_layer_norm, softmax};
use crate::isa::for_each_isa;

/// `x += delta`, then `out = LayerNorm(x) * gain + bias`, row by row of `gain.len()` values. An empty `delta` adds nothing.
///
/// # Panics
/// When the lengths do not fit together.
pub fn residual_layer_norm(
    isa: Isa,
    x: &mut [f32],
    delta: &[f32],
    gain: &[f32],
    bias: &[f32],
    epsilon: f32,
    out: &mut [f32],
) {
    let width = gain.len();
    assert!(width > 0 && bias.len() == width && x.len().is_multiple_of(width), "layer norm shapes disagree");
    assert!(out.len() == x.len() && (delta.is_empty() || delta.len() == x.len()), "residual and input differ in shape");
    #[cfg(target_arch = "x86_64")]
    if isa.has(crate::isa::Level::Avx512) && width.is_multiple_of(crate::lanes::LANES) {
        // SAFETY: `isa` comes from detection, so the processor has AVX-512.
        return unsafe { residual_layer_norm_avx512(x, delta, gain, bias, epsilon, out) };
    }
    if !delta.is_empty() {
        x.iter_mut().zip(delta).for_each(|(x, d)| *x += *d);
    }
    out.copy_from_slice(x);
    add_layer_norm(isa, out, &[], gain, bias, epsilon);
}

/// Of rows that are whole registers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn residual_layer_norm_avx512(x: &mut [f32], delta: &[f32], gain: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) {
    use crate::lanes::{LANES, load, store};
    use std::arch::x86_64::*;
    let width = gain.len();
    let (gain, bias) = (gain.as_chunks::<LANES>().0, bias.as_chunks::<LANES>().0);
    for (r, (row, out)) in x.chunks_exact_mut(width).zip(out.chunks_exact_mut(width)).enumerate() {
        let (row, out) = (row.as_chunks_mut::<LANES>().0, out.as_chunks_mut::<LANES>().0);
        let mut sums = _mm512_setzero_ps();
        if delta.is_empty() {
            for x in &*row {
                sums = _mm512_add_ps(sums, load(x));
            }
        } else {
            let delta = delta[r * width..(r + 1) * width].as_chunks::<LANES>().0;
            for (x, d) in row.iter_mut().zip(delta) {
                let sum = _mm512_add_ps(load(x), load(d));
                store(x, sum);
                sums = _mm512_add_ps(sums, sum);
            }
        }
        let mean = _mm512_set1_ps(_mm512_reduce_add_ps(sums) / width as f32);
        let mut squares = _mm512_setzero_ps();
        for x in &*row {
            let centered = _mm512_sub_ps(load(x), mean);
            squares = _mm512_fmadd_ps(centered, centered, squares);
        }
        let variance = _mm512_reduce_add_ps(squares) / width as f32;
        let inverse = _mm512_set1_ps(1.0 / (variance + epsilon).sqrt());
        for (((o, x), g), b) in out.iter_mut().zip(&*row).zip(gain).zip(bias) {
            let normed = _mm512_mul_ps(_mm512_sub_ps(load(x), mean), inverse);
            store(o, _mm512_fmadd_ps(normed, load(g), load(b)));
        }
    }
}

/// Multi-head attention in which the rows are keys and values at once: for each of `queries` (heads x width),
/// the sum of `rows` (tokens x width) weighted by `softmax(scale * query . row)`, into `out` (heads x width).
///
/// The last layer of a Transformer whose output is read at one token needs no more: the products with the key and value
/// matrices move from the tokens to the query and to the weighted sum.
///
/// # Panics
/// When the lengths are not whole rows of one width.
pub fn attention_pool(
    isa: Isa,
    queries: &[f32],
    rows: &[f32],
    width: usize,
    scale: f32,
    out: &mut [f32],
    weights: &mut Vec<f32>,
) {
    assert!(queries.len() == out.len() && queries.len().is_multiple_of(width) && rows.len().is_multiple_of(width));
    weights.resize(rows.len() / width, 0.0);
    for (query, out) in queries.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        dots(isa, query, rows, weights);
        softmax(isa, weights, scale);
        weighted_sum(isa, weights, rows, out);
    }
}

for_each_isa! { fn weighted_sum = weighted_sum_body(weights: &[f32], rows: &[f32], out: &mut [f32]) }

/// Four registers of sums: enough to hide the latency of an addition.
const LANES: usize = 64;

#[inline(always)]
fn weighted_sum_body<const FMA: bool>(weights: &[f32], rows: &[f32], out: &mut [f32]) {
    let width = out.len();
    for (c, out) in out.chunks_mut(LANES).enumerate() {
        let mut sums = [0.0f32; LANES];
        for (weight, row) in weights.iter().zip(rows.chunks_exact(width)) {
            let row = &row[c * LANES..][..out.len()];
            match row.as_array::<LANES>() {
                Some(row) => {
                    for i in 0..LANES {
                        sums[i] = if FMA { weight.mul_add(row[i], sums[i]) } else { weight * row[i] + sums[i] };
                    }
                }
                None => row.iter().zip(&mut sums).for_each(|(x, s)| *s += weight * x),
            }
        }
        out.copy_from_slice(&sums[..out.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed) as f32 * 12.9898).sin()).collect()
    }

    proptest! {
        #[test]
        fn a_residual_is_added_before_it_is_normalized(width in 2usize..150, rows in 1usize..4, seed in 0usize..1000) {
            let (x, delta) = (values(rows * width, seed), values(rows * width, seed + 7));
            let (gain, bias) = (values(width, seed + 1), values(width, seed + 2));
            for isa in Isa::available() {
                let (mut sum, mut out) = (x.clone(), vec![f32::NAN; x.len()]);
                residual_layer_norm(isa, &mut sum, &delta, &gain, &bias, 1e-5, &mut out);
                for (at, got) in out.iter().enumerate() {
                    prop_assert_eq!(sum[at], x[at] + delta[at]);
                    let row = &sum[at / width * width..][..width];
                    let mean = row.iter().map(|v| f64::from(*v)).sum::<f64>() / width as f64;
                    let variance = row.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / width as f64;
                    let want = (f64::from(sum[at]) - mean) / (variance + 1e-5).sqrt() * f64::from(gain[at % width]) + f64::from(bias[at % width]);
                    prop_assert!((f64::from(*got) - want).abs() < 1e-4, "{:?}: {} for {}", isa, got, want);
                }
            }
        }

        #[test]
        fn pooling_agrees_with_the_definition(width in 1usize..150, tokens in 1usize..40, heads in 1usize..4, seed in 0usize..1000) {
            let (queries, rows) = (values(heads * width, seed), values(tokens * width, seed + 3));
            let product = |h: usize, t: usize| (0..width).map(|d| f64::from(queries[h * width + d]) * f64::from(rows[t * width + d])).sum::<f64>();
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; heads * width];
                attention_pool(isa, &queries, &rows, width, 0.3, &mut out, &mut Vec::new());
                for h in 0..heads {
                    let weights: Vec<f64> = (0..tokens).map(|t| (0.3 * product(h, t)).exp()).collect();
                    let total: f64 = weights.iter().sum();
                    for d in 0..width {
                        let want: f64 = (0..tokens).map(|t| weights[t] / total * f64::from(rows[t * width + d])).sum();
                        prop_assert!((f64::from(out[h * width + d]) - want).abs() < 1e-4, "{:?}", isa);
                    }
                }
            }
        }
    }
}
