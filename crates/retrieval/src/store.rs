//! The truth: documents, their passages and their vectors, in LMDB.
//!
//! A document gets a *number* when it is written. A number is never used twice and what it names never changes: writing
//! a document again, even an unchanged one, removes the old number and takes a new one. This is what makes the caches
//! simple. A cache that holds the numbers that the store holds agrees with it, and bringing a cache up to date is the
//! difference of two sets, or what the [log](changes) says.

mod changes;
mod environment;
mod reading;
mod records;
mod transaction;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use heed::byteorder::BE;
use heed::types::{Bytes, Str, U64};
use heed::{CommitOrAbort, Database, Env, RoTxn, WithoutTls};

use crate::error::{Damage, Error, Result};
pub(crate) use changes::Changed;
pub(crate) use environment::{Access, DATA};
pub(crate) use reading::Reading;
use records::Registration;
pub(crate) use records::{Fingerprint, StoredVectors, fingerprint};
pub(crate) use transaction::Transaction;

/// A table from a number to a record: mostly from a document's number to one part of the document.
type Table = Database<'static, U64<BE>, Bytes>;

const COUNTERS: &str = "counters";
const IDS: &str = "ids";
const DOCUMENTS: &str = "documents";
const METADATA: &str = "metadata";
const PASSAGES: &str = "passages";
const VECTORS: &str = "vectors";
const VIEWS: &str = "views";
const CHANGES: &str = "changes";
const ORIGINS: &str = "origins";
const TABLES: u32 = 9;

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
    tables: Tables,
}

/// Where the parts of documents are. Indexes from before there were the last three get them when they are first opened for
/// writing.
#[derive(Clone, Copy)]
struct Tables {
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
    /// What the second tier keeps of those documents of which it keeps anything.
    views: Option<Table>,
    /// By sequence number, what the transaction changed; see [`changes`].
    changes: Option<Table>,
    /// Where those documents came from that came from somewhere, as a JSON array of strings.
    origins: Option<Table>,
}

impl Store {
    /// Makes the store in the folder `path`, which exists and is empty or holds what an interrupted call left there.
    pub(crate) fn create(path: &Path, dimensions: usize, limit: usize) -> Result<Arc<Self>> {
        environment::make_files(path)?;
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
                    opener.create_database::<U64<BE>, Bytes>(writing, Some(CHANGES))?,
                    opener.create_database::<U64<BE>, Bytes>(writing, Some(ORIGINS))?,
                )))
            })
            .map_err(fail)?;
        let CommitOrAbort::Commit(tables) = tables else { return Err(missing(path, COUNTERS)) };
        let (counters, ids, documents, metadata, passages, vectors, views, changes, origins) = tables;
        let (views, changes, origins) = (Some(views), Some(changes), Some(origins));
        let tables = Tables { counters, ids, documents, metadata, passages, vectors, views, changes, origins };
        Ok(Arc::new(Self { path: path.to_owned(), limit, dimensions, environment, tables }))
    }

    /// Opens the store in the folder `path`.
    pub(crate) fn open(path: &Path, access: Access, dimensions: usize, limit: usize) -> Result<Arc<Self>> {
        environment::check_present(path)?;
        let environment = environment::open(path, access, limit, TABLES)?;
        let fail = |source| failure(path, limit, source);
        if access == Access::Write {
            let writing = environment.write_txn().map_err(fail)?;
            let made = environment.create_databases_and_commit(writing, |opener, writing| -> heed::Result<_> {
                opener.create_database::<U64<BE>, Bytes>(writing, Some(VIEWS))?;
                opener.create_database::<U64<BE>, Bytes>(writing, Some(CHANGES))?;
                opener.create_database::<U64<BE>, Bytes>(writing, Some(ORIGINS))?;
                Ok(CommitOrAbort::<_, ()>::Commit(()))
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
                    opener.open_database::<U64<BE>, Bytes>(reading, Some(CHANGES))?,
                    opener.open_database::<U64<BE>, Bytes>(reading, Some(ORIGINS))?,
                )))
            })
            .map_err(fail)?;
        let CommitOrAbort::Commit(tables) = tables else { return Err(missing(path, COUNTERS)) };
        let (counters, ids, documents, metadata, passages, vectors, views, changes, origins) = tables;
        let tables = Tables {
            counters: counters.ok_or_else(|| missing(path, COUNTERS))?,
            ids: ids.ok_or_else(|| missing(path, IDS))?,
            documents: documents.ok_or_else(|| missing(path, DOCUMENTS))?,
            metadata: metadata.ok_or_else(|| missing(path, METADATA))?,
            passages: passages.ok_or_else(|| missing(path, PASSAGES))?,
            vectors: vectors.ok_or_else(|| missing(path, VECTORS))?,
            views,
            changes,
            origins,
        };
        Ok(Arc::new(Self { path: path.to_owned(), limit, dimensions, environment, tables }))
    }

    /// The store as it is now. It stays so for as long as the value lives, whatever is written meanwhile. (The space of what
    /// is replaced or removed is used again only afterwards.)
    pub(crate) fn read(self: &Arc<Self>) -> Result<Reading> {
        let reading = self.environment.clone().static_read_txn().map_err(|source| self.failure(source))?;
        Reading::new(self.clone(), reading)
    }

    /// Begins a transaction: all of it is written by [`Transaction::commit`], or nothing is. Waits for another thread's.
    pub(crate) fn begin(&self) -> Result<Transaction<'_>> {
        let writing = self.environment.write_txn().map_err(|source| self.failure(source))?;
        Transaction::new(self, writing)
    }

    /// Forgets processes that were killed while they read, so that the space they saw can be used again.
    pub(crate) fn forget_dead_readers(&self) -> Result<()> {
        self.environment.clear_stale_readers().map(drop).map_err(|source| self.failure(source))
    }

    /// How many bytes the store takes on disk.
    pub(crate) fn bytes_on_disk(&self) -> Result<u64> {
        self.environment.real_disk_size().map_err(|source| self.failure(source))
    }

    fn counter(&self, transaction: &RoTxn<'_>, name: &str) -> Result<u64> {
        let found = self.tables.counters.get(transaction, name).map_err(|source| self.failure(source))?;
        Ok(found.unwrap_or(0))
    }

    fn registration(&self, transaction: &RoTxn<'_>, id: &str) -> Result<Option<Registration>> {
        let found = self.tables.ids.get(transaction, &records::id_key(id)).map_err(|source| self.failure(source))?;
        let decode = |bytes| Registration::decode(bytes).ok_or_else(|| self.damaged(IDS, 0));
        found.map(decode).transpose()
    }

    /// The error for a record that cannot be read.
    fn damaged(&self, table: &'static str, number: u64) -> Error {
        Error::StoreDamaged { path: self.path.clone(), damage: Damage::Record { table, number } }
    }

    fn failure(&self, source: heed::Error) -> Error {
        failure(&self.path, self.limit, source)
    }
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
