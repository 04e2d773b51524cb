//! Writing to the store.

use heed::{PutFlags, RwTxn};
use vetted_corpus::{Document, Passage};

use super::{Changed, NEXT_NUMBER, Registration, SEQUENCE, Store, Table, Tables, fingerprint, records};
use crate::error::Result;

/// How many transactions the log reaches back. A process that searches and falls further behind reads all ids.
const LOGGED: u64 = 1024;

/// Changes that are going to be written together.
pub(crate) struct Transaction<'store> {
    store: &'store Store,
    writing: RwTxn<'store>,
    sequence: u64,
    first_number: u64,
    next_number: u64,
    removed: Vec<u64>,
}

impl<'store> Transaction<'store> {
    pub(super) fn new(store: &'store Store, writing: RwTxn<'store>) -> Result<Self> {
        let sequence = store.counter(&writing, SEQUENCE)? + 1;
        let next_number = store.counter(&writing, NEXT_NUMBER)?;
        Ok(Self { store, writing, sequence, first_number: next_number, next_number, removed: Vec::new() })
    }

    /// The store's sequence number once this is committed.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The numbers of the documents that were removed.
    pub(crate) fn removed(&self) -> &[u64] {
        &self.removed
    }

    /// Writes a document that is not there, and returns the number it got. `vectors` holds one row per passage.
    pub(crate) fn insert(
        &mut self,
        document: &Document,
        passages: &[Passage],
        vectors: &[f32],
        views: Option<&[u8]>,
    ) -> Result<u64> {
        let number = self.next_number;
        self.next_number += 1;
        let registration = Registration { number, fingerprint: fingerprint(document) };
        let written = (|| {
            let (writing, tables) = (&mut self.writing, self.store.tables);
            tables.ids.put(writing, &records::id_key(&document.id), &registration.encode())?;
            append(writing, tables.documents, number, &records::encode_document(document))?;
            if !document.metadata.is_empty() {
                append(writing, tables.metadata, number, &records::encode_metadata(document))?;
            }
            append(writing, tables.passages, number, &records::encode_passages(passages))?;
            append(writing, tables.vectors, number, &records::encode_vectors(vectors))?;
            match (tables.views, views) {
                (Some(table), Some(views)) => append(writing, table, number, views),
                _ => Ok(()),
            }
        })();
        written.map_err(|source| self.store.failure(source)).map(|()| number)
    }

    /// Gives a document other views; says whether it is there.
    pub(crate) fn set_views(&mut self, id: &str, views: &[u8]) -> Result<bool> {
        let store = self.store;
        let registration = store.registration(&self.writing, id)?;
        let (Some(Registration { number, .. }), Some(table)) = (registration, store.tables.views) else {
            return Ok(false);
        };
        table.put(&mut self.writing, &number, views).map_err(|source| store.failure(source))?;
        Ok(true)
    }

    /// Says anew where a document came from; says whether it is there.
    pub(crate) fn set_origins(&mut self, id: &str, origins: &[String]) -> Result<bool> {
        let store = self.store;
        let registration = store.registration(&self.writing, id)?;
        let (Some(Registration { number, .. }), Some(table)) = (registration, store.tables.origins) else {
            return Ok(false);
        };
        let set = match origins {
            [] => table.delete(&mut self.writing, &number).map(drop),
            origins => table.put(&mut self.writing, &number, &records::encode_origins(origins)),
        };
        set.map_err(|source| store.failure(source))?;
        Ok(true)
    }

    /// Removes a document; says whether it was there.
    pub(crate) fn remove(&mut self, id: &str) -> Result<bool> {
        let store = self.store;
        let Some(Registration { number, .. }) = store.registration(&self.writing, id)? else { return Ok(false) };
        let removed = (|| {
            let writing = &mut self.writing;
            let Tables { ids, documents, metadata, passages, vectors, views, origins, .. } = store.tables;
            ids.delete(writing, &records::id_key(id))?;
            for table in [documents, metadata, passages, vectors].into_iter().chain(views).chain(origins) {
                table.delete(writing, &number)?;
            }
            Ok(())
        })();
        removed.map_err(|source| store.failure(source))?;
        self.removed.push(number);
        Ok(true)
    }

    /// Makes the changes durable.
    pub(crate) fn commit(mut self) -> Result<()> {
        let store = self.store;
        let written = (|| {
            let (writing, tables) = (&mut self.writing, store.tables);
            tables.counters.put(writing, SEQUENCE, &self.sequence)?;
            tables.counters.put(writing, NEXT_NUMBER, &self.next_number)?;
            if let Some(log) = tables.changes {
                let changed = Changed { removed: self.removed, added: self.first_number..self.next_number };
                log.put(writing, &self.sequence, &changed.encode())?;
                if let Some(forgotten) = self.sequence.checked_sub(LOGGED) {
                    log.delete(writing, &forgotten)?;
                }
            }
            self.writing.commit()
        })();
        written.map_err(|source| store.failure(source))
    }
}

/// Writes the record of a number that is greater than all before it. Told so, LMDB fills its pages, where it would else
/// leave half of each empty.
fn append(writing: &mut RwTxn<'_>, table: Table, number: u64, record: &[u8]) -> heed::Result<()> {
    table.put_with_flags(writing, PutFlags::APPEND, &number, record)
}
