//! `vetted synth`: labelled pairs out of one's own documents.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use vetted::corpus::{ReadOptions, read};
use vetted_pairs::{self as pairs, Kind, squad};
use vetted_synthesis::{
    GeneratedReport, Options, Report, negate_pairs, report, report_generated, sentences, state_answers, synthesize,
};

use crate::commands::sources::SourcesFile;
use crate::parsing::within;
use crate::progress::spinner;
use crate::terminal::{counted, rate};

/// Negatives by kind (negation, roles, numbers, dates, ...) and positives made by the same operations (passive, moved
/// phrases, synonyms, ...), balanced so that word overlap, length or "not" do not give the label away; questions with
/// candidates that answer them and near misses that do not.
///
/// The report says how often an edited sentence reads worse than the originals do (1 % of these do, by definition), and
/// what a bag-of-words classifier reaches on the pairs: an AUC near 0.5 means that there is no shortcut.
#[derive(Args)]
pub struct Synth {
    /// Documents: JSONL, CSV, TSV, folders of .txt, .md and .html, as for `vetted index`
    #[arg(value_name = "CORPUS", required_unless_present_any = ["grammar", "negate", "answers"])]
    corpus: Vec<PathBuf>,
    /// The file to write, tab-separated; compressed if its name ends in .gz
    #[arg(long, value_name = "PAIRS.tsv[.gz]")]
    out: PathBuf,
    /// Only these kinds [default: all]
    #[arg(long, value_delimiter = ',', value_name = "KIND", value_parser = |name: &str| name.parse::<Kind>())]
    kind: Vec<Kind>,
    /// Pairs drawn from a sentence, before balancing
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=100))]
    per_sentence: u32,
    /// How much of the more frequent label is kept among pairs that look alike: 1 balances strictly, more keeps more
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = |text: &str| within(text, 1.0, f64::INFINITY),
        allow_negative_numbers = true)]
    slack: f64,
    /// Add so many pairs that a grammar generates, with its own words and no document
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=20_000_000))]
    grammar: u32,
    /// Add the negations of labelled pairs, of one side or both, as far as their labels follow from these pairs'
    #[arg(long, value_name = "PAIRS.tsv[.gz]")]
    negate: Option<PathBuf>,
    #[command(flatten)]
    sources: SourcesFile,
    /// Add pairs of questions' answers, stated, and the passages' sentences that say so or do not
    #[arg(long, value_name = "SQUAD.json[.gz]", num_args = 1..)]
    answers: Vec<PathBuf>,
    /// The same seed gives the same pairs
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl Synth {
    pub fn run(self) -> Result<()> {
        let documents: Vec<String> =
            read(&self.corpus, &ReadOptions::default()).map(|document| Ok(document?.text)).collect::<Result<_>>()?;
        let sentences: Vec<&str> = documents.iter().flat_map(|text| sentences(text)).collect();
        let mut options = Options {
            seed: self.seed,
            per_sentence: self.per_sentence as usize,
            slack: self.slack,
            ..Options::default()
        };
        if !self.kind.is_empty() {
            options.kinds.clone_from(&self.kind);
        }
        let start = Instant::now();
        let bar = spinner(&format!("making pairs of {}", counted(sentences.len(), "sentence")));
        let made = synthesize(sentences.iter().copied(), &options);
        let elapsed = start.elapsed();
        bar.finish_and_clear();
        if made.is_empty() && self.grammar == 0 && self.negate.is_none() && self.answers.is_empty() {
            bail!(nothing_made(documents.len(), &sentences, options));
        }
        let generated = vetted_grammar::generate(
            self.grammar as usize,
            &vetted_grammar::Options { seed: self.seed, ..Default::default() },
        );
        let negated = match &self.negate {
            Some(path) => {
                let labelled = pairs::read_labelled(path)?.with_sources(self.sources.read()?);
                negate_pairs(&labelled.collect::<Result<Vec<_>, _>>()?)
            }
            None => Vec::new(),
        };
        let mut paragraphs = Vec::new();
        for path in &self.answers {
            paragraphs.extend(squad::read(path)?);
        }
        let stated = state_answers(&paragraphs, self.seed);
        let all = made.iter().map(|made| &made.pair).chain(&generated).chain(&negated).chain(&stated);
        let written = pairs::write(&self.out, all)?;

        let report = report(&made, sentences.iter().copied());
        let of_grammar = report_generated(&generated);
        if self.json {
            let answer = as_json(&report, &of_grammar, written, sentences.len(), negated.len(), stated.len());
            writeln!(stdout(), "{answer}")?;
        } else {
            print(&report)?;
            let speed = rate(sentences.len() as u64, elapsed);
            writeln!(
                stdout(),
                "{written} pairs from {} sentences ({speed}) in {}",
                sentences.len(),
                self.out.display()
            )?;
            if !generated.is_empty() {
                print_generated(&of_grammar)?;
                writeln!(stdout(), "{} of them generated by the grammar", generated.len())?;
            }
            if !negated.is_empty() {
                writeln!(stdout(), "{} of them negations of labelled pairs", negated.len())?;
            }
            if !stated.is_empty() {
                writeln!(stdout(), "{} of them state the answers of questions", stated.len())?;
            }
        }
        Ok(())
    }
}

