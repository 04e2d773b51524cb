//! Labelled pairs and what encoders and verifiers say of them.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use vetted_encoder::Role;
use vetted_kernels::{Isa, dot};
use vetted_pairs::{Pair, Sources};

use super::encoders::AuditedEncoder;
use super::{Cache, NamedVerifier};
use crate::terminal::{count_bar, finish};

/// Labelled pairs, each text once.
pub struct PairSet {
    pub pairs: Vec<Pair>,
    texts: Vec<String>,
    /// For every pair its two texts.
    places: Vec<[usize; 2]>,
}

/// The pairs that come with vetted.
const OWN: &str = include_str!("../../../audit/pairs.tsv");

/// Pairs between two steps of the bar.
const STEP: usize = 512;

impl PairSet {
    /// Of pairs that have labels.
    pub fn new(pairs: Vec<Pair>) -> PairSet {
        let (mut texts, mut place_of) = (Vec::new(), HashMap::new());
        let mut place = |text: &String| {
            *place_of.entry(text.clone()).or_insert_with(|| {
                texts.push(text.clone());
                texts.len() - 1
            })
        };
        let places = pairs.iter().map(|pair| [&pair.query, &pair.candidate].map(&mut place)).collect();
        PairSet { pairs, texts, places }
    }

    /// Reads files of labelled pairs.
    pub fn read(files: &[PathBuf], sources: &Sources) -> Result<PairSet> {
        let mut all = Vec::new();
        for file in files {
            let before = all.len();
            for pair in vetted_pairs::read_labelled(file)?.with_sources(sources.clone()) {
                all.push(pair?);
            }
            if all.len() == before {
                bail!("{} holds no pairs", file.display());
            }
        }
        Ok(PairSet::new(all))
    }

    /// The pairs that come with vetted.
    pub fn own() -> Result<PairSet> {
        let file = tempfile::NamedTempFile::new().context("cannot make a temporary file")?;
        std::fs::write(file.path(), OWN).context("cannot write to a temporary file")?;
        PairSet::read(&[file.path().to_owned()], &Sources::default())
    }

    /// At most `most` of them, spread evenly.
    pub fn at_most(self, most: usize) -> PairSet {
        let count = self.pairs.len();
        if count <= most {
            return self;
        }
        let taken = |index: &usize| (index + 1) * most / count > index * most / count;
        PairSet::new(
            self.pairs.into_iter().enumerate().filter(|(index, _)| taken(index)).map(|(_, pair)| pair).collect(),
        )
    }
}

/// The cosine of every pair.
pub fn cosines(set: &PairSet, encoder: &AuditedEncoder, cache: &Cache) -> Result<Vec<f64>> {
    let vectors = encoder.vectors(&set.texts, Role::Query, cache, "pairs")?;
    let vector = |text: usize| &vectors[text * encoder.dimensions()..(text + 1) * encoder.dimensions()];
    Ok(set.places.iter().map(|[a, b]| f64::from(dot(Isa::detect(), vector(*a), vector(*b)))).collect())
}

/// The verifier's probability that a pair matches; equivalence is read in both orders.
pub fn probabilities(set: &PairSet, verifier: &NamedVerifier, cache: &Cache) -> Result<Vec<f64>> {
    let mut inputs = vec![&verifier.identity[..]];
    for pair in &set.pairs {
        inputs.extend([pair.relation.name(), &pair.query, &pair.candidate].map(str::as_bytes));
    }
    let matches = cache.numbers(
        inputs,
        |count| count == set.pairs.len(),
        || {
            let bar = count_bar(set.pairs.len() as u64, "verifying pairs");
            let mut matches = Vec::with_capacity(set.pairs.len());
            for some in set.pairs.chunks(STEP) {
                let questions: Vec<_> = some.iter().map(|p| (&p.query[..], &p.candidate[..], p.relation)).collect();
                let verified = verifier.verifier.verify_pairs(&questions)?;
                matches.extend(verified.iter().map(|one| one.judgement().map_or(0.0, |it| it.p_match)));
                bar.inc(some.len() as u64);
            }
            finish(&bar);
            Ok(matches)
        },
    )?;
    Ok(matches.into_iter().map(f64::from).collect())
}
