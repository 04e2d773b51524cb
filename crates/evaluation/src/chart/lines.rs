//! Lines over a horizontal axis, panels side by side: a file of its own.

use std::fmt::Write as _;

use super::{escape, number, standalone, ticks};

/// A drawing of lines over two axes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Panel {
    /// Above it; may be empty.
    pub title: String,
    /// What runs from left to right.
    pub x: Axis,
    /// What runs upwards.
    pub y: Axis,
    /// Another axis at the right edge, for the lines that are [`Line::on_the_right`].
    pub right: Option<Axis>,
    /// What is drawn.
    pub lines: Vec<Line>,
}

/// An axis.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Axis {
    /// What it shows; may be empty.
    pub name: String,
    /// Where it begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// Whether it counts: no ticks between whole numbers.
    pub whole: bool,
}

/// A line with its name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line {
    /// In the legend; lines without a name are not in it.
    pub name: String,
    /// Which color: 0 is gray, then six that people who see fewer colors tell apart, over again.
    pub color: usize,
    /// Broken and thinner.
    pub dashed: bool,
    /// Paler.
    pub faint: bool,
    /// With a dot at every place.
    pub dots: bool,
    /// Measured on [`Panel::right`].
    pub on_the_right: bool,
    /// From left to right.
    pub places: Vec<Place>,
}

/// A place on a line.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Place {
    /// On the horizontal axis.
    pub x: f64,
    /// On the vertical one.
    pub y: f64,
    /// An interval around `y`.
    pub interval: Option<[f64; 2]>,
}

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 360.0;
/// Around the lines: left, right, above, below.
const MARGINS: [f64; 4] = [62.0, 18.0, 34.0, 46.0];
const COLORS: usize = 7;
/// Height of a line of the legend.
const ENTRY: f64 = 16.0;

