//! A document as Redis keeps it: the fields of a hash.
//!
//! ```text
//! a   length of the title u32, title, text
//! m   metadata as JSON; absent where there are none
//! p   passages u32, then of each where it begins and ends, in bytes and in characters, u32 each; then their vectors, f32
//! ```
//!
//! All numbers are little-endian.

use serde_json::{Map, Value as Json};
use vetted_corpus::{Document, Passage};

/// What of a document filters look at, and what tells it from every other.
pub(super) fn encode_text(document: &Document) -> Vec<u8> {
    let mut record = Vec::with_capacity(4 + document.title.len() + document.text.len());
    record.extend((document.title.len() as u32).to_le_bytes());
    record.extend(document.title.as_bytes());
    record.extend(document.text.as_bytes());
    record
}

pub(super) fn decode_text(record: &[u8]) -> Option<(String, String)> {
    let (length, rest) = record.split_at_checked(4)?;
    let (title, text) = rest.split_at_checked(u32::from_le_bytes(length.try_into().ok()?) as usize)?;
    Some((String::from_utf8(title.to_vec()).ok()?, String::from_utf8(text.to_vec()).ok()?))
}

/// Nothing where there is nothing.
pub(super) fn encode_metadata(metadata: &Map<String, Json>) -> Vec<u8> {
    if metadata.is_empty() { Vec::new() } else { serde_json::to_vec(metadata).unwrap_or_default() }
}

pub(super) fn decode_metadata(record: Option<&[u8]>) -> Option<Map<String, Json>> {
    match record {
        None | Some([]) => Some(Map::new()),
        Some(record) => serde_json::from_slice(record).ok(),
    }
}

pub(super) fn encode_passages(passages: &[(Passage, Vec<f32>)]) -> Vec<u8> {
    let mut record = Vec::with_capacity(4 + passages.iter().map(|(_, vector)| 16 + 4 * vector.len()).sum::<usize>());
    record.extend((passages.len() as u32).to_le_bytes());
    for (Passage { bytes, chars }, _) in passages {
        for number in [bytes.start, bytes.end, chars.start, chars.end] {
            record.extend((number as u32).to_le_bytes());
        }
    }
    passages.iter().for_each(|(_, vector)| record.extend(encode_vector(vector)));
    record
}

/// The passages, and their vectors one after the other.
pub(super) fn decode_passages(record: &[u8], dimensions: usize) -> Option<(Vec<Passage>, Vec<f32>)> {
    let (count, rest) = record.split_at_checked(4)?;
    let count = u32::from_le_bytes(count.try_into().ok()?) as usize;
    let (places, vectors) = rest.split_at_checked(count.checked_mul(16)?)?;
    let (places, _) = places.as_chunks::<16>();
    let passage = |place: &[u8; 16]| {
        let (numbers, _) = place.as_chunks::<4>();
        let [start, end, first, last] = [0, 1, 2, 3].map(|at: usize| u32::from_le_bytes(numbers[at]) as usize);
        Passage { bytes: start..end, chars: first..last }
    };
    if vectors.len() != 4 * count.checked_mul(dimensions)? {
        return None;
    }
    let (values, _) = vectors.as_chunks::<4>();
    Some((places.iter().map(passage).collect(), values.iter().map(|value| f32::from_le_bytes(*value)).collect()))
}

pub(super) fn encode_vector(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(title in "\\PC{0,20}", text in "(?s).{0,200}", passages in 0usize..4) {
            let document = Document { title: title.clone(), text: text.clone(), ..Document::default() };
            prop_assert_eq!(decode_text(&encode_text(&document)), Some((title, text)));
            let passage = |at: usize| (Passage { bytes: at..at + 7, chars: at..at + 5 }, vec![at as f32, -0.5, f32::MIN_POSITIVE]);
            let given: Vec<_> = (0..passages).map(passage).collect();
            let (places, vectors): (Vec<_>, Vec<_>) = given.iter().cloned().unzip();
            prop_assert_eq!(decode_passages(&encode_passages(&given), 3), Some((places, vectors.concat())));
        }

        /// A server may hold anything.
        #[test]
        fn what_is_damaged_is_not_misread(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = (decode_text(&bytes), decode_passages(&bytes, 3), decode_metadata(Some(&bytes)));
        }
    }
}
