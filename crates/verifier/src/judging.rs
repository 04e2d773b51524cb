//! Windows to what is said about them.

use std::ops::Range;

use vetted_kernels::Team;
use vetted_reader::{Outputs, PackedQuery, Relation, Scorer, Scratch, ViewScorer, Views};

use crate::decide::{
    Judgement, Recalled, Rules, Unverified, Window, combine, combine_passage, conclude, is_sure, probability, unread,
};
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
                let packed = team.try_map(&work, |(query, ..)| QueryTokens::new(scorer, query))?;
                let held = packed.iter().zip(&work);
                let held: Vec<Held> =
                    held.map(|(query, (_, candidates, terms))| Held { query, candidates, terms: *terms }).collect();
                let read = self.read_views(scorer, &held, team)?;
                let combined = |(held, read): (&Held, &Vec<Vec<Reading>>)| {
                    self.combined(held.terms, held.candidates.iter().map(|it| it.ranges.as_slice()), read, &[])
                };
                Ok(held.iter().zip(&read).map(combined).collect())
            }
        }
    }

    /// What is said about the windows read of each candidate of each query. All are read together: what is said about a pair
    /// does not depend on the others.
    pub(crate) fn read_views(
        &self,
        scorer: &ViewScorer,
        held: &[Held],
        team: &mut Team,
    ) -> Result<Vec<Vec<Vec<Reading>>>, Error> {
        let _read = tracing::debug_span!("verifier.read", queries = held.len()).entered();
        let scratch = &mut Scratch::default();
        let compared: Vec<_> = held
            .iter()
            .flat_map(|held| held.candidates.iter().filter(|it| held.chooses(it)).map(move |it| (held, it)))
            .flat_map(|(held, candidate)| candidate.views.iter().map(|views| (&held.query.packed, views)))
            .collect();
        let coverage = scorer.coverage(&compared, team, scratch).map_err(tensors)?;
        team.check()?;

        let mut coverage = coverage.into_iter();
        let kept: Vec<Vec<Vec<Kept>>> = held.iter().map(|held| held.choose(&mut coverage)).collect();

        // Each relation has a reading of its own.
        let mut readings: Vec<_> = held.iter().map(|held| Vec::with_capacity(held.candidates.len())).collect();
        for relation in [Relation::Support, Relation::Equivalence] {
            let mut pairs = Vec::new();
            for (held, kept) in held.iter().zip(&kept).filter(|(held, _)| held.terms.relation == relation) {
                for (candidate, kept) in held.candidates.iter().zip(kept) {
                    pairs.extend(kept.iter().map(|it| (&held.query.packed, &candidate.views[it.window])));
                }
            }
            let mut outputs = scorer.score_pairs(&pairs, relation, team, scratch).map_err(tensors)?.into_iter();
            let asked =
                held.iter().zip(&kept).zip(&mut readings).filter(|((held, _), _)| held.terms.relation == relation);
            for ((held, kept), readings) in asked {
                *readings = self.readings(held.terms, kept, &mut outputs);
            }
        }
        Ok(readings)
    }

    fn judge_jointly(
        &self,
        query: &[u32],
        candidates: &[Windows],
        terms: Terms,
        team: &mut Team,
    ) -> Result<Vec<Verification>, Error> {
        let read = self.read_jointly(query, candidates, terms, team)?;
        Ok(self.combined(terms, candidates.iter().map(|windows| windows.ranges.as_slice()), &read, &[]))
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
            let overlap = |window: usize| overlap(inner(query), &windows.ids[window]);
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
        Ok(self.readings(terms, &kept, &mut outputs.into_iter()))
    }

    fn joint_outputs(&self, pairs: &[(&[u32], &[u32])], team: &mut Team) -> Result<Vec<Outputs>, Error> {
        match &self.scorer {
            Scorer::Joint(scorer) => scorer.score(self.encoder.joint_vectors(pairs, team)?.values()).map_err(tensors),
            Scorer::Views(_) => Ok(Vec::new()),
        }
    }

    /// `kept` are the windows read of each candidate, `outputs` what is said of all of them, one candidate's after the other's.
    fn readings(
        &self,
        terms: Terms,
        kept: &[Vec<Kept>],
        outputs: &mut impl Iterator<Item = Outputs>,
    ) -> Vec<Vec<Reading>> {
        let reading = |(Kept { window, coverage, overlap }, outputs): (Kept, Outputs)| {
            let judgement = self.judge(&outputs, terms.relation);
            Reading { index: window, window: Window { coverage, overlap, judgement }, outputs }
        };
        kept.iter().map(|kept| kept.iter().copied().zip(outputs.by_ref()).map(reading).collect()).collect()
    }

    /// What is found about two texts by these outputs.
    pub(crate) fn judge(&self, outputs: &Outputs, relation: Relation) -> Judgement {
        let config = self.config();
        Judgement::new(outputs, relation, &config.calibration, &config.thresholds)
    }

    /// One verification per candidate, whose windows are `ranges`. `recalled` is what recall knows of each; nothing of texts that
    /// somebody brought.
    pub(crate) fn combined<'a>(
        &self,
        terms: Terms,
        ranges: impl Iterator<Item = &'a [Range<usize>]>,
        read: &[Vec<Reading>],
        recalled: &[Recalled],
    ) -> Vec<Verification> {
        let vouching = self.config().vouching.as_ref();
        let combined = |(at, (ranges, readings)): (usize, (&[Range<usize>], &Vec<Reading>))| {
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
            let known = recalled.get(at).zip(vouching);
            let vouched = known.and_then(|(known, vouching)| probability(&judgement, known, vouching));
            let is_sure = is_sure(&judgement, vouched.zip(vouching), thresholds);
            let assessment =
                Assessment { judgement, outputs, support_of_all, coverage, window, vouched, differs_in: None };
            conclude(assessment, unread(terms.extent, terms.relation, ranges.len()), terms.rules, is_sure)
        };
        ranges.zip(read).enumerate().map(combined).collect()
    }
}

