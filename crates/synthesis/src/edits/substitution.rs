//! One word or name in place of another: synonyms, opposites, siblings of one sort, other names.

use std::sync::LazyLock;

use vetted_pairs::Kind;

use super::{Edits, replace};
use crate::edit::Meaning;
use crate::lexicon::{Class, Lexicon, inflect};
use crate::tag::Tag;
use crate::token::Token;

/// Replaces single words by those that the lists allow, and names by other names.
pub fn offer(edits: &mut Edits<'_>) {
    for at in 0..edits.sentence.tokens.len() {
        word(edits, at);
    }
    names(edits);
}

fn put(edits: &mut Edits<'_>, at: usize, base: &str, kind: Kind, phenomenon: &'static str, meaning: Meaning) {
    let token = &edits.sentence.tokens[at];
    let text = inflect(base, token.tag);
    let capital = token.text.starts_with(char::is_uppercase);
    let text = if capital { crate::token::capitalize(&text) } else { text };
    let new = Token { text, ..token.clone() };
    let tokens = replace(&edits.sentence.tokens, at..at + 1, [new]);
    edits.offer(kind, phenomenon, meaning, tokens);
}

fn word(edits: &mut Edits<'_>, at: usize) {
    let sentence = edits.sentence;
    let lexicon = Lexicon::embedded();
    let token = &sentence.tokens[at];
    let lower = token.lower();
    let inside_name = sentence.tag(at + 1).is_name() || at > 0 && sentence.tag(at - 1).is_name();
    if inside_name || token.text != lower && !lexicon.siblings(Class::Adjective, &lower).any(|_| true) {
        return;
    }
    if token.tag == Tag::In
        && !matches!(sentence.tag(at + 1), Tag::Dt | Tag::PrpS | Tag::Nn | Tag::Nns | Tag::Nnp | Tag::Jj)
    {
        return;
    }
    let known = |class: Class, base: &str| {
        !lexicon.synonyms(class, base).is_empty()
            || lexicon.oppositions(class, base).next().is_some()
            || lexicon.siblings(class, base).next().is_some()
    };
    let Some((class, base)) = lexicon.base(&lower, token.tag, known) else { return };
    let head_of = class == Class::Noun && sentence.word(at + 1) == "of";
    let particle = class == Class::Verb && matches!(sentence.tag(at + 1), Tag::Rp | Tag::To | Tag::In);
    let compound =
        class == Class::Noun && (sentence.tag(at + 1).is_common_noun() || at > 0 && sentence.tag(at - 1) == Tag::Nn);
    let possessed = token.tag == Tag::Nns && sentence.tag(at + 1) == Tag::Pos;
    if possessed || particle || compound || idiom(sentence, at) {
        return;
    }
    let synonyms = lexicon.synonyms(class, &base);
    let opposite = lexicon.oppositions(class, &base).next().is_some();
    if let Some(synonym) = edits.random.pick(&synonyms).copied() {
        put(edits, at, synonym, if opposite { Kind::Antonym } else { Kind::Modifier }, "synonym", Meaning::Same);
    }
    let restricted = sentence.has(&["both", "other", "than"]);
    for (opposition, side) in lexicon.oppositions(class, &base) {
        if let Some(other) = edits.random.pick(&opposition.poles[1 - side]).copied().filter(|_| !restricted) {
            put(edits, at, other, Kind::Antonym, "antonym", Meaning::Conflict);
        }
    }
    for group in lexicon.siblings(class, &base) {
        let others: Vec<&str> = group.words.iter().copied().filter(|word| *word != base).collect();
        let Some(other) = edits.random.pick(&others).copied() else { continue };
        let (kind, phenomenon) =
            if group.things { (Kind::Entity, "thing-replaced") } else { (Kind::Modifier, "modifier-replaced") };
        if head_of {
            continue;
        }
        let visible = ["red", "wooden", "second", "round", "striped"].iter().any(|word| group.words.contains(word));
        let caption = !sentence.tokens.iter().any(|token| token.tag.is_finite() && !token.any(&["is", "are"]));
        let meaning = if visible || group.things && caption { Meaning::Conflict } else { Meaning::Different };
        put(edits, at, other, kind, phenomenon, meaning);
        if let Some(above) = group.above.filter(|_| {
            !sentence.has_negation()
                && !sentence.has(&["all", "every", "each", "any", "most", "than", "if"])
                && !sentence.is_question()
        }) {
            if token.tag == Tag::Nns && (above.contains(' ') || ["food", "drink", "fruit"].contains(&above)) {
                continue;
            }
            put(edits, at, above, Kind::Entity, "hypernym", Meaning::Less);
        }
    }
}

/// Places where a word has another sense: before, word, after; `None` is anything.
static IDIOMS: LazyLock<Vec<[Option<Vec<&'static str>>; 3]>> = LazyLock::new(|| {
    let lines = include_str!("../../data/idioms.txt").lines().filter(|line| !line.starts_with('#'));
    let column = |text: &'static str| (text != "*").then(|| text.split('|').collect());
    lines.filter_map(|line| line.split(' ').map(column).collect::<Vec<_>>().try_into().ok()).collect()
});

/// Whether a neighbor gives the word another sense.
fn idiom(sentence: &crate::sentence::Sentence, at: usize) -> bool {
    let words = [sentence.before(at), sentence.word(at), sentence.word(at + 1)];
    let fits = |(column, word): (&Option<Vec<&str>>, &String)| {
        column.as_ref().is_none_or(|words| words.contains(&word.as_str()))
    };
    IDIOMS.iter().any(|idiom| idiom.iter().zip(&words).all(fits))
}

fn is_jr(word: &str) -> bool {
    ["jr", "jr.", "sr", "sr.", "ii", "iii", "and"].contains(&word)
}

/// A name replaced by another that was seen in a like place; a given name dropped.
fn names(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    for phrase in sentence.phrases() {
        let range = phrase.range.clone();
        let bare = sentence.tokens[range.clone()]
            .iter()
            .all(|token| token.tag.is_name() && token.text.starts_with(char::is_uppercase));
        if phrase.tag != Tag::Nnp || !bare || vetted_english::month(&sentence.word(range.start)).is_some() {
            continue;
        }
        let person = sentence.is_person(range.clone());
        let before = sentence.before(range.start);
        if let Some(name) = edits.pool.name(&before, person, range.len(), edits.random) {
            let overlap = name.iter().any(|token| sentence.tokens.iter().any(|other| other.is(&token.text)));
            let conjoined = sentence.word(range.end) == "," || before == ",";
            if !overlap && !conjoined {
                let name = super::spaced_like(name, &sentence.tokens[range.start]);
                edits.offer(
                    Kind::Entity,
                    "name-replaced",
                    Meaning::Different,
                    replace(&sentence.tokens, range.clone(), name),
                );
            }
        }
        let mentions = sentence.tokens.iter().filter(|token| token.is(&sentence.tokens[range.end - 1].text)).count();
        let given = Lexicon::embedded().is_given_name(&sentence.tokens[range.start].text)
            && !is_jr(&sentence.word(range.end))
            && range.start > 0;
        if person && given && range.len() == 2 && mentions == 1 {
            let dropped = replace(&sentence.tokens, range.start..range.start + 1, []);
            edits.offer(Kind::Entity, "given-name-dropped", Meaning::Same, dropped);
        }
    }
}
