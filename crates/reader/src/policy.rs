//! What a verdict does to a candidate's rank.

use serde::{Deserialize, Serialize};

use crate::verdict::sigmoid;
use crate::{Judgement, Verdict};

/// How verdicts and recall's scores come together.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Scores stay as they are; every candidate carries its verdict.
    Flag,
    /// Rejected candidates go; the others keep their scores.
    #[default]
    Filter,
    /// Rejected candidates that look alike lose by how likely the conflict is; the others keep their scores, so that nothing
    /// rises but past a rejected candidate.
    Penalty(Penalty),
}

/// `S - beta * sigmoid(20 (S - tau)) * P_conflict` (arXiv 2604.16351, the conditional penalty).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Penalty {
    /// The most that a score can lose.
    pub beta: f32,
    /// The similarity from which on candidates lose.
    pub tau: f32,
}

impl Default for Penalty {
    /// The paper's.
    fn default() -> Penalty {
        Penalty { beta: 0.5, tau: 0.9 }
    }
}

impl Penalty {
    /// What is left of a recall score. A probability that is not a number counts as a certain conflict.
    pub fn apply(self, score: f32, p_conflict: f32) -> f32 {
        let p_conflict = if p_conflict.is_nan() { 1.0 } else { p_conflict };
        score - self.beta * sigmoid(20.0 * (score - self.tau)) * p_conflict
    }
}

impl Policy {
    /// The score a candidate of recall score `score` is ranked by, or none when it is left out. Never above `score`.
    pub fn score(self, score: f32, judgement: &Judgement) -> Option<f32> {
        match self {
            Policy::Flag => Some(score),
            Policy::Filter => (judgement.verdict != Verdict::Reject).then_some(score),
            Policy::Penalty(penalty) if judgement.verdict == Verdict::Reject => {
                Some(penalty.apply(score, judgement.p_conflict))
            }
            Policy::Penalty(_) => Some(score),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn judged(verdict: Verdict, p_conflict: f32) -> Judgement {
        Judgement { verdict, p_match: 0.5, p_conflict, kind: None, conflicts: false }
    }

    #[test]
    fn the_formula_is_the_papers() {
        let close = |a: f32, b: f32| assert!((a - b).abs() < 1e-6, "{a} for {b}");
        close(Penalty::default().apply(0.9, 0.8), 0.9 - 0.5 * 0.5 * 0.8);
        close(Penalty { beta: 0.3, tau: 0.7 }.apply(0.8, 1.0), 0.8 - 0.3 / (1.0 + (-2f32).exp()));
        assert_eq!(Penalty::default().apply(0.95, f32::NAN), Penalty::default().apply(0.95, 1.0));
    }

    #[test]
    fn a_filter_removes_rejects_only() {
        for (verdict, kept) in [(Verdict::Accept, Some(0.4)), (Verdict::Abstain, Some(0.4)), (Verdict::Reject, None)] {
            assert_eq!(Policy::Filter.score(0.4, &judged(verdict, 0.9)), kept);
            assert_eq!(Policy::Flag.score(0.4, &judged(verdict, 0.9)), Some(0.4));
        }
    }

    proptest! {
        #[test]
        fn no_candidate_gains(score in -1f32..1.0, p in 0f32..1.0, beta in 0f32..1.0, tau in 0f32..1.0) {
            let policy = Policy::Penalty(Penalty { beta, tau });
            prop_assert!(policy.score(score, &judged(Verdict::Reject, p)).unwrap() <= score);
            prop_assert_eq!(policy.score(score, &judged(Verdict::Accept, p)), Some(score));
        }
    }
}
