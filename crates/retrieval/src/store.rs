//! The truth: documents, their passages and their vectors, in LMDB.
//!
//! A document gets a *number* when it is written. A number is never used twice and what it names never changes: writing
//! a document again, even an unchanged one, removes the old number and takes a new one. This is what makes the caches
//! simple. A cache that holds the numbers that the store holds agrees with it, and bringing a cache up to date is the
//! difference of two sets.

mod environment;
mod records;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use heed::byteorder::BE;
use heed::types::{Bytes, Str, U64};
use heed::{CommitOrAbort, Database, Env, PutFlags, RoTxn, RwTxn, WithoutTls};
use serde_json::{Map, Value};
use vetted_corpus::{Document, Passage};

use crate::error::{Damage, Error, Result};
pub(crate) use environment::Access;
use records::Registration;
pub(crate) use records::{Fingerprint, StoredVectors, fingerprint};

/// A table from a document's number to one part of the document.
type Table = Database<'static, U64<BE>, Bytes>;

const COUNTERS: &str = "counters";
const IDS: &str = "ids";
const DOCUMENTS: &str = "documents";
const METADATA: &str = "metadata";
const PASSAGES: &str = "passages";
const VECTORS: &str = "vectors";
const VIEWS: &str = "views";
const TABLES: u32 = 7;

/// How many transactions changed the store since it was made.
const SEQUENCE: &str = "sequence";
/// The number that the next document gets.
const NEXT_NUMBER: &str = "next_number";

/// The store of one index.
pub(crate) struct Store {
    path: PathBuf,
    limit: usize,
    dimensions: usize,
    environment: Env<WithoutTls>,
    counters: Database<'static, Str, U64<BE>>,
    /// From [`records::id_key`] to a [`Registration`].
    ids: Database<'static, Bytes, Bytes>,
    /// Id, title and text, as JSON.
    documents: Table,
    /// The metadata, as JSON, of those documents that have any. Apart from the text, because filters read it for every
    /// document.
    metadata: Table,
    /// See [`records::encode_passages`].
    passages: Table,
    /// The passages' vectors one after the other, `f32` little-endian.
    vectors: Table,
    /// What the second tier keeps of those documents of which it keeps anything. An index from before there was this table
    /// gets it when it is first opened for writing.
    views: Option<Table>,
}

impl Store {
    /// Makes the store in the folder `path`, which exists and is empty or holds what an interrupted call left there.
    pub(crate) fn create(path: &Path, dimensions: usize, limit: usize) -> Result<Self> {
        let environment = environment::open(path, Access::Write, limit, TABLES)?;
        let fail = |source| failure(path, limit, source);
        let writing = environment.write_txn().map_err(fail)?;
        let tables = environment
            .create_databases_and_commit(writing, |opener, writing| -> heed::Result<_> {
                Ok(CommitOrAbort::<_, ()>::Commit((
                    opener.create_database::<Str, U64<BE>>(writing, Some(COUNTERS))?,
                    opener.create_database::<Bytes, Bytes>(writing, Some(IDS))?,
                    opener.create_database::<U64<BE>, Bytes>(writing, Some(DOCUMENTS))?,
                    opener.create_database::<U64<BE>, Bytes>(writing, Some(METADATA))?,
                    opener.create_database::<U64<BE>, Bytes>(writing, Some(PASSAGES))?,
                    opener.create_database::<U64<BE>, Bytes>(writing, Some(VECTORS))?,
                    opener.create_database::<U64<BE>, Bytes>(writing, Some(VIEWS))?,
                )))
            })
            .map_err(fail)?;
        let CommitOrAbort::Commit(tables) = tables else { return Err(missing(path, COUNTERS)) };
        let (counters, ids, documents, metadata, passages, vectors, views) = tables;
        let (path, views) = (path.to_owned(), Some(views));
        Ok(Self { path, limit, dimensions, environment, counters, ids, documents, metadata, passages, vectors, views })
    }

