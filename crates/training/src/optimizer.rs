//! AdamW, its learning rates, and the clipping of gradients.

use vetted_kernels::{AdamW, Isa, adamw, add_and_square};

use crate::parameters::{Gradients, Parameters, Part};
use crate::recipe::Decay;

/// What decides a step, apart from gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates {
    /// Highest learning rates.
    pub(crate) encoder: f64,
    pub(crate) reader: f64,
    pub(crate) weight_decay: f64,
    /// Share of all steps over which the rates rise.
    pub(crate) warm_up: f64,
    pub(crate) decay: Decay,
    /// The global norm to which gradients are scaled down.
    pub(crate) clip: f64,
}

/// AdamW's memory.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Optimizer {
    pub(crate) first: Gradients,
    pub(crate) second: Gradients,
}

/// PyTorch's defaults.
const BETAS: [f32; 2] = [0.9, 0.999];
const EPSILON: f32 = 1e-8;

impl Optimizer {
    pub(crate) fn new(parameters: &Parameters) -> Optimizer {
        Optimizer { first: parameters.zeros(), second: parameters.zeros() }
    }

    /// Takes step number `step`, from 1, of `steps`, with gradients of the global norm `norm`.
    pub(crate) fn step(
        &mut self,
        rates: &Rates,
        parameters: &mut Parameters,
        gradients: &Gradients,
        norm: f64,
        step: usize,
        steps: usize,
    ) {
        let share = schedule(rates, step, steps);
        let scale = (rates.clip / norm.max(1e-12)).min(1.0) as f32;
        let power = |beta: f32| (1.0 - f64::from(beta).powi(step.min(i32::MAX as usize) as i32)) as f32;
        let settings = |part: Part, decays: bool| AdamW {
            rate: (share
                * match part {
                    Part::Encoder => rates.encoder,
                    Part::Reader => rates.reader,
                }) as f32,
            scale,
            decay: if decays { rates.weight_decay as f32 } else { 0.0 },
            beta1: BETAS[0],
            beta2: BETAS[1],
            correction: BETAS.map(power),
            epsilon: EPSILON,
        };
        let isa = Isa::detect();
        let moments = self.first.iter_mut().zip(&mut self.second);
        let mut work: Vec<_> = parameters.list.iter_mut().zip(moments).zip(gradients).collect();
        let half = middle(work.iter().map(|((parameter, _), _)| parameter.values.len()));
        in_two(&mut work, half, |((parameter, (first, second)), gradient)| {
            let settings = settings(parameter.part, parameter.decays());
            adamw(isa, settings, gradient, &mut parameter.values, first, second);
        });
    }
}

/// Adds the other workers' gradients to the first one's, in their order, and says what their global norm is.
pub(crate) fn combine(gradients: &mut [Gradients]) -> f64 {
    let Some((sum, others)) = gradients.split_first_mut() else { return 0.0 };
    let isa = Isa::detect();
    let mut squares = vec![0.0; sum.len()];
    let mut work: Vec<_> = sum.iter_mut().zip(&mut squares).enumerate().collect();
    let half = middle(work.iter().map(|(_, (values, _))| values.len()));
    in_two(&mut work, half, |(index, (values, square))| {
        for (at, other) in others.iter().enumerate() {
            let total = add_and_square(isa, values, &other[*index]);
            if at + 1 == others.len() {
                **square = total;
            }
        }
        if others.is_empty() {
            **square = values.iter().map(|v| f64::from(*v).powi(2)).sum();
        }
    });
    squares.iter().sum::<f64>().sqrt()
}

/// The share of the highest rate at a step: up in a straight line, then down as the recipe says.
pub(crate) fn schedule(rates: &Rates, step: usize, steps: usize) -> f64 {
    let warm = (rates.warm_up * steps as f64).max(1.0);
    let step = step as f64;
    if step < warm {
        return step / warm;
    }
    let passed = ((step - warm) / (steps as f64 - warm).max(1.0)).min(1.0);
    match rates.decay {
        Decay::Linear => 1.0 - passed,
        Decay::Constant => 1.0,
        Decay::Cosine => 0.5 + 0.5 * (std::f64::consts::PI * passed).cos(),
    }
}

/// Where a list must be cut for both parts to be of about one size.
fn middle(sizes: impl Iterator<Item = usize> + Clone) -> usize {
    let half = sizes.clone().sum::<usize>() / 2;
    let mut sum = 0;
    sizes
        .take_while(|size| {
            sum += size;
            sum <= half
        })
        .count()
}

/// Does the work before the cut on one thread and the rest on another.
fn in_two<T: Send>(work: &mut [T], cut: usize, each: impl Fn(&mut T) + Sync) {
    let (one, other) = work.split_at_mut(cut);
    std::thread::scope(|scope| {
        scope.spawn(|| one.iter_mut().for_each(&each));
        other.iter_mut().for_each(&each);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Recipe;

    #[test]
    fn rates_rise_and_fall() {
        let mut rates = Recipe { warm_up: 0.1, ..Recipe::default() }.rates();
        let cases = [(1, 0.1, 0.1), (10, 1.0, 1.0), (55, 0.5, 0.5), (100, 0.0, 0.0)];
        for (step, linear, cosine) in cases {
            rates.decay = Decay::Linear;
            assert!((schedule(&rates, step, 100) - linear).abs() < 1e-12, "{step}");
            rates.decay = Decay::Cosine;
            assert!((schedule(&rates, step, 100) - cosine).abs() < 1e-12, "{step}");
        }
        rates.decay = Decay::Cosine;
        assert!(schedule(&rates, 30, 100) > 0.85);
        rates.decay = Decay::Constant;
        assert_eq!([5, 30, 100].map(|step| schedule(&rates, step, 100)), [0.5, 1.0, 1.0]);
    }

    #[test]
    fn gradients_are_summed_and_measured() {
        let mut gradients = vec![vec![vec![1.0, 2.0], vec![0.0]], vec![vec![2.0, 2.0], vec![0.0]]];
        assert_eq!(combine(&mut gradients), 5.0);
        assert_eq!(gradients[0], [vec![3.0, 4.0], vec![0.0]]);
        assert_eq!(combine(&mut gradients[..1]), 5.0);
        assert_eq!(combine(&mut []), 0.0);
    }
}
