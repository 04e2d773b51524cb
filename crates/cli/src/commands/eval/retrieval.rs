//! `vetted eval retrieval`: pipelines on a BEIR data set.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use vetted_evaluation::interval::Bootstrap;
use vetted_evaluation::metrics::retrieval::{evaluate, standard};
use vetted_evaluation::{RetrievalReport, RunReport};

use super::corpus::CorpusArguments;
use super::pipeline::PipelineArguments;
use crate::terminal::print_report;

/// Documents are embedded whole, as published figures are made: title, space, text, cut at the model's longest input.
#[derive(Args)]
pub struct Retrieval {
    #[command(flatten)]
    corpus: CorpusArguments,
    #[command(flatten)]
    pipelines: PipelineArguments,
    /// How deep to rank
    #[arg(long, default_value = "100")]
    k: NonZeroUsize,
    /// Write the rankings in TREC's format; with several pipelines, one file each: OUT.PIPELINE.trec
    #[arg(long, value_name = "OUT.trec")]
    run_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Retrieval {
    pub fn run(self) -> Result<()> {
        let rankers = self.pipelines.load(self.corpus.precision())?;
        let corpus = self.corpus.open(&self.pipelines)?;
        let mut report = RetrievalReport::new(&corpus.dataset);
        for ranker in &rankers {
            let (run, latencies) = corpus.rank(ranker, self.k.get())?;
            if let Some(path) = &self.run_file {
                let path = run_path(path, &ranker.name, rankers.len());
                run.save(&path)?;
                eprintln!("wrote {}", path.display());
            }
            let evaluation = evaluate(&standard(self.k), &corpus.dataset.qrels, &run)?;
            report.runs.push(RunReport::new(&ranker.name, &evaluation, &Bootstrap::default(), &latencies)?);
        }
        print_report(&report, self.json)
    }
}

fn run_path(path: &Path, pipeline: &str, pipelines: usize) -> PathBuf {
    if pipelines == 1 { path.to_owned() } else { path.with_extension(format!("{pipeline}.trec")) }
}
