//! The vectors, the queries, and the exact answers.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rayon::prelude::*;

use crate::index::exact::{Best, dot};

/// Components per vector: all-MiniLM-L6-v2.
pub const DIMENSIONS: usize = 384;

/// How many of the true neighbors are kept: more than the 10 that are scored, so that enough are left when a tenth of the
/// vectors has been deleted.
const TRUE_NEIGHBORS: usize = 64;

/// 384 kB.
const ROWS_PER_BLOCK: usize = 256;

/// Vectors as rows of one allocation.
pub struct Vectors {
    components: Vec<f32>,
}

impl Vectors {
    /// The first `rows` vectors of a file of little-endian f32.
    pub fn read(path: &Path, rows: usize) -> Result<Self> {
        let mut bytes = vec![0_u8; rows * DIMENSIONS * 4];
        let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        file.read_exact(&mut bytes).with_context(|| format!("{} holds fewer than {rows} vectors", path.display()))?;
        let components = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Ok(Self { components })
    }

    pub fn len(&self) -> usize {
        self.components.len() / DIMENSIONS
    }

    pub fn row(&self, index: usize) -> &[f32] {
        &self.components[index * DIMENSIONS..][..DIMENSIONS]
    }

    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.components.chunks_exact(DIMENSIONS)
    }

    pub fn components(&self) -> &[f32] {
        &self.components
    }
}

/// The folder written by `make_vectors.py`.
pub struct Corpus {
    folder: PathBuf,
    /// Held-out texts.
    pub queries: Vectors,
}

impl Corpus {
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("queries.f32");
        let bytes = fs::metadata(&path).with_context(|| format!("cannot open {}", path.display()))?.len() as usize;
        Ok(Self { folder: folder.to_owned(), queries: Vectors::read(&path, bytes / 4 / DIMENSIONS)? })
    }

    /// The first `size` vectors of the base.
    pub fn base(&self, size: usize) -> Result<Vectors> {
        Vectors::read(&self.folder.join("base.f32"), size)
    }
}

/// For every query, its true neighbors among the first vectors of the base, nearest first.
pub struct GroundTruth {
    ids: Vec<u32>,
    depth: usize,
}

impl GroundTruth {
    /// Read from the corpus' folder, or computed and written there.
    pub fn load_or_compute(corpus: &Corpus, size: usize) -> Result<Self> {
        let path = corpus.folder.join(format!("truth-{size}.u32"));
        let depth = TRUE_NEIGHBORS.min(size);
        if let Ok(bytes) = fs::read(&path) {
            ensure!(bytes.len() == corpus.queries.len() * depth * 4, "{} is stale: delete it", path.display());
            let ids = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            return Ok(Self { ids, depth });
        }
        let base = corpus.base(size)?;
        let queries: Vec<&[f32]> = corpus.queries.rows().collect();
        let ids: Vec<u32> = queries.par_chunks(256).flat_map_iter(|queries| nearest(&base, queries, depth)).collect();
        fs::write(&path, ids.iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<_>>())?;
        Ok(Self { ids, depth })
    }

    /// The `k` true neighbors of a query among the ids that `present` admits.
    pub fn neighbors(&self, query: usize, k: usize, present: impl Fn(u32) -> bool) -> Vec<u32> {
        let all = &self.ids[query * self.depth..][..self.depth];
        all.iter().copied().filter(|&id| present(id)).take(k).collect()
    }
}

/// The exact answers, one query after the other. Every block of the base is scored for all queries while it is in the cache.
fn nearest(base: &Vectors, queries: &[&[f32]], k: usize) -> impl Iterator<Item = u32> {
    let mut found: Vec<Best> = queries.iter().map(|_| Best::new(k)).collect();
    for (block, rows) in base.components.chunks(ROWS_PER_BLOCK * DIMENSIONS).enumerate() {
        for (query, best) in queries.iter().zip(&mut found) {
            for (row, id) in rows.chunks_exact(DIMENSIONS).zip((block * ROWS_PER_BLOCK) as u32..) {
                best.offer(dot(query, row), id);
            }
        }
    }
    found.into_iter().flat_map(Best::ids)
}
