//! How good a verifier is on pairs it does not learn from.

use serde::{Deserialize, Serialize};

/// Areas under the ROC curve (0.5 is chance, 1 perfect) of each output over the held-out pairs that have its label; absent
/// where a class is missing. Symmetric pairs are scored in both orders and the logits averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Of support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support: Option<f64>,
    /// Of equivalence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equivalence: Option<f64>,
    /// Of conflict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<f64>,
}

impl HeldOut {
    pub(crate) fn of(logits: &[Vec<f32>], labels: &[[Option<bool>; 3]]) -> HeldOut {
        let auc = |output: usize| {
            let known =
                logits.iter().zip(labels).filter_map(|(logits, labels)| Some((logits[output], labels[output]?)));
            area_under_curve(known.collect())
        };
        HeldOut { support: auc(0), equivalence: auc(1), conflict: auc(2) }
    }

    /// What the best weights are best in: the mean of support and equivalence, or whichever there is; conflict without
    /// either.
    pub fn selection(&self) -> Option<f64> {
        match (self.support, self.equivalence) {
            (Some(support), Some(equivalence)) => Some((support + equivalence) / 2.0),
            (one, other) => one.or(other).or(self.conflict),
        }
    }
}

/// The share of pairs of a positive and a negative that scores put in the right order, ties counting half (Hanley and
/// McNeil 1982). None without both.
fn area_under_curve(mut scored: Vec<(f32, bool)>) -> Option<f64> {
    scored.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = scored.iter().filter(|(_, label)| *label).count() as f64;
    let negatives = scored.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let (mut ranks, mut before) = (0.0, 0.0);
    for ties in scored.chunk_by(|a, b| a.0 == b.0) {
        let rank = before + (ties.len() as f64 + 1.0) / 2.0;
        ranks += rank * ties.iter().filter(|(_, label)| *label).count() as f64;
        before += ties.len() as f64;
    }
    Some((ranks - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_by_hand() {
        type Scored = &'static [(f32, bool)];
        let cases: [(Scored, Option<f64>); 5] = [
            (&[(0.1, false), (0.9, true)], Some(1.0)),
            (&[(0.9, false), (0.1, true)], Some(0.0)),
            (&[(0.5, false), (0.5, true)], Some(0.5)),
            (&[(0.1, false), (0.4, true), (0.35, false), (0.8, true), (0.4, false)], Some(5.5 / 6.0)),
            (&[(0.1, true)], None),
        ];
        for (scored, expected) in cases {
            assert_eq!(area_under_curve(scored.to_vec()), expected, "{scored:?}");
        }
    }

    #[test]
    fn selection_takes_what_there_is() {
        let one = HeldOut { support: Some(0.6), equivalence: None, conflict: Some(0.9) };
        assert_eq!(one.selection(), Some(0.6));
        assert_eq!(HeldOut { equivalence: Some(0.8), ..one }.selection(), Some(0.7));
        assert_eq!(HeldOut { support: None, ..one }.selection(), Some(0.9));
        assert_eq!(HeldOut::default().selection(), None);
    }
}