/// Draws panels from left to right as an SVG file, 480 points wide and 360 high each, legends where lines leave most room.
pub fn panels(panels: &[Panel]) -> String {
    let width = WIDTH * panels.len().max(1) as f64;
    let mut svg =
        format!(r#"<svg viewBox="0 0 {width:.0} {HEIGHT:.0}" width="{width:.0}" height="{HEIGHT:.0}" role="img">"#);
    for (index, panel) in panels.iter().enumerate() {
        let _ = write!(svg, r#"<g transform="translate({:.0} 0)">"#, index as f64 * WIDTH);
        panel.draw(&mut svg);
        svg += "</g>";
    }
    standalone(&(svg + "</svg>"))
}

impl Axis {
    /// An axis from `low` to `high`.
    pub fn new(name: impl Into<String>, low: f64, high: f64) -> Axis {
        Axis { name: name.into(), low, high: if high > low { high } else { low + 1.0 }, whole: false }
    }

    /// The same, of things that are counted.
    pub fn counted(self) -> Axis {
        Axis { whole: true, ..self }
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        ticks(self.low, self.high).into_iter().filter(|tick| !self.whole || (tick - tick.round()).abs() < 1e-9)
    }

    fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

impl Panel {
    /// Edges of the lines' field: left, right, top, bottom.
    fn field(&self) -> [f64; 4] {
        let [left, mut right, above, below] = MARGINS;
        if self.right.is_some() {
            right = left;
        }
        [left, WIDTH - right, above, HEIGHT - below]
    }

    fn across(&self, x: f64) -> f64 {
        let [left, right, ..] = self.field();
        left + self.x.share(x) * (right - left)
    }

    fn up(&self, y: f64, line: &Line) -> f64 {
        let [.., top, bottom] = self.field();
        let axis = self.right.as_ref().filter(|_| line.on_the_right).unwrap_or(&self.y);
        bottom - axis.share(y) * (bottom - top)
    }

    fn draw(&self, svg: &mut String) {
        let [left, right, top, bottom] = self.field();
        let text = |svg: &mut String, x: f64, y: f64, attributes: &str, text: &str| {
            let _ = write!(svg, r#"<text x="{x:.1}" y="{y:.1}" {attributes}>{}</text>"#, escape(text));
        };
        text(svg, (left + right) / 2.0, 18.0, r#"text-anchor="middle" class="title""#, &self.title);
        for tick in self.x.ticks() {
            let x = self.across(tick);
            let _ =
                write!(svg, r#"<line class="axis" x1="{x:.1}" x2="{x:.1}" y1="{bottom}" y2="{:.1}"/>"#, bottom + 4.0);
            text(svg, x, bottom + 17.0, r#"text-anchor="middle""#, &number(tick));
        }
        for (axis, at, anchor) in [(Some(&self.y), left - 7.0, "end"), (self.right.as_ref(), right + 7.0, "start")] {
            let Some(axis) = axis else { continue };
            for tick in axis.ticks() {
                let y = bottom - axis.share(tick) * (bottom - top);
                if anchor == "end" {
                    let _ = write!(svg, r#"<line class="grid" x1="{left}" x2="{right}" y1="{y:.1}" y2="{y:.1}"/>"#);
                }
                text(svg, at, y + 4.0, &format!(r#"text-anchor="{anchor}""#), &number(tick));
            }
            let x = if anchor == "end" { 14.0 } else { WIDTH - 6.0 };
            let y = (top + bottom) / 2.0;
            text(svg, x, y, &format!(r#"text-anchor="middle" transform="rotate(-90 {x:.1} {y:.1})""#), &axis.name);
        }
        for x in [left, right].into_iter().take(1 + usize::from(self.right.is_some())) {
            let _ = write!(svg, r#"<line class="axis" x1="{x}" x2="{x}" y1="{top}" y2="{bottom}"/>"#);
        }
        let _ = write!(svg, r#"<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>"#);
        text(svg, (left + right) / 2.0, bottom + 36.0, r#"text-anchor="middle""#, &self.x.name);
        self.lines.iter().for_each(|line| self.draw_line(svg, line));
        self.draw_legend(svg);
    }

    fn draw_line(&self, svg: &mut String, line: &Line) {
        let faint = if line.faint { r#" opacity="0.45""# } else { "" };
        let _ = write!(svg, r#"<g class="s{}"{faint}>"#, line.color % COLORS);
        // A loss that is no number has no place.
        let known = || line.places.iter().filter(|at| at.x.is_finite() && at.y.is_finite());
        let points: Vec<String> =
            known().map(|at| format!("{:.1},{:.1}", self.across(at.x), self.up(at.y, line))).collect();
        let (width, class) = if line.dashed { (1.2, r#" class="dashed""#) } else { (2.0, "") };
        let _ =
            write!(svg, r#"<polyline{class} points="{}" stroke-width="{width}" style="fill:none"/>"#, points.join(" "));
        for at in known() {
            let (x, y) = (self.across(at.x), self.up(at.y, line));
            if let Some(ends) = at.interval {
                let [from, to] = ends.map(|end| self.up(end, line));
                let _ = write!(svg, r#"<line x1="{x:.1}" x2="{x:.1}" y1="{from:.1}" y2="{to:.1}" stroke-width="1"/>"#);
            }
            if line.dots {
                let _ = write!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3"/>"#);
            }
        }
        *svg += "</g>";
    }

    /// In the corner of the field in which the fewest places lie.
    fn draw_legend(&self, svg: &mut String) {
        let named: Vec<&Line> = self.lines.iter().filter(|line| !line.name.is_empty()).collect();
        let Some(longest) = named.iter().map(|line| line.name.chars().count()).max() else { return };
        let [left, right, top, bottom] = self.field();
        let (width, height) = (longest as f64 * 6.6 + 34.0, named.len() as f64 * ENTRY + 6.0);
        let corners = [
            (left + 6.0, top + 4.0),
            (right - width - 6.0, top + 4.0),
            (left + 6.0, bottom - height - 6.0),
            (right - width - 6.0, bottom - height - 6.0),
        ];
        let inside = |(x, y): &(f64, f64)| self.covered(*x..*x + width, *y..*y + height);
        let Some((x, y)) = corners.into_iter().min_by_key(inside) else { return };
        let _ = write!(
            svg,
            r##"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="#fff" fill-opacity="0.8" stroke="#c8c8c8"/>"##
        );
        for (index, line) in named.iter().enumerate() {
            let y = y + 3.0 + (index as f64 + 0.5) * ENTRY;
            let faint = if line.faint { r#" opacity="0.45""# } else { "" };
            let class = if line.dashed { r#" class="dashed""# } else { "" };
            let _ = write!(
                svg,
                r#"<g class="s{}"{faint}><line{class} x1="{:.1}" x2="{:.1}" y1="{y:.1}" y2="{y:.1}" stroke-width="2"/></g><text x="{:.1}" y="{:.1}">{}</text>"#,
                line.color % COLORS,
                x + 6.0,
                x + 24.0,
                x + 29.0,
                y + 4.0,
                escape(&line.name)
            );
        }
    }

    /// How many of a fine row of places along all lines lie in a rectangle.
    fn covered(&self, x: std::ops::Range<f64>, y: std::ops::Range<f64>) -> usize {
        let steps = |line: &Line| {
            let at = |place: &Place| (self.across(place.x), self.up(place.y, line));
            let between = line.places.windows(2).flat_map(|pair| {
                let (from, to) = (at(&pair[0]), at(&pair[1]));
                (0..32).map(move |step| {
                    let share = f64::from(step) / 32.0;
                    (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)
                })
            });
            between.chain(line.places.last().map(at)).filter(|(at, up)| x.contains(at) && y.contains(up)).count()
        };
        self.lines.iter().map(steps).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel() -> Panel {
        let places = [(0.0, 1.0), (10.0, 0.0)].map(|(x, y)| Place { x, y, interval: Some([y - 0.1, y + 0.1]) });
        let line = Line { name: "a < b".into(), color: 9, dots: true, places: places.into(), ..Line::default() };
        Panel {
            title: "T".into(),
            x: Axis::new("steps", 0.0, 10.0),
            y: Axis::new("share", 0.0, 1.0),
            lines: vec![line],
            right: None,
        }
    }

    #[test]
    fn a_line_runs_from_corner_to_corner_and_its_name_is_no_markup() {
        let svg = panels(&[panel(), panel()]);
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>\n"), "{svg}");
        assert!(svg.contains(r#"points="62.0,34.0 462.0,314.0""#), "{svg}");
        assert!(svg.contains("a &lt; b") && !svg.contains("a < b") && svg.contains(r#"class="s2""#));
        assert_eq!((svg.matches("<circle").count(), svg.matches("<polyline").count()), (4, 2));
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        let mut panel = panel();
        panel.lines[0].places.insert(1, Place { x: 5.0, y: f64::NAN, interval: None });
        let svg = panels(&[panel]);
        assert!(svg.contains(r#"points="62.0,34.0 462.0,314.0""#) && !svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn the_second_axis_measures_its_own_lines() {
        let mut panel = panel();
        panel.right = Some(Axis::new("AUC", -1.0, 1.0));
        panel.lines[0].on_the_right = true;
        assert!(panels(&[panel]).contains(r#"points="62.0,34.0 418.0,174.0""#));
    }

    #[test]
    fn the_legend_keeps_out_of_the_lines_way() {
        // From the upper left to the lower right: the first free corner is the upper right one.
        let panel = panel();
        assert_eq!(panel.covered(300.0..400.0, 40.0..60.0), 0);
        assert!(panel.covered(62.0..162.0, 34.0..134.0) > 0);
    }
}
