//! The report as tables.

use std::fmt;

use super::{Calibration, Figures, GroupReport, PairsReport, ScorerReport};
use crate::interval::Estimate;
use crate::report::table;

impl fmt::Display for PairsReport {
    /// A table per scorer, in which sources have their 95 % intervals below them; then one of the scorers' AUC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, report) in self.scorers.iter().enumerate() {
            let separator = if index > 0 { "\n" } else { "" };
            write!(f, "{separator}{report}")?;
        }
        match self.scorers.len() > 1 {
            true => write!(f, "\nAUC by source\n\n{}", table::aligned(&self.comparison())),
            false => Ok(()),
        }
    }
}

impl PairsReport {
    /// Sources down, scorers across.
    fn comparison(&self) -> Vec<Vec<String>> {
        let names = self.scorers.iter().map(|report| report.scorer.name.clone());
        let mut rows = vec![std::iter::once("source".to_owned()).chain(names).collect::<Vec<String>>()];
        // Reports on the same groups have the same sources, in the same order.
        for source in self.scorers.iter().flat_map(ScorerReport::sources).map(|group| &group.source) {
            let name = named(source);
            if rows.iter().any(|row| row.first() == Some(&name)) {
                continue;
            }
            let auc = |report: &ScorerReport| {
                let [(_, auc), ..] = report.sources().find(|group| group.source == *source)?.columns();
                auc
            };
            let cells: Vec<String> = self.scorers.iter().map(|report| value(auc(report))).collect();
            rows.push(std::iter::once(name).chain(cells).collect());
        }
        rows
    }
}

impl fmt::Display for ScorerReport {
    /// A table with the groups down and their figures across.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; below a source's figures, their 95 % intervals\n", self.scorer)?;
        let mut rows = Vec::new();
        rows.extend(self.groups.first().map(|group| group.header(self.is_calibrated())));
        for group in &self.groups {
            if group.phenomenon.is_none() {
                rows.extend(group.source_rows());
            } else if self.phenomena_of(&group.source) > 1 {
                // One phenomenon alone only repeats its source.
                rows.push(group.row(format!("  {}", group.phenomenon.as_deref().unwrap_or_default())));
            }
        }
        f.write_str(&table::aligned(&rows))?;
        match self.sources().map(|group| group.skipped).sum() {
            0 => Ok(()),
            skipped => writeln!(f, "neutral pairs skipped: {skipped}"),
        }
    }
}

impl ScorerReport {
    fn is_calibrated(&self) -> bool {
        self.groups.iter().any(|group| group.expected_calibration_error().is_some())
    }

    fn sources(&self) -> impl Iterator<Item = &GroupReport> {
        self.groups.iter().filter(|group| group.phenomenon.is_none())
    }

    fn phenomena_of(&self, source: &Option<String>) -> usize {
        self.groups.iter().filter(|group| group.phenomenon.is_some() && group.source == *source).count()
    }
}

impl GroupReport {
    fn header(&self, calibrated: bool) -> Vec<String> {
        let counts = ["source", "n", "positives"].map(ToOwned::to_owned);
        let figures = self.columns().map(|(name, _)| name);
        let calibration = if calibrated { ["brier", "ece"].as_slice() } else { &[] };
        counts.into_iter().chain(figures).chain(calibration.iter().map(ToString::to_string)).collect()
    }

    fn row(&self, name: String) -> Vec<String> {
        let counts = [name, self.n.to_string(), self.positives.to_string()];
        let figures: Vec<String> = match self.figures {
            Figures::BothClasses { calibration, .. } => {
                let figures = self.columns().map(|(_, estimate)| value(estimate)).into_iter();
                let probabilities = calibration.map(|Calibration { brier, expected_error }| {
                    [format!("{:.4}", brier.value), format!("{expected_error:.4}")]
                });
                figures.chain(probabilities.into_iter().flatten()).collect()
            }
            Figures::OnlyPositives(rate) => one_class("accepted", rate),
            Figures::OnlyNegatives(rate) => one_class("rejected", rate),
        };
        counts.into_iter().chain(figures).collect()
    }

    fn source_rows(&self) -> [Vec<String>; 2] {
        let interval = |Estimate { ci95, .. }| format!("{:.3}-{:.3}", ci95.low, ci95.high);
        let intervals: Vec<String> = match self.figures {
            Figures::BothClasses { calibration, .. } => {
                let figures = self.columns().map(|(_, estimate)| estimate.map(interval).unwrap_or_default());
                figures.into_iter().chain(calibration.map(|calibration| interval(calibration.brier))).collect()
            }
            Figures::OnlyPositives(rate) | Figures::OnlyNegatives(rate) => {
                let nothing = String::new;
                vec![nothing(), nothing(), rate.map(interval).unwrap_or_default()]
            }
        };
        let blank = vec![String::new(); 3];
        [self.row(named(&self.source)), blank.into_iter().chain(intervals).collect()]
    }
}

/// The figures of a group of one class: in place of its accuracy, what that is the share of.
fn one_class(what: &str, rate: Option<Estimate>) -> Vec<String> {
    let rate = rate.map_or("-".to_owned(), |rate| format!("{what} {:.4}", rate.value));
    vec!["-".to_owned(), "-".to_owned(), rate, "-".to_owned()]
}

fn value(estimate: Option<Estimate>) -> String {
    estimate.map_or("-".to_owned(), |estimate| format!("{:.4}", estimate.value))
}

fn named(source: &Option<String>) -> String {
    source.clone().unwrap_or_else(|| "(no source)".to_owned())
}
