//! `vetted demo`: the main job, on a corpus that comes with the program.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use vetted::corpus::{ReadOptions, read};
use vetted::{Engine, Search};

use super::index::index_all;
use super::search::print;
use crate::terminal::{bold, download_progress};

/// Fetches the default model if it is not there.
#[derive(Args)]
pub struct Demo {
    /// Ask this instead of the demo's own questions
    query: Option<String>,
    /// Keep the index in this folder [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

const CORPUS: &str = include_str!("../../demo/corpus.jsonl");

const QUESTIONS: [&str; 4] = [
    "who was bitten by the dog?",
    "how can I stop paying for my plan?",
    "which medicine must not be taken with grapefruit?",
    "why do bridges need gaps in summer?",
];

impl Demo {
    pub fn run(self) -> Result<()> {
        let temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
        let corpus = temporary.path().join("corpus.jsonl");
        std::fs::write(&corpus, CORPUS).context("cannot write the demo's corpus")?;
        let folder = self.into.unwrap_or_else(|| temporary.path().join("index"));

        let engine = Engine::builder(&folder).progress(download_progress()).open_or_create()?;
        let mut reader = read(&[corpus], &ReadOptions::default());
        let first = reader.next().transpose()?.context("the demo's corpus is empty")?;
        let outcome = index_all(&engine, first, &mut reader)?;
        writeln!(
            stdout(),
            "{} documents indexed with {} in {:.1?}\n",
            outcome.documents,
            engine.model(),
            outcome.elapsed
        )?;

        let questions = self.query.map_or_else(|| QUESTIONS.map(str::to_owned).to_vec(), |query| vec![query]);
        for question in questions {
            writeln!(stdout(), "{}", bold(&format!("? {question}")))?;
            print(&mut stdout().lock(), &engine.search(&Search::new(question).k(3))?)?;
            writeln!(stdout())?;
        }
        Ok(())
    }
}
