//! `vetted eval twins`: how often a near-miss is served.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use vetted_study::indexed::IndexedCorpus;
use vetted_study::pipeline::Pipelines;
use vetted_study::twins::{measure, planned};

use super::arguments::{CorpusArguments, PipelineArguments, PlantingArguments};
use crate::terminal::{print_report, say, watch};

/// Plants copies of relevant documents in which one sentence says something else, and asks for that sentence: as a statement
/// in other words, and as a question that it answers and the copy does not. Which document is right is known by construction.
///
/// twin@k: share of queries whose first k hits hold the twin. twin above: it ranks above the original, or is there without it.
/// found@10: the original is among the first 10. abstained: nothing vouched for (only `vetted` can). less@1: by how much less
/// twin@1 is than that of dense. The last table has the data set's own queries on the corpus without twins.
#[derive(Args)]
pub struct Twins {
    #[command(flatten)]
    corpus: CorpusArguments,
    #[command(flatten)]
    pipelines: PipelineArguments,
    #[command(flatten)]
    planting: PlantingArguments,
    /// Write the planted corpus, queries and qrels as a BEIR folder, and twins.jsonl with what was changed
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print JSON: {dataset, split, seed, documents, twins, pipelines: [{pipeline, ndcg@10, ms_p50, ms_p95, forms: [{form, n,
    /// contamination@1, contamination@5, contamination@10, twin-above, original-found@10, abstained, reduction@1, ci95,
    /// kinds: [{kind, n, ...}]}]}]}
    #[arg(long)]
    json: bool,
}

impl Twins {
    pub fn run(self) -> Result<()> {
        let (corpus, pipelines) = (self.corpus.settings(), self.pipelines.settings());
        let watch = &watch();
        let planting = self.planting.settings();
        // Before anything is loaded or encoded.
        let planted = planned(&corpus, &planting)?;
        let loaded = Pipelines::load(&pipelines, corpus.precision, watch)?;
        let corpus = IndexedCorpus::open(&corpus, &pipelines, watch)?;
        if let Some(folder) = &self.out {
            planted.write(&corpus.dataset.corpus, folder)?;
            say(format_args!("wrote {}", folder.display()));
        }
        let report = measure(&corpus, &loaded, &planted, planting.seed, watch)?;
        print_report(&report, self.json)
    }
}
