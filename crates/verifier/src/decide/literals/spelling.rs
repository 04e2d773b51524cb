//! Letters that the tokenizer folds: of words that differ in nothing else, which are two words.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::quantities;
use super::text::{Text, Word};

/// Words with an accent that English writes without one, too, and means the same.
const ACCENT_IS_FREE: [&str; 34] = [
    "cafe",
    "cafes",
    "naive",
    "facade",
    "cliche",
    "fiance",
    "fiancee",
    "decor",
    "debut",
    "elite",
    "role",
    "hotel",
    "regime",
    "entree",
    "creme",
    "brulee",
    "jalapeno",
    "jalapenos",
    "pokemon",
    "beyonce",
    "deja",
    "vu",
    "a",
    "la",
    "carte",
    "puree",
    "saute",
    "souffle",
    "protege",
    "cooperate",
    "naivete",
    "soiree",
    "crepe",
    "crepes",
];

/// Words that mean something else with a capital, or in capitals, than without.
const CAPITAL_COUNTS: [&str; 24] = [
    "us", "it", "who", "aids", "act", "ram", "dos", "turkey", "china", "polish", "march", "august", "mercury", "lent",
    "reading", "nice", "mobile", "cork", "bath", "job", "scotch", "titanic", "swift", "rust",
];

/// Whether a word of one text stands in the other in letters that make another word of it.
pub(super) fn differs(one: &Text, other: &Text) -> bool {
    let is_cased = one.is_cased && other.is_cased;
    one.words().any(|own| {
        let twins = || other.words().filter(|it| it.folded == own.folded);
        twins().next().is_some() && !twins().any(|other| is_same(own, other, is_cased))
    })
}

fn is_same(own: &Word, other: &Word, is_cased: bool) -> bool {
    if own.written == other.written {
        return true;
    }
    if accents(&own.written) != accents(&other.written) && !ACCENT_IS_FREE.contains(&own.folded.as_str()) {
        return false;
    }
    if quantities::is_cased_unit(&own.written) && quantities::is_cased_unit(&other.written) {
        return false;
    }
    if !is_cased {
        return true;
    }
    let capital = |word: &Word| word.written.starts_with(char::is_uppercase);
    let in_capitals = |word: &Word| !word.written.contains(char::is_lowercase);
    let counts = CAPITAL_COUNTS.contains(&own.folded.as_str());
    // A sentence gives its first word a capital, but not all letters of it.
    let begins = |word: &Word| word.begins && !in_capitals(word);
    let is_name = own.is_identifier && other.is_identifier;
    let free = begins(own) || begins(other);
    (!counts || free || (capital(own) == capital(other))) && (!is_name || free)
}

/// Its letters with their accents, in small letters.
fn accents(word: &str) -> String {
    word.nfd().filter(|c| is_combining_mark(*c) || c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
