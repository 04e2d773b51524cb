//! What a Transformer does between its matrix products: activations, softmax, layer normalization.
//!
//! Written once as plain loops over fixed-width lanes, compiled for each instruction set by `for_each_isa!`.

use crate::Isa;
use crate::isa::for_each_isa;

/// What is applied to a linear layer's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// `x * Phi(x)`, the exact GELU, to 1e-6.
    Gelu,
    /// GELU's tanh approximation (`gelu_new`, `gelu_pytorch_tanh`).
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// `tanh(x)`.
    Tanh,
}

/// Applies `activation` to every value.
pub fn activate(isa: Isa, activation: Activation, values: &mut [f32]) {
    match activation {
        Activation::None => {}
        Activation::Gelu => gelu(isa, values),
        Activation::GeluTanh => gelu_tanh(isa, values),
        Activation::Relu => values.iter_mut().for_each(|x| *x = x.max(0.0)),
        Activation::Tanh => tanh(isa, values),
    }
}

for_each_isa! {
    /// Turns scores into probabilities in place: `exp(x * scale - max) / sum`. An empty row stays empty.
    pub fn softmax = softmax_body(row: &mut [f32], scale: f32)
}

for_each_isa! {
    /// `x = LayerNorm(x + residual) * gain + bias`, row by row of `gain.len()` values. An empty `residual` adds nothing.
    pub fn add_layer_norm = add_layer_norm_body(x: &mut [f32], residual: &[f32], gain: &[f32], bias: &[f32], epsilon: f32)
}

for_each_isa! {
    /// Scales a vector to length 1; the zero vector (length below 1e-12, as PyTorch's `normalize`) stays near zero.
    pub fn l2_normalize = l2_normalize_body(vector: &mut [f32])
}

for_each_isa! { fn gelu = gelu_body(values: &mut [f32]) }
for_each_isa! { fn gelu_tanh = gelu_tanh_body(values: &mut [f32]) }
for_each_isa! { fn tanh = tanh_body(values: &mut [f32]) }

pub(crate) const LANES: usize = 16;

#[inline(always)]
pub(crate) fn fma<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// e^x for x in [-87, 88], relative error below 2e-7: Cephes' `expf`, its rounding done by adding and subtracting
/// 1.5 * 2^23 so that the loop around it vectorizes.
#[inline(always)]
pub(crate) fn exp<const FMA: bool>(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let shifted = fma::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = fma::<FMA>(n, -0.693_359_4, x);
    let r = fma::<FMA>(n, 2.121_944_4e-4, r);
    let mut p = 1.987_569_1e-4;
    p = fma::<FMA>(p, r, 1.398_2e-3);
    p = fma::<FMA>(p, r, 8.333_452e-3);
    p = fma::<FMA>(p, r, 4.166_579_6e-2);
    p = fma::<FMA>(p, r, 1.666_666_5e-1);
    p = fma::<FMA>(p, r, 0.5);
    let y = fma::<FMA>(p * r, r, r + 1.0);
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    y * power
}

/// `Phi(x) - 1/2 = x * P(x^2)` below 5.25, where `Phi` is 1 but for 8e-8. `P` in powers of `2 x^2 / 5.25^2 - 1`, which
/// lies between -1 and 1, lowest first: the least largest error of `x^2 * P`, 1.7e-7 (Lawson's algorithm). No division
/// and no `exp`: half the time of the formula with `erf`'s usual approximations.
#[inline(always)]
pub(crate) fn gelu_half<const FMA: bool>(x: f32) -> f32 {
    const LIMIT: f32 = 5.25;
    const P: [f32; 14] = [
        1.346_593_5e-1,
        -6.712_659_4e-2,
        4.964_519_3e-2,
        -3.977_121_8e-2,
        3.204_526e-2,
        -2.496_542e-2,
        1.842_544_2e-2,
        -1.309_052_5e-2,
        8.839_692e-3,
        -4.827_046_3e-3,
        2.112_132_7e-3,
        -1.619_707_3e-3,
        1.362_155_9e-3,
        -4.506_414_4e-4,
    ];
    let size = x.abs();
    let t = fma::<FMA>(size * size, 2.0 / (LIMIT * LIMIT), -1.0);
    let mut p = P[13];
    for coefficient in P[..13].iter().rev() {
        p = fma::<FMA>(p, t, *coefficient);
    }
    let half = if size < LIMIT { size * p } else { 0.5 };
    half.copysign(x)
}

#[inline(always)]
fn gelu_body<const FMA: bool>(values: &mut [f32]) {
    for x in values {
        *x *= 0.5 + gelu_half::<FMA>(*x);
    }
}

#[inline(always)]
fn tanh_of<const FMA: bool>(x: f32) -> f32 {
    let e = exp::<FMA>(-2.0 * x.abs());
    ((1.0 - e) / (1.0 + e)).copysign(x)
}

