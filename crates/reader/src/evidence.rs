//! Why: the tokens on which outputs rest.

use std::collections::BTreeMap;

use vetted_kernels::Team;

use crate::pair::{Pair, VIEW};
use crate::{Error, Outputs, Relation, Scratch, ViewScorer, Views};

/// Which tokens of a pair its outputs rest on.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The outputs it explains.
    pub outputs: Outputs,
    /// How many tokens the query has: rows of the map.
    pub rows: usize,
    /// How many tokens the candidate has: columns of the map.
    pub columns: usize,
    /// The similarity map, row by row, each value in [-1, 1].
    pub map: Vec<f32>,
    /// How much each token of the query weighs: by how many logits it makes for what is explained ([`Weighing`]), negative
    /// where it speaks against it.
    pub query: Vec<f32>,
    /// The same of the candidate's tokens.
    pub candidate: Vec<f32>,
    /// Pairs of tokens that speak for what is explained, the heaviest first.
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

/// What a token's weight is: how a logit changes when the token is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighing {
    /// Which logit.
    pub logit: Logit,
    /// Which change of it counts.
    pub change: Change,
}

/// One of the logits that a pair is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logit {
    /// That of the relation asked about.
    Match,
    /// [`Outputs::conflict`].
    Conflict,
}

/// A change of a logit that speaks for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Without the token it is lower.
    Loss,
    /// Without the token it is higher.
    Gain,
    /// It moves, either way.
    Any,
}

impl ViewScorer {
    /// Explains the outputs of one pair by occlusion: each token in turn is made similar to nothing and without traits, all
    /// these pairs are read in one batch, and how a logit changes is the token's weight. `weighing` says, from the outputs of
    /// the whole pair, which logit and which change. `[CLS]` and `[SEP]` take part; leave them out when showing
    /// [`pairs`](Evidence::pairs) to people.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn evidence(
        &self,
        query: &Views,
        candidate: &Views,
        relation: Relation,
        weighing: impl FnOnce(&Outputs) -> Weighing,
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
        let Weighing { logit, change } = weighing(&outputs[0]);
        let logit = |outputs: &Outputs| match (logit, relation) {
            (Logit::Conflict, _) => outputs.conflict,
            (Logit::Match, Relation::Support) => outputs.support,
            (Logit::Match, Relation::Equivalence) => outputs.equivalence,
        };
        let weight = |hidden: &Outputs| {
            let lost = logit(&outputs[0]) - logit(hidden);
            match change {
                Change::Loss => lost,
                Change::Gain => -lost,
                Change::Any => lost.abs(),
            }
        };
        let weights: Vec<f32> = outputs[1..].iter().map(weight).collect();
        let (query, candidate) = weights.split_at(rows);
        let map =
            (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))).map(|(i, j)| whole.at(VIEW, i, j)).collect();
        let pairs = pairs(&whole, query, candidate);
        Ok(Evidence {
            outputs: outputs[0],
            rows,
            columns,
            map,
            query: query.into(),
            candidate: candidate.into(),
            pairs,
        })
    }
}

/// Every token that speaks for what is explained, with its best partner.
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
