//! What becomes of what retrieval found.

use std::ops::Range;

use vetted_corpus::Document;
use vetted_verifier::{Assessment, Policy, Unverified, Verdict, Verification, beaten};

use crate::search::Candidate;
use crate::snippet::Snippet;

/// What the verifier says about a candidate.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Nobody asked it.
    Off,
    /// A part of the document supports the query: it can be vouched for.
    Accept(Assessment<Part>),
    /// It is not to be had, on these grounds.
    Reject(Assessment<Part>, Grounds),
    /// It neither supports the query nor contradicts it, or not surely enough.
    Abstain(Assessment<Part>),
    /// Nothing, and why.
    Unverified(Unverified),
}

/// Why a candidate is rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grounds {
    /// It contradicts the query.
    Contradicts,
    /// Another candidate says nearly the same and supports the query clearly better, whatever is found about this one alone.
    Rival {
        /// The other one's id.
        id: String,
    },
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

impl Outcome {
    /// As the verifier says it of a passage that is these bytes of a document's text.
    pub(crate) fn of_passage(verification: Verification, bytes: Range<usize>) -> Outcome {
        let part = |window: &Range<usize>| match bytes.is_empty() {
            true => Part::Title,
            false => Part::Text(bytes.start + window.start..bytes.start + window.end),
        };
        let of_document = |read: Assessment| {
            let part = part(&read.window);
            read.at(part)
        };
        match verification {
            Verification::Accept(read) => Outcome::Accept(of_document(read)),
            Verification::Reject(read) => Outcome::Reject(of_document(read), Grounds::Contradicts),
            Verification::Abstain(read) => Outcome::Abstain(of_document(read)),
            Verification::Unverified(why, _) => Outcome::Unverified(why),
        }
    }

    /// The same, of a candidate that the one with this id beats. What has no verdict is beaten by nothing.
    pub(crate) fn beaten_by(self, id: String) -> Outcome {
        match self {
            Outcome::Accept(read) | Outcome::Abstain(read) => Outcome::Reject(beaten(read), Grounds::Rival { id }),
            other => other,
        }
    }

    /// Whether the verifier vouches for the candidate.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Outcome::Accept(_))
    }

    /// The verdict in a word; none when nobody asked.
    pub fn verdict(&self) -> Option<Verdict> {
        match self {
            Outcome::Off => None,
            Outcome::Accept(_) => Some(Verdict::Accept),
            Outcome::Reject(..) => Some(Verdict::Reject),
            Outcome::Abstain(_) => Some(Verdict::Abstain),
            Outcome::Unverified(_) => Some(Verdict::Unverified),
        }
    }

    /// What was found, and in which part, where there is a verdict.
    pub fn assessment(&self) -> Option<&Assessment<Part>> {
        match self {
            Outcome::Accept(read) | Outcome::Reject(read, _) | Outcome::Abstain(read) => Some(read),
            Outcome::Off | Outcome::Unverified(_) => None,
        }
    }
}

/// The best `k` of the candidates that stay by `policy`, and what is left out; both in retrieval's order.
pub(crate) fn select(candidates: Vec<Candidate>, policy: Policy, k: usize) -> (Vec<Candidate>, Vec<Candidate>) {
    let left_out = |candidate: &Candidate| policy.leaves_out(candidate.outcome.verdict());
    let (rejected, mut kept): (Vec<_>, Vec<_>) = candidates.into_iter().partition(left_out);
    kept.truncate(k);
    (kept, rejected)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vetted_reader::{Kind, Outputs};
    use vetted_retrieval::Scores;
    use vetted_verifier::{Finding, Judgement};

    use super::*;

    fn assessment(finding: Finding, kind: Option<Kind>) -> Assessment<Part> {
        let mut kinds = [f32::NEG_INFINITY; Kind::COUNT];
        kinds[Kind::Role as usize] = 0.0;
        let outputs = Outputs { support: 0.0, equivalence: 0.0, conflict: 0.0, kinds };
        let judgement = Judgement { finding, p_match: 0.5, p_conflict: 0.5, kind, answer: None };
        Assessment {
            judgement,
            outputs,
            support_of_all: 0.0,
            coverage: 1.0,
            window: Part::Title,
            vouched: None,
            differs_in: None,
        }
    }

    fn candidate(recall_rank: usize, verdict: usize) -> Candidate {
        let read = assessment(Finding::Neither, None);
        let outcome = match verdict {
            0 => Outcome::Unverified(Unverified::BudgetSpent),
            1 => Outcome::Accept(read),
            2 => Outcome::Abstain(read),
            3 => Outcome::Reject(read, Grounds::Contradicts),
            _ => Outcome::Reject(read, Grounds::Rival { id: "1".into() }),
        };
        let score = 1.0 / recall_rank as f32;
        let (id, scores) = (recall_rank.to_string(), Scores::default());
        Candidate { id, recall_rank, score, scores, passage: None, outcome }
    }

    #[test]
    fn what_a_rival_beats_is_rejected_with_its_name_and_a_kind() {
        for (outcome, beaten) in [
            (Outcome::Accept(assessment(Finding::Supports, None)), true),
            (Outcome::Abstain(assessment(Finding::Neither, Some(Kind::Role))), true),
            (Outcome::Unverified(Unverified::NoText), false),
            (Outcome::Off, false),
            (Outcome::Reject(assessment(Finding::Contradicts, Some(Kind::Role)), Grounds::Contradicts), false),
        ] {
            let before = outcome.verdict();
            match outcome.beaten_by("7".into()) {
                Outcome::Reject(read, Grounds::Rival { id }) => {
                    assert!(beaten && id == "7" && read.judgement.kind == Some(Kind::Role));
                }
                other => assert!(!beaten && other.verdict() == before),
            }
        }
    }

    #[test]
    fn an_outcome_tells_where_in_the_document_it_was_decided() {
        let read = |window: Range<usize>| assessment(Finding::Supports, None).at(window);
        let part =
            |verification, bytes| Outcome::of_passage(verification, bytes).assessment().map(|read| read.window.clone());
        assert_eq!(part(Verification::Accept(read(2..5)), 100..120), Some(Part::Text(102..105)));
        assert_eq!(part(Verification::Reject(read(0..5)), 0..0), Some(Part::Title));
        assert_eq!(part(Verification::Unverified(Unverified::QueryTooLong, Some(read(0..5))), 0..9), None);
    }

    proptest! {
        #[test]
        fn nothing_changes_its_order_and_only_a_filter_leaves_out_what_is_rejected(
            verdicts in prop::collection::vec(0..5usize, 0..30),
            filters in any::<bool>(),
            k in 0..30usize,
        ) {
            let candidates: Vec<Candidate> = (1..).zip(&verdicts).map(|(rank, verdict)| candidate(rank, *verdict)).collect();
            let rejects = verdicts.iter().filter(|verdict| **verdict >= 3).count();
            let (hits, rejected) = select(candidates, if filters { Policy::Filter } else { Policy::Flag }, k);
            prop_assert!(hits.is_sorted_by(|a, b| a.recall_rank < b.recall_rank));
            prop_assert!(rejected.is_sorted_by(|a, b| a.recall_rank < b.recall_rank));
            let left_out = if filters { rejects } else { 0 };
            prop_assert_eq!(rejected.len(), left_out);
            prop_assert_eq!(hits.len(), k.min(verdicts.len() - left_out));
            prop_assert!(rejected.iter().all(|it| it.outcome.verdict() == Some(Verdict::Reject)));
        }
    }
}
