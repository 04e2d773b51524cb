//! Parts of a text that say one thing together: a number and its unit, "twenty" and "five", "7" and "pm", "more" and "than".

use vetted_english::{month, unspelled};

use super::quantities::{self, Quantity};
use super::text::{Code, Compared, Item, Sign, Value, Word};

/// `items` with those as one that say one thing together, and without articles.
pub(super) fn joined(items: Vec<Item>) -> Vec<Item> {
    let items = timed(dated(with_units(without_articles(spelled(items)))));
    let mut items = operations(compared(items));
    tell_codes_apart(&mut items);
    name_identifiers(&mut items);
    items
}

/// What the name of a thing of a computer follows.
const NAMING: [&str; 26] = [
    "user",
    "username",
    "login",
    "password",
    "file",
    "filename",
    "folder",
    "directory",
    "variable",
    "token",
    "key",
    "branch",
    "column",
    "table",
    "function",
    "method",
    "command",
    "flag",
    "option",
    "parameter",
    "argument",
    "field",
    "host",
    "hostname",
    "string",
    "repository",
];

/// Numbers in words as numbers, but for those that are more than numbers ("one", "second").
fn spelled(items: Vec<Item>) -> Vec<Item> {
    let mut read: Vec<Item> = Vec::with_capacity(items.len());
    // Whether the last one is a number in words, to which more may be added: "twenty", then "one".
    let mut open = false;
    for item in items {
        let Item::Word(word) = &item else {
            open = false;
            read.push(item);
            continue;
        };
        let (number, factor) = (unspelled(&word.folded).map(|it| it as f64), quantities::magnitude(&word.folded));
        let after_article = read.last().is_some_and(|last| last.is_word(&["a", "one"]));
        if let (Some(Item::Value(Value::Quantity(last))), Some(factor)) = (read.last_mut(), factor)
            && last.value < 1000.0 * factor
        {
            last.times(factor);
            open = true;
            continue;
        }
        if let (Some(Item::Value(Value::Quantity(last))), Some(number), true) = (read.last_mut(), number, open)
            && adds_to(number, last.value)
        {
            *last = Quantity::of(last.value + number);
            continue;
        }
        if let (Some(number), [.., Item::Value(Value::Quantity(last)), Item::Word(and)], true) =
            (number, read.as_mut_slice(), open)
            && and.folded == "and"
            && last.value >= 100.0
            && adds_to(number, last.value)
        {
            *last = Quantity::of(last.value + number);
            read.pop();
            continue;
        }
        // "two hundred and fifty"
        if open && word.folded == "and" && matches!(read.last(), Some(Item::Value(_))) {
            read.push(item);
            continue;
        }
        let alone = match (number, factor) {
            (Some(number), _) if number > 1.0 => Some(number),
            (None, Some(factor)) if after_article => {
                read.pop();
                Some(factor)
            }
            _ => None,
        };
        open = alone.is_some();
        read.push(alone.map_or(item, |number| Item::Value(Value::Quantity(Quantity::of(number)))));
    }
    read
}

/// Whether a number in words goes on with another one: twenty, one; two hundred, fifty.
fn adds_to(number: f64, before: f64) -> bool {
    match before {
        _ if before >= 100.0 => before % 100.0 == 0.0,
        _ => before >= 20.0 && before % 10.0 == 0.0 && number < 10.0,
    }
}

