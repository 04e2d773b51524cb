//! Pipelines on a data set's own queries.

use std::num::NonZeroUsize;

use vetted_evaluation::interval::Bootstrap;
use vetted_evaluation::metrics::retrieval::{evaluate, standard};
use vetted_evaluation::{RetrievalReport, Run, RunReport};

use crate::Error;
use crate::indexed::IndexedCorpus;
use crate::pipeline::Pipelines;
use crate::watch::Watch;

/// Ranks every query with every pipeline to a depth of `k`. `keep` is given each pipeline's name and rankings as they are made.
///
/// # Errors
/// Those of a search, of `keep`, and of rankings that cannot be evaluated.
pub fn report(
    corpus: &IndexedCorpus,
    pipelines: &Pipelines,
    k: NonZeroUsize,
    mut keep: impl FnMut(&str, &Run) -> Result<(), Error>,
    watch: Watch<'_>,
) -> Result<RetrievalReport, Error> {
    let mut report = RetrievalReport::new(&corpus.dataset);
    for ranker in &pipelines.rankers {
        let (run, latencies) = corpus.rank(ranker, k.get(), watch)?;
        keep(&ranker.name, &run)?;
        let evaluation = evaluate(&standard(k), &corpus.dataset.qrels, &run)?;
        report.runs.push(RunReport::new(&ranker.name, &evaluation, &Bootstrap::default(), &latencies)?);
    }
    Ok(report)
}
