//! How much an agent is given at once. What is cut is marked with `…`, what is left off is counted.

use serde::Serialize;
use serde_json::{Map, Value};

/// Results of one search, and candidates or documents of one call.
pub(super) const MOST_RESULTS: usize = 50;
/// Documents that one call adds, and ids that one call removes.
pub(super) const MOST_DOCUMENTS: usize = 100;
/// Characters of a query.
pub(super) const MOST_OF_QUERY: usize = 4_000;
/// Characters of a title.
pub(super) const MOST_OF_TITLE: usize = 200;
/// Characters of the part of a text that decided.
pub(super) const MOST_OF_WINDOW: usize = 600;
/// Bytes of a document's metadata, as JSON.
pub(super) const MOST_OF_METADATA: usize = 1_000;
/// Characters of a document that is read in full; the next call goes on.
pub(super) const MOST_OF_DOCUMENT: usize = 20_000;
/// Bytes of all results of one answer, as JSON: about ten thousand tokens.
pub(super) const MOST_OF_RESULTS: usize = 40_000;
/// Bytes of all that was left out, beside these.
pub(super) const MOST_OF_LEFT_OUT: usize = 8_000;
/// Characters of an answer's text.
pub(super) const MOST_OF_TEXT: usize = 24_000;

/// Cuts `text` to so many characters, behind a word where one ends near there. Says whether it did.
pub(super) fn shorten(text: &mut String, most: usize) -> bool {
    let Some((end, _)) = text.char_indices().nth(most) else { return false };
    let end = match text[..end].rfind(char::is_whitespace) {
        Some(space) if space * 2 > end => space,
        _ => end,
    };
    text.truncate(end);
    text.push('…');
    true
}

/// Leaves out fields behind the first `most` bytes. Says whether it did.
pub(super) fn shorten_metadata(metadata: &mut Map<String, Value>, most: usize) -> bool {
    let before = metadata.len();
    let mut left = most;
    metadata.retain(|name, value| {
        let size = name.len() + length(value);
        let fits = size <= left;
        left -= if fits { size } else { 0 };
        fits
    });
    metadata.len() < before
}

/// Keeps the first items that have `most` bytes together. Says how many were left off.
pub(super) fn keep_first<T: Serialize>(items: &mut Vec<T>, most: usize) -> usize {
    let mut left = most;
    let fits = |item: &T| {
        let size = length(item);
        let fits = size <= left;
        left -= if fits { size } else { 0 };
        fits
    };
    let kept = items.iter().map(fits).take_while(|fits| *fits).count();
    let left_off = items.len() - kept;
    items.truncate(kept);
    left_off
}

/// Bytes as JSON; more than anything is allowed where it cannot be written.
fn length(item: &impl Serialize) -> usize {
    serde_json::to_vec(item).map_or(usize::MAX, |json| json.len())
}

/// Text in one line: what stands in a document must not look like the next entry of a list.
pub(super) fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lines that have [`MOST_OF_TEXT`] characters together, and how many entries more there are.
pub(super) struct Lines {
    text: String,
    left: usize,
    left_off: usize,
}

impl Lines {
    pub(super) fn new(head: &str) -> Lines {
        Lines { text: head.to_owned(), left: MOST_OF_TEXT.saturating_sub(head.chars().count()), left_off: 0 }
    }

    /// Adds an entry, which may have several lines, if it fits.
    pub(super) fn add(&mut self, entry: &str) {
        let size = entry.chars().count() + 1;
        if self.left_off > 0 || size > self.left {
            self.left_off += 1;
            return;
        }
        self.left -= size;
        self.text.push('\n');
        self.text.push_str(entry);
    }

    /// `more` are entries that were left off before.
    pub(super) fn finish(mut self, more: usize) -> String {
        let left_off = self.left_off + more;
        if left_off > 0 {
            self.text.push_str(&format!("\n… and {left_off} more, left off to keep this short: ask for fewer"));
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_is_cut_between_characters_and_behind_words() {
        for (text, most, expected) in [
            ("short", 5, "short"),
            ("a longer text", 8, "a longer…"),
            ("a longer text", 12, "a longer…"),
            ("unbroken", 4, "unbr…"),
            ("größer", 3, "grö…"),
            ("🐕🐕🐕", 2, "🐕🐕…"),
            ("", 0, ""),
        ] {
            let mut shortened = text.to_owned();
            assert_eq!(shorten(&mut shortened, most), shortened != text);
            assert_eq!(shortened, expected, "{text:?} to {most}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_off_and_counted() {
        let mut items = vec!["aa", "bb", "c", "d"];
        assert_eq!(keep_first(&mut items, 9), 2, "in their order: nothing small slips in behind what was left off");
        assert_eq!(items, ["aa", "bb"]);
        let mut metadata = json!({"year": 2025, "body": "x".repeat(100), "kind": "a"}).as_object().unwrap().clone();
        assert!(shorten_metadata(&mut metadata, 50));
        assert_eq!(metadata.keys().collect::<Vec<_>>(), ["year", "kind"]);
        assert!(!shorten_metadata(&mut metadata, 50));
    }

    #[test]
    fn an_answers_text_has_a_bound() {
        let mut lines = Lines::new("head");
        for _ in 0..100 {
            lines.add(&"x".repeat(999));
        }
        let text = lines.finish(2);
        assert!(
            text.chars().count() < MOST_OF_TEXT + 100 && text.contains("… and 79 more"),
            "{}",
            &text[text.len() - 80..]
        );
        assert_eq!(Lines::new("head").finish(0), "head");
    }
}
