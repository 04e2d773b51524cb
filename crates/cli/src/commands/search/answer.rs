//! What a search found, for people. For programs there is [`vetted::wire`].

use std::io::Write;
use std::ops::Range;
use std::time::Duration;

use anyhow::Result;
use vetted::wire::TokenPair;
use vetted::{Finding, Found, Grounds, Hit, LeftOut, Outcome, Snippet};

use crate::terminal::{bold, colored, colors, counted, dim, highlighted, printable, token_pairs};

/// Hits for people: what was found, the verdict on it, and the sentence that decided it.
pub fn print(out: &mut impl Write, found: &Found) -> Result<()> {
    if found.hits.is_empty() {
        writeln!(out, "nothing found")?;
    }
    let width = found.hits.len().to_string().len();
    for hit in &found.hits {
        let (score, verdict) = (dim(&format!("{:.3}", hit.score)), verdict(&hit.outcome));
        writeln!(out, "{:>width$}. {score}{verdict}  {}", hit.rank, named(&hit.title, &hit.id))?;
        let shown = quoted(hit);
        if !shown.is_empty() {
            writeln!(out, "{:width$}  {shown}", "")?;
        }
        if let Some(explanation) = &hit.evidence {
            token_pairs(out, width + 2, &TokenPair::of(explanation))?;
        }
    }
    for LeftOut { id, title, recall_rank, outcome, window, .. } in &found.rejected {
        writeln!(out, "{} {recall_rank}.{}  {}", dim("left out"), verdict(outcome), named(title, id))?;
        writeln!(out, "{:width$}  {}", "", dim(&printable(&window.text)))?;
    }
    let vouched = match found.hits.iter().all(|hit| matches!(hit.outcome, Outcome::Off)) {
        true => "",
        false if found.verified() => "",
        false => "; none can be vouched for",
    };
    let (hits, spent) = (counted(found.hits.len(), "hit"), milliseconds(found.timing.total()));
    writeln!(out, "{}", dim(&format!("{hits} in {spent:.1} ms{vouched}")))?;
    Ok(())
}

/// A document by its title, if it has one, and its id.
pub fn named(title: &str, id: &str) -> String {
    match title {
        "" => bold(&printable(id)),
        title => format!("{}{}", bold(&printable(title)), dim(&format!("  {}", printable(id)))),
    }
}

/// The sentence that decided, in a terminal that shows colors with what stands around it; where nothing decided, what of the text
/// matches.
fn quoted(hit: &Hit) -> String {
    let Hit { outcome, window, snippet, .. } = hit;
    let decided = matches!(outcome, Outcome::Accept(_) | Outcome::Reject(..)) && !window.text.trim().is_empty();
    match place(window, snippet) {
        Some(place) if decided && colors() => highlighted(snippet, place),
        _ if decided => printable(&window.text),
        _ if *snippet == Snippet::default() => String::new(),
        _ => highlighted(snippet, 0..snippet.text.len()),
    }
}

/// Which bytes of the snippet the window is, if it is one of its parts.
fn place(window: &Snippet, snippet: &Snippet) -> Option<Range<usize>> {
    let first = window.chars.start.checked_sub(snippet.chars.start)?;
    let start = snippet.text.char_indices().nth(first)?.0;
    let place = start..start + window.text.len();
    (snippet.text.get(place.clone())? == window.text).then_some(place)
}

/// The verdict in a word, with its reason and its number.
fn verdict(outcome: &Outcome) -> String {
    let (text, color) = match outcome {
        Outcome::Off => return String::new(),
        Outcome::Unverified(why) => return format!("  {}", dim(&printable(&format!("unverified: {why}")))),
        Outcome::Abstain(read) => {
            let found = match read.judgement.finding {
                Finding::Supports => "abstain: supports, not surely enough",
                _ => "abstain",
            };
            return format!("  {}", colored(found, "33"));
        }
        Outcome::Accept(read) => {
            let answer = read.judgement.answer.map(|answer| format!(", answer: {}", answer.name())).unwrap_or_default();
            let sure = read.vouched.unwrap_or(read.judgement.p_match);
            (format!("accept: supports {sure:.2}{answer}"), "32")
        }
        Outcome::Reject(_, Grounds::Rival { id }) => {
            let id = printable(id);
            (format!("reject: says nearly the same as {id}, which supports the query better"), "31")
        }
        Outcome::Reject(read, Grounds::Contradicts) => {
            let kind = read.judgement.kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
            (format!("reject: contradicts {:.2}{kind}", read.judgement.p_conflict), "31")
        }
    };
    format!("  {}", colored(&text, color))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
