//! Verdicts by a [calibration](crate::calibration): thresholds with a promise, in place of those that came with the verifier.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use vetted::calibrated::Calibrated;
//! use vetted::calibration::{Calibration, Ruling};
//! use vetted::reader::Relation;
//! use vetted::{Verifier, VerifierOptions};
//!
//! # fn main() -> Result<(), vetted::Error> {
//! let verifier = Verifier::shipped(VerifierOptions::default(), &mut |_| {})?;
//! let calibration = Calibration::read(Path::new("support.json"))?;
//! // Without an encoder: this calibration does not ask for a cosine.
//! let calibrated = Calibrated::new(calibration, Relation::Support, &verifier, None)?;
//!
//! let (query, candidates) = ("The dog bit the man.", ["The man was bitten by the dog."]);
//! let verified = verifier.verify(query, &candidates, Relation::Support)?;
//! let mut team = verifier.compute().team();
//! let verdicts = calibrated.decide(query, &candidates, &verified, None, &mut team)?;
//! if verdicts[0].decided.ruling == Ruling::Accept {
//!     println!("served: right with a probability of {:?}", verdicts[0].decided.probability);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Whoever has the features at hand, as a cache that has just computed the cosine, asks
//! [`Calibration::decide`] with what [`features`] makes of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation;
use vetted_calibration::{Calibration, Decided, Features, FileError, Model, Ruling};
use vetted_encoder::{Encoder, Precision, Role, models};
use vetted_kernels::Team;
use vetted_reader::Relation;

use crate::model::precision_name;
use crate::{Error, SHIPPED_VERIFIER, Verification, Verifier, VerifierSource, verifier_digest};

/// The verifier's logit of what is asked.
pub const MATCH: &str = "match";
/// Its logit of a conflict.
pub const CONFLICT: &str = "conflict";
/// How much of the query the part of the candidate covers that decided; 1 of a candidate that is read at once.
pub const COVERAGE: &str = "coverage";
/// How many words the two texts have in common: Dice's coefficient of the sets of their words.
pub const WORDS: &str = "words";
/// The cosine of the frozen encoder's vectors.
pub const COSINE: &str = "cosine";

/// All features that vetted knows.
pub const ALL: [&str; 5] = [MATCH, CONFLICT, COVERAGE, WORDS, COSINE];

/// The names of the features of a relation; the first is what the others have to beat.
pub fn feature_names(relation: Relation) -> &'static [&'static str] {
    match relation {
        Relation::Support => &[MATCH, CONFLICT, COVERAGE, WORDS],
        // Two long texts are not compared, so that coverage says nothing.
        Relation::Equivalence => &[MATCH, CONFLICT, WORDS, COSINE],
    }
}

/// What is known about a pair. None where the verifier gave no verdict, or where the texts differ in what must be the same letter
/// by letter, which the numbers do not show: such a pair is never accepted.
pub fn features(
    verification: &Verification,
    relation: Relation,
    query: &str,
    candidate: &str,
    cosine: Option<f64>,
) -> Option<Features> {
    if matches!(verification, Verification::Unverified(..)) || verification.differs_in().is_some() {
        return None;
    }
    let read = verification.assessment()?;
    let of_match = match relation {
        Relation::Support => read.outputs.support,
        Relation::Equivalence => read.outputs.equivalence,
    };
    let known = [(MATCH, of_match), (CONFLICT, read.outputs.conflict), (COVERAGE, read.coverage)];
    let mut features = Features::default();
    for (name, value) in known {
        // A scorer that does not know conflicts says minus infinity.
        features.set(name, f64::from(value).clamp(-LARGEST, LARGEST));
    }
    features.set(WORDS, words_in_common(query, candidate));
    if let Some(cosine) = cosine {
        features.set(COSINE, cosine);
    }
    let is_number = features.iter().all(|(_, value)| !value.is_nan());
    is_number.then_some(features)
}

/// No logit is larger.
const LARGEST: f64 = 1e3;

fn words_in_common(one: &str, other: &str) -> f64 {
    let words = |text: &str| text.unicode_words().map(str::to_lowercase).collect::<HashSet<_>>();
    let (one, other) = (words(one), words(other));
    let all = one.len() + other.len();
    if all == 0 { 0.0 } else { 2.0 * one.intersection(&other).count() as f64 / all as f64 }
}

/// The cosine of two vectors, 0 if one is nothing.
pub fn cosine(one: &[f32], other: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let lengths = (dot(one, one) * dot(other, other)).sqrt();
    if lengths > 0.0 { dot(one, other) / lengths } else { 0.0 }
}

/// So many pairs are read together.
const TOGETHER: usize = 512;

