//! What a search found, for people and for programs.

use std::io::Write;
use std::ops::Range;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Map, Value, json};
use vetted::verification::Verdict;
use vetted::{Candidate, Found, Hit, Part, Search, Snippet, Vetting};

use crate::commands::Mode;
use crate::commands::verify::evidence_json;
use crate::terminal::{bold, colored, dim, highlighted};

/// Hits for people.
pub fn print(out: &mut impl Write, found: &Found) -> Result<()> {
    if found.hits.is_empty() {
        writeln!(out, "nothing found")?;
    }
    let width = found.hits.len().to_string().len();
    for hit in &found.hits {
        let name = if hit.title.is_empty() { hit.id.as_str() } else { hit.title.as_str() };
        let id = if hit.title.is_empty() { String::new() } else { dim(&format!("  {}", hit.id)) };
        let (score, verdict) = (dim(&format!("{:.3}", hit.score)), verdict_line(&hit.vetting));
        writeln!(out, "{:>width$}. {score}{verdict}  {}{id}", hit.rank, bold(name))?;
        if !hit.snippet.text.is_empty() {
            writeln!(out, "{:width$}  {}", "", highlighted(&hit.snippet))?;
        }
    }
    for Candidate { id, recall_rank, vetting, .. } in &found.rejected {
        writeln!(out, "{}", dim(&format!("left out: {id}, found {recall_rank}., {}", reasons(vetting))))?;
    }
    let vouched = match found.hits.iter().all(|hit| matches!(hit.vetting, Vetting::Off)) {
        true => "",
        false if found.verified() => "",
        false => "; none can be vouched for",
    };
    let (count, spent) = (found.hits.len(), milliseconds(found.timing.total()));
    writeln!(out, "{}", dim(&format!("{count} hits in {spent:.1} ms{vouched}")))?;
    Ok(())
}

/// The verdict in a word, with its number.
fn verdict_line(vetting: &Vetting) -> String {
    let (text, color) = match (vetting, vetting.verdict()) {
        (Vetting::Off, _) => return String::new(),
        (Vetting::Unverified(why), _) => return format!("  {}", dim(&format!("unverified ({why})"))),
        (_, Some(Verdict::Accept)) => (format!("accept {}", reasons(vetting)), "32"),
        (_, Some(Verdict::Reject)) => (format!("reject {}", reasons(vetting)), "31"),
        (_, Some(Verdict::Abstain) | None) => return format!("  {}", dim("abstain")),
    };
    format!("  {}", colored(&text, color))
}

fn reasons(vetting: &Vetting) -> String {
    let Some(vetted) = vetting.vetted() else { return String::new() };
    let judgement = &vetted.judgement;
    if let Some(rival) = &vetted.rival {
        return format!("says nearly the same as {rival}, which supports the query better");
    }
    match (judgement.verdict, judgement.kind) {
        (Verdict::Accept, _) => format!("{:.2}", judgement.p_match),
        (_, Some(kind)) => format!("conflict {:.2}: {kind}", judgement.p_conflict),
        (_, None) => format!("conflict {:.2}", judgement.p_conflict),
    }
}

/// One answer for programs.
pub fn as_json(id: Option<&String>, search: &Search, mode: Mode, found: &Found) -> Value {
    let mut answer = Map::new();
    if let Some(id) = id {
        answer.insert("query_id".into(), id.clone().into());
    }
    answer.insert("query".into(), search.text.clone().into());
    answer.insert("mode".into(), mode.name().into());
    if search.verify.is_some() {
        answer.insert("verified".into(), found.verified().into());
    }
    answer.insert("hits".into(), found.hits.iter().map(hit_json).collect());
    if search.verify.is_some() {
        answer.insert("rejected".into(), found.rejected.iter().map(rejected_json).collect());
    }
    let mut spent = json!({"encode": milliseconds(found.timing.encoding), "rank": milliseconds(found.timing.ranking)});
    if search.verify.is_some() {
        spent["verify"] = milliseconds(found.timing.verifying).into();
    }
    answer.insert("ms".into(), spent);
    Value::Object(answer)
}

fn hit_json(hit: &Hit) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.into(), value);
    put("rank", hit.rank.into());
    put("id", hit.id.clone().into());
    put("score", hit.score.into());
    put("scores", json!({"dense": hit.scores.dense, "bm25": hit.scores.bm25}));
    if !matches!(hit.vetting, Vetting::Off) {
        put("recall_rank", hit.recall_rank.into());
        put("recall_score", hit.recall_score.into());
        verdict_json(&hit.vetting, &mut put);
    }
    if let Some(vetted) = hit.vetting.vetted() {
        let of = if vetted.part == Part::Title { "title" } else { "text" };
        let Snippet { text, chars, .. } = &hit.window;
        put("window", json!({"of": of, "text": text, "start": chars.start, "end": chars.end}));
        put("evidence", hit.evidence.as_ref().map(evidence_json).into());
    }
    put("title", hit.title.clone().into());
    put("snippet", snippet_json(&hit.snippet));
    put("metadata", hit.metadata.clone().into());
    Value::Object(object)
}

fn rejected_json(candidate: &Candidate) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.into(), value);
    put("id", candidate.id.clone().into());
    put("recall_rank", candidate.recall_rank.into());
    put("recall_score", candidate.recall_score.into());
    verdict_json(&candidate.vetting, &mut put);
    Value::Object(object)
}

fn verdict_json(vetting: &Vetting, put: &mut impl FnMut(&str, Value) -> Option<Value>) {
    match vetting {
        Vetting::Off => {}
        Vetting::Unverified(why) => {
            put("verdict", "unverified".into());
            put("why", why.to_string().into());
        }
        Vetting::Vetted(vetted) => {
            let judgement = &vetted.judgement;
            put("verdict", json!(judgement.verdict));
            put("p_match", judgement.p_match.into());
            put("p_conflict", judgement.p_conflict.into());
            put("kind", json!(judgement.kind));
            put("rival", json!(vetted.rival));
        }
    }
}

fn snippet_json(snippet: &Snippet) -> Value {
    let characters = |bytes: &Range<usize>| {
        let start = snippet.text[..bytes.start].chars().count();
        [start, start + snippet.text[bytes.clone()].chars().count()]
    };
    json!({
        "text": snippet.text,
        "start": snippet.chars.start,
        "end": snippet.chars.end,
        "matches": snippet.matches.iter().map(characters).collect::<Vec<_>>(),
    })
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
