//! Which line ends within a paragraph are blanks, and which end something.
//!
//! Text is wrapped at some column, by hand or by a program, and then a line end says nothing. But a poem, an address, a
//! log or a list without bullets has a line for each thing. What tells them apart is whether the next word would have
//! fitted on the line: a program that wraps would have put it there. Where that does not settle it, the words do.

use std::ops::Range;

use crate::sentences::is_sentence_end;

/// A line, without white space at its ends.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) bytes: Range<usize>,
    /// Columns of white space before it; a tab goes to the next multiple of four.
    pub(crate) indent: usize,
    /// Columns up to its end.
    width: usize,
}

/// Lines that belong together.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) bytes: Range<usize>,
    /// The same without the mark of a list item.
    pub(crate) content: Range<usize>,
    pub(crate) indent: usize,
    pub(crate) item: bool,
}

/// The narrowest column at which somebody wraps prose. A shorter line ends where its writer wanted.
const NARROWEST: usize = 40;

impl Line {
    pub(crate) fn new(text: &str, whole: Range<usize>) -> Line {
        let line = &text[whole.clone()];
        let start = whole.start + line.len() - line.trim_start().len();
        let bytes = start..start + line.trim().len();
        let blank = text[whole.start..start].chars();
        let indent = blank.fold(0, |column, c| if c == '\t' { column / 4 * 4 + 4 } else { column + 1 });
        let width = indent + text[bytes.clone()].chars().count();
        Line { bytes, indent, width }
    }
}

/// Neighbouring lines, none of them empty, divided into what belongs together.
pub(crate) fn divide(text: &str, run: &[Line]) -> Vec<Part> {
    let widest = run.iter().map(|line| line.width).max().unwrap_or(0).max(NARROWEST);
    let mut parts = Vec::new();
    let mut start = 0;
    let mut item = false;
    let marks: Vec<Option<usize>> = run.iter().map(|line| mark(&text[line.bytes.clone()])).collect();
    let several = marks.iter().flatten().count() > 1;
    for at in 0..run.len() {
        if marks[at].is_none() {
            continue;
        }
        // A dash or a number that wrapping put at the start of a line is none.
        let is_item = at == 0 || item || several || fits(text, &run[at - 1..=at], widest) || {
            text[run[at - 1].bytes.clone()].ends_with(['.', ':', ';', ',', '!', '?'])
        };
        if is_item {
            group(
                text,
                &run[start..at],
                marks.get(start).copied().flatten().filter(|_| item),
                item,
                widest,
                &mut parts,
            );
            (start, item) = (at, true);
        }
    }
    let mark = marks.get(start).copied().flatten().filter(|_| item);
    group(text, &run[start..], mark, item, widest, &mut parts);
    parts
}

