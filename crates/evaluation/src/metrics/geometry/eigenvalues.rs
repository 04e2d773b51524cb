//! Eigenvalues of symmetric matrices: Householder's reduction to three diagonals, then QL with implicit shifts (Martin and
//! Wilkinson, *Householder's tridiagonalization of a symmetric matrix* and *The implicit QL algorithm*, Numerische
//! Mathematik 11 and 12, 1968).

/// The eigenvalues of a covariance matrix, `size` x `size`, in no order; what rounding made negative is 0.
pub(super) fn eigenvalues(matrix: Vec<f64>, size: usize) -> Vec<f64> {
    let (mut diagonal, mut beside) = tridiagonal(matrix, size);
    for at in 0..size {
        for _ in 0..MOST_ROUNDS {
            let small = |i: &usize| beside[*i].abs() <= f64::EPSILON * (diagonal[*i].abs() + diagonal[*i + 1].abs());
            let end = (at..size.saturating_sub(1)).find(small).unwrap_or(size - 1);
            if end == at {
                break;
            }
            rotate(&mut diagonal, &mut beside, at, end);
        }
    }
    diagonal.iter().map(|value| value.max(0.0)).collect()
}

/// A handful suffice for each value; what has not converged by then is exact enough.
const MOST_ROUNDS: usize = 60;

/// One QL step with an implicit shift on the block from `at` to `end`.
fn rotate(diagonal: &mut [f64], beside: &mut [f64], at: usize, end: usize) {
    let lean = (diagonal[at + 1] - diagonal[at]) / (2.0 * beside[at]);
    let root = lean.hypot(1.0);
    let mut g = diagonal[end] - diagonal[at] + beside[at] / (lean + root.copysign(lean));
    let (mut sine, mut cosine, mut passed) = (1.0, 1.0, 0.0);
    for i in (at..end).rev() {
        let f = sine * beside[i];
        let b = cosine * beside[i];
        let length = f.hypot(g);
        beside[i + 1] = length;
        if length == 0.0 {
            diagonal[i + 1] -= passed;
            beside[end] = 0.0;
            return;
        }
        (sine, cosine) = (f / length, g / length);
        g = diagonal[i + 1] - passed;
        let r = (diagonal[i] - g) * sine + 2.0 * cosine * b;
        passed = sine * r;
        diagonal[i + 1] = g + passed;
        g = cosine * r - b;
    }
    diagonal[at] -= passed;
    beside[at] = g;
    beside[end] = 0.0;
}

/// A matrix of the same eigenvalues that has only a diagonal and, on both sides of it, the second list (whose last is 0).
fn tridiagonal(mut a: Vec<f64>, size: usize) -> (Vec<f64>, Vec<f64>) {
    let mut beside = vec![0.0; size];
    for k in 0..size.saturating_sub(2) {
        // Householder's reflection takes column k below the diagonal to its first entry.
        let column: Vec<f64> = (k + 1..size).map(|i| a[i * size + k]).collect();
        let length = column.iter().map(|value| value * value).sum::<f64>().sqrt();
        let target = if column[0] > 0.0 { -length } else { length };
        beside[k] = target;
        let mut v = column;
        v[0] -= target;
        let square: f64 = v.iter().map(|value| value * value).sum();
        if square == 0.0 {
            continue;
        }
        let rest = |i: usize| (k + 1 + i) * size + k + 1..(k + 2 + i) * size;
        let mut w: Vec<f64> =
            (0..v.len()).map(|i| a[rest(i)].iter().zip(&v).map(|(a, v)| a * v).sum::<f64>() * 2.0 / square).collect();
        let along = v.iter().zip(&w).map(|(v, w)| v * w).sum::<f64>() / square;
        w.iter_mut().zip(&v).for_each(|(w, v)| *w -= along * v);
        for i in 0..v.len() {
            let (vi, wi) = (v[i], w[i]);
            a[rest(i)].iter_mut().zip(v.iter().zip(&w)).for_each(|(a, (v, w))| *a -= vi * w + wi * v);
        }
    }
    if size >= 2 {
        beside[size - 2] = a[(size - 1) * size + size - 2];
    }
    ((0..size).map(|i| a[i * size + i]).collect(), beside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::SplitMix64;

    #[test]
    fn values_are_those_the_matrix_was_built_of() {
        // Q diag(1, 2, ..., n) Q^T, Q being a product of random reflections.
        for size in [1, 2, 3, 7, 60] {
            let mut random = SplitMix64(size as u64);
            let mut matrix = vec![0.0; size * size];
            (0..size).for_each(|i| matrix[i * size + i] = (i + 1) as f64);
            for _ in 0..4 {
                let v: Vec<f64> = (0..size).map(|_| random.below(1000) as f64 - 500.0).collect();
                let square: f64 = v.iter().map(|v| v * v).sum::<f64>().max(1.0);
                let reflect = |matrix: &[f64]| -> Vec<f64> {
                    let along: Vec<f64> =
                        (0..size).map(|j| (0..size).map(|i| v[i] * matrix[i * size + j]).sum::<f64>()).collect();
                    (0..size * size).map(|at| matrix[at] - 2.0 * v[at / size] * along[at % size] / square).collect()
                };
                let transposed = |matrix: &[f64]| -> Vec<f64> {
                    (0..size * size).map(|at| matrix[at % size * size + at / size]).collect()
                };
                matrix = reflect(&transposed(&reflect(&matrix)));
            }
            let mut found = eigenvalues(matrix, size);
            found.sort_unstable_by(f64::total_cmp);
            for (index, value) in found.iter().enumerate() {
                assert!((value - (index + 1) as f64).abs() < 1e-9 * size as f64, "{size}: {found:?}");
            }
        }
    }

    #[test]
    fn flat_directions_are_zero() {
        let mut found = eigenvalues(vec![1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], 3);
        found.sort_unstable_by(f64::total_cmp);
        assert!(found[0].abs() < 1e-12 && found[1].abs() < 1e-12 && (found[2] - 2.0).abs() < 1e-12, "{found:?}");
    }
}
