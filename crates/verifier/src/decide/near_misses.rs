//! Near-misses and siblings: two sentences in nearly the same words.
//!
//! A *near-miss* differs from what it was made from in something that the query says: in who bit whom, in the year that is asked
//! for. *Siblings* differ in something else: the opening hours of two libraries, tickets about two printers. Both are answers.

use std::collections::HashSet;

use frostem::{Algorithm, Stemmer};

use super::alignment::{self, gaps};
use super::polarity;

/// Words that name nothing.
const GRAMMAR: &[&str] = &[
    "of", "in", "on", "at", "to", "for", "by", "with", "from", "and", "or", "as", "is", "are", "was", "were", "be",
    "been", "being", "has", "have", "had", "do", "does", "did", "it", "its", "this", "that", "these", "those", "which",
    "who",
];

/// Words that deny.
const DENIALS: &[&str] = &["not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "without", "cannot"];

const ARTICLES: &[&str] = &["a", "an", "the"];

/// What a query says, as far as sentences can differ in it.
pub(crate) struct Said {
    stems: HashSet<String>,
    /// Whether it is answered by yes or no, so that neither is a difference to it.
    is_yes_or_no: bool,
    stemmer: Stemmer,
}

/// A part of one sentence, and what stands in its place in another.
type Gap<'a> = alignment::Gap<'a, Word>;

struct Word {
    text: String,
    stem: String,
}

impl Said {
    /// By a query with these tokens.
    pub(crate) fn new(tokens: &[String], is_yes_or_no: bool) -> Said {
        let mut said = Said { stems: HashSet::new(), is_yes_or_no, stemmer: Stemmer::new(Algorithm::Porter) };
        let words = said.words(tokens);
        said.stems = words.into_iter().filter(|word| !word.is_grammar()).map(|word| word.stem).collect();
        said
    }

    /// Whether `other`, in nearly the words of `original`, differs from it in what the query says. With something else in the
    /// place of what the query does not speak of, it is about something else.
    pub(crate) fn is_near_miss(&self, original: &[String], other: &[String]) -> bool {
        let (original, other) = (self.words(original), self.words(other));
        let gaps = gaps(&original, &other, |one, other| one.stem == other.stem);
        let touched = gaps.iter().any(|gap| self.is_asked_about(gap));
        // From and to, in and on: the same things in another relation.
        let is_grammar = |words: &[Word]| words.iter().all(Word::is_grammar);
        let only_grammar = !gaps.is_empty() && gaps.iter().all(|gap| is_grammar(gap.0) && is_grammar(gap.1));
        only_grammar || (touched && !gaps.iter().any(|gap| self.is_of_something_else(gap)))
    }

    fn is_asked_about(&self, (own, other): &Gap) -> bool {
        let denials = |words: &[Word]| words.iter().filter(|word| word.denies()).count();
        let asks = |words: &[Word]| words.iter().any(|word| self.stems.contains(&word.stem));
        match denials(own) == denials(other) {
            true => asks(own) || asks(other),
            false => !self.is_yes_or_no,
        }
    }

    /// Whether one thing stands in the place of another, and the query speaks of neither. A number is said of a thing: the price
    /// of another plan than the one that is asked about is another price.
    fn is_of_something_else(&self, gap: &Gap) -> bool {
        let names = |words: &[Word]| words.iter().any(Word::names);
        names(gap.0) && names(gap.1) && !self.is_asked_about(gap)
    }

    /// Whole words of tokens, without articles and signs.
    fn words(&self, tokens: &[String]) -> Vec<Word> {
        let mut words: Vec<String> = Vec::new();
        let is_special = |token: &str| token.starts_with('[') && token.ends_with(']') && token.len() > 2;
        for token in tokens.iter().filter(|token| !is_special(token)) {
            match (token.strip_prefix("##"), words.last_mut()) {
                (Some(rest), Some(word)) => word.push_str(rest),
                _ => words.push(token.to_lowercase()),
            }
        }
        polarity::split_contractions(&mut words);
        let says = |word: &String| word.contains(char::is_alphanumeric) && !ARTICLES.contains(&word.as_str());
        let word = |text: String| Word { stem: self.stemmer.stem(&text).into(), text };
        words.into_iter().filter(says).map(word).collect()
    }
}

impl Word {
    fn is_grammar(&self) -> bool {
        GRAMMAR.contains(&self.text.as_str())
    }

    /// Whether it may tell which thing is meant.
    fn names(&self) -> bool {
        !self.is_grammar() && !self.denies() && self.text.contains(char::is_alphabetic)
    }

    fn denies(&self) -> bool {
        DENIALS.contains(&self.text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_differs_in_what_the_query_says_and_a_sibling_in_something_else() {
        for (query, is_yes_or_no, original, other, is_near_miss) in [
            (
                "when is the library open",
                false,
                "the north library is open on tuesdays",
                "the main library is open on mondays",
                false,
            ),
            ("when is the library open", false, "the north library is open", "the north library is closed", true),
            (
                "when is the library open",
                false,
                "the north library is open on tuesdays",
                "the south library is closed on mondays",
                false,
            ),
            (
                "the printer is out of paper",
                false,
                "ticket 17 : the printer on floor 3 is out of paper",
                "ticket 18 : the printer on floor 4 is out of paper",
                false,
            ),
            (
                "the printer on floor 3 is out of paper",
                false,
                "the printer on floor 3 is out of paper",
                "the printer on floor 4 is out of paper",
                true,
            ),
            ("who was bitten by the dog", false, "the dog bit the man", "the man bit the dog", true),
            ("the dog bit the man", false, "the dog bit the man", "the dog did not bite the man", true),
            ("the dog bit the man", false, "the dog bit the man", "the dog didn ' t bite the man", true),
            ("was the dog fed", true, "the dog was fed", "the dog was not fed", false),
            ("was the dog fed", true, "the dog was fed", "the cat was not fed", true),
            ("did the dog bite", true, "the dog bit", "the dog did not bite", false),
            (
                "washing ##ton crossed the river",
                false,
                "george washing ##ton crossed the river",
                "abraham lincoln crossed the river",
                true,
            ),
            (
                "the plan costs ten dollars",
                false,
                "the basic plan costs ten dollars",
                "the basic plan cost ten dollars",
                false,
            ),
            (
                "what does the small ticket cost",
                false,
                "the small ticket costs 5 euros",
                "the large ticket costs 9 euros",
                true,
            ),
            (
                "the train from paris to rome",
                false,
                "the train from paris to rome",
                "the train to paris from rome",
                true,
            ),
            ("the dog bit the man", false, "the dog bit the man", "the dog that bit the man", true),
            ("the bridge closed", false, "the bridge closed in 2019", "the bridge closed in 2018", false),
            ("the bridge closed in 2019", false, "the bridge closed in 2019", "the bridge closed in 2018", true),
        ] {
            let tokens = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
            let said = Said::new(&tokens(query), is_yes_or_no);
            assert_eq!(
                said.is_near_miss(&tokens(original), &tokens(other)),
                is_near_miss,
                "{query}: {original} / {other}"
            );
        }
    }
}
