//! Scorers on labelled pairs of texts.

use std::time::Instant;

use vetted_evaluation::metrics::pairs::KeepRate;
use vetted_evaluation::pairs::Groups;
use vetted_evaluation::report::Scorer;
use vetted_evaluation::report::pairs::{Output, ScorerReport, Scores, Thresholds};
use vetted_pairs::{Pair, Relation};

use crate::scorers::Named;
use crate::watch::{Event, Watch};
use crate::{Error, quick_bootstrap};

/// Pairs between two steps of whoever watches.
const STEP: usize = 2048;

/// Scores all pairs and sums up how well that tells them apart, by source and phenomenon.
///
/// # Errors
/// Those of the verifier, and of scores that cannot be compared.
pub fn report(
    named: &Named,
    pairs: &[Pair],
    groups: &Groups,
    keep: KeepRate,
    watch: Watch<'_>,
) -> Result<ScorerReport, Error> {
    let Named { name, verifier } = named;
    let start = Instant::now();
    let values = scores(named, pairs, watch)?;
    let us_per_pair = start.elapsed().as_secs_f64() * 1e6 / pairs.len().max(1) as f64;
    let thresholds = verifier.config().thresholds;
    let thresholds = Thresholds { support: thresholds.support.into(), equivalence: thresholds.equivalence.into() };
    let scores = match verifier.is_trained() {
        true => Scores { values: &values, output: Output::Probability, thresholds: Some(thresholds) },
        false => Scores { values: &values, output: Output::Similarity, thresholds: None },
    };
    let scorer = Scorer { name: name.clone(), params: verifier.parameters() as u64, us_per_pair };
    Ok(ScorerReport::new(scorer, groups, scores, keep, &quick_bootstrap())?)
}

/// A score of every pair: the calibrated probability that it matches, or a formula's similarity.
///
/// # Errors
/// Those of the verifier.
pub fn scores(Named { name, verifier }: &Named, pairs: &[Pair], watch: Watch<'_>) -> Result<Vec<f64>, Error> {
    watch(Event::Begun { what: name, total: pairs.len() as u64 });
    let mut values = Vec::with_capacity(pairs.len());
    let trained = verifier.is_trained();
    let calibration = verifier.config().calibration;
    for some in pairs.chunks(STEP) {
        let questions: Vec<_> = some.iter().map(|p| (p.query.as_str(), p.candidate.as_str(), p.relation)).collect();
        values.extend(verifier.verify_pairs(&questions)?.iter().zip(some).map(|(verification, pair)| {
            let (logit, platt) = match pair.relation {
                Relation::Support => (verification.outputs().support, calibration.support),
                Relation::Equivalence => (verification.outputs().equivalence, calibration.equivalence),
            };
            if trained { platt.fine_probability(logit) } else { f64::from(logit) }
        }));
        watch(Event::Advanced(some.len() as u64));
    }
    watch(Event::Ended);
    Ok(values)
}
