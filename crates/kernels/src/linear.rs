//! Linear layers: packed weights, the choice of kernel, and the split of work over threads.

use crate::Team;
use crate::bf16::PackedBf16;
use crate::elementwise::{Activation, activate};
use crate::f32::PackedF32;
use crate::int8::PackedInt8;
use crate::{Isa, PANEL};

/// How weights are stored and multiplied; see the crate documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// Single precision: the reference.
    #[default]
    F32,
    /// Weights and activations rounded to bf16, sums in f32.
    Bf16,
    /// Weights as i8 with one scale per output, activations quantized per row to 8 bits, sums in i32.
    Int8,
}

impl Precision {
    /// The fastest on this processor that changes next to no verdict (docs/decisions/0003-native-encoder.md has the measurements):
    /// bf16 where there are instructions for it, else single precision.
    pub fn fastest() -> Precision {
        if Isa::detect().has_bf16() { Precision::Bf16 } else { Precision::F32 }
    }
}

/// `y = activation(W x + b)` with `W` packed for the processor at hand. Equal ones give equal results, bit for bit.
#[derive(PartialEq)]
pub struct Linear {
    weights: Weights,
    bias: Vec<f32>,
    inputs: usize,
    outputs: usize,
    isa: Isa,
}

#[derive(PartialEq)]
enum Weights {
    F32(PackedF32),
    Bf16(PackedBf16),
    Int8(PackedInt8),
}

/// Working memory that one thread's calls of [`Linear::forward`] share, so that none allocates in a steady state.
#[derive(Default)]
pub struct Scratch {
    pub(crate) values: Vec<f32>,
    pub(crate) halves: Vec<u16>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) scales: Vec<f32>,
    /// A convolution's neighbourhoods.
    pub(crate) around: Vec<f32>,
}

impl Linear {
    /// Packs `weight` (`outputs` x `inputs`, row-major, as PyTorch stores it) and `bias` (`outputs` values, or none).
    ///
    /// # Panics
    /// When the lengths do not fit the shape; callers check shapes when they read a file.
    pub fn new(weight: &[f32], bias: &[f32], inputs: usize, outputs: usize, precision: Precision, isa: Isa) -> Linear {
        assert_eq!(weight.len(), inputs * outputs, "weight is not {outputs} x {inputs}");
        assert!(bias.is_empty() || bias.len() == outputs, "bias is not {outputs} values");
        let weights = match precision {
            Precision::F32 => Weights::F32(PackedF32::new(weight, inputs, outputs)),
            Precision::Bf16 => Weights::Bf16(PackedBf16::new(weight, inputs, outputs, isa)),
            Precision::Int8 => Weights::Int8(PackedInt8::new(weight, inputs, outputs)),
        };
        let mut padded = bias.to_vec();
        padded.resize(outputs.next_multiple_of(PANEL), 0.0);
        Linear { weights, bias: padded, inputs, outputs, isa }
    }

    /// Values per input row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values per output row.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Computes every row of `x` (`rows` x `inputs`) into `out` (`rows` x `outputs`) on the calling thread.
    ///
    /// # Panics
    /// When the two do not have the same number of whole rows.
    pub fn forward(&self, x: &[f32], out: &mut [f32], activation: Activation, scratch: &mut Scratch) {
        self.forward_with(&mut Team::alone(), x, out, activation, scratch);
    }

