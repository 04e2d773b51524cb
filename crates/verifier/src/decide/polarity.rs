//! Questions that are answered by yes or no.
//!
//! Such a question asserts nothing, so a text that denies what is asked contradicts nothing: it answers. Whether it denies just
//! that, and nothing else, is seen by taking its *not* away: what is left must support the question.

use std::ops::Range;

/// What a question begins with that is answered by yes or no. Without a question mark, a title or a command may begin like it.
const ASKING: &[&str] =
    &["is", "are", "was", "were", "am", "does", "did", "can", "could", "should", "would", "has", "had"];

/// The same, of which more are names, nouns and commands: without a question mark, what follows must be a pronoun or an article.
const PERHAPS_ASKING: &[&str] = &["do", "have", "will", "shall", "may", "might", "must", "need"];

/// What a subject begins with that no name and no object of a command is.
const SUBJECTS: &[&str] = &[
    "i", "you", "he", "she", "it", "we", "they", "there", "the", "this", "that", "these", "those", "my", "your", "his",
    "her", "its", "our", "their", "any", "anyone", "anybody", "someone", "everyone",
];

/// A request in the form of a question, after its first word: *can you tell me when ...* is not answered by yes.
const REQUESTS: &[&str] =
    &["tell", "explain", "show", "know", "give", "list", "find", "help", "describe", "please", "say", "name", "remind"];

/// Words that deny and cannot just be left out.
const DENIALS: &[&str] = &[
    "no", "none", "nobody", "nothing", "nowhere", "neither", "nor", "without", "hardly", "barely", "scarcely",
    "rarely", "seldom", "unless", "except", "ain't",
];

/// After *not*, what makes it say something else than no: not only, not until.
const NO_DENIAL: &[&str] = &[
    "only",
    "just",
    "merely",
    "simply",
    "necessarily",
    "always",
    "all",
    "every",
    "everyone",
    "everything",
    "both",
    "until",
    "because",
    "unlike",
];

/// A word that denies, and what stands there if nothing is denied; none where that is not known.
struct Denial<'a> {
    bytes: Range<usize>,
    without: Option<&'a str>,
}

/// What is asked by a question that is answered by yes or no, as it is to be read: without its own *not*, for "Isn't it open?" is
/// answered as "Is it open?" is, and without a tag. None for every other query.
pub(crate) fn yes_or_no(query: &str) -> Option<String> {
    let query = query.trim();
    let (asked, has_mark) = match query.strip_suffix('?') {
        Some(asked) => (asked.trim_end(), true),
        None => (query.trim_end_matches('.'), false),
    };
    if asked.contains(['?', '!', '\n']) || asked.contains(". ") {
        return None;
    }
    let asked = asked.strip_suffix(" or not").unwrap_or(asked);
    let lower = asked.to_lowercase().replace('\u{2019}', "'");
    let words: Vec<&str> = words(&lower).map(|bytes| &lower[bytes]).collect();
    // "Is it no longer open?": what yes means to this, people do not agree on.
    if words.contains(&"or") || words.contains(&"never") || words.windows(2).any(|pair| pair == ["no", "longer"]) {
        return None;
    }
    if has_mark && let Some(statement) = before_tag(asked, &lower) {
        return affirmed(&format!("{statement}."));
    }
    let [first, second, third, ..] = words.as_slice() else { return None };
    let verb = affirmed(first)?;
    let (sure, perhaps) = (ASKING.contains(&verb.as_str()), PERHAPS_ASKING.contains(&verb.as_str()));
    let is_question = match has_mark {
        true => sure || perhaps,
        false => (sure && *second != "not") || (perhaps && SUBJECTS.contains(second)),
    };
    let is_request = *second == "you" && REQUESTS.contains(third);
    (is_question && !is_request).then(|| affirmed(&format!("{asked}{}", if has_mark { "?" } else { "" }))).flatten()
}

