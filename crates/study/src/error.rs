//! What can go wrong between models and a report.

use std::io;
use std::path::{Path, PathBuf};

/// A measurement that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An index or a verifier could not be made, opened or asked.
    #[error(transparent)]
    Engine(#[from] vetted::Error),
    /// A data set cannot be read, or figures do not compare.
    #[error(transparent)]
    Evaluation(#[from] vetted_evaluation::Error),
    /// An encoder cannot be loaded or run.
    #[error(transparent)]
    Encoder(#[from] vetted_encoder::Error),
    /// A model is not known, or could not be fetched.
    #[error(transparent)]
    Models(#[from] vetted::models::Error),
    /// Documents cannot be read.
    #[error(transparent)]
    Corpus(#[from] vetted_corpus::Error),
    /// Labelled pairs cannot be read.
    #[error(transparent)]
    Pairs(#[from] vetted_pairs::Error),
    /// A model could not be trained.
    #[cfg(feature = "experiments")]
    #[error(transparent)]
    Training(#[from] vetted_training::Error),

    /// What failed, and in the middle of what.
    #[error("{what}: {source}")]
    While {
        /// A model, a query or a cell, by its name.
        what: String,
        /// What failed.
        source: Box<Error>,
    },
    /// A file or folder could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no room for temporary files.
    #[error("cannot make a temporary folder or write to it: {0}; TMPDIR may name another place")]
    Temporary(io::Error),

    /// A pipeline's name says nothing.
    #[error(
        "unknown pipeline `{got}`: expected dense, bm25, hybrid or hybrid-rrf, alone or with +vetted, +cross-encoder or +maxsim, \
         such as hybrid+vetted; `vetted`, `cross-encoder` and `maxsim` alone stand behind dense"
    )]
    UnknownPipeline {
        /// The name given.
        got: String,
    },
    /// A cross-encoder is asked for, and none is given.
    #[error(
        "a pipeline with cross-encoder needs --cross-encoder DIR; make one with `vetted train verifier --architecture cross-encoder \
         --data PAIRS.tsv.gz --out DIR`"
    )]
    CrossEncoderMissing,
    /// A data set holds no documents.
    #[error("{path} is empty: there is nothing to search")]
    EmptyCorpus {
        /// The file of documents.
        path: PathBuf,
    },
    /// No near miss can be made of a data set.
    #[error(
        "no relevant document of {dataset} ({relevant} are there) has a sentence that can be edited: needed are English sentences of 6 to \
         30 words that begin with a capital letter, end with a full stop and can be read alone"
    )]
    NothingToEdit {
        /// The data set.
        dataset: String,
        /// How many of its documents are relevant and there.
        relevant: usize,
    },
    /// A file of pairs is empty.
    #[error("{path} holds no pairs")]
    NoPairs {
        /// The file.
        path: PathBuf,
    },
    /// A formula is asked for verdicts.
    #[error(
        "{name} is a formula without verdicts: compare its scores by `vetted eval pairs`, or give vetted (the shipped verifier) or a \
         verifier's folder"
    )]
    NoVerdicts {
        /// The formula.
        name: String,
    },

    /// An audit's limit is no limit.
    #[error("--max-drop is {got}: it must be a number, 0 or more, such as 0.02")]
    MaxDrop {
        /// The number given.
        got: f64,
    },
    /// An audit compares a model with itself.
    #[error("a model is given twice: give each --tuned once, and another than --base")]
    SameModel,
    /// An audit compares models that cannot have been made from each other.
    #[error(
        "{base} has vectors of {expected} dimensions and {tuned} of {got}: one cannot be a fine-tuned version of the other, nor take \
         its place in an index. Give --tuned models that were made from --base; to compare unrelated encoders, use \
         `vetted eval retrieval --model` with each"
    )]
    UnlikeModels {
        /// The untouched encoder.
        base: String,
        /// Its dimensions.
        expected: usize,
        /// The other.
        tuned: String,
        /// Its dimensions.
        got: usize,
    },

    /// A share of structural triplets is out of range.
    #[error("a share is {got}: it must be above 0 and at most 0.9, such as 0.5")]
    Share {
        /// The number given.
        got: f64,
    },
    /// There are too few questions to train on.
    #[error("the files of --questions hold {got} questions: give SQuAD-format files with more")]
    FewQuestions {
        /// How many there are.
        got: usize,
    },
    /// Verifiers are asked for over another encoder than the default.
    #[error("verifiers and fixes are measured over {default}: leave --base out, or give --part encoders")]
    OtherBase {
        /// The encoder that they stand on.
        default: &'static str,
    },
    /// A retrieval set is named that is not given.
    #[error("--fixes-on names no folder of --data")]
    NoSuchSet,
    /// A cell is of another version, or damaged.
    #[error("{path} is no cell of this version; remove it, and it is measured again: {source}")]
    Cell {
        /// Its file.
        path: PathBuf,
        /// What the JSON reader says.
        source: serde_json::Error,
    },
    /// A pipeline has no figure where one was asked for.
    #[error("{name} was measured and has no nDCG@10: this is a fault of vetted, please report it")]
    NoFigure {
        /// The pipeline.
        name: String,
    },
}

impl From<vetted_verifier::Error> for Error {
    fn from(error: vetted_verifier::Error) -> Self {
        Error::Engine(error.into())
    }
}

/// Says in the middle of what something failed.
pub(crate) trait During<T> {
    /// With the name of a model, a query or a cell in front.
    fn during(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T, E: Into<Error>> During<T> for Result<T, E> {
    fn during(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|error| Error::While { what: what(), source: Box::new(error.into()) })
    }
}

/// For `map_err`.
#[cfg(feature = "experiments")]
pub(crate) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Read { path, source }
}

/// For `map_err`.
pub(crate) fn writing(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write { path, source }
}
