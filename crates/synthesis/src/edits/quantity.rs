//! Numbers, dates and units: another value is another statement, another way of writing it is not.

use vetted_english::{MONTHS, grouped, month, spelled};
use vetted_pairs::Kind;

use super::{Edits, replace};
use crate::edit::Meaning;
use crate::tag::Tag;
use crate::token::Token;

fn value(word: &str) -> Option<u64> {
    let digits: String = word.chars().filter(|c| *c != ',').collect();
    digits.parse().ok().or_else(|| (2..100).find(|number| spelled(*number).as_deref() == Some(word)))
}

/// Changes and rewrites what is counted, dated and measured.
pub fn offer(edits: &mut Edits<'_>) {
    for at in 0..edits.sentence.tokens.len() {
        if edits.sentence.tag(at) == Tag::Cd {
            number(edits, at);
        }
        date(edits, at);
        century(edits, at);
    }
}

fn number(edits: &mut Edits<'_>, at: usize) {
    let sentence = edits.sentence;
    let text = sentence.tokens[at].text.clone();
    let lower = text.to_lowercase();
    let Some(number) = value(&lower).filter(|number| *number < 1_000_000_000) else { return };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b',');
    let month_near = [at.wrapping_sub(1), at.wrapping_sub(2), at.wrapping_sub(3), at + 1]
        .iter()
        .any(|near| month(&sentence.word(*near)).is_some());
    let year = digits && text.len() == 4 && (1000..2100).contains(&number);
    let set = |new: String| replace(&sentence.tokens, at..at + 1, [Token { text: new, ..sentence.tokens[at].clone() }]);
    if year {
        let step = 1 + edits.random.below(30) as u64;
        let other = if edits.random.chance(0.5) && number + step < 2026 { number + step } else { number - step };
        let span = sentence.tokens.get(at + 1).is_some_and(|token| token.text == "-" || token.text == "–");
        if !span && !["-", "–"].contains(&sentence.before(at).as_str()) {
            edits.offer(Kind::Date, "year-changed", Meaning::Conflict, set(other.to_string()));
        }
        return;
    }
    let abbreviated = sentence.before(at).ends_with('.')
        || at > 0 && sentence.tag(at - 1) == Tag::Punct && sentence.tokens[at - 1].text != ",";
    if month_near || abbreviated || number < 2 {
        return;
    }
    let counted =
        sentence.tag(at + 1) == Tag::Nns || sentence.tag(at + 1) == Tag::Jj && sentence.tag(at + 2) == Tag::Nns;
    let measured = sentence.word(at + 1) == "%"
        || sentence.word(at + 1) == "percent"
        || UNITS.iter().any(|unit| unit.contains(&sentence.word(at + 1).as_str()));
    if counted || measured {
        let other = different(number, edits);
        let other_form = counted && number != 1 && edits.random.chance(0.4);
        let written = match (digits != other_form, spelled(other)) {
            (false, Some(word)) => word,
            (_, _) if text.contains(',') => grouped(other),
            _ => other.to_string(),
        };
        edits.offer(Kind::Number, "number-changed", Meaning::Conflict, set(written));
        match (digits, spelled(number)) {
            (true, Some(word)) if counted || sentence.word(at + 1) == "percent" => {
                edits.offer(Kind::Number, "number-spelled", Meaning::Same, set(word))
            }
            (false, _) if number > 1 => {
                edits.offer(Kind::Number, "number-in-digits", Meaning::Same, set(number.to_string()))
            }
            (true, None) if text.contains(',') => {
                edits.offer(Kind::Number, "number-regrouped", Meaning::Same, set(number.to_string()))
            }
            (true, None) if text.len() > 3 && number > 3000 => {
                edits.offer(Kind::Number, "number-regrouped", Meaning::Same, set(grouped(number)))
            }
            _ => {}
        }
        if counted && (4..=12).contains(&number) {
            let before = sentence.before(at);
            if ![
                "than",
                "least",
                "most",
                "about",
                "over",
                "under",
                "nearly",
                "around",
                "approximately",
                "the",
                "his",
                "their",
                "these",
                "first",
                "last",
                "top",
                "up",
                "to",
                "almost",
                "other",
                "another",
                "of",
                "its",
                "'s",
                "our",
                "my",
                "per",
                "every",
                "a",
                "an",
                "any",
                "each",
            ]
            .contains(&before.as_str())
            {
                for (words, meaning, name) in [
                    ("exactly", Meaning::Same, "exactly-inserted"),
                    ("more than", Meaning::Different, "more-than-inserted"),
                    ("fewer than", Meaning::Conflict, "fewer-than-inserted"),
                ] {
                    let new: Vec<Token> = words.split(' ').map(|word| Token::word(word, Tag::Jjr)).collect();
                    edits.offer(Kind::Comparison, name, meaning, replace(&sentence.tokens, at..at, new));
                }
            }
        }
    }
    unit(edits, at, number);
}

