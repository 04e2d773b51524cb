//! A question and its answer as a statement.

use std::ops::Range;

use crate::edits::spaced_like;
use crate::morphology::conjugate;
use crate::sentence::{Sentence, is_be};
use crate::tag::Tag;
use crate::tagger::Tagger;
use crate::token::Token;

/// What a question says once it is answered: "When did Ann Lee found the museum?" and "1990" become "Ann Lee founded the
/// museum in 1990." `place` is the preposition that the answer had where it was found, if it had one. `None` where the
/// question's pattern is not clear.
pub fn state(question: &str, answer: &str, place: Option<&str>) -> Option<String> {
    let sentence = Sentence::parse(question).filter(Sentence::is_question)?;
    let answer = Tagger::embedded().tag_sentence(answer.trim_matches([' ', '.', ',', ';', '"']));
    if answer.is_empty() || answer.len() > 9 || sentence.has_negation() {
        return None;
    }
    let asked = Asked::parse(&sentence)?;
    let said = asked.answered(&sentence, answer, place);
    let mut tokens = asked.order(&sentence, said)?;
    tokens.push(Token::attached(".", Tag::Punct));
    let text = Sentence { tokens, capitalized: true }.text();
    (5..=26).contains(&text.split(' ').count()).then_some(text)
}

/// The part of a question that the answer takes the place of.
struct Asked {
    /// "who", "in which year", "how many people".
    range: Range<usize>,
    sort: Sort,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// A thing or a person.
    Thing,
    /// A number of what follows.
    Count,
    /// A time or a place, with its preposition.
    When,
    Where,
}

impl Asked {
    fn parse(sentence: &Sentence) -> Option<Asked> {
        let first = &sentence.tokens[0];
        for (word, sort) in [("who", Sort::Thing), ("when", Sort::When), ("where", Sort::Where)] {
            if first.is(word) {
                return Some(Asked { range: 0..1, sort });
            }
        }
        if first.is("how") && sentence.word(1) == "many" {
            let noun = (2..5).find(|at| sentence.tag(*at) == Tag::Nns)?;
            return Some(Asked { range: 0..noun + 1, sort: Sort::Count });
        }
        if !first.any(&["what", "which"]) {
            return None;
        }
        let noun = (1..5).take_while(|at| sentence.tag(*at).is_noun() || sentence.tag(*at).is_adjective()).last();
        let Some(noun) = noun.filter(|noun| sentence.tag(*noun).is_noun()) else {
            return Some(Asked { range: 0..1, sort: Sort::Thing });
        };
        let sort = if sentence.tokens[noun].any(&["year", "month", "decade"]) { Sort::When } else { Sort::Thing };
        Some(Asked { range: 0..noun + 1, sort })
    }

    /// The answer as the statement has it.
    fn answered(&self, sentence: &Sentence, answer: Vec<Token>, place: Option<&str>) -> Vec<Token> {
        let led = answer[0].tag == Tag::In || answer[0].tag == Tag::To;
        let preposition = match self.sort {
            Sort::When | Sort::Where if led => None,
            Sort::When | Sort::Where => {
                let day = answer.len() > 1 && answer.iter().any(|token| vetted_english::month(&token.text).is_some());
                let day = day && answer.iter().any(|token| token.tag == Tag::Cd && token.text.len() < 3);
                Some(place.filter(|place| PLACES.contains(place)).unwrap_or(if day { "on" } else { "in" }))
            }
            Sort::Thing | Sort::Count => None,
        };
        let mut tokens: Vec<Token> = preposition.map(|word| Token::word(word, Tag::In)).into_iter().collect();
        tokens.extend(spaced_like(&answer, &Token::word("", Tag::Nn)));
        if self.sort == Sort::Count && answer.iter().all(|token| token.tag == Tag::Cd) {
            tokens.extend_from_slice(&sentence.tokens[2..self.range.end]);
        }
        tokens
    }

