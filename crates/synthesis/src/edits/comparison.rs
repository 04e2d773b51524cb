//! Comparisons, places and transfers that can be told from either end: "A is taller than B", "B is shorter than A".

use vetted_pairs::Kind;

use std::ops::Range;

use super::{Edits, exchange, replace};
use crate::edit::Meaning;
use crate::morphology::{conjugate, verb_base};
use crate::sentence::{Sentence, is_be};
use crate::tag::Tag;
use crate::token::Token;

const CONVERSE: &[(&str, &str)] = &[
    ("taller", "shorter"),
    ("older", "younger"),
    ("larger", "smaller"),
    ("bigger", "smaller"),
    ("higher", "lower"),
    ("longer", "shorter"),
    ("faster", "slower"),
    ("heavier", "lighter"),
    ("better", "worse"),
    ("earlier", "later"),
    ("richer", "poorer"),
    ("stronger", "weaker"),
    ("hotter", "colder"),
    ("warmer", "cooler"),
    ("greater", "smaller"),
    ("more", "less"),
    ("wider", "narrower"),
    ("deeper", "shallower"),
    ("thicker", "thinner"),
    ("brighter", "dimmer"),
    ("harder", "easier"),
    ("cheaper", "costlier"),
    ("closer", "farther"),
    ("superior", "inferior"),
];
const PLACES: &[(&str, &str)] = &[
    ("north", "south"),
    ("east", "west"),
    ("northeast", "southwest"),
    ("northwest", "southeast"),
    ("above", "below"),
    ("behind", "ahead"),
    ("left", "right"),
    ("under", "above"),
    ("upstream", "downstream"),
];
const TRANSFERS: &[(&str, &str, &str, &str)] = &[
    ("buy", "from", "sell", "to"),
    ("purchase", "from", "sell", "to"),
    ("acquire", "from", "sell", "to"),
    ("borrow", "from", "lend", "to"),
    ("receive", "from", "give", "to"),
];

fn converse(table: &[(&'static str, &'static str)], word: &str) -> Option<&'static str> {
    table.iter().find_map(|(one, other)| {
        if *one == word {
            Some(*other)
        } else if *other == word {
            Some(*one)
        } else {
            None
        }
    })
}

/// Reverses comparisons, positions and transfers, with and without exchanging their ends.
pub fn offer(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    if sentence.is_question() || sentence.has_negation() {
        return;
    }
    compared(edits);
    transferred(edits);
    beside(edits);
}

fn compared(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    for at in 2..sentence.tokens.len() {
        let word = sentence.word(at);
        let than = (at + 1..(at + 3).min(sentence.tokens.len())).find(|than| sentence.tokens[*than].is("than"));
        let found = match than {
            Some(than) if sentence.tag(than - 1).is_adjective() => {
                converse(CONVERSE, &word).map(|other| (other, than + 1, Kind::Comparison))
            }
            None if sentence.word(at + 1) == "of" => {
                converse(PLACES, &word).map(|other| (other, at + 2, Kind::Direction))
            }
            _ => None,
        };
        let Some((other, second, kind)) = found else { continue };
        let mut reversed = sentence.tokens.clone();
        reversed[at].text = other.to_owned();
        if sentence.tag(second) != Tag::Cd {
            edits.offer(kind, "comparison-reversed", Meaning::Conflict, reversed.clone());
        }
        let Some((first, second)) = ends(sentence, at, second) else { continue };
        edits.offer(
            kind,
            "compared-swapped",
            Meaning::Conflict,
            exchange(&sentence.tokens, first.clone(), second.clone()),
        );
        edits.offer(kind, "compared-swapped-and-reversed", Meaning::Same, exchange(&reversed, first, second));
    }
}

/// Subject and standard of a comparison that is the whole sentence.
fn ends(sentence: &Sentence, at: usize, second: usize) -> Option<(Range<usize>, Range<usize>)> {
    let clause = sentence.clause().filter(|clause| clause.fronted.is_empty())?;
    let (standard, plural) = sentence.full_phrase_at(second)?;
    let be = is_be(&sentence.tokens[clause.finite]) || sentence.tokens[clause.finite].any(&["lies", "sits", "stands"]);
    let pronoun = sentence.tag(standard.start) == Tag::Prp
        || sentence.tag(clause.subject.start) == Tag::Prp
        || sentence.tokens[standard.clone()].iter().any(|token| token.tag == Tag::PrpS);
    let near = (1..7).contains(&at.saturating_sub(clause.finite))
        && sentence.tokens[clause.finite + 1..at].iter().all(|token| {
            token.tag == Tag::Cd
                || token.tag == Tag::Rb
                || token.any(&[
                    "located",
                    "situated",
                    "to",
                    "the",
                    "miles",
                    "mi",
                    "km",
                    "kilometers",
                    "kilometres",
                    "about",
                    "just",
                    "m",
                    "significantly",
                    "much",
                    "slightly",
                ])
        });
    let whole = standard.end == sentence.end() && sentence.tag(standard.end - 1).is_noun();
    (be && !pronoun && near && whole && plural == clause.plural).then_some((clause.subject, standard))
}

