//! Labelled pairs and what encoders and verifiers say of them.

use std::collections::HashMap;
use std::path::PathBuf;

use vetted_encoder::Role;
use vetted_kernels::{Isa, dot};
use vetted_pairs::{Pair, Sources};

use super::{AuditedEncoder, Cache, NamedVerifier};
use crate::Error;
use crate::watch::{Event, Watch};

/// Labelled pairs, each text once.
pub struct PairSet {
    /// The pairs.
    pub pairs: Vec<Pair>,
    texts: Vec<String>,
    /// For every pair its two texts.
    places: Vec<[usize; 2]>,
}

/// The pairs that come with vetted.
const OWN: &str = include_str!("../../data/audit/pairs.tsv");

/// Pairs between two steps of whoever watches.
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

    /// Reads files of labelled pairs; `sources` is what is known of data sets where a file does not say it.
    ///
    /// # Errors
    /// When one cannot be read; [`Error::NoPairs`].
    pub fn read(files: &[PathBuf], sources: &Sources) -> Result<PairSet, Error> {
        let mut all = Vec::new();
        for file in files {
            let before = all.len();
            for pair in vetted_pairs::read_labelled(file)?.with_sources(sources.clone()) {
                all.push(pair?);
            }
            if all.len() == before {
                return Err(Error::NoPairs { path: file.clone() });
            }
        }
        Ok(PairSet::new(all))
    }

    /// The pairs that come with vetted.
    ///
    /// # Errors
    /// [`Error::Temporary`].
    pub fn own() -> Result<PairSet, Error> {
        let file = tempfile::NamedTempFile::new().map_err(Error::Temporary)?;
        std::fs::write(file.path(), OWN).map_err(Error::Temporary)?;
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
///
/// # Errors
/// Those of the encoder and of the cache.
pub fn cosines(set: &PairSet, encoder: &AuditedEncoder, cache: &Cache, watch: Watch<'_>) -> Result<Vec<f64>, Error> {
    let vectors = encoder.vectors(&set.texts, Role::Query, cache, "pairs", watch)?;
    let vector = |text: usize| &vectors[text * encoder.dimensions()..(text + 1) * encoder.dimensions()];
    Ok(set.places.iter().map(|[a, b]| f64::from(dot(Isa::detect(), vector(*a), vector(*b)))).collect())
}

/// The verifier's probability that a pair matches; equivalence is read in both orders.
///
/// # Errors
/// Those of the verifier and of the cache.
pub fn probabilities(
    set: &PairSet,
    verifier: &NamedVerifier,
    cache: &Cache,
    watch: Watch<'_>,
) -> Result<Vec<f64>, Error> {
    let mut inputs = vec![&verifier.identity[..]];
    for pair in &set.pairs {
        inputs.extend([pair.relation.name(), &pair.query, &pair.candidate].map(str::as_bytes));
    }
    let matches = cache.numbers(
        inputs,
        |count| count == set.pairs.len(),
        || {
            watch(Event::Begun { what: "verifying pairs", total: set.pairs.len() as u64 });
            let mut matches = Vec::with_capacity(set.pairs.len());
            for some in set.pairs.chunks(STEP) {
                let questions: Vec<_> = some.iter().map(|p| (&p.query[..], &p.candidate[..], p.relation)).collect();
                let verified = verifier.verifier.verify_pairs(&questions)?;
                matches.extend(verified.iter().map(|one| one.judgement().map_or(0.0, |it| it.p_match)));
                watch(Event::Advanced(some.len() as u64));
            }
            watch(Event::Ended);
            Ok(matches)
        },
    )?;
    Ok(matches.into_iter().map(f64::from).collect())
}
