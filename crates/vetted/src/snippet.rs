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

/// The stretch of a document's `text` that is shown of `passage`: all of it where it is short, else what stands around the
/// window that `decided`, and without one the stretch that holds most words of the query. It begins with a sentence where one
/// begins near, else with a word.
pub(crate) fn snippet(text: &str, passage: Range<usize>, decided: Option<Range<usize>>, query: &str) -> Snippet {
    let Some(part) = text.get(passage.clone()) else { return Snippet::default() };
    let matches = matching_words(query, part);
    let decided = decided.and_then(|window| {
        let place = window.start.checked_sub(passage.start)?..window.end.checked_sub(passage.start)?;
        part.get(place.clone()).map(|_| place)
    });
    let window = match decided {
        _ if part.len() <= LENGTH => 0..part.len(),
        Some(decided) if decided.len() <= LENGTH => around(part, decided),
        // A sentence longer than a snippet: the best of it.
        Some(decided) => {
            let within = |m: &&Range<usize>| decided.start <= m.start && m.end <= decided.end;
            let own: Vec<Range<usize>> =
                matches.iter().filter(within).map(|m| m.start - decided.start..m.end - decided.start).collect();
            let best = best_window(&part[decided.clone()], &own);
            decided.start + best.start..decided.start + best.end
        }
        None => best_window(part, &matches),
    };
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

/// `decided` and what fits around it: whole sentences before, words after.
fn around(part: &str, decided: Range<usize>) -> Range<usize> {
    let spare = LENGTH - decided.len();
    let earliest = part.floor_char_boundary(decided.start.saturating_sub(spare / 3));
    let start = match earliest {
        0 => 0,
        _ => first_sentence(part, earliest..decided.start).unwrap_or(decided.start),
    };
    let end = word_end(part, start + LENGTH).max(decided.end);
    start..end
}

/// The stretch of `part` that holds most matches.
fn best_window(part: &str, matches: &[Range<usize>]) -> Range<usize> {
    if part.len() <= LENGTH {
        return 0..part.len();
    }
    // The first match of the window with most matches; among equals the earliest. One pass: a long document may hold a
    // word tens of thousands of times.
    let mut best = (0, 0);
    let mut end = 0;
    for (i, m) in matches.iter().enumerate() {
        while matches.get(end).is_some_and(|last| last.end <= m.start + LENGTH) {
            end += 1;
        }
        let found = end.saturating_sub(i);
        if found > best.0 {
            best = (found, m.start);
        }
    }
    // A little before the first match, so that it can be understood.
    let before = part.floor_char_boundary(best.1.saturating_sub(LENGTH / 3));
    let start = match before {
        0 => 0,
        _ => last_sentence(part, before..best.1)
            .unwrap_or_else(|| word_start(part, best.1.saturating_sub(LENGTH / 5).min(part.len() - LENGTH))),
    };
    start..word_end(part, start + LENGTH)
}

/// Where the first sentence begins that begins in `range`.
fn first_sentence(text: &str, range: Range<usize>) -> Option<usize> {
    sentences_from(text, range).next()
}

/// Where the last one does.
fn last_sentence(text: &str, range: Range<usize>) -> Option<usize> {
    sentences_from(text, range).last()
}

/// Where sentences begin in `range`, as far as what stands near tells.
fn sentences_from(text: &str, range: Range<usize>) -> impl Iterator<Item = usize> {
    let from = word_start(text, range.start.saturating_sub(LENGTH));
    let near = &text[from..text.ceil_char_boundary((range.end + LENGTH).min(text.len()))];
    // Where the stretch begins, nothing need begin.
    let starts = sentence_starts(near).into_iter().map(move |start| from + start);
    starts.filter(move |start| range.contains(start) && (from == 0 || *start > from))
}

/// The start of the word at or before `at`; of a word that is longer than a snippet, the place itself.
fn word_start(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at);
    let earliest = text.floor_char_boundary(at.saturating_sub(LENGTH));
    let before = text[earliest..at].char_indices().rev().find(|(_, c)| c.is_whitespace());
    before.map_or(if earliest == 0 { 0 } else { at }, |(i, c)| earliest + i + c.len_utf8())
}

