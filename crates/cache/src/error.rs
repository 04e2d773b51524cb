//! What can go wrong with a cache.

use std::path::PathBuf;

use vetted::ErrorKind;

use crate::Miss;

/// A backend that could not do what it was asked. While it lasts, every lookup is a miss; nothing wrong is served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// It did not answer in time, or the answer was no longer wanted.
    #[error("{backend} did not answer in time")]
    Late {
        /// Which backend.
        backend: &'static str,
    },
    /// It cannot be reached.
    #[error("cannot reach {backend} at {address}: {reason}")]
    Unreachable {
        /// Which backend.
        backend: &'static str,
        /// Where it should be, without any password.
        address: String,
        /// What happened.
        reason: String,
    },
    /// It refused what it was asked, or answered something that makes no sense.
    #[error("{backend} refused {operation}: {reason}")]
    Refused {
        /// Which backend.
        backend: &'static str,
        /// What it was asked for.
        operation: &'static str,
        /// What it said.
        reason: String,
    },
    /// It is of a version or has a setting that cannot be used.
    #[error("{backend} cannot be used: {reason}")]
    Unsuitable {
        /// Which backend.
        backend: &'static str,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The scope keeps vectors of another length.
    #[error(
        "the entries of this scope have vectors of {expected} values, and one of {got} was given: it is another encoder's"
    )]
    Dimensions {
        /// The length of those that are there.
        expected: usize,
        /// The length of the one that was given.
        got: usize,
    },
    /// The entry alone is larger than all that may be kept.
    #[error(
        "the entry takes {bytes} bytes, and the cache keeps {limit} in all: raise the limit, or leave such entries out"
    )]
    TooLarge {
        /// What the entry takes.
        bytes: u64,
        /// What may be kept.
        limit: u64,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not what was once written.
    #[error(
        "{path} is damaged at byte {at}: {what}, though there are intact entries after it. Put back a copy of the file, or move it \
         away to begin with an empty cache: what it kept will then be computed again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        at: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The file is of another program or of a later version.
    #[error("{path} is no log of a cache that this version reads: {what}")]
    NotALog {
        /// The file.
        path: PathBuf,
        /// What it begins with.
        what: &'static str,
    },
    /// An earlier failure left the file in a state that is not known.
    #[error(
        "{path} could not be brought to the disk before, so nothing is stored any more: {reason}. Lookups go on. Start again"
    )]
    Stopped {
        /// The file.
        path: PathBuf,
        /// What happened then.
        reason: String,
    },
    /// Another process has it open.
    #[error("the cache in {path} is open in {}: one process at a time keeps a cache in a folder", process_name(*.process))]
    Locked {
        /// The folder.
        path: PathBuf,
        /// Which process, if it is known.
        process: Option<u32>,
    },
    /// What is kept of an entry cannot be read.
    #[error("an entry that {backend} keeps cannot be read: {reason}")]
    Unreadable {
        /// Which backend.
        backend: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl BackendError {
    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        match self {
            BackendError::Late { .. }
            | BackendError::Unreachable { .. }
            | BackendError::Refused { .. }
            | BackendError::Stopped { .. } => ErrorKind::Unavailable,
            BackendError::Unsuitable { .. } | BackendError::Dimensions { .. } | BackendError::Locked { .. } => {
                ErrorKind::Conflict
            }
            BackendError::TooLarge { .. } => ErrorKind::InvalidInput,
            BackendError::Io { source, .. } => source.into(),
            BackendError::Damaged { .. } | BackendError::NotALog { .. } | BackendError::Unreadable { .. } => {
                ErrorKind::Damaged
            }
        }
    }
}

fn process_name(process: Option<u32>) -> String {
    process.map_or_else(|| "another process".to_owned(), |id| format!("process {id}"))
}

/// A cache that could not do what it was asked. Lookups have none: what goes wrong with one is a [miss](crate::Miss).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The backend failed.
    #[error(transparent)]
    Backend(BackendError),
    /// The encoder or the verifier failed.
    #[error(transparent)]
    Model(Box<vetted::Error>),
    /// There was no time.
    #[error("it was not done in time: {0}")]
    Late(vetted::Expired),
    /// Others changed the entry between each look and change.
    #[error("the entry {id} was not changed: others change it all the time. Try again")]
    Contended {
        /// Which entry.
        id: crate::EntryId,
    },
    /// Nobody remembers the decision.
    #[error(
        "the decision {decision} is not known: of those since the cache was opened, the last {remembered} that were about a \
         candidate are remembered"
    )]
    UnknownDecision {
        /// Its name.
        decision: String,
        /// So many are remembered.
        remembered: usize,
    },
    /// Decisions are not written down.
    #[error("feedback is not kept: the cache was opened without a folder for decisions")]
    NoDecisions,
    /// What was decided cannot be written down.
    #[error("cannot write to {path}: {source}")]
    Decisions {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The response could not be computed, by this caller or by the one that everybody waited for.
    #[error("the response could not be computed: {reason}")]
    Compute {
        /// What happened.
        reason: String,
    },
    /// The system gave no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

impl CacheError {
    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        match self {
            CacheError::Backend(error) => error.kind(),
            CacheError::Model(error) => error.kind(),
            CacheError::Late(_) | CacheError::Thread(_) | CacheError::Compute { .. } => ErrorKind::Unavailable,
            CacheError::UnknownDecision { .. } => ErrorKind::NotFound,
            CacheError::NoDecisions | CacheError::Contended { .. } => ErrorKind::Conflict,
            CacheError::Decisions { source, .. } => source.into(),
        }
    }
}

impl From<BackendError> for CacheError {
    fn from(error: BackendError) -> Self {
        CacheError::Backend(error)
    }
}

impl From<vetted::Expired> for CacheError {
    fn from(expired: vetted::Expired) -> Self {
        CacheError::Late(expired)
    }
}

impl From<vetted::Error> for CacheError {
    fn from(error: vetted::Error) -> Self {
        match error {
            vetted::Error::Expired(expired) => CacheError::Late(expired),
            error => CacheError::Model(Box::new(error)),
        }
    }
}

impl From<BackendError> for Miss {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Late { .. } => Miss::Late,
            error => Miss::BackendFailed(error.to_string()),
        }
    }
}

impl From<vetted::Error> for Miss {
    fn from(error: vetted::Error) -> Self {
        CacheError::from(error).into()
    }
}

impl From<CacheError> for Miss {
    fn from(error: CacheError) -> Self {
        match error {
            CacheError::Backend(error) => error.into(),
            CacheError::Late(_) => Miss::Late,
            error => Miss::VerifierFailed(error.to_string()),
        }
    }
}