    /// Opens the store in the folder `path`.
    pub(crate) fn open(path: &Path, access: Access, dimensions: usize, limit: usize) -> Result<Self> {
        environment::check_present(path)?;
        let environment = environment::open(path, access, limit, TABLES)?;
        let fail = |source| failure(path, limit, source);
        if access == Access::Write {
            let writing = environment.write_txn().map_err(fail)?;
            let made = environment.create_databases_and_commit(writing, |opener, writing| -> heed::Result<_> {
                Ok(CommitOrAbort::<_, ()>::Commit(opener.create_database::<U64<BE>, Bytes>(writing, Some(VIEWS))?))
            });
            made.map_err(fail)?;
        }
        let reading = environment.read_txn().map_err(fail)?;
        let tables = environment
            .open_databases_and_commit(reading, |opener, reading| -> heed::Result<_> {
                Ok(CommitOrAbort::<_, ()>::Commit((
                    opener.open_database::<Str, U64<BE>>(reading, Some(COUNTERS))?,
                    opener.open_database::<Bytes, Bytes>(reading, Some(IDS))?,
                    opener.open_database::<U64<BE>, Bytes>(reading, Some(DOCUMENTS))?,
                    opener.open_database::<U64<BE>, Bytes>(reading, Some(METADATA))?,
                    opener.open_database::<U64<BE>, Bytes>(reading, Some(PASSAGES))?,
                    opener.open_database::<U64<BE>, Bytes>(reading, Some(VECTORS))?,
                    opener.open_database::<U64<BE>, Bytes>(reading, Some(VIEWS))?,
                )))
            })
            .map_err(fail)?;
        let CommitOrAbort::Commit(tables) = tables else { return Err(missing(path, COUNTERS)) };
        let (counters, ids, documents, metadata, passages, vectors, views) = tables;
        Ok(Self {
            counters: counters.ok_or_else(|| missing(path, COUNTERS))?,
            ids: ids.ok_or_else(|| missing(path, IDS))?,
            documents: documents.ok_or_else(|| missing(path, DOCUMENTS))?,
            metadata: metadata.ok_or_else(|| missing(path, METADATA))?,
            passages: passages.ok_or_else(|| missing(path, PASSAGES))?,
            vectors: vectors.ok_or_else(|| missing(path, VECTORS))?,
            views,
            path: path.to_owned(),
            limit,
            dimensions,
            environment,
        })
    }

    /// The store as it is now. It stays so for as long as the snapshot lives, whatever is written meanwhile.
    pub(crate) fn snapshot(&self) -> Result<Snapshot<'_>> {
        let reading = self.environment.read_txn().map_err(|source| self.failure(source))?;
        Ok(Snapshot { store: self, reading })
    }

    /// Begins a transaction: all of it is written by [`Transaction::commit`], or nothing is. Waits for another thread's.
    pub(crate) fn begin(&self) -> Result<Transaction<'_>> {
        let writing = self.environment.write_txn().map_err(|source| self.failure(source))?;
        let counter = |name| self.counters.get(&writing, name).map_err(|source| self.failure(source));
        let sequence = counter(SEQUENCE)?.unwrap_or(0);
        let next_number = counter(NEXT_NUMBER)?.unwrap_or(0);
        Ok(Transaction { store: self, writing, sequence, next_number })
    }

    /// Forgets processes that were killed while they read, so that the space they saw can be used again.
    pub(crate) fn forget_dead_readers(&self) -> Result<()> {
        self.environment.clear_stale_readers().map(drop).map_err(|source| self.failure(source))
    }

    /// How many bytes the store takes on disk.
    pub(crate) fn bytes_on_disk(&self) -> Result<u64> {
        self.environment.real_disk_size().map_err(|source| self.failure(source))
    }

    /// The error for a record that cannot be read.
    pub(crate) fn damaged(&self, table: &'static str, number: u64) -> Error {
        Error::StoreDamaged { path: self.path.clone(), damage: Damage::Record { table, number } }
    }

    fn failure(&self, source: heed::Error) -> Error {
        failure(&self.path, self.limit, source)
    }
}

/// The store at one moment.
pub(crate) struct Snapshot<'store> {
    store: &'store Store,
    reading: RoTxn<'store, WithoutTls>,
}

