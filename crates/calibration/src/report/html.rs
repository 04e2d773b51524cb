//! The report as one page of HTML that needs nothing else: no script, no font, no picture from elsewhere.

use super::charts::{Axis, Chart, escape};
use super::{GLOSSARY, Report, Table, percent, shown};
use crate::calibration::{Promise, Side};

impl Report {
    /// The whole page.
    pub fn html(&self) -> String {
        let state = if self.calibration.accepts_anything() { "pass" } else { "fail" };
        let remarks: String = self.remarks().iter().map(|it| format!("<li>{}</li>\n", escape(it))).collect();
        let glossary: String = GLOSSARY
            .iter()
            .map(|(term, meaning)| format!("<dt>{}</dt><dd>{}</dd>\n", escape(term), escape(meaning)))
            .collect();
        let figures: String = [self.risk_chart(), self.reliability_chart(), self.shift_chart()]
            .into_iter()
            .flatten()
            .map(|(heading, chart, caption)| {
                format!(
                    "<figure><h3>{heading}</h3>{}<figcaption>{}</figcaption></figure>\n",
                    chart.svg(),
                    escape(&caption)
                )
            })
            .collect();
        let parts = [
            format!("<h1>What may be accepted?</h1>\n<p class=\"verdict {state}\">{}</p>", escape(&self.verdict())),
            format!("<ul>\n{remarks}</ul>"),
            format!("<h2>Thresholds</h2>\n{}", self.thresholds().html()),
            format!("<div class=\"figures\">\n{figures}</div>"),
            format!("<h2>Other bounds, each looked at alone</h2>\n{}", self.other_bounds().html()),
            format!("<h2>How good the ranking is</h2>\n{}", self.ranking().html()),
            format!("<h2>What the score is made of</h2>\n{}", self.features().html()),
            format!("<h2>What it was made from</h2>\n{}", self.origin().html()),
            format!("<h2>How to read this</h2>\n<dl>\n{glossary}</dl>"),
        ];
        // A number and its sign stay on one line.
        format!("{HEAD}{}\n</main></body></html>\n", parts.join("\n").replace(" %", "\u{a0}%"))
    }

    fn risk_chart(&self) -> Option<(&'static str, Chart, String)> {
        let risk = &self.measured.risk;
        // The first scores are few decisions, of which anything may be so.
        let settled = risk.iter().filter(|it| it.coverage > 0.02).map(|it| it.wrong).fold(0.0, f64::max);
        let rate = self.calibration.promise.accept_rate();
        let most = round_up(settled.max(3.0 * rate).min(1.0));
        let bound = match self.calibration.promise {
            Promise::Accepted { .. } => vec![(rate, format!("bound {}", percent(rate)))],
            Promise::Marginal { .. } => Vec::new(),
        };
        let marks = match &self.calibration.thresholds[..] {
            [only] => only.accept.threshold().map(|it| {
                let scored = it.beyond as f64 / self.measured.decisions.max(1) as f64;
                (scored, format!("from {}", shown(it.probability)))
            }),
            _ => None,
        };
        let chart = Chart {
            title: "share of wrong ones among the accepted, by coverage",
            across: Axis { name: "accepted, % of scored decisions", most: 1.0 },
            up: Axis { name: "wrong among them, %", most },
            area: risk.iter().map(|it| (it.coverage, it.wrong, it.upper)).collect(),
            lines: vec![("line", risk.iter().map(|it| (it.coverage, it.wrong)).collect())],
            points: Vec::new(),
            levels: bound,
            marks: marks.into_iter().collect(),
        };
        let caption =
            "Line: seen in the test. Shaded up to the most that it may be in truth, each point looked at alone.";
        (!risk.is_empty()).then(|| ("Risk against coverage", chart, caption.to_owned()))
    }

    fn reliability_chart(&self) -> Option<(&'static str, Chart, String)> {
        let points = self.measured.reliability.iter().map(|bin| {
            let title =
                format!("{} decisions: said {}, so {}", bin.decisions, shown(bin.probability), shown(bin.right.share));
            (bin.probability, bin.right.share, [bin.right.low, bin.right.high], title)
        });
        let chart = Chart {
            title: "share of right ones, by the probability that was said",
            across: Axis { name: "probability said, %", most: 1.0 },
            up: Axis { name: "right, %", most: 1.0 },
            area: Vec::new(),
            lines: vec![("diagonal", vec![(0.0, 0.0), (1.0, 1.0)])],
            points: points.collect(),
            levels: Vec::new(),
            marks: Vec::new(),
        };
        let caption = format!(
            "On the diagonal, probabilities are true. Expected calibration error {:.3}, Brier score {:.3}; intervals of 95 %.",
            self.measured.expected_calibration_error, self.measured.brier
        );
        (!self.measured.reliability.is_empty()).then_some(("Are the probabilities true?", chart, caption))
    }