/// What stands before a tag: "..., doesn't it", "..., right".
fn before_tag<'a>(asked: &'a str, lower: &str) -> Option<&'a str> {
    let (_, tag) = lower.rsplit_once(", ")?;
    let is_tag = match tag.split(' ').collect::<Vec<_>>()[..] {
        ["right" | "correct" | "true"] => true,
        [verb, "i" | "you" | "he" | "she" | "it" | "we" | "they" | "there"] => {
            let verb = affirmed(verb)?;
            ASKING.contains(&verb.as_str()) || PERHAPS_ASKING.contains(&verb.as_str())
        }
        _ => false,
    };
    is_tag.then(|| asked.rsplit_once(", ").map(|(statement, _)| statement)).flatten()
}

/// Whether anything is denied.
pub(crate) fn denies(text: &str) -> bool {
    !denials(text).is_empty()
}

/// How many of these words, in small letters, deny.
pub(super) fn denials_among(words: &[&str]) -> usize {
    let denies =
        |word: &str| matches!(word, "not" | "never" | "cannot") || word.ends_with("n't") || DENIALS.contains(&word);
    words.iter().filter(|word| denies(word)).count()
}

/// `text` without what it denies, if it denies one thing, by a word that can be left out; "The pool isn't heated." becomes "The
/// pool is heated."
pub(crate) fn without_denial(text: &str) -> Option<String> {
    match denials(text).as_slice() {
        [Denial { bytes, without: Some(without) }] => {
            Some(format!("{}{without}{}", &text[..bytes.start], &text[bytes.end..]))
        }
        _ => None,
    }
}

/// Of words as a tokenizer cuts them ("isn", "'", "t"), those that are contracted with *not* to two words.
pub(crate) fn split_contractions(words: &mut Vec<String>) {
    let mut at = 0;
    while at + 2 < words.len() {
        let is_contracted = matches!(words[at + 1].as_str(), "'" | "\u{2019}") && words[at + 2] == "t";
        if let (true, Some(verb)) = (is_contracted, words[at].strip_suffix('n')) {
            let verb = match verb {
                "wo" => "will",
                "ca" => "can",
                verb => verb,
            };
            words[at] = verb.to_owned();
            words.splice(at + 1..at + 3, ["not".to_owned()]);
        }
        at += 1;
    }
}

/// `text` itself where it denies nothing, or else what [`without_denial`] leaves of it.
fn affirmed(text: &str) -> Option<String> {
    if denies(text) { without_denial(text) } else { Some(text.to_owned()) }
}

fn denials(text: &str) -> Vec<Denial<'_>> {
    let places: Vec<Range<usize>> = words(text).collect();
    let lower: Vec<String> =
        places.iter().map(|bytes| text[bytes.clone()].to_lowercase().replace('\u{2019}', "'")).collect();
    let word = |at: usize| lower.get(at).map_or("", String::as_str);
    let mut denials = Vec::new();
    let mut at = 0;
    while at < places.len() {
        let bytes = places[at].clone();
        // With the blank before it; what begins a text has one after it.
        let alone = |until: usize| match text[..bytes.start].ends_with(' ') {
            true => bytes.start - 1..places[until].end,
            false => bytes.start..places.get(until + 1).map_or(places[until].end, |next| next.start),
        };
        let begins_large = text[bytes.clone()].starts_with(char::is_uppercase);
        match word(at) {
            "not" if NO_DENIAL.contains(&word(at + 1)) || (at > 0 && word(at - 1) == "or") => {
                denials.push(Denial { bytes, without: None });
            }
            "not" | "never" => denials.push(Denial { bytes: alone(at), without: Some("") }),
            "no" if word(at + 1) == "longer" => {
                denials.push(Denial { bytes: alone(at + 1), without: Some("") });
                at += 1;
            }
            "cannot" | "can't" => denials.push(Denial { without: text.get(bytes.start..bytes.start + 3), bytes }),
            "won't" if begins_large => denials.push(Denial { bytes, without: Some("Will") }),
            "won't" => denials.push(Denial { bytes, without: Some("will") }),
            "shan't" => denials.push(Denial { bytes, without: Some("shall") }),
            other if DENIALS.contains(&other) => denials.push(Denial { bytes, without: None }),
            other if other.ends_with("n't") => {
                let apostrophe = if text[bytes.clone()].ends_with("'t") { 1 } else { '\u{2019}'.len_utf8() };
                let verb = bytes.start..bytes.end - 2 - apostrophe;
                denials.push(Denial { bytes, without: text.get(verb) });
            }
            _ => {}
        }
        at += 1;
    }
    denials
}