fn different(number: u64, edits: &mut Edits<'_>) -> u64 {
    let span = (number / 2).clamp(2, 40);
    loop {
        let other = (number + edits.random.below(2 * span as usize + 1) as u64).saturating_sub(span);
        if other != number && other > 1 {
            return other;
        }
    }
}

/// Spellings of one unit per row; rows of one quantity are neighbors, told apart by [`QUANTITY`].
const UNITS: &[&[&str]] = &[
    &["km", "kilometers", "kilometres"],
    &["miles", "mi"],
    &["m", "meters", "metres"],
    &["ft", "feet"],
    &["cm", "centimeters", "centimetres"],
    &["mm", "millimeters", "millimetres"],
    &["inches"],
    &["yards"],
    &["kg", "kilograms", "kilogrammes"],
    &["pounds", "lb", "lbs"],
    &["grams", "g"],
    &["mg", "milligrams"],
    &["tons"],
    &["years"],
    &["months"],
    &["weeks"],
    &["days"],
    &["hours", "hrs"],
    &["minutes", "mins"],
    &["seconds"],
    &["acres"],
    &["hectares", "ha"],
    &["liters", "litres"],
    &["gallons"],
    &["dollars"],
    &["euros"],
];
const QUANTITY: &[usize] = &[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 4, 4, 5, 5];

/// The first spelling of a unit that is not abbreviated.
fn long_name(row: usize) -> &'static str {
    let spellings = UNITS[row];
    spellings.iter().copied().find(|name| name.len() > 3 && *name != "mins").unwrap_or(spellings[0])
}

/// How many of the second row's units make one of the first's.
const CONVERSIONS: &[(usize, usize, u64)] = &[
    (0, 2, 1000),
    (2, 4, 100),
    (8, 10, 1000),
    (13, 14, 12),
    (15, 16, 7),
    (16, 17, 24),
    (17, 18, 60),
    (18, 19, 60),
    (7, 3, 3),
    (3, 6, 12),
];

fn unit(edits: &mut Edits<'_>, at: usize, number: u64) {
    let sentence = edits.sentence;
    let word = sentence.word(at + 1);
    if sentence.tokens[at + 1..].first().is_some_and(|token| token.is("%")) {
        let mut new = Token::word("percent", Tag::Nn);
        new.space = true;
        edits.offer(Kind::Unit, "unit-spelled", Meaning::Same, replace(&sentence.tokens, at + 1..at + 2, [new]));
        return;
    }
    if word == "percent" {
        edits.offer(
            Kind::Unit,
            "unit-abbreviated",
            Meaning::Same,
            replace(&sentence.tokens, at + 1..at + 2, [Token::attached("%", Tag::Nn)]),
        );
        return;
    }
    let Some(row) = UNITS.iter().position(|spellings| spellings.contains(&word.as_str())) else { return };
    if word == "m" && number < 10 || word == "g" && number < 5 {
        return;
    }
    let set = |unit: &str, number: Option<String>| {
        let mut tokens = replace(
            &sentence.tokens,
            at + 1..at + 2,
            [Token { text: unit.to_owned(), ..sentence.tokens[at + 1].clone() }],
        );
        if let Some(number) = number {
            tokens[at].text = number;
        }
        tokens
    };
    let spellings: Vec<&str> = UNITS[row].iter().copied().filter(|other| *other != word).collect();
    if let Some(other) = edits.random.pick(&spellings).copied() {
        edits.offer(Kind::Unit, "unit-respelled", Meaning::Same, set(other, None));
    }
    let rivals: Vec<&str> = (0..UNITS.len())
        .filter(|other| *other != row && QUANTITY[*other] == QUANTITY[row])
        .filter_map(|other| UNITS[other].first().copied())
        .collect();
    if let Some(other) = edits.random.pick(&rivals).copied() {
        edits.offer(Kind::Unit, "unit-changed", Meaning::Conflict, set(other, None));
    }
    for &(large, small, factor) in CONVERSIONS {
        let (converted, unit) = if row == large && number <= 500 {
            (number * factor, long_name(small))
        } else if row == small && number.is_multiple_of(factor) && number / factor > 1 {
            (number / factor, long_name(large))
        } else {
            continue;
        };
        edits.offer(Kind::Unit, "unit-converted", Meaning::Same, set(unit, Some(grouped(converted))));
        let wrong = if edits.random.chance(0.5) { converted * 10 } else { different(converted, edits) };
        edits.offer(Kind::Unit, "unit-converted-wrongly", Meaning::Conflict, set(unit, Some(grouped(wrong))));
    }
}

