//! The study's pictures, each an SVG of its own.

use std::path::Path;

use plotters::prelude::*;

use super::tables::{group_name, same};
use super::{Change, Effect, Encoder, Study};
use crate::Error;
use crate::audit::chart::{Guide, Point, Row, intervals};
use crate::interval::Difference;

/// Writes every picture there is data for, and says which.
pub(super) fn draw(study: &Study, effects: &[Effect], folder: &Path) -> Result<Vec<&'static str>, Error> {
    let mut drawn = Vec::new();
    let mut write = |name: &'static str, svg: String| {
        let path = folder.join(name);
        std::fs::write(&path, svg).map_err(|source| Error::Write { path, source })?;
        drawn.push(name);
        Ok::<(), Error>(())
    };
    let bases = study.bases();
    let main: Vec<&Effect> = bases.iter().filter_map(|base| Study::main_effect(effects, base)).collect();
    if !main.is_empty() {
        write(SETS, styled(sets(&main)))?;
        write(STRUCTURE, styled(structure(study, main[0])))?;
    }
    if effects.len() > 1 {
        let path = folder.join(CURVES);
        let mut svg = String::new();
        curves(&mut svg, effects, &bases).map_err(|fault| Error::Drawing { path, reason: fault.to_string() })?;
        write(CURVES, svg)?;
    }
    Ok(drawn)
}

pub(super) const SETS: &str = "sets.svg";
pub(super) const STRUCTURE: &str = "structure.svg";
pub(super) const CURVES: &str = "curves.svg";

/// B against A on every set: a row each, a point for each base.
fn sets(effects: &[&Effect]) -> String {
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in effects.iter().flat_map(|effect| &effect.b_against_a.by_set) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let row = |label: String, of: &dyn Fn(&Change) -> Option<Difference>| Row {
        label,
        points: effects.iter().map(|effect| of(&effect.b_against_a).map(|d| point(&effect.base, d))).collect(),
    };
    let of_set = |name: &String| {
        let find = |change: &Change| change.by_set.iter().find(|(set, _)| set == name).map(|(_, d)| *d);
        row(name.clone(), &find)
    };
    let mut rows: Vec<Row> = names.into_iter().map(of_set).collect();
    rows.push(row("average of the sets".into(), &|change| Some(change.average)));
    intervals(
        &rows,
        &[Guide { at: 0.0, name: "as model A".into() }],
        "change of nDCG@10 from model A to model B, with 95 % intervals",
    )
}

fn point(title: &str, difference: Difference) -> Point {
    let (value, interval) = (difference.mean, difference.interval);
    Point { value, low: interval.low, high: interval.high, title: format!("{title}: {value:+.4}") }
}

/// Areas by kind: untouched, A and B of the first seed.
fn structure(study: &Study, effect: &Effect) -> String {
    let Some(untouched) = study.untouched(&effect.base) else { return String::new() };
    let [a, b] = study.models(effect);
    let models: Vec<(&str, &Encoder)> = [("untouched", Some(&untouched)), ("A", a.first()), ("B", b.first())]
        .into_iter()
        .filter_map(|(name, model)| Some((name, *model?)))
        .collect();
    let rows = untouched.structure.iter().map(|group| {
        let of = |(name, model): &(&str, &Encoder)| {
            let found = same(&model.structure, group)?;
            let title = format!("{name}: {:.3}", found.auc);
            Some(Point { value: found.auc, low: found.interval[0], high: found.interval[1], title })
        };
        Row { label: group_name(group).replace("**", ""), points: models.iter().map(of).collect() }
    });
    let guides = [Guide { at: 0.5, name: "chance".into() }];
    intervals(&rows.collect::<Vec<_>>(), &guides, "area under the ROC curve of the cosine, with 95 % intervals")
}

/// Colors that the audit's page gives its drawings, for a file of its own.
const STYLE: &str = "<style>text{fill:#1c2630;font:12px sans-serif}.small{fill:#5b6672;font-size:11px}\
.grid{stroke:#d5dae0}.guide{stroke:#5b6672;stroke-dasharray:4 3}.s0{stroke:#6b7480;fill:#6b7480}\
.s1{stroke:#d55e00;fill:#d55e00}.s2{stroke:#0072b2;fill:#0072b2}.s3{stroke:#009e73;fill:#009e73}</style>\
<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>";

