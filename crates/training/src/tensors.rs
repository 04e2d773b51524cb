//! Safetensors files: under the names that BERT gives their tensors, and written whole or not at all.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use vetted_tensors::Replacement;
pub(crate) use vetted_tensors::Stored;

use crate::Error;

/// Prefixes under which checkpoints keep the same tensors, depending on the class that saved them.
const PREFIXES: [&str; 5] = ["", "bert.", "roberta.", "mpnet.", "0.auto_model."];

/// A safetensors file in memory.
pub(crate) struct TensorFile {
    path: PathBuf,
    file: vetted_tensors::TensorFile<'static>,
    prefix: &'static str,
}

impl TensorFile {
    pub(crate) fn open(path: &Path) -> Result<TensorFile, Error> {
        let file = vetted_tensors::TensorFile::open(path).map_err(|source| fault(path, source))?;
        let has = |prefix: &&str| file.has(&format!("{prefix}embeddings.word_embeddings.weight"));
        let prefix = PREFIXES.into_iter().find(has).unwrap_or("");
        Ok(TensorFile { path: path.into(), file, prefix })
    }

    /// The file under its own tensors' names.
    pub(crate) fn file(&self) -> &vetted_tensors::TensorFile<'static> {
        &self.file
    }

    /// SHA-256 of the whole file, in hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        self.file.sha256()
    }

    /// What the file says about itself.
    pub(crate) fn metadata(&self) -> HashMap<String, String> {
        self.file.metadata().cloned().unwrap_or_default()
    }

    /// What the file calls the tensor `name`.
    pub(crate) fn full_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.file.has(&self.full_name(name))
    }

    /// The shape of the tensor `name`, where there is one of at least one dimension.
    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let shape = self.file.shape(&self.full_name(name))?.to_vec();
        Some(shape).filter(|shape| !shape.is_empty())
    }

    /// The tensor `name`, which must have `shape` and finite values only.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        self.file.values(&self.full_name(name), shape).map_err(|source| fault(&self.path, source))
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

/// Writes a safetensors file as [`replace`] does.
pub(crate) fn write_tensors(
    path: &Path,
    tensors: &[Stored],
    metadata: Option<HashMap<String, String>>,
) -> Result<(), Error> {
    replace(path, &vetted_tensors::serialize(tensors, metadata).map_err(|source| fault(path, source))?)
}

/// Puts a file of `bytes` at `path`, whole or not at all. One run writes into a folder, and its draft has a name of its
/// own: runs that are killed again and again leave one draft of a checkpoint, and not one each.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".partial");
    let replaced = Replacement::with_draft(path, draft).and_then(|mut replacement| {
        replacement.write_all(bytes)?;
        replacement.commit()
    });
    replaced.map_err(|source| Error::Unwritable { path: path.into(), source })
}
