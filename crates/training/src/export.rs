//! A trained verifier's folder: `config.json` and `model.safetensors`; and the same as ONNX.

mod graph;
mod onnx;
mod protobuf;

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::base::Base;
use crate::calibration::Calibration;
use crate::model::{Start, read_parameters, stored_parts};
use crate::parameters::{ENCODER_LAYER, Parameters};
use crate::recipe::{Architecture, Recipe, Storage};
use crate::tensors::{Stored, TensorFile, replace, write_tensors};

/// The files of a verifier's folder.
pub(crate) const FILES: [&str; 2] = ["model.safetensors", "config.json"];

/// Writes both files into `folder`, each in one step, the weights first.
pub(crate) fn write(
    folder: &Path,
    base: &Base,
    recipe: &Recipe,
    parameters: &Parameters,
    calibration: Calibration,
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
    let mut text = serde_json::to_string_pretty(&config(base, recipe, calibration).map_err(fault)?).map_err(fault)?;
    text.push('\n');
    replace(&path, text.as_bytes())
}

/// What a verifier says about itself; thresholds are neutral until somebody sets them.
fn config(base: &Base, recipe: &Recipe, calibration: Calibration) -> Result<Value, serde_json::Error> {
    let reader = match &recipe.architecture {
        Architecture::MapTransformer(shape) => Some(serde_json::to_value(shape)?),
        Architecture::F4(shape) => Some(serde_json::to_value(shape)?),
        Architecture::F3(shape) => Some(serde_json::to_value(shape)?),
        Architecture::CrossEncoder => None,
    };
    let mut config = json!({
        "format": 1,
        "architecture": recipe.architecture.name(),
        "name": recipe.name,
        "base": {
            "name": base.name,
            "sha256": base.sha256,
            "hidden": base.shape.hidden,
            "layers": base.shape.layers,
        },
        "encoder": {"trained_from_layer": recipe.trained_from_layer, "max_tokens": recipe.max_tokens},
        "kinds": recipe.kinds,
        "thresholds": {"support": 0.5, "equivalence": 0.5, "conflict": 0.5},
        "calibration": calibration,
    });
    if let Some(reader) = reader {
        config["reader"] = reader;
    }
    Ok(config)
}

/// Writes the verifier in the folder `verifier`, with the weights of its base encoder, as one ONNX model to `out` (operator
/// set 17, f32).
///
/// Inputs `query_ids`, `query_mask`, `candidate_ids` and `candidate_mask` are int64, batch x tokens, the special tokens
/// included; masks are 1 for tokens and 0 for padding, which comes last and changes nothing. The output `logits` is batch x
/// (3 + kinds): support, equivalence, conflict, then the kinds, before any calibration.
///
/// # Errors
/// [`Error::Unreadable`], [`Error::Json`] and those of damaged or unfit weights; [`Error::Base`] when `base` is not the
/// encoder that the verifier was trained over; [`Error::Unwritable`].
pub fn export_onnx(base: &Base, verifier: &Path, out: &Path) -> Result<(), Error> {
    let path = verifier.join("config.json");
    let recipe = read_config(base, &path)?;
    let file = TensorFile::open(&verifier.join("model.safetensors"))?;
    let parameters = read_parameters(base, &recipe, Start::Only(&file))?;
    replace(out, &onnx::model(base, &recipe, &parameters)?)
}

/// As much of a verifier's `config.json` as decides its network.
pub(crate) fn read_config(base: &Base, path: &Path) -> Result<Recipe, Error> {
    #[derive(Deserialize)]
    struct Config {
        architecture: String,
        name: String,
        base: ConfigBase,
        encoder: ConfigEncoder,
        #[serde(default)]
        reader: serde_json::Map<String, Value>,
        #[serde(default)]
        kinds: Vec<String>,
    }
    #[derive(Deserialize)]
    struct ConfigBase {
        sha256: String,
    }
    #[derive(Deserialize)]
    struct ConfigEncoder {
        trained_from_layer: usize,
        max_tokens: usize,
    }
    let json = std::fs::read(path).map_err(|source| Error::Unreadable { path: path.into(), source })?;
    let fault = |source| Error::Json { path: path.into(), source };
    let mut config: Config = serde_json::from_slice(&json).map_err(fault)?;
    if !config.base.sha256.eq_ignore_ascii_case(&base.sha256) {
        let (field, got) = ("base.sha256", config.base.sha256);
        return Err(Error::Base { path: path.into(), field, got, expected: "that of the base encoder given" });
    }
    // How views are stored is nothing to the network.
    config.reader.remove("view_range");
    if config.architecture == "map-transformer" {
        config.reader.entry("convolutions").or_insert_with(|| json!([])); // verifiers from before there were any
    }
    config.reader.insert("architecture".into(), config.architecture.into());
    let recipe = Recipe {
        name: config.name,
        architecture: serde_json::from_value(Value::Object(config.reader)).map_err(fault)?,
        trained_from_layer: config.encoder.trained_from_layer,
        max_tokens: config.encoder.max_tokens,
        kinds: config.kinds,
        ..Recipe::default()
    };
    recipe.check(base.shape.layers, base.shape.hidden)?;
    Ok(recipe)
}
