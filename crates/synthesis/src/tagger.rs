//! Part-of-speech tagging by a greedy averaged perceptron.

use std::collections::HashMap;
#[cfg(feature = "tagger")]
use std::sync::LazyLock;

use crate::random::Random;
use crate::tag::Tag;
use crate::token::{Token, tokenize};

/// An averaged perceptron over words, affixes and the two tags before (Collins, "Discriminative training methods for
/// hidden Markov models", EMNLP 2002; greedy decoding). The embedded model was trained by `examples/train_tagger.rs`.
#[derive(Debug, Clone)]
pub struct Tagger {
    weights: HashMap<u32, Box<[(u8, i8)]>, Prehashed>,
}

#[cfg(feature = "tagger")]
static EMBEDDED: LazyLock<Tagger> = LazyLock::new(|| Tagger::from_bytes(include_bytes!("../data/tagger.bin")));

impl Tagger {
    /// The model that comes with the crate, read once.
    #[cfg(feature = "tagger")]
    pub fn embedded() -> &'static Tagger {
        &EMBEDDED
    }

    /// Splits a sentence and tags it.
    pub fn tag_sentence(&self, sentence: &str) -> Vec<Token> {
        let mut tokens = tokenize(sentence);
        self.tag(&mut tokens);
        tokens
    }

    /// Sets the tags of tokens; marks keep theirs.
    pub fn tag(&self, tokens: &mut [Token]) {
        let words: Vec<String> = tokens.iter().map(|token| normalize(&token.text)).collect();
        for at in 0..tokens.len() {
            if let Some(tag) = certain(&tokens[at]) {
                tokens[at].tag = tag;
                continue;
            }
            let mut scores = [0i32; Tag::ALL.len()];
            for feature in features(&words, tokens, at) {
                for &(tag, weight) in self.weights.get(&feature).into_iter().flatten() {
                    scores[usize::from(tag)] += i32::from(weight);
                }
            }
            tokens[at].tag = best(&scores);
        }
    }

    /// Whether the word has been seen, and more as something else than a name.
    pub fn knows_as_common(&self, word: &str) -> bool {
        let row = self.weights.get(&hash(7, &[&normalize(word)]));
        row.and_then(|row| row.iter().max_by_key(|(_, weight)| *weight))
            .is_some_and(|(tag, _)| Tag::ALL.get(usize::from(*tag)).is_some_and(|tag| !tag.is_name()))
    }

    /// Learns from tagged sentences in `epochs` passes; weights are averaged over all steps, those of features seen
    /// once dropped, and stored in 8 bits.
    pub fn train(sentences: &[Vec<Token>], epochs: usize, seed: u64) -> Tagger {
        let mut order: Vec<&Vec<Token>> = sentences.iter().collect();
        let mut random = Random::new(seed);
        let mut learned: HashMap<u32, [Averaged; Tag::ALL.len()], Prehashed> = HashMap::default();
        let mut seen: HashMap<u32, u32, Prehashed> = HashMap::default();
        let mut step = 0u32;
        for epoch in 0..epochs {
            random.shuffle(&mut order);
            for gold in &order {
                let words: Vec<String> = gold.iter().map(|token| normalize(&token.text)).collect();
                let mut guess = (*gold).clone();
                for at in 0..gold.len() {
                    if let Some(tag) = certain(&gold[at]) {
                        guess[at].tag = tag;
                        continue;
                    }
                    step += 1;
                    let found = features(&words, &guess, at);
                    let mut scores = [0.0f32; Tag::ALL.len()];
                    for feature in &found {
                        if epoch == 0 {
                            *seen.entry(*feature).or_default() += 1;
                        }
                        if let Some(row) = learned.get(feature) {
                            scores.iter_mut().zip(row).for_each(|(score, weight)| *score += weight.now);
                        }
                    }
                    guess[at].tag = best(&scores);
                    if guess[at].tag != gold[at].tag {
                        for feature in found {
                            let row = learned.entry(feature).or_insert([Averaged::default(); Tag::ALL.len()]);
                            row[gold[at].tag as usize].add(1.0, step);
                            row[guess[at].tag as usize].add(-1.0, step);
                        }
                    }
                }
            }
        }
        let average = |weight: &Averaged| weight.total(step) / step as f32;
        let largest = learned.values().flatten().map(|weight| average(weight).abs()).fold(1e-6, f32::max).min(12.0);
        let weights = learned
            .iter()
            .filter(|(feature, _)| seen.get(*feature).is_some_and(|count| *count > 1))
            .filter_map(|(feature, row)| {
                let row: Box<[(u8, i8)]> = (0u8..)
                    .zip(row)
                    .map(|(tag, weight)| (tag, (average(weight) / largest * 127.0).round().clamp(-127.0, 127.0) as i8))
                    .filter(|(_, weight)| weight.abs() >= 2)
                    .collect();
                (!row.is_empty()).then_some((*feature, row))
            })
            .collect();
        Tagger { weights }
    }

    /// The model as stored in `data/tagger.bin`: per feature its hash (4 bytes, little endian), how many tags it
    /// speaks for (1 byte), then tag and weight of each (2 bytes); features in ascending order.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut features: Vec<_> = self.weights.iter().collect();
        features.sort_unstable_by_key(|(feature, _)| **feature);
        let mut bytes = Vec::new();
        for (feature, row) in features {
            bytes.extend(feature.to_le_bytes());
            bytes.push(row.len() as u8);
            bytes.extend(row.iter().flat_map(|(tag, weight)| [*tag, *weight as u8]));
        }
        bytes
    }

    /// Reads what [`Tagger::to_bytes`] wrote; a cut end is ignored.
    pub fn from_bytes(mut bytes: &[u8]) -> Tagger {
        let mut weights = HashMap::default();
        while let Some((head, rest)) = bytes.split_first_chunk::<5>() {
            let feature = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
            let Some((row, rest)) = rest.split_at_checked(2 * usize::from(head[4])) else { break };
            let row = row.chunks_exact(2).filter(|pair| usize::from(pair[0]) < Tag::ALL.len());
            weights.insert(feature, row.map(|pair| (pair[0], pair[1] as i8)).collect());
            bytes = rest;
        }
        Tagger { weights }
    }
}

