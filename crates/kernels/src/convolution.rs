//! 3 x 3 convolutions over a grid of places.

use crate::linear::{Columns, Linear, Precision, Scratch, Target};
use crate::{Activation, Isa, PANEL};

/// `y = b + sum of W_n x_n` over a place and its eight neighbours, with zeros around the grid.
///
/// In bf16, where the processor multiplies it, every value is rounded once and the product reads each of the three rows of a
/// neighbourhood where it lies; elsewhere the neighbourhoods are written out and are a [`Linear`] layer's input.
///
/// ```
/// use vetted_kernels::{Convolution, Isa, Precision, Scratch};
///
/// let weight = [0.0, 1.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0]; // one channel: five times the place, and the one above it
/// let layer = Convolution::new(&weight, &[0.5], 1, 1, Precision::F32, Isa::detect());
/// let mut out = Vec::new();
/// layer.forward(&[1.0, 2.0, 3.0, 4.0], (2, 2), &mut out, &mut Scratch::default());
/// assert_eq!(out, [5.5, 10.5, 16.5, 22.5]);
/// ```
pub struct Convolution {
    inputs: usize,
    outputs: usize,
    isa: Isa,
    weights: Weights,
}

enum Weights {
    /// Panels of 32 outputs: for each of the 3 rows of a neighbourhood, and each pair of neighbouring values in it, the two
    /// weights of each output. A place's values are padded to an even count.
    Rows { panels: Vec<u16>, bias: Vec<f32>, padded: usize },
    /// Over all nine places' values, place by place.
    Places(Linear),
}

impl Convolution {
    /// Packs `weight` (`outputs` x `inputs` x 3 x 3, as PyTorch stores it) and `bias` (`outputs` values). Where weights are
    /// narrower than f32, they are bf16 if the processor has it.
    ///
    /// # Panics
    /// When the lengths do not fit the shape.
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize, outputs: usize, precision: Precision, isa: Isa) -> Self {
        assert_eq!(weight.len(), outputs * inputs * 9, "weight is not {outputs} x {inputs} x 3 x 3");
        assert_eq!(bias.len(), outputs, "bias is not {outputs} values");
        // Output by output, the nine places' values one after the other, each place's padded with zeros.
        let by_place = |padded: usize| {
            let mut values = vec![0.0; outputs * 9 * padded];
            for (output, values) in values.chunks_exact_mut(9 * padded).enumerate() {
                for (at, value) in weight[output * inputs * 9..][..inputs * 9].iter().enumerate() {
                    values[at % 9 * padded + at / 9] = *value;
                }
            }
            values
        };
        let weights = if precision == Precision::F32 || !isa.has_bf16() {
            Weights::Places(Linear::new(&by_place(inputs), bias, 9 * inputs, outputs, precision, isa))
        } else {
            let padded = inputs.next_multiple_of(2);
            let panels = crate::bf16::panels(&by_place(padded), 9 * padded, outputs, 9 * padded);
            let mut bias = bias.to_vec();
            bias.resize(outputs.next_multiple_of(PANEL), 0.0);
            Weights::Rows { panels, bias, padded }
        };
        Convolution { inputs, outputs, isa, weights }
    }

    /// Computes a grid of `rows` x `columns` places (`grid`, row after row, `inputs` values each); `out` becomes as many places of
    /// `outputs` values.
    ///
    /// # Panics
    /// When `grid` has not as many values.
    pub fn forward(&self, grid: &[f32], (rows, columns): (usize, usize), out: &mut Vec<f32>, scratch: &mut Scratch) {
        assert_eq!(grid.len(), rows * columns * self.inputs, "the grid is not {rows} x {columns} places");
        out.resize(rows * columns * self.outputs, 0.0);
        match &self.weights {
            Weights::Places(linear) => {
                let mut around = std::mem::take(&mut scratch.around);
                neighbours(grid, rows, columns, self.inputs, &mut around);
                linear.forward(&around, out, Activation::None, scratch);
                scratch.around = around;
            }
            Weights::Rows { panels, bias, padded } => {
                let halves = &mut scratch.halves;
                pad(self.isa, grid, (rows, columns), self.inputs, *padded, halves);
                let row = (columns + 2) * padded;
                for from in (0..self.outputs).step_by(PANEL) {
                    let panel = &panels[from * 9 * padded..(from + PANEL) * 9 * padded];
                    for (i, out) in out.chunks_exact_mut(columns * self.outputs).enumerate() {
                        let target = Target {
                            columns: Columns { start: out.as_mut_ptr(), stride: self.outputs },
                            rows: columns,
                            from,
                            to: (from + PANEL).min(self.outputs),
                            bias,
                        };
                        let around = &halves[i * row..(i + 3) * row];
                        crate::bf16::convolve(self.isa, around, row, *padded, panel, &target);
                    }
                }
            }
        }
    }
}

