//! `vetted verify`: one query, its candidates, and why each was judged as it was.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Write, stdin, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use vetted::verification::{self, Verdict};
use vetted::{Explanation, Precision as Arithmetic, Verification, VerifierOptions};

use super::Precision;
use super::scorers::{self, JUDGES};
use crate::terminal::{bold, colored, dim, heat};

/// Prints verdict, probabilities, kind of conflict and the token pairs that decided; in a terminal, the similarity map too.
///
/// accept: the candidate can be vouched for. reject: it conflicts with the query, or does not match it. abstain: neither
/// is clear enough.
#[derive(Args)]
pub struct Verify {
    /// What the candidates are held against: a question, a claim, a cached prompt
    #[arg(short, long)]
    query: String,
    /// A text to judge; may be given many times. Without any, one a line is read from standard input
    #[arg(short, long)]
    candidate: Vec<String>,
    /// Texts to judge, as a retriever of your own found them: a file with one a line, or of JSONL with `text`; `-` for
    /// standard input
    #[arg(long, value_name = "FILE", conflicts_with = "candidate")]
    candidates: Option<PathBuf>,
    /// What is asked: does the candidate support the query, or do both mean the same?
    #[arg(long, value_enum, default_value = "support")]
    relation: Relation,
    #[arg(long, env = "VETTED_VERIFIER", default_value = "vetted", help = format!("Who judges: {JUDGES}"))]
    verifier: String,
    /// The arithmetic of encoder and reader
    #[arg(long, value_enum, env = "VETTED_PRECISION", default_value = "f32")]
    precision: Precision,
    /// Leave out the token pairs and the map: they cost one reading of the pair per token (and are given for the first 50
    /// candidates only)
    #[arg(long)]
    no_evidence: bool,
    /// Print JSON: {query, relation, verified, results: [{index, candidate, verdict, p_match, p_conflict, kind, window,
    /// evidence}]}
    #[arg(long)]
    json: bool,
}

/// What is asked about a pair.
#[derive(Clone, Copy, ValueEnum)]
pub enum Relation {
    /// Whether the candidate entails or answers the query
    Support,
    /// Whether the two say the same, in both directions
    Equivalence,
}

impl From<Relation> for verification::Relation {
    fn from(relation: Relation) -> Self {
        match relation {
            Relation::Support => verification::Relation::Support,
            Relation::Equivalence => verification::Relation::Equivalence,
        }
    }
}

/// Candidates that are explained; an explanation costs up to a hundred readings.
const EXPLAINED: usize = 50;

/// Token pairs shown as evidence.
const SHOWN_PAIRS: usize = 5;

impl Verify {
    pub fn run(self) -> Result<()> {
        let candidates = self.candidates()?;
        let options = VerifierOptions::all_in(Arithmetic::from(self.precision));
        let verifier = scorers::load_judge(&self.verifier, options)?;
        let relation = self.relation.into();
        let verified = verifier.verify(&self.query, &candidates, relation)?;
        let mut results = Vec::with_capacity(candidates.len());
        let mut out = stdout().lock();
        for (index, (candidate, verification)) in candidates.iter().zip(&verified).enumerate() {
            let explanation = match self.no_evidence || index >= EXPLAINED {
                true => None,
                false => verifier.explain(&self.query, &candidate[verification.window.clone()], relation)?,
            };
            if self.json {
                results.push(as_json(index, candidate, verification, explanation.as_ref()));
            } else {
                print(&mut out, candidate, verification, explanation.as_ref())?;
            }
        }
        if self.json {
            let accepted = verified.iter().any(|v| v.judgement.verdict == Verdict::Accept);
            let relation = self.relation.to_possible_value().map(|value| value.get_name().to_owned());
            let answer = json!({"query": self.query, "relation": relation, "verified": accepted, "results": results});
            writeln!(out, "{answer}")?;
        }
        Ok(())
    }

    fn candidates(&self) -> Result<Vec<String>> {
        if !self.candidate.is_empty() {
            return Ok(self.candidate.clone());
        }
        let (name, lines): (String, Box<dyn BufRead>) = match &self.candidates {
            Some(path) if path.as_os_str() != "-" => {
                let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
                (path.display().to_string(), Box::new(BufReader::new(file)))
            }
            _ if self.candidates.is_none() && stdin().is_terminal() => {
                bail!("nothing to judge: give --candidate TEXT, or one candidate a line on standard input")
            }
            _ => ("standard input".into(), Box::new(stdin().lock())),
        };
        let lines = lines.lines().collect::<std::io::Result<Vec<String>>>();
        let lines = lines.with_context(|| format!("cannot read candidates from {name}, one a line in UTF-8"))?;
        if lines.is_empty() {
            bail!("nothing to judge: {name} is empty; give one candidate a line, or --candidate TEXT");
        }
        let place = |number: usize| format!("{name}:{}", number + 1);
        lines.iter().enumerate().map(|(number, line)| candidate(line).with_context(|| place(number))).collect()
    }
}

