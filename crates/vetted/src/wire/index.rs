//! What an index holds, and what became of documents.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vetted_corpus::Reader;
use vetted_retrieval::Holdings;

use crate::{Engine, Error, Indexed};

/// What an index holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IndexInfo {
    /// Its folder, or its address.
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
    /// How large it is, on disk or in a server's memory.
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
    /// Ones left out because a later one in the same input has the same id.
    pub duplicates: usize,
    /// Ones that are gone from where they came from, and were removed; of `sync` only.
    #[serde(default)]
    pub deleted: usize,
    /// Malformed records, and files that could not be read, that were passed over.
    pub skipped: u64,
    /// Files that hold nothing.
    #[serde(default)]
    pub empty: u64,
    /// Symbolic links that lead nowhere or in a circle.
    #[serde(default)]
    pub broken_links: u64,
    /// How many files in the folders are of kinds that are not read, by extension.
    #[serde(default)]
    pub unread: BTreeMap<String, u64>,
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
        let Holdings { documents, passages, bytes, bytes_of_views, created, changed } = index.holdings()?;
        Ok(IndexInfo {
            index: engine.folder().to_string_lossy().into_owned(),
            documents,
            passages,
            created: created.and_then(seconds),
            changed: changed.and_then(seconds),
            bytes,
            bytes_of_views,
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
    /// What was done in so many seconds to an engine's index with what `reader` has read, and how many documents were deleted.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn new(
        engine: &Engine,
        indexed: Indexed,
        reader: &Reader,
        deleted: usize,
        seconds: f64,
    ) -> Result<IndexAnswer, Error> {
        let Indexed { added, replaced, unchanged, duplicates } = indexed;
        Ok(IndexAnswer {
            index: engine.folder().to_string_lossy().into_owned(),
            model: engine.model().to_owned(),
            documents: engine.len()?,
            added,
            replaced,
            unchanged,
            duplicates: duplicates + reader.duplicates().count as usize,
            deleted,
            skipped: reader.skipped().count,
            empty: reader.empty_files(),
            broken_links: reader.broken_links().len() as u64,
            unread: reader.unread().clone(),
            seconds,
        })
    }
}
