//! Reading the store as it was at one moment.

use std::sync::Arc;

use heed::{RoTxn, WithoutTls};
use serde_json::{Map, Value};
use vetted_corpus::{Document, Passage};

use super::{
    CHANGES, Changed, DOCUMENTS, Fingerprint, IDS, METADATA, ORIGINS, PASSAGES, Registration, SEQUENCE, Store,
    StoredVectors, Table, Tables, VECTORS, records,
};
use crate::error::Result;

/// The store at one moment. It belongs to no thread, and to one thread at a time.
pub(crate) struct Reading {
    reading: RoTxn<'static, WithoutTls>,
    sequence: u64,
    store: Arc<Store>,
}

impl Reading {
    pub(super) fn new(store: Arc<Store>, reading: RoTxn<'static, WithoutTls>) -> Result<Self> {
        let sequence = store.counter(&reading, SEQUENCE)?;
        Ok(Self { reading, sequence, store })
    }

    /// How many transactions changed the store up to this moment.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// As [`sequence`](Self::sequence), for the store as it is now.
    pub(crate) fn newest_sequence(&self) -> Result<u64> {
        Ok(self.store.read()?.sequence())
    }

    /// What changed after the transaction `before`, by transaction; `None` if the log does not reach back so far, or has a
    /// gap.
    pub(crate) fn changes_since(&self, before: u64) -> Result<Option<Vec<Changed>>> {
        let Some(log) = self.store.tables.changes else { return Ok(None) };
        let fail = |source| self.store.failure(source);
        let mut changes = Vec::new();
        for (record, expected) in log.range(&self.reading, &(before + 1..)).map_err(fail)?.zip(before + 1..) {
            let (sequence, bytes) = record.map_err(fail)?;
            if sequence != expected {
                return Ok(None);
            }
            changes.push(Changed::decode(bytes).ok_or_else(|| self.store.damaged(CHANGES, sequence))?);
        }
        Ok((before + changes.len() as u64 == self.sequence).then_some(changes))
    }

    /// The number and fingerprint of the document with this id.
    pub(crate) fn find(&self, id: &str) -> Result<Option<(u64, Fingerprint)>> {
        self.store.registration(&self.reading, id).map(|found| found.map(|it| (it.number, it.fingerprint)))
    }

    /// How many documents there are.
    pub(crate) fn len(&self) -> Result<u64> {
        self.store.tables.ids.len(&self.reading).map_err(|source| self.store.failure(source))
    }

    /// The document with this id.
    pub(crate) fn get(&self, id: &str) -> Result<Option<Document>> {
        self.find(id)?.map(|(number, _)| self.document(number)).transpose()
    }

    /// The passages of the document with this id.
    pub(crate) fn passages_of(&self, id: &str) -> Result<Option<Vec<Passage>>> {
        self.find(id)?.map(|(number, _)| self.passages(number)).transpose()
    }

    /// What the second tier keeps of the documents with these ids: `None` for what is not there.
    pub(crate) fn views_of<Id: AsRef<str>>(&self, ids: &[Id]) -> Result<Vec<Option<&[u8]>>> {
        let views = ids.iter().map(|id| match self.find(id.as_ref())? {
            Some((number, _)) => self.views(number),
            None => Ok(None),
        });
        views.collect()
    }

    /// Whether exactly this document is there.
    pub(crate) fn unchanged(&self, document: &Document) -> Result<bool> {
        Ok(self.find(&document.id)?.is_some_and(|(_, stored)| stored == records::fingerprint(document)))
    }

    /// Every document's number and id, in no order that means anything.
    pub(crate) fn each_id(&self, mut each: impl FnMut(u64, String)) -> Result<()> {
        let fail = |source| self.store.failure(source);
        for entry in self.store.tables.ids.iter(&self.reading).map_err(fail)? {
            let (key, value) = entry.map_err(fail)?;
            let registration = Registration::decode(value).ok_or_else(|| self.store.damaged(IDS, 0))?;
            let id = match records::id_of_key(key) {
                Some(id) => id.to_owned(),
                None => self.document(registration.number)?.id,
            };
            each(registration.number, id);
        }
        Ok(())
    }

    /// A document by its number.
    pub(crate) fn document(&self, number: u64) -> Result<Document> {
        let json = self.require(&self.store.tables.documents, DOCUMENTS, number)?;
        records::decode_document(json, self.metadata_json(number)?).ok_or_else(|| self.store.damaged(DOCUMENTS, number))
    }

    /// A document's id, and what the text index holds of it: its title and text.
    pub(crate) fn id_and_text(&self, number: u64) -> Result<(String, String)> {
        let json = self.require(&self.store.tables.documents, DOCUMENTS, number)?;
        let document = records::decode_document(json, None).ok_or_else(|| self.store.damaged(DOCUMENTS, number))?;
        let text = document.full_text().into_owned();
        Ok((document.id, text))
    }

    /// A document's metadata; empty if it has none.
    pub(crate) fn metadata(&self, number: u64) -> Result<Map<String, Value>> {
        let Some(json) = self.metadata_json(number)? else { return Ok(Map::new()) };
        serde_json::from_slice(json).map_err(|_| self.store.damaged(METADATA, number))
    }

    fn metadata_json(&self, number: u64) -> Result<Option<&[u8]>> {
        self.store.tables.metadata.get(&self.reading, &number).map_err(|source| self.store.failure(source))
    }

