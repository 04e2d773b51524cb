//! How the parts of a document are written down. Changing anything here changes the format: see
//! [`FORMAT_VERSION`](crate::FORMAT_VERSION).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Map;
use sha2::{Digest, Sha256};
use vetted_corpus::{Document, Passage};

/// LMDB's keys have at most this many bytes.
const LONGEST_KEY: usize = 511;
/// No UTF-8 text begins with this byte, so the key of a long id is never the key of a short one.
const LONG_ID: u8 = 0xff;

/// SHA-256 over everything in a document: equal if and only if the documents are.
pub(crate) type Fingerprint = [u8; 32];

/// The fingerprint of a document. Keys of the metadata count in the order in which they come.
pub(crate) fn fingerprint(document: &Document) -> Fingerprint {
    let mut hash = Sha256::new();
    for part in
        [document.id.as_bytes(), document.title.as_bytes(), document.text.as_bytes(), &encode_metadata(document)]
    {
        // The length keeps "ab" + "c" apart from "a" + "bc".
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// What an id leads to.
pub(super) struct Registration {
    pub(super) number: u64,
    pub(super) fingerprint: Fingerprint,
}

impl Registration {
    pub(super) fn encode(&self) -> [u8; 40] {
        let mut bytes = [0; 40];
        bytes[..8].copy_from_slice(&self.number.to_le_bytes());
        bytes[8..].copy_from_slice(&self.fingerprint);
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (number, fingerprint) = bytes.split_first_chunk()?;
        Some(Self { number: u64::from_le_bytes(*number), fingerprint: fingerprint.try_into().ok()? })
    }
}

/// The key of an id: the id itself, or its SHA-256 where it is longer than a key can be, or empty, which no key can be.
pub(super) fn id_key(id: &str) -> Cow<'_, [u8]> {
    if (1..=LONGEST_KEY).contains(&id.len()) {
        return Cow::Borrowed(id.as_bytes());
    }
    let mut key = vec![LONG_ID];
    key.extend_from_slice(&Sha256::digest(id.as_bytes()));
    Cow::Owned(key)
}

/// The id whose key this is; `None` if the id was too long to be a key.
pub(super) fn id_of_key(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key).ok()
}

#[derive(Serialize)]
struct WrittenText<'document> {
    id: &'document str,
    title: &'document str,
    text: &'document str,
}

#[derive(Deserialize)]
struct ReadText {
    id: String,
    title: String,
    text: String,
}

pub(super) fn encode_document(document: &Document) -> Vec<u8> {
    let Document { id, title, text, .. } = document;
    json(&WrittenText { id, title, text })
}

pub(super) fn encode_metadata(document: &Document) -> Vec<u8> {
    json(&document.metadata)
}

pub(super) fn decode_document(text: &[u8], metadata: Option<&[u8]>) -> Option<Document> {
    let ReadText { id, title, text } = serde_json::from_slice(text).ok()?;
    let metadata = match metadata {
        Some(metadata) => serde_json::from_slice(metadata).ok()?,
        None => Map::new(),
    };
    Some(Document { id, title, text, metadata })
}

pub(super) fn encode_origins(origins: &[String]) -> Vec<u8> {
    json(&origins)
}

pub(super) fn decode_origins(bytes: &[u8]) -> Option<Vec<String>> {
    serde_json::from_slice(bytes).ok()
}

/// Strings and JSON values have a JSON form, so writing them to memory cannot fail.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

const PASSAGE_BYTES: usize = 32;

/// Passages as four `u64` little-endian each: first and last byte, first and last character.
pub(super) fn encode_passages(passages: &[Passage]) -> Vec<u8> {
    let numbers = passages.iter().flat_map(|it| [it.bytes.start, it.bytes.end, it.chars.start, it.chars.end]);
    numbers.flat_map(|number| (number as u64).to_le_bytes()).collect()
}

pub(super) fn decode_passages(bytes: &[u8]) -> Option<Vec<Passage>> {
    let (rows, []) = bytes.as_chunks::<PASSAGE_BYTES>() else { return None };
    rows.iter().map(decode_row).collect()
}

/// How many passages `bytes` are.
pub(super) fn count_passages(bytes: &[u8]) -> Option<u32> {
    let (rows, []) = bytes.as_chunks::<PASSAGE_BYTES>() else { return None };
    u32::try_from(rows.len()).ok()
}

pub(super) fn decode_passage(bytes: &[u8], index: usize) -> Option<Passage> {
    decode_row(bytes.as_chunks::<PASSAGE_BYTES>().0.get(index)?)
}

fn decode_row(row: &[u8; PASSAGE_BYTES]) -> Option<Passage> {
    let (numbers, _) = row.as_chunks::<8>();
    let number = |at: usize| usize::try_from(u64::from_le_bytes(*numbers.get(at)?)).ok();
    Some(Passage { bytes: number(0)?..number(1)?, chars: number(2)?..number(3)? })
}

pub(super) fn encode_vectors(vectors: &[f32]) -> Vec<u8> {
    vectors.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A document's vectors as they lie in the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredVectors<'store> {
    values: &'store [[u8; 4]],
    rows: usize,
}

impl<'store> StoredVectors<'store> {
    /// `None` if the bytes are anything else than whole rows.
    pub(super) fn decode(bytes: &'store [u8], dimensions: usize) -> Option<Self> {
        let (values, []) = bytes.as_chunks::<4>() else { return None };
        let whole = dimensions > 0 && values.len().is_multiple_of(dimensions);
        whole.then(|| Self { values, rows: values.len() / dimensions })
    }

    /// How many there are.
    pub(crate) fn len(self) -> usize {
        self.rows
    }

    /// Appends them to `into`, one after the other.
    pub(crate) fn read(self, into: &mut Vec<f32>) {
        into.extend(self.values.iter().map(|value| f32::from_le_bytes(*value)));
    }
}
