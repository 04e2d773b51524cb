//! The vector index: documents by the inner product of their best passage with a query.
//!
//! There is one index now, [`ExactScan`], which compares the query with every passage. It is loaded from the store and
//! has nothing on disk of its own, so it cannot disagree with the store.
//!
//! An approximate index belongs beside it, as a module of this one and a second variant where [`ExactScan`] is held
//! (`State` in `index.rs`). It answers the same three questions (`nearest`, `best_passage`, `len`), names documents by
//! ordinal in memory and by number on disk, and keeps its files in the index's `vectors/` folder together with the
//! store's sequence number that they include.

mod exact;

pub(crate) use exact::ExactScan;
