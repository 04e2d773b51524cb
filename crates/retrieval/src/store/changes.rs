//! The log: what each of the last transactions changed, for processes that follow.
//!
//! A record is the first number that the transaction gave, the first that it did not, and the numbers it removed, `u64`
//! little-endian each. A version of vetted from before there was a log leaves a gap in it, and so does what is too long
//! ago; then a follower compares all ids.

use std::ops::Range;

/// What one transaction changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Changed {
    /// The numbers of documents that are not there any more.
    pub(crate) removed: Vec<u64>,
    /// The numbers of documents that are new.
    pub(crate) added: Range<u64>,
}

impl Changed {
    pub(super) fn encode(&self) -> Vec<u8> {
        let numbers = [self.added.start, self.added.end].into_iter().chain(self.removed.iter().copied());
        numbers.flat_map(u64::to_le_bytes).collect()
    }

    /// `None` if the bytes are no record.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (numbers, []) = bytes.as_chunks::<8>() else { return None };
        let mut numbers = numbers.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let added = numbers.next()?..numbers.next()?;
        Some(Self { added, removed: numbers.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for changed in [
            Changed::default(),
            Changed { removed: vec![3, u64::MAX, 1], added: 7..9 },
            Changed { removed: vec![], added: 5..5 },
        ] {
            let bytes = changed.encode();
            assert_eq!(Changed::decode(&bytes), Some(changed));
            assert_eq!(Changed::decode(&bytes[1..]), None);
        }
        assert_eq!(Changed::decode(&[0; 8]), None);
    }
}
