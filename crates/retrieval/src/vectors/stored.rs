//! Exact scores from the vectors in the store, which the operating system keeps in memory as it sees fit.

use vetted_kernels::{Isa, Team, dots};

use super::Scope;
use crate::error::Result;
use crate::ranking::{Best, Candidate};
use crate::roster::Ordinal;
use crate::store::StoredVectors;

/// How many documents one thread takes at a time, at least.
const AT_A_TIME: usize = 512;

/// The best `k` of `documents`, which ascend. The result is the same for any team.
pub(super) fn nearest<'search>(
    query: &[f32],
    k: usize,
    documents: &[Ordinal],
    scope: Scope<'search>,
    team: &mut Team,
) -> Result<Vec<Candidate<'search>>> {
    // A moment of the store is read by one thread; what it points to may be read by all.
    let records = scope.reading.vectors_of(documents.iter().map(|ordinal| scope.roster.number(*ordinal)))?;
    let roster = scope.roster;
    let shares = if team.size() == 1 { 1 } else { 4 * team.size() };
    let at_a_time = documents.len().div_ceil(shares).max(AT_A_TIME);
    let pieces = documents.chunks(at_a_time).zip(records.chunks(at_a_time));
    let mut pieces: Vec<_> = pieces.map(|piece| (piece, Vec::new())).collect();
    team.each(pieces.iter_mut(), |((documents, records), ranking)| {
        let (mut best, mut scorer) = (Best::new(k, roster), Scorer::new(query));
        for (ordinal, vectors) in documents.iter().zip(*records) {
            if let Some((_, score)) = scorer.best_passage(*vectors) {
                best.offer(*ordinal, score);
            }
        }
        *ranking = best.into_ranking();
    });
    let mut ranking: Vec<_> = pieces.into_iter().flat_map(|(_, ranking)| ranking).collect();
    ranking.sort_unstable_by(Candidate::rank);
    ranking.truncate(k);
    Ok(ranking)
}

/// The best passage of one document for `query`, as its index and inner product; `None` if it has no passages.
pub(super) fn best_passage(query: &[f32], ordinal: Ordinal, scope: Scope<'_>) -> Result<Option<(u32, f32)>> {
    let vectors = scope.reading.vectors(scope.roster.number(ordinal))?;
    Ok(Scorer::new(query).best_passage(vectors))
}

/// Scores documents one after the other, in the same memory.
struct Scorer<'query> {
    query: &'query [f32],
    isa: Isa,
    rows: Vec<f32>,
    scores: Vec<f32>,
}

impl<'query> Scorer<'query> {
    fn new(query: &'query [f32]) -> Self {
        Self { query, isa: Isa::detect(), rows: Vec::new(), scores: Vec::new() }
    }

    fn best_passage(&mut self, vectors: StoredVectors<'_>) -> Option<(u32, f32)> {
        // Copied, because LMDB does not align them.
        self.rows.clear();
        vectors.read(&mut self.rows);
        self.scores.resize(vectors.len(), 0.0);
        dots(self.isa, self.query, &self.rows, &mut self.scores);
        let better = |best: (u32, f32), next: (u32, f32)| if next.1 > best.1 { next } else { best };
        (0..).zip(self.scores.iter().copied()).reduce(better)
    }
}
