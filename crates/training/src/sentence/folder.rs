//! The folder of a fine-tuned encoder, as sentence-transformers reads it: the base's, but for the weights.

use std::path::{Path, PathBuf};

use vetted_encoder::ModelFolder;
use vetted_encoder::folder::Pooling;

use crate::Error;
use crate::base::Base;
use crate::model::stored_parts;
use crate::parameters::Parameters;
use crate::tensors::{Stored, replace, write_tensors};

/// The weights' file.
pub(super) const WEIGHTS: &str = "model.safetensors";

/// What belongs to a model beside its weights, where it is there: of the network and of its tokenizer.
const NETWORK: [&str; 12] = [
    "config.json",
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "sentencepiece.bpe.model",
    "spiece.model",
];

/// And of the steps around the network.
const MODULES: &str = "modules.json";
const SETTINGS: [&str; 2] = [MODULES, "config_sentence_transformers.json"];

/// The modules of a folder that does not list any.
const LISTED: &str = r#"[
  {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
  {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}
]
"#;

/// Writes everything into `out`, the weights first, each file in one step.
/// With `repooled`, the folder's pooling is another than the one in its files.
pub(super) fn write(
    out: &Path,
    folder: &ModelFolder,
    repooled: bool,
    base: &Base,
    parameters: &Parameters,
) -> Result<(), Error> {
    // Early sentence-transformers kept the network in a folder of its own.
    let network = folder.tokenizer.parent().unwrap_or(&folder.path);
    let inside = network.strip_prefix(&folder.path).unwrap_or(Path::new(""));
    make(&out.join(inside))?;
    write_weights(&out.join(inside).join(WEIGHTS), base, parameters)?;
    for name in NETWORK {
        copy(&network.join(name), &out.join(inside).join(name))?;
    }
    for name in SETTINGS {
        copy(&folder.path.join(name), &out.join(name))?;
    }
    let modules = folder.path.join(MODULES);
    let pooling = pooling_config(base.shape.hidden, folder.settings.pooling);
    if !modules.exists() {
        make(&out.join("1_Pooling"))?;
        replace(&out.join("1_Pooling/config.json"), pooling.as_bytes())?;
        return replace(&out.join(MODULES), LISTED.as_bytes());
    }
    #[derive(serde::Deserialize)]
    struct Module {
        #[serde(rename = "type")]
        kind: String,
        path: PathBuf,
    }
    let json = std::fs::read(&modules).map_err(|source| Error::Unreadable { path: modules.clone(), source })?;
    let listed: Vec<Module> =
        serde_json::from_slice(&json).map_err(|source| Error::Json { path: modules.clone(), source })?;
    for Module { kind, path } in listed.into_iter().filter(|module| module.path != inside) {
        make(&out.join(&path))?;
        let config = out.join(&path).join("config.json");
        match repooled && kind.ends_with("Pooling") {
            true => replace(&config, pooling.as_bytes())?,
            false => copy(&folder.path.join(&path).join("config.json"), &config)?,
        }
    }
    Ok(())
}

/// What sentence-transformers reads of a pooling; all modes are named, as some are on where nothing is said.
fn pooling_config(width: usize, pooling: Pooling) -> String {
    let (cls, mean) = (pooling == Pooling::Cls, pooling == Pooling::Mean);
    let config = serde_json::json!({
        "word_embedding_dimension": width,
        "pooling_mode_cls_token": cls,
        "pooling_mode_mean_tokens": mean,
        "pooling_mode_max_tokens": false,
        "pooling_mode_mean_sqrt_len_tokens": !cls && !mean,
    });
    format!("{config:#}\n")
}

/// The base's tensors, with the trained ones in their places, in f32.
fn write_weights(path: &Path, base: &Base, parameters: &Parameters) -> Result<(), Error> {
    let mut trained = std::collections::HashMap::new();
    for parameter in &parameters.list {
        for (name, range, shape) in stored_parts(&parameter.name, &parameter.shape) {
            let name = base.stored_name(name.strip_prefix("encoder.").unwrap_or(&name));
            trained.insert(base.weights.full_name(&name), Stored::f32("", &shape, &parameter.values[range]));
        }
    }
    let stored = base.weights.file().tensors().into_iter().map(|tensor| match trained.remove(&tensor.name) {
        Some(stored) => Stored { name: tensor.name, ..stored },
        None => tensor,
    });
    let metadata = [("format".to_owned(), "pt".to_owned())].into();
    write_tensors(path, &stored.collect::<Vec<_>>(), Some(metadata))
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    match std::fs::read(from) {
        Ok(bytes) => replace(to, &bytes),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::Unreadable { path: from.into(), source }),
    }
}

fn make(folder: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Unwritable { path: folder.into(), source })
}
