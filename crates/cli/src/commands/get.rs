//! `vetted get` and `vetted list`: documents out of an index, as they were put in.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use vetted::Engine;

use super::search::named;
use crate::terminal::{bold, printable};

/// Prints documents as they are stored.
#[derive(Args)]
pub struct Get {
    /// Ids of documents
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// The index's folder, or where it is on a server: redis://host:6379/NAME, qdrant://host:6334/NAME
    #[arg(long, value_name = "DIR", env = "VETTED_INDEX", hide_env_values = true)]
    index: PathBuf,
    /// Print each as a line of JSON: {id, title, text, metadata}, as `vetted index` reads it
    #[arg(long)]
    json: bool,
}

/// Prints the ids and titles of all documents, in the order in which they were last written.
#[derive(Args)]
pub struct List {
    /// The index's folder, or where it is on a server: redis://host:6379/NAME, qdrant://host:6334/NAME
    #[arg(long, value_name = "DIR", env = "VETTED_INDEX", hide_env_values = true)]
    index: PathBuf,
    /// Print each as a line of JSON: {id, title, metadata, origins}. `origins` are the files that it came from
    #[arg(long)]
    json: bool,
}

impl Get {
    pub fn run(self) -> Result<()> {
        let engine = Engine::open(&self.index)?;
        let mut out = stdout().lock();
        let mut missing = Vec::new();
        for id in &self.ids {
            let Some(document) = engine.get(id)? else {
                missing.push(printable(id));
                continue;
            };
            if self.json {
                writeln!(out, "{}", serde_json::to_string(&document)?)?;
                continue;
            }
            writeln!(out, "{}", named(&document.title, &document.id))?;
            for (field, value) in &document.metadata {
                writeln!(out, "{}: {}", bold(&printable(field)), printable(&value.to_string()))?;
            }
            for line in document.text.lines() {
                writeln!(out, "{}", printable_line(line))?;
            }
        }
        if !missing.is_empty() {
            bail!("not in {}: {}", engine.folder().display(), missing.join(", "));
        }
        Ok(())
    }
}

impl List {
    pub fn run(self) -> Result<()> {
        let engine = Engine::open(&self.index)?;
        let mut out = stdout().lock();
        for id in engine.index().ids()? {
            // Another process may have removed it meanwhile.
            let Some(document) = engine.get(&id)? else { continue };
            if self.json {
                let origins = engine.index().origins(&[id.as_str()])?.pop().unwrap_or_default();
                let listed = json!({
                    "id": id, "title": document.title, "metadata": document.metadata, "origins": origins,
                });
                writeln!(out, "{listed}")?;
            } else {
                writeln!(out, "{}", named(&document.title, &id))?;
            }
        }
        Ok(())
    }
}

/// A line as it is, indented as it is, without control characters.
fn printable_line(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let blanks = line[..indent].replace(|c: char| c.is_control() && c != '\t', "");
    blanks + &printable(&line[indent..])
}
