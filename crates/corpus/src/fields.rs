//! Which field of a record is what, for all formats that have fields.

use crate::{Document, Error};
use serde_json::{Map, Value};
use std::path::Path;

/// Names of the identifier; the first that is present counts.
pub(crate) const ID: [&str; 2] = ["_id", "id"];
/// How to ask for an identifier in a message.
pub(crate) const ID_EXPECTED: &str = "`_id` or `id`";
/// Names of the body; the first that is present counts.
pub(crate) const TEXT: [&str; 3] = ["text", "body", "content"];
/// How to ask for a body in a message.
pub(crate) const TEXT_EXPECTED: &str = "`text`, `body` or `content`";
/// Name of the title.
pub(crate) const TITLE: &str = "title";

/// Makes a document of a JSON object: what is not identifier, title or text becomes metadata.
pub(crate) fn document(record: Map<String, Value>, path: &Path, line: u64) -> Result<Document, Error> {
    let place = Place { path, line };
    let chosen = |names: &[&'static str]| names.iter().copied().find(|name| record.contains_key(*name));
    let id_name = chosen(&ID).ok_or_else(|| place.missing(ID_EXPECTED))?;
    let text_name = chosen(&TEXT).ok_or_else(|| place.missing(TEXT_EXPECTED))?;

    let mut document = Document::default();
    let mut nested = Map::new();
    for (name, value) in record {
        match name.as_str() {
            field if field == id_name => document.id = place.id(field, value)?,
            field if field == text_name => document.text = place.string(field, value)?,
            // Exporters write `null` where a document has no title or no metadata.
            TITLE | "metadata" if value.is_null() => {}
            TITLE => document.title = place.string(TITLE, value)?,
            "metadata" => match value {
                Value::Object(object) => nested = object,
                other => return Err(place.wrong_type("metadata", "an object", &other)),
            },
            _ => {
                document.metadata.insert(name, value);
            }
        }
    }
    for (name, value) in nested {
        match document.metadata.get(&name) {
            Some(other) if *other != value => {
                return Err(Error::ConflictingField { path: path.into(), line, field: name });
            }
            _ => document.metadata.insert(name, value),
        };
    }
    Ok(document)
}

/// Refuses an identifier that nobody could ask for.
pub(crate) fn check_id(id: &str, path: &Path, line: u64) -> Result<(), Error> {
    if id.trim().is_empty() { Err(Error::EmptyId { path: path.into(), line }) } else { Ok(()) }
}

/// The type of a JSON value, in words that fit after "is".
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

struct Place<'a> {
    path: &'a Path,
    line: u64,
}

impl Place<'_> {
    fn id(&self, field: &str, value: Value) -> Result<String, Error> {
        let id = match value {
            Value::String(id) => id,
            // Not 1.0 or 1e3: those have several spellings, and relevance judgments would name another one.
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            other => return Err(self.wrong_type(field, "a string or an integer", &other)),
        };
        check_id(&id, self.path, self.line)?;
        Ok(id)
    }

    fn string(&self, field: &str, value: Value) -> Result<String, Error> {
        match value {
            Value::String(string) => Ok(string),
            other => Err(self.wrong_type(field, "a string", &other)),
        }
    }

    fn missing(&self, field: &'static str) -> Error {
        Error::MissingField { path: self.path.into(), line: self.line, field }
    }

    fn wrong_type(&self, field: &str, expected: &'static str, got: &Value) -> Error {
        let (path, field) = (self.path.into(), field.into());
        Error::WrongType { path, line: self.line, field, expected, got: type_name(got) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(record: Value) -> Result<Document, String> {
        let Value::Object(record) = record else { unreachable!("the tests give objects") };
        document(record, Path::new("c.jsonl"), 7).map_err(|error| error.to_string())
    }

    #[test]
    fn fields_find_their_place() {
        let cases = [
            (json!({"_id": "a", "title": "t", "text": "x", "metadata": {"k": 1}}), ("a", "t", "x", json!({"k": 1}))),
            (json!({"id": 12, "text": "x"}), ("12", "", "x", json!({}))),
            (json!({"id": -3, "content": "x", "title": null}), ("-3", "", "x", json!({}))),
            (json!({"_id": "a", "id": 5, "text": "x", "body": "y"}), ("a", "", "x", json!({"id": 5, "body": "y"}))),
            (json!({"_id": "a", "text": "", "year": 1999, "metadata": null}), ("a", "", "", json!({"year": 1999}))),
            (json!({"_id": "a", "text": "", "k": 1, "metadata": {"k": 1}}), ("a", "", "", json!({"k": 1}))),
        ];
        for (record, (id, title, text, metadata)) in cases {
            let document = read(record.clone()).unwrap();
            let got = (document.id.as_str(), document.title.as_str(), document.text.as_str());
            assert_eq!(got, (id, title, text), "{record}");
            assert_eq!(Value::Object(document.metadata), metadata, "{record}");
        }
    }

    #[test]
    fn wrong_fields_are_named() {
        let cases = [
            (json!({"text": "x"}), "c.jsonl:7: no field `_id` or `id`"),
            (json!({"_id": "a"}), "c.jsonl:7: no field `text`, `body` or `content`"),
            (json!({"_id": " ", "text": "x"}), "c.jsonl:7: the identifier is empty"),
            (json!({"_id": 1.5, "text": "x"}), "c.jsonl:7: `_id` is a number; expected a string or an integer"),
            (json!({"id": null, "text": "x"}), "c.jsonl:7: `id` is null; expected a string or an integer"),
            (json!({"_id": "a", "text": ["x"]}), "c.jsonl:7: `text` is an array; expected a string"),
            (json!({"_id": "a", "text": "x", "title": true}), "c.jsonl:7: `title` is a boolean; expected a string"),
            (json!({"_id": "a", "text": "x", "metadata": "m"}), "`metadata` is a string; expected an object"),
            (json!({"_id": "a", "text": "x", "k": 1, "metadata": {"k": 2}}), "`k` is given twice"),
        ];
        for (record, expected) in cases {
            let message = read(record.clone()).unwrap_err();
            assert!(message.contains(expected), "{record}: {message}");
        }
    }
}
