//! What can go wrong between a model folder and a vector.

use std::path::PathBuf;

/// An encoder that could not be loaded or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder's description of the model is incomplete or not understood.
    #[error(transparent)]
    Folder(#[from] vetted_models::folder::Error),
    /// The model could not be found or fetched.
    #[error(transparent)]
    Models(#[from] vetted_models::Error),
    /// A file could not be read.
    #[error("cannot read {path}: {source}. Check that the file exists and that you may read it")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `tokenizer.json` is not a tokenizer of the `tokenizers` library.
    #[error(
        "cannot load the tokenizer {path}: {source}. Save it again with `AutoTokenizer.from_pretrained(MODEL).save_pretrained(FOLDER)`"
    )]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What the library said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A text could not be turned into tokens.
    #[error("the tokenizer failed on the text that begins with {beginning:?}: {source}")]
    Tokenization {
        /// The first characters of the text.
        beginning: String,
        /// What the library said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The weights file is truncated or not safetensors.
    #[error("{path} is not a whole safetensors file: {source}. Fetch it again: `vetted models pull NAME`")]
    WeightFile {
        /// The file.
        path: PathBuf,
        /// What the library said.
        source: vetted_tensors::SafeTensorError,
    },
    /// A tensor that the architecture needs is not in the file.
    #[error(
        "{path} has no tensor {tensor:?}: config.json and weights are of different models, or the checkpoint is not an encoder"
    )]
    TensorMissing {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
    },
    /// A tensor does not have the shape that `config.json` implies.
    #[error(
        "tensor {tensor:?} in {path} has shape {got:?} where config.json implies {expected:?}: the two are of different models"
    )]
    TensorShape {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// The shape by `config.json`.
        expected: Vec<usize>,
        /// The shape in the file.
        got: Vec<usize>,
    },
    /// A tensor's element type is not one of those read.
    #[error(
        "tensor {tensor:?} in {path} is of type {got}; vetted reads F32, F16, BF16, and I8 beside a `.scale`. Save the model in one of these"
    )]
    TensorType {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// The type in the file.
        got: String,
    },
    /// A tensor holds NaN or infinity.
    #[error("tensor {tensor:?} in {path} holds values that are not finite: the training run that wrote it diverged")]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
    },
    /// The tokenizer gave an id that the embedding table does not have.
    #[error("token id {id} is beyond the model's vocabulary of {vocabulary}: tokenizer.json belongs to another model")]
    UnknownToken {
        /// The id.
        id: u32,
        /// Rows of the table.
        vocabulary: usize,
    },
    /// A text, or two read together, has more tokens than the model has positions.
    #[error(
        "an input of {tokens} tokens is longer than the {positions} that the model has positions for: cut it, or lower max_tokens"
    )]
    TooManyTokens {
        /// The input's tokens.
        tokens: usize,
        /// The model's positions.
        positions: usize,
    },
    /// The model has only an ONNX export, and this program was built without what runs it.
    #[error(
        "{path} is an ONNX model, and this vetted was built without what runs them: build it with `--features onnx`, or take a \
         model that has model.safetensors"
    )]
    OnnxNotBuilt {
        /// The file.
        path: PathBuf,
    },
    /// The ONNX graph could not be loaded or run.
    #[error("{path} cannot be run: {source}")]
    Onnx {
        /// The file.
        path: PathBuf,
        /// What the runtime said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The ONNX graph asks for an input that text encoders do not have.
    #[error("{path} asks for an input {input:?}; an encoder has input_ids, attention_mask and token_type_ids")]
    UnknownInput {
        /// The file.
        path: PathBuf,
        /// The input's name.
        input: String,
    },
    /// The ONNX graph gives no vector per token.
    #[error(
        "{path} has no output of shape (batch, tokens, hidden): export the model with its token vectors, as `optimum-cli export onnx --task feature-extraction` does"
    )]
    NoTokenVectors {
        /// The file.
        path: PathBuf,
    },
    /// The folder lacks what the chosen backend runs.
    #[error("{path} holds no {wanted}: choose another backend or precision, or fetch the file")]
    BackendUnavailable {
        /// The folder.
        path: PathBuf,
        /// The file that is missing.
        wanted: &'static str,
    },
    /// The vectors came out as NaN or infinity.
    #[error(
        "the model gave a vector that is not finite for the text that begins with {beginning:?}: its weights are damaged"
    )]
    VectorNotFinite {
        /// The first characters of the text.
        beginning: String,
    },
    /// The result was no longer wanted before it was there.
    #[error(transparent)]
    Expired(#[from] vetted_kernels::Expired),
}
