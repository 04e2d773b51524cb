//! Details left out and put in: what is left says less, what is added may not be so.

use vetted_pairs::Kind;

use super::{Edits, replace};
use crate::edit::Meaning;
use crate::sentence::Sentence;
use crate::tag::Tag;
use crate::token::Token;

/// Drops and adds modifiers and adjuncts, and hedges.
pub fn offer(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    if sentence.is_question() {
        return;
    }
    if !downward(sentence) {
        drop_adjectives(edits);
        drop_adjunct(edits);
        drop_conjunct(edits);
        drop_parenthesis(edits);
        add_adjunct(edits);
    }
    hedge(edits);
}

/// Whether something in the sentence makes "less" into "more": negation, universals, superlatives, conditions.
fn downward(sentence: &Sentence) -> bool {
    sentence.has_negation()
        || sentence.has(&[
            "every", "all", "each", "any", "most", "if", "than", "first", "last", "least", "when", "whether", "until",
            "before", "same", "exactly", "sole", "than", "second", "third", "nearly", "almost", "fewer", "less",
            "best", "other", "another",
        ])
        || sentence.tokens.iter().any(|token| matches!(token.tag, Tag::Jjs | Tag::Rbs | Tag::Jjr))
}

/// Adjectives that a thing has whatever it is called.
const INTERSECTIVE: &[&str] = &[
    "red",
    "blue",
    "green",
    "yellow",
    "black",
    "white",
    "brown",
    "purple",
    "orange",
    "pink",
    "gray",
    "wooden",
    "metal",
    "plastic",
    "american",
    "british",
    "french",
    "german",
    "italian",
    "spanish",
    "russian",
    "chinese",
    "japanese",
    "indian",
    "canadian",
    "australian",
    "mexican",
    "young",
    "old",
    "large",
    "small",
    "beautiful",
    "famous",
    "striped",
    "round",
    "square",
    "local",
    "popular",
    "elderly",
    "blond",
    "happy",
    "tall",
    "crowded",
    "snowy",
    "sunny",
    "empty",
    "colorful",
    "bright",
    "dark",
    "dirty",
    "clean",
    "wet",
    "grassy",
    "sandy",
];

fn drop_adjectives(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    for at in 0..sentence.tokens.len() {
        let coordinated = ["and", "or", ","].contains(&sentence.before(at).as_str())
            || sentence.tokens.get(at + 1).is_some_and(|token| token.any(&["and", "or", ","]));
        if sentence.tag(at) == Tag::Jj
            && INTERSECTIVE.contains(&sentence.word(at).as_str())
            && sentence.tag(at + 1).is_common_noun()
            && !coordinated
        {
            edits.offer(Kind::Addition, "adjective-dropped", Meaning::Less, replace(&sentence.tokens, at..at + 1, []));
        }
        let place = sentence.tag(at).is_common_noun()
            && (at == 0 || matches!(sentence.tag(at - 1), Tag::Dt))
            && !matches!(sentence.tag(at + 1), Tag::Nn | Tag::Nns | Tag::Pos);
        if place {
            let person = sentence.is_person(at..at + 1);
            let choices: &[&str] = if person {
                &["young", "old", "tall", "happy", "famous", "blond"]
            } else {
                &["large", "small", "old", "new", "famous", "local"]
            };
            let adjective = edits.random.pick(choices).copied().unwrap_or("old");
            let new = Token { text: adjective.to_owned(), space: sentence.tokens[at].space, tag: Tag::Jj };
            let mut tokens = replace(&sentence.tokens, at..at, [new]);
            tokens[at + 1].space = true;
            if edits.random.chance(0.3) {
                edits.offer(Kind::Addition, "adjective-added", Meaning::More, tokens);
            }
        }
    }
}