    fn shift_chart(&self) -> Option<(&'static str, Chart, String)> {
        let shift = &self.measured.shift;
        let rate = self.calibration.promise.accept_rate();
        let matches = self.measured.operational.matches;
        let most = round_up((4.0 * rate).min(1.0));
        let shown = shift.iter().filter(|it| it.wrong <= most).map(|it| (it.matches, it.wrong));
        let chart = Chart {
            title: "share of wrong ones among the accepted, by the share of matches",
            across: Axis { name: "matches among the candidates, %", most: 1.0 },
            up: Axis { name: "wrong among the accepted, %", most },
            area: Vec::new(),
            lines: vec![("line", shown.collect())],
            points: Vec::new(),
            levels: vec![(rate, format!("bound {}", percent(rate)))],
            marks: vec![(matches, format!("here {}", percent(matches)))],
        };
        let caption =
            "If fewer candidates match than in this data, more of what is accepted is wrong, with the same threshold.";
        let accepts = self.calibration.thresholds.iter().any(|it| matches!(it.accept, Side::Threshold(_)));
        (accepts && !shift.is_empty()).then(|| ("If the share of matches changes", chart, caption.to_owned()))
    }
}

/// The next number of 1, 2, 3, 5, 10 times a power of ten.
fn round_up(value: f64) -> f64 {
    let magnitude = 10f64.powf(value.max(1e-6).log10().floor());
    let rounds = [1.0, 2.0, 3.0, 5.0, 10.0].map(|it| it * magnitude);
    rounds.into_iter().find(|it| *it >= value - 1e-12).unwrap_or(value)
}

impl Table {
    fn html(&self) -> String {
        let row = |tag: &str, cells: &mut dyn Iterator<Item = &str>| {
            let cells = cells.map(|cell| format!("<{tag}>{}</{tag}>", escape(cell)));
            format!("<tr>{}</tr>\n", cells.collect::<String>())
        };
        let rows = self.rows.iter().map(|cells| row("td", &mut cells.iter().map(String::as_str)));
        let header = row("th", &mut self.header.iter().copied());
        let rows: String = rows.collect();
        format!(
            "<div class=\"wide\" tabindex=\"0\"><table>\n<thead>{header}</thead><tbody>{rows}</tbody></table></div>"
        )
    }
}

/// Colors: Okabe and Ito's, which people who see fewer colors tell apart.
const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>vetted calibrate: what may be accepted?</title>
<style>
:root { color-scheme: light dark; --ink: #1c1f24; --dim: #5d6673; --paper: #fff; --line: #d9dde3; --good: #00664a; --bad: #a83200; --soft: #f4f6f8;
  --one: #0072b2; --two: #d55e00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --dim: #9aa4b2; --paper: #14171c; --line: #343b45; --good: #4fd1a5; --bad: #ff8f5c;
  --soft: #1d2229; --one: #56b4e9; --two: #ff8a3d; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.2rem 4rem; }
h1 { font-size: 1.8rem; line-height: 1.2; } h2 { margin-top: 2.4rem; font-size: 1.25rem; } h3 { font-size: 1.05rem; margin: 0 0 .4rem; }
.verdict { padding: .8rem 1rem; border-left: 5px solid var(--dim); background: var(--soft); font-weight: 600; }
.pass { border-color: var(--good); } .fail { border-color: var(--bad); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; margin: 1rem 0; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { border-bottom: 2px solid var(--line); } th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal; min-width: 6rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1.6rem; margin-top: 2.4rem; }
figure { margin: 0; } figure svg { width: 100%; height: auto; display: block; } figcaption { color: var(--dim); font-size: .85rem; }
@media (max-width: 40rem) { th, td { white-space: normal; overflow-wrap: anywhere; padding: .3rem .4rem; } th:first-child, td:first-child { min-width: 3.5rem; } }
dt { font-weight: 600; margin-top: .6rem; } dd { margin: 0; }
svg text { fill: var(--ink); font-size: 11px; } svg .name { fill: var(--dim); }
.grid { stroke: var(--line); } .area { fill: var(--one); opacity: .18; } .line { stroke: var(--one); stroke-width: 2; fill: none; }
.diagonal { stroke: var(--dim); fill: none; stroke-dasharray: 4 3; } .level { stroke: var(--two); stroke-dasharray: 5 3; }
.mark { stroke: var(--good); stroke-dasharray: 2 3; } .point { stroke: var(--one); fill: var(--one); }
</style></head><body><main>
"#;
