//! The three experiments of `docs/study`: what training an encoder for structure costs, and what else there is.
//!
//! *Encoders*: model A is the base fine-tuned on questions with the paragraphs that answer them, model B on the same and on
//! structural triplets (a sentence, a rewrite, a near miss); what each retrieves afterwards. *Verifiers*: formulas and small
//! readers over the untouched base, frozen and end to end. *Fixes*: ways to search, with near misses planted in the documents.
//!
//! Each part is kept as it is done ([`findings`](crate::findings)): a study that was stopped goes on where it was.

mod cells;
mod encoders;
mod fixes;
mod questions;
mod separation;
mod structure;
mod training;
mod verifiers;

use std::fs;
use std::path::PathBuf;

use vetted::{Precision, VerifierOptions, models};
use vetted_evaluation::Collection;
use vetted_pairs::triplets::Triplet;
use vetted_pairs::{Pair, Sources};
use vetted_training::{Base, EncoderRecipe};

use self::cells::Cells;
use self::encoders::Encoders;
use self::fixes::Fixes;
use self::questions::Questions;
use self::structure::Structure;
use self::verifiers::Verifiers;
use crate::Error;
use crate::audit::{Cache, PairSet};
use crate::error::writing;
use crate::findings::{Made, Study, Verifier};
use crate::watch::{Event, Watch};

/// What is trained and measured.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Retrieval sets that encoders are measured on: BEIR folders; nothing is trained on them.
    pub data: Vec<PathBuf>,
    /// Which of their qrels.
    pub split: String,
    /// Search only so many documents of each: all judged ones, and others spread evenly.
    pub most_documents: Option<usize>,
    /// Questions with paragraphs to train on, in SQuAD's format.
    pub questions: Vec<PathBuf>,
    /// Labelled pairs to measure structure with, beside those made here; nothing is trained on them.
    pub pairs: Vec<PathBuf>,
    /// What is known about the data sets in files of pairs that do not say it.
    pub sources: Sources,
    /// At most so many of them, spread evenly over the files.
    pub most_pairs: usize,
    /// Where the page, tables and plots go.
    pub out: PathBuf,
    /// Where models and what was measured are kept.
    pub work: PathBuf,
    /// Which experiments; the page shows whatever was measured so far.
    pub parts: Vec<Part>,
    /// The encoder: a name or a folder.
    pub base: String,
    /// How many times A and B are trained.
    pub seeds: u64,
    /// Model A's steps; B takes so many more that it visits A's triplets as often.
    pub steps: usize,
    /// Structural triplets among B's.
    pub share: f64,
    /// Other shares, for the curve; one seed each.
    pub shares: Vec<f64>,
    /// Other numbers of steps, for the curve; one seed each.
    pub steps_curve: Vec<usize>,
    /// How encoders are trained; seed and steps are those above.
    pub recipe: EncoderRecipe,
    /// Training pairs that each verifier is shown.
    pub visits: usize,
    /// Labelled pairs that verifiers learn from, beside those made here.
    pub verifier_pairs: Vec<PathBuf>,
    /// Retrieval sets for the ways to search: those of `data` by their names; all where there is none.
    pub fixes_on: Vec<String>,
    /// Near misses planted in each.
    pub planted: usize,
    /// The arithmetic of what is measured.
    pub precision: Precision,
}

/// One of the experiments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What training for structure does to an encoder.
    Encoders,
    /// What reads pairs over the untouched encoder.
    Verifiers,
    /// Ways to search, side by side.
    Fixes,
}

/// Sentences that pairs of one's own are made of.
const MEASURED_SENTENCES: usize = 1000;

/// Decides the structural material, which is the same for all runs.
const MATERIAL_SEED: u64 = 1;

