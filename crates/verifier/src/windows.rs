//! What of a text is read: windows of whole sentences.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use vetted_corpus::{PassageOptions, Window, cut, cut_sentences, leads};
use vetted_encoder::Tokens;
use vetted_reader::Views;

use crate::Error;
use crate::decide::{BLOCK, FEWEST_TOKENS, MOST_BYTES, MOST_COMPARED};
use crate::verifier::Verifier;

/// A passage of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassageText<'a> {
    /// What stands above it in the document and counts for it, from [`vetted_corpus::leads`]; mostly nothing.
    pub lead: Cow<'a, str>,
    /// The passage itself.
    pub text: Cow<'a, str>,
}

impl<'a, Text: Into<Cow<'a, str>>> From<Text> for PassageText<'a> {
    /// A passage with nothing above it.
    fn from(text: Text) -> Self {
        PassageText { lead: Cow::Borrowed(""), text: text.into() }
    }
}

/// The views of a passage's windows: all that is needed to verify it. Made by [`Verifier::passage_views`].
#[derive(Clone, Debug, PartialEq)]
pub struct PassageViews<'a> {
    /// Where in the passage each window is, in bytes.
    pub ranges: Vec<Range<usize>>,
    /// The views of each window.
    pub views: Vec<Views<'a>>,
}

/// A text cut to what the verifier reads at once.
#[derive(Default)]
pub(crate) struct Windows {
    pub(crate) ranges: Vec<Range<usize>>,
    pub(crate) ids: Vec<Vec<u32>>,
}

/// How a text is cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Neighbours share up to a third of their tokens: what two sentences say together is read together.
    Overlapping,
    /// Sentence by sentence, so that no other one hides what a sentence says, and what is kept of a passage stays small.
    Sentences,
}

/// Which rule cuts what is kept into windows: part of [`ViewsFingerprint`](crate::ViewsFingerprint). Count up when it changes.
/// 2: line ends within paragraphs and full stops of abbreviations end no sentence; sentences are read with what they stand under.
pub(crate) const VERSION: u8 = 2;

impl Verifier {
    /// Views from their bytes; none when they are no views of this verifier.
    pub fn stored_views<'a>(&self, bytes: &'a [u8]) -> Option<Views<'a>> {
        self.view_scorer()?.stored(bytes).ok()
    }

    /// The sentences of a passage, each read with what it stands under.
    pub(crate) fn passage_windows(&self, PassageText { lead, text }: &PassageText) -> Result<Windows, Error> {
        self.windows_of(lead, beginning(text, MOST_BYTES), Cut::Sentences)
    }

    pub(crate) fn windows_of(&self, lead: &str, text: &str, how: Cut) -> Result<Windows, Error> {
        let tokens = self.encoder.tokens();
        let room = tokens.max_tokens().saturating_sub(tokens.special_tokens()).max(1);
        let windows = match how {
            Cut::Overlapping => {
                let passages = cut(text, &PassageOptions::new(room, room / 3)?, count(tokens)).into_iter();
                passages.map(|passage| Window { bytes: passage.bytes, with_context: None }).collect()
            }
            Cut::Sentences => cut_sentences(lead, text, &PassageOptions::new(room, 0)?, FEWEST_TOKENS, count(tokens)),
        };
        Windows::new(tokens, text, windows)
    }

    /// The windows of a candidate that `query` is compared with, from all of it: no more than [`MOST_COMPARED`].
    pub(crate) fn windows_for(&self, query: &Wanted, text: &str, how: Cut) -> Result<Windows, Error> {
        if text.len() <= MOST_BYTES {
            return Ok(self.windows_of("", text, how)?.nearest(query));
        }
        let blocks = blocks(text);
        let shared = blocks.iter().map(|block| query.words_in(&text[block.clone()]));
        let mut windows = Windows::default();
        let chosen = largest(shared.collect(), MOST_BYTES / BLOCK);
        let starts: Vec<usize> = chosen.iter().map(|chosen| blocks[*chosen].start).collect();
        for ((chosen, start), lead) in chosen.into_iter().zip(&starts).zip(leads(text, &starts)) {
            let Windows { ranges, ids } = self.windows_of(&lead, &text[blocks[chosen].clone()], how)?;
            windows.ranges.extend(ranges.into_iter().map(|range| start + range.start..start + range.end));
            windows.ids.extend(ids);
        }
        Ok(windows.nearest(query))
    }
}

