//! `vetted eval pairs`: scorers on labeled pairs of texts.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};
use vetted::{Precision as Arithmetic, VerifierOptions, verification};
use vetted_evaluation::PairsReport;
use vetted_evaluation::metrics::pairs::KeepRate;
use vetted_evaluation::pairs::Groups;
use vetted_evaluation::report::Scorer;
use vetted_evaluation::report::pairs::{Output, ScorerReport, Scores, Thresholds};
use vetted_pairs::{Pair, Relation};

use super::quick_bootstrap;
use crate::commands::Precision;
use crate::commands::scorers::{self, Named, SCORERS};
use crate::commands::sources::SourcesFile;
use crate::terminal::{count_bar, print_report};

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

/// Pairs between two steps of the progress bar.
const STEP: usize = 2048;

impl Pairs {
    pub fn run(self) -> Result<()> {
        let keep = KeepRate::percent(self.keep)?;
        let storage = match self.views {
            Storage::F32 => verification::Storage::F32,
            Storage::Int8 => verification::Storage::Int8,
        };
        let options = VerifierOptions { storage, ..VerifierOptions::all_in(Arithmetic::from(self.precision)) };
        let pairs = self.pairs()?;
        let groups = Groups::new(&pairs)?;
        let mut report = PairsReport { scorers: Vec::new() };
        for name in &self.scorer {
            let named = scorers::load(name, options)?;
            report.scorers.push(measure(&named, &pairs, &groups, keep)?);
        }
        print_report(&report, self.json)
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

fn measure(named: &Named, pairs: &[Pair], groups: &Groups, keep: KeepRate) -> Result<ScorerReport> {
    let Named { name, verifier } = named;
    let start = Instant::now();
    let values = scores(named, pairs)?;
    let us_per_pair = start.elapsed().as_secs_f64() * 1e6 / pairs.len().max(1) as f64;
    let thresholds = verifier.config().thresholds;
    let thresholds = Thresholds { support: thresholds.support.into(), equivalence: thresholds.equivalence.into() };
    let scores = match verifier.is_trained() {
        true => Scores { values: &values, output: Output::Probability, thresholds: Some(thresholds) },
        false => Scores { values: &values, output: Output::Similarity, thresholds: None },
    };
    let scorer = Scorer { name: name.clone(), params: verifier.parameters() as u64, us_per_pair };
    let bootstrap = quick_bootstrap();
    Ok(ScorerReport::new(scorer, groups, scores, keep, &bootstrap)?)
}

/// A score of every pair: the calibrated probability that it matches, or a formula's similarity.
pub fn scores(Named { name, verifier }: &Named, pairs: &[Pair]) -> Result<Vec<f64>> {
    let bar = count_bar(pairs.len() as u64, name);
    let mut values = Vec::with_capacity(pairs.len());
    let trained = verifier.is_trained();
    let calibration = verifier.config().calibration;
    for some in pairs.chunks(STEP) {
        let questions: Vec<_> = some.iter().map(|p| (p.query.as_str(), p.candidate.as_str(), p.relation)).collect();
        values.extend(verifier.verify_pairs(&questions)?.iter().zip(some).map(|(verification, pair)| {
            let (logit, platt) = match pair.relation {
                Relation::Support => (verification.outputs().support, calibration.support),
                Relation::Equivalence => (verification.outputs().equivalence, calibration.equivalence),
            };
            if trained { platt.fine_probability(logit) } else { f64::from(logit) }
        }));
        bar.inc(some.len() as u64);
    }
    bar.finish_and_clear();
    Ok(values)
}
