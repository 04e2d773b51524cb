//! Retrieval sets: documents ranked by each encoder, and what a verifier leaves of the ranking.

use std::collections::HashMap;

use rayon::prelude::*;
use vetted::{PassageSource, PassageViews, QueryExtent, Verdict, Verifier};
use vetted_encoder::Role;
use vetted_evaluation::Collection;
use vetted_evaluation::collection::Hit;
use vetted_kernels::{Isa, dots};

use super::{AuditedEncoder, Cache, NamedVerifier};
use crate::Error;
use crate::watch::{Event, Watch};

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
    ("corpus.jsonl", include_str!("../../data/audit/corpus.jsonl")),
    ("queries.jsonl", include_str!("../../data/audit/queries.jsonl")),
    ("qrels/test.tsv", include_str!("../../data/audit/qrels.tsv")),
];

/// The small set that comes with vetted.
///
/// # Errors
/// [`Error::Temporary`].
pub fn own_collection() -> Result<Collection, Error> {
    let folder = tempfile::tempdir().map_err(Error::Temporary)?;
    let path = folder.path().join("vetted-small");
    std::fs::create_dir_all(path.join("qrels")).map_err(Error::Temporary)?;
    for (name, content) in OWN {
        std::fs::write(path.join(name), content).map_err(Error::Temporary)?;
    }
    Ok(Collection::load(&path, "test")?)
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
///
/// # Errors
/// Those of the encoder and of the cache.
pub fn ranked(set: &Collection, encoder: &AuditedEncoder, cache: &Cache, watch: Watch<'_>) -> Result<Ranked, Error> {
    let name = &set.dataset.name;
    let vectors = encoder.vectors(&set.texts, Role::Document, cache, &format!("documents of {name}"), watch)?;
    let queries = encoder.vectors(&set.queries(), Role::Query, cache, &format!("queries of {name}"), watch)?;
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

/// What the verifier leaves of a ranking: of the first `depth` documents for every query, those go that a search by
/// `vetted search` would leave out, which contradict the query. Queries too short to conflict with anything keep all.
///
/// # Errors
/// Those of the verifier and of the cache.
pub fn verified(
    set: &Collection,
    hits: &[Vec<Hit>],
    depth: usize,
    verifier: &NamedVerifier,
    cache: &Cache,
    watch: Watch<'_>,
) -> Result<Vec<Vec<Hit>>, Error> {
    let first: Vec<&[Hit]> = hits.iter().map(|hits| &hits[..depth.min(hits.len())]).collect();
    let count = first.iter().map(|hits| hits.len()).sum::<usize>();
    let queries = set.queries();
    let read = queries.iter().zip(&first);
    let read = read.flat_map(|(query, hits)| std::iter::once(query).chain(hits.iter().map(|hit| &set.texts[hit.0])));
    let inputs = [&verifier.identity[..], b"as passages"].into_iter().chain(read.map(String::as_bytes));
    let rejected = cache.numbers(
        inputs,
        |kept| kept == count,
        || {
            watch(Event::Begun { what: &format!("{}: verifying", set.dataset.name), total: count as u64 });
            let mut rejected = Vec::with_capacity(count);
            let mut read = ReadDocuments::new(&set.texts, &first);
            for (query, hits) in queries.iter().zip(&first) {
                let asked = verifier.verifier.prepare(query)?;
                if asked.extent() == QueryExtent::Keywords {
                    rejected.extend(hits.iter().map(|_| 0.0));
                } else {
                    let verified = asked.verify_passages(&read.sources(hits, &verifier.verifier)?)?;
                    rejected.extend(verified.iter().map(|one| f32::from(one.verdict() == Verdict::Reject)));
                }
                read.done_with(hits);
                watch(Event::Advanced(hits.len() as u64));
            }
            watch(Event::Ended);
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

/// Documents as the verifier read them, from the first query that found them to the last: many are found by several.
struct ReadDocuments<'set> {
    texts: &'set [String],
    /// How many queries are still to come that found it.
    awaited: HashMap<usize, usize>,
    views: HashMap<usize, PassageViews<'static>>,
}

impl<'set> ReadDocuments<'set> {
    fn new(texts: &'set [String], found: &[&[Hit]]) -> Self {
        let mut awaited = HashMap::new();
        for (document, _) in found.iter().copied().flatten() {
            *awaited.entry(*document).or_default() += 1;
        }
        ReadDocuments { texts, awaited, views: HashMap::new() }
    }

    /// The documents of one query, ready to be held against it.
    fn sources(&mut self, hits: &[Hit], verifier: &Verifier) -> Result<Vec<PassageSource<'_>>, Error> {
        let missing: Vec<usize> = hits.iter().map(|hit| hit.0).filter(|it| !self.views.contains_key(it)).collect();
        let texts: Vec<&str> = missing.iter().map(|document| self.texts[*document].as_str()).collect();
        if let Some(views) = verifier.passage_views(&texts)? {
            self.views.extend(missing.into_iter().zip(views));
        }
        let source = |(document, _): &Hit| match self.views.get(document) {
            Some(views) => PassageSource::Views(views.clone()),
            // A cross-encoder has no views.
            None => PassageSource::Text(self.texts[*document].as_str().into()),
        };
        Ok(hits.iter().map(source).collect())
    }

    fn done_with(&mut self, hits: &[Hit]) {
        for (document, _) in hits {
            if let Some(awaited) = self.awaited.get_mut(document) {
                *awaited -= 1;
                if *awaited == 0 {
                    self.views.remove(document);
                }
            }
        }
    }
}
