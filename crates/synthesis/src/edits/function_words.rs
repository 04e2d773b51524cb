//! Quantifiers, modals and prepositions in place of others: groups that mean the same, and what contradicts them.

use vetted_pairs::Kind;

use super::{Edits, replace};
use crate::edit::Meaning;
use crate::tag::Tag;
use crate::token::Token;

/// Replaces function words wherever what follows shows their sense.
pub fn offer(edits: &mut Edits<'_>) {
    for at in 0..edits.sentence.tokens.len() {
        closed_class(edits, at);
    }
}

/// Groups of interchangeable and of contrary function words: quantifiers, modals, directions.
struct Closed {
    kind: Kind,
    from: &'static [&'static str],
    same: &'static [&'static str],
    contrary: &'static [&'static str],
    tags: &'static [Tag],
}

const CLOSED: &[Closed] = &[
    Closed {
        kind: Kind::Quantifier,
        from: &["many", "numerous", "a lot of", "a large number of"],
        same: &["many", "numerous", "a lot of", "a large number of"],
        contrary: &["few", "no", "a small number of"],
        tags: &[Tag::Nns],
    },
    Closed {
        kind: Kind::Quantifier,
        from: &["few", "not many", "a small number of"],
        same: &["few", "not many", "a small number of"],
        contrary: &["many", "most", "all"],
        tags: &[Tag::Nns],
    },
    Closed {
        kind: Kind::Quantifier,
        from: &["most", "the majority of"],
        same: &["most", "the majority of"],
        contrary: &["few", "no", "a minority of"],
        tags: &[Tag::Nns],
    },
    Closed {
        kind: Kind::Quantifier,
        from: &["all"],
        same: &["all"],
        contrary: &["no", "some", "few", "not all"],
        tags: &[Tag::Nns],
    },
    Closed { kind: Kind::Quantifier, from: &["some"], same: &["some"], contrary: &["all", "no"], tags: &[Tag::Nns] },
    Closed {
        kind: Kind::Quantifier,
        from: &["several", "a number of", "multiple"],
        same: &["several", "a number of", "multiple"],
        contrary: &["no", "two", "all"],
        tags: &[Tag::Nns],
    },
    Closed {
        kind: Kind::Quantifier,
        from: &["every", "each"],
        same: &["every", "each"],
        contrary: &["no", "not every", "hardly any"],
        tags: &[Tag::Nn],
    },
    Closed {
        kind: Kind::Modality,
        from: &["must", "has to", "is required to"],
        same: &["must", "has to", "is required to"],
        contrary: &["may", "might", "need not", "does not have to"],
        tags: &[Tag::Vb],
    },
    Closed {
        kind: Kind::Modality,
        from: &["may", "might", "could"],
        same: &["may", "might", "could"],
        contrary: &["must", "will certainly", "cannot"],
        tags: &[Tag::Vb],
    },
    Closed {
        kind: Kind::Modality,
        from: &["can", "is able to"],
        same: &["can", "is able to"],
        contrary: &["cannot", "must", "is unable to"],
        tags: &[Tag::Vb],
    },
    Closed {
        kind: Kind::Modality,
        from: &["should", "ought to"],
        same: &["should", "ought to"],
        contrary: &["should not", "must not"],
        tags: &[Tag::Vb],
    },
    Closed {
        kind: Kind::Modality,
        from: &["will", "is going to"],
        same: &["will", "is going to"],
        contrary: &["will not", "may", "might"],
        tags: &[Tag::Vb],
    },
    Closed {
        kind: Kind::Direction,
        from: &["above"],
        same: &["above", "over"],
        contrary: &["below", "under", "beneath"],
        tags: &[Tag::Dt, Tag::PrpS],
    },
    Closed {
        kind: Kind::Direction,
        from: &["beneath", "underneath"],
        same: &["under", "beneath", "underneath"],
        contrary: &["above", "over", "on top of"],
        tags: &[Tag::Dt, Tag::PrpS],
    },
    Closed {
        kind: Kind::Direction,
        from: &["behind", "in back of"],
        same: &["behind", "in back of"],
        contrary: &["in front of"],
        tags: &[Tag::Dt, Tag::PrpS],
    },
    Closed {
        kind: Kind::Direction,
        from: &["inside", "within"],
        same: &["inside", "within"],
        contrary: &["outside", "outside of"],
        tags: &[Tag::Dt, Tag::PrpS],
    },
    Closed {
        kind: Kind::Direction,
        from: &["outside", "outside of"],
        same: &["outside", "outside of"],
        contrary: &["inside", "within"],
        tags: &[Tag::Dt, Tag::PrpS],
    },
    Closed {
        kind: Kind::Direction,
        from: &["near", "close to"],
        same: &["near", "close to"],
        contrary: &["far from", "far away from"],
        tags: &[Tag::Dt, Tag::PrpS, Tag::Nnp],
    },
    Closed {
        kind: Kind::Direction,
        from: &["towards", "toward"],
        same: &["towards", "toward"],
        contrary: &["away from"],
        tags: &[Tag::Dt, Tag::PrpS, Tag::Nnp],
    },
    Closed {
        kind: Kind::Direction,
        from: &["into"],
        same: &["into"],
        contrary: &["out of"],
        tags: &[Tag::Dt, Tag::PrpS],
    },
    Closed {
        kind: Kind::Direction,
        from: &["with"],
        same: &["with"],
        contrary: &["without"],
        tags: &[Tag::Dt, Tag::Jj],
    },
    Closed {
        kind: Kind::Comparison,
        from: &["more than", "over"],
        same: &["more than", "over"],
        contrary: &["less than", "fewer than", "exactly"],
        tags: &[Tag::Cd],
    },
    Closed {
        kind: Kind::Comparison,
        from: &["less than", "fewer than", "under"],
        same: &["less than", "fewer than", "under"],
        contrary: &["more than", "over", "at least"],
        tags: &[Tag::Cd],
    },
    Closed {
        kind: Kind::Comparison,
        from: &["at least", "no fewer than", "not less than"],
        same: &["at least", "no fewer than", "not less than"],
        contrary: &["at most", "less than", "fewer than"],
        tags: &[Tag::Cd],
    },
    Closed {
        kind: Kind::Comparison,
        from: &["at most", "no more than", "not more than"],
        same: &["at most", "no more than", "not more than"],
        contrary: &["at least", "more than", "over"],
        tags: &[Tag::Cd],
    },
    Closed {
        kind: Kind::Order,
        from: &["before", "prior to"],
        same: &["before", "prior to"],
        contrary: &["after"],
        tags: &[Tag::Dt, Tag::Nnp, Tag::Vbg],
    },
    Closed {
        kind: Kind::Order,
        from: &["after"],
        same: &["following", "after"],
        contrary: &["before", "prior to"],
        tags: &[Tag::Dt, Tag::Nnp],
    },
    Closed { kind: Kind::Order, from: &["since"], same: &["since"], contrary: &["until", "before"], tags: &[Tag::Cd] },
    Closed {
        kind: Kind::Order,
        from: &["until", "up to", "till"],
        same: &["until", "up to", "till"],
        contrary: &["since", "from", "after"],
        tags: &[Tag::Cd],
    },
    Closed { kind: Kind::Comparison, from: &["more"], same: &["more"], contrary: &["less"], tags: &[Tag::Jj] },
    Closed {
        kind: Kind::Comparison,
        from: &["less", "not as"],
        same: &["less", "not as"],
        contrary: &["more"],
        tags: &[],
    },
];

