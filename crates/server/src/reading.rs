//! Pairs of texts to verdicts: what reranking, verifying and classifying of pairs have in common.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use vetted::reader::Relation;
use vetted::{Deadline, Error, Explanation, PassageSource, PreparedQuery, Team, Verification, Verifier};
use vetted_encoder::Encoder;

use crate::error::{Code, Failure};
use crate::queue::{Done, Item, Work};
use crate::service::Service;

/// Texts to be held against queries.
pub(crate) struct Reading {
    rules: Rules,
    questions: Vec<Question>,
    /// The most tokens that all texts may have together.
    most_tokens: usize,
    progress: Progress,
}

/// A query and the texts that are held against it.
pub(crate) struct Question {
    pub(crate) query: String,
    pub(crate) candidates: Vec<String>,
}

/// By which rules texts are judged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rules {
    /// As passages that a retriever found for a question: support takes more.
    Passages,
    /// As texts that somebody holds against each other.
    Texts(Relation),
}

/// What is said about the texts.
#[derive(Default)]
pub(crate) struct Verdicts {
    /// Of each question's candidates.
    pub(crate) verifications: Vec<Vec<Verification>>,
    /// How many tokens all texts have.
    pub(crate) tokens: usize,
}

#[derive(Default)]
struct Progress {
    counted: bool,
    /// Queries as the verifier reads them, while they have candidates left; of [`Rules::Passages`] alone.
    prepared: Vec<Option<PreparedQuery>>,
    verdicts: Verdicts,
    /// The question that is next, and its candidate.
    next: (usize, usize),
}

/// So many pairs are read together: enough to keep all processors busy, few enough to look at the clock often.
const PAIRS_TOGETHER: usize = 256;
/// And of one request beside others at least so many.
const FEWEST_OF_ONE: usize = 16;

impl Reading {
    pub(crate) fn new(rules: Rules, questions: Vec<Question>, most_tokens: usize) -> Reading {
        Reading { rules, questions, most_tokens, progress: Progress::default() }
    }

    /// Some of the next pairs, at most `most`: runs of candidates of one question each.
    fn next_runs(&self, most: usize) -> Vec<(usize, Range<usize>)> {
        let (mut question, mut candidate) = self.progress.next;
        let mut left = most;
        let mut runs = Vec::new();
        while left > 0 && question < self.questions.len() {
            let end = self.questions[question].candidates.len().min(candidate + left);
            runs.push((question, candidate..end));
            left -= end - candidate;
            match end == self.questions[question].candidates.len() {
                true => (question, candidate) = (question + 1, 0),
                false => candidate = end,
            }
        }
        runs
    }

    fn count(&mut self, encoder: &Encoder, team: &mut Team) -> Result<(), Failure> {
        let texts: Vec<&str> = self
            .questions
            .iter()
            .flat_map(|it| std::iter::once(&it.query).chain(&it.candidates))
            .map(String::as_str)
            .collect();
        self.progress.verdicts.tokens = count_tokens(encoder, &texts, self.most_tokens, team)?;
        self.progress.counted = true;
        Ok(())
    }

    fn record(&mut self, runs: &[(usize, Range<usize>)], verified: Vec<Vec<Verification>>) {
        let Progress { verdicts, next, prepared, .. } = &mut self.progress;
        verdicts.verifications.resize_with(self.questions.len(), Vec::new);
        for ((question, range), verified) in runs.iter().zip(verified) {
            verdicts.verifications[*question].extend(verified);
            *next = (*question, range.end);
            if range.end == self.questions[*question].candidates.len() {
                *next = (*question + 1, 0);
                if let Some(done) = prepared.get_mut(*question) {
                    *done = None;
                }
            }
        }
    }

    fn is_done(&self) -> bool {
        self.progress.next.0 >= self.questions.len()
    }
}

impl Work for Reading {
    type Answer = Verdicts;

    fn units(&self) -> usize {
        self.questions.iter().map(|question| question.candidates.len()).sum()
    }
}

