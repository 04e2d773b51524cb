//! Statements that a longer sentence contains.

use std::ops::Range;

use crate::edits::spaced_like;
use crate::sentence::Sentence;
use crate::tag::Tag;
use crate::token::Token;

/// Shorter statements that follow from a statement, with the name of the pattern: what its main clause says without the
/// other clauses, and what each of these says of its own subject.
///
/// "Ann Lee, who was born in Ohio, founded the museum" says that Ann Lee founded the museum and that she was born in Ohio.
pub fn inferences(sentence: &Sentence) -> Vec<(&'static str, Sentence)> {
    if sentence.is_question() || sentence.has_negation() || sentence.has(CONDITIONS) || has_quotes(sentence) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut offer = |phenomenon, tokens: Vec<Token>| {
        if (4..=24).contains(&tokens.len()) {
            found.push((phenomenon, statement(sentence, tokens)));
        }
    };
    of_subject(sentence, &mut offer);
    of_predicates(sentence, &mut offer);
    of_last_phrase(sentence, &mut offer);
    of_clauses(sentence, &mut offer);
    found
}

/// The pattern of a statement that leaves out a circumstance, and with it says less. What the other patterns leave out says
/// something of its own.
pub const FRONTED: &str = "fronted-left-out";

/// What stands after these may not be so, or not at all times.
const CONDITIONS: &[&str] = &[
    "if", "whether", "unless", "until", "either", "or", "would", "could", "may", "might", "should", "every", "each",
    "except",
];

fn has_quotes(sentence: &Sentence) -> bool {
    sentence.tokens.iter().any(|token| ["\"", "``", "''", "“", "”", ";", ":", "--", "—"].contains(&token.text.as_str()))
}

fn statement(sentence: &Sentence, mut tokens: Vec<Token>) -> Sentence {
    if let Some(mark) = sentence.tokens.last().filter(|token| token.text == ".") {
        tokens.push(mark.clone());
    }
    Sentence { tokens, capitalized: sentence.capitalized }
}

fn joined(parts: &[&[Token]]) -> Vec<Token> {
    let mut tokens: Vec<Token> = parts.iter().flat_map(|part| spaced_like(part, &Token::word("", Tag::Nn))).collect();
    if let Some(first) = tokens.first_mut() {
        first.space = true;
    }
    tokens
}

/// "is" or "was", "are" or "were".
fn copula(past: bool, plural: bool) -> Token {
    let (text, tag) = match (past, plural) {
        (true, false) => ("was", Tag::Vbd),
        (true, true) => ("were", Tag::Vbd),
        (false, false) => ("is", Tag::Vbz),
        (false, true) => ("are", Tag::Vbp),
    };
    Token::word(text, tag)
}

