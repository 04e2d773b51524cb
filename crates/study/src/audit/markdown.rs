//! The report as Markdown.

use std::fmt;

use super::AuditReport;
use super::conclusions::GLOSSARY;
use super::tables::Table;

impl fmt::Display for AuditReport {
    /// Markdown that reads well unrendered: tables in aligned columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# What did fine-tuning cost?\n\n**{}**\n", self.verdict())?;
        for finding in self.findings() {
            writeln!(f, "- {finding}")?;
        }
        writeln!(f, "\n## What to do\n")?;
        for advice in self.advice() {
            writeln!(f, "- {advice}")?;
        }
        writeln!(f, "\n## What was compared\n")?;
        for system in &self.systems {
            writeln!(f, "- **{}**: {} ({})", system.name, system.part.describe(), system.origin)?;
        }
        writeln!(f)?;
        self.overview().fmt(f)?;
        for (title, table) in [
            ("Retrieval", self.retrieval()),
            ("Pairs that differ in structure", self.phenomena()),
            ("The shape of the vectors", self.geometry()),
        ] {
            if !table.rows.is_empty() {
                write!(f, "\n## {title}\n\n{table}")?;
            }
        }
        writeln!(f, "\n## How to read this\n")?;
        for (term, meaning) in GLOSSARY {
            writeln!(f, "- **{term}**: {meaning}")?;
        }
        write!(f, "\n{}", self.made_how())
    }
}

impl AuditReport {
    /// The settings in a sentence.
    pub(super) fn made_how(&self) -> String {
        let super::Settings { precision, resamples, seed, verified, .. } = &self.settings;
        let verified = match verified {
            0 => String::new(),
            depth => format!(" The verifier read the base's first {depth} documents for every query."),
        };
        format!("Encoders ran in {precision}; intervals and tests drew {resamples} samples from seed {seed}.{verified}")
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header: Vec<String> = self.header.iter().map(ToString::to_string).collect();
        let width = |column: usize| {
            let cells = std::iter::once(&header).chain(&self.rows).map(|row| row[column].chars().count());
            cells.max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..header.len()).map(width).collect();
        let line = |cells: &[String]| {
            let cells = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
        };
        let rule = widths.iter().enumerate().map(|(column, width)| match column {
            0 => "-".repeat(*width),
            _ => "-".repeat(width - 1) + ":",
        });
        writeln!(f, "{}", line(&header))?;
        writeln!(f, "| {} |", rule.collect::<Vec<_>>().join(" | "))?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{}", line(row)))
    }
}
