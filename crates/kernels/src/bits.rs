//! One vector of bits against many.

use crate::Isa;
use crate::isa::for_each_isa;

/// How many bits of `query` differ from those of each of `out.len()` vectors that lie one after the other in `rows`.
///
/// ```
/// use vetted_kernels::{Isa, differing_bits};
///
/// let mut out = [0; 2];
/// differing_bits(Isa::detect(), &[0b1010], &[0b1010, 0b0110], &mut out);
/// assert_eq!(out, [0, 2]);
/// ```
///
/// # Panics
/// When `rows` is not `out.len()` vectors of the query's length.
pub fn differing_bits(isa: Isa, query: &[u64], rows: &[u64], out: &mut [u32]) {
    assert_eq!(rows.len(), query.len() * out.len(), "rows are not {} vectors of {} words", out.len(), query.len());
    match query.len() {
        0 => out.fill(0),
        // The lengths of known encoders (384, 512, 768, 1024 dimensions), so that the inner loop is unrolled.
        6 => of_384(isa, query, rows, out),
        8 => of_512(isa, query, rows, out),
        12 => of_768(isa, query, rows, out),
        16 => of_1024(isa, query, rows, out),
        _ => of_any(isa, query, rows, out),
    }
}

for_each_isa! { fn of_384 = fixed_384(query: &[u64], rows: &[u64], out: &mut [u32]) }
for_each_isa! { fn of_512 = fixed_512(query: &[u64], rows: &[u64], out: &mut [u32]) }
for_each_isa! { fn of_768 = fixed_768(query: &[u64], rows: &[u64], out: &mut [u32]) }
for_each_isa! { fn of_1024 = fixed_1024(query: &[u64], rows: &[u64], out: &mut [u32]) }
for_each_isa! { fn of_any = any(query: &[u64], rows: &[u64], out: &mut [u32]) }

#[inline(always)]
fn fixed_384<const FMA: bool>(query: &[u64], rows: &[u64], out: &mut [u32]) {
    fixed::<6>(query, rows, out);
}

#[inline(always)]
fn fixed_512<const FMA: bool>(query: &[u64], rows: &[u64], out: &mut [u32]) {
    fixed::<8>(query, rows, out);
}

#[inline(always)]
fn fixed_768<const FMA: bool>(query: &[u64], rows: &[u64], out: &mut [u32]) {
    fixed::<12>(query, rows, out);
}

#[inline(always)]
fn fixed_1024<const FMA: bool>(query: &[u64], rows: &[u64], out: &mut [u32]) {
    fixed::<16>(query, rows, out);
}

#[inline(always)]
fn fixed<const WORDS: usize>(query: &[u64], rows: &[u64], out: &mut [u32]) {
    let Some(query) = query.first_chunk::<WORDS>() else { return };
    for (row, o) in rows.as_chunks::<WORDS>().0.iter().zip(out) {
        *o = query.iter().zip(row).map(|(a, b)| (a ^ b).count_ones()).sum();
    }
}

#[inline(always)]
fn any<const FMA: bool>(query: &[u64], rows: &[u64], out: &mut [u32]) {
    for (row, o) in rows.chunks_exact(query.len()).zip(out) {
        *o = query.iter().zip(row).map(|(a, b)| (a ^ b).count_ones()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_bit_that_differs_is_counted_on_every_instruction_set(
            words in 0usize..20, rows in 0usize..40, seed: u64,
        ) {
            let word = |at: usize| (at as u64 + 1).wrapping_mul(seed | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let query: Vec<u64> = (0..words).map(word).collect();
            let all: Vec<u64> = (0..words * rows).map(|at| word(at + 1000)).collect();
            let bits = |words: &[u64]| words.iter().flat_map(|word| (0..64).map(move |bit| word >> bit & 1)).collect::<Vec<_>>();
            let expected: Vec<u32> = (0..rows).map(|row| {
                let row = bits(&all[row * words..][..words]);
                bits(&query).iter().zip(&row).filter(|(a, b)| a != b).count() as u32
            }).collect();
            for isa in Isa::available() {
                let mut out = vec![u32::MAX; rows];
                differing_bits(isa, &query, &all, &mut out);
                prop_assert_eq!(&out, &expected, "{:?}", isa);
            }
        }
    }
}
