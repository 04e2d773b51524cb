//! The texts everything is measured on: English-like, made from a fixed seed, so that every engine and every machine
//! reads the same.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use vetted_encoder::Tokens;

/// Lengths of queries in tokens, special tokens included.
const QUERY_TOKENS: [usize; 4] = [8, 16, 32, 128];

/// Profiles and the range their texts' lengths are drawn from, in tokens. Lengths in real corpora vary: equal ones
/// would hide what padding costs.
const PROFILES: [(&str, usize, usize); 4] =
    [("short", 10, 22), ("medium", 40, 90), ("long", 200, 256), ("mixed", 8, 256)];

/// What one run measures.
#[derive(Serialize, Deserialize)]
pub struct Input {
    /// What is indexed.
    pub profiles: Vec<Profile>,
    /// What is searched for.
    pub queries: Vec<Query>,
}

/// Texts of similar length.
#[derive(Serialize, Deserialize)]
pub struct Profile {
    /// How tables call it.
    pub name: String,
    /// Tokens of all texts together.
    pub tokens: usize,
    /// The texts.
    pub texts: Vec<String>,
}

/// One query of a given length.
#[derive(Serialize, Deserialize)]
pub struct Query {
    /// Its length.
    pub tokens: usize,
    /// The query.
    pub text: String,
}

/// Makes the input, `texts_per_profile` texts each, the lengths counted with the model's own tokenizer.
pub fn make(tokens: &Tokens, texts_per_profile: usize) -> Result<Input> {
    let mut random = Random(0x5eed_2026);
    let mut profiles = Vec::new();
    for (name, shortest, longest) in PROFILES {
        let mut total = 0;
        let mut texts = Vec::new();
        for _ in 0..texts_per_profile {
            // Geometric in the mixed profile: short texts are more frequent than long ones.
            let length = match name {
                "mixed" => (shortest as f64 * (longest as f64 / shortest as f64).powf(random.unit())) as usize,
                _ => shortest + random.below(longest - shortest + 1),
            };
            let text = text_of(length, tokens, &mut random)?;
            total += tokens.ids(&text)?.len();
            texts.push(text);
        }
        profiles.push(Profile { name: name.to_owned(), tokens: total, texts });
    }
    let queries = QUERY_TOKENS.into_iter().map(|length| {
        loop {
            let text = text_of(length, tokens, &mut random)?;
            if tokens.ids(&text)?.len() == length {
                return Ok(Query { tokens: length, text });
            }
        }
    });
    Ok(Input { profiles, queries: queries.collect::<Result<_>>()? })
}

/// Sentences cut to exactly `length` tokens, or one or two fewer where a word of several tokens ends there.
fn text_of(length: usize, tokens: &Tokens, random: &mut Random) -> Result<String> {
    let mut text = String::new();
    while tokens.count(&text)? + tokens.special_tokens() < length {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&sentence(random));
    }
    while tokens.count(&text)? + tokens.special_tokens() > length {
        let end = text.rfind(|c: char| !c.is_alphanumeric()).unwrap_or(0);
        // A mark is a token of its own: it goes alone, and so does a word after it.
        let end = if end + 1 == text.len() { end } else { end + 1 };
        text.truncate(text[..end].trim_end().len());
    }
    Ok(text)
}

fn sentence(random: &mut Random) -> String {
    let mut subject = noun_phrase(random);
    subject[..1].make_ascii_uppercase();
    let (verb, object) = (random.pick(&VERBS), noun_phrase(random));
    let place = format!("{} {}", random.pick(&PREPOSITIONS), noun_phrase(random));
    match random.below(5) {
        0 => format!("{subject} {verb} {object}."),
        1 => format!("{subject} {verb} {object} {place}."),
        2 => format!("In {}, {} {verb} {object}.", 1900 + random.below(125), subject.to_lowercase()),
        3 => format!("{subject}, {place}, {verb} {object} and {} {}.", random.pick(&VERBS), noun_phrase(random)),
        _ => format!(
            "{subject} {verb} {object}, although {} {} {}.",
            noun_phrase(random),
            random.pick(&VERBS),
            noun_phrase(random)
        ),
    }
}

