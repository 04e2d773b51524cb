//! `config.json`: what a verifier is, and over which encoder.

use serde::{Deserialize, Serialize};

use crate::{Calibrations, Error, Kind, Thresholds};

/// The version of the format read and written here.
const FORMAT: u64 = 1;

/// The names that `architecture` may have.
pub(crate) const ARCHITECTURES: [&str; 8] =
    ["map-transformer", "f4", "f3", "cross-encoder", "cosine", "f0", "f1", "f2"];

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

/// The family of scorers.
#[derive(Clone, Debug, PartialEq)]
pub enum Architecture {
    /// Patches of the true similarity maps, read by a Transformer: vetted's own.
    MapTransformer(MapTransformer),
    /// The paper's map Transformer: patches of a padded map, its row maxima and its column maxima (arXiv 2604.16351, F4).
    F4(F4),
    /// The paper's convolutional reader (F3).
    F3(F3),
    /// Both texts through the encoder together, read at `[CLS]`.
    CrossEncoder,
    /// Cosine of the mean-pooled tokens.
    Cosine,
    /// Mean of the map (F0).
    F0,
    /// Mean over the query's tokens of the largest similarity: ColBERT's MaxSim, kept in [-1, 1] (F1).
    F1,
    /// Soft monotone alignment (F2).
    F2(F2),
}

/// Shape of [`Architecture::MapTransformer`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapTransformer {
    /// Values per token of the view whose inner products are the map.
    pub view: usize,
    /// Learned scalars per token; may be 0.
    pub traits: usize,
    /// Whether a second map compares the base's word embeddings.
    pub lexical: bool,
    /// Values per token of the reader.
    pub width: usize,
    /// The reader's layers.
    pub layers: usize,
    /// Attention heads; a divisor of `width`.
    pub heads: usize,
    /// Values inside the feed-forward network.
    pub feed_forward: usize,
    /// Side of a patch.
    pub patch: usize,
    /// Outputs of each convolution, as in [`F3`] but of three channels for each map. The mean over the last one's grid is
    /// added to what the Transformer makes of the pair, in front of the head: the last has `width` outputs. None where empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub convolutions: Vec<usize>,
    /// Logits of support that a candidate loses which has none of the query's words: they are multiplied by 1 - MaxSim over
    /// word embeddings. Needs `lexical`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missing_words: f32,
    /// Half the range in which a component of a unit view is stored as a byte; see [`Storage::Int8`](crate::Storage).
    #[serde(default = "view_range")]
    pub view_range: f32,
}

/// Shape of [`Architecture::F4`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct F4 {
    /// Values per token of the view; the paper's is as wide as the hidden states.
    pub view: usize,
    /// Values per token of the reader.
    pub width: usize,
    /// The reader's layers.
    pub layers: usize,
    /// Attention heads; a divisor of `width`.
    pub heads: usize,
    /// Values inside the feed-forward network.
    pub feed_forward: usize,
    /// Side of a patch.
    pub patch: usize,
    /// Side of the padded map, a multiple of `patch`.
    pub grid: usize,
    /// As in [`MapTransformer`].
    #[serde(default = "view_range")]
    pub view_range: f32,
}

/// Shape of [`Architecture::F3`]: on the true grid, three channels (the map, its row maxima, its column maxima); stage by
/// stage a 3 x 3 convolution (`reader.convolutions.K.weight`, outputs x inputs x 3 x 3, and `.bias`; zeros around the grid),
/// LayerNorm over the channels of each place (`reader.convolutions.K.norm.weight` and `.bias`; the same for any batch, unlike
/// the paper's batch norm), GELU, and the largest of every 2 x 2 places, of what there is of them at an odd edge; the mean
/// over the grid; `reader.head.hidden`, as wide as the last stage, GELU, `reader.head.output`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct F3 {
    /// As in [`MapTransformer`].
    pub view: usize,
    /// Outputs of each convolution; the paper's are 32, 64, 128.
    pub channels: Vec<usize>,
    /// As in [`MapTransformer`].
    #[serde(default = "view_range")]
    pub view_range: f32,
}

/// Settings of [`Architecture::F2`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct F2 {
    /// What the score loses for alignments that run backwards, per unit of the candidate's length. 0 in the paper's
    /// plain form.
    #[serde(default)]
    pub backwards_penalty: f32,
}

/// Components of unit vectors of 48 dimensions taken from MiniLM's tokens: 99.9 % lie within 0.46 (random or rotated
/// directions) or 0.69 (principal ones). A range of 0.7 puts products off by 0.0022 (root mean square), one of 1 by 0.0032.
fn view_range() -> f32 {
    0.7
}

