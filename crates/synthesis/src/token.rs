//! Sentences as tokens that remember their spacing, so that what is not edited comes back byte for byte.

use crate::tag::Tag;

/// A word or a punctuation mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// As written; the first word of a sentence is in lower case unless it would be capitalized anywhere.
    pub text: String,
    /// Whether a space goes before it (ignored at the start of a sentence).
    pub space: bool,
    /// Part of speech.
    pub tag: Tag,
}

impl Token {
    /// A word with a space before it.
    pub fn word(text: impl Into<String>, tag: Tag) -> Self {
        Self { text: text.into(), space: true, tag }
    }

    /// A mark or clitic attached to what precedes it.
    pub fn attached(text: impl Into<String>, tag: Tag) -> Self {
        Self { text: text.into(), space: false, tag }
    }

    /// Whether it is this word, in any case.
    pub fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is one of these words, in any case.
    pub fn any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// In lower case.
    pub fn lower(&self) -> String {
        self.text.to_lowercase()
    }
}

/// Splits a sentence the way the Penn Treebank does (clitics such as "n't" and "'s" are tokens of their own),
/// except that hyphenated words stay whole. Every token is tagged [`Tag::Nn`] or [`Tag::Punct`]; a
/// [`Tagger`](crate::tagger::Tagger) does the rest. Text that is already split ("did n't", "1 , 2") is fine.
pub fn tokenize(sentence: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let chunks: Vec<&str> = sentence.split_whitespace().collect();
    for (index, chunk) in chunks.iter().enumerate() {
        split_chunk(chunk, index + 1 == chunks.len(), &mut tokens);
    }
    tokens
}

const OPENING: &[char] = &['"', '\'', '(', '[', '{', '`', '“', '‘', '$', '£', '€', '#', '-', '–', '—'];
const CLOSING: &[char] = &['"', '\'', ')', ']', '}', '`', '”', '’', ',', ';', ':', '!', '?', '%', '…', '-', '–', '—'];
const CLITICS: &[&str] = &["n't", "n’t", "'s", "’s", "'re", "’re", "'ve", "’ve", "'ll", "’ll", "'d", "’d", "'m", "’m"];
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "st", "jr", "sr", "vs", "etc", "inc", "ltd", "co", "corp", "no", "vol", "fig", "al",
    "gen", "col", "lt", "sgt", "capt", "rev", "hon", "prof", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep",
    "sept", "oct", "nov", "dec", "ca", "approx", "est", "dept", "univ", "mt", "ft",
];

fn split_chunk(chunk: &str, last: bool, tokens: &mut Vec<Token>) {
    let mut push = |text: &str, space: bool| {
        if !text.is_empty() {
            let tag = if text.chars().any(char::is_alphanumeric) { Tag::Nn } else { mark(text) };
            tokens.push(Token { text: text.to_owned(), space, tag });
        }
    };
    if CLITICS.contains(&chunk.to_lowercase().as_str()) {
        return push(chunk, true);
    }
    let mut core = chunk;
    let mut space = true;
    while let Some(first) = core.chars().next().filter(|c| OPENING.contains(c)) {
        let width = if core.starts_with("``") || core.starts_with("''") || core.starts_with("--") {
            2
        } else {
            first.len_utf8()
        };
        push(&core[..width], space);
        space = false;
        core = &core[width..];
    }
    let mut closing = Vec::new();
    while let Some(final_char) = core.chars().next_back() {
        let width = final_char.len_utf8();
        let before = &core[..core.len() - width];
        let peel =
            CLOSING.contains(&final_char) || final_char == '.' && !keeps_period(before, last && closing.is_empty());
        if !peel {
            break;
        }
        let width = if core.ends_with("''") || core.ends_with("--") { 2 } else { width };
        closing.push(&core[core.len() - width..]);
        core = &core[..core.len() - width];
    }
    for (index, part) in split_dashes(core).into_iter().enumerate() {
        let (stem, clitic) = split_clitic(part);
        push(stem, space && index == 0);
        push(clitic, stem.is_empty() && space && index == 0);
    }
    space = space && core.is_empty();
    for text in closing.into_iter().rev() {
        push(text, space);
        space = false;
    }
}

fn mark(text: &str) -> Tag {
    match text {
        "$" | "£" | "€" | "#" | "+" | "=" => Tag::Sym,
        "%" => Tag::Nn,
        "&" => Tag::Cc,
        _ => Tag::Punct,
    }
}

/// Abbreviations and initials keep their period, except at the end of a sentence after an ordinary word.
fn keeps_period(before: &str, last: bool) -> bool {
    let initials = before.contains('.') && before.split('.').all(|part| part.chars().count() <= 2);
    let initial = before.chars().count() == 1 && before.chars().all(char::is_uppercase);
    let known = ABBREVIATIONS.contains(&before.to_lowercase().as_str()) && !last;
    before.is_empty() || initials && !last || initial && !last || known || before.ends_with('.') && last
}

/// "word—word" and "word--word" are three tokens.
fn split_dashes(core: &str) -> Vec<&str> {
    for dash in ["--", "—"] {
        if let Some(at) = core.find(dash).filter(|at| *at > 0 && at + dash.len() < core.len()) {
            return vec![&core[..at], &core[at..at + dash.len()], &core[at + dash.len()..]];
        }
    }
    vec![core]
}

fn split_clitic(word: &str) -> (&str, &str) {
    for clitic in CLITICS {
        if word.len() > clitic.len()
            && word.is_char_boundary(word.len() - clitic.len())
            && word[word.len() - clitic.len()..].eq_ignore_ascii_case(clitic)
        {
            return word.split_at(word.len() - clitic.len());
        }
    }
    if word.is_ascii() && word.eq_ignore_ascii_case("cannot") { word.split_at(3) } else { (word, "") }
}

/// The tokens as text; the first letter becomes a capital when `capitalized`.
pub fn detokenize(tokens: &[Token], capitalized: bool) -> String {
    let mut text = String::new();
    for token in tokens {
        if token.space && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&token.text);
    }
    if capitalized { capitalize(&text) } else { text }
}

/// The same text with its first letter in upper case (only when nothing but marks goes before it).
pub fn capitalize(text: &str) -> String {
    let Some(at) = text.find(char::is_alphanumeric) else { return text.to_owned() };
    let Some(first) = text[at..].chars().next() else { return text.to_owned() };
    format!("{}{}{}", &text[..at], first.to_uppercase(), &text[at + first.len_utf8()..])
}

#[cfg(test)]
mod tests {
    use super::{detokenize, tokenize};

    #[test]
    fn sentences_split_as_in_the_penn_treebank() {
        for (sentence, expected) in [
            ("He didn't go.", "He|did|n't|go|."),
            (
                "Dr. J. Smith's \"well-known\" book (1990), cost $5.50!",
                "Dr.|J.|Smith|'s|\"|well-known|\"|book|(|1990|)|,|cost|$|5.50|!",
            ),
            ("He did n't , they said .", "He|did|n't|,|they|said|."),
            ("They cannot leave the U.S. today—never.", "They|can|not|leave|the|U.S.|today|—|never|."),
            ("Its 50% share", "Its|50|%|share"),
        ] {
            let tokens = tokenize(sentence);
            let texts: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
            assert_eq!(texts.join("|"), expected);
            assert_eq!(detokenize(&tokens, false), sentence);
        }
    }
}