/// "X, who was born in Y, won", "X, a painter, won", "X, born in Y, won".
fn of_subject(sentence: &Sentence, offer: &mut impl FnMut(&'static str, Vec<Token>)) {
    let Some((subject, plural)) = sentence.full_phrase_at(0) else { return };
    let (comma, end) = (subject.end, sentence.end());
    if sentence.word(comma) != "," {
        return;
    }
    let close = (comma + 2..end)
        .find(|at| sentence.word(*at) == "," && sentence.tag(after_adverbs(sentence, at + 1)).is_finite());
    let Some(close) = close else { return };
    let past = sentence.tag(after_adverbs(sentence, close + 1)) == Tag::Vbd;
    let (subject, inner) = (&sentence.tokens[subject], comma + 1..close);
    offer("aside-left-out", joined(&[subject, &sentence.tokens[close + 1..end]]));
    let aside = &sentence.tokens[inner.clone()];
    let nested = |from: usize| sentence.tokens[from..close].iter().any(|token| token.tag.is_finite());
    if aside[0].any(&["who", "which"]) && sentence.tag(after_adverbs(sentence, comma + 2)).is_finite() {
        offer("of-relative-clause", joined(&[subject, &aside[1..]]));
    } else if aside[0].any(&["a", "an", "the"]) && sentence.phrase_at(inner.start).is_some() && !nested(inner.start) {
        offer("of-apposition", joined(&[subject, &[copula(past, plural)], aside]));
    } else if aside[0].tag == Tag::Vbn && !nested(inner.start) {
        let done = aside.iter().any(|token| token.tag == Tag::Cd || token.is("by"));
        offer("of-participle", joined(&[subject, &[copula(past || done, plural)], aside]));
    }
}

fn after_adverbs(sentence: &Sentence, mut at: usize) -> usize {
    while sentence.tag(at) == Tag::Rb {
        at += 1;
    }
    at
}

/// "X moved to Y and founded Z."
fn of_predicates(sentence: &Sentence, offer: &mut impl FnMut(&'static str, Vec<Token>)) {
    let Some(clause) = sentence.clause().filter(|clause| clause.subject.end == clause.finite) else { return };
    let end = sentence.end();
    let subject = &sentence.tokens[clause.subject.clone()];
    if !clause.fronted.is_empty() {
        offer(FRONTED, joined(&[&sentence.tokens[clause.subject.start..end]]));
    }
    let later = (clause.main + 1..end).find(|at| sentence.tag(*at).is_finite());
    let Some(and) = (clause.main + 1..end).find(|at| sentence.tokens[*at].is("and")) else { return };
    if later == Some(and + 1) {
        let stop = if sentence.before(and) == "," { and - 1 } else { and };
        offer("first-predicate", joined(&[subject, &sentence.tokens[clause.finite..stop]]));
        offer("second-predicate", joined(&[subject, &sentence.tokens[and + 1..end]]));
    }
}

/// "... by X, who won Y."
fn of_last_phrase(sentence: &Sentence, offer: &mut impl FnMut(&'static str, Vec<Token>)) {
    let end = sentence.end();
    let Some(comma) = (3..end).rev().find(|at| sentence.word(*at) == ",") else { return };
    if !sentence.tokens.get(comma + 1).is_some_and(|token| token.any(&["who", "which"]))
        || !sentence.tag(after_adverbs(sentence, comma + 2)).is_finite()
        || !sentence.tokens[..comma].iter().any(|token| token.tag.is_finite())
    {
        return;
    }
    let Some(phrase) = sentence.phrases().into_iter().find(|phrase| phrase.range.end == comma) else { return };
    let Range { start, .. } = phrase.range;
    offer("relative-clause-left-out", joined(&[&sentence.tokens[..comma]]));
    let who =
        sentence.tokens[comma + 1].is("who") && (phrase.tag.is_name() || sentence.is_person(phrase.range.clone()));
    // "which" may be all that was said before; after a preposition, or with a name, it is the phrase.
    let which = sentence.tokens[comma + 1].is("which") && (phrase.tag.is_name() || sentence.word(start) == "the");
    if who || which && start > 0 && sentence.tag(start - 1) == Tag::In {
        offer("of-relative-clause", joined(&[&sentence.tokens[start..comma], &sentence.tokens[comma + 2..end]]));
    }
}

/// "X did this, while Y did that."
fn of_clauses(sentence: &Sentence, offer: &mut impl FnMut(&'static str, Vec<Token>)) {
    let end = sentence.end();
    let link =
        (4..end).find(|at| sentence.tokens[*at].any(&["while", "although", "though", "because", "whereas", "and"]));
    let Some(link) = link else { return };
    let first = &sentence.tokens[..link - usize::from(sentence.before(link) == ",")];
    let Some((subject, _)) = sentence.full_phrase_at(link + 1) else { return };
    let separate = sentence.before(link) == "," || !sentence.tokens[link].is("and");
    if separate
        && sentence.tag(subject.end).is_finite()
        && sentence.clause().is_some()
        && first.iter().any(|token| token.tag.is_finite())
    {
        offer("first-clause", joined(&[first]));
        offer("second-clause", joined(&[&sentence.tokens[link + 1..end]]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_become_statements_of_their_own() {
        let cases: [(&str, &[(&str, &str)]); 7] = [
            (
                "Ann Lee, who was born in Ohio, founded the museum.",
                &[
                    ("aside-left-out", "Ann Lee founded the museum."),
                    ("of-relative-clause", "Ann Lee was born in Ohio."),
                ],
            ),
            (
                "Ann Lee, a painter from Ohio, founded the museum.",
                &[
                    ("aside-left-out", "Ann Lee founded the museum."),
                    ("of-apposition", "Ann Lee was a painter from Ohio."),
                ],
            ),
            (
                "The museum, founded by Ann Lee in 1990, is open today.",
                &[
                    ("aside-left-out", "The museum is open today."),
                    ("of-participle", "The museum was founded by Ann Lee in 1990."),
                ],
            ),
            (
                "Ann Lee moved to Ohio and founded the museum.",
                &[("first-predicate", "Ann Lee moved to Ohio."), ("second-predicate", "Ann Lee founded the museum.")],
            ),
            (
                "The museum was founded by Ann Lee, who won a prize.",
                &[
                    ("relative-clause-left-out", "The museum was founded by Ann Lee."),
                    ("of-relative-clause", "Ann Lee won a prize."),
                ],
            ),
            (
                "The nurse called the doctor, while the guard watched the door.",
                &[("first-clause", "The nurse called the doctor."), ("second-clause", "The guard watched the door.")],
            ),
            ("If Ann Lee, who was born in Ohio, founded it, we know.", &[]),
        ];
        for (text, expected) in cases {
            let sentence = Sentence::parse(text).expect("a sentence");
            let found: Vec<_> = inferences(&sentence).into_iter().map(|(name, found)| (name, found.text())).collect();
            let found: Vec<_> = found.iter().map(|(name, text)| (*name, text.as_str())).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
