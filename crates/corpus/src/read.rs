//! One stream of documents from any number of inputs.

use crate::{
    Document, Error,
    error::Problem,
    input::{self, Format, Source},
    json, page, table,
};
use std::{
    fmt,
    iter::FusedIterator,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    vec,
};

/// How to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// What to do about a record that is wrong.
    pub on_bad_record: OnBadRecord,
}

/// What to do about a record that is wrong: malformed JSON on a line, too many cells in a row, a missing identifier, a
/// field of the wrong type, bytes that are not UTF-8.
///
/// Other errors always end the reading, because what follows them is lost or cannot be trusted: an input that is missing
/// or unreadable, an unknown extension, a header without the columns needed, a quote never closed, a `.json` file with a
/// syntax error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBadRecord {
    /// Yield the error and end.
    #[default]
    Stop,
    /// Count it, keep the first few errors for [`Reader::skipped`], and go on.
    Skip,
}

/// The records that were passed over.
#[derive(Debug, Default)]
pub struct Skipped {
    /// How many there were.
    pub count: u64,
    /// The errors of the first [`Skipped::KEPT`] of them, in order.
    pub first: Vec<Error>,
}

impl Skipped {
    /// The largest number of errors kept, so that a corpus of garbage does not fill the memory with them.
    pub const KEPT: usize = 10;

    fn add(&mut self, error: Error) {
        self.count += 1;
        if self.first.len() < Skipped::KEPT {
            self.first.push(error);
        }
    }
}

/// Reads the documents of all `inputs`, in the order given.
///
/// | input | documents |
/// |---|---|
/// | `.jsonl`, `.ndjson` | one per line: `_id` or `id`, `title`, `text` (or `body`, or `content`), `metadata`; other fields are metadata too |
/// | `.json` | the same objects in one array; the file is held in memory |
/// | `.csv`, `.tsv` | one per row, under a header with the same names; other columns are metadata, as strings |
/// | `.txt`, `.md`, `.html`, `.htm` | the file is one, of Markdown and HTML what a reader sees; its title is the first heading, the `<title>`, or the file's name; front matter of Markdown is title and metadata |
/// | a folder | all of these in it except `.json`, recursively, by name; hidden files are left out |
/// | `-` | JSONL on standard input |
///
/// Every file may be compressed with gzip and then ends in `.gz`. Text is UTF-8, with or without byte order mark, lines
/// end in LF or CRLF, empty lines are ignored. Identifiers may be integers; none is ever made up.
///
/// All inputs are looked up before the first document is read: if one is missing, that error comes first and alone.
/// Documents are read one at a time, so memory does not grow with the corpus. Two documents with the same identifier are
/// both yielded; for an index the later one replaces the earlier.
pub fn read(inputs: &[PathBuf], options: &ReadOptions) -> Reader {
    let (plan, failed) = match input::plan(inputs) {
        Ok(plan) => (plan, None),
        Err(error) => (input::Plan::default(), Some(error)),
    };
    Reader {
        on_bad_record: options.on_bad_record,
        failed,
        sources: plan.sources.into_iter(),
        current: None,
        progress: Progress { bytes_total: plan.bytes, counters: Arc::default() },
        skipped: Skipped::default(),
        ignored_files: plan.ignored,
    }
}

type Records = Box<dyn Iterator<Item = Result<Document, Problem>> + Send>;

/// The documents of a corpus, from [`read`].
///
/// After an error it ends.
pub struct Reader {
    on_bad_record: OnBadRecord,
    failed: Option<Error>,
    sources: vec::IntoIter<Source>,
    current: Option<Records>,
    progress: Progress,
    skipped: Skipped,
    ignored_files: u64,
}

impl Reader {
    /// A view of how far the reading is, which stays current and may be handed to another thread.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The records passed over so far; none unless [`OnBadRecord::Skip`] was asked for.
    pub fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// Number of files in the folders that are not documents by their extension.
    pub fn ignored_files(&self) -> u64 {
        self.ignored_files
    }

    fn end(&mut self, error: Error) -> Option<Result<Document, Error>> {
        self.sources = Vec::new().into_iter();
        self.current = None;
        Some(Err(error))
    }
}

impl Iterator for Reader {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return self.end(error);
        }
        loop {
            let Some(records) = &mut self.current else {
                let source = self.sources.next()?;
                match records(source, &self.progress) {
                    Ok(records) => self.current = Some(records),
                    Err(error) => return self.end(error),
                }
                continue;
            };
            match records.next() {
                Some(Ok(document)) => {
                    self.progress.counters.documents.fetch_add(1, Relaxed);
                    return Some(Ok(document));
                }
                Some(Err(Problem::BadRecord(error))) if self.on_bad_record == OnBadRecord::Skip => {
                    self.progress.counters.skipped.fetch_add(1, Relaxed);
                    self.skipped.add(error);
                }
                Some(Err(Problem::BadRecord(error) | Problem::Fatal(error))) => return self.end(error),
                None => self.current = None,
            }
        }
    }
}

impl FusedIterator for Reader {}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reader").field("progress", &self.progress).field("skipped", &self.skipped).finish()
    }
}

fn records(source: Source, progress: &Progress) -> Result<Records, Error> {
    let input = source.open(progress.counters.bytes_read.clone())?;
    Ok(match source.format {
        Format::JsonLines => Box::new(json::Lines::new(input)),
        Format::JsonArray => match json::Array::new(input) {
            Ok(array) => Box::new(array),
            Err(problem) => Box::new(std::iter::once(Err(problem))),
        },
        Format::Table { delimiter } => Box::new(table::Rows::new(input, delimiter)),
        Format::Text | Format::Markdown | Format::Html => {
            Box::new(std::iter::once_with(move || page::document(&source, input)))
        }
    })
}

/// How far a [`Reader`] is. Clones show the same reading.
#[derive(Clone, Debug)]
pub struct Progress {
    bytes_total: Option<u64>,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    bytes_read: Arc<AtomicU64>,
    documents: AtomicU64,
    skipped: AtomicU64,
}

impl Progress {
    /// Bytes read from disk so far, of compressed files the compressed ones; ahead of the documents by one buffer.
    pub fn bytes_read(&self) -> u64 {
        self.counters.bytes_read.load(Relaxed)
    }

    /// Bytes of all inputs together; `None` if standard input is among them.
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }

    /// Documents yielded so far.
    pub fn documents(&self) -> u64 {
        self.counters.documents.load(Relaxed)
    }

    /// Records passed over so far.
    pub fn skipped(&self) -> u64 {
        self.counters.skipped.load(Relaxed)
    }
}
