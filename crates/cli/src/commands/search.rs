//! `vetted search`: questions to an index, and what can be vouched for among the answers.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;
use vetted::corpus::{ReadOptions, TextLine, read_lines};
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
    #[arg(required_unless_present_any = ["queries", "vector"], conflicts_with = "queries", allow_negative_numbers = true)]
    query: Option<String>,
    /// The index's folder, or where it is on a server: redis://host:6379/NAME, qdrant://host:6334/NAME
    #[arg(long, value_name = "DIR", env = "VETTED_INDEX", hide_env_values = true)]
    index: PathBuf,
    /// Many questions: a file with one a line, or of JSONL with `_id` and `text`; `-` for standard input
    #[arg(long, value_name = "FILE")]
    queries: Option<PathBuf>,
    /// The question's vector, as a JSON array, for an index made with --vectors; questions of a --queries file bring theirs in
    /// the field that has the documents', or in `vector`. Without a text, what is found is unverified
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
    /// Only documents whose metadata fit: `field=value` (also !=, <, <=, >, >=), `field in a, b`, `exists field`, with `not` before
    /// `in` and `exists`, and `or` between conditions. Several filters must all fit. Numbers compare as numbers, texts letter for
    /// letter; a value in double quotes is a text
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
    /// Print JSON: {query, mode, score_scale, verified, hits: [{rank, id, score, scores, recall_rank, verdict, reason, finding, p_match,
    /// p_conflict, kind, answer, vouched, window, evidence, title, snippet, metadata}], rejected, ms}. `vouched` is the probability, by
    /// all that is known, that decides whether support is accepted. `reason` says why a document is rejected
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
        for question in self.checked(&engine)? {
            let Question { id, text, vector } = question?;
            if self.queries.is_some() && text.trim().is_empty() && vector.is_none() {
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
            for part in &found.not_asked {
                say(format_args!("warning: {}", printable(&part.to_string())));
            }
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
    fn checked(&self, engine: &Engine) -> Result<Box<dyn Iterator<Item = Result<Question>>>> {
        let questions = self.questions(engine)?;
        if self.queries.as_ref().is_none_or(|path| path.as_os_str() == "-") {
            return Ok(questions);
        }
        let questions = questions.collect::<Result<Vec<_>>>()?;
        Ok(Box::new(questions.into_iter().map(Ok)))
    }

    fn questions(&self, engine: &Engine) -> Result<Box<dyn Iterator<Item = Result<Question>>>> {
        let dimensions = engine.index().manifest().encoder.dimensions;
        let Some(path) = self.queries.clone() else {
            let vector = self.vector.as_deref().map(|array| given_vector(array, dimensions)).transpose()?;
            let text = self.query.clone().unwrap_or_default();
            return Ok(Box::new(std::iter::once(Ok(Question { id: "1".into(), text, vector }))));
        };
        let field = engine.vector_field().map(str::to_owned);
        let lines = read_lines(&path, ReadOptions::default().max_record_bytes)?;
        let question = move |line: Result<TextLine, vetted::corpus::Error>| match line {
            // An empty line asks nothing. What has an id and asks nothing is told.
            Ok(TextLine { id: None, text: Some(text), fields, .. }) if text.trim().is_empty() && fields.is_empty() => {
                None
            }
            Ok(line) => {
                let place = format!("{}:{}", path.display(), line.number);
                Some(Question::of(line, field.as_deref(), dimensions).context(place))
            }
            Err(error) => Some(Err(error.into())),
        };
        Ok(Box::new(lines.filter_map(question)))
    }
}

/// What `--vector` says.
fn given_vector(array: &str, dimensions: usize) -> Result<Vec<f32>> {
    let array: Value =
        serde_json::from_str(array).context("--vector is not a JSON array of numbers, as [0.1, -0.2]")?;
    vetted::corpus::vector(Some(&array), Some(dimensions)).map_err(|problem| anyhow!("--vector {problem}"))
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
    /// `field` is where documents bring their vectors; questions may call it `vector` as well.
    fn of(line: TextLine, field: Option<&str>, dimensions: usize) -> Result<Question> {
        let TextLine { number, id, text, fields } = line;
        let named = field.and_then(|field| fields.get_key_value(field).or_else(|| fields.get_key_value("vector")));
        let vector = named.map(|(name, value)| {
            vetted::corpus::vector(Some(value), Some(dimensions))
                .map_err(|problem| anyhow!("the vector in the field {name:?} {problem}"))
        });
        let vector = vector.transpose()?;
        let Some(text) = text.or_else(|| vector.as_ref().map(|_| String::new())) else {
            bail!("the object has no string `text`");
        };
        Ok(Question { id: id.unwrap_or_else(|| number.to_string()), text: text.trim().to_owned(), vector })
    }
}
