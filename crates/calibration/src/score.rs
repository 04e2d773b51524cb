//! What is known about a decision, and the one number that is made of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is known about one decision, by name: the verifier's logits, a cosine, whatever tells right from wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Features(BTreeMap<String, f64>);

/// The name under which logged decisions bring a score of their own.
pub const OWN_SCORE: &str = "score";

/// A weighted sum of features: the log-odds that accepting is right (logistic regression).
///
/// ```
/// use vetted_calibration::{Features, Score};
///
/// let rows: Vec<(Features, bool)> = (0..200)
///     .map(|i| (Features::from([("match", f64::from(i % 20) - 10.0), ("noise", f64::from(i * 7 % 3))]), i % 20 > 9))
///     .collect();
/// let score = Score::fit(rows.iter().map(|(features, right)| (features, *right)), &["match", "noise"]);
/// let probability = |logit: f64| score.probability(&Features::from([("match", logit), ("noise", 1.0)]));
/// assert!(probability(8.0) > Some(0.95) && probability(-8.0) < Some(0.05));
/// assert_eq!(score.probability(&Features::from([("match", 8.0)])), None); // something is missing
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The features and what each counts.
    pub features: Vec<Weighted>,
    /// What is added.
    pub intercept: f64,
}

/// A feature and what it counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// Its name.
    pub name: String,
    /// What one unit of it adds to the log-odds.
    pub weight: f64,
    /// What one standard deviation of it adds, on the decisions that it was fitted on: how much it matters.
    pub of_deviation: f64,
}

/// Pulls the weights of standardized features towards 0, as so many decisions would: with few decisions, or such as can be told
/// apart without an error, weights would grow without end.
const RIDGE: f64 = 1.0;
const MOST_STEPS: usize = 50;
/// A single feature is taken as it is meant: higher is surer. However few decisions say otherwise, it is not turned upside down.
const LEAST_WEIGHT: f64 = 1e-3;

impl Features {
    /// Sets the value of a feature.
    pub fn set(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), value);
    }

    /// The value of a feature.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

