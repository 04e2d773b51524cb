//! Two parts of a sentence exchanged: across a verb it is another statement, across "and" it is the same.

use vetted_pairs::Kind;

use std::ops::Range;

use super::{Edits, exchange};
use crate::edit::Meaning;
use crate::lexicon::{Class, Lexicon};
use crate::sentence::{Phrase, Sentence};
use crate::tag::Tag;

/// Exchanges names, numbers, modifiers, nouns and conjuncts.
pub fn offer(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    let phrases = sentence.phrases();
    names(edits, &phrases);
    nouns(edits, &phrases);
    modifiers(edits, &phrases);
    between(edits);
}

/// Whether two places are in a list or in apposition, or stand to each other in a way that has no order.
fn symmetric(sentence: &Sentence, first: &Range<usize>, second: &Range<usize>) -> bool {
    let gap = &sentence.tokens[first.end..second.start];
    let listed = gap.iter().all(|token| token.tag == Tag::Punct || token.tag == Tag::Cc || token.tag.is_name());
    let undirected = gap.iter().any(|token| {
        token.any(&[
            "and",
            "or",
            "with",
            "between",
            "like",
            "versus",
            "vs",
            "vs.",
            "known",
            "called",
            "named",
            "aka",
            "alias",
            "also",
            "married",
            "meets",
            "met",
            "near",
            "nor",
            "as",
            "against",
            "including",
            "both",
            "equals",
            "adjacent",
            "opposite",
            "same",
            "(",
            ")",
            "&",
            "is",
            "are",
            "was",
            "were",
            "became",
            "remained",
        ])
    });
    // "X was defeated by Y" has an order; "X was Y" has none.
    let directed = gap.iter().any(|token| {
        token.any(&["by", "than", "from", "before", "after", "defeated", "won", "to"])
            || token.tag == Tag::Vbd && !token.any(&["was", "were", "met", "married", "became", "remained"])
    });
    listed || undirected && !directed
}

/// Two proper names in different roles.
fn names(edits: &mut Edits<'_>, phrases: &[Phrase]) {
    let sentence = edits.sentence;
    let bare = |phrase: &Phrase| -> Option<Range<usize>> {
        let start = phrase.range.clone().find(|at| sentence.tag(*at).is_name())?;
        let range = start..phrase.range.end;
        let all_names = sentence.tokens[range.clone()]
            .iter()
            .all(|token| token.tag.is_name() && token.text.starts_with(char::is_uppercase));
        let clear = sentence.word(range.end) != "'s" || sentence.tag(range.end) == Tag::Pos;
        (all_names && clear && !is_calendar(&sentence.word(start))).then_some(range)
    };
    for (index, first) in phrases.iter().enumerate() {
        let Some(one) = bare(first) else { continue };
        for second in &phrases[index + 1..] {
            let Some(two) = bare(second) else { continue };
            if sentence.before(one.start) == "of" && sentence.before(two.start) == "in"
                || sentence.is_person(one.clone()) != sentence.is_person(two.clone())
                || symmetric(sentence, &one, &two)
                || first.tag != second.tag
                || is_place(sentence, &one) != is_place(sentence, &two)
                || (sentence.before(one.start) == "the") != (sentence.before(two.start) == "the")
                || sentence.tokens[one.clone()]
                    .iter()
                    .any(|token| sentence.tokens[two.clone()].iter().any(|other| other.is(&token.text)))
            {
                continue;
            }
            let verbs = sentence.tokens[one.end..two.start].iter().any(|token| token.tag.is_verb());
            let (kind, phenomenon) =
                if verbs { (Kind::Role, "names-swapped") } else { (Kind::Binding, "names-swapped-in-phrase") };
            edits.offer(kind, phenomenon, Meaning::Different, exchange(&sentence.tokens, one.clone(), two));
        }
    }
}

fn is_calendar(word: &str) -> bool {
    vetted_english::month(word).is_some() || word.ends_with("day") && word.len() < 10
}

