//! By which numbers a passage that a retriever found is vouched for.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::architecture::require;

/// How what the verifier and what recall know of a passage become the probability that it answers a question: a logistic
/// regression, which `cargo run --release -p vetted-study --example vouch` makes of searches whose right answers are known. It
/// is data here: the rule that reads it stands in the crate `vetted-verifier`, in `decide`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vouching {
    /// What it was fitted by and on, and when: for people.
    pub fitted: String,
    /// The fingerprint of the encoder whose cosines it knows. Other cosines mean something else, and are not regarded.
    pub encoder: String,
    /// A passage is accepted from this probability on.
    pub accept: f32,
    /// What matches with a smaller probability is not vouched for, whatever else is known: near-misses are about the question,
    /// too.
    pub match_at_least: f32,
    /// The cosine that the best of the others usually has: where a passage is the only one, it is held against this.
    pub usual: f32,
    /// Being ahead by more counts as being ahead by this: what is far ahead is about the question, whether or not it answers it.
    pub ahead_at_most: f32,
    /// Without anything else, in logits.
    pub offset: f32,
    /// The weight of the logarithm of the odds of the match, by the window that decided; 0 or more.
    #[serde(rename = "match")]
    pub matching: f32,
    /// The weight of how far the passage's cosine is ahead of the best other one's; 0 or more.
    pub ahead: f32,
}

impl Vouching {
    /// The probability of a passage whose match has these odds (their logarithm), and whose cosine is so far ahead.
    pub fn probability(&self, log_odds: f32, ahead: f32) -> f32 {
        // What is no number stays none.
        let ahead = if ahead > self.ahead_at_most { self.ahead_at_most } else { ahead };
        let logit = self.offset + self.matching * log_odds + self.ahead * ahead;
        1.0 / (1.0 + (-logit).exp())
    }

    /// Checks every value's range.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Vouching { accept, match_at_least, usual, ahead_at_most, offset, matching, ahead, .. } = *self;
        for (field, value) in [
            ("vouching.accept", accept),
            ("vouching.match_at_least", match_at_least),
            ("vouching.usual", usual),
            ("vouching.ahead_at_most", ahead_at_most),
        ] {
            require((0.0..=1.0).contains(&value), field, &value, "between 0 and 1")?;
        }
        require(offset.is_finite(), "vouching.offset", &offset, "finite")?;
        // What speaks for a passage must not make it less likely.
        for (field, weight) in [("vouching.match", matching), ("vouching.ahead", ahead)] {
            require(weight >= 0.0 && weight.is_finite(), field, &weight, "0 or more")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vouching() -> Vouching {
        Vouching {
            fitted: String::new(),
            encoder: String::new(),
            accept: 0.75,
            match_at_least: 0.5,
            usual: 0.5,
            ahead_at_most: 0.25,
            offset: -2.0,
            matching: 1.0,
            ahead: 8.0,
        }
    }

    #[test]
    fn the_more_speaks_for_a_passage_the_surer() {
        let of = |log_odds, ahead| vouching().probability(log_odds, ahead);
        assert_eq!(of(2.0, 0.0), 0.5);
        assert!(of(2.5, 0.0) > of(2.0, 0.0) && of(2.0, 0.1) > of(2.0, 0.0) && of(2.0, -0.1) < of(2.0, 0.0));
        assert_eq!(of(2.0, 0.9), of(2.0, 0.25), "far ahead is no more than ahead");
        assert!(of(f32::NAN, 0.2).is_nan() && of(2.0, f32::NAN).is_nan());
    }

    #[test]
    fn what_speaks_for_a_passage_cannot_make_it_less_likely() {
        assert!(vouching().check().is_ok());
        for wrong in [
            Vouching { accept: 1.1, ..vouching() },
            Vouching { match_at_least: 1.1, ..vouching() },
            Vouching { usual: f32::NAN, ..vouching() },
            Vouching { ahead_at_most: -0.1, ..vouching() },
            Vouching { offset: f32::INFINITY, ..vouching() },
            Vouching { matching: -0.1, ..vouching() },
            Vouching { ahead: f32::NAN, ..vouching() },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
