//! One stream of documents from any number of inputs.

use crate::{
    BrokenLink, Document, Duplicates, Error, Origin, VectorField,
    duplicates::Repeated,
    error::Problem,
    input::{self, Format, Source},
    json, page, table,
    vectors::vector,
};
use std::{
    collections::BTreeMap,
    fmt,
    iter::FusedIterator,
    path::{Component, Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    vec,
};

/// How to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// What to do about a record that is wrong.
    pub on_bad_record: OnBadRecord,
    /// What to do about documents whose identifier comes again.
    pub repeated: RepeatedIds,
    /// The longest record, in bytes, after decompression: a line of JSONL, a row, a whole file of text. Longer ones are bad
    /// records, so that memory is bounded whatever an input holds. Files of one JSON array may have sixteen times as much.
    pub max_record_bytes: usize,
    /// Only files of folders that fit one of these patterns are read, if there are any. They are written as in `.gitignore`.
    pub include: Vec<String>,
    /// Files and folders in folders that fit one of these patterns are left out.
    pub exclude: Vec<String>,
    /// What becomes of files that ignore files name.
    pub ignore_files: IgnoreFiles,
    /// How files that are documents are called.
    pub file_ids: FileIds,
    /// The field in which every document must bring its vector, if any.
    pub vectors: Option<VectorField>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            on_bad_record: OnBadRecord::default(),
            repeated: RepeatedIds::default(),
            max_record_bytes: 64 << 20,
            include: Vec::new(),
            exclude: Vec::new(),
            ignore_files: IgnoreFiles::default(),
            file_ids: FileIds::default(),
            vectors: None,
        }
    }
}

impl ReadOptions {
    pub(crate) fn skips(&self) -> bool {
        self.on_bad_record == OnBadRecord::Skip
    }
}

/// What to do about a record that is wrong: malformed JSON on a line, too many cells in a row, a missing identifier, a
/// field of the wrong type, bytes that are not UTF-8, a file that may not be opened, a PDF without text.
///
/// Other errors end the reading, because what follows them is lost or cannot be trusted: an input that is missing, an unknown
/// extension, a damaged `.gz`, a header without the columns needed, a `.json` file with a syntax error. In a file that was found
/// in a folder, such an error is a bad record as well, and what is left of the file is passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBadRecord {
    /// Yield the error and end.
    #[default]
    Stop,
    /// Count it, keep the first few errors for [`Reader::skipped`], and go on.
    Skip,
}

/// What to do about documents whose identifier comes again later in the same input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RepeatedIds {
    /// Yield them all.
    #[default]
    Yielded,
    /// Yield the last, and count the others in [`Reader::duplicates`]. Files with many documents are read twice for it. Standard
    /// input can be read once only: what comes from there is yielded as it comes.
    LastKept,
}

/// What becomes of files that `.gitignore`, `.ignore` or `.vettedignore` name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IgnoreFiles {
    /// They are left out, as git and ripgrep leave them out.
    #[default]
    Honoured,
    /// They are read.
    Unheeded,
}

/// How files that are documents are called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileIds {
    /// By the path below the folder that was named.
    #[default]
    BelowFolder,
    /// By that path with the folder's own name before it, so that several folders may have files of the same names.
    WithFolder,
}

