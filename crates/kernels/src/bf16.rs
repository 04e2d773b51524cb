//! Products of bf16 values, summed in f32.

use crate::Team;
use crate::f32::PackedF32;
use crate::isa::for_each_isa;
use crate::linear::{Input, Scratch, Target};
use crate::{Isa, PANEL};

/// Weights rounded to bf16. Where the processor multiplies bf16, a panel is, for each pair of neighbouring inputs, the
/// two weights of each of 32 outputs; elsewhere the rounded values are kept as f32 panels.
#[derive(PartialEq)]
pub(crate) enum PackedBf16 {
    Native { panels: Vec<u16>, padded: usize, inputs: usize },
    Emulated { weights: PackedF32 },
}

/// Inputs are padded to this many values: one step of AMX.
const STEP: usize = 32;

impl PackedBf16 {
    pub(crate) fn new(weight: &[f32], inputs: usize, outputs: usize, isa: Isa) -> PackedBf16 {
        if !isa.has_bf16() {
            let rounded: Vec<f32> = weight.iter().map(|w| f32::from_bits(u32::from(round(*w)) << 16)).collect();
            return PackedBf16::Emulated { weights: PackedF32::new(&rounded, inputs, outputs) };
        }
        let padded = inputs.next_multiple_of(STEP);
        PackedBf16::Native { panels: panels(weight, inputs, outputs, padded), padded, inputs }
    }

    /// The input rounded to bf16, in the form [`product`](Self::product) reads.
    pub(crate) fn convert<'a>(
        &self,
        isa: Isa,
        x: &[f32],
        rows: usize,
        scratch: &'a mut Scratch,
        team: &mut Team,
    ) -> Input<'a> {
        match self {
            PackedBf16::Emulated { .. } => {
                scratch.values.clear();
                scratch.values.extend(x.iter().map(|v| f32::from_bits(u32::from(round(*v)) << 16)));
                Input::F32(&scratch.values)
            }
            PackedBf16::Native { padded, inputs, .. } => {
                let halves = &mut scratch.halves;
                if inputs < padded {
                    halves.clear(); // or padding would be what an earlier, wider layer left there
                }
                halves.resize(rows.next_multiple_of(32) * padded, 0);
                let piece = team.rows_at_a_time(rows);
                team.each(x.chunks(piece * inputs).zip(halves.chunks_mut(piece * padded)), |(x, halves)| {
                    for (row, target) in x.chunks_exact(*inputs).zip(halves.chunks_exact_mut(*padded)) {
                        round_row(isa, row, target);
                    }
                });
                Input::Bf16(halves)
            }
        }
    }

    pub(crate) fn product(&self, isa: Isa, input: &Input, target: &Target) {
        match (self, input) {
            (PackedBf16::Emulated { weights }, _) => weights.product(isa, input, target),
            #[cfg(target_arch = "x86_64")]
            (PackedBf16::Native { panels, padded, .. }, Input::Bf16(x)) => {
                assert!(
                    x.len() >= target.rows.next_multiple_of(32) * padded
                        && panels.len() >= target.to.div_ceil(PANEL) * PANEL * padded
                );
                for from in (target.from..target.to).step_by(PANEL) {
                    let panel = &panels[from * padded..(from + PANEL) * padded];
                    // SAFETY: packed natively only where the instructions were detected; the assert bounds every access.
                    unsafe {
                        match isa.level() {
                            crate::isa::Level::Amx => x86::panel_amx(x, *padded, panel, target, from),
                            _ => x86::panel_avx512(x, x86::Stretches::rows(*padded), panel, target, from),
                        }
                    }
                }
            }
            _ => unreachable!("native bf16 weights take bf16 input"),
        }
    }
}

/// What native products read: panels of 32 outputs, for each pair of neighbouring inputs the two weights of each output, inputs padded
/// with zeros to the even count `padded`.
pub(crate) fn panels(weight: &[f32], inputs: usize, outputs: usize, padded: usize) -> Vec<u16> {
    let mut panels = vec![0u16; outputs.div_ceil(PANEL) * padded * PANEL];
    for output in 0..outputs {
        let start = (output / PANEL) * padded * PANEL + 2 * (output % PANEL);
        for (i, w) in weight[output * inputs..(output + 1) * inputs].iter().enumerate() {
            panels[start + (i / 2) * 2 * PANEL + i % 2] = round(*w);
        }
    }
    panels
}

