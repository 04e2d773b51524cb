//! `vetted eval retrieval`: pipelines on a BEIR data set.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use vetted::corpus::{ReadOptions, read};
use vetted::{Engine, Passages, Search};
use vetted_evaluation::interval::Bootstrap;
use vetted_evaluation::metrics::retrieval::{evaluate, standard};
use vetted_evaluation::{Dataset, Ranking, RetrievalReport, Run, RunReport};

use crate::commands::index::index_all;
use crate::commands::{DEFAULT_ALPHA, Mode, Precision};
use crate::terminal::{byte_bar, download_progress, print_report};

/// Documents are embedded whole, as published figures are made: title, space, text, cut at the model's longest input.
#[derive(Args)]
pub struct Retrieval {
    /// A folder with corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Which qrels
    #[arg(long, default_value = "test")]
    split: String,
    /// What to compare
    #[arg(long, value_enum, value_delimiter = ',', default_value = "dense,bm25,hybrid,hybrid-rrf")]
    pipeline: Vec<Mode>,
    /// How deep to rank
    #[arg(long, default_value = "100")]
    k: NonZeroUsize,
    /// The weight of the dense score in `hybrid`, from 0 to 1
    #[arg(long, default_value_t = DEFAULT_ALPHA)]
    alpha: f32,
    /// The encoder [default: all-MiniLM-L6-v2]
    #[arg(long, env = "VETTED_MODEL")]
    model: Option<String>,
    /// The encoder's arithmetic
    #[arg(long, value_enum, env = "VETTED_PRECISION", default_value = "f32")]
    precision: Precision,
    /// Cut long documents into passages, as `vetted index` does, instead of embedding them whole
    #[arg(long)]
    passages: bool,
    /// Keep the index here, and use it again next time [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    index: Option<PathBuf>,
    /// Write the rankings in TREC's format; with several pipelines, one file each: OUT.PIPELINE.trec
    #[arg(long, value_name = "OUT.trec")]
    run_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Retrieval {
    pub fn run(self) -> Result<()> {
        let dataset = Dataset::load(&self.data, &self.split)?;
        let temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
        let folder = self.index.clone().unwrap_or_else(|| temporary.path().join("index"));
        let engine = self.indexed(&dataset, &folder)?;

        let mut report = RetrievalReport::new(&dataset);
        for mode in &self.pipeline {
            let name = mode.name();
            let run = self.rank(&engine, &dataset, *mode)?;
            if let Some(path) = &self.run_file {
                let path = run_path(path, &name, self.pipeline.len());
                run.0.save(&path)?;
                eprintln!("wrote {}", path.display());
            }
            let evaluation = evaluate(&standard(self.k), &dataset.qrels, &run.0)?;
            report.runs.push(RunReport::new(&name, &evaluation, &Bootstrap::default(), &run.1)?);
        }
        print_report(&report, self.json)
    }

    /// The corpus, and nothing else, in an index.
    fn indexed(&self, dataset: &Dataset, folder: &Path) -> Result<Engine> {
        let passages = if self.passages { Passages::default() } else { Passages::Whole };
        let mut builder =
            Engine::builder(folder).precision(self.precision.into()).passages(passages).progress(download_progress());
        if let Some(model) = &self.model {
            builder = builder.model(model);
        }
        let mut reader = read(std::slice::from_ref(&dataset.corpus), &ReadOptions::default());
        let Some(first) = reader.next().transpose()? else {
            bail!("{} is empty: there is nothing to search", dataset.corpus.display());
        };
        let engine = builder.open_or_create()?;
        index_all(&engine, first, &mut reader)?;

        let mut ids: HashSet<String> = engine.index().ids()?.into_iter().collect();
        if self.index.is_some() {
            // An index from last time may hold what has left the corpus since.
            let corpus: HashSet<String> = read(std::slice::from_ref(&dataset.corpus), &ReadOptions::default())
                .map(|d| Ok(d?.id))
                .collect::<Result<_>>()?;
            let stale: Vec<&String> = ids.difference(&corpus).collect();
            engine.delete(&stale)?;
            ids = corpus;
        }
        if let Some(missing) = dataset.missing_documents(|id| ids.contains(id)) {
            eprintln!("note: {missing}");
        }
        Ok(engine)
    }

    fn rank(&self, engine: &Engine, dataset: &Dataset, mode: Mode) -> Result<(Run, Vec<std::time::Duration>)> {
        let mode_name = mode.name();
        let bar = byte_bar(None);
        bar.set_message(mode_name.clone());
        let search = |text: &str| Search::new(text).k(self.k.get()).mode(mode.with_alpha(self.alpha)).verify(None);
        let mut run = Run::new(&mode_name);
        let mut latencies = Vec::with_capacity(dataset.queries.len());
        // Loads what is loaded at the first query, so that no query is charged for it.
        if let Some(query) = dataset.queries.first() {
            engine.rank(&search(&query.text))?;
        }
        for query in &dataset.queries {
            let ranked = engine.rank(&search(&query.text)).with_context(|| format!("query {}", query.id))?;
            latencies.push(ranked.timing.total());
            run.insert(&query.id, Ranking::new(ranked.hits.into_iter().map(|hit| (hit.id, hit.score)))?);
            bar.tick();
        }
        bar.finish_and_clear();
        Ok((run, latencies))
    }
}

fn run_path(path: &Path, pipeline: &str, pipelines: usize) -> PathBuf {
    if pipelines == 1 { path.to_owned() } else { path.with_extension(format!("{pipeline}.trec")) }
}
