//! Products of 8-bit integers, summed exactly in 32 bits: the same result on every instruction set.
//!
//! Weights: symmetric, one scale per output. Activations: symmetric, one scale per row, computed as they come
//! ("dynamic quantization"), and shifted by 128 because the instructions multiply unsigned by signed; the shift is
//! taken out again with each output's sum of weights.

use crate::Team;
use crate::isa::for_each_isa;
use crate::linear::{Columns, Input, Scratch, Target};
use crate::{Isa, PANEL};

/// Panels hold, for each four neighbouring inputs, the four weights of each of 32 outputs.
#[derive(PartialEq)]
pub(crate) struct PackedInt8 {
    panels: Vec<i8>,
    /// Real value of one weight unit, per output, padded to whole panels.
    scales: Vec<f32>,
    /// 128 times the sum of an output's weights.
    shifts: Vec<i32>,
    inputs: usize,
    padded: usize,
}

/// Inputs are padded to this many values: one step of AMX.
const STEP: usize = 64;

impl PackedInt8 {
    pub(crate) fn new(weight: &[f32], inputs: usize, outputs: usize) -> PackedInt8 {
        let padded = inputs.next_multiple_of(STEP);
        let padded_outputs = outputs.next_multiple_of(PANEL);
        let mut panels = vec![0i8; padded_outputs * padded];
        let (mut scales, mut shifts) = (vec![0.0; padded_outputs], vec![0; padded_outputs]);
        for output in 0..outputs {
            let row = &weight[output * inputs..(output + 1) * inputs];
            let scale = row.iter().fold(0f32, |m, w| m.max(w.abs())) / 127.0;
            let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            let start = (output / PANEL) * padded * PANEL + 4 * (output % PANEL);
            for (i, w) in row.iter().enumerate() {
                let q = (w * inverse).round_ties_even() as i8;
                panels[start + (i / 4) * 4 * PANEL + i % 4] = q;
                shifts[output] += 128 * i32::from(q);
            }
            scales[output] = scale;
        }
        PackedInt8 { panels, scales, shifts, inputs, padded }
    }

    /// Vectors that are bytes already: `byte - 128` times the vector's scale.
    pub(crate) fn of_bytes(vectors: &[u8], scales: &[f32], inputs: usize) -> PackedInt8 {
        let padded = inputs.next_multiple_of(STEP);
        let padded_outputs = scales.len().next_multiple_of(PANEL);
        let mut panels = vec![0i8; padded_outputs * padded];
        let mut shifts = vec![0; padded_outputs];
        for (output, shift) in shifts.iter_mut().enumerate().take(scales.len()) {
            let start = (output / PANEL) * padded * PANEL + 4 * (output % PANEL);
            for (i, byte) in vectors[output * inputs..(output + 1) * inputs].iter().enumerate() {
                let q = byte.wrapping_sub(128) as i8;
                panels[start + (i / 4) * 4 * PANEL + i % 4] = q;
                *shift += 128 * i32::from(q);
            }
        }
        let mut scales = scales.to_vec();
        scales.resize(padded_outputs, 0.0);
        PackedInt8 { panels, scales, shifts, inputs, padded }
    }

    /// Bytes per row of [`product`](Self::product)'s input.
    pub(crate) fn padded(&self) -> usize {
        self.padded
    }

