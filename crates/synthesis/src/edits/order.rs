//! The same words in another order that says the same: adverbs, neighboring adjuncts, parallel actions, appositions.

use vetted_english::month;
use vetted_pairs::Kind;

use super::{Edits, exchange, replace};
use crate::edit::Meaning;
use crate::sentence::{Sentence, is_be};
use crate::tag::Tag;
use crate::token::Token;

/// Moves what can stand in more than one place.
pub fn offer(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    if sentence.is_question() {
        return;
    }
    place_fronted(edits);
    caption_fronted(edits);
    adverb(edits);
    neighbors(edits);
    actions(edits);
    while_clauses(edits);
    apposition(edits);
    possessive(edits);
}

/// "was born in Paris": "in Paris, ... was born". Only after a verb, so that the phrase belongs to the clause.
fn place_fronted(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let end = sentence.end();
    let Some(clause) = sentence.clause().filter(|clause| clause.fronted.is_empty()) else { return };
    let Some(at) =
        (clause.main + 1..end).rev().find(|at| sentence.tokens[*at].any(&["in", "at", "during", "after", "near"]))
    else {
        return;
    };
    let whole = sentence.phrase_at(at + 1).is_some_and(|phrase| phrase.range.end == end && phrase.tag != Tag::Prp);
    let of_clause = at == clause.main + 1
        && matches!(sentence.tag(at - 1), Tag::Vbn | Tag::Vbd | Tag::Vbg)
        && !sentence.tokens[at - 1].any(&[
            "involved",
            "interested",
            "located",
            "used",
            "included",
            "was",
            "were",
            "is",
            "are",
            "based",
        ]);
    if !whole || !of_clause {
        return;
    }
    fronted(edits, at, Kind::Role);
}

fn fronted(edits: &mut Edits<'_>, at: usize, kind: Kind) {
    let sentence = edits.sentence;
    let end = sentence.end();
    let mut tokens = sentence.tokens[at..end].to_vec();
    tokens.push(Token::attached(",", Tag::Punct));
    tokens.extend(super::spaced_like(&sentence.tokens[..at], &Token::word("", Tag::Nn)));
    tokens.extend_from_slice(&sentence.tokens[end..]);
    edits.offer(kind, "place-fronted", Meaning::Same, tokens);
}

/// "a man sitting in a park": "in a park, a man sitting".
fn caption_fronted(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let Some(first) = sentence.phrase_at(0) else { return };
    let be = sentence.tokens.get(first.range.end).is_some_and(|token| token.any(&["is", "are"]));
    let verb = first.range.end + usize::from(be);
    if sentence.tag(verb) != Tag::Vbg
        || !sentence
            .tokens
            .get(verb + 1)
            .is_some_and(|token| token.any(&["in", "on", "at", "near", "along", "through", "down"]))
    {
        return;
    }
    let whole = sentence.phrase_at(verb + 2).is_some_and(|phrase| {
        phrase.range.end == sentence.end() && phrase.tag != Tag::Prp && sentence.tag(phrase.range.start) != Tag::PrpS
    });
    if whole {
        fronted(edits, verb + 1, Kind::Role);
    }
}

/// "currently, he is", "he is currently".
fn adverb(edits: &mut Edits<'_>) {
    const MOVABLE: &[&str] = &[
        "currently",
        "originally",
        "eventually",
        "finally",
        "initially",
        "recently",
        "usually",
        "typically",
        "generally",
        "often",
        "sometimes",
        "subsequently",
        "previously",
        "formerly",
        "today",
        "presently",
        "occasionally",
        "historically",
        "traditionally",
        "later",
        "however",
        "also",
    ];
    let sentence = edits.sentence;
    if sentence.tokens[0].any(MOVABLE) {
        let comma = usize::from(sentence.tokens[1].text == ",");
        let rest = Sentence { tokens: sentence.tokens[1 + comma..].to_vec(), capitalized: sentence.capitalized };
        let Some(clause) =
            rest.clause().filter(|clause| clause.fronted.is_empty() && clause.subject.end == clause.finite)
        else {
            return;
        };
        let word = sentence.word(0);
        if word == "today" || word == "however" || word == "later" && clause.auxiliary {
            return;
        }
        let at = if clause.auxiliary { clause.finite + 1 } else { clause.finite };
        let tokens = replace(&rest.tokens, at..at, [Token::word(word, Tag::Rb)]);
        edits.offer(Kind::Order, "adverb-moved-in", Meaning::Same, tokens);
        return;
    }
    let Some(clause) = sentence.clause().filter(|clause| clause.fronted.is_empty()) else { return };
    let near = [clause.finite + 1, clause.finite.saturating_sub(1)];
    for at in near {
        if sentence.tag(at) == Tag::Rb
            && sentence.tokens[at].any(MOVABLE)
            && !sentence.has_negation()
            && at >= clause.subject.end
        {
            let mut tokens = vec![sentence.tokens[at].clone(), Token::attached(",", Tag::Punct)];
            tokens.extend(super::spaced_like(&replace(&sentence.tokens, at..at + 1, []), &Token::word("", Tag::Nn)));
            edits.offer(Kind::Order, "adverb-fronted", Meaning::Same, tokens);
        }
    }
}

