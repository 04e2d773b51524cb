//! From text to terms, the way Lucene's `EnglishAnalyzer` does it: words by Unicode's rules (UAX #29), the possessive
//! `'s` cut off, lower case, no stop words, Porter's stemmer.
//!
//! The published BM25 figures of Anserini were made with that analyzer, and this one is to be comparable with them.

use std::collections::HashSet;
use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_segmentation::{UnicodeSegmentation, UnicodeWordIndices};

/// Longer words are no words (base64, for one). Lucene cuts them into pieces of this many characters.
const LONGEST_WORD: usize = 255;

/// Lucene's `EnglishAnalyzer.ENGLISH_STOP_WORDS_SET`.
const STOP_WORDS: [&str; 33] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not", "of",
    "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
];

static IS_STOP_WORD: LazyLock<HashSet<&str>> = LazyLock::new(|| HashSet::from(STOP_WORDS));

/// The terms of a text, in its order.
pub(crate) fn terms(text: &str) -> Vec<String> {
    let mut tokenizer = EnglishTokenizer::default();
    let mut stream = tokenizer.token_stream(text);
    let mut terms = Vec::new();
    stream.process(&mut |token| terms.push(token.text.clone()));
    terms
}

/// The term of a word; `None` if it is a stop word or too long to be a word.
fn term(word: &str) -> Option<String> {
    if word.chars().nth(LONGEST_WORD).is_some() {
        return None;
    }
    let lower = without_possessive(word).to_lowercase();
    if IS_STOP_WORD.contains(lower.as_str()) {
        return None;
    }
    Some(Stemmer::new(Algorithm::Porter).stem(&lower).into_owned())
}

fn without_possessive(word: &str) -> &str {
    const ENDINGS: [&str; 6] = ["'s", "'S", "\u{2019}s", "\u{2019}S", "\u{ff07}s", "\u{ff07}S"];
    ENDINGS.iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word)
}

/// The analysis as tantivy wants it.
#[derive(Clone, Default)]
pub(super) struct EnglishTokenizer {
    token: Token,
}

impl Tokenizer for EnglishTokenizer {
    type TokenStream<'text> = Terms<'text>;

    fn token_stream<'text>(&'text mut self, text: &'text str) -> Terms<'text> {
        self.token.reset();
        Terms { words: text.unicode_word_indices(), token: &mut self.token }
    }
}

/// The terms of one text.
pub(super) struct Terms<'text> {
    words: UnicodeWordIndices<'text>,
    token: &'text mut Token,
}

impl TokenStream for Terms<'_> {
    fn advance(&mut self) -> bool {
        for (start, word) in self.words.by_ref() {
            if let Some(term) = term(word) {
                self.token.text = term;
                self.token.offset_from = start;
                self.token.offset_to = start + word.len();
                self.token.position = self.token.position.wrapping_add(1);
                return true;
            }
        }
        false
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn analyzes_as_lucene_does() {
        for (text, expected) in [
            ("The quick brown foxes jumped!", "quick brown fox jump"),
            ("it is to be, or not to be", ""),
            ("", ""),
            ("The dog's and the dogs\u{2019} DOG\u{2019}S bones don't", "dog dog dog bone don't"),
            ("0.5 mg of IL-2, 1,000 U.S. men in 2001", "0.5 mg il 2 1,000 u. men 2001"),
            ("Ärzte naïve 北京 über", "ärzte naïv 北 京 über"),
        ] {
            let expected: Vec<_> = expected.split_whitespace().collect();
            assert_eq!(terms(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_too_long_to_be_a_word_is_left_out() {
        let (word, garbage) = ("x".repeat(LONGEST_WORD), "x".repeat(LONGEST_WORD + 1));
        assert_eq!(terms(&format!("a {garbage} b {word}")).len(), 2);
    }
}
