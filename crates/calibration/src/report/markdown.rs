//! The report as Markdown.

use std::fmt;

use super::{GLOSSARY, Report, Table};

impl fmt::Display for Report {
    /// Markdown that reads well unrendered: tables in aligned columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# What may be accepted?\n\n**{}**", self.verdict())?;
        for (at, remark) in self.remarks().iter().enumerate() {
            writeln!(f, "{}- {remark}", if at == 0 { "\n" } else { "" })?;
        }
        for (title, table) in [
            ("Thresholds", self.thresholds()),
            ("Other bounds, each looked at alone", self.other_bounds()),
            ("How good the ranking is", self.ranking()),
            ("What the score is made of", self.features()),
            ("What it was made from", self.origin()),
        ] {
            write!(f, "\n## {title}\n\n{table}")?;
        }
        writeln!(f, "\n## How to read this\n")?;
        for (term, meaning) in GLOSSARY {
            writeln!(f, "- **{term}**: {meaning}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A bar would end its cell.
        let escaped = |cell: &str| cell.replace('|', "\\|").replace(['\n', '\r'], " ");
        let header: Vec<String> = self.header.iter().map(|cell| escaped(cell)).collect();
        let rows: Vec<Vec<String>> =
            self.rows.iter().map(|row| row.iter().map(|cell| escaped(cell)).collect()).collect();
        let width = |column: usize| {
            let cells = std::iter::once(&header).chain(&rows).map(|row| row[column].chars().count());
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
        rows.iter().try_for_each(|row| writeln!(f, "{}", line(row)))
    }
}
