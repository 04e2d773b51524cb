//! What was kept of searches, scored: how well right passages are told from wrong ones, and how many queries can be served.

use std::collections::BTreeMap;

use vetted::reader::{Thresholds, Vouching};
use vetted_evaluation::interval::{Interval, SplitMix64, interval_of};
use vetted_evaluation::metrics::pairs::RankedPairs;
use vetted_verifier::{Recalled, asks, log_odds};

use crate::Failure;
use crate::reading::{Asked, Form, Read};

/// A query, with what was found for it.
pub type Found = Vec<Passage>;

/// What is weighed: the logarithm of the odds of the match, and how far the cosine is ahead.
pub type Known = [f32; 2];

/// A passage that was found and read.
pub struct Passage {
    /// Whether it supports the query.
    pub right: bool,
    /// Whether it is the near-miss planted for the query.
    pub twin: bool,
    /// What is weighed, where it was read.
    pub known: Option<Known>,
    /// Whether it may be accepted at all: it supports the query, and nothing rejects it.
    pub may_be: bool,
    /// By the verifier's probability of the match alone: whether it is accepted.
    pub by_match: bool,
    /// Whether the query asks for something; of others the match alone decides.
    pub is_asked: bool,
}

/// What is taken out of what was found, as if it were not in the index.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// Nothing.
    Nothing,
    /// What is right: a query that nothing answers.
    Right,
}

/// What is known of each passage found for a query.
pub fn found(asked: &Asked, without: Without, usual: f32) -> Found {
    let there: Vec<&Read> = asked.candidates.iter().filter(|it| without == Without::Nothing || !it.right).collect();
    let cosines: Vec<f32> = there.iter().map(|it| it.cosine).collect();
    // What a rival rejects that is not there any more stays.
    let is_rejected = |read: &Read| match read.reason.as_str() {
        "rival" => without == Without::Nothing,
        _ => read.verdict == "reject",
    };
    let passage = |(read, recalled): (&&Read, Recalled)| {
        let may_be = read.finding == "supports" && !is_rejected(read) && read.verdict != "unverified";
        Passage {
            right: read.right,
            twin: read.twin,
            known: (!read.finding.is_empty()).then(|| [log_odds(read.p_match), recalled.ahead]),
            may_be,
            by_match: may_be && read.p_match >= Thresholds::default().passage_support,
            is_asked: asks(&asked.query),
        }
    };
    there.iter().zip(Recalled::of(&cosines, |at| is_rejected(there[at]), usual)).map(passage).collect()
}

/// The mean cosine of what is found in second place.
pub fn usual<'a>(asked: impl Iterator<Item = &'a Asked>) -> f32 {
    let seconds: Vec<f32> = asked.filter_map(|it| Some(it.candidates.get(1)?.cosine)).collect();
    let mean = seconds.iter().sum::<f32>() / seconds.len().max(1) as f32;
    (mean * 1000.0).round() / 1000.0
}

/// Scores of a query's passages: how surely each may be served, and whether that is right.
type Served = Vec<(f32, bool)>;

/// How a way to score does on a set of queries.
pub struct Figures {
    /// Of right against wrong passages.
    pub auc: f64,
    /// The share of queries whose right passage is vouched for while at most 2 % and 5 % of them have a wrong one vouched for.
    pub vouched: [f64; 2],
    /// The share of queries whose surest passage is right and may be served while at most 2 % and 5 % get a wrong one.
    pub served: [f64; 2],
}

/// The error rates that coverage is told at.
pub const RATES: [f64; 2] = [0.02, 0.05];

/// So many resamples of the queries make an interval.
const RESAMPLES: usize = 500;

/// The figures of scores, and their intervals over queries. `score` is given a passage that was read.
pub fn figures(queries: &[Found], score: &dyn Fn(&Known) -> f32) -> Result<(Figures, Vec<Interval>), Failure> {
    let of_all: Vec<Vec<(f64, bool)>> = queries
        .iter()
        .map(|found| {
            found.iter().map(|it| (it.known.as_ref().map_or(-1e9, |known| f64::from(score(known))), it.right)).collect()
        })
        .collect();
    let served: Vec<Served> = queries
        .iter()
        .map(|found| {
            let may_be = found.iter().filter(|it| it.may_be);
            may_be.filter_map(|it| Some((score(it.known.as_ref()?), it.right))).collect()
        })
        .collect();
    let tops: Vec<Top> = served.iter().map(Top::of).collect();
    let at = |indices: &[usize]| -> Result<[f64; 5], Failure> {
        let pairs = RankedPairs::new(indices.iter().flat_map(|at| of_all[*at].iter().copied()))?;
        let tops: Vec<Top> = indices.iter().map(|at| tops[*at]).collect();
        let [any2, any5] = RATES.map(|rate| coverage(&tops, rate, Top::vouched).0);
        let [top2, top5] = RATES.map(|rate| coverage(&tops, rate, Top::served).0);
        Ok([pairs.auc(), any2, any5, top2, top5])
    };
    let all: Vec<usize> = (0..queries.len()).collect();
    let [auc, any2, any5, top2, top5] = at(&all)?;
    let mut random = SplitMix64(0);
    let mut samples: [Vec<f64>; 5] = Default::default();
    for _ in 0..RESAMPLES {
        let drawn: Vec<usize> = all.iter().map(|_| random.below(all.len())).collect();
        if let Ok(values) = at(&drawn) {
            samples.iter_mut().zip(values).for_each(|(sample, value)| sample.push(value));
        }
    }
    let intervals = samples.iter().map(|it| interval_of(it)).collect::<Result<_, _>>()?;
    Ok((Figures { auc, vouched: [any2, any5], served: [top2, top5] }, intervals))
}

