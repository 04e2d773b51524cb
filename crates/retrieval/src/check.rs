//! Does everything agree? For tests, for doctors, and for peace of mind after an accident.

use std::fmt;

use crate::error::Result;
use crate::index::Index;
use crate::snapshot::Snapshot;
use crate::store::fingerprint;

/// What [`Index::check`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Check {
    /// How many documents there are.
    pub documents: usize,
    /// How many passages they have, each with a vector.
    pub passages: usize,
    /// What is not as it should be. Empty if all is well.
    pub problems: Vec<Problem>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The document's title, text or metadata are not what was written.
    Altered {
        /// The document's id.
        id: String,
    },
    /// The document has another number of vectors than of passages.
    VectorCount {
        /// The document's id.
        id: String,
        /// How many passages it has.
        passages: usize,
        /// How many vectors it has.
        vectors: usize,
    },
    /// The store holds parts of documents that are not there.
    Orphans {
        /// How many.
        records: u64,
    },
    /// The vector index holds other vectors of the document than the store.
    VectorIndex {
        /// The document's id.
        id: String,
    },
    /// The text index does not hold the document.
    TextIndex {
        /// The document's id.
        id: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Altered { id } => write!(formatter, "document {id:?} is not what was written"),
            Problem::VectorCount { id, passages, vectors } => {
                write!(formatter, "document {id:?} has {passages} passages and {vectors} vectors")
            }
            Problem::Orphans { records } => write!(formatter, "{records} records belong to no document"),
            Problem::VectorIndex { id } => write!(formatter, "the vector index disagrees on document {id:?}"),
            Problem::TextIndex { id } => write!(formatter, "the text index lacks document {id:?}"),
        }
    }
}

impl Index {
    /// Reads all of the store and compares it with itself and with the text and vector indexes.
    ///
    /// # Errors
    /// If the store is damaged so much that it cannot be read.
    pub fn check(&self) -> Result<Check> {
        self.snapshot()?.check()
    }
}

impl Snapshot {
    fn check(&self) -> Result<Check> {
        let (roster, reading) = (self.roster(), self.reading());
        let in_text = self.text()?.held();
        let mut check = Check { documents: roster.len(), passages: 0, problems: Vec::new() };
        let orphans = reading.orphans()?;
        check.problems.extend((orphans > 0).then_some(Problem::Orphans { records: orphans }));
        let agrees = self.vectors()?.agreement(reading, roster)?;
        for (ordinal, number) in roster.living() {
            let id = || roster.id(ordinal).to_owned();
            let document = reading.document(number)?;
            let registered = reading.find(&document.id)?;
            if registered != Some((number, fingerprint(&document))) || document.id != roster.id(ordinal) {
                check.problems.push(Problem::Altered { id: id() });
            }
            let passages = reading.passages(number)?.len();
            check.passages += passages;
            let count = reading.vectors(number)?.len();
            if count != passages {
                check.problems.push(Problem::VectorCount { id: id(), passages, vectors: count });
            }
            if !agrees.get(ordinal) {
                check.problems.push(Problem::VectorIndex { id: id() });
            }
            if !in_text.get(ordinal) {
                check.problems.push(Problem::TextIndex { id: id() });
            }
        }
        Ok(check)
    }
}
