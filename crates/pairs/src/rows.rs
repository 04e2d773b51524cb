//! From a file to rows of cells: tab-separated text, CSV, or a JSON object a line.

use std::borrow::Cow;
use std::io::BufRead;
use std::path::Path;
use std::str::FromStr;

use serde_json::{Map, Value};
use vetted_corpus::TableRows;
use vetted_corpus::input::Input;

use crate::Error;
use crate::error::malformed_json;

/// The rows of a file, the header first.
pub(crate) enum Rows {
    /// Without quoting.
    Tabs(Lines),
    /// With it.
    Commas { path: std::path::PathBuf, rows: Box<TableRows> },
    /// JSON objects, whose fields are cells under a header that we make.
    Objects { lines: Lines, fields: Vec<String>, header: bool },
}

/// The lines of a file.
pub(crate) struct Lines {
    input: Input,
    /// Lines read so far.
    lines: u64,
    bytes: Vec<u8>,
}

/// A column that can be wrong, with the name that the header gives it.
#[derive(Clone, Copy)]
pub(crate) struct Named {
    pub(crate) place: usize,
    pub(crate) name: &'static str,
}

/// One row of the file.
pub(crate) struct Row<'a> {
    pub(crate) path: &'a Path,
    pub(crate) line: u64,
    pub(crate) cells: Vec<Cow<'a, str>>,
    /// Whether cells stand in the line one after the other, a tab between.
    in_place: bool,
}

/// The longest row of CSV.
const MOST_BYTES: usize = 64 << 20;

/// The fields of objects that become cells. `label` is `equiv` where there is one.
const FIELDS: [&str; 9] = ["s1", "s2", "label", "relation", "conflict", "kind", "source", "split", "phenomenon"];

impl Rows {
    /// By what the file's name says; tab-separated where it says nothing.
    pub(crate) fn new(input: Input) -> Rows {
        let name = input.path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let ends = |ending: &str| name.ends_with(ending);
        if ends(".csv") {
            let path = input.path.clone();
            return Rows::Commas { path, rows: Box::new(TableRows::new(input, b',', MOST_BYTES)) };
        }
        let lines = Lines { input, lines: 0, bytes: Vec::new() };
        match ends(".jsonl") || ends(".ndjson") {
            true => Rows::Objects { lines, fields: FIELDS.map(str::to_owned).to_vec(), header: true },
            false => Rows::Tabs(lines),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Rows::Tabs(lines) | Rows::Objects { lines, .. } => &lines.input.path,
            Rows::Commas { path, .. } => path,
        }
    }

    /// Where one more field of objects will stand; none in a table, whose header has all there is.
    pub(crate) fn ask_for(&mut self, field: &str) -> Option<usize> {
        let Rows::Objects { fields, .. } = self else { return None };
        fields.push(field.to_owned());
        Some(fields.len() - 1)
    }

    /// Reads the next row that is not empty; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, Error> {
        match self {
            Rows::Tabs(lines) => {
                let Some((path, line, text)) = lines.next()? else { return Ok(None) };
                Ok(Some(Row { path, line, cells: text.split('\t').map(Cow::Borrowed).collect(), in_place: true }))
            }
            Rows::Commas { path, rows } => {
                let Some(row) = rows.next().transpose()? else { return Ok(None) };
                let cells = row.cells.into_iter().map(Cow::Owned).collect();
                Ok(Some(Row { path, line: row.line, cells, in_place: false }))
            }
            Rows::Objects { lines, fields, header } => {
                if std::mem::take(header) {
                    let cells = fields.iter().map(|name| Cow::Borrowed(name.as_str())).collect();
                    return Ok(Some(Row { path: &lines.input.path, line: 0, cells, in_place: false }));
                }
                let Some((path, line, text)) = lines.next()? else { return Ok(None) };
                let expected = r#"an object such as {"s1": "a text", "s2": "another", "label": 1}"#;
                let mut object: Map<String, Value> =
                    serde_json::from_str(text).map_err(|error| malformed_json(path, line, &error, expected))?;
                let mut cells = Vec::with_capacity(fields.len());
                for (place, field) in fields.iter().enumerate() {
                    let value = match place {
                        LABEL => object.remove("equiv").or_else(|| object.remove(field)),
                        _ => object.get(field).cloned(),
                    };
                    if place < TEXTS && !matches!(value, Some(Value::String(_))) {
                        let (path, name) = (path.to_owned(), FIELDS[place]);
                        let got = value.map(|value| value.to_string()).unwrap_or_default();
                        return Err(Error::BadCell { path, line, column: 1, name, expected: "a text", got });
                    }
                    cells.push(Cow::Owned(value.map(cell).unwrap_or_default()));
                }
                Ok(Some(Row { path, line, cells, in_place: false }))
            }
        }
    }
}

