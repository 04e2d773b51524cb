//! An index on Qdrant: a collection with one point a document, and a second one with one point a passage.
//!
//! A point is the unit that Qdrant changes whole, so all of a document is one point, and is there whole or not at all whoever is killed
//! meanwhile. The point's id is made of the document's. It has two named vectors and a payload:
//!
//! | what | how it is kept |
//! |---|---|
//! | vector `dense` | the vectors of the passages, a *multivector*: its likeness to a query's vector is that of the nearest passage |
//! | vector `words` | sparse: for each term how often it occurs, and how long the text is (`words`) |
//! | `id`, `title`, `text`, `metadata` | the document; the metadata are text, in JSON, so that they come back letter for letter |
//! | `passages` | where each begins and ends, in bytes and in characters |
//! | `views`, `origins` | the views in base64; a list |
//! | `marks`, `bounds` | what filters ask for (`filtering`) |
//! | `length` | how long the text is, rounded; to know how long texts are on average |
//! | `vectors`, `bytes`, `viewed`, `written` | how many and how much, and when |
//! | `generation` | a number that tells this writing of the document from every other |
//!
//! What the index is stands in the collection's metadata, so it is there as soon as the collection is.
//!
//! The second collection, `NAME~passages`, only makes searches fast: Qdrant's graph of single vectors misses less than one of
//! multivectors. Its points have the vector `passage`, the `document`, its `generation` and what filters ask for. They are written before their
//! document and removed after it was replaced, so a document that is there always has its own. Those that are left by who was
//! killed propose a document, and are not believed: the document itself is scored. They go when the document is written again.
//!
//! # Searching
//!
//! The passages propose documents, which are fetched with their contents and exact vectors: two ways. An exact search compares all
//! documents: one way. Scores are made here, from the exact vectors. Words are looked up in the postings of each term, which are a search
//! of the sparse vectors, and scored here by the arithmetic of the index in a folder. So scores are the same bits as those of an index in a folder.
//!
//! How the collections are spread over nodes and how often they are kept is Qdrant's own affair. It answers for all of a collection or
//! not at all, so [`Retrieved::not_asked`](crate::Retrieved::not_asked) is always empty.

mod address;
mod checking;
mod connection;
mod dense;
mod failure;
mod filtering;
mod opening;
mod points;
mod searching;
mod session;
mod words;
mod writing;

pub use address::QdrantAddress;
pub use opening::{QdrantIndex, Settings};