/// The features of pairs of a query and a candidate, read as two texts that somebody brought. `read` is told how many are
/// done.
///
/// # Errors
/// Those of the models.
pub fn features_of_pairs(
    pairs: &[(&str, &str)],
    relation: Relation,
    verifier: &Verifier,
    encoder: Option<&Encoder>,
    mut read: impl FnMut(usize),
) -> Result<Vec<Option<Features>>, Error> {
    let mut all = Vec::with_capacity(pairs.len());
    for some in pairs.chunks(TOGETHER) {
        let asked: Vec<_> = some.iter().map(|(query, candidate)| (*query, *candidate, relation)).collect();
        let verified = verifier.verify_pairs(&asked)?;
        let cosines = match encoder {
            Some(encoder) => cosines(some, encoder, &mut verifier.compute().team())?.into_iter().map(Some).collect(),
            None => vec![None; some.len()],
        };
        for (((query, candidate), verification), cosine) in some.iter().zip(&verified).zip(cosines) {
            all.push(features(verification, relation, query, candidate, cosine));
        }
        read(all.len());
    }
    Ok(all)
}

/// The cosine of each pair; a text that stands in several is encoded once.
fn cosines(pairs: &[(&str, &str)], encoder: &Encoder, team: &mut Team) -> Result<Vec<f64>, Error> {
    let (mut places, mut texts) = (HashMap::new(), Vec::new());
    let mut place = |text| {
        *places.entry(text).or_insert_with(|| {
            texts.push(text);
            texts.len() - 1
        })
    };
    let pairs: Vec<[usize; 2]> = pairs.iter().map(|(query, candidate)| [place(*query), place(*candidate)]).collect();
    // Whether two texts mean the same has no direction: both are encoded as what is searched for.
    let vectors = encoder.embed(&texts, Role::Query, team)?;
    let vectors: Vec<&[f32]> = vectors.iter().collect();
    Ok(pairs.into_iter().map(|[one, other]| cosine(vectors[one], vectors[other])).collect())
}

/// A verifier as a calibration knows it.
pub fn verifier_model(verifier: &Verifier) -> Model {
    Model {
        name: verifier.config().name.clone(),
        sha256: verifier.digest().to_owned(),
        precision: precision_name(verifier.precision()).to_owned(),
    }
}

/// A verifier as a calibration knows it, by its files alone: where features were logged, no model need be loaded.
///
/// # Errors
/// When a file cannot be read.
pub fn verifier_model_of(source: &VerifierSource, precision: Precision) -> Result<Model, Error> {
    let precision = precision_name(precision).to_owned();
    match source {
        VerifierSource::Shipped => {
            let [(_, config), (_, weights)] = SHIPPED_VERIFIER;
            Ok(Model { name: "vetted".into(), sha256: verifier_digest(config, weights), precision })
        }
        VerifierSource::Folder(folder) => {
            let read = |name: &str| {
                let path = folder.join(name);
                std::fs::read(&path).map_err(|source| vetted_verifier::Error::Unreadable { path, source })
            };
            let sha256 = verifier_digest(&read("config.json")?, &read("model.safetensors")?);
            Ok(Model { name: folder.display().to_string(), sha256, precision })
        }
        VerifierSource::Open(verifier) => Ok(verifier_model(verifier)),
    }
}

/// An encoder as a calibration knows it.
///
/// # Errors
/// When its files cannot be read.
pub fn encoder_model(encoder: &Encoder) -> Result<Model, Error> {
    encoder_model_of(encoder.folder(), encoder.precision())
}

/// An encoder as a calibration knows it, by its folder.
///
/// # Errors
/// When its files cannot be read.
pub fn encoder_model_of(folder: &models::ModelFolder, precision: Precision) -> Result<Model, Error> {
    let precision = precision_name(precision).to_owned();
    Ok(Model { name: folder.name.clone(), sha256: folder.fingerprint()?, precision })
}

/// A calibration with the models that it was made for.
pub struct Calibrated {
    calibration: Calibration,
    encoder: Option<Arc<Encoder>>,
}

/// What a calibration says about a candidate, and by what.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibratedVerdict {
    /// What becomes of it. What the verifier did not verify is abstained from here, and stays unverified.
    pub decided: Decided,
    /// What is known about it; none where it was not verified.
    pub features: Option<Features>,
}

impl Calibrated {
    /// Fails unless the calibration was made for this relation, this verifier, and, where it takes the cosine, this encoder.
    ///
    /// # Errors
    /// [`Error::Calibration`]; those of reading the encoder's files.
    pub fn new(
        calibration: Calibration,
        relation: Relation,
        verifier: &Verifier,
        encoder: Option<Arc<Encoder>>,
    ) -> Result<Calibrated, Error> {
        let encoder = encoder.filter(|_| calibration.encoder.is_some());
        let model = encoder.as_deref().map(encoder_model).transpose()?;
        let of_verifier = verifier_model(verifier);
        calibration.check(&of_verifier, model.as_ref(), relation)?;
        let used = [(&calibration.verifier, Some(&of_verifier)), (&calibration.encoder, model.as_ref())];
        for (made, now) in used.into_iter().filter_map(|(made, now)| made.as_ref().zip(now)) {
            if made.precision != now.precision {
                tracing::warn!(
                    model = made.name,
                    calibrated_in = made.precision,
                    runs_in = now.precision,
                    "scores differ by rounding from those that were calibrated on; --precision chooses the same arithmetic"
                );
            }
        }
        Ok(Calibrated { calibration, encoder })
    }

