//! Documents cut into sentences.

use unicode_segmentation::UnicodeSegmentation;

use crate::token::is_abbreviation;

/// The sentences of a document by the rules of Unicode (UAX 29), except that abbreviations and initials end none.
/// Borrowed, trimmed, in order; a line break in a sentence stays, an empty line ends one.
pub fn sentences(document: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for block in document.split("\n\n") {
        let mut start = 0;
        let mut end = 0;
        for part in block.split_sentence_bounds() {
            end += part.len();
            let text = block[start..end].trim_end();
            let last = text.split_whitespace().next_back().unwrap_or_default();
            if !last.strip_suffix('.').is_some_and(is_abbreviation) || end == block.len() {
                found.push(text.trim());
                start = end;
            }
        }
        if start < end {
            found.push(block[start..end].trim());
        }
    }
    found.retain(|sentence| !sentence.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::sentences;

    #[test]
    fn abbreviations_and_initials_do_not_end_a_sentence() {
        let text = "Dr. J. Smith came. He met Prof. Jones in St. Louis!\n\nThen they left";
        assert_eq!(sentences(text), ["Dr. J. Smith came.", "He met Prof. Jones in St. Louis!", "Then they left"]);
        assert!(sentences(" \n\n ").is_empty());
    }
}
