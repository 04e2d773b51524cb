//! Conjuncts and lists in another order, which say the same.

use std::ops::Range;

use vetted_pairs::Kind;

use super::{Edits, exchange};
use crate::edit::Meaning;
use crate::sentence::{Phrase, Sentence};
use crate::tag::Tag;

/// Reorders what is joined by "and" or "or".
pub fn offer(edits: &mut Edits<'_>) {
    conjuncts(edits);
    lists(edits, &edits.sentence.phrases());
    adjectives(edits);
}

/// Parts joined by "and" or "or", which may go in either order.
fn conjuncts(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    for at in 1..sentence.tokens.len().saturating_sub(1) {
        if !sentence.tokens[at].any(&["and", "or"]) || sentence.tokens[at - 1].tag == Tag::Punct {
            continue;
        }
        let Some((one, two)) = conjunct_ranges(sentence, at) else { continue };
        let kind = if sentence.tag(one.end - 1).is_name() { Kind::Role } else { Kind::Binding };
        edits.offer(kind, "conjuncts-reordered", Meaning::Same, exchange(&sentence.tokens, one, two));
    }
}

/// "A, B and C" in another order.
fn lists(edits: &mut Edits<'_>, phrases: &[Phrase]) {
    let sentence = edits.sentence;
    for three in phrases.windows(3) {
        let [a, b, c] = [&three[0].range, &three[1].range, &three[2].range];
        let comma = a.end + 1 == b.start && sentence.tokens[a.end].text == ",";
        let joint = &sentence.tokens[b.end..c.start];
        let joined = joint.last().is_some_and(|token| token.any(&["and", "or"]))
            && (joint.len() == 1 || joint.len() == 2 && joint[0].text == ",");
        let uniform = three.iter().all(|phrase| phrase.tag == three[0].tag && phrase.tag.is_noun())
            && three
                .iter()
                .all(|phrase| (sentence.tag(phrase.range.start) == Tag::Dt) == (sentence.tag(a.start) == Tag::Dt))
            && !three.iter().any(|phrase| {
                sentence.tokens[phrase.range.clone()].iter().any(|token| {
                    matches!(token.tag, Tag::PrpS | Tag::Pos | Tag::Cd) || token.any(&["other", "etc", "etc."])
                })
            });
        let plain_start = matches!(sentence.tag(a.start), Tag::Dt)
            || sentence.tag(a.start).is_name()
            || sentence.tag(a.start).is_common_noun();
        let free_after = sentence.tokens.get(c.end).is_none_or(|token| {
            token.tag == Tag::Punct && !(token.text == "," && three[0].tag.is_name()) && token.text != "("
                || token.tag.is_finite()
                || token.any(&["in", "at", "on"]) && three[0].tag.is_name()
        });
        // "In Paris, Ann and Bob": what goes before the comma must not be an adjunct.
        let verb_before = a.start > 0 && sentence.tag(a.start - 1).is_verb() && sentence.tag(a.start - 1) != Tag::Vbn;
        let sure = a.start == 0
            || verb_before
            || sentence.tag(a.start - 1) == Tag::In && a.start > 3 && sentence.before(a.start) != "of"
            || sentence.before(a.start) == ",";
        if comma && joined && uniform && plain_start && free_after && sure && !sentence.has(&["respectively"]) {
            let kind = if three[0].tag.is_name() { Kind::Role } else { Kind::Binding };
            edits.offer(kind, "list-reordered", Meaning::Same, exchange(&sentence.tokens, a.clone(), b.clone()));
            edits.offer(kind, "list-reordered", Meaning::Same, exchange(&sentence.tokens, a.clone(), c.clone()));
        }
    }
}

