//! Tier one of vetted: recall. An index that finds documents by vectors, by BM25, or by both: in a folder on this machine
//! ([`Index`]), or wherever else something keeps documents as [`Retriever`] says. [`Place`] opens whatever a user names.
//!
//! This crate stores vectors and does not make them: an encoder does, and the crate `vetted` joins the two. Documents
//! are cut into passages, each passage has a vector, and a document is as near to a query as its best passage is.
//!
//! # Index, search
//!
//! ```
//! use serde_json::{Map, json};
//! use vetted_corpus::{Document, Passage};
//! use vetted_retrieval::{EncoderIdentity, Entry, Index, Manifest, Query};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("index");
//! // An index knows the encoder that its vectors come from, and refuses another.
//! let encoder = EncoderIdentity { name: "toy".into(), fingerprint: "sha256:0".into(), dimensions: 2 };
//! let index = Index::create(&path, Manifest::new(encoder, Map::new()))?;
//!
//! let document = |id: &str, text: &str, year: u32| Document {
//!     id: id.into(),
//!     text: text.into(),
//!     metadata: Map::from_iter([("year".to_owned(), json!(year))]),
//!     ..Document::default()
//! };
//! let whole = |text: &str| Passage { bytes: 0..text.len(), chars: 0..text.chars().count() };
//! let mut batch = Vec::new();
//! for (id, text, year, vector) in [
//!     ("tea", "Leaves steeped in hot water.", 2019, vec![1.0, 0.0]),
//!     ("ice", "Water that was left in the cold.", 2021, vec![0.6, 0.8]),
//! ] {
//!     batch.push(Entry { document: document(id, text, year), passages: vec![(whole(text), vector)], views: None });
//! }
//! index.upsert(batch)?; // one transaction: both documents are on disk now
//!
//! let nearest = index.search(&Query::dense(&[0.0, 1.0]))?;
//! assert_eq!(nearest[0].id, "ice");
//! let recent = Query::bm25("hot water").filter("year>=2020".parse()?);
//! assert_eq!(index.search(&recent)?.len(), 1);
//! let both = index.search(&Query::hybrid("hot water", &[0.9, 0.1]).k(1))?;
//! assert_eq!((both[0].id.as_str(), both[0].rank), ("tea", 1));
//! # Ok(())
//! # }
//! ```
//!
//! # Go on where it stopped
//!
//! [`Index::unchanged`] tells which documents are there already, so indexing that was interrupted, even by `kill -9`,
//! is run again and goes on:
//!
//! ```no_run
//! # use vetted_retrieval::{Entry, Index};
//! # fn encode(document: &vetted_corpus::Document) -> Entry { Entry { document: document.clone(), passages: Vec::new(), views: None } }
//! # fn go_on(documents: Vec<vetted_corpus::Document>) -> Result<(), vetted_retrieval::Error> {
//! let index = Index::open_writable("my-index")?;
//! for batch in documents.chunks(256) {
//!     let mut entries = Vec::new();
//!     for document in batch {
//!         if !index.unchanged(document)? {
//!             entries.push(encode(document));
//!         }
//!     }
//!     index.upsert(entries)?;
//! }
//! index.finish()?; // so that the next process opens it faster
//! # Ok(())
//! # }
//! ```
//!
//! # Many vectors
//!
//! A query is compared with every passage while that takes a few milliseconds. From [`Settings::graph_from`] passages on,
//! [`Index::finish`] makes a graph of the vectors, which finds about 99 of the 100 nearest passages within a millisecond
//! or two (`docs/decisions/0001-vector-index.md` has the measurements). Found documents are scored again with the vectors
//! in the store, so scores are exact; and what the graph lacks because it was written later is compared one by one, so
//! nothing has to wait for it. [`Query::exact`] goes without the graph.
//!
//! The graph is made for vectors of one length, as encoders give them; with others it misses more. It is C++: building
//! this crate takes a C++17 compiler.
//!
//! # Many searches at once
//!
//! A search reads one [`Snapshot`] from beginning to end: the documents, their vectors, words and metadata of one moment.
//! [`Index::search`] takes one for itself; whoever reads the documents that were found, too, takes one and asks it
//! everything. Searches wait for nobody who writes, and find what was written as soon as the call that wrote it has
//! returned, in every mode. Threads are given, not taken: a search uses those of the [`Team`](vetted_kernels::Team) that it
//! is given, and searching within a thread pool is fine.
//!
//! What an index keeps in memory is a *state* that never changes. A change makes the next state, which shares with the one
//! before what is the same, puts it beside the current one, makes the transaction durable, and then makes the new state the
//! current one. A search begins to read the store and takes the state of the transaction that it finds there, the current
//! one or the next: so the two agree, and neither waits for the other. Beside the vectors and what tantivy holds, a state
//! has the words of those documents that tantivy does not hold yet. Scores are the same bits wherever the words are.
//!
//! A change costs what it changes, and a bit for each document. Columns of metadata are read from the store when a filter
//! first asks for a field, 1024 documents at a time, and kept. A process that searches what another writes takes in
//! what the store's log says when a search finds the store changed.
//!
//! | lock | who takes it | how long it is held |
//! |---|---|---|
//! | the states | every search and every change | while a pointer is copied |
//! | a chunk's columns, a column's results | searches with filters | while a list of at most 32 is looked through |
//! | the words of new documents | searches by words, in a process that was not asked for words before they were written | while they are counted |
//! | the store's table of readers (LMDB's) | every search | while a place is found |
//! | the right to search a graph | searches with a graph, as many as there are processors at once | while the graph is searched |
//! | loading vectors; opening the text index | the first searches that need them; `finish` after a new graph, and then no search waits | while they are read, and what the text index lacks is counted |
//! | following | in a process that does not write, searches that find the store changed | while the change is read |
//! | writing | changes, and whoever puts new files of tantivy's into the state. No search | while a transaction is written, the disk included |
//! | writing the text index | the background thread, `finish` | while tantivy commits, or merges. No search |
//! | linking | `finish`. No search | while the graph is made |
//! | notices, what the background thread is to do | whoever has something to say | while it is said |
//!
//! An index that may be changed has a thread of its own, which writes to the text index two seconds after a change, or once
//! 4096 documents have changed. Tantivy has threads that write and merge; [`Index::finish`] uses one for each processor
//! while it links the graph. No lock is held across rayon, which this crate does not use.
//!
//! # In the folder
//!
//! | | |
//! |---|---|
//! | `vetted.json` | the [`Manifest`]: format, encoder, passage options. Written once |
//! | `store/` | the truth, in LMDB: documents, passages, vectors, and a log of the last changes |
//! | `text/` | the BM25 index, by tantivy: a cache |
//! | `vectors/` | the graph of the vectors, by usearch, if there are many: a cache |
//! | `writer.lock` | locked while a process may write, and shared by those who read where they cannot write |
//!
//! A cache that is missing, late or damaged is brought up to date from the store without being asked, on disk by a process that
//! writes, and in memory by one that only reads; what was done is in [`Index::notices`]. A process that only reads writes to
//! no file but LMDB's table of readers, and an index that it cannot write to, on a read-only file system or of another user,
//! can be searched. Nobody can write to it meanwhile. [`Index::check`] compares everything with everything. An index may be copied when no process
//! writes to it, between 64-bit little-endian machines, and must not lie on a network file system.
#![deny(unsafe_code)]

