//! Pairs of texts to verdicts: what reranking, verifying and classifying of pairs have in common.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use vetted::reader::Relation;
use vetted::{Deadline, Error, Explanation, PassageSource, PassageText, PreparedQuery, Team, Verification, Verifier};
use vetted_encoder::Encoder;

use crate::error::{Code, Failure};
use crate::kept_views::{Kept, KeptViews, Key};
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
    /// Of each question's candidates, once they are counted.
    known: Option<Vec<Vec<Known>>>,
    /// Queries as the verifier reads them, while they have candidates left; of [`Rules::Passages`] alone.
    prepared: Vec<Option<PreparedQuery>>,
    verdicts: Verdicts,
    /// The question that is next, and its candidate.
    next: (usize, usize),
}

/// What is known of a candidate before it is read.
struct Known {
    tokens: usize,
    /// Of a passage: its name among the views that are kept, and these, if they are.
    passage: Option<(Key, Option<Arc<Kept>>)>,
}

impl Known {
    /// As what it is read, if its views are there.
    fn views(&self) -> Option<PassageSource<'_>> {
        let (_, kept) = self.passage.as_ref()?;
        kept.as_ref().map(|kept| PassageSource::Views(kept.views.clone()))
    }
}

/// Candidates of this [`cost`] are read together: enough to keep all processors busy, few enough that whoever comes meanwhile does
/// not wait long.
const COST_TOGETHER: usize = 128;
/// And of one request beside others at least so many.
const LEAST_OF_ONE: usize = 4;

/// What reading a text costs, in short passages. Of a long text the sentences that are nearest to the query are read, and all
/// of it is looked through for them.
fn cost(text: &str) -> usize {
    1 + text.len().min(2 << 10) / 512 + text.len() / (16 << 10)
}

impl Reading {
    pub(crate) fn new(rules: Rules, questions: Vec<Question>, most_tokens: usize) -> Reading {
        Reading { rules, questions, most_tokens, progress: Progress::default() }
    }

    /// Some of the next pairs, of a cost of about `most`, at least one: runs of candidates of one question each.
    fn next_runs(&self, most: usize) -> Vec<(usize, Range<usize>)> {
        let (mut question, mut candidate) = self.progress.next;
        let mut spent = 0;
        let mut runs = Vec::new();
        while spent < most && question < self.questions.len() {
            let start = candidate;
            for text in self.questions[question].candidates.iter().skip(start) {
                if spent >= most {
                    break;
                }
                spent += cost(text);
                candidate += 1;
            }
            runs.push((question, start..candidate));
            if candidate == self.questions[question].candidates.len() {
                (question, candidate) = (question + 1, 0);
            }
        }
        runs
    }

