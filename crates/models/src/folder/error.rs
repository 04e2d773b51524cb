//! What can be wrong with a model folder.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a folder cannot be used as an encoder. Every message ends with what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing at the path.
    #[error("there is no model folder at {}; check the path, or fetch a model with `vetted models pull`", path.display())]
    FolderMissing {
        /// The path asked for.
        path: PathBuf,
    },

    /// The path names a file.
    #[error("{} is a file; give the model folder that holds config.json", path.display())]
    NotAFolder {
        /// The path asked for.
        path: PathBuf,
    },

    /// `config.json` is missing, so nothing says what network this is.
    #[error(
        "{} is missing, so this is not a Hugging Face model folder; save the model with `model.save_pretrained(FOLDER)`, \
         or download all of its files",
        path.display()
    )]
    ConfigMissing {
        /// Where `config.json` was looked for.
        path: PathBuf,
    },

    /// `tokenizer.json` is missing.
    #[error(
        "{} has no tokenizer.json; make it with Python: `from transformers import AutoTokenizer; \
         AutoTokenizer.from_pretrained(\"{}\").save_pretrained(\"{}\")`",
        folder.display(), folder.display(), folder.display()
    )]
    TokenizerMissing {
        /// The folder that should hold it.
        folder: PathBuf,
    },

    /// A file that `modules.json` refers to is missing.
    #[error("modules.json refers to {}, which is missing; download the model's files again", path.display())]
    ModuleConfigMissing {
        /// Where the file was looked for.
        path: PathBuf,
    },

    /// No weights in a format that can be run.
    #[error(
        "{} has no weights: neither model.safetensors nor onnx/model.onnx is there; {}",
        folder.display(),
        PyTorchWeights::advice(*instead)
    )]
    WeightsMissing {
        /// The folder that should hold them.
        folder: PathBuf,
        /// Weights in a format vetted does not read, where there are some.
        instead: Option<PyTorchWeights>,
    },

    /// A file or folder exists and cannot be read.
    #[error("{} cannot be read: {source}; check its permissions and the disk", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// A file is not JSON, or is JSON of another shape than this file has.
    #[error("{}:{line}:{column}: {source}; download the file again or correct it", path.display())]
    BadJson {
        /// The file.
        path: PathBuf,
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1 (0: the end of the line before).
        column: usize,
        /// What the parser said.
        source: serde_json::Error,
    },

    /// A key that has no default is missing.
    #[error("{} has no `{key}`; the file is incomplete, download it again", path.display())]
    KeyMissing {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
    },

    /// A key holds something else than it must.
    #[error("`{key}` in {} should be {expected}, and is {found}; correct the file or download it again", path.display())]
    BadValue {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// What the key may hold.
        expected: &'static str,
        /// What it holds, as JSON.
        found: String,
    },

    /// A language model or a sequence-to-sequence model: it has no pooled encoding of the kind used here.
    #[error(
        "{} describes a `{model_type}`, which is a generating model, not an encoder; choose an encoder, such as \
         all-MiniLM-L6-v2 (`vetted models list`)",
        path.display()
    )]
    NotAnEncoder {
        /// The `config.json`.
        path: PathBuf,
        /// Its `model_type`.
        model_type: String,
    },

    /// Safetensors of a network that only ONNX Runtime's format can describe to vetted.
    #[error(
        "networks of type `{model_type}` run from ONNX only, and {} holds no onnx/model.onnx; export it: \
         `optimum-cli export onnx --task feature-extraction --model {} ONNX_FOLDER`, and copy model.onnx from there to onnx/",
        folder.display(), folder.display()
    )]
    OnnxMissing {
        /// The folder.
        folder: PathBuf,
        /// The `model_type` in its `config.json`.
        model_type: String,
    },

    /// `modules.json` names a step that is not implemented, or steps in an order that is not.
    #[error(
        "{} lists the module `{module}` where vetted expects {expected}; models of Transformer, Pooling and (at most) \
         Normalize can be used, in this order",
        path.display()
    )]
    UnsupportedModule {
        /// The `modules.json`.
        path: PathBuf,
        /// The module's type as it is there, or `nothing` at the end of the list.
        module: String,
        /// What could have stood there.
        expected: &'static str,
    },

    /// `modules.json` refers to something outside the model's folder.
    #[error("{} refers to `{}`, which is no plain path inside the model; choose another model", path.display(), module.display())]
    BadModulePath {
        /// The `modules.json`.
        path: PathBuf,
        /// What it refers to.
        module: PathBuf,
    },

    /// A pooling that is not implemented.
    #[error(
        "{} asks for {mode} pooling, which vetted does not implement; models with cls, mean, max or mean_sqrt_len pooling \
         can be used",
        path.display()
    )]
    UnsupportedPooling {
        /// The pooling's `config.json`.
        path: PathBuf,
        /// The pooling's name, or several joined by `+`, or `no`.
        mode: String,
    },

    /// The model leaves its prompt's tokens out of the pooling, which is not implemented.
    #[error(
        "the model puts prompts before its texts and leaves their tokens out of the pooling (`include_prompt: false` in \
         the pooling's config.json), which vetted does not implement; choose a model that pools over the prompt"
    )]
    UnpooledPrompt,
}

/// Weights saved by PyTorch in a form that vetted does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PyTorchWeights {
    /// `pytorch_model.bin`: a pickle, which can run code when it is loaded.
    Pickle,
    /// `model.safetensors.index.json`: safetensors in several files.
    Sharded,
}

impl PyTorchWeights {
    fn advice(instead: Option<Self>) -> &'static str {
        match instead {
            None => "download the model's files again, weights included",
            Some(Self::Pickle) => {
                "convert its pytorch_model.bin with Python: `AutoModel.from_pretrained(FOLDER).save_pretrained(FOLDER)`"
            }
            Some(Self::Sharded) => {
                "join its sharded weights with Python: \
                 `AutoModel.from_pretrained(FOLDER).save_pretrained(FOLDER, max_shard_size=\"100GB\")`"
            }
        }
    }
}

impl fmt::Display for PyTorchWeights {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Pickle => "pytorch_model.bin",
            Self::Sharded => "model.safetensors.index.json",
        })
    }
}