/// A final "in ..." or "with ..." after a clause that is complete without it.
fn drop_adjunct(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let end = sentence.end();
    let Some(at) = (4..end).rev().take(7).find(|at| sentence.tag(*at) == Tag::In) else { return };
    let Some(phrase) = sentence.phrase_at(at + 1) else { return };
    let whole = phrase.range.end == end
        || sentence.tokens[at + 1..end]
            .iter()
            .all(|token| token.tag == Tag::Cd || token.tag.is_name() || token.text == ",");
    let adjunct =
        sentence.tokens[at].any(&["in", "on", "at", "during", "near", "with", "by", "behind", "under", "for"]);
    let before = sentence.tag(at - 1);
    let verb_needs_it = before.is_verb() && !matches!(before, Tag::Vbn)
        || matches!(before, Tag::In | Tag::To | Tag::Jj | Tag::Jjr | Tag::Punct | Tag::Cc);
    if whole && adjunct && !verb_needs_it && (before != Tag::Vbn || sentence.tokens[at].any(&["by", "in"])) {
        edits.offer(Kind::Addition, "adjunct-dropped", Meaning::Less, replace(&sentence.tokens, at..end, []));
    }
}

fn drop_conjunct(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let end = sentence.end();
    let Some(at) = (2..end).rev().take(8).find(|at| sentence.tokens[*at].is("and")) else { return };
    let Some(second) = sentence.phrase_at(at + 1).filter(|phrase| phrase.range.end == end && phrase.tag.is_noun())
    else {
        return;
    };
    let first_noun = sentence.tag(at - 1).is_noun();
    let determined = sentence.tag(second.range.start) == Tag::Dt
        || sentence.tokens[second.range.clone()].iter().all(|token| token.tag.is_name());
    let listed = sentence.tokens[..at].iter().any(|token| token.text == "," || token.any(&["between", "both"]));
    if first_noun && determined && !listed {
        edits.offer(Kind::Addition, "conjunct-dropped", Meaning::Less, replace(&sentence.tokens, at..end, []));
    }
}

fn drop_parenthesis(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let Some(open) = sentence.tokens.iter().position(|token| token.text == "(") else { return };
    let Some(length) = sentence.tokens[open..].iter().position(|token| token.text == ")") else { return };
    if open > 0 && open + length + 1 < sentence.tokens.len() {
        edits.offer(
            Kind::Addition,
            "parenthesis-dropped",
            Meaning::Less,
            replace(&sentence.tokens, open..open + length + 1, []),
        );
    }
}

fn add_adjunct(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let end = sentence.end();
    let has = |word: &str| sentence.tokens[end.saturating_sub(6)..end].iter().any(|token| token.is(word));
    if !sentence.tag(end - 1).is_noun() || sentence.tokens.len() > 30 {
        return;
    }
    if let Some(detail) = edits.pool.detail(edits.random)
        && !has(&detail[0].text)
        && !detail
            .iter()
            .skip(1)
            .any(|token| token.tag.is_noun() && sentence.tokens.iter().any(|other| other.is(&token.text)))
    {
        let tokens = replace(&sentence.tokens, end..end, detail.to_vec());
        edits.offer(Kind::Addition, "adjunct-added", Meaning::More, tokens);
    }
}

/// Adverbs before the main verb: some change nothing, others take the statement back.
fn hedge(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let Some(clause) = sentence.clause() else { return };
    if sentence.has_negation()
        || clause.subject.end != clause.finite
        || sentence.is_question()
        || sentence.tokens[clause.finite].text.starts_with('\'')
    {
        return;
    }
    let at = if clause.auxiliary { clause.finite + 1 } else { clause.finite };
    const NEUTRAL: [&str; 3] = ["indeed", "actually", "in fact"];
    const WEAKER: [&str; 6] = ["allegedly", "supposedly", "possibly", "perhaps", "reportedly", "nearly"];
    for (choices, meaning, name) in
        [(&NEUTRAL[..], Meaning::Same, "emphasis-inserted"), (&WEAKER[..], Meaning::Different, "hedge-inserted")]
    {
        if let Some(adverb) = edits.random.pick(choices).copied() {
            let new: Vec<Token> = adverb.split(' ').map(|word| Token::word(word, Tag::Rb)).collect();
            edits.offer(Kind::Modality, name, meaning, replace(&sentence.tokens, at..at, new));
        }
    }
}
