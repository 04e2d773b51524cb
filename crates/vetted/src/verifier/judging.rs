//! Windows to verdicts.

use std::ops::Range;

use rayon::prelude::*;
use vetted_kernels::Team;
use vetted_verifier::{
    Judgement, Kind, Outputs, Relation, Scorer, Scratch, Verdict, ViewScorer, Views, Window, combine, combine_passage,
};

use super::windows::{PassageViews, Windows, best};
use super::{Verification, Verifier, tensors};
use crate::Error;

/// A query and its candidates in tokens.
pub(super) struct Question {
    pub(super) query: Vec<u32>,
    pub(super) candidates: Vec<Windows>,
    pub(super) terms: Terms,
}

/// By what candidates are judged.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// The query is longer than what is read of it.
    pub(super) query_cut: bool,
    pub(super) relation: Relation,
    pub(super) rejection: Rejection,
}

/// What a candidate is rejected for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejection {
    /// A conflict, or not matching the query.
    Mismatch,
    /// A conflict.
    Conflict,
}

impl Verifier {
    /// A verification for every candidate of every question.
    pub(super) fn answer(&self, questions: Vec<Question>) -> Result<Vec<Vec<Verification>>, Error> {
        match &self.scorer {
            Scorer::Joint(_) => {
                let answer = |Question { query, candidates, terms }| self.judge_jointly(&query, &candidates, terms);
                questions.into_par_iter().map(answer).collect()
            }
            Scorer::Views(scorer) => {
                // Queries are encoded with the candidates, each as a text of one window.
                let (mut texts, mut asked) = (Vec::new(), Vec::with_capacity(questions.len()));
                for Question { query, candidates, terms } in questions {
                    asked.push((candidates.len(), terms));
                    texts.push(Windows { ranges: std::iter::once(0..0).collect(), ids: vec![query] });
                    texts.extend(candidates);
                }
                let encoded = self.encoded(scorer, texts)?;
                let mut rest = encoded.as_slice();
                let mut work = Vec::with_capacity(asked.len());
                for (candidates, terms) in asked {
                    let (own, after) = rest.split_at(1 + candidates);
                    rest = after;
                    work.push((&own[0].views[0], &own[1..], terms));
                }
                if let [(query, candidates, terms)] = work[..] {
                    let (mut team, mut scratch) = (Team::gather(), Scratch::default());
                    return Ok(vec![self.judge_views(scorer, query, candidates, terms, &mut team, &mut scratch)?]);
                }
                let answer = |scratch: &mut Scratch, (query, candidates, terms)| {
                    self.judge_views(scorer, query, candidates, terms, &mut Team::alone(), scratch)
                };
                work.into_par_iter().map_init(Scratch::default, answer).collect()
            }
        }
    }

    pub(super) fn judge_views(
        &self,
        scorer: &ViewScorer,
        query: &Views,
        candidates: &[PassageViews],
        terms: Terms,
        team: &mut Team,
        scratch: &mut Scratch,
    ) -> Result<Vec<Verification>, Error> {
        let mut kept = Vec::with_capacity(candidates.len());
        let mut read = Vec::with_capacity(candidates.len());
        for PassageViews { views, .. } in candidates {
            let coverage = match (views.as_slice(), terms.rejection) {
                // The only window decides whatever it covers.
                ([] | [_], Rejection::Mismatch) => vec![1.0; views.len()],
                (several, _) => scorer.coverage(query, several, scratch).map_err(tensors)?,
            };
            let chosen = best(&coverage);
            read.extend(chosen.iter().map(|(window, _)| views[*window].clone()));
            kept.push(chosen);
        }
        let outputs = scorer.score(query, &read, terms.relation, team, scratch).map_err(tensors)?;
        let ranges = candidates.iter().map(|candidate| candidate.ranges.as_slice());
        Ok(self.joined(terms, ranges, &kept, &outputs))
    }

    pub(super) fn judge_jointly(
        &self,
        query: &[u32],
        candidates: &[Windows],
        terms: Terms,
    ) -> Result<Vec<Verification>, Error> {
        let kept: Vec<Vec<(usize, f32)>> =
            candidates.iter().map(|windows| best(&vec![1.0; windows.ids.len()])).collect();
        let windows =
            candidates.iter().zip(&kept).flat_map(|(windows, kept)| kept.iter().map(|(i, _)| &windows.ids[*i]));
        let forward: Vec<(&[u32], &[u32])> = windows.map(|ids| (query, ids.as_slice())).collect();
        let mut outputs = self.joint_outputs(&forward)?;
        if terms.relation == Relation::Equivalence {
            let backward: Vec<(&[u32], &[u32])> = forward.iter().map(|(query, ids)| (*ids, *query)).collect();
            let other = self.joint_outputs(&backward)?;
            outputs.iter_mut().zip(&other).for_each(|(forward, backward)| *forward = forward.both_orders(backward));
        }
        let ranges = candidates.iter().map(|windows| windows.ranges.as_slice());
        Ok(self.joined(terms, ranges, &kept, &outputs))
    }

    fn joint_outputs(&self, pairs: &[(&[u32], &[u32])]) -> Result<Vec<Outputs>, Error> {
        match &self.scorer {
            Scorer::Joint(scorer) => scorer.score(self.encoder.joint_vectors(pairs)?.values()).map_err(tensors),
            Scorer::Views(_) => Ok(Vec::new()),
        }
    }

    /// One verification per candidate out of the outputs of all windows read, one candidate's after the other's.
    fn joined<'a>(
        &self,
        terms: Terms,
        ranges: impl Iterator<Item = &'a [Range<usize>]>,
        kept: &[Vec<(usize, f32)>],
        outputs: &[Outputs],
    ) -> Vec<Verification> {
        let mut rest = outputs;
        let mut verified = Vec::with_capacity(kept.len());
        for (ranges, kept) in ranges.zip(kept) {
            let (own, after) = rest.split_at(kept.len());
            rest = after;
            let judged: Vec<Window> = kept
                .iter()
                .zip(own)
                .map(|((_, coverage), outputs)| Window {
                    coverage: *coverage,
                    judgement: self.config().judge(outputs, terms.relation),
                })
                .collect();
            let combined = match terms.rejection {
                Rejection::Mismatch => combine(&judged),
                Rejection::Conflict => combine_passage(&judged, &self.config().thresholds),
            };
            verified.push(match combined {
                None => nothing_said(),
                Some((index, mut judgement)) => {
                    let unread = terms.query_cut || terms.relation == Relation::Equivalence && ranges.len() > 1;
                    if unread && judgement.verdict == Verdict::Accept {
                        judgement.verdict = Verdict::Abstain;
                    }
                    let best_support = own.iter().map(|outputs| outputs.support).fold(f32::NEG_INFINITY, f32::max);
                    let (window, coverage) = (ranges[kept[index].0].clone(), kept[index].1);
                    Verification { judgement, outputs: own[index], best_support, coverage, window }
                }
            });
        }
        verified
    }
}

/// The verdict on white space.
fn nothing_said() -> Verification {
    let nothing = f32::NEG_INFINITY;
    let kinds = [nothing; Kind::COUNT];
    let outputs = Outputs { support: nothing, equivalence: nothing, conflict: nothing, kinds };
    let judgement = Judgement { verdict: Verdict::Reject, p_match: 0.0, p_conflict: 0.0, kind: None, conflicts: false };
    Verification { judgement, outputs, best_support: nothing, coverage: -1.0, window: 0..0 }
}