/// Whether a name stands where places do.
fn is_place(sentence: &Sentence, range: &Range<usize>) -> bool {
    let at = range.start.saturating_sub(usize::from(sentence.before(range.start) == "the"));
    ["in", "at", "near", "to", "from", "into", "through", "across", "around"].contains(&sentence.before(at).as_str())
}

/// Two common nouns (their heads or whole phrases) of the same number across a verb or preposition, people with people
/// and things with things of one sort.
fn nouns(edits: &mut Edits<'_>, phrases: &[Phrase]) {
    let sentence = edits.sentence;
    for (index, first) in phrases.iter().enumerate() {
        for second in phrases[index + 1..].iter().take(3) {
            if first.tag != second.tag
                || !first.tag.is_common_noun()
                || symmetric(sentence, &first.range, &second.range)
            {
                continue;
            }
            let (head, other) = (sentence.word(first.range.end - 1), sentence.word(second.range.end - 1));
            let gap = first.range.end..second.range.start;
            if head == other || gap.is_empty() || !alike(&head, &other, first.tag) {
                continue;
            }
            if sentence.word(gap.start) == "of"
                || sentence.tag(gap.start) == Tag::Pos
                || sentence.tag(second.range.end) == Tag::Pos
            {
                continue;
            }
            if sentence.tokens[gap.clone()].iter().any(|token| token.tag == Tag::Punct) {
                continue;
            }
            let verbs = sentence.tokens[gap.clone()].iter().any(|token| token.tag.is_verb());
            let prepositional = sentence.tokens[gap].iter().any(|token| token.tag == Tag::In);
            if !verbs && !prepositional {
                continue;
            }
            let kind = if verbs { Kind::Role } else { Kind::Binding };
            edits.offer(
                kind,
                "noun-phrases-swapped",
                Meaning::Different,
                exchange(&sentence.tokens, first.range.clone(), second.range.clone()),
            );
            let (one, two) = (first.range.end - 1, second.range.end - 1);
            if first.range.len() > 1
                && second.range.len() > 1
                && sentence.tag(one.saturating_sub(1)).is_adjective() | sentence.tag(two - 1).is_adjective()
            {
                edits.offer(
                    Kind::Binding,
                    "heads-swapped",
                    Meaning::Different,
                    exchange(&sentence.tokens, one..one + 1, two..two + 1),
                );
            }
        }
    }
}

/// Whether two nouns name things that could stand in each other's place.
fn alike(one: &str, other: &str, tag: Tag) -> bool {
    let lexicon = Lexicon::embedded();
    if lexicon.is_person(one) && lexicon.is_person(other) {
        return true;
    }
    let base = |word: &str| if tag == Tag::Nns { vetted_english::singular(word) } else { Some(word.to_owned()) };
    let (Some(one), Some(other)) = (base(one), base(other)) else { return false };
    let concrete = |word: &str| lexicon.siblings(Class::Noun, word).any(|group| group.things);
    concrete(&one) && concrete(&other) && !lexicon.is_person(&one) && !lexicon.is_person(&other)
}