/// "A bought X from B", "B sold X to A".
fn transferred(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let Some(clause) = sentence.clause().filter(|clause| !clause.auxiliary && clause.subject.end == clause.finite)
    else {
        return;
    };
    let verb = &sentence.tokens[clause.finite];
    let Some(base) = verb_base(&verb.lower(), verb.tag) else { return };
    let forward = TRANSFERS.iter().find(|row| row.0 == base).map(|row| (row.1, row.2, row.3));
    let backward = TRANSFERS.iter().find(|row| row.2 == base).map(|row| (row.3, row.0, row.1));
    let Some((link, other_verb, other_link)) = forward.or(backward) else { return };
    let Some((goods, _)) = sentence.full_phrase_at(clause.finite + 1) else { return };
    if sentence.word(goods.end) != link {
        return;
    }
    let Some((partner, plural)) = sentence.full_phrase_at(goods.end + 1) else { return };
    let named = sentence.tag(partner.end - 1).is_name() || sentence.is_person(partner.clone());
    let people = base == "buy"
        || base == "sell"
        || base == "purchase"
        || base == "acquire"
        || sentence.is_person(partner.clone()) && sentence.is_person(clause.subject.clone());
    let possessive = sentence.tokens[partner.clone()].iter().any(|token| token.tag == Tag::PrpS);
    if !named
        || !people
        || possessive
        || plural != clause.plural
        || sentence.tag(clause.subject.start) == Tag::Prp
        || sentence.tag(partner.start) == Tag::Prp
    {
        return;
    }
    let mut turned = sentence.tokens.clone();
    turned[clause.finite].text = conjugate(other_verb, verb.tag);
    turned[goods.end].text = other_link.to_owned();
    edits.offer(Kind::Role, "transfer-reversed", Meaning::Different, turned.clone());
    edits.offer(
        Kind::Role,
        "transfer-ends-swapped",
        Meaning::Different,
        exchange(&sentence.tokens, clause.subject.clone(), partner.clone()),
    );
    edits.offer(Kind::Role, "transfer-told-from-other-end", Meaning::Same, exchange(&turned, clause.subject, partner));
}

/// "a cup next to a plate": neither comes first. "a cup on a plate": one is below.
fn beside(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let Some((first, one)) = sentence.full_phrase_at(0) else { return };
    let be = sentence.tokens.get(first.end).is_some_and(|token| token.any(&["is", "are", "was", "were"]));
    let at = first.end + usize::from(be);
    let (symmetric, length) = match (sentence.word(at).as_str(), sentence.word(at + 1).as_str()) {
        ("next", "to") => (true, 2),
        ("beside" | "near" | "alongside", _) => (true, 1),
        ("on", _) if sentence.word(at + 1) == "top" && sentence.word(at + 2) == "of" => (false, 3),
        ("in", "front") if sentence.word(at + 2) == "of" => (false, 3),
        ("behind" | "above" | "below" | "inside" | "under", _) => (false, 1),
        _ => return,
    };
    let Some((second, other)) = sentence.full_phrase_at(at + length) else { return };
    let common = sentence.tag(first.end - 1).is_common_noun() && sentence.tag(second.end - 1).is_common_noun();
    let pronoun = sentence.tokens.iter().any(|token| matches!(token.tag, Tag::PrpS | Tag::Prp));
    let misread = sentence.tag(first.end - 1) == Tag::Nns
        && sentence.tokens[0].any(&["a", "an"])
        && !sentence.tokens[first.clone()].iter().any(|token| token.is("of"));
    if misread || second.end != sentence.end() || !common || pronoun || be && one != other {
        return;
    }
    let meaning = if symmetric { Meaning::Same } else { Meaning::Different };
    let name = if symmetric { "neighbors-swapped" } else { "places-swapped" };
    edits.offer(Kind::Binding, name, meaning, exchange(&sentence.tokens, first.clone(), second.clone()));
    let other_side = match sentence.word(at).as_str() {
        "on" | "above" => "under",
        "in" => "behind",
        "behind" => "in front of",
        "below" | "under" => "above",
        _ => return,
    };
    let new: Vec<Token> = other_side.split(' ').map(|word| Token::word(word, Tag::In)).collect();
    let turned = replace(&sentence.tokens, at..at + length, new.clone());
    let shifted = second.start + new.len() - length..second.end + new.len() - length;
    if !symmetric {
        edits.offer(Kind::Direction, "place-reversed", Meaning::Conflict, turned.clone());
        edits.offer(Kind::Binding, "place-told-from-other-end", Meaning::Same, exchange(&turned, first, shifted));
    }
}