/// Adds the parts of a paragraph or an item, whose mark has so many bytes.
fn group(text: &str, lines: &[Line], mark: Option<usize>, item: bool, widest: usize, parts: &mut Vec<Part>) {
    let mut first = 0;
    let ends = line_ends(text, lines, mark.unwrap_or(0), widest);
    for last in 0..lines.len() {
        if last + 1 < lines.len() && ends[last] == LineEnd::Blank {
            continue;
        }
        let bytes = lines[first].bytes.start..lines[last].bytes.end;
        let mark = mark.filter(|_| first == 0).unwrap_or(0);
        let content = bytes.start + mark..bytes.end;
        // An item that is an empty mark so far.
        let content = if content.start > content.end { bytes.clone() } else { content };
        parts.push(Part { bytes, content, indent: lines[first].indent, item });
        first = last + 1;
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum LineEnd {
    /// It was put there to keep the line short.
    Blank,
    /// What stands on the line ends there.
    End,
}

/// What each line end but the last is.
fn line_ends(text: &str, lines: &[Line], mark: usize, widest: usize) -> Vec<LineEnd> {
    let pairs = || {
        lines.windows(2).enumerate().map(move |(at, pair)| {
            let start = pair[0].bytes.start + if at == 0 { mark.min(pair[0].bytes.len()) } else { 0 };
            (&text[start..pair[0].bytes.end], &text[pair[1].bytes.clone()])
        })
    };
    let fitting: Vec<bool> = lines.windows(2).map(|pair| fits(text, pair, widest)).collect();
    let wrapped = 2 * fitting.iter().filter(|fits| !**fits).count() > fitting.len();
    // A list without marks: every line begins in the same way, none reached the margin, and none ends a sentence.
    let listed = fitting.len() > 1
        && fitting.iter().all(|fits| *fits)
        && pairs().all(|(above, below)| first_is_lower(above) && first_is_lower(below) && !ends_with_stop(above))
        && pairs().all(|(above, _)| !goes_on(above));
    pairs()
        .zip(fitting)
        .map(|((above, below), fits)| {
            let blank = match () {
                () if listed => false,
                () if same_shape(above, below) => false,
                () if goes_on(above) => true,
                () if above.ends_with(':') => !fits,
                () if first_is_lower(below) => true,
                () if ends_with_stop(above) => !fits || !is_sentence_end(above, below),
                () => !fits && wrapped,
            };
            if blank { LineEnd::Blank } else { LineEnd::End }
        })
        .collect()
}

/// Whether the first word of the second line would have had room on the first. Some programs balance lines and leave up to
/// a tenth free.
fn fits(text: &str, pair: &[Line], widest: usize) -> bool {
    let slack = if widest >= 60 { widest / 10 } else { 0 };
    let word = text[pair[1].bytes.clone()].split_whitespace().next().unwrap_or_default();
    pair[0].width + 1 + word.chars().count() <= widest - slack
}

/// Bytes of the mark and the white space after it, where a line begins an item of a list.
fn mark(line: &str) -> Option<usize> {
    let after =
        line.strip_prefix(['-', '*', '+', '\u{2022}', '\u{2013}', '\u{2014}', '\u{b7}', '\u{2023}', '\u{25e6}']);
    let after = after.or_else(|| {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        match digits {
            1..=3 => line[digits..].strip_prefix(['.', ')']),
            _ => {
                line.strip_prefix('(').unwrap_or(line).strip_prefix(|c: char| c.is_ascii_lowercase())?.strip_prefix(')')
            }
        }
    })?;
    let rest = after.trim_start();
    (rest.len() < after.len() || after.is_empty()).then(|| line.len() - rest.len())
}

fn first_letter(line: &str) -> Option<char> {
    line.chars().find(|c| c.is_alphanumeric())
}

fn first_is_lower(line: &str) -> bool {
    first_letter(line).is_some_and(char::is_lowercase)
}

fn ends_with_stop(line: &str) -> bool {
    let closing = ['"', '\'', ')', ']', '\u{201d}', '\u{2019}'];
    line.trim_end_matches(closing).ends_with(['.', '!', '?', '\u{2026}', '\u{3002}'])
}

/// Two lines of a log or of a form: both begin with a number, or both with a word or two and a colon.
fn same_shape(above: &str, below: &str) -> bool {
    let number = |line: &str| line.starts_with(|c: char| c.is_ascii_digit());
    let key = |line: &str| {
        let words = line.split_whitespace().take(3);
        first_letter(line).is_some_and(char::is_uppercase) && words.into_iter().any(|word| word.ends_with(':'))
    };
    number(above) && number(below) || key(above) && key(below)
}

/// Whether a line ends where no sentence does: with a comma, a dash, or a word that wants another one.
fn goes_on(line: &str) -> bool {
    const WANTING: &[&str] = &[
        "a", "an", "and", "any", "as", "at", "because", "but", "by", "each", "every", "for", "from", "if", "into",
        "its", "my", "neither", "nor", "of", "or", "our", "than", "that", "the", "their", "to", "unless", "which",
        "while", "whose", "with",
    ];
    if line.ends_with([',', ';', '\u{2013}', '\u{2014}', '(', '/', '&']) || line.ends_with(" -") {
        return true;
    }
    let word = line.rsplit(|c: char| c.is_whitespace()).next().unwrap_or_default();
    WANTING.binary_search(&word.to_lowercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts, with a slash where a line end is a blank.
    fn parts(text: &str) -> Vec<String> {
        let mut start = 0;
        let mut lines = Vec::new();
        for line in text.split_inclusive('\n') {
            lines.push(Line::new(text, start..start + line.len()));
            start += line.len();
        }
        let shown = |part: Part| text[part.content].split('\n').map(str::trim).collect::<Vec<_>>().join("/");
        divide(text, &lines).into_iter().map(shown).collect()
    }

    #[test]
    fn line_ends_are_blanks_where_text_is_wrapped() {
        let cases: [(&str, &[&str]); 20] = [
            (
                "Under the new rule it is no longer the case that\npeople may park here.",
                &["Under the new rule it is no longer the case that/people may park here."],
            ),
            ("The job does\nnot delete files. Ask us.", &["The job does/not delete files. Ask us."]),
            ("The admin\nrejected it.", &["The admin/rejected it."]),
            ("They are never,\nunder any circumstances, kept.", &["They are never,/under any circumstances, kept."]),
            ("A letter from Prof.\nWeber came.", &["A letter from Prof./Weber came."]),
            ("It was written in the\nU.S. Midwest.", &["It was written in the/U.S. Midwest."]),
            ("Parking is free.\nBreakfast is not.", &["Parking is free.", "Breakfast is not."]),
            ("Parking rules\nGuests may park.", &["Parking rules", "Guests may park."]),
            ("Mara Field\n12 Main Street\nOslo", &["Mara Field", "12 Main Street", "Oslo"]),
            ("milk\nfresh eggs\nbread", &["milk", "fresh eggs", "bread"]),
            ("Name: Mara\nCity: Oslo", &["Name: Mara", "City: Oslo"]),
            (
                "2024-01-02 10:00:00 The disk of the first server is full\n2024-01-02 10:00:01 Done",
                &["2024-01-02 10:00:00 The disk of the first server is full", "2024-01-02 10:00:01 Done"],
            ),
            (
                "The night is old, the lamps are low\nAnd nobody has come\nWe wait beside the open door\nUntil the morning",
                &[
                    "The night is old, the lamps are low",
                    "And nobody has come",
                    "We wait beside the open door",
                    "Until the morning",
                ],
            ),
            (
                "They had walked along the river for an hour when Mrs.\nBlack said that she was tired of all this.",
                &["They had walked along the river for an hour when Mrs./Black said that she was tired of all this."],
            ),
            ("These are wrong:\nall of it is free", &["These are wrong:", "all of it is free"]),
            ("- one\n- two\n  more", &["one", "two/more"]),
            ("a) one\nb) two", &["one", "two"]),
            (
                "The war of which he had spoken for so many years began in\n14. It was the end of all that he had known until then.",
                &[
                    "The war of which he had spoken for so many years began in/14. It was the end of all that he had known \
                     until then.",
                ],
            ),
            ("Options:\n- yes", &["Options:", "yes"]),
            ("-\n-", &["", ""]),
        ];
        for (text, expected) in cases {
            assert_eq!(parts(text), expected, "{text:?}");
        }
    }
}
