//! What is printed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use vetted::SHIPPED_VERIFIER;
use vetted::models::{DEFAULT_MODEL, ensure};
use vetted::reader::{Config, Vouching};
use vetted_evaluation::interval::Interval;

use crate::fitting::{Sample, fit as fitted, samples};
use crate::reading::{Asked, Form, kept};
use crate::scoring::{
    Accepted, Found, Known, RATES, Top, Without, by_source, coverage, figures, of_form, usual, vouches,
};
use crate::{Failure, verifier_folder};

type Sources = BTreeMap<(String, String), Vec<Asked>>;

/// From which probability on passages are accepted: so that, by weights fitted on other sources, fewer queries have a wrong
/// passage or a near-miss accepted than by the match alone.
const ACCEPT: f32 = 0.8;

/// What matches less is not vouched for: chosen with the same aim.
const MATCH_AT_LEAST: f32 = 0.6;

/// Where being ahead is cut.
const AHEAD_AT_MOST: f32 = 0.25;

/// Fits weights on the named sources, and prints them; before that, how each of these sources does by weights that were fitted
/// on the others.
pub fn fit(folder: &Path, names: &[&str]) -> Result<(), Failure> {
    let mut sources = by_source(kept(folder)?);
    sources.retain(|(source, _), _| names.contains(&source.as_str()));
    println!("By weights that were fitted on the other sources (those that share texts count as one):\n");
    header();
    for group in sources.keys().map(|(source, _)| group(source)).collect::<BTreeSet<_>>() {
        let (own, others): (Vec<_>, Vec<_>) = sources.iter().partition(|((source, _), _)| self::group(source) == group);
        let others: Sources = others.into_iter().map(|(key, asked)| (key.clone(), asked.clone())).collect();
        let vouching = fitted_on(&others)?;
        for (key, asked) in own {
            row(key, asked, &vouching, Some(&others))?;
        }
    }
    println!("\n{}", serde_json::to_string_pretty(&fitted_on(&sources)?)?);
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
    match source.split(['-', '.']).next().unwrap_or_default() {
        "xquad" | "squad2" | "qnli" | "adversarial_squad" => "squad".into(),
        name => name.into(),
    }
}

fn fitted_on(sources: &Sources) -> Result<Vouching, Failure> {
    let usual = usual(sources.values().flatten());
    let found = |form: Form, without: Without| {
        let found = sources.values().map(move |asked| of_form(asked, form, without, usual));
        found.map(|mut found| {
            found.retain(|it| it.iter().all(|passage| passage.is_asked));
            found
        })
    };
    let mut lessons: Vec<Sample> = Vec::new();
    for questions in found(Form::Question, Without::Nothing) {
        lessons.extend(samples(questions.iter(), AHEAD_AT_MOST));
    }
    // Questions about near-misses are few: those of all sources together are one more.
    let twins: Vec<Found> =
        [Without::Nothing, Without::Right].into_iter().flat_map(|it| found(Form::TwinQuestion, it)).flatten().collect();
    lessons.extend(samples(twins.iter(), AHEAD_AT_MOST));
    let names: BTreeSet<&str> = sources.keys().map(|(source, _)| source.as_str()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    let unfitted = Vouching {
        fitted: format!("cargo run --release -p vetted-study --example vouch -- fit; on {names}"),
        encoder: ensure(DEFAULT_MODEL, &mut |_| {})?.fingerprint()?,
        accept: ACCEPT,
        match_at_least: MATCH_AT_LEAST,
        usual,
        ahead_at_most: AHEAD_AT_MOST,
        offset: 0.0,
        matching: 0.0,
        ahead: 0.0,
    };
    Ok(fitted(&lessons, unfitted))
}

fn header() {
    let [few, more] = RATES.map(|rate| rate * 100.0);
    println!(
        "In each line: AUC of right against wrong passages; share of questions whose right passage is vouched for while at most \
         {few} % and {more} % of them have a wrong one vouched for; share whose surest passage is right and served while at most \
         {few} % and {more} % get a wrong one. [95 %]\n"
    );
}

/// How a source does; `others` are what thresholds are chosen on.
fn row(
    (source, mode): &(String, String),
    asked: &[Asked],
    vouching: &Vouching,
    others: Option<&Sources>,
) -> Result<(), Failure> {
    let questions = of_form(asked, Form::Question, Without::Nothing, vouching.usual);
    println!("{source}, {mode}");
    if !questions.is_empty() {
        for (name, score) in [
            ("match", &by_match as &dyn Fn(&Known) -> f32),
            ("all", &|[log_odds, ahead]| vouching.probability(*log_odds, *ahead)),
        ] {
            let (figures, intervals) = figures(&questions, score)?;
            let ([any2, any5], [top2, top5]) = (figures.vouched, figures.served);
            let shown = [figures.auc, any2, any5, top2, top5];
            let shown: Vec<String> =
                shown.iter().zip(&intervals).map(|(value, it)| with_interval(*value, it)).collect();
            print!("    by {name:5} n = {}: {}", questions.len(), shown.join("  "));
            match others {
                None => println!(),
                Some(others) => {
                    let of_mode = others.iter().filter(|((_, of), _)| of == mode);
                    let found =
                        of_mode.flat_map(|(_, it)| of_form(it, Form::Question, Without::Nothing, vouching.usual));
                    let tops: Vec<Top> = found.map(|it| top(&it, score)).collect();
                    let (_, from) = coverage(&tops, RATES[0], Top::vouched);
                    let own: Vec<(bool, bool)> = questions.iter().map(|it| top(it, score).vouched(from)).collect();
                    let share = |what: &dyn Fn(&(bool, bool)) -> bool| {
                        own.iter().filter(|it| what(it)).count() as f64 / own.len() as f64
                    };
                    let (right, wrong) = (share(&|it| it.0), share(&|it| it.1));
                    println!("; with the others' threshold for 2 %: right {right:.2}, wrong {wrong:.3}");
                }
            }
        }
    }
    for (form, name) in [(Form::Question, "questions"), (Form::TwinQuestion, "questions with a twin")] {
        for (without, there) in [(Without::Nothing, ""), (Without::Right, ", without the right passage")] {
            let found = of_form(asked, form, without, vouching.usual);
            if found.is_empty() {
                continue;
            }
            let told = |it: Accepted| {
                let share = |count: usize| count as f64 / it.n as f64;
                format!("right {:.3} wrong {:.3} twin {:.3}", share(it.right), share(it.wrong), share(it.twin))
            };
            let before = told(Accepted::of(&found, &|it| it.by_match));
            let now = told(Accepted::of(&found, &|it| vouches(it, vouching)));
            println!("    {name}{there}, n = {}: accepted by match: {before}; by all: {now}", found.len());
        }
    }
    Ok(())
}

fn by_match(known: &Known) -> f32 {
    known[0]
}

fn top(found: &Found, score: &dyn Fn(&Known) -> f32) -> Top {
    let may_be = found.iter().filter(|it| it.may_be);
    Top::of(&may_be.filter_map(|it| Some((score(it.known.as_ref()?), it.right))).collect())
}

fn with_interval(value: f64, interval: &Interval) -> String {
    format!("{value:.3} [{:.3}, {:.3}]", interval.low, interval.high)
}
