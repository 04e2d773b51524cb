//! `vetted eval pairs`: scorers on labeled pairs of texts.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use vetted::{Precision as Arithmetic, VerifierOptions, reader};
use vetted_evaluation::PairsReport;
use vetted_evaluation::metrics::pairs::KeepRate;
use vetted_evaluation::pairs::Groups;
use vetted_pairs::Pair;
use vetted_study::pairs::report;
use vetted_study::scorers;

use super::SCORERS;
use crate::commands::Precision;
use crate::commands::sources::SourcesFile;
use crate::terminal::{print_report, watch};

/// Per source and per phenomenon: AUC, average precision, accuracy at the scorer's threshold, and the share of negatives
/// rejected when a share of the positives is kept, each with a 95 % interval. Equivalence is read in both directions.
#[derive(Args)]
pub struct Pairs {
    /// Tab-separated, .gz or not; the header names s1 (candidate), s2 (query), equiv or label, and optionally source,
    /// phenomenon, relation
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    #[command(flatten)]
    sources: SourcesFile,
    #[arg(long, value_delimiter = ',', default_value = "vetted", help = format!("What to compare: {SCORERS}"))]
    scorer: Vec<String>,
    /// The share of positives, in percent, that the threshold of `rejected@` keeps
    #[arg(long, value_name = "PERCENT", default_value_t = 79.0)]
    keep: f64,
    /// Of each source at most so many pairs, the first ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// The arithmetic of encoder and reader
    #[arg(long, value_enum, env = "VETTED_PRECISION", default_value = "f32")]
    precision: Precision,
    /// How what is kept of a text is stored, to see what that costs
    #[arg(long, value_enum, default_value = "int8")]
    views: Storage,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How views are stored.
#[derive(Clone, Copy, ValueEnum)]
enum Storage {
    /// Four bytes a value
    F32,
    /// One byte a value, as in an index
    Int8,
}

impl Pairs {
    pub fn run(self) -> Result<()> {
        let keep = KeepRate::percent(self.keep)?;
        let storage = match self.views {
            Storage::F32 => reader::Storage::F32,
            Storage::Int8 => reader::Storage::Int8,
        };
        let options = VerifierOptions { storage, ..VerifierOptions::all_in(Arithmetic::from(self.precision)) };
        let pairs = self.pairs()?;
        let groups = Groups::new(&pairs)?;
        let watch = &watch();
        let mut reports = PairsReport { scorers: Vec::new() };
        for name in &self.scorer {
            let named = scorers::load(name, options, watch)?;
            reports.scorers.push(report(&named, &pairs, &groups, keep, watch)?);
        }
        print_report(&reports, self.json)
    }

    fn pairs(&self) -> Result<Vec<Pair>> {
        let mut seen = std::collections::HashMap::<String, u32>::new();
        let mut pairs = Vec::new();
        for pair in vetted_pairs::read_labelled(&self.data)?.with_sources(self.sources.read()?) {
            let pair = pair?;
            let count = seen.entry(pair.source.clone()).or_default();
            *count += 1;
            if self.limit.is_none_or(|limit| *count <= limit) {
                pairs.push(pair);
            }
        }
        Ok(pairs)
    }
}
