//! `vetted eval cascade`: an agent that needs several correct retrievals in a row.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use vetted_study::cascade::measure;
use vetted_study::indexed::IndexedCorpus;
use vetted_study::pipeline::Pipelines;
use vetted_study::twins::planned;

use super::arguments::{CorpusArguments, PipelineArguments, PlantingArguments};
use crate::terminal::{print_report, say, watch};

/// The corpus holds near-miss twins, as in `eval twins`. An agent asks h different queries, one after the other, and acts on
/// each answer: on the first hit, or, with `vetted`, on the first hit that is accepted; where none is, it stops. A chain
/// succeeds when every document acted on supports its query. One that ends in a twin, or in any other document, is silently
/// wrong (another document may support the query too: nobody judged it).
///
/// The chances are exact over all chains that can be drawn from the queries; intervals are over queries. Other pipelines have
/// nothing to abstain by.
#[derive(Args)]
pub struct Cascade {
    #[command(flatten)]
    corpus: CorpusArguments,
    #[command(flatten)]
    pipelines: PipelineArguments,
    #[command(flatten)]
    planting: PlantingArguments,
    /// The longest chain
    #[arg(long, value_name = "H", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    longest: u32,
    /// Draw success against h
    #[arg(long, value_name = "PLOT.svg")]
    out: Option<PathBuf>,
    /// Print JSON: {dataset, split, seed, twins, forms: [{form, n, pipelines: [{pipeline, steps: [{h, success, abstained, twin,
    /// other, silent, ci95}]}]}]}; silent is twin and other together
    #[arg(long)]
    json: bool,
}

impl Cascade {
    pub fn run(self) -> Result<()> {
        let (corpus, pipelines) = (self.corpus.settings(), self.pipelines.settings());
        let watch = &watch();
        let planting = self.planting.settings();
        // Before anything is loaded or encoded.
        let planted = planned(&corpus, &planting)?;
        let loaded = Pipelines::load(&pipelines, corpus.precision, watch)?;
        let corpus = IndexedCorpus::open(&corpus, &pipelines, watch)?;
        let report = measure(&corpus, &loaded, &planted, planting.seed, self.longest as usize, watch)?;
        if let Some(path) = &self.out {
            std::fs::write(path, report.picture()).with_context(|| format!("cannot write {}", path.display()))?;
            say(format_args!("wrote {}", path.display()));
        }
        print_report(&report, self.json)
    }
}
