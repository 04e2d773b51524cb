//! Questions with the paragraphs that answer them, from files in SQuAD's format, as retrieval triplets.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use vetted_pairs::squad;
use vetted_pairs::triplets::Triplet;

use crate::Error;

/// Paragraphs, each once, and the questions that they answer.
pub struct Questions {
    /// The paragraphs' texts.
    pub paragraphs: Vec<String>,
    /// A question and the paragraph that answers it.
    pub asked: Vec<(String, usize)>,
}

impl Questions {
    /// Reads files in SQuAD's format (Rajpurkar et al. 2016, arXiv 1606.05250).
    pub fn read(files: &[PathBuf]) -> Result<Questions, Error> {
        let mut questions = Questions { paragraphs: Vec::new(), asked: Vec::new() };
        let mut place_of: HashMap<String, usize> = HashMap::new();
        let mut seen = BTreeSet::new();
        for file in files {
            for paragraph in squad::read(file)? {
                let context = paragraph.text.trim().to_owned();
                if context.is_empty() {
                    continue;
                }
                let place = *place_of.entry(context.clone()).or_insert_with(|| {
                    questions.paragraphs.push(context);
                    questions.paragraphs.len() - 1
                });
                for asked in paragraph.questions {
                    let question = asked.text.trim().to_owned();
                    if !question.is_empty() && seen.insert((question.clone(), place)) {
                        questions.asked.push((question, place));
                    }
                }
            }
        }
        if questions.asked.len() < 2 {
            return Err(Error::FewQuestions { got: questions.asked.len() });
        }
        Ok(questions)
    }

    /// Every question with its paragraph and the paragraph that BM25 finds first among those that do not answer it.
    pub fn triplets(&self) -> Vec<Triplet> {
        let words = WordIndex::new(&self.paragraphs);
        let mut answers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (question, paragraph) in &self.asked {
            answers.entry(question).or_default().push(*paragraph);
        }
        let triplet = |(question, paragraph): &(String, usize)| {
            let negative = words.best(question, &answers[question.as_str()]);
            Triplet {
                anchor: question.clone(),
                positive: self.paragraphs[*paragraph].clone(),
                negative: negative.map(|place| self.paragraphs[place].clone()).unwrap_or_default(),
            }
        };
        self.asked.iter().map(triplet).collect()
    }
}

/// Which paragraphs hold which words, for BM25 (Robertson and Zaragoza 2009) with Anserini's constants.
struct WordIndex {
    postings: HashMap<String, Vec<(usize, f64)>>,
    lengths: Vec<f64>,
    mean_length: f64,
}

const K1: f64 = 0.9;
const B: f64 = 0.4;

impl WordIndex {
    fn new(texts: &[String]) -> WordIndex {
        let mut postings: HashMap<String, Vec<(usize, f64)>> = HashMap::new();
        let mut lengths = Vec::with_capacity(texts.len());
        for (place, text) in texts.iter().enumerate() {
            let mut length = 0.0;
            for word in words(text) {
                length += 1.0;
                let list = postings.entry(word).or_default();
                match list.last_mut() {
                    Some((last, count)) if *last == place => *count += 1.0,
                    _ => list.push((place, 1.0)),
                }
            }
            lengths.push(length);
        }
        let mean_length = lengths.iter().sum::<f64>() / lengths.len().max(1) as f64;
        WordIndex { postings, lengths, mean_length }
    }

    /// The text that fits best, those in `without` aside; the first of equals.
    fn best(&self, query: &str, without: &[usize]) -> Option<usize> {
        let mut scores: HashMap<usize, f64> = HashMap::new();
        let total = self.lengths.len() as f64;
        for word in words(query).collect::<BTreeSet<_>>() {
            let Some(list) = self.postings.get(&word) else { continue };
            let found = list.len() as f64;
            let rarity = (1.0 + (total - found + 0.5) / (found + 0.5)).ln();
            for (place, count) in list {
                let length = 1.0 - B + B * self.lengths[*place] / self.mean_length;
                *scores.entry(*place).or_default() += rarity * count / (count + K1 * length);
            }
        }
        let candidates = scores.into_iter().filter(|(place, _)| !without.contains(place));
        candidates.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0))).map(|(place, _)| place)
    }
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_gets_the_paragraph_that_looks_most_like_an_answer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("squad.json");
        let file = r#"{"data": [{"paragraphs": [
            {"context": "The old bridge was built in 1911.", "qas": [{"question": "When was the bridge built?"}]},
            {"context": "The bridge was closed in summer.", "qas": []},
            {"context": "Cats sleep.", "qas": [{"question": "Who sleeps?"}, {"question": "When was the bridge built?"}]},
            {"context": "The old bridge was built in 1911.", "qas": [{"question": "When was the bridge built?"}]}
        ]}]}"#;
        std::fs::write(&path, file).unwrap();
        let questions = Questions::read(&[path]).unwrap();
        assert_eq!((questions.paragraphs.len(), questions.asked.len()), (3, 3));
        let triplets = questions.triplets();
        assert_eq!(triplets[0].positive, "The old bridge was built in 1911.");
        assert_eq!(triplets[0].negative, "The bridge was closed in summer.");
        assert_eq!(
            (&triplets[1].anchor[..], &triplets[1].negative[..]),
            ("Who sleeps?", ""),
            "no other has a word of it"
        );
    }

    #[test]
    fn another_format_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.json");
        std::fs::write(&path, "[1, 2]").unwrap();
        let Err(error) = Questions::read(std::slice::from_ref(&path)) else { panic!("it was read") };
        assert!(format!("{error:#}").contains("expected SQuAD's format"), "{error:#}");
    }
}