/// Why no pair came of documents, and what to do.
fn nothing_made(documents: usize, sentences: &[&str], options: Options) -> String {
    let given = format!("{} in {}", counted(sentences.len(), "sentence"), counted(documents, "document"));
    // Without balancing, to see whether that is what left nothing.
    let unbalanced = synthesize(sentences.iter().copied(), &Options { slack: f64::INFINITY, ..options });
    let matching = unbalanced.iter().filter(|made| made.matches()).count();
    match unbalanced.len() {
        0 => format!(
            "no pair could be made from {given}: none of them is an English sentence of 3 to 60 words in which an edit finds \
             something to change"
        ),
        pairs => format!(
            "{} could be made from {given}, {matching} that match and {} that do not, and balancing them leaves none: so few \
             give the label away by their words alone. Give more text, or keep what there is: --slack inf",
            counted(pairs, "pair"),
            pairs - matching
        ),
    }
}

fn print(report: &Report) -> Result<()> {
    let mut out = stdout().lock();
    if report.shortcut.pairs > 0 {
        writeln!(
            out,
            "{:<12} {:>9} {:>9}  edited sentences that read worse than 99 % of the originals",
            "kind", "match", "no match"
        )?;
    }
    for kind in Kind::ALL {
        let [matching, other] =
            [true, false].map(|label| report.kinds.get(&(kind, label)).copied().unwrap_or_default());
        if matching.pairs + other.pairs > 0 {
            let odd = (matching.odd + other.odd) as f64 / (matching.edited + other.edited).max(1) as f64;
            let name = kind.to_string();
            writeln!(out, "{name:<12} {:>9} {:>9}  {:.1} %", matching.pairs, other.pairs, 100.0 * odd)?;
        }
    }
    if report.shortcut.pairs > 0 {
        let shortcut = &report.shortcut;
        writeln!(out, "bag-of-words shortcut: AUC {:.3} (n = {}; 0.5 is none)", shortcut.auc, shortcut.pairs)?;
    }
    Ok(())
}

fn print_generated(report: &GeneratedReport) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{:<28} {:>9} {:>9}", "generated by the grammar", "match", "no match")?;
    for (phenomenon, [matching, other]) in &report.phenomena {
        writeln!(out, "{phenomenon:<28} {matching:>9} {other:>9}")?;
    }
    let shortcut = report.shortcut;
    writeln!(out, "bag-of-words shortcut: AUC {:.3} (n = {}; 0.5 is none)", shortcut.auc, shortcut.pairs)?;
    Ok(())
}

fn as_json(
    report: &Report,
    of_grammar: &GeneratedReport,
    written: u64,
    sentences: usize,
    negated: usize,
    stated: usize,
) -> serde_json::Value {
    let generated = |(phenomenon, [matching, other]): (&String, &[usize; 2])| json!({"phenomenon": phenomenon, "match": matching, "no_match": other});
    let tally = |((kind, matches), tally): (&(Kind, bool), &vetted_synthesis::Tally)| json!({"kind": kind.to_string(), "match": matches, "pairs": tally.pairs, "odd_share": tally.odd_share()});
    json!({
        "pairs": written,
        "sentences": sentences,
        "generated_by_grammar": of_grammar.phenomena.values().flatten().sum::<usize>(),
        "grammar": {
            "shortcut": {"auc": of_grammar.shortcut.auc, "n": of_grammar.shortcut.pairs},
            "phenomena": of_grammar.phenomena.iter().map(generated).collect::<Vec<_>>(),
        },
        "negated": negated,
        "answers_stated": stated,
        "shortcut": {"auc": report.shortcut.auc, "n": report.shortcut.pairs},
        "kinds": report.kinds.iter().map(tally).collect::<Vec<_>>(),
    })
}
