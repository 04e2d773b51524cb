//! What FT.SEARCH and HGETALL answer.

use std::collections::BTreeMap;

use ::redis::{FromRedisValue, Value};

/// What the distance of a document is called, as RedisVL calls it: 1 - cosine.
pub(super) const DISTANCE: &str = "vector_distance";

/// The fields of a document.
pub(super) type Found = BTreeMap<String, Vec<u8>>;

/// The answer to a search.
pub(super) struct Answer {
    /// How many there are, also of those that were not asked for.
    pub total: usize,
    /// Key and fields of each.
    pub documents: Vec<(String, Found)>,
}

/// Reads the answer to a search: a map since RESP3, before it a number and then keys and fields in turn.
pub(super) fn found_in(answer: &Value) -> Result<Answer, &'static str> {
    match answer {
        Value::Map(_) => {
            let total = member(answer, "total_results").ok_or("it has no `total_results`")?;
            let results = member(answer, "results").and_then(Value::as_sequence).ok_or("it has no `results`")?;
            let documents = results.iter().filter_map(|result| {
                let key = member(result, "id").and_then(|key| String::from_redis_value_ref(key).ok())?;
                Some((key, member(result, "extra_attributes").and_then(fields_of)?))
            });
            Ok(Answer { total: count(total)?, documents: documents.collect() })
        }
        Value::Array(items) => {
            let (total, rest) = items.split_first().ok_or("it is empty")?;
            let (pairs, _) = rest.as_chunks::<2>();
            let documents = pairs.iter().filter_map(|[key, fields]| {
                // A document that expired during the search has a key and nothing else (since Redis 8.8).
                Some((String::from_redis_value_ref(key).ok()?, fields_of(fields)?))
            });
            Ok(Answer { total: count(total)?, documents: documents.collect() })
        }
        _ => Err("it is neither a map nor an array"),
    }
}

/// Fields by name, of a map or of names and values in turn.
pub(super) fn fields_of(value: &Value) -> Option<Found> {
    let pairs = value.as_map_iter()?;
    pairs
        .map(|(name, value)| Some((String::from_redis_value_ref(name).ok()?, Vec::from_redis_value_ref(value).ok()?)))
        .collect()
}

/// How far the document is, if it says so.
pub(super) fn distance(fields: &Found) -> Option<f32> {
    let distance: f32 = std::str::from_utf8(fields.get(DISTANCE)?).ok()?.parse().ok()?;
    distance.is_finite().then_some(distance)
}

fn member<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    let mut pairs = map.as_map_iter()?;
    pairs.find_map(|(key, value)| String::from_redis_value_ref(key).is_ok_and(|key| key == name).then_some(value))
}

fn count(value: &Value) -> Result<usize, &'static str> {
    usize::from_redis_value_ref(value).map_err(|_| "the number of results is none")
}
