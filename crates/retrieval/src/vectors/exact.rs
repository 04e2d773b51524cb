//! The exact vector index: every passage's vector, in memory, one after the other.

use std::ops::Range;

use rayon::prelude::*;
use vetted_kernels::{Isa, dots};

use crate::error::Result;
use crate::ranking::{Best, Candidate};
use crate::roster::{Ordinal, Roster};
use crate::store::Snapshot;

/// How many rows one thread scans at a time: 512 rows of 384 values are 768 KiB, about a second-level cache.
const ROWS_AT_A_TIME: usize = 512;

/// All vectors, for scanning.
pub(super) struct ExactScan {
    dimensions: usize,
    values: Vec<f32>,
    /// By row, whose it is. Ascends, and so a document's rows lie together.
    owners: Vec<Ordinal>,
}

impl ExactScan {
    /// Loads the vectors of every document in `roster`.
    pub(super) fn load(snapshot: &Snapshot<'_>, roster: &Roster) -> Result<Self> {
        let mut scan = Self { dimensions: snapshot.dimensions(), values: Vec::new(), owners: Vec::new() };
        scan.values.reserve(snapshot.vectors_hint() / size_of::<f32>());
        for (ordinal, number) in roster.living() {
            scan.load_one(snapshot, ordinal, number)?;
        }
        scan.values.shrink_to_fit();
        Ok(scan)
    }

    /// Loads one more document, whose ordinal is greater than all before it.
    pub(super) fn load_one(&mut self, snapshot: &Snapshot<'_>, ordinal: Ordinal, number: u64) -> Result<()> {
        let vectors = snapshot.vectors(number)?;
        vectors.read(&mut self.values);
        self.own(ordinal, vectors.len());
        Ok(())
    }

    /// Adds one more document, whose ordinal is greater than all before it.
    pub(super) fn add(&mut self, ordinal: Ordinal, vectors: &[f32]) {
        self.values.extend_from_slice(vectors);
        self.own(ordinal, vectors.len() / self.dimensions);
    }

    /// How many vectors there are, those of removed documents among them.
    pub(super) fn len(&self) -> usize {
        self.owners.len()
    }

    /// The `k` documents among those `allowed` whose best passage has the greatest inner product with `query`.
    ///
    /// A row's product does not depend on how rows are divided among threads, and the ranking does not depend on the
    /// order in which candidates come, so the result is the same for any number of threads.
    pub(super) fn nearest<'roster>(
        &self,
        query: &[f32],
        k: usize,
        allowed: &[bool],
        ids: &'roster [Box<str>],
    ) -> Vec<Candidate<'roster>> {
        let blocks = self.blocks();
        // A few pieces per thread even out the load; each costs a heap of `k`.
        let piece = blocks.len().div_ceil(4 * rayon::current_num_threads());
        let rankings = blocks.into_par_iter().with_min_len(piece.max(1)).fold(
            || (Best::new(k, ids), Vec::new()),
            |(mut best, mut scores), block| {
                scores.resize(block.len(), 0.0);
                dots(Isa::detect(), query, self.rows(&block), &mut scores);
                let mut row = 0;
                for rows in self.owners[block].chunk_by(Ordinal::eq) {
                    let scores = &scores[row..row + rows.len()];
                    row += rows.len();
                    if allowed[rows[0] as usize] {
                        best.offer(rows[0], scores.iter().copied().fold(f32::NEG_INFINITY, f32::max));
                    }
                }
                (best, scores)
            },
        );
        let mut ranking: Vec<_> = rankings.flat_map_iter(|(best, _)| best.into_ranking()).collect();
        ranking.sort_unstable_by(Candidate::rank);
        ranking.truncate(k);
        ranking
    }

    /// The best passage of one document for `query`, as its index and inner product; `None` if it has no passages.
    pub(super) fn best_passage(&self, query: &[f32], ordinal: Ordinal) -> Option<(u32, f32)> {
        let rows = self.rows_of(ordinal);
        let mut scores = vec![0.0; rows.len()];
        dots(Isa::detect(), query, self.rows(&rows), &mut scores);
        let better = |best: (u32, f32), next: (u32, f32)| if next.1 > best.1 { next } else { best };
        (0..).zip(scores).reduce(better)
    }

    /// The vectors of one document, one after the other.
    pub(super) fn vectors(&self, ordinal: Ordinal) -> &[f32] {
        self.rows(&self.rows_of(ordinal))
    }

    fn rows_of(&self, ordinal: Ordinal) -> Range<usize> {
        let first = self.owners.partition_point(|owner| *owner < ordinal);
        first..first + self.owners[first..].partition_point(|owner| *owner == ordinal)
    }

    /// All rows in blocks of about [`ROWS_AT_A_TIME`] that keep each document's rows together.
    fn blocks(&self) -> Vec<Range<usize>> {
        let mut blocks = Vec::with_capacity(self.len() / ROWS_AT_A_TIME + 1);
        let mut start = 0;
        while start < self.len() {
            let mut end = (start + ROWS_AT_A_TIME).min(self.len());
            let last = self.owners[end - 1];
            end += self.owners[end..].partition_point(|owner| *owner == last);
            blocks.push(start..end);
            start = end;
        }
        blocks
    }

    fn rows(&self, block: &Range<usize>) -> &[f32] {
        &self.values[block.start * self.dimensions..block.end * self.dimensions]
    }

    fn own(&mut self, ordinal: Ordinal, rows: usize) {
        debug_assert!(self.owners.last().is_none_or(|last| *last < ordinal));
        self.owners.extend(std::iter::repeat_n(ordinal, rows));
    }
}
