//! Ways to answer a query, side by side: a retriever, and behind it something that reads what it found, or nothing.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, Instant};

use vetted::reader::{Architecture, Relation};
use vetted::{
    Engine, Fusion, Mode, Normalization, Policy, Precision, Search, Verifier, VerifierOptions, VerifierSource,
    ViewStorage,
};

use crate::Error;
use crate::watch::{Event, Watch};

/// A retriever, and what reads what it found: `dense`, `hybrid+vetted`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// As it was typed.
    name: String,
    /// What finds.
    pub retriever: Retriever,
    /// What reads the first so many of what is found.
    pub reading: Option<Reading>,
}

/// What finds documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retriever {
    /// By meaning: the nearest vectors.
    Dense,
    /// By words.
    Bm25,
    /// Both, fused by normalized scores.
    Hybrid,
    /// Both, fused by reciprocal ranks.
    HybridRrf,
}

/// What reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Ordered anew by the mean MaxSim of the default encoder's tokens.
    Maxsim,
    /// Ordered anew by a cross-encoder.
    CrossEncoder,
    /// Verified, as `vetted search` does.
    Vetted,
}

impl Retriever {
    const ALL: [Retriever; 4] = [Retriever::Dense, Retriever::Bm25, Retriever::Hybrid, Retriever::HybridRrf];

    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Retriever::Dense => "dense",
            Retriever::Bm25 => "bm25",
            Retriever::Hybrid => "hybrid",
            Retriever::HybridRrf => "hybrid-rrf",
        }
    }

    fn mode(self, alpha: f32) -> Mode {
        match self {
            Retriever::Dense => Mode::Dense,
            Retriever::Bm25 => Mode::Bm25,
            Retriever::Hybrid => Mode::Hybrid(Fusion::Score { alpha, normalization: Normalization::MinMax }),
            Retriever::HybridRrf => Mode::Hybrid(Fusion::ReciprocalRank { k: 60.0 }),
        }
    }
}

impl Reading {
    const ALL: [Reading; 3] = [Reading::Maxsim, Reading::CrossEncoder, Reading::Vetted];

    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Reading::Maxsim => "maxsim",
            Reading::CrossEncoder => "cross-encoder",
            Reading::Vetted => "vetted",
        }
    }
}

impl FromStr for Pipeline {
    type Err = Error;

    /// `RETRIEVER` or `RETRIEVER+READING`; a reading alone stands behind `dense`.
    fn from_str(name: &str) -> Result<Pipeline, Error> {
        let retriever = |name: &str| Retriever::ALL.into_iter().find(|retriever| retriever.name() == name);
        let reading = |name: &str| Reading::ALL.into_iter().find(|reading| reading.name() == name);
        let parts = match name.split_once('+') {
            Some((first, second)) => retriever(first).zip(reading(second).map(Some)),
            None => retriever(name).map(|it| (it, None)).or(reading(name).map(|it| (Retriever::Dense, Some(it)))),
        };
        let (retriever, reading) = parts.ok_or_else(|| Error::UnknownPipeline { got: name.to_owned() })?;
        Ok(Pipeline { name: name.to_owned(), retriever, reading })
    }
}

impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Which pipelines, and their settings.
#[derive(Clone)]
pub struct PipelineSettings {
    /// What is compared.
    pub pipelines: Vec<Pipeline>,
    /// The weight of the dense score in [`Retriever::Hybrid`], from 0 to 1.
    pub alpha: f32,
    /// How many candidates are read.
    pub depth: usize,
    /// What [`Reading::Vetted`] does with documents that are rejected; none: nothing is read.
    pub policy: Option<Policy>,
    /// Who judges in [`Reading::Vetted`].
    pub verifier: VerifierSource,
    /// The folder of [`Reading::CrossEncoder`].
    pub cross_encoder: Option<PathBuf>,
}

impl Default for PipelineSettings {
    fn default() -> Self {
        PipelineSettings {
            pipelines: Vec::new(),
            alpha: 0.5,
            depth: vetted::Verify::default().depth,
            policy: Some(Policy::Filter),
            verifier: VerifierSource::Shipped,
            cross_encoder: None,
        }
    }
}

impl PipelineSettings {
    /// What an index keeps for these pipelines.
    pub(crate) fn views(&self) -> ViewStorage {
        match self.pipelines.iter().any(|pipeline| pipeline.reading == Some(Reading::Vetted)) {
            true => ViewStorage::Int8,
            false => ViewStorage::None,
        }
    }
}

/// Pipelines, their models loaded.
pub struct Pipelines {
    /// In the order in which they were given.
    pub rankers: Vec<Ranker>,
}

/// A pipeline, its models loaded.
pub struct Ranker {
    /// As it was typed.
    pub name: String,
    mode: Mode,
    reader: Reader,
    depth: usize,
}

enum Reader {
    None,
    /// Orders anew.
    Order(Box<Verifier>),
    Vetted(Option<vetted::Verify>),
}

/// What a pipeline answers to a query.
pub struct Answered {
    /// Documents with scores that order them, best first.
    pub hits: Vec<(String, f32)>,
    /// What was left out because it is rejected.
    pub rejected: Vec<String>,
    /// Place in `hits` of the document to act on: the first, or the first that is vouched for.
    pub acted_on: Option<usize>,
    /// All of it, reading included.
    pub elapsed: Duration,
}

