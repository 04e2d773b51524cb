//! Stages of convolutions over the true grid, and F3, the paper's reader that is made of them.

use vetted_kernels::{Activation, Convolution, Isa, Linear, Precision, Scratch, activate, residual_layer_norm};

use super::Batch;
use crate::Error;
use crate::architecture;
use crate::pair::Pair;
use crate::weights::Weights;

/// See [`architecture::F3`], which says what is computed.
pub(crate) struct Convolutional {
    stages: Stages,
    hidden: Linear,
    output: Linear,
}

/// What stages of convolutions work in.
pub(super) struct Workspace<'a> {
    /// A grid's channels, place by place.
    pub(super) grid: &'a mut Vec<f32>,
    pub(super) mixed: &'a mut Vec<f32>,
    pub(super) scratch: &'a mut Scratch,
}

/// 3 x 3 convolutions with zeros around the grid, each with LayerNorm over a place's channels, GELU and the largest of every
/// 2 x 2 places; then the mean over the grid.
pub(super) struct Stages {
    isa: Isa,
    /// Maps that are read, three channels each.
    maps: usize,
    stages: Vec<Stage>,
}

struct Stage {
    convolution: Convolution,
    gain: Vec<f32>,
    bias: Vec<f32>,
}

impl Stages {
    pub(super) fn new(
        maps: usize,
        channels: &[usize],
        weights: &Weights,
        precision: Precision,
    ) -> Result<Stages, Error> {
        let mut inputs = 3 * maps;
        let isa = Isa::detect();
        let mut stages = Vec::new();
        for (index, channels) in channels.iter().copied().enumerate() {
            let name = |part: &str| format!("reader.convolutions.{index}.{part}");
            let weight = weights.take(&name("weight"), &[channels, inputs, 3, 3])?;
            let bias = weights.take(&name("bias"), &[channels])?;
            stages.push(Stage {
                convolution: Convolution::new(&weight, &bias, inputs, channels, precision, isa),
                gain: weights.take(&name("norm.weight"), &[channels])?,
                bias: weights.take(&name("norm.bias"), &[channels])?,
            });
            inputs = channels;
        }
        Ok(Stages { isa, maps, stages })
    }

    /// Appends the mean of the last stage's channels over a pair's grid. Pairs are read one by one: their grids differ too much to
    /// be read together.
    pub(super) fn mean(&self, pair: &Pair, work: Workspace, out: &mut Vec<f32>) {
        let Workspace { grid, mixed, scratch } = work;
        let (mut rows, mut columns, mut channels) = (pair.rows, pair.columns, 0);
        cells(pair, self.maps, grid);
        for Stage { convolution, gain, bias } in &self.stages {
            channels = gain.len();
            convolution.forward(grid, (rows, columns), mixed, scratch);
            grid.resize(mixed.len(), 0.0);
            residual_layer_norm(self.isa, mixed, &[], gain, bias, 1e-5, grid);
            activate(self.isa, Activation::Gelu, grid);
            pool(grid, rows, columns, channels, mixed);
            std::mem::swap(grid, mixed);
            (rows, columns) = (rows.div_ceil(2), columns.div_ceil(2));
        }
        let start = out.len();
        out.resize(start + channels, 0.0);
        let (mean, share) = (&mut out[start..], 1.0 / (rows * columns) as f32);
        grid.chunks_exact(channels).for_each(|place| mean.iter_mut().zip(place).for_each(|(m, x)| *m += x));
        mean.iter_mut().for_each(|m| *m *= share);
    }
}

/// What stages begin with: of each map of a pair its value, the row's maximum and the column's, place by place.
fn cells(pair: &Pair, maps: usize, grid: &mut Vec<f32>) {
    grid.clear();
    for i in 0..pair.rows {
        for j in 0..pair.columns {
            grid.extend(
                (0..maps).flat_map(|map| [pair.at(map, i, j), pair.row_maximum(map, i), pair.column_maximum(map, j)]),
            );
        }
    }
}

impl Convolutional {
    pub(super) fn new(shape: &architecture::F3, outputs: usize, weights: &Weights) -> Result<Convolutional, Error> {
        let stages = Stages::new(1, &shape.channels, weights, Precision::F32)?;
        let inputs = shape.channels.last().copied().unwrap_or_default();
        let head = |name: &str, outputs: usize| -> Result<Linear, Error> {
            let weight = weights.take(&format!("reader.head.{name}.weight"), &[outputs, inputs])?;
            let bias = weights.take(&format!("reader.head.{name}.bias"), &[outputs])?;
            Ok(Linear::new(&weight, &bias, inputs, outputs, Precision::F32, Isa::detect()))
        };
        Ok(Convolutional { hidden: head("hidden", inputs)?, output: head("output", outputs)?, stages })
    }

    pub(super) fn read(&self, pair: &Pair, batch: &mut Batch) {
        let Batch { sequences, rows: grid, columns: mixed, mean, values, .. } = batch;
        let scratch = &mut sequences.linear;
        mean.clear();
        self.stages.mean(pair, Workspace { grid, mixed, scratch }, mean);
        mixed.resize(mean.len(), 0.0);
        self.hidden.forward(mean, mixed, Activation::Gelu, scratch);
        let start = values.len();
        values.resize(start + self.output.outputs(), 0.0);
        self.output.forward(mixed, &mut values[start..], Activation::None, scratch);
    }
}

/// The largest of every 2 x 2 places, channel by channel.
fn pool(grid: &[f32], rows: usize, columns: usize, channels: usize, out: &mut Vec<f32>) {
    let (half_rows, half_columns) = (rows.div_ceil(2), columns.div_ceil(2));
    out.clear();
    out.resize(half_rows * half_columns * channels, f32::NEG_INFINITY);
    for (at, place) in grid.chunks_exact(channels).enumerate() {
        let pooled = (at / columns / 2) * half_columns + at % columns / 2;
        let largest = &mut out[pooled * channels..][..channels];
        largest.iter_mut().zip(place).for_each(|(m, x)| *m = m.max(*x));
    }
}
