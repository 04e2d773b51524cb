//! Logistic regression, with weights that keep the sign they should have.

use vetted::reader::VouchingWeights;

use crate::scoring::Found;

const KNOWN: usize = VouchingWeights::KNOWN;

/// Columns: what is known, and the offset.
const COLUMNS: usize = KNOWN + 1;

/// So many steps of Newton's method at most; a handful are needed.
const STEPS: usize = 50;

/// How much weights are drawn to 0, of what is scaled to a deviation of 1 and of samples that weigh 1 on the whole.
const RIDGE: f64 = 1e-4;

/// A passage that may be accepted, whether that is right, and how much it counts.
pub struct Sample {
    known: [f64; KNOWN],
    right: bool,
    weight: f64,
}

/// What is chosen, not fitted.
pub struct Choices {
    /// Which of what is known is weighed.
    pub weighed: [bool; KNOWN],
    /// See [`VouchingWeights`].
    pub accept: f32,
    /// See [`VouchingWeights`].
    pub usual: f32,
    /// See [`VouchingWeights`].
    pub ahead_at_most: f32,
}

impl Choices {
    /// The weights, given these values.
    fn weights(&self, offset: f64, values: [f64; KNOWN]) -> VouchingWeights {
        let rounded = |value: f64| ((value * 1e4).round() / 1e4) as f32;
        let [matching, conflict, coverage, score, ahead] = values.map(rounded);
        let Choices { weighed: _, accept, usual, ahead_at_most } = *self;
        let offset = rounded(offset);
        VouchingWeights { accept, usual, ahead_at_most, offset, matching, conflict, coverage, score, ahead }
    }
}

/// The samples of a source, which weigh 1 together: large sources are not worth more.
pub fn samples(queries: &[Found], choices: &Choices) -> Vec<Sample> {
    let cut = choices.weights(0.0, [0.0; KNOWN]);
    let sample =
        |known: [f32; KNOWN], right: bool| Sample { known: cut.cut(&known).map(f64::from), right, weight: 1.0 };
    let passages = queries.iter().flatten().filter(|it| it.may_be);
    let mut samples: Vec<Sample> = passages.filter_map(|it| Some(sample(it.known?, it.right))).collect();
    let all = samples.len().max(1) as f64;
    samples.iter_mut().for_each(|sample| sample.weight /= all);
    samples
}

/// The weights under which `samples` are likeliest, of those with the right sign.
pub fn fit(samples: &[Sample], choices: &Choices) -> VouchingWeights {
    let total: f64 = samples.iter().map(|it| it.weight).sum();
    let mean = |column: usize| samples.iter().map(|it| it.weight * it.known[column]).sum::<f64>() / total;
    let means: [f64; KNOWN] = std::array::from_fn(mean);
    let deviation = |column: usize| {
        let squares = samples.iter().map(|it| it.weight * (it.known[column] - means[column]).powi(2));
        (squares.sum::<f64>() / total).sqrt().max(1e-6)
    };
    let deviations: [f64; KNOWN] = std::array::from_fn(deviation);
    let mut free: [bool; COLUMNS] = std::array::from_fn(|column| column == KNOWN || choices.weighed[column]);
    loop {
        let found = newton(samples, &means, &deviations, &free, total);
        // What conflicts speaks against a passage, everything else for it.
        let sign = |column: usize| if VouchingWeights::NAMES[column] == "conflict" { -1.0 } else { 1.0 };
        let wrong = (0..KNOWN).filter(|column| free[*column] && sign(*column) * found[*column] < 0.0);
        match wrong.max_by(|a, b| found[*a].abs().total_cmp(&found[*b].abs())) {
            Some(worst) => free[worst] = false,
            None => {
                let weights: [f64; KNOWN] = std::array::from_fn(|column| found[column] / deviations[column]);
                let offset = found[KNOWN] - weights.iter().zip(means).map(|(weight, mean)| weight * mean).sum::<f64>();
                return choices.weights(offset, weights);
            }
        }
    }
}

fn newton(
    samples: &[Sample],
    means: &[f64; KNOWN],
    deviations: &[f64; KNOWN],
    free: &[bool; COLUMNS],
    total: f64,
) -> [f64; COLUMNS] {
    let mut found = [0.0; COLUMNS];
    for _ in 0..STEPS {
        let mut gradient = [0.0; COLUMNS];
        let mut curvature = [[0.0; COLUMNS]; COLUMNS];
        for sample in samples {
            let scaled: [f64; COLUMNS] = std::array::from_fn(|column| match column {
                KNOWN => 1.0,
                _ => (sample.known[column] - means[column]) / deviations[column],
            });
            let logit: f64 = scaled.iter().zip(found).map(|(value, weight)| value * weight).sum();
            let probability = 1.0 / (1.0 + (-logit).exp());
            let error = probability - f64::from(u8::from(sample.right));
            for row in 0..COLUMNS {
                gradient[row] += sample.weight * error * scaled[row];
                for column in 0..COLUMNS {
                    let of_both = scaled[row] * scaled[column];
                    curvature[row][column] += sample.weight * probability * (1.0 - probability) * of_both;
                }
            }
        }
        for column in 0..COLUMNS {
            if !free[column] {
                gradient[column] = 0.0;
                (0..COLUMNS).for_each(|other| curvature[column][other] = 0.0);
                (0..COLUMNS).for_each(|other| curvature[other][column] = 0.0);
                curvature[column][column] = 1.0;
            } else if column != KNOWN {
                gradient[column] += RIDGE * total * found[column];
                curvature[column][column] += RIDGE * total;
            }
        }
        let step = solved(curvature, gradient);
        found.iter_mut().zip(step).for_each(|(weight, step)| *weight -= step);
        if step.iter().all(|it| it.abs() < 1e-9) {
            break;
        }
    }
    found
}

/// The solution of a system of linear equations whose matrix is positive definite, by elimination.
fn solved(mut matrix: [[f64; COLUMNS]; COLUMNS], mut right: [f64; COLUMNS]) -> [f64; COLUMNS] {
    for pivot in 0..COLUMNS {
        let own = matrix[pivot];
        for row in pivot + 1..COLUMNS {
            let factor = matrix[row][pivot] / own[pivot];
            (pivot..COLUMNS).for_each(|column| matrix[row][column] -= factor * own[column]);
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..COLUMNS).rev() {
        let rest: f64 = (row + 1..COLUMNS).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - rest) / matrix[row][row];
    }
    right
}
