//! From pairs to a file.

use crate::{Error, Pair};
use flate2::{Compression, write::GzEncoder};
use std::{
    borrow::Cow,
    fmt,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};
use vetted_tensors::Replacement;

const HEADER: &str = "source\tsplit\tphenomenon\trelation\tequiv\tconflict\tkind\ts1\ts2\n";

/// Writes a [file of pairs](crate), whole or not at all; gzipped if the name ends in `.gz`. Returns how many there were.
///
/// The same pairs give the same bytes. A tab, a line feed or a carriage return in a text becomes a space.
///
/// # Errors
/// [`Error::Write`]; the file that was there before, if any, is then still there.
pub fn write<'a>(path: impl AsRef<Path>, pairs: impl IntoIterator<Item = &'a Pair>) -> Result<u64, Error> {
    let mut writer = Writer::create(path)?;
    for pair in pairs {
        writer.write(pair)?;
    }
    writer.finish()
}

/// Writes a [file of pairs](crate) one by one, as [`write()`] does.
///
/// The pairs go to a draft beside the file, which takes the file's place in [`finish`](Writer::finish). A writer that is
/// dropped before that removes its draft and changes nothing.
pub struct Writer {
    path: PathBuf,
    sink: Sink,
    pairs: u64,
}

enum Sink {
    Plain(BufWriter<Replacement>),
    Gzip(Box<GzEncoder<BufWriter<Replacement>>>),
}

impl Writer {
    /// Starts a file.
    ///
    /// # Errors
    /// [`Error::Write`], if for example the folder does not exist.
    pub fn create(path: impl AsRef<Path>) -> Result<Writer, Error> {
        let path = path.as_ref().to_path_buf();
        let failed = |source| Error::Write { path: path.clone(), source };
        let file = BufWriter::with_capacity(1 << 16, Replacement::create(&path).map_err(failed)?);
        let compressed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
        let mut sink = match compressed {
            true => Sink::Gzip(Box::new(GzEncoder::new(file, Compression::default()))),
            false => Sink::Plain(file),
        };
        sink.as_write().write_all(HEADER.as_bytes()).map_err(failed)?;
        Ok(Writer { path, sink, pairs: 0 })
    }

    /// Adds a pair.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write(&mut self, pair: &Pair) -> Result<(), Error> {
        let cells = [
            one_line(&pair.source),
            one_line(&pair.split),
            one_line(&pair.phenomenon),
            pair.relation.name().into(),
            pair.label.map_or("", |label| label.name()).into(),
            pair.conflict.map_or("", |conflict| if conflict { "1" } else { "0" }).into(),
            pair.kind.map_or("", |kind| kind.name()).into(),
            one_line(&pair.candidate),
            one_line(&pair.query),
        ];
        let mut line = cells.join("\t");
        line.push('\n');
        self.pairs += 1;
        self.sink.as_write().write_all(line.as_bytes()).map_err(|source| self.failed(source))
    }

    /// Puts the file in its place, and returns how many pairs it holds.
    ///
    /// # Errors
    /// [`Error::Write`]; nothing has then changed.
    pub fn finish(self) -> Result<u64, Error> {
        let Writer { path, sink, pairs } = self;
        let moved = sink.finish().and_then(Replacement::commit);
        moved.map(|()| pairs).map_err(|source| Error::Write { path, source })
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Write { path: self.path.clone(), source }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Writer").field("path", &self.path).field("pairs", &self.pairs).finish()
    }
}

impl Sink {
    fn as_write(&mut self) -> &mut dyn Write {
        match self {
            Sink::Plain(file) => file,
            Sink::Gzip(file) => &mut **file,
        }
    }

    fn finish(self) -> io::Result<Replacement> {
        let file = match self {
            Sink::Plain(file) => file,
            Sink::Gzip(file) => file.finish()?,
        };
        file.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

/// The text with a space for every character that would end its cell.
fn one_line(text: &str) -> Cow<'_, str> {
    let ends_cell = |character| matches!(character, '\t' | '\n' | '\r');
    match text.contains(ends_cell) {
        true => text.replace(ends_cell, " ").into(),
        false => text.into(),
    }
}