    /// As [`forward`](Self::forward), the outputs split over the threads of `team`: for the few rows of a single text,
    /// where there is no batch to split. The result is the same bit for bit.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_with(
        &self,
        team: &mut Team,
        x: &[f32],
        out: &mut [f32],
        activation: Activation,
        scratch: &mut Scratch,
    ) {
        let rows = out.len() / self.outputs;
        assert_eq!(out.len(), rows * self.outputs, "output is not whole rows");
        assert_eq!(x.len(), rows * self.inputs, "input and output differ in rows");
        if rows == 0 {
            return;
        }
        let input = match &self.weights {
            Weights::F32(_) => Input::F32(x),
            Weights::Bf16(packed) => packed.convert(self.isa, x, rows, scratch, team),
            Weights::Int8(packed) => packed.quantize(self.isa, x, rows, scratch, team),
        };
        let columns = Columns { start: out.as_mut_ptr(), stride: self.outputs };
        let panels = self.outputs.div_ceil(PANEL);
        let compute = |first: usize, last: usize| {
            let (from, to) = (first * PANEL, (last * PANEL).min(self.outputs));
            let target = Target { columns, rows, from, to, bias: &self.bias };
            match &self.weights {
                Weights::F32(packed) => packed.product(self.isa, &input, &target),
                Weights::Bf16(packed) => packed.product(self.isa, &input, &target),
                Weights::Int8(packed) => packed.product(self.isa, &input, &target),
            }
            if activation != Activation::None {
                for row in 0..rows {
                    // SAFETY: this call alone touches columns from..to; see `Columns`.
                    activate(self.isa, activation, unsafe { columns.row(row, from, to) });
                }
            }
        };
        let shares = team.pieces(panels);
        team.run(shares, |s| compute(s * panels / shares, (s + 1) * panels / shares));
    }
}

/// A layer's input in the form its kernel reads.
pub(crate) enum Input<'a> {
    /// Rows of f32.
    F32(&'a [f32]),
    /// Rows of bf16, padded to the kernel's step and to whole blocks of 32 rows.
    Bf16(&'a [u16]),
    /// Rows of `round(x / scale) + 128`, padded likewise, and each row's scale.
    Int8(&'a [u8], &'a [f32]),
}

/// The part of an output matrix that one call computes: all `rows`, columns `from..to` (whole panels but for the last).
pub(crate) struct Target<'a> {
    pub(crate) columns: Columns,
    pub(crate) rows: usize,
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// One per output, padded to whole panels.
    pub(crate) bias: &'a [f32],
}

/// A row-major matrix of which several threads write different columns at once.
#[derive(Clone, Copy)]
pub(crate) struct Columns {
    pub(crate) start: *mut f32,
    pub(crate) stride: usize,
}

// SAFETY: every user is given a range of columns that nobody else touches, over memory that outlives the call.
unsafe impl Send for Columns {}
// SAFETY: as above.
unsafe impl Sync for Columns {}

impl Columns {
    /// The same matrix without its first columns.
    pub(crate) fn starting_at(self, column: usize) -> Columns {
        Columns { start: self.start.wrapping_add(column), stride: self.stride }
    }

    /// # Safety
    /// `row` and `from..to` lie in the matrix, and nobody else reads or writes them meanwhile.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn row<'a>(&self, row: usize, from: usize, to: usize) -> &'a mut [f32] {
        // SAFETY: the caller's contract.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(row * self.stride + from), to - from) }
    }
}

