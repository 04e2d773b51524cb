//! The study behind the audit: what training an encoder for structure costs its retrieval, what verifiers on the untouched
//! encoder reach, and what other fixes do.
//!
//! Nothing here runs a model. `vetted-study` measures one thing after the other and keeps each as a cell
//! ([`Encoder`], [`Verifier`], [`Fix`]), a JSON file; [`Study`] turns all cells there are into tables, plots and a page that says
//! what they show ([`Study::write`]).

mod claims;
mod csv;
mod effect;
mod page;
mod plots;
mod tables;

use serde::{Deserialize, Serialize};

pub use effect::{Change, Effect, Setting};

/// The source under which all pairs are measured together.
pub const ALL_PAIRS: &str = "all pairs";

/// The source of pairs that the study makes itself, as it makes its training data.
pub const OWN_PAIRS: &str = "made from the questions' paragraphs";

/// Everything that was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// Encoders, untouched and fine-tuned.
    pub encoders: Vec<Encoder>,
    /// Scorers of pairs over the untouched encoder.
    pub verifiers: Vec<Verifier>,
    /// Ways to search.
    pub fixes: Vec<Fix>,
}

/// What was measured of an encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    /// The model that it is, or was made from.
    pub base: String,
    /// What it was trained on; none for the base as it comes.
    pub training: Option<Training>,
    /// nDCG@10.
    pub sets: Vec<SetFigures>,
    /// How well its cosine tells texts that mean the same from those that do not.
    pub structure: Vec<Separated>,
    /// The shape of its vectors.
    pub geometry: Shape,
}

/// What an encoder was trained on. A share of 0 is the study's model A, any other a model B.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Structural triplets among all that it was trained on, from 0 to below 1. The others are those of model A.
    pub share: f64,
    /// Different retrieval triplets.
    pub retrieval: usize,
    /// Different structural triplets.
    pub structural: usize,
    /// Steps that model A takes; with a share, so many more that all of A's triplets are visited as often.
    pub steps: usize,
    /// Steps that this one took.
    pub taken: usize,
    /// Triplets a step.
    pub batch: usize,
    /// Highest learning rate.
    pub rate: f64,
    /// The seed of the order.
    pub seed: u64,
    /// How long it took.
    pub seconds: f64,
}

/// nDCG@10 on a retrieval set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetFigures {
    /// The set's name.
    pub name: String,
    /// Documents searched.
    pub documents: usize,
    /// nDCG@10 of every query, in one order for all encoders.
    pub ndcg: Vec<f64>,
}

/// Pairs of one kind of difference, and how a scorer tells matches from near misses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Separated {
    /// Where the pairs come from.
    pub source: String,
    /// What they test; none for all of a source.
    pub phenomenon: Option<String>,
    /// Pairs that mean the same.
    pub matches: usize,
    /// Pairs that do not.
    pub near_misses: usize,
    /// Area under the ROC curve: 0.5 is chance.
    pub auc: f64,
    /// Its 95 % interval, over pairs.
    pub interval: [f64; 2],
    /// Mean scores of the two.
    pub means: [f64; 2],
}

/// The shape of a cloud of document vectors ([`Geometry`](vetted_evaluation::metrics::geometry::Geometry)).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Of how many dimensions.
    pub dimensions: usize,
    /// The largest direction's part of the variance.
    pub anisotropy: f64,
    /// Dimensions that are in use.
    pub effective_rank: f64,
    /// Mean cosine of two random documents.
    pub mean_similarity: f64,
}

/// A scorer of pairs over the untouched encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verifier {
    /// The encoder.
    pub base: String,
    /// Its name in tables.
    pub name: String,
    /// How it was made.
    pub made: Made,
    /// Numbers it has beyond the base's.
    pub parameters: usize,
    /// How well it tells pairs.
    pub structure: Vec<Separated>,
    /// Scoring time of a pair, encoding included.
    pub microseconds: f64,
}

/// How a scorer came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Made {
    /// A formula.
    Formula,
    /// Trained by the study, the encoder's layers left as they are.
    Frozen {
        /// Pairs visited.
        visits: usize,
    },
    /// Trained by the study, all layers of its own copy of the encoder too.
    EndToEnd {
        /// Pairs visited.
        visits: usize,
    },
    /// The weights that come with vetted, trained on far more.
    Shipped,
}

/// A way to search, on one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    /// Its name in tables.
    pub name: String,
    /// The retrieval set.
    pub set: String,
    /// nDCG@10 on the set as it is, with its 95 % interval, and how many queries.
    pub ndcg: Figure,
    /// Share of the queries with a planted near miss whose first answer is the near miss.
    pub served: Option<Figure>,
    /// Share of them whose first ten answers hold the right document.
    pub found: Option<Figure>,
    /// Share of them to which the search vouched for nothing.
    pub abstained: Option<Figure>,
    /// Milliseconds of a query, the median.
    pub milliseconds: f64,
}

/// A figure and how sure to be of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
    /// Of how many queries.
    pub n: usize,
}