/// A line that begins with a brace is a JSON object with `text`; any other is the candidate itself.
fn candidate(line: &str) -> Result<String> {
    if !line.starts_with('{') {
        return Ok(line.to_owned());
    }
    let object: Value = serde_json::from_str(line)?;
    let Some(text) = object.get("text").and_then(Value::as_str) else { bail!("the object has no string `text`") };
    Ok(text.to_owned())
}

fn as_json(index: usize, candidate: &str, verification: &Verification, explanation: Option<&Explanation>) -> Value {
    let judgement = &verification.judgement;
    json!({
        "index": index,
        "candidate": candidate,
        "verdict": judgement.verdict,
        "p_match": judgement.p_match,
        "p_conflict": judgement.p_conflict,
        "kind": judgement.kind,
        "window": [verification.window.start, verification.window.end],
        "evidence": explanation.map(evidence_json),
    })
}

/// The token pairs that decided.
pub fn evidence_json(explanation: &Explanation) -> Value {
    let pair = |pair: &verification::TokenPair| {
        json!({
            "query": explanation.query_tokens[pair.query],
            "candidate": explanation.candidate_tokens[pair.candidate],
            "similarity": pair.similarity,
            "weight": pair.weight,
        })
    };
    shown(explanation).map(pair).collect()
}

/// The pairs worth showing: `[CLS]` and `[SEP]` say nothing to people.
fn shown(explanation: &Explanation) -> impl Iterator<Item = &verification::TokenPair> {
    let special = |token: &str| token.starts_with('[') && token.ends_with(']');
    let pairs = explanation.evidence.pairs.iter().filter(move |pair| {
        !special(&explanation.query_tokens[pair.query]) && !special(&explanation.candidate_tokens[pair.candidate])
    });
    pairs.take(SHOWN_PAIRS)
}

fn print(
    out: &mut impl Write,
    candidate: &str,
    verification: &Verification,
    explanation: Option<&Explanation>,
) -> Result<()> {
    let judgement = &verification.judgement;
    let (verdict, color) = match judgement.verdict {
        Verdict::Accept => ("accept", "32"),
        Verdict::Reject => ("reject", "31"),
        Verdict::Abstain => ("abstain", "33"),
    };
    let kind = judgement.kind.map(|kind| format!("  {kind}")).unwrap_or_default();
    writeln!(out, "{}  {}", colored(&format!("{verdict:<7}"), color), bold(candidate))?;
    writeln!(out, "         match {:.3}  conflict {:.3}{kind}", judgement.p_match, judgement.p_conflict)?;
    let Some(explanation) = explanation else { return Ok(()) };
    for pair in shown(explanation) {
        let (query, candidate) = (&explanation.query_tokens[pair.query], &explanation.candidate_tokens[pair.candidate]);
        let (similarity, weight) = (pair.similarity, pair.weight);
        writeln!(
            out,
            "         {query} ~ {candidate}  {}",
            dim(&format!("similarity {similarity:.2}, weight {weight:.2}"))
        )?;
    }
    if stdout().is_terminal() {
        grid(out, explanation)?;
    }
    Ok(())
}

/// The similarity map: the query's tokens downwards, the candidate's across.
fn grid(out: &mut impl Write, explanation: &Explanation) -> Result<()> {
    let Explanation { evidence, query_tokens, candidate_tokens } = explanation;
    let width = query_tokens.iter().map(|token| token.chars().count()).max().unwrap_or(0);
    for (token, row) in query_tokens.iter().zip(evidence.map.chunks_exact(evidence.columns.max(1))) {
        let cells: String = row.iter().map(|similarity| heat(*similarity)).collect();
        writeln!(out, "         {token:>width$} {cells}")?;
    }
    // Words do not fit under columns one letter wide: they are listed by number.
    for (row, tokens) in candidate_tokens.chunks(12).enumerate() {
        let numbered: Vec<String> =
            tokens.iter().enumerate().map(|(i, token)| format!("{}:{token}", row * 12 + i + 1)).collect();
        writeln!(out, "         {:>width$} {}", "", dim(&numbered.join(" ")))?;
    }
    Ok(())
}
