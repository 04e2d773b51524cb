//! Two queries that differ in little, each with the document that answers it.

use std::time::Instant;

use vetted::reader::Relation;
use vetted_evaluation::contrast::Contrast;
use vetted_evaluation::interval::Bootstrap;
use vetted_evaluation::metrics::contrast::{ContrastScores, evaluate};
use vetted_evaluation::report::Scorer;
use vetted_evaluation::report::contrast::ScorerReport;

use crate::Error;
use crate::scorers::Named;
use crate::watch::{Event, Watch};

/// Contrasts between two steps of whoever watches.
const STEP: usize = 256;

/// How often both queries rank the right document first.
///
/// # Errors
/// Those of the verifier, and when there are no contrasts.
pub fn report(
    Named { name, verifier }: &Named,
    contrasts: &[Contrast],
    watch: Watch<'_>,
) -> Result<ScorerReport, Error> {
    watch(Event::Begun { what: name, total: contrasts.len() as u64 });
    let start = Instant::now();
    let mut scores = Vec::with_capacity(contrasts.len());
    for some in contrasts.chunks(STEP) {
        let orders = some.iter().flat_map(Contrast::orders);
        let questions: Vec<_> = orders.map(|(query, text)| (query, text, Relation::Support)).collect();
        let verified = verifier.verify_pairs(&questions)?;
        let logits: Vec<f64> = verified.iter().map(|verification| f64::from(verification.support_of_all())).collect();
        scores.extend(logits.as_chunks::<4>().0.iter().copied().map(ContrastScores::from));
        watch(Event::Advanced(some.len() as u64));
    }
    let us_per_pair = start.elapsed().as_secs_f64() * 1e6 / (4 * contrasts.len()) as f64;
    watch(Event::Ended);
    Ok(ScorerReport {
        scorer: Scorer { name: name.clone(), params: verifier.parameters() as u64, us_per_pair },
        accuracy: evaluate(&scores, &Bootstrap::default())?,
    })
}