mod background;
mod bits;
mod check;
mod columns;
mod embedded;
mod error;
#[cfg(any(feature = "qdrant", feature = "redis"))]
mod fetched;
mod filter;
mod fusion;
mod index;
mod loading;
mod lock;
mod manifest;
mod notice;
mod origins;
mod place;
#[cfg(feature = "qdrant")]
pub mod qdrant;
mod query;
mod ranking;
#[cfg(feature = "redis")]
pub mod redis;
mod retriever;
mod roster;
mod search;
mod settings;
mod shared;
mod snapshot;
mod state;
mod store;
mod text;
mod vectors;
mod writing;

pub use check::{Check, Problem};
pub use error::{Damage, Error, FilterProblem, Result, ServerProblem};
pub use filter::{Comparison, Filter, Literal};
pub use fusion::{Fusion, Normalization};
pub use index::Index;
pub use manifest::{EncoderIdentity, FORMAT_VERSION, Manifest};
pub use notice::Notice;
pub use place::Place;
pub use query::{DEFAULT_DEPTH, DEFAULT_K, Hit, Query, Scores};
pub use retriever::{Holdings, NotAsked, Retrieved, Retriever, Session};
pub use settings::Settings;
pub use snapshot::Snapshot;
pub use text::matching_words;
pub use writing::{Entry, Upserted};
