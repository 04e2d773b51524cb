//! By which numbers a passage that a retriever found is vouched for.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::architecture::require;

/// How all that is known of a passage becomes the probability that it answers a question: a logistic regression for each kind of
/// score, which `cargo run --release -p vetted-study --example vouch` makes of searches whose right answers are known. They are
/// data here: the rule that reads them stands in the crate `vetted-verifier`, in `decide`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vouching {
    /// What they were fitted by and on, and when: for people.
    pub fitted: String,
    /// The fingerprint of the encoder whose cosines `by_cosine` knows. Other cosines mean something else.
    pub encoder: String,
    /// Where that encoder's vectors of query and passage were compared. The score is the cosine.
    pub by_cosine: VouchingWeights,
    /// Where they were not. The score is the part of the query's words that the document has, the rare ones counting for more.
    pub by_words: VouchingWeights,
}

/// Weights of what is known, in logits, and what follows. None may make a passage less likely for what speaks for it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VouchingWeights {
    /// A passage is accepted from this probability on.
    pub accept: f32,
    /// The score that passages found beside others usually have: where little else is found, a score is held against this.
    pub usual: f32,
    /// Being ahead by more than this counts as being ahead by this: what is far ahead is about the query, whether or not it
    /// answers it.
    pub ahead_at_most: f32,
    /// Without anything else.
    pub offset: f32,
    /// Of the logarithm of the odds of the match, by the window that decided.
    #[serde(rename = "match", default)]
    pub matching: f32,
    /// Of the logarithm of the odds of the conflict; at most 0.
    #[serde(default)]
    pub conflict: f32,
    /// Of how much of the query that window covers.
    #[serde(default)]
    pub coverage: f32,
    /// Of the score.
    #[serde(default)]
    pub score: f32,
    /// Of how far the score is ahead of the others that were found.
    #[serde(default)]
    pub ahead: f32,
}

impl VouchingWeights {
    /// How many of them weigh something that is known.
    pub const KNOWN: usize = 5;

    /// Names of what is known, in order.
    pub const NAMES: [&str; VouchingWeights::KNOWN] = ["match", "conflict", "coverage", "score", "ahead"];

    /// The probability of a passage of which this is known, in the order of [`NAMES`](Self::NAMES).
    pub fn probability(&self, known: &[f32; VouchingWeights::KNOWN]) -> f32 {
        let VouchingWeights { offset, matching, conflict, coverage, score, ahead, .. } = *self;
        let weights = [matching, conflict, coverage, score, ahead];
        let known = self.cut(known);
        let logit = weights.iter().zip(known).fold(offset, |sum, (weight, known)| sum + weight * known);
        1.0 / (1.0 + (-logit).exp())
    }

    /// What is known as far as it counts.
    pub fn cut(&self, known: &[f32; VouchingWeights::KNOWN]) -> [f32; VouchingWeights::KNOWN] {
        let [matching, conflict, coverage, score, ahead] = *known;
        [matching, conflict, coverage, score, if ahead > self.ahead_at_most { self.ahead_at_most } else { ahead }]
    }
}

impl Vouching {
    /// Checks every value's range.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for weights in [self.by_cosine, self.by_words] {
            let VouchingWeights { accept, usual, ahead_at_most, offset, matching, conflict, coverage, score, ahead } =
                weights;
            for (field, value) in [
                ("vouching.*.accept", accept),
                ("vouching.*.usual", usual),
                ("vouching.*.ahead_at_most", ahead_at_most),
            ] {
                require((0.0..=1.0).contains(&value), field, &value, "between 0 and 1")?;
            }
            require(offset.is_finite(), "vouching.*.offset", &offset, "finite")?;
            for (field, weight) in [
                ("vouching.*.match", matching),
                ("vouching.*.coverage", coverage),
                ("vouching.*.score", score),
                ("vouching.*.ahead", ahead),
            ] {
                require(weight >= 0.0 && weight.is_finite(), field, &weight, "0 or more")?;
            }
            require(conflict <= 0.0 && conflict.is_finite(), "vouching.*.conflict", &conflict, "0 or less")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: VouchingWeights = VouchingWeights {
        accept: 0.75,
        usual: 0.25,
        ahead_at_most: 0.5,
        offset: -3.0,
        matching: 1.0,
        conflict: -0.5,
        coverage: 1.0,
        score: 1.0,
        ahead: 1.0,
    };

    #[test]
    fn what_speaks_for_a_passage_cannot_make_it_less_likely() {
        let fits = |by_words: VouchingWeights| {
            let (fitted, encoder) = (String::new(), String::new());
            Vouching { fitted, encoder, by_cosine: RIGHT, by_words }.check().is_ok()
        };
        assert!(fits(RIGHT));
        for wrong in [
            VouchingWeights { accept: 1.1, ..RIGHT },
            VouchingWeights { usual: f32::NAN, ..RIGHT },
            VouchingWeights { ahead_at_most: -0.1, ..RIGHT },
            VouchingWeights { offset: f32::INFINITY, ..RIGHT },
            VouchingWeights { matching: -0.1, ..RIGHT },
            VouchingWeights { conflict: 0.1, ..RIGHT },
            VouchingWeights { coverage: -0.1, ..RIGHT },
            VouchingWeights { score: f32::INFINITY, ..RIGHT },
            VouchingWeights { ahead: f32::NAN, ..RIGHT },
        ] {
            assert!(!fits(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn each_weight_weighs_what_has_its_name() {
        for (at, name) in VouchingWeights::NAMES.into_iter().enumerate() {
            let weights =
                serde_json::json!({ "accept": 0.5, "usual": 0.5, "ahead_at_most": 1.0, "offset": -1.0, name: 2.0 });
            let weights: VouchingWeights = serde_json::from_value(weights).unwrap();
            let mut known = [10.0; VouchingWeights::KNOWN];
            known[at] = 0.5;
            assert_eq!(weights.probability(&known), 0.5, "{name}");
            known[at] = 1.0;
            let ahead = weights.probability(&known);
            known[at] = 1.5;
            let further = weights.probability(&known);
            assert_eq!(further > ahead, name != "ahead", "{name}");
        }
    }
}
