//! Phrases and clauses moved to the front or back, and clauses put in another order of time.

use vetted_english::month;
use vetted_pairs::Kind;

use super::{Edits, replace};
use crate::edit::Meaning;
use crate::sentence::Sentence;
use crate::tag::Tag;
use crate::token::Token;

/// Moves adjuncts and subordinate clauses; turns "before" into "after".
pub fn offer(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    if sentence.is_question() {
        return;
    }
    front(edits);
    unfront(edits);
    clauses(edits);
    existential(edits);
}

/// Where the last adjunct of time begins: "in 1990", "on 5 May 1990", "during the war".
fn final_adjunct(sentence: &Sentence) -> Option<usize> {
    let end = sentence.end();
    let start =
        (1..end).rev().take(6).find(|at| sentence.tokens[*at].any(&["in", "on", "during", "since", "until"]))?;
    let rest = &sentence.tokens[start + 1..end];
    let is_month = |token: &Token| month(&token.text).is_some();
    let time = rest.iter().all(|token| {
        token.tag == Tag::Cd
            || is_month(token)
            || token.text == ","
            || token.any(&["the", "early", "late", "season", "war", "century", "summer", "winter", "spring"])
            || token.text.ends_with("th")
            || token.text.ends_with("0s")
    });
    let dated = rest.iter().any(|token| {
        is_month(token) || token.text.len() == 4 && token.tag == Tag::Cd || token.any(&["century", "war", "season"])
    });
    (time && dated && !rest.is_empty()).then_some(start)
}

fn front(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let Some(start) = final_adjunct(sentence) else { return };
    let Some(clause) = sentence.clause().filter(|clause| clause.fronted.is_empty()) else { return };
    let plain = &sentence.tokens[clause.main..start];
    if plain.iter().any(|token| {
        token.tag == Tag::Cc
            || token.tag == Tag::Wdt
            || token.tag == Tag::Wp
            || token.tag == Tag::Wrb
            || token.any(&[",", "that", "because", "as"])
            || token.tag.is_finite() && !std::ptr::eq(token, &plain[0])
    }) {
        return;
    }
    if clause.main >= start || sentence.tag(start - 1) == Tag::Punct {
        return;
    }
    let end = sentence.end();
    let mut tokens = sentence.tokens[start..end].to_vec();
    tokens.push(Token::attached(",", Tag::Punct));
    let mut body = sentence.tokens[..start].to_vec();
    body[0].space = true;
    tokens.extend(body);
    tokens.extend_from_slice(&sentence.tokens[end..]);
    edits.offer(Kind::Date, "adjunct-fronted", Meaning::Same, tokens);
}

fn unfront(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let Some(clause) = sentence.clause().filter(|clause| clause.fronted.len() > 1) else { return };
    let comma = clause.fronted.end - 1;
    let adjunct = &sentence.tokens[..comma];
    if !adjunct[0].any(&["in", "on", "during", "at", "since", "after", "before"])
        || adjunct.iter().any(|token| token.any(&["addition", "fact", "general", "contrast", "particular", ","]))
    {
        return;
    }
    let dated = adjunct
        .iter()
        .any(|token| token.tag == Tag::Cd || month(&token.text).is_some() || token.any(&["war", "century"]));
    let end = sentence.end();
    let body = &sentence.tokens[comma + 1..end];
    let finite = body.iter().filter(|token| token.tag.is_finite()).count();
    if !dated
        || finite != 1
        || body.iter().any(|token| token.any(&[",", ";", "and", "but", "that", "which", "who", "where", "when"]))
    {
        return;
    }
    let mut tokens = body.to_vec();
    tokens.extend(adjunct.iter().cloned());
    tokens.extend_from_slice(&sentence.tokens[end..]);
    edits.offer(Kind::Date, "adjunct-moved-back", Meaning::Same, tokens);
}

/// "A before B": "after A, B" says the same; "A after B", "B before A" the contrary. Other clauses only move.
fn clauses(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let end = sentence.end();
    let joint = |at: usize| {
        sentence.tokens[at]
            .any(&["before", "after", "when", "while", "because", "although", "if", "since", "until", "once"])
            && sentence.tokens[at - 1].tag != Tag::Punct
    };
    let Some(at) = (3..end.saturating_sub(2)).find(|at| joint(*at)) else { return };
    let (main, subordinate) = (&sentence.tokens[..at], &sentence.tokens[at + 1..end]);
    let Some(subject) = sentence.full_phrase_at(at + 1).map(|(range, _)| range.end) else { return };
    if !sentence.tag(subject).is_finite()
        || sentence.clause().is_none_or(|clause| !clause.fronted.is_empty() || clause.main >= at)
    {
        return;
    }
    let simple = |tokens: &[Token]| {
        tokens.iter().filter(|token| token.tag.is_finite()).count() == 1
            && !tokens.iter().any(|token| {
                token.tag == Tag::Punct
                    || matches!(token.tag, Tag::Wdt | Tag::Wp | Tag::Wrb | Tag::To)
                    || token.any(&[
                        "that",
                        "and",
                        "but",
                        "not",
                        "n't",
                        "only",
                        "just",
                        "shortly",
                        "even",
                        "years",
                        "days",
                        "hours",
                        "months",
                        "minutes",
                        "long",
                        "soon",
                        "immediately",
                        "ever",
                        "said",
                    ])
            })
    };
    if !simple(main) || !simple(subordinate) {
        return;
    }
    let word = sentence.word(at);
    let spaced = |tokens: &[Token]| super::spaced_like(tokens, &Token::word("", Tag::Nn));
    let tail = &sentence.tokens[end..];
    let fronted = |word: &str, first: &[Token], second: &[Token]| {
        let mut tokens = vec![Token::word(word, Tag::In)];
        tokens.extend(spaced(first));
        tokens.push(Token::attached(",", Tag::Punct));
        tokens.extend(spaced(second));
        tokens.extend_from_slice(tail);
        tokens
    };
    edits.offer(Kind::Order, "clause-fronted", Meaning::Same, fronted(&word, subordinate, main));
    let converse = match word.as_str() {
        "before" => "after",
        "after" => "before",
        _ => return,
    };
    edits.offer(Kind::Order, "converse-fronted", Meaning::Conflict, fronted(converse, subordinate, main));
    let mut tokens = sentence.tokens.clone();
    tokens[at].text = converse.to_owned();
    edits.offer(Kind::Order, "converse", Meaning::Conflict, tokens);
    if sentence.tag(at + 1) != Tag::Prp && sentence.tag(0) != Tag::Prp {
        edits.offer(
            Kind::Order,
            "clauses-swapped-converse-fronted",
            Meaning::Same,
            fronted(converse, main, subordinate),
        );
        edits.offer(Kind::Order, "clauses-swapped-fronted", Meaning::Conflict, fronted(&word, main, subordinate));
    }
}

/// "There is a dog on the bed", "A dog is on the bed".
fn existential(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    if !(sentence.tokens[0].is("there") && sentence.tokens[1].any(&["is", "are", "was", "were"])) {
        return;
    }
    let Some(phrase) = sentence.phrase_at(2).filter(|phrase| phrase.tag.is_common_noun()) else { return };
    let next = phrase.range.end;
    if sentence.tag(next) == Tag::Vbg
        || sentence.tokens.get(next).is_some_and(|token| token.any(&["in", "on", "at", "near", "behind", "under"]))
    {
        let mut new = sentence.tokens[phrase.range.clone()].to_vec();
        new.push(sentence.tokens[1].clone());
        edits.offer(Kind::Other, "existential-to-plain", Meaning::Same, replace(&sentence.tokens, 0..next, new));
    }
}
