//! CSV (RFC 4180) and TSV, as BEIR's loader, pandas and spreadsheets write it.

use crate::{
    Document, Error,
    cells::{Cell, RowScan, Scanned},
    error::Problem,
    fields,
    input::{Input, LineRead, line_breaks},
    read::Record,
};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// A table's rows as they stand, the header first: for tables that hold other things than documents.
pub struct TableRows(Rows);

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// The line on which it begins.
    pub line: u64,
    /// Its cells, quotes undone.
    pub cells: Vec<String>,
}

impl TableRows {
    /// The rows of `input`, whose cells stand between `delimiter`s. No row may take more than `most_bytes`.
    pub fn new(input: Input, delimiter: u8, most_bytes: usize) -> TableRows {
        TableRows(Rows::new(input, delimiter, most_bytes))
    }

    fn next_row(&mut self) -> Result<Option<TableRow>, Error> {
        let fault = |problem| match problem {
            Problem::BadRecord(error) | Problem::Fatal(error) => error,
        };
        let Some(row) = self.0.next_row().map_err(fault)? else { return Ok(None) };
        let text = self.0.text(&row)?;
        let cells = row.cells.iter().map(|cell| cell.text(text).into_owned()).collect();
        Ok(Some(TableRow { line: row.line, cells }))
    }
}

impl Iterator for TableRows {
    type Item = Result<TableRow, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().transpose()
    }
}

/// The documents of a table, one row in memory at a time.
pub(crate) struct Rows {
    input: Input,
    delimiter: u8,
    limit: usize,
    /// Lines that were read, of which the first `used` bytes are done with.
    buffer: Vec<u8>,
    used: usize,
    /// Whether the input has nothing more.
    ended: bool,
    /// Line feeds before `used`.
    lines: u64,
    columns: Option<Vec<Column>>,
}

/// What a column's cells are.
enum Column {
    Id,
    Title,
    Text,
    Metadata(String),
}

/// One row.
struct Row {
    line: u64,
    /// Its bytes in the buffer.
    bytes: std::ops::Range<usize>,
    cells: Vec<Cell>,
}

impl Rows {
    pub fn new(input: Input, delimiter: u8, limit: usize) -> Rows {
        Rows { input, delimiter, limit, buffer: Vec::new(), used: 0, ended: false, lines: 0, columns: None }
    }

    fn read(&mut self) -> Result<Option<Record>, Problem> {
        if self.columns.is_none() {
            // Without its header, no row of the file can be understood.
            let fatal = |problem| match problem {
                Problem::BadRecord(error) | Problem::Fatal(error) => Problem::Fatal(error),
            };
            let Some(row) = self.next_row().map_err(fatal)? else { return Ok(None) };
            self.columns = Some(self.header(&row).map_err(Problem::Fatal)?);
        }
        let Some(row) = self.next_row()? else { return Ok(None) };
        let document = self.document(&row).map_err(Problem::BadRecord)?;
        Ok(Some(Record { document, line: Some(row.line) }))
    }

