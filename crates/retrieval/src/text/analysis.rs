//! From text to terms, the way Lucene's `EnglishAnalyzer` does it: words by Unicode's rules (UAX #29), the possessive
//! `'s` cut off, lower case, no stop words, Porter's stemmer. The published BM25 figures of Anserini were made with that
//! analyzer, and this one is to be comparable with them. It differs in two things:
//!
//! - Words are folded, as Lucene's `ICUFoldingFilter` does it: however a letter is encoded, in whatever width, and with or
//!   without an accent, it is the same letter. People who look for "cafe" mean "caf\u{e9}", too.
//! - "no" and "not" are no stop words: they turn around what a text says.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::{UnicodeSegmentation, UnicodeWordIndices};

/// Longer words are no words (base64, for one). Lucene cuts them into pieces of this many characters.
const LONGEST_WORD: usize = 255;

/// Lucene's `EnglishAnalyzer.ENGLISH_STOP_WORDS_SET`, without "no" and "not".
const STOP_WORDS: [&str; 31] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "of", "on", "or",
    "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will", "with",
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
    let folded = folded(word);
    let folded = folded.strip_suffix("'s").unwrap_or(&folded);
    if folded.is_empty() || IS_STOP_WORD.contains(folded) {
        return None;
    }
    Some(Stemmer::new(Algorithm::Porter).stem(folded).into_owned())
}

/// The word in small letters without accents, in Unicode's compatibility form (NFKC), with the straight apostrophe.
fn folded(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        return Cow::Owned(word.to_ascii_lowercase());
    }
    // Small letters come after the compatibility forms, of which some are capitals, and may have accents of their own.
    let compatible: String = word.nfkd().filter(|character| !is_accent(*character)).collect();
    let lower = compatible.to_lowercase();
    let mut folded = String::with_capacity(lower.len());
    for character in lower.chars().filter(|character| !is_accent(*character)) {
        match without_stroke(character) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(character),
        }
    }
    Cow::Owned(folded.nfc().collect())
}

/// Marks over, under and across letters of the Latin, Greek and Cyrillic scripts. Those of other scripts, such as the vowels
/// of Devanagari or the voicing marks of Japanese, make another word.
fn is_accent(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}'
            | '\u{483}'..='\u{487}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}

/// What folding makes of characters that Unicode does not decompose: letters that are written with a stroke or together, and
/// apostrophes.
fn without_stroke(character: char) -> Option<&'static str> {
    Some(match character {
        '\u{2019}' | '\u{2018}' | '\u{2bc}' | '\u{ff07}' => "'",
        '\u{df}' => "ss",
        '\u{e6}' => "ae",
        '\u{153}' => "oe",
        '\u{f8}' => "o",
        '\u{111}' | '\u{f0}' => "d",
        '\u{fe}' => "th",
        '\u{127}' => "h",
        '\u{131}' => "i",
        '\u{142}' => "l",
        '\u{167}' => "t",
        '\u{3c2}' => "\u{3c3}",
        _ => return None,
    })
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
            ("it is to be, or such as these", ""),
            ("", ""),
            ("The dog's and the dogs\u{2019} DOG\u{2019}S bones don't", "dog dog dog bone don't"),
            ("0.5 mg of IL-2, 1,000 U.S. men in 2001", "0.5 mg il 2 1,000 u. men 2001"),
            ("\u{c4}rzte na\u{ef}ve \u{5317}\u{4eac} \u{fc}ber", "arzt naiv \u{5317} \u{4eac} uber"),
        ] {
            let expected: Vec<_> = expected.split_whitespace().collect();
            assert_eq!(terms(text), expected, "{text}");
        }
    }

    #[test]
    fn what_denies_is_no_stop_word() {
        assert_eq!(
            terms("There is no boat, not in this harbor nor without it"),
            ["no", "boat", "not", "harbor", "nor", "without"]
        );
    }

    #[test]
    fn letters_are_the_same_however_they_are_written() {
        for writings in [
            // Composed, decomposed, without the accent, in capitals.
            &["caf\u{e9}", "cafe\u{301}", "cafe", "CAF\u{c9}", "CAFE\u{301}"][..],
            &["room 42", "\u{ff32}\u{ff4f}\u{ff4f}\u{ff4d} \u{ff14}\u{ff12}", "\u{24c7}oom 42"],
            &["file", "\u{fb01}le"],
            &["don't", "don\u{2019}t", "don\u{ff07}t"],
            &["strasse", "stra\u{df}e", "STRASSE"],
            &["\u{130}stanbul", "istanbul", "I\u{307}STANBUL"],
            &["smorrebrod", "sm\u{f8}rrebr\u{f8}d"],
            &["\u{3bf}\u{3b4}\u{3bf}\u{3c2}", "\u{39f}\u{394}\u{39f}\u{3a3}", "\u{3bf}\u{3b4}\u{3cc}\u{3c2}"],
            &["\u{d55c}\u{ae00}", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"],
            &["\u{30ac}", "\u{30ab}\u{3099}", "\u{ff76}\u{ff9e}"],
        ] {
            for writing in writings {
                assert_eq!(terms(writing), terms(writings[0]), "{writing}");
                assert!(!terms(writing).is_empty(), "{writing}");
            }
        }
        // Other words: a vowel of Devanagari, a voicing mark of Japanese.
        assert_ne!(terms("\u{915}\u{93f}"), terms("\u{915}"));
        assert_ne!(terms("\u{30ab}"), terms("\u{30ac}"));
    }

    proptest::proptest! {
        #[test]
        fn composed_or_not_the_terms_are_the_same(text in "[a-zA-Z\u{c0}-\u{17f}\u{1e00}-\u{1eff}\u{300}-\u{304} ]{0,30}") {
            let (composed, decomposed): (String, String) = (text.nfc().collect(), text.nfd().collect());
            proptest::prop_assert_eq!(terms(&composed), terms(&decomposed));
        }
    }

    #[test]
    fn what_is_too_long_to_be_a_word_is_left_out() {
        let (word, garbage) = ("x".repeat(LONGEST_WORD), "x".repeat(LONGEST_WORD + 1));
        assert_eq!(terms(&format!("a {garbage} b {word}")).len(), 2);
    }
}
