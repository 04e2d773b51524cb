//! `vetted eval`: measurements on labeled data.

mod retrieval;

use anyhow::Result;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Eval {
    /// Rank a BEIR data set with one or more pipelines: nDCG@10, MRR@10, recall@k, MAP@k, milliseconds
    Retrieval(retrieval::Retrieval),
}

impl Eval {
    pub fn run(self) -> Result<()> {
        match self {
            Eval::Retrieval(command) => command.run(),
        }
    }
}
