//! Sixteen values at a time with AVX-512, where the compiler's own vectors fall short: sums across a register, and `exp`
//! between two of them.

use std::arch::x86_64::*;

pub(crate) const LANES: usize = 16;

#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn load(values: &[f32; LANES]) -> __m512 {
    // SAFETY: sixteen values are there to be read.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn store(values: &mut [f32; LANES], lanes: __m512) {
    // SAFETY: sixteen values are there to be written.
    unsafe { _mm512_storeu_ps(values.as_mut_ptr(), lanes) }
}

/// As `elementwise::exp`, but not below `e^-80`: a share of a softmax that small must not become a denormal number, which
/// costs a hundred times as much as any other.
#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn exp(x: __m512) -> __m512 {
    let x = _mm512_max_ps(x, _mm512_set1_ps(-80.0));
    let n = _mm512_roundscale_ps::<8>(_mm512_mul_ps(x, _mm512_set1_ps(std::f32::consts::LOG2_E)));
    let r = _mm512_fmadd_ps(n, _mm512_set1_ps(-0.693_359_4), x);
    let r = _mm512_fmadd_ps(n, _mm512_set1_ps(2.121_944_4e-4), r);
    let mut p = _mm512_set1_ps(1.987_569_1e-4);
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(coefficient));
    }
    let y = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, _mm512_add_ps(r, _mm512_set1_ps(1.0)));
    _mm512_scalef_ps(y, n)
}
