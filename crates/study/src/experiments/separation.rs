//! How well scores tell pairs that mean the same from those that do not, by source and by what the pairs test.

use vetted_evaluation::pairs::Groups;

use crate::Error;
use crate::audit::{AuditReport, PairScores, PairSet, Part, Settings, System};
use crate::findings::{ALL_PAIRS, Separated};

/// Samples for the intervals; a pair's area needs fewer than a difference between two models does.
const RESAMPLES: u32 = 500;

/// The figures of every group that is large enough, as the audit has them.
pub fn separated(set: &PairSet, scores: &[f64]) -> Result<Vec<Separated>, Error> {
    let groups = Groups::new(&set.pairs)?;
    let settings = Settings { max_drop: 0.0, precision: String::new(), resamples: RESAMPLES, seed: 0, verified: 0 };
    let system = System { name: String::new(), part: Part::Base, origin: String::new(), geometry: None };
    let scores = [scores.to_vec()];
    let pairs = PairScores { groups: &groups, scores: &scores };
    let report = AuditReport::new(settings, vec![system], &[], Some(pairs))?;
    let of_group = report.groups.into_iter().filter_map(|group| {
        let figures = group.figures.first()?;
        Some(Separated {
            source: group.source.unwrap_or_else(|| ALL_PAIRS.to_owned()),
            phenomenon: group.phenomenon,
            matches: group.matches,
            near_misses: group.near_misses,
            auc: figures.auc.value,
            interval: figures.auc.ci95.into(),
            means: [figures.mean_match, figures.mean_near_miss],
        })
    });
    Ok(of_group.collect())
}
