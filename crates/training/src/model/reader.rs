//! The readers of maps: a small Transformer over patches (ours and F4), and convolutions (F3).

use candle_core::Tensor;
use vetted_reader::{Architecture, F4};

use super::layers::Below;
use super::{Bound, Input, Model, Weights, Worker};
use crate::Error;
use crate::ops::maps::{Layout, Tokens};
use crate::ops::{Dropout, Exactness, Ops};
use crate::texts::Spans;

/// How a recipe's maps are laid out; none for a cross-encoder.
pub(super) fn layout(architecture: &Architecture, max_tokens: usize) -> Option<Layout> {
    match architecture {
        Architecture::MapTransformer(shape) => Some(Layout::Patches {
            patch: shape.patch,
            maps: shape.maps(),
            traits: shape.traits,
            positions: max_tokens.div_ceil(shape.patch),
        }),
        Architecture::F4(F4 { patch, grid, .. }) => Some(Layout::Square { patch: *patch, grid: *grid }),
        Architecture::F3(_) => Some(Layout::Cells { maps: 1 }),
        _ => None,
    }
}

impl Model {
    pub(super) fn read(
        &self,
        bound: &Bound,
        hidden: &Tensor,
        input: &Input,
        worker: &Worker,
        dropout: Option<&mut Dropout>,
    ) -> Result<Tensor, Error> {
        let (ops, weights) = (&self.ops, &Weights(&bound.reader));
        let views = match weights.has("view.weight") {
            true => ops.linear(hidden, weights.get("view.weight")?, None, Exactness::Exact)?,
            false => hidden.clone(),
        };
        let views = ops.l2_normalize(&views)?;
        let traits = match weights.has("traits.weight") {
            true => Some(weights.linear(ops, "traits", hidden, Exactness::Exact)?.tanh()?),
            false => None,
        };
        let words = match &self.architecture {
            Architecture::MapTransformer(shape) if shape.lexical => Some(self.encoder.words(ops, &input.texts.ids)?),
            _ => None,
        };
        let Some(layout) = layout(&self.architecture, self.max_tokens) else {
            return Err(candle_core::Error::Msg("a cross-encoder reads no maps".into()).into());
        };
        let spans = &input.texts.spans;
        let tokens = Tokens { views: &views, traits: traits.as_ref(), words: words.as_ref(), spans };
        let (features, sequences) = ops.maps(&tokens, &input.pairs, layout)?;
        let sides = || {
            let length = |text: &usize| spans.get(*text).len();
            input.pairs.iter().map(|(query, candidate)| (length(query), length(candidate))).collect()
        };
        let summary = match &self.architecture {
            Architecture::MapTransformer(shape) => {
                let x = ops.linear(&features, &map_transformer_embedding(weights)?, None, Exactness::Exact)?;
                let cls = self.blocks(bound, &x, &sequences, worker, dropout)?;
                match shape.convolutions.len() {
                    0 => cls,
                    stages => {
                        let (cells, _) = ops.maps(&tokens, &input.pairs, Layout::Cells { maps: shape.maps() })?;
                        (cls + convolutions(ops, weights, cells, sides(), stages)?)?
                    }
                }
            }
            Architecture::F4(_) => {
                let x = ops.linear(&features, &f4_embedding(weights)?, None, Exactness::Exact)?;
                self.blocks(bound, &x, &sequences, worker, dropout)?
            }
            Architecture::F3(shape) => convolutions(ops, weights, features, sides(), shape.channels.len())?,
            _ => features,
        };
        let mixed = ops.gelu(&weights.linear(ops, "reader.head.hidden", &summary, Exactness::Exact)?)?;
        let logits = weights.linear(ops, "reader.head.output", &mixed, Exactness::Exact)?;
        match (&self.architecture, &words) {
            (Architecture::MapTransformer(shape), Some(words)) if shape.missing_words > 0.0 => {
                Ok(logits.sub(&withheld(words, input, shape.missing_words, logits.dim(1)?)?)?)
            }
            _ => Ok(logits),
        }
    }

    /// Norms and blocks; what they make of CLS.
    fn blocks(
        &self,
        bound: &Bound,
        x: &Tensor,
        sequences: &Spans,
        worker: &Worker,
        dropout: Option<&mut Dropout>,
    ) -> Result<Tensor, Error> {
        let (ops, weights) = (&self.ops, &Weights(&bound.reader));
        let x = weights.layer_norm(ops, "reader.norm_in", x)?;
        let x = match dropout {
            Some(dropout) => bound.blocks.train(ops, &x, sequences, &worker.blocks, Below::Trained, dropout)?,
            None => bound.blocks.evaluate(ops, &x, sequences, &worker.blocks)?,
        };
        let firsts = Tensor::from_vec(sequences.firsts(), sequences.len(), x.device())?;
        weights.layer_norm(ops, "reader.norm_out", &x.index_select(&firsts, 0)?)
    }
}

