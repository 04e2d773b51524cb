//! Reading text files line by line, keeping the position for error messages.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use crate::Error;

/// One line of a file, without its line ending.
pub(crate) struct Line<'a> {
    path: &'a Path,
    /// Counted from 1.
    pub number: usize,
    pub text: &'a str,
}

/// Calls `visit` with each line that is not blank, in order, until one fails.
///
/// Accepts Unix and Windows line endings and a byte order mark.
pub(crate) fn for_each(path: &Path, mut visit: impl FnMut(Line<'_>) -> Result<(), Error>) -> Result<(), Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
            break;
        }
        let text = decode(path, number, &bytes)?;
        if !text.trim().is_empty() {
            visit(Line { path, number, text })?;
        }
    }
    Ok(())
}

fn decode<'a>(path: &Path, number: usize, bytes: &'a [u8]) -> Result<&'a str, Error> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
        Error::Malformed {
            path: path.to_owned(),
            line: number,
            column: valid.chars().count() + 1,
            expected: "UTF-8 text",
            got: format!("the byte 0x{:02x}", bytes.get(error.valid_up_to()).copied().unwrap_or_default()),
        }
    })?;
    let text = text.trim_end_matches(['\n', '\r']);
    Ok(if number == 1 { text.trim_start_matches('\u{feff}') } else { text })
}

impl<'a> Line<'a> {
    /// The parts between tabs, exactly `N` of them.
    pub fn tab_separated<const N: usize>(&self, expected: &'static str) -> Result<[&'a str; N], Error> {
        self.exactly(self.text.split('\t'), expected)
    }

    /// The parts between runs of white space, exactly `N` of them.
    pub fn space_separated<const N: usize>(&self, expected: &'static str) -> Result<[&'a str; N], Error> {
        self.exactly(self.text.split_ascii_whitespace(), expected)
    }

    /// `field`, a part of this line, as a value; white space around it is ignored.
    pub fn parse<T: std::str::FromStr>(&self, field: &str, expected: &'static str) -> Result<T, Error> {
        let value = field.trim();
        value.parse().map_err(|_| self.malformed(self.offset_of(field), expected, format!("`{value}`")))
    }

    /// `field`, a part of this line, if it is not empty.
    pub fn identifier(&self, field: &'a str, expected: &'static str) -> Result<&'a str, Error> {
        match field.trim() {
            "" => Err(self.malformed(self.offset_of(field), expected, "nothing".to_owned())),
            identifier => Ok(identifier),
        }
    }

    /// The column, counted from 1 in characters, of byte `offset`.
    pub fn column(&self, offset: usize) -> usize {
        self.text.char_indices().take_while(|(start, _)| *start < offset).count() + 1
    }

    /// `error`, said to be about this line.
    pub fn locate(&self, error: Error) -> Error {
        Error::AtLine { path: self.path.to_owned(), line: self.number, source: Box::new(error) }
    }

    fn exactly<const N: usize>(
        &self,
        fields: impl Iterator<Item = &'a str>,
        expected: &'static str,
    ) -> Result<[&'a str; N], Error> {
        let fields: Vec<&str> = fields.collect();
        let count = fields.len();
        // Too many: point at the first that is too much. Too few: point past the end, where one is missing.
        let offset = fields.get(N).map_or(self.text.len(), |surplus| self.offset_of(surplus));
        fields.try_into().map_err(|_| {
            let plural = if count == 1 { "field" } else { "fields" };
            self.malformed(offset, expected, format!("{count} {plural}"))
        })
    }

    /// The error for what stands at byte `offset` of this line.
    fn malformed(&self, offset: usize, expected: &'static str, got: String) -> Error {
        Error::Malformed { path: self.path.to_owned(), line: self.number, column: self.column(offset), expected, got }
    }

    /// Where `part`, a slice of this line's text, starts.
    fn offset_of(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }
}
