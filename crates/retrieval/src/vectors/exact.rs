//! The exact vector index: every passage's vector, in memory.
//!
//! Vectors lie in blocks that never change and that the moments of an index share. What is written is a block of its own;
//! small blocks are joined so that each vector is copied a dozen times at most, and a block of which more than half is of
//! removed documents is made anew without them.

use std::ops::Range;
use std::sync::Arc;

use vetted_kernels::{Isa, Team, dots};

use crate::bits::Bits;
use crate::error::Result;
use crate::ranking::{Best, Candidate};
use crate::roster::{Ordinal, Renumbering, Roster};
use crate::store::Reading;

/// How many rows are scanned at a time: 512 rows of 384 values are 768 KiB, about a second-level cache.
const ROWS_AT_A_TIME: usize = 512;
/// A block of so many rows is not joined with others any more.
const FULL: usize = 4096;

/// All vectors, for scanning. A clone shares them.
#[derive(Clone)]
pub(super) struct ExactScan {
    dimensions: usize,
    /// In the order of their owners, which ascend.
    blocks: Vec<Shared>,
}

#[derive(Clone)]
struct Shared {
    block: Arc<Block>,
    /// How many rows are of removed documents.
    removed: usize,
}

/// Some vectors, one after the other.
#[derive(Default)]
struct Block {
    values: Vec<f32>,
    /// By row, whose it is. Ascends, and so a document's rows lie together.
    owners: Vec<Ordinal>,
}

impl ExactScan {
    /// Loads the vectors of every document in `roster`.
    pub(super) fn load(reading: &Reading, roster: &Roster) -> Result<Self> {
        let mut scan = Self { dimensions: reading.dimensions(), blocks: Vec::new() };
        scan.load_from(0, reading, roster)?;
        Ok(scan)
    }

    /// Loads the vectors of the documents from an ordinal on, which is greater than all before it.
    pub(super) fn load_from(&mut self, first: Ordinal, reading: &Reading, roster: &Roster) -> Result<()> {
        let mut block = Block::default();
        for ordinal in roster.alive().from(first) {
            let vectors = reading.vectors(roster.number(ordinal))?;
            vectors.read(&mut block.values);
            block.own(ordinal, vectors.len());
            if block.rows() >= FULL {
                self.push(std::mem::take(&mut block), roster.alive());
            }
        }
        self.push(block, roster.alive());
        Ok(())
    }

