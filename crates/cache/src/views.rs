//! A prompt's token views in bytes, as entries carry them.
//!
//! ```text
//! record   CRC-32 of what follows u32, fingerprint of the verifier (8 bytes), first and last byte of the prompt that is read u32 each,
//!          the views
//! ```
//!
//! Other verifiers' records and damaged ones are not read: the prompt's text is encoded instead.

use vetted::{PassageViews, Verifier};

const HEADER: usize = 4 + 8 + 4 + 4;

/// The record of a prompt that is read as one window; none of any other.
pub(crate) fn encode(verifier: &Verifier, views: &PassageViews<'_>) -> Option<Vec<u8>> {
    let ([range], [own]) = (views.ranges.as_slice(), views.views.as_slice()) else { return None };
    let bytes = own.bytes()?;
    let mut record = Vec::with_capacity(HEADER + bytes.len());
    record.extend([0; 4]);
    record.extend(verifier.views_fingerprint());
    for number in [range.start, range.end] {
        record.extend(u32::try_from(number).ok()?.to_le_bytes());
    }
    record.extend(bytes);
    let checksum = crc32fast::hash(&record[4..]);
    record[..4].copy_from_slice(&checksum.to_le_bytes());
    Some(record)
}

/// The views of such a record of a prompt of so many bytes.
pub(crate) fn decode<'a>(verifier: &Verifier, record: &'a [u8], prompt: &str) -> Option<PassageViews<'a>> {
    let (checksum, rest) = record.split_first_chunk::<4>()?;
    let (fingerprint, ranges) = rest.split_first_chunk::<8>()?;
    let (start, ends) = ranges.split_first_chunk::<4>()?;
    let (end, bytes) = ends.split_first_chunk::<4>()?;
    if !verifier.makes_views_of(fingerprint) || crc32fast::hash(rest) != u32::from_le_bytes(*checksum) {
        return None;
    }
    let range = u32::from_le_bytes(*start) as usize..u32::from_le_bytes(*end) as usize;
    prompt.get(range.clone())?;
    Some(PassageViews { ranges: std::iter::once(range).collect(), views: vec![verifier.stored_views(bytes)?] })
}