    pub(crate) fn quantize<'a>(
        &self,
        isa: Isa,
        x: &[f32],
        rows: usize,
        scratch: &'a mut Scratch,
        team: &mut Team,
    ) -> Input<'a> {
        let Scratch { bytes, scales, .. } = scratch;
        if self.inputs < self.padded {
            bytes.clear(); // or padding would be what an earlier, wider layer left there
        }
        bytes.resize(rows.next_multiple_of(32) * self.padded, 128);
        scales.resize(rows, 0.0);
        let piece = team.rows_at_a_time(rows);
        let targets = bytes.chunks_mut(piece * self.padded).zip(scales.chunks_mut(piece));
        team.each(x.chunks(piece * self.inputs).zip(targets), |(x, (bytes, scales))| {
            let rows = x.chunks_exact(self.inputs).zip(bytes.chunks_exact_mut(self.padded));
            for ((row, target), scale) in rows.zip(scales) {
                *scale = quantize_row(isa, row, target);
            }
        });
        Input::Int8(bytes, scales)
    }

    pub(crate) fn product(&self, isa: Isa, input: &Input, target: &Target) {
        let Input::Int8(x, row_scales) = input else { unreachable!("int8 weights take int8 input") };
        let k = self.padded;
        assert!(
            x.len() >= target.rows.next_multiple_of(32) * k
                && self.panels.len() >= target.to.div_ceil(PANEL) * PANEL * k
        );
        for from in (target.from..target.to).step_by(PANEL) {
            let panel = &self.panels[from * k..(from + PANEL) * k];
            let end = from + PANEL;
            let epilogue = Epilogue {
                row_scales,
                scales: &self.scales[from..end],
                shifts: &self.shifts[from..end],
                bias: &target.bias[from..end],
                out: target.columns,
                from,
                width: (target.to - from).min(PANEL),
            };
            let mut sums = [0i32; 32 * PANEL];
            #[cfg(target_arch = "x86_64")]
            // SAFETY: AMX was detected, so the tiles may be configured; dropped at the end of the iteration.
            let _tiles = (isa.level() == crate::isa::Level::Amx).then(|| unsafe { crate::tiles::Configured::new() });
            for row in (0..target.rows).step_by(32) {
                let rows = (target.rows - row).min(32);
                let a = &x[row * k..(row + 32) * k];
                match isa.level() {
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: `a` is 32 whole rows; `sums` holds 32 rows of 128 bytes; the tiles are configured.
                    crate::isa::Level::Amx => unsafe {
                        use crate::tiles::{Element, STEP_BYTES, block};
                        block(
                            Element::Int8,
                            a.as_ptr(),
                            k,
                            rows,
                            panel.as_ptr().cast(),
                            k / STEP_BYTES,
                            sums.as_mut_ptr().cast(),
                        );
                    },
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: VNNI was detected; slices as above.
                    crate::isa::Level::Avx512Vnni | crate::isa::Level::Avx512Bf16 => unsafe {
                        vnni::sums(a, k, rows, panel, &mut sums)
                    },
                    _ => sums_any(isa, a, k, rows, panel, &mut sums),
                }
                finish(isa, &sums, row, rows, &epilogue);
            }
        }
    }
}

/// What turns integer sums into outputs: `(sum - shift) * row scale * output scale + bias`.
struct Epilogue<'a> {
    row_scales: &'a [f32],
    scales: &'a [f32],
    shifts: &'a [i32],
    bias: &'a [f32],
    out: Columns,
    from: usize,
    width: usize,
}

for_each_isa! { fn finish = finish_body(sums: &[i32; 32 * PANEL], row: usize, rows: usize, epilogue: &Epilogue) }

#[inline(always)]
fn finish_body<const FMA: bool>(sums: &[i32; 32 * PANEL], row: usize, rows: usize, epilogue: &Epilogue) {
    let Epilogue { row_scales, scales, shifts, bias, out, from, width } = epilogue;
    for (r, sums) in sums.chunks_exact(PANEL).enumerate().take(rows) {
        let row_scale = row_scales[row + r];
        // SAFETY: the target's rows and columns are this call's alone.
        let target = unsafe { out.row(row + r, *from, from + width) };
        for ((((o, s), shift), scale), b) in target.iter_mut().zip(sums).zip(*shifts).zip(*scales).zip(*bias) {
            // No fused multiply-add: it would round differently from one instruction set to the next.
            *o = (s - shift) as f32 * (row_scale * scale) + b;
        }
    }
}

for_each_isa! { fn quantize_row = quantize_row_body(row: &[f32], target: &mut [u8]) -> f32 }

