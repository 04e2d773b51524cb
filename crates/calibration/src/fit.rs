//! Which features make the score.

use std::collections::BTreeMap;

use crate::Error;
use crate::bound::Decision;
use crate::calibrate::Checked;
use crate::measured::{Fit, auc, log_loss};
use crate::score::{Features, Score};
use crate::split::Split;

/// Parts into which development decisions are divided to compare fits.
const FOLDS: usize = 5;
/// More features are kept where their loss is lower by so many standard errors: by chance once in twenty.
const CLEARLY: f64 = 1.645;

/// The score: the first feature alone, unless all together are clearly better where they were not fitted.
pub(crate) fn fit(checked: &[&Checked], split: &Split, names: &[&str]) -> Result<(Score, Vec<Fit>), Error> {
    let rows: Vec<(usize, &Features, bool)> = (0..checked.len())
        .filter(|at| split.development[*at])
        .filter_map(|at| Some((at, checked[at].features.as_ref()?, checked[at].right)))
        .collect();
    let fit = |names: &[&str], without: Option<usize>| {
        let kept = rows.iter().filter(|(at, ..)| without.is_none_or(|fold| split.fold(*at, FOLDS) != fold));
        Score::fit(kept.map(|(_, features, right)| (*features, *right)), names)
    };
    // What each says about decisions that it was not fitted on.
    let held_back = |names: &[&str]| {
        let of_fold = |fold: usize| {
            let score = fit(names, Some(fold));
            let kept = rows.iter().filter(move |(at, ..)| split.fold(*at, FOLDS) == fold);
            kept.filter_map(move |(at, features, right)| Some((*at, score.logit(features)?, *right)))
                .collect::<Vec<_>>()
        };
        let mut all: Vec<(usize, f64, bool)> = (0..FOLDS).flat_map(of_fold).collect();
        all.sort_by_key(|(at, ..)| *at);
        all
    };
    let described = |names: &[&str], held_back: &[(usize, f64, bool)], kept: bool| {
        let decisions: Vec<Decision> =
            held_back.iter().map(|(_, score, right)| Decision { score: *score, right: *right }).collect();
        Ok::<Fit, Error>(Fit {
            features: names.iter().map(ToString::to_string).collect(),
            log_loss: log_loss(&decisions),
            auc: auc(&decisions)?,
            kept,
        })
    };
    let alone = &names[..names.len().min(1)];
    let of_alone = held_back(alone);
    if names.len() < 2 {
        return Ok((fit(names, None), vec![described(alone, &of_alone, true)?]));
    }
    let of_all = held_back(names);
    let keep_all = clearly_better(&of_all, &of_alone, split);
    let fits = vec![described(alone, &of_alone, !keep_all)?, described(names, &of_all, keep_all)?];
    Ok((fit(if keep_all { names } else { alone }, None), fits))
}

/// Whether the loss of `one` is below that of `other` by more than chance: the groups are what was drawn, so their sums are
/// compared.
fn clearly_better(one: &[(usize, f64, bool)], other: &[(usize, f64, bool)], split: &Split) -> bool {
    let loss = |score: f64, right: bool| log_loss(&[Decision { score, right }]);
    let mut gains: BTreeMap<usize, f64> = BTreeMap::new();
    let mut rest = other.iter().peekable();
    for (at, score, right) in one {
        while rest.next_if(|(other, ..)| other < at).is_some() {}
        if let Some((_, other, _)) = rest.next_if(|(other, ..)| other == at) {
            *gains.entry(split.groups[*at]).or_default() += loss(*other, *right) - loss(*score, *right);
        }
    }
    let n = gains.len() as f64;
    if n < 2.0 {
        return false;
    }
    let mean = gains.values().sum::<f64>() / n;
    let variance = gains.values().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (n - 1.0);
    mean > CLEARLY * (variance / n).sqrt()
}
