//! `vetted-info`: what the indexes hold, and a document in full.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vetted::wire::IndexInfo;
use vetted::{Document, Engine};

use super::answer::Answer;
use super::bounds::{Lines, MOST_OF_DOCUMENT, MOST_OF_METADATA, MOST_OF_TITLE, in_one_line, shorten, shorten_metadata};
use super::handler::Call;
use crate::auth::Rights;
use crate::error::{Code, Failure};
use crate::service::ServedIndex;
use crate::shapes::own::NamedIndex;

pub(super) const DESCRIPTION: &str = "\
Lists the indexes that can be searched: their names, how many documents each has, and the metadata fields that filters of \
vetted-search can use, with an example of each. Call it first where you do not know the indexes. With `id` it shows a document in \
full instead, 20000 characters at a time: use it to read more of a hit than its snippet. What is shown in this way is not verified: \
check single statements by vetted-verify.";

/// What is asked for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// Only this index.
    #[serde(default)]
    #[schemars(with = "String")]
    index: Option<String>,
    /// The id of a document that is to be shown, as a hit of vetted-search has it.
    #[serde(default)]
    #[schemars(with = "String")]
    id: Option<String>,
    /// The first character of the document's text that is shown; the answer's `next` says where to go on.
    #[serde(default)]
    #[schemars(with = "u32", extend("default" = 0))]
    offset: Option<u32>,
}

/// What can be searched, and a document.
#[derive(Serialize, JsonSchema)]
pub(super) struct Output {
    /// The verifier's name.
    verifier: String,
    /// The indexes that can be searched; of a document, the one that it is in.
    indexes: Vec<Index>,
    /// Indexes that were left off to keep the answer short.
    left_off: usize,
    /// The document that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Shown>,
}

/// An index.
#[derive(Serialize, JsonSchema)]
struct Index {
    #[serde(flatten)]
    index: NamedIndex,
    /// Metadata fields of its latest documents, with a value that one of them has.
    fields: BTreeMap<String, Value>,
}

/// A document, or a part of it.
#[derive(Serialize, JsonSchema)]
struct Shown {
    /// Its id.
    id: String,
    /// Its title, possibly empty.
    title: String,
    /// Its text from `offset` on.
    text: String,
    /// The first character that is shown.
    offset: usize,
    /// Characters of all of its text.
    characters: usize,
    /// The first character that is not shown; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<usize>,
    /// Its metadata.
    metadata: Map<String, Value>,
}

/// Indexes that are listed.
const MOST_INDEXES: usize = 50;
/// So many of the latest documents are looked at for their fields.
const LOOKED_AT: usize = 50;
/// Fields of an index that are listed.
const MOST_FIELDS: usize = 30;

pub(super) async fn call(call: &Call, arguments: Arguments) -> Result<Answer, Failure> {
    let Arguments { index: named, id, offset } = arguments;
    call.is_at("reading the index");
    let service = &call.service;
    let writable = service.settings.writable && call.caller.rights == Rights::Write;
    let mut document = None;
    let asked: Vec<&ServedIndex> = match (&named, id) {
        (None, None) => service.indexes.iter().filter(|index| call.caller.may_see(&index.name)).collect(),
        (_, id) => {
            let index = service.index(&call.caller, named.as_deref())?;
            if let Some(id) = id {
                let (engine, own) = (index.engine.clone(), id.clone());
                let found = reading(move || engine.get(&own)).await?;
                let found = found.ok_or_else(|| {
                    let message = format!(
                        "the index {:?} has no document {id:?}: take ids from hits of vetted-search",
                        index.name
                    );
                    Failure::new(Code::NotFound, message)
                })?;
                document = Some(Shown::new(found, offset.unwrap_or(0) as usize));
            }
            vec![index]
        }
    };
    let left_off = asked.len().saturating_sub(MOST_INDEXES);
    let mut indexes = Vec::new();
    for index in asked.into_iter().take(MOST_INDEXES) {
        let engine = index.engine.clone();
        let (info, fields) = reading(move || Ok((IndexInfo::of(&engine)?, fields(&engine)?))).await?;
        indexes.push(Index { index: NamedIndex { name: index.name.clone(), writable, info }, fields });
    }
    let verifier = service.verifier.config().name.clone();
    let output = Output { verifier, indexes, left_off, document };
    Answer::new(output.text(), &output)
}