impl Snapshot<'_> {
    /// How many transactions changed the store up to this moment.
    pub(crate) fn sequence(&self) -> Result<u64> {
        let sequence = self.store.counters.get(&self.reading, SEQUENCE);
        Ok(sequence.map_err(|source| self.store.failure(source))?.unwrap_or(0))
    }

    /// The number and fingerprint of the document with this id.
    pub(crate) fn find(&self, id: &str) -> Result<Option<(u64, Fingerprint)>> {
        self.store.registration(&self.reading, id).map(|found| found.map(|it| (it.number, it.fingerprint)))
    }

    /// How many documents there are.
    pub(crate) fn len(&self) -> Result<u64> {
        self.store.ids.len(&self.reading).map_err(|source| self.store.failure(source))
    }

    /// Every document's number and id, in no order that means anything.
    pub(crate) fn each_id(&self, mut each: impl FnMut(u64, String)) -> Result<()> {
        let fail = |source| self.store.failure(source);
        for entry in self.store.ids.iter(&self.reading).map_err(fail)? {
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
        let json = self.require(&self.store.documents, DOCUMENTS, number)?;
        records::decode_document(json, self.metadata_json(number)?).ok_or_else(|| self.store.damaged(DOCUMENTS, number))
    }

    /// What the text index holds of a document: its title and text.
    pub(crate) fn full_text(&self, number: u64) -> Result<String> {
        let json = self.require(&self.store.documents, DOCUMENTS, number)?;
        let document = records::decode_document(json, None).ok_or_else(|| self.store.damaged(DOCUMENTS, number))?;
        Ok(document.full_text().into_owned())
    }

    /// A document's metadata; empty if it has none.
    pub(crate) fn metadata(&self, number: u64) -> Result<Map<String, Value>> {
        let Some(json) = self.metadata_json(number)? else { return Ok(Map::new()) };
        serde_json::from_slice(json).map_err(|_| self.store.damaged(METADATA, number))
    }

    fn metadata_json(&self, number: u64) -> Result<Option<&[u8]>> {
        self.store.metadata.get(&self.reading, &number).map_err(|source| self.store.failure(source))
    }

    /// A document's passages.
    pub(crate) fn passages(&self, number: u64) -> Result<Vec<Passage>> {
        let bytes = self.require(&self.store.passages, PASSAGES, number)?;
        records::decode_passages(bytes).ok_or_else(|| self.store.damaged(PASSAGES, number))
    }

    /// One of a document's passages.
    pub(crate) fn passage(&self, number: u64, index: u32) -> Result<Passage> {
        let bytes = self.require(&self.store.passages, PASSAGES, number)?;
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
        let from = |number| self.store.vectors.range(&self.reading, &(number..));
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
        let found = self.store.vectors.get(&self.reading, &number).map_err(|source| self.store.failure(source))?;
        let decode = |bytes| StoredVectors::decode(bytes, self.store.dimensions);
        found.map(|bytes| decode(bytes).ok_or_else(|| self.store.damaged(VECTORS, number))).transpose()
    }

    /// What the second tier keeps of a document; `None` if it keeps nothing.
    pub(crate) fn views(&self, number: u64) -> Result<Option<&[u8]>> {
        let Some(table) = &self.store.views else { return Ok(None) };
        table.get(&self.reading, &number).map_err(|source| self.store.failure(source))
    }

    /// How many bytes the second tier's part of the store takes on disk.
    pub(crate) fn bytes_of_views(&self) -> Result<u64> {
        let Some(table) = &self.store.views else { return Ok(0) };
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
        let records = self.store.passages.iter(&self.reading).map_err(fail)?;
        let count = |record: heed::Result<(u64, &[u8])>| {
            let (number, bytes) = record.map_err(fail)?;
            let count = records::count_passages(bytes).ok_or_else(|| self.store.damaged(PASSAGES, number))?;
            Ok((number, count))
        };
        records.map(count).collect()
    }

    /// How many records are there more than the documents account for.
    pub(crate) fn orphans(&self) -> Result<u64> {
        let Store { documents, metadata, passages, vectors, views, .. } = self.store;
        let expected = self.len()?;
        let mut orphans = 0;
        for table in [documents, passages, vectors, metadata].into_iter().chain(views) {
            let records = table.len(&self.reading).map_err(|source| self.store.failure(source))?;
            orphans += records.saturating_sub(expected);
        }
        Ok(orphans)
    }

    /// How many bytes all vectors take, about: to reserve memory for them.
    pub(crate) fn vectors_hint(&self) -> usize {
        let table = self.store.vectors.stat(&self.reading);
        table.map_or(0, |table| (table.leaf_pages + table.overflow_pages) * table.page_size as usize)
    }

    fn require(&self, table: &Table, name: &'static str, number: u64) -> Result<&[u8]> {
        let found = table.get(&self.reading, &number).map_err(|source| self.store.failure(source))?;
        found.ok_or_else(|| self.store.damaged(name, number))
    }
}

/// Changes that are going to be written together.
pub(crate) struct Transaction<'store> {
    store: &'store Store,
    writing: RwTxn<'store>,
    sequence: u64,
    next_number: u64,
}

