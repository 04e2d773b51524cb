//! Metrics of ranked retrieval, equal to those of `trec_eval` (NIST; C. Buckley), version 9.
//!
//! # What is averaged
//!
//! A mean is over *every query of the qrels*, as with `trec_eval -c` and in BEIR. A query that the run lacks, or for
//! which it found nothing, scores 0: a system must not gain by staying silent. A query without a relevant document
//! scores 0 in every metric, as in `trec_eval`. Queries that only the run has are ignored.
//!
//! # What counts as relevant
//!
//! A grade of 1 or more. Unjudged documents count as not relevant. Grades matter to nDCG only.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use crate::Error;
use crate::interval::{Bootstrap, Difference};
use crate::qrels::{Judgments, Qrels};
use crate::run::{Ranking, Run};

/// What is measured of a ranking, before saying how deep to look. All are in `0..=1`, higher is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// Normalized discounted cumulative gain (`ndcg_cut`): the gain of a document is its grade, discounted by
    /// log2(rank + 1), and the sum is divided by that of the best possible ranking of all judged documents.
    /// Järvelin and Kekäläinen, *Cumulated gain-based evaluation of IR techniques*, TOIS 20(4), 2002, with the
    /// discount as later usage has it (applied from rank 2 on).
    Ndcg,
    /// 1 / rank of the first relevant document, 0 if none is within the cutoff (`recip_rank`; its mean is MRR).
    ReciprocalRank,
    /// The fraction of all relevant documents that is within the cutoff (`recall`).
    Recall,
    /// The precisions at each relevant document within the cutoff, summed and divided by the number of *all* relevant
    /// documents (`map_cut`; its mean is MAP).
    AveragePrecision,
    /// The fraction of the first k places that holds relevant documents (`P`). Places left empty count as not relevant.
    Precision,
    /// 1 if a relevant document is within the cutoff, else 0 (`success`).
    Success,
}

/// A measure at a cutoff: only the first `k` documents of a ranking count.
///
/// Its text is what reports call it, and parses back:
///
/// ```
/// use vetted_evaluation::metrics::retrieval::{Measure, Metric};
/// let metric: Metric = "ndcg@10".parse()?;
/// assert_eq!((metric.measure, metric.k.get()), (Measure::Ndcg, 10));
/// assert_eq!(metric.to_string(), "ndcg@10");
/// # Ok::<(), vetted_evaluation::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Metric {
    /// What is measured.
    pub measure: Measure,
    /// How many of the first documents count.
    pub k: NonZeroUsize,
}

/// The metrics of `vetted eval retrieval`, in the order in which it reports them: nDCG@10, MRR@10, recall@k and MAP@k.
pub fn standard(k: NonZeroUsize) -> [Metric; 4] {
    const TEN: NonZeroUsize = NonZeroUsize::new(10).unwrap();
    [Measure::Ndcg.at(TEN), Measure::ReciprocalRank.at(TEN), Measure::Recall.at(k), Measure::AveragePrecision.at(k)]
}

/// Scores a run on every query of the qrels.
///
/// # Errors
/// [`Error::NoQueries`] if the qrels are empty.
pub fn evaluate(metrics: &[Metric], qrels: &Qrels, run: &Run) -> Result<Evaluation, Error> {
    if qrels.is_empty() {
        return Err(Error::NoQueries);
    }
    let nothing = Ranking::default();
    let scores_of = |metric: Metric| {
        let score = |(query, judgments)| metric.score(run.get(query).unwrap_or(&nothing), judgments);
        (metric, qrels.iter().map(score).collect())
    };
    Ok(Evaluation {
        queries: qrels.iter().map(|(query, _)| query.to_owned()).collect(),
        scores: metrics.iter().copied().map(scores_of).collect(),
    })
}

/// A run's scores, per query and averaged. There is at least one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    queries: Vec<String>,
    scores: Vec<(Metric, Vec<f64>)>,
}

impl Evaluation {
    /// The identifiers of the queries, sorted.
    pub fn queries(&self) -> &[String] {
        &self.queries
    }

    /// The metrics, in the order in which they were asked for, each with its scores in the order of
    /// [`queries`](Self::queries).
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Metric, &[f64])> {
        self.scores.iter().map(|(metric, scores)| (*metric, scores.as_slice()))
    }

    /// The scores of a metric in the order of [`queries`](Self::queries), or `None` if it was not evaluated.
    pub fn per_query(&self, metric: Metric) -> Option<&[f64]> {
        self.iter().find(|(evaluated, _)| *evaluated == metric).map(|(_, scores)| scores)
    }

    /// The mean of a metric over all queries, or `None` if it was not evaluated.
    pub fn mean(&self, metric: Metric) -> Option<f64> {
        self.per_query(metric).map(mean)
    }

    /// By how much this run differs from a baseline in a metric, and whether chance may explain it.
    ///
    /// # Errors
    /// [`Error::NotEvaluated`] if either lacks the metric, [`Error::Unpaired`] if they are over different queries.
    pub fn difference_from(&self, baseline: &Self, metric: Metric, bootstrap: &Bootstrap) -> Result<Difference, Error> {
        if self.queries != baseline.queries {
            return Err(Error::Unpaired { baseline: baseline.queries.len(), system: self.queries.len() });
        }
        match (baseline.per_query(metric), self.per_query(metric)) {
            (Some(baseline), Some(system)) => bootstrap.difference(baseline, system),
            _ => Err(Error::NotEvaluated { metric }),
        }
    }
}

