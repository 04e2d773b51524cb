//! The approximate vector index: a hierarchical navigable small world graph (Malkov and Yashunin, *Efficient and robust
//! approximate nearest neighbor search using Hierarchical Navigable Small World graphs*, arXiv:1603.09320) over the
//! passages, by `usearch`. Its vectors are rounded to bf16, so it finds candidates and does not score them.
//!
//! The file is mapped into memory and never changed: a newer graph is a newer file, moved to the same name. So any number
//! of processes search one copy in memory, and a search is not disturbed by a writer.

mod build;
mod file;
mod owners;
mod seats;
mod threads;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use usearch::{IndexOptions, MetricKind, ScalarKind};

pub(crate) use build::refresh;
use file::{Contents, GRAPH};
pub(crate) use file::{Stamp, Unusable};
use owners::Owners;
use seats::Seats;

use crate::bits::Bits;
use crate::error::{Error, Result};
use crate::roster::{Ordinal, Renumbering, Roster};
use crate::store::Reading;
use crate::vectors::Scope;

/// Links of a passage in each layer above the lowest, which has twice as many: M in the paper. `docs/decisions/0001`
/// has the measurements behind this and the following numbers.
const CONNECTIVITY: usize = 16;
/// How many candidates are kept while a passage is linked: efConstruction in the paper.
const CANDIDATES_LINKING: usize = 128;
/// How many candidates a search keeps at least: ef in the paper. Recall@10 is 0.994 at 100,000 passages.
const CANDIDATES: usize = 128;
/// How many more for each doubling of the passages beyond [`FEW_PASSAGES`]: 194 at a million, where recall@10 is 0.990.
const CANDIDATES_PER_DOUBLING: usize = 20;
const FEW_PASSAGES: usize = 100_000;

/// What looking at one more candidate in the graph costs, in exact comparisons with a vector of the store.
const COMPARISONS_PER_CANDIDATE: usize = 7;

/// A graph as it is searched.
pub(crate) struct Graph {
    file: Arc<Mapped>,
    owners: Owners,
    /// Documents from this ordinal on are not in the graph.
    end: Ordinal,
    /// Documents before that which are not in it either: it may be newer than the moment that is searched, and be without
    /// what was removed since.
    lacking: Vec<Ordinal>,
}

/// The graph's file, as usearch reads it.
struct Mapped {
    path: PathBuf,
    index: usearch::Index,
    seats: Seats,
}

impl Graph {
    /// Opens the graph in `folder` for documents of `roster`, after comparing its checksum: usearch trusts its files.
    /// `counts` are the documents' numbers and how many passages each has.
    pub(super) fn open(
        folder: &Path,
        roster: &Roster,
        reading: &Reading,
        counts: &[(u64, u32)],
    ) -> std::result::Result<Self, Unusable> {
        let path = folder.join(GRAPH);
        let before = Stamp::of(folder);
        let Contents { end, passages, .. } =
            Contents::read(&path, reading.dimensions(), || reading.newest_sequence().ok())?;
        let seats = Seats::default();
        let index = empty(reading.dimensions())?;
        // Before it is opened: usearch takes the number of threads over.
        index.reserve_capacity_and_threads(0, seats.count()).map_err(Unusable::library)?;
        index.view(utf8(&path)?).map_err(Unusable::library)?;
        if Stamp::of(folder) != before {
            return Err(Unusable::Replaced);
        }
        if index.dimensions() != reading.dimensions() {
            return Err(Unusable::Format);
        }
        let owners = Owners::new(index.size(), &passages, roster);
        let held: HashSet<u64> = passages.iter().map(|passage| passage.number).collect();
        let lacking = counts.iter().filter(|(number, count)| *count > 0 && *number < end && !held.contains(number));
        let lacking = lacking.filter_map(|(number, _)| roster.ordinal(*number)).collect();
        Ok(Self { file: Arc::new(Mapped { path, index, seats }), owners, end: roster.first_from(end), lacking })
    }

    /// The same graph under new ordinals.
    pub(super) fn renumbered(&self, ordinals: &Renumbering) -> Self {
        Self {
            file: self.file.clone(),
            owners: self.owners.renumbered(ordinals),
            end: ordinals.first_from(self.end),
            lacking: self.lacking.iter().filter_map(|ordinal| ordinals.of(*ordinal)).collect(),
        }
    }

    /// How many different passages it has, those of removed documents among them.
    pub(super) fn len(&self) -> usize {
        self.owners.rows()
    }

    /// The documents that are not in the graph, ascending.
    pub(super) fn lacking<'a>(&'a self, alive: &'a Bits) -> impl Iterator<Item = Ordinal> + 'a {
        self.lacking.iter().copied().chain(alive.from(self.end))
    }