/// What candidates lose of their support for words of the query that they lack, and nothing of the other outputs: pairs x
/// `outputs`.
fn withheld(words: &Tensor, input: &Input, missing_words: f32, outputs: usize) -> Result<Tensor, Error> {
    let rows = |text: usize| {
        let span = input.texts.spans.get(text);
        words.narrow(0, span.start, span.len())
    };
    let covered = |(query, candidate): &(usize, usize)| rows(*query)?.matmul(&rows(*candidate)?.t()?)?.max(1)?.mean(0);
    let covered = input.pairs.iter().map(covered).collect::<candle_core::Result<Vec<_>>>()?;
    let missing = Tensor::stack(&covered, 0)?.affine(-1.0, 1.0)?.unsqueeze(1)?;
    let mut of_outputs = vec![0.0; outputs];
    of_outputs[0] = missing_words;
    Ok(missing.matmul(&Tensor::from_vec(of_outputs, (1, outputs), words.device())?)?)
}

/// All that a row of [`Layout::Patches`] is multiplied by, in its order.
fn map_transformer_embedding(weights: &Weights) -> Result<Tensor, Error> {
    let parts = [
        weights.get("reader.patch.map.weight")?.clone(),
        weights.get("reader.patch.row.weight")?.clone(),
        weights.get("reader.patch.column.weight")?.clone(),
        weights.get("reader.positions.row")?.t()?,
        weights.get("reader.positions.column")?.t()?,
        weights.get("reader.patch.bias")?.unsqueeze(1)?,
        weights.get("reader.cls")?.unsqueeze(1)?,
    ];
    Ok(Tensor::cat(&parts, 1)?)
}

/// All that a row of [`Layout::Square`] is multiplied by, in its order.
fn f4_embedding(weights: &Weights) -> Result<Tensor, Error> {
    let parts = [
        weights.get("reader.patch.map.weight")?.clone(),
        weights.get("reader.positions")?.t()?,
        weights.get("reader.patch.bias")?.unsqueeze(1)?,
        weights.get("reader.cls")?.unsqueeze(1)?,
    ];
    Ok(Tensor::cat(&parts, 1)?)
}

/// Stages of a 3 x 3 convolution with zeros around the grid, LayerNorm over channels, GELU and the largest of every 2 x 2
/// places; then the mean over the grid. `x` has a row per place, grid after grid.
fn convolutions(
    ops: &Ops,
    weights: &Weights,
    mut x: Tensor,
    mut sides: Vec<(usize, usize)>,
    stages: usize,
) -> Result<Tensor, Error> {
    for stage in 0..stages {
        let name = |part: &str| format!("reader.convolutions.{stage}.{part}");
        let weight = weights.get(&name("weight"))?;
        let (outputs, inputs, _, _) = weight.dims4()?;
        let weight = weight.permute((0, 2, 3, 1))?.reshape((outputs, 9 * inputs))?;
        let rows = x.dim(0)?;
        let beyond = Tensor::zeros((1, inputs), x.dtype(), x.device())?;
        let around = select(&Tensor::cat(&[&x, &beyond], 0)?, neighbours(&sides, rows))?.reshape((rows, 9 * inputs))?;
        x = ops.linear(&around, &weight, Some(weights.get(&name("bias"))?), Exactness::Exact)?;
        x = ops.gelu(&weights.layer_norm(ops, &name("norm"), &x)?)?;
        let [a, b, c, d] = quarters(&sides).map(|places| select(&x, places));
        x = a?.maximum(&b?)?.maximum(&c?.maximum(&d?)?)?;
        sides.iter_mut().for_each(|(m, n)| (*m, *n) = (m.div_ceil(2), n.div_ceil(2)));
    }
    // The mean as a product: a row of shares per grid.
    let rows = x.dim(0)?;
    let mut shares = vec![0f32; sides.len() * rows];
    let mut start = 0;
    for ((m, n), shares) in sides.iter().zip(shares.chunks_exact_mut(rows.max(1))) {
        shares[start..start + m * n].fill(1.0 / (m * n) as f32);
        start += m * n;
    }
    Ok(Tensor::from_vec(shares, (sides.len(), rows), x.device())?.matmul(&x)?)
}

fn select(x: &Tensor, rows: Vec<u32>) -> Result<Tensor, Error> {
    let count = rows.len();
    Ok(x.index_select(&Tensor::from_vec(rows, count, x.device())?, 0)?)
}

/// For each place, the rows of the nine around it; `beyond` where the grid ends.
fn neighbours(sides: &[(usize, usize)], beyond: usize) -> Vec<u32> {
    let (mut rows, mut start) = (Vec::with_capacity(9 * beyond), 0);
    for (m, n) in sides {
        for place in 0..m * n {
            for around in 0..9 {
                // One more than the place meant, so that none is negative.
                let (i, j) = (place / n + around / 3, place % n + around % 3);
                let inside = (1..=*m).contains(&i) && (1..=*n).contains(&j);
                rows.push(if inside { start + (i - 1) * n + j - 1 } else { beyond } as u32);
            }
        }
        start += m * n;
    }
    rows
}

/// For every 2 x 2 places their four rows, by corner. At an odd edge, the last place stands for those beyond.
fn quarters(sides: &[(usize, usize)]) -> [Vec<u32>; 4] {
    let (mut corners, mut start) = ([const { Vec::new() }; 4], 0);
    for (m, n) in sides {
        for i in (0..*m).step_by(2) {
            for j in (0..*n).step_by(2) {
                for (corner, rows) in corners.iter_mut().enumerate() {
                    let (i, j) = ((i + corner / 2).min(m - 1), (j + corner % 2).min(n - 1));
                    rows.push((start + i * n + j) as u32);
                }
            }
        }
        start += m * n;
    }
    corners
}
