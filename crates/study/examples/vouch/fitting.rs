//! Logistic regression, with weights that keep the sign they should have.

use vetted::reader::Vouching;

use crate::scoring::Found;

/// Columns: the match, being ahead, and the offset.
const COLUMNS: usize = 3;
const OFFSET: usize = 2;

/// So many steps of Newton's method at most; a handful are needed.
const STEPS: usize = 50;

/// How much weights are drawn to 0.
const RIDGE: f64 = 1e-4;

/// A passage that may be accepted, whether that is right, and how much it counts.
pub struct Sample {
    known: [f64; COLUMNS],
    right: bool,
    weight: f64,
}

/// The samples of a source, which weigh 1 together: large sources are not worth more.
pub fn samples<'a>(queries: impl Iterator<Item = &'a Found>, ahead_at_most: f32) -> Vec<Sample> {
    let passages = queries.flatten().filter(|it| it.may_be);
    let sample = |[log_odds, ahead]: [f32; 2], right: bool| {
        let known = [log_odds.into(), ahead.min(ahead_at_most).into(), 1.0];
        Sample { known, right, weight: 1.0 }
    };
    let mut samples: Vec<Sample> = passages.filter_map(|it| Some(sample(it.known?, it.right))).collect();
    let all = samples.len().max(1) as f64;
    samples.iter_mut().for_each(|sample| sample.weight /= all);
    samples
}

/// `vouching` with the offset and weights under which `samples` are likeliest, of weights of 0 or more.
pub fn fit(samples: &[Sample], vouching: Vouching) -> Vouching {
    let mut free = [true; COLUMNS];
    loop {
        let found = newton(samples, &free);
        let wrong = (0..OFFSET).filter(|column| found[*column] < 0.0);
        if let Some(worst) = wrong.min_by(|a, b| found[*a].total_cmp(&found[*b])) {
            free[worst] = false;
            continue;
        }
        let [matching, ahead, offset] = found.map(|value| ((value * 1e4).round() / 1e4) as f32);
        return Vouching { matching, ahead, offset, ..vouching };
    }
}

fn newton(samples: &[Sample], free: &[bool; COLUMNS]) -> [f64; COLUMNS] {
    let mut found = [0.0; COLUMNS];
    for _ in 0..STEPS {
        let mut gradient = [0.0; COLUMNS];
        let mut curvature = [[0.0; COLUMNS]; COLUMNS];
        for Sample { known, right, weight } in samples {
            let logit: f64 = known.iter().zip(found).map(|(value, weight)| value * weight).sum();
            let probability = 1.0 / (1.0 + (-logit).exp());
            let error = probability - f64::from(u8::from(*right));
            for row in 0..COLUMNS {
                gradient[row] += weight * error * known[row];
                for column in 0..COLUMNS {
                    curvature[row][column] += weight * probability * (1.0 - probability) * known[row] * known[column];
                }
            }
        }
        for column in 0..COLUMNS {
            if free[column] {
                gradient[column] += RIDGE * found[column];
                curvature[column][column] += RIDGE;
                continue;
            }
            gradient[column] = 0.0;
            curvature[column] = [0.0; COLUMNS];
            curvature.iter_mut().for_each(|row| row[column] = 0.0);
            curvature[column][column] = 1.0;
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
