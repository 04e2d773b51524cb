//! The report as one page of HTML that needs nothing else: no script, no font, no picture from elsewhere.

use vetted_evaluation::chart::{Guide, Point, Row, escape, histograms, intervals};

use super::AuditReport;
use super::conclusions::GLOSSARY;
use super::tables::Table;

impl AuditReport {
    /// The whole page.
    pub fn html(&self) -> String {
        let list =
            |items: Vec<String>| items.iter().map(|item| format!("<li>{}</li>\n", escape(item))).collect::<String>();
        let state = match (&self.exceeded[..], self.average.is_empty()) {
            (_, true) => "",
            ([], false) => "pass",
            (_, false) => "fail",
        };
        let systems = self.systems.iter().enumerate().map(|(index, system)| {
            let (name, origin) = (escape(&system.name), escape(&system.origin));
            let key = format!(
                r#"<svg class="key" viewBox="0 0 12 12"><g class="s{index}"><circle cx="6" cy="6" r="5"/></g></svg>"#
            );
            format!("<li>{key}<b>{name}</b>: {}. <span class=\"origin\">{origin}</span></li>\n", system.part.describe())
        });
        let glossary =
            GLOSSARY.map(|(term, meaning)| format!("<dt>{}</dt><dd>{}</dd>\n", escape(term), escape(meaning)));
        let parts = [
            format!(
                "<h1>What did fine-tuning cost?</h1>\n<p class=\"verdict {state}\">{}</p>",
                escape(&self.verdict())
            ),
            format!("<ul>\n{}</ul>", list(self.findings())),
            format!("<h2>What to do</h2>\n<ul>\n{}</ul>", list(self.advice())),
            format!("<h2>What was compared</h2>\n<ul class=\"systems\">\n{}</ul>", systems.collect::<String>()),
            self.overview().html(),
            self.retrieval_section(),
            self.pairs_section(),
            self.geometry_section(),
            format!("<h2>How to read this</h2>\n<dl>\n{}</dl>", glossary.concat()),
            format!("<footer>{} Made by vetted audit.</footer>", escape(&self.made_how())),
        ];
        format!("{HEAD}{}\n</main></body></html>\n", parts.join("\n"))
    }

    fn retrieval_section(&self) -> String {
        if self.sets.is_empty() {
            return String::new();
        }
        let names = self.sets.iter().map(|set| format!("{} (n = {})", set.name, set.queries));
        let scores = self.sets.iter().map(|set| &set.scores);
        let average = (self.sets.len() > 1).then(|| ("average of the sets".to_owned(), &self.average));
        let rows = names.zip(scores).chain(average).map(|(label, scores)| {
            let point = |(score, system): (&super::Ndcg, &super::System)| {
                let change = score.change?;
                let title = format!("{}: {:+.4}", system.name, change.mean);
                Some(Point { value: change.mean, low: change.interval.low, high: change.interval.high, title })
            };
            Row { label, points: scores.iter().zip(&self.systems).map(point).collect() }
        });
        let guides = [
            Guide { at: 0.0, name: "the base".to_owned() },
            Guide { at: -self.settings.max_drop, name: "allowed".to_owned() },
        ];
        let chart =
            intervals(&rows.collect::<Vec<_>>(), &guides, "change of nDCG@10 against the base, with 95 % intervals");
        format!("<h2>Retrieval</h2>\n<figure>{chart}</figure>\n{}", self.retrieval().html())
    }

    fn pairs_section(&self) -> String {
        if self.groups.is_empty() {
            return String::new();
        }
        let rows = self.groups.iter().map(|group| {
            let points = group.figures.iter().zip(&self.systems).map(|(figures, system)| {
                let title = format!("{}: {:.3}", system.name, figures.auc.value);
                Some(Point { value: figures.auc.value, low: figures.auc.ci95.low, high: figures.auc.ci95.high, title })
            });
            Row { label: group.name(), points: points.collect() }
        });
        let guides = [Guide { at: 0.5, name: "chance".to_owned() }];
        let chart =
            intervals(&rows.collect::<Vec<_>>(), &guides, "AUC: matches above near misses, with 95 % intervals");
        let drawn = self.distributions.iter().zip(&self.systems);
        let drawn = drawn
            .map(|(scores, system)| histograms(scores.low, [&scores.matches, &scores.near_misses], &system.name))
            .collect::<String>();
        format!(
            "<h2>Pairs that differ in structure</h2>\n<figure>{chart}</figure>\n\
             <p>Where the scores lie: <svg class=\"key\" viewBox=\"0 0 12 12\"><rect class=\"m\" width=\"12\" height=\"12\"/></svg> \
             matches, <svg class=\"key\" viewBox=\"0 0 12 12\"><rect class=\"n\" width=\"12\" height=\"12\"/></svg> near misses. \
             A system that sees structure keeps them apart.</p>\n<div class=\"many\">{drawn}</div>\n{}",
            self.phenomena().html()
        )
    }

