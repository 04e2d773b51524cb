//! A text as words, values and signs.

use std::sync::LazyLock;

use frostem::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use vetted_english::{MONTHS, month, unspelled};

use super::quantities::{self, Quantity};

/// What is read of a text, in its order.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) items: Vec<Item>,
    /// Whether it is written with capitals where they belong, as far as one sees: not all in small letters, not all in capitals,
    /// no title in which each word has one.
    pub(super) is_cased: bool,
    /// Whether it has "a" or "an", which may stand for 1. Articles are no items.
    pub(super) has_article: bool,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Word(Word),
    Value(Value),
    Sign(Sign),
}

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    /// As it is written.
    pub(super) written: String,
    /// In small letters, without accents.
    pub(super) folded: String,
    pub(super) stem: String,
    /// Whether a sentence begins with it.
    pub(super) begins: bool,
    /// Whether it is a name that somebody gave to a thing of a computer, so that the case of its letters counts.
    pub(super) is_identifier: bool,
}

/// What is the same or another, and never nearly the same.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Quantity(Quantity),
    /// Minutes since midnight.
    Time(u16),
    /// A version, an address, a date in digits, an option, a file's name.
    Code(Code),
}

/// A value that is compared letter for letter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Code {
    pub(super) written: String,
    /// In small letters.
    pub(super) folded: String,
    /// Whether the case of its letters counts.
    pub(super) is_exact: bool,
}

impl Code {
    pub(super) fn is_same(&self, other: &Code) -> bool {
        let exactly = self.is_exact && other.is_exact;
        if exactly { self.written == other.written } else { self.folded == other.folded }
    }
}

/// A sign that compares or computes, or words for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Compares { compared: Compared, in_words: bool },
    Computes(char),
    /// Of a term: "(2 + 3) * 4".
    Bracket(char),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    Less,
    AtMost,
    Equal,
    Unequal,
    AtLeast,
    More,
}

static STEMMER: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::new(Algorithm::Porter));

/// What the name of a thing of a computer follows.
const NAMING: [&str; 26] = [
    "user", "username", "login", "password", "file", "filename", "folder", "directory", "variable", "token", "key",
    "branch", "column", "table", "function", "method", "command", "flag", "option", "parameter", "argument", "field",
    "host", "hostname", "string", "repository",
];

/// What is written with a hyphen or without.
const PREFIXES: [&str; 15] = [
    "non", "un", "dis", "de", "re", "anti", "pre", "post", "over", "under", "mis", "multi", "co", "inter", "counter",
];

/// Ends of files' names.
const FILE_TYPES: [&str; 48] = [
    "txt", "pdf", "csv", "tsv", "json", "jsonl", "xml", "yaml", "yml", "toml", "md", "rst", "tex", "doc", "docx", "xls",
    "xlsx", "ppt", "pptx", "odt", "zip", "tar", "gz", "exe", "dll", "py", "ipynb", "rs", "cpp", "java", "rb", "sh", "bat",
    "log", "ini", "conf", "cfg", "sql", "html", "css", "ts", "png", "jpg", "jpeg", "gif", "svg", "mp3", "mp4",
];

impl Text {
    pub(super) fn read(text: &str) -> Text {
        let text: String = text.nfc().map(plain_sign).collect();
        let mut reading = Reading { text: Text::default(), begins: true, in_code: false };
        text.split_whitespace().for_each(|chunk| reading.chunk(chunk));
        let mut read = reading.text;
        read.is_cased = is_cased(&read.items);
        read.items = without_articles(spelled(read.items), &mut read.has_article);
        read.items = compared(timed(dated(with_units(read.items))));
        tell_codes_apart(&mut read.items);
        name_identifiers(&mut read.items);
        read
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &Word> {
        self.items.iter().filter_map(|item| match item {
            Item::Word(word) => Some(word),
            Item::Value(_) | Item::Sign(_) => None,
        })
    }
}

impl Word {
    fn new(written: &str, begins: bool) -> Word {
        let folded: String = written.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
        let stem = stem(&folded);
        Word { written: written.to_owned(), folded, stem, begins, is_identifier: false }
    }

