//! CSV (RFC 4180) and TSV with the same quoting, as BEIR's loader, pandas and spreadsheets write it.
//!
//! Built on `csv-core` rather than `csv`: where a quote is never closed, `csv` returns the rest of the file as one cell
//! without a word, and thousands of documents are gone. Here the raw bytes of each row are at hand to notice that, and to
//! name the exact byte that is not UTF-8.

use crate::{
    Document, Error,
    error::Problem,
    fields,
    input::{Input, line_breaks},
};
use csv_core::ReadRecordResult;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// The documents of a table, one row in memory at a time.
pub(crate) struct Rows {
    input: Input,
    parser: csv_core::Reader,
    row: Row,
    /// Line feeds read so far.
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

/// One row, raw and parsed. The buffers are kept from row to row.
#[derive(Default)]
struct Row {
    line: u64,
    byte: u64,
    raw: Vec<u8>,
    /// Content of all cells, one after the other, without quotes.
    cells: Vec<u8>,
    /// Where each cell ends in `cells`.
    ends: Vec<usize>,
    count: usize,
}

impl Rows {
    pub fn new(input: Input, delimiter: u8) -> Rows {
        let parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Rows { input, parser, row: Row::default(), lines: 0, columns: None }
    }

    fn read(&mut self) -> Result<Option<Document>, Problem> {
        if self.columns.is_none() {
            if !self.read_row()? {
                return Ok(None);
            }
            // Without its header, no row of the file can be understood.
            self.columns = Some(self.header().map_err(Problem::Fatal)?);
        }
        if !self.read_row()? {
            return Ok(None);
        }
        self.document().map(Some).map_err(Problem::BadRecord)
    }

    fn header(&self) -> Result<Vec<Column>, Error> {
        let path = &self.input.path;
        let names: Vec<String> = self.row.cells(&self.input)?.map(|name| name.trim().to_string()).collect();
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

    fn document(&self) -> Result<Document, Error> {
        let (path, line) = (&self.input.path, self.row.line);
        let columns = self.columns.as_deref().unwrap_or_default();
        if self.row.count != columns.len() {
            let (expected, got) = (columns.len(), self.row.count);
            return Err(Error::CellCount { path: path.clone(), line, expected, got });
        }
        let mut document = Document { metadata: Map::new(), ..Document::default() };
        for (column, cell) in columns.iter().zip(self.row.cells(&self.input)?) {
            match column {
                Column::Id => document.id = cell.to_string(),
                Column::Title => document.title = cell.to_string(),
                Column::Text => document.text = cell.to_string(),
                Column::Metadata(name) => {
                    document.metadata.insert(name.clone(), Value::String(cell.to_string()));
                }
            }
        }
        fields::check_id(&document.id, path, line)?;
        Ok(document)
    }

    /// Reads the next row that is not empty; `false` at the end of the file.
    fn read_row(&mut self) -> Result<bool, Problem> {
        self.skip_line_ends()?;
        let row = &mut self.row;
        (row.line, row.byte, row.count) = (self.lines + 1, self.input.offset, 0);
        row.raw.clear();
        let mut written = 0;
        let at_end = loop {
            let bytes = self.input.peek()?;
            let at_end = bytes.is_empty();
            let (result, read, content, ends) =
                self.parser.read_record(bytes, &mut row.cells[written..], &mut row.ends[row.count..]);
            row.raw.extend_from_slice(&bytes[..read]);
            self.input.consume(read);
            written += content;
            row.count += ends;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => row.cells.resize((2 * row.cells.len()).max(1 << 12), 0),
                ReadRecordResult::OutputEndsFull => row.ends.resize((2 * row.ends.len()).max(1 << 4), 0),
                ReadRecordResult::Record => break at_end,
                ReadRecordResult::End => return Ok(false),
            }
        };
        self.lines += line_breaks(&row.raw);
        // A complete row has its quotes in pairs. A lone one in the middle of a cell (5" pipe) is let through as long as
        // it cannot have swallowed another line.
        let quotes = row.raw.iter().filter(|byte| **byte == b'"').count();
        if at_end && quotes % 2 == 1 && row.raw.contains(&b'\n') {
            let (path, line) = (self.input.path.clone(), row.line);
            return Err(Problem::Fatal(Error::UnclosedQuote { path, line }));
        }
        Ok(true)
    }

    fn skip_line_ends(&mut self) -> Result<(), Problem> {
        loop {
            let bytes = self.input.peek()?;
            let length = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if length == 0 {
                return Ok(());
            }
            self.lines += line_breaks(&bytes[..length]);
            self.input.consume(length);
        }
    }
}

impl Row {
    fn cells(&self, input: &Input) -> Result<impl Iterator<Item = &str>, Error> {
        let text = |bytes| std::str::from_utf8(bytes);
        text(&self.raw).map_err(|error| {
            let valid = error.valid_up_to();
            let line = self.line + line_breaks(&self.raw[..valid]);
            Error::InvalidUtf8 { path: input.path.clone(), line, byte: self.byte + valid as u64 }
        })?;
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let ranges = starts.zip(self.ends.iter().copied()).take(self.count);
        // Leaving out quotes, which are ASCII, from valid UTF-8 leaves valid UTF-8: no cell is ever replaced here.
        Ok(ranges.map(move |(start, end)| text(&self.cells[start..end]).unwrap_or_default()))
    }
}

impl Iterator for Rows {
    type Item = Result<Document, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
