//! From the paths a user names to open files: [`open`] gives any file's bytes, decompressed.

use crate::{
    BrokenLink, Error, ReadOptions,
    error::{Encoding, Problem},
    folder::absolute,
};
use flate2::bufread::MultiGzDecoder;
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::{self, BufRead, BufReader, Cursor, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// How a file's bytes become documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    JsonLines,
    JsonArray,
    Table {
        delimiter: u8,
    },
    Text,
    Markdown,
    Html,
    #[cfg(feature = "pdf")]
    Pdf,
    #[cfg(feature = "docx")]
    Docx,
}

impl Format {
    /// Whether a file is one document, and not a list of them.
    pub(crate) fn is_one_document(self) -> bool {
        !matches!(self, Format::JsonLines | Format::JsonArray | Format::Table { .. })
    }
}

/// One file to read, or standard input.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The file; `-` for standard input.
    pub path: PathBuf,
    pub format: Format,
    pub compressed: bool,
    /// What the file is called where it is one document; `None` if its name is not UTF-8.
    pub id: Option<String>,
    /// The file by its absolute path; `None` for standard input.
    pub origin: Option<PathBuf>,
    /// Whether it was found in a folder, and not named itself.
    pub found: bool,
}

/// Everything the inputs hold, known before the first document is read.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub sources: Vec<Source>,
    /// Sum of the files' sizes as they are on disk; `None` if standard input is among them.
    pub bytes: Option<u64>,
    /// How many files of which kind were found in folders that no format claims.
    pub unread: BTreeMap<String, u64>,
    /// The links that lead nowhere.
    pub links: Vec<BrokenLink>,
    /// What could not be listed.
    pub failed: Vec<Error>,
    /// The absolute paths of what could not be listed.
    pub unreadable: Vec<PathBuf>,
    /// The absolute paths of the inputs.
    pub roots: Vec<PathBuf>,
}

/// Lists all files of all inputs, in order, and checks that they are there and that no two are called the same.
pub(crate) fn plan(inputs: &[PathBuf], options: &ReadOptions) -> Result<Plan, Error> {
    let mut plan = Plan { bytes: Some(0), ..Plan::default() };
    for path in inputs {
        if path.as_os_str() == "-" {
            let (path, format) = (path.clone(), Format::JsonLines);
            plan.sources.push(Source { path, format, compressed: false, id: None, origin: None, found: false });
            plan.bytes = None;
            continue;
        }
        let metadata = fs::metadata(path).map_err(|source| Error::Open { path: path.clone(), source })?;
        plan.roots.push(absolute(path));
        if metadata.is_dir() {
            plan.add_folder(path, options)?;
        } else {
            let (format, compressed) = format_of(path).ok_or_else(|| Error::UnknownFormat { path: path.clone() })?;
            let id = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
            let origin = Some(absolute(path));
            plan.add(Source { path: path.clone(), format, compressed, id, origin, found: false }, metadata.len());
        }
    }
    plan.check_ids()?;
    Ok(plan)
}

impl Plan {
    pub(crate) fn add(&mut self, source: Source, bytes: u64) {
        self.sources.push(source);
        self.bytes = self.bytes.map(|sum| sum.saturating_add(bytes));
    }

    /// Two files of one name would be one document, and one of the texts be lost.
    fn check_ids(&mut self) -> Result<(), Error> {
        let mut named: HashMap<&str, &Source> = HashMap::new();
        let mut twice = Vec::new();
        for (at, source) in self.sources.iter().enumerate().filter(|(_, source)| source.format.is_one_document()) {
            let Some(id) = &source.id else { continue };
            match named.insert(id, source) {
                // The same file, named twice.
                Some(first) if first.origin == source.origin => twice.push(at),
                Some(first) => {
                    let (first, second) = (first.path.clone(), source.path.clone());
                    return Err(Error::SameId { id: id.clone(), first, second });
                }
                None => {}
            }
        }
        for at in twice.into_iter().rev() {
            self.sources.remove(at);
        }
        Ok(())
    }
}

/// The format that a file's name promises, and whether it is compressed.
pub(crate) fn format_of(path: &Path) -> Option<(Format, bool)> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let (name, compressed) = name.strip_suffix(".gz").map_or((name.as_str(), false), |inner| (inner, true));
    let format = match name.rsplit_once('.')?.1 {
        "jsonl" | "ndjson" => Format::JsonLines,
        "json" => Format::JsonArray,
        "csv" => Format::Table { delimiter: b',' },
        "tsv" => Format::Table { delimiter: b'\t' },
        "txt" => Format::Text,
        "md" | "markdown" => Format::Markdown,
        "html" | "htm" => Format::Html,
        #[cfg(feature = "pdf")]
        "pdf" => Format::Pdf,
        #[cfg(feature = "docx")]
        "docx" => Format::Docx,
        _ => return None,
    };
    Some((format, compressed))
}

/// An open file: decompressed, without byte order mark.
pub struct Input {
    /// The file; `-` for standard input.
    pub path: PathBuf,
    /// What is left to read.
    pub bytes: Box<dyn BufRead + Send>,
    /// Offset in the file of the next byte of `bytes`.
    pub offset: u64,
    /// What the file seems to be written in, if it is not UTF-8.
    pub encoding: Encoding,
    /// Whether the rest of a line is still to be passed over, because the line is too long.
    in_long_line: bool,
}

/// What [`Input::read_line`] found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineRead {
    /// A line, its end included.
    Whole,
    /// A line that is longer than allowed. The next call goes past it.
    TooLong,
    /// Nothing: this is the end.
    End,
}

