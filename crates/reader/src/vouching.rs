//! By which numbers a passage that a retriever found is vouched for.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::architecture::require;

/// How all that is known of a passage becomes the probability that it supports the query: logistic regressions, which
/// `cargo run --release -p vetted-study --example vouch -- fit` makes of searches whose right answers are known. They are data
/// here: the rule that reads them stands in the crate `vetted-verifier`, in `decide`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vouching {
    /// What they were fitted by and on, and when: for people.
    pub fitted: String,
    /// The fingerprint of the encoder whose cosines they know. Other cosines mean something else.
    pub encoder: String,
    /// A passage is accepted from this probability on.
    pub accept: f32,
    /// Where that encoder's vectors of query and passage were compared.
    pub with_cosine: VouchingWeights,
    /// Where they were not.
    pub without_cosine: VouchingWeights,
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

impl Vouching {
    /// Checks every value's range.
    pub(crate) fn check(&self) -> Result<(), Error> {
        require((0.0..=1.0).contains(&self.accept), "vouching.accept", &self.accept, "between 0 and 1")?;
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
