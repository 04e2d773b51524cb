//! Which files of a folder hold weights.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Architecture, Error, PyTorchWeights};

/// The weights a folder holds, by format. [`crate::folder::ModelFolder::open`] sees to it that there is one that can
/// be run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Weights {
    /// `model.safetensors`.
    pub safetensors: Option<PathBuf>,
    /// `onnx/model.onnx` or `model.onnx`, in f32. Its tensors may lie beside it, in `model.onnx_data`.
    pub onnx: Option<PathBuf>,
    /// A quantized ONNX file, such as `onnx/model_quantized.onnx` or `onnx/model_qint8_avx512.onnx`.
    pub onnx_int8: Option<PathBuf>,
}

impl Weights {
    /// The files that identify the model: the safetensors where they are, else the f32 ONNX, else the quantized one,
    /// each ONNX file with its external tensors. All formats of a model give the same vectors to within rounding,
    /// the quantized one excepted.
    pub fn primary(&self) -> Vec<PathBuf> {
        if let Some(safetensors) = &self.safetensors {
            return vec![safetensors.clone()];
        }
        let onnx = self.onnx.iter().chain(&self.onnx_int8).next();
        onnx.map(with_external_data).unwrap_or_default()
    }

    pub(super) fn find(folder: &Path, architecture: &Architecture) -> Result<Self, Error> {
        let file = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        let weights = Self {
            safetensors: file("model.safetensors"),
            onnx: file("onnx/model.onnx").or_else(|| file("model.onnx")),
            onnx_int8: match quantized(&folder.join("onnx"))? {
                Some(path) => Some(path),
                None => quantized(folder)?,
            },
        };
        let has_onnx = weights.onnx.is_some() || weights.onnx_int8.is_some();
        if !has_onnx && weights.safetensors.is_none() {
            let sharded = file("model.safetensors.index.json").map(|_| PyTorchWeights::Sharded);
            let pickle = || file("pytorch_model.bin").map(|_| PyTorchWeights::Pickle);
            return Err(Error::WeightsMissing { folder: folder.into(), instead: sharded.or_else(pickle) });
        }
        match architecture {
            Architecture::OnnxOnly { model_type, .. } if !has_onnx => {
                Err(Error::OnnxMissing { folder: folder.into(), model_type: model_type.clone() })
            }
            _ => Ok(weights),
        }
    }
}

/// ONNX files above 2 GB, and some below, keep their tensors in a second file.
fn with_external_data(onnx: &PathBuf) -> Vec<PathBuf> {
    let mut files = vec![onnx.clone()];
    for suffix in ["_data", ".data"] {
        let mut name = onnx.clone().into_os_string();
        name.push(suffix);
        files.push(name.into());
    }
    files.retain(|file| file == onnx || file.is_file());
    files
}

/// The quantized ONNX file to prefer in `folder`: the general one, then one for this processor, then any.
fn quantized(folder: &Path) -> Result<Option<PathBuf>, Error> {
    let unreadable = |source| Error::Unreadable { path: folder.into(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(unreadable(source)),
    };
    let mut best: Option<(usize, String)> = None;
    for entry in entries {
        let name = entry.map_err(unreadable)?.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(rank) = quantized_rank(name) {
            let candidate = (rank, name.to_owned());
            if best.as_ref().is_none_or(|best| candidate < *best) {
                best = Some(candidate);
            }
        }
    }
    Ok(best.map(|(_, name)| folder.join(name)))
}

/// Lower is better; `None` for a file that is no quantized model.
fn quantized_rank(name: &str) -> Option<usize> {
    let variant = name.strip_prefix("model_")?.strip_suffix(".onnx")?;
    let is_int8 = ["qint8", "quint8"].iter().any(|kind| variant.starts_with(kind));
    match variant {
        "quantized" => Some(0),
        "int8" | "uint8" => Some(1),
        _ if !is_int8 => None,
        // The exports for other processors hold the same kind of numbers, laid out for other instructions.
        _ if variant.ends_with("arm64") == cfg!(target_arch = "aarch64") => Some(2),
        _ => Some(3),
    }
}
