//! One vector against many.

use crate::Isa;
use crate::isa::for_each_isa;

/// The inner product of two vectors of one length.
///
/// # Panics
/// When the lengths differ.
pub fn dot(isa: Isa, a: &[f32], b: &[f32]) -> f32 {
    let mut out = [0.0];
    dots(isa, a, b, &mut out);
    out[0]
}

/// The inner products of `query` with each of `out.len()` vectors that lie one after the other in `rows`.
///
/// # Panics
/// When `rows` is not `out.len()` vectors of the query's length.
pub fn dots(isa: Isa, query: &[f32], rows: &[f32], out: &mut [f32]) {
    assert_eq!(rows.len(), query.len() * out.len(), "rows are not {} vectors of {} values", out.len(), query.len());
    if query.is_empty() {
        out.fill(0.0);
    } else {
        dots_any(isa, query, rows, out);
    }
}

for_each_isa! { fn dots_any = dots_body(query: &[f32], rows: &[f32], out: &mut [f32]) }

/// Four registers of sums: enough to hide the latency of a multiply-add.
const LANES: usize = 64;

#[inline(always)]
fn dots_body<const FMA: bool>(query: &[f32], rows: &[f32], out: &mut [f32]) {
    let (query_chunks, query_rest) = query.as_chunks::<LANES>();
    for (row, o) in rows.chunks_exact(query.len()).zip(out) {
        let (chunks, rest) = row.as_chunks::<LANES>();
        let mut lanes = [0f32; LANES];
        for (a, b) in query_chunks.iter().zip(chunks) {
            for i in 0..LANES {
                lanes[i] = if FMA { a[i].mul_add(b[i], lanes[i]) } else { a[i] * b[i] + lanes[i] };
            }
        }
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            for i in 0..width {
                lanes[i] += lanes[i + width];
            }
        }
        *o = lanes[0] + query_rest.iter().zip(rest).map(|(a, b)| a * b).sum::<f32>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_double_precision(a in prop::collection::vec(-1f32..1.0, 1..400), count in 0usize..5, shift in -1f32..1.0) {
            let rows: Vec<f32> = (0..count).flat_map(|r| a.iter().map(move |x| x * shift + r as f32 / 7.0)).collect();
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; count];
                dots(isa, &a, &rows, &mut out);
                for (r, got) in out.iter().enumerate() {
                    let want: f64 = a.iter().zip(&rows[r * a.len()..]).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                    prop_assert!((f64::from(*got) - want).abs() < 1e-4);
                }
            }
        }
    }
}
