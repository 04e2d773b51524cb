//! `hnsw_rs`: HNSW in pure Rust. It has no deletes, so that deleted ids are kept in a set and filtered out of every search.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::Result;
use hnsw_rs::api::AnnT;
use hnsw_rs::hnswio::HnswIo;
use hnsw_rs::prelude::{DistDot, Hnsw};
use rayon::prelude::*;

use super::{Graph, Index, Searcher};
use crate::corpus::Vectors;

const NAME: &str = "graph";
const LAYERS: usize = 16;

pub struct HnswRs {
    graph: Hnsw<'static, f32, DistDot>,
    deleted: HashSet<u32>,
}

impl HnswRs {
    pub fn build(vectors: &Vectors, graph: Graph) -> Self {
        let graph = Hnsw::new(graph.degree, vectors.len(), LAYERS, graph.ef_construction, DistDot);
        let mut index = Self { graph, deleted: HashSet::new() };
        index.add(0, vectors);
        index
    }

    pub fn open(folder: &Path) -> Result<Self> {
        // The graph borrows from its reader for as long as it lives: here, to the end of the process.
        let reader = Box::leak(Box::new(HnswIo::new(folder, NAME)));
        let mut graph = reader.load_hnsw()?;
        graph.set_searching_mode(true);
        let deleted = fs::read(folder.join("deleted.u32"))?;
        let deleted = deleted.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Ok(Self { graph, deleted })
    }

    fn add(&mut self, first_id: u32, vectors: &Vectors) {
        self.graph.set_searching_mode(false);
        (0..vectors.len()).into_par_iter().for_each(|row| {
            self.graph.insert_slice((vectors.row(row), first_id as usize + row));
        });
        self.graph.set_searching_mode(true);
    }
}

impl Index for HnswRs {
    fn searcher(&self) -> Result<Searcher<'_>> {
        Ok(Box::new(|query, k, effort| {
            let alive = |id: &usize| !self.deleted.contains(&(*id as u32));
            let found = if self.deleted.is_empty() {
                self.graph.search(query, k, effort)
            } else {
                self.graph.search_filter(query, k, effort, Some(&alive))
            };
            Ok(found.into_iter().map(|neighbor| neighbor.d_id as u32).collect())
        }))
    }

    fn save(&self, folder: &Path) -> Result<()> {
        // A reopened graph is never overwritten: it is dumped under a new name, which then takes the place of the old one.
        let name = self.graph.file_dump(folder, NAME)?;
        if name != NAME {
            for suffix in ["hnsw.graph", "hnsw.data"] {
                fs::rename(folder.join(format!("{name}.{suffix}")), folder.join(format!("{NAME}.{suffix}")))?;
            }
        }
        fs::write(folder.join("deleted.u32"), self.deleted.iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<_>>())?;
        Ok(())
    }

    fn delete(&mut self, ids: &[u32]) -> Result<()> {
        self.deleted.extend(ids);
        Ok(())
    }

    fn insert(&mut self, first_id: u32, vectors: &Vectors) -> Result<()> {
        self.add(first_id, vectors);
        Ok(())
    }
}