/// The two phrases around a conjunction, when both are of one make and nothing else can be attached to one of them only.
fn conjunct_ranges(sentence: &Sentence, at: usize) -> Option<(Range<usize>, Range<usize>)> {
    let second = sentence.phrase_at(at + 1).filter(|phrase| phrase.tag.is_noun())?;
    let first = sentence.phrases().into_iter().find(|phrase| phrase.range.end == at && phrase.tag.is_noun())?;
    let (one, two) = (first.range, second.range);
    if sentence.has(&["respectively"]) {
        return None;
    }
    // "Institute of Science and Technology" is one name.
    let inside_name = one.start > 1
        && sentence.tokens[one.start - 1].any(&["of", "for"])
        && sentence.tag(one.start - 2).is_name()
        && sentence.tag(one.start).is_name();
    if inside_name {
        return None;
    }
    let determined = |range: &Range<usize>| matches!(sentence.tag(range.start), Tag::Dt | Tag::PrpS);
    let names = |range: &Range<usize>| sentence.tokens[range.clone()].iter().all(|token| token.tag.is_name());
    let single = one.len() == 1 && two.len() == 1 && sentence.tag(one.start) == sentence.tag(two.start);
    let same_make = determined(&one) && determined(&two) || names(&one) && names(&two) || single;
    let before = one.start.checked_sub(1).map(|at| &sentence.tokens[at]);
    let free_before = before.is_none_or(|token| {
        matches!(token.tag, Tag::In | Tag::To | Tag::Vb | Tag::Vbd | Tag::Vbz | Tag::Vbp | Tag::Vbg | Tag::Vbn)
            && !token.is("between")
            || token.is("between")
    });
    let after = sentence.tokens.get(two.end);
    let free_after = after.is_none_or(|token| {
        token.tag == Tag::Punct && !token.any(&["(", ","])
            || token.tag.is_finite()
            || matches!(token.tag, Tag::Rb | Tag::To)
            || is_be_word(token)
            || token.text == ","
                && sentence.tag(two.end + 1) != Tag::Wdt
                && sentence.tag(two.end + 1) != Tag::Wp
                && names(&two) | single
            || token.any(&["in", "at", "on", "during", "from"]) && names(&two)
    });
    let pronoun = sentence.tokens[two.clone()]
        .iter()
        .any(|token| matches!(token.tag, Tag::PrpS | Tag::Prp) || token.any(&["other", "another", "more", "same"]));
    // "visited Rome and Paris is ...": the second conjunct is the subject of a clause of its own.
    let verbs_before = sentence.tokens[..one.start].iter().any(|token| token.tag.is_finite());
    let opens = one.start == 0 || sentence.before(one.start) == ",";
    let clause_follows = (verbs_before || !opens)
        && after.is_some_and(|token| {
            token.tag.is_finite() || is_be_word(token) || token.text.ends_with('s') && token.tag == Tag::Nns
        });
    // "by Ann in French and Bob in English": each conjunct has an adjunct of its own.
    let gapped = after.is_some_and(|token| token.tag == Tag::In) && before.is_some_and(|token| token.tag == Tag::In);
    (same_make
        && free_before
        && free_after
        && !pronoun
        && !clause_follows
        && !gapped
        && sentence.word(one.end - 1) != sentence.word(two.end - 1))
    .then_some((one, two))
}

fn is_be_word(token: &crate::token::Token) -> bool {
    token.any(&["is", "are", "was", "were"])
}

/// "long and narrow", "written and directed by".
fn adjectives(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    for at in 1..sentence.tokens.len().saturating_sub(1) {
        if !sentence.tokens[at].is("and") {
            continue;
        }
        let (one, two) = (at - 1, at + 1);
        let both = |tag: Tag| sentence.tag(one) == tag && sentence.tag(two) == tag;
        let before = one.checked_sub(1).map(|at| sentence.tag(at)).unwrap_or(Tag::Punct);
        let predicate = both(Tag::Jj)
            && !matches!(before, Tag::Jj | Tag::Rb | Tag::Rbr | Tag::Rbs | Tag::Cc)
            && (sentence.tag(two + 1).is_noun() || sentence.tag(two + 1) == Tag::Punct);
        let participles = both(Tag::Vbn)
            && sentence.tokens.get(two + 1).is_some_and(|token| token.is("by"))
            && !sentence.tokens[one].any(&["born", "called"]);
        if (predicate || participles)
            && sentence.tokens.get(two + 1).is_none_or(|token| token.text != "," || participles)
        {
            edits.offer(
                Kind::Binding,
                "conjuncts-reordered",
                Meaning::Same,
                exchange(&sentence.tokens, one..one + 1, two..two + 1),
            );
        }
    }
}
