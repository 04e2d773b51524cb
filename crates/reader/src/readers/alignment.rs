//! Scores without parameters (arXiv 2604.16351): functions of the map alone.

use crate::pair::{Pair, VIEW};

/// F2: what a token of distance costs in similarity.
const DISTANCE: f32 = 0.1;

/// F2: the softmax's temperature.
const TEMPERATURE: f32 = 0.1;

/// F0: the mean of the map.
pub(super) fn mean(pair: &Pair) -> f32 {
    let sum: f32 = (0..pair.columns).map(|j| (0..pair.rows).map(|i| pair.at(VIEW, i, j)).sum::<f32>()).sum();
    sum / (pair.rows * pair.columns) as f32
}

/// F1: the mean over rows of the largest similarity in a map.
pub(super) fn max_sim(pair: &Pair, map: usize) -> f32 {
    (0..pair.rows).map(|i| pair.row_maximum(map, i)).sum::<f32>() / pair.rows as f32
}

/// F2: with `A_i = softmax_j((M_ij - 0.1 |i - j|) / 0.1)`, the mean over rows of `sum_j A_ij M_ij`, less
/// `backwards_penalty` times the mean over neighbouring rows of how far their expected position `sum_j A_ij j` runs
/// backwards, as a share of the candidate's length.
pub(super) fn soft_monotone(pair: &Pair, backwards_penalty: f32, weights: &mut Vec<f32>) -> f32 {
    let (mut score, mut backwards, mut before) = (0.0, 0.0, 0.0);
    for i in 0..pair.rows {
        weights.clear();
        weights
            .extend((0..pair.columns).map(|j| (pair.at(VIEW, i, j) - DISTANCE * i.abs_diff(j) as f32) / TEMPERATURE));
        let largest = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        weights.iter_mut().for_each(|w| *w = (*w - largest).exp());
        let total: f32 = weights.iter().sum();
        let expected =
            |of: &dyn Fn(usize) -> f32| weights.iter().enumerate().map(|(j, w)| w * of(j)).sum::<f32>() / total;
        score += expected(&|j| pair.at(VIEW, i, j));
        let position = expected(&|j| j as f32);
        if i > 0 {
            backwards += (before - position).max(0.0);
        }
        before = position;
    }
    let steps = pair.rows.saturating_sub(1).max(1);
    score / pair.rows as f32 - backwards_penalty * backwards / (steps * pair.columns) as f32
}
