//! What can be wrong with a name, and with a file of pairs.

/// A word that is not the name of a label, kind or relation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{got}`; expected {expected}")]
pub struct UnknownName {
    /// What it should name.
    pub what: &'static str,
    /// The word.
    pub got: String,
    /// The names there are.
    pub expected: &'static str,
}

/// Why a file of pairs, triplets, questions or sources could not be read or written.
///
/// Messages start with `path:line:column` as far as these are known, as those of [`vetted_corpus::Error`] do.
#[cfg(feature = "files")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened or read on in, is not UTF-8 or JSON, or its header is wrong.
    #[error(transparent)]
    Input(#[from] vetted_corpus::Error),

    /// The file has no header, nor anything else.
    #[error("{}: the file is empty; its first line must name its columns, {expected} among them", path.display())]
    EmptyFile {
        /// The file.
        path: std::path::PathBuf,
        /// Columns that it needs.
        expected: &'static str,
    },

    /// The file has no column of the name that was asked for.
    #[error("{}: there is no column `{column}`; there are: {}", path.display(), found.join(", "))]
    NoColumn {
        /// The file.
        path: std::path::PathBuf,
        /// What was asked for.
        column: String,
        /// The names in the header.
        found: Vec<String>,
    },

    /// A row has more or fewer cells than the header.
    #[error(
        "{}:{line}:{column}: {got} cells, but the header has {expected}; separate cells by one tab, and put spaces for \
         tabs and line ends inside a text",
        path.display()
    )]
    CellCount {
        /// The file.
        path: std::path::PathBuf,
        /// Line of the row.
        line: u64,
        /// Column of the first cell too many, or where the row ends too early.
        column: u64,
        /// Number of columns in the header.
        expected: usize,
        /// Number of cells in this row.
        got: usize,
    },

    /// A cell is none of the values that its column may hold.
    #[error("{}:{line}:{column}: `{name}` is `{got}`; expected {expected}", path.display())]
    BadCell {
        /// The file.
        path: std::path::PathBuf,
        /// Line of the row.
        line: u64,
        /// Column where the cell starts.
        column: u64,
        /// The name of the cell's column in the header.
        name: &'static str,
        /// What it may hold.
        expected: &'static str,
        /// What it holds, without the white space around it.
        got: String,
    },

    /// The file could not be written; what was there before is still there.
    #[error("cannot write {}: {source}; check that its folder exists, may be written to and has room", path.display())]
    Write {
        /// The file.
        path: std::path::PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// Why JSON did not parse, with its place in the file.
#[cfg(feature = "files")]
pub(crate) fn malformed_json(
    path: &std::path::Path,
    first_line: u64,
    error: &serde_json::Error,
    expected: &'static str,
) -> Error {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    Error::Input(vetted_corpus::Error::MalformedJson {
        path: path.to_owned(),
        line: first_line + (error.line() as u64).saturating_sub(1),
        // The parser says column 0 about a value of the wrong type that starts the line.
        column: error.column().max(1) as u64,
        problem: message.strip_suffix(&position).unwrap_or(&message).to_owned(),
        expected,
    })
}
