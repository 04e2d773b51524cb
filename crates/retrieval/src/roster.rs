//! Who is in the index: the documents' ids and numbers, in memory.

use crate::error::Result;
use crate::store::Snapshot;

/// A document's place in the [`Roster`]. Caches in memory name documents by it.
pub(crate) type Ordinal = u32;

/// All documents of one moment, by ordinal. Ordinals ascend as numbers do; a removed document keeps its place until
/// the roster is loaded anew.
#[derive(Default)]
pub(crate) struct Roster {
    numbers: Vec<u64>,
    ids: Vec<Box<str>>,
    alive: Vec<bool>,
    living: usize,
}

impl Roster {
    /// Reads the roster of a snapshot.
    pub(crate) fn load(snapshot: &Snapshot<'_>) -> Result<Self> {
        let mut entries = Vec::with_capacity(snapshot.len()? as usize);
        snapshot.each_id(|number, id| entries.push((number, id)))?;
        entries.sort_unstable_by_key(|(number, _)| *number);
        let mut roster = Self::default();
        for (number, id) in entries {
            roster.add(number, id);
        }
        Ok(roster)
    }

    /// Adds a document. Its number is greater than all before it.
    pub(crate) fn add(&mut self, number: u64, id: impl Into<Box<str>>) -> Ordinal {
        debug_assert!(self.numbers.last().is_none_or(|last| *last < number));
        self.numbers.push(number);
        self.ids.push(id.into());
        self.alive.push(true);
        self.living += 1;
        (self.numbers.len() - 1) as Ordinal
    }

    /// Removes a document, if it is there.
    pub(crate) fn remove(&mut self, number: u64) {
        if let Some(ordinal) = self.ordinal(number) {
            self.alive[ordinal as usize] = false;
            self.living -= 1;
        }
    }

    /// The ordinal of a living document.
    pub(crate) fn ordinal(&self, number: u64) -> Option<Ordinal> {
        let at = self.numbers.binary_search(&number).ok()?;
        self.alive[at].then_some(at as Ordinal)
    }

    /// The first ordinal whose number is `number` or greater.
    pub(crate) fn first_from(&self, number: u64) -> Ordinal {
        self.numbers.partition_point(|it| *it < number) as Ordinal
    }

    /// The number at an ordinal.
    pub(crate) fn number(&self, ordinal: Ordinal) -> u64 {
        self.numbers[ordinal as usize]
    }

    /// The ids, by ordinal, of the living and the removed.
    pub(crate) fn ids(&self) -> &[Box<str>] {
        &self.ids
    }

    /// By ordinal, whether the document is still there.
    pub(crate) fn alive(&self) -> &[bool] {
        &self.alive
    }

    /// Whether the document at an ordinal is still there.
    pub(crate) fn is_alive(&self, ordinal: Ordinal) -> bool {
        self.alive[ordinal as usize]
    }

    /// The living documents' ordinals and numbers, ascending.
    pub(crate) fn living(&self) -> impl Iterator<Item = (Ordinal, u64)> + '_ {
        let places = self.numbers.iter().zip(&self.alive).enumerate();
        places.filter(|(_, (_, alive))| **alive).map(|(ordinal, (number, _))| (ordinal as Ordinal, *number))
    }

    /// How many documents are there.
    pub(crate) fn len(&self) -> usize {
        self.living
    }

    /// How many places there are, removed documents' among them. Ordinals are below it.
    pub(crate) fn places(&self) -> usize {
        self.numbers.len()
    }

    /// Whether so many places are of removed documents that loading anew saves memory and time.
    pub(crate) fn is_sparse(&self) -> bool {
        self.places() > 1024 && self.living < self.places() / 2
    }
}
