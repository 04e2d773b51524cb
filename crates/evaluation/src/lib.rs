//! Evaluation of retrieval and of verification that agrees with `trec_eval` and scikit-learn: data sets, runs, pairs,
//! metrics and how sure to be of them.
//!
//! # A tutorial
//!
//! **Judgments** (qrels) say which documents answer a query, with a grade: 0 does not, 1 and above does.
//! A **run** says what a system found: per query, documents with scores. A **metric** compares the two.
//!
//! ```
//! use vetted_evaluation::metrics::retrieval::{Metric, evaluate};
//! use vetted_evaluation::{Qrels, Ranking, Run};
//!
//! # fn main() -> Result<(), vetted_evaluation::Error> {
//! let mut qrels = Qrels::default();
//! qrels.insert("who bit the man", "dog-bites-man", 1)?;
//! qrels.insert("who bit the dog", "man-bites-dog", 1)?;
//!
//! let mut run = Run::new("dense");
//! run.insert("who bit the man", Ranking::new([("dog-bites-man", 0.99), ("man-bites-dog", 0.98)])?);
//! run.insert("who bit the dog", Ranking::new([("dog-bites-man", 0.99), ("man-bites-dog", 0.98)])?);
//!
//! let mrr: Metric = "mrr@10".parse()?;
//! let evaluation = evaluate(&[mrr], &qrels, &run)?;
//! assert_eq!(evaluation.mean(mrr), Some(0.75)); // found first for one query, second for the other
//! # Ok(())
//! # }
//! ```
//!
//! With few queries a mean is uncertain. The [`interval`] module resamples the queries (bootstrap) to say by how much,
//! and compares two runs query by query:
//!
//! ```
//! use vetted_evaluation::interval::Bootstrap;
//!
//! # fn main() -> Result<(), vetted_evaluation::Error> {
//! let dense = [0.2, 0.4, 0.6, 0.5, 0.9, 0.3, 0.7, 0.8];
//! let hybrid = dense.map(|score| score + 0.05);
//! let bootstrap = Bootstrap::default();
//!
//! let interval = bootstrap.mean(&dense)?;
//! assert!(interval.low < 0.55 && 0.55 < interval.high);
//!
//! // The interval is wide, and yet hybrid is better on every query: the paired test sees that.
//! let difference = bootstrap.difference(&dense, &hybrid)?;
//! assert!(difference.interval.low > 0.0 && difference.p_value < 0.05);
//! # Ok(())
//! # }
//! ```
//!
//! Real data comes as a BEIR folder, and what `vetted eval retrieval` prints is a [`RetrievalReport`]:
//!
//! ```no_run
//! use std::time::Instant;
//! use vetted_evaluation::interval::Bootstrap;
//! use vetted_evaluation::metrics::retrieval::{evaluate, standard};
//! use vetted_evaluation::{Dataset, Ranking, RetrievalReport, Run, RunReport};
//! # fn search(_text: &str) -> Vec<(String, f32)> { Vec::new() }
//!
//! # fn main() -> Result<(), vetted_evaluation::Error> {
//! let dataset = Dataset::load("data/scifact", "test")?;
//! let mut run = Run::new("dense");
//! let mut latencies = Vec::new();
//! for query in &dataset.queries {
//!     let start = Instant::now();
//!     let hits = search(&query.text);
//!     latencies.push(start.elapsed());
//!     run.insert(&query.id, Ranking::new(hits)?);
//! }
//! run.save("dense.trec")?;
//!
//! let k = 100.try_into().expect("100 is not zero");
//! let evaluation = evaluate(&standard(k), &dataset.qrels, &run)?;
//! let mut report = RetrievalReport::new(&dataset);
//! report.runs.push(RunReport::new("dense", &evaluation, &Bootstrap::default(), &latencies)?);
//! println!("{report}");
//! # Ok(())
//! # }
//! ```
//!
//! # Pairs
//!
//! A verifier is measured on labelled pairs of texts. The scores come from the caller; this crate runs no model:
//!
//! ```
//! use vetted_pairs::{Label, Pair};
//! use vetted_evaluation::interval::Bootstrap;
//! use vetted_evaluation::metrics::pairs::KeepRate;
//! use vetted_evaluation::pairs::{Groups, average_orders, both_orders};
//! use vetted_evaluation::report::Scorer;
//! use vetted_evaluation::report::pairs::{Output, PairsReport, ScorerReport, Scores, Thresholds};
//! # fn model(query: &str, candidate: &str) -> f64 { f64::from(query.len() == candidate.len()) }
//!
//! # fn main() -> Result<(), vetted_evaluation::Error> {
//! // In earnest: vetted_pairs::read_labelled("pairs.tsv.gz")
//! let pairs = [
//!     Pair { label: Some(Label::Match), ..Pair::new("A dog bit him.", "He was bitten by a dog.") },
//!     Pair { label: Some(Label::NoMatch), ..Pair::new("A dog bit him.", "He bit a dog.") },
//! ];
//! let scores: Vec<f64> = both_orders(&pairs).iter().map(|order| model(order.query, order.candidate)).collect();
//! let scores = average_orders(&pairs, &scores)?; // the meaning of both is the same, whichever comes first
//!
//! let scorer = Scorer { name: "length".into(), params: 0, us_per_pair: 0.1 };
//! let thresholds = Some(Thresholds { support: 0.5, equivalence: 0.5 });
//! let scores = Scores { values: &scores, output: Output::Probability, thresholds };
//! let report = ScorerReport::new(scorer, &Groups::new(&pairs)?, scores, KeepRate::default(), &Bootstrap::default())?;
//! println!("{}", PairsReport { scorers: vec![report] });
//! # Ok(())
//! # }
//! ```
//!
//! [`contrast`] reads queries that differ in little, each with the document that answers it; [`metrics::contrast`]
//! counts how often a scorer tells them apart.
//!
//! # Near-miss twins
//!
//! `vetted_study::twins` plants copies of relevant documents in which one sentence says something else; [`metrics::twins`]
//! follows queries in such a corpus, and [`metrics::cascade`] an agent that needs several answered right in a row.
//!
//! # What agrees with what
//!
//! Metrics of pairs equal those of scikit-learn 1.9.1 (golden values in `tests/golden/`). Scores per query equal those of `trec_eval` 9 as `pytrec-eval-terrier` 0.5.11 runs it, ties included (golden values
//! in `tests/golden/`). Means are over every query of the qrels, as with `trec_eval -c`: see [`metrics::retrieval`].

pub mod chart;
pub mod collection;
pub mod comparison;
pub mod contrast;
pub mod dataset;
mod error;
pub mod interval;
mod lines;
pub mod metrics;
pub mod pairs;
pub mod percentile;
pub mod qrels;
pub mod report;
pub mod run;

pub use collection::Collection;
pub use dataset::Dataset;
pub use error::Error;
pub use qrels::Qrels;
pub use report::contrast::ContrastReport;
pub use report::pairs::PairsReport;
pub use report::retrieval::{RetrievalReport, RunReport};
pub use run::{Ranking, Run};