    /// Adds documents whose ordinals ascend and are greater than all before.
    pub(super) fn add<'a>(&mut self, documents: impl Iterator<Item = (Ordinal, &'a [f32])>, alive: &Bits) {
        let mut block = Block::default();
        for (ordinal, vectors) in documents {
            block.values.extend_from_slice(vectors);
            block.own(ordinal, vectors.len() / self.dimensions);
        }
        self.push(block, alive);
    }

    /// Takes note that a document was removed, so that it is not `alive` any more.
    pub(super) fn remove(&mut self, ordinal: Ordinal, alive: &Bits) {
        let at = self.block_of(ordinal);
        let Some(shared) = self.blocks.get_mut(at) else { return };
        shared.removed += shared.block.rows_of(ordinal).len();
        if shared.removed > shared.block.rows() / 2 {
            *shared = Shared { block: Arc::new(Block::joined([&*shared.block], alive, self.dimensions)), removed: 0 };
            if self.blocks[at].block.owners.is_empty() {
                self.blocks.remove(at);
            }
        }
    }

    /// The same vectors under new ordinals.
    pub(super) fn renumbered(&self, ordinals: &Renumbering) -> Self {
        let mut scan = Self { dimensions: self.dimensions, blocks: Vec::new() };
        let mut into = Block::default();
        for Shared { block, .. } in &self.blocks {
            for (row, owner) in block.owners.iter().enumerate() {
                if let Some(owner) = ordinals.of(*owner) {
                    into.values.extend_from_slice(block.values_of(row..row + 1, self.dimensions));
                    into.own_another(owner);
                }
            }
            if into.rows() >= FULL {
                scan.blocks.push(Shared { block: Arc::new(std::mem::take(&mut into)), removed: 0 });
            }
        }
        if !into.owners.is_empty() {
            scan.blocks.push(Shared { block: Arc::new(into), removed: 0 });
        }
        scan
    }

    /// How many vectors there are, those of some removed documents among them.
    pub(super) fn len(&self) -> usize {
        self.blocks.iter().map(|shared| shared.block.rows()).sum()
    }

    /// The `k` documents among those `allowed` whose best passage has the greatest inner product with `query`.
    ///
    /// A row's product does not depend on how rows are divided among threads, and the ranking does not depend on the
    /// order in which candidates come, so the result is the same for any team.
    pub(super) fn nearest<'roster>(
        &self,
        query: &[f32],
        k: usize,
        allowed: &Bits,
        roster: &'roster Roster,
        team: &mut Team,
    ) -> Vec<Candidate<'roster>> {
        let pieces = self.pieces();
        // A few shares per thread even out the load; each costs a heap of `k`.
        let shares = if team.size() == 1 { 1 } else { 4 * team.size() };
        let mut shares: Vec<_> =
            pieces.chunks(pieces.len().div_ceil(shares).max(1)).map(|pieces| (pieces, Vec::new())).collect();
        team.each(shares.iter_mut(), |(pieces, ranking)| {
            let (mut best, mut scores) = (Best::new(k, roster), Vec::new());
            for (block, rows) in pieces.iter() {
                let owners = &block.owners[rows.clone()];
                if !owners.iter().any(|owner| allowed.get(*owner)) {
                    continue;
                }
                scores.resize(rows.len(), 0.0);
                dots(Isa::detect(), query, block.values_of(rows.clone(), self.dimensions), &mut scores);
                let mut row = 0;
                for rows in owners.chunk_by(Ordinal::eq) {
                    let scores = &scores[row..row + rows.len()];
                    row += rows.len();
                    if allowed.get(rows[0]) {
                        best.offer(rows[0], scores.iter().copied().fold(f32::NEG_INFINITY, f32::max));
                    }
                }
            }
            *ranking = best.into_ranking();
        });
        let mut ranking: Vec<_> = shares.into_iter().flat_map(|(_, ranking)| ranking).collect();
        ranking.sort_unstable_by(Candidate::rank);
        ranking.truncate(k);
        ranking
    }

    /// The best passage of one document for `query`, as its index and inner product; `None` if it has no passages.
    pub(super) fn best_passage(&self, query: &[f32], ordinal: Ordinal) -> Option<(u32, f32)> {
        let vectors = self.vectors(ordinal);
        let mut scores = vec![0.0; vectors.len() / self.dimensions];
        dots(Isa::detect(), query, vectors, &mut scores);
        let better = |best: (u32, f32), next: (u32, f32)| if next.1 > best.1 { next } else { best };
        (0..).zip(scores).reduce(better)
    }

    /// The vectors of one document, one after the other.
    pub(super) fn vectors(&self, ordinal: Ordinal) -> &[f32] {
        let Some(Shared { block, .. }) = self.blocks.get(self.block_of(ordinal)) else { return &[] };
        block.values_of(block.rows_of(ordinal), self.dimensions)
    }

    /// Where the block is that holds a document, if any does.
    fn block_of(&self, ordinal: Ordinal) -> usize {
        self.blocks.partition_point(|shared| shared.block.owners.last().is_some_and(|last| *last < ordinal))
    }

    /// Adds a block at the end, and joins it with those before that are not much larger.
    fn push(&mut self, block: Block, alive: &Bits) {
        if block.owners.is_empty() {
            return;
        }
        let mut last = block;
        while let Some(Shared { block: before, .. }) = self.blocks.last()
            && before.rows() < FULL
            && before.rows() <= 2 * last.rows()
        {
            last = Block::joined([&**before, &last], alive, self.dimensions);
            self.blocks.pop();
        }
        self.blocks.push(Shared { block: Arc::new(last), removed: 0 });
    }

    /// All rows in pieces of about [`ROWS_AT_A_TIME`] that keep each document's rows together.
    fn pieces(&self) -> Vec<(&Block, Range<usize>)> {
        let mut pieces = Vec::with_capacity(self.blocks.len() + self.len() / ROWS_AT_A_TIME);
        for Shared { block, .. } in &self.blocks {
            let mut start = 0;
            while start < block.rows() {
                let mut end = (start + ROWS_AT_A_TIME).min(block.rows());
                let last = block.owners[end - 1];
                end += block.owners[end..].partition_point(|owner| *owner == last);
                pieces.push((&**block, start..end));
                start = end;
            }
        }
        pieces
    }
}

