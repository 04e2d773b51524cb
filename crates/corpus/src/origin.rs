//! Where a document came from.

use std::{fmt, path::PathBuf};

/// The file that a document stands in, and the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file as it was named; `-` for standard input.
    pub path: PathBuf,
    /// The file by its absolute path, links of the named folder resolved; `None` for standard input.
    pub absolute: Option<PathBuf>,
    /// The line on which the record starts; `None` where the file is the document.
    pub line: Option<u64>,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}", self.path.display()),
            None => write!(formatter, "{}", self.path.display()),
        }
    }
}