#[inline(always)]
fn gelu_tanh_body<const FMA: bool>(values: &mut [f32]) {
    for x in values {
        let inner = 0.797_884_6 * fma::<FMA>(0.044_715 * *x * *x, *x, *x);
        *x *= fma::<FMA>(0.5, tanh_of::<FMA>(inner), 0.5);
    }
}

#[inline(always)]
fn tanh_body<const FMA: bool>(values: &mut [f32]) {
    for x in values {
        *x = tanh_of::<FMA>(*x);
    }
}

#[inline(always)]
pub(crate) fn sum(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0f32; LANES];
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] += of(chunk[i]);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|&x| of(x)).sum::<f32>()
}

#[inline(always)]
fn softmax_body<const FMA: bool>(row: &mut [f32], scale: f32) {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] = if chunk[i] > lanes[i] { chunk[i] } else { lanes[i] };
        }
    }
    let max = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max) * scale;
    for x in row.iter_mut() {
        *x = exp::<FMA>(fma::<FMA>(*x, scale, -max));
    }
    let inverse = 1.0 / sum(row, |x| x);
    for x in row {
        *x *= inverse;
    }
}

#[inline(always)]
fn add_layer_norm_body<const FMA: bool>(x: &mut [f32], residual: &[f32], gain: &[f32], bias: &[f32], epsilon: f32) {
    let width = gain.len();
    assert!(width > 0 && bias.len() == width && x.len().is_multiple_of(width), "layer norm shapes disagree");
    assert!(residual.is_empty() || residual.len() == x.len(), "residual and input differ in shape");
    for (r, row) in x.chunks_exact_mut(width).enumerate() {
        if !residual.is_empty() {
            for (a, b) in row.iter_mut().zip(&residual[r * width..(r + 1) * width]) {
                *a += *b;
            }
        }
        let mean = sum(row, |v| v) / width as f32;
        let variance = sum(row, |v| (v - mean) * (v - mean)) / width as f32;
        let inverse = 1.0 / (variance + epsilon).sqrt();
        for ((v, g), b) in row.iter_mut().zip(gain).zip(bias) {
            *v = fma::<FMA>((*v - mean) * inverse, *g, *b);
        }
    }
}

#[inline(always)]
fn l2_normalize_body<const FMA: bool>(vector: &mut [f32]) {
    let inverse = 1.0 / sum(vector, |x| x * x).sqrt().max(1e-12);
    for x in vector {
        *x *= inverse;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// erf in f64 by its Taylor series, and erfc's continued fraction is not needed below |x| = 5.
    fn erf(x: f64) -> f64 {
        if x.abs() > 5.0 {
            return x.signum();
        }
        let (mut term, mut total) = (x, x);
        for n in 1..200 {
            term *= -x * x / n as f64;
            total += term / (2 * n + 1) as f64;
        }
        total * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn activations_agree_with_double_precision() {
        let inputs: Vec<f32> = (-1200..=1200).map(|i| i as f32 / 100.0).collect();
        type Reference = fn(f64) -> f64;
        let cases: [(Activation, Reference); 4] = [
            (Activation::Gelu, |x| 0.5 * x * (1.0 + erf(x / 2f64.sqrt()))),
            (Activation::GeluTanh, |x| {
                0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x)).tanh())
            }),
            (Activation::Relu, |x| x.max(0.0)),
            (Activation::Tanh, f64::tanh),
        ];
        for isa in Isa::available() {
            for (activation, reference) in cases {
                let mut values = inputs.clone();
                activate(isa, activation, &mut values);
                for (x, y) in inputs.iter().zip(&values) {
                    let expected = reference(f64::from(*x));
                    assert!(
                        (f64::from(*y) - expected).abs() < 2e-6,
                        "{isa:?} {activation:?}({x}) = {y}, expected {expected}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn softmax_sums_to_one_and_keeps_order(mut row in prop::collection::vec(-50f32..50.0, 1..80), scale in 0.1f32..2.0) {
            let before = row.clone();
            for isa in Isa::available() {
                row.copy_from_slice(&before);
                softmax(isa, &mut row, scale);
                prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                for i in 1..row.len() {
                    prop_assert!((before[i] > before[i - 1]) <= (row[i] >= row[i - 1]));
                }
            }
        }

        #[test]
        fn layer_norm_has_mean_zero_and_variance_one(x in prop::collection::vec(-9f32..9.0, 48)) {
            let spread = x.iter().fold(0f32, |a, b| a.max((b - x[0]).abs()));
            prop_assume!(spread > 0.1);
            for isa in Isa::available() {
                let mut y = x.clone();
                add_layer_norm(isa, &mut y, &x, &[1.0; 48], &[0.0; 48], 1e-12);
                prop_assert!(y.iter().sum::<f32>().abs() < 1e-3);
                prop_assert!((y.iter().map(|v| v * v).sum::<f32>() / 48.0 - 1.0).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn the_zero_vector_stays_finite() {
        let mut zero = [0.0; 20];
        l2_normalize(Isa::detect(), &mut zero);
        assert_eq!(zero, [0.0; 20]);
        softmax(Isa::detect(), &mut [], 1.0);
    }
}