    fn order(&self, sentence: &Sentence, said: Vec<Token>) -> Option<Vec<Token>> {
        let end = sentence.end();
        let verb = self.range.end;
        let finite =
            sentence.tokens.get(verb).filter(|_| sentence.tag(verb).is_finite() || is_be(&sentence.tokens[verb]))?;
        let timed = self.timed();
        let rest = |from: usize| sentence.tokens[from.min(end)..end].to_vec();
        if finite.any(&["do", "does", "did"]) {
            let (mut subject, plural) = sentence.full_phrase_at(verb + 1)?;
            // The tagger takes some verbs for the last noun of the subject.
            if !sentence.tokens.get(subject.end).is_some_and(|token| token.tag.is_verb() || token.tag.is_noun()) {
                subject.end -= 1;
            }
            let base = sentence.tokens.get(subject.end).filter(|token| !token.tag.is_name() && !subject.is_empty())?;
            let tag = match (finite.is("did"), plural || finite.is("do")) {
                (true, _) => Tag::Vbd,
                (false, true) => Tag::Vbp,
                (false, false) => Tag::Vbz,
            };
            let mut tokens = sentence.tokens[subject.clone()].to_vec();
            tokens.push(Token::word(conjugate(&base.lower(), tag), tag));
            let tail = rest(subject.end + 1);
            return self.placed(tokens, tail, said);
        }
        let auxiliary = is_be(finite) || finite.tag == Tag::Md || finite.any(&["has", "have", "had"]);
        if auxiliary && let Some((subject, _)) = sentence.full_phrase_at(verb + 1) {
            let tail = rest(subject.end);
            if is_be(finite) && tail.is_empty() {
                // "Who was the first king of X?", "When was the battle?"
                if timed || sentence.word(subject.start) == "the" || self.sort == Sort::Count {
                    let subject = sentence.tokens[subject].to_vec();
                    return Some([subject, vec![finite.clone()], said].concat());
                }
                return Some([said, vec![finite.clone()], sentence.tokens[subject].to_vec()].concat());
            }
            // "who is the king of X that ...": one phrase, which ends later than it seems.
            let verbal = tail.first().is_some_and(|token| token.tag.is_verb() || token.tag == Tag::Rb);
            if !verbal {
                let one_phrase = is_be(finite) && !timed && matches!(tail[0].tag, Tag::In | Tag::To);
                return one_phrase.then(|| [said, vec![finite.clone()], rest(verb + 1)].concat());
            }
            let mut tokens = sentence.tokens[subject].to_vec();
            tokens.push(finite.clone());
            let group = tail.iter().take_while(|token| token.tag.is_verb() || token.tag == Tag::Rb).count();
            tokens.extend_from_slice(&tail[..group]);
            return self.placed(tokens, tail[group..].to_vec(), said);
        }
        // "Who won the prize?", "How many people live there?", "What is located in X?"
        if timed {
            return None;
        }
        Some([said, rest(verb)].concat())
    }

    /// Whether a time or a place is asked for.
    fn timed(&self) -> bool {
        matches!(self.sort, Sort::When | Sort::Where)
    }

    /// Subject and verb, what is said, and the rest, in the order that they have in a statement.
    fn placed(&self, head: Vec<Token>, tail: Vec<Token>, said: Vec<Token>) -> Option<Vec<Token>> {
        let stranded = tail.last().is_some_and(|token| matches!(token.tag, Tag::In | Tag::To | Tag::Rp));
        if self.timed() || stranded || tail.is_empty() {
            return Some([head, tail, said].concat());
        }
        matches!(tail[0].tag, Tag::In | Tag::To).then(|| [head, said, tail].concat())
    }
}

/// Prepositions of times and places.
const PLACES: &[&str] = &[
    "in", "on", "at", "during", "near", "from", "since", "by", "around", "between", "until", "within", "to", "before",
    "after",
];

#[cfg(test)]
mod tests {
    use super::state;

    #[test]
    fn answered_questions_become_statements() {
        let cases = [
            ("When did Ann Lee found the museum?", "1990", Some("in"), Some("Ann Lee founded the museum in 1990.")),
            ("When was the museum founded?", "4 May 1990", Some("on"), Some("The museum was founded on 4 May 1990.")),
            ("Where is the museum?", "Ohio", None, Some("The museum is in Ohio.")),
            ("Who founded the museum?", "Ann Lee", Some("by"), Some("Ann Lee founded the museum.")),
            ("Who was the first king of France?", "Clovis", None, Some("The first king of France was Clovis.")),
            ("When was the museum founded?", "4 May 1990", Some("("), Some("The museum was founded on 4 May 1990.")),
            ("How many children did Ann Lee have?", "five", None, Some("Ann Lee had five children.")),
            ("How many people live in Ohio?", "11 million", None, Some("11 million people live in Ohio.")),
            ("What did Ann Lee discover in 1990?", "radium", None, Some("Ann Lee discovered radium in 1990.")),
            ("What is the museum made of?", "stone", None, Some("The museum is made of stone.")),
            ("What year was the museum founded?", "1990", None, Some("The museum was founded in 1990.")),
            ("Why did Ann Lee leave?", "it rained", None, None),
            ("The museum is in Ohio.", "Ohio", None, None),
        ];
        for (question, answer, place, expected) in cases {
            assert_eq!(state(question, answer, place).as_deref(), expected, "{question}");
        }
    }
}
