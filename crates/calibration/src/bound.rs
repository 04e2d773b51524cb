//! What is promised, and what it is promised from.

use serde::{Deserialize, Serialize};

use crate::Error;

/// One decision that somebody checked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What the verifier said; higher is surer. Any finite or infinite number, not only a probability.
    pub score: f64,
    /// Whether it is right to accept.
    pub right: bool,
}

/// At most this rate of errors, with this confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Bound {
    rate: f64,
    confidence: f64,
}

#[derive(Deserialize)]
struct Unchecked {
    rate: f64,
    confidence: f64,
}

impl TryFrom<Unchecked> for Bound {
    type Error = Error;

    fn try_from(Unchecked { rate, confidence }: Unchecked) -> Result<Self, Error> {
        Bound::new(rate, confidence)
    }
}

impl Bound {
    /// At most `rate` errors with probability `confidence`, both strictly between 0 and 1; usual are 0.01 and 0.95.
    ///
    /// # Errors
    /// [`Error::NotBetween`].
    pub fn new(rate: f64, confidence: f64) -> Result<Self, Error> {
        let between = |got: f64| got > 0.0 && got < 1.0;
        if !between(rate) {
            return Err(Error::NotBetween { what: "the rate of errors", got: rate, example: 0.01 });
        }
        if !between(confidence) {
            return Err(Error::NotBetween { what: "the confidence", got: confidence, example: 0.95 });
        }
        Ok(Bound { rate, confidence })
    }

    /// The rate of errors that is tolerated.
    pub fn rate(self) -> f64 {
        self.rate
    }

    /// How likely the promise holds, at least.
    pub fn confidence(self) -> f64 {
        self.confidence
    }

    /// How likely it may be broken: 1 - confidence.
    pub fn delta(self) -> f64 {
        1.0 - self.confidence
    }

    /// The same rate for one of `parts` promises that are all to hold together (Bonferroni).
    pub(crate) fn one_of(self, parts: usize) -> Bound {
        Bound { rate: self.rate, confidence: 1.0 - self.delta() / parts.max(1) as f64 }
    }

    /// The least number of accepted decisions that can show this bound: so many, if all of them are right.
    /// For 1 % at 95 % confidence these are 299.
    pub fn fewest_accepts(self) -> usize {
        // (1 - rate)^n <= delta
        (self.delta().ln() / (-self.rate).ln_1p()).ceil().max(1.0) as usize
    }
}

/// Decisions by falling score, those that cannot be compared refused.
pub(crate) fn sorted(decisions: &[Decision]) -> Result<Vec<Decision>, Error> {
    if let Some(index) = decisions.iter().position(|it| it.score.is_nan()) {
        return Err(Error::NotANumber { position: index + 1 });
    }
    let mut sorted = decisions.to_vec();
    sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_shares_and_say_what_they_take() -> Result<(), Error> {
        for (rate, confidence, accepts) in [(0.01, 0.95, 299), (0.005, 0.95, 598), (0.001, 0.95, 2995), (0.5, 0.5, 1)] {
            assert_eq!(Bound::new(rate, confidence)?.fewest_accepts(), accepts, "{rate} {confidence}");
        }
        for (rate, confidence) in [(0.0, 0.95), (1.0, 0.95), (f64::NAN, 0.95), (0.01, 0.0), (0.01, 1.0), (-0.1, 0.9)] {
            assert!(matches!(Bound::new(rate, confidence), Err(Error::NotBetween { .. })), "{rate} {confidence}");
        }
        assert!(serde_json::from_str::<Bound>(r#"{"rate": 2, "confidence": 0.95}"#).is_err());
        Ok(())
    }
}
