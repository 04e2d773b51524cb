//! A text as words, values and signs.

use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::quantities::Quantity;
use super::{chunks, joining};

/// What is read of a text, in its order.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) items: Vec<Item>,
    /// Whether it is written with capitals where they belong, as far as one sees: not all in small letters, not all in capitals,
    /// no title in which each word has one.
    pub(super) is_cased: bool,
    /// Whether it has "a" or "an", which may stand for 1. Articles are no items.
    pub(super) has_article: bool,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Word(Word),
    Value(Value),
    Sign(Sign),
}

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    /// As it is written.
    pub(super) written: String,
    /// In small letters, without accents.
    pub(super) folded: String,
    pub(super) stem: String,
    /// Whether a sentence begins with it.
    pub(super) begins: bool,
    /// Whether it is a name that somebody gave to a thing of a computer, so that the case of its letters counts.
    pub(super) is_identifier: bool,
}

/// What is the same or another, and never nearly the same.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Quantity(Quantity),
    /// Minutes since midnight.
    Time(u16),
    /// A version, an address, a date in digits, an option, a file's name.
    Code(Code),
}

/// A value that is compared letter for letter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Code {
    pub(super) written: String,
    /// In small letters.
    pub(super) folded: String,
    /// Whether the case of its letters counts.
    pub(super) is_exact: bool,
}

impl Code {
    pub(super) fn is_same(&self, other: &Code) -> bool {
        let exactly = self.is_exact && other.is_exact;
        if exactly { self.written == other.written } else { self.folded == other.folded }
    }
}

/// A sign that compares or computes, or words for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Compares {
        compared: Compared,
        in_words: bool,
    },
    Computes(char),
    /// Of a term: "(2 + 3) * 4".
    Bracket(char),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    Less,
    AtMost,
    Equal,
    Unequal,
    AtLeast,
    More,
}

static STEMMER: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::new(Algorithm::Porter));

impl Text {
    pub(super) fn read(text: &str) -> Text {
        let items = chunks::items(text);
        let (is_cased, has_article) = (
            text.contains(char::is_lowercase) && is_cased(&items),
            items.iter().any(|item| item.is_word(&["a", "an"])),
        );
        Text { items: joining::joined(items), is_cased, has_article }
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &Word> {
        self.items.iter().filter_map(|item| match item {
            Item::Word(word) => Some(word),
            Item::Value(_) | Item::Sign(_) => None,
        })
    }
}

impl Item {
    /// Whether it is one of these words.
    pub(super) fn is_word(&self, words: &[&str]) -> bool {
        matches!(self, Item::Word(word) if words.contains(&word.folded.as_str()))
    }
}

impl Word {
    pub(super) fn new(written: &str, begins: bool) -> Word {
        let folded: String = written.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
        let stem = stem(&folded);
        Word { written: written.to_owned(), folded, stem, begins, is_identifier: false }
    }

    /// What it may say of how many, where no number is needed for that.
    pub(super) fn number(&self) -> Option<f64> {
        Some(match self.folded.as_str() {
            "no" | "none" | "zero" => 0.0,
            "one" | "once" | "single" | "first" | "1st" => 1.0,
            "twice" | "double" | "couple" | "pair" | "both" | "second" => 2.0,
            "thrice" | "triple" | "third" => 3.0,
            "fourth" => 4.0,
            "fifth" => 5.0,
            "dozen" => 12.0,
            _ => return None,
        })
    }
}

/// A word in small letters without its regular endings.
pub(super) fn stem(word: &str) -> String {
    STEMMER.stem(word).into()
}

fn is_cased(items: &[Item]) -> bool {
    let words = || {
        items.iter().filter_map(|item| match item {
            Item::Word(word) if word.written.chars().count() > 1 => Some(word),
            _ => None,
        })
    };
    let has_capital = |word: &Word| word.written.starts_with(char::is_uppercase);
    let begins = words().next().is_some_and(has_capital);
    let inner = || words().filter(|word| !word.begins);
    let capitals = |word: &&Word| has_capital(word) && word.written.contains(char::is_lowercase);
    begins && inner().any(|word| !has_capital(word)) && 2 * inner().filter(capitals).count() <= inner().count()
}
