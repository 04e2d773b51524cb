//! Questions and answers.

use std::time::Duration;

use serde_json::{Map, Value};
use vetted_corpus::Passage;
use vetted_kernels::Deadline;
use vetted_retrieval::{Filter, Fusion, NotAsked, Scores};

use crate::Explanation;
use crate::outcome::Outcome;
use crate::snippet::Snippet;
use crate::verify::Verify;

/// What is searched for.
///
/// ```
/// use vetted::{Mode, Search};
/// let search = Search::new("who bit the dog").mode(Mode::Bm25).k(3);
/// # assert_eq!(search.k, 3);
/// ```
#[derive(Clone, Debug)]
pub struct Search {
    /// The question.
    pub text: String,
    /// Its vector, where the index's vectors were given; else it is encoded.
    pub vector: Option<Vec<f32>>,
    /// What documents are ranked by.
    pub mode: Mode,
    /// How many hits at most.
    pub k: usize,
    /// Only documents whose metadata fit all of these.
    pub filters: Vec<Filter>,
    /// How what is found is verified; `None`: not at all.
    pub verify: Option<Verify>,
    /// Until when the answer is wanted.
    pub deadline: Deadline,
}

/// What documents are ranked by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Mode {
    /// The inner product of the query's vector with a document's best passage.
    #[default]
    Dense,
    /// BM25 of the words.
    Bm25,
    /// Both, fused.
    Hybrid(Fusion),
}

impl Search {
    /// The best 10 documents by vector, verified as [`Verify::default`] says: what contradicts the question is left out.
    pub fn new(text: impl Into<String>) -> Search {
        let (mode, verify) = (Mode::default(), Some(Verify::default()));
        Search { text: text.into(), vector: None, mode, k: 10, filters: Vec::new(), verify, deadline: Deadline::none() }
    }

    /// Gives up with [`Error::Expired`](crate::Error::Expired) when `deadline` is over, whatever there is by then.
    pub fn deadline(mut self, deadline: Deadline) -> Search {
        self.deadline = deadline;
        self
    }

    /// Gives the query's vector, of the encoder that made the documents'.
    pub fn vector(mut self, vector: impl Into<Option<Vec<f32>>>) -> Search {
        self.vector = vector.into();
        self
    }

    /// Ranks by `mode`.
    pub fn mode(mut self, mode: Mode) -> Search {
        self.mode = mode;
        self
    }

    /// Asks for at most `k` hits.
    pub fn k(mut self, k: usize) -> Search {
        self.k = k;
        self
    }

    /// Asks only for documents that fit `filter`, and all given before.
    pub fn filter(mut self, filter: Filter) -> Search {
        self.filters.push(filter);
        self
    }

    /// Verifies what is found in this way; `None` returns it as it was ranked, and loads no verifier.
    pub fn verify(mut self, verify: impl Into<Option<Verify>>) -> Search {
        self.verify = verify.into();
        self
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The hits, best first.
    pub hits: Vec<Hit>,
    /// What was left out because it is rejected, in retrieval's order.
    pub rejected: Vec<LeftOut>,
    /// The parts of the index that could not be asked; the hits are of the others.
    pub not_asked: Vec<NotAsked>,
    /// What it took.
    pub timing: Timing,
}

/// What was found, documents unread.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// The hits, best first.
    pub hits: Vec<Candidate>,
    /// What was left out because it is rejected, in retrieval's order.
    pub rejected: Vec<Candidate>,
    /// The parts of the index that could not be asked; the hits are of the others.
    pub not_asked: Vec<NotAsked>,
    /// What it took.
    pub timing: Timing,
}

/// How long the parts of a search took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Encoding the query.
    pub encoding: Duration,
    /// Ranking.
    pub ranking: Duration,
    /// Verifying; nothing when it is off.
    pub verifying: Duration,
    /// Reading the documents of hits and of what was left out; nothing of [`Engine::rank`](crate::Engine::rank).
    pub reading: Duration,
    /// Finding the token pairs behind verdicts, where these were asked for.
    pub evidence: Duration,
}

/// A document as it is ranked, unread.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The document's id.
    pub id: String,
    /// Retrieval's place for it, from 1.
    pub recall_rank: usize,
    /// What it is ranked by: a cosine for dense searches with a model that normalizes, a BM25 score, or a fused one.
    pub score: f32,
    /// The scores that this one comes from.
    pub scores: Scores,
    /// The passage nearest to the query's vector; none for BM25.
    pub passage: Option<Passage>,
    /// What the verifier says.
    pub outcome: Outcome,
}

/// A document that was found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// From 1.
    pub rank: usize,
    /// The document's id.
    pub id: String,
    /// Retrieval's place for it, from 1.
    pub recall_rank: usize,
    /// What it is ranked by: a cosine for dense searches with a model that normalizes, a BM25 score, or a fused one.
    pub score: f32,
    /// The scores that this one comes from.
    pub scores: Scores,
    /// What the verifier says.
    pub outcome: Outcome,
    /// The part of the title or of the text that decided the verdict, as it stands there; empty without a verdict.
    pub window: Snippet,
    /// Why the verdict is what it is, where that was [asked for](Verify::evidence); only of *accept* and *reject*.
    pub evidence: Option<Explanation>,
    /// The document's title, possibly empty.
    pub title: String,
    /// The part of the text worth showing, with its place in the document: around the [window](Hit::window) that decided, or
    /// without one where most words of the query are.
    pub snippet: Snippet,
    /// The document's metadata.
    pub metadata: Map<String, Value>,
}

/// A document that was found and left out.
#[derive(Clone, Debug)]
pub struct LeftOut {
    /// The document's id.
    pub id: String,
    /// Retrieval's place for it, from 1.
    pub recall_rank: usize,
    /// What it is ranked by, as of hits.
    pub score: f32,
    /// Why it was left out.
    pub outcome: Outcome,
    /// The part of the title or of the text that decided, as it stands there.
    pub window: Snippet,
    /// The document's title, possibly empty.
    pub title: String,
}

impl Candidate {
    /// As retrieval found it.
    pub(crate) fn recalled(hit: vetted_retrieval::Hit) -> Candidate {
        let vetted_retrieval::Hit { id, rank, score, scores, passage } = hit;
        Candidate { id, recall_rank: rank, score, scores, passage, outcome: Outcome::Off }
    }
}

impl Found {
    /// Whether the verifier vouches for at least one hit.
    pub fn verified(&self) -> bool {
        self.hits.iter().any(|hit| hit.outcome.is_accepted())
    }
}

impl Ranked {
    /// Whether the verifier vouches for at least one hit.
    pub fn verified(&self) -> bool {
        self.hits.iter().any(|hit| hit.outcome.is_accepted())
    }
}

impl Timing {
    /// All of it: what the caller waits, models loaded.
    pub fn total(self) -> Duration {
        self.encoding + self.ranking + self.verifying + self.reading + self.evidence
    }
}
