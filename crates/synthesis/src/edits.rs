//! Edits by subject. Each function offers every edit of its kind that the sentence's pattern makes safe, paraphrases and
//! changes of meaning that leave the same traces side by side.

mod comparison;
mod conjunction;
mod detail;
mod frame;
mod function_words;
mod movement;
mod negation;
mod order;
mod quantity;
mod substitution;
mod swap;
mod voice;

pub use negation::negate;
use vetted_pairs::Kind;

use crate::edit::{Edit, Meaning};
use crate::pool::Pool;
use crate::random::Random;
use crate::sentence::Sentence;
use crate::token::Token;

/// Collects the edits of one sentence.
pub struct Edits<'a> {
    /// What is edited.
    pub sentence: &'a Sentence,
    /// Names, modifiers and details of the other sentences.
    pub pool: &'a Pool,
    /// Chooses among replacements.
    pub random: &'a mut Random,
    /// What was found so far.
    pub found: Vec<Edit>,
}

impl Edits<'_> {
    /// Adds the sentence with other tokens, unless nothing changed.
    pub fn offer(&mut self, kind: Kind, phenomenon: &'static str, meaning: Meaning, tokens: Vec<Token>) {
        let sentence = self.sentence.with(tokens);
        if sentence.tokens.len() > 2 && sentence.text() != self.sentence.text() {
            self.found.push(Edit { sentence, kind, phenomenon, meaning });
        }
    }
}

/// All edits of a statement, a caption or a question.
pub fn all(sentence: &Sentence, pool: &Pool, random: &mut Random) -> Vec<Edit> {
    let mut edits = Edits { sentence, pool, random, found: Vec::new() };
    negation::offer(&mut edits);
    swap::offer(&mut edits);
    voice::offer(&mut edits);
    movement::offer(&mut edits);
    order::offer(&mut edits);
    comparison::offer(&mut edits);
    frame::offer(&mut edits);
    conjunction::offer(&mut edits);
    substitution::offer(&mut edits);
    function_words::offer(&mut edits);
    quantity::offer(&mut edits);
    detail::offer(&mut edits);
    edits.found
}

/// The tokens with a range replaced.
pub fn replace(tokens: &[Token], range: std::ops::Range<usize>, new: impl IntoIterator<Item = Token>) -> Vec<Token> {
    let mut edited = tokens[..range.start].to_vec();
    edited.extend(new);
    edited.extend_from_slice(&tokens[range.end..]);
    edited
}

/// The tokens with two ranges exchanged; the first must end before the second begins. Spacing stays with the places.
pub fn exchange(tokens: &[Token], first: std::ops::Range<usize>, second: std::ops::Range<usize>) -> Vec<Token> {
    let mut edited = tokens[..first.start].to_vec();
    edited.extend(spaced_like(&tokens[second.clone()], &tokens[first.start]));
    edited.extend_from_slice(&tokens[first.end..second.start]);
    edited.extend(spaced_like(&tokens[first], &tokens[second.start]));
    edited.extend_from_slice(&tokens[second.end..]);
    edited
}

/// Copies of tokens, the first one spaced as another was.
pub fn spaced_like(tokens: &[Token], place: &Token) -> Vec<Token> {
    let mut copies = tokens.to_vec();
    if let Some(first) = copies.first_mut() {
        first.space = place.space;
    }
    copies
}

/// Words in a row, tagged as given: `words("it was", &[Prp, Vbd])` has a token for each word.
pub fn words(text: &str, tags: &[crate::tag::Tag]) -> Vec<Token> {
    text.split(' ').zip(tags).map(|(word, tag)| Token::word(word, *tag)).collect()
}
