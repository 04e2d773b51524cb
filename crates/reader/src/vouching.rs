//! By which numbers a passage that a retriever found is vouched for.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::architecture::require;

/// How all that is known of a passage becomes the probability that it supports the query: logistic regressions, which
/// `cargo run --release -p vetted-study --example vouch` makes of searches whose right answers are known. They are data here:
/// the rule that reads them stands in the crate `vetted-verifier`, in `decide`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vouching {
    /// What they were fitted by and on, and when: for people.
    pub fitted: String,
    /// The fingerprint of the encoder whose cosines they know. Other cosines mean something else.
    pub encoder: String,
    /// A passage is accepted from this probability on.
    pub accept: f32,
    /// What is usually found beside a passage: where little else is found, a score is held against this.
    pub usual: Usual,
    /// Where that encoder's vectors of query and passage were compared.
    pub with_cosine: VouchingWeights,
    /// Where they were not.
    pub without_cosine: VouchingWeights,
}

/// The mean scores of what is found beside a passage.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usual {
    /// Cosine with the query.
    pub cosine: f32,
    /// Part of the query's words.
    pub words: f32,
}

/// Weights of what is known, in logits. None may make a passage less likely for what speaks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VouchingWeights {
    /// Without anything else.
    pub offset: f32,
    /// Of the logarithm of the odds of the match, by the window that decided.
    #[serde(rename = "match")]
    pub matching: f32,
    /// Of the logarithm of the odds of the conflict; at most 0.
    pub conflict: f32,
    /// Of how much of the query that window covers.
    pub coverage: f32,
    /// Of the cosine of query and passage.
    pub cosine: f32,
    /// Of how far that cosine is ahead of the others that were found.
    pub cosine_ahead: f32,
    /// Of the part of the query's words that the document has.
    pub words: f32,
    /// Of how far that part is ahead of the others that were found.
    pub words_ahead: f32,
}

impl VouchingWeights {
    /// How many of them weigh something that is known.
    pub const KNOWN: usize = 7;

    /// Names of what is known, in order.
    pub const NAMES: [&str; VouchingWeights::KNOWN] =
        ["match", "conflict", "coverage", "cosine", "cosine_ahead", "words", "words_ahead"];

    /// From an offset and the weights of what is known, in the order of [`NAMES`](Self::NAMES).
    pub fn new(offset: f32, weights: [f32; VouchingWeights::KNOWN]) -> VouchingWeights {
        let [matching, conflict, coverage, cosine, cosine_ahead, words, words_ahead] = weights;
        VouchingWeights { offset, matching, conflict, coverage, cosine, cosine_ahead, words, words_ahead }
    }

    /// The logit of a passage of which this is known, in the order of [`NAMES`](Self::NAMES).
    pub fn logit(&self, known: &[f32; VouchingWeights::KNOWN]) -> f32 {
        let VouchingWeights { offset, matching, conflict, coverage, cosine, cosine_ahead, words, words_ahead } = *self;
        let weights = [matching, conflict, coverage, cosine, cosine_ahead, words, words_ahead];
        weights.iter().zip(known).fold(offset, |sum, (weight, known)| sum + weight * known)
    }
}

impl Vouching {
    /// Checks every value's range.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let Usual { cosine, words } = self.usual;
        for (field, value) in
            [("vouching.accept", self.accept), ("vouching.usual.cosine", cosine), ("vouching.usual.words", words)]
        {
            require((0.0..=1.0).contains(&value), field, &value, "between 0 and 1")?;
        }
        for weights in [self.with_cosine, self.without_cosine] {
            let VouchingWeights { offset, matching, conflict, coverage, cosine, cosine_ahead, words, words_ahead } =
                weights;
            require(offset.is_finite(), "vouching.*.offset", &offset, "finite")?;
            for (field, weight) in [
                ("vouching.*.match", matching),
                ("vouching.*.coverage", coverage),
                ("vouching.*.cosine", cosine),
                ("vouching.*.cosine_ahead", cosine_ahead),
                ("vouching.*.words", words),
                ("vouching.*.words_ahead", words_ahead),
            ] {
                require(weight >= 0.0 && weight.is_finite(), field, &weight, "0 or more")?;
            }
            require(conflict <= 0.0 && conflict.is_finite(), "vouching.*.conflict", &conflict, "0 or less")?;
        }
        let VouchingWeights { cosine, cosine_ahead, .. } = self.without_cosine;
        for (field, weight) in
            [("vouching.without_cosine.cosine", cosine), ("vouching.without_cosine.cosine_ahead", cosine_ahead)]
        {
            require(weight == 0.0, field, &weight, "0: there is no cosine")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_for_a_passage_cannot_make_it_less_likely() {
        let right = Vouching {
            fitted: String::new(),
            encoder: String::new(),
            accept: 0.9,
            usual: Usual { cosine: 0.4, words: 0.2 },
            with_cosine: VouchingWeights::new(-3.0, [1.0, -0.5, 1.0, 1.0, 1.0, 1.0, 1.0]),
            without_cosine: VouchingWeights::new(-3.0, [1.0, -0.5, 1.0, 0.0, 0.0, 1.0, 1.0]),
        };
        assert!(right.check().is_ok());
        let wrong = |change: &dyn Fn(&mut Vouching)| {
            let mut vouching = right.clone();
            change(&mut vouching);
            vouching.check().is_err()
        };
        assert!(wrong(&|it| it.accept = 1.1));
        assert!(wrong(&|it| it.usual.words = f32::NAN));
        assert!(wrong(&|it| it.with_cosine.offset = f32::INFINITY));
        assert!(wrong(&|it| it.with_cosine.matching = -0.1));
        assert!(wrong(&|it| it.with_cosine.conflict = 0.1));
        assert!(wrong(&|it| it.with_cosine.words_ahead = f32::NAN));
        assert!(wrong(&|it| it.without_cosine.cosine = 1.0));
    }

    #[test]
    fn each_weight_weighs_what_has_its_name() {
        for (at, name) in VouchingWeights::NAMES.into_iter().enumerate() {
            let weights: VouchingWeights = serde_json::from_value(serde_json::json!({ name: 2.0 })).unwrap();
            let mut known = [10.0; VouchingWeights::KNOWN];
            known[at] = 3.0;
            assert_eq!(weights.logit(&known), 6.0, "{name}");
            let mut values = [0.0; VouchingWeights::KNOWN];
            values[at] = 2.0;
            assert_eq!(VouchingWeights::new(0.0, values), weights, "{name}");
        }
    }
}