    /// A document's passages.
    pub(crate) fn passages(&self, number: u64) -> Result<Vec<Passage>> {
        let bytes = self.require(&self.store.tables.passages, PASSAGES, number)?;
        records::decode_passages(bytes).ok_or_else(|| self.store.damaged(PASSAGES, number))
    }

    /// One of a document's passages.
    pub(crate) fn passage(&self, number: u64, index: u32) -> Result<Passage> {
        let bytes = self.require(&self.store.tables.passages, PASSAGES, number)?;
        records::decode_passage(bytes, index as usize).ok_or_else(|| self.store.damaged(PASSAGES, number))
    }

    /// The vectors of a document's passages.
    pub(crate) fn vectors(&self, number: u64) -> Result<StoredVectors<'_>> {
        self.find_vectors(number)?.ok_or_else(|| self.store.damaged(VECTORS, number))
    }

    /// The vectors of documents whose numbers ascend. Quicker than asking for one after the other where most of the
    /// numbers in between are wanted too.
    pub(crate) fn vectors_of(&self, numbers: impl IntoIterator<Item = u64>) -> Result<Vec<StoredVectors<'_>>> {
        /// Stepping over so many records takes as long as looking one up.
        const NEAR: usize = 8;
        let from = |number| self.store.tables.vectors.range(&self.reading, &(number..));
        let mut records = None;
        let mut find = |number: u64| {
            let mut next = match records.take() {
                Some(next) => next,
                None => from(number)?,
            };
            for _ in 0..NEAR {
                match next.next().transpose()? {
                    Some((found, bytes)) if found == number => {
                        records = Some(next);
                        return Ok(Some(bytes));
                    }
                    Some((found, _)) if found < number => {}
                    _ => return Ok(None),
                }
            }
            next = from(number)?;
            let found = next.next().transpose()?;
            records = Some(next);
            Ok(found.filter(|(found, _)| *found == number).map(|(_, bytes)| bytes))
        };
        let read = |number| {
            let bytes = find(number).map_err(|source| self.store.failure(source))?;
            let vectors = bytes.and_then(|bytes| StoredVectors::decode(bytes, self.store.dimensions));
            vectors.ok_or_else(|| self.store.damaged(VECTORS, number))
        };
        numbers.into_iter().map(read).collect()
    }

    /// The vectors of a document's passages; `None` if there is no such document.
    pub(crate) fn find_vectors(&self, number: u64) -> Result<Option<StoredVectors<'_>>> {
        let found =
            self.store.tables.vectors.get(&self.reading, &number).map_err(|source| self.store.failure(source))?;
        let decode = |bytes| StoredVectors::decode(bytes, self.store.dimensions);
        found.map(|bytes| decode(bytes).ok_or_else(|| self.store.damaged(VECTORS, number))).transpose()
    }

    /// What the second tier keeps of a document; `None` if it keeps nothing.
    pub(crate) fn views(&self, number: u64) -> Result<Option<&[u8]>> {
        let Some(table) = &self.store.tables.views else { return Ok(None) };
        table.get(&self.reading, &number).map_err(|source| self.store.failure(source))
    }

    /// Where a document came from.
    pub(crate) fn origins(&self, number: u64) -> Result<Vec<String>> {
        let Some(table) = &self.store.tables.origins else { return Ok(Vec::new()) };
        let found = table.get(&self.reading, &number).map_err(|source| self.store.failure(source))?;
        let decode = |bytes| records::decode_origins(bytes).ok_or_else(|| self.store.damaged(ORIGINS, number));
        found.map_or(Ok(Vec::new()), decode)
    }

    /// How many bytes the second tier's part of the store takes on disk.
    pub(crate) fn bytes_of_views(&self) -> Result<u64> {
        let Some(table) = &self.store.tables.views else { return Ok(0) };
        let stat = table.stat(&self.reading).map_err(|source| self.store.failure(source))?;
        Ok((stat.leaf_pages + stat.overflow_pages + stat.branch_pages) as u64 * u64::from(stat.page_size))
    }

    /// How many values a vector has.
    pub(crate) fn dimensions(&self) -> usize {
        self.store.dimensions
    }

    /// Every document's number, ascending, and how many passages it has.
    pub(crate) fn passage_counts(&self) -> Result<Vec<(u64, u32)>> {
        let fail = |source| self.store.failure(source);
        let records = self.store.tables.passages.iter(&self.reading).map_err(fail)?;
        let count = |record: heed::Result<(u64, &[u8])>| {
            let (number, bytes) = record.map_err(fail)?;
            let count = records::count_passages(bytes).ok_or_else(|| self.store.damaged(PASSAGES, number))?;
            Ok((number, count))
        };
        records.map(count).collect()
    }

    /// How many records are there more than the documents account for.
    pub(crate) fn orphans(&self) -> Result<u64> {
        let Tables { documents, metadata, passages, vectors, views, origins, .. } = self.store.tables;
        let expected = self.len()?;
        let mut orphans = 0;
        for table in [documents, passages, vectors, metadata].into_iter().chain(views).chain(origins) {
            let records = table.len(&self.reading).map_err(|source| self.store.failure(source))?;
            orphans += records.saturating_sub(expected);
        }
        Ok(orphans)
    }

    fn require(&self, table: &Table, name: &'static str, number: u64) -> Result<&[u8]> {
        let found = table.get(&self.reading, &number).map_err(|source| self.store.failure(source))?;
        found.ok_or_else(|| self.store.damaged(name, number))
    }
}
