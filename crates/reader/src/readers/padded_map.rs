//! F4, the paper's reader: the map, its row maxima and its column maxima on a padded square, in patches.

use vetted_kernels::{Activation, Isa, Linear, Precision};

use super::Batch;
use crate::Error;
use crate::architecture;
use crate::pair::{Pair, VIEW};
use crate::transformer::{Shape, Transformer};
use crate::weights::Weights;

/// See [`architecture::F4`].
pub(crate) struct PaddedMap {
    patch: usize,
    grid: usize,
    map: Linear,
    /// One per patch.
    positions: Vec<f32>,
    transformer: Transformer,
}

impl PaddedMap {
    pub(super) fn new(
        shape: &architecture::F4,
        outputs: usize,
        weights: &Weights,
        precision: Precision,
    ) -> Result<PaddedMap, Error> {
        let architecture::F4 { width, layers, heads, feed_forward, patch, grid, .. } = *shape;
        let inputs = 3 * patch * patch;
        let map = weights.take("reader.patch.map.weight", &[width, inputs])?;
        let bias = weights.take("reader.patch.bias", &[width])?;
        Ok(PaddedMap {
            patch,
            grid,
            map: Linear::new(&map, &bias, inputs, width, Precision::F32, Isa::detect()),
            positions: weights.take("reader.positions", &[(grid / patch).pow(2), width])?,
            transformer: Transformer::new(weights, &Shape { width, layers, heads, feed_forward, outputs }, precision)?,
        })
    }

    pub(super) fn transformer(&self) -> &Transformer {
        &self.transformer
    }

    pub(super) fn add(&self, pair: &Pair, batch: &mut Batch) {
        let (p, blocks) = (self.patch, self.grid / self.patch);
        let Batch { sequences, patches, .. } = batch;
        patches.clear();
        patches.resize(blocks * blocks * 3 * p * p, 0.0);
        for (at, patch) in patches.chunks_exact_mut(3 * p * p).enumerate() {
            let (row, column) = (at / blocks * p, at % blocks * p);
            for i in row..(row + p).min(pair.rows) {
                for j in column..(column + p).min(pair.columns) {
                    let inside = (i - row) * p + (j - column);
                    patch[inside] = pair.at(VIEW, i, j);
                    patch[p * p + inside] = pair.row_maximum(VIEW, i);
                    patch[2 * p * p + inside] = pair.column_maximum(VIEW, j);
                }
            }
        }
        let (tokens, scratch) = self.transformer.add(sequences, blocks * blocks);
        self.map.forward(patches, tokens, Activation::None, scratch);
        tokens.iter_mut().zip(&self.positions).for_each(|(x, position)| *x += position);
    }
}
