//! What went wrong.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Error;

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorAnswer {
    /// The error.
    pub error: ErrorBody,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// For programs.
    pub kind: ErrorKind,
    /// For people: what is wrong, and what to do.
    pub message: String,
}

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// What was asked for or handed in is wrong, and will be wrong again.
    InvalidInput,
    /// A thing that was named is not there.
    NotFound,
    /// It contradicts what is there.
    Conflict,
    /// It cannot be done now; trying again may help.
    Unavailable,
    /// A file is not what was once written.
    Damaged,
    /// A fault of vetted itself.
    Internal,
}

impl From<&Error> for ErrorAnswer {
    fn from(error: &Error) -> ErrorAnswer {
        ErrorAnswer { error: ErrorBody { kind: error.kind().into(), message: error.to_string() } }
    }
}

impl From<crate::ErrorKind> for ErrorKind {
    fn from(kind: crate::ErrorKind) -> ErrorKind {
        match kind {
            crate::ErrorKind::InvalidInput => ErrorKind::InvalidInput,
            crate::ErrorKind::NotFound => ErrorKind::NotFound,
            crate::ErrorKind::Conflict => ErrorKind::Conflict,
            crate::ErrorKind::Unavailable => ErrorKind::Unavailable,
            crate::ErrorKind::Damaged => ErrorKind::Damaged,
            crate::ErrorKind::Internal => ErrorKind::Internal,
        }
    }
}
