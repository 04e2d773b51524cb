//! Files that are one document each: plain text, Markdown, HTML, PDF, Word.

#[cfg(feature = "docx")]
use crate::docx;
#[cfg(feature = "pdf")]
use crate::pdf;
use crate::{
    Document, Error,
    error::Problem,
    front_matter, html,
    input::{Format, Input, Source},
    markdown::{self, Page},
};
use serde_json::{Map, Value};

/// The document that a file is. Of a file without text it is empty.
pub(crate) fn document(source: &Source, input: Input, limit: usize) -> Result<Document, Problem> {
    let not_utf8 = || Problem::BadRecord(Error::NameNotUtf8 { path: source.path.clone() });
    let id = source.id.clone().ok_or_else(not_utf8)?;
    let without_metadata = |(title, text)| (title, text, Map::new());
    let (title, text, metadata) = match source.format {
        Format::Html => without_metadata(html::title_and_text(&input.into_text(limit)?)),
        Format::Markdown => markdown_page(&input.into_text(limit)?),
        #[cfg(feature = "pdf")]
        Format::Pdf => without_metadata(extracted(source, input, limit, |bytes, _| pdf::title_and_text(bytes))?),
        #[cfg(feature = "docx")]
        Format::Docx => without_metadata(extracted(source, input, limit, docx::title_and_text)?),
        _ => (None, input.into_text(limit)?, Map::new()),
    };
    if title.is_none() && text.trim().is_empty() {
        return Ok(Document { id, ..Document::default() });
    }
    let title = title.unwrap_or_else(|| stem(&id).to_string());
    Ok(Document { id, title, text, metadata })
}

/// Title and text of a file of another program's, by a function that takes its bytes and how many it may unpack.
#[cfg(any(feature = "pdf", feature = "docx"))]
fn extracted(
    source: &Source,
    input: Input,
    limit: usize,
    extract: impl FnOnce(Vec<u8>, usize) -> Result<(Option<String>, String), String>,
) -> Result<(Option<String>, String), Problem> {
    let unreadable = |problem| Problem::BadRecord(Error::Unreadable { path: source.path.clone(), problem });
    extract(input.into_bytes(limit)?, limit).map_err(unreadable)
}

/// The file's name without its extensions.
fn stem(id: &str) -> &str {
    let name = id.rsplit('/').next().unwrap_or(id);
    let name = name.strip_suffix(".gz").unwrap_or(name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Title, text and settings of a Markdown file. A title among the settings goes before the first heading. Settings that cannot
/// be read are text: nothing is lost.
fn markdown_page(markdown: &str) -> (Option<String>, String, Map<String, Value>) {
    let Page { heading, text, front_matter } = markdown::read(markdown);
    match front_matter.as_deref().map(front_matter::settings) {
        None => (heading, text, Map::new()),
        Some(Some(mut settings)) => {
            let title = match settings.get("title") {
                Some(Value::String(title)) if !title.trim().is_empty() => Some(title.trim().to_owned()),
                _ => None,
            };
            if title.is_some() {
                settings.shift_remove("title");
            }
            (title.or(heading), text, settings)
        }
        Some(None) => (heading, format!("{}\n\n{text}", front_matter.unwrap_or_default().trim()), Map::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_at_the_head_of_a_file_are_title_and_metadata() {
        let (title, text, metadata) = markdown_page("---\ntitle: Bridges\ntags: [steel]\n---\n# Gaps\n\nIn summer.");
        assert_eq!((title.as_deref(), text.as_str()), (Some("Bridges"), "# Gaps\n\nIn summer."));
        assert_eq!(Value::Object(metadata), serde_json::json!({"tags": ["steel"]}));
        let (title, text, metadata) = markdown_page("---\na: [\n---\n# Gaps");
        assert_eq!((title.as_deref(), text.as_str(), metadata.len()), (Some("Gaps"), "a: [\n\n# Gaps", 0));
    }

    #[test]
    fn stems_lose_extensions_only() {
        for (id, expected) in [("a/b.c/note.txt", "note"), ("v1.2.md", "v1.2"), ("x.html.gz", "x")] {
            assert_eq!(stem(id), expected);
        }
    }
}
