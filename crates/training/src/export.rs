//! A trained verifier's folder: `config.json` and `model.safetensors`; and the same as ONNX.

mod graph;
mod onnx;
mod protobuf;

use std::path::Path;

use vetted_reader::{Calibrations, Config, Encoder};

use crate::Error;
use crate::base::Base;
use crate::model::{Start, read_parameters, stored_parts};
use crate::parameters::{ENCODER_LAYER, Parameters};
use crate::recipe::{Recipe, Storage};
use crate::tensors::{Stored, TensorFile, replace, write_tensors};

/// The files of a verifier's folder.
pub(crate) const FILES: [&str; 2] = ["model.safetensors", "config.json"];

/// Writes both files into `folder`, each in one step, the weights first.
pub(crate) fn write(
    folder: &Path,
    base: &Base,
    recipe: &Recipe,
    parameters: &Parameters,
    calibration: Calibrations,
) -> Result<(), Error> {
    let [weights, description] = FILES;
    let mut tensors = Vec::new();
    for parameter in &parameters.list {
        for (name, range, shape) in stored_parts(&parameter.name, &parameter.shape) {
            let values = &parameter.values[range];
            match recipe.storage {
                Storage::F32 => tensors.push(Stored::f32(name, &shape, values)),
                Storage::F16 => tensors.push(Stored::f16(name, &shape, values)),
                Storage::I8 if shape.len() < 2 => tensors.push(Stored::f32(name, &shape, values)),
                Storage::I8 if name.starts_with(ENCODER_LAYER) => {
                    tensors.extend(Stored::int8_rows(&name, &shape, values))
                }
                Storage::I8 => tensors.push(Stored::f16(name, &shape, values)),
            }
        }
    }
    write_tensors(&folder.join(weights), &tensors, None)?;
    let path = folder.join(description);
    let fault = |source| Error::Json { path: path.clone(), source };
    let of_base = vetted_reader::Base {
        name: base.name.clone(),
        sha256: base.sha256.clone(),
        hidden: base.shape.hidden,
        layers: base.shape.layers,
    };
    let mut text = serde_json::to_string_pretty(&recipe.config(of_base, calibration)).map_err(fault)?;
    text.push('\n');
    replace(&path, text.as_bytes())
}

/// Writes the verifier in the folder `verifier`, with the weights of its base encoder, as one ONNX model to `out` (operator
/// set 17, f32).
///
/// Inputs `query_ids`, `query_mask`, `candidate_ids` and `candidate_mask` are int64, batch x tokens, the special tokens
/// included; masks are 1 for tokens and 0 for padding, which comes last and changes nothing. The output `logits` is batch x
/// (3 + kinds): support, equivalence, conflict, then the kinds, before any calibration.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::Config`] and those of damaged or unfit weights; [`Error::Base`] when `base` is not the
/// encoder that the verifier was trained over; [`Error::NotExported`] of F4; [`Error::Unwritable`].
pub fn export_onnx(base: &Base, verifier: &Path, out: &Path) -> Result<(), Error> {
    let path = verifier.join("config.json");
    let recipe = read_config(base, &path)?;
    let file = TensorFile::open(&verifier.join("model.safetensors"))?;
    let parameters = read_parameters(base, &recipe, Start::Only(&file))?;
    replace(out, &onnx::model(base, &recipe, &parameters)?)
}

/// As much of a verifier's `config.json` as decides its network, as a recipe.
pub(crate) fn read_config(base: &Base, path: &Path) -> Result<Recipe, Error> {
    let json = std::fs::read(path).map_err(|source| Error::Unreadable { path: path.into(), source })?;
    let config = Config::parse(&json).map_err(|source| Error::Config { path: path.into(), source })?;
    if config.check_base(&base.sha256).is_err() {
        let (field, got) = ("base.sha256", config.base.sha256);
        return Err(Error::Base { path: path.into(), field, got, expected: "that of the base encoder given" });
    }
    let Config { architecture, name, encoder, kinds, .. } = config;
    let Encoder { trained_from_layer, max_tokens } = encoder;
    let recipe = Recipe { name, architecture, trained_from_layer, max_tokens, kinds, ..Recipe::default() };
    recipe.check(base.shape.layers, base.shape.hidden)?;
    Ok(recipe)
}
