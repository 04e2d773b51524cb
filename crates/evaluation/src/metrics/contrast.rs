//! Whether two queries that differ in little each rank their own document first.
//!
//! The pairwise accuracy of Weller et al., *NevIR: Negation in Neural Information Retrieval*, EACL 2024, section 3: a
//! [contrast](crate::contrast::Contrast) counts only if both its queries do. A scorer that does not see the difference
//! ranks the same document first for both, and gets one of the two right: pairwise 0, though half of the queries are.

use crate::Error;
use crate::interval::{Bootstrap, Estimate};
use crate::metrics::retrieval::mean;

/// The scores of both documents for both queries of a contrast; the higher, the better the document answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContrastScores {
    /// Of `doc1` for `q1`, which it answers.
    pub q1_doc1: f64,
    /// Of `doc2` for `q1`.
    pub q1_doc2: f64,
    /// Of `doc1` for `q2`.
    pub q2_doc1: f64,
    /// Of `doc2` for `q2`, which it answers.
    pub q2_doc2: f64,
}

/// How many contrasts, and how many queries, a scorer gets right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContrastAccuracy {
    /// The number of contrasts, at least 1.
    pub n: usize,
    /// The share of contrasts of which both queries rank right, with Wilson's interval. Chance 0.25.
    pub pairwise: Estimate,
    /// The share of queries that rank right, with a bootstrap interval over contrasts. Chance 0.5.
    pub queries: Estimate,
}

impl ContrastScores {
    /// Whether each of the two queries scores its own document strictly above the other: a tie is wrong.
    pub fn ranked_right(&self) -> [bool; 2] {
        [self.q1_doc1 > self.q1_doc2, self.q2_doc2 > self.q2_doc1]
    }

    fn has_nan(&self) -> bool {
        [self.q1_doc1, self.q1_doc2, self.q2_doc1, self.q2_doc2].iter().any(|score| score.is_nan())
    }
}

impl From<[f64; 4]> for ContrastScores {
    /// From the scores in the order of [`Contrast::orders`](crate::contrast::Contrast::orders).
    fn from([q1_doc1, q1_doc2, q2_doc1, q2_doc2]: [f64; 4]) -> Self {
        Self { q1_doc1, q1_doc2, q2_doc1, q2_doc2 }
    }
}

/// Measures a scorer on contrasts.
///
/// # Errors
/// [`Error::NotANumber`] with the number of the contrast, [`Error::NoContrasts`] if there are none.
pub fn evaluate(scores: &[ContrastScores], bootstrap: &Bootstrap) -> Result<ContrastAccuracy, Error> {
    if let Some(index) = scores.iter().position(ContrastScores::has_nan) {
        return Err(Error::NotANumber { position: index + 1 });
    }
    let right: Vec<usize> =
        scores.iter().map(|scores| scores.ranked_right().into_iter().filter(|right| *right).count()).collect();
    let both = right.iter().filter(|right| **right == 2).count();
    let pairwise = Estimate::of_proportion(both, scores.len()).ok_or(Error::NoContrasts)?;
    // The two queries of a contrast are no independent samples, so contrasts are what is drawn.
    let shares: Vec<f64> = right.iter().map(|right| *right as f64 / 2.0).collect();
    let queries = Estimate { value: mean(&shares), ci95: bootstrap.mean(&shares)? };
    Ok(ContrastAccuracy { n: scores.len(), pairwise, queries })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_queries_must_rank_right_and_ties_are_wrong() -> Result<(), Error> {
        let cases = [
            ([0.9, 0.1, 0.2, 0.8], [true, true]),
            ([0.9, 0.8, 0.9, 0.8], [true, false]),
            ([0.1, 0.9, 0.2, 0.8], [false, true]),
            ([0.1, 0.9, 0.8, 0.2], [false, false]),
            ([0.5, 0.5, 0.2, 0.8], [false, true]),
            ([0.5, 0.5, 0.5, 0.5], [false, false]),
        ];
        for (scores, right) in cases {
            assert_eq!(ContrastScores::from(scores).ranked_right(), right, "{scores:?}");
        }
        let scores = cases.map(|(scores, _)| scores.into());
        let accuracy = evaluate(&scores, &Bootstrap::default())?;
        assert_eq!((accuracy.n, accuracy.pairwise.value, accuracy.queries.value), (6, 1.0 / 6.0, 5.0 / 12.0));
        assert!(accuracy.queries.ci95.low < 5.0 / 12.0 && accuracy.queries.ci95.high > 5.0 / 12.0);
        Ok(())
    }

    #[test]
    fn nothing_and_nan_are_errors() {
        let bootstrap = Bootstrap::default();
        assert!(matches!(evaluate(&[], &bootstrap), Err(Error::NoContrasts)));
        let scores = [[0.0; 4].into(), [0.0, 0.0, f64::NAN, 0.0].into()];
        assert!(matches!(evaluate(&scores, &bootstrap), Err(Error::NotANumber { position: 2 })));
    }
}
