//! What becomes of what recall found: how it is vetted, and what is said about each candidate.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use vetted_corpus::Document;
use vetted_reader::{Judgement, Outputs, Policy, Verdict};

use crate::Error;
use crate::search::Candidate;
use crate::snippet::Snippet;

/// How the candidates that recall found are vetted.
///
/// ```
/// use std::time::Duration;
/// use vetted::Verify;
/// use vetted::verification::Policy;
///
/// let verify = Verify { policy: Policy::Flag, budget: Some(Duration::from_millis(50)), ..Verify::default() };
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verify {
    /// What a rejection does to a candidate. By default it is left out.
    pub policy: Policy,
    /// How many of recall's candidates are verified, from the first on. When some are rejected, the hits are filled up from
    /// deeper ones: verified ones first, and beyond the depth unverified ones, marked as such.
    pub depth: usize,
    /// After so much time of verifying (models loaded), what is left is returned [`Unverified::BudgetSpent`].
    pub budget: Option<Duration>,
    /// Whether hits carry the token pairs that decided, which takes a reading of the pair per token.
    pub evidence: bool,
}

impl Default for Verify {
    /// Rejected candidates are left out, 20 are verified, however long it takes, without evidence.
    fn default() -> Verify {
        Verify { policy: Policy::default(), depth: DEFAULT_DEPTH, budget: None, evidence: false }
    }
}

/// How many candidates are verified unless told otherwise.
const DEFAULT_DEPTH: usize = 20;

/// What the verifier says about a candidate.
#[derive(Clone, Debug)]
pub enum Vetting {
    /// Nobody asked it.
    Off,
    /// Nothing, and why. The candidate is not accepted.
    Unverified(Unverified),
    /// This.
    Vetted(Vetted),
}

/// Why a candidate was not verified.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Unverified {
    /// It stands deeper than [`Verify::depth`].
    BeyondDepth,
    /// [`Verify::budget`] was spent before it came to it.
    BudgetSpent,
    /// The query is longer than the verifier reads, and the part that it read does not conflict.
    QueryTooLong,
    /// The query is a word or two: keywords say nothing that a passage could support or contradict.
    QueryTooShort,
    /// It has no text.
    NoText,
    /// The verifier failed.
    Failed(Arc<Error>),
}

/// A verdict on a document, and the part of it that decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Vetted {
    /// The verdict, its probabilities and the kind of conflict. *Accept*: a part of the document supports the query.
    /// *Reject*: the part that covers the query best conflicts with it, or there is a [rival](Self::rival). *Abstain*: neither.
    pub judgement: Judgement,
    /// The logits behind it.
    pub outputs: Outputs,
    /// The logarithm of the summed odds of support of all parts read.
    pub support_of_all: f32,
    /// How much of the query the part that decided covers, in [-1, 1].
    pub coverage: f32,
    /// The part that decided.
    pub part: Part,
    /// The id of another candidate that says nearly the same and supports the query clearly better, which is why this one is
    /// rejected. A [`Policy::Penalty`] takes no more for it than the probability of a conflict says.
    pub rival: Option<String>,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its title.
    Title,
    /// These bytes of its text.
    Text(Range<usize>),
}

impl Part {
    /// The part itself.
    pub(crate) fn of(&self, document: &Document) -> Snippet {
        let (whole, bytes) = match self {
            Part::Title => (&document.title, 0..document.title.len()),
            Part::Text(bytes) => (&document.text, bytes.clone()),
        };
        let (before, text) = (whole.get(..bytes.start), whole.get(bytes));
        let (Some(before), Some(text)) = (before, text) else { return Snippet::default() };
        let first = before.chars().count();
        Snippet { text: text.to_owned(), chars: first..first + text.chars().count(), matches: Vec::new() }
    }
}

impl Vetting {
    /// Whether the verifier vouches for the candidate.
    pub fn is_accepted(&self) -> bool {
        self.verdict() == Some(Verdict::Accept)
    }

    /// The verdict, where there is one.
    pub fn verdict(&self) -> Option<Verdict> {
        self.vetted().map(|vetted| vetted.judgement.verdict)
    }

    /// What was said, where something was.
    pub fn vetted(&self) -> Option<&Vetted> {
        match self {
            Vetting::Vetted(vetted) => Some(vetted),
            Vetting::Off | Vetting::Unverified(_) => None,
        }
    }
}

