//! `vetted-verify`: a statement held against texts that the agent brings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vetted::reader;
use vetted::wire::{Outcome, Relation};

use super::answer::Answer;
use super::bounds::{
    Lines, MOST_OF_QUERY, MOST_OF_RESULTS, MOST_OF_WINDOW, MOST_RESULTS, in_one_line, keep_first, shorten,
};
use super::handler::Call;
use super::search::{check_query, verdict};
use crate::error::{Code, Failure};
use crate::reading::{Question, Rules, read};
use crate::routes::check_texts;
use crate::shapes::own::{TextWindow, VerifyResult, relation};

pub(super) const DESCRIPTION: &str = "\
Reads texts that you have (from a web page, a file, another tool, your own draft) beside a statement or question, and says of each \
whether it supports it. Use it before you state something on the strength of such a text, and to find out whether two sentences mean \
the same (relation \"equivalence\"). It notices who did what to whom, negation, numbers, dates and comparisons, where similarity \
search does not.

Each candidate has a verdict. accept: it supports the query (or means the same), with probability `p_match`. reject: it contradicts \
the query (or means something else), and `kind` says in what. abstain: it says neither, or not surely enough. unverified: it could \
not be read, and `why` says why: bring shorter texts, or a full statement.

`verified` is false when no candidate is accepted: then these texts do not vouch for the statement. Put it in other words, bring other \
texts, or say that they do not say it. An abstain is not a contradiction: only reject is.";

/// What is held against what.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// The statement to be checked, or a question, as a full sentence in English.
    #[schemars(length(min = 1, max = MOST_OF_QUERY))]
    query: String,
    /// The texts, best a few sentences each.
    #[schemars(length(min = 1, max = MOST_RESULTS), inner(length(min = 1)))]
    candidates: Vec<String>,
    /// What is asked: `support`, whether a candidate says that the query is so, or `equivalence`, whether both mean the same.
    #[serde(default)]
    #[schemars(with = "Asked", extend("default" = "support"))]
    relation: Option<Relation>,
    /// Give true when the candidates are many passages that a search found: each can look like support by mistake, so that more
    /// is asked of it.
    #[serde(default)]
    #[schemars(with = "bool", extend("default" = false))]
    passages: Option<bool>,
}

/// As [`Relation`], for schemas without references.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[allow(dead_code)]
pub(super) enum Asked {
    Support,
    Equivalence,
}

/// Verdicts on texts.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    /// The query.
    query: String,
    /// What was asked.
    relation: Relation,
    /// Whether at least one candidate is accepted.
    verified: bool,
    /// What follows from the verdicts, and what to do next.
    advice: String,
    /// A result for each candidate, in their order.
    results: Vec<VerifyResult>,
    /// Results that were left off to keep the answer short.
    left_off: usize,
}

pub(super) async fn call(call: &Call, arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments { query, candidates, relation: asked, passages } = arguments;
    check_query(&query)?;
    check_texts(&call.service, "candidates", &candidates)?;
    if candidates.len() > MOST_RESULTS {
        let message = format!("`candidates` has {}: verify at most {MOST_RESULTS} at a time", candidates.len());
        return Err(Failure::new(Code::LimitExceeded, message));
    }
    let rules = match (passages == Some(true), relation(asked)) {
        (false, relation) => Rules::Texts(relation),
        (true, reader::Relation::Support) => Rules::Passages,
        (true, reader::Relation::Equivalence) => {
            return Err(Failure::invalid("of `passages` only `support` can be asked"));
        }
    };
    call.is_at("reading the candidates");
    let question = Question { query: query.clone(), candidates: candidates.clone() };
    let read = read(&call.service, rules, vec![question], call.deadline).await?.answer;
    let verifications = read.verifications.into_iter().flatten();
    let mut results: Vec<VerifyResult> = verifications
        .zip(&candidates)
        .enumerate()
        .map(|(index, (verification, text))| {
            let mut window = TextWindow::of(text, &verification);
            window.iter_mut().for_each(|window| _ = shorten(&mut window.text, MOST_OF_WINDOW));
            VerifyResult {
                index,
                id: None,
                outcome: Outcome::from(&verification),
                window,
                evidence: None,
                calibrated: None,
            }
        })
        .collect();
    let verified = results.iter().any(|result| matches!(result.outcome, Outcome::Accept(_)));
    let advice = advice(&results, asked.unwrap_or(Relation::Support));
    let left_off = keep_first(&mut results, MOST_OF_RESULTS);
    let relation = asked.unwrap_or(Relation::Support);
    let output = Output { query, relation, verified, advice, results, left_off };
    Answer::new(output.text(), &output)
}

impl Output {
    fn text(&self) -> String {
        let mut lines = Lines::new(&self.advice);
        for VerifyResult { index, outcome, window, .. } in &self.results {
            let read = window.as_ref().map(|window| format!("\n   {}", in_one_line(&window.text))).unwrap_or_default();
            lines.add(&format!("candidate {index}: {}{read}", verdict(outcome)));
        }
        lines.finish(self.left_off)
    }
}

/// What follows from the verdicts.
pub(super) fn advice(results: &[VerifyResult], relation: Relation) -> String {
    let count = |is: fn(&Outcome) -> bool| results.iter().filter(|result| is(&result.outcome)).count();
    let accepted = count(|outcome| matches!(outcome, Outcome::Accept(_)));
    let rejected = count(|outcome| matches!(outcome, Outcome::Reject { .. }));
    let all = results.len();
    let (supports, contradicts) = match relation {
        Relation::Support => ("supports the query", "contradicts it"),
        Relation::Equivalence => ("means the same", "means something else"),
    };
    match (accepted, rejected) {
        (0, 0) => format!(
            "Not verified: none of {all} {supports}, and none {contradicts}. Put the query in other words, bring other texts, or say \
             that these do not say it."
        ),
        (0, rejected) => format!(
            "Not verified: none of {all} {supports}, and {rejected} {contradicts}. Do not state it on their strength."
        ),
        (accepted, 0) => format!("Verified: {accepted} of {all} {supports}."),
        (accepted, rejected) => {
            format!(
                "Verified, but the texts disagree: {accepted} of {all} {supports}, and {rejected} {contradicts}. Say so."
            )
        }
    }
}
