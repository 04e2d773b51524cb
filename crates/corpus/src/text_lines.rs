//! Questions and candidates: one a line, as plain text or as a JSON object.

use crate::{
    Error,
    error::Problem,
    fields,
    input::{Input, LineRead, open},
    json::without_position,
};
use serde_json::{Map, Value};
use std::path::Path;

const TEXT_OR_OBJECT: &str = r#"a text, or an object, like {"_id": "1", "text": "..."}"#;

/// One line of [`read_lines`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextLine {
    /// The line's number, from 1.
    pub number: u64,
    /// The identifier of a JSON object that has one: `_id` or `id`.
    pub id: Option<String>,
    /// The text: the line itself, or the field `text`, `body` or `content` of the object. An object may have none.
    pub text: Option<String>,
    /// The other fields of the object.
    pub fields: Map<String, Value>,
}

/// The lines of a file, or of standard input for `-`, empty ones included.
///
/// A line whose first character that is not blank is a brace is a JSON object; any other is the text itself. A byte order mark
/// is no part of the first line. Nothing is read after an error.
///
/// # Errors
/// When the file cannot be opened. Each line may be malformed, and is then named.
pub fn read_lines(path: &Path, limit: usize) -> Result<impl Iterator<Item = Result<TextLine, Error>> + use<>, Error> {
    let mut lines = Lines { input: open(path)?, number: 0, limit };
    let mut ended = false;
    Ok(std::iter::from_fn(move || {
        let next = if ended { None } else { lines.next() };
        ended = !matches!(next, Some(Ok(_)));
        next
    }))
}

struct Lines {
    input: Input,
    number: u64,
    limit: usize,
}

impl Lines {
    fn next(&mut self) -> Option<Result<TextLine, Error>> {
        let (mut bytes, start) = (Vec::new(), self.input.offset);
        let (path, number) = (self.input.path.clone(), self.number + 1);
        match self.input.read_line(&mut bytes, self.limit) {
            Ok(LineRead::End) => return None,
            Ok(LineRead::Whole) => {}
            Ok(LineRead::TooLong) => {
                return Some(Err(Error::RecordTooLarge { path, line: number, limit: self.limit }));
            }
            Err(Problem::BadRecord(error) | Problem::Fatal(error)) => return Some(Err(error)),
        }
        self.number = number;
        let text = String::from_utf8(bytes).map_err(|error| {
            let byte = start + error.utf8_error().valid_up_to() as u64;
            Error::InvalidUtf8 { path: path.clone(), line: number, byte, encoding: self.input.encoding }
        });
        Some(text.and_then(|text| line(&text, &path, number)))
    }
}

fn line(text: &str, path: &Path, number: u64) -> Result<TextLine, Error> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if !text.trim_start().starts_with('{') {
        return Ok(TextLine { number, text: Some(text.to_owned()), ..TextLine::default() });
    }
    let mut fields: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
        let (column, problem) = (error.column().max(1) as u64, without_position(&error));
        Error::MalformedJson { path: path.into(), line: number, column, problem, expected: TEXT_OR_OBJECT }
    })?;
    let wrong = |field: &str, expected, got: &Value| {
        let (path, field, got) = (path.into(), field.to_owned(), fields::type_name(got));
        Error::WrongType { path, line: number, field, expected, got }
    };
    let id_name = fields::ID.into_iter().find(|name| fields.contains_key(*name));
    let id = match id_name.and_then(|name| Some((name, fields.shift_remove(name)?))) {
        None | Some((_, Value::Null)) => None,
        Some((_, Value::String(id))) => Some(id),
        Some((_, Value::Number(id))) => Some(id.to_string()),
        Some((name, other)) => return Err(wrong(name, "a string or a number", &other)),
    };
    let text_name = fields::TEXT.into_iter().find(|name| fields.contains_key(*name));
    let text = match text_name.and_then(|name| Some((name, fields.shift_remove(name)?))) {
        None => None,
        Some((_, Value::String(text))) => Some(text),
        Some((name, other)) => return Err(wrong(name, "a string", &other)),
    };
    Ok(TextLine { number, id, text, fields })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(content: &[u8]) -> Result<Vec<TextLine>, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        fs::write(&path, content).unwrap();
        read_lines(&path, 100)?.collect()
    }

    #[test]
    fn json_is_json_behind_a_byte_order_mark_and_behind_blanks() {
        let object = r#"{"text": "It rains.", "_id": 7, "vector": [1]}"#;
        for before in ["", "\u{feff}", "  ", "\t", "\u{feff} "] {
            for after in ["", "\n", "\r\n", " \n"] {
                let lines = read(format!("{before}{object}{after}").as_bytes()).unwrap();
                let [TextLine { number: 1, id: Some(id), text: Some(text), fields }] = &lines[..] else {
                    panic!("{before:?}: {lines:?}");
                };
                assert_eq!((id.as_str(), text.as_str(), fields.len()), ("7", "It rains.", 1), "{before:?}");
            }
        }
        let lines = read("\u{feff}It rains.\r\n\n {x: not JSON".as_bytes());
        assert!(lines.unwrap_err().to_string().contains("lines:3:3: malformed JSON"));
        let lines = read("\u{feff}It rains.\r\n\n a text\u{2028}b\n{\"id\": null}".as_bytes()).unwrap();
        let texts: Vec<_> = lines.iter().map(|line| line.text.as_deref()).collect();
        assert_eq!(texts, [Some("It rains."), Some(""), Some(" a text\u{2028}b"), None]);
        assert_eq!(lines[3].id, None);
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        for (content, expected) in [
            (&b"a\n{\"text\": 5}\n"[..], "lines:2: `text` is a number; expected a string"),
            (b"{\"_id\": [], \"text\": \"\"}", "lines:1: `_id` is an array; expected a string or a number"),
            (b"a\n{\"text\": \"a\"\n", "lines:2:"),
            (
                b"a\nb\xff",
                "lines:2: invalid UTF-8 at byte 3; convert the file, for example with `iconv -f WINDOWS-1252",
            ),
            (b"\xff\xfea\0", "lines:1: invalid UTF-8 at byte 0; convert the file, for example with `iconv -f UTF-16"),
            (&[b'a'; 101], "lines:1: this record is longer than 100 bytes"),
        ] {
            let error = read(content).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}\nshould contain: {expected}");
        }
    }
}
