//! What stands between two blanks of a text, as words, values and signs.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use vetted_english::{MONTHS, month};

use super::quantities::{self, Quantity};
use super::text::{Code, Compared, Item, Sign, Value, Word};

/// The parts of a text, each as it is written.
pub(super) fn items(text: &str) -> Vec<Item> {
    let text: String = text.nfc().map(plain_sign).collect();
    let mut reading = Reading { items: Vec::new(), begins: true, in_code: false };
    text.split_whitespace().for_each(|chunk| reading.chunk(chunk));
    reading.items
}

/// What is written with a hyphen or without.
const PREFIXES: [&str; 15] =
    ["non", "un", "dis", "de", "re", "anti", "pre", "post", "over", "under", "mis", "multi", "co", "inter", "counter"];

/// Ends of files' names.
const FILE_TYPES: [&str; 48] = [
    "txt", "pdf", "csv", "tsv", "json", "jsonl", "xml", "yaml", "yml", "toml", "md", "rst", "tex", "doc", "docx",
    "xls", "xlsx", "ppt", "pptx", "odt", "zip", "tar", "gz", "exe", "dll", "py", "ipynb", "rs", "cpp", "java", "rb",
    "sh", "bat", "log", "ini", "conf", "cfg", "sql", "html", "css", "ts", "png", "jpg", "jpeg", "gif", "svg", "mp3",
    "mp4",
];

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
    items: Vec<Item>,
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
            self.parts(inner);
        }
        let after = &chunk[chunk.trim_end_matches(closes).len()..];
        if after.contains('`') {
            self.in_code = false;
        }
        self.begins = after.contains(['.', '!', '?', ':']);
    }

    /// Cut at commas after which a blank is missing: "$20,how".
    fn parts(&mut self, chunk: &str) {
        let is_cut = |(at, sign): &(usize, char)| {
            let next = chunk[at + sign.len_utf8()..].chars().next();
            matches!(sign, ',' | ';') && next.is_some_and(|next| !next.is_ascii_digit())
        };
        match chunk.char_indices().find(is_cut).filter(|_| !chunk.contains("://")) {
            Some((at, sign)) => {
                self.bracketed(&chunk[..at]);
                self.parts(&chunk[at + sign.len_utf8()..]);
            }
            None => self.bracketed(chunk),
        }
    }

    /// Without brackets around it; those of a term are kept.
    fn bracketed(&mut self, chunk: &str) {
        let closes = |c: char| matches!(c, '"' | '\'' | '.' | ',' | ';' | ':' | '!' | '?');
        let is_term = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || matches!(c, '-' | '('));
        if let Some(rest) = chunk.strip_prefix('(') {
            if is_term(rest.chars().next()) && !rest.contains(')') {
                self.items.push(Item::Sign(Sign::Bracket('(')));
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
                    self.items.push(Item::Sign(Sign::Bracket(')')));
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
        self.items.push(item);
    }

    /// One value, or words.
    fn value(&mut self, chunk: &str) {
        let has = |what: fn(char) -> bool| chunk.contains(what);
        let (has_letter, has_digit) = (has(char::is_alphabetic), has(|c| c.is_ascii_digit()));
        match () {
            // "$ 5".
            () if !has_letter && !has_digit && quantities::unit(chunk).is_some() => {
                self.items.push(Item::Word(Word::new(chunk, false)));
            }
            () if !has_letter && !has_digit => self.sign(chunk),
            () if chunk.starts_with('\u{b0}') => self.items.push(Item::Word(Word::new(chunk, false))),
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
        let is_file = chunk
            .rsplit_once('.')
            .is_some_and(|(name, end)| !name.is_empty() && FILE_TYPES.contains(&end.to_lowercase().as_str()));
        let is_long_option = chunk.strip_prefix("--").is_some_and(|rest| rest.starts_with(char::is_alphabetic));
        let is_path = chunk.starts_with('/') || chunk.starts_with("~/") || chunk.contains('\\');
        let is_address =
            chunk.contains("://") || chunk.starts_with("www.") || chunk.trim_start_matches('@').contains('@');
        option('-')
            || option('+')
            || is_long_option
            || is_path
            || is_address
            || is_file
            || chunk.contains('_')
            || self.in_code
    }

    fn code(&mut self, written: &str, is_exact: bool) {
        let code = Code { written: written.to_owned(), folded: written.to_lowercase(), is_exact };
        self.items.push(Item::Value(Value::Code(code)));
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
            Some(at) if at > 0 => (&chunk[at..], quantities::currency(&chunk[..at])),
            _ => (chunk, None),
        };
        let chunk = match (chunk.strip_prefix(['v', 'V']), &currency) {
            (Some(version), _) if version.starts_with(|c: char| c.is_ascii_digit()) => version,
            (_, Some(_)) => unsigned,
            _ => chunk,
        };
        if let Some(minutes) = quantities::clock(chunk) {
            self.items.push(Item::Value(Value::Time(minutes)));
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
            && let Some(minutes) = chunk.get(..chunk.len() - meridiem.len()).and_then(quantities::clock)
        {
            let half = quantities::half_day(minutes, &meridiem.replace('.', ""));
            self.items.push(Item::Value(Value::Time(half.unwrap_or(minutes))));
            return;
        }
        // From so many to so many: "5-10". What falls is a difference or a score, and what is divided is a share.
        if let Some((from, to)) = chunk.split_once(['-', '/'])
            && let (Some((from, first)), Some((to, rest))) = (quantities::leading(from), quantities::leading(to))
            && let Some(first @ (Suffix::Nothing | Suffix::Times(_))) = Suffix::of(first, currency.is_some())
            && let Some(suffix) = Suffix::of(rest, currency.is_some())
            && !to.is_year()
        {
            let (is_range, is_share) = (from.value < to.value, chunk.contains('/'));
            let mut from = from;
            from.unit = currency;
            self.suffixed(from, first, "");
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
        self.items.push(Item::Value(Value::Quantity(quantity)));
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
                    Some(minutes) => self.items.push(Item::Value(Value::Time(minutes))),
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
                self.items.push(Item::Word(Word::new(part, self.begins)));
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
            "" | "st" | "nd" | "rd" | "th" | "ST" | "ND" | "RD" | "TH" => Suffix::Nothing,
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
                (None, None)
                    if suffix.len() > 1 && suffix.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '/')) =>
                {
                    Suffix::Words
                }
                (None, None) => return None,
            },
        })
    }
}
