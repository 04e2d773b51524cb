//! Everything that changes an index.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use vetted_corpus::{Document, Passage};

use crate::error::{Error, Result};
use crate::index::Index;
use crate::query::check_vector;
use crate::shared::{Shared, lock};
use crate::state::{Added, Change};
use crate::store::Transaction;
use crate::text::Words;
use crate::vectors;

/// A document with its passages and their vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The document. Its id is not empty.
    pub document: Document,
    /// Its passages, each with its vector. Without any, only BM25 finds the document.
    pub passages: Vec<(Passage, Vec<f32>)>,
    /// What the second tier keeps of it, if anything. This crate keeps it and does not look into it.
    pub views: Option<Vec<u8>>,
}

/// What [`Index::upsert`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Upserted {
    /// Documents that were not there before.
    pub added: usize,
    /// Documents that took the place of one with the same id.
    pub replaced: usize,
    /// Entries that were left out because a later one of the same batch has the same id.
    pub duplicates: usize,
}

impl Index {
    /// Writes documents, in place of those with the same ids. When it returns `Ok`, all of them are on disk, whatever
    /// happens next; otherwise none of them is. Of several entries with one id the last counts. Searches that begin
    /// afterwards find them in every mode.
    ///
    /// A call is one transaction, and each waits for the disk: a few hundred documents at a time are best.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::EmptyId`], [`Error::Dimensions`], [`Error::NotFinite`], [`Error::StoreFull`],
    /// [`Error::DiskFull`], [`Error::BatchTooLarge`].
    pub fn upsert(&self, entries: Vec<Entry>) -> Result<Upserted> {
        self.write(entries, &HashMap::new())
    }

    pub(crate) fn write(&self, entries: Vec<Entry>, origins: &HashMap<String, String>) -> Result<Upserted> {
        let background = self.writer()?;
        for entry in &entries {
            self.check_entry(entry)?;
        }
        let mut upserted = Upserted::default();
        let last: HashMap<String, usize> =
            entries.iter().enumerate().map(|(at, entry)| (entry.document.id.clone(), at)).collect();
        upserted.duplicates = entries.len() - last.len();
        if entries.is_empty() {
            return Ok(upserted);
        }
        let entries = entries.into_iter().enumerate().filter(|(at, entry)| last.get(&entry.document.id) == Some(at));
        let entries: Vec<Entry> = entries.map(|(_, entry)| entry).collect();
        let words = Words::later(entries.iter().map(|entry| entry.document.full_text().into_owned()).collect());
        if self.shared.words_asked.load(Ordering::Relaxed) {
            words.count();
        }

        let writing = lock(&self.shared.writing);
        let mut transaction = self.shared.store.begin()?;
        let mut added = Vec::with_capacity(entries.len());
        for Entry { document, passages, views } in entries {
            match transaction.remove(&document.id)? {
                true => upserted.replaced += 1,
                false => upserted.added += 1,
            }
            let (passages, vectors): (Vec<_>, Vec<_>) = passages.into_iter().unzip();
            let vectors = vectors.concat();
            let number = transaction.insert(&document, &passages, &vectors, views.as_deref())?;
            if let Some(origin) = origins.get(&document.id) {
                transaction.set_origins(&document.id, std::slice::from_ref(origin))?;
            }
            added.push(Added { number, id: document.id.into(), vectors });
        }
        let changed = added.len();
        self.shared.commit(transaction, added, Some(words))?;
        drop(writing);
        background.changed(&self.shared, changed);
        Ok(upserted)
    }

    /// Replaces [`Entry::views`] of documents, all of them or, on an error, none, and returns how many were there. Ids that
    /// are not there are no error.
    ///
    /// # Errors
    /// As [`upsert`](Self::upsert).
    pub fn set_views(&self, views: &[(String, Vec<u8>)]) -> Result<usize> {
        self.writer()?;
        let _writing = lock(&self.shared.writing);
        let mut transaction = self.shared.store.begin()?;
        let mut set = 0;
        for (id, views) in views {
            set += usize::from(transaction.set_views(id, views)?);
        }
        self.shared.commit(transaction, Vec::new(), None)?;
        Ok(set)
    }

