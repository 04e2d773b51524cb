//! How good a ranking of decisions is for a cache, whatever threshold will be chosen (Baral et al., *Closing the Operational
//! Gap in Semantic Caching*, arXiv 2606.19719).
//!
//! For each query a cache proposes one entry with a score. As the threshold falls, the *cache hit rate* rises from 0 to 1, and
//! the precision of what is served changes with it. The area under that curve is P-CHR AUC.
//!
//! ```
//! use vetted_calibration::{Decision, operational::Operational};
//!
//! # fn main() -> Result<(), vetted_calibration::Error> {
//! let decisions = [(0.9, true), (0.8, true), (0.4, false), (0.1, false)].map(|(score, right)| Decision { score, right });
//! let measured = Operational::new(&decisions)?.expect("there are decisions");
//! assert_eq!(measured.points.last().map(|point| (point.hit_rate, point.precision)), Some((1.0, 0.5)));
//! assert_eq!(measured.hit_rate_in_hindsight(0.0), 0.5); // half of the queries can be served without an error
//! # Ok(())
//! # }
//! ```

use serde::Serialize;

use crate::Error;
use crate::bound::{Decision, sorted};

/// The curve, and what it comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Operational {
    /// One for each distinct score, from the highest down.
    pub points: Vec<Point>,
    /// The area under precision over hit rate, by trapezoids between the points; nothing is added at hit rate 0. In [0, 1].
    /// It depends on the ranking and on the share of matches alone: no change of scale helps.
    pub p_chr_auc: f64,
    /// The area under precision over recall, likewise. None without a match.
    pub pr_auc: Option<f64>,
    /// `p_chr_auc / pr_auc`: how much of the ranking's quality a cache can use. None without a match.
    pub operational_retention: Option<f64>,
    /// What a perfect ranking would have with this share of matches: pi (1 - ln pi).
    pub ceiling: f64,
    /// `p_chr_auc / ceiling`; 0 without a match.
    pub of_ceiling: f64,
    /// The share of decisions that it is right to accept.
    pub matches: f64,
}

/// What a threshold would do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Scores of at least this are served.
    pub threshold: f64,
    /// The share of all queries that are served.
    pub hit_rate: f64,
    /// The share of what is served that is right.
    pub precision: f64,
    /// The share of what is right that is served; 0 without a match.
    pub recall: f64,
}

impl Operational {
    /// Measures it. None if there are no decisions.
    ///
    /// # Errors
    /// [`Error::NotANumber`] for a score.
    pub fn new(decisions: &[Decision]) -> Result<Option<Operational>, Error> {
        let sorted = sorted(decisions)?;
        let all = sorted.len() as f64;
        let right = sorted.iter().filter(|it| it.right).count() as f64;
        let (mut served, mut served_right) = (0.0, 0.0);
        let mut points = Vec::new();
        for tied in sorted.chunk_by(|a, b| a.score == b.score) {
            served += tied.len() as f64;
            served_right += tied.iter().filter(|it| it.right).count() as f64;
            points.push(Point {
                threshold: tied[0].score,
                hit_rate: served / all,
                precision: served_right / served,
                recall: if right > 0.0 { served_right / right } else { 0.0 },
            });
        }
        if points.is_empty() {
            return Ok(None);
        }
        let p_chr_auc = area(points.iter().map(|it| (it.hit_rate, it.precision)));
        let pr_auc = (right > 0.0).then(|| area(points.iter().map(|it| (it.recall, it.precision))));
        let matches = right / all;
        let ceiling = if matches > 0.0 { matches * (1.0 - matches.ln()) } else { 0.0 };
        Ok(Some(Operational {
            p_chr_auc,
            pr_auc,
            operational_retention: pr_auc.filter(|&area| area > 0.0).map(|area| p_chr_auc / area),
            ceiling,
            of_ceiling: if ceiling > 0.0 { p_chr_auc / ceiling } else { 0.0 },
            matches,
            points,
        }))
    }

    /// The largest hit rate at which at most `rate` of what is served is wrong, in hindsight: no promise, a comparison of
    /// rankings on the same decisions. 0 if there is none.
    pub fn hit_rate_in_hindsight(&self, rate: f64) -> f64 {
        let good = self.points.iter().filter(|point| 1.0 - point.precision <= rate);
        good.map(|point| point.hit_rate).fold(0.0, f64::max)
    }
}

fn area(points: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    points.clone().zip(points.skip(1)).map(|((x, y), (next, then))| (next - x) * (y + then) / 2.0).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_about_the_mean_precision_at_k() -> Result<(), Error> {
        let right = |i: usize| i * 7919 % 1000 > i / 2;
        let decisions: Vec<Decision> = (0..1000).map(|i| Decision { score: -(i as f64), right: right(i) }).collect();
        let measured = Operational::new(&decisions)?.expect("there are decisions");
        let mut so_far = 0.0;
        let precision = (0..1000).map(|i| {
            so_far += f64::from(u8::from(right(i)));
            so_far / (i + 1) as f64
        });
        let mean = precision.sum::<f64>() / 1000.0;
        assert!((measured.p_chr_auc - mean).abs() < 2e-3, "{} {mean}", measured.p_chr_auc);
        Ok(())
    }

    #[test]
    fn a_perfect_ranking_reaches_the_ceiling_and_no_scale_changes_anything() -> Result<(), Error> {
        let decisions: Vec<Decision> =
            (0..4000).map(|i| Decision { score: 1.0 - f64::from(i) / 4000.0, right: i < 1000 }).collect();
        let measured = Operational::new(&decisions)?.expect("there are decisions");
        assert!((measured.of_ceiling - 1.0).abs() < 1e-3, "{}", measured.of_ceiling);
        assert!((measured.ceiling - 0.5966).abs() < 1e-3);
        assert_eq!(measured.hit_rate_in_hindsight(0.0), 0.25);
        let scaled: Vec<Decision> =
            decisions.iter().map(|it| Decision { score: (5.0 * it.score).exp(), ..*it }).collect();
        assert_eq!(Operational::new(&scaled)?.map(|it| it.p_chr_auc), Some(measured.p_chr_auc));
        Ok(())
    }

    #[test]
    fn without_decisions_or_matches_nothing_divides_by_zero() -> Result<(), Error> {
        assert_eq!(Operational::new(&[])?, None);
        let wrong = Operational::new(&[Decision { score: 0.3, right: false }; 3])?.expect("there are decisions");
        assert_eq!((wrong.p_chr_auc, wrong.pr_auc, wrong.of_ceiling), (0.0, None, 0.0));
        Ok(())
    }
}