fn noun_phrase(random: &mut Random) -> String {
    let (article, noun) = (random.pick(&ARTICLES), random.pick(&NOUNS));
    match random.below(3) {
        0 => format!("{article} {noun}"),
        1 => format!("{article} {} {noun}", random.pick(&ADJECTIVES)),
        _ => format!("{article} {} {noun} of {}", random.pick(&ADJECTIVES), random.pick(&NAMES)),
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

const ARTICLES: [&str; 6] = ["the", "a", "this", "every", "another", "one"];

const NOUNS: [&str; 64] = [
    "river",
    "engine",
    "protein",
    "harbor",
    "treaty",
    "violin",
    "glacier",
    "senator",
    "algorithm",
    "orchard",
    "satellite",
    "merchant",
    "enzyme",
    "cathedral",
    "locomotive",
    "membrane",
    "novelist",
    "earthquake",
    "parliament",
    "microscope",
    "expedition",
    "vaccine",
    "bridge",
    "monastery",
    "antibody",
    "reservoir",
    "telescope",
    "festival",
    "hypothesis",
    "battalion",
    "receptor",
    "manuscript",
    "volcano",
    "committee",
    "catalyst",
    "lighthouse",
    "neuron",
    "championship",
    "dictionary",
    "peninsula",
    "orchestra",
    "chromosome",
    "railway",
    "philosopher",
    "molecule",
    "archive",
    "hurricane",
    "biopsy",
    "council",
    "sculpture",
    "infection",
    "voyage",
    "transistor",
    "meadow",
    "tribunal",
    "placebo",
    "castle",
    "survey",
    "metabolism",
    "album",
    "frontier",
    "laboratory",
    "sediment",
    "quartet",
];

const ADJECTIVES: [&str; 40] = [
    "northern",
    "ancient",
    "chronic",
    "electric",
    "famous",
    "narrow",
    "clinical",
    "industrial",
    "silent",
    "coastal",
    "genetic",
    "royal",
    "unstable",
    "medieval",
    "digital",
    "fragile",
    "inflammatory",
    "remote",
    "wooden",
    "prolific",
    "tropical",
    "cardiovascular",
    "abandoned",
    "parallel",
    "municipal",
    "bright",
    "randomized",
    "volcanic",
    "modern",
    "hereditary",
    "shallow",
    "democratic",
    "acoustic",
    "malignant",
    "suburban",
    "magnetic",
    "ceremonial",
    "obscure",
    "quantitative",
    "bitter",
];

const VERBS: [&str; 40] = [
    "crossed",
    "described",
    "inhibited",
    "replaced",
    "discovered",
    "regulates",
    "destroyed",
    "measured",
    "inherited",
    "financed",
    "surrounds",
    "activates",
    "criticized",
    "translated",
    "restored",
    "reduces",
    "carried",
    "influenced",
    "photographed",
    "absorbs",
    "defended",
    "published",
    "encodes",
    "invaded",
    "improves",
    "commissioned",
    "predicts",
    "abolished",
    "contains",
    "rebuilt",
    "suppresses",
    "recorded",
    "followed",
    "challenged",
    "accelerates",
    "preserved",
    "observed",
    "established",
    "transmits",
    "outlived",
];

const PREPOSITIONS: [&str; 12] = [
    "near",
    "after",
    "beneath",
    "without",
    "during",
    "against",
    "beyond",
    "inside",
    "because of",
    "in spite of",
    "along",
    "before",
];

const NAMES: [&str; 32] = [
    "Lisbon",
    "Edinburgh",
    "Kyoto",
    "Maria Theresa",
    "Ohio",
    "Darwin",
    "Saint Petersburg",
    "Marrakesh",
    "Mercury",
    "Queen Victoria",
    "the Baltic Sea",
    "Buenos Aires",
    "Kepler",
    "Wellington",
    "Cape Town",
    "Beethoven",
    "Nairobi",
    "the Alps",
    "Toronto",
    "Shostakovich",
    "Hanoi",
    "Copernicus",
    "the Amazon",
    "Reykjavik",
    "Louisiana",
    "Archimedes",
    "Samarkand",
    "Vermont",
    "the Danube",
    "Hokkaido",
    "Montesquieu",
    "Tasmania",
];
