//! What tier one is to everything above it: documents that somebody keeps, somewhere, and finds again.
//!
//! A [`Retriever`] keeps documents with the vectors of their passages and whatever the second tier keeps of them, and hands out
//! [`Session`]s, each for one search with all that belongs to it. [`Index`](crate::Index) is the one in a folder on this
//! machine. Who writes another one implements these two traits; `tests/contract` says, in tests that run over all of them, what
//! they promise:
//!
//! - A document is there whole or not at all, with its passages, vectors, words, metadata and views, whatever is killed meanwhile.
//! - What a call has written is found by the next search, and what it has removed is not.
//! - With [`Query::exact`], equal documents give equal hits: ids, order, scores bit for bit, passages.
//!   Without, only documents may be missed whose neighbors in a graph did not lead there; scores are exact all the same.
//! - [`Entry::views`](crate::Entry::views) and origins come back as they were given, byte for byte.
//! - Filters mean what [`Filter`](crate::Filter) says, and come before the ranking.
//! - Whoever cannot ask all of its documents in time asks the others, and says so in [`Retrieved::not_asked`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use vetted_corpus::{Document, Passage};
use vetted_kernels::Team;

use crate::check::Check;
use crate::error::Result;
use crate::filter::Filter;
use crate::manifest::Manifest;
use crate::notice::Notice;
use crate::query::{Hit, Query};
use crate::writing::{Entry, Upserted};

/// Documents that are kept somewhere, and found by vectors, words and filters. Many threads share one.
pub trait Retriever: Send + Sync {
    /// What it is: format, encoder, passages.
    fn manifest(&self) -> &Manifest;

    /// Where it is, as it may be shown: a folder, or an address without its password.
    fn location(&self) -> &Path;

    /// Whether answers come over a network, so that nobody should hold a processor while waiting for one.
    fn is_remote(&self) -> bool;

    /// Begins to ask what belongs to one search. A retriever that can answers all of it from one moment.
    ///
    /// # Errors
    /// If it cannot be read.
    fn session(&self) -> Result<Box<dyn Session>>;

    /// How many documents there are.
    ///
    /// # Errors
    /// If it cannot be read.
    fn len(&self) -> Result<usize>;

    /// Whether there are no documents.
    ///
    /// # Errors
    /// If it cannot be read.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// How much there is of everything.
    ///
    /// # Errors
    /// If it cannot be read.
    fn holdings(&self) -> Result<Holdings>;

    /// Writes documents in place of those with the same ids, and remembers by id where some of them came from. Of several with
    /// one id the last counts. When it returns `Ok`, all of them are kept as safely as this retriever keeps anything. After an
    /// error each of them is there whole, or what was there before is: writing the same again is right.
    ///
    /// # Errors
    /// If an entry cannot be kept, or there is no room or no right to.
    fn upsert_from(&self, entries: Vec<Entry>, origins: &HashMap<String, String>) -> Result<Upserted>;

    /// Replaces [`Entry::views`] of documents, and says how many of these were there.
    ///
    /// # Errors
    /// As [`upsert_from`](Self::upsert_from).
    fn set_views(&self, views: &[(String, Vec<u8>)]) -> Result<usize>;

    /// Says anew where documents came from, and how many of these were there.
    ///
    /// # Errors
    /// As [`upsert_from`](Self::upsert_from).
    fn set_origins(&self, origins: &[(String, Vec<String>)]) -> Result<usize>;

    /// Removes documents, and says how many of these were there.
    ///
    /// # Errors
    /// As [`upsert_from`](Self::upsert_from).
    fn delete(&self, ids: &[&str]) -> Result<usize>;

    /// Where documents came from; nothing of those that are not there.
    ///
    /// # Errors
    /// If it cannot be read.
    fn origins(&self, ids: &[&str]) -> Result<Vec<Vec<String>>>;

    /// Every document's id and where it came from.
    ///
    /// # Errors
    /// If it cannot be read.
    fn all_origins(&self) -> Result<Vec<(String, Vec<String>)>>;

    /// Brings what speeds searches up to date, when there is nothing more to write. Nothing is lost without.
    ///
    /// # Errors
    /// If it cannot be written.
    fn finish(&self) -> Result<()>;

    /// Reads everything, and says what does not agree.
    ///
    /// # Errors
    /// If it cannot be read.
    fn check(&self) -> Result<Check>;

    /// What it did on its own account since this was last asked.
    fn notices(&self) -> Vec<Notice>;
}

