//! Made-up documents.

use serde_json::{Map, Value, json};
use vetted_corpus::{Document, Passage};
use vetted_retrieval::{EncoderIdentity, Entry, Manifest};

/// Values of a vector.
pub const DIMENSIONS: usize = 16;

pub fn manifest() -> Manifest {
    manifest_of(DIMENSIONS)
}

pub fn manifest_of(dimensions: usize) -> Manifest {
    let encoder = EncoderIdentity { name: "toy".into(), fingerprint: "sha256:0".into(), dimensions };
    Manifest::new(encoder, Map::from_iter([("views".to_owned(), json!("int8"))]))
}

/// Numbers that look like chance, and are the same in every run.
pub struct Chance(pub u64);

impl Chance {
    pub fn number(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % below
    }

    pub fn vector(&mut self) -> Vec<f32> {
        unit((0..DIMENSIONS).map(|_| self.number(2001) as f32 / 1000.0 - 1.0).collect())
    }
}

pub fn unit(mut values: Vec<f32>) -> Vec<f32> {
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter_mut().for_each(|value| *value /= length);
    values
}

/// A document of words, with passages, metadata of several kinds, and views, all of it by chance.
pub fn entry(id: &str, chance: &mut Chance) -> Entry {
    let words =
        ["tea", "water", "cup", "leaf", "kettle", "steam", "café", "Running", "ran", "not", "market's", "β-carotene"];
    let mut sentence = |most: usize| {
        let count = 1 + chance.number(most);
        (0..count)
            .map(|_| words[chance.number(words.len()) * chance.number(words.len()) / words.len()])
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (title, text) = (sentence(3), sentence(30));
    let mut metadata = Map::new();
    if chance.number(4) > 0 {
        let year = match chance.number(8) {
            0 => json!("2021"),
            1 => json!("2021-06"),
            2 => json!(2020.5),
            3 => Value::Null,
            4 => json!([2019, 2022]),
            _ => json!(2018 + chance.number(6)),
        };
        metadata.insert("year".into(), year);
    }
    if chance.number(3) > 0 {
        metadata.insert("lang".into(), json!(["en", "de", "fr"][chance.number(3)]));
        metadata.insert("from".into(), json!({"city": (["Kyoto", "Oslo"][chance.number(2)]), "zip": "02116"}));
    }
    let passages = chance.number(4);
    let part = text.len() / passages.max(1);
    let boundary = |at: usize| (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let passages = (0..passages).map(|at| {
        let (start, end) = (boundary(at * part), boundary((at + 1) * part));
        let chars = |bytes: usize| text[..bytes].chars().count();
        (Passage { bytes: start..end, chars: chars(start)..chars(end) }, chance.vector())
    });
    let passages = passages.collect();
    let views = (chance.number(3) > 0).then(|| (0..chance.number(90)).map(|at| at as u8 ^ 0x5a).collect());
    Entry { document: Document { id: id.into(), title, text, metadata }, passages, views }
}

pub fn entries(range: std::ops::Range<usize>, seed: u64) -> Vec<Entry> {
    let mut chance = Chance(seed);
    range.map(|number| entry(&format!("document {number}"), &mut chance)).collect()
}
