//! Drawings in SVG: narrow enough for a telephone, in the colors of the page that holds them.

use std::fmt::Write as _;

/// A drawing of lines and points over two axes.
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) across: Axis,
    pub(super) up: Axis,
    /// Filled between a lower and an upper end: for intervals.
    pub(super) area: Vec<(f64, f64, f64)>,
    /// Each with its class, which gives its color.
    pub(super) lines: Vec<(&'static str, Vec<(f64, f64)>)>,
    /// Points with the ends of their intervals, and what is shown where the pointer rests.
    pub(super) points: Vec<(f64, f64, [f64; 2], String)>,
    /// Lines across, named.
    pub(super) levels: Vec<(f64, String)>,
    /// Upright lines, named.
    pub(super) marks: Vec<(f64, String)>,
}

/// An axis from 0 up to `most`, both as shares.
pub(super) struct Axis {
    pub(super) name: &'static str,
    pub(super) most: f64,
}

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 40.0;

impl Chart {
    pub(super) fn svg(&self) -> String {
        let x = |share: f64| LEFT + (share / self.across.most).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT);
        let y = |share: f64| HEIGHT - BOTTOM - (share / self.up.most).clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#, escape(self.title));
        for tick in ticks(self.up.most) {
            let at = y(tick);
            let _ =
                write!(svg, r#"<line class="grid" x1="{LEFT}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}"/>"#, WIDTH - RIGHT);
            let _ = write!(
                svg,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
                LEFT - 5.0,
                at + 3.5,
                share(tick)
            );
        }
        for tick in ticks(self.across.most) {
            let at = x(tick);
            let _ =
                write!(svg, r#"<line class="grid" x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{:.1}"/>"#, HEIGHT - BOTTOM);
            let _ = write!(
                svg,
                r#"<text x="{at:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                HEIGHT - BOTTOM + 14.0,
                share(tick)
            );
        }
        let _ = write!(
            svg,
            r#"<text class="name" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            LEFT + (WIDTH - LEFT - RIGHT) / 2.0,
            HEIGHT - 8.0,
            escape(self.across.name)
        );
        let _ = write!(
            svg,
            r#"<text class="name" transform="translate(10 {:.1}) rotate(-90)" text-anchor="middle">{}</text>"#,
            TOP + (HEIGHT - TOP - BOTTOM) / 2.0,
            escape(self.up.name)
        );
        if !self.area.is_empty() {
            let there = self.area.iter().map(|(at, low, _)| format!("{:.1},{:.1}", x(*at), y(*low)));
            let back = self.area.iter().rev().map(|(at, _, high)| format!("{:.1},{:.1}", x(*at), y(*high)));
            let outline: Vec<String> = there.chain(back).collect();
            let _ = write!(svg, r#"<polygon class="area" points="{}"/>"#, outline.join(" "));
        }
        for (at, name) in &self.levels {
            let at = y(*at);
            let _ =
                write!(svg, r#"<line class="level" x1="{LEFT}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}"/>"#, WIDTH - RIGHT);
            let _ =
                write!(svg, r#"<text class="name" x="{:.1}" y="{:.1}">{}</text>"#, LEFT + 4.0, at - 4.0, escape(name));
        }
        for (at, name) in &self.marks {
            let (anchor, beside) = if *at > 0.6 * self.across.most { ("end", -4.0) } else { ("start", 4.0) };
            let at = x(*at);
            let _ =
                write!(svg, r#"<line class="mark" x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{:.1}"/>"#, HEIGHT - BOTTOM);
            let _ = write!(
                svg,
                r#"<text class="name" x="{:.1}" y="{:.1}" text-anchor="{anchor}">{}</text>"#,
                at + beside,
                TOP + 9.0,
                escape(name)
            );
        }
        for (class, line) in &self.lines {
            let points: Vec<String> =
                line.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value))).collect();
            let _ = write!(svg, r#"<polyline class="{class}" points="{}"/>"#, points.join(" "));
        }
        for (at, value, [low, high], title) in &self.points {
            let (at, value, low, high) = (x(*at), y(*value), y(*low), y(*high));
            let _ = write!(
                svg,
                r#"<g class="point"><title>{}</title><line x1="{at:.1}" x2="{at:.1}" y1="{low:.1}" y2="{high:.1}"/><circle cx="{at:.1}" cy="{value:.1}" r="3"/></g>"#,
                escape(title)
            );
        }
        svg.push_str("</svg>");
        svg
    }
}

/// Four or five round numbers from 0 to `most`.
fn ticks(most: f64) -> Vec<f64> {
    let raw = most / 4.0;
    let magnitude = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|it| it * magnitude).into_iter().find(|it| *it >= raw - 1e-12);
    let step = step.unwrap_or(raw);
    (0..=5).map(|i| f64::from(i) * step).filter(|tick| *tick <= most + 1e-9).collect()
}

/// In per cent, without the sign: the axis' name has it.
fn share(tick: f64) -> String {
    let text = format!("{:.2}", 100.0 * tick);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Text for HTML, also within quotes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(ticks(1.0), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(ticks(0.1).iter().map(|it| share(*it)).collect::<Vec<_>>(), ["0", "2.5", "5", "7.5", "10"]);
        assert_eq!(ticks(0.03).iter().map(|it| share(*it)).collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    }
}