fn is_zero(x: &f32) -> bool {
    *x == 0.0
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

    pub(crate) fn check(&self) -> Result<(), Error> {
        let require = |holds: bool, field: &'static str, got: &dyn ToString, expected: &'static str| {
            if holds { Ok(()) } else { Err(Error::ConfigValue { field, got: got.to_string(), expected }) }
        };
        let size = |field, got: usize| require((1..=65_536).contains(&got), field, &got, "between 1 and 65536");
        size("base.hidden", self.base.hidden)?;
        size("encoder.max_tokens", self.encoder.max_tokens)?;
        let from = self.encoder.trained_from_layer;
        require(from <= self.base.layers, "encoder.trained_from_layer", &from, "at most base.layers")?;
        for (i, kind) in self.kinds.iter().enumerate() {
            require(!self.kinds[..i].contains(kind), "kinds", kind, "named once")?;
        }
        let reader = |width: usize, layers: usize, heads: usize, feed_forward: usize, patch: usize| {
            size("reader.width", width)?;
            size("reader.feed_forward", feed_forward)?;
            require((1..=64).contains(&layers), "reader.layers", &layers, "between 1 and 64")?;
            require(heads > 0 && width.is_multiple_of(heads), "reader.heads", &heads, "a divisor of reader.width")?;
            require((1..=64).contains(&patch), "reader.patch", &patch, "between 1 and 64")
        };
        let view = |view: usize, range: f32| {
            size("reader.view", view)?;
            require(range > 0.0 && range <= 1.0, "reader.view_range", &range, "above 0 and at most 1")
        };
        match &self.architecture {
            Architecture::MapTransformer(r) => {
                view(r.view, r.view_range)?;
                require(r.traits <= 1024, "reader.traits", &r.traits, "at most 1024")?;
                let missing = r.missing_words;
                require(missing >= 0.0 && missing.is_finite(), "reader.missing_words", &missing, "0 or more")?;
                require(missing == 0.0 || r.lexical, "reader.missing_words", &missing, "0 without reader.lexical")?;
                reader(r.width, r.layers, r.heads, r.feed_forward, r.patch)?;
                r.convolutions.iter().try_for_each(|c| size("reader.convolutions", *c))?;
                let joins = r.convolutions.last().is_none_or(|last| *last == r.width);
                require(
                    joins,
                    "reader.convolutions",
                    &format!("{:?}", r.convolutions),
                    "the last as wide as the reader",
                )?;
            }
            Architecture::F4(r) => {
                view(r.view, r.view_range)?;
                reader(r.width, r.layers, r.heads, r.feed_forward, r.patch)?;
                let (grid, max) = (r.grid, self.encoder.max_tokens);
                require(
                    grid <= 1024 && grid.is_multiple_of(r.patch),
                    "reader.grid",
                    &grid,
                    "a multiple of reader.patch up to 1024",
                )?;
                require(max <= grid, "encoder.max_tokens", &max, "at most reader.grid")?;
            }
            Architecture::F3(r) => {
                view(r.view, r.view_range)?;
                require(!r.channels.is_empty(), "reader.channels", &"[]", "one or more")?;
                r.channels.iter().try_for_each(|c| size("reader.channels", *c))?;
            }
            Architecture::F2(r) => {
                let penalty = r.backwards_penalty;
                require(penalty >= 0.0 && penalty.is_finite(), "reader.backwards_penalty", &penalty, "0 or more")?;
            }
            Architecture::CrossEncoder | Architecture::Cosine | Architecture::F0 | Architecture::F1 => {}
        }
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
        Ok(())
    }
}

impl Architecture {
    /// Its name in `config.json`.
    pub fn name(&self) -> &'static str {
        match self {
            Architecture::MapTransformer(_) => "map-transformer",
            Architecture::F4(_) => "f4",
            Architecture::F3(_) => "f3",
            Architecture::CrossEncoder => "cross-encoder",
            Architecture::Cosine => "cosine",
            Architecture::F0 => "f0",
            Architecture::F1 => "f1",
            Architecture::F2(_) => "f2",
        }
    }

    fn read(name: &str, reader: Option<serde_json::Value>) -> Result<Architecture, serde_json::Error> {
        use serde::de::Error;
        use serde_json::from_value;
        let absent = serde_json::Value::Object(serde_json::Map::new());
        let reader = reader.unwrap_or(absent);
        Ok(match name {
            "map-transformer" => Architecture::MapTransformer(from_value(reader)?),
            "f4" => Architecture::F4(from_value(reader)?),
            "f3" => Architecture::F3(from_value(reader)?),
            "f2" => Architecture::F2(from_value(reader)?),
            "cross-encoder" => Architecture::CrossEncoder,
            "cosine" => Architecture::Cosine,
            "f0" => Architecture::F0,
            "f1" => Architecture::F1,
            _ => return Err(serde_json::Error::custom(format_args!("no architecture is called {name:?}"))),
        })
    }

    fn reader(&self) -> Option<serde_json::Value> {
        // Structs of numbers always serialize.
        match self {
            Architecture::MapTransformer(reader) => serde_json::to_value(reader).ok(),
            Architecture::F4(reader) => serde_json::to_value(reader).ok(),
            Architecture::F3(reader) => serde_json::to_value(reader).ok(),
            Architecture::F2(reader) => serde_json::to_value(reader).ok(),
            _ => None,
        }
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
}

impl From<Config> for Document {
    fn from(config: Config) -> Document {
        let reader = config.architecture.reader();
        let Config { architecture, name, base, encoder, kinds, thresholds, calibration } = config;
        let architecture = architecture.name().into();
        Document { format: FORMAT, architecture, name, base, encoder, reader, kinds, thresholds, calibration }
    }
}

impl TryFrom<Document> for Config {
    type Error = Error;

    fn try_from(document: Document) -> Result<Config, Error> {
        let Document { format: _, architecture, name, base, encoder, reader, kinds, thresholds, calibration } =
            document;
        let architecture = Architecture::read(&architecture, reader).map_err(|source| Error::Config { source })?;
        let config = Config { architecture, name, base, encoder, kinds, thresholds, calibration };
        config.check()?;
        Ok(config)
    }
}
