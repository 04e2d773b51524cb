//! The loss that pulls a text to its positive and away from all others.

use vetted_kernels::{Isa, dot};

/// The texts of a step. Places are rows of its vectors.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Numbers of the texts, one a row.
    pub(super) texts: Vec<usize>,
    /// The row of every anchor.
    pub(super) anchors: Vec<usize>,
    /// The row of everything that anchors are compared with: first each anchor's positive, then the negatives.
    pub(super) candidates: Vec<usize>,
}

impl Batch {
    /// Of triplets of texts, by their numbers.
    pub(super) fn new(triplets: impl IntoIterator<Item = [Option<usize>; 3]> + Clone) -> Batch {
        let mut batch = Batch::default();
        let mut row = |text: usize| match batch.texts.iter().position(|known| *known == text) {
            Some(row) => row,
            None => {
                batch.texts.push(text);
                batch.texts.len() - 1
            }
        };
        let mut rows = |place: usize| -> Vec<usize> {
            triplets.clone().into_iter().filter_map(|triplet| triplet[place]).map(&mut row).collect()
        };
        let (anchors, mut candidates) = (rows(0), rows(1));
        candidates.extend(rows(2));
        Batch { anchors, candidates, ..batch }
    }

    /// Whether an anchor is compared with a candidate. It is not where that might be right, too: where it is the anchor's
    /// own positive, or the anchor itself, once more, or the positive of an equal anchor.
    fn compares(&self, anchor: usize, candidate: usize) -> bool {
        let row = self.candidates[candidate];
        let same_anchor = self.anchors.get(candidate) == Some(&self.anchors[anchor]);
        anchor == candidate || row != self.candidates[anchor] && row != self.anchors[anchor] && !same_anchor
    }
}

/// The multiple-negatives ranking loss (Henderson et al. 2017, arXiv 1705.00652, section 4) of unit `vectors`, a row for every
/// text of the batch, averaged over the anchors, and its gradient: cosines over the temperature, softmax over the
/// candidates, cross-entropy with the positive.
pub(super) fn contrast(vectors: &[f32], batch: &Batch, temperature: f64) -> (f64, Vec<f32>) {
    let width = vectors.len() / batch.texts.len().max(1);
    let vector = |row: usize| &vectors[row * width..(row + 1) * width];
    let isa = Isa::detect();
    let mut gradient = vec![0.0; vectors.len()];
    let mut loss = 0.0;
    let share = 1.0 / batch.anchors.len().max(1) as f64;
    for (index, anchor) in batch.anchors.iter().enumerate() {
        let compared: Vec<usize> =
            (0..batch.candidates.len()).filter(|candidate| batch.compares(index, *candidate)).collect();
        let score = |candidate: &usize| {
            f64::from(dot(isa, vector(*anchor), vector(batch.candidates[*candidate]))) / temperature
        };
        let scores: Vec<f64> = compared.iter().map(score).collect();
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = scores.iter().map(|score| (score - highest).exp()).sum();
        for (candidate, score) in compared.into_iter().zip(scores) {
            let log = score - highest - total.ln();
            let target = candidate == index;
            if target {
                loss -= share * log;
            }
            let slope = (share / temperature * (log.exp() - f64::from(u8::from(target)))) as f32;
            let row = batch.candidates[candidate];
            for (at, other) in [(*anchor, row), (row, *anchor)] {
                let place = &mut gradient[at * width..(at + 1) * width];
                place.iter_mut().zip(vector(other)).for_each(|(g, v)| *g += slope * v);
            }
        }
    }
    (loss, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        // The second and third anchors are one text; the fourth's positive is the first's; the third has no negative.
        Batch::new([
            [Some(10), Some(20), Some(30)],
            [Some(11), Some(21), Some(31)],
            [Some(11), Some(22), None],
            [Some(12), Some(20), Some(10)],
        ])
    }

    #[test]
    fn what_might_be_right_is_no_negative() {
        let batch = batch();
        assert_eq!(batch.texts, [10, 11, 12, 20, 21, 22, 30, 31]);
        assert_eq!(batch.anchors, [0, 1, 1, 2]);
        assert_eq!(batch.candidates, [3, 4, 5, 3, 6, 7, 0]);
        let compared = |anchor| (0..7).filter(|candidate| batch.compares(anchor, *candidate)).collect::<Vec<_>>();
        assert_eq!(compared(0), [0, 1, 2, 4, 5]); // not the fourth's positive, nor itself
        assert_eq!(compared(1), [0, 1, 3, 4, 5, 6]);
        assert_eq!(compared(2), [0, 2, 3, 4, 5, 6]);
        assert_eq!(compared(3), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        let batch = batch();
        let vectors: Vec<f32> = (0..8 * 5).map(|i| ((i * 7919) as f32 * 12.9898).sin()).collect();
        let (_, gradient) = contrast(&vectors, &batch, 0.5);
        let largest = gradient.iter().fold(0f32, |a, b| a.max(b.abs()));
        let mut moved = vectors.clone();
        for (i, slope) in gradient.iter().enumerate() {
            moved[i] = vectors[i] + 1e-3;
            let above = contrast(&moved, &batch, 0.5).0;
            moved[i] = vectors[i] - 1e-3;
            let below = contrast(&moved, &batch, 0.5).0;
            moved[i] = vectors[i];
            let expected = (above - below) / 2e-3;
            assert!((expected - f64::from(*slope)).abs() < 5e-3 * f64::from(largest), "{i}: {slope} for {expected}");
        }
    }

    #[test]
    fn a_positive_that_is_nearest_by_far_costs_nothing() {
        let unit = |place: usize| (0..4).map(move |at| f32::from(u8::from(at == place)));
        let batch = Batch::new([[Some(0), Some(1), Some(2)], [Some(3), Some(4), None]]);
        let near: Vec<f32> = [0, 3, 0, 3, 2].into_iter().flat_map(unit).collect(); // rows: anchors, positives, the negative
        assert!(contrast(&near, &batch, 0.05).0 < 1e-6);
        let far: Vec<f32> = [0, 3, 3, 0, 2].into_iter().flat_map(unit).collect();
        assert!((contrast(&far, &batch, 0.05).0 - 20.0).abs() < 1e-6);
    }
}
