//! `vetted delete`: documents out of an index.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use vetted::Engine;

use crate::terminal::counted;

/// Says how many of the documents were there.
#[derive(Args)]
pub struct Delete {
    /// Ids of documents
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// The index's folder
    #[arg(long, value_name = "DIR", env = "VETTED_INDEX")]
    index: PathBuf,
}

impl Delete {
    pub fn run(self) -> Result<()> {
        let engine = Engine::builder(&self.index).open_writable()?;
        let deleted = engine.delete(&self.ids)?;
        engine.finish()?;
        let asked = counted(self.ids.len(), "document");
        writeln!(stdout(), "{deleted} of {asked} deleted, {} left", engine.len()?)?;
        Ok(())
    }
}
