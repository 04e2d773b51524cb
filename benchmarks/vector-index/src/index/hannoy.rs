//! `hannoy`: HNSW inside an LMDB environment, pure Rust but for LMDB.

use std::path::Path;

use anyhow::{Context, Result};
use hannoy::distances::Cosine;
use hannoy::{Database, Reader, Writer};
use heed::{CommitOrAbort, Env, EnvOpenOptions, RwTxn, WithoutTls};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Graph, Index, Searcher};
use crate::corpus::{DIMENSIONS, Vectors};

/// Address space for the memory map, far more than any of the indexes fills.
const MAP_BYTES: usize = 64 << 30;

pub struct Hannoy {
    environment: &'static Env<WithoutTls>,
    database: Database<'static, Cosine>,
    graph: Graph,
}

impl Hannoy {
    pub fn build(vectors: &Vectors, graph: Graph, folder: &Path) -> Result<Self> {
        let environment = environment(folder)?;
        let transaction = environment.write_txn()?;
        let database = environment
            .create_databases_and_commit(transaction, |opener, transaction| -> heed::Result<_> {
                opener.create_database(transaction, None).map(CommitOrAbort::<_, ()>::Commit)
            })?
            .unwrap_commit();
        let mut index = Self { environment, database, graph };
        index.insert(0, vectors)?;
        Ok(index)
    }

    pub fn open(folder: &Path, graph: Graph) -> Result<Self> {
        let environment = environment(folder)?;
        let transaction = environment.read_txn()?;
        let database = environment
            .open_databases_and_commit(transaction, |opener, transaction| -> heed::Result<_> {
                opener.open_database(transaction, None).map(CommitOrAbort::<_, ()>::Commit)
            })?
            .unwrap_commit()
            .context("the environment holds no index")?;
        Ok(Self { environment, database, graph })
    }

    fn writer(&self) -> Writer<'static, Cosine> {
        Writer::new(self.database, 0, DIMENSIONS)
    }

    /// Link what was added and unlink what was deleted, then commit.
    fn link(&self, mut transaction: RwTxn) -> Result<()> {
        let writer = self.writer();
        let mut random = StdRng::seed_from_u64(7);
        let mut builder = writer.builder(&mut random);
        builder.ef_construction(self.graph.ef_construction);
        match self.graph.degree {
            16 => builder.build::<16, 32>(&mut transaction)?,
            _ => builder.build::<32, 64>(&mut transaction)?,
        }
        Ok(transaction.commit()?)
    }
}

/// Databases borrow from their environment; here it lives to the end of the process.
fn environment(folder: &Path) -> Result<&'static Env<WithoutTls>> {
    // SAFETY: nothing else opens or changes the files of this folder while the process runs.
    let environment = unsafe { EnvOpenOptions::new().read_txn_without_tls().map_size(MAP_BYTES).open(folder) }?;
    Ok(Box::leak(Box::new(environment)))
}

impl Index for Hannoy {
    fn searcher(&self) -> Result<Searcher<'_>> {
        let transaction = self.environment.read_txn()?;
        let reader = Reader::open(&transaction, 0, self.database)?;
        Ok(Box::new(move |query, k, effort| {
            let found = reader.nns(k).ef_search(effort).by_vector(&transaction, query)?;
            Ok(found.into_nns().into_iter().map(|(id, _)| id).collect())
        }))
    }

    /// Every change was committed when it was made.
    fn save(&self, _: &Path) -> Result<()> {
        Ok(())
    }

    fn delete(&mut self, ids: &[u32]) -> Result<()> {
        let mut transaction = self.environment.write_txn()?;
        for &id in ids {
            self.writer().del_item(&mut transaction, id)?;
        }
        self.link(transaction)
    }

    fn insert(&mut self, first_id: u32, vectors: &Vectors) -> Result<()> {
        let mut transaction = self.environment.write_txn()?;
        for (row, id) in vectors.rows().zip(first_id..) {
            self.writer().add_item(&mut transaction, id, row)?;
        }
        self.link(transaction)
    }
}
