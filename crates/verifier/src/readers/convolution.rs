//! F3, the paper's convolutional reader, on the true grid.

use vetted_kernels::{Activation, Isa, Linear, Precision, activate, add_layer_norm};

use super::Batch;
use crate::Error;
use crate::config;
use crate::pair::Pair;
use crate::weights::Weights;

/// See [`config::F3`], which says what is computed.
pub(crate) struct Convolution {
    isa: Isa,
    stages: Vec<Stage>,
    hidden: Linear,
    output: Linear,
}

/// A convolution as a linear layer over the 9 neighbours' channels, neighbour by neighbour.
struct Stage {
    convolution: Linear,
    gain: Vec<f32>,
    bias: Vec<f32>,
}

impl Convolution {
    pub(super) fn new(shape: &config::F3, outputs: usize, weights: &Weights) -> Result<Convolution, Error> {
        let isa = Isa::detect();
        let linear = |weight: &[f32], bias: &[f32], inputs, outputs| {
            Linear::new(weight, bias, inputs, outputs, Precision::F32, isa)
        };
        let mut inputs = 3;
        let mut stages = Vec::new();
        for (index, channels) in shape.channels.iter().copied().enumerate() {
            let name = |part: &str| format!("reader.convolutions.{index}.{part}");
            let weight = weights.take(&name("weight"), &[channels, inputs, 3, 3])?;
            let weight: Vec<f32> = weight
                .chunks_exact(inputs * 9)
                .flat_map(|output| (0..9 * inputs).map(|at| output[at % inputs * 9 + at / inputs]))
                .collect();
            stages.push(Stage {
                convolution: linear(&weight, &weights.take(&name("bias"), &[channels])?, 9 * inputs, channels),
                gain: weights.take(&name("norm.weight"), &[channels])?,
                bias: weights.take(&name("norm.bias"), &[channels])?,
            });
            inputs = channels;
        }
        let head = |name: &str, outputs: usize| -> Result<Linear, Error> {
            let weight = weights.take(&format!("reader.head.{name}.weight"), &[outputs, inputs])?;
            Ok(linear(&weight, &weights.take(&format!("reader.head.{name}.bias"), &[outputs])?, inputs, outputs))
        };
        Ok(Convolution { isa, hidden: head("hidden", inputs)?, output: head("output", outputs)?, stages })
    }

    /// Reads one pair: grids differ too much to be read together.
    pub(super) fn read(&self, pair: &Pair, batch: &mut Batch) {
        let Batch { sequences, patches, rows: grid, columns: mixed, values, .. } = batch;
        let scratch = &mut sequences.linear;
        let (mut rows, mut columns) = (pair.rows, pair.columns);
        grid.clear();
        for i in 0..rows {
            grid.extend((0..columns).flat_map(|j| [pair.at(0, i, j), pair.row_maximum(i), pair.column_maximum(j)]));
        }
        for Stage { convolution, gain, bias } in &self.stages {
            neighbours(grid, rows, columns, convolution.inputs() / 9, patches);
            mixed.resize(rows * columns * gain.len(), 0.0);
            convolution.forward(patches, mixed, Activation::None, scratch);
            add_layer_norm(self.isa, mixed, &[], gain, bias, 1e-5);
            activate(self.isa, Activation::Gelu, mixed);
            pool(mixed, rows, columns, gain.len(), grid);
            (rows, columns) = (rows.div_ceil(2), columns.div_ceil(2));
        }
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
