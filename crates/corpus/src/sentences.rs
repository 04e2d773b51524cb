//! Where sentences end within a block.
//!
//! The rules are those of the crate `sentencex` (Wikimedia), which knows abbreviations, initials, decimals, quotations and
//! ellipses. It was chosen by comparing (docs/decisions/8). What is added here: line ends that are blanks, a few
//! abbreviations, numbers of items within a line, and that a full stop without white space after it ends nothing.

use std::borrow::Cow;
use std::ops::Range;

use crate::outline::{BlockKind, blocks};

/// The sentences of a text's paragraphs and lists, in order, without the marks of list items. A line end within a sentence
/// stays in it. Headings, tables and code are left out: they are no sentences.
///
/// ```
/// let text = "# Rules\n\nAccording to Dr. Smith, pets are\nnot allowed. Children are:\n\n- up to two free";
/// let sentences = vetted_corpus::sentences(text);
/// assert_eq!(sentences, ["According to Dr. Smith, pets are\nnot allowed.", "Children are:", "up to two free"]);
/// ```
pub fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    for block in blocks(text) {
        if matches!(block.kind, BlockKind::Paragraph | BlockKind::Item) {
            sentences.extend(sentences_of(text, block.content).into_iter().map(|sentence| &text[sentence]));
        }
    }
    sentences
}

/// Where somebody may begin to quote a text: the starts of its blocks and sentences, in bytes, in order.
///
/// ```
/// assert_eq!(vetted_corpus::sentence_starts("# Tea\n\nBoil water. Wait."), [0, 7, 19]);
/// ```
pub fn sentence_starts(text: &str) -> Vec<usize> {
    let mut starts = Vec::new();
    for block in blocks(text) {
        starts.push(block.bytes.start);
        if matches!(block.kind, BlockKind::Paragraph | BlockKind::Item) {
            starts.extend(sentences_of(text, block.content).into_iter().skip(1).map(|sentence| sentence.start));
        }
    }
    starts
}

/// What is handed to the segmenter at once: it takes quadratic time where many quotations are never closed.
const MOST_BYTES: usize = 8 << 10;

/// The sentences of a block, without white space at their ends. All its line ends are taken for blanks.
pub(crate) fn sentences_of(text: &str, block: Range<usize>) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = block.start;
    let mut from = block.start;
    while from < block.end {
        let end = match block.end - from {
            0..=MOST_BYTES => block.end,
            _ => blank_before(text, from, from + MOST_BYTES),
        };
        let last = end == block.end;
        let ends = sentence_ends(&text[from..end]);
        for (at, one) in ends.iter().enumerate() {
            // Where only a part was read, its end is that of no sentence.
            if last || at + 1 < ends.len() {
                sentences.extend(trimmed(text, start..from + one));
                start = from + one;
            }
        }
        from = if last { end } else { start.max(if start > from { start } else { end }) };
    }
    sentences.extend(trimmed(text, start..block.end));
    sentences
}

/// Whether a sentence ends between two lines.
pub(crate) fn is_sentence_end(above: &str, below: &str) -> bool {
    let above = &above[above.ceil_char_boundary(above.len().saturating_sub(200))..];
    let below = &below[..below.floor_char_boundary(below.len().min(80))];
    let joined = format!("{above} {below}");
    sentence_ends(&joined).iter().any(|end| (above.len()..=above.len() + 1).contains(end))
}

/// Where sentences end, white space included; the last one at the end of the text.
fn sentence_ends(text: &str) -> Vec<usize> {
    let line = on_one_line(text);
    let mut ends: Vec<usize> = Vec::new();
    for sentence in sentencex::get_sentence_boundaries("en", &line) {
        let end = sentence.end_byte.min(text.len());
        if end < text.len() && !ends_there(&line, ends.last().copied().unwrap_or(0), end) {
            continue;
        }
        ends.push(end);
    }
    if ends.last() != Some(&text.len()) {
        ends.push(text.len());
    }
    ends
}

/// The same with blanks for line ends, byte by byte.
fn on_one_line(text: &str) -> Cow<'_, str> {
    match text.contains(['\n', '\r']) {
        true => Cow::Owned(text.replace(['\n', '\r'], " ")),
        false => Cow::Borrowed(text),
    }
}

/// Whether to believe that the sentence that begins at `start` ends at `end`.
fn ends_there(text: &str, start: usize, end: usize) -> bool {
    let (before, after) = (&text[..end], text[end..].trim_start());
    let apart = before.ends_with(char::is_whitespace) || text[end..].starts_with(char::is_whitespace);
    let before = before.trim_end();
    // "foo.Bar", "example.org": a name. Scripts without blanks between words end sentences without one.
    if !apart && before.ends_with(['.', '!', '?']) {
        return false;
    }
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    match word.strip_suffix('.') {
        // "1. First": the number of what follows.
        Some(number) if number.len() <= 3 && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            let earlier = text[start..before.len() - word.len()].trim();
            !(earlier.is_empty() || earlier.ends_with([':', ';']))
        }
        Some(word) => !(is_abbreviation(word) && (is_always_followed(word) || !begins_sentence(after))),
        None => true,
    }
}

