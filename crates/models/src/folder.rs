//! A model folder: what Hugging Face and sentence-transformers write when they save an encoder.
//!
//! ```text
//! FOLDER/
//!   config.json                         the network's numbers
//!   tokenizer.json
//!   model.safetensors                   weights, and/or:
//!   onnx/model.onnx, onnx/model_qint8_*.onnx
//!   modules.json                        Transformer, Pooling, Normalize
//!   1_Pooling/config.json               how token vectors become one vector
//!   sentence_bert_config.json           longest input, lower-casing
//!   config_sentence_transformers.json   text put before queries and documents
//! ```
//!
//! [`ModelFolder::open`] reads all of it and no weights: it is cheap, and it finds everything that would keep the
//! model from running before anything heavy starts. Optional files that are missing mean what sentence-transformers
//! takes them to mean.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use vetted_tensors::digest::{of_bytes, of_file};

use crate::digest;

mod architecture;
mod error;
mod json;
mod sentence;
mod weights;

#[cfg(test)]
mod tests;

pub use architecture::{Activation, Architecture, Family, Transformer};
pub use error::{Error, PyTorchWeights};
#[cfg(feature = "fetch")]
pub(crate) use sentence::{LIMITS, module_paths, modules};
pub use sentence::{Pooling, Prompts};
pub use weights::Weights;

/// An encoder on disk, checked to be complete and of a kind that vetted can run.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFolder {
    /// The folder itself.
    pub path: PathBuf,
    /// What people call the model: the folder's own name, or the name it was resolved by.
    pub name: String,
    /// How the model turns text into a vector.
    pub settings: Settings,
    /// The files that hold the weights; at least one of them is there.
    pub weights: Weights,
    /// The tokenizer in the `tokenizers` library's format.
    pub tokenizer: PathBuf,
    /// Where digests of large files are remembered; nowhere for a folder that was not resolved through the cache.
    pub(crate) digests: Option<PathBuf>,
    /// Whether the model's files say which prompts it wants, be it none.
    pub(crate) has_own_prompts: bool,
}

/// Everything that decides which vector a text gets, apart from weights and tokenizer.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The network's shape.
    pub architecture: Architecture,
    /// How token vectors become one vector.
    pub pooling: Pooling,
    /// Whether the pooled vector is scaled to length 1.
    pub normalize: bool,
    /// The longest input in tokens, special tokens included; what is longer is cut off.
    pub max_tokens: usize,
    /// Whether text is lower-cased before it reaches the tokenizer (which may do so itself, too).
    pub lower_case: bool,
    /// Text put before every query and every document.
    pub prompts: Prompts,
}

impl ModelFolder {
    /// Reads and checks the folder at `path`. Weights and tokenizer are found, not loaded.
    ///
    /// # Errors
    /// One variant of [`Error`] for each thing that can be wrong with a folder; the message says what to do about it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        if !path.exists() {
            return Err(Error::FolderMissing { path: path.into() });
        }
        if !path.is_dir() {
            return Err(Error::NotAFolder { path: path.into() });
        }
        let modules = sentence::modules(path)?;
        // Early sentence-transformers kept the network in `0_Transformer`, later versions at the top.
        let network = path.join(&modules.transformer);
        let architecture = Architecture::read(&network)?;
        let weights = Weights::find(&network, &architecture)?;
        let tokenizer = network.join("tokenizer.json");
        if !tokenizer.is_file() {
            return Err(Error::TokenizerMissing { folder: network });
        }
        let prompts = sentence::prompts(path, modules.pools_prompts)?;
        let limits = sentence::limits(&network, architecture.max_tokens())?;
        Ok(Self {
            name: folder_name(path),
            settings: Settings {
                architecture,
                pooling: modules.pooling,
                normalize: modules.normalize,
                max_tokens: limits.max_tokens,
                lower_case: limits.lower_case,
                prompts: prompts.clone().unwrap_or_default(),
            },
            weights,
            tokenizer,
            digests: None,
            has_own_prompts: prompts.is_some(),
            path: path.into(),
        })
    }

    /// The model with other prompts than its files say, or than are known of its family. They are part of its identity:
    /// an index made with some prompts is searched with the same.
    #[must_use]
    pub fn with_prompts(mut self, prompts: Prompts) -> Self {
        self.settings.prompts = prompts;
        self
    }

    /// The folder of the network and its tokenizer: the model's own, or one inside it.
    pub(crate) fn network(&self) -> &Path {
        self.tokenizer.parent().unwrap_or(&self.path)
    }

    /// The model's identity: two folders with the same fingerprint give the same vectors.
    ///
    /// SHA-256, in hex, over the weights ([`Weights::primary`]), `tokenizer.json` and the settings that change vectors:
    /// position offset, attention heads, activation, layer-norm epsilon, pooling, normalization, longest input, lower-casing, prompts.
    /// Adding an ONNX file beside `model.safetensors` leaves it as it was.
    ///
    /// Reads the weights: 0.17 s for 90 MB, 0.8 s for 440 MB (measured on 2 cores with SHA instructions). A folder from
    /// [`crate`] remembers the digests of its files in the cache, by path, size and time of change, and takes
    /// under a millisecond from the second time on.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when a file cannot be read.
    pub fn fingerprint(&self) -> Result<String, Error> {
        let file_digest = |path: &Path| {
            let digest = match &self.digests {
                Some(store) => digest::of_file_remembered(path, store),
                None => of_file(path),
            };
            digest.map_err(|source| Error::Unreadable { path: path.into(), source })
        };
        let mut identity = String::from("vetted model fingerprint 1\n");
        for file in self.weights.primary() {
            let _ = writeln!(identity, "weights {}", file_digest(&file)?);
        }
        let _ = writeln!(identity, "tokenizer {}", file_digest(&self.tokenizer)?);
        identity.push_str(&self.settings.canonical());
        Ok(of_bytes(identity))
    }
}

impl Settings {
    /// One line per setting, in a fixed order; free text is quoted, so that no two settings give the same lines.
    /// Indexes on disk remember a digest of this: what it writes for a given model must never change.
    fn canonical(&self) -> String {
        let Self { architecture, pooling, normalize, max_tokens, lower_case, prompts } = self;
        let network = match architecture {
            Architecture::Native(network) => format!(
                "{} positions from {} heads {} activation {} epsilon {:e}",
                network.family.name(),
                network.family.position_offset(),
                network.heads,
                network.activation.name(),
                network.layer_norm_epsilon
            ),
            Architecture::OnnxOnly { model_type, .. } => format!("{model_type:?}"),
        };
        format!(
            "network {network}\npooling {}\nnormalize {normalize}\nmax tokens {max_tokens}\nlower case {lower_case}\n\
             query prompt {:?}\ndocument prompt {:?}\n",
            pooling.name(),
            prompts.query,
            prompts.document
        )
    }
}

fn folder_name(path: &Path) -> String {
    // `.` and `..` have no name of their own; the folder they stand for has.
    let named = path.file_name().map(std::ffi::OsStr::to_os_string);
    let named = named.or_else(|| path.canonicalize().ok()?.file_name().map(Into::into));
    named.map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