    /// Documents among which the `k` nearest are to be found, except for those that are [`lacking`](Graph::lacking). `None` where
    /// comparing all allowed ones is quicker, or the only way to find `k`.
    pub(super) fn candidates(&self, query: &[f32], k: usize, scope: Scope<'_>) -> Result<Option<Vec<Ordinal>>> {
        let places = self.end as usize;
        let allowed = scope.allowed.count_below(self.end);
        let mut wanted = self.breadth().max(k.saturating_mul(2));
        // Where a share of the documents is allowed, the graph looks at 1/share times as many.
        let comparisons = self.len() * allowed / places.max(1);
        let in_graph = COMPARISONS_PER_CANDIDATE.saturating_mul(wanted).saturating_mul(places) / allowed.max(1);
        if comparisons <= in_graph {
            return Ok(None);
        }
        loop {
            let rows = self.rows(query, wanted, scope.allowed)?;
            let documents = self.documents(&rows, k, scope);
            if documents.len() >= k {
                return Ok(Some(documents));
            }
            if rows.len() < wanted || wanted > self.len() / 8 {
                return Ok(None);
            }
            wanted *= 4;
        }
    }

    /// By ordinal below [`Graph::end`], the document's rows.
    pub(super) fn rows_by_document(&self) -> Vec<Vec<u64>> {
        self.owners.invert(self.end as usize)
    }

    /// Whether these rows hold these vectors, as far as rounding allows to tell.
    pub(super) fn holds(&self, rows: &[u64], vectors: &[f32]) -> bool {
        let dimensions = self.file.index.dimensions();
        let mut rounded = vec![0f32; rows.len() * dimensions];
        let mut held = rows.iter().zip(rounded.chunks_exact_mut(dimensions));
        if !held.all(|(row, into)| self.file.index.get(*row, into).is_ok_and(|count| count == 1)) {
            return false;
        }
        let same = |vector: &[f32], held: &[f32]| vector.iter().zip(held).all(|(value, held)| rounds_to(*value, *held));
        let (vectors, rounded) = (vectors.chunks_exact(dimensions), rounded.chunks_exact(dimensions));
        vectors.clone().all(|vector| rounded.clone().any(|held| same(vector, held)))
            && rounded.clone().all(|held| vectors.clone().any(|vector| same(vector, held)))
    }

    /// The nearest `wanted` rows that an allowed document has, nearest first.
    fn rows(&self, query: &[f32], wanted: usize, allowed: &Bits) -> Result<Vec<u64>> {
        let fits = |row| self.owners.of(row).iter().any(|owner| allowed.get(*owner));
        let found = {
            let _seat = self.file.seats.take();
            self.file.index.filtered_search(query, wanted, fits)
        };
        Ok(found.map_err(|source| failure(&self.file.path, "search", source))?.keys)
    }

    /// The allowed documents of these rows, in their order, and of one row in the order of their ids.
    fn documents(&self, rows: &[u64], k: usize, scope: Scope<'_>) -> Vec<Ordinal> {
        // The rows are ordered by rounded vectors. A few more than `k` make up for that; the rest is not worth reading.
        let enough = k.saturating_mul(2).saturating_add(32);
        let (mut seen, mut documents) = (HashSet::new(), Vec::new());
        for row in rows {
            let allowed = self.owners.of(*row).iter().filter(|owner| scope.allowed.get(**owner));
            let mut owners: Vec<Ordinal> = allowed.copied().collect();
            // All of them have the same score, so that those with the first ids are the ones to be found.
            owners.sort_unstable_by_key(|owner| scope.roster.id(*owner));
            documents.extend(owners.into_iter().take(k).filter(|owner| seen.insert(*owner)));
            if documents.len() >= enough {
                break;
            }
        }
        documents
    }

    /// How many candidates a search keeps at least.
    fn breadth(&self) -> usize {
        let doublings = (self.len() as f64 / FEW_PASSAGES as f64).log2().max(0.0);
        CANDIDATES + (CANDIDATES_PER_DOUBLING as f64 * doublings) as usize
    }
}

/// Whether `rounded` may be `value` in bf16, which keeps 8 significant bits.
fn rounds_to(value: f32, rounded: f32) -> bool {
    (value - rounded).abs() <= value.abs() / 128.0 + f32::MIN_POSITIVE
}

/// An index without passages.
fn empty(dimensions: usize) -> std::result::Result<usearch::Index, Unusable> {
    let options = IndexOptions {
        dimensions,
        metric: MetricKind::IP,
        quantization: ScalarKind::BF16,
        connectivity: CONNECTIVITY,
        expansion_add: CANDIDATES_LINKING,
        // A search keeps as many candidates as it is asked for, and is asked for as many as it should keep.
        expansion_search: 1,
        multi: false,
    };
    usearch::Index::new(&options).map_err(Unusable::library)
}

/// usearch wants its paths as text.
fn utf8(path: &Path) -> std::result::Result<&str, Unusable> {
    path.to_str().ok_or(Unusable::Path)
}

fn failure(path: &Path, action: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Graph { path: path.to_owned(), action, source: Box::new(source) }
}
