//! `vetted search`: questions to an index, and what can be vouched for among the answers.

use std::fs::File;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;
use vetted::wire::SearchAnswer;
use vetted::{Engine, Filter, Policy};

use super::{CONDITION_FAILED, DEFAULT_ALPHA, Mode, REQUIRE_VERIFIED, scorers};
use crate::parsing::within;
use crate::terminal::{bold, printable, printable_json, say};

mod answer;

pub use answer::{named, print};

/// Finds documents and reads each against the question: what contradicts it is left out, the rest carries a verdict.
///
/// accept: the document supports the question. reject: it contradicts the question, or another document says nearly the same
/// and supports it better. abstain: neither. unverified: too little was read, and it is said why.
#[derive(Args)]
pub struct Search {
    /// The question
    #[arg(required_unless_present = "queries", conflicts_with = "queries", allow_negative_numbers = true)]
    query: Option<String>,
    /// The index's folder
    #[arg(long, value_name = "DIR", env = "VETTED_INDEX")]
    index: PathBuf,
    /// Many questions: a file with one a line, or of JSONL with `_id` and `text`; `-` for standard input
    #[arg(long, value_name = "FILE")]
    queries: Option<PathBuf>,
    /// The question's vector, as a JSON array, for an index made with --vectors; questions of a --queries file bring theirs in
    /// the field that has the documents'
    #[arg(long, value_name = "ARRAY", conflicts_with = "queries", allow_hyphen_values = true)]
    vector: Option<String>,
    /// How many hits
    #[arg(short, long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    k: u32,
    /// What documents are ranked by
    #[arg(long, value_enum, env = "VETTED_MODE", default_value = "dense")]
    mode: Mode,
    /// The weight of the dense score in hybrid search, from 0 to 1
    #[arg(long, default_value_t = DEFAULT_ALPHA, value_parser = |text: &str| within(text, 0.0, 1.0), allow_negative_numbers = true)]
    alpha: f64,
    /// Only documents whose metadata fit: `field=value`, also !=, <, <=, >, >=; several must all fit
    #[arg(long, value_name = "CONDITION")]
    filter: Vec<Filter>,
    /// What becomes of documents that are rejected
    #[arg(long, value_enum, env = "VETTED_VERIFY", default_value = "filter")]
    verify: Verify,
    /// How many of the documents found are verified. Hits beyond them are marked unverified
    #[arg(long, value_name = "N", env = "VETTED_DEPTH", default_value_t = vetted::Verify::default().depth as u32,
        value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    depth: u32,
    /// Milliseconds for verifying, models loaded; what is left then is marked unverified [default: no limit]
    #[arg(long, value_name = "N", env = "VETTED_BUDGET_MS")]
    budget_ms: Option<u64>,
    /// Who judges: `vetted` (the shipped verifier), or a verifier's folder
    #[arg(long, value_name = "DIR", env = "VETTED_VERIFIER", default_value = "vetted")]
    verifier: String,
    /// Show the token pairs behind verdicts: they cost one reading of the pair per token
    #[arg(long)]
    evidence: bool,
    #[arg(long, help = REQUIRE_VERIFIED)]
    require_verified: bool,
    /// Print JSON: {query, mode, verified, hits: [{rank, id, score, scores, recall_rank, verdict, reason, finding, p_match,
    /// p_conflict, kind, window, evidence, title, snippet, metadata}], rejected, ms}. `reason` says why a document is rejected
    /// (contradicts, or rival, which is then named) or unverified; `finding` is supports, contradicts or neither
    #[arg(long)]
    json: bool,
}

/// What a rejection does.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Verify {
    /// Nobody judges
    Off,
    /// They stay, with their verdicts
    Flag,
    /// They are left out
    Filter,
}

impl Verify {
    /// For the library; none when nobody judges.
    pub fn policy(self) -> Option<Policy> {
        match self {
            Verify::Off => None,
            Verify::Flag => Some(Policy::Flag),
            Verify::Filter => Some(Policy::Filter),
        }
    }
}

