//! Cutting long texts into overlapping passages.
//!
//! A text is split into blocks and sentences, the tokens of each are counted once, and neighbors are packed into passages. `text-splitter` does the same job by counting ever
//! larger sections anew. Processor seconds for 10 MB (abstracts of scientific papers, joined; the tokenizer of
//! all-MiniLM-L6-v2; 254 tokens per passage, overlap 32), where a single tokenization takes 3.9 to 4.6:
//!
//! | text | `text-splitter` 0.33 | here |
//! |---|---|---|
//! | paragraphs | 24.6 | 5.3 |
//! | one line | 16.8 | 5.3 |
//! | one line without sentences | more than 80 | 5.4 |
//! | one word | | 3.4 |
//!
//! The example `passage_speed` measures the right column.

use crate::Error;
use crate::outline::{Block, BlockKind, blocks};
use crate::sentences::{sentences_of, trimmed};
use std::ops::Range;
use unicode_segmentation::GraphemeCursor;

/// A part of a text. Both ranges name the same part: `&text[passage.bytes]` in Rust, `text[start:end]` with `chars` in
/// languages whose strings are indexed by character, such as Python.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Passage {
    /// Offsets in bytes of UTF-8.
    pub bytes: Range<usize>,
    /// Offsets in characters, that is Unicode scalar values.
    pub chars: Range<usize>,
}

/// How long passages are, and how much neighbors share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassageOptions {
    max_tokens: usize,
    overlap_tokens: usize,
}

impl PassageOptions {
    /// Passages of at most `max_tokens`, each repeating at most `overlap_tokens` from the end of the one before.
    ///
    /// # Errors
    /// [`Error::NoTokens`] if `max_tokens` is 0, [`Error::OverlapTooLarge`] if the overlap is more than half of it.
    pub fn new(max_tokens: usize, overlap_tokens: usize) -> Result<PassageOptions, Error> {
        if max_tokens == 0 {
            return Err(Error::NoTokens);
        }
        if overlap_tokens > max_tokens / 2 {
            return Err(Error::OverlapTooLarge { max_tokens, overlap_tokens });
        }
        Ok(PassageOptions { max_tokens, overlap_tokens })
    }

    /// The most tokens a passage has.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// The most tokens that a passage repeats from the one before.
    pub fn overlap_tokens(&self) -> usize {
        self.overlap_tokens
    }
}

/// Cuts `text` into passages of at most [`max_tokens`](PassageOptions::max_tokens), as `count_tokens` counts them.
///
/// * A text that fits is one passage; a text without anything but white space has none. Ordinary text has about 4 bytes
///   per token; one of more than 64 times `max_tokens` bytes is taken not to fit, so that an encoded image, which is one
///   unknown token to some tokenizers, is not one passage of megabytes.
/// * Passages come in order, begin and end with something other than white space, and together hold every character that
///   is not white space. No passage lies within another.
/// * A passage ends, in this order of preference, at the end of a paragraph (if it is at least half full there), at the
///   end of a sentence, between words, between characters as readers see them. Words are divided only if they alone are
///   too long, or if a sentence too long for a passage has no white space for 128 bytes.
/// * The overlap consists of whole sentences (or of pieces, where a sentence was divided), so it may be shorter than
///   allowed, or nothing after a long sentence.
/// * A single character that alone has more than `max_tokens` is a passage all the same, the one exception to the limit.
///
/// `count_tokens` must not count the special tokens that an encoder adds: leave room for them in `max_tokens`. It is
/// called about twice for every part of the text, once in its sentence and once in its passage, so the time is linear in
/// the length of the text if that of `count_tokens` is.
///
/// ```
/// # fn main() -> Result<(), vetted_corpus::Error> {
/// use vetted_corpus::{PassageOptions, cut};
///
/// let text = "Ärzte heilen. Bakers bake. Cats nap.";
/// let words = |part: &str| part.split_whitespace().count();
/// let passages = cut(text, &PassageOptions::new(4, 2)?, words);
///
/// let parts: Vec<&str> = passages.iter().map(|passage| &text[passage.bytes.clone()]).collect();
/// assert_eq!(parts, ["Ärzte heilen. Bakers bake.", "Bakers bake. Cats nap."]);
/// assert_eq!((passages[1].bytes.clone(), passages[1].chars.clone()), (15..37, 14..36));
/// # Ok(())
/// # }
/// ```
pub fn cut(text: &str, options: &PassageOptions, count_tokens: impl Fn(&str) -> usize) -> Vec<Passage> {
    let start = text.len() - text.trim_start().len();
    let whole = start..start + text.trim().len();
    if whole.is_empty() {
        return Vec::new();
    }
    let fits = tokens_if_short(&text[whole.clone()], options.max_tokens, &count_tokens).is_some();
    let ranges = if fits {
        vec![whole]
    } else {
        let units = units(text, options.max_tokens, &count_tokens);
        pack(text, &units, options, &count_tokens)
    };
    with_characters(text, ranges)
}

