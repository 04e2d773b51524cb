//! Everything that decides what a training run does, apart from its data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vetted_kernels::Arithmetic;
use vetted_pairs::Kind;
use vetted_reader::{Architecture, Calibrations, Config, Encoder, MapTransformer, Thresholds};

use crate::Error;
use crate::optimizer::Rates;

/// A training run's settings. Two runs with the same recipe, base encoder and pairs, on the same machine, end in the
/// same weights bit for bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// The verifier's name, written into its `config.json`.
    pub name: String,
    /// What is trained on top of the encoder.
    pub architecture: Architecture,
    /// The first encoder layer that is trained; those below, and the embeddings, stay as they are. The number of layers
    /// freezes all of them.
    pub trained_from_layer: usize,
    /// Longest text in tokens, special tokens included; what is longer is cut. At most 64 for readers of maps.
    /// A cross-encoder's joint input has at most twice as many, less one.
    pub max_tokens: usize,
    /// The kinds of difference that are told, one output each after support, equivalence and conflict, in this order; all by
    /// default. A pair of another kind teaches nothing about kinds.
    pub kinds: Vec<Kind>,
    /// Passes over the training pairs; fractions are allowed.
    pub epochs: f64,
    /// Pairs visited in the whole run, instead of what `epochs` makes of the training pairs.
    pub visits: Option<usize>,
    /// Each source's part of all visits, relative to the others: a small source comes round more often. `*` stands for every
    /// source not named, each; without it these are not trained on. When empty, every pair counts the same.
    pub shares: BTreeMap<String, f64>,
    /// Pairs per step.
    pub batch: usize,
    /// Highest learning rate of the reader or head.
    pub reader_rate: f64,
    /// Highest learning rate of the encoder.
    pub encoder_rate: f64,
    /// AdamW's decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101), for matrices only: none for biases,
    /// norms and single vectors.
    pub weight_decay: f64,
    /// Share of all steps over which the rates rise linearly from 0.
    pub warm_up: f64,
    /// How the rates fall afterwards.
    pub decay: Decay,
    /// Gradients are scaled down to this global norm where theirs is larger.
    pub clip: f64,
    /// Share of the reader's block outputs that are dropped in training.
    pub dropout: f64,
    /// Share of visits at which a query stands beside itself, which supports it: no data set holds such pairs.
    pub identical: f64,
    /// Share of texts read without their full stop, which decides nothing.
    pub unstopped: f64,
    /// Whether the outputs for support and conflict begin as that for equivalence and as its opposite, where training begins
    /// from an earlier verifier that has learnt equivalence alone: the first, huge losses of heads that know nothing would
    /// wash out what was learnt.
    pub spread_head: bool,
    /// What each output's loss counts.
    pub weights: Weights,
    /// An in-batch contrastive loss beside the binary ones; none when absent.
    pub contrast: Option<Contrast>,
    /// What the encoder's and the blocks' products are computed in.
    #[serde(with = "arithmetic")]
    pub arithmetic: Arithmetic,
    /// Decides initial weights, order, swaps and dropout.
    pub seed: u64,
    /// Steps from one line of metrics to the next.
    pub log_every: usize,
    /// Steps from one evaluation on the held-out pairs to the next.
    pub evaluate_every: usize,
    /// Steps from one checkpoint to the next.
    pub checkpoint_every: usize,
    /// Evaluations without a new best after which training stops; never when absent.
    pub patience: Option<usize>,
    /// How the exported weights are stored.
    pub storage: Storage,
}

/// How learning rates fall after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// To 0 in a straight line.
    Linear,
    /// To 0 along half a cosine wave.
    Cosine,
    /// Not at all: a stage that another one follows.
    Constant,
}

/// What the losses count. Each is a sum over the labelled pairs, divided by the weight of all pairs of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// Binary cross-entropy of support.
    pub support: f64,
    /// Binary cross-entropy of equivalence.
    pub equivalence: f64,
    /// Binary cross-entropy of conflict.
    pub conflict: f64,
    /// Cross-entropy over the kinds.
    pub kind: f64,
}

/// In-batch negatives (MNRL, Henderson et al. 2017, arXiv 1705.00652, section 4): a query's own candidate against those
/// of other pairs, and against candidates that the training pairs deny for the same query.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contrast {
    /// What the loss counts.
    pub weight: f64,
    /// Logits are divided by it.
    pub temperature: f64,
    /// Negatives per query. Each costs a reading of its own, so they are a sample of the batch.
    pub negatives: usize,
}

/// How a matrix is stored in `model.safetensors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// 4 bytes a value.
    F32,
    /// 2 bytes a value.
    F16,
    /// The encoder's matrices one byte a value and a scale per row, the reader's as F16, vectors as F32.
    I8,
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            name: "verifier".into(),
            architecture: Architecture::MapTransformer(MapTransformer::default()),
            trained_from_layer: 0,
            max_tokens: 64,
            kinds: Kind::ALL.to_vec(),
            epochs: 3.0,
            visits: None,
            shares: BTreeMap::new(),
            batch: 64,
            reader_rate: 5e-4,
            encoder_rate: 1e-4,
            weight_decay: 0.01,
            warm_up: 0.1,
            decay: Decay::Linear,
            clip: 1.0,
            dropout: 0.1,
            identical: 0.02,
            unstopped: 0.1,
            spread_head: false,
            weights: Weights::default(),
            contrast: None,
            arithmetic: Arithmetic::Bf16,
            seed: 0,
            log_every: 20,
            evaluate_every: 500,
            checkpoint_every: 500,
            patience: None,
            storage: Storage::F16,
        }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self { support: 1.0, equivalence: 1.0, conflict: 0.5, kind: 0.2 }
    }
}

