//! Triplets of texts: what an encoder is fine-tuned on.
//!
//! An *anchor* (a question, a sentence), a *positive* that shall be near it (a passage that answers, a paraphrase) and, where
//! there is one, a *negative* that shall be far from it though it looks alike.
//!
//! # The file
//!
//! UTF-8, gzipped if its name ends in `.gz`. Either tab-separated under a header that names the columns `anchor`, `positive`
//! and optionally `negative`, in any order, without quoting; or, if its name ends in `.jsonl` or `.ndjson` (before `.gz`), a
//! JSON object with these fields per line. An empty `negative` is none; other columns and fields are ignored, and so are empty
//! lines.

use std::io::BufRead;
use std::path::Path;

use serde::{Deserialize, Serialize};

use vetted_corpus::input;

use crate::Error;
use crate::error::malformed_json;

/// A text, one that is to be near it and one that is not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Triplet {
    /// What is compared: a query, a sentence.
    pub anchor: String,
    /// What shall be near it.
    pub positive: String,
    /// What shall be far from it; empty where there is only what the other triplets hold.
    #[serde(default)]
    pub negative: String,
}

/// Reads a [file of triplets](self).
///
/// # Errors
/// [`Error::Input`] if it cannot be read, is not JSON, or its header lacks a column; [`Error::EmptyFile`] for a table
/// without a header, [`Error::CellCount`]; [`Error::BadCell`] for an empty anchor or positive.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Triplet>, Error> {
    let path = path.as_ref();
    let mut lines = Lines { path, input: input::open(path)?, number: 0, bytes: Vec::new() };
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let columns = match name.ends_with(".jsonl") || name.ends_with(".ndjson") {
        true => None,
        false => Some(lines.header()?),
    };
    let mut triplets = Vec::new();
    while let Some((line, text)) = lines.next()? {
        let triplet = match &columns {
            None => from_json(path, line, text)?,
            Some(columns) => columns.triplet(path, line, text)?,
        };
        for (name, text) in [("anchor", &triplet.anchor), ("positive", &triplet.positive)] {
            if text.trim().is_empty() {
                let (path, got) = (path.to_owned(), String::new());
                return Err(Error::BadCell { path, line, column: 1, name, expected: "a text", got });
            }
        }
        triplets.push(triplet);
    }
    Ok(triplets)
}

fn from_json(path: &Path, line: u64, text: &str) -> Result<Triplet, Error> {
    let expected = r#"an object such as {"anchor": "...", "positive": "...", "negative": "..."}"#;
    serde_json::from_str(text).map_err(|error| malformed_json(path, line, &error, expected))
}

/// Where each column stands in a row.
struct Columns {
    count: usize,
    anchor: usize,
    positive: usize,
    negative: Option<usize>,
}

impl Columns {
    fn triplet(&self, path: &Path, line: u64, text: &str) -> Result<Triplet, Error> {
        let cells: Vec<&str> = text.split('\t').collect();
        let (expected, got) = (self.count, cells.len());
        if got != expected {
            let before = cells.iter().take(expected).map(|cell| cell.len() as u64 + 1).sum::<u64>();
            let column = if got > expected { before + 1 } else { before };
            return Err(Error::CellCount { path: path.to_owned(), line, column, expected, got });
        }
        let cell = |place: usize| cells[place].to_owned();
        let negative = self.negative.map(cell).unwrap_or_default();
        Ok(Triplet { anchor: cell(self.anchor), positive: cell(self.positive), negative })
    }
}

/// A file's lines that are not empty.
struct Lines<'a> {
    path: &'a Path,
    input: input::Input,
    number: u64,
    bytes: Vec<u8>,
}

impl Lines<'_> {
    fn header(&mut self) -> Result<Columns, Error> {
        let path = self.path.to_owned();
        let Some((_, header)) = self.next()? else {
            return Err(Error::EmptyFile { path, expected: "anchor and positive" });
        };
        let names: Vec<&str> = header.split('\t').map(str::trim).collect();
        let place = |wanted: &str| names.iter().position(|name| *name == wanted);
        let needed = |wanted, expected| {
            let found = names.iter().map(ToString::to_string).collect();
            place(wanted).ok_or(vetted_corpus::Error::MissingColumn { path: path.clone(), expected, found })
        };
        Ok(Columns {
            count: names.len(),
            anchor: needed("anchor", "`anchor`")?,
            positive: needed("positive", "`positive`")?,
            negative: place("negative"),
        })
    }

    fn next(&mut self) -> Result<Option<(u64, &str)>, Error> {
        loop {
            self.bytes.clear();
            let read = self.input.bytes.read_until(b'\n', &mut self.bytes);
            let length = read.map_err(|source| vetted_corpus::Error::Read { path: self.path.to_owned(), source })?;
            if length == 0 {
                return Ok(None);
            }
            self.input.offset += length as u64;
            self.number += 1;
            let end = self.bytes.trim_ascii_end().len();
            // A row may end in an empty cell: only the line's end is taken away.
            let row = self.bytes.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
            if end == 0 {
                continue;
            }
            self.bytes.truncate(row);
            break;
        }
        let line = self.number;
        let text = std::str::from_utf8(&self.bytes).map_err(|error| {
            let byte = self.input.offset - self.bytes.len() as u64 + error.valid_up_to() as u64;
            vetted_corpus::Error::InvalidUtf8 { path: self.path.to_owned(), line, byte, encoding: self.input.encoding }
        })?;
        Ok(Some((line, text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(name: &str, content: &str) -> Result<Vec<Triplet>, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        read(&path)
    }

    #[test]
    fn both_formats_say_the_same() {
        let triplet = |anchor: &str, positive: &str, negative: &str| Triplet {
            anchor: anchor.into(),
            positive: positive.into(),
            negative: negative.into(),
        };
        let expected = [triplet("who bit?", "the dog bit", "the man bit"), triplet("when?", "in May", "")];
        let table = "positive\tid\tanchor\tnegative\nthe dog bit\t1\twho bit?\tthe man bit\r\n\nin May\t2\twhen?\t\n";
        assert_eq!(read_as("t.tsv", table).unwrap(), expected);
        let lines = r#"{"anchor": "who bit?", "positive": "the dog bit", "negative": "the man bit"}
            {"positive": "in May", "anchor": "when?"}"#;
        assert_eq!(read_as("t.jsonl", lines).unwrap(), expected);
        assert_eq!(read_as("t.tsv", "anchor\tpositive\na\tb\n").unwrap(), [triplet("a", "b", "")]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let cases = [
            ("t.tsv", "", "is empty"),
            ("t.tsv", "anchor\tnegative\n", "t.tsv:1: the header has no column `positive`; it has: anchor, negative"),
            ("t.tsv", "anchor\tpositive\na\tb\tc\n", "t.tsv:2:5: 3 cells, but the header has 2"),
            ("t.tsv", "anchor\tpositive\na\t\n", "t.tsv:2:1: `positive` is ``; expected a text"),
            ("t.jsonl", "{\"anchor\": \"a\"}\n", "t.jsonl:1:15: malformed JSON: missing field `positive`"),
        ];
        for (name, content, expected) in cases {
            let message = read_as(name, content).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