impl Search {
    pub fn run(self) -> Result<ExitCode> {
        let engine = Engine::builder(&self.index).verifier(scorers::source(&self.verifier)).open()?;
        let verify = self.verify();
        if self.require_verified && verify.is_none() {
            wrong_usage("--require-verified asks for a verdict, and --verify off for none");
        }
        let mut out = stdout().lock();
        let mut vouched = true;
        for question in self.checked(engine.vector_field())? {
            let Question { id, text, vector } = question?;
            if self.queries.is_some() && text.trim().is_empty() {
                say(format_args!("query {id} is empty: skipped"));
                continue;
            }
            let search = vetted::Search::new(&text)
                .vector(vector)
                .k(self.k as usize)
                .mode(self.mode.with_alpha(self.alpha as f32));
            let search = self.filter.iter().cloned().fold(search.verify(verify), vetted::Search::filter);
            let found = engine.search(&search).with_context(|| format!("query {id}"))?;
            vouched &= found.verified();
            if self.json {
                let answer = SearchAnswer::new(self.queries.as_ref().map(|_| id), &search, &found);
                writeln!(out, "{}", printable_json(&serde_json::to_string(&answer)?))?;
            } else {
                if self.queries.is_some() {
                    writeln!(out, "{}", bold(&printable(&text)))?;
                }
                print(&mut out, &found)?;
            }
        }
        Ok(if self.require_verified && !vouched { CONDITION_FAILED.into() } else { ExitCode::SUCCESS })
    }

    fn verify(&self) -> Option<vetted::Verify> {
        let policy = self.verify.policy()?;
        let budget = self.budget_ms.map(Duration::from_millis);
        Some(vetted::Verify { policy, depth: self.depth as usize, budget, evidence: self.evidence })
    }

    /// The questions, a file of them read to its end: a bad line should not stop the work in the middle. What comes by
    /// standard input is answered as it comes.
    fn checked(&self, field: Option<&str>) -> Result<Box<dyn Iterator<Item = Result<Question>>>> {
        let questions = self.questions(field)?;
        if self.queries.as_ref().is_none_or(|path| path.as_os_str() == "-") {
            return Ok(questions);
        }
        let questions = questions.collect::<Result<Vec<_>>>()?;
        Ok(Box::new(questions.into_iter().map(Ok)))
    }

    /// `field` is where questions bring their vectors.
    fn questions(&self, field: Option<&str>) -> Result<Box<dyn Iterator<Item = Result<Question>>>> {
        if let Some(text) = self.query.clone() {
            let vector = self.vector.as_deref().map(serde_json::from_str).transpose();
            let vector = vector.context("--vector is not a JSON array of numbers, as [0.1, -0.2]")?;
            return Ok(Box::new(std::iter::once(Ok(Question { id: "1".into(), text, vector }))));
        }
        let field = field.map(str::to_owned);
        let Some(path) = self.queries.clone() else { bail!("no query: give one, or --queries FILE") };
        let lines: Box<dyn BufRead> = if path.as_os_str() == "-" {
            Box::new(stdin().lock())
        } else {
            Box::new(BufReader::new(File::open(&path).with_context(|| format!("cannot open {}", path.display()))?))
        };
        let place = move |line: usize| format!("{}:{}", path.display(), line + 1);
        let question = move |(number, line): (usize, std::io::Result<String>)| {
            let line = line.with_context(|| place(number));
            match line {
                Ok(line) if line.trim().is_empty() => None,
                line => Some(line.and_then(|line| {
                    Question::parse(number, line.trim(), field.as_deref()).with_context(|| place(number))
                })),
            }
        };
        Ok(Box::new(lines.lines().enumerate().filter_map(question)))
    }
}

/// Ends the program as clap does for options that do not fit each other.
fn wrong_usage(message: &str) -> ! {
    clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, format!("{message}\n")).exit()
}

struct Question {
    id: String,
    text: String,
    vector: Option<Vec<f32>>,
}

impl Question {
    /// A line that begins with a brace is a JSON object with `text`; any other is the question itself.
    fn parse(line_number: usize, line: &str, field: Option<&str>) -> Result<Question> {
        if !line.starts_with('{') {
            return Ok(Question { id: (line_number + 1).to_string(), text: line.to_owned(), vector: None });
        }
        let object: Value = serde_json::from_str(line)?;
        let Some(text) = object.get("text").and_then(Value::as_str) else { bail!("the object has no string `text`") };
        let id = match object.get("_id").or_else(|| object.get("id")) {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => (line_number + 1).to_string(),
        };
        let vector = field.and_then(|field| Some((field, object.get(field)?.clone())));
        let vector = vector.map(|(field, value)| {
            serde_json::from_value(value).with_context(|| format!("the field {field:?} is not an array of numbers"))
        });
        Ok(Question { id, text: text.to_owned(), vector: vector.transpose()? })
    }
}
