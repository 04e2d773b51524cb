//! Ways to answer a query, side by side: `--pipeline` of `eval retrieval`, `eval twins` and `eval cascade`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use vetted::verification::{Architecture, Relation};
use vetted::{Engine, Search, Verifier, VerifierOptions, ViewStorage};

use crate::commands::search::Verify;
use crate::commands::{DEFAULT_ALPHA, Mode};
use crate::terminal::download_progress;

/// Recall alone, or recall and something that reads what it found.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pipeline {
    /// By meaning: the nearest vectors
    Dense,
    /// By words
    Bm25,
    /// Both, fused by normalized scores
    Hybrid,
    /// Both, fused by reciprocal ranks
    HybridRrf,
    /// Dense, the first --depth ordered anew by the mean MaxSim of the default encoder's tokens
    Maxsim,
    /// Dense, the first --depth ordered anew by a cross-encoder (--cross-encoder)
    CrossEncoder,
    /// Dense, the first --depth verified: what `vetted search` does
    Vetted,
}

/// Which pipelines, and their settings.
#[derive(Args)]
pub struct PipelineArguments {
    /// What to compare
    #[arg(long, value_enum, value_delimiter = ',', default_value = "dense,bm25,hybrid,hybrid-rrf,maxsim,vetted")]
    pub pipeline: Vec<Pipeline>,
    /// The weight of the dense score in `hybrid`, from 0 to 1
    #[arg(long, default_value_t = DEFAULT_ALPHA)]
    alpha: f32,
    /// How many candidates `maxsim`, `cross-encoder` and `vetted` read
    #[arg(long, value_name = "N", env = "VETTED_DEPTH", default_value_t = vetted::Verify::default().depth as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    depth: u32,
    /// What `vetted` does with documents that are rejected
    #[arg(long, value_enum, env = "VETTED_VERIFY", default_value = "filter")]
    verify: Verify,
    /// Who judges in `vetted`: `vetted` (the shipped verifier), or a verifier's folder
    #[arg(long, value_name = "DIR", env = "VETTED_VERIFIER", default_value = "vetted")]
    pub verifier: String,
    /// The folder of the cross-encoder
    #[arg(long, value_name = "DIR")]
    cross_encoder: Option<PathBuf>,
}

/// A pipeline, its models loaded.
pub struct Ranker {
    /// As it is typed.
    pub name: String,
    stages: Stages,
    depth: usize,
}

enum Stages {
    Recall(vetted::Mode),
    /// Dense, ordered anew.
    Reread(Box<Verifier>),
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

impl PipelineArguments {
    /// All pipelines asked for. `precision` is that of the models that read.
    pub fn load(&self, precision: vetted::Precision) -> Result<Vec<Ranker>> {
        self.pipeline.iter().map(|pipeline| self.ranker(*pipeline, precision)).collect()
    }

    /// What an index keeps for these pipelines.
    pub fn views(&self) -> ViewStorage {
        match self.pipeline.contains(&Pipeline::Vetted) {
            true => ViewStorage::Int8,
            false => ViewStorage::None,
        }
    }

    fn ranker(&self, pipeline: Pipeline, precision: vetted::Precision) -> Result<Ranker> {
        let options = VerifierOptions::all_in(precision);
        let progress = &mut download_progress();
        let depth = self.depth as usize;
        let recall = |mode: Mode| Stages::Recall(mode.with_alpha(self.alpha));
        let stages = match pipeline {
            Pipeline::Dense => recall(Mode::Dense),
            Pipeline::Bm25 => recall(Mode::Bm25),
            Pipeline::Hybrid => recall(Mode::Hybrid),
            Pipeline::HybridRrf => recall(Mode::HybridRrf),
            Pipeline::Maxsim => {
                Stages::Reread(Box::new(Verifier::parameter_free(Architecture::F1, options, progress)?))
            }
            Pipeline::CrossEncoder => {
                let Some(folder) = &self.cross_encoder else {
                    bail!(
                        "the pipeline cross-encoder needs --cross-encoder DIR; make one with `vetted train verifier \
                         --architecture cross-encoder --data PAIRS.tsv.gz --out DIR`"
                    );
                };
                Stages::Reread(Box::new(Verifier::open(folder, options, progress)?))
            }
            Pipeline::Vetted => {
                let verify = |policy| vetted::Verify { policy, depth, ..vetted::Verify::default() };
                Stages::Vetted(self.verify.policy().map(verify))
            }
        };
        let name = pipeline.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        Ok(Ranker { name, stages, depth })
    }
}

impl Ranker {
    /// The best `k` documents for a query.
    pub fn rank(&self, engine: &Engine, text: &str, k: usize) -> Result<Answered> {
        let start = Instant::now();
        let search = Search::new(text).k(k).verify(None);
        let recalled = |search: &Search| -> Result<Vec<(String, f32)>> {
            Ok(engine.rank(search)?.hits.into_iter().map(|hit| (hit.id, hit.score)).collect())
        };
        let (hits, rejected, acted_on) = match &self.stages {
            Stages::Recall(mode) => (recalled(&search.mode(*mode))?, Vec::new(), Some(0)),
            Stages::Reread(verifier) => {
                let mut hits = recalled(&search.k(k.max(self.depth)))?;
                self.reread(engine, verifier, text, &mut hits)?;
                hits.truncate(k);
                (hits, Vec::new(), Some(0))
            }
            Stages::Vetted(verify) => {
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
    fn reread(&self, engine: &Engine, verifier: &Verifier, query: &str, hits: &mut [(String, f32)]) -> Result<()> {
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
