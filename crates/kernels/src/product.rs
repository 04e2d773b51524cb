//! General matrix products, for training: `C = A B` where both operands change from call to call and either may lie
//! transposed in memory.
//!
//! A linear layer `Y = X W^T` needs three: `Y` itself, `dX = dY W` and `dW = dY^T X`. Operands are packed into the order
//! the kernels read and keep their memory, so that a training loop allocates nothing here in a steady state.
//!
//! ```
//! use vetted_kernels::{Arithmetic, Isa, Left, Lies, Right, Write, product};
//!
//! let (isa, arithmetic) = (Isa::detect(), Arithmetic::F32);
//! let a = [1.0, 2.0, 3.0, 4.0]; // 2 x 2
//! let b = [5.0, 6.0, 7.0, 8.0];
//! let (mut left, mut right, mut c) = (Left::default(), Right::default(), [0.0; 4]);
//! left.pack(isa, arithmetic, &a, 2, 2, Lies::AsIs);
//! right.pack(isa, arithmetic, &b, 2, 2, Lies::Transposed);
//! product(isa, &left, &right, Write::Set { bias: &[] }, &mut c);
//! assert_eq!(c, [17.0, 23.0, 39.0, 53.0]); // a times b transposed
//! ```

use crate::f32::{Rows, product as product_f32};
use crate::linear::{Columns, Target};
use crate::{Isa, PANEL};

/// In what the terms of a product are multiplied. Sums are f32 always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Arithmetic {
    /// Single precision.
    #[default]
    F32,
    /// Operands rounded to bf16, to nearest even.
    Bf16,
}

/// How an operand lies in memory, row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lies {
    /// As the product is written: `A` as rows x terms, `B` as terms x columns.
    AsIs,
    /// The other way round: `A` as terms x rows, `B` as columns x terms.
    Transposed,
}

/// What becomes of the output's old values.
#[derive(Clone, Copy, Debug)]
pub enum Write<'a> {
    /// Overwritten by product + `bias` (one value per column, or none).
    Set {
        /// Added to every row; empty for none.
        bias: &'a [f32],
    },
    /// The product is added to them.
    Add,
}

/// A packed left operand.
#[derive(Clone, Debug, Default)]
pub struct Left {
    rows: usize,
    terms: usize,
    values: Values,
}

/// A packed right operand.
#[derive(Clone, Debug, Default)]
pub struct Right {
    terms: usize,
    columns: usize,
    values: Values,
}

/// Native operands hold pairs of bf16 terms in a word, the first in the low half, terms padded to [`STEP`] with zeros.
/// `Left`: row after row, padded to whole blocks of 32. `Right`: panels of 32 columns.
#[derive(Clone, Debug, Default)]
struct Values {
    native: bool,
    floats: Vec<f32>,
    pairs: Vec<Line>,
}

/// 16 pairs, where a cache line is: tile rows that cross lines take twice as long to load.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Line([u32; LINE]);

const LINE: usize = 16;

/// Terms of one step of AMX.
const STEP: usize = 32;

/// Rows whose sums are computed before they are written: a multiple of both kernels' blocks.
#[cfg(target_arch = "x86_64")]
const BLOCK: usize = 48;
#[cfg(not(target_arch = "x86_64"))]
const BLOCK: usize = 6;

impl Left {
    /// Packs `values`, `rows` x `terms` once it lies as the product is written.
    ///
    /// # Panics
    /// When there are not `rows * terms` values.
    pub fn pack(&mut self, isa: Isa, arithmetic: Arithmetic, values: &[f32], rows: usize, terms: usize, lies: Lies) {
        assert_eq!(values.len(), rows * terms, "left operand is not {rows} x {terms}");
        (self.rows, self.terms) = (rows, terms);
        self.values.native = native(isa, arithmetic);
        #[cfg(target_arch = "x86_64")]
        if self.values.native {
            let pairs = terms.next_multiple_of(STEP) / 2;
            self.values.pairs.resize(rows.next_multiple_of(32) * pairs / LINE, Line::default());
            // SAFETY: native operands need AVX-512 BF16, which was detected; the shapes were just made to fit.
            unsafe { x86::pack_left(values, rows, terms, lies, &mut self.values.pairs) };
            return;
        }
        let floats = &mut self.values.floats;
        floats.clear();
        match lies {
            Lies::AsIs => floats.extend_from_slice(values),
            Lies::Transposed => {
                for row in 0..rows {
                    floats.extend(values.iter().skip(row).step_by(rows.max(1)));
                }
            }
        }
        round_if(arithmetic, floats);
    }

