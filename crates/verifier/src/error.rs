//! What can go wrong between two texts and a verdict.

mod kind;

use std::path::PathBuf;

pub use kind::ErrorKind;

/// A verifier that could not be loaded, or could not read a text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The base encoder could not be loaded or run.
    #[error(transparent)]
    Encoder(vetted_encoder::Error),
    /// The result was no longer wanted before it was there.
    #[error(transparent)]
    Expired(#[from] vetted_kernels::Expired),
    /// A text could not be cut into windows.
    #[error(transparent)]
    Corpus(#[from] vetted_corpus::Error),
    /// A verifier's file could not be read.
    #[error(
        "cannot read {path}: {source}. A verifier is a folder with config.json and model.safetensors, as `vetted train verifier` writes it"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A verifier's files are damaged or do not fit each other.
    #[error("{path} is not a verifier that can be used: {source}")]
    Unusable {
        /// The verifier's folder.
        path: PathBuf,
        /// What is wrong.
        source: vetted_reader::Error,
    },
    /// The verifier could not read a text, so nothing was accepted.
    #[error("the verifier failed, and vouches for none of the candidates: {0}")]
    Reader(vetted_reader::Error),
    /// There is nothing to hold candidates against.
    #[error("the query is empty: give it at least one word")]
    EmptyQuery,
}

impl From<vetted_encoder::Error> for Error {
    fn from(error: vetted_encoder::Error) -> Self {
        match error {
            vetted_encoder::Error::Expired(expired) => Error::Expired(expired),
            error => Error::Encoder(error),
        }
    }
}

impl Error {
    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Error::Encoder(error) => error.into(),
            Error::Corpus(error) => error.into(),
            Error::Unreadable { source, .. } => source.into(),
            Error::Unusable { source, .. } => match ErrorKind::from(source) {
                // A file whose parts do not fit each other.
                ErrorKind::Internal => ErrorKind::Damaged,
                kind => kind,
            },
            Error::Reader(error) => error.into(),
            Error::Expired(_) => ErrorKind::Unavailable,
            Error::EmptyQuery => ErrorKind::InvalidInput,
        }
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

    use vetted_encoder::models;
    use vetted_reader::Error as ReaderError;

    use super::*;

    #[test]
    fn every_kind_comes_from_what_it_should() {
        let path = || PathBuf::from("verifier");
        let unreadable = |kind: io::ErrorKind| Error::Unreadable { path: path(), source: kind.into() };
        let unusable = |source| Error::Unusable { path: path(), source };
        let folder = models::folder::Error::FolderMissing { path: path() };
        let other_base = ReaderError::OtherBase { name: "a".into(), expected: "b".into(), got: "c".into() };
        for (error, kind) in [
            (Error::EmptyQuery, ErrorKind::InvalidInput),
            (unreadable(io::ErrorKind::NotFound), ErrorKind::NotFound),
            (unreadable(io::ErrorKind::PermissionDenied), ErrorKind::Unavailable),
            (unusable(ReaderError::Format { got: 2, expected: 1 }), ErrorKind::Damaged),
            (unusable(ReaderError::Length { what: "base.hidden", expected: 1, got: 2 }), ErrorKind::Damaged),
            (unusable(other_base), ErrorKind::Conflict),
            (Error::Reader(ReaderError::NotFinite { token: 1 }), ErrorKind::Damaged),
            (Error::Reader(ReaderError::OtherViews { position: None }), ErrorKind::Conflict),
            (Error::Reader(ReaderError::EmptyText), ErrorKind::Internal),
            (Error::from(folder), ErrorKind::NotFound),
            (Error::from(models::Error::NoHome), ErrorKind::Unavailable),
            (Error::Corpus(vetted_corpus::Error::NoTokens), ErrorKind::InvalidInput),
        ] {
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
}
