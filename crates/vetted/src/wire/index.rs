//! What an index holds, and what became of documents.

use std::time::{SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Engine, Error, Indexed};

/// What an index holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IndexInfo {
    /// Its folder.
    pub index: String,
    /// How many documents.
    pub documents: usize,
    /// How many passages these have, each with a vector.
    pub passages: usize,
    /// When it was made, in seconds since the beginning of 1970, as its files say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<u64>,
    /// When it was last changed, in seconds since the beginning of 1970, as its files say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<u64>,
    /// How large it is on disk.
    pub bytes: u64,
    /// How much of that is kept for verification.
    pub bytes_of_views: u64,
    /// The version of its format.
    pub format: u64,
    /// What made its vectors.
    pub encoder: Encoder,
    /// How it was made.
    pub settings: Map<String, Value>,
}

/// What makes an index's vectors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Encoder {
    /// Its name.
    pub name: String,
    /// What tells it from every other.
    pub fingerprint: String,
    /// How many numbers a vector has.
    pub dimensions: usize,
}

/// What became of documents that were indexed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IndexAnswer {
    /// The index's folder.
    pub index: String,
    /// The name of its model.
    pub model: String,
    /// How many documents it holds now.
    pub documents: usize,
    /// New ones.
    pub added: usize,
    /// Ones that took the place of another with the same id.
    pub replaced: usize,
    /// Ones that were there already, word for word.
    pub unchanged: usize,
    /// Ones left out because a later one in the same batch has the same id.
    pub duplicates: usize,
    /// Malformed records that were passed over.
    pub skipped: u64,
    /// How long it took.
    pub seconds: f64,
}

impl IndexInfo {
    /// Of an engine's index.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn of(engine: &Engine) -> Result<IndexInfo, Error> {
        let (index, manifest) = (engine.index(), engine.index().manifest());
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs());
        let (created, changed) = index.dates();
        Ok(IndexInfo {
            index: engine.folder().to_string_lossy().into_owned(),
            documents: engine.len()?,
            passages: index.passage_count()?,
            created: created.and_then(seconds),
            changed: changed.and_then(seconds),
            bytes: index.bytes_on_disk()?,
            bytes_of_views: index.bytes_of_views()?,
            format: manifest.format_version().into(),
            encoder: Encoder {
                name: manifest.encoder.name.clone(),
                fingerprint: manifest.encoder.fingerprint.clone(),
                dimensions: manifest.encoder.dimensions,
            },
            settings: manifest.passage_options.clone(),
        })
    }
}

impl IndexAnswer {
    /// What was done to an engine's index, `seconds` long, `skipped` records passed over.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn new(engine: &Engine, indexed: Indexed, skipped: u64, seconds: f64) -> Result<IndexAnswer, Error> {
        let Indexed { added, replaced, unchanged, duplicates } = indexed;
        let index = engine.folder().to_string_lossy().into_owned();
        let (model, documents) = (engine.model().to_owned(), engine.len()?);
        Ok(IndexAnswer { index, model, documents, added, replaced, unchanged, duplicates, skipped, seconds })
    }
}