    fn geometry_section(&self) -> String {
        match self.geometry() {
            table if table.rows.is_empty() => String::new(),
            table => format!("<h2>The shape of the vectors</h2>\n{}", table.html()),
        }
    }
}

impl Table {
    fn html(&self) -> String {
        let row = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
            let cells = cells.map(|cell| format!("<{tag}>{}</{tag}>", escape(cell)));
            format!("<tr>{}</tr>\n", cells.collect::<String>())
        };
        let rows = self.rows.iter().map(|cells| row("td", &mut cells.iter().map(String::as_str)));
        let header = row("th", &mut self.header.iter().copied());
        format!("<div class=\"wide\"><table>\n{header}{}</table></div>", rows.collect::<String>())
    }
}

/// Colors: Okabe and Ito's, which people who see fewer colors tell apart.
const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>vetted audit: what did fine-tuning cost?</title>
<style>
:root { color-scheme: light dark; --ink: #1c1f24; --dim: #5d6673; --paper: #fff; --line: #d9dde3; --good: #00664a; --bad: #a83200; --soft: #f4f6f8;
  --s0: #6b7480; --s1: #d55e00; --s2: #0072b2; --s3: #009e73; --s4: #cc79a7; --s5: #b8860b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --dim: #9aa4b2; --paper: #14171c; --line: #343b45; --good: #4fd1a5; --bad: #ff8f5c; --soft: #1d2229;
  --s0: #a3acb8; --s1: #ff8a3d; --s2: #56b4e9; --s3: #2fd09f; --s4: #e39ac4; --s5: #f0c94f; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.2rem 4rem; }
h1 { font-size: 1.8rem; line-height: 1.2; } h2 { margin-top: 2.4rem; font-size: 1.25rem; }
.verdict { padding: .8rem 1rem; border-left: 5px solid var(--dim); background: var(--soft); font-weight: 600; }
.pass { border-color: var(--good); } .fail { border-color: var(--bad); }
.systems { list-style: none; padding: 0; } .origin, footer, .small { color: var(--dim); } .origin { font-size: .85rem; overflow-wrap: anywhere; }
.key { width: 12px; height: 12px; margin-right: .45rem; vertical-align: -1px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; margin: 1rem 0; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { border-bottom: 2px solid var(--line); } th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal; min-width: 9rem; }
figure { margin: 1rem 0; overflow-x: auto; } figure > svg { max-width: 100%; height: auto; } .many { display: flex; flex-wrap: wrap; gap: 1rem; } .many svg { max-width: 100%; height: auto; }
dt { font-weight: 600; margin-top: .6rem; } dd { margin: 0; } footer { margin-top: 3rem; font-size: .85rem; }
svg text { fill: var(--ink); font-size: 12px; } svg .small { fill: var(--dim); font-size: 11px; } svg .title { font-weight: 600; }
.grid { stroke: var(--line); } .axis { stroke: var(--dim); } .guide { stroke: var(--dim); stroke-dasharray: 4 3; }
.s0 { stroke: var(--s0); fill: var(--s0); } .s1 { stroke: var(--s1); fill: var(--s1); } .s2 { stroke: var(--s2); fill: var(--s2); }
.s3 { stroke: var(--s3); fill: var(--s3); } .s4 { stroke: var(--s4); fill: var(--s4); } .s5, .s6, .s7, .s8, .s9 { stroke: var(--s5); fill: var(--s5); }
.m { fill: var(--s2); opacity: .6; } .n { fill: var(--s1); opacity: .6; }
</style></head><body><main>
"#;