    /// Counts the tokens of all texts. Whose views are kept need not be counted again.
    fn look_up(&mut self, encoder: &Encoder, kept: &KeptViews, team: &mut Team) -> Result<(), Failure> {
        let of_passages = self.rules == Rules::Passages;
        let known = |text: &String| {
            let passage = of_passages.then(|| {
                let key = Key::of(text);
                (key, kept.get(&key))
            });
            match &passage {
                Some((_, Some(kept))) => Ok(Known { tokens: kept.tokens, passage }),
                _ => Ok(Known { tokens: encoder.tokens().count(text)?, passage }),
            }
        };
        let texts: Vec<&String> = self.questions.iter().flat_map(|it| &it.candidates).collect();
        let all: Result<Vec<Known>, vetted_encoder::Error> = team.try_map(texts, known);
        let mut all = all?.into_iter();
        let known: Vec<Vec<Known>> =
            self.questions.iter().map(|it| all.by_ref().take(it.candidates.len()).collect()).collect();
        let of_candidates: usize = known.iter().flatten().map(|known| known.tokens).sum();
        let queries: Vec<&str> = self.questions.iter().map(|it| it.query.as_str()).collect();
        self.progress.verdicts.tokens = of_candidates + count_tokens(encoder, &queries, team)?;
        check_tokens(self.progress.verdicts.tokens, self.most_tokens)?;
        self.progress.known = Some(known);
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
        self.questions.iter().flat_map(|question| &question.candidates).map(|text| cost(text)).sum()
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
pub(crate) fn count_tokens(encoder: &Encoder, texts: &[&str], team: &mut Team) -> Result<usize, Failure> {
    let counts = team.try_map(texts, |text| encoder.tokens().count(text)).map_err(Failure::from)?;
    Ok(counts.into_iter().sum())
}

/// Refuses more tokens than `most`.
pub(crate) fn check_tokens(tokens: usize, most: usize) -> Result<(), Failure> {
    match tokens > most {
        true => Err(Failure::new(
            Code::LimitExceeded,
            format!(
                "the texts have {tokens} tokens, and this server takes {most} in one request: send fewer or shorter ones"
            ),
        )),
        false => Ok(()),
    }
}

/// A step of each: some of its pairs are read, all together.
pub(crate) fn step(verifier: &Arc<Verifier>, encoder: &Encoder, kept: &KeptViews, items: &mut [Item<Reading>]) {
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
    for item in items.iter_mut().filter(|item| item.work.progress.known.is_none()) {
        if let Err(failure) = item.work.look_up(encoder, kept, &mut team) {
            item.outcome = Some(Err(failure));
        }
    }
    let mut open: Vec<&mut Item<Reading>> = items.iter_mut().filter(|item| item.outcome.is_none()).collect();
    let each = (COST_TOGETHER / open.len().max(1)).max(LEAST_OF_ONE);
    let runs: Vec<_> = open.iter().map(|item| item.work.next_runs(each)).collect();
    match read_together(verifier, kept, &mut open, &runs, &mut team) {
        Ok(verified) => {
            for ((item, runs), verified) in open.iter_mut().zip(&runs).zip(verified) {
                conclude(item, runs, verified);
            }
        }
        // One text's fault is no other's.
        Err(_) => {
            for (item, runs) in open.iter_mut().zip(&runs) {
                let alone = std::slice::from_mut(item);
                match read_together(verifier, kept, alone, std::slice::from_ref(runs), &mut team) {
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
    kept: &KeptViews,
    items: &mut [&mut Item<Reading>],
    runs: &[Vec<(usize, Range<usize>)>],
    team: &mut Team,
) -> Result<Vec<Vec<Vec<Verification>>>, Error> {
    prepare(verifier, items, runs, team)?;
    keep_views(verifier, kept, items, runs, team)?;
    let (mut queries, mut passages, mut sources, mut texts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (item, runs) in items.iter().zip(runs) {
        let Progress { known, prepared, .. } = &item.work.progress;
        for (question, range) in runs {
            let Question { query, candidates } = &item.work.questions[*question];
            let candidates = &candidates[range.clone()];
            match item.work.rules {
                Rules::Passages => {
                    let Some(query) = prepared[*question].as_ref() else { continue };
                    let known = known.iter().flat_map(|known| &known[*question][range.clone()]);
                    let of_run: Vec<PassageSource> =
                        candidates.iter().map(|text| PassageSource::Text(text.as_str().into())).collect();
                    let read =
                        of_run.iter().zip(known).map(|(text, known)| known.views().unwrap_or_else(|| text.clone()));
                    sources.push(read.collect::<Vec<_>>());
                    passages.push(of_run);
                    queries.push(query);
                }
                Rules::Texts(relation) => {
                    let candidates: Vec<&str> = candidates.iter().map(String::as_str).collect();
                    texts.push((query.as_str(), candidates, relation));
                }
            }
        }
    }
    let asked: Vec<_> = queries.iter().zip(&sources).map(|(query, sources)| (*query, sources.as_slice())).collect();
    let mut looked = Vec::with_capacity(asked.len());
    for ((query, passages), verified) in queries.iter().zip(&passages).zip(verifier.verify_many(&asked, team)?) {
        looked.push(query.look_at_texts(verified.into_iter().map(|(it, _)| it).collect(), passages, team)?);
    }
    let texts: Vec<_> =
        texts.iter().map(|(query, candidates, relation)| (*query, candidates.as_slice(), *relation)).collect();
    let mut of_passages = looked.into_iter();
    let mut of_texts = verifier.verify_queries(&texts, team)?.into_iter();
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

/// Encodes the short passages of the runs that nobody asked about before, each once, and keeps their views. Of a long passage a
/// query reads some sentences only, and those are encoded when it comes.
fn keep_views(
    verifier: &Verifier,
    kept: &KeptViews,
    items: &mut [&mut Item<Reading>],
    runs: &[Vec<(usize, Range<usize>)>],
    team: &mut Team,
) -> Result<(), Error> {
    let mut new: HashMap<Key, (usize, &str)> = HashMap::new();
    for (item, runs) in items.iter().zip(runs) {
        for (question, range) in runs {
            let candidates = &item.work.questions[*question].candidates[range.clone()];
            let known = item.work.progress.known.iter().flat_map(|known| &known[*question][range.clone()]);
            for (text, known) in candidates.iter().zip(known) {
                if let Some((key, None)) = &known.passage {
                    new.insert(*key, (known.tokens, text));
                }
            }
        }
    }
    let passages: Vec<PassageText> = new.values().map(|(_, text)| (*text).into()).collect();
    let views = verifier.views_of_short_passages(&passages, team)?;
    let made: HashMap<Key, Arc<Kept>> = new
        .into_iter()
        .zip(views)
        .filter_map(|((key, (tokens, _)), views)| Some((key, Arc::new(Kept { tokens, views: views? }))))
        .collect();
    for (item, runs) in items.iter_mut().zip(runs) {
        for (question, range) in runs {
            let known = item.work.progress.known.iter_mut().flat_map(|known| &mut known[*question][range.clone()]);
            for (key, views) in known.filter_map(|known| known.passage.as_mut()) {
                *views = views.take().or_else(|| made.get(key).cloned());
            }
        }
    }
    made.into_iter().for_each(|(key, made)| kept.keep(key, made));
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_bounded_by_what_its_texts_cost() {
        let of = |texts: usize, bytes: usize| {
            let question = Question { query: "Who?".into(), candidates: vec!["a".repeat(bytes); texts] };
            Reading::new(Rules::Passages, vec![question], usize::MAX)
        };
        for (texts, bytes, runs) in [
            (300, 300, vec![(0, 0..128)]),
            (300, 4_000, vec![(0, 0..26)]),
            (2, 4 << 20, vec![(0, 0..1)]),
            (5, 10, vec![(0, 0..5)]),
            (0, 0, vec![(0, 0..0)]),
        ] {
            assert_eq!(of(texts, bytes).next_runs(COST_TOGETHER), runs, "{texts} of {bytes}");
        }
        let questions = ["a", "b", "c"].map(|query| Question { query: query.into(), candidates: vec!["x".into(); 3] });
        let mut reading = Reading::new(Rules::Passages, questions.into(), usize::MAX);
        reading.progress.next = (0, 2);
        assert_eq!(reading.next_runs(5), [(0, 2..3), (1, 0..3), (2, 0..1)]);
    }
}