fn closed_class(edits: &mut Edits<'_>, at: usize) {
    let sentence = edits.sentence;
    for group in CLOSED {
        for form in group.from {
            let length = form.split(' ').count();
            let matches = form
                .split(' ')
                .enumerate()
                .all(|(offset, word)| sentence.tokens.get(at + offset).is_some_and(|token| token.text == word));
            let next = at + length;
            if !matches || !group.tags.contains(&sentence.tag(next)) {
                continue;
            }
            let before = sentence.before(at);
            // "after the show ended" is a clause, which "following" cannot open.
            let rest = sentence.tokens[next..].iter().take_while(|token| token.tag != Tag::Punct);
            if group.kind == Kind::Order && rest.clone().any(|token| token.tag.is_finite())
                || form == &"with" && (sentence.word(next) == "no" || edits.random.chance(0.7))
            {
                continue;
            }
            let place_of = form == &"before"
                && at > 0
                && sentence.tag(at - 1).is_verb()
                && sentence.tokens[at - 1].any(&[
                    "appear",
                    "appeared",
                    "appearing",
                    "testify",
                    "testified",
                    "stood",
                    "standing",
                    "sat",
                    "sitting",
                    "went",
                    "spoke",
                    "brought",
                    "stand",
                ]);
            if place_of
                || sentence.tag(at) == Tag::Rp
                || [
                    "a", "an", "not", "n't", "as", "so", "too", "how", "the", "his", "their", "very", "at", "than",
                    "no", "these", "those", "just", "ever",
                ]
                .contains(&before.as_str())
            {
                continue;
            }
            if group.kind == Kind::Modality
                && sentence.clause().is_none_or(|clause| {
                    clause.finite != at && clause.finite + 1 != at
                        || clause.plural
                        || sentence.tag(clause.subject.start) == Tag::Prp
                            && sentence.tokens[clause.subject.start].any(&["i", "you", "we", "they"])
                })
            {
                continue;
            }
            let same: Vec<&str> = group.same.iter().copied().filter(|other| other != form).collect();
            for (choices, meaning, name) in [
                (same.as_slice(), Meaning::Same, "function-word-synonym"),
                (group.contrary, Meaning::Conflict, "function-word-contrary"),
            ] {
                if let Some(choice) = edits.random.pick(choices).copied() {
                    let new: Vec<Token> = choice
                        .split(' ')
                        .map(|word| Token::word(word, if word == "not" { Tag::Rb } else { sentence.tag(at) }))
                        .collect();
                    let new = super::spaced_like(&new, &sentence.tokens[at]);
                    let tokens = replace(&sentence.tokens, at..next, new);
                    let meaning =
                        if meaning == Meaning::Conflict && matches!(group.kind, Kind::Modality | Kind::Quantifier) {
                            Meaning::Different
                        } else {
                            meaning
                        };
                    edits.offer(group.kind, name, meaning, tokens);
                }
            }
        }
    }
}