/// A weight and what is needed to average it lazily.
#[derive(Clone, Copy, Default)]
struct Averaged {
    now: f32,
    sum: f32,
    since: u32,
}

impl Averaged {
    fn add(&mut self, change: f32, step: u32) {
        self.sum = self.total(step);
        self.since = step;
        self.now += change;
    }

    fn total(&self, step: u32) -> f32 {
        self.sum + self.now * (step - self.since) as f32
    }
}

fn best<T: PartialOrd + Copy>(scores: &[T; Tag::ALL.len()]) -> Tag {
    let mut best = Tag::Nn as usize;
    for (index, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = index;
        }
    }
    Tag::ALL[best]
}

/// Tags that the form alone decides.
fn certain(token: &Token) -> Option<Tag> {
    let text = token.text.as_str();
    if !text.chars().any(char::is_alphanumeric) {
        return Some(if token.tag == Tag::Nn || token.tag == Tag::Sym || token.tag == Tag::Cc {
            token.tag
        } else {
            Tag::Punct
        });
    }
    if text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',')) {
        return Some(Tag::Cd);
    }
    match token.lower().as_str() {
        "the" | "a" | "an" | "every" | "no" => Some(Tag::Dt),
        "and" | "or" | "but" | "nor" => Some(Tag::Cc),
        "of" | "from" | "with" | "into" | "at" | "between" | "during" | "among" => Some(Tag::In),
        "to" => Some(Tag::To),
        "n't" | "n’t" | "not" | "never" => Some(Tag::Rb),
        "is" | "has" | "does" => Some(Tag::Vbz),
        "was" | "were" | "did" => Some(Tag::Vbd),
        "am" => Some(Tag::Vbp),
        "being" | "having" => Some(Tag::Vbg),
        "been" => Some(Tag::Vbn),
        "i" | "he" | "she" | "it" | "they" | "we" | "you" | "him" | "them" | "us" | "me" => Some(Tag::Prp),
        "his" | "its" | "their" | "my" | "our" | "your" => Some(Tag::PrpS),
        _ => None,
    }
}

