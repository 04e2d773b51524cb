//! `config.json`: what a verifier is, and over which encoder.

use serde::{Deserialize, Serialize};

use crate::architecture::{ARCHITECTURES, require, size};
use crate::{Architecture, Calibrations, Error, Kind, Thresholds, Vouching};

/// The version of the format read and written here.
const FORMAT: u64 = 1;

/// A verifier's description, valid in itself; whether it fits the weights shows when these are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Document", into = "Document")]
pub struct Config {
    /// How pairs are read.
    pub architecture: Architecture,
    /// What the verifier is called.
    pub name: String,
    /// The encoder it reads the tokens of.
    pub base: Base,
    /// What was changed about that encoder.
    pub encoder: Encoder,
    /// The kinds of conflict it tells, in the order of its outputs; may be none.
    pub kinds: Vec<Kind>,
    /// Where verdicts change.
    pub thresholds: Thresholds,
    /// How logits become probabilities.
    pub calibration: Calibrations,
    /// How passages that a retriever found are vouched for; without, by the probability of the match alone
    /// ([`Thresholds::passage_support`]).
    pub vouching: Option<Vouching>,
}

/// The public encoder under a verifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Its name, `all-MiniLM-L6-v2`.
    pub name: String,
    /// SHA-256 of its `model.safetensors`, lower-case hexadecimal.
    pub sha256: String,
    /// Values per hidden state.
    pub hidden: usize,
    /// Transformer layers.
    pub layers: usize,
}

/// How the encoder is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    /// The first layer whose weights differ from the base's; [`Base::layers`] when none does.
    pub trained_from_layer: usize,
    /// Tokens read of a text at most, `[CLS]` and `[SEP]` included.
    pub max_tokens: usize,
}

impl Config {
    /// Reads the bytes of a `config.json`.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Format`], [`Error::UnknownArchitecture`], [`Error::ConfigValue`].
    pub fn parse(json: &[u8]) -> Result<Config, Error> {
        #[derive(Deserialize)]
        struct Version {
            format: u64,
            architecture: String,
        }
        let version: Version = serde_json::from_slice(json).map_err(|source| Error::Config { source })?;
        if version.format != FORMAT {
            return Err(Error::Format { got: version.format, expected: FORMAT });
        }
        if !ARCHITECTURES.contains(&version.architecture.as_str()) {
            return Err(Error::UnknownArchitecture { got: version.architecture });
        }
        let document: Document = serde_json::from_slice(json).map_err(|source| Error::Config { source })?;
        Config::try_from(document)
    }

    /// A scorer without parameters over any encoder whose hidden states have `hidden` values.
    pub fn parameter_free(architecture: Architecture, hidden: usize, max_tokens: usize) -> Config {
        Config {
            name: architecture.name().into(),
            architecture,
            base: Base { name: String::new(), sha256: String::new(), hidden, layers: 0 },
            encoder: Encoder { trained_from_layer: 0, max_tokens },
            kinds: Vec::new(),
            thresholds: Thresholds::default(),
            calibration: Calibrations::default(),
            vouching: None,
        }
    }

    /// Whether `sha256`, in hexadecimal, is the hash of the base encoder that this verifier was trained over.
    ///
    /// # Errors
    /// [`Error::OtherBase`] when it is not.
    pub fn check_base(&self, sha256: &str) -> Result<(), Error> {
        if self.base.sha256.eq_ignore_ascii_case(sha256) {
            return Ok(());
        }
        let Base { name, sha256: expected, .. } = self.base.clone();
        Err(Error::OtherBase { name, expected, got: sha256.into() })
    }

    /// Checks every value's range: what is written is what can be read again.
    ///
    /// # Errors
    /// [`Error::ConfigValue`], naming the first value that is out of its range.
    pub fn check(&self) -> Result<(), Error> {
        size("base.hidden", self.base.hidden)?;
        size("encoder.max_tokens", self.encoder.max_tokens)?;
        let from = self.encoder.trained_from_layer;
        require(from <= self.base.layers, "encoder.trained_from_layer", &from, "at most base.layers")?;
        for (i, kind) in self.kinds.iter().enumerate() {
            require(!self.kinds[..i].contains(kind), "kinds", kind, "named once")?;
        }
        self.architecture.check(self.base.hidden, self.encoder.max_tokens)?;
        let t = &self.thresholds;
        for (field, value) in [
            ("thresholds.support", t.support),
            ("thresholds.equivalence", t.equivalence),
            ("thresholds.conflict", t.conflict),
            ("thresholds.low", t.low),
            ("thresholds.passage_support", t.passage_support),
        ] {
            require((0.0..=1.0).contains(&value), field, &value, "between 0 and 1")?;
        }
        for (field, value) in
            [("thresholds.passage_conflict", t.passage_conflict), ("thresholds.rival_margin", t.rival_margin)]
        {
            require(value > 0.0 && value.is_finite(), field, &value, "above 0")?;
        }
        require(
            t.low <= t.support.min(t.equivalence),
            "thresholds.low",
            &t.low,
            "at most thresholds.support and .equivalence",
        )?;
        let c = &self.calibration;
        for calibration in [c.support, c.equivalence, c.conflict] {
            let (scale, offset) = (calibration.scale, calibration.offset);
            require(scale > 0.0 && scale.is_finite(), "calibration.*.scale", &scale, "above 0 and finite")?;
            require(offset.is_finite(), "calibration.*.offset", &offset, "finite")?;
        }
        self.vouching.as_ref().map_or(Ok(()), Vouching::check)
    }
}

/// The file as it is written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u64,
    architecture: String,
    name: String,
    base: Base,
    encoder: Encoder,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reader: Option<serde_json::Value>,
    #[serde(default)]
    kinds: Vec<Kind>,
    #[serde(default)]
    thresholds: Thresholds,
    #[serde(default)]
    calibration: Calibrations,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vouching: Option<Vouching>,
}

impl From<Config> for Document {
    fn from(config: Config) -> Document {
        let reader = config.architecture.reader();
        let Config { architecture, name, base, encoder, kinds, thresholds, calibration, vouching } = config;
        let architecture = architecture.name().into();
        Document { format: FORMAT, architecture, name, base, encoder, reader, kinds, thresholds, calibration, vouching }
    }
}

impl TryFrom<Document> for Config {
    type Error = Error;

    fn try_from(document: Document) -> Result<Config, Error> {
        let Document { format: _, architecture, name, base, encoder, reader, kinds, thresholds, calibration, vouching } =
            document;
        let architecture = Architecture::read(&architecture, reader).map_err(|source| Error::Config { source })?;
        let config = Config { architecture, name, base, encoder, kinds, thresholds, calibration, vouching };
        config.check()?;
        Ok(config)
    }
}