/// Calls `$sums::<N>(arguments)` for every block of `N` rows, `$row` being its first. Blocks have at most 12 rows (24 of 32
/// registers hold their sums) and even sizes: 16 rows are 8 + 8, not 12 + 4.
#[cfg(target_arch = "x86_64")]
macro_rules! in_row_blocks {
    ($rows:expr, |$row:ident| $sums:ident $arguments:tt) => {{
        let rows: usize = $rows;
        let mut $row = 0;
        while $row < rows {
            let left = rows - $row;
            let block = left.div_ceil(left.div_ceil(12));
            crate::linear::in_row_blocks!(@call block, $sums, $arguments, 1 2 3 4 5 6 7 8 9 10 11 12);
            $row += block;
        }
    }};
    (@call $block:ident, $sums:ident, $arguments:tt, $($n:literal)*) => {
        match $block {
            $($n => $sums::<$n> $arguments,)*
            _ => unreachable!("blocks have 1 to 12 rows"),
        }
    };
}
#[cfg(target_arch = "x86_64")]
pub(crate) use in_row_blocks;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn random(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    /// The definition, in double precision.
    fn reference(x: &[f32], weight: &[f32], bias: &[f32], inputs: usize, outputs: usize) -> Vec<f64> {
        x.chunks_exact(inputs)
            .flat_map(|row| {
                (0..outputs).map(move |o| {
                    let sum: f64 =
                        row.iter().zip(&weight[o * inputs..]).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                    sum + f64::from(bias[o])
                })
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_kernel_computes_the_product(rows in 1usize..70, inputs in 1usize..150, outputs in 1usize..100, seed: u64) {
            let (x, weight, bias) = (random(rows * inputs, seed), random(inputs * outputs, !seed), random(outputs, seed ^ 77));
            let expected = reference(&x, &weight, &bias, inputs, outputs);
            // Of values in [-1, 1]: rounding to bf16 errs by 2^-9 of a value, to int8 by 1/254, both twice per term.
            let bound = |precision| (inputs as f64).sqrt() * match precision {
                Precision::F32 => 2e-6,
                Precision::Bf16 => 1e-2,
                Precision::Int8 => 2.5e-2,
            };
            for isa in Isa::available() {
                for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
                    let layer = Linear::new(&weight, &bias, inputs, outputs, precision, isa);
                    let mut out = vec![f32::NAN; rows * outputs];
                    layer.forward(&x, &mut out, Activation::None, &mut Scratch::default());
                    for (got, want) in out.iter().zip(&expected) {
                        prop_assert!((f64::from(*got) - want).abs() < bound(precision), "{isa:?} {precision:?}: {got} for {want}");
                    }
                }
            }
        }

        #[test]
        fn a_row_does_not_depend_on_its_batch_or_on_threads(rows in 2usize..70, outputs in 1usize..200, seed: u64) {
            const INPUTS: usize = 96;
            let (x, weight) = (random(rows * INPUTS, seed), random(INPUTS * outputs, !seed));
            let compute = crate::Compute::with_threads(3);
            for isa in Isa::available() {
                for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
                    let layer = Linear::new(&weight, &[], INPUTS, outputs, precision, isa);
                    let scratch = &mut Scratch::default();
                    let (mut whole, mut split, mut alone) = (vec![0.0; rows * outputs], vec![0.0; rows * outputs], vec![0.0; outputs]);
                    layer.forward(&x, &mut whole, Activation::Gelu, scratch);
                    layer.forward_with(&mut compute.team(), &x, &mut split, Activation::Gelu, scratch);
                    prop_assert_eq!(&whole, &split);
                    let row = (seed % rows as u64) as usize;
                    layer.forward(&x[row * INPUTS..(row + 1) * INPUTS], &mut alone, Activation::Gelu, scratch);
                    prop_assert_eq!(&whole[row * outputs..(row + 1) * outputs], &alone[..], "{:?} {:?}", isa, precision);
                }
            }
        }
    }

    #[test]
    fn int8_is_equal_bit_for_bit_on_every_instruction_set() {
        let (x, weight, bias) = (random(37 * 130, 1), random(130 * 70, 2), random(70, 3));
        let run = |isa| {
            let mut out = vec![0.0; 37 * 70];
            Linear::new(&weight, &bias, 130, 70, Precision::Int8, isa).forward(
                &x,
                &mut out,
                Activation::None,
                &mut Scratch::default(),
            );
            out
        };
        let portable = run(Isa::portable());
        for isa in Isa::available() {
            assert_eq!(run(isa), portable, "{isa:?}");
        }
        // FNV-1a of the bits, so that processors of other kinds (NEON) are held to the same.
        let bytes = portable.iter().flat_map(|x| x.to_le_bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        assert_eq!(hash, 0x6887_d4c3_de33_7c66);
    }
}
