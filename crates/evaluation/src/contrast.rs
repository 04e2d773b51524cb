//! Contrasts: two queries that differ in little, each with the document that answers it and not the other.
//!
//! A file of them is a JSON list of objects with `q1`, `q2`, `doc1` and `doc2`, gzipped if its name ends in `.gz`; other
//! fields are ignored.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;

use crate::Error;

/// Two queries and two documents: `doc1` answers `q1` better than `doc2` does, and the other way round for `q2`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Contrast {
    /// A query.
    pub q1: String,
    /// A query that differs in little, and to which `doc1` is no answer.
    pub q2: String,
    /// The document that answers `q1`.
    pub doc1: String,
    /// The document that answers `q2`.
    pub doc2: String,
}

impl Contrast {
    /// What to score, each a query and a document, in the order that
    /// [`ContrastScores`](crate::metrics::contrast::ContrastScores) takes: `q1` with both documents, then `q2`.
    pub fn orders(&self) -> [(&str, &str); 4] {
        [(&self.q1, &self.doc1), (&self.q1, &self.doc2), (&self.q2, &self.doc1), (&self.q2, &self.doc2)]
            .map(|(query, document)| (query.as_str(), document.as_str()))
    }
}

/// Reads a file of contrasts, all of it into memory.
///
/// # Errors
/// [`Error::Read`], [`Error::MalformedContrast`] with the place, [`Error::NoContrasts`] if the list is empty.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Contrast>, Error> {
    let path = path.as_ref();
    let bytes = contents(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let json = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let contrasts: Vec<Contrast> = serde_json::from_slice(json).map_err(|error| {
        let message = error.to_string();
        let cause = message.rsplit_once(" at line ").map_or(message.as_str(), |(cause, _)| cause).to_owned();
        Error::MalformedContrast { path: path.to_owned(), line: error.line(), column: error.column(), cause }
    })?;
    if contrasts.is_empty() { Err(Error::NoContrasts) } else { Ok(contrasts) }
}

fn contents(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut bytes = Vec::new();
    match path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        true => MultiGzDecoder::new(file).read_to_end(&mut bytes)?,
        false => file.read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const BITES: &str = r#"[
  {"id": 7, "q1": "who bit the man", "q2": "who bit the dog", "doc1": "The dog did.", "doc2": "The man did."}
]"#;

    fn read_bytes(name: &str, bytes: &[u8]) -> Result<Vec<Contrast>, Error> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("it can be written to");
        read(path)
    }

    #[test]
    fn plain_and_compressed_files_are_read() -> Result<(), Error> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(BITES.as_bytes()).expect("memory can be written to");
        let compressed = encoder.finish().expect("memory can be written to");
        let marked = format!("\u{feff}{BITES}");
        for (name, bytes) in
            [("c.json", BITES.as_bytes()), ("c.json", marked.as_bytes()), ("c.json.gz", compressed.as_slice())]
        {
            let contrasts = read_bytes(name, bytes)?;
            let expected = [
                ("who bit the man", "The dog did."),
                ("who bit the man", "The man did."),
                ("who bit the dog", "The dog did."),
                ("who bit the dog", "The man did."),
            ];
            assert_eq!(contrasts.iter().map(Contrast::orders).collect::<Vec<_>>(), [expected]);
        }
        let truncated = read_bytes("c.json.gz", &compressed[..compressed.len() - 12]);
        assert!(matches!(truncated, Err(Error::Read { .. })), "{truncated:?}");
        Ok(())
    }

    #[test]
    fn errors_name_the_place_and_what_was_expected() {
        let cases: &[(&[u8], &str)] = &[
            (b"", "line 1, column 0: EOF while parsing a value; expected a list of contrasts, [{\"q1\""),
            (b"{}", "line 1, column 0: invalid type: map, expected a sequence; expected a list"),
            (b"[{\"q1\": \"a\",\n \"q2\": 3}]", "line 2, column 8: invalid type: integer `3`, expected a string"),
            (b"[{\"q1\": \"a\", \"q2\": \"b\", \"doc1\": \"c\"}]", "line 1, column 36: missing field `doc2`"),
            (b"[]\n[]", "line 2, column 1: trailing characters"),
            (b"[{\"q1\": \"\xff\"}]", "line 1, column 10: invalid unicode code point"),
            (b"[]", "there are no contrasts"),
        ];
        for (bytes, expected) in cases {
            let message = read_bytes("c.json", bytes).expect_err("it is malformed").to_string();
            assert!(message.contains(expected), "{}: {message}", String::from_utf8_lossy(bytes));
        }
        assert!(matches!(read("/absent/c.json"), Err(Error::Read { .. })));
    }
}