impl<const N: usize> From<[(&str, f64); N]> for Features {
    fn from(features: [(&str, f64); N]) -> Self {
        Features(features.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

impl Score {
    /// One feature as it stands.
    pub fn of(name: &str) -> Score {
        Score { features: vec![Weighted { name: name.to_owned(), weight: 1.0, of_deviation: 0.0 }], intercept: 0.0 }
    }

    /// Fits the weights of `names` on decisions that have all of them, and leaves out features that are the same everywhere.
    /// Of too few decisions it is the first feature as it stands.
    pub fn fit<'a>(decisions: impl IntoIterator<Item = (&'a Features, bool)>, names: &[&str]) -> Score {
        let first = names.first().copied().unwrap_or(OWN_SCORE);
        let complete = |(features, right): (&Features, bool)| {
            let values = names.iter().map(|name| features.get(name).filter(|value| value.is_finite()));
            Some((values.collect::<Option<Vec<f64>>>()?, right))
        };
        let rows: Vec<(Vec<f64>, bool)> = decisions.into_iter().filter_map(complete).collect();
        if rows.len() < 2 * (names.len() + 1) {
            return Score::of(first);
        }
        let spread: Vec<Spread> = (0..names.len()).map(|at| Spread::of(rows.iter().map(|(row, _)| row[at]))).collect();
        let kept: Vec<usize> = (0..names.len()).filter(|at| spread[*at].deviation > 0.0).collect();
        if kept.is_empty() {
            return Score::of(first);
        }
        let standardized: Vec<(Vec<f64>, bool)> = rows
            .into_iter()
            .map(|(row, right)| (kept.iter().map(|at| spread[*at].standardized(row[*at])).collect(), right))
            .collect();
        let mut weights = newton(&standardized, kept.len());
        if let [weight, _] = &mut weights[..] {
            *weight = weight.max(LEAST_WEIGHT);
        }
        let mut intercept = weights[kept.len()];
        let mut features = Vec::with_capacity(kept.len());
        for (at, of_deviation) in kept.into_iter().zip(weights) {
            let Spread { mean, deviation } = spread[at];
            let weight = of_deviation / deviation;
            intercept -= weight * mean;
            features.push(Weighted { name: names[at].to_owned(), weight, of_deviation });
        }
        Score { features, intercept }
    }

    /// The log-odds that accepting is right. None if a feature is missing or is not a number.
    pub fn logit(&self, features: &Features) -> Option<f64> {
        let weighted = |it: &Weighted| features.get(&it.name).map(|value| value * it.weight);
        let sum = self.features.iter().map(weighted).sum::<Option<f64>>()? + self.intercept;
        (!sum.is_nan()).then_some(sum)
    }

    /// The probability that accepting is right, as far as decisions are like those that it was fitted on.
    pub fn probability(&self, features: &Features) -> Option<f64> {
        self.logit(features).map(probability)
    }

    /// Whether it takes this feature.
    pub fn takes(&self, name: &str) -> bool {
        self.features.iter().any(|it| it.name == name)
    }
}

/// Of log-odds.
pub fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

#[derive(Clone, Copy)]
struct Spread {
    mean: f64,
    deviation: f64,
}

impl Spread {
    fn of(values: impl ExactSizeIterator<Item = f64> + Clone) -> Spread {
        let n = values.len() as f64;
        let mean = values.clone().sum::<f64>() / n;
        let deviation = (values.map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
        // What differs by rounding alone does not differ.
        Spread { mean, deviation: if deviation > 1e-9 * mean.abs().max(1.0) { deviation } else { 0.0 } }
    }

    fn standardized(self, value: f64) -> f64 {
        (value - self.mean) / self.deviation
    }
}

/// Weights, the intercept last, that minimize the log loss with Platt's targets, which are never quite 0 or 1 (Platt,
/// *Probabilistic Outputs for Support Vector Machines*, 1999).
fn newton(rows: &[(Vec<f64>, bool)], features: usize) -> Vec<f64> {
    let right = rows.iter().filter(|(_, right)| *right).count() as f64;
    let wrong = rows.len() as f64 - right;
    let target = |is_right: bool| if is_right { (right + 1.0) / (right + 2.0) } else { 1.0 / (wrong + 2.0) };
    let size = features + 1;
    let value = |row: &[f64], at: usize| row.get(at).copied().unwrap_or(1.0);
    let mut weights = vec![0.0; size];
    let loss = |weights: &[f64]| {
        let of_rows = rows.iter().map(|(row, is_right)| {
            let logit: f64 = (0..size).map(|at| weights[at] * value(row, at)).sum();
            // log(1 + e^x) - target x, without overflow
            logit.max(0.0) + (-logit.abs()).exp().ln_1p() - target(*is_right) * logit
        });
        of_rows.sum::<f64>() + 0.5 * RIDGE * weights[..features].iter().map(|weight| weight * weight).sum::<f64>()
    };
    let mut before = loss(&weights);
    for _ in 0..MOST_STEPS {
        let mut gradient = vec![0.0; size];
        let mut curvature = vec![vec![0.0; size]; size];
        for (row, is_right) in rows {
            let p = probability((0..size).map(|at| weights[at] * value(row, at)).sum());
            let (error, variance) = (p - target(*is_right), (p * (1.0 - p)).max(1e-12));
            for (i, (slope, of_row)) in gradient.iter_mut().zip(&mut curvature).enumerate() {
                *slope += error * value(row, i);
                for (j, cell) in of_row.iter_mut().enumerate() {
                    *cell += variance * value(row, i) * value(row, j);
                }
            }
        }
        for i in 0..features {
            gradient[i] += RIDGE * weights[i];
            curvature[i][i] += RIDGE;
        }
        let Some(step) = solved(curvature, gradient) else { break };
        // A full step may overshoot; half of it, half of that.
        let mut part = 1.0;
        let after = loop {
            let next: Vec<f64> = weights.iter().zip(&step).map(|(weight, step)| weight - part * step).collect();
            let after = loss(&next);
            if after <= before || part < 1e-6 {
                weights = next;
                break after;
            }
            part /= 2.0;
        };
        if (before - after).abs() < 1e-10 * before.abs().max(1.0) {
            break;
        }
        before = after;
    }
    weights
}

/// Solves a small system of equations by elimination with pivots. None if it has no single solution.
fn solved(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for column in 0..size {
        let pivot = (column..size).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        if matrix[pivot][column].abs() < 1e-12 {
            return None;
        }
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..size {
            let factor = matrix[row][column] / matrix[column][column];
            let (above, below) = matrix.split_at_mut(row);
            below[0].iter_mut().zip(&above[column]).skip(column).for_each(|(cell, pivot)| *cell -= factor * pivot);
            right[row] -= factor * right[column];
        }
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    Some(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decisions of known log-odds 0.8 a - 0.5 b + 0.3, on a grid; `right` as often as that says.
    fn known() -> Vec<(Features, bool)> {
        let mut rows = Vec::new();
        for i in 0..40 {
            for j in 0..25 {
                let (a, b) = (f64::from(i) / 5.0 - 4.0, f64::from(j) / 2.0 - 6.0);
                let p = probability(0.8 * a - 0.5 * b + 0.3);
                // 20 decisions of each, of which the share p is right.
                rows.extend((0..20).map(|k| (Features::from([("a", a), ("b", b)]), (f64::from(k) + 0.5) / 20.0 < p)));
            }
        }
        rows
    }

    fn fit(rows: &[(Features, bool)], names: &[&str]) -> Score {
        Score::fit(rows.iter().map(|(features, right)| (features, *right)), names)
    }

    #[test]
    fn known_weights_are_found() {
        let score = fit(&known(), &["a", "b"]);
        let weight = |at: usize| score.features[at].weight;
        assert!((weight(0) - 0.8).abs() < 0.03 && (weight(1) + 0.5).abs() < 0.03, "{score:?}");
        assert!((score.intercept - 0.3).abs() < 0.05, "{score:?}");
    }

    #[test]
    fn what_says_nothing_is_left_out_and_a_sole_feature_is_not_turned_upside_down() {
        let mut rows = known();
        rows.iter_mut().for_each(|(features, _)| features.set("constant", 1.0 / 3.0));
        let score = fit(&rows, &["a", "constant"]);
        assert!(score.takes("a") && !score.takes("constant"));
        let upside_down: Vec<_> = known().into_iter().map(|(features, right)| (features, !right)).collect();
        assert!(fit(&upside_down, &["a"]).features[0].weight > 0.0);
        // No decisions, too few of them, none that has the feature.
        for rows in [&[][..], &known()[..3]] {
            assert_eq!(fit(rows, &["a"]), Score::of("a"));
        }
        assert_eq!(fit(&known(), &["c"]), Score::of("c"));
    }

    #[test]
    fn of_decisions_without_an_error_weights_stay_finite() {
        for right in [[true, true], [false, false], [false, true]] {
            let rows: Vec<_> = (0..100)
                .map(|i| (Features::from([("a", f64::from(i % 2) * 1e6), ("b", f64::from(i))]), right[i as usize % 2]))
                .collect();
            let score = fit(&rows, &["a", "b"]);
            let p = score.probability(&rows[0].0).expect("all features are there");
            assert!(score.intercept.is_finite() && p > 0.0 && p < 1.0, "{score:?}");
        }
        let mut odd = Features::from([("a", f64::NAN)]);
        assert_eq!(Score::of("a").logit(&odd), None);
        odd.set("a", f64::NEG_INFINITY);
        assert_eq!(Score::of("a").probability(&odd), Some(0.0));
    }
}