/// Reads texts, and counts the verdicts.
pub(crate) async fn read(
    service: &Service,
    rules: Rules,
    questions: Vec<Question>,
    deadline: Instant,
) -> Result<Done<Verdicts>, Failure> {
    let reading = Reading::new(rules, questions, service.settings.limits.tokens);
    let done = service.readings.submit(reading, deadline).await?;
    done.answer.verifications.iter().flatten().for_each(|verification| service.metrics.verified(verification));
    Ok(done)
}

/// How many tokens texts have.
///
/// # Errors
/// When that is more than `most`.
pub(crate) fn count_tokens(encoder: &Encoder, texts: &[&str], most: usize, team: &mut Team) -> Result<usize, Failure> {
    let counts = team.try_map(texts, |text| encoder.tokens().count(text)).map_err(Failure::from)?;
    let tokens = counts.into_iter().sum();
    match tokens > most {
        true => Err(Failure::new(
            Code::LimitExceeded,
            format!(
                "the texts have {tokens} tokens, and this server takes {most} in one request: send fewer or shorter ones"
            ),
        )),
        false => Ok(tokens),
    }
}

/// A step of each: some of its pairs are read, all together.
pub(crate) fn step(verifier: &Arc<Verifier>, encoder: &Encoder, items: &mut [Item<Reading>]) {
    // A single request is given up wherever it is, several between two steps.
    let deadline = match items {
        [item] => item.deadline.clone(),
        _ => Deadline::none(),
    };
    let mut team = match verifier.compute().enter(&deadline) {
        Ok(team) => team,
        Err(expired) => {
            items.iter_mut().for_each(|item| item.outcome = Some(Err(expired.into())));
            return;
        }
    };
    for item in items.iter_mut().filter(|item| !item.work.progress.counted) {
        if let Err(failure) = item.work.count(encoder, &mut team) {
            item.outcome = Some(Err(failure));
        }
    }
    let mut open: Vec<&mut Item<Reading>> = items.iter_mut().filter(|item| item.outcome.is_none()).collect();
    let each = (PAIRS_TOGETHER / open.len().max(1)).max(FEWEST_OF_ONE);
    let runs: Vec<_> = open.iter().map(|item| item.work.next_runs(each)).collect();
    match read_together(verifier, &mut open, &runs, &mut team) {
        Ok(verified) => {
            for ((item, runs), verified) in open.iter_mut().zip(&runs).zip(verified) {
                conclude(item, runs, verified);
            }
        }
        // One text's fault is no other's.
        Err(_) => {
            for (item, runs) in open.iter_mut().zip(&runs) {
                let alone = std::slice::from_mut(item);
                match read_together(verifier, alone, std::slice::from_ref(runs), &mut team) {
                    Ok(verified) => verified.into_iter().for_each(|verified| conclude(item, runs, verified)),
                    Err(error) => item.outcome = Some(Err(error.into())),
                }
            }
        }
    }
}

fn conclude(item: &mut Item<Reading>, runs: &[(usize, Range<usize>)], verified: Vec<Vec<Verification>>) {
    item.work.record(runs, verified);
    if item.work.is_done() {
        item.outcome = Some(Ok(std::mem::take(&mut item.work.progress.verdicts)));
    }
}