/// How many bytes of a sentence that does not fit into a passage are kept together, at most, when it is cut.
const PIECE_BYTES: usize = 128;

/// More bytes than a token of ordinary text has.
const MOST_BYTES_PER_TOKEN: usize = 64;

/// The number of tokens of a text that fits into a passage. Counting what is certainly too long, such as a file without
/// line ends, would cost as much as cutting it.
fn tokens_if_short(text: &str, max_tokens: usize, count_tokens: &impl Fn(&str) -> usize) -> Option<usize> {
    let short = text.len() <= max_tokens.saturating_mul(MOST_BYTES_PER_TOKEN);
    short.then(|| count_tokens(text)).filter(|tokens| *tokens <= max_tokens)
}

/// The smallest part that passages are made of, without white space at its ends.
struct Unit {
    bytes: Range<usize>,
    tokens: usize,
    begins: Begins,
}

/// What begins with a unit; the greater, the better a place to cut.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Begins {
    Piece,
    Sentence,
    Paragraph,
}

impl Unit {
    /// Even what a tokenizer drops counts as one token. Otherwise, where a counter rounds down, all of a long text would
    /// look as if it fit, again after every passage.
    fn new(bytes: Range<usize>, tokens: usize, begins: Begins) -> Unit {
        Unit { bytes, tokens: tokens.max(1), begins }
    }
}

fn units(text: &str, max_tokens: usize, count_tokens: &impl Fn(&str) -> usize) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut below_heading = false;
    for block in blocks(text) {
        let mut begins = match (below_heading, block.apart) {
            // A heading stays with what stands below it.
            (true, _) => Begins::Piece,
            (false, true) => Begins::Paragraph,
            (false, false) => Begins::Sentence,
        };
        below_heading = matches!(block.kind, BlockKind::Heading { .. } | BlockKind::TableHead);
        for part in parts(text, &block) {
            push_part(text, part, begins, max_tokens, count_tokens, &mut units);
            begins = Begins::Sentence;
        }
    }
    units
}

/// What a block is divided into where it does not fit whole: sentences, lines of code. Together they are all of it.
fn parts(text: &str, block: &Block) -> Vec<Range<usize>> {
    let mut parts = match block.kind {
        BlockKind::Paragraph | BlockKind::Item => sentences_of(text, block.content.clone()),
        BlockKind::Code => lines_of(text, block.bytes.clone()).collect(),
        _ => Vec::new(),
    };
    match parts.first_mut() {
        Some(first) => first.start = block.bytes.start,
        None => parts.push(block.bytes.clone()),
    }
    parts
}

/// The lines of a part of a text that are not empty.
pub(crate) fn lines_of(text: &str, part: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut end = part.start;
    text[part].split_inclusive('\n').filter_map(move |line| {
        let start = end;
        end += line.len();
        trimmed(text, start..end)
    })
}

