//! Verb groups anywhere in a sentence, and "not" in one of them.

use std::ops::Range;

use crate::edits::{replace, words};
use crate::morphology::{do_support, verb_base};
use crate::sentence::{Sentence, is_be};
use crate::tag::Tag;
use crate::token::Token;

/// A verb group that says something: "won", "has been written", "riding" in "a man riding a horse".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predicate {
    /// From its first verb to its last.
    pub range: Range<usize>,
    /// The base of its last verb.
    pub base: String,
    form: Form,
}

/// Where "not" goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// After the first verb: "was not", "has not won".
    Auxiliary,
    /// With "do": "did not win".
    Finite,
    /// Before it: "a man not riding a horse", "not written by her".
    Participle,
}

/// All verb groups from left to right that can be negated where they stand.
pub fn predicates(sentence: &Sentence) -> Vec<Predicate> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < sentence.tokens.len() {
        let Some((range, form)) = group_at(sentence, at) else {
            at += 1;
            continue;
        };
        at = range.end;
        let verb = &sentence.tokens[range.end - 1];
        let marked = |token: &Token| {
            token.any(&["not", "n't", "n’t", "never", "also", "only", "just", "too", "still", "already", "even"])
        };
        let around = range.start.saturating_sub(1)..(range.end + 1).min(sentence.tokens.len());
        if sentence.tokens[around].iter().any(marked) || sentence.tokens[range.start].text.starts_with('\'') {
            continue;
        }
        let base = verb_base(&verb.lower(), verb.tag).unwrap_or_else(|| verb.lower());
        found.push(Predicate { range, base, form });
    }
    found
}

/// The sentence with "not" in one of its verb groups.
pub fn negate_in(sentence: &Sentence, predicate: &Predicate) -> Option<Sentence> {
    let Range { start, .. } = predicate.range;
    let not = || Token::word("not", Tag::Rb);
    let tokens = match predicate.form {
        Form::Auxiliary => replace(&sentence.tokens, start + 1..start + 1, [not()]),
        Form::Participle => replace(&sentence.tokens, start..start, [not()]),
        Form::Finite => {
            let finite = &sentence.tokens[start];
            let (support, tag) = do_support(finite.tag);
            let mut new = words(&format!("{support} not"), &[tag, Tag::Rb]);
            new.push(Token::word(verb_base(&finite.lower(), finite.tag)?, Tag::Vb));
            replace(&sentence.tokens, start..start + 1, new)
        }
    };
    Some(sentence.with(tokens))
}

fn group_at(sentence: &Sentence, start: usize) -> Option<(Range<usize>, Form)> {
    let tag = sentence.tag(start);
    if matches!(tag, Tag::Vbg | Tag::Vbn) {
        // "a man riding", "the book, written"; not "running water", "is interested".
        let after_noun = start > 0 && (sentence.tag(start - 1).is_noun() || sentence.tokens[start - 1].text == ",");
        let leads =
            matches!(sentence.tag(start + 1), Tag::In | Tag::Dt | Tag::PrpS | Tag::To | Tag::Prp | Tag::Rp | Tag::Cd);
        return (after_noun && leads).then_some((start..start + 1, Form::Participle));
    }
    if !tag.is_finite() {
        return None;
    }
    let end = sentence.last_verb(start) + 1;
    let first = &sentence.tokens[start];
    let perfect = first.any(&["has", "have", "had"]) && end > start + 1 && sentence.tag(end - 1) != Tag::Vb;
    let supported = first.any(&["do", "does", "did"]) && end > start + 1;
    if is_be(first) || tag == Tag::Md || perfect || supported {
        return Some((start..end, Form::Auxiliary));
    }
    Some((start..start + 1, Form::Finite))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_group_can_be_negated_where_it_stands() {
        let text = "The nurse who called the doctor was helped by a man carrying the bags, and she has thanked him.";
        let sentence = Sentence::parse(text).expect("a sentence");
        let found = predicates(&sentence);
        let negated: Vec<_> = found
            .iter()
            .map(|predicate| (predicate.base.as_str(), negate_in(&sentence, predicate).expect("regular verbs").text()))
            .collect();
        let expected = [
            ("call", "who called", "who did not call"),
            ("help", "was helped", "was not helped"),
            ("carry", "carrying", "not carrying"),
            ("thank", "has thanked", "has not thanked"),
        ];
        assert_eq!(negated.len(), expected.len(), "{negated:?}");
        for ((base, got), (expected_base, from, to)) in negated.iter().zip(expected) {
            assert_eq!((*base, got.as_str()), (expected_base, text.replace(from, to).as_str()));
        }
    }

    #[test]
    fn what_is_negated_or_restricted_is_left_alone() {
        for text in ["The nurse did not call him.", "She only called him.", "Running water helps."] {
            let sentence = Sentence::parse(text).expect("a sentence");
            let bases: Vec<_> = predicates(&sentence).into_iter().map(|predicate| predicate.base).collect();
            assert!(bases.iter().all(|base| base == "help"), "{text}: {bases:?}");
        }
    }
}
