//! Stages of convolutions over the true grid, and F3, the paper's reader that is made of them.

use vetted_kernels::{Activation, Isa, Linear, Precision, Scratch, activate, add_layer_norm};

use super::Batch;
use crate::Error;
use crate::config;
use crate::pair::Pair;
use crate::weights::Weights;

/// See [`config::F3`], which says what is computed.
pub(crate) struct Convolution {
    stages: Stages,
    hidden: Linear,
    output: Linear,
}

/// What stages of convolutions work in: a grid's channels, place by place, and what is made of them on the way.
pub(super) struct Workspace<'a> {
    pub(super) grid: &'a mut Vec<f32>,
    pub(super) around: &'a mut Vec<f32>,
    pub(super) mixed: &'a mut Vec<f32>,
    pub(super) scratch: &'a mut Scratch,
}

/// 3 x 3 convolutions with zeros around the grid, each with LayerNorm over a place's channels, GELU and the largest of every
/// 2 x 2 places.
pub(super) struct Stages {
    isa: Isa,
    stages: Vec<Stage>,
}

/// A convolution as a linear layer over the 9 neighbours' channels, neighbour by neighbour.
struct Stage {
    convolution: Linear,
    gain: Vec<f32>,
    bias: Vec<f32>,
}

impl Stages {
    pub(super) fn new(
        prefix: &str,
        mut inputs: usize,
        channels: &[usize],
        weights: &Weights,
        precision: Precision,
    ) -> Result<Stages, Error> {
        let isa = Isa::detect();
        let mut stages = Vec::new();
        for (index, channels) in channels.iter().copied().enumerate() {
            let name = |part: &str| format!("{prefix}.{index}.{part}");
            let weight = weights.take(&name("weight"), &[channels, inputs, 3, 3])?;
            let weight: Vec<f32> = weight
                .chunks_exact(inputs * 9)
                .flat_map(|output| (0..9 * inputs).map(|at| output[at % inputs * 9 + at / inputs]))
                .collect();
            let bias = weights.take(&name("bias"), &[channels])?;
            stages.push(Stage {
                convolution: Linear::new(&weight, &bias, 9 * inputs, channels, precision, isa),
                gain: weights.take(&name("norm.weight"), &[channels])?,
                bias: weights.take(&name("norm.bias"), &[channels])?,
            });
            inputs = channels;
        }
        Ok(Stages { isa, stages })
    }

    /// Makes the channels of a grid of `rows` x `columns` places those of the last stage; the sides it has then.
    pub(super) fn run(&self, (mut rows, mut columns): (usize, usize), work: &mut Workspace) -> (usize, usize) {
        let Workspace { grid, around, mixed, scratch } = work;
        for Stage { convolution, gain, bias } in &self.stages {
            neighbours(grid, rows, columns, convolution.inputs() / 9, around);
            mixed.resize(rows * columns * gain.len(), 0.0);
            convolution.forward(around, mixed, Activation::None, scratch);
            add_layer_norm(self.isa, mixed, &[], gain, bias, 1e-5);
            activate(self.isa, Activation::Gelu, mixed);
            pool(mixed, rows, columns, gain.len(), grid);
            (rows, columns) = (rows.div_ceil(2), columns.div_ceil(2));
        }
        (rows, columns)
    }
}

/// What stages begin with: of each map of a pair its value, the row's maximum and the column's, place by place.
pub(super) fn cells(pair: &Pair, maps: usize, grid: &mut Vec<f32>) {
    grid.clear();
    for i in 0..pair.rows {
        for j in 0..pair.columns {
            grid.extend(
                (0..maps).flat_map(|map| [pair.at(map, i, j), pair.row_maximum(map, i), pair.column_maximum(map, j)]),
            );
        }
    }
}

impl Convolution {
    pub(super) fn new(shape: &config::F3, outputs: usize, weights: &Weights) -> Result<Convolution, Error> {
        let stages = Stages::new("reader.convolutions", 3, &shape.channels, weights, Precision::F32)?;
        let inputs = shape.channels.last().copied().unwrap_or_default();
        let head = |name: &str, outputs: usize| -> Result<Linear, Error> {
            let weight = weights.take(&format!("reader.head.{name}.weight"), &[outputs, inputs])?;
            let bias = weights.take(&format!("reader.head.{name}.bias"), &[outputs])?;
            Ok(Linear::new(&weight, &bias, inputs, outputs, Precision::F32, Isa::detect()))
        };
        Ok(Convolution { hidden: head("hidden", inputs)?, output: head("output", outputs)?, stages })
    }

    /// Reads one pair: grids differ too much to be read together.
    pub(super) fn read(&self, pair: &Pair, batch: &mut Batch) {
        let Batch { sequences, patches, rows: grid, columns: mixed, values, .. } = batch;
        let scratch = &mut sequences.linear;
        cells(pair, 1, grid);
        let work = &mut Workspace { grid, around: patches, mixed, scratch };
        let (rows, columns) = self.stages.run((pair.rows, pair.columns), work);
        let width = self.hidden.inputs();
        let mean = patches;
        mean.clear();
        mean.resize(width, 0.0);
        grid.chunks_exact(width).for_each(|place| mean.iter_mut().zip(place).for_each(|(m, x)| *m += x));
        mean.iter_mut().for_each(|m| *m /= (rows * columns) as f32);
        mixed.resize(width, 0.0);
        self.hidden.forward(mean, mixed, Activation::Gelu, scratch);
        let start = values.len();
        values.resize(start + self.output.outputs(), 0.0);
        self.output.forward(mixed, &mut values[start..], Activation::None, scratch);
    }
}

/// For each place, the channels of the 3 x 3 places around it; zeros beyond the grid.
fn neighbours(grid: &[f32], rows: usize, columns: usize, channels: usize, out: &mut Vec<f32>) {
    out.clear();
    out.resize(rows * columns * 9 * channels, 0.0);
    for (at, place) in out.chunks_exact_mut(9 * channels).enumerate() {
        for (n, values) in place.chunks_exact_mut(channels).enumerate() {
            // One more than the place meant, so that none is negative.
            let (i, j) = (at / columns + n / 3, at % columns + n % 3);
            if (1..=rows).contains(&i) && (1..=columns).contains(&j) {
                values.copy_from_slice(&grid[((i - 1) * columns + j - 1) * channels..][..channels]);
            }
        }
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
