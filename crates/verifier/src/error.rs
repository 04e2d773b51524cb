//! What can go wrong between two texts and a verdict.

use std::path::PathBuf;

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
