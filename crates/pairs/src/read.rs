//! From a file to pairs.

use crate::rows::{Named, Row, Rows};
use crate::{Error, Kind, Label, Negatives, Pair, Relation, Sources};
use std::{collections::HashSet, fmt, iter::FusedIterator, path::Path, str::FromStr};
use vetted_corpus::input;

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
    rows: Rows,
    columns: Columns,
    /// The header's names.
    names: Vec<String>,
    labelled: bool,
    sources: Sources,
    /// One more column that is wanted.
    wanted: Option<usize>,
    /// The last row's cell of it.
    cell: String,
    named_relation: bool,
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

impl Reader {
    fn new(input: input::Input, labelled: bool) -> Result<Reader, Error> {
        let mut rows = Rows::new(input);
        let (columns, names) = match rows.next()? {
            Some(row) => (Columns::of(&row, labelled)?, row.cells.iter().map(|name| name.trim().to_owned()).collect()),
            None => return Err(Error::EmptyFile { path: rows.path().to_owned(), expected: "s1 and s2" }),
        };
        Ok(Reader {
            rows,
            columns,
            names,
            labelled,
            sources: Sources::default(),
            wanted: None,
            cell: String::new(),
            named_relation: false,
            ended: false,
        })
    }

    /// Fills in what `sources` know and the file's own columns do not say.
    ///
    /// The relation, and with it the order of claim and evidence, is theirs only where a row does not name a relation: a
    /// file that does was written with our columns in mind.
    #[must_use]
    pub fn with_sources(self, sources: Sources) -> Reader {
        Reader { sources, ..self }
    }

    /// Keeps each row's [`cell`](Self::cell) in `column`, any column of the file.
    ///
    /// # Errors
    /// [`Error::NoColumn`] if the header has no such column. Of JSONL, an object may lack the field.
    pub fn with_column(mut self, column: &str) -> Result<Reader, Error> {
        let found = self.names.iter().position(|name| name == column).or_else(|| self.rows.ask_for(column));
        let Some(place) = found else {
            let (path, column, found) = (self.rows.path().to_owned(), column.to_owned(), self.names);
            return Err(Error::NoColumn { path, column, found });
        };
        self.columns.count = self.columns.count.max(place + 1);
        self.wanted = Some(place);
        Ok(self)
    }

    /// What the pair that was read last has in the column that [`with_column`](Self::with_column) named.
    pub fn cell(&self) -> &str {
        &self.cell
    }

    /// Whether a pair that was read so far names its relation.
    pub fn named_relation(&self) -> bool {
        self.named_relation
    }

    fn next_pair(&mut self) -> Result<Option<Pair>, Error> {
        let Some(row) = self.rows.next()? else { return Ok(None) };
        if let Some(place) = self.wanted {
            self.cell = row.cell(place).to_owned();
        }
        self.named_relation |= self.columns.relation.is_some_and(|column| !row.cell(column.place).trim().is_empty());
        self.columns.pair(&row, self.labelled, &self.sources).map(Some)
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
        formatter.debug_struct("Reader").field("path", &self.rows.path()).finish()
    }
}

impl Columns {
    fn of(header: &Row<'_>, labelled: bool) -> Result<Columns, Error> {
        let names: Vec<&str> = header.cells.iter().map(|name| name.trim()).collect();
        let mut seen = HashSet::new();
        // Columns without a name are ignored, however many.
        if let Some(twice) = names.iter().find(|name| !name.is_empty() && !seen.insert(**name)) {
            return Err(vetted_corpus::Error::DuplicateColumn {
                path: header.path.to_owned(),
                column: twice.to_string(),
            }
            .into());
        }
        let place = |wanted: &str| names.iter().position(|name| *name == wanted);
        let named = |name| place(name).map(|place| Named { place, name });
        let missing = |expected| {
            let found = names.iter().map(ToString::to_string).collect();
            Error::Input(vetted_corpus::Error::MissingColumn { path: header.path.to_owned(), expected, found })
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