fn styled(svg: String) -> String {
    let svg = svg.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1);
    match svg.split_once('>') {
        Some((head, rest)) => format!("{head}>{STYLE}{rest}\n"),
        None => svg,
    }
}

type Fault = Box<dyn std::error::Error>;

/// Width and height of a panel, in points.
const PANEL: (u32, u32) = (480, 360);

/// Okabe and Ito's vermilion and blue, and a gray.
const COLORS: [RGBColor; 3] = [RGBColor(213, 94, 0), RGBColor(0, 114, 178), RGBColor(107, 116, 128)];

/// Where an effect stands on a horizontal axis.
type Place = fn(&Effect) -> f64;

/// The change against the untouched model by share of structural triplets, and by steps.
fn curves(svg: &mut String, effects: &[Effect], bases: &[&str]) -> Result<(), Fault> {
    let root = SVGBackend::with_string(svg, (2 * PANEL.0, PANEL.1)).into_drawing_area();
    root.fill(&WHITE)?;
    let lowest = effects.iter().flat_map(|effect| [&effect.a, &effect.b]).map(|change| change.average.interval.low);
    let highest = effects.iter().flat_map(|effect| [&effect.a, &effect.b]).map(|change| change.average.interval.high);
    let range = lowest.fold(-0.01, f64::min) * 1.05..highest.fold(0.01, f64::max) * 1.05;
    let panels = root.split_evenly((1, 2));
    let x_of: [(&str, Place); 2] = [
        ("structural triplets among all (0: model A)", |effect| effect.setting.share),
        ("model A's steps", |effect| effect.setting.steps as f64),
    ];
    for (index, (area, (axis, x))) in panels.iter().zip(x_of).enumerate() {
        let last = effects.iter().map(x).fold(0.1, f64::max) * 1.08;
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(36)
            .y_label_area_size(56)
            .build_cartesian_2d(0f64..last, range.clone())?;
        let mut mesh = chart.configure_mesh();
        mesh.x_desc(axis).light_line_style(WHITE);
        if index == 0 {
            mesh.y_desc("nDCG@10 against the untouched model");
        }
        mesh.draw()?;
        for (base, color) in bases.iter().zip(COLORS.iter().cycle()) {
            let Some(main) = Study::main_effect(effects, base) else { continue };
            let at = main.setting;
            let of_base = effects.iter().filter(|it| it.base == *base && it.setting.rate == at.rate);
            let series: Vec<(&str, Vec<(f64, Difference)>)> = match index {
                0 => {
                    let at = of_base.filter(|effect| effect.setting.steps == at.steps);
                    let mut points = vec![(0.0, main.a.average)];
                    points.extend(at.map(|effect| (x(effect), effect.b.average)));
                    vec![("", points)]
                }
                _ => {
                    let at: Vec<&Effect> = of_base.filter(|effect| effect.setting.share == at.share).collect();
                    let of = |change: fn(&Effect) -> &Change| {
                        at.iter().map(|e| (x(e), change(e).average)).collect::<Vec<_>>()
                    };
                    vec![(", A", of(|effect| &effect.a)), (", B", of(|effect| &effect.b))]
                }
            };
            for (which, mut points) in series {
                points.sort_by(|a, b| a.0.total_cmp(&b.0));
                let color = if which == ", A" { color.mix(0.45) } else { color.to_rgba() };
                let line = points.iter().map(|(x, d)| (*x, d.mean));
                chart
                    .draw_series(LineSeries::new(line, color.stroke_width(2)))?
                    .label(format!("{base}{which}"))
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
                let ends = |d: &Difference| (d.interval.low, d.interval.high);
                chart.draw_series(
                    points
                        .iter()
                        .map(|(x, d)| PathElement::new([(*x, ends(d).0), (*x, ends(d).1)], color.stroke_width(1))),
                )?;
                chart.draw_series(points.iter().map(|(x, d)| Circle::new((*x, d.mean), 3, color.filled())))?;
            }
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(RGBColor(200, 200, 200))
            .draw()?;
    }
    root.present()?;
    Ok(())
}
