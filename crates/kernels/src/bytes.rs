//! Products of vectors that are stored as bytes: similarity maps of two texts, exact in integers.

use crate::int8::PackedInt8;
use crate::linear::{Columns, Input, Scratch, Target};
use crate::{Isa, PANEL};

/// Vectors of bytes, packed to be multiplied by many others.
///
/// A byte `b` stands for `scale * (b - 128)`, each vector having a scale of its own. Sums are exact integers, so the
/// products are the same bit for bit on every instruction set.
///
/// ```
/// use vetted_kernels::{ByteVectors, Isa, Scratch};
///
/// let stored = [129, 130, /* second vector: */ 127, 128]; // (1, 2) and (-1, 0)
/// let packed = ByteVectors::new(&stored, &[1.0, 0.5], 2, Isa::detect());
/// let mut out = [0.0; 2];
/// packed.products([(&[131, 129][..], 1.0)].into_iter(), &mut out, &mut Scratch::default()); // (3, 1)
/// assert_eq!(out, [5.0, -1.5]);
/// ```
pub struct ByteVectors {
    packed: PackedInt8,
    zeros: Vec<f32>,
    width: usize,
    count: usize,
    isa: Isa,
}

impl ByteVectors {
    /// Packs `scales.len()` vectors of `width` bytes, which lie one after the other in `vectors`.
    ///
    /// # Panics
    /// When the lengths do not fit together.
    pub fn new(vectors: &[u8], scales: &[f32], width: usize, isa: Isa) -> ByteVectors {
        assert_eq!(vectors.len(), scales.len() * width, "bytes are not {} vectors of {width}", scales.len());
        let count = scales.len();
        let zeros = vec![0.0; count.next_multiple_of(PANEL)];
        ByteVectors { packed: PackedInt8::of_bytes(vectors, scales, width), zeros, width, count, isa }
    }

    /// How many vectors are packed: the values per row of [`products`](Self::products).
    pub fn count(&self) -> usize {
        self.count
    }

    /// The inner products of every row with every packed vector, rows x [`count`](Self::count). A row is its bytes and
    /// its scale.
    ///
    /// # Panics
    /// When a row has another width, or `out` is not one row of products for each.
    pub fn products<'a>(&self, rows: impl Iterator<Item = (&'a [u8], f32)>, out: &mut [f32], scratch: &mut Scratch) {
        let padded = self.packed.padded();
        let Scratch { bytes, scales, .. } = scratch;
        bytes.clear();
        scales.clear();
        for (row, scale) in rows {
            assert_eq!(row.len(), self.width, "a row is not {} bytes", self.width);
            bytes.extend_from_slice(row);
            bytes.resize(scales.len() * padded + padded, 128);
            scales.push(scale);
        }
        let count = scales.len();
        assert_eq!(out.len(), count * self.count, "output is not {count} rows of {}", self.count);
        bytes.resize(count.next_multiple_of(32) * padded, 128);
        let columns = Columns { start: out.as_mut_ptr(), stride: self.count };
        let target = Target { columns, rows: count, from: 0, to: self.count, bias: &self.zeros };
        self.packed.product(self.isa, &Input::Int8(bytes, scales), &target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn products_are_exact_on_every_instruction_set(
            width in 1usize..100, packed in 1usize..70, rows in 0usize..70, seed in 0usize..1000,
        ) {
            let byte = |i: usize| (((i + seed) * 2_654_435_761) >> 7) as u8;
            let (a, b): (Vec<u8>, Vec<u8>) = ((0..packed * width).map(byte).collect(), (0..rows * width).map(|i| byte(!i % 9973)).collect());
            let expected: Vec<f32> = (0..rows * packed).map(|at| {
                let (row, column) = (&b[at / packed * width..][..width], &a[at % packed * width..][..width]);
                let sum: i32 = row.iter().zip(column).map(|(x, y)| (i32::from(*x) - 128) * (i32::from(*y) - 128)).sum();
                sum as f32 * 0.25
            }).collect();
            for isa in Isa::available() {
                let vectors = ByteVectors::new(&a, &vec![0.5; packed], width, isa);
                let mut out = vec![f32::NAN; rows * packed];
                vectors.products(b.chunks(width).map(|row| (row, 0.5)), &mut out, &mut Scratch::default());
                prop_assert_eq!(&out, &expected, "{:?}", isa);
            }
        }
    }
}
