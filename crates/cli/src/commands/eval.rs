//! `vetted eval`: measurements on labeled data.

mod cascade;
mod contrast;
mod corpus;
pub mod pairs;
mod pipeline;
mod planting;
mod retrieval;
pub mod twins;

use std::num::NonZeroU32;

use anyhow::Result;
use clap::Subcommand;
use vetted_evaluation::interval::Bootstrap;

#[derive(Subcommand)]
pub enum Eval {
    /// Rank a BEIR data set with one or more pipelines: nDCG@10, MRR@10, recall@k, MAP@k, milliseconds
    Retrieval(retrieval::Retrieval),
    /// Plant near-miss copies of relevant documents: how often does a pipeline serve one?
    Twins(twins::Twins),
    /// Follow an agent that needs several correct retrievals in a row, near-misses about
    Cascade(cascade::Cascade),
    /// Score labeled pairs of texts: AUC, average precision, accuracy, negatives rejected when 79 % of positives are kept
    Pairs(pairs::Pairs),
    /// Rank two near-identical documents for two near-identical queries: pairwise accuracy
    Contrast(contrast::Contrast),
}

impl Eval {
    pub fn run(self) -> Result<()> {
        match self {
            Eval::Retrieval(command) => command.run(),
            Eval::Twins(command) => command.run(),
            Eval::Cascade(command) => command.run(),
            Eval::Pairs(command) => command.run(),
            Eval::Contrast(command) => command.run(),
        }
    }
}

/// For reports of many intervals: fewer samples for each.
fn quick_bootstrap() -> Bootstrap {
    const RESAMPLES: NonZeroU32 = NonZeroU32::new(2000).expect("2000 is not zero");
    Bootstrap { resamples: RESAMPLES, ..Bootstrap::default() }
}