/// The arithmetic mean; NaN of nothing.
pub fn mean(scores: &[f64]) -> f64 {
    scores.iter().sum::<f64>() / scores.len() as f64
}

impl Measure {
    const ALL: [Self; 6] =
        [Self::Ndcg, Self::ReciprocalRank, Self::Recall, Self::AveragePrecision, Self::Precision, Self::Success];

    /// This measure at a cutoff.
    pub const fn at(self, k: NonZeroUsize) -> Metric {
        Metric { measure: self, k }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ndcg => "ndcg",
            Self::ReciprocalRank => "mrr",
            Self::Recall => "recall",
            Self::AveragePrecision => "map",
            Self::Precision => "precision",
            Self::Success => "success",
        }
    }
}

impl Metric {
    /// The score of one query's ranking, in `0..=1`.
    pub fn score(self, ranking: &Ranking, judgments: &Judgments) -> f64 {
        let relevant = judgments.relevant();
        if relevant == 0 {
            return 0.0;
        }
        let grades = ranking.hits().iter().take(self.k.get()).map(|hit| judgments.grade(&hit.document).unwrap_or(0));
        let mut ranks = (1..).zip(grades.clone()).filter(|(_, grade)| *grade >= 1).map(|(rank, _)| f64::from(rank));
        match self.measure {
            Measure::Ndcg => dcg(grades) / dcg(ideal(judgments).take(self.k.get())),
            Measure::ReciprocalRank => ranks.next().map_or(0.0, f64::recip),
            Measure::Recall => ranks.count() as f64 / relevant as f64,
            Measure::AveragePrecision => {
                let precisions = (1..).zip(ranks).map(|(found, rank)| f64::from(found) / rank);
                precisions.sum::<f64>() / relevant as f64
            }
            Measure::Precision => ranks.count() as f64 / self.k.get() as f64,
            Measure::Success => f64::from(u8::from(ranks.next().is_some())),
        }
    }
}

/// Discounted cumulative gain of grades in rank order.
fn dcg(grades: impl Iterator<Item = i32>) -> f64 {
    (2..)
        .zip(grades)
        .filter(|(_, grade)| *grade >= 1)
        .map(|(place, grade)| f64::from(grade) / f64::from(place).log2())
        .sum()
}

/// The grades of the best possible ranking.
fn ideal(judgments: &Judgments) -> impl Iterator<Item = i32> {
    let mut grades: Vec<i32> = judgments.iter().map(|(_, grade)| grade).collect();
    grades.sort_unstable_by(|a, b| b.cmp(a));
    grades.into_iter()
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.measure.name(), self.k)
    }
}

impl FromStr for Metric {
    type Err = Error;

    /// Reads a name such as `ndcg@10`, `mrr@10`, `recall@100`, `map@100`, `precision@5` or `success@1`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let metric = text.split_once('@').and_then(|(name, k)| {
            let measure = Measure::ALL.into_iter().find(|measure| measure.name() == name)?;
            Some(measure.at(k.parse().ok()?))
        });
        metric.ok_or_else(|| Error::UnknownMetric { got: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Metric, evaluate};
    use crate::{Error, Qrels, Ranking, Run};

    #[test]
    fn names_that_are_not_metrics_are_refused() {
        for name in ["", "ndcg", "ndcg@", "ndcg@0", "ndcg@-1", "NDCG@10", "auc@10", "ndcg@10@10"] {
            assert!(matches!(name.parse::<Metric>(), Err(Error::UnknownMetric { got }) if got == name), "{name}");
        }
    }

    #[test]
    fn the_mean_is_over_every_judged_query_and_no_other() -> Result<(), Error> {
        let mut qrels = Qrels::default();
        qrels.insert("found", "a", 1)?;
        qrels.insert("nothing relevant", "a", 0)?;
        qrels.insert("not in the run", "a", 1)?;
        qrels.insert("no hits", "a", 1)?;
        let mut run = Run::new("tag");
        run.insert("found", Ranking::new([("a", 1.0)])?);
        run.insert("nothing relevant", Ranking::new([("a", 1.0)])?);
        run.insert("no hits", Ranking::default());
        run.insert("not judged", Ranking::new([("a", 1.0)])?);
        for name in ["ndcg@10", "mrr@10", "recall@1", "map@2", "precision@1", "success@1"] {
            let metric: Metric = name.parse()?;
            assert_eq!(evaluate(&[metric], &qrels, &run)?.mean(metric), Some(0.25), "{name}");
        }
        Ok(())
    }

    #[test]
    fn there_is_no_mean_over_no_queries() {
        assert!(matches!(evaluate(&[], &Qrels::default(), &Run::default()), Err(Error::NoQueries)));
    }
}
