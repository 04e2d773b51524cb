//! `vetted study`: what training an encoder for structure costs, and what else there is.

mod cells;
mod encoders;
mod fixes;
mod questions;
mod separation;
mod structure;
mod verifiers;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use vetted::{VerifierOptions, models};
use vetted_evaluation::Collection;
use vetted_pairs::Pair;
use vetted_pairs::triplets::Triplet;
use vetted_training::{Base, EncoderRecipe};

use self::cells::Cells;
use self::encoders::Encoders;
use self::fixes::Fixes;
use self::questions::Questions;
use self::structure::Structure;
use self::verifiers::Verifiers;
use crate::commands::Precision;
use crate::commands::audit::{Cache, PairSet};
use crate::commands::sources::SourcesFile;
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
    /// Search only so many documents of each: all judged ones, and others spread evenly
    #[arg(long, value_name = "N")]
    most_documents: Option<usize>,
    /// Questions with paragraphs to train on, in SQuAD's format
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    questions: Vec<PathBuf>,
    /// Labeled pairs to measure structure with, beside those made here; nothing is trained on them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pairs: Vec<PathBuf>,
    #[command(flatten)]
    sources: SourcesFile,
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
    /// Pairs that each verifier visits
    #[arg(long, value_name = "N", default_value_t = 6000, value_parser = clap::value_parser!(u32).range(100..))]
    visits: u32,
    /// Labeled pairs that verifiers learn from, beside those made here
    #[arg(long, value_name = "FILE", num_args = 1..)]
    verifier_pairs: Vec<PathBuf>,
    /// Retrieval sets for the ways to search: those of --data by their names [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    fixes_on: Vec<String>,
    /// Near misses planted in each
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    planted: u32,
    /// Markdown that the page shows under its findings: what a reader should mind
    #[arg(long, value_name = "FILE")]
    notes: Option<PathBuf>,
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
        let notes = match &self.notes {
            Some(path) => fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
            None => String::new(),
        };
        let questions = Questions::read(&self.questions)?;
        let structure = Structure::new(&questions.paragraphs, MATERIAL_SEED);
        let mut pairs = structure.pairs(MEASURED_SENTENCES);
        if !self.pairs.is_empty() {
            pairs.extend(PairSet::read(&self.pairs, &self.sources.read()?)?.at_most(self.most_pairs as usize).pairs);
        }
        let pairs = PairSet::new(pairs);
        fs::create_dir_all(&self.work).with_context(|| format!("cannot make {}", self.work.display()))?;
        let commands = remembered(&self.work.join("commands.txt"))?;
        for part in [Part::Encoders, Part::Verifiers, Part::Fixes] {
            if self.part.contains(&part) {
                match part {
                    Part::Encoders => self.encoders(&questions, &structure, &pairs)?,
                    Part::Verifiers => self.verifiers(&structure, &pairs)?.all()?,
                    Part::Fixes => self.fixes(&questions, &structure, &pairs)?,
                }
                // Whatever comes next may be stopped.
                self.write(&commands, &notes)?;
            }
        }
        eprintln!("wrote {}", self.out.join("README.md").display());
        Ok(())
    }

    fn write(&self, commands: &[String], notes: &str) -> Result<()> {
        let mut study = vetted_evaluation::study::Study {
            encoders: Cells::open(&self.work, "encoders")?.all()?,
            verifiers: Cells::open(&self.work, "verifiers")?.all()?,
            fixes: Cells::open(&self.work, "fixes")?.all()?,
        };
        // The small default first; formulas before what was trained; ways to search from the plainest on.
        study.encoders.sort_by_key(|encoder| encoder.base != models::DEFAULT_MODEL);
        study.verifiers.sort_by_key(|verifier| (order(verifier), verifier.name.clone()));
        study.fixes.sort_by_key(|fix| (fix.set.clone(), fixes::NAMES.iter().position(|name| *name == fix.name)));
        Ok(study.write(&self.out, commands, notes)?)
    }

    fn encoders(&self, questions: &Questions, structure: &Structure, pairs: &PairSet) -> Result<()> {
        let sets = self.data.iter().map(|folder| {
            let set = Collection::load(folder, &self.split)?;
            Ok(match self.most_documents {
                Some(most) => set.at_most(most),
                None => set,
            })
        });
        let sets = sets.collect::<Result<Vec<_>>>()?;
        let retrieval = questions.triplets();
        let structural = self.structural(structure, retrieval.len());
        eprintln!(
            "{} questions, {} structural triplets, {} pairs, {} retrieval sets",
            retrieval.len(),
            structural.len(),
            pairs.pairs.len(),
            sets.len()
        );
        let steps = self.steps as usize;
        self.with_encoders(&retrieval, &structural, &sets, pairs, |encoders| {
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
        })
    }

    /// As many structural triplets as the largest share of the longest run takes.
    fn structural(&self, structure: &Structure, questions: usize) -> Vec<Triplet> {
        let longest = self.steps_curve.iter().copied().chain([self.steps]).max().unwrap_or(self.steps) as usize;
        let largest = self.shares.iter().copied().chain([self.share]).fold(0.0, f64::max);
        let visits = (longest * self.batch).min(questions) as f64;
        structure.triplets((visits * largest / (1.0 - largest)).ceil() as usize)
    }

    fn with_encoders<T>(
        &self,
        retrieval: &[Triplet],
        structural: &[Triplet],
        sets: &[Collection],
        pairs: &PairSet,
        work: impl FnOnce(&Encoders) -> Result<T>,
    ) -> Result<T> {
        let base = models::ensure(&self.base, &mut download_progress())?;
        let cells = Cells::open(&self.work, "encoders")?;
        let cache = Cache::open(Some(&self.work.join("vectors")))?;
        let recipe = EncoderRecipe {
            batch: self.batch,
            rate: self.rate,
            max_tokens: self.max_tokens,
            ..EncoderRecipe::default()
        };
        work(&Encoders {
            base: &base,
            recipe,
            retrieval,
            structural,
            sets,
            pairs,
            cells: &cells,
            cache: &cache,
            work: self.work.clone(),
            precision: self.precision.into(),
        })
    }

    fn verifiers<'a>(&self, structure: &Structure, pairs: &'a PairSet) -> Result<Verifiers<'a>> {
        if self.base != models::DEFAULT_MODEL {
            bail!(
                "verifiers and fixes are measured over {}: leave --base out, or give --part encoders",
                models::DEFAULT_MODEL
            );
        }
        let folder = models::ensure(&self.base, &mut download_progress())?;
        let mut base = Base::open(&folder.path)?;
        base.name.clone_from(&folder.name);
        let mut learnt: Vec<Pair> = structure.training_pairs(self.visits as usize / 2);
        for file in &self.verifier_pairs {
            for pair in vetted_pairs::read_labelled(file)?.with_sources(self.sources.read()?) {
                learnt.push(pair?);
            }
        }
        Ok(Verifiers {
            base,
            learnt,
            visits: self.visits as usize,
            seed: 0,
            pairs,
            cells: Cells::open(&self.work, "verifiers")?,
            work: self.work.clone(),
            options: VerifierOptions::all_in(self.precision.into()),
        })
    }

    fn fixes(&self, questions: &Questions, structure: &Structure, pairs: &PairSet) -> Result<()> {
        let named = |folder: &&PathBuf| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            self.fixes_on.is_empty() || self.fixes_on.iter().any(|wanted| *wanted == name)
        };
        let sets: Vec<PathBuf> = self.data.iter().filter(named).cloned().collect();
        if sets.is_empty() {
            bail!("--fixes-on names no folder of --data");
        }
        let retrieval = questions.triplets();
        let structural = self.structural(structure, retrieval.len());
        let steps = self.steps as usize;
        let tuned = self.with_encoders(&retrieval, &structural, &[], pairs, |e| Ok(e.model(self.share, steps, 0)))?;
        let cross_encoder = self.verifiers(structure, pairs)?.cross_encoder();
        let trained = |folder: PathBuf| Some(folder).filter(|folder| folder.join("config.json").exists());
        Fixes {
            sets: &sets,
            split: &self.split,
            planted: self.planted,
            precision: self.precision.name(),
            base: &self.base,
            tuned: trained(tuned),
            cross_encoder: trained(cross_encoder),
            cells: &Cells::open(&self.work, "fixes")?,
        }
        .all()
    }
}

/// The commands of a study so far, this one among them.
fn remembered(path: &Path) -> Result<Vec<String>> {
    let quoted =
        |argument: String| if argument.contains([' ', '"', '\'']) { format!("{argument:?}") } else { argument };
    let this: Vec<String> = std::iter::once("vetted".to_owned()).chain(std::env::args().skip(1).map(quoted)).collect();
    let this = this.join(" ");
    let mut commands: Vec<String> = fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect();
    if !commands.contains(&this) {
        commands.push(this);
        fs::write(path, commands.join("\n") + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(commands)
}

/// Where a scorer stands in tables.
fn order(verifier: &vetted_evaluation::study::Verifier) -> usize {
    use vetted_evaluation::study::Made;
    match verifier.made {
        Made::Formula => 0,
        Made::Frozen { .. } => 1,
        Made::EndToEnd { .. } => 2,
        Made::Shipped => 3,
    }
}
