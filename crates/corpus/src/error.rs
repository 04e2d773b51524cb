//! What can be wrong with a corpus.

use std::{io, path::PathBuf};

/// Why a corpus could not be read, or a text not be cut.
///
/// Messages start with `path:line:column` as far as these are known, so that editors and terminals can jump there.
/// Lines and columns count from 1, columns in bytes; byte offsets count from 0 in the (decompressed) file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input does not exist or may not be opened.
    #[error("cannot open {}: {source}; check the path and its permissions", path.display())]
    Open {
        /// The input.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// Reading an open input failed: a failing disk, a truncated or corrupt `.gz`.
    #[error("cannot read on in {}: {source}; if it is compressed, test it with `gzip -t`", path.display())]
    Read {
        /// The input.
        path: PathBuf,
        /// What the operating system or the decompressor said.
        source: io::Error,
    },

    /// A folder, or a folder inside it, cannot be listed; or its symbolic links lead in a circle.
    #[error("cannot list the folder {}: {source}; check its permissions and its symbolic links", path.display())]
    Folder {
        /// The folder, or the entry in it that failed.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// A file's extension says nothing about its format.
    #[error(
        "{}: unknown extension; expected .jsonl, .ndjson, .json, .csv, .tsv, .txt, .md, .html or .htm (each may end in \
         .gz), a folder of such files, or `-` for JSONL on standard input",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },

    /// The header of a CSV or TSV file lacks a column that every document needs.
    #[error("{}:1: the header has no column {expected}; it has: {}", path.display(), found.join(", "))]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The names that would do.
        expected: &'static str,
        /// The names that are there.
        found: Vec<String>,
    },

    /// The header of a CSV or TSV file names a column twice.
    #[error("{}:1: the header names the column `{column}` twice; rename one", path.display())]
    DuplicateColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        column: String,
    },

    /// A line of JSONL, or a `.json` file, is not what it should be.
    #[error("{}:{line}:{column}: malformed JSON: {problem}; expected {expected}", path.display())]
    MalformedJson {
        /// The file.
        path: PathBuf,
        /// Line of the first character that does not fit.
        line: u64,
        /// Column of that character, in bytes.
        column: u64,
        /// What the JSON parser said.
        problem: String,
        /// What should have been there.
        expected: &'static str,
    },

    /// A row of CSV or TSV has more or fewer cells than the header.
    #[error(
        "{}:{line}: {got} cells, but the header has {expected}; put cells that hold a delimiter between double quotes",
        path.display()
    )]
    CellCount {
        /// The file.
        path: PathBuf,
        /// Line on which the row starts.
        line: u64,
        /// Number of columns in the header.
        expected: usize,
        /// Number of cells in this row.
        got: usize,
    },

    /// A quoted cell of CSV or TSV never ends, so it swallowed the rest of the file.
    #[error(
        "{}:{line}: a double quote opened in this row is never closed; close it, or write a quote inside a cell as \"\"",
        path.display()
    )]
    UnclosedQuote {
        /// The file.
        path: PathBuf,
        /// Line on which the row starts.
        line: u64,
    },

    /// Bytes that are not UTF-8.
    #[error(
        "{}:{line}: invalid UTF-8 at byte {byte}; convert the file, for example with `iconv -f WINDOWS-1252 -t UTF-8`",
        path.display()
    )]
    InvalidUtf8 {
        /// The file.
        path: PathBuf,
        /// Line of the first invalid byte.
        line: u64,
        /// Offset of that byte in the file, decompressed if it was compressed.
        byte: u64,
    },

    /// A record lacks a field that every document needs.
    #[error("{}:{line}: no field {field}; every document needs one", path.display())]
    MissingField {
        /// The file.
        path: PathBuf,
        /// Line on which the record starts.
        line: u64,
        /// The names that would do.
        field: &'static str,
    },

    /// A record's identifier is empty or white space.
    #[error("{}:{line}: the identifier is empty; every document needs its own", path.display())]
    EmptyId {
        /// The file.
        path: PathBuf,
        /// Line on which the record starts.
        line: u64,
    },

    /// A field holds another type than it should.
    #[error("{}:{line}: `{field}` is {got}; expected {expected}", path.display())]
    WrongType {
        /// The file.
        path: PathBuf,
        /// Line on which the record starts.
        line: u64,
        /// The field.
        field: String,
        /// The type it should have.
        expected: &'static str,
        /// The type it has.
        got: &'static str,
    },

    /// A field stands beside `metadata` and, with another value, inside it.
    #[error(
        "{}:{line}: `{field}` is given twice with different values, once in `metadata` and once beside it; remove one",
        path.display()
    )]
    ConflictingField {
        /// The file.
        path: PathBuf,
        /// Line on which the record starts.
        line: u64,
        /// The field.
        field: String,
    },

    /// A file in a folder has a name that is not UTF-8, so it cannot serve as an identifier.
    #[error("{}: the file's name is not UTF-8; rename it", path.display())]
    NameNotUtf8 {
        /// The file.
        path: PathBuf,
    },

    /// Passages of no tokens cannot hold text.
    #[error("passages of at most 0 tokens hold nothing; allow at least 1")]
    NoTokens,

    /// The overlap leaves too little room to go forward.
    #[error(
        "an overlap of {overlap_tokens} tokens in passages of at most {max_tokens} repeats more than it adds; \
         allow at most half: {}",
        max_tokens / 2
    )]
    OverlapTooLarge {
        /// The longest passage asked for.
        max_tokens: usize,
        /// The overlap asked for.
        overlap_tokens: usize,
    },
}

/// An error together with how far it reaches.
pub(crate) enum Problem {
    /// One record is lost; the next one can be read.
    BadRecord(Error),
    /// Nothing after this can be read, or not be trusted.
    Fatal(Error),
}
