//! `curve.svg`: the loss, and how good the model is on what is held out, over the steps.

use std::path::Path;

use vetted_evaluation::chart::{self, Axis, Panel, Point, Stroke};

use crate::Error;
use crate::metrics::Line;
use crate::tensors::replace;

/// The curve of a run as an SVG picture of 960 x 480 points: the loss on the left axis; on the right one a verifier's areas
/// under the ROC curve on held-out pairs, or an encoder's nDCG@10.
///
/// # Errors
/// [`Error::Unwritable`].
pub fn draw(path: &Path, lines: &[Line]) -> Result<(), Error> {
    replace(path, chart::draw(&[panel(lines)], 960, 480).as_bytes())
}

fn panel(lines: &[Line]) -> Panel {
    let last = lines.last().map_or(1, |line| line.step.max(1));
    let highest = lines.iter().filter_map(|line| line.loss).fold(0.1, f64::max);
    let retrieves = lines.iter().any(|line| line.held_out.retrieval.is_some());
    let (right, range) = if retrieves { ("nDCG@10", 0.0..1.0) } else { ("held-out AUC", 0.45..1.0) };
    let [gray, .., green, vermilion, blue] = chart::COLORS;
    type Of = fn(&Line) -> Option<f64>;
    let curves: [(&str, &'static str, Of); 5] = [
        ("loss", gray, |line| line.loss),
        ("support", blue, |line| line.held_out.support),
        ("equivalence", vermilion, |line| line.held_out.equivalence),
        ("conflict", green, |line| line.held_out.conflict),
        ("retrieval", blue, |line| line.held_out.retrieval),
    ];
    let curve = |(name, color, of): (&str, &'static str, Of)| {
        let point = |line: &Line| Some(Point { x: line.step as f64, y: of(line)?, interval: None });
        let points: Vec<Point> = lines.iter().filter_map(point).collect();
        let right = name != "loss";
        let stroke = if right { Stroke::Thick } else { Stroke::Thin };
        (!points.is_empty()).then(|| chart::Line { name: name.into(), color, stroke, right, points })
    };
    Panel {
        title: String::new(),
        x: Axis { name: "step".into(), range: 0.0..last as f64 },
        left: Axis { name: "loss".into(), range: 0.0..1.05 * highest },
        right: Some(Axis { name: right.into(), range }),
        lines: curves.into_iter().filter_map(curve).collect(),
    }
}