/// What is said about the runs of each item.
fn read_together(
    verifier: &Arc<Verifier>,
    items: &mut [&mut Item<Reading>],
    runs: &[Vec<(usize, Range<usize>)>],
    team: &mut Team,
) -> Result<Vec<Vec<Vec<Verification>>>, Error> {
    prepare(verifier, items, runs, team)?;
    let (mut passages, mut sources, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for (item, runs) in items.iter().zip(runs) {
        for (question, range) in runs {
            let Question { query, candidates } = &item.work.questions[*question];
            let candidates = &candidates[range.clone()];
            match item.work.rules {
                Rules::Passages => {
                    let of_run: Vec<PassageSource> =
                        candidates.iter().map(|text| PassageSource::Text(text.as_str().into())).collect();
                    passages.push(item.work.progress.prepared[*question].as_ref());
                    sources.push(of_run);
                }
                Rules::Texts(relation) => {
                    let candidates: Vec<&str> = candidates.iter().map(String::as_str).collect();
                    texts.push((query.as_str(), candidates, relation));
                }
            }
        }
    }
    let asked: Vec<_> =
        passages.iter().zip(&sources).filter_map(|(query, sources)| Some(((*query)?, sources.as_slice()))).collect();
    let queries: Vec<_> =
        texts.iter().map(|(query, candidates, relation)| (*query, candidates.as_slice(), *relation)).collect();
    let mut looked = Vec::with_capacity(asked.len());
    for ((query, sources), verified) in asked.iter().zip(verifier.verify_many(&asked, team)?) {
        looked.push(query.look_at_texts(verified.into_iter().map(|(it, _)| it).collect(), sources, team)?);
    }
    let mut of_passages = looked.into_iter();
    let mut of_texts = verifier.verify_queries(&queries, team)?.into_iter();
    let mut all = Vec::with_capacity(items.len());
    for (item, runs) in items.iter().zip(runs) {
        let of_run = |_: &(usize, Range<usize>)| match item.work.rules {
            Rules::Passages => of_passages.next().unwrap_or_default(),
            Rules::Texts(_) => of_texts.next().unwrap_or_default(),
        };
        all.push(runs.iter().map(of_run).collect());
    }
    Ok(all)
}

/// Reads the queries of passages that are new, all in one batch.
fn prepare(
    verifier: &Arc<Verifier>,
    items: &mut [&mut Item<Reading>],
    runs: &[Vec<(usize, Range<usize>)>],
    team: &mut Team,
) -> Result<(), Error> {
    let mut missing = Vec::new();
    for (at, (item, runs)) in items.iter_mut().zip(runs).enumerate() {
        if item.work.rules != Rules::Passages {
            continue;
        }
        let questions = item.work.questions.len();
        item.work.progress.prepared.resize_with(questions, || None);
        let new = runs.iter().filter(|(question, _)| item.work.progress.prepared[*question].is_none());
        missing.extend(new.map(|(question, _)| (at, *question)));
    }
    let queries: Vec<&str> =
        missing.iter().map(|(at, question)| items[*at].work.questions[*question].query.as_str()).collect();
    let prepared = verifier.prepare_many(&queries, team)?;
    for ((at, question), prepared) in missing.into_iter().zip(prepared) {
        items[at].work.progress.prepared[question] = Some(prepared);
    }
    Ok(())
}

/// Why candidates were judged as they were.
pub(crate) struct Explaining {
    pub(crate) relation: Relation,
    /// A query and the window of a candidate that decided.
    pub(crate) pairs: Vec<(String, String)>,
    pub(crate) explained: Vec<Option<Explanation>>,
}

impl Work for Explaining {
    type Answer = Vec<Option<Explanation>>;

    fn units(&self) -> usize {
        self.pairs.len()
    }
}

/// A step of each: one of its pairs is explained, which takes a reading for each token.
pub(crate) fn explain(verifier: &Verifier, items: &mut [Item<Explaining>]) {
    for item in items {
        let Explaining { relation, pairs, explained } = &mut item.work;
        let explanation = match pairs.get(explained.len()) {
            None => Ok(None),
            Some((query, window)) => verifier
                .compute()
                .enter(&item.deadline)
                .map_err(Failure::from)
                .and_then(|mut team| {
                    verifier
                        .explain_with(query, &window.as_str().into(), *relation, &mut team)
                        .map_err(|error| Error::from(error).into())
                })
                .map(Some),
        };
        match explanation {
            Ok(explanation) => explained.extend(explanation),
            Err(failure) => item.outcome = Some(Err(failure)),
        }
        if explained.len() == pairs.len() && item.outcome.is_none() {
            item.outcome = Some(Ok(std::mem::take(explained)));
        }
    }
}
