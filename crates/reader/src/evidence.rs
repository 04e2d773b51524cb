//! Why: the tokens on which a verdict rests.

use std::collections::BTreeMap;

use vetted_kernels::Team;

use crate::pair::{Pair, VIEW};
use crate::{Error, Judgement, Outputs, Relation, Scratch, Verdict, ViewScorer, Views};

/// What decided a verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The verdict it explains.
    pub judgement: Judgement,
    /// How many tokens the query has: rows of the map.
    pub rows: usize,
    /// How many tokens the candidate has: columns of the map.
    pub columns: usize,
    /// The similarity map, row by row, each value in [-1, 1].
    pub map: Vec<f32>,
    /// How much each token of the query weighs: logits by which the verdict would be weaker without it, negative where it
    /// speaks against the verdict.
    pub query: Vec<f32>,
    /// The same of the candidate's tokens.
    pub candidate: Vec<f32>,
    /// Pairs of tokens that speak for the verdict, the heaviest first.
    pub pairs: Vec<TokenPair>,
}

/// A token of the query beside the candidate's token that is most like it, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenPair {
    /// Position in the query.
    pub query: usize,
    /// Position in the candidate.
    pub candidate: usize,
    /// Their similarity in the map.
    pub similarity: f32,
    /// Logits of the tokens that chose each other, added up; above 0.
    pub weight: f32,
}

impl ViewScorer {
    /// Explains the verdict on one pair by occlusion: each token in turn is made similar to nothing and without traits,
    /// all these pairs are read in one batch, and what the deciding logit loses is the token's weight.
    ///
    /// The deciding logit is that of conflict where a conflict rejects, else that of the match: of an acceptance what it
    /// loses, of a rejection what it gains, of an abstention how far it moves either way. `[CLS]` and `[SEP]` take part;
    /// leave them out when showing [`pairs`](Evidence::pairs) to people.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn evidence(
        &self,
        query: &Views,
        candidate: &Views,
        relation: Relation,
        team: &mut Team,
        scratch: &mut Scratch,
    ) -> Result<Evidence, Error> {
        let whole = self.pair(query, candidate)?;
        let (rows, columns) = (whole.rows, whole.columns);
        let hide = |token: usize, pair: &mut Pair, _: &mut vetted_kernels::Scratch| {
            pair.clone_from(&whole);
            match token {
                0 => {}
                _ if token <= rows => pair.hide_row(token - 1),
                _ => pair.hide_column(token - 1 - rows),
            }
        };
        let outputs = self.read(1 + rows + columns, hide, relation, team, scratch);
        let judgement = self.config().judge(&outputs[0], relation);
        let logit = |outputs: &Outputs| match relation {
            _ if judgement.verdict == Verdict::Reject && judgement.conflicts => outputs.conflict,
            Relation::Support => outputs.support,
            Relation::Equivalence => outputs.equivalence,
        };
        let weight = |hidden: &Outputs| {
            let lost = logit(&outputs[0]) - logit(hidden);
            match judgement.verdict {
                Verdict::Reject if !judgement.conflicts => -lost,
                Verdict::Accept | Verdict::Reject => lost,
                Verdict::Abstain => lost.abs(),
            }
        };
        let weights: Vec<f32> = outputs[1..].iter().map(weight).collect();
        let (query, candidate) = weights.split_at(rows);
        let map =
            (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))).map(|(i, j)| whole.at(VIEW, i, j)).collect();
        let pairs = pairs(&whole, query, candidate);
        Ok(Evidence { judgement, rows, columns, map, query: query.into(), candidate: candidate.into(), pairs })
    }
}

/// Every token that speaks for the verdict, with its best partner.
fn pairs(whole: &Pair, rows: &[f32], columns: &[f32]) -> Vec<TokenPair> {
    let first_largest = |similarities: &mut dyn Iterator<Item = f32>| {
        let best = similarities.enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map_or(0, |(index, _)| index)
    };
    let of_rows = rows
        .iter()
        .enumerate()
        .map(|(i, weight)| (i, first_largest(&mut (0..whole.columns).map(|j| whole.at(VIEW, i, j))), *weight));
    let of_columns = columns
        .iter()
        .enumerate()
        .map(|(j, weight)| (first_largest(&mut (0..whole.rows).map(|i| whole.at(VIEW, i, j))), j, *weight));
    let mut weights = BTreeMap::<(usize, usize), f32>::new();
    for (i, j, weight) in of_rows.chain(of_columns).filter(|(_, _, weight)| *weight > 0.0) {
        *weights.entry((i, j)).or_default() += weight;
    }
    let pair = |((query, candidate), weight)| TokenPair {
        query,
        candidate,
        similarity: whole.at(VIEW, query, candidate),
        weight,
    };
    let mut pairs: Vec<_> = weights.into_iter().map(pair).collect();
    pairs.sort_by(|a, b| b.weight.total_cmp(&a.weight)); // stable: equals stay in the order of the texts
    pairs
}
