//! `vetted-study`: the experiments of `docs/study`, from data to page.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use vetted::models::{self, Progress};
use vetted_pairs::Sources;
use vetted_study::Event;
use vetted_study::experiments::{Part, Plan, run};
use vetted_training::EncoderRecipe;

/// Three experiments, each of many parts that are kept as they are done: a study that was stopped goes on where it was.
///
/// Encoders: model A is the base fine-tuned on questions with the paragraphs that answer them, model B on the same and on
/// structural triplets (a sentence, a rewrite, a near miss); what each retrieves afterwards. Verifiers: formulas and small
/// readers over the untouched base, frozen and end to end. Fixes: ways to search, with near misses planted in the documents.
#[derive(Parser)]
#[command(name = "vetted-study", version, max_term_width = 100)]
struct Arguments {
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
    /// What is known about data sets by their names in the column source, where a file of pairs does not say it: relation,
    /// order of claim and evidence, kind of the negatives; in JSON, such as recipes/sources.json
    #[arg(long, value_name = "FILE.json")]
    sources: Option<PathBuf>,
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
    part: Vec<PartName>,
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
    /// Training pairs that each verifier is shown
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

#[derive(Clone, Copy, ValueEnum)]
enum PartName {
    /// What training for structure does to an encoder
    Encoders,
    /// What reads pairs over the untouched encoder
    Verifiers,
    /// Ways to search, side by side
    Fixes,
}

#[derive(Clone, Copy, ValueEnum)]
enum Precision {
    /// Single precision: equal to PyTorch
    F32,
    /// bfloat16: several times faster where the processor has it
    Bf16,
    /// 8-bit integers
    Int8,
}

fn main() -> ExitCode {
    leave_threads_to_workers();
    match Arguments::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Arguments {
    fn run(self) -> Result<()> {
        let notes = match &self.notes {
            Some(path) => fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
            None => String::new(),
        };
        let plan = self.plan()?;
        Ok(run(&plan, &typed(), &notes, &|event| log(event))?)
    }

    fn plan(self) -> Result<Plan> {
        let part = |part: PartName| match part {
            PartName::Encoders => Part::Encoders,
            PartName::Verifiers => Part::Verifiers,
            PartName::Fixes => Part::Fixes,
        };
        Ok(Plan {
            data: self.data,
            split: self.split,
            most_documents: self.most_documents,
            questions: self.questions,
            pairs: self.pairs,
            sources: self.sources.map(Sources::read).transpose()?.unwrap_or_default(),
            most_pairs: self.most_pairs as usize,
            out: self.out,
            work: self.work,
            parts: self.part.into_iter().map(part).collect(),
            base: self.base,
            seeds: self.seeds.into(),
            steps: self.steps as usize,
            share: self.share,
            shares: self.shares,
            steps_curve: self.steps_curve.into_iter().map(|steps| steps as usize).collect(),
            recipe: EncoderRecipe {
                batch: self.batch,
                rate: self.rate,
                max_tokens: self.max_tokens,
                ..EncoderRecipe::default()
            },
            visits: self.visits as usize,
            verifier_pairs: self.verifier_pairs,
            fixes_on: self.fixes_on,
            planted: self.planted as usize,
            precision: match self.precision {
                Precision::F32 => vetted::Precision::F32,
                Precision::Bf16 => vetted::Precision::Bf16,
                Precision::Int8 => vetted::Precision::Int8,
            },
        })
    }
}

/// This command as it was typed.
fn typed() -> String {
    let quoted =
        |argument: String| if argument.contains([' ', '"', '\'']) { format!("{argument:?}") } else { argument };
    let words = std::iter::once("vetted-study".to_owned()).chain(std::env::args().skip(1).map(quoted));
    words.collect::<Vec<_>>().join(" ")
}

/// A study runs for hours, its log read now and then: a line for what begins and for what is worth saying.
fn log(event: Event<'_>) {
    match event {
        Event::Begun { what, total } => eprintln!("{what}: {total}"),
        Event::Note(note) => eprintln!("{note}"),
        Event::Fetching(Progress::Fetching { file, bytes: 0, total }) => {
            eprintln!("fetching {file} ({:.1} MB)", total as f64 / 1e6);
        }
        Event::Fetching(Progress::SourceFailed(attempt)) => eprintln!("note: {}", attempt.failure),
        _ => {}
    }
}

/// candle keeps a pool that spins while it waits, beside the trainer's own workers: without it training is 1.6 times as fast
/// (MEASUREMENTS, "Training speed").
fn leave_threads_to_workers() {
    const THREADS: &str = "CANDLE_NUM_THREADS";
    if std::env::var_os(THREADS).is_none() {
        // SAFETY: the first thing that the program does, so no other thread reads the environment.
        unsafe { std::env::set_var(THREADS, "1") };
    }
}
