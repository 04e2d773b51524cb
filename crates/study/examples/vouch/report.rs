//! What is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use vetted::SHIPPED_VERIFIER;
use vetted::models::{DEFAULT_MODEL, ensure};
use vetted::reader::{Config, Usual, Vouching, VouchingWeights};
use vetted_evaluation::interval::Interval;

use crate::fitting::{Sample, fit as fitted, samples};
use crate::reading::{Asked, Form, kept};
use crate::scoring::{
    Accepted, Found, RATES, Top, Without, by_source, coverage, figures, of_form, usual, vouches, weights_of,
};
use crate::{Failure, verifier_folder};

type Sources = BTreeMap<(String, String), Vec<Asked>>;

const WITH_COSINE: [bool; VouchingWeights::KNOWN] = [true; VouchingWeights::KNOWN];
const WITHOUT_COSINE: [bool; VouchingWeights::KNOWN] = [true, true, true, false, false, true, true];

/// Of what is accepted, so much is to be right: what the probability says.
const ACCEPT: f32 = 0.9;

/// Fits weights on the named sources, and prints them; before that, how each of these sources does by weights that were fitted
/// on the others.
pub fn fit(folder: &Path, names: &[&str]) -> Result<(), Failure> {
    let mut sources = by_source(kept(folder)?);
    sources.retain(|(source, _), _| names.contains(&source.as_str()));
    let all: Vec<Asked> =
        sources.iter().filter(|((_, mode), _)| mode == "dense").flat_map(|(_, it)| it.clone()).collect();
    let usual = usual(&all);
    println!("By weights that were fitted on the other sources (those that share texts count as one):\n");
    header();
    for group in sources.keys().map(|(source, _)| group(source)).collect::<BTreeSet<_>>() {
        let others: Sources = sources
            .iter()
            .filter(|((source, _), _)| self::group(source) != group)
            .map(|(a, b)| (a.clone(), b.clone()))
            .collect();
        let vouching = fitted_on(&others, usual)?;
        for (key, asked) in sources.iter().filter(|((source, _), _)| self::group(source) == group) {
            row(key, asked, &vouching, Some(&others))?;
        }
    }
    let vouching = fitted_on(&sources, usual)?;
    println!("\n{}", serde_json::to_string_pretty(&vouching)?);
    Ok(())
}

/// Prints how every source that was read does by the verifier's own weights.
pub fn report(folder: &Path) -> Result<(), Failure> {
    let config = match verifier_folder() {
        Some(folder) => std::fs::read(folder.join("config.json"))?,
        None => SHIPPED_VERIFIER[0].1.to_vec(),
    };
    let vouching = Config::parse(&config)?.vouching.ok_or("this verifier knows nothing of vouching")?;
    header();
    for (key, asked) in &by_source(kept(folder)?) {
        row(key, asked, &vouching, None)?;
    }
    Ok(())
}

/// SQuAD's paragraphs are in several sources.
fn group(source: &str) -> String {
    let name = source.split('-').next().unwrap_or_default();
    match name {
        "xquad" | "squad2" | "qnli" | "adversarial_squad" => "squad".into(),
        name => name.split('.').next().unwrap_or_default().into(),
    }
}

