//! Questions about passages, with their answers: the format of SQuAD (Rajpurkar et al. 2016), which TyDi QA, XQuAD, MLQA and
//! many others share.
//!
//! One JSON object, gzipped if the file's name ends in `.gz`: `{"data": [{"paragraphs": [{"context": "...", "qas":
//! [{"question": "...", "answers": [{"text": "...", "answer_start": 12}]}]}]}]}`; positions count characters. Other fields
//! are ignored.

use std::io::Read;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;

use vetted_corpus::input;

use crate::Error;
use crate::error::malformed_json;

/// A paragraph and what is asked about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paragraph {
    /// Its text.
    pub text: String,
    /// The questions that it was given, answered or not.
    pub questions: Vec<Question>,
}

/// A question about a paragraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The question.
    pub text: String,
    /// The bytes of the paragraph that answer it; none where there is no answer, or where it does not stand where it should.
    pub answer: Option<Range<usize>>,
}

/// Reads the paragraphs of a [file](self).
///
/// # Errors
/// [`Error::Input`] if it cannot be read, or is anything else than such an object.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Paragraph>, Error> {
    let path = path.as_ref();
    let mut bytes = Vec::new();
    let mut input = input::open(path)?;
    let read = input.bytes.read_to_end(&mut bytes);
    read.map_err(|source| vetted_corpus::Error::Read { path: path.to_owned(), source })?;
    let expected = r#"SQuAD's format, like {"data": [{"paragraphs": [{"context": "...", "qas": [...]}]}]}"#;
    let articles: Articles =
        serde_json::from_slice(&bytes).map_err(|error| malformed_json(path, 1, &error, expected))?;
    Ok(articles.data.into_iter().flat_map(|article| article.paragraphs).map(paragraph).collect())
}

fn paragraph(Context { context, qas }: Context) -> Paragraph {
    let place = |answer: Answer| {
        let (start, _) = context.char_indices().nth(answer.answer_start)?;
        let stands = !answer.text.is_empty() && context[start..].starts_with(&answer.text);
        stands.then(|| start..start + answer.text.len())
    };
    let question = |Asked { question, answers }: Asked| Question {
        text: question,
        answer: answers.into_iter().next().and_then(place),
    };
    let questions = qas.into_iter().map(question).collect();
    Paragraph { text: context, questions }
}

#[derive(Deserialize)]
struct Articles {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    paragraphs: Vec<Context>,
}

#[derive(Deserialize)]
struct Context {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read_with_answers_that_stand_where_they_say() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("questions.json");
        let written = r#"{"version": "1", "data": [{"title": "Tea", "paragraphs": [{"context": "Thé comes from Assam.", "qas": [
            {"id": "1", "question": "Where from?", "answers": [{"text": "Assam", "answer_start": 15}]},
            {"id": "2", "question": "When?", "answers": []},
            {"id": "3", "question": "Who?", "answers": [{"text": "Ann", "answer_start": 3}]},
            {"id": "4", "question": "What?", "answers": [{"text": "tea", "answer_start": 300}]}]}]}]}"#;
        std::fs::write(&path, written).expect("written");
        let read_back = read(&path).expect("readable");
        let [Paragraph { text, questions }] = &read_back[..] else { panic!("{read_back:?}") };
        let answers: Vec<_> =
            questions.iter().map(|question| question.answer.clone().map(|answer| &text[answer])).collect();
        assert_eq!(answers, [Some("Assam"), None, None, None]);

        std::fs::write(&path, r#"[{"text": "no"}]"#).expect("written");
        let error = read(&path).expect_err("another format").to_string();
        assert!(error.contains("SQuAD"), "{error}");
    }
}