/// "in Paris in 1990", "in 1990 in Paris"; "by Ann in 1990", "in 1990 by Ann".
fn neighbors(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    for at in 2..sentence.tokens.len() {
        if !sentence.tokens[at].any(&["in", "by", "on", "at"]) {
            continue;
        }
        let Some(first) = sentence.phrase_at(at + 1) else { continue };
        let next = first.range.end;
        if !sentence.tokens.get(next).is_some_and(|token| token.any(&["in", "by", "on", "during"])) {
            continue;
        }
        let Some(second) = sentence.phrase_at(next + 1) else { continue };
        let dated = |phrase: &crate::sentence::Phrase| {
            let tokens = &sentence.tokens[phrase.range.clone()];
            tokens.iter().any(|token| token.text.len() == 4 && token.tag == Tag::Cd)
                && tokens.iter().all(|token| token.tag == Tag::Cd || month(&token.text).is_some())
        };
        let verbal = matches!(sentence.tag(at - 1), Tag::Vbn | Tag::Vbd);
        let bounded = sentence
            .tokens
            .get(second.range.end)
            .is_none_or(|token| token.tag == Tag::Punct && token.text != "(" || token.is("and"));
        let named = |phrase: &crate::sentence::Phrase| phrase.tag.is_name();
        let relative = sentence.word(second.range.end) == ","
            && matches!(sentence.tag(second.range.end + 1), Tag::Wp | Tag::WpS | Tag::Wdt | Tag::Wrb);
        if verbal && bounded && !relative && (dated(&first) != dated(&second)) && (named(&first) || named(&second)) {
            edits.offer(
                Kind::Date,
                "adjuncts-reordered",
                Meaning::Same,
                exchange(&sentence.tokens, at..next, next..second.range.end),
            );
        }
    }
}

/// Captions: "sitting on a bench and reading a book".
fn actions(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let end = sentence.end();
    let Some(first) = sentence.phrase_at(0) else { return };
    let be = sentence.tokens.get(first.range.end).is_some_and(|token| token.any(&["is", "are"]));
    let start = first.range.end + usize::from(be);
    let Some(and) = (start + 1..end.saturating_sub(1))
        .find(|at| sentence.tokens[*at].is("and") && sentence.tag(at + 1) == Tag::Vbg)
    else {
        return;
    };
    let plain = |range: std::ops::Range<usize>| {
        !sentence.tokens[range].iter().any(|token| {
            token.tag == Tag::Cc
                || token.tag.is_finite()
                || token.tag == Tag::Punct
                || token.any(&["then", "it", "him", "her", "them"])
        })
    };
    if sentence.tag(start) == Tag::Vbg && plain(start..and) && plain(and + 1..end) {
        edits.offer(
            Kind::Role,
            "actions-reordered",
            Meaning::Same,
            exchange(&sentence.tokens, start..and, and + 1..end),
        );
    }
}

/// "A is doing X while B is doing Y": two things that last, in either order.
fn while_clauses(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let end = sentence.end();
    let Some(at) = (3..end.saturating_sub(3)).find(|at| sentence.tokens[*at].is("while")) else { return };
    let progressive = |tokens: &[Token]| {
        tokens.windows(2).any(|pair| is_be(&pair[0]) && pair[1].tag == Tag::Vbg)
            && tokens.iter().filter(|token| token.tag.is_finite()).count() == 1
            && !tokens.iter().any(|token| token.tag == Tag::Punct || matches!(token.tag, Tag::Prp | Tag::PrpS))
    };
    if progressive(&sentence.tokens[..at]) && progressive(&sentence.tokens[at + 1..end]) {
        edits.offer(
            Kind::Order,
            "simultaneous-reordered",
            Meaning::Same,
            exchange(&sentence.tokens, 0..at, at + 1..end),
        );
    }
}

