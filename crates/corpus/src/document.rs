//! What a corpus is made of.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::path::Path;

use crate::{Error, fields};

/// One document, as every reader of this crate yields it.
///
/// Serialized, it is one line of a BEIR corpus (Thakur et al. 2021, *BEIR*, section 3) except that the identifier is
/// called `id`; [`read`](crate::read()) takes both names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// The identifier its source gave it, never empty. Numbers become their decimal digits; a file found in a folder is
    /// called by its path relative to that folder, with `/` between the parts on every platform.
    pub id: String,
    /// The title, empty if there is none.
    #[serde(default)]
    pub title: String,
    /// The body, of Markdown and HTML what a reader sees of it, else untouched: offsets of [passages](crate::Passage) count from its start.
    pub text: String,
    /// Everything else that the source said about the document, in the source's order.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

impl Document {
    /// A document of a JSON object, as a line of JSONL is one: `_id` or `id`, `text`, `body` or `content`, perhaps `title` and
    /// `metadata`; every other field becomes metadata. Messages say that it stands in this line of `source`.
    ///
    /// # Errors
    /// When a field is missing or has the wrong type.
    pub fn from_record(record: Map<String, Value>, source: &Path, line: u64) -> Result<Document, Error> {
        fields::document(record, source, line)
    }

    /// What encoders and text indexes are given: title, one space, text, without the white space around them.
    ///
    /// BEIR's own baselines join the two this way, so figures published on its data sets compare.
    ///
    /// ```
    /// # use vetted_corpus::Document;
    /// let mut document = Document { title: "Heat".into(), text: "It flows.".into(), ..Document::default() };
    /// assert_eq!(document.full_text(), "Heat It flows.");
    /// document.title.clear();
    /// assert_eq!(document.full_text(), "It flows.");
    /// ```
    pub fn full_text(&self) -> Cow<'_, str> {
        match (self.title.trim(), self.text.trim()) {
            ("", text) => Cow::Borrowed(text),
            (title, "") => Cow::Borrowed(title),
            (title, text) => Cow::Owned(format!("{title} {text}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_text_joins_what_is_there() {
        let cases = [
            ("", "", ""),
            ("", " body\n", "body"),
            (" title ", "", "title"),
            ("title", " body", "title body"),
            (" \t", "body", "body"),
        ];
        for (title, text, expected) in cases {
            let document = Document { title: title.into(), text: text.into(), ..Document::default() };
            assert_eq!(document.full_text(), expected, "{title:?} + {text:?}");
        }
    }

    #[test]
    fn survives_serialization() {
        let line = r#"{"id":"a","title":"b","text":"c","metadata":{"z":1,"y":[2]}}"#;
        let document: Document = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&document).unwrap(), line);
    }
}