/// Runs a plan, and writes its page after every experiment. The page shows `command` and those before it that made its figures,
/// and `notes`, Markdown that a reader should mind.
///
/// # Errors
/// [`Error::Share`]; when an input cannot be read, a model not be trained or run, or nothing be written.
pub fn run(plan: &Plan, command: &str, notes: &str, watch: Watch<'_>) -> Result<(), Error> {
    if let Some(share) = plan.shares.iter().chain([&plan.share]).find(|share| !(**share > 0.0 && **share <= 0.9)) {
        return Err(Error::Share { got: *share });
    }
    let questions = Questions::read(&plan.questions)?;
    let structure = Structure::new(&questions.paragraphs, MATERIAL_SEED);
    let mut pairs = structure.pairs(MEASURED_SENTENCES);
    if !plan.pairs.is_empty() {
        pairs.extend(PairSet::read(&plan.pairs, &plan.sources)?.at_most(plan.most_pairs).pairs);
    }
    let commands = remembered(plan, command)?;
    let running = Running { plan, questions, structure, pairs: PairSet::new(pairs), watch };
    for part in [Part::Encoders, Part::Verifiers, Part::Fixes] {
        if plan.parts.contains(&part) {
            match part {
                Part::Encoders => running.encoders()?,
                Part::Verifiers => running.verifiers()?.all()?,
                Part::Fixes => running.fixes()?,
            }
            // Whatever comes next may be stopped.
            running.write(&commands, notes)?;
        }
    }
    watch(Event::Note(&format!("wrote {}", plan.out.join("README.md").display())));
    Ok(())
}

struct Running<'a> {
    plan: &'a Plan,
    questions: Questions,
    structure: Structure,
    pairs: PairSet,
    watch: Watch<'a>,
}