impl<'a> PassageViews<'a> {
    /// As [`Windows::nearest`], where views tell which tokens they are of.
    pub(crate) fn nearest(&self, query: &Wanted) -> PassageViews<'a> {
        let shared: Option<Vec<usize>> =
            self.views.iter().map(|views| views.ids().map(|ids| query.count(ids))).collect();
        match shared {
            Some(shared) if shared.len() > MOST_COMPARED => {
                let chosen = largest(shared, MOST_COMPARED);
                PassageViews {
                    ranges: chosen.iter().map(|i| self.ranges[*i].clone()).collect(),
                    views: chosen.iter().map(|i| self.views[*i].clone()).collect(),
                }
            }
            _ => self.clone(),
        }
    }
}

impl Windows {
    fn new(tokens: &Tokens, text: &str, windows: Vec<Window>) -> Result<Windows, Error> {
        let ids = windows.iter().map(|window| tokens.ids(&window.read(text))).collect::<Result<_, _>>()?;
        Ok(Windows { ranges: windows.into_iter().map(|window| window.bytes).collect(), ids })
    }

    pub(crate) fn nearest(self, query: &Wanted) -> Windows {
        if self.ids.len() <= MOST_COMPARED {
            return self;
        }
        let chosen = largest(self.ids.iter().map(|ids| query.count(ids.iter().copied())).collect(), MOST_COMPARED);
        let windows = self.ranges.into_iter().zip(self.ids).enumerate();
        let (ranges, ids) = windows.filter(|(at, _)| chosen.contains(at)).map(|(_, window)| window).unzip();
        Windows { ranges, ids }
    }
}

/// A tokenizer that cannot read a part of the text says so when the window is read.
fn count(tokens: &Tokens) -> impl Fn(&str) -> usize + '_ {
    |part| tokens.count(part).unwrap_or(0)
}

/// What a query looks for in a text that is too long to be compared in full.
pub(crate) struct Wanted {
    ids: HashSet<u32>,
    words: HashSet<String>,
}

impl Wanted {
    pub(crate) fn new(query: &str, ids: &[u32]) -> Wanted {
        // The first and the last token are of every text.
        let ids = ids.get(1..ids.len().saturating_sub(1)).unwrap_or_default();
        Wanted { ids: ids.iter().copied().collect(), words: words(query).collect() }
    }

    /// How many of the query's tokens are among `ids`.
    fn count(&self, ids: impl Iterator<Item = u32>) -> usize {
        ids.filter(|id| self.ids.contains(id)).collect::<HashSet<_>>().len()
    }

    /// How many of the query's words are in `text`.
    fn words_in(&self, text: &str) -> usize {
        words(text).filter(|word| self.words.contains(word)).collect::<HashSet<_>>().len()
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The places of the `most` best, in their order.
pub(crate) fn best(values: &[f32], most: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    order.truncate(most);
    order.sort_unstable();
    order
}

/// The places of the `count` largest, in their order; of equals the first.
fn largest(values: Vec<usize>, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(values[*i]));
    order.truncate(count);
    order.sort_unstable();
    order
}

/// `text` in parts of about [`BLOCK`] bytes.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut blocks = Vec::with_capacity(text.len() / BLOCK + 1);
    let mut start = 0;
    while start < text.len() {
        let end = start + beginning(&text[start..], BLOCK).len();
        blocks.push(start..end);
        start = end;
    }
    blocks
}

/// At most `bytes` of `text`, up to the end of a word if there is one in its last half.
fn beginning(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let whole = &text[..text.floor_char_boundary(bytes)];
    match whole.rfind(char::is_whitespace) {
        Some(at) if at > bytes / 2 => &whole[..at],
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_windows_read_are_those_that_cover_most_in_their_order() {
        let coverage = [0.1, 0.9, 0.3, 0.8, 0.3, 0.7, 0.6, 0.5, 0.4, 0.2];
        let chosen = best(&coverage, 8);
        assert_eq!(chosen, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(best(&[], 8).is_empty());
        assert_eq!(largest(vec![1, 3, 3, 2, 3], 2), [1, 2]);
    }

    #[test]
    fn blocks_are_the_text_and_end_between_words() {
        let text = "caf\u{e9} au lait ".repeat(2000);
        let blocks = blocks(&text);
        assert_eq!(blocks.iter().map(|block| &text[block.clone()]).collect::<String>(), text);
        assert!(blocks.len() > 5 && blocks.iter().all(|block| block.len() <= BLOCK));
        assert!(blocks[1..].iter().all(|block| text[block.start..].starts_with(' ')));
    }

    #[test]
    fn a_query_wants_its_words_and_not_what_every_text_has() {
        let wanted = Wanted::new("Who bit?", &[101, 7, 8, 102]);
        assert_eq!(wanted.count([101, 7, 7, 102].into_iter()), 1);
        assert_eq!(wanted.words_in("He BIT, and bit. Who?"), 2);
    }
}
