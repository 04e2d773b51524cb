//! From a file to pairs.

use crate::{Error, Kind, Label, Negatives, Pair, Relation, Sources};
use std::{
    collections::HashSet,
    fmt,
    io::BufRead,
    iter::FusedIterator,
    path::{Path, PathBuf},
    str::FromStr,
};
use vetted_corpus::input::{self, Input};

/// Opens a [file of pairs](crate), whose labels may be missing, and reads its header. `-` is standard input.
///
/// # Errors
/// [`Error::Input`] if it cannot be read or its header is wrong; [`Error::EmptyFile`]. What the reader then yields are
/// pairs, or the error of a row: [`Error::Input`], [`Error::CellCount`] or [`Error::BadCell`].
pub fn read(path: impl AsRef<Path>) -> Result<Reader, Error> {
    Reader::new(input::open(path.as_ref())?, false)
}

/// The same, but a file without labels, or a row without one, is an error: [`Error::Input`],
/// [`Error::BadCell`]. Every pair read has a [label](Pair::label).
///
/// # Errors
/// As [`read`], and these.
pub fn read_labelled(path: impl AsRef<Path>) -> Result<Reader, Error> {
    Reader::new(input::open(path.as_ref())?, true)
}

/// The pairs of a file, one row in memory at a time; from [`read`] or [`read_labelled`].
///
/// After an error it ends: a row that is wrong is never passed over in silence.
pub struct Reader {
    input: Input,
    columns: Columns,
    labelled: bool,
    sources: Sources,
    /// Lines read so far.
    lines: u64,
    bytes: Vec<u8>,
    ended: bool,
}

/// Where each column stands in a row, counted from 0.
#[derive(Default)]
struct Columns {
    count: usize,
    candidate: usize,
    query: usize,
    label: Option<Named>,
    relation: Option<Named>,
    conflict: Option<Named>,
    kind: Option<Named>,
    source: Option<usize>,
    split: Option<usize>,
    phenomenon: Option<usize>,
}

/// A column that can be wrong, with the name that the header gives it.
#[derive(Clone, Copy)]
struct Named {
    place: usize,
    name: &'static str,
}

/// One line of the file.
struct Row<'a> {
    path: &'a PathBuf,
    line: u64,
    cells: Vec<&'a str>,
}

impl Reader {
    fn new(input: Input, labelled: bool) -> Result<Reader, Error> {
        let (columns, sources) = (Columns::default(), Sources::default());
        let mut reader = Reader { input, columns, labelled, sources, lines: 0, bytes: Vec::new(), ended: false };
        let header = match reader.next_row()? {
            Some(row) => Columns::of(&row, labelled)?,
            None => return Err(Error::EmptyFile { path: reader.input.path, expected: "s1 and s2" }),
        };
        reader.columns = header;
        Ok(reader)
    }

    /// Fills in what `sources` know and the file's own columns do not say.
    ///
    /// The relation, and with it the order of claim and evidence, is theirs only where a row does not name a relation: a
    /// file that does was written with our columns in mind.
    #[must_use]
    pub fn with_sources(self, sources: Sources) -> Reader {
        Reader { sources, ..self }
    }

    /// Reads the next line that is not empty; `None` at the end of the file.
    fn next_row(&mut self) -> Result<Option<Row<'_>>, Error> {
        loop {
            self.bytes.clear();
            let start = self.input.offset;
            let length = self.input.bytes.read_until(b'\n', &mut self.bytes);
            match length {
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
                return Ok(Some(Row { path, line, cells: text.split('\t').collect() }));
            }
        }
    }

    fn next_pair(&mut self) -> Result<Option<Pair>, Error> {
        // Columns and sources are lent out for the row that borrows the reader, and put back.
        let (columns, sources) = (std::mem::take(&mut self.columns), std::mem::take(&mut self.sources));
        let labelled = self.labelled;
        let pair = match self.next_row() {
            Ok(Some(row)) => columns.pair(&row, labelled, &sources).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        (self.columns, self.sources) = (columns, sources);
        pair
    }
}

impl Iterator for Reader {
    type Item = Result<Pair, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let pair = self.next_pair().transpose();
        self.ended = !matches!(pair, Some(Ok(_)));
        pair
    }
}

impl FusedIterator for Reader {}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reader").field("path", &self.input.path).field("lines", &self.lines).finish()
    }
}

