//! Who is in the index: the documents' ids and numbers, in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::bits::Bits;
use crate::columns::Columns;
use crate::error::Result;
use crate::store::Reading;

/// A document's place in the [`Roster`]. Caches in memory name documents by it.
pub(crate) type Ordinal = u32;

/// So many documents share a chunk. Adding one copies at most a chunk, and a bit for each document of the index.
pub(crate) const CHUNK: usize = 1024;

/// All documents of one moment, by ordinal. Ordinals ascend as numbers do; a removed document keeps its place until
/// the ordinals are [given anew](Roster::renumbered).
///
/// A clone shares its chunks with the original, and changing one leaves the other as it was.
#[derive(Clone)]
pub(crate) struct Roster {
    /// Tells ordinals that were given anew from those before.
    numbering: u64,
    /// All are full but the last.
    chunks: Vec<Arc<Chunk>>,
    alive: Arc<Bits>,
    places: usize,
    living: usize,
}

/// Documents whose ordinals follow each other.
#[derive(Clone, Default)]
pub(crate) struct Chunk {
    numbers: Vec<u64>,
    ids: Vec<Arc<str>>,
    /// What filters have read of them.
    pub(crate) columns: Columns,
}

impl Chunk {
    /// A document's number, by its place in the chunk.
    pub(crate) fn number(&self, place: usize) -> u64 {
        self.numbers[place]
    }
}

impl Default for Roster {
    fn default() -> Self {
        static NUMBERINGS: AtomicU64 = AtomicU64::new(0);
        Self {
            numbering: NUMBERINGS.fetch_add(1, Ordering::Relaxed),
            chunks: Vec::new(),
            alive: Arc::default(),
            places: 0,
            living: 0,
        }
    }
}

impl Roster {
    /// Reads the roster of a moment of the store.
    pub(crate) fn load(reading: &Reading) -> Result<Self> {
        let mut entries = Vec::with_capacity(reading.len()? as usize);
        reading.each_id(|number, id| entries.push((number, id)))?;
        entries.sort_unstable_by_key(|(number, _)| *number);
        let mut roster = Self::default();
        for (number, id) in entries {
            roster.add(number, id.into());
        }
        Ok(roster)
    }

    /// Adds a document. Its number is greater than all before it.
    pub(crate) fn add(&mut self, number: u64, id: Arc<str>) -> Ordinal {
        if self.places.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::default());
        }
        if let Some(chunk) = self.chunks.last_mut() {
            let chunk = Arc::make_mut(chunk);
            debug_assert!(chunk.numbers.last().is_none_or(|last| *last < number));
            chunk.numbers.push(number);
            chunk.ids.push(id);
        }
        let ordinal = self.places as Ordinal;
        Arc::make_mut(&mut self.alive).set(ordinal);
        self.places += 1;
        self.living += 1;
        ordinal
    }

    /// Removes a document, and returns the ordinal it had; `None` if it is not there.
    pub(crate) fn remove(&mut self, number: u64) -> Option<Ordinal> {
        let ordinal = self.ordinal(number)?;
        Arc::make_mut(&mut self.alive).clear(ordinal);
        self.living -= 1;
        Some(ordinal)
    }

    /// The ordinal of a living document.
    pub(crate) fn ordinal(&self, number: u64) -> Option<Ordinal> {
        let ordinal = self.first_from(number);
        (self.is_alive(ordinal) && self.number(ordinal) == number).then_some(ordinal)
    }

    /// The first ordinal whose number is `number` or greater.
    pub(crate) fn first_from(&self, number: u64) -> Ordinal {
        let after = self.chunks.partition_point(|chunk| chunk.numbers.first().is_some_and(|first| *first <= number));
        let Some(at) = after.checked_sub(1) else { return 0 };
        (at * CHUNK + self.chunks[at].numbers.partition_point(|it| *it < number)) as Ordinal
    }

    /// The number at an ordinal.
    pub(crate) fn number(&self, ordinal: Ordinal) -> u64 {
        self.chunks[ordinal as usize / CHUNK].numbers[ordinal as usize % CHUNK]
    }

    /// The id at an ordinal, of a removed document too.
    pub(crate) fn id(&self, ordinal: Ordinal) -> &str {
        &self.chunks[ordinal as usize / CHUNK].ids[ordinal as usize % CHUNK]
    }

    /// The documents in chunks of [`CHUNK`], in the order of their ordinals.
    pub(crate) fn chunks(&self) -> &[Arc<Chunk>] {
        &self.chunks
    }

    /// The ordinals of documents that are still there.
    pub(crate) fn alive(&self) -> &Bits {
        &self.alive
    }

    /// Whether the document at an ordinal is still there.
    pub(crate) fn is_alive(&self, ordinal: Ordinal) -> bool {
        self.alive.get(ordinal)
    }

    /// The living documents' ordinals and numbers, ascending.
    pub(crate) fn living(&self) -> impl Iterator<Item = (Ordinal, u64)> + '_ {
        self.alive.from(0).map(|ordinal| (ordinal, self.number(ordinal)))
    }

    /// How many documents are there.
    pub(crate) fn len(&self) -> usize {
        self.living
    }

    /// How many places there are, removed documents' among them. Ordinals are below it.
    pub(crate) fn places(&self) -> usize {
        self.places
    }

    /// Whether the ordinals of `other` mean the same documents.
    pub(crate) fn numbers_as(&self, other: &Roster) -> bool {
        self.numbering == other.numbering
    }

    /// Whether so many places are of removed documents that giving ordinals anew saves memory and time.
    pub(crate) fn is_sparse(&self) -> bool {
        self.places > CHUNK && self.living < self.places / 2
    }

    /// The living documents with new ordinals, and by old ordinal the new one.
    pub(crate) fn renumbered(&self) -> (Roster, Renumbering) {
        let mut roster = Self::default();
        let mut ordinals = vec![None; self.places];
        for (ordinal, number) in self.living() {
            let id = self.chunks[ordinal as usize / CHUNK].ids[ordinal as usize % CHUNK].clone();
            ordinals[ordinal as usize] = Some(roster.add(number, id));
        }
        (roster, Renumbering(ordinals))
    }
}

