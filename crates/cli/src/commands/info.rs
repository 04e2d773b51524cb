//! `vetted info`: what an index holds.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use vetted::Engine;
use vetted::wire::IndexInfo;

/// Counts, model and settings; with --check also whether everything agrees.
#[derive(Args)]
pub struct Info {
    /// The index's folder
    #[arg(long, value_name = "DIR", env = "VETTED_INDEX")]
    index: PathBuf,
    /// Read everything, and verify that the caches agree with the store
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Info {
    pub fn run(self) -> Result<()> {
        let engine = Engine::open(&self.index)?;
        let (index, manifest) = (engine.index(), engine.index().manifest());
        if self.json {
            writeln!(stdout(), "{}", serde_json::to_string(&IndexInfo::of(&engine)?)?)?;
        } else {
            writeln!(stdout(), "documents  {}", engine.len()?)?;
            let megabytes = |bytes: u64| bytes as f64 / 1e6;
            let (whole, views) = (megabytes(index.bytes_on_disk()?), megabytes(index.bytes_of_views()?));
            writeln!(stdout(), "on disk    {whole:.1} MB, {views:.1} of them views for verification")?;
            writeln!(stdout(), "encoder    {}", manifest.encoder)?;
            writeln!(stdout(), "settings   {}", serde_json::Value::Object(manifest.passage_options.clone()))?;
            writeln!(stdout(), "format     {}", manifest.format_version())?;
        }
        if self.check {
            let check = index.check()?;
            engine.notices(); // each is said as it is forwarded
            for problem in &check.problems {
                eprintln!("problem: {problem}");
            }
            if !check.problems.is_empty() {
                bail!("{} problems found: index the documents again into another folder", check.problems.len());
            }
            eprintln!("checked: everything agrees");
        }
        Ok(())
    }
}
