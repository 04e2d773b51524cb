//! Whose the rows of a graph are.

use super::file::Occurrence;
use crate::roster::{Ordinal, Renumbering, Roster};

/// By row, the documents that have a passage with its vector.
pub(super) struct Owners {
    /// By row, where its documents begin, and at last where they end.
    first: Vec<usize>,
    /// The documents, row by row.
    ordinals: Vec<Ordinal>,
}

impl Owners {
    /// The owners of a graph of so many rows. Passages of documents that are not in the roster have none.
    pub(super) fn new(rows: usize, passages: &[Occurrence], roster: &Roster) -> Self {
        let mut owned: Vec<(u64, Ordinal)> =
            passages.iter().filter_map(|it| Some((it.row, roster.ordinal(it.number)?))).collect();
        owned.sort_unstable();
        owned.dedup();
        Self::of_sorted(rows, &owned)
    }

    /// The same owners under new ordinals.
    pub(super) fn renumbered(&self, ordinals: &Renumbering) -> Self {
        let rows = 0..self.rows() as u64;
        let owned = rows.flat_map(|row| self.of(row).iter().filter_map(move |owner| Some((row, ordinals.of(*owner)?))));
        Self::of_sorted(self.rows(), &owned.collect::<Vec<_>>())
    }

    fn of_sorted(rows: usize, owned: &[(u64, Ordinal)]) -> Self {
        let mut first = Vec::with_capacity(rows + 1);
        let mut at = 0;
        for row in 0..=rows as u64 {
            at += owned[at..].iter().take_while(|(it, _)| *it < row).count();
            first.push(at);
        }
        Self { first, ordinals: owned.iter().map(|(_, ordinal)| *ordinal).collect() }
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.first.len() - 1
    }

    /// The documents of one row, ascending; none if there is no such row.
    pub(super) fn of(&self, row: u64) -> &[Ordinal] {
        let bounds = |row: usize| Some(*self.first.get(row)?..*self.first.get(row + 1)?);
        usize::try_from(row).ok().and_then(bounds).and_then(|range| self.ordinals.get(range)).unwrap_or_default()
    }

    /// The rows of each of the documents below `places`.
    pub(super) fn invert(&self, places: usize) -> Vec<Vec<u64>> {
        let mut rows = vec![Vec::new(); places];
        for row in 0..self.rows() as u64 {
            for ordinal in self.of(row) {
                rows[*ordinal as usize].push(row);
            }
        }
        rows
    }
}
