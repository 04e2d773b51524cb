//! From logits to probabilities (Platt 1999, *Probabilistic Outputs for Support Vector Machines*), on held-out pairs.

use serde::Serialize;

use crate::batches::Coded;

/// `p = 1 / (1 + exp(-(scale * logit + offset)))`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Platt {
    pub(crate) scale: f64,
    pub(crate) offset: f64,
}

/// One for each question, as a verifier's `config.json` has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Calibration {
    support: Platt,
    equivalence: Platt,
    conflict: Platt,
}

impl Default for Platt {
    /// Changes nothing.
    fn default() -> Self {
        Platt { scale: 1.0, offset: 0.0 }
    }
}

impl Calibration {
    /// Fits each output on the pairs that ask its question: equivalence on symmetric ones, support and conflict on directed
    /// ones. Of symmetric pairs it is mostly known what they do support, seldom what they do not.
    pub(crate) fn of(logits: &[Vec<f32>], pairs: &[Coded]) -> Calibration {
        let platt = |output: usize, symmetric: bool| {
            let asked = logits.iter().zip(pairs).filter(|(_, pair)| pair.symmetric == symmetric);
            Platt::fit(
                &asked.filter_map(|(z, pair)| Some((f64::from(z[output]), pair.labels[output]?))).collect::<Vec<_>>(),
            )
        };
        Calibration { support: platt(0, false), equivalence: platt(1, true), conflict: platt(2, false) }
    }
}

impl Platt {
    /// The likeliest scale and offset for logits and their labels, by Newton's method. Without enough of both labels, or
    /// where higher logits are less likely, nothing is changed.
    fn fit(scored: &[(f64, bool)]) -> Platt {
        let positives = scored.iter().filter(|(_, label)| *label).count();
        if positives.min(scored.len() - positives) < LEAST {
            return Platt::default();
        }
        let [mut scale, mut offset] = [1.0, 0.0];
        for _ in 0..STEPS {
            // The gradient and the second derivatives of the loss, with a slight pull to where nothing is changed.
            let (mut of_scale, mut of_offset) = (PULL * (scale - 1.0), PULL * offset);
            let (mut square, mut mixed, mut plain) = (PULL, 0.0, PULL);
            for (logit, label) in scored {
                let p = 1.0 / (1.0 + (-(scale * logit + offset)).exp());
                let (error, spread) = (p - f64::from(u8::from(*label)), p * (1.0 - p));
                of_scale += error * logit;
                of_offset += error;
                square += spread * logit * logit;
                mixed += spread * logit;
                plain += spread;
            }
            let determinant = square * plain - mixed * mixed;
            scale -= (plain * of_scale - mixed * of_offset) / determinant;
            offset -= (square * of_offset - mixed * of_scale) / determinant;
        }
        match scale.is_finite() && scale > 0.0 && offset.is_finite() {
            true => Platt { scale, offset },
            false => Platt::default(),
        }
    }
}

/// Fewest pairs of either label that a calibration is fitted on.
const LEAST: usize = 20;

/// Of Newton's method.
const STEPS: usize = 50;

/// What a pair's worth of evidence is to the pull.
const PULL: f64 = 1e-3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Random};

    #[test]
    fn a_known_scale_and_offset_are_found() {
        let mut random = Random::new(1, Purpose::Sample, &[]);
        let mut scored = |scale: f64, offset: f64| -> Vec<(f64, bool)> {
            let one = |_| {
                let logit = 4.0 * random.normal();
                (logit, random.uniform() < 1.0 / (1.0 + (-(scale * logit + offset)).exp()))
            };
            (0..20_000).map(one).collect()
        };
        for (scale, offset) in [(1.0, 0.0), (0.3, -1.0), (2.0, 3.0)] {
            let found = Platt::fit(&scored(scale, offset));
            assert!((found.scale - scale).abs() < 0.1 * scale && (found.offset - offset).abs() < 0.2, "{found:?}");
        }
        assert_eq!(Platt::fit(&scored(-1.0, 0.0)), Platt::default(), "higher must be likelier");
        assert_eq!(Platt::fit(&[(1.0, true); 100]), Platt::default());
        assert_eq!(Platt::fit(&[]), Platt::default());
    }
}
