//! The picture: success against the number of retrievals, one panel for each form of query.

use vetted_evaluation::chart::{Axis, Line, Panel, Place, panels};
use vetted_evaluation::metrics::cascade::Chances;

use super::{CascadeReport, FormReport};

impl CascadeReport {
    /// Success (solid) by length as an SVG picture, a panel for each form; where a pipeline abstains, dashed above it, also
    /// success or a stop: what is left up to 1 are silent errors.
    pub fn picture(&self) -> String {
        let panel = |form: &FormReport| {
            let longest = form.pipelines.iter().map(|report| report.steps.len()).max().unwrap_or(1).max(2);
            Panel {
                title: format!("{}, {}s, n = {}", self.dataset, form.form.name(), form.n),
                x: Axis::new("retrievals in a row", 1.0, longest as f64).counted(),
                y: Axis::new("share of chains", 0.0, 1.0),
                right: None,
                lines: lines(form),
            }
        };
        panels(&self.forms.iter().map(panel).collect::<Vec<_>>())
    }
}

fn lines(form: &FormReport) -> Vec<Line> {
    let mut lines = Vec::new();
    for (color, report) in form.pipelines.iter().enumerate() {
        let line = |name: String, dashed: bool, of: fn(&Chances) -> f64| {
            let place = |x: usize, y: f64| Place { x: x as f64, y, interval: None };
            let places = report.steps.iter().map(|step| place(step.length, of(&step.chances))).collect();
            Line { name, color, dashed, places, ..Line::default() }
        };
        lines.push(line(report.pipeline.clone(), false, |chances| chances.success));
        if report.steps.iter().any(|step| step.chances.abstained > 0.0) {
            let name = format!("{} or stopped", report.pipeline);
            lines.push(line(name, true, |chances| chances.success + chances.abstained));
        }
    }
    lines
}
