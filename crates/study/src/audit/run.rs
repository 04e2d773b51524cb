//! The audit itself: encoders and verifier on retrieval sets and pairs.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use vetted::{Precision, Verifier, VerifierOptions};
use vetted_evaluation::Collection;
use vetted_evaluation::metrics::geometry::Geometry;
use vetted_evaluation::pairs::Groups;

use super::{
    AuditReport, AuditedEncoder, Cache, PairScores, PairSet, Part, SetScores, Settings, System, cosines, probabilities,
    ranked, verified,
};
use crate::Error;
use crate::scorers;
use crate::watch::Watch;

/// What is compared, on what.
pub struct AuditSettings {
    /// The encoder before fine-tuning: a name or a folder.
    pub base: String,
    /// Encoders after it.
    pub tuned: Vec<String>,
    /// Retrieval sets.
    pub sets: Vec<Collection>,
    /// Labelled pairs.
    pub pairs: PairSet,
    /// The drop of nDCG@10, averaged over the sets, up to which a tuned encoder passes.
    pub max_drop: f64,
    /// The verifier behind the untouched base: `vetted` (the shipped one) or a folder; none: there is none.
    pub verifier: Option<String>,
    /// How many of the base's candidates it reads for a query.
    pub verify: usize,
    /// The arithmetic of encoders and verifier.
    pub precision: Precision,
    /// Where the sequence of random samples starts.
    pub seed: u64,
}

/// Samples for intervals and tests.
pub const RESAMPLES: u32 = 10_000;

/// Texts whose vectors' shape is looked at.
const GEOMETRY_TEXTS: usize = 1000;

/// Runs all models on all sets and pairs, and compares them. Vectors that `cache` has are not made again.
///
/// # Errors
/// [`Error::MaxDrop`], [`Error::SameModel`], [`Error::UnlikeModels`], before anything is computed; those of the models and of
/// the cache.
pub fn audit(settings: &AuditSettings, cache: &Cache, watch: Watch<'_>) -> Result<AuditReport, Error> {
    if !(settings.max_drop.is_finite() && settings.max_drop >= 0.0) {
        return Err(Error::MaxDrop { got: settings.max_drop });
    }
    // What is wrong with any input is said before anything is computed.
    let encoders = encoders(settings, watch)?;
    let groups = Groups::new(&settings.pairs.pairs)?;
    let verifier = match &settings.verifier {
        Some(name) => Some(NamedVerifier::load(name, settings.precision, watch)?),
        None => None,
    };

    let (sets, pairs) = (&settings.sets, &settings.pairs);
    let mut systems = Vec::new();
    let mut ndcg: Vec<Vec<Vec<f64>>> = vec![Vec::new(); sets.len()];
    let mut scores = Vec::new();
    for (index, encoder) in encoders.iter().enumerate() {
        let mut sample = Vec::new();
        for (set, ndcg) in sets.iter().zip(&mut ndcg) {
            let found = ranked(set, encoder, cache, watch)?;
            ndcg.push(set.ndcg_at_10(&found.hits)?);
            sample.extend(found.sample(GEOMETRY_TEXTS.div_ceil(sets.len())));
            if let (0, Some(verifier)) = (index, &verifier) {
                let kept = verified(set, &found.hits, settings.verify, verifier, cache, watch)?;
                ndcg.push(set.ndcg_at_10(&kept)?);
            }
        }
        scores.push(cosines(pairs, encoder, cache, watch)?);
        let part = if index == 0 { Part::Base } else { Part::Tuned };
        let origin = encoder.folder.path.display().to_string();
        let geometry = Geometry::of(&sample, encoder.dimensions())?;
        systems.push(System { name: encoder.name.clone(), part, origin, geometry: Some(geometry) });
    }
    if let Some(verifier) = &verifier {
        // The pipeline was measured beside the base; it stands last.
        ndcg.iter_mut().for_each(|systems| systems[1..].rotate_left(1));
        scores.push(probabilities(pairs, verifier, cache, watch)?);
        let (base, name) = (&systems[0].name, &verifier.verifier.config().name);
        let origin = format!("{base} + the verifier {name}");
        systems.push(System { name: format!("{base} + {name}"), part: Part::TwoTier, origin, geometry: None });
    }

    let sets: Vec<SetScores> = sets
        .iter()
        .zip(ndcg)
        .map(|(set, ndcg)| SetScores { name: set.dataset.name.clone(), documents: set.texts.len(), ndcg })
        .collect();
    let described = Settings {
        max_drop: settings.max_drop,
        precision: precision_name(settings.precision).to_owned(),
        resamples: RESAMPLES,
        seed: settings.seed,
        verified: if verifier.is_some() { settings.verify } else { 0 },
    };
    Ok(AuditReport::new(described, systems, &sets, Some(PairScores { groups: &groups, scores: &scores }))?)
}

fn encoders(settings: &AuditSettings, watch: Watch<'_>) -> Result<Vec<AuditedEncoder>, Error> {
    let names = std::iter::once(&settings.base).chain(&settings.tuned);
    let mut encoders =
        names.map(|name| AuditedEncoder::open(name, settings.precision, watch)).collect::<Result<Vec<_>, _>>()?;
    // Two folders may have one name.
    for index in 1..encoders.len() {
        let (before, rest) = encoders.split_at_mut(index);
        if before.iter().any(|other| other.name == rest[0].name) {
            rest[0].name = settings.tuned[index - 1].clone();
        }
    }
    let names: BTreeSet<&str> = encoders.iter().map(|encoder| encoder.name.as_str()).collect();
    if names.len() < encoders.len() {
        return Err(Error::SameModel);
    }
    let (base, tuned) = encoders.split_at(1);
    if let Some(other) = tuned.iter().find(|tuned| tuned.dimensions() != base[0].dimensions()) {
        return Err(Error::UnlikeModels {
            base: base[0].name.clone(),
            expected: base[0].dimensions(),
            tuned: other.name.clone(),
            got: other.dimensions(),
        });
    }
    Ok(encoders)
}

/// A verifier and what tells its answers from another's, for the cache.
pub struct NamedVerifier {
    /// The verifier.
    pub verifier: Arc<Verifier>,
    /// Its files and its arithmetic.
    pub identity: Vec<u8>,
}

impl NamedVerifier {
    /// Loads the shipped verifier, `vetted`, or the one in a folder.
    ///
    /// # Errors
    /// Those of [`scorers::load_judge`].
    pub fn load(name: &str, precision: Precision, watch: Watch<'_>) -> Result<NamedVerifier, Error> {
        let verifier = scorers::load_judge(name, VerifierOptions::all_in(precision), watch)?;
        let mut identity = format!("{} {name}\n", precision_name(precision)).into_bytes();
        for (file, shipped) in vetted::SHIPPED_VERIFIER {
            match name {
                "vetted" => identity.extend_from_slice(shipped),
                folder => identity.extend(std::fs::read(Path::new(folder).join(file)).unwrap_or_default()),
            }
        }
        Ok(NamedVerifier { verifier: Arc::new(verifier), identity })
    }
}

/// As it is typed.
pub(crate) fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
        Precision::Int8 => "int8",
    }
}