impl fmt::Display for Unverified {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unverified::BeyondDepth => write!(formatter, "it stands deeper than what was to be verified"),
            Unverified::BudgetSpent => write!(formatter, "the time for verifying was spent"),
            Unverified::QueryTooLong => write!(formatter, "the query is longer than the verifier reads"),
            Unverified::QueryTooShort => write!(formatter, "the query is a word or two and states nothing"),
            Unverified::NoText => write!(formatter, "it has no text"),
            Unverified::Failed(error) => write!(formatter, "{error}"),
        }
    }
}

/// Orders candidates as `policy` says, and parts the best `k` of those that stay from the rejected ones, which stay in
/// recall's order.
pub(crate) fn select(candidates: Vec<Candidate>, policy: Policy, k: usize) -> (Vec<Candidate>, Vec<Candidate>) {
    let (mut kept, mut rejected) = (Vec::with_capacity(candidates.len()), Vec::new());
    for mut candidate in candidates {
        let score = match &candidate.vetting {
            Vetting::Vetted(vetted) => policy.score(candidate.recall_score, &vetted.judgement),
            Vetting::Off | Vetting::Unverified(_) => Some(candidate.recall_score),
        };
        match score {
            Some(score) => {
                candidate.score = score;
                kept.push(candidate);
            }
            None => rejected.push(candidate),
        }
    }
    kept.sort_by(|a, b| b.score.total_cmp(&a.score)); // stable: equals stay in recall's order
    kept.truncate(k);
    (kept, rejected)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vetted_reader::{Kind, Penalty};
    use vetted_retrieval::Scores;

    use super::*;

    fn candidate(recall_rank: usize, recall_score: f32, verdict: Option<Verdict>, p_conflict: f32) -> Candidate {
        let vetting = match verdict {
            None => Vetting::Unverified(Unverified::BudgetSpent),
            Some(verdict) => {
                let conflicts = verdict == Verdict::Reject;
                let outputs = Outputs { support: 0.0, equivalence: 0.0, conflict: 0.0, kinds: [0.0; Kind::COUNT] };
                let judgement = Judgement { verdict, p_match: 0.5, p_conflict, kind: None, conflicts };
                let (support_of_all, coverage) = (0.0, 1.0);
                Vetting::Vetted(Vetted { judgement, outputs, support_of_all, coverage, part: Part::Title, rival: None })
            }
        };
        let (id, scores) = (recall_rank.to_string(), Scores::default());
        Candidate { id, recall_rank, recall_score, score: recall_score, scores, passage: None, vetting }
    }

    proptest! {
        #[test]
        fn nothing_rises_but_past_what_was_rejected(
            read in prop::collection::vec((0..4usize, 0f32..1.0, -1f32..1.0), 0..30),
            policy in 0..3usize,
            k in 0..30usize,
        ) {
            let mut scores: Vec<f32> = read.iter().map(|it| it.2).collect();
            scores.sort_by(|a, b| b.total_cmp(a));
            let verdict = |i: usize| [None, Some(Verdict::Accept), Some(Verdict::Abstain), Some(Verdict::Reject)][i];
            let candidates: Vec<Candidate> = (1..)
                .zip(&read)
                .zip(&scores)
                .map(|((rank, (v, p, _)), score)| candidate(rank, *score, verdict(*v), *p))
                .collect();
            let count = candidates.len();
            let rejects = candidates.iter().filter(|it| it.vetting.verdict() == Some(Verdict::Reject)).count();
            let policy = [Policy::Flag, Policy::Filter, Policy::Penalty(Penalty::default())][policy];
            let (hits, rejected) = select(candidates, policy, k);
            for (at, above) in hits.iter().enumerate() {
                for below in &hits[at + 1..] {
                    let demoted = below.vetting.verdict() == Some(Verdict::Reject) && matches!(policy, Policy::Penalty(_));
                    prop_assert!(above.recall_rank < below.recall_rank || demoted);
                }
                prop_assert!(above.score <= above.recall_score);
            }
            let left_out = if policy == Policy::Filter { rejects } else { 0 };
            prop_assert_eq!(rejected.len(), left_out);
            prop_assert_eq!(hits.len(), k.min(count - left_out));
        }
    }
}
