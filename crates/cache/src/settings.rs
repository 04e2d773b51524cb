//! How a cache decides.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use vetted::{Verdict, Verification};

use crate::{SecondOpinion, Similarity};

/// How a cache decides.
#[derive(Clone)]
pub struct CacheSettings {
    /// So many of the nearest are verified.
    pub candidates: usize,
    /// What is accepted of what was verified.
    pub acceptance: Acceptance,
    /// How old an entry [of the moment](crate::Volatility) may be when it is served.
    pub moment: Duration,
    /// How long entries live that are stored without a time of their own; none for ever.
    pub ttl: Option<Duration>,
    /// Decides and writes down, and serves nothing.
    pub shadow: bool,
    /// The folder of `feedback.jsonl` and, in shadow mode, `shadow.jsonl`; none where nothing is written down.
    pub decisions: Option<PathBuf>,
    /// Whether prompts are written down with decisions.
    pub prompts_in_decisions: bool,
    /// Asked about what was nearly served, beside everything else.
    pub second_opinion: Option<Arc<dyn SecondOpinion>>,
}

/// What is accepted as meaning the same. What the verifier could not read is never accepted.
#[derive(Clone, Default)]
pub enum Acceptance {
    /// What the verifier accepts, by its own thresholds.
    #[default]
    Verdict,
    /// What means the same with at least this probability, as the verifier gives it ([`Judgement::p_match`](vetted::Judgement)):
    /// for a threshold that a calibration found for this verifier.
    Probability(f32),
    /// What this accepts.
    By(Arc<dyn Accepts>),
}

/// A rule of acceptance, such as a calibration with everything that it looks at.
pub trait Accepts: Send + Sync {
    /// Whether the candidate is accepted.
    fn accepts(&self, seen: &Seen<'_>) -> bool;

    /// The number that the rule compares with its threshold, higher where it is surer: what is written down with feedback, under
    /// the name of its scale.
    fn score(&self, seen: &Seen<'_>) -> f32;

    /// What its numbers are.
    fn scale(&self) -> Scale {
        Scale::Own
    }
}

/// What the numbers are that are compared with a threshold. On two scales the same number says two things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// The verifier's probability that both mean the same.
    Probability,
    /// A calibration's log-odds that accepting is right.
    LogOdds,
    /// A rule's own.
    Own,
}

impl Scale {
    /// Its name, under which its numbers are written down.
    pub fn name(self) -> &'static str {
        match self {
            Scale::Probability => "p_match",
            Scale::LogOdds => "log_odds",
            Scale::Own => "score",
        }
    }
}

/// What is known of a candidate when it is decided about.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The prompt that is looked up.
    pub prompt: &'a str,
    /// The candidate's prompt.
    pub kept: &'a str,
    /// How near the prompts' vectors are.
    pub similarity: Similarity,
    /// How much nearer it is than the next candidate, on the same scale; none of the last.
    pub gap: Option<f32>,
    /// What the verifier says, with its logits.
    pub verification: &'a Verification,
    /// The part of the scope that thresholds may differ by.
    pub tenant: Option<&'a str>,
}

impl Default for CacheSettings {
    fn default() -> Self {
        CacheSettings {
            candidates: 8,
            acceptance: Acceptance::Verdict,
            moment: Duration::from_secs(60),
            ttl: None,
            shadow: false,
            decisions: None,
            prompts_in_decisions: false,
            second_opinion: None,
        }
    }
}

impl Acceptance {
    /// Whether a candidate is accepted.
    pub fn accepts(&self, seen: &Seen<'_>) -> bool {
        let is_unread = seen.verification.verdict() == Verdict::Unverified;
        if is_unread || seen.verification.differs_in().is_some() {
            return false;
        }
        match self {
            Acceptance::Verdict => seen.verification.verdict() == Verdict::Accept,
            Acceptance::Probability(least) => seen.verification.judgement().is_some_and(|it| it.p_match >= *least),
            Acceptance::By(rule) => rule.accepts(seen),
        }
    }

    /// The number that is compared with a threshold; none of what could not be read.
    pub fn score(&self, seen: &Seen<'_>) -> Option<f32> {
        let judgement = seen.verification.judgement().filter(|_| seen.verification.verdict() != Verdict::Unverified)?;
        Some(match self {
            Acceptance::Verdict | Acceptance::Probability(_) => judgement.p_match,
            Acceptance::By(rule) => rule.score(seen),
        })
    }

    /// What that number is.
    pub fn scale(&self) -> Scale {
        match self {
            Acceptance::Verdict | Acceptance::Probability(_) => Scale::Probability,
            Acceptance::By(rule) => rule.scale(),
        }
    }
}

#[cfg(test)]
mod tests {
    use vetted::reader::{Kind, Outputs};
    use vetted::{Assessment, Finding, Judgement};

    use super::*;

    struct Anything;

    impl Accepts for Anything {
        fn accepts(&self, _: &Seen<'_>) -> bool {
            true
        }

        fn score(&self, _: &Seen<'_>) -> f32 {
            1.0
        }
    }

    #[test]
    fn no_threshold_accepts_what_differs_letter_by_letter() {
        let outputs = Outputs { support: 5.0, equivalence: 5.0, conflict: -5.0, kinds: [0.0; Kind::COUNT] };
        let judgement = Judgement { finding: Finding::Same, p_match: 0.99, p_conflict: 0.01, kind: None, answer: None };
        for (differs_in, accepted) in [(None, true), (Some(Kind::Number), false)] {
            let (support_of_all, coverage, window, vouched) = (5.0, 1.0, 0..1, None);
            let read = Assessment { judgement, outputs, support_of_all, coverage, window, vouched, differs_in };
            let verification = Verification::Accept(read);
            let similarity = Similarity::of_cosine(1.0);
            let (prompt, kept) = ("wait 3 days", "wait 4 days");
            let seen = Seen { prompt, kept, similarity, gap: None, verification: &verification, tenant: None };
            for rule in [Acceptance::Verdict, Acceptance::Probability(0.5), Acceptance::By(Arc::new(Anything))] {
                assert_eq!(rule.accepts(&seen), accepted);
            }
        }
    }
}
