//! The family of scorers, and the shape of each.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::Error;

/// The names that `architecture` may have.
pub(crate) const ARCHITECTURES: [&str; 8] =
    ["map-transformer", "f4", "f3", "cross-encoder", "cosine", "f0", "f1", "f2"];

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

impl Default for MapTransformer {
    /// The shape of the verifier that comes with vetted.
    fn default() -> Self {
        MapTransformer {
            view: 48,
            traits: 8,
            lexical: true,
            width: 128,
            layers: 2,
            heads: 4,
            feed_forward: 256,
            patch: 4,
            convolutions: vec![32, 64, 128],
            missing_words: 0.0,
            view_range: view_range(),
        }
    }
}

impl Default for F4 {
    /// The paper's shape over hidden states of 384 values.
    fn default() -> Self {
        F4 {
            view: 384,
            width: 128,
            layers: 2,
            heads: 4,
            feed_forward: 256,
            patch: 8,
            grid: 64,
            view_range: view_range(),
        }
    }
}

impl Default for F3 {
    /// The paper's shape over hidden states of 384 values.
    fn default() -> Self {
        F3 { view: 384, channels: vec![32, 64, 128], view_range: view_range() }
    }
}

impl MapTransformer {
    /// How many similarity maps are read: that of the views, and that of the words where they are compared.
    pub fn maps(&self) -> usize {
        1 + usize::from(self.lexical)
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

    /// Whether it has weights to train; the others are formulas.
    pub fn is_trained(&self) -> bool {
        match self {
            Architecture::MapTransformer(_)
            | Architecture::F4(_)
            | Architecture::F3(_)
            | Architecture::CrossEncoder => true,
            Architecture::Cosine | Architecture::F0 | Architecture::F1 | Architecture::F2(_) => false,
        }
    }

    /// Checks every size over an encoder of `hidden` values a token that reads `max_tokens`.
    pub(crate) fn check(&self, hidden: usize, max_tokens: usize) -> Result<(), Error> {
        let reader = |width: usize, layers: usize, heads: usize, feed_forward: usize, patch: usize| {
            size("reader.width", width)?;
            size("reader.feed_forward", feed_forward)?;
            require((1..=64).contains(&layers), "reader.layers", &layers, "between 1 and 64")?;
            require(heads > 0 && width.is_multiple_of(heads), "reader.heads", &heads, "a divisor of reader.width")?;
            require((1..=64).contains(&patch), "reader.patch", &patch, "between 1 and 64")
        };
        let view = |view: usize, range: f32| {
            size("reader.view", view)?;
            require(view <= hidden, "reader.view", &view, "at most base.hidden")?;
            require(range > 0.0 && range <= 1.0, "reader.view_range", &range, "above 0 and at most 1")
        };
        match self {
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
                let (grid, max) = (r.grid, max_tokens);
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
        Ok(())
    }

    /// The architecture of this name in its usual shape; none where there is no such name.
    fn of_name(name: &str) -> Option<Architecture> {
        Some(match name {
            "map-transformer" => Architecture::MapTransformer(MapTransformer::default()),
            "f4" => Architecture::F4(F4::default()),
            "f3" => Architecture::F3(F3::default()),
            "f2" => Architecture::F2(F2::default()),
            "cross-encoder" => Architecture::CrossEncoder,
            "cosine" => Architecture::Cosine,
            "f0" => Architecture::F0,
            "f1" => Architecture::F1,
            _ => return None,
        })
    }

    pub(crate) fn read(name: &str, reader: Option<serde_json::Value>) -> Result<Architecture, serde_json::Error> {
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

    pub(crate) fn reader(&self) -> Option<serde_json::Value> {
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

pub(crate) fn require(
    holds: bool,
    field: &'static str,
    got: &dyn ToString,
    expected: &'static str,
) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::ConfigValue { field, got: got.to_string(), expected }) }
}

pub(crate) fn size(field: &'static str, got: usize) -> Result<(), Error> {
    require((1..=65_536).contains(&got), field, &got, "between 1 and 65536")
}

/// As a recipe has it: `{"architecture": "f3", "view": 384, ...}`.
impl Serialize for Architecture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut described = Map::from_iter([(NAME.to_owned(), Value::from(self.name()))]);
        described.extend(self.fields());
        described.serialize(serializer)
    }
}