impl Pipelines {
    /// Loads what all pipelines need. `precision` is that of the models that read.
    ///
    /// # Errors
    /// [`Error::CrossEncoderMissing`]; when a model cannot be fetched or read.
    pub fn load(settings: &PipelineSettings, precision: Precision, watch: Watch<'_>) -> Result<Pipelines, Error> {
        let load = |pipeline: &Pipeline| Ranker::load(pipeline, settings, precision, watch);
        Ok(Pipelines { rankers: settings.pipelines.iter().map(load).collect::<Result<_, _>>()? })
    }
}

impl Ranker {
    fn load(
        pipeline: &Pipeline,
        settings: &PipelineSettings,
        precision: Precision,
        watch: Watch<'_>,
    ) -> Result<Ranker, Error> {
        let options = VerifierOptions::all_in(precision);
        let progress = &mut |progress: vetted::models::Progress<'_>| watch(Event::Fetching(progress));
        let depth = settings.depth;
        let reader = match pipeline.reading {
            None => Reader::None,
            Some(Reading::Maxsim) => {
                Reader::Order(Box::new(Verifier::parameter_free(Architecture::F1, options, progress)?))
            }
            Some(Reading::CrossEncoder) => {
                let folder = settings.cross_encoder.as_ref().ok_or(Error::CrossEncoderMissing)?;
                Reader::Order(Box::new(Verifier::open(folder, options, progress)?))
            }
            Some(Reading::Vetted) => {
                let verify = |policy| vetted::Verify { policy, depth, ..vetted::Verify::default() };
                Reader::Vetted(settings.policy.map(verify))
            }
        };
        Ok(Ranker { name: pipeline.name.clone(), mode: pipeline.retriever.mode(settings.alpha), reader, depth })
    }

    /// The best `k` documents for a query.
    ///
    /// # Errors
    /// Those of a search.
    pub fn rank(&self, engine: &Engine, text: &str, k: usize) -> Result<Answered, Error> {
        let start = Instant::now();
        let search = Search::new(text).mode(self.mode).k(k).verify(None);
        let found = |search: &Search| -> Result<Vec<(String, f32)>, Error> {
            Ok(engine.rank(search)?.hits.into_iter().map(|hit| (hit.id, hit.score)).collect())
        };
        let (hits, rejected, acted_on) = match &self.reader {
            Reader::None => (found(&search)?, Vec::new(), Some(0)),
            Reader::Order(verifier) => {
                let mut hits = found(&search.k(k.max(self.depth)))?;
                self.reorder(engine, verifier, text, &mut hits)?;
                hits.truncate(k);
                (hits, Vec::new(), Some(0))
            }
            Reader::Vetted(verify) => {
                let ranked = engine.rank(&search.verify(*verify))?;
                let vouched = ranked.hits.iter().position(|hit| hit.outcome.is_accepted());
                let rejected = ranked.rejected.into_iter().map(|candidate| candidate.id).collect();
                let acted_on = if verify.is_some() { vouched } else { Some(0) };
                (ranked.hits.into_iter().map(|hit| (hit.id, hit.score)).collect(), rejected, acted_on)
            }
        };
        let acted_on = acted_on.filter(|place| *place < hits.len());
        Ok(Answered { hits, rejected, acted_on, elapsed: start.elapsed() })
    }

    /// Orders the first `depth` by what the verifier reads in all their windows; what comes after stays as it is. Scores
    /// become ranks, as those of the two parts do not compare.
    fn reorder(
        &self,
        engine: &Engine,
        verifier: &Verifier,
        query: &str,
        hits: &mut [(String, f32)],
    ) -> Result<(), Error> {
        let depth = self.depth.min(hits.len());
        let mut texts = Vec::with_capacity(depth);
        for (id, _) in &hits[..depth] {
            texts.push(engine.get(id)?.map(|document| document.full_text().into_owned()).unwrap_or_default());
        }
        let verified = verifier.verify(query, &texts, Relation::Support)?;
        for ((_, score), verification) in hits.iter_mut().zip(&verified) {
            *score = verification.support_of_all();
        }
        hits[..depth].sort_by(|a, b| b.1.total_cmp(&a.1));
        for (rank, (_, score)) in hits.iter_mut().enumerate() {
            *score = -(rank as f32);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_retriever_goes_with_every_reading_and_old_names_mean_what_they_meant() {
        let parsed = |name: &str| name.parse::<Pipeline>().unwrap();
        for retriever in Retriever::ALL {
            assert_eq!((parsed(retriever.name()).retriever, parsed(retriever.name()).reading), (retriever, None));
            for reading in Reading::ALL {
                let name = format!("{}+{}", retriever.name(), reading.name());
                let pipeline = parsed(&name);
                assert_eq!((pipeline.retriever, pipeline.reading), (retriever, Some(reading)));
                assert_eq!(pipeline.to_string(), name);
                assert_eq!(
                    (parsed(reading.name()).retriever, parsed(reading.name()).reading),
                    (Retriever::Dense, Some(reading))
                );
            }
        }
        for wrong in ["", "+", "dense+", "+vetted", "vetted+dense", "dense+vetted+maxsim", "Dense"] {
            let error = wrong.parse::<Pipeline>().unwrap_err();
            assert!(error.to_string().contains("hybrid+vetted"), "{wrong}: {error}");
        }
    }
}
