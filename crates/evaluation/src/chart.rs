//! Charts of lines, as SVG pictures that stand alone.

use std::fmt::Write as _;
use std::ops::Range;

/// A chart: lines over one horizontal axis, with one or two vertical ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Stands above it; may be empty.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis on the left.
    pub left: Axis,
    /// The one on the right, for lines that are on another scale.
    pub right: Option<Axis>,
    /// What is drawn, the first at the bottom.
    pub lines: Vec<Line>,
}

/// An axis: what it measures, and from where to where it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Its name.
    pub name: String,
    /// Its ends.
    pub range: Range<f64>,
}

/// A line through points.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// Any color that SVG knows, such as `#d55e00`.
    pub color: &'static str,
    /// How it is drawn.
    pub stroke: Stroke,
    /// Whether the right axis is its own.
    pub right: bool,
    /// From left to right.
    pub points: Vec<Point>,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// What the eye shall see first.
    Thick,
    /// What stands behind.
    Thin,
    /// Thin, in dashes.
    Dashed,
}

/// A point of a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Where it is on the horizontal axis.
    pub x: f64,
    /// Where it is on its line's vertical axis.
    pub y: f64,
    /// The ends of its interval. A point that has one is drawn as a dot with a bar.
    pub interval: Option<Range<f64>>,
}

/// Okabe and Ito's palette, which color-blind people can tell apart: gray, orange, sky blue, purple, green, vermilion, blue.
pub const COLORS: [&str; 7] = ["#787878", "#e69f00", "#56b4e9", "#cc79a7", "#009e73", "#d55e00", "#0072b2"];

/// The picture: panels side by side, each `width` by `height` points.
pub fn draw(panels: &[Panel], width: u32, height: u32) -> String {
    let all = width * panels.len().max(1) as u32;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"{height}\" viewBox=\"0 0 {all} {height}\">\
         <style>text{{fill:#1c2630;font:12px sans-serif}}.title{{font-weight:600}}\
         .grid{{stroke:#e3e6ea}}.axis{{stroke:#5b6672;fill:none}}</style>\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    );
    for (index, panel) in panels.iter().enumerate() {
        panel.draw(&mut svg, f64::from(width) * index as f64, f64::from(width), f64::from(height));
    }
    svg + "</svg>\n"
}

