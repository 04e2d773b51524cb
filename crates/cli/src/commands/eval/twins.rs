//! `vetted eval twins`: how often a near-miss is served.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use vetted_evaluation::interval::Bootstrap;
use vetted_evaluation::metrics::retrieval::{Metric, evaluate};
use vetted_evaluation::report::twins::PipelineReport;
use vetted_evaluation::{RunReport, TwinsReport};

use super::corpus::CorpusArguments;
use super::pipeline::PipelineArguments;
use super::planting::{PlantingArguments, placements};
use super::quick_bootstrap;
use crate::terminal::print_report;

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
        print_report(&self.report()?, self.json)
    }

    /// Measures everything.
    pub fn report(&self) -> Result<TwinsReport> {
        let rankers = self.pipelines.load(self.corpus.precision())?;
        let corpus = self.corpus.open(&self.pipelines)?;
        let ndcg: Metric = "ndcg@10".parse()?;
        let mut clean = Vec::with_capacity(rankers.len());
        for ranker in &rankers {
            let (run, latencies) = corpus.rank(ranker, 10)?;
            let evaluation = evaluate(&[ndcg], &corpus.dataset.qrels, &run)?;
            clean.push(RunReport::new(&ranker.name, &evaluation, &Bootstrap::default(), &latencies)?);
        }
        let documents = corpus.engine.len()?;
        let planted = self.planting.plant(&corpus, self.corpus.passages)?;
        if let Some(folder) = &self.out {
            planted.write(&corpus.dataset.corpus, folder)?;
            eprintln!("wrote {}", folder.display());
        }
        let placed: Vec<_> =
            rankers.iter().map(|ranker| placements(&corpus, &planted, ranker)).collect::<Result<_>>()?;
        let baseline = rankers.iter().position(|ranker| ranker.name == "dense").map(|place| placed[place].as_slice());
        let bootstrap = quick_bootstrap();
        let report = |(clean, placed): (RunReport, &Vec<_>)| {
            let baseline = baseline.filter(|_| clean.pipeline != "dense");
            PipelineReport::new(clean, &planted, placed, baseline, &bootstrap)
        };
        Ok(TwinsReport {
            dataset: corpus.dataset.name.clone(),
            split: corpus.dataset.split.clone(),
            seed: self.planting.seed,
            documents,
            twins: planted.twins.len(),
            pipelines: clean.into_iter().zip(&placed).map(report).collect::<Result<_, _>>()?,
        })
    }
}