    /// Rows of the product.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

impl Right {
    /// Packs `values`, `terms` x `columns` once it lies as the product is written.
    ///
    /// # Panics
    /// When there are not `terms * columns` values.
    pub fn pack(&mut self, isa: Isa, arithmetic: Arithmetic, values: &[f32], terms: usize, columns: usize, lies: Lies) {
        assert_eq!(values.len(), terms * columns, "right operand is not {terms} x {columns}");
        (self.terms, self.columns) = (terms, columns);
        self.values.native = native(isa, arithmetic);
        #[cfg(target_arch = "x86_64")]
        if self.values.native {
            let pairs = terms.next_multiple_of(STEP) / 2;
            self.values.pairs.resize(columns.next_multiple_of(PANEL) * pairs / LINE, Line::default());
            // SAFETY: as for the left operand.
            unsafe { x86::pack_right(values, terms, columns, lies, &mut self.values.pairs) };
            return;
        }
        let floats = &mut self.values.floats;
        floats.clear();
        floats.resize(columns.next_multiple_of(PANEL) * terms, 0.0);
        for (panel, first) in floats.chunks_exact_mut((terms * PANEL).max(1)).zip((0..columns).step_by(PANEL)) {
            let width = (columns - first).min(PANEL);
            match lies {
                Lies::AsIs => {
                    for (term, target) in panel.chunks_exact_mut(PANEL).enumerate() {
                        target[..width].copy_from_slice(&values[term * columns + first..][..width]);
                    }
                }
                Lies::Transposed => {
                    for column in 0..width {
                        let row = &values[(first + column) * terms..][..terms];
                        panel.iter_mut().skip(column).step_by(PANEL).zip(row).for_each(|(target, v)| *target = *v);
                    }
                }
            }
        }
        round_if(arithmetic, floats);
    }

    /// Columns of the product.
    pub fn columns(&self) -> usize {
        self.columns
    }
}

/// Computes `left` x `right` into `out`, rows x columns, on the calling thread. Every element is one sum over the terms
/// in one order: the same whatever the other rows and columns are.
///
/// # Panics
/// When the operands differ in terms or in arithmetic, or the output or the bias has another shape.
pub fn product(isa: Isa, left: &Left, right: &Right, write: Write, out: &mut [f32]) {
    assert_eq!(left.terms, right.terms, "operands differ in terms");
    assert_eq!(left.values.native, right.values.native, "operands differ in arithmetic");
    assert_eq!(out.len(), left.rows * right.columns, "output is not {} x {}", left.rows, right.columns);
    if let Write::Set { bias } = write {
        assert!(bias.is_empty() || bias.len() == right.columns, "bias is not {} values", right.columns);
    }
    #[cfg(target_arch = "x86_64")]
    if left.values.native {
        // SAFETY: packed natively, so AVX-512 BF16 was detected, and AMX where `isa` says so; packing made the shapes fit.
        unsafe {
            match isa.level() {
                crate::isa::Level::Amx => x86::product_amx(left, right, write, out),
                _ => x86::product_avx512(left, right, write, out),
            }
        }
        return;
    }
    let terms = left.terms;
    let zeros = [0.0; PANEL];
    let mut sums = [0.0; BLOCK * PANEL];
    for (index, from) in (0..right.columns).step_by(PANEL).enumerate() {
        let panel = &right.values.floats[index * terms * PANEL..][..terms * PANEL];
        let width = (right.columns - from).min(PANEL);
        for row in (0..left.rows).step_by(BLOCK) {
            let rows = (left.rows - row).min(BLOCK);
            let columns = Columns { start: sums.as_mut_ptr(), stride: PANEL };
            let target = Target { columns, rows, from: 0, to: width, bias: &zeros };
            product_f32(isa, Rows { values: &left.values.floats[row * terms..], stride: terms }, terms, panel, &target);
            write_block(&sums, rows, write, out, right.columns, row, from, width);
        }
    }
}

/// Sums of `rows` x 32 to their place in the output.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn write_block(
    sums: &[f32],
    rows: usize,
    write: Write,
    out: &mut [f32],
    columns: usize,
    row: usize,
    from: usize,
    width: usize,
) {
    let (sums, _) = sums.as_chunks::<PANEL>();
    for (r, sums) in sums.iter().enumerate().take(rows) {
        let target = &mut out[(row + r) * columns + from..][..width];
        let bias = if let Write::Set { bias } = write { bias.get(from..from + width) } else { None };
        for (c, (target, sum)) in target.iter_mut().zip(sums).enumerate() {
            match write {
                Write::Add => *target += *sum,
                Write::Set { .. } => *target = *sum + bias.map_or(0.0, |bias| bias[c]),
            }
        }
    }
}

