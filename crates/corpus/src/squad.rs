//! Questions about passages, with their answers: the format of SQuAD (Rajpurkar et al. 2016), which TyDi QA, XQuAD, MLQA and
//! many others share.
//!
//! One JSON object, gzipped if the file's name ends in `.gz`: `{"data": [{"paragraphs": [{"context": "...", "qas":
//! [{"question": "...", "answers": [{"text": "...", "answer_start": 12}]}]}]}]}`; positions count characters. Other fields
//! are ignored; questions without an answer, or whose answer does not stand where it says, are left out.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use crate::Error;
use crate::input;

/// A question, and where its passage answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The passage.
    pub passage: String,
    /// The question.
    pub question: String,
    /// The first answer's bytes in the passage.
    pub answer: std::ops::Range<usize>,
}

#[derive(Deserialize)]
struct Articles {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    qas: Vec<Asked>,
}

#[derive(Deserialize)]
struct Asked {
    question: String,
    #[serde(default)]
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    answer_start: usize,
}

/// Reads a [file of answered questions](self).
///
/// # Errors
/// [`Error::Open`], [`Error::Read`]; [`Error::MalformedJson`] for anything else than such an object.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Answered>, Error> {
    let path = path.as_ref();
    let mut bytes = Vec::new();
    let mut input = input::open(path)?;
    input.bytes.read_to_end(&mut bytes).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let articles: Articles = serde_json::from_slice(&bytes).map_err(|error| Error::MalformedJson {
        path: path.to_owned(),
        line: error.line() as u64,
        column: error.column().max(1) as u64,
        problem: error.to_string(),
        expected: r#"SQuAD's format, like {"data": [{"paragraphs": [{"context": "...", "qas": [...]}]}]}"#,
    })?;
    let paragraphs = articles.data.into_iter().flat_map(|article| article.paragraphs);
    Ok(paragraphs.flat_map(answered).collect())
}

fn answered(paragraph: Paragraph) -> Vec<Answered> {
    let Paragraph { context, qas } = paragraph;
    let mut found = Vec::new();
    for Asked { question, answers } in qas {
        let Some(Answer { text, answer_start }) = answers.into_iter().next().filter(|answer| !answer.text.is_empty())
        else {
            continue;
        };
        let Some((start, _)) = context.char_indices().nth(answer_start) else { continue };
        if context[start..].starts_with(&text) {
            found.push(Answered { passage: context.clone(), question, answer: start..start + text.len() });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_with_answers_are_read_and_others_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("questions.json");
        let written = r#"{"version": "1", "data": [{"title": "Tea", "paragraphs": [{"context": "Thé comes from Assam.", "qas": [
            {"id": "1", "question": "Where from?", "answers": [{"text": "Assam", "answer_start": 15}]},
            {"id": "2", "question": "When?", "answers": []},
            {"id": "3", "question": "Who?", "answers": [{"text": "Ann", "answer_start": 3}]},
            {"id": "4", "question": "What?", "answers": [{"text": "tea", "answer_start": 300}]}]}]}]}"#;
        std::fs::write(&path, written).expect("written");
        let read_back = read(&path).expect("readable");
        assert_eq!(read_back.len(), 1);
        assert_eq!(&read_back[0].passage[read_back[0].answer.clone()], "Assam");

        std::fs::write(&path, r#"[{"text": "no"}]"#).expect("written");
        let error = read(&path).expect_err("another format").to_string();
        assert!(error.contains("SQuAD"), "{error}");
    }
}