impl Panel {
    /// Appends it to `svg`; writing to a string cannot fail.
    fn draw(&self, svg: &mut String, start: f64, width: f64, height: f64) {
        let (top, bottom) = (if self.title.is_empty() { 14.0 } else { 32.0 }, height - 44.0);
        let (from, to) = (start + 58.0, start + width - if self.right.is_some() { 58.0 } else { 16.0 });
        let across = |x: f64| from + share(x, &self.x.range) * (to - from);
        let up = |y: f64, range: &Range<f64>| bottom - share(y, range) * (bottom - top);
        let middle = (from + to) / 2.0;
        if !self.title.is_empty() {
            text(svg, [middle, 19.0], "middle", "class=\"title\"", &self.title);
        }
        for tick in ticks(self.left.range.start, self.left.range.end) {
            let y = up(tick, &self.left.range);
            let _ = write!(svg, r#"<line class="grid" x1="{from:.1}" x2="{to:.1}" y1="{y:.1}" y2="{y:.1}"/>"#);
            text(svg, [from - 6.0, y + 4.0], "end", "", &number(tick));
        }
        for tick in ticks(self.x.range.start, self.x.range.end) {
            let x = across(tick);
            let _ = write!(
                svg,
                r#"<line class="axis" x1="{x:.1}" x2="{x:.1}" y1="{bottom:.1}" y2="{:.1}"/>"#,
                bottom + 4.0
            );
            text(svg, [x, bottom + 18.0], "middle", "", &number(tick));
        }
        if let Some(right) = &self.right {
            for tick in ticks(right.range.start, right.range.end) {
                text(svg, [to + 6.0, up(tick, &right.range) + 4.0], "start", "", &number(tick));
            }
            turned(svg, [start + width - 10.0, (top + bottom) / 2.0], &right.name);
        }
        text(svg, [middle, height - 10.0], "middle", "", &self.x.name);
        turned(svg, [start + 14.0, (top + bottom) / 2.0], &self.left.name);
        for line in &self.lines {
            let range = self.right.as_ref().filter(|_| line.right).map_or(&self.left.range, |axis| &axis.range);
            line.draw(svg, across, |y| up(y, range));
        }
        let _ = write!(
            svg,
            r#"<rect class="axis" x="{from:.1}" y="{top:.1}" width="{:.1}" height="{:.1}"/>"#,
            to - from,
            bottom - top
        );
        self.legend(svg, from + 8.0, bottom - 8.0);
    }

    /// Names of the lines in the lower left corner, upwards from `bottom`.
    fn legend(&self, svg: &mut String, left: f64, bottom: f64) {
        const ROW: f64 = 16.0;
        let named: Vec<&Line> = self.lines.iter().filter(|line| !line.name.is_empty()).collect();
        let longest = named.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        if longest == 0 {
            return;
        }
        let (tall, wide) = (ROW * named.len() as f64 + 6.0, 34.0 + 7.0 * longest as f64);
        let top = bottom - tall;
        let _ = write!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{tall:.1}\" fill=\"#fff\" \
             fill-opacity=\"0.8\" stroke=\"#c8c8c8\"/>"
        );
        for (row, line) in named.into_iter().enumerate() {
            let y = top + ROW * (row as f64 + 0.5) + 3.0;
            let (from, to) = (left + 6.0, left + 22.0);
            let style = line.style();
            let _ = write!(svg, r#"<line x1="{from:.1}" x2="{to:.1}" y1="{y:.1}" y2="{y:.1}" {style}/>"#);
            text(svg, [left + 28.0, y + 4.0], "start", "", &line.name);
        }
    }
}

impl Line {
    fn draw(&self, svg: &mut String, across: impl Fn(f64) -> f64, up: impl Fn(f64) -> f64) {
        let style = self.style();
        let known = || self.points.iter().filter(|point| point.x.is_finite() && point.y.is_finite());
        let places: Vec<String> = known().map(|point| format!("{:.1},{:.1}", across(point.x), up(point.y))).collect();
        let _ = write!(svg, r#"<polyline points="{}" {style}/>"#, places.join(" "));
        for point in known() {
            let Some(interval) = &point.interval else { continue };
            let (x, y, color) = (across(point.x), up(point.y), self.color);
            let (low, high) = (up(interval.start), up(interval.end));
            let _ = write!(svg, r#"<line x1="{x:.1}" x2="{x:.1}" y1="{low:.1}" y2="{high:.1}" stroke="{color}"/>"#);
            let _ = write!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{color}"/>"#);
        }
    }

    fn style(&self) -> String {
        let (width, dashes) = match self.stroke {
            Stroke::Thick => (2, ""),
            Stroke::Thin => (1, ""),
            Stroke::Dashed => (1, r#" stroke-dasharray="5 4""#),
        };
        format!(r#"fill="none" stroke="{}" stroke-width="{width}"{dashes}"#, self.color)
    }
}

/// Where a value stands in a range: 0 at its start, 1 at its end.
fn share(x: f64, range: &Range<f64>) -> f64 {
    (x - range.start) / (range.end - range.start)
}

fn text(svg: &mut String, [x, y]: [f64; 2], anchor: &str, attributes: &str, content: &str) {
    let content = escape(content);
    let _ = write!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" {attributes}>{content}</text>"#);
}

/// Text that reads upwards.
fn turned(svg: &mut String, [x, y]: [f64; 2], content: &str) {
    text(svg, [x, y], "middle", &format!(r#"transform="rotate(-90 {x:.1} {y:.1})""#), content);
}

/// Four to nine round numbers in a range.
pub fn ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 6.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough).unwrap_or(rough);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

/// A number with at most four decimals, without zeros at the end.
pub fn number(x: f64) -> String {
    let text = format!("{x:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text that may stand anywhere in a page or a drawing, attributes included.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
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
    fn every_line_is_on_its_own_axis() {
        let axis = |name: &str, range: Range<f64>| Axis { name: name.into(), range };
        let points: Vec<Point> =
            [(0.0, 0.5), (1.0, f64::NAN), (2.0, 1.0)].map(|(x, y)| Point { x, y, interval: None }).into();
        let line = |name: &str, right| Line {
            name: name.into(),
            color: COLORS[0],
            stroke: Stroke::Thick,
            right,
            points: points.clone(),
        };
        let panel = Panel {
            title: "<both>".into(),
            x: axis("step", 0.0..2.0),
            left: axis("loss", 0.0..1.0),
            right: Some(axis("AUC", 0.5..1.0)),
            lines: vec![line("a", false), line("b & c", true)],
        };
        let svg = draw(&[panel.clone(), panel], 480, 360);
        // From the middle of the left axis, and from the foot of the right one, to the upper right corner.
        assert!(svg.contains(r#"points="58.0,174.0 422.0,32.0""#) && svg.contains(r#"points="58.0,316.0 422.0,32.0""#));
        assert!(svg.contains(r#"points="538.0,174.0 902.0,32.0""#), "the second panel stands beside the first");
        assert!(svg.contains("&lt;both&gt;") && svg.contains("b &amp; c") && !svg.contains("NaN"), "{svg}");
    }
}