impl FileIds {
    /// The identifier of the file `below` the folder `root`; `None` if it is not UTF-8.
    pub(crate) fn id(self, root: &Path, below: &Path) -> Option<String> {
        let parts = below.components().filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_str()),
            _ => None,
        });
        let mut parts = parts.collect::<Option<Vec<&str>>>()?;
        if let (FileIds::WithFolder, Some(folder)) = (self, root.file_name()) {
            parts.insert(0, folder.to_str()?);
        }
        Some(parts.join("/"))
    }
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
/// | `.pdf`, `.docx` | the file's text is one, where the features `pdf` and `docx` are built in |
/// | a folder | all of these in it except `.json`, recursively, by name; hidden files are left out, and what ignore files name |
/// | `-` | JSONL on standard input |
///
/// Every file may be compressed with gzip and then ends in `.gz`. Text is UTF-8, with or without byte order mark, lines
/// end in LF or CRLF, empty lines are ignored. Identifiers may be integers; none is ever made up.
///
/// All inputs are looked up before the first document is read: if one is missing, or two files would be called the same, that
/// error comes first and alone. Links in folders that lead nowhere are noted ([`Reader::broken_links`]). Documents are read one
/// at a time, so memory does not grow with the corpus.
pub fn read(inputs: &[PathBuf], options: &ReadOptions) -> Reader {
    let (mut plan, mut failed) = match input::plan(inputs, options) {
        Ok(plan) => (plan, None),
        Err(error) => (input::Plan::default(), Some(error)),
    };
    let mut skipped = Skipped::default();
    let progress = Progress { bytes_total: plan.bytes, counters: Arc::default() };
    for error in std::mem::take(&mut plan.failed) {
        match options.on_bad_record {
            OnBadRecord::Skip => {
                progress.counters.skipped.fetch_add(1, Relaxed);
                skipped.add(error);
            }
            OnBadRecord::Stop => failed = failed.or(Some(error)),
        }
    }
    let repeated = match options.repeated {
        RepeatedIds::LastKept if failed.is_none() => Repeated::find(&plan.sources, options),
        _ => Repeated::default(),
    };
    Reader {
        options: options.clone(),
        failed,
        sources: plan.sources.into_iter(),
        current: None,
        origin: None,
        progress,
        skipped,
        repeated,
        duplicates: Duplicates::default(),
        empty_files: 0,
        unread: plan.unread,
        links: plan.links,
        unreadable: plan.unreadable,
        roots: plan.roots,
    }
}

/// A document and where it stands in its file.
pub(crate) struct Record {
    pub document: Document,
    /// Line on which it starts; `None` where the file is the document.
    pub line: Option<u64>,
}

pub(crate) type Records = Box<dyn Iterator<Item = Result<Record, Problem>> + Send>;

/// The documents of a corpus, from [`read`].
///
/// After an error it ends.
pub struct Reader {
    options: ReadOptions,
    failed: Option<Error>,
    sources: vec::IntoIter<Source>,
    current: Option<(Source, Records)>,
    origin: Option<Origin>,
    progress: Progress,
    skipped: Skipped,
    repeated: Repeated,
    duplicates: Duplicates,
    empty_files: u64,
    unread: BTreeMap<String, u64>,
    links: Vec<BrokenLink>,
    unreadable: Vec<PathBuf>,
    roots: Vec<PathBuf>,
}

impl Reader {
    /// A view of how far the reading is, which stays current and may be handed to another thread.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Where the document came from that was yielded last.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// The records passed over so far; none unless [`OnBadRecord::Skip`] was asked for.
    pub fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    /// The documents left out so far because a later one has the same identifier; none unless [`RepeatedIds::LastKept`] was asked
    /// for.
    pub fn duplicates(&self) -> &Duplicates {
        &self.duplicates
    }

    /// How many files so far hold nothing that could be a document.
    pub fn empty_files(&self) -> u64 {
        self.empty_files
    }

    /// How many files of which kind (`.py`, `.png`) are in the folders and are not read.
    pub fn unread(&self) -> &BTreeMap<String, u64> {
        &self.unread
    }

    /// The links in the folders that lead nowhere or in a circle.
    pub fn broken_links(&self) -> &[BrokenLink] {
        &self.links
    }

    /// The absolute paths of files and folders that could not be read, or not all of it, so far.
    pub fn unreadable(&self) -> &[PathBuf] {
        &self.unreadable
    }

