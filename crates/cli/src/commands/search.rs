//! `vetted search`: questions to an index.

use std::fs::File;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use vetted::{Engine, Filter, Found, Hit};

use super::index::report_notices;
use super::{DEFAULT_ALPHA, Mode};
use crate::terminal::{bold, dim, highlighted};

/// Prints hits for people, or with --json one JSON object a query.
#[derive(Args)]
pub struct Search {
    /// The question
    #[arg(required_unless_present = "queries", conflicts_with = "queries")]
    query: Option<String>,
    /// The index's folder
    #[arg(long, value_name = "DIR", env = "VETTED_INDEX")]
    index: PathBuf,
    /// Many questions: a file with one a line, or of JSONL with `_id` and `text`; `-` for standard input
    #[arg(long, value_name = "FILE")]
    queries: Option<PathBuf>,
    /// How many hits
    #[arg(short, long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    k: u32,
    /// What documents are ranked by
    #[arg(long, value_enum, env = "VETTED_MODE", default_value = "dense")]
    mode: Mode,
    /// The weight of the dense score in hybrid search, from 0 to 1
    #[arg(long, default_value_t = DEFAULT_ALPHA)]
    alpha: f32,
    /// Only documents whose metadata fit: `field=value`, also !=, <, <=, >, >=; several must all fit
    #[arg(long, value_name = "CONDITION")]
    filter: Vec<Filter>,
    /// Print JSON: {query, mode, hits: [{rank, id, score, scores, title, snippet, metadata}], ms}
    #[arg(long)]
    json: bool,
}

impl Search {
    pub fn run(self) -> Result<()> {
        let engine = Engine::open(&self.index)?;
        let mut out = stdout().lock();
        for question in self.questions()? {
            let Question { id, text } = question?;
            let search = self.filter.iter().cloned().fold(
                vetted::Search::new(&text).k(self.k as usize).mode(self.mode.with_alpha(self.alpha)),
                vetted::Search::filter,
            );
            let found = engine.search(&search).with_context(|| format!("query {id}"))?;
            report_notices(&engine);
            if self.json {
                writeln!(out, "{}", as_json(self.queries.as_ref().map(|_| &id), &text, self.mode, &found))?;
            } else {
                if self.queries.is_some() {
                    writeln!(out, "{}", bold(&text))?;
                }
                print(&mut out, &found)?;
            }
        }
        Ok(())
    }

    fn questions(&self) -> Result<Box<dyn Iterator<Item = Result<Question>>>> {
        if let Some(query) = &self.query {
            return Ok(Box::new(std::iter::once(Ok(Question { id: "1".into(), text: query.clone() }))));
        }
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
                line => Some(line.and_then(|line| Question::parse(number, line.trim()).with_context(|| place(number)))),
            }
        };
        Ok(Box::new(lines.lines().enumerate().filter_map(question)))
    }
}

struct Question {
    id: String,
    text: String,
}

impl Question {
    /// A line that begins with a brace is a JSON object with `text`; any other is the question itself.
    fn parse(line_number: usize, line: &str) -> Result<Question> {
        if !line.starts_with('{') {
            return Ok(Question { id: (line_number + 1).to_string(), text: line.to_owned() });
        }
        let object: Value = serde_json::from_str(line)?;
        let Some(text) = object.get("text").and_then(Value::as_str) else { bail!("the object has no string `text`") };
        let id = match object.get("_id").or_else(|| object.get("id")) {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => (line_number + 1).to_string(),
        };
        Ok(Question { id, text: text.to_owned() })
    }
}

/// Hits for people.
pub fn print(out: &mut impl Write, found: &Found) -> Result<()> {
    if found.hits.is_empty() {
        writeln!(out, "nothing found")?;
    }
    let width = found.hits.len().to_string().len();
    for hit in &found.hits {
        let name = if hit.title.is_empty() { hit.id.as_str() } else { hit.title.as_str() };
        let id = if hit.title.is_empty() { String::new() } else { dim(&format!("  {}", hit.id)) };
        writeln!(out, "{:>width$}. {}  {}{id}", hit.rank, dim(&format!("{:.3}", hit.score)), bold(name))?;
        if !hit.snippet.text.is_empty() {
            writeln!(out, "{:width$}  {}", "", highlighted(&hit.snippet))?;
        }
    }
    let spent = found.encoding + found.ranking;
    writeln!(out, "{}", dim(&format!("{} hits in {:.1} ms", found.hits.len(), milliseconds(spent))))?;
    Ok(())
}

fn as_json(id: Option<&String>, query: &str, mode: Mode, found: &Found) -> Value {
    let hits: Vec<Value> = found.hits.iter().map(hit_json).collect();
    let mut object = json!({
        "query": query,
        "mode": mode.name(),
        "hits": hits,
        "ms": {"encode": milliseconds(found.encoding), "rank": milliseconds(found.ranking)},
    });
    if let (Some(id), Some(object)) = (id, object.as_object_mut()) {
        object.shift_insert(0, "query_id".into(), id.clone().into());
    }
    object
}

fn hit_json(hit: &Hit) -> Value {
    let characters = |bytes: &std::ops::Range<usize>| {
        let start = hit.snippet.text[..bytes.start].chars().count();
        [start, start + hit.snippet.text[bytes.clone()].chars().count()]
    };
    json!({
        "rank": hit.rank,
        "id": hit.id,
        "score": hit.score,
        "scores": {"dense": hit.scores.dense, "bm25": hit.scores.bm25},
        "title": hit.title,
        "snippet": {
            "text": hit.snippet.text,
            "start": hit.snippet.chars.start,
            "end": hit.snippet.chars.end,
            "matches": hit.snippet.matches.iter().map(characters).collect::<Vec<_>>(),
        },
        "metadata": hit.metadata,
    })
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
