//! The arithmetic of an optimizer's step.

use crate::elementwise::{LANES, fma};
use crate::isa::for_each_isa;

/// The numbers of one step of [`adamw`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate.
    pub rate: f32,
    /// What the gradient is multiplied by first: below 1 where its norm is clipped.
    pub scale: f32,
    /// Decoupled weight decay.
    pub decay: f32,
    /// Share of the first moment that is kept from step to step, 0.9 by default.
    pub beta1: f32,
    /// Share of the second moment that is kept, 0.999 by default.
    pub beta2: f32,
    /// `1 - beta1^t` and `1 - beta2^t` at step `t`, from 1.
    pub correction: [f32; 2],
    /// Added to the root of the second moment, 1e-8 by default.
    pub epsilon: f32,
}

for_each_isa! {
    /// One step of AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2) in the form PyTorch computes it, for
    /// arrays of one length.
    pub fn adamw = adamw_body(step: AdamW, gradient: &[f32], values: &mut [f32], first: &mut [f32], second: &mut [f32])
}

#[inline(always)]
fn adamw_body<const FMA: bool>(
    step: AdamW,
    gradient: &[f32],
    values: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
) {
    let AdamW { rate, scale, decay, beta1, beta2, correction: [correction1, correction2], epsilon } = step;
    let (shrink, size, root) = (1.0 - rate * decay, rate / correction1, 1.0 / correction2.sqrt());
    for (((v, m), s), g) in values.iter_mut().zip(first).zip(second).zip(gradient) {
        let g = g * scale;
        *m = fma::<FMA>(beta1, *m, (1.0 - beta1) * g);
        *s = fma::<FMA>(beta2, *s, (1.0 - beta2) * g * g);
        *v = fma::<FMA>(*v, shrink, -size * *m / fma::<FMA>(s.sqrt(), root, epsilon));
    }
}

for_each_isa! {
    /// Adds `other` to `values`, and says what the sum of their squares is then.
    pub fn add_and_square = add_and_square_body(values: &mut [f32], other: &[f32]) -> f64
}

#[inline(always)]
fn add_and_square_body<const FMA: bool>(values: &mut [f32], other: &[f32]) -> f64 {
    let mut total = 0.0;
    for (values, other) in values.chunks_mut(64 * LANES).zip(other.chunks(64 * LANES)) {
        let (chunks, rest) = values.as_chunks_mut::<LANES>();
        let (other_chunks, other_rest) = other.as_chunks::<LANES>();
        let mut lanes = [0f32; LANES];
        for (chunk, other) in chunks.iter_mut().zip(other_chunks) {
            for i in 0..LANES {
                chunk[i] += other[i];
                lanes[i] = fma::<FMA>(chunk[i], chunk[i], lanes[i]);
            }
        }
        for (value, other) in rest.iter_mut().zip(other_rest) {
            *value += other;
            lanes[0] += *value * *value;
        }
        total += lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>();
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    #[test]
    fn three_steps_are_pytorchs() {
        // torch.optim.AdamW([1., -2.], lr=0.1, weight_decay=0.1), gradients [0.5, -1], [0.25, 2] and [-1, 0].
        let expected = [[0.89, -1.88], [0.787_882_1, -1.897_810_3], [0.800_639, -1.907_132_2]];
        for isa in Isa::available() {
            let (mut values, mut first, mut second) = ([1.0, -2.0], [0.0; 2], [0.0; 2]);
            let gradients = [[0.5, -1.0], [0.25, 2.0], [-1.0, 0.0]];
            for (t, (gradient, expected)) in gradients.iter().zip(expected).enumerate() {
                let correction = [1.0 - 0.9f32.powi(t as i32 + 1), 1.0 - 0.999f32.powi(t as i32 + 1)];
                let step =
                    AdamW { rate: 0.1, scale: 1.0, decay: 0.1, beta1: 0.9, beta2: 0.999, correction, epsilon: 1e-8 };
                adamw(isa, step, gradient, &mut values, &mut first, &mut second);
                for (got, want) in values.iter().zip(expected) {
                    assert!((got - want).abs() < 1e-5, "{isa:?} step {t}: {values:?} for {expected:?}");
                }
            }
        }
    }

    #[test]
    fn sums_and_squares() {
        for isa in Isa::available() {
            let mut values: Vec<f32> = (0..2500).map(|i| (i % 7) as f32).collect();
            let want: f64 = values.iter().map(|v| f64::from(v + 1.0).powi(2)).sum();
            assert_eq!(add_and_square(isa, &mut values, &[1.0; 2500]), want);
            assert_eq!(values[6], 7.0);
        }
    }
}
