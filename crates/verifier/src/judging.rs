//! Windows to what is said about them.

use std::collections::HashSet;
use std::ops::Range;

use vetted_kernels::Team;
use vetted_reader::{Outputs, Relation, Scorer, Scratch, ViewScorer, Views};

use crate::decide::{Judgement, Rules, Unverified, Window, combine, combine_passage, conclude, unread};
use crate::verification::{Assessment, Verification};
use crate::verifier::{Verifier, tensors};
use crate::windows::{PassageViews, Windows, best};
use crate::{Error, QueryExtent};

/// A query and its candidates in tokens.
pub(crate) struct Question {
    pub(crate) query: Vec<u32>,
    pub(crate) candidates: Vec<Windows>,
    pub(crate) terms: Terms,
}

/// By what candidates are judged.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    /// How much of the query is read.
    pub(crate) extent: QueryExtent,
    pub(crate) relation: Relation,
    pub(crate) rules: Rules,
}

/// A window that may be read.
#[derive(Clone, Copy)]
struct Kept {
    window: usize,
    coverage: f32,
    overlap: f32,
}

/// What the verifier says about a window that it read.
pub(crate) struct Reading {
    /// Which window of the candidate.
    pub(crate) index: usize,
    pub(crate) window: Window,
    pub(crate) outputs: Outputs,
}

impl Verifier {
    /// A verification for every candidate of every question.
    pub(crate) fn answer(&self, questions: Vec<Question>, team: &mut Team) -> Result<Vec<Vec<Verification>>, Error> {
        match &self.scorer {
            Scorer::Joint(_) => {
                let answer = |(): &mut (), Question { query, candidates, terms }, team: &mut Team| {
                    self.judge_jointly(&query, &candidates, terms, team)
                };
                team.map(questions, || (), answer).into_iter().collect()
            }
            Scorer::Views(scorer) => {
                // Queries are encoded with the candidates, each as a text of one window.
                let (mut texts, mut asked) = (Vec::new(), Vec::with_capacity(questions.len()));
                for Question { query, candidates, terms } in questions {
                    asked.push((candidates.len(), terms));
                    texts.push(Windows { ranges: std::iter::once(0..0).collect(), ids: vec![query] });
                    texts.extend(candidates);
                }
                let encoded = self.encoded(scorer, texts, team)?;
                let mut rest = encoded.as_slice();
                let mut work = Vec::with_capacity(asked.len());
                for (candidates, terms) in asked {
                    let (own, after) = rest.split_at(1 + candidates);
                    rest = after;
                    work.push((&own[0].views[0], &own[1..], terms));
                }
                let answer = |scratch: &mut Scratch, asked: (&Views, &[PassageViews], Terms), team: &mut Team| {
                    let (query, candidates, terms) = asked;
                    let read = self.read_views(scorer, query, candidates, terms, team, scratch)?;
                    Ok(self.combined(terms, candidates.iter().map(|it| it.ranges.as_slice()), &read))
                };
                team.map(work, Scratch::default, answer).into_iter().collect()
            }
        }
    }

    /// What is said about the windows read of each candidate.
    pub(crate) fn read_views(
        &self,
        scorer: &ViewScorer,
        query: &Views,
        candidates: &[PassageViews],
        terms: Terms,
        team: &mut Team,
        scratch: &mut Scratch,
    ) -> Result<Vec<Vec<Reading>>, Error> {
        let _read = tracing::debug_span!("verifier.read", candidates = candidates.len()).entered();
        let query_ids = query;
        let query = &scorer.pack(query).map_err(tensors)?;
        let mut kept = Vec::with_capacity(candidates.len());
        let mut read = Vec::with_capacity(candidates.len());
        for PassageViews { views, .. } in candidates {
            team.check()?;
            let coverage = match (views.as_slice(), terms.rules) {
                // The only window decides whatever it covers.
                ([] | [_], Rules::Pair) => vec![1.0; views.len()],
                (several, _) => {
                    let pairs: Vec<_> = several.iter().map(|views| (query, views)).collect();
                    scorer.coverage(&pairs, team, scratch).map_err(tensors)?
                }
            };
            let of_views = |(window, coverage): (usize, f32)| Kept {
                window,
                coverage,
                overlap: overlap(query_ids.ids(), views[window].ids()),
            };
            let all: Vec<Kept> = coverage.into_iter().enumerate().map(of_views).collect();
            // A near-miss covers little, for trained views tell it apart, but it has the words.
            let values: Vec<f32> = all.iter().map(|it| it.coverage + it.overlap).collect();
            let chosen = best(&values, terms.rules.most_read());
            read.extend(chosen.iter().map(|window| (query, &views[*window])));
            kept.push(chosen.into_iter().map(|window| all[window]).collect());
        }
        let outputs = scorer.score_pairs(&read, terms.relation, team, scratch).map_err(tensors)?;
        Ok(self.readings(terms, kept, outputs))
    }

    fn judge_jointly(
        &self,
        query: &[u32],
        candidates: &[Windows],
        terms: Terms,
        team: &mut Team,
    ) -> Result<Vec<Verification>, Error> {
        let read = self.read_jointly(query, candidates, terms, team)?;
        Ok(self.combined(terms, candidates.iter().map(|windows| windows.ranges.as_slice()), &read))
    }

