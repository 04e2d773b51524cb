//! Questions that a statement answers.

use vetted_english::month;

use crate::morphology::{conjugate, do_support, verb_base};
use crate::sentence::{Clause, Sentence, is_be};
use crate::tag::Tag;
use crate::token::Token;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asked {
    /// Who or what does it.
    Subject,
    /// When it happens.
    Time,
    /// Where it happens.
    Place,
    /// How many there are.
    Count,
    /// Whether it is so.
    Truth,
}

impl Asked {
    /// Every sort of question.
    pub const ALL: [Asked; 5] = [Asked::Subject, Asked::Time, Asked::Place, Asked::Count, Asked::Truth];

    /// The name of pairs made with it.
    pub fn phenomenon(self) -> &'static str {
        match self {
            Asked::Subject => "asks-who-or-what",
            Asked::Time => "asks-when",
            Asked::Place => "asks-where",
            Asked::Count => "asks-how-many",
            Asked::Truth => "asks-whether",
        }
    }
}

/// The question of a sort that a statement answers, when its pattern is clear enough.
pub fn ask(sentence: &Sentence, asked: Asked) -> Option<Sentence> {
    let end = sentence.end();
    let marks = [",", ";", ":", "\"", "``", "''", "(", "--", "“"];
    if sentence.is_question()
        || end > 26
        || sentence.tokens[..end].iter().any(|token| marks.contains(&token.text.as_str()))
    {
        return None;
    }
    let clause = sentence.clause().filter(|clause| clause.fronted.is_empty() && clause.subject.end == clause.finite)?;
    let subject = &sentence.tokens[clause.subject.clone()];
    if subject[0].any(&[
        "it", "there", "this", "that", "these", "those", "i", "you", "we", "what", "which", "some", "no", "none",
    ]) || sentence.tokens[clause.finite].text.starts_with('\'')
    {
        return None;
    }
    let mut tokens = match asked {
        Asked::Subject => subject_question(sentence, &clause)?,
        Asked::Time => {
            let at = final_time(sentence, &clause)?;
            inverted(sentence, &clause, at, "when")?
        }
        Asked::Place => {
            let at = final_place(sentence, &clause)?;
            inverted(sentence, &clause, at, "where")?
        }
        Asked::Count => count_question(sentence, &clause)?,
        Asked::Truth => inverted(sentence, &clause, end, "")?,
    };
    tokens.push(Token::attached("?", Tag::Punct));
    if tokens.len() < 5 {
        return None;
    }
    if let Some(first) = tokens.first_mut() {
        first.space = true;
    }
    Some(Sentence { tokens, capitalized: sentence.capitalized })
}

/// The finite verb as "who" takes it.
fn third_person(sentence: &Sentence, clause: &Clause) -> Option<Token> {
    let finite = &sentence.tokens[clause.finite];
    let text = match finite.lower().as_str() {
        "are" | "am" => "is".to_owned(),
        "were" => "was".to_owned(),
        "have" => "has".to_owned(),
        "do" => "does".to_owned(),
        _ if finite.tag == Tag::Vbp => conjugate(&verb_base(&finite.lower(), Tag::Vbp)?, Tag::Vbz),
        _ => finite.text.clone(),
    };
    Some(Token { text, ..finite.clone() })
}

fn subject_question(sentence: &Sentence, clause: &Clause) -> Option<Vec<Token>> {
    if sentence.tag(clause.subject.start) == Tag::Prp || sentence.tag(clause.subject.start) == Tag::PrpS {
        return None;
    }
    // "X is Y" answers "what is Y" only when Y says enough; a copula with a noun is left alone.
    let copula = is_be(&sentence.tokens[clause.finite]) && clause.main == clause.finite;
    if copula
        || sentence.end() - clause.finite < 3
        || sentence.tokens[clause.finite..]
            .iter()
            .any(|token| token.any(&["his", "her", "their", "its", "himself", "themselves"]))
    {
        return None;
    }
    let who = if sentence.is_person(clause.subject.clone()) { "who" } else { "what" };
    let named = sentence.tag(clause.subject.end - 1).is_name();
    // A name that is not a known given name may be either.
    let who = if named && who == "what" { "who or what" } else { who };
    let mut tokens: Vec<Token> = who.split(' ').map(|word| Token::word(word, Tag::Wp)).collect();
    tokens.push(third_person(sentence, clause)?);
    tokens.extend_from_slice(&sentence.tokens[clause.finite + 1..sentence.end()]);
    Some(tokens)
}