/// "Ann Lee, the mayor of Rome, said": "the mayor of Rome, Ann Lee, said".
fn apposition(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    for phrase in sentence.phrases() {
        let range = phrase.range.clone();
        if sentence.word(range.end) != ","
            || !phrase.tag.is_name()
            || sentence.tokens[range.clone()].iter().any(|token| !token.tag.is_name())
        {
            continue;
        }
        let Some((second, false)) = sentence.full_phrase_at(range.end + 1) else { continue };
        let described = sentence.tokens[second.start].any(&["the", "a", "an"])
            && sentence.tag(second.end - 1).is_noun()
            && second.len() > 1;
        let closed = sentence.word(second.end) == "," && (sentence.tag(second.end + 1).is_finite() || range.start > 0);
        let title =
            sentence.phrase_at(second.start).is_some_and(|head| head.tag == Tag::Nn && sentence.is_person(head.range));
        if described
            && closed
            && title
            && (range.start == 0 || matches!(sentence.tag(range.start - 1), Tag::In | Tag::Vbd | Tag::Vbz | Tag::To))
        {
            edits.offer(Kind::Role, "apposition-reordered", Meaning::Same, exchange(&sentence.tokens, range, second));
        }
    }
}

/// "the mother of Ann", "Ann's mother".
fn possessive(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    for at in 0..sentence.tokens.len() {
        if sentence.tokens[at].is("the") && sentence.tag(at + 1).is_common_noun() && sentence.word(at + 2) == "of" {
            let Some(owner) = sentence
                .phrase_at(at + 3)
                .filter(|phrase| phrase.tag == Tag::Nnp && sentence.tag(phrase.range.start).is_name())
            else {
                continue;
            };
            let noun = sentence.word(at + 1);
            let relation = sentence.is_person(at + 1..at + 2)
                || [
                    "capital",
                    "population",
                    "history",
                    "economy",
                    "wife",
                    "house",
                    "death",
                    "career",
                    "work",
                    "name",
                    "climate",
                    "currency",
                ]
                .contains(&noun.as_str());
            if !relation
                || ["city", "state", "king", "queen", "president"].contains(&noun.as_str())
                || sentence.tag(owner.range.end) == Tag::Pos
                || ["and", "of", "(", ","].contains(&sentence.word(owner.range.end).as_str())
            {
                continue;
            }
            let mut new = super::spaced_like(&sentence.tokens[owner.range.clone()], &sentence.tokens[at]);
            let clitic = if sentence.tokens.iter().any(|token| token.tag == Tag::Punct && token.space) {
                Token::word("'s", Tag::Pos)
            } else {
                Token::attached("'s", Tag::Pos)
            };
            new.extend([clitic, sentence.tokens[at + 1].clone()]);
            edits.offer(
                Kind::Binding,
                "of-as-possessive",
                Meaning::Same,
                replace(&sentence.tokens, at..owner.range.end, new),
            );
        }
        if sentence.tag(at) == Tag::Pos && sentence.tag(at + 1) == Tag::Nn && !sentence.tag(at + 2).is_noun() {
            let Some(owner) =
                sentence.phrases().into_iter().find(|phrase| phrase.range.contains(&at) || phrase.range.end == at)
            else {
                continue;
            };
            let start = owner.range.start;
            let names = start < at && sentence.tokens[start..at].iter().all(|token| token.tag == Tag::Nnp);
            if names
                && ![".", "!", "?"].contains(&sentence.before(start).as_str())
                && sentence.is_person(at + 1..at + 2)
                && owner.range.end <= at + 2
            {
                let mut new = vec![
                    Token { text: "the".to_owned(), space: sentence.tokens[start].space, tag: Tag::Dt },
                    Token::word(sentence.tokens[at + 1].text.clone(), Tag::Nn),
                    Token::word("of", Tag::In),
                ];
                new.extend(super::spaced_like(&sentence.tokens[start..at], &Token::word("", Tag::Nn)));
                edits.offer(
                    Kind::Binding,
                    "possessive-as-of",
                    Meaning::Same,
                    replace(&sentence.tokens, start..at + 2, new),
                );
            }
        }
    }
}
