//! `usearch`: HNSW in C++, with f32, f16, bf16 or i8 vectors.

use std::fs;
use std::path::Path;

use anyhow::{Result, anyhow};
use rayon::prelude::*;
use usearch::{IndexOptions, MetricKind, ScalarKind};

use super::exact::dot;
use super::{Graph, Index, Searcher};
use crate::corpus::{DIMENSIONS, Vectors};

const FILE: &str = "graph.usearch";
const THREADS: usize = 2;

pub struct Usearch {
    index: usearch::Index,
    format: Format,
}

/// Number formats of the vectors in the index.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Format {
    F32,
    F16,
    Bf16,
    /// As `usearch` converts: a unit vector times 127, cut to integers. With 384 dimensions, the components are around 0.05:
    /// most of the 8 bits stay empty.
    I8,
    /// Converted here: the largest component becomes 127, the others are rounded.
    I8Scaled,
}

impl Format {
    fn scalar(self) -> ScalarKind {
        match self {
            Self::F32 => ScalarKind::F32,
            Self::F16 => ScalarKind::F16,
            Self::Bf16 => ScalarKind::BF16,
            Self::I8 | Self::I8Scaled => ScalarKind::I8,
        }
    }
}

fn scaled(vector: &[f32]) -> Vec<i8> {
    let largest = vector.iter().fold(f32::MIN_POSITIVE, |largest, component| largest.max(component.abs()));
    vector.iter().map(|component| (component * (127.0 / largest)).round() as i8).collect()
}

impl Usearch {
    pub fn build(vectors: &Vectors, graph: Graph, format: Format) -> Result<Self> {
        let index = usearch::new_index(&IndexOptions {
            dimensions: DIMENSIONS,
            // Cosine, because i8 vectors are no longer of unit length; the others are, so that it is the inner product.
            metric: if format.scalar() == ScalarKind::I8 { MetricKind::Cos } else { MetricKind::IP },
            quantization: format.scalar(),
            connectivity: graph.degree,
            expansion_add: graph.ef_construction,
            ..Default::default()
        })?;
        index.reserve_capacity_and_threads(vectors.len(), THREADS)?;
        let index = Self { index, format };
        index.add(0, vectors)?;
        Ok(index)
    }

    pub fn open(folder: &Path, graph: Graph, capacity: usize, format: Format) -> Result<Self> {
        let index = usearch::Index::restore(path(folder)?.as_str())?;
        index.change_expansion_add(graph.ef_construction);
        index.reserve_capacity_and_threads(capacity, THREADS)?;
        Ok(Self { index, format })
    }

    fn add(&self, first_id: u32, vectors: &Vectors) -> Result<()> {
        (0..vectors.len()).into_par_iter().try_for_each(|row| {
            let (key, vector) = (u64::from(first_id) + row as u64, vectors.row(row));
            let added = match self.format {
                Format::I8Scaled => self.index.add(key, &scaled(vector)),
                _ => self.index.add(key, vector),
            };
            added.map_err(anyhow::Error::from)
        })
    }
}

impl Index for Usearch {
    fn searcher(&self) -> Result<Searcher<'_>> {
        Ok(Box::new(|query, k, effort| {
            if self.index.expansion_search() != effort {
                self.index.change_expansion_search(effort);
            }
            let found = match self.format {
                Format::I8Scaled => self.index.search(&scaled(query), k)?,
                _ => self.index.search(query, k)?,
            };
            Ok(found.keys.into_iter().map(|key| key as u32).collect())
        }))
    }

    fn save(&self, folder: &Path) -> Result<()> {
        Ok(self.index.save(&path(folder)?)?)
    }

    fn delete(&mut self, ids: &[u32]) -> Result<()> {
        ids.iter().try_for_each(|&id| self.index.remove(id.into()).map(drop).map_err(anyhow::Error::from))
    }

    fn insert(&mut self, first_id: u32, vectors: &Vectors) -> Result<()> {
        self.add(first_id, vectors)
    }
}

fn path(folder: &Path) -> Result<String> {
    folder.join(FILE).into_os_string().into_string().map_err(|path| anyhow!("{path:?} is not UTF-8"))
}

/// Another index whose candidates are scored again with the f32 vectors.
pub struct Rescored {
    index: Usearch,
    vectors: Vec<f32>,
}

/// Candidates scored again, per neighbor asked for.
const CANDIDATES: usize = 4;

impl Rescored {
    pub fn build(index: Usearch, vectors: &Vectors) -> Self {
        Self { index, vectors: vectors.components().to_vec() }
    }

    pub fn open(folder: &Path, graph: Graph, capacity: usize) -> Result<Self> {
        let bytes = fs::metadata(folder.join("vectors.f32"))?.len() as usize;
        let vectors = Vectors::read(&folder.join("vectors.f32"), bytes / 4 / DIMENSIONS)?;
        Ok(Self {
            index: Usearch::open(folder, graph, capacity, Format::I8Scaled)?,
            vectors: vectors.components().to_vec(),
        })
    }
}

impl Index for Rescored {
    fn searcher(&self) -> Result<Searcher<'_>> {
        let mut candidates = self.index.searcher()?;
        Ok(Box::new(move |query, k, effort| {
            let mut scored: Vec<(f32, u32)> = candidates(query, k * CANDIDATES, effort.max(k * CANDIDATES))?
                .into_iter()
                .map(|id| (dot(query, &self.vectors[id as usize * DIMENSIONS..][..DIMENSIONS]), id))
                .collect();
            scored.sort_by(|a, b| b.0.total_cmp(&a.0));
            Ok(scored.into_iter().take(k).map(|(_, id)| id).collect())
        }))
    }

    fn save(&self, folder: &Path) -> Result<()> {
        fs::write(folder.join("vectors.f32"), self.vectors.iter().flat_map(|c| c.to_le_bytes()).collect::<Vec<_>>())?;
        self.index.save(folder)
    }

    fn delete(&mut self, ids: &[u32]) -> Result<()> {
        self.index.delete(ids)
    }

    fn insert(&mut self, first_id: u32, vectors: &Vectors) -> Result<()> {
        self.vectors.extend_from_slice(vectors.components());
        self.index.insert(first_id, vectors)
    }
}
