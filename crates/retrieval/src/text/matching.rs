//! Which words of a text a query is about, for showing them.

use std::collections::HashSet;
use std::ops::Range;

use tantivy::tokenizer::{TokenStream, Tokenizer};

use super::analysis::{EnglishTokenizer, terms};

/// The bytes of every word in `text` that BM25 would match with a word of `query`, in order.
///
/// ```
/// assert_eq!(vetted_retrieval::matching_words("biting dogs", "The dog bites; the dogs bit."), [4..7, 8..13, 19..23]);
/// ```
pub fn matching_words(query: &str, text: &str) -> Vec<Range<usize>> {
    let wanted: HashSet<String> = terms(query).into_iter().collect();
    let mut tokenizer = EnglishTokenizer::default();
    let mut stream = tokenizer.token_stream(text);
    let mut found = Vec::new();
    while stream.advance() {
        let token = stream.token();
        if wanted.contains(&token.text) {
            found.push(token.offset_from..token.offset_to);
        }
    }
    found
}
