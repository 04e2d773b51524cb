//! Retrieval sets: documents ranked by each encoder, and what a verifier leaves of the ranking.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use vetted::corpus::{ReadOptions, read};
use vetted::verification::{Relation, Verdict};
use vetted_encoder::Role;
use vetted_evaluation::metrics::retrieval::{Measure, evaluate};
use vetted_evaluation::{Dataset, Ranking, Run};
use vetted_kernels::{Isa, dots};

use super::encoders::AuditedEncoder;
use super::{Cache, NamedVerifier};
use crate::terminal::count_bar;

/// A retrieval set in memory.
pub struct RetrievalSet {
    pub dataset: Dataset,
    /// Of every document.
    pub ids: Vec<String>,
    /// Title and text of every document.
    pub texts: Vec<String>,
    queries: Vec<String>,
}

/// A document, by its place in the set, and its score.
pub type Hit = (usize, f32);

/// What an encoder found.
pub struct Ranked {
    /// For every query of the set, its best documents, best first.
    pub hits: Vec<Vec<Hit>>,
    vectors: Vec<f32>,
    dimensions: usize,
}

/// How deep an encoder ranks.
const DEPTH: usize = 1000;

/// The files of the set that comes with vetted.
const OWN: [(&str, &str); 3] = [
    ("corpus.jsonl", concat!(include_str!("../../../demo/corpus.jsonl"), include_str!("../../../audit/corpus.jsonl"))),
    ("queries.jsonl", include_str!("../../../audit/queries.jsonl")),
    ("qrels/test.tsv", include_str!("../../../audit/qrels.tsv")),
];

impl RetrievalSet {
    /// Reads a BEIR folder, all of whose judged documents must be in the corpus.
    pub fn open(folder: &Path, split: &str) -> Result<RetrievalSet> {
        let dataset = Dataset::load(folder, split)?;
        let (mut ids, mut texts) = (Vec::new(), Vec::new());
        for document in read(std::slice::from_ref(&dataset.corpus), &ReadOptions::default()) {
            let document = document?;
            texts.push(document.full_text().into_owned());
            ids.push(document.id);
        }
        let known: HashSet<&str> = ids.iter().map(String::as_str).collect();
        if let Some(missing) = dataset.missing_documents(|id| known.contains(id)) {
            bail!(
                "{}: qrels/{split}.tsv judges {missing} that {} lacks: no encoder could find them; add them to the corpus, or \
                 remove their judgments",
                folder.display(),
                dataset.corpus.display()
            );
        }
        let queries = dataset.queries.iter().map(|query| query.text.clone()).collect();
        Ok(RetrievalSet { dataset, ids, texts, queries })
    }

    /// The small set that comes with vetted.
    pub fn own() -> Result<RetrievalSet> {
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let path = folder.path().join("vetted-small");
        std::fs::create_dir_all(path.join("qrels")).context("cannot write to the temporary folder")?;
        for (name, content) in OWN {
            std::fs::write(path.join(name), content).context("cannot write to the temporary folder")?;
        }
        RetrievalSet::open(&path, "test")
    }
}

impl Ranked {
    /// The vectors of at most `most` documents, spread evenly over the corpus.
    pub fn sample(&self, most: usize) -> impl Iterator<Item = f32> + '_ {
        let count = self.vectors.len() / self.dimensions.max(1);
        let step = count.div_ceil(most.max(1)).max(1);
        self.vectors.chunks_exact(self.dimensions.max(1)).step_by(step).flatten().copied()
    }
}

/// Ranks all documents for every query by the cosine of their vectors: exact search.
pub fn ranked(set: &RetrievalSet, encoder: &AuditedEncoder, cache: &Cache) -> Result<Ranked> {
    let name = &set.dataset.name;
    let vectors = encoder.vectors(&set.texts, Role::Document, cache, &format!("documents of {name}"))?;
    let queries = encoder.vectors(&set.queries, Role::Query, cache, &format!("queries of {name}"))?;
    let dimensions = encoder.dimensions();
    let best = |query: &[f32]| {
        let mut scores = vec![0.0; set.texts.len()];
        dots(Isa::detect(), query, &vectors, &mut scores);
        let mut hits: Vec<Hit> = scores.into_iter().enumerate().collect();
        hits.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        hits.truncate(DEPTH);
        hits
    };
    let hits = queries.par_chunks_exact(dimensions).map(best).collect();
    Ok(Ranked { hits, vectors, dimensions })
}

/// What the verifier leaves of a ranking: of the first `depth` documents for every query, those that it rejects go.
pub fn verified(
    set: &RetrievalSet,
    hits: &[Vec<Hit>],
    depth: usize,
    verifier: &NamedVerifier,
    cache: &Cache,
) -> Result<Vec<Vec<Hit>>> {
    let first: Vec<&[Hit]> = hits.iter().map(|hits| &hits[..depth.min(hits.len())]).collect();
    let count = first.iter().map(|hits| hits.len()).sum::<usize>();
    let read = set.queries.iter().zip(&first);
    let read = read.flat_map(|(query, hits)| std::iter::once(query).chain(hits.iter().map(|hit| &set.texts[hit.0])));
    let inputs = std::iter::once(&verifier.identity[..]).chain(read.map(String::as_bytes));
    let rejected = cache.numbers(
        inputs,
        |kept| kept == count,
        || {
            let bar = count_bar(count as u64, &format!("{}: verifying", set.dataset.name));
            let mut rejected = Vec::with_capacity(count);
            for (query, hits) in set.queries.iter().zip(&first) {
                let texts: Vec<&str> = hits.iter().map(|hit| set.texts[hit.0].as_str()).collect();
                let verified = verifier.verifier.verify(query, &texts, Relation::Support)?;
                rejected.extend(verified.iter().map(|one| f32::from(one.judgement.verdict == Verdict::Reject)));
                bar.inc(hits.len() as u64);
            }
            bar.finish_and_clear();
            Ok(rejected)
        },
    )?;
    let mut rejected = rejected.iter();
    let kept = hits.iter().zip(&first).map(|(hits, first)| {
        let (_, rest) = hits.split_at(first.len());
        let kept = first.iter().zip(rejected.by_ref()).filter(|(_, rejected)| **rejected == 0.0).map(|(hit, _)| *hit);
        kept.chain(rest.iter().copied()).collect()
    });
    Ok(kept.collect())
}

/// nDCG@10 of every judged query.
pub fn ndcg_at_10(set: &RetrievalSet, hits: &[Vec<Hit>]) -> Result<Vec<f64>> {
    const TEN: std::num::NonZeroUsize = std::num::NonZeroUsize::new(10).expect("10 is not zero");
    let metric = Measure::Ndcg.at(TEN);
    let mut run = Run::new("audit");
    for (query, hits) in set.dataset.queries.iter().zip(hits) {
        run.insert(&query.id, Ranking::new(hits.iter().map(|(place, score)| (&set.ids[*place][..], *score)))?);
    }
    let evaluation = evaluate(&[metric], &set.dataset.qrels, &run)?;
    Ok(evaluation.per_query(metric).map(<[f64]>::to_vec).unwrap_or_default())
}
