//! What can go wrong.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::run::CHECKPOINT;

/// Why training, or what belongs to it, stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file cannot be written. What stood there before is as it was.
    #[error("cannot write {}: {source}; {}", path.display(), unwritable_advice(path, source))]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A JSON file is not what it should be.
    #[error("{} is not as expected: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A verifier's description is not what it should be.
    #[error("{}: {source}", path.display())]
    Config {
        /// The `config.json`.
        path: PathBuf,
        /// What about it.
        source: vetted_reader::Error,
    },
    /// A verifier's description cannot be made.
    #[error(transparent)]
    Reader(vetted_reader::Error),
    /// A verifier is of an architecture that is not written as ONNX.
    #[error("{architecture} is not written as ONNX: it is a baseline; map-transformer, f3 and cross-encoder are")]
    NotExported {
        /// Its name.
        architecture: &'static str,
    },
    /// The base encoder is of a kind that cannot be trained, or not a verifier's own.
    #[error("{}: {field} is {got}, and must be {expected}; give a BERT encoder such as all-MiniLM-L6-v2, the one a verifier was trained over", path.display())]
    Base {
        /// The `config.json`.
        path: PathBuf,
        /// The setting.
        field: &'static str,
        /// Its value.
        got: String,
        /// What it may be.
        expected: &'static str,
    },
    /// An encoder is of a kind that is not trained.
    #[error(
        "{} cannot be trained: {reason}; give a sentence encoder that is a BERT, RoBERTa or MPNet with GELU and has \
         model.safetensors, such as all-MiniLM-L6-v2 or all-mpnet-base-v2", path.display()
    )]
    Untrainable {
        /// The encoder's folder.
        path: PathBuf,
        /// What about it.
        reason: String,
    },
    /// A safetensors file is damaged.
    #[error("{} is damaged or no safetensors file: {source}; fetch or export it again", path.display())]
    WeightFile {
        /// The file.
        path: PathBuf,
        /// The format's complaint.
        source: vetted_tensors::SafeTensorError,
    },
    /// A tensor is missing from a file.
    #[error("{} has no tensor {tensor}: it is of another architecture or version", path.display())]
    TensorMissing {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
    },
    /// A tensor has another shape than the configuration gives it.
    #[error("{}: {tensor} is {got:?} where the configuration makes it {expected:?}", path.display())]
    TensorShape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// By the configuration.
        expected: Vec<usize>,
        /// In the file.
        got: Vec<usize>,
    },
    /// A tensor's type is none that is read.
    #[error("{}: {tensor} is of type {got}; F32, F16, BF16 and I8 with a scale are read", path.display())]
    TensorType {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its type.
        got: String,
    },
    /// A tensor holds NaN or infinity.
    #[error("{}: {tensor} holds a value that is not finite", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
    },
    /// A tokenizer cannot be loaded.
    #[error("cannot load {}: {source}", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// The tokenizer's reason.
        source: tokenizers::Error,
    },
    /// A text cannot be turned into tokens.
    #[error("cannot tokenize a text that begins {beginning:?}: {source}")]
    Tokenization {
        /// The text's first characters.
        beginning: String,
        /// The tokenizer's reason.
        source: tokenizers::Error,
    },
    /// A token id beyond the vocabulary.
    #[error(
        "token {id} is beyond the vocabulary of {vocabulary}: tokenizer.json and model.safetensors are of different models"
    )]
    UnknownToken {
        /// The id.
        id: u32,
        /// Rows of the word embeddings.
        vocabulary: usize,
    },
    /// A setting of the recipe is out of its range.
    #[error("recipe: {field} is {got}, and must be {expected}")]
    Recipe {
        /// The setting.
        field: &'static str,
        /// Its value.
        got: String,
        /// What it may be.
        expected: String,
    },
    /// There is nothing to learn from.
    #[error("no {set} pairs with a label; give pairs whose equiv column is 1 or 0")]
    NoExamples {
        /// Which set.
        set: &'static str,
    },
    /// There is too little to learn from.
    #[error(
        "{got} triplets are too few: every anchor is told from the others' positives, so give at least 2, better thousands"
    )]
    TooFewTriplets {
        /// How many there are.
        got: usize,
    },
    /// No source that has pairs has a share of the visits.
    #[error("the shares name no source of the training pairs; these are {sources}")]
    NoShare {
        /// The sources there are.
        sources: String,
    },
    /// The output folder holds a model that this run has not made.
    #[error("{} holds a model that this run has not made; give another output folder, or remove it first", path.display())]
    OtherVerifier {
        /// One of its files.
        path: PathBuf,
    },
    /// Whoever watches the run broke it off. A checkpoint was written.
    #[error("interrupted at step {step} of {steps}; run the same command again to go on")]
    Interrupted {
        /// Steps taken.
        step: usize,
        /// Steps of the whole run.
        steps: usize,
    },
    /// The loss or a gradient is no longer a number.
    #[error("step {step}: the loss is {loss} and the gradients' norm {norm}, at a learning rate of {rate:e}; {}. Try half the learning rates, a longer warm-up or f32 arithmetic", match checkpoint { Some(path) => format!("the last good state is {}", path.display()), None => "there is no checkpoint yet".into() })]
    Diverged {
        /// The step, from 1.
        step: usize,
        /// Its loss.
        loss: f64,
        /// The global norm of its gradients.
        norm: f64,
        /// The reader's learning rate at that step.
        rate: f64,
        /// The last checkpoint, which is kept.
        checkpoint: Option<PathBuf>,
    },
    /// A checkpoint in the output folder belongs to another run.
    #[error("{} was made with another {what}; give the settings and data it was made with, or another output folder, or remove it to start again", path.display())]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// A retrieval set cannot be measured.
    #[error(transparent)]
    Evaluation(#[from] vetted_evaluation::Error),
    /// The tensor library's complaint: a fault of this crate, or of a device.
    #[error("computing failed: {0}")]
    Compute(#[from] candle_core::Error),
    /// A thread of the trainer panicked: a fault of this crate.
    #[error("a worker thread failed")]
    Worker,
}

/// What to do when `path` cannot be written. Only a run has checkpoints to go on from.
fn unwritable_advice(path: &Path, source: &std::io::Error) -> String {
    let advice = match source.kind() {
        ErrorKind::NotFound => "its folder is not there: make it, or give another path",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "give a path that you may write to",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room",
        _ => "make room or give another path",
    };
    let checkpoint = path.parent().is_some_and(|folder| folder.join(CHECKPOINT).is_file());
    let kept = if path.exists() { "; what stood there before is untouched" } else { "" };
    match checkpoint {
        true => format!("{advice}, then run the same command again to go on from the last checkpoint{kept}"),
        false => format!("{advice}{kept}"),
    }
}