impl Running<'_> {
    fn write(&self, commands: &[String], notes: &str) -> Result<(), Error> {
        let work = &self.plan.work;
        let mut study = Study {
            encoders: Cells::open(work, "encoders")?.all()?,
            verifiers: Cells::open(work, "verifiers")?.all()?,
            fixes: Cells::open(work, "fixes")?.all()?,
        };
        // The small default first; formulas before what was trained; ways to search from the plainest on.
        study.encoders.sort_by_key(|encoder| encoder.base != models::DEFAULT_MODEL);
        study.verifiers.sort_by_key(|verifier| (order(verifier), verifier.name.clone()));
        study.fixes.sort_by_key(|fix| (fix.set.clone(), fixes::NAMES.iter().position(|name| *name == fix.name)));
        Ok(study.write(&self.plan.out, commands, notes)?)
    }

    fn encoders(&self) -> Result<(), Error> {
        let plan = self.plan;
        let sets = plan.data.iter().map(|folder| {
            let set = Collection::load(folder, &plan.split)?;
            Ok(match plan.most_documents {
                Some(most) => set.at_most(most),
                None => set,
            })
        });
        let sets = sets.collect::<Result<Vec<_>, Error>>()?;
        self.with_encoders(&sets, |encoders| {
            (self.watch)(Event::Note(&format!(
                "{} questions, {} structural triplets, {} pairs, {} retrieval sets",
                encoders.retrieval.len(),
                encoders.structural.len(),
                self.pairs.pairs.len(),
                sets.len()
            )));
            encoders.untouched()?;
            for seed in 0..plan.seeds {
                encoders.tuned(0.0, plan.steps, seed)?;
                encoders.tuned(plan.share, plan.steps, seed)?;
            }
            for share in &plan.shares {
                encoders.tuned(*share, plan.steps, 0)?;
            }
            for steps in &plan.steps_curve {
                encoders.tuned(0.0, *steps, 0)?;
                encoders.tuned(plan.share, *steps, 0)?;
            }
            Ok(())
        })
    }

    /// As many structural triplets as the largest share of the longest run takes.
    fn structural(&self, questions: usize) -> Vec<Triplet> {
        let plan = self.plan;
        let longest = plan.steps_curve.iter().copied().chain([plan.steps]).max().unwrap_or(plan.steps);
        let largest = plan.shares.iter().copied().chain([plan.share]).fold(0.0, f64::max);
        let visits = (longest * plan.recipe.batch).min(questions) as f64;
        self.structure.triplets((visits * largest / (1.0 - largest)).ceil() as usize)
    }

    fn with_encoders<T>(
        &self,
        sets: &[Collection],
        work: impl FnOnce(&Encoders) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let plan = self.plan;
        let base = models::ensure(&plan.base, &mut |progress| (self.watch)(Event::Fetching(progress)))?;
        let cells = Cells::open(&plan.work, "encoders")?;
        let cache = Cache::open(Some(&plan.work.join("vectors")))?;
        let retrieval = self.questions.triplets();
        let structural = self.structural(retrieval.len());
        work(&Encoders {
            base: &base,
            recipe: plan.recipe.clone(),
            retrieval: &retrieval,
            structural: &structural,
            sets,
            pairs: &self.pairs,
            cells: &cells,
            cache: &cache,
            work: plan.work.clone(),
            precision: plan.precision,
            watch: self.watch,
        })
    }

    fn verifiers(&self) -> Result<Verifiers<'_>, Error> {
        let plan = self.plan;
        if plan.base != models::DEFAULT_MODEL {
            return Err(Error::OtherBase { default: models::DEFAULT_MODEL });
        }
        let folder = models::ensure(&plan.base, &mut |progress| (self.watch)(Event::Fetching(progress)))?;
        let mut base = Base::open(&folder.path)?;
        base.name.clone_from(&folder.name);
        let mut learnt: Vec<Pair> = self.structure.training_pairs(plan.visits / 2);
        for file in &plan.verifier_pairs {
            for pair in vetted_pairs::read_labelled(file)?.with_sources(plan.sources.clone()) {
                learnt.push(pair?);
            }
        }
        Ok(Verifiers {
            base,
            learnt,
            visits: plan.visits,
            seed: 0,
            pairs: &self.pairs,
            cells: Cells::open(&plan.work, "verifiers")?,
            work: plan.work.clone(),
            options: VerifierOptions::all_in(plan.precision),
            watch: self.watch,
        })
    }

    fn fixes(&self) -> Result<(), Error> {
        let plan = self.plan;
        let named = |folder: &&PathBuf| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            plan.fixes_on.is_empty() || plan.fixes_on.iter().any(|wanted| *wanted == name)
        };
        let sets: Vec<PathBuf> = plan.data.iter().filter(named).cloned().collect();
        if sets.is_empty() {
            return Err(Error::NoSuchSet);
        }
        let tuned = self.with_encoders(&[], |encoders| Ok(encoders.model(plan.share, plan.steps, 0)))?;
        let cross_encoder = self.verifiers()?.cross_encoder();
        let trained = |folder: PathBuf| Some(folder).filter(|folder| folder.join("config.json").exists());
        Fixes {
            sets: &sets,
            split: &plan.split,
            planted: plan.planted,
            precision: plan.precision,
            base: &plan.base,
            tuned: trained(tuned),
            cross_encoder: trained(cross_encoder),
            cells: &Cells::open(&plan.work, "fixes")?,
            watch: self.watch,
        }
        .all()
    }
}

/// The commands of a study so far, `this` one among them, which is kept for the next time.
fn remembered(plan: &Plan, this: &str) -> Result<Vec<String>, Error> {
    fs::create_dir_all(&plan.work).map_err(writing(&plan.work))?;
    let path = plan.work.join("commands.txt");
    let mut commands: Vec<String> = fs::read_to_string(&path).unwrap_or_default().lines().map(str::to_owned).collect();
    if !commands.iter().any(|command| command == this) {
        commands.push(this.to_owned());
        fs::write(&path, commands.join("\n") + "\n").map_err(writing(&path))?;
    }
    Ok(commands)
}

/// Where a scorer stands in tables.
fn order(verifier: &Verifier) -> usize {
    match verifier.made {
        Made::Formula => 0,
        Made::Frozen { .. } => 1,
        Made::EndToEnd { .. } => 2,
        Made::Shipped => 3,
    }
}