impl Block {
    /// The rows of living documents in some blocks, in the blocks' order.
    fn joined<'a>(blocks: impl IntoIterator<Item = &'a Block>, alive: &Bits, dimensions: usize) -> Block {
        let mut joined = Block::default();
        for block in blocks {
            let mut row = 0;
            for rows in block.owners.chunk_by(Ordinal::eq) {
                if alive.get(rows[0]) {
                    joined.values.extend_from_slice(block.values_of(row..row + rows.len(), dimensions));
                    joined.own(rows[0], rows.len());
                }
                row += rows.len();
            }
        }
        joined
    }

    fn rows(&self) -> usize {
        self.owners.len()
    }

    fn rows_of(&self, ordinal: Ordinal) -> Range<usize> {
        let first = self.owners.partition_point(|owner| *owner < ordinal);
        first..first + self.owners[first..].partition_point(|owner| *owner == ordinal)
    }

    fn values_of(&self, rows: Range<usize>, dimensions: usize) -> &[f32] {
        &self.values[rows.start * dimensions..rows.end * dimensions]
    }

    fn own(&mut self, ordinal: Ordinal, rows: usize) {
        debug_assert!(self.owners.last().is_none_or(|last| *last < ordinal));
        self.owners.extend(std::iter::repeat_n(ordinal, rows));
    }

    fn own_another(&mut self, ordinal: Ordinal) {
        debug_assert!(self.owners.last().is_none_or(|last| *last <= ordinal));
        self.owners.push(ordinal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vector(number: u64, passage: u64) -> [f32; 2] {
        let angle = (number * 37 + passage * 11) as f32;
        [angle.sin(), angle.cos()]
    }

    proptest! {
        #[test]
        fn joined_and_renumbered_blocks_hold_what_was_added(
            steps in prop::collection::vec((0..400u64, prop::collection::vec(0..6000u64, 0..300), any::<bool>()), 1..25),
        ) {
            let mut roster = Roster::default();
            let mut scan = ExactScan { dimensions: 2, blocks: Vec::new() };
            let mut next = 0;
            for (added, removed, renumber) in steps {
                for number in removed {
                    if let Some(ordinal) = roster.remove(number) {
                        scan.remove(ordinal, roster.alive());
                    }
                }
                let passages = |number: u64| (0..number % 4).flat_map(|at| vector(number, at)).collect::<Vec<f32>>();
                let new: Vec<_> = (next..next + added).map(|it| (roster.add(it, it.to_string().into()), passages(it))).collect();
                next += added;
                scan.add(new.iter().map(|(ordinal, vectors)| (*ordinal, vectors.as_slice())), roster.alive());
                if renumber {
                    let (renumbered, ordinals) = roster.renumbered();
                    (scan, roster) = (scan.renumbered(&ordinals), renumbered);
                }
                let mut rows = 0;
                for (ordinal, number) in roster.living() {
                    prop_assert_eq!(scan.vectors(ordinal), passages(number));
                    rows += number as usize % 4;
                }
                prop_assert!(scan.len() <= 2 * rows + FULL, "{} rows of {}", scan.len(), rows);
                let query = [0.3, -0.9];
                let found = |team: &mut Team| -> Vec<_> {
                    let ranking = scan.nearest(&query, 7, roster.alive(), &roster, team);
                    ranking.iter().map(|it| (it.ordinal, it.score)).collect()
                };
                let mut expected: Vec<_> = roster.living().filter_map(|(it, _)| Some((it, scan.best_passage(&query, it)?.1))).collect();
                expected.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| roster.id(a.0).cmp(roster.id(b.0))));
                expected.truncate(7);
                prop_assert_eq!(found(&mut Team::alone()), expected);
            }
        }
    }
}
