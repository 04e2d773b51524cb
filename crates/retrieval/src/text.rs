//! The text index: BM25 over titles and texts.
//!
//! It is a cache of the store in two parts: what tantivy holds on disk ([`Base`]), and the documents that tantivy does not
//! hold yet, in memory ([`Batch`]). Every living document is in exactly one of them, so what is found and how it is scored
//! does not depend on how far tantivy has come.

mod analysis;
mod base;
mod bm25;
mod directory;
mod files;
mod matching;
mod overlay;

pub use matching::matching_words;

use std::sync::Arc;

use tantivy::TantivyError;

use crate::bits::Bits;
use crate::error::Result;
use crate::roster::{Ordinal, Renumbering, Roster};
use crate::store::Reading;
pub(crate) use analysis::terms;
use base::Base;
pub(crate) use bm25::Matches;
#[cfg(any(feature = "qdrant", feature = "redis"))]
pub(crate) use bm25::{saturation, weight};
pub(crate) use files::{FOLDER, Files, Writer, failure};
use overlay::Batch;
pub(crate) use overlay::Words;
#[cfg(any(feature = "qdrant", feature = "redis"))]
pub(crate) use overlay::{length_of, rounded};

/// The text index at one moment. A clone shares nearly everything with the original.
#[derive(Clone)]
pub(crate) struct Text {
    files: Arc<Files>,
    base: Base,
    overlay: Vec<Batch>,
    /// The last transaction that is known to be in what tantivy holds.
    included: u64,
    /// Numbers of documents that tantivy holds and that were removed, by the transaction that removed them.
    gone: Vec<(u64, Arc<[u64]>)>,
}

/// What tantivy lacks, and what it has too much.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The numbers of documents that are to be added, ascending.
    pub(crate) added: Vec<u64>,
    /// The numbers of documents that are to be removed.
    pub(crate) removed: Vec<u64>,
}

impl Difference {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

impl Text {
    /// What tantivy holds on disk, compared with the documents of `roster`, which are those after transaction `sequence`.
    /// What it lacks is to be added by [`load_missing`](Self::load_missing).
    pub(crate) fn open(files: Files, roster: &Roster, sequence: u64) -> std::result::Result<Self, TantivyError> {
        let (base, strangers) = Base::read(&files, roster, None)?;
        let included = files.sequence()?.unwrap_or(0);
        let gone = vec![(sequence, strangers.into())];
        Ok(Self { files: Arc::new(files), base, overlay: Vec::new(), included, gone })
    }

    pub(crate) fn files(&self) -> &Arc<Files> {
        &self.files
    }

    /// The last transaction that is known to be in what tantivy holds.
    pub(crate) fn included(&self) -> u64 {
        self.included
    }

    /// How tantivy differs from the documents of `roster`.
    pub(crate) fn difference(&self, roster: &Roster) -> Difference {
        let lacking = roster.alive().without(&self.base.held());
        let added = lacking.from(0).map(|ordinal| roster.number(ordinal)).collect();
        Difference { added, removed: self.gone_numbers() }
    }

    /// [`difference`](Self::difference), from what was written and removed since tantivy was read. Costs as much as that is.
    pub(crate) fn recent_difference(&self, roster: &Roster) -> Difference {
        let overlay = self.overlay.iter().flat_map(|batch| batch.ordinals.iter().copied());
        let mut added: Vec<u64> =
            overlay.filter(|ordinal| roster.is_alive(*ordinal)).map(|ordinal| roster.number(ordinal)).collect();
        added.sort_unstable();
        Difference { added, removed: self.gone_numbers() }
    }

    /// How many bytes of text are kept because tantivy does not hold them yet.
    pub(crate) fn bytes_waiting(&self) -> usize {
        self.overlay.iter().map(|batch| batch.words.bytes()).sum()
    }

    /// Counts in memory the words of the documents that tantivy lacks.
    pub(crate) fn load_missing(&mut self, reading: &Reading, roster: &Roster) -> Result<()> {
        /// Texts are in memory until their words are counted.
        const TOGETHER: usize = 1024;
        let lacking: Vec<Ordinal> = roster.alive().without(&self.held()).from(0).collect();
        for ordinals in lacking.chunks(TOGETHER) {
            let first = self.overlay.len();
            self.load(ordinals.iter().copied(), reading, roster)?;
            self.overlay[first..].iter().for_each(|batch| batch.words.count());
        }
        Ok(())
    }