/// What one search asks, from recall to the documents that are shown. Answers are in the order of what was asked about, with
/// `None` for what is not there.
pub trait Session: Send {
    /// The documents that answer `query` best, best first. Whoever fetches over a network brings the hits' contents along, so that
    /// what is asked about them next needs no other way.
    ///
    /// # Errors
    /// If the query cannot be answered, the deadline of `team` is over, or no part of the documents can be asked.
    fn search(&self, query: &Query<'_>, team: &mut Team) -> Result<Retrieved>;

    /// Documents.
    ///
    /// # Errors
    /// If they cannot be read.
    fn documents(&self, ids: &[&str]) -> Result<Vec<Option<Document>>>;

    /// Their passages.
    ///
    /// # Errors
    /// If they cannot be read.
    fn passages(&self, ids: &[&str]) -> Result<Vec<Option<Vec<Passage>>>>;

    /// Their vectors, one after the other, as many as they have passages.
    ///
    /// # Errors
    /// If they cannot be read.
    fn vectors(&self, ids: &[&str]) -> Result<Vec<Option<Vec<f32>>>>;

    /// Their [`Entry::views`].
    ///
    /// # Errors
    /// If they cannot be read.
    fn views<'session>(&'session self, ids: &[&str]) -> Result<Vec<Option<Cow<'session, [u8]>>>>;

    /// Which of these ids are there.
    ///
    /// # Errors
    /// If it cannot be read.
    fn contains(&self, ids: &[&str]) -> Result<Vec<bool>>;

    /// Of which documents exactly this is kept: id, title, text and metadata.
    ///
    /// # Errors
    /// If they cannot be read.
    fn unchanged(&self, documents: &[&Document]) -> Result<Vec<bool>>;

    /// The ids of the documents that fit all of `filters`, of all documents if there are none; in the order in which they were
    /// last written, where that is known.
    ///
    /// # Errors
    /// If it cannot be read.
    fn ids_that_fit(&self, filters: &[Filter]) -> Result<Vec<String>>;

    /// The ids of some documents, at most so many, the last ones written where that is known.
    ///
    /// # Errors
    /// If it cannot be read.
    fn some_ids(&self, most: usize) -> Result<Vec<String>>;
}

/// What a search found, and where it could not look.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Retrieved {
    /// The hits, best first.
    pub hits: Vec<Hit>,
    /// The parts of the documents that could not be asked. The hits are the best of the others.
    pub not_asked: Vec<NotAsked>,
}

/// A part of the documents that could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAsked {
    /// Which: "shard 2 of 3", say.
    pub part: String,
    /// How many documents it had when it was last asked, if that is known.
    pub documents: Option<u64>,
    /// Why.
    pub reason: String,
}

/// How much a retriever holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Documents.
    pub documents: usize,
    /// Passages, each with a vector.
    pub passages: usize,
    /// Bytes of everything that is kept, on disk or in a server's memory; caches on disk not counted.
    pub bytes: u64,
    /// How many of these are views.
    pub bytes_of_views: u64,
    /// When it was made, if that is known.
    pub created: Option<SystemTime>,
    /// When it was last changed, if that is known.
    pub changed: Option<SystemTime>,
}

impl fmt::Display for NotAsked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.part)?;
        if let Some(documents) = self.documents {
            write!(formatter, " (of {documents} documents)")?;
        }
        write!(formatter, " was not asked: {}", self.reason)
    }
}

/// What is asked about one document, or all, without a search.
impl dyn Retriever + '_ {
    /// The document with this id.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn get(&self, id: &str) -> Result<Option<Document>> {
        Ok(self.session()?.documents(&[id])?.pop().flatten())
    }

    /// The passages of the document with this id.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn passages(&self, id: &str) -> Result<Option<Vec<Passage>>> {
        Ok(self.session()?.passages(&[id])?.pop().flatten())
    }

    /// The vectors of the document with this id, one after the other, as many as it has passages.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn vectors(&self, id: &str) -> Result<Option<Vec<f32>>> {
        Ok(self.session()?.vectors(&[id])?.pop().flatten())
    }

    /// Whether there is a document with this id.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn contains(&self, id: &str) -> Result<bool> {
        Ok(self.session()?.contains(&[id])?.pop().unwrap_or_default())
    }

    /// The ids of all documents, in the order in which they were last written where that is known.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn ids(&self) -> Result<Vec<String>> {
        self.session()?.ids_that_fit(&[])
    }

    /// The documents that answer `query` best, best first, found by the calling thread alone.
    ///
    /// # Errors
    /// As [`Session::search`].
    pub fn search(&self, query: &Query<'_>) -> Result<Retrieved> {
        self.session()?.search(query, &mut Team::alone())
    }

    /// Gives `read` the [`Entry::views`] of the documents with these ids: `None` for what is not there.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn read_views<Id: AsRef<str>, R>(&self, ids: &[Id], read: impl FnOnce(&[Option<&[u8]>]) -> R) -> Result<R> {
        let session = self.session()?;
        let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
        let views = session.views(&ids)?;
        Ok(read(&views.iter().map(Option::as_deref).collect::<Vec<_>>()))
    }
}