    /// Removes documents, all of them or, on an error, none, and returns how many were there. Ids that are not there
    /// are no error. Searches that begin afterwards do not find them in any mode.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::DiskFull`].
    pub fn delete<Id: AsRef<str>>(&self, ids: &[Id]) -> Result<usize> {
        let background = self.writer()?;
        let writing = lock(&self.shared.writing);
        let mut transaction = self.shared.store.begin()?;
        let mut removed = 0;
        for id in ids {
            removed += usize::from(transaction.remove(id.as_ref())?);
        }
        if removed == 0 {
            return Ok(0);
        }
        self.shared.commit(transaction, Vec::new(), None)?;
        drop(writing);
        background.changed(&self.shared, removed);
        Ok(removed)
    }

    /// Brings the text index and the graph of the vectors on disk up to date with the store. Call it when there is
    /// nothing more to write.
    ///
    /// Searches find everything at any time, of this process and of others, and are quick again only then. What is not done
    /// by the time the process ends is done when the index is next searched.
    ///
    /// An index of less than [`Settings::graph_from`](crate::Settings::graph_from) passages has no graph. Linking a passage
    /// takes 0.4 to 0.7 ms of one processor, and a million six minutes on two; searches and changes go on meanwhile.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]; [`Error::Text`], [`Error::Graph`] or [`Error::Io`] if the caches cannot be written, while the
    /// store is as it should be.
    pub fn finish(&self) -> Result<()> {
        self.writer()?;
        self.shared.write_text_or_rebuild()?;
        self.shared.link()?; // while the text index merges its segments in the background
        self.shared.settle_text()
    }

    fn check_entry(&self, entry: &Entry) -> Result<()> {
        let Document { id, title, .. } = &entry.document;
        if id.is_empty() {
            return Err(Error::EmptyId { title: title.clone() });
        }
        let dimensions = self.shared.manifest.encoder.dimensions;
        entry.passages.iter().try_for_each(|(_, vector)| check_vector(vector, dimensions, Some(id)))
    }
}

impl Shared {
    /// Makes a transaction durable, and its state the current one. Searches go on: until the transaction is on disk they
    /// read the state before it, and then the one after it. The caller holds the lock of those who write.
    pub(crate) fn commit(
        &self,
        transaction: Transaction<'_>,
        added: Vec<Added>,
        words: Option<Arc<Words>>,
    ) -> Result<()> {
        let removed = transaction.removed().to_vec();
        let change = Change { sequence: transaction.sequence(), removed, added, has_vectors: true, words };
        let mut current = self.states.current();
        let mut next = Arc::new(current.after(&change));
        self.states.announce(next.clone());
        if let Err(error) = transaction.commit() {
            self.states.withdraw();
            return Err(error);
        }
        while !self.states.replace(&current, next) {
            // A search has loaded what no search had needed before.
            current = self.states.current();
            next = Arc::new(current.after(&change));
        }
        Ok(())
    }

    /// Brings the graph of the vectors up to date.
    fn link(&self) -> Result<()> {
        let _one_at_a_time = lock(&self.linking);
        let folder = self.vectors_folder();
        make_folder(&folder)?;
        let notice = vectors::refresh(&folder, &self.store.read()?, &self.settings)?;
        notice.into_iter().for_each(|notice| self.notices.add(notice));
        // Searches that have asked for vectors go on with the new graph; others will open it.
        if self.states.current().vectors.as_ref().is_some_and(|vectors| !self.is_newest(vectors)) {
            let (state, reading) = self.moment()?;
            self.load_vectors(&state, &reading, |vectors| self.is_newest(vectors))?;
        }
        Ok(())
    }
}

/// Makes a folder, and those that it lies in.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|source| Error::Io { action: "create", path: path.to_owned(), source })
}