    /// The calibration.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// Fails unless the calibration knows the segment; where thresholds do not differ by segment, any will do.
    ///
    /// # Errors
    /// [`FileError::UnknownSegment`].
    pub fn check_segment(&self, segment: Option<&str>) -> Result<(), Error> {
        match (&self.calibration.segment_column, self.calibration.of_segment(segment)) {
            (Some(column), None) => {
                let known = self.calibration.segments().collect::<Vec<_>>().join(", ");
                let (got, column) = (segment.map(str::to_owned), column.clone());
                Err(FileError::UnknownSegment { got, column, known }.into())
            }
            _ => Ok(()),
        }
    }

    /// Whether it takes the cosine of the encoder.
    pub fn takes_cosine(&self) -> bool {
        self.encoder.is_some()
    }

    /// What becomes of each candidate, of which `verified` is what the verifier said about two texts.
    ///
    /// # Errors
    /// Those of the encoder, where the calibration takes the cosine.
    pub fn decide(
        &self,
        query: &str,
        candidates: &[&str],
        verified: &[Verification],
        segment: Option<&str>,
        team: &mut Team,
    ) -> Result<Vec<CalibratedVerdict>, Error> {
        let cosines = match &self.encoder {
            Some(encoder) => {
                let pairs: Vec<_> = candidates.iter().map(|candidate| (query, *candidate)).collect();
                Some(cosines(&pairs, encoder, team)?)
            }
            None => None,
        };
        Ok(self.decide_with(query, candidates, verified, cosines.as_deref(), segment))
    }

    /// As [`decide`](Self::decide), where the [`cosine`]s are known: of the vectors of both texts as [`Role::Query`].
    pub fn decide_with(
        &self,
        query: &str,
        candidates: &[&str],
        verified: &[Verification],
        cosines: Option<&[f64]>,
        segment: Option<&str>,
    ) -> Vec<CalibratedVerdict> {
        let relation = self.calibration.relation;
        let verdict = |(at, (candidate, verification)): (usize, (&&str, &Verification))| {
            let cosine = cosines.and_then(|cosines| cosines.get(at).copied());
            let features = features(verification, relation, query, candidate, cosine);
            let abstained = Decided { ruling: Ruling::Abstain, score: None, probability: None };
            let decided = features.as_ref().map_or(abstained, |it| self.calibration.decide(it, segment));
            CalibratedVerdict { decided, features }
        };
        candidates.iter().zip(verified).enumerate().map(verdict).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_cosines_are_shares_and_survive_nothing() {
        assert_eq!(words_in_common("The dog bit.", "the DOG barked"), 4.0 / 6.0);
        assert_eq!([words_in_common("", ""), words_in_common("a", "!")], [0.0, 0.0]);
        assert!((cosine(&[3.0, 0.0], &[1.0, 1.0]) - 0.5f64.sqrt()).abs() < 1e-12);
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 1.0]), 0.0);
    }

    #[test]
    fn what_differs_letter_by_letter_has_no_features() {
        use vetted_reader::{Kind, Outputs};
        use vetted_verifier::{Assessment, Finding, Judgement};

        let outputs = Outputs { support: 5.0, equivalence: 5.0, conflict: -5.0, kinds: [0.0; Kind::COUNT] };
        let judgement =
            Judgement { finding: Finding::Neither, p_match: 0.99, p_conflict: 0.01, kind: None, answer: None };
        for (differs_in, is_known) in [(None, true), (Some(Kind::Number), false)] {
            let (support_of_all, coverage, window, vouched) = (5.0, 1.0, 0..1, None);
            let read = Assessment { judgement, outputs, support_of_all, coverage, window, vouched, differs_in };
            let verification = Verification::Abstain(read);
            let features = features(&verification, Relation::Equivalence, "wait 3 days", "wait 4 days", Some(1.0));
            assert_eq!(features.is_some(), is_known);
        }
    }

    #[test]
    fn the_shipped_verifier_is_known_by_its_files() -> Result<(), Error> {
        let model = verifier_model_of(&VerifierSource::Shipped, Precision::F32)?;
        assert_eq!((model.sha256.len(), model.precision.as_str()), (64, "f32"));
        assert!(verifier_model_of(&VerifierSource::Folder("nowhere".into()), Precision::F32).is_err());
        Ok(())
    }
}
