//! What tier two keeps of a document in the index: the views of each passage's windows.
//!
//! A record names the verifier that made it, so that another one encodes the text instead of misreading it. Of a document of
//! many passages only the ones that recall found are read. All numbers are little-endian:
//!
//! ```text
//! record   fingerprint of the verifier (8 bytes), passages u32, directory, passages
//! entry of the directory, one per passage: first byte u64, last byte u64 (in the text), where its part begins u64
//! passage  CRC-32 of what follows u32, windows u32, per window: first byte u32, last byte u32 (in the passage), length u32;
//!          then the views, one window's after the other's
//! ```

use std::ops::Range;

use serde_json::{Map, Value};
use vetted_corpus::Passage;

use crate::{PassageViews, Verifier, ViewsFingerprint};

/// Whether an index keeps views, and so encodes every text twice when it is written, or encodes candidates when they are
/// found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ViewStorage {
    /// They are kept, a byte a value: about 60 bytes a token.
    #[default]
    Int8,
    /// Nothing is kept. Searches that verify take some 20 times as long.
    None,
}

impl ViewStorage {
    /// Its name, as manifests and command lines have it.
    pub fn name(self) -> &'static str {
        match self {
            ViewStorage::Int8 => "int8",
            ViewStorage::None => "none",
        }
    }

    pub(crate) fn write_to(self, manifest: &mut Map<String, Value>) {
        manifest.insert(SETTING.into(), self.name().into());
    }

    /// Indexes from before there were views keep none.
    pub(crate) fn of(manifest: &Map<String, Value>) -> ViewStorage {
        let int8 = manifest.get(SETTING).and_then(Value::as_str) == Some(ViewStorage::Int8.name());
        if int8 { ViewStorage::Int8 } else { ViewStorage::None }
    }
}

const SETTING: &str = "views";

/// Why a passage's views are not taken from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// There are none, or none of this passage.
    Absent,
    /// Another verifier made them.
    OtherVerifier,
    /// They are not what was written.
    Damaged,
}

const DIRECTORY: usize = 8 + 4;
const ENTRY: usize = 3 * 8;
const WINDOW: usize = 3 * 4;

/// The record of a document; none if there is nothing to keep, or its views are no bytes.
pub(crate) fn encode(fingerprint: ViewsFingerprint, passages: &[(Passage, PassageViews)]) -> Option<Vec<u8>> {
    let mut record = Vec::with_capacity(DIRECTORY + passages.len() * ENTRY);
    record.extend(fingerprint);
    record.extend(u32::try_from(passages.len()).ok()?.to_le_bytes());
    let parts = passages.iter().map(|(_, views)| encode_passage(views)).collect::<Option<Vec<_>>>()?;
    let mut start = DIRECTORY + passages.len() * ENTRY;
    for ((passage, _), part) in passages.iter().zip(&parts) {
        for number in [passage.bytes.start, passage.bytes.end, start] {
            record.extend((number as u64).to_le_bytes());
        }
        start += part.len();
    }
    parts.iter().for_each(|part| record.extend(part));
    (!passages.is_empty()).then_some(record)
}

fn encode_passage(PassageViews { ranges, views }: &PassageViews) -> Option<Vec<u8>> {
    let mut part = vec![0; 4];
    part.extend(u32::try_from(ranges.len()).ok()?.to_le_bytes());
    for (range, views) in ranges.iter().zip(views) {
        for number in [range.start, range.end, views.bytes()?.len()] {
            part.extend(u32::try_from(number).ok()?.to_le_bytes());
        }
    }
    for views in views {
        part.extend(views.bytes()?);
    }
    let checksum = crc32fast::hash(&part[4..]);
    part[..4].copy_from_slice(&checksum.to_le_bytes());
    Some(part)
}

/// Whether `record` is of this verifier.
pub(crate) fn is_of(record: &[u8], verifier: &Verifier) -> bool {
    record.get(..8).is_some_and(|fingerprint| verifier.makes_views_of(fingerprint))
}

/// The views of the passage that is these bytes of the text.
pub(crate) fn find<'a>(
    record: Option<&'a [u8]>,
    bytes: &Range<usize>,
    verifier: &Verifier,
) -> Result<PassageViews<'a>, Missing> {
    let record = record.ok_or(Missing::Absent)?;
    if !is_of(record, verifier) {
        return Err(Missing::OtherVerifier);
    }
    let count = u32_at(record, 8).ok_or(Missing::Damaged)?;
    let directory = record.get(DIRECTORY..DIRECTORY + count * ENTRY).ok_or(Missing::Damaged)?;
    let place = directory.chunks_exact(ENTRY).find_map(|entry| {
        let number = |at: usize| entry.get(8 * at..8 * at + 8)?.try_into().ok().map(u64::from_le_bytes);
        (number(0) == Some(bytes.start as u64) && number(1) == Some(bytes.end as u64)).then(|| number(2)).flatten()
    });
    let part = record.get(place.ok_or(Missing::Absent)? as usize..).ok_or(Missing::Damaged)?;
    decode_passage(part, verifier).ok_or(Missing::Damaged)
}

fn decode_passage<'a>(part: &'a [u8], verifier: &Verifier) -> Option<PassageViews<'a>> {
    let (checksum, count) = (u32_at(part, 0)?, u32_at(part, 4)?);
    let windows = part.get(8..8 + count.checked_mul(WINDOW)?)?;
    let numbers =
        windows.chunks_exact(WINDOW).map(|window| Some([u32_at(window, 0)?, u32_at(window, 4)?, u32_at(window, 8)?]));
    let numbers = numbers.collect::<Option<Vec<[usize; 3]>>>()?;
    let length: usize = numbers.iter().map(|[_, _, length]| length).sum();
    let mut rest = part.get(8 + windows.len()..8 + windows.len() + length)?;
    if crc32fast::hash(&part[4..8 + windows.len() + length]) as usize != checksum {
        return None;
    }
    let mut views = Vec::with_capacity(numbers.len());
    for [_, _, length] in &numbers {
        let (own, after) = rest.split_at(*length);
        rest = after;
        views.push(verifier.stored_views(own)?);
    }
    Some(PassageViews { ranges: numbers.iter().map(|[start, end, _]| *start..*end).collect(), views })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_le_bytes(bytes) as usize)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::VerifierOptions;

    static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let tiny = vetted_fixtures::verifier(folder.path());
        Verifier::open(&tiny, VerifierOptions::default(), &mut |_| {}).unwrap()
    });

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// What an index hands over may be damaged in any way; it is never misread by panicking.
        #[test]
        fn arbitrary_bytes_are_no_views(bytes in proptest::collection::vec(any::<u8>(), 0..200), few in 0u8..4) {
            let mut record = VERIFIER.views_fingerprint().to_vec();
            record.extend(&bytes);
            // So that the directory is often within the record.
            if let Some(count) = record.get_mut(8..12) {
                count.copy_from_slice(&[few, 0, 0, 0]);
            }
            for range in [0..0, 0..1, 1..200] {
                prop_assert!(find(Some(&record), &range, &VERIFIER).is_err());
            }
        }
    }
}
