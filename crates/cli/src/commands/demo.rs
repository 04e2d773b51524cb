//! `vetted demo`: what verification changes, on a corpus that comes with the program.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use vetted::corpus::{ReadOptions, read};
use vetted::{Engine, Found, Hit, Outcome, Search, Verdict};

use super::index::{index_all, next};
use super::search::{named, print};
use crate::interruption::Interruption;
use crate::terminal::{bold, dim, download_progress, printable};

/// Fetches the default model if it is not there.
#[derive(Args)]
pub struct Demo {
    /// Ask this instead of the demo's own questions
    #[arg(allow_negative_numbers = true)]
    query: Option<String>,
    /// Keep the index in this folder [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

const CORPUS: &str = include_str!("../../demo/corpus.jsonl");

/// Two statements of which the corpus says the contrary, one that it bears out, a question that it answers, and one whose
/// answer the verifier is not sure of.
const QUERIES: [&str; 5] = [
    "Contoso bought Northwind for nine hundred million.",
    "Tomato plants survive the first frost.",
    "Sales fell while costs rose, so profit was lower than the year before.",
    "who bit a dog in the park?",
    "who was bitten by the dog?",
];

const LEGEND: &str = "\
Vector search finds what is about a query, whether it agrees with it or not. vetted reads what was found:
  accept      it supports the query, and can be vouched for
  reject      it contradicts the query, or a document that says nearly the same supports it better: left out
  abstain     neither; kept, and not vouched for
";

impl Demo {
    pub fn run(self) -> Result<()> {
        let temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
        let corpus = temporary.path().join("corpus.jsonl");
        std::fs::write(&corpus, CORPUS).context("cannot write the demo's corpus")?;
        let folder = self.into.unwrap_or_else(|| temporary.path().join("index"));

        let engine = Engine::builder(&folder).progress(download_progress()).open_or_create()?;
        let mut reader = read(&[corpus], &ReadOptions::default());
        let first = next(&mut reader)?.context("the demo's corpus is empty")?;
        let outcome = index_all(&engine, first, &mut reader, &Interruption::default())?;
        let mut out = stdout().lock();
        writeln!(out, "{} documents indexed with {} in {:.1?}\n", outcome.documents, engine.model(), outcome.elapsed)?;
        writeln!(out, "{LEGEND}")?;

        let queries = self.query.map_or_else(|| QUERIES.map(str::to_owned).to_vec(), |query| vec![query]);
        for query in queries {
            let search = Search::new(query).k(3);
            let (unverified, found) = (engine.search(&search.clone().verify(None))?, engine.search(&search)?);
            writeln!(out, "{}", bold(&format!("? {}", printable(&search.text))))?;
            if let Some(first) = unverified.hits.first() {
                let (name, fate) = (named(&first.title, &first.id), fate(first, &found));
                writeln!(out, "{} {name}{}", dim("vector search alone puts first:"), dim(fate))?;
            }
            print(&mut out, &found)?;
            writeln!(out)?;
        }
        Ok(())
    }
}

/// What verification makes of the document that would have been served first.
fn fate(first: &Hit, found: &Found) -> &'static str {
    if found.rejected.iter().any(|left_out| left_out.id == first.id) {
        return "  (left out below)";
    }
    let outcome = found.hits.iter().find(|hit| hit.id == first.id).map(|hit| &hit.outcome);
    match outcome.and_then(Outcome::verdict) {
        Some(Verdict::Accept) => "  (and it is accepted)",
        _ => "  (and it is not vouched for)",
    }
}
