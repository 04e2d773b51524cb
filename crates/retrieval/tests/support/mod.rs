//! Small corpora that follow from a number, so that a test knows what an index should hold.
#![allow(dead_code)] // each test file uses some of it

use serde_json::{Map, Value, json};
use vetted_corpus::{Document, Passage};
use vetted_retrieval::{EncoderIdentity, Entry, Index, Manifest};

pub const DIMENSIONS: usize = 8;

const WORDS: [&str; 12] = [
    "harbor", "winter", "copper", "violin", "meadow", "engine", "lantern", "glacier", "orchard", "saffron", "compass",
    "thunder",
];

pub fn manifest() -> Manifest {
    let encoder = EncoderIdentity { name: "test".into(), fingerprint: "0123".into(), dimensions: DIMENSIONS };
    Manifest::new(encoder, Map::new())
}

pub fn id(number: usize) -> String {
    format!("document-{number:05}")
}

/// The entry of a number. Another `version` of it has the same id, and another text and other vectors.
pub fn entry(number: usize, version: usize) -> Entry {
    let word = |at: usize| WORDS[(number * 7 + version * 5 + at * at) % WORDS.len()];
    let text: Vec<_> = (0..20 + number % 30).map(word).collect();
    let document = Document {
        id: id(number),
        title: format!("{} number{number} version{version}", word(3)),
        text: text.join(" "),
        metadata: metadata(number),
    };
    let passages = (0..1 + number % 3)
        .map(|at| (Passage { bytes: at..at + 9, chars: at..at + 9 }, vector(number * 31 + version * 7 + at)));
    Entry { passages: passages.collect(), document, views: None }
}

pub fn metadata(number: usize) -> Map<String, Value> {
    match json!({"year": 2000 + number % 20, "parity": if number.is_multiple_of(2) { "even" } else { "odd" }}) {
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    }
}

/// A vector of length 1.
pub fn vector(seed: usize) -> Vec<f32> {
    let mut state = seed as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let values: Vec<f32> = (0..DIMENSIONS).map(|_| next()).collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.into_iter().map(|value| value / length).collect()
}

pub fn entries(numbers: impl IntoIterator<Item = usize>) -> Vec<Entry> {
    numbers.into_iter().map(|number| entry(number, 0)).collect()
}

pub fn check(index: &Index) {
    let check = index.check().unwrap();
    assert_eq!(check.problems, [], "{} documents", check.documents);
}