fn final_time(sentence: &Sentence, clause: &Clause) -> Option<usize> {
    let end = sentence.end();
    let at = (clause.main + 1..end).rev().take(5).find(|at| sentence.tokens[*at].any(&["in", "on", "during"]))?;
    let rest = &sentence.tokens[at + 1..end];
    let is_month = |token: &Token| month(&token.text).is_some();
    let time = rest
        .iter()
        .all(|token| is_month(token) || token.text.len() <= 4 && token.text.bytes().all(|byte| byte.is_ascii_digit()));
    let year = rest.iter().any(|token| token.text.len() == 4 && token.tag == Tag::Cd || is_month(token));
    (time && year).then_some(at)
}

fn final_place(sentence: &Sentence, clause: &Clause) -> Option<usize> {
    let end = sentence.end();
    let at = (clause.main + 1..end).rev().take(5).find(|at| sentence.tokens[*at].any(&["in", "at", "near", "on"]))?;
    let phrase = sentence.phrase_at(at + 1).filter(|phrase| phrase.range.end == end)?;
    let name = phrase.tag == Tag::Nnp
        && month(&sentence.word(phrase.range.start)).is_none()
        && !sentence.word(phrase.range.end - 1).ends_with("day");
    let outdoors = phrase.tag == Tag::Nn
        && sentence.tokens[phrase.range.end - 1].any(&[
            "park",
            "beach",
            "street",
            "kitchen",
            "field",
            "room",
            "grass",
            "table",
            "road",
            "bench",
            "bed",
            "couch",
            "sidewalk",
            "city",
            "restaurant",
            "school",
        ]);
    (at == clause.main + 1
        && sentence.tokens[at].any(&["in", "at", "on", "near"])
        && (name && !sentence.tokens[at].is("on") || outdoors)
        && !is_be(&sentence.tokens[clause.main]))
    .then_some(at)
}

/// "(when) did the subject do it", without what begins at `stop`.
fn inverted(sentence: &Sentence, clause: &Clause, stop: usize, opening: &str) -> Option<Vec<Token>> {
    let finite = &sentence.tokens[clause.finite];
    let mut tokens: Vec<Token> = if opening.is_empty() { Vec::new() } else { vec![Token::word(opening, Tag::Wrb)] };
    let subject = super::edits::spaced_like(&sentence.tokens[clause.subject.clone()], &Token::word("", Tag::Nn));
    // "isn't it": a contracted "not" goes with its verb.
    let contracted = sentence.tokens.get(clause.finite + 1).filter(|token| token.any(&["n't", "n’t"]));
    if clause.auxiliary {
        if finite.any(&["do", "does", "did"]) && clause.main == clause.finite {
            return None;
        }
        tokens.push(finite.clone());
        tokens.extend(contracted.cloned());
        tokens.extend(subject);
    } else {
        let (support, tag) = do_support(finite.tag);
        tokens.push(Token::word(support, tag));
        tokens.extend(subject);
        tokens.push(Token::word(verb_base(&finite.lower(), finite.tag)?, Tag::Vb));
    }
    if stop <= clause.finite + usize::from(clause.auxiliary && clause.main != clause.finite) {
        return None;
    }
    tokens.extend_from_slice(sentence.tokens.get(clause.finite + 1 + usize::from(contracted.is_some())..stop)?);
    Some(tokens)
}

/// "Ann has five children": "how many children does Ann have"; "five men ran": "how many men ran".
fn count_question(sentence: &Sentence, clause: &Clause) -> Option<Vec<Token>> {
    let how_many = [Token::word("how", Tag::Wrb), Token::word("many", Tag::Jj)];
    let plural_after = |at: usize| {
        (at + 1..at + 3)
            .find(|noun| sentence.tag(*noun) == Tag::Nns)
            .filter(|noun| sentence.tokens[at + 1..*noun].iter().all(|token| token.tag.is_adjective()))
    };
    if sentence.tag(clause.subject.start) == Tag::Cd
        && plural_after(clause.subject.start).is_some_and(|noun| noun + 1 == clause.subject.end)
    {
        let mut tokens = how_many.to_vec();
        tokens.extend_from_slice(&sentence.tokens[clause.subject.start + 1..sentence.end()]);
        return Some(tokens);
    }
    let at = clause.main + 1;
    let embedded = sentence.tokens[at..sentence.end()].iter().any(|token| token.tag.is_finite());
    if embedded || sentence.tag(at) != Tag::Cd || is_be(&sentence.tokens[clause.main]) {
        return None;
    }
    let noun = plural_after(at)?;
    let mut tokens = how_many.to_vec();
    tokens.extend_from_slice(&sentence.tokens[at + 1..noun + 1]);
    tokens.extend(inverted(sentence, clause, at, "")?);
    tokens.extend_from_slice(&sentence.tokens[noun + 1..sentence.end()]);
    Some(tokens)
}
