//! Text to token ids.

use tokenizers::tokenizer::{NormalizedString, Normalizer};
use tokenizers::utils::truncation::{TruncationDirection, TruncationParams, TruncationStrategy};

use crate::{Error, ModelFolder};

/// A model's tokenizer, with the truncation and padding its file may ask for replaced by vetted's own: inputs are cut
/// at the model's longest input and never padded.
pub struct Tokens {
    tokenizer: tokenizers::Tokenizer,
    max_tokens: usize,
    lower_case: bool,
}

/// What the ids of a text do not tell: two texts that differ in it may have the same ids. From [`Tokens::unseen`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unseen {
    /// What has no token of its own, in the order of the text: words that are `[UNK]`, and signs that are left out.
    pub unknown: Vec<String>,
    /// Signs that are read as others, in the order of the text: of \u{2260}, only \u{3d} is read.
    pub mistaken: Vec<String>,
}

/// A longer word has no token in the vocabularies of BERT.
const LONGEST_WORD: usize = 100;

impl Tokens {
    pub(crate) fn open(folder: &ModelFolder, max_tokens: usize) -> Result<Tokens, Error> {
        let fault = |source| Error::Tokenizer { path: folder.tokenizer.clone(), source };
        let mut tokenizer = tokenizers::Tokenizer::from_file(&folder.tokenizer).map_err(fault)?;
        let truncation = TruncationParams {
            direction: TruncationDirection::Right,
            max_length: max_tokens,
            strategy: TruncationStrategy::LongestFirst,
            stride: 0,
        };
        tokenizer.with_padding(None).with_truncation(Some(truncation)).map_err(fault)?;
        Ok(Tokens { tokenizer, max_tokens, lower_case: folder.settings.lower_case })
    }

    /// The ids of `text`, special tokens included, at most the model's longest input.
    ///
    /// # Errors
    /// [`Error::Tokenization`] when the tokenizer has no token for a part of the text.
    pub fn ids(&self, text: &str) -> Result<Vec<u32>, Error> {
        // A tokenizer reads everything before it truncates: a 10 MB document would cost seconds to keep a page. Words
        // are tokenized one by one, so a beginning that ends between two words and already fills the input will do.
        let mut budget = self.max_tokens * 16;
        loop {
            let part = beginning(text, budget);
            let encoding = self.encode(part, true)?;
            if encoding.len() >= self.max_tokens || part.len() == text.len() {
                return Ok(encoding.get_ids().to_vec());
            }
            budget *= 8;
        }
    }

    /// How many tokens `text` has, special tokens left out and nothing cut off: what passages are measured in.
    ///
    /// # Errors
    /// [`Error::Tokenization`], as for [`ids`](Self::ids).
    pub fn count(&self, text: &str) -> Result<usize, Error> {
        let encoding = self.encode(text, false)?;
        Ok(encoding.len() + encoding.get_overflowing().iter().map(tokenizers::Encoding::len).sum::<usize>())
    }

    /// What of `text` its ids do not tell. Accents of letters, which a model may be made to overlook, are not among it.
    ///
    /// # Errors
    /// As for [`ids`](Self::ids).
    pub fn unseen(&self, text: &str) -> Result<Unseen, Error> {
        let mut unseen = Unseen::default();
        if text.is_ascii() && text.split_ascii_whitespace().all(|word| word.len() <= LONGEST_WORD) {
            return Ok(unseen);
        }
        let text = if self.lower_case { text.to_lowercase() } else { text.to_owned() };
        let fault = |source| Error::Tokenization { beginning: beginning(&text, 60).to_owned(), source };
        let unknown = self.tokenizer.token_to_id("[UNK]");
        // Unlike the encoding of ids, this one knows where each token stands.
        let encoding = self.tokenizer.encode(text.as_str(), false).map_err(fault)?;
        for part in std::iter::once(&encoding).chain(encoding.get_overflowing()) {
            let words = part.get_ids().iter().zip(part.get_offsets()).filter(|(id, _)| Some(**id) == unknown);
            unseen.unknown.extend(words.filter_map(|(_, (start, end))| Some(plain(text.get(*start..*end)?))));
        }
        let mut after_letter = false;
        for sign in text.chars() {
            match sign {
                _ if sign.is_ascii() || sign.is_alphanumeric() => {}
                // How an emoji is drawn, not which one it is.
                '\u{fe00}'..='\u{fe0f}' => continue,
                _ => match self.normalized(sign).map_err(fault)? {
                    read if read.is_empty() && is_mark(sign) && !after_letter => unseen.mistaken.push(sign.into()),
                    read if read.is_empty() && is_sign(sign) => unseen.unknown.push(sign.into()),
                    read if !read.is_empty() && !read.contains(sign) => unseen.mistaken.push(sign.into()),
                    _ => {}
                },
            }
            after_letter = sign.is_alphanumeric() || (after_letter && is_mark(sign));
        }
        Ok(unseen)
    }

