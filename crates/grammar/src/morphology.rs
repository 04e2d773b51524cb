//! Verb forms, numbers as they are written, and sentence case.

use vetted_english::{article, gerund, grouped, past, plural, spelled};

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
        let regular = || past(head, doubles) + &particle;
        let irregular = forms.next().map(|form| form.replace('_', " "));
        let participle = forms.next().map(|form| form.replace('_', " "));
        Self {
            base: head.to_owned() + &particle,
            third: plural(head) + &particle,
            participle: participle.or_else(|| irregular.clone()).unwrap_or_else(regular),
            past: irregular.unwrap_or_else(regular),
            ing: gerund(head, doubles) + &particle,
        }
    }
}

/// The words of a whole number up to 20, digits beyond.
pub(crate) fn number_word(value: i64) -> String {
    let small = u64::try_from(value).ok().filter(|number| *number <= 20);
    small.and_then(spelled).unwrap_or_else(|| digits(value))
}

/// Digits with a comma between thousands from 10,000 on.
pub(crate) fn digits(value: i64) -> String {
    match u64::try_from(value) {
        Ok(number) if number >= 10_000 => grouped(number),
        _ => value.to_string(),
    }
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
        let is_an = (word == "a" || word == "A") && words.peek().is_some_and(|next| article(next) == "an");
        let from = tidied.len();
        tidied.push_str(if is_an { "an" } else { word });
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
