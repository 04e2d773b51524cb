//! What can be wrong with a corpus.

use crate::{Origin, VectorProblem};
use std::{fmt, io, path::PathBuf};

/// Extensions that are read where their features are built in.
const DOCUMENT_EXTENSIONS: &str = match (cfg!(feature = "pdf"), cfg!(feature = "docx")) {
    (true, true) => ", .pdf, .docx",
    (true, false) => ", .pdf",
    (false, true) => ", .docx",
    (false, false) => "",
};

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

    /// A folder, or something inside it, cannot be listed.
    #[error("cannot list {}: {source}; check its permissions", path.display())]
    Folder {
        /// The folder, or the entry in it that failed.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// A file's extension says nothing about its format.
    #[error(
        "{}: unknown extension; expected .jsonl, .ndjson, .json, .csv, .tsv, .txt, .md, .html{} or .htm (each may end in \
         .gz), a folder of such files, or `-` for JSONL on standard input",
        path.display(), DOCUMENT_EXTENSIONS
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },

    /// A pattern that says which files are read is malformed.
    #[error(
        "the pattern {glob:?} is malformed: {problem}; patterns are those of .gitignore, such as `*.md` or `drafts/`"
    )]
    Glob {
        /// The pattern.
        glob: String,
        /// What is wrong with it.
        problem: String,
    },

    /// Two files would get the same identifier.
    #[error(
        "{} and {} would both be called {id:?}, and one would take the place of the other; index the folder that holds \
         both, or begin identifiers with the name of the folder given (`--folder-in-ids`)",
        first.display(), second.display()
    )]
    SameId {
        /// The identifier.
        id: String,
        /// The file that came first.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },

    /// A record is longer than may be held in memory.
    #[error(
        "{}:{line}: this record is longer than {limit} bytes; if that is no mistake, allow more (`--max-record-size`)",
        path.display()
    )]
    RecordTooLarge {
        /// The file.
        path: PathBuf,
        /// Line on which the record starts.
        line: u64,
        /// How many bytes are allowed.
        limit: usize,
    },

    /// The vector that a document brings cannot be used.
    #[error("{origin}: the vector of document {id:?} in its field `{field}` {problem}")]
    Vector {
        /// Where the document stands.
        origin: Box<Origin>,
        /// Its identifier.
        id: String,
        /// The field.
        field: String,
        /// What is wrong.
        problem: VectorProblem,
    },

    /// A PDF file or a Word document of which no text can be had.
    #[error("{}: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
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

    /// Something follows the closing quote of a cell of CSV.
    #[error(
        "{}:{line}: something follows the closing double quote of a cell in this row; write a quote inside a quoted cell \
         as \"\"",
        path.display()
    )]
    AfterQuote {
        /// The file.
        path: PathBuf,
        /// Line on which the row starts.
        line: u64,
    },

    /// A quoted cell of CSV never ends, so it would be the rest of the file.
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
        "{}:{line}: invalid UTF-8 at byte {byte}; convert the file, for example with `iconv -f {encoding} -t UTF-8`",
        path.display()
    )]
    InvalidUtf8 {
        /// The file.
        path: PathBuf,
        /// Line of the first invalid byte.
        line: u64,
        /// Offset of that byte in the file, decompressed if it was compressed.
        byte: u64,
        /// What the file seems to be written in.
        encoding: Encoding,
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

/// What a file that is not UTF-8 seems to be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Two bytes a character: what Windows calls Unicode.
    Utf16,
    /// What Windows wrote in the west before; a guess.
    Windows1252,
}

impl Encoding {
    /// By the first three bytes of a file.
    pub(crate) fn guess(head: &[u8]) -> Encoding {
        match head {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=0xff, 0] | [1..=0xff, 0, 1..=0xff] => Encoding::Utf16,
            _ => Encoding::Windows1252,
        }
    }
}

impl fmt::Display for Encoding {
    /// As `iconv` calls it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Encoding::Utf16 => "UTF-16",
            Encoding::Windows1252 => "WINDOWS-1252",
        })
    }
}

/// An error together with how far it reaches.
pub(crate) enum Problem {
    /// One record is lost; the next one can be read.
    BadRecord(Error),
    /// Nothing after this can be read, or not be trusted.
    Fatal(Error),
}

impl Problem {
    /// Whether one record is lost, and no more.
    pub(crate) fn is_bad_record(&self) -> bool {
        matches!(self, Problem::BadRecord(_))
    }
}
