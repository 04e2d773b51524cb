//! `vetted eval retrieval`: pipelines on a BEIR data set.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use vetted_evaluation::Run;
use vetted_study::indexed::IndexedCorpus;
use vetted_study::pipeline::Pipelines;
use vetted_study::retrieval;

use super::arguments::{CorpusArguments, PipelineArguments};
use crate::terminal::{print_report, say, watch};

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
        let (corpus, pipelines) = (self.corpus.settings(), self.pipelines.settings());
        let watch = &watch();
        let loaded = Pipelines::load(&pipelines, corpus.precision, watch)?;
        let corpus = IndexedCorpus::open(&corpus, &pipelines, watch)?;
        let keep = |name: &str, run: &Run| {
            if let Some(path) = &self.run_file {
                let path = run_path(path, name, loaded.rankers.len());
                run.save(&path)?;
                say(format_args!("wrote {}", path.display()));
            }
            Ok(())
        };
        let report = retrieval::report(&corpus, &loaded, self.k, keep, watch)?;
        print_report(&report, self.json)
    }
}

fn run_path(path: &Path, pipeline: &str, pipelines: usize) -> PathBuf {
    if pipelines == 1 { path.to_owned() } else { path.with_extension(format!("{pipeline}.trec")) }
}
