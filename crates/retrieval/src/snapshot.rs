//! One moment of an index.

use std::cell::OnceCell;
use std::sync::Arc;

use vetted_corpus::{Document, Passage};

use crate::error::Result;
use crate::roster::Roster;
use crate::shared::Shared;
use crate::state::State;
use crate::store::Reading;
use crate::text::Text;
use crate::vectors::Vectors;

/// An index as it was at one moment: documents, vectors, words and filters of the same state of the store. What is written
/// or removed afterwards, by this process or another, changes nothing of what it answers. From
/// [`Index::snapshot`](crate::Index::snapshot).
///
/// Making one costs a few microseconds, and nobody waits for it: take one for each search and everything that belongs to the
/// search. It may be sent to another thread, and is used by one at a time. While it lives, it keeps the store from using
/// again the space of what was replaced since, and one of about a thousand places for those who read: do not keep it.
///
/// ```
/// # use vetted_retrieval::{EncoderIdentity, Entry, Index, Manifest, Query};
/// # use vetted_corpus::Document;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let encoder = EncoderIdentity { name: "toy".into(), fingerprint: "sha256:0".into(), dimensions: 2 };
/// # let index = Index::create(folder.path().join("index"), Manifest::new(encoder, Default::default()))?;
/// # let document = Document { id: "tea".into(), text: "Hot water.".into(), ..Document::default() };
/// # index.upsert(vec![Entry { document, passages: Vec::new(), views: None }])?;
/// use vetted_kernels::Team;
///
/// let snapshot = index.snapshot()?;
/// index.delete(&["tea"])?;
/// let hits = snapshot.search(&Query::bm25("water"), &mut Team::alone())?;
/// let document = snapshot.get(&hits[0].id)?; // still there: it was when the snapshot was taken
/// assert_eq!(document.map(|it| it.text).as_deref(), Some("Hot water."));
/// assert!(index.get("tea")?.is_none());
/// # Ok(())
/// # }
/// ```
pub struct Snapshot {
    shared: Arc<Shared>,
    state: Arc<State>,
    reading: Reading,
    /// The vectors once a search has asked for them: the state's, or those that it lacked.
    vectors: OnceCell<Vectors>,
    /// The text index, where the state has none.
    text: OnceCell<Text>,
}

impl Snapshot {
    pub(crate) fn new(shared: Arc<Shared>, state: Arc<State>, reading: Reading) -> Self {
        Self { shared, state, reading, vectors: OnceCell::new(), text: OnceCell::new() }
    }

    /// How many transactions had changed the index by this moment: of two snapshots of an index, the one with the greater
    /// number is the later one.
    pub fn sequence(&self) -> u64 {
        self.reading.sequence()
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.state.roster.len()
    }

    /// Whether there are no documents.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The ids of all documents, in the order in which they were last written.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let roster = &self.state.roster;
        roster.living().map(|(ordinal, _)| roster.id(ordinal))
    }

    /// Whether there is a document with this id.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn contains(&self, id: &str) -> Result<bool> {
        Ok(self.reading.find(id)?.is_some())
    }

    /// Whether exactly this document is in the index: same id, title, text and metadata.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn unchanged(&self, document: &Document) -> Result<bool> {
        self.reading.unchanged(document)
    }

    /// The document with this id.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn get(&self, id: &str) -> Result<Option<Document>> {
        self.reading.get(id)
    }

    /// The passages of the document with this id.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn passages(&self, id: &str) -> Result<Option<Vec<Passage>>> {
        self.reading.passages_of(id)
    }

    /// The [`Entry::views`](crate::Entry::views) of the documents with these ids, as they lie in the store, not copied: `None`
    /// for what is not there.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn views<Id: AsRef<str>>(&self, ids: &[Id]) -> Result<Vec<Option<&[u8]>>> {
        self.reading.views_of(ids)
    }

    /// How many bytes of the store on disk are [`Entry::views`](crate::Entry::views).
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn bytes_of_views(&self) -> Result<u64> {
        self.reading.bytes_of_views()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn reading(&self) -> &Reading {
        &self.reading
    }

    pub(crate) fn roster(&self) -> &Roster {
        &self.state.roster
    }

    /// The vectors, loaded when an index's first search asks for them. In a process that does not write, another's graph is
    /// opened when it is found.
    pub(crate) fn vectors(&self) -> Result<&Vectors> {
        let serve = |vectors: &Vectors| self.shared.writable || self.shared.is_newest(vectors);
        if let Some(vectors) = self.vectors.get() {
            return Ok(vectors);
        }
        let vectors = match &self.state.vectors {
            Some(vectors) if serve(vectors) => vectors.clone(),
            _ => self.shared.load_vectors(&self.state, &self.reading, serve)?,
        };
        Ok(self.vectors.get_or_init(|| vectors))
    }

    /// The text index, opened when an index's first search asks for it.
    pub(crate) fn text(&self) -> Result<&Text> {
        if let Some(text) = self.state.text.as_ref().or(self.text.get()) {
            return Ok(text);
        }
        let loaded = self.shared.load_text(&self.state, &self.reading)?;
        Ok(self.text.get_or_init(|| loaded))
    }
}

/// Snapshots may be given to another thread, and an index may be used by many.
const _: () = {
    const fn sends<T: Send>() {}
    const fn is_shared<T: Send + Sync>() {}
    sends::<Snapshot>();
    is_shared::<crate::Index>();
};
