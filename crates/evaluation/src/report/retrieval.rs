//! The report of `vetted eval retrieval`.
//!
//! As JSON it is
//!
//! ```json
//! {"dataset": "scifact", "split": "test", "n_queries": 300,
//!  "runs": [{"pipeline": "dense", "ndcg@10": 0.645, "mrr@10": 0.61, "recall@100": 0.925, "map@100": 0.6,
//!            "ci95": {"ndcg@10": [0.6, 0.69], "mrr@10": [0.56, 0.66], "recall@100": [0.9, 0.95], "map@100": [0.55, 0.65]},
//!            "ms_p50": 3.1, "ms_p95": 4.2}]}
//! ```
//!
//! where the metrics are those that were evaluated. As text ([`Display`](fmt::Display)) it is a table of 80 columns.

use std::fmt;
use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::table;
use crate::interval::{Bootstrap, Interval};
use crate::metrics::retrieval::{Evaluation, Metric, mean};
use crate::percentile::percentiles;
use crate::{Dataset, Error};

/// How the pipelines of a retrieval system do on a data set.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RetrievalReport {
    /// The data set's name.
    pub dataset: String,
    /// Its split.
    pub split: String,
    /// The number of queries that means are over.
    pub n_queries: usize,
    /// One entry per pipeline.
    pub runs: Vec<RunReport>,
}

/// How one pipeline does.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    /// The pipeline's name: `dense`, `bm25`, `hybrid`.
    pub pipeline: String,
    /// Mean scores with their intervals, in the order of the evaluation.
    pub scores: Vec<Score>,
    /// Median time of a query in milliseconds; absent (`null`) if it was not measured.
    pub ms_p50: Option<f64>,
    /// 95th percentile of the time of a query in milliseconds; absent (`null`) if it was not measured.
    pub ms_p95: Option<f64>,
}

/// A metric's mean over queries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The metric.
    pub metric: Metric,
    /// The mean, in `0..=1`.
    pub mean: f64,
    /// The 95 % bootstrap interval of the mean.
    pub ci95: Interval,
}

impl RetrievalReport {
    /// A report on a data set, as yet without runs.
    pub fn new(dataset: &Dataset) -> Self {
        Self {
            dataset: dataset.name.clone(),
            split: dataset.split.clone(),
            n_queries: dataset.qrels.len(),
            runs: Vec::new(),
        }
    }
}

impl RunReport {
    /// Sums up an evaluation. `latencies` has the time of each query; leave it empty if that was not measured.
    ///
    /// # Errors
    /// None that an [`Evaluation`] made by [`evaluate`](crate::metrics::retrieval::evaluate) can cause.
    pub fn new(
        pipeline: impl Into<String>,
        evaluation: &Evaluation,
        bootstrap: &Bootstrap,
        latencies: &[Duration],
    ) -> Result<Self, Error> {
        let score = |(metric, scores)| Ok(Score { metric, mean: mean(scores), ci95: bootstrap.mean(scores)? });
        let milliseconds: Vec<f64> = latencies.iter().map(|latency| latency.as_secs_f64() * 1e3).collect();
        let [ms_p50, ms_p95] = percentiles(&milliseconds, [50.0, 95.0]).map_or([None; 2], |both| both.map(Some));
        Ok(Self {
            pipeline: pipeline.into(),
            scores: evaluation.iter().map(score).collect::<Result<_, Error>>()?,
            ms_p50,
            ms_p95,
        })
    }
}

impl Serialize for RunReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pipeline", &self.pipeline)?;
        for score in &self.scores {
            map.serialize_entry(&score.metric.to_string(), &score.mean)?;
        }
        map.serialize_entry("ci95", &Intervals(&self.scores))?;
        map.serialize_entry("ms_p50", &self.ms_p50)?;
        map.serialize_entry("ms_p95", &self.ms_p95)?;
        map.end()
    }
}

struct Intervals<'a>(&'a [Score]);

impl Serialize for Intervals<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|score| (score.metric.to_string(), score.ci95)))
    }
}

impl fmt::Display for RetrievalReport {
    /// A table with two lines per pipeline: the means, and below them their 95 % intervals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queries = if self.n_queries == 1 { "query" } else { "queries" };
        writeln!(
            f,
            "{} ({}), {} {queries}; below each mean, its 95 % interval",
            self.dataset, self.split, self.n_queries
        )?;
        // Runs of one report share their metrics as a rule; where they do not, each change gets a header of its own.
        for runs in self.runs.chunk_by(|a, b| a.metrics().eq(b.metrics())) {
            write!(f, "\n{}", RunReport::table(&runs.iter().collect::<Vec<_>>()))?;
        }
        Ok(())
    }
}

impl RunReport {
    /// Runs that share their metrics, two lines each.
    pub fn table(runs: &[&RunReport]) -> String {
        let header = runs.first().map(|run| run.header()).into_iter();
        table::aligned(&header.chain(runs.iter().flat_map(|run| run.rows())).collect::<Vec<_>>())
    }

    fn metrics(&self) -> impl Iterator<Item = Metric> {
        self.scores.iter().map(|score| score.metric)
    }

    fn header(&self) -> Vec<String> {
        let metrics = self.metrics().map(|metric| metric.to_string());
        let times = ["ms p50", "ms p95"].map(ToOwned::to_owned);
        std::iter::once("pipeline".to_owned()).chain(metrics).chain(times).collect()
    }

    fn rows(&self) -> [Vec<String>; 2] {
        let means = self.scores.iter().map(|score| format!("{:.4}", score.mean));
        let intervals = self.scores.iter().map(|score| format!("{:.3}-{:.3}", score.ci95.low, score.ci95.high));
        let times = [self.ms_p50, self.ms_p95].map(|time| time.map_or("-".to_owned(), |ms| format!("{ms:.2}")));
        [
            std::iter::once(self.pipeline.clone()).chain(means).chain(times).collect(),
            std::iter::once(String::new()).chain(intervals).collect(),
        ]
    }
}
