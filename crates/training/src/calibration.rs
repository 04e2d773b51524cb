//! From logits to probabilities (Platt 1999, *Probabilistic Outputs for Support Vector Machines*), on held-out pairs.

use vetted_reader::{Calibrations, Platt};

use crate::batches::Coded;

/// Fits each output on the pairs that ask its question: equivalence on symmetric ones, support and conflict on directed
/// ones. Of symmetric pairs it is mostly known what they do support, seldom what they do not.
pub(crate) fn fit(logits: &[Vec<f32>], pairs: &[Coded]) -> Calibrations {
    let platt = |output: usize, symmetric: bool| {
        let asked = logits.iter().zip(pairs).filter(|(_, pair)| pair.symmetric == symmetric);
        let scored = asked.filter_map(|(z, pair)| Some((f64::from(z[output]), pair.labels[output]?)));
        let Line { scale, offset } = Line::fit(&scored.collect::<Vec<_>>());
        Platt { scale: scale as f32, offset: offset as f32 }
    };
    Calibrations { support: platt(0, false), equivalence: platt(1, true), conflict: platt(2, false) }
}

/// A [`Platt`] while it is fitted, in double precision.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Line {
    scale: f64,
    offset: f64,
}

impl Default for Line {
    /// Changes nothing.
    fn default() -> Self {
        Line { scale: 1.0, offset: 0.0 }
    }
}

impl Line {
    /// The likeliest scale and offset for logits and their labels, by Newton's method. Without enough of both labels, or
    /// where higher logits are less likely, nothing is changed.
    fn fit(scored: &[(f64, bool)]) -> Line {
        let positives = scored.iter().filter(|(_, label)| *label).count();
        if positives.min(scored.len() - positives) < LEAST {
            return Line::default();
        }
        let mut best = Line::default();
        let mut least = best.loss(scored);
        for _ in 0..STEPS {
            let Some([of_scale, of_offset]) = best.newton(scored) else { break };
            // A whole step may overshoot where the logits are far off: the longest of these that helps.
            let steps = (0..HALVINGS).map(|halving| 0.5f64.powi(halving));
            let next =
                steps.map(|part| Line { scale: best.scale - part * of_scale, offset: best.offset - part * of_offset });
            let Some((next, loss)) = next.map(|next| (next, next.loss(scored))).find(|(_, loss)| *loss < least) else {
                break;
            };
            (best, least) = (next, loss);
        }
        if best.scale > 0.0 { best } else { Line::default() }
    }

    /// The cross-entropy, with a slight pull to where nothing is changed: it keeps separable labels from infinite scales.
    fn loss(&self, scored: &[(f64, bool)]) -> f64 {
        let pull = 0.5 * PULL * ((self.scale - 1.0).powi(2) + self.offset.powi(2));
        let entropy = |(logit, label): &(f64, bool)| {
            let z = self.scale * logit + self.offset;
            z.max(0.0) + (-z.abs()).exp().ln_1p() - if *label { z } else { 0.0 }
        };
        pull + scored.iter().map(entropy).sum::<f64>()
    }

    /// What Newton's method would take off scale and offset.
    fn newton(&self, scored: &[(f64, bool)]) -> Option<[f64; 2]> {
        let (mut of_scale, mut of_offset) = (PULL * (self.scale - 1.0), PULL * self.offset);
        let (mut square, mut mixed, mut plain) = (PULL, 0.0, PULL);
        for (logit, label) in scored {
            let p = 1.0 / (1.0 + (-(self.scale * logit + self.offset)).exp());
            let (error, spread) = (p - f64::from(u8::from(*label)), p * (1.0 - p));
            of_scale += error * logit;
            of_offset += error;
            square += spread * logit * logit;
            mixed += spread * logit;
            plain += spread;
        }
        let determinant = square * plain - mixed * mixed;
        let step =
            [plain * of_scale - mixed * of_offset, square * of_offset - mixed * of_scale].map(|x| x / determinant);
        step.iter().all(|x| x.is_finite()).then_some(step)
    }
}

/// Fewest pairs of either label that a calibration is fitted on.
const LEAST: usize = 20;

/// Of Newton's method.
const STEPS: usize = 50;

/// How often a step is halved before it is given up.
const HALVINGS: i32 = 40;

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
            let found = Line::fit(&scored(scale, offset));
            assert!((found.scale - scale).abs() < 0.1 * scale && (found.offset - offset).abs() < 0.2, "{found:?}");
        }
        assert_eq!(Line::fit(&scored(-1.0, 0.0)), Line::default(), "higher must be likelier");
        assert_eq!(Line::fit(&[(1.0, true); 100]), Line::default());
        assert_eq!(Line::fit(&[]), Line::default());
    }
}
