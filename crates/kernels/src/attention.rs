//! Self-attention over the tokens of one text.

use crate::Team;
use crate::elementwise::softmax;
use crate::f32::{Rows, product};
use crate::linear::{Columns, Target};
use crate::{Isa, PANEL, RelativeBias};

/// Working memory of [`attention`], reused from text to text.
#[derive(Default)]
pub struct Attention {
    /// One for each piece of work that runs at the same time as others.
    pieces: Vec<Piece>,
    zeros: Vec<f32>,
}

#[derive(Default)]
struct Piece {
    keys: Vec<f32>,
    values: Vec<f32>,
    scores: Vec<f32>,
}

/// How a layer's attention is divided.
#[derive(Clone, Copy)]
pub struct Heads<'a> {
    /// How many heads there are.
    pub count: usize,
    /// What is added to the scaled scores, where a model has such a thing (MPNet).
    pub position_bias: Option<&'a RelativeBias>,
}

/// Multi-head scaled dot-product attention (Vaswani et al. 2017, section 3.2) of one text, without padding: every
/// token attends to every token.
///
/// `qkv` is `tokens` x `3 * hidden`: queries, keys and values side by side. `out` is `tokens` x `hidden`. The heads are
/// split over the threads of `team`.
///
/// # Panics
/// When the lengths do not fit together, or the number of heads does not divide `hidden`.
pub fn attention(
    isa: Isa,
    qkv: &[f32],
    tokens: usize,
    heads: Heads,
    out: &mut [f32],
    memory: &mut Attention,
    team: &mut Team,
) {
    if tokens == 0 {
        return;
    }
    let Heads { count: heads, position_bias } = heads;
    let hidden = out.len() / tokens;
    let width = hidden / heads;
    assert!(out.len() == tokens * hidden && hidden == width * heads, "output is not tokens x heads x width");
    assert_eq!(qkv.len(), 3 * out.len(), "qkv is not tokens x 3 x hidden");
    assert!(position_bias.is_none_or(|bias| bias.heads() == heads), "position bias is not of these heads");

    let padded = tokens.next_multiple_of(PANEL);
    let scale = 1.0 / (width as f32).sqrt();
    let Attention { pieces, zeros } = memory;
    zeros.resize(padded.max(width.next_multiple_of(PANEL)), 0.0);
    let count = team.pieces(heads);
    pieces.resize_with(count.max(pieces.len()), Piece::default);
    let context = Columns { start: out.as_mut_ptr(), stride: hidden };
    let one_head = |head: usize, piece: &mut Piece| {
        let Piece { keys, values, scores } = piece;
        scores.resize(tokens * padded, 0.0);
        let (q, k, v) = (head * width, hidden + head * width, 2 * hidden + head * width);
        pack_keys(&qkv[k..], 3 * hidden, tokens, width, keys);
        pack_values(&qkv[v..], 3 * hidden, tokens, width, values);

        let queries = Rows { values: &qkv[q..], stride: 3 * hidden };
        let columns = Columns { start: scores.as_mut_ptr(), stride: padded };
        product(isa, queries, width, keys, &Target { columns, rows: tokens, from: 0, to: tokens, bias: zeros });

        for (t, row) in scores.chunks_exact_mut(padded).enumerate() {
            let row = &mut row[..tokens];
            match position_bias {
                None => softmax(isa, row, scale),
                Some(bias) => {
                    let bias = bias.row(head, t, tokens);
                    row.iter_mut().zip(bias).for_each(|(x, b)| *x = *x * scale + b);
                    softmax(isa, row, 1.0);
                }
            }
        }

        let weights = Rows { values: scores, stride: padded };
        let columns = context.starting_at(head * width); // a head's columns are this call's alone
        product(isa, weights, tokens, values, &Target { columns, rows: tokens, from: 0, to: width, bias: zeros });
    };
    team.each(pieces.iter_mut().take(count).enumerate(), |(p, piece)| {
        for head in p * heads / count..(p + 1) * heads / count {
            one_head(head, piece);
        }
    });
}

/// Keys as panels of 32 tokens: for each of `width` dimensions, its value in 32 neighbouring tokens.
pub(crate) fn pack_keys(keys: &[f32], stride: usize, tokens: usize, width: usize, panels: &mut Vec<f32>) {
    panels.clear();
    panels.resize(tokens.next_multiple_of(PANEL) * width, 0.0);
    for token in 0..tokens {
        let start = (token / PANEL) * width * PANEL + token % PANEL;
        for (d, value) in keys[token * stride..][..width].iter().enumerate() {
            panels[start + d * PANEL] = *value;
        }
    }
}

/// Values as panels of 32 dimensions: for each token, 32 neighbouring dimensions of it.
pub(crate) fn pack_values(values: &[f32], stride: usize, tokens: usize, width: usize, panels: &mut Vec<f32>) {
    panels.clear();
    panels.resize(width.next_multiple_of(PANEL) * tokens, 0.0);
    for token in 0..tokens {
        for (p, part) in values[token * stride..][..width].chunks(PANEL).enumerate() {
            panels[(p * tokens + token) * PANEL..][..part.len()].copy_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reference(qkv: &[f32], tokens: usize, heads: usize, width: usize, bias: Option<&RelativeBias>) -> Vec<f64> {
        let hidden = heads * width;
        let at =
            |t: usize, part: usize, h: usize, d: usize| f64::from(qkv[t * 3 * hidden + part * hidden + h * width + d]);
        let mut out = vec![0.0; tokens * hidden];
        for h in 0..heads {
            for t in 0..tokens {
                let score = |s: usize| {
                    let product: f64 = (0..width).map(|d| at(t, 0, h, d) * at(s, 1, h, d)).sum();
                    product / (width as f64).sqrt() + bias.map_or(0.0, |b| f64::from(b.row(h, t, tokens)[s]))
                };
                let weights: Vec<f64> = (0..tokens).map(|s| score(s).exp()).collect();
                let total: f64 = weights.iter().sum();
                for d in 0..width {
                    out[t * hidden + h * width + d] = (0..tokens).map(|s| weights[s] / total * at(s, 2, h, d)).sum();
                }
            }
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn agrees_with_the_definition(tokens in 1usize..70, heads in 1usize..4, width in prop::sample::select(vec![8usize, 32, 64]), biased: bool, seed in 1u32..1000) {
            let value = |i: usize| ((i as f32 * 0.37 + seed as f32) * 12.9898).sin();
            let qkv: Vec<f32> = (0..tokens * 3 * heads * width).map(value).collect();
            let table: Vec<f32> = (0..heads * 32).map(value).collect();
            let bias = biased.then(|| RelativeBias::new(&table, heads, 70));
            let expected = reference(&qkv, tokens, heads, width, bias.as_ref());
            let compute = crate::Compute::with_threads(3);
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; tokens * heads * width];
                let heads = Heads { count: heads, position_bias: bias.as_ref() };
                attention(isa, &qkv, tokens, heads, &mut out, &mut Attention::default(), &mut compute.team());
                for (got, want) in out.iter().zip(&expected) {
                    prop_assert!((f64::from(*got) - want).abs() < 1e-4, "{:?}: {} for {}", isa, got, want);
                }
            }
        }
    }
}
