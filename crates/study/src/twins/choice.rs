//! Which sentence of a document is edited, and how.

use std::collections::HashSet;
use std::ops::Range;

use vetted_corpus::Document;
use vetted_synthesis::{Editor, Rival, sentences};

use super::{Options, Twin};

/// One way to make a twin of a document.
#[derive(Clone)]
pub(super) struct Choice {
    place: Range<usize>,
    sentence: String,
    /// Other ways to say the sentence; not empty.
    pub(super) rewrites: Vec<String>,
    /// What the twin says.
    pub(super) rival: Rival,
}

impl Choice {
    pub(super) fn twin(self, document: &Document) -> Twin {
        let mut text = document.text.clone();
        text.replace_range(self.place, &self.rival.text);
        Twin {
            document: Document { id: format!("{}~twin", document.id), text, ..document.clone() },
            original: document.id.clone(),
            sentence: self.sentence,
            edited: self.rival.text,
            kind: self.rival.kind,
            operation: self.rival.operation,
        }
    }
}

/// All ways to make a twin of a document, in the order of its sentences.
pub(super) fn choices(document: &Document, editor: &Editor, options: &Options) -> Vec<Choice> {
    let said = sentences(&document.text);
    let title_words = document.title.split_whitespace().count();
    let mut choices = Vec::new();
    for (index, sentence) in said.iter().enumerate() {
        let start = sentence.as_ptr() as usize - document.text.as_ptr() as usize;
        let place = start..start + sentence.len();
        let words = title_words + document.text[..place.end].split_whitespace().count();
        if options.first_words.is_some_and(|first| words > first) {
            break;
        }
        let others = said.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, other)| *other);
        if !reads_alone(sentence) || is_said_again(sentence, others.chain([document.title.as_str()])) {
            continue;
        }
        let Some(variants) = editor.variants(sentence, options.seed.wrapping_add(index as u64)) else { continue };
        let rewrites = best(variants.rewrites);
        if rewrites.is_empty() {
            continue;
        }
        for mut rival in variants.rivals.into_iter().filter(|rival| options.kinds.contains(&rival.kind)) {
            rival.questions.retain(|question| content(question).len() >= FEWEST_CONTENT_WORDS);
            let (place, sentence) = (place.clone(), (*sentence).to_owned());
            choices.push(Choice { place, sentence, rewrites: rewrites.clone(), rival });
        }
    }
    choices
}

/// The rewrites that read like the text, or the first of those that do not where there are no others.
fn best(rewrites: Vec<vetted_synthesis::Rewrite>) -> Vec<String> {
    let plain = rewrites.iter().filter(|rewrite| rewrite.plain).count();
    rewrites.into_iter().take(plain.max(1)).map(|rewrite| rewrite.text).collect()
}

/// Fewer words of content make a query that many documents answer.
const FEWEST_CONTENT_WORDS: usize = 4;

/// Openings that point to what was said before.
const POINTING: &[&str] = &[
    "it",
    "they",
    "this",
    "that",
    "these",
    "those",
    "he",
    "she",
    "his",
    "her",
    "its",
    "their",
    "there",
    "here",
    "such",
    "both",
    "however",
    "thus",
    "therefore",
    "moreover",
    "furthermore",
    "additionally",
    "also",
    "conversely",
    "finally",
    "hence",
    "similarly",
    "likewise",
    "but",
    "and",
    "or",
    "nevertheless",
    "neither",
    "then",
    "instead",
    "consequently",
    "one",
    "another",
    "other",
    "others",
    "former",
    "latter",
];

fn reads_alone(sentence: &str) -> bool {
    let opening: String = sentence.chars().take_while(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
    let words = sentence.split_whitespace().count();
    let whole =
        sentence.ends_with('.') && !sentence.ends_with("..") && sentence.starts_with(|c: char| c.is_alphanumeric());
    whole
        && (6..=30).contains(&words)
        && !POINTING.contains(&opening.as_str())
        && content(sentence).len() >= FEWEST_CONTENT_WORDS
}

/// Whether more than half of what a sentence is about comes back in one other sentence.
fn is_said_again<'a>(sentence: &str, others: impl Iterator<Item = &'a str>) -> bool {
    let own = content(sentence);
    others.into_iter().any(|other| {
        let other = content(other);
        2 * own.iter().filter(|word| other.contains(*word)).count() > own.len()
    })
}

/// The words of more than three letters or digits, in lower case.
fn content(text: &str) -> HashSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 3);
    words.map(str::to_lowercase).filter(|word| !QUESTION_WORDS.contains(&word.as_str())).collect()
}

const QUESTION_WORDS: &[&str] = &["what", "when", "where", "many", "does", "with", "from", "that", "were", "have"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_that_point_back_or_repeat_are_left_out() {
        assert!(reads_alone("Statins lower the risk of stroke in older patients."));
        for sentence in [
            "They lower the risk of stroke in older patients.",
            "However, statins lower the risk of stroke.",
            "Statins lower risk.",
            "statins lower the risk of stroke in older patients",
            "(Statins lower the risk of stroke in older patients.)",
        ] {
            assert!(!reads_alone(sentence), "{sentence}");
        }
        let sentence = "Statins lower the risk of stroke in older patients.";
        assert!(is_said_again(sentence, ["Statins and the risk of stroke in patients"].into_iter()));
        assert!(!is_said_again(sentence, ["The risk of falls is higher in winter."].into_iter()));
    }
}
