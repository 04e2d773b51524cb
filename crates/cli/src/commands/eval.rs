//! `vetted eval`: measurements on labeled data.

mod arguments;
mod cascade;
mod contrast;
mod pairs;
mod retrieval;
mod twins;

use anyhow::Result;
use clap::Subcommand;

/// What `--scorer` takes, for its help.
const SCORERS: &str = "vetted (the shipped verifier), cosine, f0, f1 (MaxSim), f2, or a verifier's folder";

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
