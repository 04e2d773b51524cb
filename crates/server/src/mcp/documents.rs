//! `vetted-upsert` and `vetted-delete`: changing an index.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vetted::{Document, Indexed};

use super::answer::Answer;
use super::bounds::MOST_DOCUMENTS;
use super::handler::Call;
use crate::error::{Code, Failure};
use crate::shapes::own::{DeleteAnswer, UpsertAnswer};
use crate::writing::{Writing, Written};

pub(super) const UPSERT: &str = "\
Adds documents to an index, or replaces those that have the same id: the text that was there before is gone. Use it when the user \
wants something kept for later searches. Search first, and take the id of what you replace; a new document gets an id that nobody else \
uses. When it returns, the documents are on disk and the next search finds them. Calling it again with the same documents changes \
nothing.

Store what is true of the world as full sentences: searches verify statements, not keywords.";

pub(super) const DELETE: &str = "\
Removes documents from an index by their ids, for good. Use it only when the user asked for it, and take the ids from vetted-search or \
vetted-info. `deleted` says how many were there. Calling it again with the same ids removes nothing more.";

/// Documents to add.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Upsert {
    /// Which index, as vetted-info lists them. Leave it out where there is only one.
    #[serde(default)]
    #[schemars(with = "String")]
    index: Option<String>,
    /// The documents.
    #[schemars(length(min = 1, max = MOST_DOCUMENTS))]
    documents: Vec<Given>,
}

/// A document.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Given {
    /// What it is called from now on.
    #[schemars(regex(pattern = r"\S"))]
    id: String,
    /// Its title.
    #[serde(default)]
    #[schemars(with = "String")]
    title: Option<String>,
    /// Its text.
    text: String,
    /// What filters of vetted-search look at: strings, numbers and booleans by name.
    #[serde(default)]
    #[schemars(with = "Map<String, Value>")]
    metadata: Option<Map<String, Value>>,
}

/// What became of the documents.
#[derive(Serialize, JsonSchema)]
pub(super) struct Upserted {
    #[serde(flatten)]
    answer: UpsertAnswer,
    /// How many documents the index has now.
    documents: usize,
}

/// Documents to remove.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Delete {
    /// Which index, as vetted-info lists them. Leave it out where there is only one.
    #[serde(default)]
    #[schemars(with = "String")]
    index: Option<String>,
    /// Their ids.
    #[schemars(length(min = 1, max = MOST_DOCUMENTS))]
    ids: Vec<String>,
}

/// How many documents were removed.
#[derive(Serialize, JsonSchema)]
pub(super) struct Deleted {
    #[serde(flatten)]
    answer: DeleteAnswer,
    /// How many documents the index has now.
    documents: usize,
}

/// Documents that are written together: few enough to be told of and to be stopped in between.
const TOGETHER: usize = 16;

pub(super) async fn upsert(call: &Call, arguments: Upsert) -> Result<Answer, Failure> {
    let Upsert { index, documents } = arguments;
    let index = call.service.index(&call.caller, index.as_deref())?;
    check_count("documents", documents.len())?;
    let most = call.service.settings.limits.text_bytes;
    let mut rest = Vec::with_capacity(documents.len());
    for (number, Given { id, title, text, metadata }) in documents.into_iter().enumerate() {
        let fault = |what: &str| Failure::invalid(format!("`documents[{number}]` {what}"));
        if id.trim().is_empty() {
            return Err(fault("has an empty `id`: give it a name of its own"));
        }
        if text.len() > most {
            return Err(Failure::new(
                Code::LimitExceeded,
                fault(&format!("has more than {most} bytes: cut it into several")).message,
            ));
        }
        let (title, metadata) = (title.unwrap_or_default(), metadata.unwrap_or_default());
        rest.push(Document { id, title, text, metadata });
    }
    let all = rest.len();
    let mut total = Indexed::default();
    // The last one of an id counts, also where the ids stand in different parts.
    while !rest.is_empty() {
        call.is_at(format!("{} of {all} documents are written", all - rest.len()));
        let behind = rest.split_off(rest.len().min(TOGETHER));
        let some = std::mem::replace(&mut rest, behind);
        let done = index.writes.submit(Writing::Upsert(some), call.deadline).await;
        let indexed = match done.map(|done| done.answer) {
            Ok(Written::Upserted(indexed)) => indexed,
            Ok(Written::Deleted(_)) => return Err(mistaken()),
            Err(failure) => return Err(after(failure, &total)),
        };
        total.added += indexed.added;
        total.replaced += indexed.replaced;
        total.unchanged += indexed.unchanged;
        total.duplicates += indexed.duplicates;
    }
    let Indexed { added, replaced, unchanged, duplicates } = total;
    let answer = UpsertAnswer { index: index.name.clone(), added, replaced, unchanged, duplicates };
    let output = Upserted { answer, documents: index.engine.len()? };
    let duplicates = match duplicates {
        0 => String::new(),
        count => format!(", {count} left out because a later one has the same id"),
    };
    let text = format!(
        "Index {:?}: {added} added, {replaced} replaced, {unchanged} unchanged{duplicates}; it has {} documents now.",
        index.name, output.documents
    );
    Answer::new(text, &output)
}

/// The same failure, and what was written before it.
fn after(failure: Failure, total: &Indexed) -> Failure {
    let Indexed { added, replaced, unchanged, .. } = *total;
    match added + replaced + unchanged {
        0 => failure,
        _ => Failure {
            message: format!(
                "{}. Before that, {added} were added, {replaced} replaced, {unchanged} unchanged: send all again, what is there already \
                 costs next to nothing",
                failure.message
            ),
            ..failure
        },
    }
}

pub(super) async fn delete(call: &Call, arguments: Delete) -> Result<Answer, Failure> {
    let Delete { index, ids } = arguments;
    let index = call.service.index(&call.caller, index.as_deref())?;
    check_count("ids", ids.len())?;
    let asked = ids.len();
    call.is_at("removing the documents");
    let deleted = match index.writes.submit(Writing::Delete(ids), call.deadline).await?.answer {
        Written::Deleted(deleted) => deleted,
        Written::Upserted(_) => return Err(mistaken()),
    };
    let answer = DeleteAnswer { index: index.name.clone(), deleted };
    let output = Deleted { answer, documents: index.engine.len()? };
    let text = format!(
        "Index {:?}: {deleted} of {asked} were there and are removed; it has {} documents now.",
        index.name, output.documents
    );
    Answer::new(text, &output)
}

fn check_count(field: &str, count: usize) -> Result<(), Failure> {
    match count {
        0 => Err(Failure::invalid(format!("`{field}` is empty: give at least one"))),
        1..=MOST_DOCUMENTS => Ok(()),
        _ => Err(Failure::new(
            Code::LimitExceeded,
            format!("`{field}` has {count}: send at most {MOST_DOCUMENTS} at a time"),
        )),
    }
}

fn mistaken() -> Failure {
    Failure::new(Code::Internal, "the index did something else than it was told")
}
