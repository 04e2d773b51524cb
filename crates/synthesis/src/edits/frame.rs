//! How a question begins: ways that ask the same, and ways that ask something else.

use vetted_pairs::Kind;

use super::{Edits, exchange, replace};
use crate::edit::Meaning;
use crate::tag::Tag;
use crate::token::Token;

struct Frame {
    same: &'static [&'static str],
    other: &'static [&'static str],
}

const FRAMES: &[Frame] = &[
    Frame {
        same: &[
            "how do i",
            "how can i",
            "what is the best way to",
            "how should i",
            "how do you",
            "how can one",
            "what should i do to",
            "how does one",
            "how can you",
        ],
        other: &["why do i", "when should i", "should i", "why should i", "where can i", "how often do i"],
    },
    Frame {
        same: &["what are the best ways to", "what are some good ways to", "what are good ways to"],
        other: &["what are the worst ways to", "what are the reasons to"],
    },
    Frame {
        same: &["is it possible to", "is there a way to", "is there any way to"],
        other: &["is it legal to", "is it necessary to", "is it dangerous to"],
    },
    Frame {
        same: &["how long does it take to", "how much time does it take to"],
        other: &["how much does it cost to", "how hard is it to"],
    },
    Frame {
        same: &["how much does it cost to", "what does it cost to", "what is the cost to"],
        other: &["how long does it take to", "how safe is it to"],
    },
    Frame {
        same: &["where can i find", "where do i find", "where could i find"],
        other: &["how can i hide", "when can i find", "why can't i find"],
    },
    Frame {
        same: &["what is the best", "which is the best"],
        other: &["what is the worst", "what is the cheapest", "what is the oldest"],
    },
    Frame {
        same: &["what are the best", "which are the best"],
        other: &["what are the worst", "what are the cheapest"],
    },
    Frame { same: &["what are some", "what are a few"], other: &["why are there some", "who has some"] },
    Frame {
        same: &["what are the advantages of", "what are the benefits of", "what are the pros of"],
        other: &["what are the disadvantages of", "what are the drawbacks of", "what is the cost of"],
    },
    Frame {
        same: &["what is the meaning of", "what is meant by"],
        other: &["what is the origin of", "what is the opposite of"],
    },
    Frame {
        same: &["what is the reason for", "what is the cause of"],
        other: &["what is the effect of", "what is the cure for"],
    },
    Frame {
        same: &["what happens if", "what would happen if"],
        other: &["what happens unless", "how likely is it that"],
    },
    Frame {
        same: &["who invented", "who was the inventor of"],
        other: &["who sold", "when did they invent", "why did they invent"],
    },
    Frame {
        same: &["what is the difference between", "what are the differences between"],
        other: &["what is the similarity between", "what is the relationship between"],
    },
    Frame {
        same: &["how many people live in", "what is the population of"],
        other: &["how many people left", "what is the area of"],
    },
    Frame {
        same: &["what do you think about", "what is your opinion of", "what do you think of"],
        other: &["what did you forget about", "what do others know about"],
    },
    Frame {
        same: &["why do people", "why is it that people"],
        other: &["how do people", "when do people", "where do people", "why don't people"],
    },
    Frame { same: &["why is", "why exactly is"], other: &["when is", "where is", "why isn't"] },
    Frame { same: &["why does", "why exactly does"], other: &["how does", "when does", "why doesn't"] },
    Frame { same: &["how does", "in what way does"], other: &["why does", "when does"] },
    Frame { same: &["when did", "at what time did", "when was it that"], other: &["where did", "why did", "how did"] },
    Frame { same: &["should i"], other: &["how do i", "when should i", "why shouldn't i"] },
    Frame { same: &["can i", "may i"], other: &["should i", "must i", "how can i", "why can't i"] },
];

/// Other beginnings of a question, and conversions in the other direction.
pub fn offer(edits: &mut Edits<'_>) {
    convert(edits);
    let sentence = edits.sentence;
    if !sentence.is_question() || sentence.tokens[..sentence.end()].iter().any(|token| token.any(&["?", ".", ":"])) {
        return;
    }
    let text = sentence.tokens.iter().map(Token::lower).collect::<Vec<_>>().join(" ");
    let mut frames: Vec<(&Frame, &&str)> = FRAMES
        .iter()
        .flat_map(|frame| frame.same.iter().map(move |form| (frame, form)))
        .filter(|(_, form)| text.starts_with(&format!("{form} ")))
        .collect();
    frames.sort_by_key(|(_, form)| std::cmp::Reverse(form.len()));
    let Some((frame, form)) = frames.first().copied() else { return };
    let length = form.split(' ').count();
    if length + 1 >= sentence.end() || sentence.tag(length) == Tag::Wdt {
        return;
    }
    // After "when did" and the like the subject follows, which "when was it that" would not leave in place.
    let same: Vec<&&str> = frame
        .same
        .iter()
        .filter(|other| {
            *other != form && !other.ends_with("that") && (form.starts_with("how do you") || !other.is_empty())
        })
        .collect();
    for (choices, meaning, name) in [
        (same, Meaning::Same, "question-reworded"),
        (frame.other.iter().collect(), Meaning::Different, "question-changed"),
    ] {
        if let Some(choice) = edits.random.pick(&choices).copied() {
            let new: Vec<Token> = choice
                .split(' ')
                .map(|word| {
                    Token::word(
                        if word == "i" { "I" } else { word },
                        crate::tagger::Tagger::embedded().tag_sentence(word).first().map_or(Tag::Nn, |token| token.tag),
                    )
                })
                .collect();
            edits.offer(Kind::Other, name, meaning, replace(&sentence.tokens, 0..length, new));
        }
    }
}

/// "convert feet to meters", "convert meters to feet".
fn convert(edits: &mut Edits<'_>) {
    let sentence = edits.sentence;
    for at in 1..sentence.tokens.len() {
        if !sentence.tokens[at].any(&[
            "convert",
            "converting",
            "change",
            "switch",
            "translate",
            "transfer",
            "migrate",
            "upgrade",
            "move",
            "travel",
            "switching",
            "transferring",
            "moving",
            "turn",
            "compare",
            "prefer",
        ]) {
            continue;
        }
        let start = at + 1 + usize::from(sentence.word(at + 1) == "from");
        let Some(first) = sentence.phrase_at(start).filter(|phrase| phrase.tag.is_noun()) else { continue };
        if !sentence.tokens.get(first.range.end).is_some_and(|token| token.any(&["to", "into"])) {
            continue;
        }
        let Some(second) = sentence.phrase_at(first.range.end + 1).filter(|phrase| phrase.tag.is_noun()) else {
            continue;
        };
        let pronoun = sentence.tokens[start..second.range.end].iter().any(|token| token.tag == Tag::PrpS);
        let symmetric = sentence.tokens[at].is("compare");
        if !pronoun && sentence.tag(second.range.end) != Tag::Pos && sentence.tag(second.range.end) != Tag::Cc {
            let (name, meaning) = if symmetric {
                ("comparison-reordered", Meaning::Same)
            } else {
                ("conversion-reversed", Meaning::Different)
            };
            edits.offer(Kind::Direction, name, meaning, exchange(&sentence.tokens, first.range, second.range));
        }
    }
}
