//! From the paths a user names to open files: [`open`] gives any file's bytes, decompressed.

use crate::{Error, error::Problem};
use flate2::bufread::MultiGzDecoder;
use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Cursor, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use walkdir::WalkDir;

/// How a file's bytes become documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    JsonLines,
    JsonArray,
    Table { delimiter: u8 },
    Text,
    Markdown,
    Html,
}

/// One file to read, or standard input.
#[derive(Debug)]
pub(crate) struct Source {
    /// The file; `-` for standard input.
    pub path: PathBuf,
    pub format: Format,
    compressed: bool,
    /// The folder that was named, if the file was found in one.
    pub folder: Option<PathBuf>,
}

/// Everything the inputs hold, known before the first document is read.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub sources: Vec<Source>,
    /// Sum of the files' sizes as they are on disk; `None` if standard input is among them.
    pub bytes: Option<u64>,
    /// Files found in folders that no format claims.
    pub ignored: u64,
}

/// Lists all files of all inputs, in order, and checks that they are there.
pub(crate) fn plan(inputs: &[PathBuf]) -> Result<Plan, Error> {
    let mut plan = Plan { bytes: Some(0), ..Plan::default() };
    for path in inputs {
        if path.as_os_str() == "-" {
            let (path, format) = (path.clone(), Format::JsonLines);
            plan.sources.push(Source { path, format, compressed: false, folder: None });
            plan.bytes = None;
            continue;
        }
        let metadata = fs::metadata(path).map_err(|source| Error::Open { path: path.clone(), source })?;
        if metadata.is_dir() {
            plan.add_folder(path)?;
        } else {
            let (format, compressed) = format_of(path).ok_or_else(|| Error::UnknownFormat { path: path.clone() })?;
            plan.add(Source { path: path.clone(), format, compressed, folder: None }, metadata.len());
        }
    }
    Ok(plan)
}

impl Plan {
    fn add(&mut self, source: Source, bytes: u64) {
        self.sources.push(source);
        self.bytes = self.bytes.map(|sum| sum.saturating_add(bytes));
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), Error> {
        let failed = |error: walkdir::Error| {
            let path = error.path().unwrap_or(folder).to_path_buf();
            Error::Folder { path, source: error.into() }
        };
        // `.git` and its like are not documents; the folder that the user named is, whatever it is called.
        let walk = WalkDir::new(folder)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b"."));
        for entry in walk {
            let entry = entry.map_err(failed)?;
            if !entry.file_type().is_file() {
                continue;
            }
            match format_of(entry.path()) {
                // In a folder, `.json` is more often a setting than a corpus.
                Some((format, compressed)) if format != Format::JsonArray => {
                    let bytes = entry.metadata().map_err(failed)?.len();
                    let (path, folder) = (entry.into_path(), Some(folder.to_path_buf()));
                    self.add(Source { path, format, compressed, folder }, bytes);
                }
                _ => self.ignored += 1,
            }
        }
        Ok(())
    }
}

/// The format that a file's name promises, and whether it is compressed.
fn format_of(path: &Path) -> Option<(Format, bool)> {
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
}

/// Opens one file of any format, or standard input for `-`; it is decompressed if its name ends in `.gz`.
///
/// # Errors
/// [`Error::Open`], [`Error::Read`].
pub fn open(path: &Path) -> Result<Input, Error> {
    let compressed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let source = Source { path: path.to_path_buf(), format: Format::Text, compressed, folder: None };
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
        match bytes.by_ref().take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut head) {
            Err(source) => Err(Error::Read { path, source }),
            Ok(length) if head == BYTE_ORDER_MARK => Ok(Input { path, bytes: Box::new(bytes), offset: length as u64 }),
            Ok(_) => Ok(Input { path, bytes: Box::new(Cursor::new(head).chain(bytes)), offset: 0 }),
        }
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

    /// All of it as text. That it is not UTF-8 is reported as a bad record.
    pub(crate) fn into_text(mut self) -> Result<String, Problem> {
        let mut bytes = Vec::new();
        if let Err(source) = self.bytes.read_to_end(&mut bytes) {
            return Err(Problem::Fatal(Error::Read { path: self.path, source }));
        }
        String::from_utf8(bytes).map_err(|error| {
            let (bytes, valid) = (error.as_bytes(), error.utf8_error().valid_up_to());
            let (line, byte) = (1 + line_breaks(&bytes[..valid]), self.offset + valid as u64);
            Problem::BadRecord(Error::InvalidUtf8 { path: self.path, line, byte })
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
            ("a.txt", Some((Format::Text, false))),
            ("a.pdf", None),
            ("a.gz", None),
            ("jsonl", None),
        ];
        for (name, expected) in cases {
            assert_eq!(format_of(Path::new("dir.x").join(name).as_path()), expected, "{name}");
        }
    }
}
