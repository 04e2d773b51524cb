//! English inflection and spelling: plurals, verb forms, articles, number words, sentence case.

/// The forms of one verb; a particle (`knock over`) is kept inside each form.
#[derive(Debug, Clone)]
pub(crate) struct Verb {
    pub(crate) base: String,
    pub(crate) third: String,
    pub(crate) past: String,
    pub(crate) participle: String,
    pub(crate) ing: String,
}

impl Verb {
    /// Reads `base`, `base+` (doubles its last letter) or `base|past|participle`; `_` separates a particle.
    pub(crate) fn parse(entry: &str) -> Self {
        let mut forms = entry.split('|');
        let first = forms.next().unwrap_or(entry);
        let (head, particle) = match first.split_once('_') {
            Some((head, particle)) => (head, format!(" {}", particle.replace('_', " "))),
            None => (first, String::new()),
        };
        let doubles = head.ends_with('+');
        let head = head.trim_end_matches('+');
        let stem = match head.chars().last() {
            Some(last) if doubles => format!("{head}{last}"),
            _ => head.to_owned(),
        };
        let regular = || past(&stem, doubles) + &particle;
        let irregular = forms.next().map(|form| form.replace('_', " "));
        let participle = forms.next().map(|form| form.replace('_', " "));
        Self {
            base: head.to_owned() + &particle,
            third: third(head) + &particle,
            participle: participle.or_else(|| irregular.clone()).unwrap_or_else(regular),
            past: irregular.unwrap_or_else(regular),
            ing: ing(&stem, doubles) + &particle,
        }
    }
}

fn consonant_y(word: &str) -> bool {
    let mut letters = word.chars().rev();
    letters.next() == Some('y') && letters.next().is_some_and(|c| !"aeiou".contains(c))
}

fn sibilant(word: &str) -> bool {
    ["s", "x", "z", "ch", "sh"].iter().any(|end| word.ends_with(end))
}

fn past(stem: &str, doubled: bool) -> String {
    if !doubled && stem.ends_with('e') {
        format!("{stem}d")
    } else if consonant_y(stem) {
        format!("{}ied", &stem[..stem.len() - 1])
    } else {
        format!("{stem}ed")
    }
}

fn ing(stem: &str, doubled: bool) -> String {
    if !doubled && stem.ends_with("ie") {
        format!("{}ying", &stem[..stem.len() - 2])
    } else if !doubled && stem.ends_with('e') && !["ee", "ye", "oe"].iter().any(|end| stem.ends_with(end)) {
        format!("{}ing", &stem[..stem.len() - 1])
    } else {
        format!("{stem}ing")
    }
}

/// The third person singular, which is spelled as a regular plural is.
fn third(word: &str) -> String {
    if consonant_y(word) {
        format!("{}ies", &word[..word.len() - 1])
    } else if sibilant(word) || word.ends_with("go") || word.ends_with("do") {
        format!("{word}es")
    } else {
        format!("{word}s")
    }
}

/// The regular plural of a noun (`potato` and the like included).
pub(crate) fn plural(noun: &str) -> String {
    if ["potato", "tomato", "torpedo"].iter().any(|word| noun.ends_with(word)) {
        format!("{noun}es")
    } else {
        third(noun)
    }
}

/// The words of a whole number up to 20, digits beyond.
pub(crate) fn number_word(value: i64) -> String {
    const WORDS: [&str; 21] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    usize::try_from(value).ok().and_then(|index| WORDS.get(index)).map_or_else(|| digits(value), |w| (*w).to_owned())
}

/// Digits with a comma between thousands from 10,000 on.
pub(crate) fn digits(value: i64) -> String {
    let plain = value.to_string();
    if value < 10_000 {
        return plain;
    }
    let mut grouped = String::new();
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Whether `a` becomes `an` before this text.
fn takes_an(next: &str) -> bool {
    let lower = next.to_ascii_lowercase();
    if ["uni", "use", "usb", "eu", "one", "ukul", "ura"].iter().any(|start| lower.starts_with(start)) {
        return lower.starts_with("unin") || lower.starts_with("unim");
    }
    lower.starts_with(['a', 'e', 'i', 'o', 'u'])
        || ["hour", "honest", "8", "11,", "18"].iter().any(|start| lower.starts_with(start))
}

/// Chooses between `a` and `an` everywhere, joins the spaces and starts with a capital.
pub(crate) fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len() + 4);
    let mut words = text.split_whitespace().peekable();
    let mut capital = true;
    while let Some(word) = words.next() {
        let joins = word.starts_with([',', ';', ':']) || word == "." || word == "?";
        if !joins && !tidied.is_empty() {
            tidied.push(' ');
        }
        let article = (word == "a" || word == "A") && words.peek().is_some_and(|next| takes_an(next));
        let from = tidied.len();
        tidied.push_str(if article { "an" } else { word });
        if capital && let Some(first) = tidied[from..].chars().next() {
            let upper: String = first.to_uppercase().collect();
            tidied.replace_range(from..from + first.len_utf8(), &upper);
        }
        capital = word.ends_with('.') || word.ends_with('?');
    }
    tidied
}

/// A statement: tidied, with a full stop unless it ends in punctuation.
pub(crate) fn sentence(text: &str) -> String {
    let mut text = tidy(text);
    if !text.ends_with(['.', '?', '!']) {
        text.push('.');
    }
    text
}

/// A question: tidied, with a question mark.
pub(crate) fn question(text: &str) -> String {
    let mut text = tidy(text);
    if !text.ends_with('?') {
        text.push('?');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_inflect() {
        for (entry, past, participle, ing, third) in [
            ("carry", "carried", "carried", "carrying", "carries"),
            ("hug+", "hugged", "hugged", "hugging", "hugs"),
            ("bite|bit|bitten", "bit", "bitten", "biting", "bites"),
            ("knock_over", "knocked over", "knocked over", "knocking over", "knocks over"),
            ("crush", "crushed", "crushed", "crushing", "crushes"),
            ("dye", "dyed", "dyed", "dyeing", "dyes"),
        ] {
            let verb = Verb::parse(entry);
            assert_eq!(
                [&verb.past, &verb.participle, &verb.ing, &verb.third],
                [past, participle, ing, third],
                "{entry}"
            );
        }
    }

    #[test]
    fn texts_are_tidied() {
        assert_eq!(sentence("a otter  saw a unicorn , a hour ago"), "An otter saw a unicorn, an hour ago.");
        assert_eq!(question("is 5 more than 4"), "Is 5 more than 4?");
        assert_eq!(digits(1_234_567), "1,234,567");
    }
}