/// Where the words of a text are; an apostrophe within a word is a part of it.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '\u{2019}');
    let mut at = 0;
    std::iter::from_fn(move || {
        at += text[at..].find(char::is_alphanumeric)?;
        let start = at;
        at += text[at..].find(|c| !is_part(c)).unwrap_or(text.len() - at);
        Some(start..start + text[start..at].trim_end_matches(['\'', '\u{2019}']).len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_is_answered_by_yes_or_no_is_known_by_its_form() {
        for (query, asked) in [
            ("Is the pool heated?", Some("Is the pool heated?")),
            ("does coffee improve memory", Some("does coffee improve memory")),
            ("Isn't the pool heated?", Some("Is the pool heated?")),
            ("Doesn\u{2019}t the plan include support?", Some("Does the plan include support?")),
            ("Is the pool not heated?", Some("Is the pool heated?")),
            ("Can't dogs enter the museum?", Some("Can dogs enter the museum?")),
            ("Won't the shop open?", Some("Will the shop open?")),
            ("Am I allowed to smoke here?", Some("Am I allowed to smoke here?")),
            ("Will the shop open on Sunday or not?", Some("Will the shop open on Sunday?")),
            ("will the shop open on Sunday", Some("will the shop open on Sunday")),
            ("Tea lowers blood pressure, doesn't it?", Some("Tea lowers blood pressure.")),
            ("The pool isn't heated, right?", Some("The pool is heated.")),
            ("Who was bitten by the dog?", None),
            ("Why did the bridge close?", None),
            ("Is smoking no longer allowed on the balcony?", None),
            ("Can I never cancel my order?", None),
            ("Is the wall red or blue?", None),
            ("Can you tell me when the library opens?", None),
            ("The dog bit the man.", None),
            ("do not disturb sign", None),
            ("May 2020 report on trade", None),
            ("will smith movies in order", None),
            ("have a nice day", None),
            ("is open", None),
            ("Is it open? I need to know.", None),
            ("", None),
        ] {
            assert_eq!(yes_or_no(query).as_deref(), asked, "{query}");
        }
    }

    #[test]
    fn one_denial_can_be_taken_away() {
        for (text, left) in [
            ("The pool is not heated.", Some("The pool is heated.")),
            ("The pool isn't heated.", Some("The pool is heated.")),
            ("The pool isn\u{2019}t heated.", Some("The pool is heated.")),
            ("Dogs cannot enter.", Some("Dogs can enter.")),
            ("Dogs can't enter.", Some("Dogs can enter.")),
            ("The shop won't open.", Some("The shop will open.")),
            ("Tea never lowers blood pressure.", Some("Tea lowers blood pressure.")),
            ("The shop no longer delivers.", Some("The shop delivers.")),
            ("Not for children.", Some("for children.")),
            ("The pool is heated.", None),
            ("The pool is not only heated.", None),
            ("No pool is heated.", None),
            ("The pool is not heated and not clean.", None),
            ("He did not say whether or not it is heated.", None),
        ] {
            assert_eq!(without_denial(text).as_deref(), left, "{text}");
            assert_eq!(denies(text), text != "The pool is heated.", "{text}");
        }
    }
}
