//! Drawings in SVG. They take their colors from the page that holds them: classes `s0`, `s1`, ... are those of series, `m` and
//! `n` those of matches and near misses. [`standalone`] makes a drawing a file of its own.

use std::fmt::Write as _;

mod lines;

pub use lines::{Axis, Line, Panel, Place, panels};

/// A figure with its interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The figure.
    pub value: f64,
    /// Where its interval begins.
    pub low: f64,
    /// And ends.
    pub high: f64,
    /// Shown where the pointer rests.
    pub title: String,
}

/// A line of points, one per series; none where a series has no figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What the points are figures of.
    pub label: String,
    /// By series.
    pub points: Vec<Option<Point>>,
}

/// A vertical line with a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Guide {
    /// Where it stands.
    pub at: f64,
    /// What it says.
    pub name: String,
}

/// Width of a drawing, of its column of labels, and the height of a point's line, in user units.
const WIDTH: f64 = 820.0;
const LABELS: f64 = 230.0;
const LINE: f64 = 15.0;

/// Points with their intervals, a group of lines per row, over one horizontal axis.
pub fn intervals(rows: &[Row], guides: &[Guide], axis: &str) -> String {
    let points = || rows.iter().flat_map(|row| row.points.iter().flatten());
    let ends = points().flat_map(|p| [p.low, p.high, p.value]).chain(guides.iter().map(|guide| guide.at));
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let margin = ((high - low) * 0.05).max(0.005);
    let (low, high) = (low - margin, high + margin);
    let place = |x: f64| LABELS + (x - low) / (high - low) * (WIDTH - LABELS - 20.0);
    let gap = 12.0;
    let height_of = |row: &Row| row.points.len() as f64 * LINE + gap;
    let bottom = 26.0 + rows.iter().map(height_of).sum::<f64>();

    let mut svg = open(WIDTH, bottom + 44.0, axis);
    for tick in ticks(low, high) {
        let x = place(tick);
        let _ = write!(svg, r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="20" y2="{bottom:.1}"/>"#);
        let _ =
            write!(svg, r#"<text x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#, bottom + 16.0, number(tick));
    }
    for (index, guide) in guides.iter().enumerate() {
        let x = place(guide.at);
        // Two names side by side must not cover each other: the first stands right of its line, the second left.
        let anchor = ["start", "end"][index % 2];
        let _ = write!(svg, r#"<line class="guide" x1="{x:.1}" x2="{x:.1}" y1="16" y2="{bottom:.1}"/>"#);
        let _ = write!(
            svg,
            r#"<text class="small" x="{x:.1}" y="11" text-anchor="{anchor}">{}</text>"#,
            escape(&guide.name)
        );
    }
    let mut top = 26.0;
    for row in rows {
        let middle = top + row.points.len() as f64 * LINE / 2.0 + 4.0;
        let label = shortened(&row.label, 36);
        let _ = write!(
            svg,
            r#"<text x="{:.1}" y="{middle:.1}" text-anchor="end">{}</text>"#,
            LABELS - 12.0,
            escape(&label)
        );
        for (series, point) in row.points.iter().enumerate() {
            let y = top + (series as f64 + 0.5) * LINE;
            let Some(Point { value, low, high, title }) = point else { continue };
            let (from, to, at) = (place(*low), place(*high), place(*value));
            let _ = write!(
                svg,
                r#"<g class="s{series}"><title>{}</title><line x1="{from:.1}" x2="{to:.1}" y1="{y:.1}" y2="{y:.1}" stroke-width="2"/><circle cx="{at:.1}" cy="{y:.1}" r="4.5"/></g>"#,
                escape(title)
            );
        }
        top += height_of(row);
    }
    let _ = write!(
        svg,
        r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text></svg>"#,
        (LABELS + WIDTH) / 2.0,
        bottom + 36.0,
        escape(axis)
    );
    svg
}

/// Two histograms over each other, each as shares of its own class: matches, then near misses, in bins of equal width from `low`
/// to 1.
pub fn histograms(low: f64, [matches, near_misses]: [&[u32]; 2], title: &str) -> String {
    let (width, height, left, base) = (400.0, 190.0, 12.0, 150.0);
    let shares = |counts: &[u32]| -> Vec<f64> {
        let all: u32 = counts.iter().sum();
        counts.iter().map(|count| f64::from(*count) / f64::from(all.max(1))).collect()
    };
    let (matches, near_misses) = (shares(matches), shares(near_misses));
    let highest = matches.iter().chain(&near_misses).copied().fold(1e-9, f64::max);
    let place = |x: f64| left + (x - low) / (1.0 - low) * (width - 2.0 * left);
    let bin = (width - 2.0 * left) / matches.len() as f64;

    let mut svg = open(width, height, title);
    let _ = write!(svg, r#"<text x="{left}" y="16" class="title">{}</text>"#, escape(title));
    for (class, shares) in [("m", &matches), ("n", &near_misses)] {
        for (index, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            let tall = share / highest * (base - 32.0);
            let _ = write!(
                svg,
                r#"<rect class="{class}" x="{:.1}" y="{:.1}" width="{:.1}" height="{tall:.1}"/>"#,
                left + index as f64 * bin,
                base - tall,
                bin * 0.92
            );
        }
    }
    let _ = write!(svg, r#"<line class="axis" x1="{left}" x2="{:.1}" y1="{base}" y2="{base}"/>"#, width - left);
    for tick in ticks(low, 1.0) {
        let x = place(tick);
        let _ = write!(svg, r#"<text x="{x:.1}" y="{}" text-anchor="middle">{}</text>"#, base + 16.0, number(tick));
    }
    svg + "</svg>"
}

/// Text that may stand anywhere in a page, attributes included.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Colors that the audit's page gives its drawings (Okabe and Ito's, which people who see fewer colors tell apart), for a file
/// of its own.
const STYLE: &str = "<style>text{fill:#1c2630;font:12px sans-serif}.small{fill:#5b6672;font-size:11px}.title{font-weight:600}\
.grid{stroke:#e3e6ea}.axis{stroke:#5b6672}.guide{stroke:#5b6672;stroke-dasharray:4 3}.dashed{stroke-dasharray:5 4}\
.s0{stroke:#6b7480;fill:#6b7480}.s1{stroke:#d55e00;fill:#d55e00}.s2{stroke:#0072b2;fill:#0072b2}.s3{stroke:#009e73;fill:#009e73}\
.s4{stroke:#cc79a7;fill:#cc79a7}.s5{stroke:#e69f00;fill:#e69f00}.s6{stroke:#56b4e9;fill:#56b4e9}</style>\
<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>";

/// A drawing as a file of its own: with a name space, colors and a white ground.
pub fn standalone(svg: &str) -> String {
    let svg = svg.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1);
    match svg.split_once('>') {
        Some((head, rest)) => format!("{head}>{STYLE}{rest}\n"),
        None => svg,
    }
}

fn open(width: f64, height: f64, title: &str) -> String {
    format!(
        r#"<svg viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" role="img" aria-label="{}">"#,
        escape(title)
    )
}

/// Four to nine round numbers in a range.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 6.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough).unwrap_or(rough);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// Without zeros at the end.
fn number(x: f64) -> String {
    let text = format!("{x:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn shortened(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let cases: [(f64, f64, &[&str]); 4] = [
            (0.0, 1.0, &["0", "0.2", "0.4", "0.6", "0.8", "1"]),
            (-0.061, 0.013, &["-0.06", "-0.04", "-0.02", "0"]),
            (0.49, 0.93, &["0.5", "0.6", "0.7", "0.8", "0.9"]),
            (0.0, 1500.0, &["0", "500", "1000", "1500"]),
        ];
        for (low, high, expected) in cases {
            assert_eq!(ticks(low, high).into_iter().map(number).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn names_cannot_break_out_of_the_drawing() {
        let point = Point { value: 0.0, low: -1.0, high: 1.0, title: "a < b".into() };
        let rows = [Row { label: "<script>".into(), points: vec![Some(point), None] }];
        let svg = intervals(&rows, &[Guide { at: 0.0, name: "\"none\" & all".into() }], "change");
        assert!(
            !svg.contains("<script>") && svg.contains("&lt;script&gt;") && svg.contains("&quot;none&quot; &amp; all")
        );
        assert_eq!(svg.matches("<circle").count(), 1);
    }
}
