//! What can go wrong between a document and a hit.

use std::path::PathBuf;

use vetted_corpus::VectorProblem;
use vetted_verifier::ErrorKind;

/// An engine that could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model could not be loaded or run.
    #[error(transparent)]
    Encoder(vetted_encoder::Error),
    /// The result was no longer wanted before it was there.
    #[error(transparent)]
    Expired(#[from] vetted_kernels::Expired),
    /// The index could not be read or written.
    #[error(transparent)]
    Retrieval(vetted_retrieval::Error),
    /// The documents could not be read, or the passage options contradict each other.
    #[error(transparent)]
    Corpus(#[from] vetted_corpus::Error),
    /// The index was made with another model than the one asked for.
    #[error(
        "the index in {index} was made with {expected}, and {got} was asked for: their vectors cannot be compared. \
         Leave the model out to use the index's own, or index the documents again into another folder"
    )]
    ModelMismatch {
        /// The index.
        index: PathBuf,
        /// Its model.
        expected: String,
        /// The other one.
        got: String,
    },
    /// The index was made with another setting than the one asked for.
    #[error(
        "the index in {index} was made with {setting} {expected}, and {got} was asked for: an index keeps its settings. Leave \
         the option out to use the index's own, or index the documents again into another folder"
    )]
    SettingMismatch {
        /// The index.
        index: PathBuf,
        /// What is set.
        setting: &'static str,
        /// How the index has it.
        expected: String,
        /// How it was asked for.
        got: String,
    },
    /// The model's files changed after the index was made.
    #[error(
        "the model {model} is not what it was when the index in {index} was made (fingerprint {got}, expected {expected}). \
         Put the old files back, or index the documents again into another folder"
    )]
    ModelChanged {
        /// The index.
        index: PathBuf,
        /// The model's name or folder.
        model: String,
        /// The fingerprint the index remembers.
        expected: String,
        /// The fingerprint of what is there now.
        got: String,
    },
    /// The index's own description of its model is incomplete.
    #[error(
        "the index in {index} does not say {missing}: it was not made by vetted's engine. Index the documents again"
    )]
    Manifest {
        /// The index.
        index: PathBuf,
        /// What is missing.
        missing: &'static str,
    },
    /// The index has no encoder: its documents brought their vectors.
    #[error(
        "the vectors of the index in {index} were given, so vetted cannot encode a query for it: give the query's vector \
         (`--vector`, or the field in JSONL queries), or search by words (`--mode bm25`)"
    )]
    NoEncoder {
        /// The index.
        index: PathBuf,
    },
    /// A document of an index of given vectors has none that can be used.
    #[error("the vector of document {document:?} in its field `{field}` {problem}")]
    VectorUnusable {
        /// The document's id.
        document: String,
        /// The metadata field.
        field: String,
        /// What is wrong with it.
        problem: VectorProblem,
    },
    /// The verifier could not be loaded, or could not read a text.
    #[error(transparent)]
    Verifier(vetted_verifier::Error),
    /// A calibration cannot be used.
    #[error(transparent)]
    Calibration(Box<vetted_calibration::FileError>),
    /// There is nothing to search for.
    #[error("the query is empty: give it at least one word")]
    EmptyQuery,
}

impl From<vetted_verifier::Error> for Error {
    fn from(error: vetted_verifier::Error) -> Self {
        match error {
            vetted_verifier::Error::Expired(expired) => Error::Expired(expired),
            error => Error::Verifier(error),
        }
    }
}

impl From<vetted_retrieval::Error> for Error {
    fn from(error: vetted_retrieval::Error) -> Self {
        match error {
            vetted_retrieval::Error::Expired(expired) => Error::Expired(expired),
            error => Error::Retrieval(error),
        }
    }
}

impl From<vetted_encoder::Error> for Error {
    fn from(error: vetted_encoder::Error) -> Self {
        match error {
            vetted_encoder::Error::Expired(expired) => Error::Expired(expired),
            error => Error::Encoder(error),
        }
    }
}

impl From<vetted_calibration::FileError> for Error {
    fn from(error: vetted_calibration::FileError) -> Error {
        Error::Calibration(Box::new(error))
    }
}

impl Error {
    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Encoder(error) => error.into(),
            Error::Expired(_) => ErrorKind::Unavailable,
            Error::Retrieval(error) => of_retrieval(error),
            Error::Corpus(error) => error.into(),
            Error::Verifier(error) => error.kind(),
            Error::ModelMismatch { .. } | Error::SettingMismatch { .. } | Error::ModelChanged { .. } => {
                ErrorKind::Conflict
            }
            Error::Manifest { .. } => ErrorKind::Damaged,
            Error::Calibration(error) => calibration_kind(error),
            Error::NoEncoder { .. } | Error::VectorUnusable { .. } | Error::EmptyQuery => ErrorKind::InvalidInput,
        }
    }
}