/// The grid in bf16 with one place of zeros on every side, values padded to an even count.
fn pad(isa: Isa, grid: &[f32], (rows, columns): (usize, usize), inputs: usize, padded: usize, halves: &mut Vec<u16>) {
    let row = (columns + 2) * padded;
    halves.clear();
    halves.resize((rows + 2) * row, 0);
    for (values, halves) in grid.chunks_exact(columns * inputs).zip(halves[row..].chunks_exact_mut(row)) {
        let inside = &mut halves[padded..][..columns * padded];
        if inputs == padded {
            crate::bf16::round_row(isa, values, inside);
        } else {
            for (values, halves) in values.chunks_exact(inputs).zip(inside.chunks_exact_mut(padded)) {
                crate::bf16::round_row(isa, values, &mut halves[..inputs]);
            }
        }
    }
}

/// For each place, the values of the 3 x 3 places around it; zeros beyond the grid.
fn neighbours(grid: &[f32], rows: usize, columns: usize, values: usize, out: &mut Vec<f32>) {
    out.clear();
    out.resize(rows * columns * 9 * values, 0.0);
    for (at, place) in out.chunks_exact_mut(9 * values).enumerate() {
        for (n, around) in place.chunks_exact_mut(values).enumerate() {
            // One more than the place meant, so that none is negative.
            let (i, j) = (at / columns + n / 3, at % columns + n % 3);
            if (1..=rows).contains(&i) && (1..=columns).contains(&j) {
                around.copy_from_slice(&grid[((i - 1) * columns + j - 1) * values..][..values]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, in double precision.
    fn reference(
        grid: &[f32],
        (rows, columns): (usize, usize),
        weight: &[f32],
        bias: &[f32],
        inputs: usize,
    ) -> Vec<f64> {
        let mut out = Vec::new();
        for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
            for (output, bias) in bias.iter().enumerate() {
                let mut sum = f64::from(*bias);
                for (di, dj) in (0..3).flat_map(|di| (0..3).map(move |dj| (di, dj))) {
                    let (Some(y), Some(x)) = ((i + di).checked_sub(1), (j + dj).checked_sub(1)) else { continue };
                    if y < rows && x < columns {
                        let place = &grid[(y * columns + x) * inputs..][..inputs];
                        let weights = weight[output * inputs * 9..].chunks_exact(9).map(|w| w[3 * di + dj]);
                        sum += place.iter().zip(weights).map(|(x, w)| f64::from(*x) * f64::from(w)).sum::<f64>();
                    }
                }
                out.push(sum);
            }
        }
        out
    }

    proptest! {
        #[test]
        fn a_convolution_is_its_definition(
            rows in 1usize..9, columns in 1usize..20, inputs in 1usize..9, outputs in 1usize..70, seed in 0u32..1000,
        ) {
            let mut state = seed;
            let mut values = |count: usize| -> Vec<f32> {
                // Eighths from -1 to 1: exact in bf16, so that one bound is tight enough for all.
                (0..count)
                    .map(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        ((state >> 20) % 17) as f32 / 8.0 - 1.0
                    })
                    .collect()
            };
            let (grid, weight, bias) = (values(rows * columns * inputs), values(outputs * inputs * 9), values(outputs));
            let expected = reference(&grid, (rows, columns), &weight, &bias, inputs);
            for isa in Isa::available() {
                for (precision, bound) in [(Precision::F32, 1e-4), (Precision::Bf16, 1e-4), (Precision::Int8, 0.3)] {
                    let layer = Convolution::new(&weight, &bias, inputs, outputs, precision, isa);
                    let mut out = Vec::new();
                    layer.forward(&grid, (rows, columns), &mut out, &mut Scratch::default());
                    for (got, expected) in out.iter().zip(&expected) {
                        prop_assert!((f64::from(*got) - expected).abs() < bound, "{precision:?} {isa:?}: {got} {expected}");
                    }
                    prop_assert_eq!(out.len(), expected.len());
                }
            }
        }
    }
}