/// The first of [`FIELDS`] are texts, which no object may lack.
const TEXTS: usize = 2;
/// The place of `label`.
const LABEL: usize = 2;

/// A value as a table would write it.
fn cell(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        Value::Bool(is_set) => String::from(if is_set { "1" } else { "0" }),
        other => other.to_string(),
    }
}

impl Lines {
    /// The next line that is not empty.
    fn next(&mut self) -> Result<Option<(&Path, u64, &str)>, Error> {
        loop {
            self.bytes.clear();
            let start = self.input.offset;
            match self.input.bytes.read_until(b'\n', &mut self.bytes) {
                Err(source) => {
                    return Err(vetted_corpus::Error::Read { path: self.input.path.clone(), source }.into());
                }
                Ok(0) => return Ok(None),
                Ok(length) => self.input.offset += length as u64,
            }
            self.lines += 1;
            if self.bytes.last() == Some(&b'\n') {
                self.bytes.pop();
            }
            if self.bytes.last() == Some(&b'\r') {
                self.bytes.pop();
            }
            if !self.bytes.is_empty() {
                let (path, line) = (&self.input.path, self.lines);
                let text = std::str::from_utf8(&self.bytes).map_err(|error| {
                    let byte = start + error.valid_up_to() as u64;
                    vetted_corpus::Error::InvalidUtf8 { path: path.clone(), line, byte, encoding: self.input.encoding }
                })?;
                return Ok(Some((path, line, text)));
            }
        }
    }
}

impl Row<'_> {
    pub(crate) fn cell(&self, place: usize) -> &str {
        self.cells.get(place).map(AsRef::as_ref).unwrap_or_default()
    }

    /// The column in the file, counted from 1 in bytes, where a cell starts; 1 where that is not known.
    fn column(&self, place: usize) -> u64 {
        if !self.in_place {
            return 1;
        }
        self.cells.iter().take(place).map(|cell| cell.len() as u64 + 1).sum::<u64>() + 1
    }

    pub(crate) fn check_count(&self, expected: usize) -> Result<(), Error> {
        let got = self.cells.len();
        if got == expected {
            return Ok(());
        }
        // Too many: where the first surplus cell starts. Too few: past the end, where one is missing.
        let column = if got > expected { self.column(expected) } else { self.column(got).max(2) - 1 };
        Err(Error::CellCount { path: self.path.to_owned(), line: self.line, column, expected, got })
    }

    /// The value in a column; `None` if there is no such column or the cell is empty.
    pub(crate) fn parse<T: FromStr>(&self, column: Option<Named>, expected: &'static str) -> Result<Option<T>, Error> {
        let Some(column) = column else { return Ok(None) };
        match self.cell(column.place).trim() {
            "" => Ok(None),
            cell => cell.parse().map(Some).map_err(|_| self.bad_cell(column, expected)),
        }
    }

    pub(crate) fn bad_cell(&self, column: Named, expected: &'static str) -> Error {
        Error::BadCell {
            path: self.path.to_owned(),
            line: self.line,
            column: self.column(column.place),
            name: column.name,
            expected,
            got: self.cell(column.place).trim().to_string(),
        }
    }
}
