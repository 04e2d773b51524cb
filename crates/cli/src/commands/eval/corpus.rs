//! The data set that pipelines are measured on, indexed.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use tempfile::TempDir;
use vetted::corpus::{ReadOptions, read};
use vetted::{Engine, Passages};
use vetted_evaluation::{Dataset, Ranking, Run};

use super::pipeline::{PipelineArguments, Ranker};
use crate::commands::index::index_all;
use crate::commands::{Precision, scorers};
use crate::terminal::{count_bar, download_progress};

/// Which data set, and how it is indexed.
#[derive(Args)]
pub struct CorpusArguments {
    /// A folder with corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Which qrels
    #[arg(long, default_value = "test")]
    split: String,
    /// The encoder [default: all-MiniLM-L6-v2]
    #[arg(long, env = "VETTED_MODEL")]
    model: Option<String>,
    /// The arithmetic of the encoder, and of what reads
    #[arg(long, value_enum, env = "VETTED_PRECISION", default_value = "f32")]
    precision: Precision,
    /// Cut long documents into passages, as `vetted index` does, instead of embedding them whole
    #[arg(long)]
    pub passages: bool,
    /// Keep the index here, and use it again next time [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    index: Option<PathBuf>,
}

/// A data set and its index.
pub struct Corpus {
    /// Queries and judgments.
    pub dataset: Dataset,
    /// The documents, and nothing else.
    pub engine: Engine,
    /// Gone when the corpus is.
    _temporary: TempDir,
}

impl CorpusArguments {
    /// The arithmetic asked for.
    pub fn precision(&self) -> vetted::Precision {
        self.precision.into()
    }

    /// Reads and indexes the data set; its searches ask the verifier that `pipelines` names.
    pub fn open(&self, pipelines: &PipelineArguments) -> Result<Corpus> {
        let dataset = Dataset::load(&self.data, &self.split)?;
        let temporary = tempfile::tempdir().context("cannot make a temporary folder")?;
        let folder = self.index.clone().unwrap_or_else(|| temporary.path().join("index"));
        let passages = if self.passages { Passages::default() } else { Passages::Whole };
        let mut builder =
            Engine::builder(folder).precision(self.precision()).passages(passages).progress(download_progress());
        if let Some(model) = &self.model {
            builder = builder.model(model);
        }
        builder = builder.verifier(scorers::source(&pipelines.verifier)).views(pipelines.views());
        let mut reader = read(std::slice::from_ref(&dataset.corpus), &ReadOptions::default());
        let Some(first) = reader.next().transpose()? else {
            bail!("{} is empty: there is nothing to search", dataset.corpus.display());
        };
        let engine = builder.open_or_create()?;
        index_all(&engine, first, &mut reader)?;

        let mut ids: HashSet<String> = engine.index().ids()?.into_iter().collect();
        if self.index.is_some() {
            // An index from last time may hold what has left the corpus since, twins among it.
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
        Ok(Corpus { dataset, engine, _temporary: temporary })
    }
}

impl Corpus {
    /// The data set's own queries, ranked to a depth of `k`, with the time of each.
    pub fn rank(&self, ranker: &Ranker, k: usize) -> Result<(Run, Vec<Duration>)> {
        let Corpus { dataset, engine, .. } = self;
        let bar = count_bar(dataset.queries.len() as u64, &ranker.name);
        let mut run = Run::new(&ranker.name);
        let mut latencies = Vec::with_capacity(dataset.queries.len());
        // Loads what is loaded at the first query, so that no query is charged for it.
        if let Some(query) = dataset.queries.first() {
            ranker.rank(engine, &query.text, k)?;
        }
        let (mut relevant, mut rejected) = (0, 0);
        for query in &dataset.queries {
            let answered = ranker.rank(engine, &query.text, k).with_context(|| format!("query {}", query.id))?;
            let is_relevant = |id: &str| {
                dataset.qrels.get(&query.id).and_then(|judged| judged.grade(id)).is_some_and(|grade| grade >= 1)
            };
            relevant += answered.hits.iter().filter(|(id, _)| is_relevant(id)).count();
            rejected += answered.rejected.iter().filter(|id| is_relevant(id)).count();
            latencies.push(answered.elapsed);
            run.insert(&query.id, Ranking::new(answered.hits)?);
            bar.inc(1);
        }
        bar.finish_and_clear();
        if rejected > 0 {
            let found = relevant + rejected;
            eprintln!("note: {} rejected {rejected} of the {found} relevant documents it found", ranker.name);
        }
        Ok((run, latencies))
    }
}