/// Numbers together with the units after them.
fn with_units(items: Vec<Item>) -> Vec<Item> {
    let mut read: Vec<Item> = Vec::with_capacity(items.len());
    let mut rest = items.into_iter().peekable();
    while let Some(mut item) = rest.next() {
        if let Item::Value(Value::Quantity(quantity)) = &mut item
            && quantity.unit.is_none()
        {
            // "$ 20", "USD 20", "Rs 20".
            let before = match read.last() {
                Some(Item::Word(word)) if word.folded == "rs" => quantities::unit("inr"),
                Some(Item::Word(word)) => quantities::currency(&word.written),
                _ => None,
            };
            if before.is_some() {
                quantity.unit = before;
                read.pop();
                read.push(item);
                continue;
            }
            // "20 per cent".
            if rest.next_if(|next| next.is_word(&["per"])).is_some() {
                match rest.next_if(|next| next.is_word(&["cent"])) {
                    Some(_) => quantity.unit = quantities::unit("%"),
                    None => {
                        read.push(item);
                        item = Item::Word(Word::new("per", false));
                    }
                }
                read.push(item);
                continue;
            }
            let dollars = |next: &Item| next.is_word(&["us", "usd"]);
            let country = rest.next_if(dollars);
            let unit = |next: &Item| match next {
                Item::Word(word) => quantities::unit(&word.written),
                Item::Value(_) | Item::Sign(_) => None,
            };
            quantity.unit = rest.peek().and_then(unit);
            if quantity.unit.is_some() {
                rest.next();
                // "20 degrees Celsius".
                if quantity.unit == quantities::unit("degree")
                    && let Some(scale) =
                        rest.next_if(|next| next.is_word(&["celsius", "c", "fahrenheit", "f", "centigrade"]))
                {
                    let is_celsius = scale.is_word(&["celsius", "c", "centigrade"]);
                    quantity.unit = quantities::unit(if is_celsius { "celsius" } else { "fahrenheit" });
                }
            } else if let Some(country) = country {
                read.push(item);
                item = country;
            }
        }
        read.push(item);
    }
    read
}

/// Days of months with the month before the day, as in "March 4".
fn dated(mut items: Vec<Item>) -> Vec<Item> {
    for at in 1..items.len() {
        let is_day = |item: &Item| matches!(item, Item::Value(Value::Quantity(day)) if day.unit.is_none() && (1.0..32.0).contains(&day.value));
        let of = at > 1 && items[at - 1].is_word(&["of"]) && is_day(&items[at - 2]);
        let is_month = matches!(&items[at], Item::Word(word) if month(&word.folded).is_some());
        if is_month && of {
            items.swap(at - 2, at);
        } else if is_month && is_day(&items[at - 1]) && !items.get(at + 1).is_some_and(is_day) {
            items.swap(at - 1, at);
        }
    }
    items
}

/// Numbers with the half of the day after them as times.
fn timed(items: Vec<Item>) -> Vec<Item> {
    let mut read: Vec<Item> = Vec::with_capacity(items.len());
    for item in items {
        let meridiem = match &item {
            Item::Word(word) if word.folded == "am" || word.folded == "pm" => Some(word.folded.as_str()),
            _ => None,
        };
        let minutes = match read.last() {
            Some(Item::Value(Value::Time(minutes))) => Some(*minutes),
            Some(Item::Value(Value::Quantity(it))) if it.unit.is_none() => it.minutes(),
            _ => None,
        };
        let time = meridiem.zip(minutes).and_then(|(meridiem, minutes)| quantities::half_day(minutes, meridiem));
        match time {
            Some(minutes) => {
                read.pop();
                read.push(Item::Value(Value::Time(minutes)));
            }
            None if item.is_word(&["noon"]) => read.push(Item::Value(Value::Time(720))),
            None => read.push(item),
        }
    }
    read
}

/// Words that compare something with a number, as signs.
fn compared(items: Vec<Item>) -> Vec<Item> {
    use Compared::{AtLeast, AtMost, Less, More};
    let mut read: Vec<Item> = Vec::with_capacity(items.len());
    for item in items {
        let is_counted = matches!(&item, Item::Value(Value::Quantity(_) | Value::Time(_)))
            || matches!(&item, Item::Word(word) if word.folded == "one");
        let word = |back: usize| match read.len().checked_sub(back).map(|at| &read[at]) {
            Some(Item::Word(word)) => word.folded.as_str(),
            _ => "",
        };
        let found = match (is_counted, word(3), word(2), word(1)) {
            (false, ..) => None,
            (_, "no" | "not", "more" | "greater" | "larger" | "higher", "than") => Some((AtMost, 3)),
            (_, "no" | "not", "less" | "fewer" | "smaller" | "lower", "than") => Some((AtLeast, 3)),
            (_, _, "more" | "greater" | "larger" | "higher", "than") => Some((More, 2)),
            (_, _, "less" | "fewer" | "smaller" | "lower", "than") => Some((Less, 2)),
            (_, _, "at", "least") => Some((AtLeast, 2)),
            (_, _, "at", "most") | (_, _, "up", "to") => Some((AtMost, 2)),
            (_, _, _, "over" | "above" | "exceeding") => Some((More, 1)),
            (_, _, _, "under" | "below") => Some((Less, 1)),
            _ => None,
        };
        if let Some((compared, words)) = found {
            read.truncate(read.len() - words);
            read.push(Item::Sign(Sign::Compares { compared, in_words: true }));
        }
        read.push(item);
    }
    read
}

