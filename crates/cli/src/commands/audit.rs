//! `vetted audit`: what fine-tuning an encoder cost, and what two tiers would give instead.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use vetted_evaluation::Collection;
use vetted_study::AuditReport;
use vetted_study::audit::{AuditSettings, Cache, PairSet, audit, own_collection};

use crate::commands::Precision;
use crate::commands::sources::SourcesFile;
use crate::terminal::{printable_json, printable_lines, say, watch};

/// Compares encoders before and after fine-tuning: retrieval (nDCG@10 by set, with intervals and a significance test), pairs
/// that differ in structure (AUC by phenomenon), the shape of their vectors, and in the same tables the untouched base with
/// a verifier behind it.
///
/// Prints Markdown. Exit status 3 if a tuned encoder's nDCG@10, averaged over the retrieval sets, is lower than the base's
/// by more than --max-drop. Without --data or --pairs it takes small sets that come with vetted: enough to see it work, too
/// small to gate a model by.
#[derive(Args)]
pub struct Audit {
    /// The encoder before fine-tuning: a name (`vetted models list`) or a folder
    #[arg(long, value_name = "MODEL")]
    base: String,
    /// Encoders after it: names or folders
    #[arg(long, value_name = "MODEL", required = true, num_args = 1..)]
    tuned: Vec<String>,
    /// Retrieval sets: BEIR folders with corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv [default: a small one of vetted's own]
    #[arg(long, value_name = "DIR", num_args = 1..)]
    data: Vec<PathBuf>,
    /// Which qrels
    #[arg(long, default_value = "test")]
    split: String,
    /// Labeled pairs, tab-separated, .gz or not: s1, s2, equiv or label, and optionally source, phenomenon, relation
    /// [default: small ones of vetted's own]
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pairs: Vec<PathBuf>,
    #[command(flatten)]
    sources: SourcesFile,
    /// At most so many pairs, spread evenly over the files
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(20..))]
    most_pairs: Option<u32>,
    /// The page to write; OUT.md and OUT.json are written beside it
    #[arg(long, value_name = "REPORT.html")]
    out: Option<PathBuf>,
    /// The drop of nDCG@10, averaged over the retrieval sets, above which the exit status is 3: 0.02 is two points of a hundred
    #[arg(long, value_name = "X", env = "VETTED_MAX_DROP", default_value_t = 0.02)]
    max_drop: f64,
    /// The verifier behind the untouched base: `vetted` (the shipped one), a folder, or `none`
    #[arg(long, value_name = "NAME|DIR", default_value = "vetted")]
    verifier: String,
    /// How many of the base's candidates it reads for a query
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(10..=1000))]
    verify: u32,
    /// The arithmetic of encoders and verifier; bf16 differs from f32 by less than 0.001 nDCG@10 and takes a third of the time
    #[arg(long, value_enum, env = "VETTED_PRECISION", default_value = "bf16")]
    precision: Precision,
    /// Where vectors are kept for the next time [default: `audit` in vetted's cache folder]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Where the sequence of random samples starts
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print JSON instead of Markdown
    #[arg(long)]
    json: bool,
}

/// The exit status when a tuned encoder lost more than it may.
const DROP_EXCEEDED: u8 = 3;

impl Audit {
    pub fn run(self) -> Result<ExitCode> {
        let settings = AuditSettings {
            base: self.base.clone(),
            tuned: self.tuned.clone(),
            sets: self.sets()?,
            pairs: self.pair_set()?,
            max_drop: self.max_drop,
            verifier: Some(self.verifier.clone()).filter(|verifier| verifier != "none"),
            verify: self.verify as usize,
            precision: self.precision.into(),
            seed: self.seed,
        };
        let cache = Cache::open(self.cache.as_deref())?;
        self.deliver(&audit(&settings, &cache, &watch())?)
    }

    fn sets(&self) -> Result<Vec<Collection>> {
        match &self.data[..] {
            [] => Ok(vec![own_collection()?]),
            folders => folders.iter().map(|folder| Ok(Collection::load(folder, &self.split)?)).collect(),
        }
    }

    fn pair_set(&self) -> Result<PairSet> {
        let set = match &self.pairs[..] {
            [] => PairSet::own()?,
            files => PairSet::read(files, &self.sources.read()?)?,
        };
        Ok(match self.most_pairs {
            Some(most) => set.at_most(most as usize),
            None => set,
        })
    }

    /// Prints and writes the report, and says whether it passes.
    fn deliver(&self, report: &AuditReport) -> Result<ExitCode> {
        let json = serde_json::to_string(report)?;
        if let Some(out) = &self.out {
            let write = |path: &Path, text: &str| {
                std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
            };
            write(out, &report.html())?;
            write(&out.with_extension("md"), &format!("{report}\n"))?;
            write(&out.with_extension("json"), &json)?;
            say(format_args!("wrote {}, and the same as .md and .json", out.display()));
        }
        match self.json {
            true => writeln!(stdout(), "{}", printable_json(&json))?,
            false => writeln!(stdout(), "{}", printable_lines(&report.to_string()))?,
        }
        if report.exceeded.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        say(format_args!("{}", report.verdict()));
        Ok(DROP_EXCEEDED.into())
    }
}
