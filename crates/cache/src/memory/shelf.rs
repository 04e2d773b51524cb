//! One scope's entries: by id, by prompt and by vector.
//!
//! Beside each vector stands its *sketch*, a bit for the sign of every value. A search counts differing bits of all sketches, and
//! computes the cosines of the few hundred entries that differ least: a thirtieth of the memory is read that all vectors take.
//! How many of the nearest this finds is measured in [decision 10](https://github.com/vetted/vetted/blob/main/docs/decisions/0010-semantic-cache.md).

use std::collections::{BinaryHeap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use vetted_kernels::{Isa, differing_bits, dot};

use super::in_time;
use crate::{BackendError, Candidate, Entry, EntryId, Scope, Wanted};

/// Rows of a block. A change copies the sketches and pointers of one block if a search still reads it: 56 KiB.
const ROWS: usize = 1024;
/// So many entries are compared by their vectors, of those whose sketches differ least.
const COMPARED: usize = 256;
/// And at least so many for each that is wanted.
const COMPARED_FOR_EACH: usize = 32;

/// An entry that is kept, and when it was used.
pub(super) struct Kept {
    entry: Arc<Entry>,
    slot: usize,
    used: AtomicU64,
}

pub(super) struct Shelf {
    scope: Scope,
    /// Values of a vector; 0 as long as no entry has one.
    dimensions: usize,
    by_id: HashMap<EntryId, Arc<Kept>>,
    /// By a hash of the prompt: of several entries with one, all are looked at.
    by_prompt: HashMap<u64, Vec<usize>>,
    blocks: Vec<Arc<Block>>,
    free: Vec<usize>,
}

/// What a search reads: never changes while it does.
pub(super) struct Rows {
    dimensions: usize,
    blocks: Vec<Arc<Block>>,
}

#[derive(Clone, Default)]
struct Block {
    sketches: Vec<u64>,
    kept: Vec<Option<Arc<Kept>>>,
}

impl Kept {
    pub(super) fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }

    /// The number of its last use.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    pub(super) fn set_used(&self, number: u64) {
        self.used.fetch_max(number, Ordering::Relaxed);
    }
}

