//! `vetted verify`: one query, its candidates, and why each was judged as it was.

use std::io::{IsTerminal, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use vetted::calibrated::{Calibrated, CalibratedVerdict};
use vetted::calibration::{Calibration, Ruling};
use vetted::corpus::{ReadOptions, TextLine, read_lines};
use vetted::models::DEFAULT_MODEL;
use vetted::wire::{TokenPair, VerifyAnswer, VerifyResult};
use vetted::{
    Explanation, Judgement, Precision as Arithmetic, Verdict, Verification, Verifier, VerifierOptions, reader,
};

use super::scorers::{self, JUDGES};
use super::{CONDITION_FAILED, Precision, REQUIRE_VERIFIED};
use crate::terminal::{bold, colored, dim, heat, printable, printable_json, token_pairs};

/// Prints verdict, finding, probabilities and kind of difference; with --evidence the token pairs that decided and, in a
/// terminal, the similarity map.
///
/// accept: the candidate supports the query, or says the same. reject: it contradicts the query, or is different where
/// equivalence is asked about. abstain: none of these, or not clearly enough. unverified: too little was read, and it is said
/// why. The exit status is 0 whatever the verdicts, unless --require-verified or --fail-on asks for another.
#[derive(Args)]
pub struct Verify {
    /// What the candidates are held against: a question, a claim, a cached prompt
    #[arg(short, long, allow_hyphen_values = true)]
    query: String,
    /// A text to judge; may be given many times. Without any, one a line is read from standard input
    #[arg(short, long, allow_hyphen_values = true)]
    candidate: Vec<String>,
    /// Texts to judge, as a retriever of your own found them: a file with one a line, or of JSONL with `text` (and `_id`, if it is
    /// wanted back); `-` for
    /// standard input
    #[arg(long, value_name = "FILE", conflicts_with = "candidate")]
    candidates: Option<PathBuf>,
    /// What is asked: does the candidate support the query, or do both mean the same?
    #[arg(long, value_enum, default_value = "support")]
    relation: Relation,
    #[arg(long, env = "VETTED_VERIFIER", default_value = "vetted", help = format!("Who judges: {JUDGES}"))]
    verifier: String,
    /// The arithmetic of encoder and reader
    #[arg(long, value_enum, env = "VETTED_PRECISION", default_value = "auto")]
    precision: Precision,
    /// Show the token pairs that decided and the map: they cost one reading of the pair per token (and are given for the first
    /// 50 candidates only)
    #[arg(long)]
    evidence: bool,
    #[arg(long, help = REQUIRE_VERIFIED)]
    require_verified: bool,
    /// Decide by the thresholds of this calibration (`vetted calibrate --out FILE`); it must have been made for the same verifier and
    /// relation
    #[arg(long, value_name = "FILE", env = "VETTED_CALIBRATION")]
    calibration: Option<PathBuf>,
    /// Whose thresholds, where the calibration has some for each segment: a tenant, an intent
    #[arg(long, value_name = "NAME", requires = "calibration")]
    segment: Option<String>,
    /// The encoder that the calibration takes the cosine of, if it takes one [default: all-MiniLM-L6-v2]
    #[arg(long, env = "VETTED_MODEL", requires = "calibration")]
    model: Option<String>,
    /// Exit with status 3 if any candidate has one of these verdicts, as in --fail-on reject,unverified
    #[arg(long, value_enum, value_delimiter = ',', value_name = "VERDICT")]
    fail_on: Vec<Failing>,
    /// Print JSON: {query, relation, verified, results: [{index, id, candidate, verdict, reason, finding, p_match, p_conflict, kind,
    /// answer, window, evidence, calibrated: {probability, score, segment, features}}]}. `finding` is supports, contradicts or neither; of equivalence same, different or neither
    #[arg(long)]
    json: bool,
}

/// A verdict that a script does not go on with.
#[derive(Clone, Copy, ValueEnum)]
enum Failing {
    /// The candidate contradicts the query, or is different
    Reject,
    /// Neither, or not clearly enough
    Abstain,
    /// Too little was read
    Unverified,
}

impl From<Failing> for Verdict {
    fn from(failing: Failing) -> Verdict {
        match failing {
            Failing::Reject => Verdict::Reject,
            Failing::Abstain => Verdict::Abstain,
            Failing::Unverified => Verdict::Unverified,
        }
    }
}

/// What is asked about a pair.
#[derive(Clone, Copy, ValueEnum)]
pub enum Relation {
    /// Whether the candidate entails or answers the query
    Support,
    /// Whether the two say the same, in both directions
    Equivalence,
}

impl From<Relation> for reader::Relation {
    fn from(relation: Relation) -> Self {
        match relation {
            Relation::Support => reader::Relation::Support,
            Relation::Equivalence => reader::Relation::Equivalence,
        }
    }
}

/// Candidates that are explained; an explanation costs up to a hundred readings.
const EXPLAINED: usize = 50;

impl Verify {
    pub fn run(self) -> Result<ExitCode> {
        let (mut ids, candidates) = self.candidates()?;
        let options = VerifierOptions::all_in(Arithmetic::from(self.precision));
        let calibration = self.calibration.as_deref().map(Calibration::read).transpose()?;
        let verifier = scorers::load_judge(&self.verifier, options)?;
        let relation = self.relation.into();
        let calibrated = match calibration {
            Some(calibration) => Some(self.calibrated(calibration, &verifier)?),
            None => None,
        };
        let verified = verifier.verify(&self.query, &candidates, relation)?;
        let calibrated = match &calibrated {
            Some(calibrated) => {
                let texts: Vec<&str> = candidates.iter().map(String::as_str).collect();
                let (segment, team) = (self.segment.as_deref(), &mut verifier.compute().team());
                calibrated.decide(&self.query, &texts, &verified, segment, team)?.into_iter().map(Some).collect()
            }
            None => vec![None; verified.len()],
        };
        let verdicts: Vec<Verdict> =
            verified.iter().zip(&calibrated).map(|(one, it)| verdict(one, it.as_ref())).collect();
        let mut results = Vec::with_capacity(candidates.len());
        let mut out = stdout().lock();
        for (index, (candidate, verification)) in candidates.iter().zip(&verified).enumerate() {
            let window = verification.assessment().map(|read| &candidate[read.window.clone()]);
            let explanation = match window.filter(|_| self.evidence && index < EXPLAINED) {
                Some(window) => verifier.explain(&self.query, window, relation)?,
                None => None,
            };
            if self.json {
                let mut result = VerifyResult::new(index, candidate, verification, explanation.as_ref());
                if let Some(calibrated) = &calibrated[index] {
                    result = result.calibrated(verification, calibrated, self.segment.as_deref());
                }
                results.push(result.id(ids[index].take()));
            } else {
                let verdict = (verdicts[index], calibrated[index].as_ref());
                print(&mut out, candidate, verification, verdict, explanation.as_ref())?;
            }
        }
        if self.json {
            let answer = VerifyAnswer::new(self.query, relation, results);
            writeln!(out, "{}", printable_json(&serde_json::to_string(&answer)?))?;
        }
        let vouched = verdicts.contains(&Verdict::Accept);
        let failing = |one: &Verdict| self.fail_on.iter().any(|failing| *one == (*failing).into());
        let holds = (vouched || !self.require_verified) && !verdicts.iter().any(failing);
        Ok(if holds { ExitCode::SUCCESS } else { CONDITION_FAILED.into() })
    }

    /// The calibration with the models that it was made for.
    fn calibrated(&self, calibration: Calibration, verifier: &Verifier) -> Result<Calibrated> {
        let encoder = match &calibration.encoder {
            Some(expected) => {
                let name = self.model.as_deref().filter(|name| !name.is_empty()).unwrap_or(DEFAULT_MODEL);
                let precision = Arithmetic::from(self.precision);
                let encoder = scorers::load_encoder(name, precision);
                Some(Arc::new(
                    encoder.with_context(|| format!("the calibration takes the cosine of {}", expected.name))?,
                ))
            }
            None => None,
        };
        let calibrated = Calibrated::new(calibration, self.relation.into(), verifier, encoder)?;
        calibrated.check_segment(self.segment.as_deref())?;
        Ok(calibrated)
    }

    /// What is judged, with the ids that candidates have.
    fn candidates(&self) -> Result<(Vec<Option<String>>, Vec<String>)> {
        if !self.candidate.is_empty() {
            return Ok((vec![None; self.candidate.len()], self.candidate.clone()));
        }
        if self.candidates.is_none() && stdin().is_terminal() {
            bail!("nothing to judge: give --candidate TEXT, or one candidate a line on standard input");
        }
        let path = self.candidates.as_deref().unwrap_or(Path::new("-"));
        let name = if path.as_os_str() == "-" { "standard input".into() } else { path.display().to_string() };
        let (mut ids, mut texts) = (Vec::new(), Vec::new());
        for line in read_lines(path, ReadOptions::default().max_record_bytes)? {
            let TextLine { number, id, text, .. } = line?;
            ids.push(id);
            texts.push(text.with_context(|| format!("{name}:{number}: the object has no string `text`"))?);
        }
        if texts.is_empty() {
            bail!("nothing to judge: {name} is empty; give one candidate a line, or --candidate TEXT");
        }
        Ok((ids, texts))
    }
}

/// The verdict: the calibration's, where one was asked. What was not verified stays so.
fn verdict(verification: &Verification, calibrated: Option<&CalibratedVerdict>) -> Verdict {
    match (verification.verdict(), calibrated.map(|it| it.decided.ruling)) {
        (verdict, None) | (verdict @ Verdict::Unverified, _) => verdict,
        (_, Some(Ruling::Accept)) => Verdict::Accept,
        (_, Some(Ruling::Reject)) => Verdict::Reject,
        (_, Some(Ruling::Abstain)) => Verdict::Abstain,
    }
}

/// Where the lines below a verdict begin.
const INDENT: usize = 12;

fn print(
    out: &mut impl Write,
    candidate: &str,
    verification: &Verification,
    (verdict, calibrated): (Verdict, Option<&CalibratedVerdict>),
    explanation: Option<&Explanation>,
) -> Result<()> {
    let color = match verdict {
        Verdict::Accept => "32",
        Verdict::Reject => "31",
        Verdict::Abstain => "33",
        Verdict::Unverified => "2",
    };
    let verdict = colored(&format!("{verdict:<10}"), color);
    writeln!(out, "{verdict}  {}", bold(&printable(candidate)))?;
    if let Verification::Unverified(why, _) = verification {
        writeln!(out, "{:INDENT$}{}", "", printable(&why.to_string()))?;
    }
    if let Some(Judgement { finding, p_match, p_conflict, kind, answer }) = verification.judgement() {
        let kind = kind.map(|kind| format!("  {kind}")).unwrap_or_default();
        let answer = answer.map(|answer| format!("  answer: {}", answer.name())).unwrap_or_default();
        writeln!(out, "{:INDENT$}{finding}  match {p_match:.3}  conflict {p_conflict:.3}{kind}{answer}", "")?;
    }
    if let Some(probability) = calibrated.and_then(|it| it.decided.probability) {
        writeln!(out, "{:INDENT$}calibrated: right to accept with a probability of {probability:.4}", "")?;
    }
    let Some(explanation) = explanation else { return Ok(()) };
    token_pairs(out, INDENT, &TokenPair::of(explanation))?;
    if stdout().is_terminal() {
        grid(out, explanation)?;
    }
    Ok(())
}

/// The similarity map: the query's tokens downwards, the candidate's across.
fn grid(out: &mut impl Write, explanation: &Explanation) -> Result<()> {
    let Explanation { evidence, query_tokens, candidate_tokens } = explanation;
    let width = query_tokens.iter().map(|token| token.chars().count()).max().unwrap_or(0);
    for (token, row) in
        query_tokens.iter().map(|token| printable(token)).zip(evidence.map.chunks_exact(evidence.columns.max(1)))
    {
        let cells: String = row.iter().map(|similarity| heat(*similarity)).collect();
        writeln!(out, "{:INDENT$}{token:>width$} {cells}", "")?;
    }
    // Words do not fit under columns one letter wide: they are listed by number.
    for (row, tokens) in candidate_tokens.chunks(12).enumerate() {
        let numbered: Vec<String> =
            tokens.iter().enumerate().map(|(i, token)| format!("{}:{}", row * 12 + i + 1, printable(token))).collect();
        writeln!(out, "{:INDENT$}{:>width$} {}", "", "", dim(&numbered.join(" ")))?;
    }
    Ok(())
}
