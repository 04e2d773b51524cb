//! `--sources`: what is known about the data sets in a file of pairs.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use vetted_pairs::Sources;

/// For flattening into the arguments of whatever reads labelled pairs.
#[derive(Args)]
pub struct SourcesFile {
    /// What is known about data sets by their names in the column source, where a file of pairs does not say it: relation,
    /// order of claim and evidence, kind of the negatives; in JSON, such as recipes/sources.json
    #[arg(long, value_name = "FILE.json")]
    sources: Option<PathBuf>,
}

impl SourcesFile {
    /// Reads it; nothing is known where none was given.
    pub fn read(&self) -> Result<Sources> {
        Ok(self.sources.as_ref().map(Sources::read).transpose()?.unwrap_or_default())
    }
}
