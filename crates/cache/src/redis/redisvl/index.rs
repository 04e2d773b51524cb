//! What FT.INFO says of an index.

use std::collections::BTreeMap;

use ::redis::{FromRedisValue, Value};

/// The fields that every entry of RedisVL's cache has: the others are its filterable fields.
const OWN: [&str; 7] = ["prompt", "response", "inserted_at", "updated_at", "metadata", "entry_id", "prompt_vector"];

/// An index that RedisVL's `SemanticCache` made.
pub(super) struct Index {
    pub name: String,
    /// What its keys begin with, without the separator.
    prefix: String,
    /// The field with the vectors.
    pub vector: &'static str,
    pub dimensions: usize,
    pub number: Number,
    /// The filterable fields.
    pub fields: BTreeMap<String, Field>,
}

/// What a filterable field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Tag,
    Numeric,
    Other,
}

/// How the values of vectors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Float32,
    Float64,
}

impl Number {
    /// A vector as it is written: little-endian.
    pub(super) fn blob(self, vector: &[f32]) -> Vec<u8> {
        match self {
            Number::Float32 => vector.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Number::Float64 => vector.iter().flat_map(|value| f64::from(*value).to_le_bytes()).collect(),
        }
    }
}

impl Index {
    /// Reads the answer to FT.INFO, or says what in it cannot be used.
    pub(super) fn read(name: &str, answer: &Value) -> Result<Index, String> {
        let info = section(answer);
        let definition = info.get("index_definition").map(|definition| section(definition)).unwrap_or_default();
        let kind = definition.get("key_type").and_then(|kind| text(kind)).unwrap_or_default();
        if !kind.eq_ignore_ascii_case("hash") {
            return Err(format!("its entries are of type `{kind}`, and RedisVL's cache stores hashes"));
        }
        let prefixes: Vec<String> = definition
            .get("prefixes")
            .and_then(|prefixes| Vec::from_redis_value_ref(prefixes).ok())
            .unwrap_or_default();
        let prefix = prefixes.first().map(|prefix| prefix.trim_end_matches(':').to_owned()).unwrap_or_default();

        let mut fields = BTreeMap::new();
        let mut vector = None;
        for described in info.get("attributes").and_then(|attributes| attributes.as_sequence()).unwrap_or_default() {
            let field = section(described);
            let said = |name: &str| field.get(name).and_then(|value| text(value)).map(|text| text.to_lowercase());
            let Some(called) = field.get("attribute").or(field.get("identifier")).and_then(|value| text(value)) else {
                continue;
            };
            match said("type").as_deref() {
                Some("vector") if called == "prompt_vector" => vector = Some(read_vector(&said)?),
                _ if OWN.contains(&called.as_str()) => {}
                Some("tag") => drop(fields.insert(called, Field::Tag)),
                Some("numeric") => drop(fields.insert(called, Field::Numeric)),
                _ => drop(fields.insert(called, Field::Other)),
            }
        }
        let Some((dimensions, number)) = vector else {
            return Err("it has no vector field `prompt_vector`, so it is not of RedisVL's SemanticCache".to_owned());
        };
        Ok(Index { name: name.to_owned(), prefix, vector: "prompt_vector", dimensions, number, fields })
    }

    /// The key of the entry with this id.
    pub(super) fn key(&self, id: &str) -> String {
        if self.prefix.is_empty() { id.to_owned() } else { format!("{}:{id}", self.prefix) }
    }

    /// The id of the entry under this key.
    pub(super) fn id_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        if self.prefix.is_empty() { Some(key) } else { key.strip_prefix(&self.prefix)?.strip_prefix(':') }
    }
}

fn read_vector(said: &dyn Fn(&str) -> Option<String>) -> Result<(usize, Number), String> {
    let dimensions = said("dim").and_then(|dimensions| dimensions.parse().ok());
    let dimensions = dimensions.ok_or("it does not say how many values its vectors have; update Redis")?;
    match said("distance_metric").as_deref() {
        None | Some("cosine") => {}
        Some(other) => return Err(format!("it measures vectors by `{other}`, and RedisVL's cache by cosine")),
    }
    match said("data_type").as_deref() {
        None | Some("float32") => Ok((dimensions, Number::Float32)),
        Some("float64") => Ok((dimensions, Number::Float64)),
        Some(other) => Err(format!("its vectors are of type `{other}`; float32 and float64 can be read")),
    }
}

/// A map, or names and values in turn, by name. What stands alone among them, as SORTABLE does, is passed over with what
/// follows it out of step: the names that are asked for come before.
fn section(value: &Value) -> BTreeMap<String, &Value> {
    match value {
        Value::Map(pairs) => pairs.iter().filter_map(|(name, value)| Some((text(name)?, value))).collect(),
        Value::Array(items) => {
            let (pairs, _) = items.as_chunks::<2>();
            pairs.iter().filter_map(|[name, value]| Some((text(name)?, value))).collect()
        }
        _ => BTreeMap::new(),
    }
}

fn text(value: &Value) -> Option<String> {
    String::from_redis_value_ref(value).ok()
}