/// "5 May 1990", "May 5, 1990": the same day written otherwise, and other days.
fn date(edits: &mut Edits<'_>, at: usize) {
    let sentence = edits.sentence;
    if !sentence.tokens[at].text.starts_with(char::is_uppercase) {
        return;
    }
    let Some(month) = month(&sentence.word(at)) else { return };
    let dated = sentence.tag(at + 1) == Tag::Cd || at > 0 && sentence.tag(at - 1) == Tag::Cd;
    let named = sentence.before(at) == "in" && month != 4 && month != 2;
    if !dated && !named {
        return;
    }
    let other = (month + 1 + edits.random.below(11)) % 12;
    let renamed = replace(
        &sentence.tokens,
        at..at + 1,
        [Token { text: MONTHS[other].to_owned(), ..sentence.tokens[at].clone() }],
    );
    edits.offer(Kind::Date, "month-changed", Meaning::Conflict, renamed);
    let day = |index: usize| {
        sentence.tokens.get(index).and_then(|token| token.text.parse::<u64>().ok()).filter(|day| (1..=31).contains(day))
    };
    let comma_year = |index: usize| {
        sentence.tokens.get(index).is_some_and(|token| token.text == ",")
            && sentence.tokens.get(index + 1).is_some_and(|token| token.text.len() == 4 && token.tag == Tag::Cd)
    };
    if let Some(number) = day(at + 1) {
        let changed = if number > 15 {
            number - 1 - edits.random.below(9) as u64
        } else {
            number + 1 + edits.random.below(9) as u64
        };
        edits.offer(
            Kind::Date,
            "day-changed",
            Meaning::Conflict,
            replace(&sentence.tokens, at + 1..at + 2, [Token::word(changed.to_string(), Tag::Cd)]),
        );
        let mut new = vec![
            Token { text: number.to_string(), tag: Tag::Cd, ..sentence.tokens[at].clone() },
            Token::word(sentence.tokens[at].text.clone(), Tag::Nnp),
        ];
        if comma_year(at + 2) {
            new.push(Token::word(sentence.tokens[at + 3].text.clone(), Tag::Cd));
            let closing = sentence.tokens.get(at + 4).is_some_and(|token| token.text == ",");
            let rest = if closing && at + 5 < sentence.end() { at + 5 } else { at + 4 };
            edits.offer(Kind::Date, "date-reformatted", Meaning::Same, replace(&sentence.tokens, at..rest, new));
        } else if sentence.tag(at + 2) != Tag::Cd {
            edits.offer(Kind::Date, "date-reformatted", Meaning::Same, replace(&sentence.tokens, at..at + 2, new));
        }
    } else if let Some(number) = at.checked_sub(1).and_then(day) {
        let changed = if number > 15 {
            number - 1 - edits.random.below(9) as u64
        } else {
            number + 1 + edits.random.below(9) as u64
        };
        let spaced = Token { text: changed.to_string(), ..sentence.tokens[at - 1].clone() };
        edits.offer(Kind::Date, "day-changed", Meaning::Conflict, replace(&sentence.tokens, at - 1..at, [spaced]));
        let year = sentence.tokens.get(at + 1).filter(|token| token.text.len() == 4 && token.tag == Tag::Cd);
        let mut new = vec![
            Token { text: sentence.tokens[at].text.clone(), tag: Tag::Nnp, ..sentence.tokens[at - 1].clone() },
            Token::word(number.to_string(), Tag::Cd),
        ];
        if let Some(year) = year {
            new.extend([Token::attached(",", Tag::Punct), Token::word(year.text.clone(), Tag::Cd)]);
        }
        edits.offer(
            Kind::Date,
            "date-reformatted",
            Meaning::Same,
            replace(&sentence.tokens, at - 1..at + 1 + usize::from(year.is_some()), new),
        );
    }
}

/// "the 19th century" and "the 1800s".
fn century(edits: &mut Edits<'_>, at: usize) {
    let sentence = edits.sentence;
    if !(sentence.word(at + 1) == "century" && sentence.before(at) == "the")
        || sentence.tokens.get(at + 2).is_some_and(|token| token.is("bc") || token.is("bce"))
    {
        return;
    }
    let Some(number) = sentence
        .word(at)
        .trim_end_matches(|c: char| c.is_ascii_alphabetic())
        .parse::<u64>()
        .ok()
        .filter(|number| (11..=21).contains(number))
    else {
        return;
    };
    let hundred =
        |number: u64| replace(&sentence.tokens, at..at + 2, [Token::word(format!("{}00s", number - 1), Tag::Nns)]);
    edits.offer(Kind::Date, "century-as-years", Meaning::Same, hundred(number));
    edits.offer(
        Kind::Date,
        "century-as-other-years",
        Meaning::Conflict,
        hundred(if number > 15 { number - 1 } else { number + 1 }),
    );
}
