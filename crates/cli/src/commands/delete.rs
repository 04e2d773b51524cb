//! `vetted delete`: documents out of an index.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use vetted::{Engine, Filter};

use crate::terminal::counted;

/// Says how many of the documents were there.
#[derive(Args)]
pub struct Delete {
    /// Ids of documents
    #[arg(required_unless_present = "filter", conflicts_with = "filter", value_name = "ID")]
    ids: Vec<String>,
    /// Instead of ids: all documents whose metadata fit, as for `vetted search`; several must all fit
    #[arg(long, value_name = "CONDITION")]
    filter: Vec<Filter>,
    /// The index's folder, or where it is on a server: redis://host:6379/NAME, qdrant://host:6334/NAME
    #[arg(long, value_name = "DIR", env = "VETTED_INDEX", hide_env_values = true)]
    index: PathBuf,
}

impl Delete {
    pub fn run(self) -> Result<()> {
        let engine = Engine::builder(&self.index).open_writable()?;
        let asked = match self.filter.is_empty() {
            true => self.ids,
            false => engine.ids_that_fit(&self.filter)?,
        };
        let deleted = engine.delete(&asked)?;
        engine.finish()?;
        writeln!(stdout(), "{deleted} of {} deleted, {} left", counted(asked.len(), "document"), engine.len()?)?;
        Ok(())
    }
}
