//! Tensors out of a safetensors file, under the names that BERT gives them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use vetted_tensors::TensorFile;

use crate::Error;

/// Prefixes under which checkpoints keep the same tensors, depending on the class that saved them.
const PREFIXES: [&str; 6] = ["", "bert.", "roberta.", "mpnet.", "distilbert.", "0.auto_model."];

/// Values of one tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Sizes of its dimensions, outermost first.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub values: Vec<f32>,
}

/// Tensors that take the place of a model's own, by their names in its checkpoint, such as
/// `encoder.layer.3.output.dense.weight`.
pub type Replacements = HashMap<String, Tensor>;

/// A model's weights in memory.
pub(crate) struct WeightFile {
    path: PathBuf,
    file: TensorFile<'static>,
    prefix: &'static str,
    replacements: Replacements,
}

impl WeightFile {
    pub(crate) fn open(path: &Path, replacements: Replacements) -> Result<WeightFile, Error> {
        let file = TensorFile::open(path).map_err(|source| fault(path, source))?;
        let has = |prefix: &&str| file.has(&format!("{prefix}embeddings.word_embeddings.weight"));
        let prefix = PREFIXES.into_iter().find(has).unwrap_or("");
        let weights = WeightFile { path: path.into(), file, prefix, replacements };
        match weights.replacements.keys().find(|name| !weights.has(name)) {
            None => Ok(weights),
            Some(name) => Err(Error::TensorMissing { path: path.into(), tensor: name.clone() }),
        }
    }

    /// The SHA-256 of the file, in hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        self.file.sha256()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.file.has(&format!("{}{name}", self.prefix))
    }

    /// Whether a tensor whose name begins so is replaced.
    pub(crate) fn replaces(&self, beginning: &str) -> bool {
        self.replacements.keys().any(|name| name.starts_with(beginning))
    }

    /// The tensor `name` in f32, which must have `shape` and finite values only.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        if let Some(tensor) = self.replacements.get(name) {
            let (path, tensor_name) = (self.path.clone(), name.to_owned());
            return match tensor.shape == shape {
                true => Ok(tensor.values.clone()),
                false => Err(Error::TensorShape {
                    path,
                    tensor: tensor_name,
                    expected: shape.to_vec(),
                    got: tensor.shape.clone(),
                }),
            };
        }
        let name = format!("{}{name}", self.prefix);
        self.file.values(&name, shape).map_err(|source| fault(&self.path, source))
    }
}

fn fault(path: &Path, source: vetted_tensors::Error) -> Error {
    use vetted_tensors::Error as Fault;
    let path = path.into();
    match source {
        Fault::Unreadable { source, .. } => Error::Unreadable { path, source },
        Fault::Damaged { source } => Error::WeightFile { path, source },
        Fault::Missing { tensor, .. } => Error::TensorMissing { path, tensor },
        Fault::Shape { tensor, expected, got } => Error::TensorShape { path, tensor, expected, got },
        Fault::Type { tensor, got } => Error::TensorType { path, tensor, got },
        Fault::NotFinite { tensor } => Error::NotFinite { path, tensor },
    }
}
