//! Self-attention over so few tokens that a head's scores stay in the first-level cache: for sequences by the thousand, on
//! one thread each.

use crate::elementwise::softmax;
use crate::f32::{Rows, product};
use crate::linear::{Columns, Target};
use crate::{Isa, PANEL};

/// Working memory of [`short_attention`].
#[derive(Default)]
pub struct ShortAttention {
    /// One head's keys: panels of 32 tokens, dimension by dimension.
    keys: Vec<f32>,
    /// Its values: panels of 32 dimensions, token by token.
    values: Vec<f32>,
    scores: Vec<f32>,
    zeros: Vec<f32>,
}

/// As [`attention`](crate::attention), without position bias, on the calling thread.
///
/// # Panics
/// When the lengths do not fit together, or the number of heads does not divide the width of `out`.
pub fn short_attention(
    isa: Isa,
    qkv: &[f32],
    tokens: usize,
    heads: usize,
    out: &mut [f32],
    memory: &mut ShortAttention,
) {
    if tokens == 0 {
        return;
    }
    let hidden = out.len() / tokens;
    let width = hidden / heads;
    assert!(out.len() == tokens * hidden && hidden == width * heads, "output is not tokens x heads x width");
    assert_eq!(qkv.len(), 3 * out.len(), "qkv is not tokens x 3 x hidden");
    let ShortAttention { keys, values, scores, zeros } = memory;
    let (padded, padded_width) = (tokens.next_multiple_of(PANEL), width.next_multiple_of(PANEL));
    keys.resize(padded * width, 0.0);
    values.resize(tokens * padded_width, 0.0);
    scores.resize(tokens * padded, 0.0);
    zeros.resize(padded.max(padded_width), 0.0);
    let context = Columns { start: out.as_mut_ptr(), stride: hidden };
    for head in 0..heads {
        let (q, k, v) = (head * width, hidden + head * width, 2 * hidden + head * width);
        for (token, row) in qkv.chunks_exact(3 * hidden).enumerate() {
            let panel = &mut keys[token / PANEL * width * PANEL..][..width * PANEL];
            for (key, column) in row[k..k + width].iter().zip(panel.as_chunks_mut::<PANEL>().0) {
                column[token % PANEL] = *key;
            }
            for (p, part) in row[v..v + width].chunks(PANEL).enumerate() {
                values[(p * tokens + token) * PANEL..][..part.len()].copy_from_slice(part);
            }
        }
        let queries = Rows { values: &qkv[q..], stride: 3 * hidden };
        let columns = Columns { start: scores.as_mut_ptr(), stride: padded };
        product(isa, queries, width, keys, &Target { columns, rows: tokens, from: 0, to: tokens, bias: zeros });
        softmax_rows(isa, scores, padded, tokens, 1.0 / (width as f32).sqrt());
        let weights = Rows { values: scores, stride: padded };
        let columns = context.starting_at(head * width);
        product(isa, weights, tokens, values, &Target { columns, rows: tokens, from: 0, to: width, bias: zeros });
    }
}

/// Turns the first `count` scores of each row of `stride`, which is whole panels, into `softmax(scale * scores)`.
fn softmax_rows(isa: Isa, scores: &mut [f32], stride: usize, count: usize, scale: f32) {
    for row in scores.chunks_exact_mut(stride) {
        #[cfg(target_arch = "x86_64")]
        if isa.has(crate::isa::Level::Avx512) {
            // SAFETY: `isa` comes from detection, so the processor has AVX-512.
            unsafe { softmax_avx512(&mut row[..], count, scale) };
            continue;
        }
        softmax(isa, &mut row[..count], scale);
    }
}

/// What lies behind the scores in the last register is overwritten.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn softmax_avx512(row: &mut [f32], count: usize, scale: f32) {
    use crate::lanes::{LANES, exp, load, store};
    use std::arch::x86_64::*;
    let used = count.next_multiple_of(LANES);
    row[count..used].fill(f32::NEG_INFINITY);
    let chunks = row[..used].as_chunks_mut::<LANES>().0;
    let mut largest = _mm512_set1_ps(f32::NEG_INFINITY);
    for chunk in &*chunks {
        largest = _mm512_max_ps(largest, load(chunk));
    }
    let scale = _mm512_set1_ps(scale);
    let largest = _mm512_set1_ps(_mm512_reduce_max_ps(largest));
    let mut sums = _mm512_setzero_ps();
    for chunk in &mut *chunks {
        let weights = exp(_mm512_mul_ps(_mm512_sub_ps(load(chunk), largest), scale)); // of what is no score, 1e-35
        sums = _mm512_add_ps(sums, weights);
        store(chunk, weights);
    }
    let inverse = _mm512_set1_ps(1.0 / _mm512_reduce_add_ps(sums));
    for chunk in chunks {
        let weights = _mm512_mul_ps(load(chunk), inverse);
        store(chunk, weights);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attention, Heads, Isa, Team, attention};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn agrees_with_attention(tokens in 1usize..70, heads in 1usize..4, width in 1usize..40, seed in 1u32..1000) {
            let value = |i: usize| 2.0 * ((i as f32 * 0.37 + seed as f32) * 12.9898).sin();
            let qkv: Vec<f32> = (0..tokens * 3 * heads * width).map(value).collect();
            let mut memory = ShortAttention::default();
            for isa in Isa::available() {
                let (mut out, mut expected) = (vec![f32::NAN; tokens * heads * width], vec![f32::NAN; tokens * heads * width]);
                short_attention(isa, &qkv, tokens, heads, &mut out, &mut memory);
                let heads = Heads { count: heads, position_bias: None };
                attention(isa, &qkv, tokens, heads, &mut expected, &mut Attention::default(), &mut Team::alone());
                for (got, want) in out.iter().zip(&expected) {
                    prop_assert!((got - want).abs() < 1e-5, "{:?}: {} for {}", isa, got, want);
                }
            }
        }
    }
}