/// A query, packed to be compared, and its tokens.
pub(crate) struct QueryTokens {
    packed: PackedQuery,
    /// Its tokens but the first and the last, which are of every text; none where views do not tell.
    ids: Option<Vec<u32>>,
}

impl QueryTokens {
    pub(crate) fn new(scorer: &ViewScorer, query: &Views) -> Result<QueryTokens, Error> {
        let ids = query.ids().map(|ids| inner(&ids.collect::<Vec<_>>()).to_vec());
        Ok(QueryTokens { packed: scorer.pack(query).map_err(tensors)?, ids })
    }
}

/// A query with the candidates that are held against it.
pub(crate) struct Held<'a> {
    pub(crate) query: &'a QueryTokens,
    pub(crate) candidates: &'a [PassageViews<'a>],
    pub(crate) terms: Terms,
}

impl Held<'_> {
    /// Whether it depends on coverage what of the candidate is read: the only window of a text that somebody brought decides
    /// whatever it covers.
    fn chooses(&self, candidate: &PassageViews) -> bool {
        self.terms.rules == Rules::Passage || candidate.views.len() > 1
    }

    /// The windows to read of each candidate. `coverage` goes on with that of the windows of each that [chooses](Self::chooses).
    fn choose(&self, coverage: &mut impl Iterator<Item = f32>) -> Vec<Vec<Kept>> {
        let mut ids = Vec::new();
        let mut of_candidate = |candidate: &PassageViews| {
            let chooses = self.chooses(candidate);
            let kept = |(window, views): (usize, &Views)| {
                let coverage = if chooses { coverage.next().unwrap_or(f32::NAN) } else { 1.0 };
                let overlap = match (&self.query.ids, views.ids()) {
                    (Some(query), Some(of_window)) => {
                        ids.clear();
                        ids.extend(of_window);
                        overlap(query, &ids)
                    }
                    _ => 1.0,
                };
                Kept { window, coverage, overlap }
            };
            let all: Vec<Kept> = candidate.views.iter().enumerate().map(kept).collect();
            // A near-miss covers little, for trained views tell it apart, but it has the words.
            let values: Vec<f32> = all.iter().map(|it| it.coverage + it.overlap).collect();
            best(&values, self.terms.rules.most_read()).into_iter().map(|window| all[window]).collect()
        };
        self.candidates.iter().map(&mut of_candidate).collect()
    }
}

/// A text's tokens but the first and the last, which are of every text.
fn inner(ids: &[u32]) -> &[u32] {
    ids.get(1..ids.len().saturating_sub(1)).unwrap_or_default()
}

/// The part of the query's tokens that are in the window.
fn overlap(query: &[u32], window: &[u32]) -> f32 {
    query.iter().filter(|id| window.contains(id)).count() as f32 / query.len().max(1) as f32
}

/// `ln(sum(exp(x)))`, without overflow; minus infinity of nothing.
fn log_sum_exp(logits: impl Iterator<Item = f32> + Clone) -> f32 {
    let largest = logits.clone().fold(f32::NEG_INFINITY, f32::max);
    if largest == f32::NEG_INFINITY {
        return largest;
    }
    largest + logits.map(|x| (x - largest).exp()).sum::<f32>().ln()
}
