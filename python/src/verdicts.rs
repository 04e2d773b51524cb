//! What the verifier says, as the tuples that `vetted/verdicts.py` makes its classes of.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use vetted::wire::{Grounds, Judgement, Outcome};
use vetted::{Explanation, Snippet};

use crate::values::{bytes_of, name};

/// Verdict, reason, why, finding, p_match, p_conflict, kind, answer, vouched, rival.
pub type Said = (
    &'static str,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<f64>,
    Option<f64>,
    Option<String>,
    Option<String>,
    Option<f64>,
    Option<String>,
);

/// An outcome as a tuple.
pub fn said(outcome: Outcome) -> Said {
    let (verdict, reason, why, judgement, rival) = match outcome {
        Outcome::Accept(judgement) => ("accept", None, None, Some(judgement), None),
        Outcome::Abstain(judgement) => ("abstain", None, None, Some(judgement), None),
        Outcome::Unverified { reason, why, judgement } => ("unverified", name(reason), Some(why), judgement, None),
        Outcome::Reject { judgement, grounds } => {
            let (reason, rival) = match grounds {
                Grounds::Contradicts => ("contradicts", None),
                Grounds::Different => ("different", None),
                Grounds::Rival { rival } => ("rival", Some(rival)),
                Grounds::Improbable => ("improbable", None),
            };
            ("reject", Some(reason.to_owned()), None, Some(judgement), rival)
        }
    };
    match judgement {
        Some(Judgement { finding, p_match, p_conflict, kind, answer, vouched }) => (
            verdict,
            reason,
            why,
            name(finding),
            Some(p_match),
            Some(p_conflict),
            kind,
            answer.and_then(name),
            vouched,
            rival,
        ),
        None => (verdict, reason, why, None, None, None, None, None, None, rival),
    }
}

/// A place in a text in characters, as Python counts, of one in bytes.
pub fn characters(text: &str, bytes: &std::ops::Range<usize>) -> (usize, usize) {
    if bytes.start == 0 && bytes.end == text.len() {
        return (0, text.chars().count());
    }
    let start = text.get(..bytes.start).map_or(0, |before| before.chars().count());
    (start, start + text.get(bytes.clone()).map_or(0, |part| part.chars().count()))
}

/// A snippet: text, first character, the one after the last, matches.
pub fn snippet(snippet: &Snippet) -> (String, usize, usize, Vec<(usize, usize)>) {
    let matches = snippet.matches.iter().map(|bytes| characters(&snippet.text, bytes)).collect();
    (snippet.text.clone(), snippet.chars.start, snippet.chars.end, matches)
}

/// An explanation: tokens of both, the map's bytes, weights of both as bytes, pairs of positions with similarity and weight.
pub fn explained<'py>(py: Python<'py>, explanation: &Explanation) -> PyResult<Bound<'py, PyTuple>> {
    let Explanation { evidence, query_tokens, candidate_tokens } = explanation;
    let pairs: Vec<(usize, usize, f32, f32)> =
        evidence.pairs.iter().map(|it| (it.query, it.candidate, it.similarity, it.weight)).collect();
    (
        query_tokens.clone(),
        candidate_tokens.clone(),
        pyo3::types::PyByteArray::new(py, &bytes_of(&evidence.map)),
        pyo3::types::PyByteArray::new(py, &bytes_of(&evidence.query)),
        pyo3::types::PyByteArray::new(py, &bytes_of(&evidence.candidate)),
        pairs,
    )
        .into_pyobject(py)
}