/// Adds a part, in pieces if it is too long.
fn push_part(
    text: &str,
    part: Range<usize>,
    begins: Begins,
    max_tokens: usize,
    count_tokens: &impl Fn(&str) -> usize,
    units: &mut Vec<Unit>,
) {
    if let Some(tokens) = tokens_if_short(&text[part.clone()], max_tokens, count_tokens) {
        units.push(Unit::new(part, tokens, begins));
        return;
    }
    let first = units.len();
    for piece in pieces(text, part) {
        push_piece(text, piece, max_tokens, count_tokens, units);
    }
    if let Some(unit) = units.get_mut(first) {
        unit.begins = begins;
    }
}

/// A sentence, or a line of code, in parts of at most `max_tokens` with their tokens.
pub(crate) fn fitting(
    text: &str,
    sentence: Range<usize>,
    max_tokens: usize,
    count_tokens: &impl Fn(&str) -> usize,
) -> Vec<(Range<usize>, usize)> {
    let mut units = Vec::new();
    push_part(text, sentence, Begins::Sentence, max_tokens, count_tokens, &mut units);
    let mut parts: Vec<(Range<usize>, usize)> = Vec::new();
    for unit in units {
        match parts.last_mut() {
            Some((part, tokens)) if *tokens + unit.tokens <= max_tokens => {
                part.end = unit.bytes.end;
                *tokens += unit.tokens;
            }
            _ => parts.push((unit.bytes, unit.tokens)),
        }
    }
    parts
}

/// Parts of at most [`PIECE_BYTES`], at white space where there is some.
fn pieces(text: &str, sentence: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut start = sentence.start;
    std::iter::from_fn(move || {
        if start >= sentence.end {
            return None;
        }
        let end = match sentence.end - start {
            0..=PIECE_BYTES => sentence.end,
            _ => place_to_divide(text, start..sentence.end, start + PIECE_BYTES),
        };
        let piece = start..end;
        start = end;
        Some(piece)
    })
    .filter_map(move |piece| trimmed(text, piece))
}

/// Adds a piece, word by word if it is too coarse to fill passages well.
fn push_piece(
    text: &str,
    piece: Range<usize>,
    max_tokens: usize,
    count_tokens: &impl Fn(&str) -> usize,
    units: &mut Vec<Unit>,
) {
    let tokens = count_tokens(&text[piece.clone()]);
    if tokens <= max_tokens / 4 {
        units.push(Unit::new(piece, tokens, Begins::Piece));
        return;
    }
    let mut start = piece.start;
    for word in text[piece].split_inclusive(char::is_whitespace) {
        let end = start + word.len();
        if let Some(word) = trimmed(text, start..end) {
            push_word(text, word, max_tokens, count_tokens, units);
        }
        start = end;
    }
}

/// Adds a word, in halves of halves if it alone has too many tokens. Halving 128 bytes is at most seven deep.
fn push_word(
    text: &str,
    word: Range<usize>,
    max_tokens: usize,
    count_tokens: &impl Fn(&str) -> usize,
    units: &mut Vec<Unit>,
) {
    let tokens = count_tokens(&text[word.clone()]);
    let divided = place_to_divide(text, word.clone(), word.start + word.len().div_ceil(2));
    if tokens <= max_tokens || divided >= word.end {
        units.push(Unit::new(word, tokens, Begins::Piece));
        return;
    }
    push_word(text, word.start..divided, max_tokens, count_tokens, units);
    push_word(text, divided..word.end, max_tokens, count_tokens, units);
}

