//! The report of `vetted eval pairs`.
//!
//! As JSON it is
//!
//! ```json
//! {"scorers": [{"name": "map-transformer", "params": 412000, "us_per_pair": 310.5,
//!   "groups": [{"source": "paws_wiki", "phenomenon": null, "n": 8000, "positives": 3536,
//!               "auc": 0.91, "ap": 0.88, "accuracy": 0.84, "rejected@79": 0.87, "brier": 0.12, "ece": 0.04,
//!               "ci95": {"auc": [0.9, 0.92], "ap": [0.87, 0.89], "accuracy": [0.83, 0.85],
//!                        "rejected@79": [0.85, 0.89], "brier": [0.11, 0.13]}}]}]}
//! ```
//!
//! A group with `phenomenon` null is its whole source; `source` is null for pairs that name none. `brier` and `ece`
//! (see [calibration]) are there if the scores are probabilities, `skipped` if neutral pairs
//! were. A group of one class has null for all four figures, and `accepted` (only positives) or `rejected` (only
//! negatives) instead: the share of them at or above the threshold, or below it.
//!
//! As text ([`Display`](std::fmt::Display)) it is one table per scorer and, for several scorers, one that compares their AUC.

mod text;

use serde::ser::{Serialize, SerializeMap, Serializer};
use vetted_pairs::Relation;

use super::Scorer;
use crate::Error;
use crate::interval::{Bootstrap, Estimate, Interval};
use crate::metrics::calibration::{self, expected_calibration_error};
use crate::metrics::pairs::{KeepRate, RankedPairs, accuracy};
use crate::metrics::retrieval::mean;
use crate::pairs::{Group, Groups, Member};

/// How scorers do on labelled pairs.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct PairsReport {
    /// One entry per scorer.
    pub scorers: Vec<ScorerReport>,
}

/// How one scorer does.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ScorerReport {
    /// The scorer.
    #[serde(flatten)]
    pub scorer: Scorer,
    /// Its figures, group by group in the order of the [`Groups`].
    pub groups: Vec<GroupReport>,
}

/// How a scorer does on a group of pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupReport {
    /// The source of the pairs; `None` if they name none.
    pub source: Option<String>,
    /// Their phenomenon; `None` if the group is the whole source.
    pub phenomenon: Option<String>,
    /// How many pairs count.
    pub n: usize,
    /// How many of them match.
    pub positives: usize,
    /// How many neutral pairs do not count.
    pub skipped: usize,
    /// The share of positives to keep while negatives are rejected.
    pub keep: KeepRate,
    /// The figures.
    pub figures: Figures,
}

/// What can be measured of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figures {
    /// Of pairs that match and pairs that do not.
    BothClasses {
        /// Area under the ROC curve.
        auc: Estimate,
        /// Average precision.
        average_precision: Estimate,
        /// Share of right decisions at the threshold, if there is one.
        accuracy: Option<Estimate>,
        /// Share of negatives rejected when [`keep`](GroupReport::keep) of the positives are kept.
        rejected: Estimate,
        /// Whether the scores are good probabilities, if they are probabilities.
        calibration: Option<Calibration>,
    },
    /// Of pairs that match only: the share accepted at the threshold, if there is one.
    OnlyPositives(Option<Estimate>),
    /// Of pairs that do not match only: the share rejected at the threshold, if there is one.
    OnlyNegatives(Option<Estimate>),
}

/// How well calibrated probabilities are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// Their Brier score.
    pub brier: Estimate,
    /// Their expected calibration error, in [`BINS`](calibration::BINS) bins.
    pub expected_error: f64,
}

/// The scores of a scorer, one per pair, and what they mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores<'a> {
    /// The scores, in the order of the pairs.
    pub values: &'a [f64],
    /// Whether they are probabilities.
    pub output: Output,
    /// Where the scorer draws its line, if it has one.
    pub thresholds: Option<Thresholds>,
}

/// What a scorer's numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// How likely the pair is a match, in `0..=1`.
    Probability,
    /// The higher, the likelier; nothing more is known.
    Similarity,
}

/// The scores from which on a pair is accepted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Where the relation is support.
    pub support: f64,
    /// Where it is equivalence.
    pub equivalence: f64,
}

impl Thresholds {
    /// The threshold for pairs of this relation.
    pub fn of(&self, relation: Relation) -> f64 {
        match relation {
            Relation::Support => self.support,
            Relation::Equivalence => self.equivalence,
        }
    }
}

impl ScorerReport {
    /// Measures a scorer on each group. The intervals take some 10 ns per member of a group and resample.
    ///
    /// # Errors
    /// [`Error::ScoreCount`] unless there is a score per pair; [`Error::NotANumber`], and [`Error::NotAProbability`] if
    /// they should be probabilities, with the position of the score.
    pub fn new(
        scorer: Scorer,
        groups: &Groups,
        scores: Scores<'_>,
        keep: KeepRate,
        bootstrap: &Bootstrap,
    ) -> Result<Self, Error> {
        scores.check(groups.pairs())?;
        let reports = groups.iter().map(|group| GroupReport::new(group, scores, keep, bootstrap));
        Ok(Self { scorer, groups: reports.collect::<Result<_, Error>>()? })
    }
}

