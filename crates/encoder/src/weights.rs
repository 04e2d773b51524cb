//! Tensors out of a safetensors file, checked.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};

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

/// A safetensors file in memory.
pub(crate) struct WeightFile {
    path: PathBuf,
    bytes: Vec<u8>,
    prefix: &'static str,
    replacements: Replacements,
}

impl WeightFile {
    pub(crate) fn open(path: &Path, replacements: Replacements) -> Result<WeightFile, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::Unreadable { path: path.into(), source })?;
        let mut file = WeightFile { path: path.into(), bytes, prefix: "", replacements };
        let tensors = file.tensors()?;
        let name = |prefix: &str| format!("{prefix}embeddings.word_embeddings.weight");
        let found = PREFIXES.into_iter().find(|prefix| tensors.tensor(&name(prefix)).is_ok());
        drop(tensors);
        file.prefix = found.unwrap_or("");
        match file.replacements.keys().find(|name| !file.has(name)) {
            None => Ok(file),
            Some(name) => Err(Error::TensorMissing { path: path.into(), tensor: name.clone() }),
        }
    }

    /// The SHA-256 of the file, in hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        use sha2::{Digest, Sha256};
        Sha256::digest(&self.bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors().is_ok_and(|tensors| tensors.tensor(&format!("{}{name}", self.prefix)).is_ok())
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
        let path = || self.path.clone();
        let tensors = self.tensors()?;
        let tensor = tensors.tensor(&name).map_err(|_| Error::TensorMissing { path: path(), tensor: name.clone() })?;
        if tensor.shape() != shape {
            let (expected, got) = (shape.to_vec(), tensor.shape().to_vec());
            return Err(Error::TensorShape { path: path(), tensor: name, expected, got });
        }
        let data = tensor.data();
        let halves = || data.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b));
        let values: Vec<f32> = match tensor.dtype() {
            Dtype::F32 => data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Dtype::BF16 => halves().map(|h| f32::from_bits(u32::from(h) << 16)).collect(),
            Dtype::F16 => halves().map(|h| half::f16::from_bits(h).to_f32()).collect(),
            other => return Err(Error::TensorType { path: path(), tensor: name, got: format!("{other:?}") }),
        };
        if values.iter().any(|v| !v.is_finite()) {
            return Err(Error::NotFinite { path: path(), tensor: name });
        }
        Ok(values)
    }

    fn tensors(&self) -> Result<SafeTensors<'_>, Error> {
        let fault = |source| Error::WeightFile { path: self.path.clone(), source };
        SafeTensors::deserialize(&self.bytes).map_err(fault)
    }
}