/// What a thread reads that may wait for the disk.
async fn reading<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, vetted::Error> + Send + 'static,
) -> Result<T, Failure> {
    let read = tokio::task::spawn_blocking(read).await;
    Ok(read.map_err(|error| Failure::new(Code::Internal, format!("reading the index failed: {error}")))??)
}

/// Fields of metadata, with a value of each.
fn fields(engine: &Engine) -> Result<BTreeMap<String, Value>, vetted::Error> {
    let session = engine.index().session()?;
    let ids = session.some_ids(LOOKED_AT)?;
    let mut fields = BTreeMap::new();
    for document in session.documents(&ids.iter().map(String::as_str).collect::<Vec<_>>())? {
        for (name, value) in document.map(|document| document.metadata).unwrap_or_default() {
            let simple = matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_));
            if simple && (fields.len() < MOST_FIELDS || fields.contains_key(&name)) {
                fields.entry(name).or_insert_with(|| example(value));
            }
        }
    }
    Ok(fields)
}

fn example(value: Value) -> Value {
    match value {
        Value::String(mut text) => {
            shorten(&mut text, 60);
            Value::String(text)
        }
        value => value,
    }
}

impl Shown {
    fn new(document: Document, offset: usize) -> Shown {
        let Document { id, mut title, text, mut metadata } = document;
        shorten(&mut title, MOST_OF_TITLE);
        shorten_metadata(&mut metadata, MOST_OF_METADATA);
        let characters = text.chars().count();
        let offset = offset.min(characters);
        let part: String = text.chars().skip(offset).take(MOST_OF_DOCUMENT).collect();
        let end = (offset + MOST_OF_DOCUMENT).min(characters);
        Shown { id, title, text: part, offset, characters, next: (end < characters).then_some(end), metadata }
    }
}

impl Output {
    fn text(&self) -> String {
        if let Some(Shown { id, title, text, offset, characters, next, .. }) = &self.document {
            let next = next.map(|next| format!("; go on with offset {next}")).unwrap_or_default();
            let end = offset + text.chars().count();
            return format!(
                "[id {}] {}\ncharacters {offset} to {end} of {characters}{next}\n\n{text}",
                in_one_line(id),
                in_one_line(title)
            );
        }
        let mut lines = Lines::new(match self.indexes.as_slice() {
            [] => "There is no index: texts can be verified, and nothing can be searched.",
            _ => "Indexes:",
        });
        for Index { index: NamedIndex { name, writable, info }, fields } in &self.indexes {
            let field = |(name, value): (&String, &Value)| format!("{name} (as {value})");
            let fields = match fields.is_empty() {
                true => "no metadata".to_owned(),
                false => format!("metadata: {}", fields.iter().map(field).collect::<Vec<_>>().join(", ")),
            };
            let access = if *writable { "can be changed" } else { "read only" };
            lines.add(&format!("{name:?}: {} documents, {access}, {fields}", info.documents));
        }
        lines.finish(self.left_off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_document_is_read_in_parts_that_join() {
        let whole: String = ('a'..='z').chain(['ä', '🐕']).cycle().take(45_000).collect();
        let document = Document { id: "d".into(), text: whole.clone(), ..Document::default() };
        let (mut read, mut next) = (String::new(), Some(0));
        while let Some(offset) = next {
            let shown = Shown::new(document.clone(), offset);
            assert!(shown.text.chars().count() <= MOST_OF_DOCUMENT && shown.characters == 45_000);
            read.push_str(&shown.text);
            next = shown.next;
        }
        assert_eq!(read, whole);
        assert_eq!(Shown::new(document, 1_000_000).text, "");
    }
}
