//! What can be wrong with what is to be calibrated.

/// An error of this crate. Positions are counted from 1.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A rate or a confidence is not strictly between 0 and 1.
    #[error("{what} is {got}: give a number between 0 and 1, both excluded, such as {example}")]
    NotBetween {
        /// What it is meant to be.
        what: &'static str,
        /// What was given.
        got: f64,
        /// A usual value.
        example: f64,
    },

    /// A score is not a number, so that nothing can be compared with it.
    #[error(
        "the score of decision {position} is not a number: a verifier that fails has no score, leave such decisions out"
    )]
    NotANumber {
        /// Which decision.
        position: usize,
    },

    /// There are too few decisions for any threshold to qualify, however good they are.
    #[error(
        "{got} decisions are too few: to show at most {:.3} % wrong with {} % confidence takes at least {needed} \
         accepted ones; check {} more or more, or ask for less",
        rate * 100.0, confidence * 100.0, needed - got
    )]
    TooFew {
        /// How many there are.
        got: usize,
        /// How many there must be at least.
        needed: usize,
        /// The rate asked for.
        rate: f64,
        /// The confidence asked for.
        confidence: f64,
    },

    /// Counts that cannot be: more wrong ones than there are.
    #[error("{wrong} of {all} cannot be wrong")]
    Counts {
        /// The wrong ones.
        wrong: u64,
        /// All.
        all: u64,
    },

    /// There is nothing to calibrate on.
    #[error("there are no decisions: give labelled pairs, or logged decisions with feedback")]
    Empty,

    /// The verifier gave no verdict on any of the decisions.
    #[error(
        "none of the {decisions} decisions has a score: the verifier read none of the texts (empty, not English, or too long to \
         be compared), or the log lacks a feature that the first decision has"
    )]
    NoScores {
        /// How many there are.
        decisions: usize,
    },

    /// All decisions are right to accept, or none is.
    #[error(
        "all {decisions} decisions are {}: right and wrong ones are needed to tell them apart",
        if *right { "right to accept" } else { "wrong to accept" }
    )]
    OneClass {
        /// How many there are.
        decisions: usize,
        /// What they are.
        right: bool,
    },

    /// A decision names no segment, where thresholds are to differ by segment.
    #[error("decision {position} names no segment: fill the column in, or calibrate all decisions together")]
    NoSegment {
        /// Which decision.
        position: usize,
    },
}