impl Columns {
    fn of(header: &Row<'_>, labelled: bool) -> Result<Columns, Error> {
        let names: Vec<&str> = header.cells.iter().map(|name| name.trim()).collect();
        let mut seen = HashSet::new();
        // Columns without a name are ignored, however many.
        if let Some(twice) = names.iter().find(|name| !name.is_empty() && !seen.insert(**name)) {
            return Err(
                vetted_corpus::Error::DuplicateColumn { path: header.path.clone(), column: twice.to_string() }.into()
            );
        }
        let place = |wanted: &str| names.iter().position(|name| *name == wanted);
        let named = |name| place(name).map(|place| Named { place, name });
        let missing = |expected| {
            let found = names.iter().map(ToString::to_string).collect();
            Error::Input(vetted_corpus::Error::MissingColumn { path: header.path.clone(), expected, found })
        };
        let columns = Columns {
            count: names.len(),
            candidate: place("s1").ok_or_else(|| missing("`s1` (the candidate)"))?,
            query: place("s2").ok_or_else(|| missing("`s2` (the query)"))?,
            label: named("equiv").or_else(|| named("label")),
            relation: named("relation"),
            conflict: named("conflict"),
            kind: named("kind"),
            source: place("source"),
            split: place("split"),
            phenomenon: place("phenomenon"),
        };
        match columns.label {
            None if labelled => Err(missing("`equiv` or `label` (1 match, 0 no match, N neutral)")),
            _ => Ok(columns),
        }
    }

    fn pair(&self, row: &Row<'_>, labelled: bool, sources: &Sources) -> Result<Pair, Error> {
        row.check_count(self.count)?;
        let text = |place| row.cell(place).to_string();
        let optional_text = |place: Option<usize>| place.map(text).unwrap_or_default();
        let label = match self.label {
            Some(column) if labelled && row.cell(column.place).trim().is_empty() => {
                return Err(row.bad_cell(column, Label::EXPECTED));
            }
            column => row.parse(column, Label::EXPECTED)?,
        };
        let source = optional_text(self.source);
        let known = sources.get(&source).copied().unwrap_or_default();
        let relation = row.parse(self.relation, Relation::EXPECTED)?;
        let (mut candidate, mut query) = (text(self.candidate), text(self.query));
        if relation.is_none() && known.claim_first {
            std::mem::swap(&mut candidate, &mut query);
        }
        let negatives = if label == Some(Label::NoMatch) { known.negatives } else { Negatives::default() };
        let conflict = row.parse::<Flag>(self.conflict, Flag::EXPECTED)?.map(|Flag(is_set)| is_set);
        Ok(Pair {
            candidate,
            query,
            label,
            relation: relation.unwrap_or(known.relation),
            conflict: conflict.or(negatives.conflict),
            kind: row.parse(self.kind, Kind::EXPECTED)?.or(negatives.kind),
            source,
            split: optional_text(self.split),
            phenomenon: optional_text(self.phenomenon),
        })
    }
}

impl Row<'_> {
    fn cell(&self, place: usize) -> &str {
        self.cells.get(place).copied().unwrap_or_default()
    }

    /// The column in the file, counted from 1 in bytes, where a cell starts.
    fn column(&self, place: usize) -> u64 {
        self.cells.iter().take(place).map(|cell| cell.len() as u64 + 1).sum::<u64>() + 1
    }

    fn check_count(&self, expected: usize) -> Result<(), Error> {
        let got = self.cells.len();
        if got == expected {
            return Ok(());
        }
        // Too many: where the first surplus cell starts. Too few: past the end, where one is missing.
        let column = if got > expected { self.column(expected) } else { self.column(got) - 1 };
        Err(Error::CellCount { path: self.path.clone(), line: self.line, column, expected, got })
    }

    /// The value in a column; `None` if there is no such column or the cell is empty.
    fn parse<T: FromStr>(&self, column: Option<Named>, expected: &'static str) -> Result<Option<T>, Error> {
        let Some(column) = column else { return Ok(None) };
        match self.cell(column.place).trim() {
            "" => Ok(None),
            cell => cell.parse().map(Some).map_err(|_| self.bad_cell(column, expected)),
        }
    }

    fn bad_cell(&self, column: Named, expected: &'static str) -> Error {
        Error::BadCell {
            path: self.path.clone(),
            line: self.line,
            column: self.column(column.place),
            name: column.name,
            expected,
            got: self.cell(column.place).trim().to_string(),
        }
    }
}

/// A yes or no, written `1` or `0`.
struct Flag(bool);

impl Flag {
    const EXPECTED: &str = "1 (they contradict each other), 0 (they do not) or nothing";
}

impl FromStr for Flag {
    type Err = ();

    fn from_str(cell: &str) -> Result<Flag, ()> {
        match cell {
            "0" => Ok(Flag(false)),
            "1" => Ok(Flag(true)),
            _ => Err(()),
        }
    }
}