/// A row of a convolution's outputs: `target.rows` places, each of which reads three stretches of `3 * place` values, `row` values
/// apart, the first `place` values after its left neighbour's. `panel` is what a native product reads.
///
/// # Panics
/// When `x` is not three rows, or `panel` not theirs, or the processor has no bf16.
pub(crate) fn convolve(isa: Isa, x: &[u16], row: usize, place: usize, panel: &[u16], target: &Target) {
    assert!(x.len() >= 3 * row && (target.rows + 2) * place <= row && place.is_multiple_of(2));
    assert!(panel.len() >= 9 * place * PANEL && target.bias.len() >= target.from + PANEL);
    #[cfg(target_arch = "x86_64")]
    if isa.has_bf16() {
        let rows = x86::Stretches { stride: place, starts: &[0, row, 2 * row], length: 3 * place };
        // SAFETY: `isa` comes from detection; the asserts bound every access.
        return unsafe { x86::panel_avx512(x, rows, panel, target, target.from) };
    }
    unreachable!("native bf16 weights are packed where the instructions are")
}

/// Rounds a row on its way into a native product.
pub(crate) fn round_row(isa: Isa, row: &[f32], target: &mut [u16]) {
    #[cfg(target_arch = "x86_64")]
    if isa.has_bf16() {
        // SAFETY: `isa` comes from detection, so the processor has AVX-512 BF16.
        return unsafe { x86::round_row(row, target) };
    }
    round_row_any(isa, row, target);
}

for_each_isa! { fn round_row_any = round_row_body(row: &[f32], target: &mut [u16]) }

#[inline(always)]
fn round_row_body<const FMA: bool>(row: &[f32], target: &mut [u16]) {
    for (value, half) in row.iter().zip(target) {
        *half = round(*value);
    }
}

