//! `diskann`: Microsoft's Vamana graph, with the in-memory provider of `diskann-providers`.
//!
//! The newer provider, `diskann-inmem`, cannot be saved; this one, which its authors call "slowly being deprecated", can. Its
//! futures never wait, so that blocking on them costs nothing. The number of slots is fixed when the index is made.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use diskann::graph::config::{Builder, MaxDegree};
use diskann::graph::search::Knn;
use diskann::graph::search_output_buffer::{IdDistance, SearchOutputBuffer};
use diskann::graph::{Config, InplaceDeleteMethod};
use diskann::provider::DefaultContext;
use diskann::utils::VectorRepr;
use diskann_providers::index::diskann_async::{MemoryIndex, new_index};
use diskann_providers::model::configuration::IndexConfiguration;
use diskann_providers::model::graph::provider::async_::TableDeleteProviderAsync;
use diskann_providers::model::graph::provider::async_::common::{FullPrecision, TableBasedDeletes};
use diskann_providers::model::graph::provider::async_::inmem::{DefaultProviderParameters, SetStartPoints};
use diskann_providers::storage::{
    AsyncIndexMetadata, FileStorageProvider, SaveWith, index_storage::load_index_with_deletes,
};
use diskann_vector::distance::Metric;
use half::f16;
use half::slice::HalfFloatSliceExt;
use pollster::block_on;
use rayon::prelude::*;

use super::{Graph, Index, Searcher};
use crate::corpus::{DIMENSIONS, Vectors};

/// Of unit vectors: one minus the inner product.
const METRIC: Metric = Metric::CosineNormalized;
/// Empty slots for what is inserted later.
const SPARE_SLOTS: usize = 1_000;
const THREADS: usize = 2;
const ONE: NonZeroUsize = NonZeroUsize::MIN;
/// As in the paper on deletes in place, arXiv:2502.13826.
const DELETE_METHOD: InplaceDeleteMethod = InplaceDeleteMethod::VisitedAndTopK { k_value: 50, l_value: 128 };
const REPLACED_EDGES: usize = 3;

pub struct Diskann<T: Component> {
    index: MemoryIndex<T, TableDeleteProviderAsync>,
    slots: usize,
}

/// A number format of the vectors.
pub trait Component: VectorRepr + 'static {
    fn convert(vector: &[f32]) -> Cow<'_, [Self]>;
}

impl Component for f32 {
    fn convert(vector: &[f32]) -> Cow<'_, [Self]> {
        Cow::Borrowed(vector)
    }
}

impl Component for f16 {
    fn convert(vector: &[f32]) -> Cow<'_, [Self]> {
        let mut converted = vec![f16::ZERO; vector.len()];
        converted.convert_from_f32_slice(vector);
        Cow::Owned(converted)
    }
}

fn config(graph: Graph) -> Result<Config> {
    let degree = 2 * graph.degree;
    let mut builder = Builder::new(degree, MaxDegree::default_slack(), graph.ef_construction, METRIC.into());
    builder.alpha(1.2);
    Ok(builder.build()?)
}

impl<T: Component> Diskann<T> {
    pub fn build(vectors: &Vectors, graph: Graph) -> Result<Self> {
        let config = config(graph)?;
        let slots = vectors.len() + SPARE_SLOTS;
        let parameters = DefaultProviderParameters {
            max_points: slots,
            frozen_points: ONE,
            metric: METRIC,
            dim: DIMENSIONS,
            prefetch_lookahead: None,
            prefetch_cache_line_level: None,
            max_degree: config.max_degree_u32().get(),
        };
        let index = new_index(config, parameters, TableBasedDeletes).map_err(failed)?;
        index.provider().set_start_points(std::iter::once(&*T::convert(&mean(vectors)))).map_err(failed)?;
        let mut index = Self { index, slots };
        index.insert(0, vectors)?;
        Ok(index)
    }

    pub fn open(folder: &Path, graph: Graph) -> Result<Self> {
        let slots = std::fs::read_to_string(folder.join("slots"))?.parse()?;
        let configuration = IndexConfiguration::new(METRIC, DIMENSIONS, slots, ONE, THREADS, config(graph)?);
        let index = block_on(load_index_with_deletes(&FileStorageProvider, &prefix(folder)?, configuration));
        Ok(Self { index: Arc::new(index.map_err(failed)?), slots })
    }
}

impl<T: Component> Index for Diskann<T> {
    fn searcher(&self) -> Result<Searcher<'_>> {
        Ok(Box::new(|query, k, effort| {
            let mut ids = vec![0; k];
            let mut distances = vec![0.0; k];
            let mut found = IdDistance::new(&mut ids, &mut distances);
            let knn = Knn::new_default(effort.max(k))?;
            let query = T::convert(query);
            block_on(self.index.search(knn, &FullPrecision, &DefaultContext, &*query, &mut found)).map_err(failed)?;
            let count = found.current_len();
            ids.truncate(count);
            Ok(ids)
        }))
    }

    fn save(&self, folder: &Path) -> Result<()> {
        let metadata = AsyncIndexMetadata::new(prefix(folder)?);
        block_on(self.index.save_with(&FileStorageProvider, &metadata)).map_err(failed)?;
        Ok(std::fs::write(folder.join("slots"), self.slots.to_string())?)
    }

    /// Each vector's neighbors are linked to each other in its place; then one pass over the graph drops the dangling edges.
    fn delete(&mut self, ids: &[u32]) -> Result<()> {
        ids.par_iter().try_for_each(|id| {
            let deletion = self.index.inplace_delete(FullPrecision, &DefaultContext, id, REPLACED_EDGES, DELETE_METHOD);
            block_on(deletion).map_err(failed)
        })?;
        (0..=self.slots as u32).into_par_iter().try_for_each(|id| {
            let mut neighbors = self.index.provider().neighbors();
            let pass = self.index.drop_deleted_neighbors(&DefaultContext, &mut neighbors, id, false);
            block_on(pass).map(drop).map_err(failed)
        })
    }

    fn insert(&mut self, first_id: u32, vectors: &Vectors) -> Result<()> {
        (0..vectors.len()).into_par_iter().try_for_each(|row| {
            let id = first_id + row as u32;
            let vector = T::convert(vectors.row(row));
            let insertion = self.index.insert(&FullPrecision, &DefaultContext, &id, &*vector);
            block_on(insertion).map_err(failed)
        })
    }
}

fn prefix(folder: &Path) -> Result<String> {
    folder.join("graph").into_os_string().into_string().map_err(|path| anyhow!("{path:?} is not UTF-8"))
}

fn mean(vectors: &Vectors) -> Vec<f32> {
    let mut sum = vec![0.0; DIMENSIONS];
    for row in vectors.rows() {
        sum.iter_mut().zip(row).for_each(|(sum, component)| *sum += component);
    }
    let length = sum.iter().map(|c| c * c).sum::<f32>().sqrt();
    sum.into_iter().map(|component| component / length).collect()
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("diskann: {error}")
}
