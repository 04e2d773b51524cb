//! The report's tables, before they are set in Markdown or HTML.

use super::{AuditReport, Ndcg, Separation};
use vetted_evaluation::interval::Difference;

/// Rows of text under a header; the first column names the row, all others hold figures.
pub(crate) struct Table {
    pub(crate) header: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl AuditReport {
    /// Everything at a glance: a row per system.
    pub(super) fn overview(&self) -> Table {
        let all = self.groups.first();
        let rows = self.systems.iter().enumerate().map(|(index, system)| {
            let average = self.average.get(index).map(|ndcg| ndcg_cells(*ndcg));
            let pairs = all.map(|group| separation_cells(group.figures[index]));
            std::iter::once(system.name.clone()).chain(average.into_iter().flatten()).chain(pairs.into_iter().flatten())
        });
        let mut header = vec!["system"];
        header.extend(self.average.first().map(|_| NDCG).into_iter().flatten());
        header.extend(all.map(|_| SEPARATION).into_iter().flatten());
        Table { header, rows: rows.map(Iterator::collect).collect() }
    }

    /// nDCG@10 by set: a row per set and system.
    pub(super) fn retrieval(&self) -> Table {
        let mut rows = Vec::new();
        for set in &self.sets {
            for (index, (score, system)) in set.scores.iter().zip(&self.systems).enumerate() {
                let name = match index {
                    0 => format!("{} (n = {}, {} documents)", set.name, set.queries, set.documents),
                    _ => String::new(),
                };
                rows.push([name, system.name.clone()].into_iter().chain(ndcg_cells(*score)).collect());
            }
        }
        Table { header: [&["set", "system"][..], &NDCG].concat(), rows }
    }

    /// Separation by group: a row per group and system.
    pub(super) fn phenomena(&self) -> Table {
        let mut rows = Vec::new();
        for group in &self.groups {
            for (index, (figures, system)) in group.figures.iter().zip(&self.systems).enumerate() {
                let name = match index {
                    0 => format!("{} (n = {} + {})", group.name(), group.matches, group.near_misses),
                    _ => String::new(),
                };
                rows.push([name, system.name.clone()].into_iter().chain(separation_cells(*figures)).collect());
            }
        }
        Table { header: [&["pairs (matches + near misses)", "system"][..], &SEPARATION].concat(), rows }
    }

    /// The shape of each encoder's vectors.
    pub(super) fn geometry(&self) -> Table {
        let row = |system: &super::System| {
            let shape = system.geometry?;
            Some(vec![
                system.name.clone(),
                shape.dimensions.to_string(),
                format!("{:.3}", shape.mean_similarity),
                format!("{:.3}", shape.anisotropy),
                format!("{:.1}", shape.effective_rank),
                format!("{:.2}", shape.uniformity),
            ])
        };
        let header = vec![
            "system",
            "dimensions",
            "mean similarity of random pairs",
            "anisotropy",
            "effective rank",
            "uniformity",
        ];
        Table { header, rows: self.systems.iter().filter_map(row).collect() }
    }
}

const NDCG: [&str; 4] = ["nDCG@10", "change", "95 % interval", "p"];
const SEPARATION: [&str; 5] = ["pair AUC", "95 % interval", "mean of matches", "of near misses", "overlap"];

fn ndcg_cells(score: Ndcg) -> [String; 4] {
    let ndcg = format!("{:.4}", score.ndcg);
    match score.change {
        None => [ndcg, String::new(), String::new(), String::new()],
        Some(Difference { mean, interval, p_value }) => [
            ndcg,
            format!("{mean:+.4}"),
            format!("{:+.3} to {:+.3}", interval.low, interval.high),
            if p_value < 0.001 { "< 0.001".to_owned() } else { format!("{p_value:.3}") },
        ],
    }
}

fn separation_cells(figures: Separation) -> [String; 5] {
    [
        format!("{:.3}", figures.auc.value),
        format!("{:.3} to {:.3}", figures.auc.ci95.low, figures.auc.ci95.high),
        format!("{:.3}", figures.mean_match),
        format!("{:.3}", figures.mean_near_miss),
        format!("{:.3}", figures.overlap),
    ]
}
