//! The report of `vetted audit`: what fine-tuning an encoder cost, what it gained, and what two tiers would give instead.
//!
//! [`audit`] runs the models and keeps their vectors ([`Cache`]). [`AuditReport::new`] runs none: it is given, for every
//! [`System`] (the untouched base first, then tuned encoders, then the base with a verifier behind it), nDCG@10 query by query
//! for each retrieval set ([`SetScores`]) and a score for each labelled pair, and compares them.
//!
//! A report is JSON ([`serde::Serialize`]), Markdown ([`Display`](std::fmt::Display)) and one self-contained page of
//! HTML ([`AuditReport::html`]).

mod cache;
mod conclusions;
mod encoders;
mod html;
mod markdown;
mod measure;
mod pair_set;
mod retrieval;
mod run;
pub(crate) mod tables;

use serde::Serialize;

use vetted_evaluation::interval::{Difference, Estimate};
use vetted_evaluation::metrics::geometry::Geometry;

pub use cache::Cache;
pub use encoders::AuditedEncoder;
pub use measure::{PairScores, SetScores};
pub use pair_set::{PairSet, cosines, probabilities};
pub use retrieval::{Ranked, own_collection, ranked, verified};
#[cfg(feature = "experiments")]
pub(crate) use run::precision_name;
pub use run::{AuditSettings, NamedVerifier, RESAMPLES, audit};

/// Systems side by side, on retrieval, on pairs that differ in structure, and by the shape of their vectors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditReport {
    /// How it was made.
    pub settings: Settings,
    /// What is compared; the first one is the base, which all changes are measured from.
    pub systems: Vec<System>,
    /// One entry per retrieval set.
    pub sets: Vec<SetReport>,
    /// Over all sets, each counting the same: one entry per system. Empty without sets.
    pub average: Vec<Ndcg>,
    /// Labelled pairs: all of them first, then by source and phenomenon. Groups with fewer than [`FEWEST_PAIRS`] of either class are
    /// left out.
    pub groups: Vec<GroupReport>,
    /// Where the scores of all pairs lie: one entry per system.
    pub distributions: Vec<Distribution>,
    /// The average drops that are larger than [`Settings::max_drop`], by tuned system.
    pub exceeded: Vec<Exceeded>,
}

/// The settings that a report depends on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Settings {
    /// The drop of nDCG@10, averaged over the sets, up to which a tuned encoder passes; 0.02 is two points of a hundred.
    pub max_drop: f64,
    /// The encoders' arithmetic.
    pub precision: String,
    /// Samples drawn for every interval and every test.
    pub resamples: u32,
    /// Where their sequence starts.
    pub seed: u64,
    /// How many of the base's candidates the verifier reads for a query; 0 without one.
    pub verified: usize,
}

/// One of what is compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct System {
    /// What it is called in tables.
    pub name: String,
    /// What it is.
    pub part: Part,
    /// Where it was found.
    pub origin: String,
    /// The shape of its vectors; none of a pipeline, which has none of its own.
    pub geometry: Option<Geometry>,
}

/// What a system is to the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The encoder before fine-tuning.
    Base,
    /// An encoder after it.
    Tuned,
    /// The base as it was, and a verifier that reads what it finds.
    TwoTier,
}

/// nDCG@10 of all systems on one retrieval set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SetReport {
    /// The set's name.
    pub name: String,
    /// Judged queries.
    pub queries: usize,
    /// Documents searched.
    pub documents: usize,
    /// One entry per system.
    pub scores: Vec<Ndcg>,
}

/// nDCG@10 of one system.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ndcg {
    /// The mean over queries, in `0..=1`; of an average, over sets.
    pub ndcg: f64,
    /// This minus the base's, with its interval and the p-value of the paired randomization test; none for the base.
    pub change: Option<Difference>,
}

/// How systems tell the pairs of one group that match from those that do not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupReport {
    /// The source of the pairs; none for all pairs, and for pairs that name none.
    pub source: Option<String>,
    /// Their phenomenon; none for a whole source.
    pub phenomenon: Option<String>,
    /// Pairs that match.
    pub matches: usize,
    /// Pairs that do not: near misses.
    pub near_misses: usize,
    /// One entry per system.
    pub figures: Vec<Separation>,
}

/// How well one system's scores separate the classes of a group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Separation {
    /// Area under the ROC curve: how often a match scores above a near miss. 0.5 is chance.
    pub auc: Estimate,
    /// Mean score of the matches: cosines, or a verifier's probabilities.
    pub mean_match: f64,
    /// Mean score of the near misses.
    pub mean_near_miss: f64,
    /// How far the two distributions [overlap](vetted_evaluation::metrics::overlap::overlap), in `0..=1`.
    pub overlap: f64,
}

/// A histogram of one system's scores in [`BINS`] bins of equal width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Distribution {
    /// Where the first bin begins: 0, or -1 if there are scores below 0. The last one ends at 1.
    pub low: f64,
    /// Matches in each bin.
    pub matches: Vec<u32>,
    /// Near misses in each bin.
    pub near_misses: Vec<u32>,
}

/// A tuned encoder that lost too much.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exceeded {
    /// Its name.
    pub system: String,
    /// By how much its average nDCG@10 is below the base's.
    pub drop: f64,
}

/// Of each class, so many pairs a group needs to be reported.
pub const FEWEST_PAIRS: usize = 10;

/// Bins of a [`Distribution`].
pub const BINS: usize = 40;

impl AuditReport {
    /// The system that tiers are compared with, its index and itself, where there is one.
    fn two_tier(&self) -> Option<usize> {
        self.systems.iter().position(|system| system.part == Part::TwoTier)
    }

    fn tuned(&self) -> impl Iterator<Item = usize> {
        (0..self.systems.len()).filter(|index| self.systems[*index].part == Part::Tuned)
    }
}

impl GroupReport {
    /// What the group is called: its source, its phenomenon, or both.
    fn name(&self) -> String {
        match (&self.source, &self.phenomenon) {
            (None, None) => "all pairs".to_owned(),
            (Some(source), None) => source.clone(),
            (None, Some(phenomenon)) => phenomenon.clone(),
            (Some(source), Some(phenomenon)) => format!("{source}: {phenomenon}"),
        }
    }
}