/// What kind of thing is wrong with a calibration or its data.
pub fn calibration_kind(error: &vetted_calibration::FileError) -> ErrorKind {
    use vetted_calibration::FileError;
    match error {
        FileError::Unreadable { source, .. } | FileError::Unwritable { source, .. } => source.into(),
        FileError::Changed { .. } => ErrorKind::Damaged,
        FileError::Version { .. } | FileError::OtherModel { .. } | FileError::OtherRelation { .. } => {
            ErrorKind::Conflict
        }
        FileError::UnknownSegment { got: Some(_), .. } => ErrorKind::NotFound,
        FileError::Input(error) => error.into(),
        _ => ErrorKind::InvalidInput,
    }
}

fn of_retrieval(error: &vetted_retrieval::Error) -> ErrorKind {
    use vetted_retrieval::{Error, ServerProblem};
    match error {
        Error::NotAnIndex { .. } => ErrorKind::NotFound,
        Error::Expired(_) => ErrorKind::Unavailable,
        Error::AlreadyExists { .. }
        | Error::Occupied { .. }
        | Error::Locked { .. }
        | Error::SearchedUnlocked { .. }
        | Error::AlreadyOpen { .. }
        | Error::FormatVersion { .. } => ErrorKind::Conflict,
        Error::ManifestDamaged { .. } | Error::StoreDamaged { .. } => ErrorKind::Damaged,
        Error::Server { problem, .. } => match problem {
            ServerProblem::Address => ErrorKind::InvalidInput,
            ServerProblem::NotThere => ErrorKind::NotFound,
            ServerProblem::Unsuitable => ErrorKind::Conflict,
            _ => ErrorKind::Unavailable,
        },
        Error::StoreFull { .. } | Error::DiskFull { .. } => ErrorKind::Unavailable,
        Error::ReadOnly { .. }
        | Error::BatchTooLarge
        | Error::NoDimensions { .. }
        | Error::Dimensions { .. }
        | Error::NotFinite { .. }
        | Error::EmptyId { .. }
        | Error::UnknownAddress { .. }
        | Error::EmptyQuery
        | Error::Alpha { .. }
        | Error::Filter { .. } => ErrorKind::InvalidInput,
        Error::Io { source, .. } => source.into(),
        _ => ErrorKind::Internal,
    }
}

impl From<vetted_encoder::models::Error> for Error {
    fn from(error: vetted_encoder::models::Error) -> Self {
        Error::Encoder(error.into())
    }
}

impl From<vetted_encoder::folder::Error> for Error {
    fn from(error: vetted_encoder::folder::Error) -> Self {
        Error::Encoder(error.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use vetted_retrieval::Error as RetrievalError;

    use super::*;

    #[test]
    fn every_kind_comes_from_what_it_should() {
        let path = || PathBuf::from("index");
        let io = |kind: io::ErrorKind| RetrievalError::Io { action: "read", path: path(), source: kind.into() };
        let changed = Error::ModelChanged {
            index: path(),
            model: "all-MiniLM-L6-v2".into(),
            expected: "a".into(),
            got: "b".into(),
        };
        let mismatch =
            Error::SettingMismatch { index: path(), setting: "views", expected: "int8".into(), got: "none".into() };
        for (error, kind) in [
            (Error::EmptyQuery, ErrorKind::InvalidInput),
            (
                Error::VectorUnusable { document: "a".into(), field: "v".into(), problem: VectorProblem::Missing },
                ErrorKind::InvalidInput,
            ),
            (Error::NoEncoder { index: path() }, ErrorKind::InvalidInput),
            (changed, ErrorKind::Conflict),
            (mismatch, ErrorKind::Conflict),
            (Error::Manifest { index: path(), missing: "its model" }, ErrorKind::Damaged),
            (vetted_calibration::FileError::Changed { path: path() }.into(), ErrorKind::Damaged),
            (vetted_calibration::FileError::OwnScores.into(), ErrorKind::InvalidInput),
            (Error::Verifier(vetted_verifier::Error::EmptyQuery), ErrorKind::InvalidInput),
            (RetrievalError::NotAnIndex { path: path() }.into(), ErrorKind::NotFound),
            (RetrievalError::AlreadyExists { path: path() }.into(), ErrorKind::Conflict),
            (RetrievalError::BatchTooLarge.into(), ErrorKind::InvalidInput),
            (RetrievalError::Alpha { alpha: 2.0 }.into(), ErrorKind::InvalidInput),
            (io(io::ErrorKind::NotFound).into(), ErrorKind::NotFound),
            (io(io::ErrorKind::StorageFull).into(), ErrorKind::Unavailable),
            (vetted_corpus::Error::NoTokens.into(), ErrorKind::InvalidInput),
            (vetted_verifier::Error::Reader(vetted_reader::Error::EmptyText).into(), ErrorKind::Internal),
        ] {
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
}