#[inline(always)]
fn quantize_row_body<const FMA: bool>(row: &[f32], target: &mut [u8]) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23: adding it rounds to an integer, ties to even
    let (chunks, rest) = row.as_chunks::<16>();
    let mut lanes = [0f32; 16];
    for chunk in chunks {
        for i in 0..16 {
            let x = chunk[i].abs();
            lanes[i] = if x > lanes[i] { x } else { lanes[i] };
        }
    }
    let largest = lanes.iter().copied().chain(rest.iter().map(|x| x.abs())).fold(0f32, f32::max);
    let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
    for (t, x) in target.iter_mut().zip(row) {
        *t = ((x * inverse + ROUND).to_bits().wrapping_add(128) & 0xff) as u8;
    }
    largest / 127.0
}

for_each_isa! { fn sums_any = sums_body(a: &[u8], k: usize, rows: usize, panel: &[i8], sums: &mut [i32; 32 * PANEL]) }

#[inline(always)]
fn sums_body<const FMA: bool>(a: &[u8], k: usize, rows: usize, panel: &[i8], sums: &mut [i32; 32 * PANEL]) {
    for (row, sums) in a.chunks_exact(k).zip(sums.as_chunks_mut::<PANEL>().0).take(rows) {
        let mut totals = [0i32; PANEL];
        for (x, weights) in row.as_chunks::<4>().0.iter().zip(panel.as_chunks::<{ 4 * PANEL }>().0) {
            for c in 0..PANEL {
                // Pairs in 16 bits times 16 bits, summed in 32: `vpmaddwd`.
                let w = &weights[4 * c..4 * c + 4];
                totals[c] += i32::from(x[0]) * i32::from(w[0]) + i32::from(x[1]) * i32::from(w[1]);
                totals[c] += i32::from(x[2]) * i32::from(w[2]) + i32::from(x[3]) * i32::from(w[3]);
            }
        }
        *sums = totals;
    }
}

#[cfg(target_arch = "x86_64")]
mod vnni {
    use crate::PANEL;
    use crate::linear::in_row_blocks;
    use std::arch::x86_64::*;

    /// # Safety
    /// AVX-512 F and VNNI are there; `a` has `rows` rows of `k` bytes, `k` a multiple of 4, `panel` `k` x 32.
    #[target_feature(enable = "avx512f,avx512vnni")]
    pub(super) unsafe fn sums(a: &[u8], k: usize, rows: usize, panel: &[i8], sums: &mut [i32; 32 * PANEL]) {
        // SAFETY: the caller's contract, for each block's rows.
        unsafe { in_row_blocks!(rows, |row| block(&a[row * k..], k, panel, &mut sums[row * PANEL..])) };
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    unsafe fn block<const ROWS: usize>(a: &[u8], k: usize, panel: &[i8], out: &mut [i32]) {
        // SAFETY: the contract of `sums`.
        unsafe {
            let bases: [*const u8; 4] = std::array::from_fn(|i| a.as_ptr().wrapping_add(3 * i * k));
            let mut b = panel.as_ptr();
            let mut sums = [[_mm512_setzero_si512(); 2]; ROWS];
            for i in (0..k).step_by(4) {
                let (b0, b1) = (_mm512_loadu_si512(b.cast()), _mm512_loadu_si512(b.add(64).cast()));
                for r in 0..ROWS {
                    let four = bases[r / 3].add((r % 3) * k + i).cast::<i32>().read_unaligned();
                    let x = _mm512_set1_epi32(four);
                    sums[r][0] = _mm512_dpbusd_epi32(sums[r][0], x, b0);
                    sums[r][1] = _mm512_dpbusd_epi32(sums[r][1], x, b1);
                }
                b = b.add(128);
            }
            for (r, [s0, s1]) in sums.into_iter().enumerate() {
                _mm512_storeu_si512(out.as_mut_ptr().add(r * PANEL).cast(), s0);
                _mm512_storeu_si512(out.as_mut_ptr().add(r * PANEL + 16).cast(), s1);
            }
        }
    }
}
