//! Products in single precision.

use crate::isa::for_each_isa;
use crate::linear::{Input, Target};
use crate::{Isa, PANEL};

/// Weights as panels of `inputs` x 32: for each input, its weights to 32 neighbouring outputs. Missing outputs are 0.
#[derive(PartialEq)]
pub(crate) struct PackedF32 {
    panels: Vec<f32>,
    inputs: usize,
}

impl PackedF32 {
    pub(crate) fn new(weight: &[f32], inputs: usize, outputs: usize) -> PackedF32 {
        let mut panels = vec![0.0; outputs.div_ceil(PANEL) * inputs * PANEL];
        for output in 0..outputs {
            let start = (output / PANEL) * inputs * PANEL + output % PANEL;
            for (i, w) in weight[output * inputs..(output + 1) * inputs].iter().enumerate() {
                panels[start + i * PANEL] = *w;
            }
        }
        PackedF32 { panels, inputs }
    }

    pub(crate) fn product(&self, isa: Isa, input: &Input, target: &Target) {
        let Input::F32(x) = input else { unreachable!("f32 weights take f32 input") };
        let rows = Rows { values: x, stride: self.inputs };
        product(isa, rows, self.inputs, &self.panels, target);
    }
}

/// The left operand: row `r` is `values[r * stride..][..k]`.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
}

/// Computes `target` as `rows` x `panels` + bias, `k` terms per sum. `panels` starts with the panel of column 0.
pub(crate) fn product(isa: Isa, rows: Rows, k: usize, panels: &[f32], target: &Target) {
    assert!(target.rows == 0 || (target.rows - 1) * rows.stride + k <= rows.values.len());
    assert!(
        target.to.div_ceil(PANEL) * k * PANEL <= panels.len() && target.to.div_ceil(PANEL) * PANEL <= target.bias.len()
    );
    for from in (target.from..target.to).step_by(PANEL) {
        let panel = &panels[from * k..(from + PANEL) * k];
        #[cfg(target_arch = "x86_64")]
        if isa.has(crate::isa::Level::Avx512) {
            // SAFETY: AVX-512 was detected; the asserts above keep every access in bounds.
            unsafe { avx512::panel(rows, panel, target, from) };
            continue;
        }
        panel_any(isa, rows, panel, target, from);
    }
}

for_each_isa! { fn panel_any = panel_body(rows: Rows, panel: &[f32], target: &Target, from: usize) }

/// 6 rows x 16 outputs at a time: 12 of AVX2's 16 registers hold sums.
#[inline(always)]
fn panel_body<const FMA: bool>(rows: Rows, panel: &[f32], target: &Target, from: usize) {
    let k = panel.len() / PANEL;
    let width = (target.to - from).min(PANEL);
    let bias = &target.bias[from..from + PANEL];
    const HALF: usize = PANEL / 2;
    let mut row = 0;
    while row < target.rows {
        let block = (target.rows - row).min(6);
        for half in 0..2usize.min(width.div_ceil(HALF)) {
            let a = &rows.values[row * rows.stride..];
            let sums = match block {
                6 => sums_body::<FMA, 6>(a, rows.stride, k, panel, half * HALF),
                5 => widen(sums_body::<FMA, 5>(a, rows.stride, k, panel, half * HALF)),
                4 => widen(sums_body::<FMA, 4>(a, rows.stride, k, panel, half * HALF)),
                3 => widen(sums_body::<FMA, 3>(a, rows.stride, k, panel, half * HALF)),
                2 => widen(sums_body::<FMA, 2>(a, rows.stride, k, panel, half * HALF)),
                _ => widen(sums_body::<FMA, 1>(a, rows.stride, k, panel, half * HALF)),
            };
            let (start, end) = (half * HALF, width.min((half + 1) * HALF));
            for (r, sums) in sums.iter().enumerate().take(block) {
                // SAFETY: the target's rows and columns are this call's alone.
                let out = unsafe { target.columns.row(row + r, from + start, from + end) };
                for ((t, s), b) in out.iter_mut().zip(sums).zip(&bias[start..end]) {
                    *t = *s + *b;
                }
            }
        }
        row += block;
    }
}

#[inline(always)]
fn widen<const ROWS: usize>(sums: [[f32; 16]; ROWS]) -> [[f32; 16]; 6] {
    let mut all = [[0.0; 16]; 6];
    all[..ROWS].copy_from_slice(&sums);
    all
}