    /// Keeps in memory the documents from an ordinal on.
    pub(crate) fn load_from(&mut self, first: Ordinal, reading: &Reading, roster: &Roster) -> Result<()> {
        self.load(roster.alive().from(first), reading, roster)
    }

    fn load(&mut self, ordinals: impl Iterator<Item = Ordinal>, reading: &Reading, roster: &Roster) -> Result<()> {
        let ordinals: Vec<Ordinal> = ordinals.collect();
        let text = |ordinal: &Ordinal| reading.id_and_text(roster.number(*ordinal)).map(|(_, text)| text);
        let texts = ordinals.iter().map(text).collect::<Result<Vec<_>>>()?;
        self.add(ordinals, Words::later(texts));
        Ok(())
    }

    /// Takes in documents that were just written.
    pub(crate) fn add(&mut self, ordinals: Vec<Ordinal>, words: Arc<Words>) {
        if !ordinals.is_empty() {
            self.overlay.push(Batch { ordinals, words });
        }
    }

    /// Takes note that transaction `sequence` removed documents.
    pub(crate) fn remove(&mut self, sequence: u64, removed: &[(Ordinal, u64)]) {
        let in_base = removed.iter().filter(|(ordinal, _)| self.base.remove(*ordinal));
        let gone: Arc<[u64]> = in_base.map(|(_, number)| *number).collect();
        if !gone.is_empty() {
            self.gone.push((sequence, gone));
        }
    }

    /// The same documents with what tantivy holds now: all that was there after transaction `included`, of which all that
    /// was removed up to then was taken out. `roster` has the documents that this has.
    pub(crate) fn renewed(
        &self,
        files: &Arc<Files>,
        roster: &Roster,
        included: u64,
    ) -> std::result::Result<Self, TantivyError> {
        // Ordinals of segments that were there before are known; those of another folder's are not.
        let before = Arc::ptr_eq(files, &self.files).then_some(&self.base);
        let (base, strangers) = Base::read(files, roster, before)?;
        let overlay = self
            .overlay
            .iter()
            .filter_map(|batch| batch.retain(|ordinal| roster.is_alive(ordinal) && !base.holds(ordinal)));
        let overlay = overlay.collect();
        let mut gone: Vec<_> = self.gone.iter().filter(|(sequence, _)| *sequence > included).cloned().collect();
        if !strangers.is_empty() {
            gone.push((included + 1, strangers.into()));
        }
        Ok(Self { files: files.clone(), base, overlay, included: included.max(self.included), gone })
    }

    /// The same documents under new ordinals.
    pub(crate) fn renumbered(&self, ordinals: &Renumbering) -> Self {
        let overlay = self.overlay.iter().map(|batch| batch.renumbered(ordinals)).collect();
        Self { base: self.base.renumbered(ordinals), overlay, ..self.clone() }
    }

    /// The ordinals of the documents that are here.
    pub(crate) fn held(&self) -> Bits {
        let mut held = self.base.held();
        let overlay = self.overlay.iter().flat_map(|batch| &batch.ordinals);
        overlay.filter(|ordinal| **ordinal != NOBODY).for_each(|ordinal| held.set(*ordinal));
        held
    }

    /// The BM25 scores of the living documents that share a term with `query`.
    pub(crate) fn scores(&self, query: &str, roster: &Roster) -> Result<Matches> {
        bm25::scores(self, &terms(query), roster).map_err(|source| failure(self.files.path(), source))
    }

    fn gone_numbers(&self) -> Vec<u64> {
        let mut gone: Vec<u64> = self.gone.iter().flat_map(|(_, numbers)| numbers.iter().copied()).collect();
        gone.sort_unstable();
        gone.dedup();
        gone
    }
}

/// Stands for a document that is not in the roster, or not to be found here.
const NOBODY: Ordinal = Ordinal::MAX;
