//! What a verifier says about a candidate.

use std::ops::Range;

use vetted_reader::{Kind, Outputs};

use crate::decide::{Judgement, Unverified, Verdict};

/// The verdict on one candidate, with all that it rests on.
#[derive(Clone, Debug)]
pub enum Verification {
    /// It supports the query, or says the same, as was asked.
    Accept(Assessment),
    /// It contradicts the query; where equivalence was asked about, it is different.
    Reject(Assessment),
    /// None of these, or not surely enough.
    Abstain(Assessment),
    /// Too little was read for a verdict. What was read is there, where something was.
    Unverified(Unverified, Option<Assessment>),
}

/// What is read in a candidate, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment<Place = Range<usize>> {
    /// The finding, its probabilities and the kind of difference.
    pub judgement: Judgement,
    /// The logits behind it, of the window that decided.
    pub outputs: Outputs,
    /// The logarithm of the summed odds of support of all windows read: what long candidates are ranked by. Of one window it
    /// is its logit. The largest alone would not tell two texts apart that share a sentence which supports the query a little
    /// more than the one in which they differ. Of a formula it is the largest similarity.
    pub support_of_all: f32,
    /// How much of the query the window that decided covers, in [-1, 1]; 1 of a cross-encoder, which cannot tell.
    pub coverage: f32,
    /// The part of the candidate that decided, in bytes: all of it, unless it is longer than the verifier reads.
    pub window: Place,
    /// The probability, by all that is known of it, that a passage that a search found answers the question, where the verifier
    /// has learnt to tell ([`Vouching`](vetted_reader::Vouching)) and support is found in it: then this decides what is accepted,
    /// not the match alone.
    pub vouched: Option<f32>,
    /// What kind of thing the texts differ in that must be the same letter by letter, such as a number, where the numbers above
    /// speak for the candidate. It is not accepted then, whatever threshold anybody holds the numbers to.
    pub differs_in: Option<Kind>,
}

impl Verification {
    /// The verdict in a word.
    pub fn verdict(&self) -> Verdict {
        match self {
            Verification::Accept(_) => Verdict::Accept,
            Verification::Reject(_) => Verdict::Reject,
            Verification::Abstain(_) => Verdict::Abstain,
            Verification::Unverified(..) => Verdict::Unverified,
        }
    }

    /// What was read, where something was.
    pub fn assessment(&self) -> Option<&Assessment> {
        match self {
            Verification::Accept(read) | Verification::Reject(read) | Verification::Abstain(read) => Some(read),
            Verification::Unverified(_, read) => read.as_ref(),
        }
    }

    /// The finding and its probabilities, where something was read.
    pub fn judgement(&self) -> Option<&Judgement> {
        self.assessment().map(|read| &read.judgement)
    }

    /// What kind of thing the texts differ in that must be the same letter by letter
    /// ([`Assessment::differs_in`]): whoever decides by numbers of their own must not accept such a candidate.
    pub fn differs_in(&self) -> Option<Kind> {
        self.assessment().and_then(|read| read.differs_in)
    }

    /// The logits behind the verdict. White space supports nothing, says the same as nothing and contradicts nothing: minus
    /// infinity.
    pub fn outputs(&self) -> Outputs {
        let nothing = f32::NEG_INFINITY;
        let silent =
            Outputs { support: nothing, equivalence: nothing, conflict: nothing, kinds: [nothing; Kind::COUNT] };
        self.assessment().map_or(silent, |read| read.outputs)
    }

    /// [`Assessment::support_of_all`]; minus infinity of white space.
    pub fn support_of_all(&self) -> f32 {
        self.assessment().map_or(f32::NEG_INFINITY, |read| read.support_of_all)
    }
}

impl<Place> Assessment<Place> {
    /// The same, of a part that is told in another way.
    pub fn at<Other>(self, window: Other) -> Assessment<Other> {
        let Assessment { judgement, outputs, support_of_all, coverage, window: _, vouched, differs_in } = self;
        Assessment { judgement, outputs, support_of_all, coverage, window, vouched, differs_in }
    }
}
