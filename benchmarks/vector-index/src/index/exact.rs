//! The exact scan: every vector scored for every query.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::Result;
use rayon::prelude::*;

use super::{Index, Searcher};
use crate::corpus::{DIMENSIONS, Vectors};

/// Rows scored by one task: 1.5 MB.
const ROWS_PER_TASK: usize = 1024;

pub struct Exact {
    components: Vec<f32>,
    deleted: HashSet<u32>,
}

impl Exact {
    pub fn build(vectors: &Vectors) -> Self {
        Self { components: vectors.components().to_vec(), deleted: HashSet::new() }
    }

    pub fn open(folder: &Path) -> Result<Self> {
        let bytes = fs::metadata(folder.join("vectors.f32"))?.len() as usize;
        let vectors = Vectors::read(&folder.join("vectors.f32"), bytes / 4 / DIMENSIONS)?;
        let deleted = fs::read(folder.join("deleted.u32"))?;
        Ok(Self {
            components: vectors.components().to_vec(),
            deleted: deleted.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        })
    }

    /// The `k` nearest, with the threads of the current rayon pool.
    pub fn search(&self, query: &[f32], k: usize) -> Vec<u32> {
        let best = self
            .components
            .par_chunks(ROWS_PER_TASK * DIMENSIONS)
            .enumerate()
            .fold(|| Best::new(k), |best, (task, rows)| self.scan(best, query, rows, (task * ROWS_PER_TASK) as u32))
            .reduce(|| Best::new(k), Best::merge);
        best.ids()
    }

    fn scan(&self, mut best: Best, query: &[f32], rows: &[f32], first_id: u32) -> Best {
        for (row, id) in rows.chunks_exact(DIMENSIONS).zip(first_id..) {
            let score = dot(query, row);
            if score > best.threshold() && !self.deleted.contains(&id) {
                best.offer(score, id);
            }
        }
        best
    }
}

impl Index for Exact {
    /// One thread.
    fn searcher(&self) -> Result<Searcher<'_>> {
        Ok(Box::new(|query, k, _| Ok(self.scan(Best::new(k), query, &self.components, 0).ids())))
    }

    fn save(&self, folder: &Path) -> Result<()> {
        let bytes: Vec<u8> = self.components.iter().flat_map(|c| c.to_le_bytes()).collect();
        fs::write(folder.join("vectors.f32"), bytes)?;
        fs::write(folder.join("deleted.u32"), self.deleted.iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<_>>())?;
        Ok(())
    }

    fn delete(&mut self, ids: &[u32]) -> Result<()> {
        self.deleted.extend(ids);
        Ok(())
    }

    fn insert(&mut self, first_id: u32, vectors: &Vectors) -> Result<()> {
        anyhow::ensure!(first_id as usize == self.components.len() / DIMENSIONS, "rows are appended");
        self.components.extend_from_slice(vectors.components());
        Ok(())
    }
}

/// The best `k` so far, best first. A short sorted list: in a scan, almost every candidate fails the threshold.
pub struct Best {
    k: usize,
    found: Vec<(f32, u32)>,
}

impl Best {
    pub fn new(k: usize) -> Self {
        Self { k, found: Vec::with_capacity(k + 1) }
    }

    fn threshold(&self) -> f32 {
        if self.found.len() < self.k { f32::NEG_INFINITY } else { self.found[self.k - 1].0 }
    }

    pub fn offer(&mut self, score: f32, id: u32) {
        if score > self.threshold() {
            let place = self.found.partition_point(|&(other, _)| other >= score);
            self.found.insert(place, (score, id));
            self.found.truncate(self.k);
        }
    }

    fn merge(mut self, other: Self) -> Self {
        for (score, id) in other.found {
            self.offer(score, id);
        }
        self
    }

    pub fn ids(self) -> Vec<u32> {
        self.found.into_iter().map(|(_, id)| id).collect()
    }
}

/// The inner product, with the widest vectors that this machine has.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the feature was just detected.
            return unsafe { dot_avx512(a, b) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the features were just detected.
            return unsafe { dot_avx2(a, b) };
        }
    }
    dot_lanes::<8>(a, b, |sum, x, y| sum + x * y)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn dot_avx512(a: &[f32], b: &[f32]) -> f32 {
    dot_lanes::<64>(a, b, |sum, x, y| x.mul_add(y, sum))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn dot_avx2(a: &[f32], b: &[f32]) -> f32 {
    dot_lanes::<32>(a, b, |sum, x, y| x.mul_add(y, sum))
}

/// `LANES` independent sums, which the compiler turns into vector registers. `DIMENSIONS` is a multiple of 64.
#[inline(always)]
fn dot_lanes<const LANES: usize>(a: &[f32], b: &[f32], multiply_add: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] = multiply_add(sums[lane], a[lane], b[lane]);
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_kept_in_order_whatever_order_they_come_in() {
        for scores in [[0.1, 0.4, 0.2, 0.3], [0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]] {
            let mut best = Best::new(2);
            for (score, id) in scores.into_iter().zip(0..) {
                best.offer(score, id);
            }
            let expected = [0.4, 0.3].map(|score| scores.iter().position(|&s| s == score).unwrap() as u32);
            assert_eq!(best.ids(), expected);
        }
    }

    #[test]
    fn every_width_gives_the_same_inner_product() {
        let a: Vec<f32> = (0..DIMENSIONS).map(|i| (i as f32 * 0.37).sin()).collect();
        let b: Vec<f32> = (0..DIMENSIONS).map(|i| (i as f32 * 0.73).cos()).collect();
        let expected: f64 = a.iter().zip(&b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
        assert!((f64::from(dot(&a, &b)) - expected).abs() < 1e-4);
        assert!((f64::from(dot_lanes::<8>(&a, &b, |sum, x, y| sum + x * y)) - expected).abs() < 1e-4);
    }
}