    /// As [`read_views`](Self::read_views), of a cross-encoder.
    pub(crate) fn read_jointly(
        &self,
        query: &[u32],
        candidates: &[Windows],
        terms: Terms,
        team: &mut Team,
    ) -> Result<Vec<Vec<Reading>>, Error> {
        let keep = |windows: &Windows| {
            let first = 0..windows.ids.len().min(terms.rules.most_read());
            let ids = |window: usize| Some(windows.ids[window].iter().copied());
            let overlap = |window| overlap(Some(query.iter().copied()), ids(window));
            first.map(|window| Kept { window, coverage: 1.0, overlap: overlap(window) }).collect()
        };
        let kept: Vec<Vec<Kept>> = candidates.iter().map(keep).collect();
        let windows =
            candidates.iter().zip(&kept).flat_map(|(windows, kept)| kept.iter().map(|it| &windows.ids[it.window]));
        let forward: Vec<(&[u32], &[u32])> = windows.map(|ids| (query, ids.as_slice())).collect();
        let mut outputs = self.joint_outputs(&forward, team)?;
        if terms.relation == Relation::Equivalence {
            let backward: Vec<(&[u32], &[u32])> = forward.iter().map(|(query, ids)| (*ids, *query)).collect();
            let other = self.joint_outputs(&backward, team)?;
            outputs.iter_mut().zip(&other).for_each(|(forward, backward)| *forward = forward.both_orders(backward));
        }
        Ok(self.readings(terms, kept, outputs))
    }

    fn joint_outputs(&self, pairs: &[(&[u32], &[u32])], team: &mut Team) -> Result<Vec<Outputs>, Error> {
        match &self.scorer {
            Scorer::Joint(scorer) => scorer.score(self.encoder.joint_vectors(pairs, team)?.values()).map_err(tensors),
            Scorer::Views(_) => Ok(Vec::new()),
        }
    }

    /// `kept` are the windows read of each candidate, `outputs` what is said of all of them, one candidate's after the other's.
    fn readings(&self, terms: Terms, kept: Vec<Vec<Kept>>, outputs: Vec<Outputs>) -> Vec<Vec<Reading>> {
        let mut outputs = outputs.into_iter();
        let reading = |(Kept { window, coverage, overlap }, outputs): (Kept, Outputs)| {
            let judgement = self.judge(&outputs, terms.relation);
            Reading { index: window, window: Window { coverage, overlap, judgement }, outputs }
        };
        kept.into_iter().map(|kept| kept.into_iter().zip(outputs.by_ref()).map(reading).collect()).collect()
    }

    /// What is found about two texts by these outputs.
    pub(crate) fn judge(&self, outputs: &Outputs, relation: Relation) -> Judgement {
        let config = self.config();
        Judgement::new(outputs, relation, &config.calibration, &config.thresholds)
    }

    /// One verification per candidate, whose windows are `ranges`.
    pub(crate) fn combined<'a>(
        &self,
        terms: Terms,
        ranges: impl Iterator<Item = &'a [Range<usize>]>,
        read: &[Vec<Reading>],
    ) -> Vec<Verification> {
        let combined = |(ranges, readings): (&[Range<usize>], &Vec<Reading>)| {
            let windows: Vec<Window> = readings.iter().map(|reading| reading.window).collect();
            let thresholds = &self.config().thresholds;
            let combined = match terms.rules {
                Rules::Pair => combine(&windows, thresholds),
                Rules::Passage => combine_passage(&windows, thresholds),
            };
            let Some((decided, judgement)) = combined else {
                return Verification::Unverified(Unverified::NoText, None);
            };
            let supports = readings.iter().map(|reading| reading.outputs.support);
            // What a formula says is a similarity, no logit: many a little alike are not one that is.
            let support_of_all =
                if self.is_trained() { log_sum_exp(supports) } else { supports.fold(f32::NEG_INFINITY, f32::max) };
            let Reading { index, window: Window { coverage, .. }, outputs } = readings[decided];
            let window = ranges[index].clone();
            let assessment = Assessment { judgement, outputs, support_of_all, coverage, window };
            conclude(assessment, unread(terms.extent, terms.relation, ranges.len()), terms.rules, thresholds)
        };
        ranges.zip(read).map(combined).collect()
    }
}

/// The part of the query's tokens that are in the window, special tokens left out.
fn overlap(query: Option<impl Iterator<Item = u32>>, window: Option<impl Iterator<Item = u32>>) -> f32 {
    let (Some(query), Some(window)) = (query, window) else { return 1.0 };
    let query: Vec<u32> = query.collect();
    let inner = query.get(1..query.len().saturating_sub(1)).unwrap_or_default();
    let window: HashSet<u32> = window.collect();
    inner.iter().filter(|id| window.contains(id)).count() as f32 / inner.len().max(1) as f32
}

/// `ln(sum(exp(x)))`, without overflow; minus infinity of nothing.
fn log_sum_exp(logits: impl Iterator<Item = f32> + Clone) -> f32 {
    let largest = logits.clone().fold(f32::NEG_INFINITY, f32::max);
    if largest == f32::NEG_INFINITY {
        return largest;
    }
    largest + logits.map(|x| (x - largest).exp()).sum::<f32>().ln()
}
