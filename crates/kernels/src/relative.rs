//! MPNet's attention bias by distance.

/// What is added to the scaled score of a query and a key by how far apart their tokens are: one value per bucket of
/// distances and head, the same in all layers (Song et al. 2020, arXiv 2004.09297; buckets as in T5).
#[derive(Clone, Debug, PartialEq)]
pub struct RelativeBias {
    heads: usize,
    longest: usize,
    /// For every head, the value at each `key - query`, from `1 - longest` to `longest - 1`.
    by_distance: Vec<f32>,
}

impl RelativeBias {
    /// From the learned table, buckets x `heads`, for texts of at most `longest` tokens.
    ///
    /// # Panics
    /// When `heads` is 0 or does not divide the table, or `longest` is 0.
    pub fn new(table: &[f32], heads: usize, longest: usize) -> RelativeBias {
        assert!(heads > 0 && longest > 0 && table.len().is_multiple_of(heads), "table is not buckets x heads");
        let buckets = table.len() / heads;
        let mut by_distance = Vec::with_capacity(heads * (2 * longest - 1));
        for head in 0..heads {
            by_distance.extend((0..2 * longest - 1).map(|at| table[bucket(longest - 1, at, buckets) * heads + head]));
        }
        RelativeBias { heads, longest, by_distance }
    }

    /// How many heads it has values for.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// The most tokens a text may have.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// What one head adds to the scores of the token at `query` against each of a text's `tokens`.
    ///
    /// # Panics
    /// When the text is longer than [`longest`](Self::longest), or there is no such head or token.
    pub fn row(&self, head: usize, query: usize, tokens: usize) -> &[f32] {
        assert!(query < tokens && tokens <= self.longest, "the text is longer than the bias reaches");
        let distances = 2 * self.longest - 1;
        &self.by_distance[head * distances..][..distances][self.longest - 1 - query..][..tokens]
    }
}

/// T5's bucket of a signed distance (Raffel et al. 2020, section 2.1): exact for near tokens, logarithmic up to 128.
fn bucket(query: usize, key: usize, buckets: usize) -> usize {
    let half = buckets / 2;
    let exact = half / 2;
    let side = if key > query { half } else { 0 };
    let distance = query.abs_diff(key);
    if distance < exact {
        return side + distance;
    }
    let ratio = (distance as f32 / exact as f32).ln() / (128.0 / exact as f32).ln();
    side + (exact + (ratio * (half - exact) as f32) as usize).min(half - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_transformers() {
        // transformers' `MPNetEncoder.relative_position_bucket`, 32 buckets, of key - query.
        let cases = [(0, 0), (1, 17), (7, 23), (8, 24), (11, 24), (12, 25), (127, 31), (400, 31)];
        for (distance, expected) in cases {
            assert_eq!(bucket(0, distance, 32), expected, "key {distance} after the query");
            assert_eq!(bucket(distance, 0, 32), if distance == 0 { 0 } else { expected - 16 }, "before it");
        }
    }

    #[test]
    fn a_row_holds_a_value_for_every_key() {
        let table: Vec<f32> = (0..32 * 2).map(|value| value as f32).collect();
        let bias = RelativeBias::new(&table, 2, 40);
        for (head, query, tokens) in [(0, 0, 1), (1, 3, 17), (0, 39, 40)] {
            let expected: Vec<f32> = (0..tokens).map(|key| table[2 * bucket(query, key, 32) + head]).collect();
            assert_eq!(bias.row(head, query, tokens), expected);
        }
    }
}
