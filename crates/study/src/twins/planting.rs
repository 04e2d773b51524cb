//! Twins in an indexed data set, and what pipelines answer there.

use std::collections::{BTreeMap, BTreeSet};

use vetted::Document;
use vetted_corpus::{ReadOptions, read};
use vetted_evaluation::interval::Bootstrap;
use vetted_evaluation::metrics::retrieval::{Metric, evaluate};
use vetted_evaluation::metrics::twins::{Answer, Placement};
use vetted_evaluation::{Dataset, RunReport};
use vetted_pairs::Kind;

use super::report::PipelineReport;
use super::{FIRST_WORDS, Options, Planted, TwinsReport, plant};
use crate::error::During;
use crate::indexed::{CorpusSettings, IndexedCorpus, TOGETHER};
use crate::pipeline::{Pipelines, Ranker};
use crate::watch::{Event, Watch};
use crate::{Error, quick_bootstrap};

/// Which twins are planted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlantingSettings {
    /// So many at most; each is asked a statement, and some a question too.
    pub twins: usize,
    /// The kinds of edit; those of [`Options::default`] where there is none.
    pub kinds: Vec<Kind>,
    /// Names the choice of documents, sentences and edits.
    pub seed: u64,
}

impl Default for PlantingSettings {
    fn default() -> Self {
        PlantingSettings { twins: 1000, kinds: Vec::new(), seed: 1 }
    }
}

/// How deep twins and originals are looked for.
const DEEPEST: usize = 100;

/// Asks every pipeline the data set's own queries, plants `planted` in the index, and asks the queries that it has. `seed` is for
/// the report.
///
/// # Errors
/// Those of the index and of a search.
pub fn measure(
    corpus: &IndexedCorpus,
    pipelines: &Pipelines,
    planted: &Planted,
    seed: u64,
    watch: Watch<'_>,
) -> Result<TwinsReport, Error> {
    let ndcg: Metric = "ndcg@10".parse()?;
    let mut clean = Vec::with_capacity(pipelines.rankers.len());
    for ranker in &pipelines.rankers {
        let (run, latencies) = corpus.rank(ranker, 10, watch)?;
        let evaluation = evaluate(&[ndcg], &corpus.dataset.qrels, &run)?;
        clean.push(RunReport::new(&ranker.name, &evaluation, &Bootstrap::default(), &latencies)?);
    }
    let documents = corpus.engine.len()?;
    plant_in(corpus, planted)?;
    let placed = pipelines.rankers.iter().map(|ranker| placements(corpus, planted, ranker, watch));
    let placed = placed.collect::<Result<Vec<_>, _>>()?;
    let baseline = pipelines.rankers.iter().position(|ranker| ranker.name == "dense");
    let baseline = baseline.map(|place| placed[place].as_slice());
    let bootstrap = quick_bootstrap();
    let report = |(clean, placed): (RunReport, &Vec<_>)| {
        let baseline = baseline.filter(|_| clean.pipeline != "dense");
        PipelineReport::new(clean, planted, placed, baseline, &bootstrap)
    };
    Ok(TwinsReport {
        dataset: corpus.dataset.name.clone(),
        split: corpus.dataset.split.clone(),
        seed,
        documents,
        twins: planted.twins.len(),
        pipelines: clean.into_iter().zip(&placed).map(report).collect::<Result<_, _>>()?,
    })
}

/// Makes twins of the relevant documents of a data set, from its files alone: before anything is fetched or encoded, it shows
/// whether there is anything to edit. Where documents are embedded whole, only what the encoder surely reads is edited.
///
/// # Errors
/// [`Error::NothingToEdit`]; when the data set cannot be read.
pub fn planned(corpus: &CorpusSettings, planting: &PlantingSettings) -> Result<Planted, Error> {
    let dataset = Dataset::load(&corpus.data, &corpus.split)?;
    let judged = dataset.qrels.iter().flat_map(|(_, judgments)| judgments.iter());
    let ids: BTreeSet<&str> = judged.filter(|(_, grade)| *grade >= 1).map(|(id, _)| id).collect();
    let mut relevant = BTreeMap::new();
    for document in read(std::slice::from_ref(&dataset.corpus), &ReadOptions::default()) {
        let document = document?;
        if ids.contains(document.id.as_str()) {
            relevant.insert(document.id.clone(), document); // the last of an id, as in an index
        }
    }
    let relevant: Vec<Document> = relevant.into_values().collect();
    let mut options = Options { seed: planting.seed, twins: planting.twins, ..Options::default() };
    options.first_words = (!corpus.passages).then_some(FIRST_WORDS);
    if !planting.kinds.is_empty() {
        options.kinds.clone_from(&planting.kinds);
    }
    let planted = plant(&relevant, &options);
    match planted.twins.is_empty() {
        true => Err(Error::NothingToEdit { dataset: dataset.name, relevant: relevant.len() }),
        false => Ok(planted),
    }
}

/// Adds twins to the index.
///
/// # Errors
/// Those of the index.
pub fn plant_in(corpus: &IndexedCorpus, planted: &Planted) -> Result<(), Error> {
    let twins: Vec<Document> = planted.twins.iter().map(|twin| twin.document.clone()).collect();
    for some in twins.chunks(TOGETHER) {
        corpus.engine.upsert(some.to_vec())?;
    }
    corpus.engine.finish()?;
    Ok(())
}

/// What a pipeline does with every query of `planted`, in their order.
///
/// # Errors
/// Those of a search.
pub fn placements(
    corpus: &IndexedCorpus,
    planted: &Planted,
    ranker: &Ranker,
    watch: Watch<'_>,
) -> Result<Vec<Placement>, Error> {
    watch(Event::Begun { what: &format!("{} with twins", ranker.name), total: planted.queries.len() as u64 });
    let mut placements = Vec::with_capacity(planted.queries.len());
    for query in &planted.queries {
        let answered = ranker.rank(&corpus.engine, &query.text, DEEPEST).during(|| format!("query {}", query.id))?;
        let ranking = answered.hits.into_iter().map(|(id, _)| id).collect();
        let twin = &planted.twins[query.twin];
        let answer = Answer { ranking, acted_on: answered.acted_on };
        placements.push(Placement::of(&answer, &twin.original, &twin.document.id));
        watch(Event::Advanced(1));
    }
    watch(Event::Ended);
    Ok(placements)
}