/// Abbreviations that sentencex does not know, in alphabetical order.
fn is_abbreviation(word: &str) -> bool {
    const ABBREVIATIONS: &[&str] = &[
        "approx", "appt", "avg", "bldg", "calif", "dept", "eqs", "esp", "est", "ext", "figs", "ft", "incl", "intl",
        "kg", "km", "max", "mg", "min", "ml", "mm", "mt", "nos", "orig", "pp", "ref", "refs", "resp", "secs", "temp",
        "univ", "vol", "vols",
    ];
    ABBREVIATIONS.binary_search(&word.to_lowercase().as_str()).is_ok()
}

/// Abbreviations that no sentence ends with: something named or counted comes next.
fn is_always_followed(word: &str) -> bool {
    const FOLLOWED: &[&str] = &[
        "approx", "avg", "eqs", "esp", "figs", "ft", "incl", "mt", "nos", "orig", "pp", "ref", "refs", "secs", "univ",
        "vol", "vols",
    ];
    FOLLOWED.binary_search(&word.to_lowercase().as_str()).is_ok()
}

/// Whether the next word begins with a capital.
fn begins_sentence(text: &str) -> bool {
    text.chars().find(|c| c.is_alphanumeric()).is_some_and(char::is_uppercase)
}

/// The end of the last white space in `from..limit`; where there is none, a place between two characters.
fn blank_before(text: &str, from: usize, limit: usize) -> usize {
    let limit = text.floor_char_boundary(limit);
    text[from..limit].rfind(char::is_whitespace).filter(|at| *at > 0).map_or(limit, |at| from + at)
}

/// The range without white space at its ends; `None` if nothing remains.
pub(crate) fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    let end = start + part.trim().len();
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_a_reader_would_say() {
        let cases: [(&str, &[&str]); 26] = [
            ("It rains. It pours! Does it? Yes.", &["It rains.", "It pours!", "Does it?", "Yes."]),
            (
                "Farms in the U.S. Midwest are large. Ours is not.",
                &["Farms in the U.S. Midwest are large.", "Ours is not."],
            ),
            ("He lives in the U.S. They do too.", &["He lives in the U.S.", "They do too."]),
            ("A letter of Prof. Weber says so. It is old.", &["A letter of Prof. Weber says so.", "It is old."]),
            ("Dr. Smith and Mrs. Lee met.", &["Dr. Smith and Mrs. Lee met."]),
            ("Take one, e.g. this. Or i.e. that.", &["Take one, e.g. this.", "Or i.e. that."]),
            ("See No. 5, p. 3 and Fig. 2. It is short.", &["See No. 5, p. 3 and Fig. 2.", "It is short."]),
            ("J. R. R. Tolkien wrote it. So did J. Smith.", &["J. R. R. Tolkien wrote it.", "So did J. Smith."]),
            ("It costs 3.5 million. Version 1.2.3 is out.", &["It costs 3.5 million.", "Version 1.2.3 is out."]),
            ("\"Really?\" she asked. He nodded.", &["\"Really?\" she asked.", "He nodded."]),
            ("She asked: \"Why?\" He did not answer.", &["She asked: \"Why?\"", "He did not answer."]),
            (
                "He wrote \u{201c}Go away.\u{201d} Then he slept.",
                &["He wrote \u{201c}Go away.\u{201d}", "Then he slept."],
            ),
            ("Well... maybe not. He left... Then he came.", &["Well... maybe not.", "He left...", "Then he came."]),
            (
                "It is not so, said Capt. Jones of Ft. Worth, that it rains.",
                &["It is not so, said Capt. Jones of Ft. Worth, that it rains."],
            ),
            ("We met at 5 p.m. The room was empty.", &["We met at 5 p.m.", "The room was empty."]),
            ("At 10 a.m. on Monday it opens.", &["At 10 a.m. on Monday it opens."]),
            ("Smith et al. (2004) found it. We do not.", &["Smith et al. (2004) found it.", "We do not."]),
            ("He works at Apple Inc. She does not.", &["He works at Apple Inc.", "She does not."]),
            ("It is approx. 10 km. The road ends.", &["It is approx. 10 km.", "The road ends."]),
            ("Give 5 mg. of it. Wait.", &["Give 5 mg. of it.", "Wait."]),
            ("Call foo.Bar on example.org. Then wait.", &["Call foo.Bar on example.org.", "Then wait."]),
            ("We moved in 1914. It was hot.", &["We moved in 1914.", "It was hot."]),
            (
                "\u{7b2c}\u{4e00}\u{53e5}\u{3002}\u{7b2c}\u{4e8c}\u{53e5}\u{3002}",
                &["\u{7b2c}\u{4e00}\u{53e5}\u{3002}", "\u{7b2c}\u{4e8c}\u{53e5}\u{3002}"],
            ),
            ("Two: 1. First one. 2. Second one.", &["Two: 1. First one.", "2. Second one."]),
            ("no end", &["no end"]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(sentences(text), expected, "{text:?}");
            let wrapped = text.replace(' ', "\n");
            let found = sentences_of(&wrapped, 0..wrapped.len());
            let found: Vec<String> = found.into_iter().map(|it| wrapped[it].replace('\n', " ")).collect();
            assert_eq!(found, expected, "{wrapped:?}");
        }
    }

    #[test]
    fn quotations_that_never_end_take_linear_time() {
        let text = "\u{201c}a. B".repeat(200_000);
        let start = std::time::Instant::now();
        assert!(sentences(&text).len() > 10);
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }
}
