//! How an edited sentence reads to a language model of the originals.

use std::collections::HashMap;

use crate::sentence::Sentence;
use crate::tag::Tag;

/// An interpolated trigram model over function words and the tags of all other words, learnt from the corpus itself.
#[derive(Debug, Default)]
pub struct Fluency {
    trigrams: HashMap<[u32; 3], u32>,
    bigrams: HashMap<[u32; 2], u32>,
    unigrams: HashMap<u32, u32>,
    total: u32,
    threshold: f64,
}

impl Fluency {
    /// Learns from some sentences and sets the threshold at the first percentile of the scores of others, of which the
    /// edited sentences to be judged should be made.
    pub fn learn<'a>(learned: impl Iterator<Item = &'a Sentence>, held: impl Iterator<Item = &'a Sentence>) -> Fluency {
        let mut model = Fluency::default();
        learned.for_each(|sentence| model.add(sentence));
        let mut scores: Vec<f64> = held.map(|sentence| model.score(sentence)).collect();
        scores.sort_by(f64::total_cmp);
        model.threshold = scores.get(scores.len() / 100).copied().unwrap_or(f64::NEG_INFINITY);
        model
    }

    fn add(&mut self, sentence: &Sentence) {
        let symbols = symbols(sentence);
        for window in symbols.windows(3) {
            let [a, b, c] = [window[0], window[1], window[2]];
            *self.trigrams.entry([a, b, c]).or_default() += 1;
            *self.bigrams.entry([b, c]).or_default() += 1;
            *self.unigrams.entry(c).or_default() += 1;
            self.total += 1;
        }
    }

    /// The lowest mean log-probability per token over any five neighboring tokens.
    pub fn score(&self, sentence: &Sentence) -> f64 {
        let symbols = symbols(sentence);
        let logs: Vec<f64> = symbols.windows(3).map(|window| self.log([window[0], window[1], window[2]])).collect();
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
        logs.windows(5.min(logs.len().max(1))).map(mean).fold(f64::INFINITY, f64::min)
    }

    /// Whether a sentence scores below the first percentile of original ones.
    pub fn is_odd(&self, sentence: &Sentence) -> bool {
        self.score(sentence) < self.threshold
    }

    fn log(&self, [a, b, c]: [u32; 3]) -> f64 {
        let count = |found: Option<&u32>| f64::from(found.copied().unwrap_or(0));
        let trigram = count(self.trigrams.get(&[a, b, c])) / count(self.bigrams.get(&[a, b])).max(1.0);
        let bigram = count(self.bigrams.get(&[b, c])) / count(self.unigrams.get(&b)).max(1.0);
        let unigram = (count(self.unigrams.get(&c)) + 0.1) / (f64::from(self.total) + 100.0);
        (0.5 * trigram.min(1.0) + 0.35 * bigram.min(1.0) + 0.15 * unigram).ln()
    }
}

/// Function words as themselves, other words by their tags, with two marks for the start and one for the end.
fn symbols(sentence: &Sentence) -> Vec<u32> {
    let open = |tag: Tag| {
        tag.is_noun()
            || tag.is_adjective()
            || tag.is_adverb()
            || matches!(
                tag,
                Tag::Vb | Tag::Vbd | Tag::Vbg | Tag::Vbn | Tag::Vbp | Tag::Vbz | Tag::Cd | Tag::Fw | Tag::Uh
            )
    };
    let mut symbols = vec![1000, 1000];
    symbols.extend(sentence.tokens.iter().map(|token| {
        let function = !open(token.tag)
            || token.any(&[
                "is", "are", "was", "were", "be", "been", "being", "has", "have", "had", "do", "does", "did", "not",
                "n't",
            ]);
        if function {
            1002 + token.lower().bytes().fold(7u32, |state, byte| state.wrapping_mul(31).wrapping_add(u32::from(byte)))
                % 1_000_000
        } else {
            token.tag as u32
        }
    }));
    symbols.push(1001);
    symbols
}