    /// The absolute paths of the inputs, without standard input.
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// The files to come that are one document each: what they will be called, and their absolute paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Path)> {
        let one = self.sources.as_slice().iter().filter(|source| source.format.is_one_document());
        one.filter_map(|source| Some((source.id.as_deref()?, source.origin.as_deref()?)))
    }

    /// How many numbers the vectors have, once one was read; `None` where documents bring none.
    pub fn vector_dimensions(&self) -> Option<usize> {
        self.options.vectors.as_ref()?.dimensions
    }

    fn end(&mut self, error: Error) -> Option<Result<Document, Error>> {
        self.sources = Vec::new().into_iter();
        self.current = None;
        Some(Err(error))
    }

    fn skip(&mut self, source: &Source, error: Error) {
        self.progress.counters.skipped.fetch_add(1, Relaxed);
        self.skipped.add(error);
        if let Some(path) = source.origin.as_ref().filter(|path| self.unreadable.last() != Some(path)) {
            self.unreadable.push(path.clone());
        }
    }

    /// Fails if the document's vector cannot be used.
    fn check_vector(&mut self, document: &Document, origin: &Origin) -> Result<(), Problem> {
        let Some(field) = &mut self.options.vectors else { return Ok(()) };
        match vector(document.metadata.get(&field.name), field.dimensions) {
            Ok(vector) => {
                field.dimensions = Some(vector.len());
                Ok(())
            }
            Err(problem) => {
                let (id, field) = (document.id.clone(), field.name.clone());
                Err(Problem::BadRecord(Error::Vector { origin: Box::new(origin.clone()), id, field, problem }))
            }
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Document, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return self.end(error);
        }
        loop {
            let Some((source, mut records)) = self.current.take() else {
                let source = self.sources.next()?;
                let bytes_read = self.progress.counters.bytes_read.clone();
                match records_of(source.clone(), bytes_read, self.options.max_record_bytes) {
                    Ok(records) => self.current = Some((source, records)),
                    Err(error) if self.options.skips() => self.skip(&source, error),
                    Err(error) => return self.end(error),
                }
                continue;
            };
            let Some(record) = records.next() else { continue };
            let checked = record.and_then(|Record { document, line }| {
                let origin = Origin { path: source.path.clone(), absolute: source.origin.clone(), line };
                self.check_vector(&document, &origin).map(|()| (document, origin))
            });
            match checked {
                Ok((document, _)) if source.format.is_one_document() && document.full_text().is_empty() => {
                    self.empty_files += 1;
                }
                Ok((document, origin)) if self.repeated.pass(&document) => self.duplicates.add(document.id, origin),
                Ok((document, origin)) => {
                    self.current = Some((source, records));
                    self.origin = Some(origin);
                    self.progress.counters.documents.fetch_add(1, Relaxed);
                    return Some(Ok(document));
                }
                Err(Problem::BadRecord(error)) if self.options.skips() => self.skip(&source, error),
                Err(Problem::Fatal(error)) if self.options.skips() && source.found => {
                    self.skip(&source, error);
                    continue;
                }
                Err(Problem::BadRecord(error) | Problem::Fatal(error)) => return self.end(error),
            }
            self.current = Some((source, records));
        }
    }
}

impl FusedIterator for Reader {}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Reader").field("progress", &self.progress).field("skipped", &self.skipped).finish()
    }
}

/// The documents of one file.
pub(crate) fn records_of(source: Source, read: Arc<AtomicU64>, limit: usize) -> Result<Records, Error> {
    let input = source.open(read)?;
    Ok(match source.format {
        Format::JsonLines => Box::new(json::Lines::new(input, limit)),
        Format::JsonArray => match json::Array::new(input, limit) {
            Ok(array) => Box::new(array),
            Err(problem) => Box::new(std::iter::once(Err(problem))),
        },
        Format::Table { delimiter } => Box::new(table::Rows::new(input, delimiter, limit)),
        _ => Box::new(std::iter::once_with(move || {
            page::document(&source, input, limit).map(|document| Record { document, line: None })
        })),
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
