//! The study's pictures, each an SVG of its own.

use std::path::Path;

use vetted_evaluation::Error;
use vetted_evaluation::chart::{Axis, Guide, Line, Panel, Place, Point, Row, intervals, panels, standalone};
use vetted_evaluation::interval::Difference;

use super::tables::{group_name, same};
use super::{Change, Effect, Encoder, Study};

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
        write(SETS, standalone(&sets(&main)))?;
        write(STRUCTURE, standalone(&structure(study, main[0])))?;
    }
    if effects.len() > 1 {
        write(CURVES, panels(&curves(effects, &bases)))?;
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

/// Where an effect stands on a horizontal axis.
type On = fn(&Effect) -> f64;

/// The change against the untouched model by share of structural triplets, and by steps.
fn curves(effects: &[Effect], bases: &[&str]) -> Vec<Panel> {
    let changes = || effects.iter().flat_map(|effect| [&effect.a, &effect.b]).map(|change| change.average.interval);
    let low = changes().map(|interval| interval.low).fold(-0.01, f64::min) * 1.05;
    let high = changes().map(|interval| interval.high).fold(0.01, f64::max) * 1.05;
    let by_share: On = |effect| effect.setting.share;
    let by_steps: On = |effect| effect.setting.steps as f64;
    let panel = |name: &str, y: &str, on: On, lines: Vec<Line>| Panel {
        x: Axis::new(name, 0.0, effects.iter().map(on).fold(0.1, f64::max) * 1.08),
        y: Axis::new(y, low, high),
        lines,
        ..Panel::default()
    };
    let (mut shares, mut steps) = (Vec::new(), Vec::new());
    for (index, base) in bases.iter().enumerate() {
        let Some(main) = Study::main_effect(effects, base) else { continue };
        let at = main.setting;
        let of_base = || effects.iter().filter(|it| it.base == *base && it.setting.rate == at.rate);
        let with_steps = of_base().filter(|effect| effect.setting.steps == at.steps);
        let b = with_steps.map(|effect| (by_share(effect), effect.b.average));
        shares.push(line(base, index, false, std::iter::once((0.0, main.a.average)).chain(b)));
        let with_share = || of_base().filter(|effect| effect.setting.share == at.share);
        let of = |change: fn(&Effect) -> &Change| with_share().map(move |e| (by_steps(e), change(e).average));
        steps.push(line(&format!("{base}, A"), index, true, of(|effect| &effect.a)));
        steps.push(line(&format!("{base}, B"), index, false, of(|effect| &effect.b)));
    }
    vec![
        panel("structural triplets among all (0: model A)", "nDCG@10 against the untouched model", by_share, shares),
        panel("model A's steps", "", by_steps, steps),
    ]
}

fn line(name: &str, base: usize, faint: bool, points: impl Iterator<Item = (f64, Difference)>) -> Line {
    let place = |(x, d): (f64, Difference)| Place { x, y: d.mean, interval: Some([d.interval.low, d.interval.high]) };
    let mut places: Vec<Place> = points.map(place).collect();
    places.sort_by(|a, b| a.x.total_cmp(&b.x));
    // Gray is the untouched model's.
    Line { name: name.to_owned(), color: base + 1, faint, dots: true, places, ..Line::default() }
}
