//! `curve.svg`: the loss, and how good the model is on what is held out, over the steps.

use std::path::Path;

use plotters::prelude::*;

use crate::Error;
use crate::metrics::Line;
use crate::tensors::replace;

/// The curve of a run as an SVG picture of 960 x 480 points: the loss on the left axis; on the right one a verifier's areas
/// under the ROC curve on held-out pairs, or an encoder's nDCG@10.
///
/// # Errors
/// [`Error::Drawing`], [`Error::Unwritable`].
pub fn draw(path: &Path, lines: &[Line]) -> Result<(), Error> {
    let mut svg = String::new();
    picture(&mut svg, lines).map_err(|fault| Error::Drawing { path: path.into(), reason: fault.to_string() })?;
    replace(path, svg.as_bytes())
}

type Fault = Box<dyn std::error::Error>;

fn picture(svg: &mut String, lines: &[Line]) -> Result<(), Fault> {
    let root = SVGBackend::with_string(svg, (960, 480)).into_drawing_area();
    root.fill(&WHITE)?;
    let last = lines.last().map_or(1, |line| line.step.max(1));
    let losses: Vec<(usize, f64)> = lines.iter().filter_map(|line| Some((line.step, line.loss?))).collect();
    let highest = losses.iter().map(|(_, loss)| *loss).fold(0.1, f64::max);
    let retrieves = lines.iter().any(|line| line.held_out.retrieval.is_some());
    let (axis, range) = if retrieves { ("nDCG@10", 0f64..1.0) } else { ("held-out AUC", 0.45f64..1.0) };
    let mut chart = ChartBuilder::on(&root)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(48)
        .right_y_label_area_size(48)
        .build_cartesian_2d(0..last, 0f64..1.05 * highest)?
        .set_secondary_coord(0..last, range);
    chart.configure_mesh().x_desc("step").y_desc("loss").light_line_style(WHITE).draw()?;
    chart.configure_secondary_axes().y_desc(axis).draw()?;
    let grey = RGBColor(120, 120, 120);
    chart
        .draw_series(LineSeries::new(losses, grey))?
        .label("loss")
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], grey));
    type Of = fn(&Line) -> Option<f64>;
    let areas: [(&str, RGBColor, Of); 4] = [
        ("support", RGBColor(0, 114, 178), |line| line.held_out.support),
        ("equivalence", RGBColor(213, 94, 0), |line| line.held_out.equivalence),
        ("conflict", RGBColor(0, 158, 115), |line| line.held_out.conflict),
        ("retrieval", RGBColor(0, 114, 178), |line| line.held_out.retrieval),
    ];
    for (name, color, of) in areas {
        let points: Vec<(usize, f64)> = lines.iter().filter_map(|line| Some((line.step, of(line)?))).collect();
        if !points.is_empty() {
            chart
                .draw_secondary_series(LineSeries::new(points, color.stroke_width(2)))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .background_style(WHITE)
        .border_style(grey)
        .draw()?;
    root.present()?;
    Ok(())
}