/// The modifiers of two nouns: "a black cat and a white dog".
fn modifiers(edits: &mut Edits<'_>, phrases: &[Phrase]) {
    let sentence = edits.sentence;
    let modifier = |phrase: &Phrase| -> Option<usize> {
        let adjectives: Vec<usize> = phrase.range.clone().filter(|at| sentence.tag(*at) == Tag::Jj).collect();
        let [at] = adjectives.as_slice() else { return None };
        let noun = phrase.tag.is_common_noun() && sentence.tag(at + 1).is_common_noun();
        (noun
            && !sentence.tokens[*at].any(&[
                "other",
                "same",
                "own",
                "such",
                "many",
                "several",
                "more",
                "certain",
                "few",
                "much",
                "different",
                "various",
            ]))
        .then_some(*at)
    };
    for (index, first) in phrases.iter().enumerate() {
        let Some(one) = modifier(first) else { continue };
        for second in &phrases[index + 1..] {
            let Some(two) = modifier(second) else { continue };
            let same_noun = sentence.word(first.range.end - 1) == sentence.word(second.range.end - 1);
            if sentence.word(one) != sentence.word(two) && !same_noun {
                edits.offer(
                    Kind::Binding,
                    "modifiers-swapped",
                    Meaning::Different,
                    exchange(&sentence.tokens, one..one + 1, two..two + 1),
                );
            }
        }
    }
    let counted = |phrase: &Phrase| {
        phrase.range.clone().find(|at| sentence.tag(*at) == Tag::Cd && sentence.tag(at + 1) == Tag::Nns)
    };
    for (index, first) in phrases.iter().enumerate() {
        let Some(one) = counted(first) else { continue };
        for second in &phrases[index + 1..] {
            let Some(two) = counted(second) else { continue };
            if sentence.word(one) != sentence.word(two) && sentence.word(one + 1) != sentence.word(two + 1) {
                edits.offer(
                    Kind::Number,
                    "counts-swapped",
                    Meaning::Conflict,
                    exchange(&sentence.tokens, one..one + 1, two..two + 1),
                );
            }
        }
    }
    let years: Vec<usize> = (0..sentence.tokens.len()).filter(|at| is_year(sentence, *at)).collect();
    for pair in years.windows(2) {
        let (one, two) = (pair[0], pair[1]);
        let gap = &sentence.tokens[one + 1..two];
        let apart = gap.iter().any(|token| token.tag.is_verb());
        let listed = gap.len() < 3
            || gap.iter().all(|token| {
                token.tag == Tag::Punct || token.tag == Tag::Cc || token.tag == Tag::Cd || token.tag.is_name()
            });
        if sentence.word(one) != sentence.word(two) && apart && !listed {
            edits.offer(
                Kind::Date,
                "years-swapped",
                Meaning::Conflict,
                exchange(&sentence.tokens, one..one + 1, two..two + 1),
            );
        }
    }
}

fn is_year(sentence: &Sentence, at: usize) -> bool {
    let text = &sentence.tokens[at].text;
    text.len() == 4
        && (text.starts_with('1') || text.starts_with("20"))
        && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// "from A to B": the ends exchanged are another way; the two phrases exchanged are the same way.
fn between(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    for at in 0..sentence.tokens.len() {
        if !sentence.tokens[at].is("from") {
            continue;
        }
        let Some(origin) = sentence.phrase_at(at + 1) else { continue };
        if !sentence.tokens.get(origin.range.end).is_some_and(|token| token.is("to")) {
            continue;
        }
        let Some(goal) = sentence.phrase_at(origin.range.end + 1) else { continue };
        let plain = |phrase: &Phrase| phrase.tag.is_noun();
        if !plain(&origin)
            || !plain(&goal)
            || matches!(sentence.tag(goal.range.end), Tag::Pos | Tag::Cc)
            || sentence.word(goal.range.end) == "of"
        {
            continue;
        }
        edits.offer(
            Kind::Direction,
            "ends-swapped",
            Meaning::Different,
            exchange(&sentence.tokens, origin.range.clone(), goal.range.clone()),
        );
        let (from, to) = (at..origin.range.end, origin.range.end..goal.range.end);
        edits.offer(
            Kind::Direction,
            "from-to-reordered",
            Meaning::Same,
            exchange(&sentence.tokens, from.clone(), to.clone()),
        );
        let mut both = exchange(&sentence.tokens, origin.range.clone(), goal.range.clone());
        let lengths = (goal.range.len() + 1, origin.range.len() + 1);
        both = exchange(&both, at..at + lengths.0, at + lengths.0..at + lengths.0 + lengths.1);
        edits.offer(Kind::Direction, "ends-swapped-and-reordered", Meaning::Different, both);
    }
}
