//! One row of CSV or TSV, cut into cells.
//!
//! `csv` and `csv-core` never refuse: they take a quote that stands wrongly out of its cell, and read on to the next one. Text
//! is lost or rows are glued together, and nobody hears of it. Here a wrong quote is an error in CSV, and an ordinary character
//! in TSV, where few writers quote.

use std::{borrow::Cow, ops::Range};

/// What is known of a row so far. It is given the row's bytes again, with more after them, until it has an end.
pub(crate) struct RowScan {
    delimiter: u8,
    cells: Vec<Cell>,
    at: usize,
    /// Where a quoted cell began whose end was not found yet.
    quoted_from: Option<usize>,
}

/// Where a cell's content is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// As it stands there.
    Plain(Range<usize>),
    /// Between quotes; a quote inside is written twice.
    Quoted(Range<usize>),
}

/// How far a scan has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scanned {
    /// The row is complete and takes so many bytes, the line end included.
    Row(usize),
    /// The row goes on behind these bytes.
    More,
    /// A quote is never closed.
    Unclosed,
    /// Something follows a closing quote.
    AfterQuote,
}

impl Cell {
    /// The content of a cell of this row.
    pub(crate) fn text<'row>(&self, row: &'row str) -> Cow<'row, str> {
        let part = |range: &Range<usize>| row.get(range.clone()).unwrap_or_default();
        match self {
            Cell::Plain(range) => Cow::Borrowed(part(range)),
            Cell::Quoted(range) if part(range).contains('"') => Cow::Owned(part(range).replace("\"\"", "\"")),
            Cell::Quoted(range) => Cow::Borrowed(part(range)),
        }
    }
}

impl RowScan {
    pub(crate) fn new(delimiter: u8) -> RowScan {
        RowScan { delimiter, cells: Vec::new(), at: 0, quoted_from: None }
    }

    /// The cells of a row that is complete.
    pub(crate) fn into_cells(self) -> Vec<Cell> {
        self.cells
    }

    /// Goes on in `bytes`, which begin with the row. Nothing follows them if they are the `last`.
    pub(crate) fn scan(&mut self, bytes: &[u8], last: bool) -> Scanned {
        loop {
            if self.quoted_from.is_none() && bytes.get(self.at) == Some(&b'"') {
                self.quoted_from = Some(self.at);
                self.at += 1;
            }
            match self.quoted_from {
                Some(from) => match self.close(bytes, from, last) {
                    Ok(()) => {}
                    // TSV: what is not wholly quoted is not quoted at all.
                    Err(Scanned::Unclosed | Scanned::AfterQuote) if self.delimiter == b'\t' => {
                        self.at = from;
                        self.plain(bytes);
                    }
                    Err(unfinished) => return unfinished,
                },
                None => self.plain(bytes),
            }
            self.quoted_from = None;
            match (bytes.get(self.at), bytes.get(self.at + 1)) {
                (Some(b'\r'), Some(b'\n')) => return Scanned::Row(self.at + 2),
                (Some(b'\r' | b'\n'), _) => return Scanned::Row(self.at + 1),
                (Some(_), _) => self.at += 1,
                (None, _) => return Scanned::Row(self.at),
            }
        }
    }

    /// Adds the quoted cell that began `from` here.
    fn close(&mut self, bytes: &[u8], from: usize, last: bool) -> Result<(), Scanned> {
        loop {
            let Some(found) = bytes.get(self.at..).unwrap_or_default().iter().position(|byte| *byte == b'"') else {
                self.at = bytes.len();
                return Err(if last { Scanned::Unclosed } else { Scanned::More });
            };
            let quote = self.at + found;
            match bytes.get(quote + 1) {
                Some(b'"') => self.at = quote + 2,
                None if !last => {
                    self.at = quote;
                    return Err(Scanned::More);
                }
                Some(byte) if !matches!(byte, b'\r' | b'\n') && *byte != self.delimiter => {
                    return Err(Scanned::AfterQuote);
                }
                _ => {
                    self.cells.push(Cell::Quoted(from + 1..quote));
                    self.at = quote + 1;
                    return Ok(());
                }
            }
        }
    }

    /// Adds the cell that begins here and has no quotes around it.
    fn plain(&mut self, bytes: &[u8]) {
        let ends = |byte: &u8| *byte == self.delimiter || matches!(byte, b'\r' | b'\n');
        let rest = bytes.get(self.at..).unwrap_or_default();
        let end = self.at + rest.iter().position(ends).unwrap_or(rest.len());
        self.cells.push(Cell::Plain(self.at..end));
        self.at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cells of `row`, read as lines are read: one more at a time.
    fn cells(delimiter: u8, row: &str) -> Result<Vec<String>, Scanned> {
        let mut scan = RowScan::new(delimiter);
        let ends = row.match_indices('\n').map(|(at, _)| at + 1).chain([row.len()]);
        for end in ends {
            match scan.scan(&row.as_bytes()[..end], end == row.len()) {
                Scanned::More => {}
                Scanned::Row(length) => {
                    let row = &row[..length];
                    return Ok(scan.into_cells().iter().map(|cell| cell.text(row).into_owned()).collect());
                }
                wrong => return Err(wrong),
            }
        }
        Err(Scanned::More)
    }

    #[test]
    fn quotes_are_kept_or_refused() {
        type Case = (u8, &'static str, Result<&'static [&'static str], Scanned>);
        let cases: [Case; 19] = [
            (b',', "a,b\r\nc", Ok(&["a", "b"])),
            (b',', "a,,\n", Ok(&["a", "", ""])),
            (b',', "a,", Ok(&["a", ""])),
            (b',', "\"a, \"\"b\"\"\nc\",d\n", Ok(&["a, \"b\"\nc", "d"])),
            (b',', "\"\",\"\"\"\"\n", Ok(&["", "\""])),
            (b',', "5\" pipe,x \"y\" z\n", Ok(&["5\" pipe", "x \"y\" z"])),
            (b',', "  \"leading\",x\n", Ok(&["  \"leading\"", "x"])),
            (b',', "a\rb\r", Ok(&["a"])),
            (b',', "\"a\"\rb", Ok(&["a"])),
            (b',', "\"A 5.25\" drive\",x\n", Err(Scanned::AfterQuote)),
            (b',', "\"a\" ,x\n", Err(Scanned::AfterQuote)),
            (b',', "1,\"never\n2,x\n", Err(Scanned::Unclosed)),
            (b'\t', "\"No\" is what he said\tx\n", Ok(&["\"No\" is what he said", "x"])),
            (b'\t', "\"a\tb\"\tc\n", Ok(&["a\tb", "c"])),
            (b'\t', "\"a\nb\"\tc\n", Ok(&["a\nb", "c"])),
            (b'\t', "1\t\"never\n2\tx\n", Ok(&["1", "\"never"])),
            (b'\t', "1\t\"never\n2\t\"x\n", Ok(&["1", "\"never"])),
            (b'\t', "\"\"\tx", Ok(&["", "x"])),
            (b'\t', "\"say \"\"a\"\"\"\tx", Ok(&["say \"a\"", "x"])),
        ];
        for (delimiter, row, expected) in cases {
            let expected = expected.map(|cells| cells.iter().map(|cell| (*cell).to_owned()).collect());
            assert_eq!(cells(delimiter, row), expected, "{row:?}");
        }
    }
}
