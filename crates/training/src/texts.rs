//! Texts of a batch, one after the other without padding.

use std::sync::Arc;

/// Token ids of several texts and where each begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Texts {
    pub(crate) ids: Vec<u32>,
    /// The token type of every token.
    pub(crate) types: Vec<u32>,
    pub(crate) spans: Spans,
}

/// Rows that belong together, one group after the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spans {
    /// Where each group begins, and where the last one ends.
    starts: Arc<Vec<usize>>,
}

impl Default for Spans {
    fn default() -> Self {
        Spans { starts: Arc::new(vec![0]) }
    }
}

impl Spans {
    /// Groups of these lengths.
    pub(crate) fn of_lengths(lengths: impl IntoIterator<Item = usize>) -> Spans {
        let mut starts = vec![0];
        let mut end = 0;
        for length in lengths {
            end += length;
            starts.push(end);
        }
        Spans { starts: Arc::new(starts) }
    }

    /// How many groups there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many rows all groups have.
    pub(crate) fn rows(&self) -> usize {
        self.starts[self.len()]
    }

    /// The rows of a group.
    pub(crate) fn get(&self, index: usize) -> std::ops::Range<usize> {
        self.starts[index]..self.starts[index + 1]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The first row of every group.
    pub(crate) fn firsts(&self) -> Vec<u32> {
        self.starts[..self.len()].iter().map(|start| *start as u32).collect()
    }

    /// Rows of the longest group.
    pub(crate) fn longest(&self) -> usize {
        self.iter().map(|span| span.len()).max().unwrap_or(0)
    }
}

impl Texts {
    /// Texts on their own: all tokens are of type 0.
    pub(crate) fn of(texts: &[&[u32]]) -> Texts {
        let ids: Vec<u32> = texts.concat();
        let types = vec![0; ids.len()];
        Texts { ids, types, spans: Spans::of_lengths(texts.iter().map(|text| text.len())) }
    }

    /// `[CLS] query [SEP] candidate [SEP]` of every pair, the candidate's tokens and the last `[SEP]` of type 1. Texts come with both
    /// special tokens of their own.
    pub(crate) fn joined(pairs: &[(&[u32], &[u32])]) -> Texts {
        let (mut ids, mut types) = (Vec::new(), Vec::new());
        let mut lengths = Vec::with_capacity(pairs.len());
        for (query, candidate) in pairs {
            let rest = candidate.get(1..).unwrap_or_default();
            ids.extend_from_slice(query);
            ids.extend_from_slice(rest);
            types.extend(std::iter::repeat_n(0, query.len()));
            types.extend(std::iter::repeat_n(1, rest.len()));
            lengths.push(query.len() + rest.len());
        }
        Texts { ids, types, spans: Spans::of_lengths(lengths) }
    }
}
