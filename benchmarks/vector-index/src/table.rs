//! Markdown tables from JSON lines.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// Columns of one kind of record: heading, key, decimals.
type Columns = &'static [(&'static str, &'static str, usize)];

const TABLES: [(&str, &str, Columns); 7] = [
    (
        "search",
        "Search",
        &[
            ("ef_search", "ef_search", 0),
            ("recall@10", "recall_at_10", 4),
            ("ms p50", "ms_p50", 3),
            ("ms p95", "ms_p95", 3),
            ("queries/s", "queries_per_s", 0),
            ("queries/s, 2 threads", "queries_per_s_2_threads", 0),
            ("queries per CPU s", "queries_per_cpu_s", 0),
        ],
    ),
    ("build", "Build", &[("wall s", "build_s", 0), ("CPU s", "build_cpu_s", 0), ("disk MB", "disk_mb", 0)]),
    (
        "open",
        "Open",
        &[
            ("open ms", "open_ms", 0),
            ("first answer ms", "first_answer_ms", 0),
            ("resident MB", "resident_anonymous_mb", 0),
            ("mapped MB", "resident_mapped_mb", 0),
        ],
    ),
    (
        "delete",
        "Delete a tenth",
        &[
            ("wall s", "delete_s", 2),
            ("CPU s", "delete_cpu_s", 2),
            ("recall@10 of the rest", "recall_at_10", 4),
            ("answers with deleted", "answers_with_deleted", 0),
            ("save s", "save_s", 2),
            ("disk MB", "disk_mb", 0),
        ],
    ),
    (
        "reopen",
        "Reopen and insert 1,000",
        &[
            ("recall@10 of the rest", "recall_at_10", 4),
            ("answers with deleted", "answers_with_deleted", 0),
            ("ms per insert", "insert_ms_each", 3),
            ("CPU ms per insert", "insert_cpu_ms_each", 3),
            ("inserted found", "inserted_found", 4),
        ],
    ),
    (
        "damage",
        "Damaged files",
        &[("unnoticed", "unnoticed", 0), ("error", "error", 0), ("panic", "panic", 0), ("crash", "crash", 0)],
    ),
    (
        "scan",
        "Exact scan",
        &[("CPU ms", "cpu_ms", 3), ("ms p50", "ms_p50", 3), ("ms p50, 2 threads", "ms_p50_2_threads", 3)],
    ),
];

/// Print one table per kind of record and size. Of records measured more than once, the last counts.
pub fn print(results: &Path) -> Result<()> {
    let text = fs::read_to_string(results).with_context(|| format!("cannot open {}", results.display()))?;
    let records: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    for (step, title, columns) in TABLES {
        let mut rows = BTreeMap::new();
        for record in records.iter().filter(|record| record["step"] == step) {
            let graph = match (record["degree"].as_u64(), record["ef_construction"].as_u64()) {
                (Some(degree), Some(ef_construction)) => format!("{degree}/{ef_construction}"),
                _ => String::new(),
            };
            let index =
                ["index", "damage"].map(|key| record[key].as_str().unwrap_or_default()).join(" ").trim_end().to_owned();
            let key = (record["size"].as_u64(), index, graph, record["ef_search"].as_u64());
            rows.insert(key, record);
        }
        if rows.is_empty() {
            continue;
        }
        println!("## {title}\n");
        let headings: Vec<&str> = columns.iter().map(|(heading, ..)| *heading).collect();
        println!("| vectors | index | M/ef_construction | {} |", headings.join(" | "));
        println!("|---:|---|---|{}", "---:|".repeat(columns.len()));
        for ((size, index, graph, _), record) in rows {
            let cells: Vec<String> = columns
                .iter()
                .map(|(_, key, decimals)| record[key].as_f64().map_or_else(String::new, |v| format!("{v:.decimals$}")))
                .collect();
            println!("| {} | {index} | {graph} | {} |", size.unwrap_or_default(), cells.join(" | "));
        }
        println!();
    }
    Ok(())
}