/// Between two values, words and signs that compute; a dash anywhere else is none.
fn operations(items: Vec<Item>) -> Vec<Item> {
    let is_operand = |item: Option<&Item>| match item {
        Some(Item::Value(_) | Item::Sign(Sign::Bracket(_))) => true,
        Some(Item::Word(word)) => word.folded.chars().count() == 1,
        _ => false,
    };
    let mut read: Vec<Item> = Vec::with_capacity(items.len());
    let mut skip = false;
    for (at, item) in items.iter().enumerate() {
        if std::mem::take(&mut skip) {
            continue;
        }
        let (before, after) = (read.last(), items.get(at + 1));
        let is_between = is_operand(before) && is_operand(after);
        match item {
            Item::Sign(Sign::Computes(_)) if !is_between => {}
            Item::Word(word) if is_between && word.folded == "plus" => read.push(Item::Sign(Sign::Computes('+'))),
            Item::Word(word) if is_between && word.folded == "minus" => read.push(Item::Sign(Sign::Computes('-'))),
            Item::Word(word) if is_between && matches!(word.folded.as_str(), "times" | "x") => {
                read.push(Item::Sign(Sign::Computes('*')));
            }
            Item::Word(word) if word.folded == "divided" && after.is_some_and(|it| it.is_word(&["by"])) => {
                read.push(Item::Sign(Sign::Computes('/')));
                skip = true;
            }
            item => read.push(item.clone()),
        }
    }
    // Without a sign between values, brackets are around a remark.
    if !read.iter().any(|item| matches!(item, Item::Sign(Sign::Computes(_)))) {
        read.retain(|item| !matches!(item, Item::Sign(Sign::Bracket(_))));
    }
    read
}

fn without_articles(items: Vec<Item>) -> Vec<Item> {
    // "Vitamin A" and "variable a" have no article.
    let is_article = |(at, item): (usize, &Item)| {
        let follows = matches!(items.get(at + 1), Some(Item::Word(_) | Item::Value(_)));
        let named = at > 0 && items[at - 1].is_word(&NAMING);
        item.is_word(&["the", "an"]) || (item.is_word(&["a"]) && follows && !named)
    };
    let articles: Vec<bool> = items.iter().enumerate().map(is_article).collect();
    items.into_iter().zip(articles).filter(|(_, is_article)| !is_article).map(|(item, _)| item).collect()
}

/// Where a text has two codes that differ in nothing but the case of their letters, it counts.
fn tell_codes_apart(items: &mut [Item]) {
    let codes: Vec<Code> = items
        .iter()
        .filter_map(|item| match item {
            Item::Value(Value::Code(code)) => Some(code.clone()),
            _ => None,
        })
        .collect();
    for item in items {
        if let Item::Value(Value::Code(code)) = item {
            let twin = |other: &Code| other.folded == code.folded && other.written != code.written;
            code.is_exact |= codes.iter().any(twin);
        }
    }
}

fn name_identifiers(items: &mut [Item]) {
    for at in 1..items.len() {
        let names = items[at - 1].is_word(&NAMING);
        match &mut items[at] {
            Item::Word(word) => word.is_identifier = names,
            Item::Value(Value::Code(code)) => code.is_exact |= names,
            _ => {}
        }
    }
}
