//! `curve.svg`: the loss, and how good the model is on what is held out, over the steps.

use std::path::Path;

use vetted_evaluation::chart::{self, Axis, Panel, Place};

use crate::Error;
use crate::metrics::Line;
use crate::tensors::replace;

/// The curve of a run as an SVG picture: the loss on the left axis; on the right one a verifier's areas under the ROC curve on
/// held-out pairs, or an encoder's nDCG@10.
///
/// # Errors
/// [`Error::Unwritable`].
pub fn draw(path: &Path, lines: &[Line]) -> Result<(), Error> {
    replace(path, chart::panels(&[panel(lines)]).as_bytes())
}

fn panel(lines: &[Line]) -> Panel {
    let last = lines.last().map_or(1, |line| line.step.max(1));
    let highest = lines.iter().filter_map(|line| line.loss).fold(0.1, f64::max);
    let retrieves = lines.iter().any(|line| line.held_out.retrieval.is_some());
    let (right, from) = if retrieves { ("nDCG@10", 0.0) } else { ("held-out AUC", 0.45) };
    type Of = fn(&Line) -> Option<f64>;
    // The loss in gray, behind what people look for.
    let curves: [(&str, Of); 5] = [
        ("loss", |line| line.loss),
        ("equivalence", |line| line.held_out.equivalence),
        ("support", |line| line.held_out.support),
        ("conflict", |line| line.held_out.conflict),
        ("retrieval", |line| line.held_out.retrieval),
    ];
    let curve = |(color, (name, of)): (usize, (&str, Of))| {
        let place = |line: &Line| Some(Place { x: line.step as f64, y: of(line)?, interval: None });
        let places: Vec<Place> = lines.iter().filter_map(place).collect();
        let on_the_right = name != "loss";
        (!places.is_empty()).then(|| chart::Line {
            name: name.into(),
            color,
            on_the_right,
            places,
            ..Default::default()
        })
    };
    Panel {
        x: Axis::new("step", 0.0, last as f64).counted(),
        y: Axis::new("loss", 0.0, 1.05 * highest),
        right: Some(Axis::new(right, from, 1.0)),
        lines: curves.into_iter().enumerate().filter_map(curve).collect(),
        ..Panel::default()
    }
}