/// Opens one file of any format, or standard input for `-`; it is decompressed if its name ends in `.gz`.
///
/// # Errors
/// [`Error::Open`], [`Error::Read`].
pub fn open(path: &Path) -> Result<Input, Error> {
    let compressed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let source =
        Source { path: path.to_path_buf(), format: Format::Text, compressed, id: None, origin: None, found: false };
    source.open(Arc::default())
}

impl Source {
    /// Opens it. `read` counts the bytes as they leave the disk, before decompression.
    pub fn open(&self, read: Arc<AtomicU64>) -> Result<Input, Error> {
        let path = self.path.clone();
        if path.as_os_str() == "-" {
            return Input::new(path, BufReader::new(Counted { inner: io::stdin(), read }));
        }
        match File::open(&path) {
            Err(source) => Err(Error::Open { path, source }),
            Ok(file) => {
                let bytes = BufReader::with_capacity(1 << 16, Counted { inner: file, read });
                match self.compressed {
                    true => Input::new(path, BufReader::with_capacity(1 << 16, MultiGzDecoder::new(bytes))),
                    false => Input::new(path, bytes),
                }
            }
        }
    }
}

impl Input {
    pub(crate) fn new(path: PathBuf, mut bytes: impl BufRead + Send + 'static) -> Result<Input, Error> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        let mut head = Vec::with_capacity(BYTE_ORDER_MARK.len());
        if let Err(source) = bytes.by_ref().take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut head) {
            return Err(Error::Read { path, source });
        }
        let encoding = Encoding::guess(&head);
        let (bytes, offset): (Box<dyn BufRead + Send>, u64) = match head == BYTE_ORDER_MARK {
            true => (Box::new(bytes), head.len() as u64),
            false => (Box::new(Cursor::new(head).chain(bytes)), 0),
        };
        Ok(Input { path, bytes, offset, encoding, in_long_line: false })
    }

    /// The bytes that are next, some of them; none at the end.
    pub(crate) fn peek(&mut self) -> Result<&[u8], Problem> {
        self.bytes.fill_buf().map_err(|source| Problem::Fatal(Error::Read { path: self.path.clone(), source }))
    }

    /// Goes past bytes that [`peek`](Input::peek) has shown.
    pub(crate) fn consume(&mut self, length: usize) {
        self.bytes.consume(length);
        self.offset += length as u64;
    }

    /// Appends the next line, with its end, to `into`, if it has no more than `limit` bytes.
    pub(crate) fn read_line(&mut self, into: &mut Vec<u8>, limit: usize) -> Result<LineRead, Problem> {
        let line_end = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        while self.in_long_line {
            let bytes = self.peek()?;
            let (end, length) = (line_end(bytes), bytes.len());
            self.consume(end.unwrap_or(length));
            self.in_long_line = end.is_none() && length > 0;
        }
        let start = into.len();
        loop {
            let bytes = self.peek()?;
            let end = line_end(bytes);
            let length = end.unwrap_or(bytes.len());
            if length == 0 {
                return Ok(if into.len() == start { LineRead::End } else { LineRead::Whole });
            }
            if into.len() - start + length > limit {
                self.in_long_line = true;
                into.truncate(start);
                return Ok(LineRead::TooLong);
            }
            into.extend_from_slice(&bytes[..length]);
            self.consume(length);
            if end.is_some() {
                return Ok(LineRead::Whole);
            }
        }
    }

    /// All of it, if it has no more than `limit` bytes; that it has more is reported as a bad record.
    pub(crate) fn into_bytes(mut self, limit: usize) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        match self.bytes.by_ref().take((limit as u64).saturating_add(1)).read_to_end(&mut bytes) {
            Err(source) => Err(Problem::Fatal(Error::Read { path: self.path, source })),
            Ok(_) if bytes.len() > limit => {
                Err(Problem::BadRecord(Error::RecordTooLarge { path: self.path, line: 1, limit }))
            }
            Ok(_) => Ok(bytes),
        }
    }

    /// All of it as text. That it is not UTF-8, or too long, is reported as a bad record.
    pub(crate) fn into_text(self, limit: usize) -> Result<String, Problem> {
        let (path, offset, encoding) = (self.path.clone(), self.offset, self.encoding);
        String::from_utf8(self.into_bytes(limit)?).map_err(|error| {
            let (bytes, valid) = (error.as_bytes(), error.utf8_error().valid_up_to());
            let (line, byte) = (1 + line_breaks(&bytes[..valid]), offset + valid as u64);
            Problem::BadRecord(Error::InvalidUtf8 { path, line, byte, encoding })
        })
    }
}

/// Number of line feeds.
pub(crate) fn line_breaks(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Counts what passes through, for progress bars.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_follow_the_name() {
        let cases = [
            ("a.jsonl", Some((Format::JsonLines, false))),
            ("a.NDJSON.GZ", Some((Format::JsonLines, true))),
            ("a.json", Some((Format::JsonArray, false))),
            ("a.b.csv", Some((Format::Table { delimiter: b',' }, false))),
            ("a.tsv.gz", Some((Format::Table { delimiter: b'\t' }, true))),
            ("README.md", Some((Format::Markdown, false))),
            ("a.htm", Some((Format::Html, false))),
            #[cfg(feature = "pdf")]
            ("a.PDF", Some((Format::Pdf, false))),
            #[cfg(feature = "docx")]
            ("a.docx", Some((Format::Docx, false))),
            ("a.txt", Some((Format::Text, false))),
            ("a.png", None),
            ("a.gz", None),
            ("jsonl", None),
        ];
        for (name, expected) in cases {
            assert_eq!(format_of(Path::new("dir.x").join(name).as_path()), expected, "{name}");
        }
    }
}
