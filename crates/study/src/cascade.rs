//! The report of `vetted eval cascade`.
//!
//! As JSON it is
//!
//! ```json
//! {"dataset": "scifact", "split": "test", "seed": 1, "twins": 270,
//!  "forms": [{"form": "statement", "n": 270,
//!    "pipelines": [{"pipeline": "dense",
//!      "steps": [{"h": 1, "success": 0.51, "abstained": 0.0, "twin": 0.48, "other": 0.01, "silent": 0.49,
//!                 "ci95": {"success": [0.45, 0.57], "silent": [0.43, 0.55]}}]}]}]}
//! ```
//!
//! where `silent` is `twin` and `other` together. As text ([`Display`](fmt::Display)) it is tables, and
//! [`picture`](CascadeReport::picture) draws it.

mod plot;

use std::fmt;

use vetted_evaluation::Error;
use vetted_evaluation::interval::Bootstrap;
use vetted_evaluation::metrics::cascade::{Step, steps};
use vetted_evaluation::metrics::twins::Placement;
use vetted_evaluation::report::table;

use crate::indexed::IndexedCorpus;
use crate::pipeline::Pipelines;
use crate::quick_bootstrap;
use crate::twins::{Form, Planted, placements, plant_in};
use crate::watch::Watch;

/// Plants `planted` in the index, asks every pipeline every query of it, and follows all chains of up to `longest` of them. `seed` is
/// for the report.
///
/// # Errors
/// Those of the index and of a search.
pub fn measure(
    corpus: &IndexedCorpus,
    pipelines: &Pipelines,
    planted: &Planted,
    seed: u64,
    longest: usize,
    watch: Watch<'_>,
) -> Result<CascadeReport, crate::Error> {
    plant_in(corpus, planted)?;
    let placed: Vec<_> = pipelines
        .rankers
        .iter()
        .map(|ranker| Ok((ranker.name.clone(), placements(corpus, planted, ranker, watch)?)))
        .collect::<Result<_, crate::Error>>()?;
    let named = (corpus.dataset.name.as_str(), corpus.dataset.split.as_str(), seed);
    Ok(CascadeReport::new(named, planted, &placed, longest, &quick_bootstrap())?)
}

/// How an agent fares that needs several correct retrievals in a row.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct CascadeReport {
    /// The data set's name.
    pub dataset: String,
    /// Whose relevant documents have twins.
    pub split: String,
    /// The seed of the twins.
    pub seed: u64,
    /// How many twins there are.
    pub twins: usize,
    /// One entry for each form of which there are queries.
    pub forms: Vec<FormReport>,
}

/// Chains of queries of one form.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct FormReport {
    /// The form.
    pub form: Form,
    /// How many queries chains are drawn from.
    pub n: usize,
    /// One entry per pipeline.
    pub pipelines: Vec<PipelineReport>,
}

/// How chains end with one pipeline.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PipelineReport {
    /// Its name.
    pub pipeline: String,
    /// By length, from 1.
    pub steps: Vec<Step>,
}

impl CascadeReport {
    /// Follows all chains of up to `longest` queries, for each pipeline given with what it did with every query of `planted`,
    /// in their order.
    ///
    /// # Errors
    /// [`Error::Unpaired`] if there are not as many placements as queries.
    pub fn new(
        (dataset, split, seed): (&str, &str, u64),
        planted: &Planted,
        pipelines: &[(String, Vec<Placement>)],
        longest: usize,
        bootstrap: &Bootstrap,
    ) -> Result<Self, Error> {
        let mut forms = Vec::new();
        for form in Form::ALL {
            let n = planted.queries.iter().filter(|query| query.form == form).count();
            if n == 0 {
                continue;
            }
            let mut reports = Vec::with_capacity(pipelines.len());
            for (pipeline, placements) in pipelines {
                if placements.len() != planted.queries.len() {
                    return Err(Error::Unpaired { baseline: planted.queries.len(), system: placements.len() });
                }
                let asked = planted.queries.iter().zip(placements).filter(|(query, _)| query.form == form);
                let outcomes: Vec<_> = asked.map(|(_, placement)| placement.outcome).collect();
                let steps = steps(&outcomes, longest, bootstrap)?;
                reports.push(PipelineReport { pipeline: pipeline.clone(), steps });
            }
            forms.push(FormReport { form, n, pipelines: reports });
        }
        let (dataset, split) = (dataset.to_owned(), split.to_owned());
        Ok(Self { dataset, split, seed, twins: planted.twins.len(), forms })
    }
}

impl fmt::Display for CascadeReport {
    /// For each form three tables: success, silent errors and abstentions by length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dataset, split, seed, twins, .. } = self;
        writeln!(f, "{dataset} ({split}) with {twins} twins (seed {seed}): h retrievals in a row")?;
        for FormReport { form, n, pipelines } in &self.forms {
            type Shown = (&'static str, fn(&Step) -> String, Option<fn(&Step) -> String>);
            let shown: [Shown; 3] = [
                (
                    "every answer right",
                    |step| format!("{:.3}", step.chances.success),
                    Some(|step| format!("{:.3}-{:.3}", step.success_ci95.low, step.success_ci95.high)),
                ),
                (
                    "a wrong document taken as truth",
                    |step| format!("{:.3}", step.chances.silent()),
                    Some(|step| format!("{:.3}-{:.3}", step.silent_ci95.low, step.silent_ci95.high)),
                ),
                ("stopped: nothing vouched for", |step| format!("{:.3}", step.chances.abstained), None),
            ];
            for (title, value, interval) in shown {
                writeln!(f, "\n{}s, n = {n}: {title}\n", form.name())?;
                let lengths = pipelines.first().map_or(0, |report| report.steps.len());
                let header = std::iter::once("pipeline".to_owned()).chain((1..=lengths).map(|h| format!("h = {h}")));
                let mut rows: Vec<Vec<String>> = vec![header.collect()];
                for PipelineReport { pipeline, steps } in pipelines {
                    rows.push(std::iter::once(pipeline.clone()).chain(steps.iter().map(value)).collect());
                    if let Some(interval) = interval {
                        rows.push(std::iter::once(String::new()).chain(steps.iter().map(interval)).collect());
                    }
                }
                f.write_str(&table::aligned(&rows))?;
            }
        }
        Ok(())
    }
}