    /// What is read of a sign that stands alone.
    fn normalized(&self, sign: char) -> Result<String, tokenizers::Error> {
        let mut text = NormalizedString::from(sign.to_string());
        if let Some(normalizer) = self.tokenizer.get_normalizer() {
            normalizer.normalize(&mut text)?;
        }
        Ok(text.get().trim().to_owned())
    }

    /// The token that `id` stands for, as the vocabulary writes it; `[UNK]` if it has none.
    pub fn word(&self, id: u32) -> String {
        self.tokenizer.id_to_token(id).unwrap_or_else(|| "[UNK]".to_owned())
    }

    /// The first words of a text with these ids, for messages.
    pub(crate) fn beginning(&self, ids: &[u32]) -> String {
        self.tokenizer.decode(&ids[..ids.len().min(12)], true).unwrap_or_default()
    }

    /// The longest input in tokens, special tokens included.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// How many of them special tokens take, such as BERT's `[CLS]` and `[SEP]`.
    pub fn special_tokens(&self) -> usize {
        use tokenizers::PostProcessor;
        self.tokenizer.get_post_processor().map_or(0, |p| p.added_tokens(false))
    }

    fn encode(&self, text: &str, special: bool) -> Result<tokenizers::Encoding, Error> {
        let fault = |source| Error::Tokenization { beginning: beginning(text, 60).to_owned(), source };
        if self.lower_case {
            self.tokenizer.encode_fast(text.to_lowercase(), special).map_err(fault)
        } else {
            self.tokenizer.encode_fast(text, special).map_err(fault)
        }
    }
}

/// Without what says how an emoji is drawn.
fn plain(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '\u{fe00}'..='\u{fe0f}')).collect()
}

/// Whether it changes the sign before it: `=` and U+0338 are an unequal sign.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}')
}

/// Whether it is seen where it stands, though a normalizer leaves it out: signs that a font or the newest Unicode has, and what
/// stands for a letter that could not be read.
fn is_sign(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fffd}' | '\u{1f000}'..='\u{1ffff}' | '\u{f0000}'..='\u{10ffff}')
}

/// The first `budget` bytes of `text`, cut back to white space; longer where there is none.
fn beginning(text: &str, budget: usize) -> &str {
    if text.len() <= budget {
        return text;
    }
    let bytes = text.as_bytes();
    let before = bytes[..budget].iter().rposition(u8::is_ascii_whitespace).filter(|at| *at > budget / 2);
    let end = before.or_else(|| bytes[budget..].iter().position(u8::is_ascii_whitespace).map(|at| budget + at));
    end.map_or(text, |end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn a_beginning_ends_between_words() {
        let cases = [
            ("short", 10, "short"),
            ("one two three", 9, "one two"),
            ("abcdefghijkl mno", 5, "abcdefghijkl"),
            ("unbroken", 3, "unbroken"),
            ("\u{e9}\u{e9}\u{e9}\u{e9} \u{e9}", 3, "\u{e9}\u{e9}\u{e9}\u{e9}"),
        ];
        for (text, budget, expected) in cases {
            assert_eq!(beginning(text, budget), expected);
        }
    }
}
