//! What a scorer says about a pair, and by which numbers it is judged.

use serde::{Deserialize, Serialize};

use crate::Kind;

/// What a scorer says about a pair: logits, higher is more.
///
/// A scorer without parameters says one thing only: its similarity stands for `support` and `equivalence`, and about
/// conflict and kinds it knows nothing (negative infinity).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outputs {
    /// Does the candidate support (entail, answer) the query? Directed.
    pub support: f32,
    /// Do the two say the same? Of [`Relation::Equivalence`](crate::Relation::Equivalence), the mean of both orders.
    pub equivalence: f32,
    /// Do they contradict each other? Directed.
    pub conflict: f32,
    /// What sets them apart, by `Kind as usize`; negative infinity where the verifier does not know the kind.
    pub kinds: [f32; Kind::COUNT],
}

/// `p = 1 / (1 + exp(-(scale * logit + offset)))` (Platt 1999).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platt {
    /// Above 0.
    pub scale: f32,
    /// In logits.
    pub offset: f32,
}

/// A calibration for each of the three questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calibrations {
    /// Of [`Outputs::support`].
    pub support: Platt,
    /// Of [`Outputs::equivalence`].
    pub equivalence: Platt,
    /// Of [`Outputs::conflict`].
    pub conflict: Platt,
}

/// Where verdicts change. They are data here: the rules that read them stand in the crate `vetted-verifier`, in `decide`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Accept from here on, of [`Relation::Support`](crate::Relation::Support).
    pub support: f32,
    /// Accept from here on, of [`Relation::Equivalence`](crate::Relation::Equivalence).
    pub equivalence: f32,
    /// The two contradict each other from here on.
    pub conflict: f32,
    /// They are different from here down, of [`Relation::Equivalence`](crate::Relation::Equivalence); between here and the threshold nothing is decided.
    pub low: f32,
    /// Accept a passage that recall found when the window that decides supports the query with this probability; below it,
    /// abstain. A search reads many sentences, each of which may look like support by mistake. `vetted eval cascade`
    /// with several values fits it.
    pub passage_support: f32,
    /// Reject a passage that recall found when `p_conflict + max(coverage, overlap)` of a window reaches this; see
    /// the rule for passages. `cargo run --release -p vetted-study --example fit_filter` fits it.
    pub passage_conflict: f32,
    /// Reject a passage when another one, nearly the same word for word, supports the query by so many logits more.
    pub rival_margin: f32,
}

impl Default for Platt {
    fn default() -> Platt {
        Platt { scale: 1.0, offset: 0.0 }
    }
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds {
            support: 0.5,
            equivalence: 0.5,
            conflict: 0.5,
            low: 0.25,
            passage_support: 0.9,
            passage_conflict: 1.75,
            rival_margin: 1.0,
        }
    }
}

impl Platt {
    /// The probability that stands behind a logit.
    pub fn probability(self, logit: f32) -> f32 {
        sigmoid(self.scale * logit + self.offset)
    }

    /// The same in double precision, for ranking: single precision knows no probability between 1 - 6e-8 and 1, and ranks
    /// would tie.
    pub fn fine_probability(self, logit: f32) -> f64 {
        1.0 / (1.0 + (-(f64::from(self.scale) * f64::from(logit) + f64::from(self.offset))).exp())
    }
}

impl Outputs {
    /// From the values of a head: three logits, then one for each of `kinds`.
    pub(crate) fn of_head(values: &[f32], kinds: &[Kind]) -> Outputs {
        let mut by_kind = [f32::NEG_INFINITY; Kind::COUNT];
        for (kind, value) in kinds.iter().zip(&values[3..]) {
            by_kind[*kind as usize] = *value;
        }
        Outputs { support: values[0], equivalence: values[1], conflict: values[2], kinds: by_kind }
    }

    /// From a similarity in [-1, 1].
    pub(crate) fn of_similarity(score: f32) -> Outputs {
        let unknown = f32::NEG_INFINITY;
        Outputs { support: score, equivalence: score, conflict: unknown, kinds: [unknown; Kind::COUNT] }
    }

    /// Of [`Relation::Equivalence`](crate::Relation::Equivalence): these outputs of (query, candidate), joined with those of (candidate, query).
    /// Equivalence has no direction and becomes the mean of the two; the rest stays.
    pub fn both_orders(&self, reversed: &Outputs) -> Outputs {
        Outputs { equivalence: (self.equivalence + reversed.equivalence) / 2.0, ..*self }
    }

    /// The likeliest kind and its probability among the kinds known; none when none is.
    pub fn likeliest_kind(&self) -> Option<(Kind, f32)> {
        let known = || Kind::ALL.into_iter().zip(self.kinds).filter(|(_, logit)| logit.is_finite());
        let (kind, largest) = known().reduce(|best, next| if next.1 > best.1 { next } else { best })?;
        let total: f32 = known().map(|(_, logit)| (logit - largest).exp()).sum();
        Some((kind, 1.0 / total))
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similarity_knows_neither_conflict_nor_kind() {
        let outputs = Outputs::of_similarity(0.3);
        assert_eq!(Platt::default().probability(outputs.conflict), 0.0);
        assert_eq!(outputs.likeliest_kind(), None);
    }

    #[test]
    fn kinds_are_a_softmax_over_those_known() {
        let mut outputs = Outputs::of_similarity(0.0);
        outputs.kinds[Kind::Unit as usize] = 1000.0;
        outputs.kinds[Kind::Order as usize] = 1000.0 + 3f32.ln();
        let (kind, probability) = outputs.likeliest_kind().unwrap();
        assert_eq!(kind, Kind::Order);
        assert!((probability - 0.75).abs() < 1e-4);
    }
}
