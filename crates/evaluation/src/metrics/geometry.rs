//! How an encoder's vectors fill their space: what fine-tuning may squeeze before any benchmark shows it.

mod eigenvalues;

use serde::Serialize;

use crate::Error;
use eigenvalues::eigenvalues;

/// The shape of a cloud of vectors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Geometry {
    /// How many vectors were looked at.
    pub vectors: usize,
    /// Their length.
    pub dimensions: usize,
    /// The mean cosine of two of them, all pairs taken (Ethayarajh, *How Contextual are Contextualized Word
    /// Representations?*, EMNLP 2019). In `-1..=1`; the nearer to 1, the narrower the cone they lie in.
    pub mean_similarity: f64,
    /// The share of their variance that lies in its one largest direction (Razzhigaev et al., *The Shape of Learning*, EACL
    /// 2024 findings). From 1 / `dimensions`, spread evenly, to 1, all on one line.
    pub anisotropy: f64,
    /// How many dimensions they fill: the exponential of the entropy of the singular values, each over their sum, of the
    /// centered vectors (Roy and Vetterli, *The effective rank*, EUSIPCO 2007). From 1 to `dimensions`.
    pub effective_rank: f64,
    /// The logarithm of the mean of exp(-2 |x - y|²) over pairs of unit vectors (Wang and Isola, *Understanding
    /// Contrastive Representation Learning*, ICML 2020). 0 if all are equal, about -4 if spread evenly in many dimensions.
    pub uniformity: f64,
}

impl Geometry {
    /// Of vectors one after the other, `dimensions` values each; they are scaled to length 1 first.
    ///
    /// Takes O(n² d) for the pairs and O(n d² + d³) for the directions: 1 s for 2,000 vectors of 768.
    ///
    /// # Errors
    /// [`Error::TooFewVectors`] unless there are at least two; [`Error::NotANumber`] for a value that is not finite.
    pub fn of(values: &[f32], dimensions: usize) -> Result<Self, Error> {
        let count = values.len() / dimensions.max(1);
        if count < 2 {
            return Err(Error::TooFewVectors { got: count });
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotANumber { position: index + 1 });
        }
        let unit: Vec<f64> = values.chunks_exact(dimensions).flat_map(unit).collect();
        let rows = || unit.chunks_exact(dimensions);
        let (mut cosines, mut potentials) = (0.0, 0.0);
        for (index, one) in rows().enumerate() {
            for other in rows().skip(index + 1) {
                let cosine = dot(one, other);
                cosines += cosine;
                potentials += (-4.0 * (1.0 - cosine)).exp(); // |x - y|² = 2 - 2 cos
            }
        }
        let pairs = (count * (count - 1)) as f64 / 2.0;
        let spectrum = eigenvalues(covariance(&unit, dimensions), dimensions);
        let variance: f64 = spectrum.iter().sum();
        let singular: Vec<f64> = spectrum.iter().map(|value| value.sqrt()).collect();
        let sum: f64 = singular.iter().sum();
        let entropy = |value: &f64| match value / sum {
            share if share > 0.0 => -share * share.ln(),
            _ => 0.0,
        };
        let largest = spectrum.iter().copied().fold(0.0, f64::max);
        Ok(Self {
            vectors: count,
            dimensions,
            mean_similarity: cosines / pairs,
            anisotropy: if variance > 0.0 { largest / variance } else { 1.0 },
            effective_rank: singular.iter().map(entropy).sum::<f64>().exp(),
            uniformity: (potentials / pairs).ln(),
        })
    }
}

fn unit(row: &[f32]) -> impl Iterator<Item = f64> {
    let length = row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    row.iter().map(move |value| f64::from(*value) / length)
}

/// The covariance matrix, `dimensions` x `dimensions`; values that are rounding errors of 0 are 0.
fn covariance(rows: &[f64], dimensions: usize) -> Vec<f64> {
    let count = (rows.len() / dimensions) as f64;
    let mut mean = vec![0.0; dimensions];
    for row in rows.chunks_exact(dimensions) {
        mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / count);
    }
    let mut matrix = vec![0.0; dimensions * dimensions];
    let mut centered = vec![0.0; dimensions];
    for row in rows.chunks_exact(dimensions) {
        centered.iter_mut().zip(row.iter().zip(&mean)).for_each(|(c, (value, mean))| *c = value - mean);
        for (factor, line) in centered.iter().zip(matrix.chunks_exact_mut(dimensions)) {
            line.iter_mut().zip(&centered).for_each(|(sum, value)| *sum += factor * value / count);
        }
    }
    matrix
}

/// In eight sums, which the compiler turns into vector instructions.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, rest_a) = a.as_chunks::<8>();
    let (b, rest_b) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f64>() + rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_of_a_cross() -> Result<(), Error> {
        // Plus and minus every axis of four: even in all directions, and two of them are at right angles or opposite.
        let mut cross = vec![0f32; 8 * 4];
        for axis in 0..4 {
            cross[2 * axis * 4 + axis] = 3.0;
            cross[(2 * axis + 1) * 4 + axis] = -0.5;
        }
        let geometry = Geometry::of(&cross, 4)?;
        assert!((geometry.effective_rank - 4.0).abs() < 1e-9, "{geometry:?}");
        assert!((geometry.anisotropy - 0.25).abs() < 1e-9, "{geometry:?}");
        assert!((geometry.mean_similarity + 4.0 / 28.0).abs() < 1e-9, "{geometry:?}");
        let potential = (24.0 * (-4f64).exp() + 4.0 * (-8f64).exp()) / 28.0;
        assert!((geometry.uniformity - potential.ln()).abs() < 1e-9, "{geometry:?}");
        Ok(())
    }

    #[test]
    fn vectors_on_a_line_fill_one_dimension() -> Result<(), Error> {
        let geometry = Geometry::of(&[1.0, 0.0, -1.0, 0.0, 1.0, 0.0], 2)?;
        assert!((geometry.effective_rank - 1.0).abs() < 1e-6 && geometry.anisotropy == 1.0, "{geometry:?}");
        let equal = Geometry::of(&[0.6, 0.8, 0.6, 0.8], 2)?;
        assert!((equal.mean_similarity - 1.0).abs() < 1e-6 && equal.uniformity.abs() < 1e-5, "{equal:?}");
        Ok(())
    }

    #[test]
    fn agrees_with_numpy() -> Result<(), Error> {
        // x = [[1, 2, 3], [3, 1, 0], [0, 1, 1], [2, 2, 5]]; u = x / |x|; s = svd(u - u.mean(0)); p = s / s.sum();
        // exp(-(p log p).sum()), s[0]**2 / (s**2).sum(): NumPy 2.
        let geometry = Geometry::of(&[1., 2., 3., 3., 1., 0., 0., 1., 1., 2., 2., 5.], 3)?;
        let found = [geometry.effective_rank, geometry.anisotropy, geometry.mean_similarity, geometry.uniformity];
        for (found, expected) in found.iter().zip([2.045_846_789, 0.885_005_262, 0.645_021_579, -0.859_574_660]) {
            assert!((found - expected).abs() < 1e-6, "{geometry:?}");
        }
        Ok(())
    }

    #[test]
    fn too_little_is_an_error() {
        assert!(matches!(Geometry::of(&[1.0, 2.0], 2), Err(Error::TooFewVectors { got: 1 })));
        assert!(matches!(Geometry::of(&[], 2), Err(Error::TooFewVectors { got: 0 })));
        assert!(matches!(Geometry::of(&[1.0, f32::NAN], 1), Err(Error::NotANumber { position: 2 })));
    }
}