/// As a recipe has it; what is left out is as in the usual shape.
impl<'de> Deserialize<'de> for Architecture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Architecture, D::Error> {
        let mut given = Map::<String, Value>::deserialize(deserializer)?;
        let name = given.remove(NAME).ok_or_else(|| D::Error::missing_field(NAME))?;
        let name = name.as_str().ok_or_else(|| D::Error::custom("the architecture's name is no text"))?;
        let usual = Architecture::of_name(name).ok_or_else(|| D::Error::unknown_variant(name, &ARCHITECTURES))?;
        if let (None, Some(field)) = (usual.reader(), given.keys().next()) {
            return Err(D::Error::custom(format_args!("{name} has no setting {field:?}")));
        }
        let mut fields = usual.fields();
        fields.extend(given);
        Architecture::read(name, Some(Value::Object(fields))).map_err(D::Error::custom)
    }
}

/// The field of a recipe that names the architecture; the others are its shape.
const NAME: &str = "architecture";

impl Architecture {
    /// Its shape, field by field; how views are stored only where that is not the usual way, as it is nothing to training.
    fn fields(&self) -> Map<String, Value> {
        let mut fields = match self.reader() {
            Some(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        if let Architecture::MapTransformer(shape) = self {
            // A config.json leaves out an empty list, which in a recipe would mean the usual one.
            fields.insert("convolutions".into(), Value::from(shape.convolutions.clone()));
        }
        if fields.get("view_range").and_then(Value::as_f64) == Some(f64::from(view_range())) {
            fields.remove("view_range");
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_leave_out_what_is_usual() {
        let read = |json: &str| serde_json::from_str::<Architecture>(json);
        let usual = MapTransformer::default();
        let narrow = r#"{"architecture": "map-transformer", "view": 32, "convolutions": []}"#;
        let expected =
            Architecture::MapTransformer(MapTransformer { view: 32, convolutions: Vec::new(), ..usual.clone() });
        assert_eq!(read(narrow).unwrap(), expected);
        for name in ARCHITECTURES {
            let architecture = Architecture::of_name(name).unwrap();
            assert_eq!(architecture.name(), name);
            assert_eq!(read(&format!(r#"{{"architecture": "{name}"}}"#)).unwrap(), architecture);
        }
        for architecture in [
            expected,
            Architecture::MapTransformer(MapTransformer { missing_words: 5.0, view_range: 0.6, ..usual }),
            Architecture::F3(F3 { channels: vec![4], ..F3::default() }),
            Architecture::F4(F4::default()),
            Architecture::CrossEncoder,
        ] {
            let written = serde_json::to_string(&architecture).unwrap();
            assert_eq!(read(&written).unwrap(), architecture, "{written}");
        }
        for (json, complaint) in [
            (r#"{"view": 3}"#, "missing field `architecture`"),
            (r#"{"architecture": "f9"}"#, "unknown variant `f9`, expected one of `map-transformer`"),
            (r#"{"architecture": "f3", "width": 3}"#, "unknown field `width`"),
            (r#"{"architecture": "cross-encoder", "width": 3}"#, "cross-encoder has no setting \"width\""),
        ] {
            let message = read(json).unwrap_err().to_string();
            assert!(message.contains(complaint), "{message}");
        }
    }

    #[test]
    fn a_view_is_no_wider_than_what_it_is_made_of() {
        let wide = Architecture::F3(F3 { view: 17, ..F3::default() });
        assert!(wide.check(16, 64).unwrap_err().to_string().contains("reader.view is 17"));
        assert!(wide.check(17, 64).is_ok());
    }
}
