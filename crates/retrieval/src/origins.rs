//! Where documents came from: names of files, or whatever else the caller calls a source. This crate keeps them and does not look
//! into them.
//!
//! An index can only forget what is gone from a source if it knows what came from there. A document that is written anew has
//! the origins that are given with it and no other; one that was written without has none.

use std::collections::HashMap;

use crate::error::Result;
use crate::index::Index;
use crate::shared::lock;
use crate::writing::{Entry, Upserted};

impl Index {
    /// As [`upsert`](Index::upsert); `origins` says by id where documents came from, for those that came from somewhere.
    ///
    /// # Errors
    /// As [`upsert`](Index::upsert).
    pub fn upsert_from(&self, entries: Vec<Entry>, origins: &HashMap<String, String>) -> Result<Upserted> {
        self.write(entries, origins)
    }

    /// Where the documents with these ids came from; nothing of those that are not there.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn origins<Id: AsRef<str>>(&self, ids: &[Id]) -> Result<Vec<Vec<String>>> {
        let reading = self.shared.store.read()?;
        let origins = |id: &Id| match reading.find(id.as_ref())? {
            Some((number, _)) => reading.origins(number),
            None => Ok(Vec::new()),
        };
        ids.iter().map(origins).collect()
    }

    /// Every document's id and where it came from.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn all_origins(&self) -> Result<Vec<(String, Vec<String>)>> {
        let reading = self.shared.store.read()?;
        let mut numbers = Vec::new();
        reading.each_id(|number, id| numbers.push((number, id)))?;
        numbers.into_iter().map(|(number, id)| Ok((id, reading.origins(number)?))).collect()
    }

    /// Says anew where documents came from, all of them or, on an error, none, and returns how many were there. Ids that are
    /// not there are no error.
    ///
    /// # Errors
    /// As [`upsert`](Index::upsert).
    pub fn set_origins(&self, origins: &[(String, Vec<String>)]) -> Result<usize> {
        self.writer()?;
        let _writing = lock(&self.shared.writing);
        let mut transaction = self.shared.store.begin()?;
        let mut set = 0;
        for (id, origins) in origins {
            set += usize::from(transaction.set_origins(id, origins)?);
        }
        self.shared.commit(transaction, Vec::new(), None)?;
        Ok(set)
    }
}