fn normalize(word: &str) -> String {
    if word.chars().any(|c| c.is_ascii_digit()) {
        word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c.to_ascii_lowercase() }).collect()
    } else {
        word.to_lowercase()
    }
}

const FEATURES: usize = 20;

fn features(words: &[String], tokens: &[Token], at: usize) -> [u32; FEATURES] {
    let word = words[at].as_str();
    let near = |offset: isize| {
        at.checked_add_signed(offset)
            .and_then(|index| words.get(index))
            .map_or(if offset < 0 { "<" } else { ">" }, String::as_str)
    };
    let tag = |back: usize| at.checked_sub(back).map_or("<", |index| TAG_NAMES[tokens[index].tag as usize]);
    let (one, two) = (tag(1), tag(2));
    let shape = shape(&tokens[at].text, at == 0);
    [
        hash(0, &[""]),
        hash(1, &[suffix(word, 3)]),
        hash(2, &[suffix(word, 2)]),
        hash(3, &[suffix(word, 4)]),
        hash(4, &[prefix(word)]),
        hash(5, &[one]),
        hash(6, &[one, two]),
        hash(7, &[word]),
        hash(8, &[one, word]),
        hash(9, &[near(-1)]),
        hash(10, &[suffix(near(-1), 3)]),
        hash(11, &[near(-2)]),
        hash(12, &[near(1)]),
        hash(13, &[suffix(near(1), 3)]),
        hash(14, &[near(2)]),
        hash(15, &[shape]),
        hash(16, &[shape, one]),
        hash(17, &[word, near(1)]),
        hash(18, &[one, near(1)]),
        hash(19, &[shape, suffix(word, 2)]),
    ]
}

#[rustfmt::skip]
const TAG_NAMES: [&str; 36] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n",
    "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z",
];

fn shape(text: &str, first: bool) -> &'static str {
    let mut chars = text.chars();
    let upper = chars.next().is_some_and(char::is_uppercase);
    let all_upper = upper && text.chars().count() > 1 && text.chars().all(|c| !c.is_lowercase());
    let digit = text.chars().any(|c| c.is_ascii_digit());
    let hyphen = text.contains('-');
    match (upper, all_upper, digit, hyphen, first) {
        (_, _, true, true, _) => "9-",
        (_, _, true, false, _) => "9",
        (true, true, ..) => "AA",
        (true, _, _, true, false) => "A-",
        (true, _, _, _, true) => "^A",
        (true, _, _, _, false) => "A",
        (false, _, _, true, _) => "a-",
        _ => "a",
    }
}

fn suffix(word: &str, length: usize) -> &str {
    word.char_indices().rev().nth(length - 1).map_or(word, |(at, _)| &word[at..])
}

fn prefix(word: &str) -> &str {
    word.char_indices().nth(2).map_or(word, |(at, _)| &word[..at])
}

/// 32 bits of FNV-1a over the template's number and its parts.
fn hash(template: u8, parts: &[&str]) -> u32 {
    let mut state = 0xCBF2_9CE4_8422_2325u64 ^ u64::from(template);
    for part in parts {
        for byte in part.bytes().chain([0x1F]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
    (state ^ (state >> 32)) as u32
}

/// Keys are hashes already.
#[derive(Clone, Default, Debug)]
struct Prehashed;

impl std::hash::BuildHasher for Prehashed {
    type Hasher = Mix;
    fn build_hasher(&self) -> Mix {
        Mix(0)
    }
}

struct Mix(u64);

impl std::hash::Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0 << 8 | u64::from(*byte));
    }
    fn write_u32(&mut self, key: u32) {
        self.0 = u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