/// By old ordinal, the new one; `None` for removed documents.
pub(crate) struct Renumbering(Vec<Option<Ordinal>>);

impl Renumbering {
    /// The new ordinal of a document; `None` if it was removed.
    pub(crate) fn of(&self, ordinal: Ordinal) -> Option<Ordinal> {
        self.0.get(ordinal as usize).copied().flatten()
    }

    /// The first new ordinal of a document that had `ordinal` or a greater one.
    pub(crate) fn first_from(&self, ordinal: Ordinal) -> Ordinal {
        let before = self.0.iter().take(ordinal as usize).rev().find_map(|it| *it);
        before.map_or(0, |before| before + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_clone_stays_as_it_was_and_ordinals_ascend(
            steps in prop::collection::vec((1..900u64, prop::collection::vec(0..20_000u64, 0..40)), 1..12),
        ) {
            let mut roster = Roster::default();
            let mut next = 5;
            let mut expected: Vec<u64> = Vec::new();
            for (added, removed) in steps {
                let (before, held) = (roster.clone(), expected.clone());
                for _ in 0..added {
                    next += 1 + next % 3;
                    roster.add(next, next.to_string().into());
                    expected.push(next);
                }
                for number in removed {
                    let there = expected.binary_search(&number);
                    prop_assert_eq!(roster.remove(number).is_some(), there.is_ok());
                    if let Ok(at) = there {
                        expected.remove(at);
                    }
                }
                for (roster, expected) in [(&before, &held), (&roster, &expected)] {
                    prop_assert_eq!(roster.len(), expected.len());
                    let living: Vec<_> = roster.living().map(|(_, number)| number).collect();
                    prop_assert_eq!(&living, expected);
                    for (ordinal, number) in roster.living().step_by(17) {
                        prop_assert_eq!(roster.ordinal(number), Some(ordinal));
                        prop_assert_eq!(roster.first_from(number), ordinal);
                        prop_assert_eq!(roster.id(ordinal), number.to_string());
                    }
                }
                let (renumbered, mapping) = roster.renumbered();
                prop_assert_eq!(renumbered.places(), expected.len());
                prop_assert!(!renumbered.numbers_as(&roster));
                for (ordinal, number) in roster.living().step_by(17) {
                    prop_assert_eq!(mapping.of(ordinal), renumbered.ordinal(number));
                    prop_assert_eq!(Some(mapping.first_from(ordinal)), renumbered.ordinal(number));
                }
            }
        }
    }
}