    /// What it may say of how many, where no number is needed for that.
    pub(super) fn number(&self) -> Option<f64> {
        Some(match self.folded.as_str() {
            "no" | "none" | "zero" => 0.0,
            "one" | "once" | "single" | "first" | "1st" => 1.0,
            "twice" | "double" | "couple" | "pair" | "both" | "second" => 2.0,
            "thrice" | "triple" | "third" => 3.0,
            "fourth" => 4.0,
            "fifth" => 5.0,
            "dozen" => 12.0,
            _ => return None,
        })
    }
}

/// A word in small letters without its regular endings.
pub(super) fn stem(word: &str) -> String {
    STEMMER.stem(word).into()
}

/// Signs that are written in several ways, written in one.
fn plain_sign(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{2032}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{d7}' => '*',
        '\u{f7}' => '/',
        '\u{ff10}'..='\u{ff19}' => char::from(b'0' + (c as u32 - 0xff10) as u8),
        _ => c,
    }
}

/// A text that is being read.
struct Reading {
    text: Text,
    /// Whether the next word begins a sentence.
    begins: bool,
    /// Whether it stands between backticks.
    in_code: bool,
}

impl Reading {
    /// What stands between two blanks.
    fn chunk(&mut self, chunk: &str) {
        let opens = |c: char| matches!(c, '[' | '{' | '"' | '\'' | '`' | '\u{ab}' | '\u{a7}' | '#' | '*' | '~' | '_');
        let closes = |c: char| {
            matches!(c, ']' | '}' | '"' | '\'' | '`' | '\u{bb}' | '.' | ',' | ';' | ':' | '!' | '?' | '*' | '~' | '_')
                || c == '\u{2026}'
        };
        let inner = chunk.trim_start_matches(opens);
        let before = &chunk[..chunk.len() - inner.len()];
        // Two of them are how some write quotation marks.
        let begins_code = before.contains('`') && !before.contains("``");
        self.in_code |= begins_code;
        let inner = inner.trim_end_matches(closes);
        if inner.is_empty() {
            self.sign(chunk);
        } else {
            self.bracketed(inner);
        }
        let after = &chunk[chunk.trim_end_matches(closes).len()..];
        if after.contains('`') {
            self.in_code = false;
        }
        self.begins = after.contains(['.', '!', '?', ':']);
    }

