//! Names and details collected from all sentences, to be put where others were.

use std::collections::HashMap;

use crate::random::Random;
use crate::sentence::Sentence;
use crate::tag::Tag;
use crate::token::Token;

/// Material for replacements, by the place it was found in.
#[derive(Debug, Default)]
pub struct Pool {
    names: HashMap<(String, bool, usize), Vec<Vec<Token>>>,
    details: Vec<Vec<Token>>,
}

/// How many names are kept for a place, and how many details in all.
const KEPT: usize = 400;

impl Pool {
    /// Takes up what a sentence offers.
    pub fn add(&mut self, sentence: &Sentence) {
        for phrase in sentence.phrases() {
            let range = phrase.range.clone();
            if phrase.tag == Tag::Nnp
                && range.start > 0
                && sentence.tokens[range.clone()].iter().all(|token| {
                    token.tag == Tag::Nnp
                        && token.text.len() > 2
                        && token.text.chars().all(|c| c.is_alphabetic() || c == '-')
                })
                && sentence.tokens[range.clone()].iter().all(|token| token.text.starts_with(char::is_uppercase))
            {
                let key = (sentence.before(range.start), sentence.is_person(range.clone()), range.len());
                let kept = self.names.entry(key).or_default();
                if kept.len() < KEPT {
                    kept.push(sentence.tokens[range].to_vec());
                }
            }
        }
        let end = sentence.end();
        for at in 2..end {
            let preposition = ["in", "at", "with", "near", "behind", "from"].contains(&sentence.word(at).as_str());
            if preposition
                && self.details.len() < 20 * KEPT
                && let Some(phrase) = sentence.phrase_at(at + 1)
                && phrase.range.end == end
                && phrase.tag != Tag::Prp
                && phrase.range.len() < 5
                && !sentence.tokens[phrase.range.clone()]
                    .iter()
                    .any(|token| token.tag == Tag::PrpS || token.any(&["same", "other", "which", "that", "this"]))
            {
                let mut detail = sentence.tokens[at..end].to_vec();
                detail[0].space = true;
                self.details.push(detail);
            }
        }
    }

    /// A name seen elsewhere after the same word, of the same length, about a person or not as told.
    pub fn name(&self, before: &str, person: bool, length: usize, random: &mut Random) -> Option<&[Token]> {
        let key = (before.to_owned(), person, length);
        self.names.get(&key).and_then(|names| random.pick(names)).map(Vec::as_slice)
    }

    /// A prepositional phrase that ended another sentence.
    pub fn detail(&self, random: &mut Random) -> Option<&[Token]> {
        random.pick(&self.details).map(Vec::as_slice)
    }
}
