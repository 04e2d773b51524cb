//! What kind of thing went wrong: what a server makes a status of, and a program a decision.

use std::io;

use vetted_encoder::models;
use vetted_reader::Error as ReaderError;

/// The kind of an error, the same whichever part of vetted it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// What was asked for or handed in is wrong, and will be wrong again.
    InvalidInput,
    /// A thing that was named is not there.
    NotFound,
    /// It contradicts what is there: another model, another writer, an index where one was to be made.
    Conflict,
    /// It cannot be done now: no network, no space, no permission. Trying again may help.
    Unavailable,
    /// A file is not what was once written, or does not fit the others.
    Damaged,
    /// A fault of vetted itself.
    Internal,
}

impl ErrorKind {
    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::InvalidInput => "invalid-input",
            ErrorKind::NotFound => "not-found",
            ErrorKind::Conflict => "conflict",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::Damaged => "damaged",
            ErrorKind::Internal => "internal",
        }
    }
}

impl From<&io::Error> for ErrorKind {
    fn from(error: &io::Error) -> ErrorKind {
        match error.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::AlreadyExists => ErrorKind::Conflict,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => ErrorKind::Damaged,
            _ => ErrorKind::Unavailable,
        }
    }
}

impl From<&vetted_corpus::Error> for ErrorKind {
    fn from(error: &vetted_corpus::Error) -> ErrorKind {
        use vetted_corpus::Error;
        match error {
            Error::Open { source, .. } | Error::Read { source, .. } | Error::Folder { source, .. } => source.into(),
            _ => ErrorKind::InvalidInput,
        }
    }
}

impl From<&models::folder::Error> for ErrorKind {
    fn from(error: &models::folder::Error) -> ErrorKind {
        use models::folder::Error;
        match error {
            Error::FolderMissing { .. } => ErrorKind::NotFound,
            Error::Unreadable { source, .. } => source.into(),
            Error::ConfigMissing { .. }
            | Error::TokenizerMissing { .. }
            | Error::ModuleConfigMissing { .. }
            | Error::WeightsMissing { .. }
            | Error::BadJson { .. }
            | Error::KeyMissing { .. }
            | Error::BadValue { .. } => ErrorKind::Damaged,
            // Models of other kinds than vetted runs.
            _ => ErrorKind::InvalidInput,
        }
    }
}

impl From<&models::Error> for ErrorKind {
    fn from(error: &models::Error) -> ErrorKind {
        use models::Error;
        match error {
            Error::Folder(error) => error.into(),
            Error::Storage { source, .. } => source.into(),
            Error::UnknownModel { .. }
            | Error::NotPulled { .. }
            | Error::NoOnnx { .. }
            | Error::RegisteredFolderMissing { .. } => ErrorKind::NotFound,
            Error::BadName { .. } => ErrorKind::InvalidInput,
            Error::NotTheKnownModel { .. } => ErrorKind::Conflict,
            Error::DamagedRegistration { .. } => ErrorKind::Damaged,
            _ => ErrorKind::Unavailable,
        }
    }
}

impl From<&vetted_encoder::Error> for ErrorKind {
    fn from(error: &vetted_encoder::Error) -> ErrorKind {
        use vetted_encoder::Error;
        match error {
            Error::Folder(error) => error.into(),
            Error::Models(error) => error.into(),
            Error::Unreadable { source, .. } => source.into(),
            Error::BackendUnavailable { .. } => ErrorKind::NotFound,
            Error::OnnxNotBuilt { .. } => ErrorKind::Unavailable,
            Error::TooManyTokens { .. } | Error::TensorType { .. } => ErrorKind::InvalidInput,
            Error::Tokenizer { .. }
            | Error::WeightFile { .. }
            | Error::TensorMissing { .. }
            | Error::TensorShape { .. }
            | Error::NotFinite { .. }
            | Error::UnknownToken { .. }
            | Error::Onnx { .. }
            | Error::UnknownInput { .. }
            | Error::NoTokenVectors { .. }
            | Error::VectorNotFinite { .. } => ErrorKind::Damaged,
            _ => ErrorKind::Internal,
        }
    }
}

impl From<&ReaderError> for ErrorKind {
    fn from(error: &ReaderError) -> ErrorKind {
        match error {
            ReaderError::OtherBase { .. } | ReaderError::OtherViews { .. } => ErrorKind::Conflict,
            ReaderError::EmptyText | ReaderError::TooManyTokens { .. } | ReaderError::Length { .. } => {
                ErrorKind::Internal
            }
            // Its files, and what comes of them.
            _ => ErrorKind::Damaged,
        }
    }
}
