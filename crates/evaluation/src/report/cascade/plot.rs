//! The picture: success against the number of retrievals, one panel for each form of query.

use std::path::Path;

use plotters::prelude::*;

use super::{CascadeReport, FormReport};
use crate::Error;

impl CascadeReport {
    /// Draws success (solid) by length as an SVG picture, a panel for each form; where a pipeline abstains, dashed above it,
    /// also success or a stop: what is left up to 1 are silent errors.
    ///
    /// # Errors
    /// [`Error::Write`] if the file cannot be written, [`Error::Drawing`].
    pub fn draw(&self, path: &Path) -> Result<(), Error> {
        let mut svg = String::new();
        self.picture(&mut svg).map_err(|fault| Error::Drawing { path: path.to_owned(), reason: fault.to_string() })?;
        std::fs::write(path, svg).map_err(|source| Error::Write { path: path.to_owned(), source })
    }

    fn picture(&self, svg: &mut String) -> Result<(), Fault> {
        let panels = self.forms.len().max(1);
        let root = SVGBackend::with_string(svg, (PANEL.0 * panels as u32, PANEL.1)).into_drawing_area();
        root.fill(&WHITE)?;
        for (form, area) in self.forms.iter().zip(root.split_evenly((1, panels))) {
            panel(form, &area, &format!("{}, {}s, n = {}", self.dataset, form.form.name(), form.n))?;
        }
        root.present()?;
        Ok(())
    }
}

type Fault = Box<dyn std::error::Error>;
type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Width and height of a panel, in points.
const PANEL: (u32, u32) = (480, 360);

/// Okabe and Ito's palette, which color-blind people can tell apart.
const COLORS: [RGBColor; 7] = [
    RGBColor(120, 120, 120),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(204, 121, 167),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
];

fn panel(form: &FormReport, area: &Area<'_>, title: &str) -> Result<(), Fault> {
    let longest = form.pipelines.iter().map(|report| report.steps.len()).max().unwrap_or(1).max(2);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(34)
        .y_label_area_size(44)
        .build_cartesian_2d(1f64..longest as f64, 0f64..1f64)?;
    chart
        .configure_mesh()
        .x_desc("retrievals in a row")
        .y_desc("share of chains")
        .x_labels(longest)
        .y_labels(6)
        .x_label_formatter(&|h| format!("{h:.0}"))
        .y_label_formatter(&|share| format!("{share:.1}"))
        .light_line_style(WHITE)
        .draw()?;
    for (report, color) in form.pipelines.iter().zip(COLORS.iter().cycle()) {
        let points = |of: fn(&crate::metrics::cascade::Chances) -> f64| {
            report.steps.iter().map(|step| (step.length as f64, of(&step.chances))).collect::<Vec<_>>()
        };
        let style = color.stroke_width(2);
        chart
            .draw_series(LineSeries::new(points(|chances| chances.success), style))?
            .label(report.pipeline.clone())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
        if report.steps.iter().any(|step| step.chances.abstained > 0.0) {
            let not_wrong = points(|chances| chances.success + chances.abstained);
            chart
                .draw_series(DashedLineSeries::new(not_wrong, 5, 4, color.stroke_width(1)))?
                .label(format!("{} or stopped", report.pipeline))
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 5, y)], color.stroke_width(1)));
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .border_style(RGBColor(200, 200, 200))
        .draw()?;
    Ok(())
}