impl Scores<'_> {
    fn check(&self, pairs: usize) -> Result<(), Error> {
        if self.values.len() != pairs {
            return Err(Error::ScoreCount { what: "pairs", expected: pairs, got: self.values.len() });
        }
        for (index, &score) in self.values.iter().enumerate() {
            let position = index + 1;
            if score.is_nan() {
                return Err(Error::NotANumber { position });
            }
            if self.output == Output::Probability && !(0.0..=1.0).contains(&score) {
                return Err(Error::NotAProbability { position, got: score });
            }
        }
        Ok(())
    }
}

impl GroupReport {
    fn new(group: &Group, scores: Scores<'_>, keep: KeepRate, bootstrap: &Bootstrap) -> Result<Self, Error> {
        let score = |index: usize| scores.values[index];
        let scored: Vec<(f64, bool)> =
            group.members.iter().map(|member| (score(member.index), member.matches)).collect();
        let right = scores.thresholds.and_then(|thresholds| {
            let accepted = |member: &Member| score(member.index) >= thresholds.of(member.relation);
            accuracy(group.members.iter().map(|member| (accepted(member), member.matches)))
        });
        let positives = group.positives();
        let figures = if positives == scored.len() {
            Figures::OnlyPositives(right)
        } else if positives == 0 {
            Figures::OnlyNegatives(right)
        } else {
            let calibration = match scores.output {
                Output::Probability => Some(Calibration::new(&scored, bootstrap)?),
                Output::Similarity => None,
            };
            let ranked = RankedPairs::new(scored)?;
            let intervals = ranked.intervals(keep, bootstrap)?;
            Figures::BothClasses {
                auc: Estimate { value: ranked.auc(), ci95: intervals.auc },
                average_precision: Estimate { value: ranked.average_precision(), ci95: intervals.average_precision },
                accuracy: right,
                rejected: Estimate { value: ranked.rejected(keep), ci95: intervals.rejected },
                calibration,
            }
        };
        Ok(Self {
            source: group.source.clone(),
            phenomenon: group.phenomenon.clone(),
            n: group.members.len(),
            positives,
            skipped: group.skipped,
            keep,
            figures,
        })
    }
}

impl Calibration {
    fn new(predicted: &[(f64, bool)], bootstrap: &Bootstrap) -> Result<Self, Error> {
        let errors = calibration::squared_errors(predicted)?;
        Ok(Self {
            brier: Estimate { value: mean(&errors), ci95: bootstrap.mean(&errors)? },
            expected_error: expected_calibration_error(predicted, calibration::BINS)?,
        })
    }
}

impl GroupReport {
    /// The figures that every group has a place for, with their names.
    fn columns(&self) -> [(String, Option<Estimate>); 4] {
        let [auc, average_precision, accuracy, rejected] = match self.figures {
            Figures::BothClasses { auc, average_precision, accuracy, rejected, .. } => {
                [Some(auc), Some(average_precision), accuracy, Some(rejected)]
            }
            Figures::OnlyPositives(_) | Figures::OnlyNegatives(_) => [None; 4],
        };
        [
            ("auc".to_owned(), auc),
            ("ap".to_owned(), average_precision),
            ("accuracy".to_owned(), accuracy),
            (format!("rejected@{}", self.keep), rejected),
        ]
    }

    /// The figure with an interval that only some groups have.
    fn extra(&self) -> Option<(String, Estimate)> {
        let (name, estimate) = match self.figures {
            Figures::BothClasses { calibration, .. } => ("brier", calibration.map(|calibration| calibration.brier)),
            Figures::OnlyPositives(accepted) => ("accepted", accepted),
            Figures::OnlyNegatives(rejected) => ("rejected", rejected),
        };
        estimate.map(|estimate| (name.to_owned(), estimate))
    }

    fn expected_calibration_error(&self) -> Option<f64> {
        match self.figures {
            Figures::BothClasses { calibration, .. } => calibration.map(|calibration| calibration.expected_error),
            Figures::OnlyPositives(_) | Figures::OnlyNegatives(_) => None,
        }
    }
}

impl Serialize for GroupReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (columns, extra) = (self.columns(), self.extra());
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("source", &self.source)?;
        map.serialize_entry("phenomenon", &self.phenomenon)?;
        map.serialize_entry("n", &self.n)?;
        map.serialize_entry("positives", &self.positives)?;
        if self.skipped > 0 {
            map.serialize_entry("skipped", &self.skipped)?;
        }
        for (name, estimate) in &columns {
            map.serialize_entry(name, &estimate.map(|estimate| estimate.value))?;
        }
        if let Some((name, estimate)) = &extra {
            map.serialize_entry(name, &estimate.value)?;
        }
        if let Some(error) = self.expected_calibration_error() {
            map.serialize_entry("ece", &error)?;
        }
        let measured = columns.into_iter().filter_map(|(name, estimate)| Some((name, estimate?))).chain(extra);
        map.serialize_entry("ci95", &Intervals(measured.map(|(name, estimate)| (name, estimate.ci95)).collect()))?;
        map.end()
    }
}

struct Intervals(Vec<(String, Interval)>);

impl Serialize for Intervals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, interval)| (name, interval)))
    }
}
