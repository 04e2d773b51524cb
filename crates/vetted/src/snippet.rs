//! The part of a document worth showing.

use std::ops::Range;

use vetted_corpus::sentence_starts;
use vetted_retrieval::matching_words;

/// A piece of a document's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The piece, as it stands in the document.
    pub text: String,
    /// Where it stands there, in characters (Unicode scalar values).
    pub chars: Range<usize>,
    /// Bytes of `text` that hold a word of the query, in order.
    pub matches: Vec<Range<usize>>,
}

/// About how many bytes a snippet has.
const LENGTH: usize = 280;

/// The stretch of `text[passage]` that holds most words of the query. It begins with a sentence where one begins not far
/// before the first of these words, else with a word.
pub(crate) fn snippet(text: &str, passage: Range<usize>, query: &str) -> Snippet {
    let Some(part) = text.get(passage.clone()) else { return Snippet::default() };
    let matches = matching_words(query, part);
    let window = best_window(part, &matches);
    let trimmed = part[window.clone()].trim();
    let start = window.start + (part[window.clone()].len() - part[window].trim_start().len());
    let end = start + trimmed.len();
    let first = text[..passage.start + start].chars().count();
    Snippet {
        text: trimmed.to_owned(),
        chars: first..first + trimmed.chars().count(),
        matches: matches
            .into_iter()
            .filter(|m| m.start >= start && m.end <= end)
            .map(|m| m.start - start..m.end - start)
            .collect(),
    }
}

fn best_window(part: &str, matches: &[Range<usize>]) -> Range<usize> {
    if part.len() <= LENGTH {
        return 0..part.len();
    }
    // The first match of the window with most matches; among equals the earliest. One pass: a long document may hold a
    // word tens of thousands of times.
    let mut best = (0, 0);
    let mut last = 0;
    let mut end = 0;
    for (i, m) in matches.iter().enumerate() {
        while matches.get(end).is_some_and(|last| last.end <= m.start + LENGTH) {
            end += 1;
        }
        let found = end.saturating_sub(i);
        if found > best.0 {
            best = (found, m.start);
            last = matches[end - 1].end;
        }
    }
    match start_of_sentence(part, best.1) {
        Some(start) if last > start + LENGTH => start..last,
        Some(start) => start..word_end(part, start + LENGTH),
        None => {
            // A little before the first match, so that it can be understood.
            let start = word_start(part, best.1.saturating_sub(LENGTH / 5).min(part.len() - LENGTH));
            start..word_end(part, start + LENGTH)
        }
    }
}

/// The start of the sentence that holds `at`, unless it is too far before it.
fn start_of_sentence(part: &str, at: usize) -> Option<usize> {
    let from = word_start(part, at.saturating_sub(LENGTH));
    let region = &part[from..part.ceil_char_boundary((at + LENGTH).min(part.len()))];
    // Where the region begins, nothing need begin.
    let starts =
        sentence_starts(region).into_iter().map(|start| from + start).filter(|start| from == 0 || *start > from);
    starts.take_while(|start| *start <= at).last().filter(|start| at - start <= LENGTH / 2)
}

/// The start of the word at or before `at`.
fn word_start(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at);
    let before = text[..at].char_indices().rev().take(40).find(|(_, c)| c.is_whitespace());
    before.map_or(if at < 40 { 0 } else { at }, |(i, c)| i + c.len_utf8())
}

/// The end of the word at or before `at`.
fn word_end(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at.min(text.len()));
    if at == text.len() {
        return at;
    }
    text[..at].char_indices().rev().take(40).find(|(_, c)| c.is_whitespace()).map_or(at, |(i, _)| i)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shows_the_part_with_the_words_of_the_query() {
        let text = format!(
            "{}The lantern keepers of Lisbon light seven lamps. {}",
            "Rain fell. ".repeat(60),
            "Ships came. ".repeat(60)
        );
        let snippet = snippet(&text, 0..text.len(), "lantern in Lisbon");
        let marked: Vec<&str> = snippet.matches.iter().map(|m| &snippet.text[m.clone()]).collect();
        assert_eq!(marked, ["lantern", "Lisbon"]);
        assert!(snippet.text.len() <= LENGTH + 40);
    }

    #[test]
    fn begins_with_the_sentence_of_the_first_word() {
        let filler = "Rain fell on the old harbour. ".repeat(30);
        for (sentence, query) in [
            ("According to Dr. Smith of the U.S. office, the keepers of Lisbon light seven lamps.", "seven lamps"),
            (
                "The valve, which was built\nin 1903 by a man from Porto,\nis never closed by hand.",
                "valve closed by hand",
            ),
        ] {
            let text = format!("{filler}{sentence} {filler}");
            let snippet = snippet(&text, 0..text.len(), query);
            assert!(snippet.text.starts_with(sentence), "{}", snippet.text);
        }
        let endless = format!("{} lamps {}", "and so on ".repeat(60), "and on ".repeat(60));
        assert!(snippet(&endless, 0..endless.len(), "lamps").text.contains("lamps"), "without a sentence, words");
    }

    proptest! {
        #[test]
        fn is_where_it_says(text in "(\\PC{0,12} ){0,80}", query in "\\PC{0,20}") {
            let snippet = snippet(&text, 0..text.len(), &query);
            let there: String = text.chars().skip(snippet.chars.start).take(snippet.chars.len()).collect();
            prop_assert_eq!(&there, &snippet.text);
            for m in snippet.matches {
                prop_assert!(snippet.text.get(m).is_some());
            }
        }
    }
}
