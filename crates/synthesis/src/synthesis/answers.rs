//! Pairs of stated answers and the sentences that say so or do not.

use std::ops::Range;

use vetted_corpus::sentences;
use vetted_pairs::squad::Paragraph;
use vetted_pairs::{Kind, Label, Pair, Relation};

use super::inferred::{SOURCE, supported};
use crate::negated::{negate_both, negate_each};
use crate::pool::Pool;
use crate::random::Random;
use crate::sentence::{Sentence, is_be};
use crate::statement::state;
use crate::tag::Tag;

/// Questions of a file and their answers, stated, as queries for the sentence that answers: labelled pairs of the source
/// `inferred`, by the operations that [`synthesize`](super::synthesize) knows, and with another answer or another sentence
/// of the same passage.
pub fn state_answers(paragraphs: &[Paragraph], seed: u64) -> Vec<Pair> {
    let mut pool = Pool::default();
    for Paragraph { text, .. } in paragraphs {
        sentences(text).into_iter().filter_map(Sentence::parse).for_each(|sentence| pool.add(&sentence));
    }
    let mut random = Random::new(seed);
    let mut pairs = Vec::new();
    for Paragraph { text, questions } in paragraphs {
        for question in questions {
            if let Some(answer) = &question.answer {
                pairs.extend(stated(text, &question.text, answer, &pool, &mut random));
            }
        }
    }
    pairs.retain(|pair: &Pair| pair.candidate != pair.query);
    pairs
}

fn stated(passage: &str, question: &str, answer: &Range<usize>, pool: &Pool, random: &mut Random) -> Vec<Pair> {
    let place = passage[..answer.start].split_whitespace().next_back();
    let Some(text) = state(question, &passage[answer.clone()], place) else { return Vec::new() };
    let Some(statement) = Sentence::parse(&text) else { return Vec::new() };
    let within = |sentence: &&&str| {
        passage.find(**sentence).is_some_and(|start| (start..start + sentence.len()).contains(&answer.start))
    };
    let all = sentences(passage);
    // Whoever asked had the title before them: where the sentence says "he", no reader could know of whom.
    let Some(candidate) = all.iter().find(within).filter(|sentence| covered(&statement, sentence) >= 0.6) else {
        return Vec::new();
    };
    let candidate = without_citations(candidate);
    let mut pairs: Vec<Pair> = supported("answer-stated", &candidate, &statement, &Kind::ALL, pool, random)
        .into_iter()
        .map(|(pair, _)| pair)
        .collect();
    let wrong = Pair {
        label: Some(Label::NoMatch),
        relation: Relation::Support,
        source: SOURCE.to_owned(),
        split: "train".to_owned(),
        ..Pair::new(candidate.clone(), text.clone())
    };
    let others: Vec<&str> = alike(&passage[answer.clone()], &candidate);
    if let Some(other) =
        random.pick(&others).and_then(|other| state(question, other, place)).filter(|other| *other != text)
    {
        let phenomenon = "answer-stated+other-answer".to_owned();
        let pair = Pair { query: other, kind: Some(Kind::Entity), phenomenon, ..wrong.clone() };
        pairs.extend(negate_both(&pair).into_iter().chain([pair]));
    }
    let elsewhere: Vec<&str> =
        all.iter().copied().filter(|sentence| !sentence.contains(&passage[answer.clone()])).collect();
    if let Some(other) = random.pick(&elsewhere) {
        let phenomenon = "answer-stated+other-sentence".to_owned();
        let pair = Pair { candidate: without_citations(other), phenomenon, conflict: Some(false), ..wrong };
        pairs.extend(negate_each(&pair).into_iter().chain([pair]));
    }
    pairs
}

/// A sentence without encyclopedias' "[12]", whole or cut off at its ends.
fn without_citations(sentence: &str) -> String {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = sentence.split('[');
    let mut text = parts.next().unwrap_or_default().to_owned();
    if let Some((_, after)) = text.split_once(']').filter(|(before, _)| digits(before)) {
        text = after.trim_start().to_owned();
    }
    for part in parts {
        match part.split_once(']') {
            Some((number, after)) if digits(number) => text.push_str(after),
            None if digits(part) => {}
            _ => text.extend(["[", part]),
        }
    }
    text
}

/// The share of a statement's nouns, names, numbers and verbs that a text has, as they are or up to their ending.
fn covered(statement: &Sentence, text: &str) -> f64 {
    let text = text.to_lowercase();
    let words: Vec<String> = statement
        .tokens
        .iter()
        .filter(|token| token.tag.is_noun() || token.tag == Tag::Cd || token.tag.is_verb() && !is_be(token))
        .map(|token| token.lower().chars().take(5).collect())
        .collect();
    words.iter().filter(|word| text.contains(word.as_str())).count() as f64 / words.len().max(1) as f64
}

/// Other names or numbers of a sentence, as an answer is a name or a number.
fn alike<'a>(answer: &str, sentence: &'a str) -> Vec<&'a str> {
    let number = answer.starts_with(|c: char| c.is_ascii_digit());
    let name = answer.starts_with(char::is_uppercase);
    sentence
        .split_whitespace()
        .skip(1)
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.len() > 1 && !answer.contains(word))
        .filter(|word| {
            if number { word.bytes().all(|b| b.is_ascii_digit()) } else { name && word.starts_with(char::is_uppercase) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use vetted_pairs::squad::Question;

    use super::*;

    #[test]
    fn a_statement_is_supported_with_its_own_answer_and_polarity_only() {
        let passage = "The museum is large. Ann Lee founded the museum in Columbus in 1990. It has a garden.";
        let start = passage.find("1990").expect("there");
        let question = "When did Ann Lee found the museum?".to_owned();
        let questions = vec![Question { text: question, answer: Some(start..start + 4) }];
        let paragraph = Paragraph { text: passage.to_owned(), questions };
        let mut pairs = Vec::new();
        for seed in 0..20 {
            pairs.extend(state_answers(std::slice::from_ref(&paragraph), seed));
        }
        let stated = "Ann Lee founded the museum in 1990.";
        let sentence = "Ann Lee founded the museum in Columbus in 1990.";
        let label = |candidate: &str, query: &str| {
            pairs.iter().find(|pair| pair.candidate == candidate && pair.query == query).and_then(|pair| pair.label)
        };
        let negated = |text: &str| text.replace("founded", "did not found");
        assert_eq!(label(sentence, stated), Some(Label::Match));
        assert_eq!(label(sentence, &negated(stated)), Some(Label::NoMatch));
        assert_eq!(label(&negated(sentence), stated), Some(Label::NoMatch));
        assert_eq!(label(&negated(sentence), &negated(stated)), Some(Label::Match));
        assert_eq!(label("It has a garden.", stated), Some(Label::NoMatch));
    }
}
