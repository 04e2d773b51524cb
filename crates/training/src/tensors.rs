//! Safetensors files: read with checks, written whole or not at all.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::Error;

/// Prefixes under which checkpoints keep the same tensors, depending on the class that saved them.
const PREFIXES: [&str; 5] = ["", "bert.", "roberta.", "mpnet.", "0.auto_model."];

/// A safetensors file in memory.
pub(crate) struct TensorFile {
    path: PathBuf,
    bytes: Vec<u8>,
    prefix: &'static str,
}

impl TensorFile {
    pub(crate) fn open(path: &Path) -> Result<TensorFile, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::Unreadable { path: path.into(), source })?;
        let mut file = TensorFile { path: path.into(), bytes, prefix: "" };
        let tensors = file.tensors()?;
        let has = |prefix: &str| tensors.tensor(&format!("{prefix}embeddings.word_embeddings.weight")).is_ok();
        let found = PREFIXES.into_iter().find(|prefix| has(prefix)).unwrap_or("");
        drop(tensors);
        file.prefix = found;
        Ok(file)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What the file says about itself.
    pub(crate) fn metadata(&self) -> Result<HashMap<String, String>, Error> {
        let (_, metadata) = SafeTensors::read_metadata(&self.bytes).map_err(|source| self.fault(source))?;
        Ok(metadata.metadata().clone().unwrap_or_default())
    }

    /// What the file calls the tensor `name`.
    pub(crate) fn full_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors().is_ok_and(|tensors| tensors.tensor(&format!("{}{name}", self.prefix)).is_ok())
    }

    /// The shape of the tensor `name`, where there is one of at least one dimension.
    pub(crate) fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let shape = self.tensors().ok()?.tensor(&format!("{}{name}", self.prefix)).ok()?.shape().to_vec();
        Some(shape).filter(|shape| !shape.is_empty())
    }

    /// The tensor `name`, which must have `shape` and finite values only.
    pub(crate) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let name = format!("{}{name}", self.prefix);
        let path = || self.path.clone();
        let tensors = self.tensors()?;
        let tensor = tensors.tensor(&name).map_err(|_| Error::TensorMissing { path: path(), tensor: name.clone() })?;
        if tensor.shape() != shape {
            let (expected, got) = (shape.to_vec(), tensor.shape().to_vec());
            return Err(Error::TensorShape { path: path(), tensor: name, expected, got });
        }
        let values = match tensor.dtype() {
            Dtype::I8 => {
                let rows = shape.first().copied().unwrap_or(1);
                let scale = format!("{name}.scale");
                let scales = tensors.tensor(&scale);
                let scales = scales.map_err(|_| Error::TensorMissing { path: path(), tensor: scale.clone() })?;
                let scales = floats(&scales).filter(|scales| scales.len() == rows);
                let wrong =
                    || Error::TensorType { path: path(), tensor: scale, got: "none with one value per row".into() };
                let scales = scales.ok_or_else(wrong)?;
                let width = (tensor.data().len() / rows.max(1)).max(1);
                let rows = tensor.data().chunks_exact(width).zip(scales);
                rows.flat_map(|(row, scale)| row.iter().map(move |byte| f32::from(*byte as i8) * scale)).collect()
            }
            other => {
                let wrong = || Error::TensorType { path: path(), tensor: name.clone(), got: format!("{other:?}") };
                floats(&tensor).ok_or_else(wrong)?
            }
        };
        if values.iter().any(|v| !v.is_finite()) {
            return Err(Error::NotFinite { path: path(), tensor: name });
        }
        Ok(values)
    }

    fn tensors(&self) -> Result<SafeTensors<'_>, Error> {
        SafeTensors::deserialize(&self.bytes).map_err(|source| self.fault(source))
    }

    fn fault(&self, source: safetensors::SafeTensorError) -> Error {
        Error::WeightFile { path: self.path.clone(), source }
    }
}

fn floats(tensor: &TensorView) -> Option<Vec<f32>> {
    let data = tensor.data();
    let halves = || data.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b));
    match tensor.dtype() {
        Dtype::F32 => Some(data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
        Dtype::BF16 => Some(halves().map(|h| bf16::from_bits(h).to_f32()).collect()),
        Dtype::F16 => Some(halves().map(|h| f16::from_bits(h).to_f32()).collect()),
        _ => None,
    }
}

/// A tensor to be written.
pub(crate) struct Stored {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl Stored {
    pub(crate) fn f32(name: impl Into<String>, shape: &[usize], values: &[f32]) -> Stored {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Stored { name: name.into(), dtype: Dtype::F32, shape: shape.to_vec(), bytes }
    }

    pub(crate) fn f16(name: impl Into<String>, shape: &[usize], values: &[f32]) -> Stored {
        let bytes = values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
        Stored { name: name.into(), dtype: Dtype::F16, shape: shape.to_vec(), bytes }
    }

    /// Bytes, and one scale per row that takes the largest value to 127.
    pub(crate) fn i8(name: &str, shape: &[usize], values: &[f32]) -> [Stored; 2] {
        let rows = shape.first().copied().unwrap_or(1);
        let width = (values.len() / rows.max(1)).max(1);
        let (mut bytes, mut scales) = (Vec::with_capacity(values.len()), Vec::with_capacity(rows));
        for row in values.chunks_exact(width) {
            let scale = row.iter().fold(0f32, |a, b| a.max(b.abs())) / 127.0;
            let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            bytes.extend(row.iter().map(|v| (v * inverse).round().clamp(-127.0, 127.0) as i8 as u8));
            scales.push(scale);
        }
        let matrix = Stored { name: name.into(), dtype: Dtype::I8, shape: shape.to_vec(), bytes };
        [matrix, Stored::f32(format!("{name}.scale"), &[rows], &scales)]
    }
}

/// Writes a safetensors file as [`replace`] does.
pub(crate) fn write_tensors(
    path: &Path,
    tensors: &[Stored],
    metadata: Option<HashMap<String, String>>,
) -> Result<(), Error> {
    let fault = |source| Error::WeightFile { path: path.into(), source };
    let mut views = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes).map_err(fault)?;
        views.push((tensor.name.as_str(), view));
    }
    replace(path, &safetensors::serialize(views, metadata).map_err(fault)?)
}

/// Puts a file of `bytes` at `path`, in one step: after a crash at any moment, either the old file is there or the new
/// one, whole.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)?;
        // The new name itself is on disk once its folder is; not every system can sync a folder.
        if let Some(folder) = path.parent().and_then(|folder| std::fs::File::open(folder).ok()) {
            let _ = folder.sync_all();
        }
        Ok(())
    };
    write().map_err(|source| {
        let _ = std::fs::remove_file(&partial); // what was written is no use, and takes room
        Error::Unwritable { path: path.into(), source }
    })
}