fn native(isa: Isa, arithmetic: Arithmetic) -> bool {
    arithmetic == Arithmetic::Bf16 && isa.has_bf16()
}

fn round_if(arithmetic: Arithmetic, values: &mut [f32]) {
    if arithmetic == Arithmetic::Bf16 {
        values.iter_mut().for_each(|v| *v = f32::from_bits(u32::from(crate::bf16::round(*v)) << 16));
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{BLOCK, LINE, Left, Lies, Line, Right, STEP, Write, write_block};
    use crate::linear::{Columns, Target};
    use crate::{PANEL, bf16, tiles};
    use std::arch::x86_64::*;

    /// Terms of a panel that stay in the first-level cache (24 KB of 48, and as much for the rows) while rows pass over them.
    const TERMS_AT_A_TIME: usize = 384;

    /// Bytes of left rows that stay in the second-level cache while panels pass over them.
    const ROWS_BYTES: usize = 768 << 10;

    /// # Safety
    /// AMX is available and the operands were packed natively.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    pub(super) unsafe fn product_amx(left: &Left, right: &Right, write: Write, out: &mut [f32]) {
        let terms = left.terms.next_multiple_of(STEP);
        let (rows, columns) = (left.rows, right.columns);
        assert!(left.values.pairs.len() >= rows.next_multiple_of(32) * terms / 2 / LINE);
        assert!(right.values.pairs.len() >= columns.next_multiple_of(PANEL) * terms / 2 / LINE);
        if terms == 0 {
            return write_zeros(write, out, columns);
        }
        let together = (ROWS_BYTES / (2 * terms)).max(32) / 32 * 32;
        // SAFETY: AMX is available.
        let _tiles = unsafe { tiles::Configured::new() };
        let mut sums = [0f32; 32 * PANEL];
        for first in (0..rows).step_by(together) {
            let last = (first + together).min(rows);
            for from in (0..columns).step_by(PANEL) {
                let width = (columns - from).min(PANEL);
                for term in (0..terms).step_by(TERMS_AT_A_TIME) {
                    let count = (terms - term).min(TERMS_AT_A_TIME);
                    let write = if term == 0 { write } else { Write::Add };
                    for row in (first..last).step_by(32) {
                        let block = (last - row).min(32);
                        let a = left.values.pairs.as_ptr().wrapping_add((row * terms + term) / 2 / LINE).cast();
                        let panel =
                            right.values.pairs.as_ptr().wrapping_add((from * terms + term * PANEL) / 2 / LINE).cast();
                        let steps = count / STEP;
                        if (block, width) == (32, PANEL) {
                            let c = &mut out[row * columns + from..(row + 31) * columns + from + PANEL];
                            if let Write::Set { bias: bias @ [_, ..] } = write {
                                let bias = &bias[from..from + PANEL];
                                c.chunks_mut(columns).for_each(|row| row[..PANEL].copy_from_slice(bias));
                            }
                            let add = !matches!(write, Write::Set { bias: [] });
                            let c = c.as_mut_ptr().cast();
                            // SAFETY: rows are padded to 32, terms to 32, columns to 32; the asserts hold the lengths. `c`
                            // has 32 rows of 32 columns.
                            unsafe { tiles::block_in_place(a, 2 * terms, panel, steps, c, 4 * columns, add) };
                            continue;
                        }
                        let c = sums.as_mut_ptr().cast();
                        // SAFETY: as above; `sums` has 32 rows of 128 bytes.
                        unsafe { tiles::block(tiles::Element::Bf16, a, 2 * terms, block, panel, steps, c) };
                        write_block(&sums, block, write, out, columns, row, from, width);
                    }
                }
            }
        }
    }

    /// # Safety
    /// AVX-512 BF16 is available and the operands were packed natively.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    pub(super) unsafe fn product_avx512(left: &Left, right: &Right, write: Write, out: &mut [f32]) {
        let terms = left.terms.next_multiple_of(STEP);
        let (rows, columns) = (left.rows, right.columns);
        let zeros = [0.0; PANEL];
        let mut sums = [0f32; BLOCK * PANEL];
        for from in (0..columns).step_by(PANEL) {
            let width = (columns - from).min(PANEL);
            let panel = halves(&right.values.pairs[from * terms / 2 / LINE..][..PANEL * terms / 2 / LINE]);
            for row in (0..rows).step_by(BLOCK) {
                let block = (rows - row).min(BLOCK);
                let x = halves(&left.values.pairs[row * terms / 2 / LINE..]);
                let target_columns = Columns { start: sums.as_mut_ptr(), stride: PANEL };
                let target = Target { columns: target_columns, rows: block, from: 0, to: PANEL, bias: &zeros };
                // SAFETY: the features are there; `x` has `block` rows of `terms` values and `panel` 32 columns of them.
                unsafe { bf16::x86::panel_avx512(x, bf16::x86::Stretches::rows(terms), panel, &target, 0) };
                write_block(&sums, block, write, out, columns, row, from, width);
            }
        }
    }

    fn write_zeros(write: Write, out: &mut [f32], columns: usize) {
        if let Write::Set { bias } = write {
            out.fill(0.0);
            out.chunks_exact_mut(columns.max(1))
                .filter(|row| row.len() == bias.len())
                .for_each(|r| r.copy_from_slice(bias));
        }
    }

    fn halves(lines: &[Line]) -> &[u16] {
        // SAFETY: a line is 32 values of two bytes, less strictly aligned; x86 is little-endian as the pairs are.
        unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), 2 * LINE * lines.len()) }
    }

    /// # Safety
    /// AVX-512 BF16 is available; `lines` hold `rows` padded to 32 x `terms / 2` padded to 16 pairs.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    pub(super) unsafe fn pack_left(values: &[f32], rows: usize, terms: usize, lies: Lies, lines: &mut [Line]) {
        let stride = terms.next_multiple_of(STEP) / 2 / LINE;
        if lies == Lies::AsIs {
            for (row, lines) in lines.chunks_exact_mut(stride.max(1)).enumerate() {
                for (step, line) in lines.iter_mut().enumerate() {
                    store(pairs_of_row(values, rows, terms, row, STEP * step), line);
                }
            }
            return;
        }
        for row in (0..rows.next_multiple_of(32)).step_by(16) {
            for step in 0..stride {
                let block = transpose(pairs_of_columns(values, terms, rows, STEP * step, row));
                for (i, vector) in block.into_iter().enumerate() {
                    store(vector, &mut lines[(row + i) * stride + step]);
                }
            }
        }
    }

    /// # Safety
    /// AVX-512 BF16 is available; `lines` hold `columns` padded to 32 x `terms / 2` padded to 16 pairs.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    pub(super) unsafe fn pack_right(values: &[f32], terms: usize, columns: usize, lies: Lies, lines: &mut [Line]) {
        let count = terms.next_multiple_of(STEP) / 2;
        for pair in (0..count).step_by(16) {
            for column in (0..columns.next_multiple_of(PANEL)).step_by(16) {
                let block = match lies {
                    Lies::AsIs => pairs_of_columns(values, terms, columns, 2 * pair, column),
                    Lies::Transposed => transpose(pairs_of_rows(values, columns, terms, column, 2 * pair)),
                };
                let start = (column / PANEL) * count * 2 + column % PANEL / LINE;
                for (i, vector) in block.into_iter().enumerate() {
                    store(vector, &mut lines[start + 2 * (pair + i)]);
                }
            }
        }
    }

    #[target_feature(enable = "avx512f")]
    fn store(vector: __m512i, line: &mut Line) {
        // SAFETY: a line is 16 words.
        unsafe { _mm512_storeu_si512(line.0.as_mut_ptr().cast(), vector) };
    }

    /// 16 values of a row, zeros beyond its end.
    #[target_feature(enable = "avx512f")]
    fn load(values: &[f32], rows: usize, width: usize, row: usize, from: usize) -> __m512 {
        if row >= rows || from >= width {
            return _mm512_setzero_ps();
        }
        let part = &values[row * width + from..][..(width - from).min(16)];
        let mask = u16::MAX >> (16 - part.len());
        // SAFETY: the mask covers what `part` has.
        unsafe { _mm512_maskz_loadu_ps(mask, part.as_ptr()) }
    }

    /// 16 pairs of neighbours in a row.
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn pairs_of_row(values: &[f32], rows: usize, width: usize, row: usize, from: usize) -> __m512i {
        let (low, high) = (load(values, rows, width, row, from), load(values, rows, width, row, from + 16));
        // SAFETY: both types are 512 plain bits.
        unsafe { std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low)) }
    }

    /// The same of 16 rows.
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn pairs_of_rows(values: &[f32], rows: usize, width: usize, row: usize, from: usize) -> [__m512i; 16] {
        let mut block = [_mm512_setzero_si512(); 16];
        for (i, vector) in block.iter_mut().enumerate() {
            *vector = pairs_of_row(values, rows, width, row + i, from);
        }
        block
    }

    /// For each of 16 pairs of neighbouring rows, the pairs in 16 columns.
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn pairs_of_columns(values: &[f32], rows: usize, width: usize, row: usize, from: usize) -> [__m512i; 16] {
        let mut block = [_mm512_setzero_si512(); 16];
        for (i, vector) in block.iter_mut().enumerate() {
            let half = |row| {
                let rounded = _mm512_cvtneps_pbh(load(values, rows, width, row, from));
                // SAFETY: both types are 256 plain bits.
                _mm512_cvtepu16_epi32(unsafe { std::mem::transmute::<__m256bh, __m256i>(rounded) })
            };
            let (low, high) = (half(row + 2 * i), half(row + 2 * i + 1));
            *vector = _mm512_or_si512(low, _mm512_slli_epi32::<16>(high));
        }
        block
    }

    /// 16 x 16 words the other way round.
    #[target_feature(enable = "avx512f")]
    fn transpose(r: [__m512i; 16]) -> [__m512i; 16] {
        let mut t = r;
        for i in 0..8 {
            t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
            t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
        }
        let mut u = t;
        for i in 0..4 {
            u[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
            u[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
            u[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
            u[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
        }
        // Now u[4g + c] holds, in its 128-bit lane l, column 4l + c of rows 4g..4g + 4.
        let mut out = u;
        for c in 0..4 {
            let even01 = _mm512_shuffle_i32x4::<0x88>(u[c], u[4 + c]);
            let odd01 = _mm512_shuffle_i32x4::<0xdd>(u[c], u[4 + c]);
            let even23 = _mm512_shuffle_i32x4::<0x88>(u[8 + c], u[12 + c]);
            let odd23 = _mm512_shuffle_i32x4::<0xdd>(u[8 + c], u[12 + c]);
            out[c] = _mm512_shuffle_i32x4::<0x88>(even01, even23);
            out[4 + c] = _mm512_shuffle_i32x4::<0x88>(odd01, odd23);
            out[8 + c] = _mm512_shuffle_i32x4::<0xdd>(even01, even23);
            out[12 + c] = _mm512_shuffle_i32x4::<0xdd>(odd01, odd23);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(n: usize, seed: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 + seed) as f32 * 12.9898).sin()).collect()
    }

    fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
        (0..columns).flat_map(|c| (0..rows).map(move |r| values[r * columns + c])).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn agrees_with_the_definition_however_operands_lie(
            rows in 0usize..100, terms in 0usize..600, columns in 1usize..80, seed in 0usize..99, add: bool, biased: bool,
        ) {
            let (a, b) = (values(rows * terms, seed), values(terms * columns, seed + 1));
            let bias = values(if biased { columns } else { 0 }, seed + 2);
            let before = values(rows * columns, seed + 3);
            let round = |x: f32, arithmetic| match arithmetic {
                Arithmetic::F32 => f64::from(x),
                Arithmetic::Bf16 => f64::from(f32::from_bits(u32::from(crate::bf16::round(x)) << 16)),
            };
            for isa in Isa::available() {
                for arithmetic in [Arithmetic::F32, Arithmetic::Bf16] {
                    for lies in [Lies::AsIs, Lies::Transposed] {
                        let (mut left, mut right) = (Left::default(), Right::default());
                        // What an earlier, larger operand left behind must not be seen.
                        left.pack(isa, arithmetic, &values(130 * 70, 5), 130, 70, Lies::AsIs);
                        right.pack(isa, arithmetic, &values(130 * 70, 5), 130, 70, Lies::AsIs);
                        let at = transposed(&a, rows, terms);
                        let bt = transposed(&b, terms, columns);
                        let (a_lies, b_lies) = if lies == Lies::AsIs { (&a, &b) } else { (&at, &bt) };
                        left.pack(isa, arithmetic, a_lies, rows, terms, lies);
                        right.pack(isa, arithmetic, b_lies, terms, columns, lies);
                        let mut out = before.clone();
                        let write = if add { Write::Add } else { Write::Set { bias: &bias } };
                        product(isa, &left, &right, write, &mut out);
                        for (i, got) in out.iter().enumerate() {
                            let (r, c) = (i / columns, i % columns);
                            let sum: f64 = (0..terms)
                                .map(|t| round(a[r * terms + t], arithmetic) * round(b[t * columns + c], arithmetic))
                                .sum();
                            let start = if add { before[i] } else { bias.get(c).copied().unwrap_or(0.0) };
                            let want = sum + f64::from(start);
                            prop_assert!((f64::from(*got) - want).abs() < 1e-3, "{isa:?} {arithmetic:?} {lies:?}: {got} for {want}");
                        }
                    }
                }
            }
        }
    }
}