/// Where to divide `range`, at `limit` or before it if possible: after the last white space, else between grapheme
/// clusters (Annex 29), else between characters. Greater than the start of the range.
fn place_to_divide(text: &str, range: Range<usize>, limit: usize) -> usize {
    let limit = text.floor_char_boundary(limit.min(range.end));
    let before = &text[range.start..limit];
    if let Some((at, space)) = before.char_indices().rfind(|(_, character)| character.is_whitespace()) {
        return range.start + at + space.len_utf8();
    }
    let sentence = &text[range.clone()];
    let mut cursor = GraphemeCursor::new(limit - range.start, sentence.len(), true);
    // The cursor is given all of its text, so it never asks for more, which would be its only error.
    let boundary = match cursor.is_boundary(sentence, 0) {
        Ok(true) => Some(limit - range.start),
        _ => cursor.prev_boundary(sentence, 0).ok().flatten(),
    };
    match boundary {
        Some(boundary) if boundary > 0 => range.start + boundary,
        _ if limit > range.start => limit,
        _ => text.ceil_char_boundary(range.start + 1),
    }
}

fn pack(
    text: &str,
    units: &[Unit],
    options: &PassageOptions,
    count_tokens: &impl Fn(&str) -> usize,
) -> Vec<Range<usize>> {
    let mut passages = Vec::new();
    // Units before `done` are in a passage; the next passage begins at `start <= done`.
    let (mut start, mut done) = (0, 0);
    while done < units.len() {
        let mut end = passage_end(text, units, start, done, options.max_tokens, count_tokens);
        if end <= done {
            start = done;
            end = passage_end(text, units, start, done, options.max_tokens, count_tokens).max(done + 1);
        }
        passages.push(units[start].bytes.start..units[end - 1].bytes.end);
        start = overlap_start(units, start, end, options);
        done = end;
    }
    passages
}

/// The end (exclusive) of the passage that begins with unit `start` and should reach beyond `done`; not more than `done`
/// if it cannot.
fn passage_end(
    text: &str,
    units: &[Unit],
    start: usize,
    done: usize,
    max_tokens: usize,
    count_tokens: &impl Fn(&str) -> usize,
) -> usize {
    let mut tokens = 0;
    let mut end = start;
    let mut best = (Begins::Piece, done);
    while let Some(unit) = units.get(end) {
        if end > done && 2 * tokens >= max_tokens && unit.begins >= best.0 {
            best = (unit.begins, end);
        }
        tokens += unit.tokens;
        if tokens > max_tokens {
            break;
        }
        end += 1;
    }
    // A better place than in the middle of a sentence or paragraph, provided that text is left after it.
    if end < units.len() && best.1 > done && best.0 > units[end].begins {
        end = best.1;
    }
    // Tokens need not add up: a tokenizer may merge or split differently where units meet.
    while end > start + 1 {
        let counted = count_tokens(&text[units[start].bytes.start..units[end - 1].bytes.end]);
        if counted <= max_tokens {
            break;
        }
        let proportional = start + (end - start) * max_tokens / counted;
        end = proportional.clamp(start + 1, end - 1);
    }
    end
}

/// The first unit of the passage after `start..end`: as many of its last units as the overlap allows, and as leave room
/// for the one that follows.
fn overlap_start(units: &[Unit], start: usize, end: usize, options: &PassageOptions) -> usize {
    let next = units.get(end).map_or(0, |unit| unit.tokens);
    let room = options.overlap_tokens.min(options.max_tokens.saturating_sub(next));
    let mut tokens = 0;
    let mut first = end;
    while first > start + 1 {
        tokens += units[first - 1].tokens;
        if tokens > room {
            break;
        }
        first -= 1;
    }
    first
}

/// Adds offsets in characters. Starts and ends both grow, so each is counted on from the one before.
fn with_characters(text: &str, ranges: Vec<Range<usize>>) -> Vec<Passage> {
    let count_on = |from: (usize, usize), to: usize| (to, from.1 + text[from.0..to].chars().count());
    let (mut start, mut end) = ((0, 0), (0, 0));
    let passage = |bytes: Range<usize>| {
        start = count_on(start, bytes.start);
        // Passages overlap little: from the end before, this one's text is counted about once.
        end = count_on(end.max(start), bytes.end);
        Passage { chars: start.1..end.1, bytes }
    };
    ranges.into_iter().map(passage).collect()
}
