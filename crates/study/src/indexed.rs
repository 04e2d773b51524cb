//! The data set that pipelines are measured on, indexed.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use vetted::{Document, Engine, Passages, Precision};
use vetted_corpus::{ReadOptions, read};
use vetted_evaluation::{Dataset, Ranking, Run};

use crate::Error;
use crate::error::During;
use crate::pipeline::{PipelineSettings, Ranker};
use crate::watch::{Event, Watch};

/// Which data set, and how it is indexed.
#[derive(Debug, Clone)]
pub struct CorpusSettings {
    /// A BEIR folder: corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv.
    pub data: PathBuf,
    /// Which qrels.
    pub split: String,
    /// The encoder; the default one where there is none.
    pub model: Option<String>,
    /// Its arithmetic.
    pub precision: Precision,
    /// Whether long documents are cut into passages, instead of being embedded whole as far as the encoder reads.
    pub passages: bool,
    /// Where the index is kept for another time; in a temporary folder where there is none.
    pub index: Option<PathBuf>,
}

impl CorpusSettings {
    /// The test split of the data set in a folder, embedded whole by the default encoder.
    pub fn new(data: impl Into<PathBuf>) -> CorpusSettings {
        CorpusSettings {
            data: data.into(),
            split: "test".into(),
            model: None,
            precision: Precision::default(),
            passages: false,
            index: None,
        }
    }
}

/// A data set and its index.
pub struct IndexedCorpus {
    /// Queries and judgments.
    pub dataset: Dataset,
    /// The documents, and nothing else.
    pub engine: Engine,
    /// Whether documents were cut into passages.
    pub passages: bool,
    /// Gone when the corpus is.
    _temporary: TempDir,
}

/// Documents that are indexed at once: enough to keep all processors busy.
pub(crate) const TOGETHER: usize = 256;

impl IndexedCorpus {
    /// Reads and indexes the data set; its searches ask the verifier that `pipelines` names.
    ///
    /// # Errors
    /// [`Error::EmptyCorpus`]; when the data set cannot be read, or the index not made.
    pub fn open(
        settings: &CorpusSettings,
        pipelines: &PipelineSettings,
        watch: Watch<'_>,
    ) -> Result<IndexedCorpus, Error> {
        let dataset = Dataset::load(&settings.data, &settings.split)?;
        let temporary = tempfile::tempdir().map_err(Error::Temporary)?;
        let folder = settings.index.clone().unwrap_or_else(|| temporary.path().join("index"));
        let passages = if settings.passages { Passages::default() } else { Passages::Whole };
        // An index from last time may keep what these pipelines do not need, or need and do without.
        let views = (!folder.join("vetted.json").exists()).then(|| pipelines.views());
        let mut builder = Engine::builder(folder)
            .precision(settings.precision)
            .passages(passages)
            .verifier(pipelines.verifier.clone())
            .views(views)
            .progress(|progress| watch(Event::Fetching(progress)));
        if let Some(model) = &settings.model {
            builder = builder.model(model);
        }
        let documents = || read(std::slice::from_ref(&dataset.corpus), &ReadOptions::default());
        // Before anything is fetched or made: a line that cannot be read is found now, and so is how many there are.
        let count = documents().try_fold(0, |count, document| document.map(|_| count + 1))?;
        if count == 0 {
            return Err(Error::EmptyCorpus { path: dataset.corpus });
        }
        let engine = builder.open_or_create()?;
        let corpus = add_all(&engine, documents(), count, &dataset.name, watch)?;

        let held: HashSet<String> = engine.index().ids().map_err(vetted::Error::from)?.into_iter().collect();
        // An index from last time may hold what has left the corpus since, twins among it.
        let stale: Vec<&String> = held.difference(&corpus).collect();
        if !stale.is_empty() {
            engine.delete(&stale)?;
        }
        if let Some(missing) = dataset.missing_documents(|id| corpus.contains(id)) {
            watch(Event::Note(&missing.to_string()));
        }
        Ok(IndexedCorpus { dataset, engine, passages: settings.passages, _temporary: temporary })
    }

    /// The data set's own queries, ranked to a depth of `k`, with the time of each.
    ///
    /// # Errors
    /// Those of a search.
    pub fn rank(&self, ranker: &Ranker, k: usize, watch: Watch<'_>) -> Result<(Run, Vec<Duration>), Error> {
        let IndexedCorpus { dataset, engine, .. } = self;
        watch(Event::Begun { what: &ranker.name, total: dataset.queries.len() as u64 });
        let mut run = Run::new(&ranker.name);
        let mut latencies = Vec::with_capacity(dataset.queries.len());
        // Loads what is loaded at the first query, so that no query is charged for it.
        if let Some(query) = dataset.queries.first() {
            ranker.rank(engine, &query.text, k)?;
        }
        let (mut relevant, mut rejected) = (0, 0);
        for query in &dataset.queries {
            let answered = ranker.rank(engine, &query.text, k).during(|| format!("query {}", query.id))?;
            let is_relevant = |id: &str| {
                dataset.qrels.get(&query.id).and_then(|judged| judged.grade(id)).is_some_and(|grade| grade >= 1)
            };
            relevant += answered.hits.iter().filter(|(id, _)| is_relevant(id)).count();
            rejected += answered.rejected.iter().filter(|id| is_relevant(id)).count();
            latencies.push(answered.elapsed);
            run.insert(&query.id, Ranking::new(answered.hits)?);
            watch(Event::Advanced(1));
        }
        watch(Event::Ended);
        if rejected > 0 {
            let found = relevant + rejected;
            let name = &ranker.name;
            watch(Event::Note(&format!("{name} rejected {rejected} of the {found} relevant documents it found")));
        }
        Ok((run, latencies))
    }
}

/// Indexes all documents, and says which ids they have.
fn add_all(
    engine: &Engine,
    documents: impl Iterator<Item = Result<Document, vetted_corpus::Error>>,
    count: u64,
    name: &str,
    watch: Watch<'_>,
) -> Result<HashSet<String>, Error> {
    let mut ids = HashSet::new();
    let mut batch = Vec::with_capacity(TOGETHER);
    watch(Event::Begun { what: &format!("documents of {name}"), total: count });
    let mut documents = documents.peekable();
    while let Some(document) = documents.next().transpose()? {
        ids.insert(document.id.clone());
        batch.push(document);
        if batch.len() == TOGETHER || documents.peek().is_none() {
            let some = batch.len() as u64;
            engine.upsert(std::mem::take(&mut batch))?;
            watch(Event::Advanced(some));
        }
    }
    engine.finish()?;
    watch(Event::Ended);
    Ok(ids)
}