/// The surest right and the surest wrong passage of a query that may be served.
#[derive(Clone, Copy)]
pub struct Top {
    right: f32,
    wrong: f32,
}

impl Top {
    /// Of scores.
    pub fn of(served: &Served) -> Top {
        let best =
            |right: bool| served.iter().filter(|it| it.1 == right).map(|it| it.0).fold(f32::NEG_INFINITY, f32::max);
        Top { right: best(true), wrong: best(false) }
    }

    /// From this score on: is the right one vouched for, and is a wrong one?
    pub fn vouched(&self, from: f32) -> (bool, bool) {
        (self.right >= from, self.wrong >= from)
    }

    /// From this score on: is the surest one served, and right, or wrong?
    pub fn served(&self, from: f32) -> (bool, bool) {
        let right = self.right > self.wrong;
        (right && self.right >= from, !right && self.wrong >= from)
    }
}

/// The largest share of queries that are served rightly, while at most `rate` are served wrongly, and from which score on.
pub fn coverage(tops: &[Top], rate: f64, serves: fn(&Top, f32) -> (bool, bool)) -> (f64, f32) {
    // A query changes its state at its two scores only: what it adds from each on.
    let mut changes: Vec<(f32, i64, i64)> = Vec::new();
    for top in tops {
        let mut before = (false, false);
        let mut scores = [top.right, top.wrong].map(|it| it.max(-1e9));
        scores.sort_by(|a, b| b.total_cmp(a));
        for score in scores {
            let after = serves(top, score);
            changes.push((score, i64::from(after.0) - i64::from(before.0), i64::from(after.1) - i64::from(before.1)));
            before = after;
        }
    }
    changes.sort_by(|a, b| b.0.total_cmp(&a.0));
    let n = tops.len().max(1) as f64;
    let (mut right, mut wrong, mut best) = (0, 0, (0.0, f32::INFINITY));
    for (at, (score, more_right, more_wrong)) in changes.iter().enumerate() {
        right += more_right;
        wrong += more_wrong;
        let last_of_equals = changes.get(at + 1).is_none_or(|next| next.0 < *score);
        if last_of_equals && *score > -1e9 && wrong as f64 / n <= rate && right as f64 / n > best.0 {
            best = (right as f64 / n, *score);
        }
    }
    best
}

/// What a rule accepts, over a set of queries.
#[derive(Default, Clone, Copy)]
pub struct Accepted {
    /// How many queries.
    pub n: usize,
    /// Those whose right passage is accepted.
    pub right: usize,
    /// Those of which a wrong passage is accepted.
    pub wrong: usize,
    /// Those whose near-miss is accepted.
    pub twin: usize,
}

impl Accepted {
    /// Over queries.
    pub fn of(queries: &[Found], accepts: &dyn Fn(&Passage) -> bool) -> Accepted {
        let any = |what: &dyn Fn(&Passage) -> bool| {
            queries.iter().filter(|found| found.iter().any(|it| what(it) && accepts(it))).count()
        };
        Accepted { n: queries.len(), right: any(&|it| it.right), wrong: any(&|it| !it.right), twin: any(&|it| it.twin) }
    }
}

/// Whether a passage is accepted.
pub fn vouches(passage: &Passage, vouching: &Vouching) -> bool {
    let least = log_odds(vouching.match_at_least);
    let probability = passage.known.filter(|known| known[0] >= least);
    let probability = probability.map(|[log_odds, ahead]| vouching.probability(log_odds, ahead));
    match passage.is_asked {
        true => passage.may_be && probability.is_some_and(|it| it >= vouching.accept),
        false => passage.by_match,
    }
}

/// Everything that was asked, by source and mode.
pub fn by_source(asked: Vec<Asked>) -> BTreeMap<(String, String), Vec<Asked>> {
    let mut sources: BTreeMap<_, Vec<Asked>> = BTreeMap::new();
    for asked in asked {
        sources.entry((asked.source.clone(), asked.mode.clone())).or_default().push(asked);
    }
    sources
}

/// Those of a form.
pub fn of_form(asked: &[Asked], form: Form, without: Without, usual: f32) -> Vec<Found> {
    asked.iter().filter(|it| it.form == form).map(|it| found(it, without, usual)).collect()
}
