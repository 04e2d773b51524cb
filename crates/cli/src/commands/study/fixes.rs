//! The third experiment: ways to search, with near misses planted among the documents.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Command};
use vetted_evaluation::interval::Estimate;
use vetted_evaluation::metrics::twins::Figure as Kind;
use vetted_evaluation::report::twins::PipelineReport;
use vetted_evaluation::study::{Figure, Fix};
use vetted_evaluation::{Dataset, TwinsReport};

use super::cells::Cells;
use crate::commands::eval::twins::Twins;

/// What is measured, on which sets.
pub struct Fixes<'a> {
    pub sets: &'a [PathBuf],
    pub split: &'a str,
    /// Twins planted in each.
    pub planted: u32,
    pub precision: String,
    /// The encoder as it comes.
    pub base: &'a str,
    /// The same encoder trained for structure (model B), where it was trained.
    pub tuned: Option<PathBuf>,
    /// A cross-encoder, where one was trained.
    pub cross_encoder: Option<PathBuf>,
    pub cells: &'a Cells,
}

/// What the ways are called, in the order of tables.
pub const NAMES: [&str; 6] = ["dense", "hybrid", "maxsim", "cross-encoder", "dense, fine-tuned (B)", "vetted"];

impl Fixes<'_> {
    /// Every way to search on every set.
    pub fn all(&self) -> Result<()> {
        for set in self.sets {
            for (name, model, pipeline, more) in self.ways() {
                let dataset = set.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let model = model.to_string_lossy().into_owned();
                let more: Vec<String> = more.iter().map(|path| path.to_string_lossy().into_owned()).collect();
                let settings = serde_json::json!({
                    "set": dataset, "split": self.split, "planted": self.planted, "precision": self.precision,
                    "model": model, "pipeline": pipeline, "with": more,
                });
                self.cells.figures(&format!("{dataset}-{name}"), settings, || {
                    let planted = self.planted.to_string();
                    let set = set.to_string_lossy();
                    let mut arguments = vec![
                        "twins",
                        "--data",
                        &set,
                        "--split",
                        self.split,
                        "--precision",
                        &self.precision,
                        "--model",
                        &model,
                        "--pipeline",
                        pipeline,
                        "--queries",
                        &planted,
                    ];
                    if let [cross_encoder] = &more[..] {
                        arguments.extend(["--cross-encoder", cross_encoder]);
                    }
                    let queries = Dataset::load(Path::new(&*set), self.split)?.queries.len();
                    fix(name, &parsed::<Twins>(&arguments)?.report()?, queries)
                })?;
            }
        }
        Ok(())
    }

    /// Name, encoder, pipeline, and the cross-encoder where it is asked.
    fn ways(&self) -> Vec<(&'static str, &Path, &'static str, Vec<&Path>)> {
        let base = Path::new(self.base);
        let [dense, hybrid, maxsim, cross_encoder, fine_tuned, vetted] = NAMES;
        let mut ways = vec![
            (dense, base, "dense", vec![]),
            (hybrid, base, "hybrid", vec![]),
            (maxsim, base, "maxsim", vec![]),
            (vetted, base, "vetted", vec![]),
        ];
        if let Some(tuned) = &self.tuned {
            ways.push((fine_tuned, tuned, "dense", vec![]));
        }
        if let Some(folder) = &self.cross_encoder {
            ways.push((cross_encoder, base, "cross-encoder", vec![folder.as_path()]));
        }
        ways
    }
}

/// The arguments of a command as if they had been typed: what it does by default, it does here.
fn parsed<T: Args>(arguments: &[&str]) -> Result<T> {
    let matches = T::augment_args(Command::new("study")).try_get_matches_from(arguments)?;
    Ok(T::from_arg_matches(&matches)?)
}

fn fix(name: &str, report: &TwinsReport, queries: usize) -> Result<Fix> {
    let pipeline: &PipelineReport = report.pipelines.first().context("a pipeline was asked for and none answered")?;
    let ndcg = pipeline.clean.scores.first().context("nDCG@10 was asked for and not measured")?;
    // Statements; few sentences have a question that tells them apart.
    let planted = pipeline.forms.first();
    let of = |wanted: Kind| {
        let figures = &planted?.all;
        let place = Kind::ALL.iter().position(|kind| *kind == wanted)?;
        let Estimate { value, ci95 } = figures.estimates[place];
        Some(Figure { value, interval: ci95.into(), n: figures.n })
    };
    Ok(Fix {
        name: name.to_owned(),
        set: report.dataset.clone(),
        ndcg: Figure { value: ndcg.mean, interval: ndcg.ci95.into(), n: queries },
        served: of(Kind::Contamination(1)),
        found: of(Kind::Found(10)),
        abstained: of(Kind::Abstained),
        milliseconds: pipeline.clean.ms_p50.unwrap_or(f64::NAN),
    })
}
