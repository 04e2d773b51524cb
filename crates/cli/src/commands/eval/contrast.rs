//! `vetted eval contrast`: two queries that differ in little, each with the document that answers it.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use vetted::{Precision as Arithmetic, VerifierOptions};
use vetted_evaluation::{ContrastReport, contrast};
use vetted_study::contrast::report;
use vetted_study::scorers;

use super::SCORERS;
use crate::commands::Precision;
use crate::terminal::{print_report, watch};

/// Pairwise accuracy: both queries rank the right document first. Chance is 25 %.
#[derive(Args)]
pub struct Contrast {
    /// A JSON list, .gz or not, of {"q1", "q2", "doc1", "doc2"}: doc1 answers q1, doc2 answers q2
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    #[arg(long, value_delimiter = ',', default_value = "vetted", help = format!("What to compare: {SCORERS}"))]
    scorer: Vec<String>,
    /// The arithmetic of encoder and reader
    #[arg(long, value_enum, env = "VETTED_PRECISION", default_value = "f32")]
    precision: Precision,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Contrast {
    pub fn run(self) -> Result<()> {
        let options = VerifierOptions::all_in(Arithmetic::from(self.precision));
        let contrasts = contrast::read(&self.data)?;
        let watch = &watch();
        let mut reports = ContrastReport { scorers: Vec::new() };
        for name in &self.scorer {
            reports.scorers.push(report(&scorers::load(name, options, watch)?, &contrasts, watch)?);
        }
        print_report(&reports, self.json)
    }
}