impl Default for Contrast {
    fn default() -> Self {
        Self { weight: 0.2, temperature: 1.0, negatives: 2 }
    }
}

/// Stands in [`Recipe::shares`] for every source that is not named.
const OTHERS: &str = "*";

/// The largest batch.
const MOST_TOGETHER: usize = 65_536;

/// Tokens that a map reader's positions reach to.
pub(crate) const MAP_TOKENS: usize = 64;

impl Recipe {
    /// What the optimizer goes by.
    pub(crate) fn rates(&self) -> Rates {
        Rates {
            encoder: self.encoder_rate,
            reader: self.reader_rate,
            weight_decay: self.weight_decay,
            warm_up: self.warm_up,
            decay: self.decay,
            clip: self.clip,
        }
    }

    /// What the verifier will say about itself: its `config.json`, with thresholds that are neutral until somebody sets them.
    pub(crate) fn config(&self, base: vetted_reader::Base, calibration: Calibrations) -> Config {
        Config {
            architecture: self.architecture.clone(),
            name: self.name.clone(),
            base,
            encoder: Encoder { trained_from_layer: self.trained_from_layer, max_tokens: self.max_tokens },
            kinds: self.kinds.clone(),
            thresholds: Thresholds::default(),
            calibration,
            // Fitted to these weights, once there are any.
            vouching: None,
        }
    }

    /// Checks every setting's range; `layers` and `hidden` are the base encoder's. What passes becomes a verifier that can be
    /// opened: its description is checked as whoever opens it does.
    ///
    /// # Errors
    /// [`Error::Recipe`], naming the first setting that is out of its range.
    pub fn check(&self, layers: usize, hidden: usize) -> Result<(), Error> {
        let fault = |field, got: String, expected: &str| Err(Error::Recipe { field, got, expected: expected.into() });
        let positive = [
            ("batch", self.batch),
            ("log_every", self.log_every),
            ("evaluate_every", self.evaluate_every),
            ("checkpoint_every", self.checkpoint_every),
            ("patience", self.patience.unwrap_or(1)),
            ("visits", self.visits.unwrap_or(1)),
        ];
        if let Some((field, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return fault(field, "0".into(), "at least 1");
        }
        let negatives = self.contrast.map_or(0, |contrast| contrast.negatives);
        for (field, value) in [("batch", self.batch), ("contrast.negatives", negatives)] {
            if value > MOST_TOGETHER {
                return fault(field, value.to_string(), &format!("at most {MOST_TOGETHER}"));
            }
        }
        let not_negative = [
            ("reader_rate", self.reader_rate),
            ("encoder_rate", self.encoder_rate),
            ("weight_decay", self.weight_decay),
            ("weights.support", self.weights.support),
            ("weights.equivalence", self.weights.equivalence),
            ("weights.conflict", self.weights.conflict),
            ("weights.kind", self.weights.kind),
            ("contrast.weight", self.contrast.map_or(0.0, |c| c.weight)),
        ];
        if let Some((field, value)) = not_negative.into_iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0))
        {
            return fault(field, value.to_string(), "a number, 0 or more");
        }
        if let Some(share) = self.shares.values().find(|share| !(share.is_finite() && **share >= 0.0)) {
            return fault("shares", share.to_string(), "a number, 0 or more");
        }
        let above_zero = [
            ("epochs", self.epochs),
            ("clip", self.clip),
            ("contrast.temperature", self.contrast.map_or(1.0, |c| c.temperature)),
        ];
        if let Some((field, value)) = above_zero.into_iter().find(|(_, value)| !(value.is_finite() && *value > 0.0)) {
            return fault(field, value.to_string(), "a number above 0");
        }
        let parts = [
            ("warm_up", self.warm_up),
            ("dropout", self.dropout),
            ("identical", self.identical),
            ("unstopped", self.unstopped),
        ];
        for (field, value) in parts {
            if !(0.0..1.0).contains(&value) {
                return fault(field, value.to_string(), "from 0 to below 1");
            }
        }
        if self.max_tokens < 3 || self.max_tokens > MAP_TOKENS {
            return fault("max_tokens", self.max_tokens.to_string(), &format!("from 3 to {MAP_TOKENS}"));
        }
        if !self.architecture.is_trained() {
            let expected = "map-transformer, f4, f3 or cross-encoder: the others are formulas without weights";
            return fault("architecture", self.architecture.name().into(), expected);
        }
        let base = vetted_reader::Base { name: String::new(), sha256: String::new(), hidden, layers };
        self.config(base, Calibrations::default()).check().map_err(|error| match error {
            vetted_reader::Error::ConfigValue { field, got, expected } => {
                let part = field.strip_prefix("reader.").or_else(|| field.strip_prefix("encoder."));
                Error::Recipe { field: part.unwrap_or(field), got, expected: expected.into() }
            }
            other => Error::Reader(other),
        })
    }

    /// A source's part of all visits, relative to the others.
    pub(crate) fn share(&self, source: &str) -> f64 {
        self.shares.get(source).or_else(|| self.shares.get(OTHERS)).copied().unwrap_or(0.0)
    }
}

/// [`Arithmetic`] is another crate's.
pub(crate) mod arithmetic {
    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Name {
        F32,
        Bf16,
    }

    pub(crate) fn serialize<S: serde::Serializer>(value: &Arithmetic, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Arithmetic::F32 => Name::F32,
            Arithmetic::Bf16 => Name::Bf16,
        }
        .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Arithmetic, D::Error> {
        Ok(match Name::deserialize(deserializer)? {
            Name::F32 => Arithmetic::F32,
            Name::Bf16 => Arithmetic::Bf16,
        })
    }
}