    /// Without brackets around it; those of a term are kept.
    fn bracketed(&mut self, chunk: &str) {
        let closes = |c: char| matches!(c, '"' | '\'' | '.' | ',' | ';' | ':' | '!' | '?');
        let is_term = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || matches!(c, '-' | '('));
        if let Some(rest) = chunk.strip_prefix('(') {
            if is_term(rest.chars().next()) && !rest.contains(')') {
                self.text.items.push(Item::Sign(Sign::Bracket('(')));
            } else if rest.contains(')') && !rest.trim_end_matches(closes).ends_with(')') {
                return self.term(chunk);
            }
            let inner = rest.trim_start_matches('"').trim_end_matches(closes);
            return self.bracketed(inner.strip_suffix(')').unwrap_or(inner));
        }
        match chunk.strip_suffix(')') {
            Some(rest) if !rest.contains('(') => {
                self.bracketed(rest.trim_end_matches(closes));
                if rest.ends_with(|c: char| c.is_ascii_digit()) {
                    self.text.items.push(Item::Sign(Sign::Bracket(')')));
                }
            }
            _ if chunk.is_empty() => {}
            _ => self.term(chunk),
        }
    }

    /// Cut at the signs of a term, if it is one.
    fn term(&mut self, chunk: &str) {
        let compares = |c: char| matches!(c, '<' | '>' | '=' | '\u{2264}' | '\u{2265}' | '\u{2260}');
        let unequal = chunk.contains("!=");
        let is_sign = |c: char| compares(c) || matches!(c, '^' | '*' | '(' | ')' | '+') || (unequal && c == '!');
        if chunk.chars().all(is_sign) {
            return self.sign(chunk);
        }
        let has = |what: fn(char) -> bool| chunk.contains(what);
        let (has_letter, has_digit) = (has(char::is_alphabetic), has(|c| c.is_ascii_digit()));
        let is_call = has_letter && has(|c| matches!(c, '(' | ')'));
        let is_address = chunk.contains("://") || chunk.contains('@');
        let is_option = chunk.strip_prefix('+').is_some_and(|rest| !rest.contains(is_sign));
        let begins = chunk.trim_start_matches(compares);
        if is_call && begins.len() < chunk.len() {
            self.sign(&chunk[..chunk.len() - begins.len()]);
            return self.value(begins);
        }
        if is_address || is_option || is_call || !(has_digit || chunk.contains(compares)) {
            return self.value(chunk);
        }
        let mut rest = chunk;
        while let Some(at) = rest.find(is_sign) {
            if at > 0 {
                self.value(&rest[..at]);
            }
            let tail = &rest[at..];
            let end = tail.find(|c| !is_sign(c) || matches!(c, '(' | ')')).unwrap_or(tail.len()).max(1);
            let end = tail.ceil_char_boundary(end);
            self.sign(&tail[..end]);
            rest = &tail[end..];
        }
        if !rest.is_empty() {
            self.value(rest);
        }
    }

    /// Signs alone.
    fn sign(&mut self, signs: &str) {
        let compares = |compared| Item::Sign(Sign::Compares { compared, in_words: false });
        let item = match signs {
            "<" => compares(Compared::Less),
            "<=" | "=<" | "\u{2264}" => compares(Compared::AtMost),
            ">" => compares(Compared::More),
            ">=" | "=>" | "\u{2265}" => compares(Compared::AtLeast),
            "=" | "==" => compares(Compared::Equal),
            "!=" | "<>" | "\u{2260}" => compares(Compared::Unequal),
            "+" | "*" | "/" | "^" | "-" => Item::Sign(Sign::Computes(signs.chars().next().unwrap_or('+'))),
            "(" | ")" => Item::Sign(Sign::Bracket(signs.chars().next().unwrap_or('('))),
            "&" => Item::Word(Word::new("and", false)),
            _ => return,
        };
        self.text.items.push(item);
    }

    /// One value, or words.
    fn value(&mut self, chunk: &str) {
        let has = |what: fn(char) -> bool| chunk.contains(what);
        let (has_letter, has_digit) = (has(char::is_alphabetic), has(|c| c.is_ascii_digit()));
        match () {
            // "$ 5".
            () if !has_letter && !has_digit && quantities::unit(chunk).is_some() => {
                self.text.items.push(Item::Word(Word::new(chunk, false)));
            }
            () if !has_letter && !has_digit => self.sign(chunk),
            () if chunk.starts_with('\u{b0}') => self.text.items.push(Item::Word(Word::new(chunk, false))),
            () if self.is_written_exactly(chunk) => self.code(chunk, true),
            () if has_digit => self.digits(chunk),
            () if chunk.ends_with("++") || chunk.ends_with('#') => self.code(chunk, false),
            () => self.words(chunk),
        }
    }

    /// Whether the case of its letters counts: an option, a path, an address, the name of a file or of a variable.
    fn is_written_exactly(&self, chunk: &str) -> bool {
        let option = |sign: char| {
            let rest = chunk.strip_prefix(sign).filter(|rest| rest.starts_with(char::is_alphabetic));
            rest.is_some_and(|rest| rest.chars().count() <= 2)
        };
        let is_file = chunk.rsplit_once('.').is_some_and(|(name, end)| {
            !name.is_empty() && FILE_TYPES.contains(&end.to_lowercase().as_str())
        });
        let is_long_option = chunk.strip_prefix("--").is_some_and(|rest| rest.starts_with(char::is_alphabetic));
        let is_path = chunk.starts_with('/') || chunk.starts_with("~/") || chunk.contains('\\');
        let is_address = chunk.contains("://") || chunk.starts_with("www.") || chunk.trim_start_matches('@').contains('@');
        option('-') || option('+') || is_long_option || is_path || is_address || is_file || chunk.contains('_') || self.in_code
    }

    fn code(&mut self, written: &str, is_exact: bool) {
        let code = Code { written: written.to_owned(), folded: written.to_lowercase(), is_exact };
        self.text.items.push(Item::Value(Value::Code(code)));
        self.begins = false;
    }

    /// What has digits.
    fn digits(&mut self, chunk: &str) {
        if let Some((year, month, day)) = quantities::date(chunk) {
            self.words(MONTHS[month]);
            self.quantity(Quantity::of(f64::from(day)));
            self.quantity(Quantity::of(f64::from(year)));
            return;
        }
        if let [day, name, year] = chunk.split(['-', '/', '.']).collect::<Vec<_>>()[..]
            && month(name).is_some()
        {
            return [day, name, year].into_iter().for_each(|part| self.value(part));
        }
        // "Rs.500", "No.7".
        if let Some((word, number)) = chunk.split_once('.')
            && word.chars().all(char::is_alphabetic)
            && !word.is_empty()
            && number.starts_with(|c: char| c.is_ascii_digit())
        {
            self.words(word);
            return self.digits(number);
        }
        let (unsigned, currency) = match chunk.find(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+')) {
            Some(at) if at > 0 => (&chunk[at..], quantities::unit(&chunk[..at])),
            _ => (chunk, None),
        };
        let chunk = match (chunk.strip_prefix(['v', 'V']), &currency) {
            (Some(version), _) if version.starts_with(|c: char| c.is_ascii_digit()) => version,
            (_, Some(_)) => unsigned,
            _ => chunk,
        };
        if let Some(minutes) = quantities::clock(chunk) {
            self.text.items.push(Item::Value(Value::Time(minutes)));
            return;
        }
        if let Some((mut quantity, rest)) = quantities::leading(chunk)
            && let Some(suffix) = Suffix::of(rest, currency.is_some())
        {
            if quantity.value < 0.0 && quantity.is_negative_year() {
                quantity = Quantity::of(-quantity.value);
            }
            quantity.unit = currency;
            self.suffixed(quantity, suffix, rest);
            return;
        }
        // A time and what half of the day it is of: "6:30pm".
        let lower = chunk.to_lowercase();
        let meridiem = ["am", "pm", "a.m", "p.m"].into_iter().find(|meridiem| lower.ends_with(meridiem));
        if let Some(meridiem) = meridiem
            && let Some(minutes) = quantities::clock(&chunk[..chunk.len() - meridiem.len()])
        {
            let half = quantities::half_day(minutes, &meridiem.replace('.', ""));
            self.text.items.push(Item::Value(Value::Time(half.unwrap_or(minutes))));
            return;
        }
        // From so many to so many: "5-10". What falls is a difference or a score, and what is divided is a share.
        if let Some((from, to)) = chunk.split_once(['-', '/'])
            && let (Some((from, "")), Some((to, rest))) = (quantities::leading(from), quantities::leading(to))
            && let Some(suffix) = Suffix::of(rest, false)
            && !to.is_year()
        {
            let (is_range, is_share) = (from.value < to.value, chunk.contains('/'));
            self.quantity(from);
            match is_range && !is_share {
                true => self.words("to"),
                false => self.sign(if is_share { "/" } else { "-" }),
            }
            self.suffixed(to, suffix, rest);
            return;
        }
        // "covid-19", "Windows10".
        let letters = chunk.find(|c: char| !c.is_alphabetic()).unwrap_or(chunk.len());
        let number = chunk[letters..].strip_prefix('-').unwrap_or(&chunk[letters..]);
        if chunk[..letters].chars().count() > 1
            && let Some((quantity, "")) = quantities::leading(number)
        {
            self.words(&chunk[..letters]);
            self.quantity(quantity);
            return;
        }
        let has_letter = chunk.contains(char::is_alphabetic);
        let joined = if has_letter { chunk.replace('-', "") } else { chunk.to_owned() };
        // More than one of them: "F-35s".
        let one = joined.strip_suffix('s').filter(|one| has_letter && one.ends_with(|c: char| c.is_ascii_digit()));
        let joined = one.map_or(joined.clone(), str::to_owned);
        // An id in letters of both cases, not a word with a capital: "aB3x", not "Mp3x".
        let is_exact = joined.contains(char::is_lowercase) && joined.chars().skip(1).any(char::is_uppercase);
        self.code(&joined, is_exact);
    }

    fn quantity(&mut self, quantity: Quantity) {
        self.text.items.push(Item::Value(Value::Quantity(quantity)));
        self.begins = false;
    }

    fn suffixed(&mut self, mut quantity: Quantity, suffix: Suffix, rest: &str) {
        match suffix {
            Suffix::Nothing => self.quantity(quantity),
            Suffix::Unit(unit) => {
                quantity.unit = Some(unit);
                self.quantity(quantity);
            }
            Suffix::Times(factor) => {
                quantity.times(factor);
                self.quantity(quantity);
            }
            Suffix::HalfDay(meridiem) => {
                match quantity.minutes().and_then(|minutes| quantities::half_day(minutes, meridiem)) {
                    Some(minutes) => self.text.items.push(Item::Value(Value::Time(minutes))),
                    None => self.quantity(quantity),
                }
            }
            Suffix::Words => {
                self.quantity(quantity);
                self.words(rest);
            }
        }
    }

    /// Words, joined by hyphens and the like.
    fn words(&mut self, chunk: &str) {
        let parts: Vec<&str> = chunk.split('.').collect();
        let is_acronym = parts.len() > 1 && parts.iter().all(|part| part.chars().count() <= 1);
        let joined = match chunk.split_once('-') {
            _ if is_acronym => chunk.replace('.', ""),
            Some((prefix, rest)) if PREFIXES.contains(&prefix.to_lowercase().as_str()) => format!("{prefix}{rest}"),
            _ => chunk.to_owned(),
        };
        for part in joined.split(|c: char| !c.is_alphanumeric() && c != '\'' && !is_combining_mark(c)) {
            let part = part.strip_suffix("'s").unwrap_or(part).trim_matches('\'');
            if !part.is_empty() {
                self.text.items.push(Item::Word(Word::new(part, self.begins)));
                self.begins = false;
            }
        }
    }
}