impl Transaction<'_> {
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
        let store = self.store;
        let registration = Registration { number, fingerprint: fingerprint(document) };
        let written = (|| {
            let writing = &mut self.writing;
            store.ids.put(writing, &records::id_key(&document.id), &registration.encode())?;
            append(writing, store.documents, number, &records::encode_document(document))?;
            if !document.metadata.is_empty() {
                append(writing, store.metadata, number, &records::encode_metadata(document))?;
            }
            append(writing, store.passages, number, &records::encode_passages(passages))?;
            append(writing, store.vectors, number, &records::encode_vectors(vectors))?;
            match (store.views, views) {
                (Some(table), Some(views)) => append(writing, table, number, views),
                _ => Ok(()),
            }
        })();
        written.map_err(|source| store.failure(source)).map(|()| number)
    }

    /// Gives a document other views; says whether it is there.
    pub(crate) fn set_views(&mut self, id: &str, views: &[u8]) -> Result<bool> {
        let store = self.store;
        let registration = store.registration(&self.writing, id)?;
        let (Some(Registration { number, .. }), Some(table)) = (registration, store.views) else { return Ok(false) };
        table.put(&mut self.writing, &number, views).map_err(|source| store.failure(source))?;
        Ok(true)
    }

    /// Removes a document, and returns the number it had; `None` if it is not there.
    pub(crate) fn remove(&mut self, id: &str) -> Result<Option<u64>> {
        let store = self.store;
        let Some(Registration { number, .. }) = store.registration(&self.writing, id)? else { return Ok(None) };
        let removed = (|| {
            let writing = &mut self.writing;
            store.ids.delete(writing, &records::id_key(id))?;
            let tables = [&store.documents, &store.metadata, &store.passages, &store.vectors];
            for table in tables.into_iter().chain(&store.views) {
                table.delete(writing, &number)?;
            }
            Ok(())
        })();
        removed.map_err(|source| store.failure(source)).map(|()| Some(number))
    }

    /// Makes the changes durable, and returns the store's sequence number with them.
    pub(crate) fn commit(mut self) -> Result<u64> {
        let sequence = self.sequence + 1;
        let store = self.store;
        let written = (|| {
            store.counters.put(&mut self.writing, SEQUENCE, &sequence)?;
            store.counters.put(&mut self.writing, NEXT_NUMBER, &self.next_number)?;
            self.writing.commit()
        })();
        written.map_err(|source| store.failure(source)).map(|()| sequence)
    }
}

impl Store {
    fn registration(&self, transaction: &RoTxn<'_>, id: &str) -> Result<Option<Registration>> {
        let found = self.ids.get(transaction, &records::id_key(id)).map_err(|source| self.failure(source))?;
        let decode = |bytes| Registration::decode(bytes).ok_or_else(|| self.damaged(IDS, 0));
        found.map(decode).transpose()
    }
}

/// Writes the record of a number that is greater than all before it. Told so, LMDB fills its pages, where it would else
/// leave half of each empty.
fn append(writing: &mut RwTxn<'_>, table: Table, number: u64, record: &[u8]) -> heed::Result<()> {
    table.put_with_flags(writing, PutFlags::APPEND, &number, record)
}

fn missing(path: &Path, table: &'static str) -> Error {
    Error::StoreDamaged { path: path.to_owned(), damage: Damage::Table { table } }
}

/// What an error of LMDB means to the user.
fn failure(path: &Path, limit: usize, source: heed::Error) -> Error {
    use heed::MdbError;

    let path = path.to_owned();
    match source {
        heed::Error::Mdb(MdbError::MapFull) => Error::StoreFull { path, limit },
        heed::Error::Mdb(MdbError::TxnFull) => Error::BatchTooLarge,
        heed::Error::Mdb(
            MdbError::Corrupted
            | MdbError::PageNotFound
            | MdbError::Invalid
            | MdbError::VersionMismatch
            | MdbError::Panic
            | MdbError::Incompatible,
        ) => Error::StoreDamaged { path, damage: Damage::Structure { source } },
        heed::Error::Io(source) if is_full(&source) => Error::DiskFull { path, source },
        heed::Error::EnvAlreadyOpened => Error::AlreadyOpen { path },
        source => Error::Store { path, source },
    }
}

/// Whether the operating system had no more room. Where it took the first half of a page and not the second, LMDB makes
/// an input/output error (EIO, 5) of it.
fn is_full(error: &io::Error) -> bool {
    const HALF_WRITTEN: i32 = 5;
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
        || cfg!(unix) && error.raw_os_error() == Some(HALF_WRITTEN)
}
