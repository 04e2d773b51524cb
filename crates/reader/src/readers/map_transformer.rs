//! vetted's own reader: patches of the true maps, what is known of each row and each column, and a small Transformer.

use vetted_kernels::{Activation, Isa, Linear, Precision};

use super::Batch;
use super::alignment::max_sim;
use super::convolution::{Stages, Workspace};
use crate::Error;
use crate::architecture;
use crate::pair::{Pair, WORDS};
use crate::transformer::{Shape, Transformer};
use crate::weights::Weights;

/// See [`architecture::MapTransformer`].
pub(crate) struct MapTransformer {
    patch: usize,
    width: usize,
    map: Linear,
    row: Linear,
    column: Linear,
    /// Blocks of rows x width, the patch's bias added; and of columns.
    row_positions: Vec<f32>,
    column_positions: Vec<f32>,
    convolutions: Option<Stages>,
    missing_words: f32,
    transformer: Transformer,
}

impl MapTransformer {
    pub(super) fn new(
        shape: &architecture::MapTransformer,
        max_tokens: usize,
        outputs: usize,
        weights: &Weights,
        precision: Precision,
    ) -> Result<MapTransformer, Error> {
        let architecture::MapTransformer { traits, width, layers, heads, feed_forward, patch, .. } = *shape;
        let maps = shape.maps();
        let isa = Isa::detect();
        let linear = |weight: &[f32], inputs| Linear::new(weight, &[], inputs, width, Precision::F32, isa);
        let map = weights.take("reader.patch.map.weight", &[width, maps * patch * patch])?;
        let features = patch * (traits + maps);
        let convolutions = match &shape.convolutions[..] {
            [] => None,
            channels => Some(Stages::new(maps, channels, weights, precision)?),
        };
        let row = weights.take("reader.patch.row.weight", &[width, features])?;
        let column = weights.take("reader.patch.column.weight", &[width, features])?;
        let bias = weights.take("reader.patch.bias", &[width])?;
        let positions = [max_tokens.div_ceil(patch), width];
        let mut row_positions = weights.take("reader.positions.row", &positions)?;
        for position in row_positions.chunks_exact_mut(width) {
            position.iter_mut().zip(&bias).for_each(|(p, b)| *p += b);
        }
        Ok(MapTransformer {
            patch,
            width,
            convolutions,
            missing_words: shape.missing_words,
            map: linear(&columns_first(&map, patch), maps * patch * patch),
            row: linear(&row, features),
            column: linear(&column, features),
            row_positions,
            column_positions: weights.take("reader.positions.column", &positions)?,
            transformer: Transformer::new(weights, &Shape { width, layers, heads, feed_forward, outputs }, precision)?,
        })
    }

    pub(super) fn patch(&self) -> usize {
        self.patch
    }

    pub(super) fn transformer(&self) -> &Transformer {
        &self.transformer
    }

    pub(super) fn add(&self, pair: &Pair, batch: &mut Batch) {
        let (p, width) = (self.patch, self.width);
        let (row_blocks, column_blocks) = (pair.padded_rows / p, pair.padded_columns / p);
        let Batch { sequences, patches, rows, columns, withheld, .. } = batch;
        // What is trained on edited sentences sees the same words on both sides and forgets that a text which lacks the query's
        // words seldom supports it.
        withheld.push(match self.missing_words {
            0.0 => 0.0,
            logits => logits * (1.0 - max_sim(pair, WORDS)),
        });
        if let Some(convolutions) = &self.convolutions {
            let work = Workspace { grid: &mut *rows, mixed: &mut *columns, scratch: &mut sequences.linear };
            convolutions.mean(pair, work, &mut sequences.beside);
        }
        let (tokens, scratch) = self.transformer.add(sequences, row_blocks * column_blocks);

        patches.resize(row_blocks * column_blocks * self.map.inputs(), 0.0);
        let side = pair.padded_rows;
        for (at, patch) in patches.chunks_exact_mut(self.map.inputs()).enumerate() {
            let (row, column) = (at / column_blocks * p, at % column_blocks * p);
            for (map, patch) in pair.maps.iter().zip(patch.chunks_exact_mut(p * p)) {
                let columns = map[column * side..].chunks(side);
                for (values, column) in patch.chunks_exact_mut(p).zip(columns) {
                    copy(&column[row..row + p], values);
                }
            }
        }
        self.map.forward(patches, tokens, Activation::None, scratch);

        let mut side = |layer: &Linear, features: &[f32], positions: &[f32], out: &mut Vec<f32>| {
            out.resize(features.len() / layer.inputs() * width, 0.0);
            layer.forward(features, out, Activation::None, scratch);
            out.iter_mut().zip(positions).for_each(|(x, position)| *x += position);
        };
        side(&self.row, &pair.row_features, &self.row_positions, rows);
        side(&self.column, &pair.column_features, &self.column_positions, columns);
        for (tokens, row) in tokens.chunks_exact_mut(column_blocks * width).zip(rows.chunks_exact(width)) {
            for (token, column) in tokens.chunks_exact_mut(width).zip(columns.chunks_exact(width)) {
                for ((t, r), c) in token.iter_mut().zip(row).zip(column) {
                    *t += r + c;
                }
            }
        }
    }
}

/// Copies a patch's column, which has four values almost always: then it is one move, not a call.
fn copy(from: &[f32], to: &mut [f32]) {
    match (<&[f32; 4]>::try_from(from), <&mut [f32; 4]>::try_from(&mut *to)) {
        (Ok(from), Ok(to)) => *to = *from,
        _ => to.copy_from_slice(from),
    }
}

/// The weights of patches that list their columns first: a map's columns lie together in memory.
fn columns_first(weight: &[f32], patch: usize) -> Vec<f32> {
    let transposed =
        |of_map: &[f32]| -> Vec<f32> { (0..patch * patch).map(|at| of_map[at % patch * patch + at / patch]).collect() };
    weight.chunks_exact(patch * patch).flat_map(transposed).collect()
}
