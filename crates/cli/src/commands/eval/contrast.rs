//! `vetted eval contrast`: two queries that differ in little, each with the document that answers it.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use vetted::verification::Relation;
use vetted::{Precision as Arithmetic, VerifierOptions};
use vetted_evaluation::ContrastReport;
use vetted_evaluation::contrast;
use vetted_evaluation::interval::Bootstrap;
use vetted_evaluation::metrics::contrast::{ContrastScores, evaluate};
use vetted_evaluation::report::Scorer;
use vetted_evaluation::report::contrast::ScorerReport;

use crate::commands::Precision;
use crate::commands::scorers::{self, SCORERS};
use crate::terminal::{count_bar, print_report};

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
        let mut report = ContrastReport { scorers: Vec::new() };
        for name in &self.scorer {
            let verifier = scorers::load(name, options)?.verifier;
            let bar = count_bar(contrasts.len() as u64, name);
            let start = Instant::now();
            let mut scores = Vec::with_capacity(contrasts.len());
            for some in contrasts.chunks(256) {
                let questions: Vec<_> = some
                    .iter()
                    .flat_map(|c| c.orders())
                    .map(|(query, text)| (query, text, Relation::Support))
                    .collect();
                let verified = verifier.verify_pairs(&questions)?;
                let logits = verified.iter().map(|verification| f64::from(verification.support_of_all()));
                scores.extend(logits.collect::<Vec<_>>().as_chunks::<4>().0.iter().copied().map(ContrastScores::from));
                bar.inc(some.len() as u64);
            }
            let us_per_pair = start.elapsed().as_secs_f64() * 1e6 / (4 * contrasts.len()) as f64;
            bar.finish_and_clear();
            report.scorers.push(ScorerReport {
                scorer: Scorer { name: name.clone(), params: verifier.parameters() as u64, us_per_pair },
                accuracy: evaluate(&scores, &Bootstrap::default())?,
            });
        }
        print_report(&report, self.json)
    }
}