/// The end of the word at or before `at`; of a word that is longer than that, the place itself.
fn word_end(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at.min(text.len()));
    if at == text.len() || text[at..].starts_with(char::is_whitespace) {
        return at;
    }
    let earliest = text.floor_char_boundary(at.saturating_sub(LENGTH / 2));
    text[earliest..at].char_indices().rev().find(|(_, c)| c.is_whitespace()).map_or(at, |(i, _)| earliest + i)
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
        let snippet = snippet(&text, 0..text.len(), None, "lantern in Lisbon");
        let marked: Vec<&str> = snippet.matches.iter().map(|m| &snippet.text[m.clone()]).collect();
        assert_eq!(marked, ["lantern", "Lisbon"]);
        assert!(snippet.text.len() <= LENGTH + 40);
        assert!(snippet.text.starts_with("The lantern keepers"), "{}", snippet.text);
    }

    #[test]
    fn the_sentence_that_decided_is_in_it() {
        let other = "Wipe the lens. Close the lid. Check the seal of the lens cap. ".repeat(30);
        let sentence = "The lens cap belongs in the red box.";
        let long = format!("The lens cap {}belongs in the red box.", "and whatever else there is ".repeat(20));
        let base64 = "QUJD".repeat(2000);
        for (before, decided) in [
            (other.as_str(), sentence),
            (&other[..30], sentence),
            (&other[..other.len() - 20], sentence), // in the middle of a sentence
            ("", sentence),
            (other.as_str(), long.as_str()),
            (base64.as_str(), sentence),
        ] {
            let text = format!("{before} {decided} {other}");
            let place = before.len() + 1..before.len() + 1 + decided.len();
            let got = snippet(&text, 0..text.len(), Some(place), "where does the lens cap belong");
            let there: String = text.chars().skip(got.chars.start).take(got.chars.len()).collect();
            assert_eq!(there, got.text);
            assert!(got.text.len() <= LENGTH + 40, "{}", got.text.len());
            match decided.len() <= LENGTH {
                true => assert!(got.text.contains(decided), "{}", got.text),
                false => assert!(decided.contains(&got.text), "{}", got.text),
            }
            let start = text.char_indices().nth(got.chars.start).unwrap().0;
            assert!(start == 0 || text[..start].ends_with(char::is_whitespace), "begins in a word: {}", got.text);
            if decided.len() <= LENGTH && got.text.find(decided) != Some(0) {
                assert!(text[..start].trim_end().is_empty() || text[..start].trim_end().ends_with('.'), "{}", got.text);
            }
        }
        // A window that is not in the passage, as one of a title, changes nothing.
        let text = format!("{other}{sentence}");
        assert_eq!(snippet(&text, 100..text.len(), Some(0..40), "box"), snippet(&text, 100..text.len(), None, "box"));
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
            let snippet = snippet(&text, 0..text.len(), None, query);
            assert!(snippet.text.starts_with(sentence), "{}", snippet.text);
        }
        let endless = format!("{} lamps {}", "and so on ".repeat(60), "and on ".repeat(60));
        assert!(snippet(&endless, 0..endless.len(), None, "lamps").text.contains("lamps"), "without a sentence, words");
    }

    proptest! {
        #[test]
        fn is_where_it_says(text in "(\\PC{0,12} ){0,80}", query in "\\PC{0,20}") {
            let decided = text.len() / 3..text.len() / 2;
            let decided = text.get(decided.clone()).map(|_| decided);
            let snippet = snippet(&text, 0..text.len(), decided, &query);
            let there: String = text.chars().skip(snippet.chars.start).take(snippet.chars.len()).collect();
            prop_assert_eq!(&there, &snippet.text);
            for m in snippet.matches {
                prop_assert!(snippet.text.get(m).is_some());
            }
        }
    }
}