#[inline(always)]
fn sums_body<const FMA: bool, const ROWS: usize>(
    a: &[f32],
    stride: usize,
    k: usize,
    panel: &[f32],
    column: usize,
) -> [[f32; 16]; ROWS] {
    let rows: [&[f32]; ROWS] = std::array::from_fn(|r| &a[r * stride..r * stride + k]);
    let mut sums = [[0.0f32; 16]; ROWS];
    for (i, weights) in panel.as_chunks::<PANEL>().0.iter().enumerate().take(k) {
        for r in 0..ROWS {
            let x = rows[r][i];
            for c in 0..16 {
                let w = weights[column + c];
                sums[r][c] = if FMA { x.mul_add(w, sums[r][c]) } else { x * w + sums[r][c] };
            }
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::Rows;
    use crate::PANEL;
    use crate::linear::{Target, in_row_blocks};
    use std::arch::x86_64::*;

    /// 12 rows x 32 outputs at a time: 24 of 32 registers hold sums.
    ///
    /// # Safety
    /// AVX-512 F is there; `rows` has the target's rows of `k` values, `panel` is `k` x 32, the target's bias reaches to
    /// `from + 32`.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn panel(rows: Rows, panel: &[f32], target: &Target, from: usize) {
        // SAFETY: the caller's contract, for each block's rows.
        unsafe {
            if target.to - from > PANEL / 2 {
                in_row_blocks!(target.rows, |row| whole(rows, row, panel, target, from))
            } else {
                in_row_blocks!(target.rows, |row| half(rows, row, panel, target, from))
            }
        };
    }

    #[target_feature(enable = "avx512f")]
    unsafe fn whole<const ROWS: usize>(rows: Rows, row: usize, panel: &[f32], target: &Target, from: usize) {
        // SAFETY: the contract of `panel`.
        unsafe { sums::<ROWS, 2>(rows, row, panel, target, from) };
    }

    /// Of a panel whose second half is padding.
    #[target_feature(enable = "avx512f")]
    unsafe fn half<const ROWS: usize>(rows: Rows, row: usize, panel: &[f32], target: &Target, from: usize) {
        // SAFETY: the contract of `panel`.
        unsafe { sums::<ROWS, 1>(rows, row, panel, target, from) };
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn sums<const ROWS: usize, const REGISTERS: usize>(
        rows: Rows,
        row: usize,
        panel: &[f32],
        target: &Target,
        from: usize,
    ) {
        let (k, width) = (panel.len() / PANEL, target.to - from);
        let stride = rows.stride;
        // SAFETY: the contract of `panel`.
        unsafe {
            let a = rows.values.as_ptr().add(row * stride);
            // One base for three rows: 12 row addresses would not fit the general registers.
            let bases: [*const f32; 4] = std::array::from_fn(|i| a.wrapping_add(3 * i * stride));
            let mut b = panel.as_ptr();
            // While the last rows pass over this panel, the next one comes from memory: it lies behind. Otherwise the first
            // rows would wait for it (queries of 8 and 16 tokens take a sixth less time for it, 128 tokens a tenth).
            let ahead = if row + ROWS >= target.rows { panel.len() } else { 0 };
            let mut sums = [[_mm512_setzero_ps(); REGISTERS]; ROWS];
            for i in 0..k {
                // A prefetch of what is not there does nothing.
                _mm_prefetch::<_MM_HINT_T1>(b.wrapping_add(ahead).cast());
                _mm_prefetch::<_MM_HINT_T1>(b.wrapping_add(ahead + 16).cast());
                let weights: [__m512; REGISTERS] = std::array::from_fn(|half| _mm512_loadu_ps(b.add(16 * half)));
                for r in 0..ROWS {
                    let x = _mm512_set1_ps(*bases[r / 3].add((r % 3) * stride + i));
                    for half in 0..REGISTERS {
                        sums[r][half] = _mm512_fmadd_ps(x, weights[half], sums[r][half]);
                    }
                }
                b = b.add(32);
            }
            let mask = if width >= 32 { u32::MAX } else { (1u32 << width) - 1 };
            let bias = target.bias.as_ptr().add(from);
            for (r, sums) in sums.into_iter().enumerate() {
                let out = target.columns.start.add((row + r) * target.columns.stride + from);
                for (half, sum) in sums.into_iter().enumerate() {
                    let sum = _mm512_add_ps(sum, _mm512_loadu_ps(bias.add(16 * half)));
                    _mm512_mask_storeu_ps(out.wrapping_add(16 * half), (mask >> (16 * half)) as u16, sum);
                }
            }
        }
    }
}