fn fitted_on(sources: &Sources, usual: Usual) -> Result<Vouching, Failure> {
    let by_mode = |mode: &str, uses: [bool; VouchingWeights::KNOWN]| {
        let asked = sources.iter().filter(|((_, of), _)| (of == "bm25") == (mode == "bm25"));
        let samples: Vec<Sample> = asked.flat_map(|(_, asked)| samples(lessons(asked, usual).iter())).collect();
        fitted(&samples, uses)
    };
    let names: BTreeSet<&str> = sources.keys().map(|(source, _)| source.as_str()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    Ok(Vouching {
        fitted: format!("cargo run --release -p vetted-study --example vouch -- fit; on {names}"),
        encoder: ensure(DEFAULT_MODEL, &mut |_| {})?.fingerprint()?,
        accept: ACCEPT,
        usual,
        with_cosine: by_mode("dense", WITH_COSINE),
        without_cosine: by_mode("bm25", WITHOUT_COSINE),
    })
}

/// What there is to learn from: each query as it was answered, and as if nothing right were there, for many are asked in vain.
fn lessons(asked: &[Asked], usual: Usual) -> Vec<Found> {
    let forms = [Form::Question, Form::TwinStatement, Form::TwinQuestion];
    let both = [Without::Nothing, Without::Right];
    forms.into_iter().flat_map(|form| both.into_iter().flat_map(move |it| of_form(asked, form, it, usual))).collect()
}

fn header() {
    println!(
        "source, mode | n | AUC, by match, by all | right one vouched for at {:.0} % and {:.0} % wrong, by match, by all | surest one \
         served | accepted: right, wrong; before; now | nothing right there: wrong; before; now",
        RATES[0] * 100.0,
        RATES[1] * 100.0
    );
}

/// How a source does: `others` are what thresholds are chosen on.
fn row(
    (source, mode): &(String, String),
    asked: &[Asked],
    vouching: &Vouching,
    others: Option<&Sources>,
) -> Result<(), Failure> {
    let (usual, weights) = (vouching.usual, *weights_of(vouching, mode));
    let questions = of_form(asked, Form::Question, Without::Nothing, usual);
    if !questions.is_empty() {
        let (before, of_before) = figures(&questions, &|known| known[0])?;
        let (now, of_now) = figures(&questions, &|known| weights.logit(known))?;
        println!("{source}, {mode} | n = {}", questions.len());
        for (name, figures, intervals) in [("match", before, of_before), ("all", now, of_now)] {
            let [any2, any5] = figures.vouched;
            let [top2, top5] = figures.served;
            let shown = [figures.auc, any2, any5, top2, top5];
            let shown: Vec<String> =
                shown.iter().zip(&intervals).map(|(value, it)| with_interval(*value, it)).collect();
            println!("    {name:5} {}", shown.join("  "));
        }
        if let Some(others) = others {
            let chosen = |score: &dyn Fn(&[f32; VouchingWeights::KNOWN]) -> f32| {
                let asked = others.iter().filter(|((_, of), _)| of == mode);
                let found = asked.flat_map(|(_, it)| of_form(it, Form::Question, Without::Nothing, usual));
                let tops: Vec<Top> = found.map(|it| top(&it, score)).collect();
                let own: Vec<Top> = questions.iter().map(|it| top(it, score)).collect();
                let (_, from) = coverage(&tops, RATES[0], Top::vouched);
                let share = |what: &dyn Fn(&Top) -> bool| {
                    own.iter().filter(|it| what(it)).count() as f64 / own.len().max(1) as f64
                };
                (share(&|it| it.vouched(from).0), share(&|it| it.vouched(from).1))
            };
            let (before, now) = (chosen(&|known| known[0]), chosen(&|known| weights.logit(known)));
            println!(
                "    threshold of 2 % wrong on the others: match {:.2} right, {:.3} wrong; all {:.2} right, {:.3} wrong",
                before.0, before.1, now.0, now.1
            );
        }
    }
    for (form, name) in [
        (Form::Question, "questions"),
        (Form::TwinStatement, "twins, statements"),
        (Form::TwinQuestion, "twins, questions"),
    ] {
        for (without, there) in [(Without::Nothing, ""), (Without::Right, ", nothing right there")] {
            let found = of_form(asked, form, without, usual);
            if found.is_empty() {
                continue;
            }
            let before = Accepted::of(&found, &|it| it.by_match);
            let now = Accepted::of(&found, &|it| vouches(it, &weights, vouching.accept));
            let told = |it: Accepted| {
                let share = |count: usize| count as f64 / it.n as f64;
                format!("right {:.3} wrong {:.3} twin {:.3}", share(it.right), share(it.wrong), share(it.twin))
            };
            println!("    {source} {name}{there}, n = {}: before {} | now {}", before.n, told(before), told(now));
        }
    }
    Ok(())
}

fn top(found: &Found, score: &dyn Fn(&[f32; VouchingWeights::KNOWN]) -> f32) -> Top {
    let may_be = found.iter().filter(|it| it.may_be);
    Top::of(&may_be.filter_map(|it| Some((score(it.known.as_ref()?), it.right))).collect())
}

fn with_interval(value: f64, interval: &Interval) -> String {
    format!("{value:.3} [{:.3}, {:.3}]", interval.low, interval.high)
}
