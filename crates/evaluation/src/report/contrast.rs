//! The report of `vetted eval contrast`.
//!
//! As JSON it is
//!
//! ```json
//! {"scorers": [{"name": "map-transformer", "params": 412000, "us_per_pair": 310.5, "n": 1380,
//!               "pairwise_accuracy": 0.61, "query_accuracy": 0.79,
//!               "ci95": {"pairwise_accuracy": [0.58, 0.64], "query_accuracy": [0.77, 0.81]}}]}
//! ```
//!
//! As text ([`Display`](fmt::Display)) it is a table.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Scorer, table};
use crate::interval::{Estimate, Interval};
use crate::metrics::contrast::ContrastAccuracy;

/// How scorers do on contrasts.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct ContrastReport {
    /// One entry per scorer.
    pub scorers: Vec<ScorerReport>,
}

/// How one scorer does.
#[derive(Debug, Clone, PartialEq)]
pub struct ScorerReport {
    /// The scorer.
    pub scorer: Scorer,
    /// Its accuracy.
    pub accuracy: ContrastAccuracy,
}

impl ScorerReport {
    fn figures(&self) -> [(&'static str, Estimate); 2] {
        [("pairwise_accuracy", self.accuracy.pairwise), ("query_accuracy", self.accuracy.queries)]
    }
}

impl Serialize for ScorerReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Scorer { name, params, us_per_pair } = &self.scorer;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("params", params)?;
        map.serialize_entry("us_per_pair", us_per_pair)?;
        map.serialize_entry("n", &self.accuracy.n)?;
        for (name, estimate) in self.figures() {
            map.serialize_entry(name, &estimate.value)?;
        }
        map.serialize_entry("ci95", &Intervals(self.figures()))?;
        map.end()
    }
}

struct Intervals([(&'static str, Estimate); 2]);

impl Serialize for Intervals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let interval =
            |(name, estimate): (&'static str, Estimate)| -> (&'static str, Interval) { (name, estimate.ci95) };
        serializer.collect_map(self.0.into_iter().map(interval))
    }
}

impl fmt::Display for ContrastReport {
    /// A table with two lines per scorer: the accuracies, and below them their 95 % intervals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "contrasts; pairwise: both queries rank right (chance 0.25); below each figure, its 95 % interval\n"
        )?;
        let header = ["scorer", "contrasts", "pairwise", "queries", "parameters", "µs a pair"].map(ToOwned::to_owned);
        let rows = self.scorers.iter().flat_map(ScorerReport::rows);
        f.write_str(&table::aligned(&std::iter::once(header.to_vec()).chain(rows).collect::<Vec<_>>()))
    }
}

impl ScorerReport {
    fn rows(&self) -> [Vec<String>; 2] {
        let Scorer { name, params, us_per_pair } = &self.scorer;
        let figures = self.figures();
        let counts = [name.clone(), self.accuracy.n.to_string()];
        let values = figures.map(|(_, estimate)| format!("{:.4}", estimate.value));
        let costs = [params.to_string(), format!("{us_per_pair:.1}")];
        let intervals = figures.map(|(_, Estimate { ci95, .. })| format!("{:.3}-{:.3}", ci95.low, ci95.high));
        [
            counts.into_iter().chain(values).chain(costs).collect(),
            vec![String::new(); 2].into_iter().chain(intervals).collect(),
        ]
    }
}
