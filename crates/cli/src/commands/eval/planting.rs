//! Near-miss twins in an indexed data set, and what pipelines answer there.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use clap::Args;
use vetted::Document;
use vetted_evaluation::metrics::twins::{Answer, Placement};
use vetted_evaluation::twins::{FIRST_WORDS, Options, Planted, plant};
use vetted_pairs::Kind;

use super::corpus::Corpus;
use super::pipeline::Ranker;
use crate::terminal::count_bar;

/// Which twins are planted.
#[derive(Args)]
pub struct PlantingArguments {
    /// At most so many twins; each is asked a statement, and some a question too
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    queries: u32,
    /// Only these kinds of edit: negation, role, binding, ... [default: all but addition and other]
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<Kind>,
    /// Names the choice of documents, sentences and edits
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// How deep twins and originals are looked for.
const DEEPEST: usize = 100;

impl PlantingArguments {
    /// Makes twins of relevant documents and adds them to the index. Where documents are embedded whole, only what the
    /// encoder surely reads is edited.
    pub fn plant(&self, corpus: &Corpus, passages: bool) -> Result<Planted> {
        let judged = corpus.dataset.qrels.iter().flat_map(|(_, judgments)| judgments.iter());
        let ids: BTreeSet<&str> = judged.filter(|(_, grade)| *grade >= 1).map(|(id, _)| id).collect();
        let mut relevant: Vec<Document> = Vec::with_capacity(ids.len());
        for id in ids {
            relevant.extend(corpus.engine.get(id)?);
        }
        let mut options = Options { seed: self.seed, twins: self.queries as usize, ..Options::default() };
        options.first_words = (!passages).then_some(FIRST_WORDS);
        if !self.kind.is_empty() {
            options.kinds = self.kind.clone();
        }
        let planted = plant(&relevant, &options);
        if planted.twins.is_empty() {
            bail!(
                "no relevant document of {} has a sentence that can be edited: English prose is needed, in whole sentences",
                corpus.dataset.name
            );
        }
        let twins: Vec<Document> = planted.twins.iter().map(|twin| twin.document.clone()).collect();
        for some in twins.chunks(TOGETHER) {
            corpus.engine.upsert(some.to_vec())?;
        }
        corpus.engine.finish()?;
        Ok(planted)
    }
}

const TOGETHER: usize = 256;

/// What a pipeline does with every query of `planted`, in their order.
pub fn placements(corpus: &Corpus, planted: &Planted, ranker: &Ranker) -> Result<Vec<Placement>> {
    let bar = count_bar(planted.queries.len() as u64, &format!("{} with twins", ranker.name));
    let mut placements = Vec::with_capacity(planted.queries.len());
    for query in &planted.queries {
        let answered =
            ranker.rank(&corpus.engine, &query.text, DEEPEST).with_context(|| format!("query {}", query.id))?;
        let ranking = answered.hits.into_iter().map(|(id, _)| id).collect();
        let twin = &planted.twins[query.twin];
        let answer = Answer { ranking, acted_on: answered.acted_on };
        placements.push(Placement::of(&answer, &twin.original, &twin.document.id));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(placements)
}
