//! The third experiment: ways to search, with near misses planted among the documents.

use std::path::{Path, PathBuf};

use vetted::Precision;
use vetted_evaluation::Dataset;
use vetted_evaluation::interval::Estimate;
use vetted_evaluation::metrics::twins::Figure as Kind;

use super::cells::Cells;
use crate::Error;
use crate::audit::precision_name;
use crate::findings::{Figure, Fix};
use crate::indexed::{CorpusSettings, IndexedCorpus};
use crate::pipeline::{PipelineSettings, Pipelines};
use crate::twins::{self, PlantingSettings, TwinsReport};
use crate::watch::Watch;

/// What is measured, on which sets.
pub struct Fixes<'a> {
    pub sets: &'a [PathBuf],
    pub split: &'a str,
    /// Twins planted in each.
    pub planted: usize,
    pub precision: Precision,
    /// The encoder as it comes.
    pub base: &'a str,
    /// The same encoder trained for structure (model B), where it was trained.
    pub tuned: Option<PathBuf>,
    /// A cross-encoder, where one was trained.
    pub cross_encoder: Option<PathBuf>,
    pub cells: &'a Cells,
    pub watch: Watch<'a>,
}

/// What the ways are called, in the order of tables.
pub const NAMES: [&str; 7] =
    ["dense", "hybrid", "maxsim", "cross-encoder", "dense, fine-tuned (B)", "vetted", "hybrid, vetted"];

impl Fixes<'_> {
    /// Every way to search on every set.
    pub fn all(&self) -> Result<(), Error> {
        for set in self.sets {
            let dataset = set.file_name().unwrap_or_default().to_string_lossy().into_owned();
            for (name, model, pipeline) in self.ways() {
                let with = Some(&self.cross_encoder).filter(|_| pipeline == "cross-encoder").cloned().flatten();
                let more: Vec<_> = with.iter().map(|path| path.to_string_lossy()).collect();
                let settings = serde_json::json!({
                    "set": dataset, "split": self.split, "planted": self.planted,
                    "precision": precision_name(self.precision), "model": model.to_string_lossy(), "pipeline": pipeline,
                    "with": more,
                });
                self.cells.figures(&format!("{dataset}-{name}"), settings, self.watch, || {
                    self.measure(set, name, model, pipeline)
                })?;
            }
        }
        Ok(())
    }

    /// Name, encoder and pipeline.
    fn ways(&self) -> Vec<(&'static str, &Path, &'static str)> {
        let base = Path::new(self.base);
        let [dense, hybrid, maxsim, cross_encoder, fine_tuned, vetted, hybrid_vetted] = NAMES;
        let mut ways = vec![
            (dense, base, "dense"),
            (hybrid, base, "hybrid"),
            (maxsim, base, "maxsim"),
            (vetted, base, "vetted"),
            (hybrid_vetted, base, "hybrid+vetted"),
        ];
        if let Some(tuned) = &self.tuned {
            ways.push((fine_tuned, tuned, "dense"));
        }
        if self.cross_encoder.is_some() {
            ways.push((cross_encoder, base, "cross-encoder"));
        }
        ways
    }

    fn measure(&self, set: &Path, name: &str, model: &Path, pipeline: &str) -> Result<Fix, Error> {
        let settings = PipelineSettings {
            pipelines: vec![pipeline.parse()?],
            cross_encoder: self.cross_encoder.clone(),
            ..PipelineSettings::default()
        };
        let corpus = CorpusSettings {
            split: self.split.to_owned(),
            model: Some(model.to_string_lossy().into_owned()),
            precision: self.precision,
            ..CorpusSettings::new(set)
        };
        let planting = PlantingSettings { twins: self.planted, ..PlantingSettings::default() };
        let planted = twins::planned(&corpus, &planting)?;
        let pipelines = Pipelines::load(&settings, self.precision, self.watch)?;
        let corpus = IndexedCorpus::open(&corpus, &settings, self.watch)?;
        let report = twins::measure(&corpus, &pipelines, &planted, planting.seed, self.watch)?;
        fix(name, &report, Dataset::load(set, self.split)?.queries.len())
    }
}

fn fix(name: &str, report: &TwinsReport, queries: usize) -> Result<Fix, Error> {
    let none = || Error::NoFigure { name: name.to_owned() };
    let pipeline = report.pipelines.first().ok_or_else(none)?;
    let ndcg = pipeline.clean.scores.first().ok_or_else(none)?;
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
