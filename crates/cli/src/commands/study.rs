//! `vetted study`: what training an encoder for structure costs, and what else there is.

mod cells;
mod encoders;
mod questions;
mod separation;
mod structure;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use vetted::models;
use vetted_evaluation::Collection;
use vetted_training::EncoderRecipe;

use self::cells::Cells;
use self::encoders::Encoders;
use self::questions::Questions;
use self::structure::Structure;
use crate::commands::Precision;
use crate::commands::audit::{Cache, PairSet};
use crate::terminal::download_progress;

/// Three experiments, each of many parts that are kept as they are done: a study that was stopped goes on where it was.
///
/// Encoders: model A is the base fine-tuned on questions with the paragraphs that answer them, model B on the same and on
/// structural triplets (a sentence, a rewrite, a near miss); what each retrieves afterwards. Verifiers: formulas and small
/// readers over the untouched base, frozen and end to end. Fixes: ways to search, with near misses planted in the documents.
#[derive(Args)]
pub struct Study {
    /// Retrieval sets that encoders are measured on: BEIR folders; nothing is trained on them
    #[arg(long, value_name = "DIR", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Which of their qrels
    #[arg(long, default_value = "test")]
    split: String,
    /// Questions with paragraphs to train on, in SQuAD's format
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    questions: Vec<PathBuf>,
    /// Labeled pairs to measure structure with, beside those made here; nothing is trained on them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pairs: Vec<PathBuf>,
    /// At most so many of them, spread evenly over the files
    #[arg(long, value_name = "N", default_value_t = 4000, value_parser = clap::value_parser!(u32).range(20..))]
    most_pairs: u32,
    /// Where the page, tables and plots go
    #[arg(long, value_name = "DIR", default_value = "docs/study")]
    out: PathBuf,
    /// Where models and what was measured are kept
    #[arg(long, value_name = "DIR", default_value = "study-work")]
    work: PathBuf,
    /// Which experiments; the page shows whatever was measured so far
    #[arg(long, value_enum, value_delimiter = ',', default_value = "encoders,verifiers,fixes")]
    part: Vec<Part>,
    /// The encoder: a name or a folder
    #[arg(long, value_name = "MODEL", default_value = models::DEFAULT_MODEL)]
    base: String,
    /// How many times A and B are trained
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    seeds: u32,
    /// Model A's steps; B takes so many more that it visits A's triplets as often
    #[arg(long, value_name = "N", default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// Structural triplets among B's
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    share: f64,
    /// Other shares, for the curve; one seed each
    #[arg(long, value_name = "SHARE", value_delimiter = ',')]
    shares: Vec<f64>,
    /// Other numbers of steps, for the curve; one seed each
    #[arg(long, value_name = "N", value_delimiter = ',')]
    steps_curve: Vec<u32>,
    /// Triplets a step
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// Highest learning rate of encoders
    #[arg(long, default_value_t = 5e-5)]
    rate: f64,
    /// Longest text in tokens while encoders are trained
    #[arg(long, value_name = "N", default_value_t = 96)]
    max_tokens: usize,
    /// The arithmetic of what is measured
    #[arg(long, value_enum, env = "VETTED_PRECISION", default_value = "bf16")]
    precision: Precision,
}

/// One of the experiments.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// What training for structure does to an encoder
    Encoders,
    /// What reads pairs over the untouched encoder
    Verifiers,
    /// Ways to search, side by side
    Fixes,
}

/// Sentences that pairs of one's own are made of.
const MEASURED_SENTENCES: usize = 1000;

/// Decides the structural material, which is the same for all runs.
const MATERIAL_SEED: u64 = 1;

impl Study {
    pub fn run(self) -> Result<()> {
        for share in self.shares.iter().chain([&self.share]) {
            if !(0.0..=0.9).contains(share) || *share == 0.0 {
                bail!("a share is {share}: it must be above 0 and at most 0.9, such as 0.5");
            }
        }
        let questions = Questions::read(&self.questions)?;
        let structure = Structure::new(&questions.paragraphs, MATERIAL_SEED);
        let mut pairs = structure.pairs(MEASURED_SENTENCES);
        if !self.pairs.is_empty() {
            pairs.extend(PairSet::read(&self.pairs)?.at_most(self.most_pairs as usize).pairs);
        }
        let pairs = PairSet::new(pairs);
        if self.part.contains(&Part::Encoders) {
            self.encoders(&questions, &structure, &pairs)?;
        }
        Ok(())
    }

    fn encoders(&self, questions: &Questions, structure: &Structure, pairs: &PairSet) -> Result<()> {
        let sets = self.data.iter().map(|folder| Ok(Collection::load(folder, &self.split)?));
        let sets = sets.collect::<Result<Vec<_>>>()?;
        let base = models::ensure(&self.base, &mut download_progress())?;
        let retrieval = questions.triplets();
        let steps = self.steps as usize;
        let longest = self.steps_curve.iter().copied().chain([self.steps]).max().unwrap_or(self.steps) as usize;
        let largest = self.shares.iter().copied().chain([self.share]).fold(0.0, f64::max);
        let visits = (longest * self.batch).min(retrieval.len()) as f64;
        let structural = structure.triplets((visits * largest / (1.0 - largest)).ceil() as usize);
        let cells = Cells::open(&self.work, "encoders")?;
        let cache = Cache::open(Some(&self.work.join("vectors")))?;
        let recipe = EncoderRecipe {
            batch: self.batch,
            rate: self.rate,
            max_tokens: self.max_tokens,
            ..EncoderRecipe::default()
        };
        eprintln!(
            "{} questions, {} structural triplets, {} pairs, {} retrieval sets",
            retrieval.len(),
            structural.len(),
            pairs.pairs.len(),
            sets.len()
        );
        let encoders = Encoders {
            base: &base,
            recipe,
            retrieval: &retrieval,
            structural: &structural,
            sets: &sets,
            pairs,
            cells: &cells,
            cache: &cache,
            work: self.work.clone(),
            precision: self.precision.into(),
        };
        encoders.untouched()?;
        for seed in 0..u64::from(self.seeds) {
            encoders.tuned(0.0, steps, seed)?;
            encoders.tuned(self.share, steps, seed)?;
        }
        for share in &self.shares {
            encoders.tuned(*share, steps, 0)?;
        }
        for steps in &self.steps_curve {
            encoders.tuned(0.0, *steps as usize, 0)?;
            encoders.tuned(self.share, *steps as usize, 0)?;
        }
        Ok(())
    }
}
