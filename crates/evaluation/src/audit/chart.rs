//! Drawings in SVG that take their colors from the page: classes `s0`, `s1`, ... are the systems', `m` and `n` those of
//! matches and near misses.

use std::fmt::Write as _;

use super::Distribution;
use crate::chart::{escape, number, ticks};

/// A figure with its interval.
pub(crate) struct Point {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Shown where the pointer rests.
    pub(crate) title: String,
}

/// A line of points, one per series; none where a series has no figure.
pub(crate) struct Row {
    pub(crate) label: String,
    pub(crate) points: Vec<Option<Point>>,
}

/// A vertical line with a name.
pub(crate) struct Guide {
    pub(crate) at: f64,
    pub(crate) name: String,
}

/// Width of a drawing, of its column of labels, and the height of a point's line, in user units.
const WIDTH: f64 = 820.0;
const LABELS: f64 = 230.0;
const LINE: f64 = 15.0;

/// Points with their intervals, a group of lines per row, over one horizontal axis.
pub(crate) fn intervals(rows: &[Row], guides: &[Guide], axis: &str) -> String {
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

/// Two histograms over each other, each as shares of its own class.
pub(super) fn distribution(distribution: &Distribution, title: &str) -> String {
    let (width, height, left, base) = (400.0, 190.0, 12.0, 150.0);
    let shares = |counts: &[u32]| -> Vec<f64> {
        let all: u32 = counts.iter().sum();
        counts.iter().map(|count| f64::from(*count) / f64::from(all.max(1))).collect()
    };
    let (matches, near_misses) = (shares(&distribution.matches), shares(&distribution.near_misses));
    let highest = matches.iter().chain(&near_misses).copied().fold(1e-9, f64::max);
    let place = |x: f64| left + (x - distribution.low) / (1.0 - distribution.low) * (width - 2.0 * left);
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
    for tick in ticks(distribution.low, 1.0) {
        let x = place(tick);
        let _ = write!(svg, r#"<text x="{x:.1}" y="{}" text-anchor="middle">{}</text>"#, base + 16.0, number(tick));
    }
    svg + "</svg>"
}

fn open(width: f64, height: f64, title: &str) -> String {
    format!(
        r#"<svg viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" role="img" aria-label="{}">"#,
        escape(title)
    )
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