/// Round to nearest, ties to even; NaN stays NaN.
#[inline(always)]
pub(crate) fn round(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = (bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16) as u16;
    if x.is_nan() { 0x7fc0 } else { rounded }
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use crate::PANEL;
    use crate::linear::{Target, in_row_blocks};
    use crate::tiles;
    use std::arch::x86_64::*;

    /// # Safety
    /// AMX is available; `x` has whole blocks of 32 rows of `k` values, `k` a multiple of 32, `panel` `k` x 32.
    pub(super) unsafe fn panel_amx(x: &[u16], k: usize, panel: &[u16], target: &Target, from: usize) {
        let width = (target.to - from).min(PANEL);
        let bias = &target.bias[from..from + PANEL];
        // SAFETY: the caller's contract.
        let _tiles = unsafe { tiles::Configured::new() };
        let mut sums = [0f32; 32 * PANEL];
        for row in (0..target.rows).step_by(32) {
            let rows = (target.rows - row).min(32);
            // SAFETY: `x` is padded to 32 rows; `sums` holds 32 rows of 128 bytes.
            unsafe {
                let a = x.as_ptr().add(row * k).cast();
                tiles::block(
                    tiles::Element::Bf16,
                    a,
                    2 * k,
                    rows,
                    panel.as_ptr().cast(),
                    2 * k / tiles::STEP_BYTES,
                    sums.as_mut_ptr().cast(),
                );
            }
            for (r, sums) in sums.chunks_exact(PANEL).enumerate().take(rows) {
                // SAFETY: the target's rows and columns are this call's alone.
                let out = unsafe { target.columns.row(row + r, from, from + width) };
                for ((o, s), b) in out.iter_mut().zip(sums).zip(bias) {
                    *o = *s + *b;
                }
            }
        }
    }

    /// Where a row of the left operand lies: stretches of an even `length` at each of `starts`; the next row, which may overlap,
    /// `stride` values further on.
    #[derive(Clone, Copy)]
    pub(crate) struct Stretches<'a> {
        pub(crate) stride: usize,
        pub(crate) starts: &'a [usize],
        pub(crate) length: usize,
    }

    impl Stretches<'_> {
        /// Rows of `k` values, one after the other.
        pub(crate) fn rows(k: usize) -> Stretches<'static> {
            Stretches { stride: k, starts: &[0], length: k }
        }
    }

    /// # Safety
    /// AVX-512 F and BF16 are there; all stretches of the target's rows lie in `x`, and `panel` has 32 values for each of a row's.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(crate) unsafe fn panel_avx512(x: &[u16], lies: Stretches, panel: &[u16], target: &Target, from: usize) {
        // SAFETY: the caller's contract, for each block's rows.
        unsafe { in_row_blocks!(target.rows, |row| sums(x, row, lies, panel, target, from)) };
    }

    /// As `round`, but that the instruction takes denormal numbers for zero.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub(super) fn round_row(row: &[f32], target: &mut [u16]) {
        let (chunks, rest) = row.as_chunks::<32>();
        let (targets, target_rest) = target.split_at_mut(row.len() - rest.len());
        for (values, target) in chunks.iter().zip(targets.as_chunks_mut::<32>().0) {
            // SAFETY: 32 values are there to be read, and 32 halves, 64 bytes, to be written.
            unsafe {
                let (low, high) = (_mm512_loadu_ps(values.as_ptr()), _mm512_loadu_ps(values.as_ptr().add(16)));
                let halves = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
                _mm512_storeu_si512(target.as_mut_ptr().cast(), halves);
            }
        }
        for (value, half) in rest.iter().zip(target_rest) {
            *half = super::round(if value.is_subnormal() { 0.0 } else { *value });
        }
    }

    /// The same 512 bits under the type that the product takes.
    #[inline(always)]
    fn bf16(bits: __m512i) -> __m512bh {
        // SAFETY: both types are 512 plain bits.
        unsafe { std::mem::transmute::<__m512i, __m512bh>(bits) }
    }

    #[target_feature(enable = "avx512f,avx512bf16")]
    unsafe fn sums<const ROWS: usize>(
        x: &[u16],
        row: usize,
        Stretches { stride, starts, length }: Stretches,
        panel: &[u16],
        target: &Target,
        from: usize,
    ) {
        // SAFETY: the contract of `panel_avx512`.
        unsafe {
            let mut b = panel.as_ptr();
            let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
            for start in starts {
                let a = x.as_ptr().add(row * stride + start);
                let bases: [*const u16; 4] = std::array::from_fn(|i| a.wrapping_add(3 * i * stride));
                for i in (0..length).step_by(2) {
                    let (b0, b1) = (_mm512_loadu_si512(b.cast()), _mm512_loadu_si512(b.add(32).cast()));
                    let (b0, b1) = (bf16(b0), bf16(b1));
                    for r in 0..ROWS {
                        let pair = bases[r / 3].add((r % 3) * stride + i).cast::<i32>().read_unaligned();
                        let x = bf16(_mm512_set1_epi32(pair));
                        sums[r][0] = _mm512_dpbf16_ps(sums[r][0], x, b0);
                        sums[r][1] = _mm512_dpbf16_ps(sums[r][1], x, b1);
                    }
                    b = b.add(64);
                }
            }
            let width = target.to - from;
            let mask = if width >= 32 { u32::MAX } else { (1u32 << width) - 1 };
            let bias = target.bias.as_ptr().add(from);
            let (bias0, bias1) = (_mm512_loadu_ps(bias), _mm512_loadu_ps(bias.add(16)));
            for (r, [s0, s1]) in sums.into_iter().enumerate() {
                let out = target.columns.start.add((row + r) * target.columns.stride + from);
                _mm512_mask_storeu_ps(out, mask as u16, _mm512_add_ps(s0, bias0));
                _mm512_mask_storeu_ps(out.wrapping_add(16), (mask >> 16) as u16, _mm512_add_ps(s1, bias1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::round;

    #[test]
    fn rounding_is_to_nearest_even() {
        let cases = [
            (1.0, 0x3f80),
            (f32::from_bits(0x3f80_8000), 0x3f80),
            (f32::from_bits(0x3f81_8000), 0x3f82),
            (-2.5, 0xc020),
            (0.0, 0),
        ];
        for (value, bits) in cases {
            assert_eq!(round(value), bits, "{value}");
        }
        assert!(f32::from_bits(u32::from(round(f32::NAN)) << 16).is_nan());
    }
}