    fn header(&self, row: &Row) -> Result<Vec<Column>, Error> {
        let path = &self.input.path;
        let text = self.text(row)?;
        let names: Vec<String> = row.cells.iter().map(|cell| cell.text(text).trim().to_string()).collect();
        let mut seen = HashSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(Error::DuplicateColumn { path: path.clone(), column: twice.clone() });
        }
        let chosen = |wanted: &[&'static str], expected| {
            let name = wanted.iter().copied().find(|name| seen.contains(name));
            name.ok_or_else(|| Error::MissingColumn { path: path.clone(), expected, found: names.clone() })
        };
        let id = chosen(&fields::ID, fields::ID_EXPECTED)?;
        let text = chosen(&fields::TEXT, fields::TEXT_EXPECTED)?;
        let column = |name: &String| match name.as_str() {
            name if name == id => Column::Id,
            name if name == text => Column::Text,
            fields::TITLE => Column::Title,
            name => Column::Metadata(name.to_string()),
        };
        Ok(names.iter().map(column).collect())
    }

    fn document(&self, row: &Row) -> Result<Document, Error> {
        let (path, line) = (&self.input.path, row.line);
        let columns = self.columns.as_deref().unwrap_or_default();
        if row.cells.len() != columns.len() {
            let (expected, got) = (columns.len(), row.cells.len());
            return Err(Error::CellCount { path: path.clone(), line, expected, got });
        }
        let text = self.text(row)?;
        let mut document = Document { metadata: Map::new(), ..Document::default() };
        for (column, cell) in columns.iter().zip(&row.cells) {
            let cell = cell.text(text).into_owned();
            match column {
                Column::Id => document.id = cell,
                Column::Title => document.title = cell,
                Column::Text => document.text = cell,
                Column::Metadata(name) => {
                    document.metadata.insert(name.clone(), Value::String(cell));
                }
            }
        }
        fields::check_id(&document.id, path, line)?;
        Ok(document)
    }

    /// A row's bytes as text.
    fn text(&self, row: &Row) -> Result<&str, Error> {
        let bytes = &self.buffer[row.bytes.clone()];
        std::str::from_utf8(bytes).map_err(|error| {
            let valid = error.valid_up_to();
            let line = row.line + line_breaks(&bytes[..valid]);
            let before = self.buffer.len() - row.bytes.start - valid;
            let (path, encoding) = (self.input.path.clone(), self.input.encoding);
            Error::InvalidUtf8 { path, line, byte: self.input.offset - before as u64, encoding }
        })
    }

    /// Reads the next row that is not empty; `None` at the end of the file.
    ///
    /// After a row with a wrong quote, the line below the one on which it starts is next: the quote may have swallowed any
    /// number of rows.
    fn next_row(&mut self) -> Result<Option<Row>, Problem> {
        if !self.skip_line_ends()? {
            return Ok(None);
        }
        let (start, line, path) = (self.used, self.lines + 1, self.input.path.clone());
        let mut scan = RowScan::new(self.delimiter);
        let wrong = loop {
            match scan.scan(&self.buffer[start..], self.ended) {
                Scanned::Row(length) => {
                    let bytes = start..start + length;
                    self.advance(length);
                    return Ok(Some(Row { line, bytes, cells: scan.into_cells() }));
                }
                Scanned::More if self.buffer.len() - start > self.limit => {
                    break Error::RecordTooLarge { path, line, limit: self.limit };
                }
                Scanned::More => {
                    // A line inside a quoted cell that is too long makes the row too long.
                    if !self.read_line()? {
                        break Error::RecordTooLarge { path, line, limit: self.limit };
                    }
                }
                Scanned::Unclosed => break Error::UnclosedQuote { path, line },
                Scanned::AfterQuote => break Error::AfterQuote { path, line },
            }
        };
        let rest = &self.buffer[start..];
        let first_line = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        self.advance(first_line);
        Err(Problem::BadRecord(wrong))
    }

    /// Goes to where the next row begins; `false` at the end of the file.
    fn skip_line_ends(&mut self) -> Result<bool, Problem> {
        loop {
            let rest = &self.buffer[self.used..];
            let length = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.advance(length);
            if self.used < self.buffer.len() {
                return Ok(true);
            }
            if self.ended {
                return Ok(false);
            }
            self.buffer.clear();
            self.used = 0;
            if !self.read_line()? {
                let (path, line, limit) = (self.input.path.clone(), self.lines, self.limit);
                return Err(Problem::BadRecord(Error::RecordTooLarge { path, line, limit }));
            }
        }
    }

    /// Appends the next line to the buffer, if there is one; `false` where it is too long, and is passed over.
    fn read_line(&mut self) -> Result<bool, Problem> {
        match self.input.read_line(&mut self.buffer, self.limit)? {
            LineRead::Whole => {}
            LineRead::End => self.ended = true,
            LineRead::TooLong => {
                self.lines += 1;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Is done with so many bytes of the buffer.
    fn advance(&mut self, bytes: usize) {
        self.lines += line_breaks(&self.buffer[self.used..self.used + bytes]);
        self.used += bytes;
    }
}

impl Iterator for Rows {
    type Item = Result<Record, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
