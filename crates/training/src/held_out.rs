//! How good a model is on what it does not learn from.

use serde::{Deserialize, Serialize};
use vetted_evaluation::metrics::pairs::RankedPairs;

use crate::batches::Coded;

/// Of a verifier, areas under the ROC curve (0.5 is chance, 1 perfect) of each output over the held-out pairs that have its
/// label; absent where a class is missing. Symmetric pairs are scored in both orders and the logits averaged. Of an encoder,
/// how well it retrieves.
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
    /// nDCG@10 on a retrieval set, averaged over its queries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrieval: Option<f64>,
}

impl HeldOut {
    pub(crate) fn of(logits: &[Vec<f32>], pairs: &[Coded]) -> HeldOut {
        let auc = |output: usize| {
            let known = logits.iter().zip(pairs);
            let known = known.filter_map(|(logits, pair)| Some((f64::from(logits[output]), pair.labels[output]?)));
            RankedPairs::new(known).ok().map(|ranked| ranked.auc())
        };
        HeldOut { support: auc(0), equivalence: auc(1), conflict: auc(2), retrieval: None }
    }

    /// What the best weights are best in: the mean of support and equivalence, or whichever there is; without either,
    /// conflict, or retrieval.
    pub fn selection(&self) -> Option<f64> {
        match (self.support, self.equivalence) {
            (Some(support), Some(equivalence)) => Some((support + equivalence) / 2.0),
            (one, other) => one.or(other).or(self.conflict).or(self.retrieval),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selection_takes_what_there_is() {
        let one = HeldOut { support: Some(0.6), conflict: Some(0.9), ..HeldOut::default() };
        assert_eq!(one.selection(), Some(0.6));
        assert_eq!(HeldOut { equivalence: Some(0.8), ..one }.selection(), Some(0.7));
        assert_eq!(HeldOut { support: None, ..one }.selection(), Some(0.9));
        assert_eq!(HeldOut { retrieval: Some(0.3), ..HeldOut::default() }.selection(), Some(0.3));
        assert_eq!(HeldOut::default().selection(), None);
    }
}
