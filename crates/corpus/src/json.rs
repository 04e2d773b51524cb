//! JSONL, one object per line, and JSON files that hold one array of objects.

use crate::{
    Document, Error,
    error::Problem,
    fields,
    input::{Input, LineRead, line_breaks},
    read::Record,
};
use serde_json::{Map, Value};
use std::path::PathBuf;

const OBJECT_PER_LINE: &str = r#"one object per line, like {"_id": "1", "title": "", "text": "..."}"#;
const ARRAY_OF_OBJECTS: &str =
    r#"one array of objects, like [{"_id": "1", "text": "..."}] (one object per line is called .jsonl)"#;

/// The documents of a JSONL file, one line in memory at a time.
pub(crate) struct Lines {
    input: Input,
    line: u64,
    buffer: Vec<u8>,
    limit: usize,
}

impl Lines {
    pub fn new(input: Input, limit: usize) -> Lines {
        Lines { input, line: 0, buffer: Vec::new(), limit }
    }

    fn document(&self, line_start: u64) -> Result<Document, Error> {
        let (path, line) = (&self.input.path, self.line);
        let text = std::str::from_utf8(&self.buffer).map_err(|error| {
            let byte = line_start + error.valid_up_to() as u64;
            Error::InvalidUtf8 { path: path.clone(), line, byte, encoding: self.input.encoding }
        })?;
        let record: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            // The parser says column 0 about a value of the wrong type that starts the line.
            let (column, problem) = (error.column().max(1) as u64, without_position(&error));
            Error::MalformedJson { path: path.clone(), line, column, problem, expected: OBJECT_PER_LINE }
        })?;
        fields::document(record, path, line)
    }
}

impl Iterator for Lines {
    type Item = Result<Record, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.buffer.clear();
            let line_start = self.input.offset;
            let read = match self.input.read_line(&mut self.buffer, self.limit) {
                Ok(LineRead::End) => return None,
                Ok(read) => read,
                Err(problem) => return Some(Err(problem)),
            };
            self.line += 1;
            if read == LineRead::TooLong {
                let (path, line, limit) = (self.input.path.clone(), self.line, self.limit);
                return Some(Err(Problem::BadRecord(Error::RecordTooLarge { path, line, limit })));
            }
            if !self.buffer.trim_ascii().is_empty() {
                let document = self.document(line_start).map_err(Problem::BadRecord);
                return Some(document.map(|document| Record { document, line: Some(self.line) }));
            }
        }
    }
}

/// The documents of a JSON array. The file is in memory as a whole, its objects are parsed one at a time.
pub(crate) struct Array {
    path: PathBuf,
    text: String,
    /// Where the next element, or what separates it, begins.
    position: usize,
    /// Line of `position`, from 1.
    line: u64,
    expected: Expected,
}

#[derive(Clone, Copy)]
enum Expected {
    Open,
    FirstOrClose,
    Element,
    CommaOrClose,
    End,
}

impl Array {
    /// `limit` is that of one record; an array of many may have more.
    pub fn new(input: Input, limit: usize) -> Result<Array, Problem> {
        const RECORDS: usize = 16;
        let path = input.path.clone();
        match input.into_text(limit.saturating_mul(RECORDS)) {
            Ok(text) => Ok(Array { path, text, position: 0, line: 1, expected: Expected::Open }),
            // Who skips bad records does not mean to skip a file full of good ones.
            Err(Problem::BadRecord(error) | Problem::Fatal(error)) => Err(Problem::Fatal(error)),
        }
    }

    /// Moves to the next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.position..];
        self.advance(rest.len() - rest.trim_ascii_start().len());
        self.text.as_bytes().get(self.position).copied()
    }

    fn advance(&mut self, bytes: usize) {
        self.line += line_breaks(&self.text.as_bytes()[self.position..self.position + bytes]);
        self.position += bytes;
    }

    fn element(&mut self) -> Result<Record, Problem> {
        let mut values = serde_json::Deserializer::from_str(&self.text[self.position..]).into_iter::<Value>();
        let value = match values.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return Err(self.malformed_at(&error)),
            None => return Err(self.malformed_here("the file ends inside the array")),
        };
        let (length, line) = (values.byte_offset(), self.line);
        self.advance(length);
        let Value::Object(record) = value else {
            let (path, field, got) = (self.path.clone(), "(element of the array)".into(), fields::type_name(&value));
            return Err(Problem::BadRecord(Error::WrongType { path, line, field, expected: "an object", got }));
        };
        let document = fields::document(record, &self.path, line).map_err(Problem::BadRecord)?;
        Ok(Record { document, line: Some(line) })
    }

    fn malformed_here(&self, problem: &str) -> Problem {
        self.malformed(self.line, self.column(), problem.into())
    }

    /// Moves the parser's position, which counts from where the element began, to the file.
    fn malformed_at(&self, error: &serde_json::Error) -> Problem {
        let column = error.column().max(1) as u64 + if error.line() == 1 { self.column() - 1 } else { 0 };
        self.malformed(self.line + error.line() as u64 - 1, column, without_position(error))
    }

    fn malformed(&self, line: u64, column: u64, problem: String) -> Problem {
        let path = self.path.clone();
        Problem::Fatal(Error::MalformedJson { path, line, column, problem, expected: ARRAY_OF_OBJECTS })
    }

    fn column(&self) -> u64 {
        let before = &self.text.as_bytes()[..self.position];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        (self.position - line_start + 1) as u64
    }
}

impl Iterator for Array {
    type Item = Result<Record, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let next = self.peek();
            self.expected = match (self.expected, next) {
                (Expected::Open, Some(b'[')) => Expected::FirstOrClose,
                (Expected::FirstOrClose | Expected::CommaOrClose, Some(b']')) => Expected::End,
                (Expected::CommaOrClose, Some(b',')) => Expected::Element,
                (Expected::FirstOrClose | Expected::Element, _) => {
                    self.expected = Expected::CommaOrClose;
                    return Some(self.element());
                }
                (Expected::End, None) => return None,
                (Expected::Open, None) => return Some(Err(self.malformed_here("the file is empty"))),
                (Expected::Open, _) => return Some(Err(self.malformed_here("does not begin with `[`"))),
                (Expected::CommaOrClose, None) => return Some(Err(self.malformed_here("the array is not closed"))),
                (Expected::CommaOrClose, _) => return Some(Err(self.malformed_here("no `,` or `]` here"))),
                (Expected::End, _) => return Some(Err(self.malformed_here("something follows the array"))),
            };
            self.advance(1);
        }
    }
}

/// The parser's message without the position at its end, which [`Error::MalformedJson`] gives in its own way.
pub(crate) fn without_position(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&position).unwrap_or(&message).to_string()
}
