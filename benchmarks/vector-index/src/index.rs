//! The candidates behind one interface: what tier one needs of an index.

mod diskann;
pub mod exact;
mod hannoy;
mod hnsw_rs;
mod usearch;

use std::fmt;
use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;
use half::f16;

use self::usearch::{Format, Rescored, Usearch};
use crate::corpus::Vectors;

/// A session of one thread: `(query, k, candidates kept) -> ids, nearest first`.
pub type Searcher<'a> = Box<dyn FnMut(&[f32], usize, usize) -> Result<Vec<u32>> + 'a>;

/// An index over vectors whose ids are the numbers of their rows.
pub trait Index: Send + Sync {
    /// A session for the calling thread.
    fn searcher(&self) -> Result<Searcher<'_>>;

    /// Make what is in memory durable.
    fn save(&self, folder: &Path) -> Result<()>;

    /// Take ids out, with two threads where the index allows it.
    fn delete(&mut self, ids: &[u32]) -> Result<()>;

    /// Add vectors under the ids from `first_id` on.
    fn insert(&mut self, first_id: u32, vectors: &Vectors) -> Result<()>;
}

/// How the graph is made. Both numbers are HNSW's (arXiv:1603.09320).
#[derive(Clone, Copy)]
pub struct Graph {
    /// Links per node in the upper layers (M); twice as many in the bottom layer. DiskANN's only layer gets 2 M.
    pub degree: usize,
    /// Candidates kept while linking a new node. DiskANN calls it `l_build`.
    pub ef_construction: usize,
}

/// One candidate, in one number format.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Exact,
    UsearchF32,
    UsearchF16,
    UsearchBf16,
    UsearchI8,
    /// Each vector scaled to fill the 8 bits.
    UsearchI8Scaled,
    /// `UsearchI8Scaled`, its best 40 scored again with the f32 vectors.
    UsearchI8Rescored,
    Hannoy,
    HnswRs,
    DiskannF32,
    DiskannF16,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Exact,
        Self::UsearchF32,
        Self::UsearchF16,
        Self::UsearchBf16,
        Self::UsearchI8,
        Self::UsearchI8Scaled,
        Self::UsearchI8Rescored,
        Self::Hannoy,
        Self::HnswRs,
        Self::DiskannF32,
        Self::DiskannF16,
    ];

    /// Build with the threads of the current rayon pool.
    pub fn build(self, vectors: &Vectors, graph: Graph, folder: &Path) -> Result<Box<dyn Index>> {
        Ok(match self {
            Self::Exact => Box::new(exact::Exact::build(vectors)),
            Self::UsearchF32 => Box::new(Usearch::build(vectors, graph, Format::F32)?),
            Self::UsearchF16 => Box::new(Usearch::build(vectors, graph, Format::F16)?),
            Self::UsearchBf16 => Box::new(Usearch::build(vectors, graph, Format::Bf16)?),
            Self::UsearchI8 => Box::new(Usearch::build(vectors, graph, Format::I8)?),
            Self::UsearchI8Scaled => Box::new(Usearch::build(vectors, graph, Format::I8Scaled)?),
            Self::UsearchI8Rescored => {
                Box::new(Rescored::build(Usearch::build(vectors, graph, Format::I8Scaled)?, vectors))
            }
            Self::Hannoy => Box::new(hannoy::Hannoy::build(vectors, graph, folder)?),
            Self::HnswRs => Box::new(hnsw_rs::HnswRs::build(vectors, graph)),
            Self::DiskannF32 => Box::new(diskann::Diskann::<f32>::build(vectors, graph)?),
            Self::DiskannF16 => Box::new(diskann::Diskann::<f16>::build(vectors, graph)?),
        })
    }

    /// Open what `save` left, ready for searches and for changes. `capacity` is the largest id that will be inserted, plus one.
    pub fn open(self, folder: &Path, graph: Graph, capacity: usize) -> Result<Box<dyn Index>> {
        Ok(match self {
            Self::Exact => Box::new(exact::Exact::open(folder)?),
            Self::UsearchF32 => Box::new(Usearch::open(folder, graph, capacity, Format::F32)?),
            Self::UsearchF16 => Box::new(Usearch::open(folder, graph, capacity, Format::F16)?),
            Self::UsearchBf16 => Box::new(Usearch::open(folder, graph, capacity, Format::Bf16)?),
            Self::UsearchI8 => Box::new(Usearch::open(folder, graph, capacity, Format::I8)?),
            Self::UsearchI8Scaled => Box::new(Usearch::open(folder, graph, capacity, Format::I8Scaled)?),
            Self::UsearchI8Rescored => Box::new(Rescored::open(folder, graph, capacity)?),
            Self::Hannoy => Box::new(hannoy::Hannoy::open(folder, graph)?),
            Self::HnswRs => Box::new(hnsw_rs::HnswRs::open(folder)?),
            Self::DiskannF32 => Box::new(diskann::Diskann::<f32>::open(folder, graph)?),
            Self::DiskannF16 => Box::new(diskann::Diskann::<f16>::open(folder, graph)?),
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}