/// What stands right after a number.
enum Suffix {
    Nothing,
    Unit(quantities::Unit),
    Times(f64),
    HalfDay(&'static str),
    /// "th", "year-old".
    Words,
}

impl Suffix {
    /// None of what makes another thing of the number: "4K", "2nd-gen".
    fn of(rest: &str, is_money: bool) -> Option<Suffix> {
        Some(match rest.trim_end_matches('.') {
            "" | "st" | "nd" | "rd" | "th" => Suffix::Nothing,
            "am" | "AM" | "Am" | "a.m" | "A.M" => Suffix::HalfDay("am"),
            "pm" | "PM" | "Pm" | "p.m" | "P.M" => Suffix::HalfDay("pm"),
            "m" | "M" | "mm" if is_money => Suffix::Times(1e6),
            "b" | "B" if is_money => Suffix::Times(1e9),
            "C" => Suffix::Unit(quantities::unit("celsius")?),
            "F" => Suffix::Unit(quantities::unit("fahrenheit")?),
            suffix => match (quantities::magnitude(&suffix.to_lowercase()), quantities::unit(suffix)) {
                (Some(factor), _) => Suffix::Times(factor),
                (None, Some(unit)) => Suffix::Unit(unit),
                // "year-old", "yo".
                (None, None) if suffix == "x" || suffix == "X" => Suffix::Words,
                (None, None) if suffix.len() > 1 && suffix.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '/')) => {
                    Suffix::Words
                }
                (None, None) => return None,
            },
        })
    }
}

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
        let after_article = read.last().is_some_and(|last| is_word(last, &["a", "one"]));
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
                Some(Item::Word(word)) if is_currency(&word.written) => quantities::unit(&word.written),
                _ => None,
            };
            if before.is_some() {
                quantity.unit = before;
                read.pop();
                read.push(item);
                continue;
            }
            // "20 per cent".
            if rest.next_if(|next| is_word(next, &["per"])).is_some() {
                match rest.next_if(|next| is_word(next, &["cent"])) {
                    Some(_) => quantity.unit = quantities::unit("%"),
                    None => {
                        read.push(item);
                        item = Item::Word(Word::new("per", false));
                    }
                }
                read.push(item);
                continue;
            }
            let dollars = |next: &Item| is_word(next, &["us", "usd"]);
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
                    && let Some(scale) = rest.next_if(|next| is_word(next, &["celsius", "c", "fahrenheit", "f", "centigrade"]))
                {
                    let is_celsius = is_word(&scale, &["celsius", "c", "centigrade"]);
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

/// Whether it is a sign or a short name of a currency, such as stands before a number.
fn is_currency(word: &str) -> bool {
    let is_sign = !word.contains(char::is_alphanumeric);
    (is_sign && word != "%" && word != "\u{b0}") || ["USD", "EUR", "GBP", "JPY", "INR", "CNY", "CHF", "US$"].contains(&word)
}

/// Days of months with the month before the day, as in "March 4".
fn dated(mut items: Vec<Item>) -> Vec<Item> {
    for at in 1..items.len() {
        let is_day = |item: &Item| {
            matches!(item, Item::Value(Value::Quantity(day)) if day.unit.is_none() && (1.0..32.0).contains(&day.value))
        };
        let of = at > 1 && is_word(&items[at - 1], &["of"]) && is_day(&items[at - 2]);
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
            None if is_word(&item, &["noon"]) => read.push(Item::Value(Value::Time(720))),
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
    operations(read)
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
            Item::Word(word) if word.folded == "divided" && after.is_some_and(|it| is_word(it, &["by"])) => {
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

fn without_articles(items: Vec<Item>, has_article: &mut bool) -> Vec<Item> {
    *has_article = items.iter().any(|item| is_word(item, &["a", "an"]));
    // "Vitamin A" and "variable a" have no article.
    let is_article = |(at, item): (usize, &Item)| {
        let follows = matches!(items.get(at + 1), Some(Item::Word(_) | Item::Value(_)));
        let named = at > 0 && is_word(&items[at - 1], &NAMING);
        is_word(item, &["the", "an"]) || (is_word(item, &["a"]) && follows && !named)
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
        let names = is_word(&items[at - 1], &NAMING);
        match &mut items[at] {
            Item::Word(word) => word.is_identifier = names,
            Item::Value(Value::Code(code)) => code.is_exact |= names,
            _ => {}
        }
    }
}

fn is_word(item: &Item, words: &[&str]) -> bool {
    matches!(item, Item::Word(word) if words.contains(&word.folded.as_str()))
}

fn is_cased(items: &[Item]) -> bool {
    let words = || {
        items.iter().filter_map(|item| match item {
            Item::Word(word) if word.written.chars().count() > 1 => Some(word),
            _ => None,
        })
    };
    let has_capital = |word: &Word| word.written.starts_with(char::is_uppercase);
    let begins = words().next().is_some_and(has_capital);
    let inner = || words().filter(|word| !word.begins);
    let capitals = |word: &&Word| has_capital(word) && word.written.contains(char::is_lowercase);
    begins && inner().any(|word| !has_capital(word)) && 2 * inner().filter(capitals).count() <= inner().count()
}
