//! Everything that decides what fine-tuning an encoder does, apart from its data.

use serde::{Deserialize, Serialize};
use vetted_encoder::folder::Pooling;
use vetted_kernels::Arithmetic;

use crate::Error;
use crate::optimizer::Rates;
use crate::recipe::{Decay, arithmetic};

/// The settings of a run of [`train_encoder`](crate::train_encoder). Two runs with the same recipe, base and triplets, on
/// the same machine, end in the same weights bit for bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderRecipe {
    /// The first layer that is trained; those below, and all embeddings, stay as they are.
    pub trained_from_layer: usize,
    /// Longest text in tokens while training, special tokens included; what is longer is cut. The model's own limit, if
    /// that is less, and always when a retrieval set is embedded.
    pub max_tokens: usize,
    /// Passes over the triplets; fractions are allowed.
    pub epochs: f64,
    /// Steps of the whole run, instead of what `epochs` makes of the triplets.
    pub steps: Option<usize>,
    /// Triplets per step. Each anchor is compared with every positive and negative of its batch.
    pub batch: usize,
    /// How token vectors become one, where that shall be otherwise than in the base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pooling: Option<TrainedPooling>,
    /// Cosines are divided by it before the softmax.
    pub temperature: f64,
    /// Highest learning rate.
    pub rate: f64,
    /// AdamW's decoupled weight decay, for matrices only.
    pub weight_decay: f64,
    /// Share of all steps over which the rate rises linearly from 0.
    pub warm_up: f64,
    /// How it falls afterwards.
    pub decay: Decay,
    /// Gradients are scaled down to this global norm where theirs is larger.
    pub clip: f64,
    /// What the layers' products are computed in.
    #[serde(with = "arithmetic")]
    pub arithmetic: Arithmetic,
    /// Decides the order of the triplets.
    pub seed: u64,
    /// Steps from one line of metrics to the next.
    pub log_every: usize,
    /// Steps from one evaluation on the retrieval set to the next.
    pub evaluate_every: usize,
    /// Steps from one checkpoint to the next.
    pub checkpoint_every: usize,
    /// Evaluations without a new best after which training stops; never when absent.
    pub patience: Option<usize>,
}

/// How token vectors become one vector while training, and in the folder that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainedPooling {
    /// Their mean.
    Mean,
    /// The first token's.
    Cls,
}

impl From<TrainedPooling> for Pooling {
    fn from(pooling: TrainedPooling) -> Pooling {
        match pooling {
            TrainedPooling::Mean => Pooling::Mean,
            TrainedPooling::Cls => Pooling::Cls,
        }
    }
}

impl Default for EncoderRecipe {
    fn default() -> Self {
        EncoderRecipe {
            trained_from_layer: 0,
            max_tokens: 128,
            epochs: 1.0,
            steps: None,
            batch: 32,
            pooling: None,
            temperature: 0.05,
            rate: 2e-5,
            weight_decay: 0.01,
            warm_up: 0.1,
            decay: Decay::Linear,
            clip: 1.0,
            arithmetic: Arithmetic::Bf16,
            seed: 0,
            log_every: 10,
            evaluate_every: 100,
            checkpoint_every: 100,
            patience: None,
        }
    }
}

impl EncoderRecipe {
    /// Checks every setting's range; `layers` are the encoder's.
    ///
    /// # Errors
    /// [`Error::Recipe`], naming the first setting that is out of its range.
    pub fn check(&self, layers: usize) -> Result<(), Error> {
        let fault = |field, got: String, expected: String| Err(Error::Recipe { field, got, expected });
        let counts = [
            ("batch", self.batch, 2),
            ("max_tokens", self.max_tokens, 4),
            ("steps", self.steps.unwrap_or(1), 1),
            ("log_every", self.log_every, 1),
            ("evaluate_every", self.evaluate_every, 1),
            ("checkpoint_every", self.checkpoint_every, 1),
            ("patience", self.patience.unwrap_or(1), 1),
        ];
        if let Some((field, got, least)) = counts.into_iter().find(|(_, got, least)| got < least) {
            return fault(field, got.to_string(), format!("at least {least}"));
        }
        if self.trained_from_layer >= layers {
            let expected = format!("below {layers}, the encoder's number of layers, so that one is left to train");
            return fault("trained_from_layer", self.trained_from_layer.to_string(), expected);
        }
        let above_zero =
            [("epochs", self.epochs), ("temperature", self.temperature), ("rate", self.rate), ("clip", self.clip)];
        if let Some((field, got)) = above_zero.into_iter().find(|(_, got)| !(got.is_finite() && *got > 0.0)) {
            return fault(field, got.to_string(), "a number above 0".into());
        }
        for (field, got) in [("warm_up", self.warm_up), ("weight_decay", self.weight_decay)] {
            if !(0.0..1.0).contains(&got) {
                return fault(field, got.to_string(), "from 0 to below 1".into());
            }
        }
        Ok(())
    }

    /// What the optimizer goes by.
    pub(super) fn rates(&self) -> Rates {
        Rates {
            encoder: self.rate,
            reader: self.rate,
            weight_decay: self.weight_decay,
            warm_up: self.warm_up,
            decay: self.decay,
            clip: self.clip,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        let change = |field: &str, value: serde_json::Value| -> EncoderRecipe {
            let mut recipe = serde_json::to_value(EncoderRecipe::default()).unwrap();
            recipe[field] = value;
            serde_json::from_value(recipe).unwrap()
        };
        assert!(EncoderRecipe::default().check(6).is_ok());
        let wrong = [
            ("batch", 1.into()),
            ("trained_from_layer", 6.into()),
            ("temperature", 0.into()),
            ("rate", serde_json::json!(-1.0)),
            ("warm_up", 1.into()),
            ("steps", 0.into()),
            ("max_tokens", 3.into()),
        ];
        for (field, value) in wrong {
            let message = change(field, value).check(6).unwrap_err().to_string();
            assert!(message.starts_with(&format!("recipe: {field} is ")), "{message}");
        }
        assert!(serde_json::from_str::<EncoderRecipe>(r#"{"learning_rate": 1}"#).is_err());
    }
}