impl Shelf {
    pub(super) fn new(scope: Scope) -> Shelf {
        let (by_id, by_prompt) = (HashMap::new(), HashMap::new());
        Shelf { scope, dimensions: 0, by_id, by_prompt, blocks: Vec::new(), free: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Kept>> {
        self.by_id.values()
    }

    pub(super) fn live(&self, now: SystemTime) -> usize {
        self.all().filter(|kept| !kept.entry.is_over(now)).count()
    }

    pub(super) fn kept(&self, id: &EntryId) -> Option<&Arc<Kept>> {
        self.by_id.get(id)
    }

    pub(super) fn get(&self, id: &EntryId) -> Option<&Arc<Entry>> {
        self.kept(id).map(|kept| &kept.entry)
    }

    pub(super) fn exact(&self, wanted: &Wanted<'_>) -> Option<Arc<Entry>> {
        let slots = self.by_prompt.get(&hash(wanted.prompt))?;
        let entries = slots.iter().filter_map(|slot| self.at(*slot)).map(|kept| &kept.entry);
        let fitting = entries.filter(|it| it.prompt == wanted.prompt && fits(it, wanted));
        fitting.max_by_key(|it| it.stored_at).cloned()
    }

    pub(super) fn rows(&self) -> Rows {
        Rows { dimensions: self.dimensions, blocks: self.blocks.clone() }
    }

    /// An entry without a vector is found by its id and its prompt only.
    pub(super) fn check_length(&self, vector: &[f32]) -> Result<(), BackendError> {
        check_length(self.dimensions, vector)
    }

    /// Of an id that is not there.
    pub(super) fn add(&mut self, entry: Arc<Entry>) -> Arc<Kept> {
        let slot = self.free.pop().unwrap_or_else(|| self.next_slot());
        // One copy of the scope for all.
        let mut entry = Arc::unwrap_or_clone(entry);
        entry.scope = self.scope.clone();
        if self.dimensions == 0 && !entry.vector.is_empty() {
            self.dimensions = entry.vector.len();
            let words = self.dimensions.div_ceil(64);
            for block in &mut self.blocks {
                let block = Arc::make_mut(block);
                block.sketches = vec![0; words * block.kept.len()];
            }
        }
        let kept = Arc::new(Kept { entry: Arc::new(entry), slot, used: AtomicU64::new(0) });
        let entry = &kept.entry;
        self.by_id.insert(entry.id.clone(), kept.clone());
        self.by_prompt.entry(hash(&entry.prompt)).or_default().push(slot);
        let words = self.dimensions.div_ceil(64);
        if let Some(block) = self.blocks.get_mut(slot / ROWS) {
            let (block, row) = (Arc::make_mut(block), slot % ROWS);
            block.kept[row] = Some(kept.clone());
            write_sketch(&entry.vector, &mut block.sketches[row * words..(row + 1) * words]);
        }
        kept
    }

    pub(super) fn remove(&mut self, id: &EntryId) -> Option<Arc<Kept>> {
        let kept = self.by_id.remove(id)?;
        let key = hash(&kept.entry.prompt);
        if let Some(slots) = self.by_prompt.get_mut(&key) {
            slots.retain(|slot| *slot != kept.slot);
            if slots.is_empty() {
                self.by_prompt.remove(&key);
            }
        }
        if let Some(block) = self.blocks.get_mut(kept.slot / ROWS) {
            Arc::make_mut(block).kept[kept.slot % ROWS] = None;
        }
        self.free.push(kept.slot);
        Some(kept)
    }

    /// A row at the end.
    fn next_slot(&mut self) -> usize {
        let words = self.dimensions.div_ceil(64);
        if self.blocks.last().is_none_or(|block| block.kept.len() == ROWS) {
            self.blocks.push(Arc::default());
        }
        let before = (self.blocks.len() - 1) * ROWS;
        let Some(block) = self.blocks.last_mut().map(Arc::make_mut) else { return before };
        block.kept.push(None);
        block.sketches.resize(words * block.kept.len(), 0);
        before + block.kept.len() - 1
    }

    fn at(&self, slot: usize) -> Option<&Arc<Kept>> {
        self.blocks.get(slot / ROWS)?.kept[slot % ROWS].as_ref()
    }
}

impl Rows {
    /// The nearest, as the contract of backends says.
    pub(super) fn nearest(
        &self,
        wanted: &Wanted<'_>,
        vector: &[f32],
        k: usize,
    ) -> Result<Vec<Candidate>, BackendError> {
        check_length(self.dimensions, vector)?;
        if k == 0 || vector.is_empty() {
            return Ok(Vec::new());
        }
        let isa = Isa::detect();
        let rows: usize = self.blocks.iter().map(|block| block.kept.len()).sum();
        let compared = COMPARED.max(k.saturating_mul(COMPARED_FOR_EACH));
        let likely = if rows <= compared { self.all(wanted) } else { self.least_different(wanted, vector, compared)? };
        let cosine = |kept: &&Arc<Kept>| {
            let cosine = dot(isa, vector, &kept.entry.vector).clamp(-1.0, 1.0);
            Candidate { entry: kept.entry.clone(), cosine }
        };
        let mut candidates: Vec<Candidate> = likely.iter().map(cosine).collect();
        // Of equally near ones the newer first.
        candidates
            .sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then_with(|| b.entry.stored_at.cmp(&a.entry.stored_at)));
        candidates.truncate(k);
        Ok(candidates)
    }

    fn all(&self, wanted: &Wanted<'_>) -> Vec<&Arc<Kept>> {
        let all = self.blocks.iter().flat_map(|block| block.kept.iter().flatten());
        all.filter(|kept| !kept.entry.vector.is_empty() && fits(&kept.entry, wanted)).collect()
    }

    fn least_different(
        &self,
        wanted: &Wanted<'_>,
        vector: &[f32],
        count: usize,
    ) -> Result<Vec<&Arc<Kept>>, BackendError> {
        let isa = Isa::detect();
        let mut sketch = vec![0; self.dimensions.div_ceil(64)];
        write_sketch(vector, &mut sketch);
        let mut differing = [0; ROWS];
        // The most different of the best stands on top. Places are unique, so `Kept`s are never compared.
        let mut best: BinaryHeap<(u32, usize)> = BinaryHeap::with_capacity(count + 1);
        let mut limit = u32::MAX;
        for (number, block) in self.blocks.iter().enumerate() {
            if number % 16 == 0 {
                in_time(wanted.deadline)?;
            }
            let differing = &mut differing[..block.kept.len()];
            differing_bits(isa, &sketch, &block.sketches, differing);
            for (row, differing) in differing.iter().enumerate() {
                if *differing >= limit {
                    continue;
                }
                let Some(kept) = &block.kept[row] else { continue };
                if kept.entry.vector.is_empty() || !fits(&kept.entry, wanted) {
                    continue;
                }
                best.push((*differing, number * ROWS + row));
                if best.len() > count {
                    best.pop();
                    limit = best.peek().map_or(u32::MAX, |(differing, _)| *differing);
                }
            }
        }
        let kept = |(_, slot): (u32, usize)| self.blocks[slot / ROWS].kept[slot % ROWS].as_ref();
        Ok(best.into_iter().filter_map(kept).collect())
    }
}

fn check_length(expected: usize, vector: &[f32]) -> Result<(), BackendError> {
    match expected == 0 || vector.is_empty() || vector.len() == expected {
        true => Ok(()),
        false => Err(BackendError::Dimensions { expected, got: vector.len() }),
    }
}

fn fits(entry: &Entry, wanted: &Wanted<'_>) -> bool {
    !entry.is_over(wanted.now) && entry.fits(wanted.attributes)
}

fn hash(prompt: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    prompt.hash(&mut hasher);
    hasher.finish()
}

/// A bit for each value: whether it is positive.
fn write_sketch(vector: &[f32], sketch: &mut [u64]) {
    sketch.fill(0);
    for (values, word) in vector.chunks(64).zip(sketch) {
        *word = values.iter().enumerate().fold(0, |word, (bit, value)| word | u64::from(*value > 0.0) << bit);
    }
}
