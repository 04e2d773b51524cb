//! Files that are one document each: plain text, Markdown, HTML, PDF, Word.

#[cfg(feature = "docx")]
use crate::docx;
#[cfg(feature = "pdf")]
use crate::pdf;
use crate::{
    Document, Error,
    error::Problem,
    html,
    input::{Format, Input, Source},
};
use serde_json::Map;

/// The document that a file is. Of a file without text it is empty.
pub(crate) fn document(source: &Source, input: Input, limit: usize) -> Result<Document, Problem> {
    let not_utf8 = || Problem::BadRecord(Error::NameNotUtf8 { path: source.path.clone() });
    let id = source.id.clone().ok_or_else(not_utf8)?;
    let (title, text) = match source.format {
        Format::Html => html::title_and_text(&input.into_text(limit)?),
        Format::Markdown => {
            let text = input.into_text(limit)?;
            (first_heading(&text).map(str::to_string), text)
        }
        #[cfg(feature = "pdf")]
        Format::Pdf => extracted(source, input, limit, |bytes, _| pdf::title_and_text(bytes))?,
        #[cfg(feature = "docx")]
        Format::Docx => extracted(source, input, limit, docx::title_and_text)?,
        _ => (None, input.into_text(limit)?),
    };
    if title.is_none() && text.trim().is_empty() {
        return Ok(Document { id, ..Document::default() });
    }
    let title = title.unwrap_or_else(|| stem(&id).to_string());
    Ok(Document { id, title, text, metadata: Map::new() })
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

/// The first heading outside of code blocks and front matter, of either kind that CommonMark knows (sections 4.2, 4.3).
fn first_heading(markdown: &str) -> Option<&str> {
    let mut fence: Option<&str> = None;
    let mut previous = "";
    for line in after_front_matter(markdown).lines() {
        let trimmed = line.trim();
        let marker = ["```", "~~~"].into_iter().find(|marker| trimmed.starts_with(marker));
        match (fence, marker) {
            (Some(open), Some(marker)) if open == marker => fence = None,
            (None, Some(marker)) => fence = Some(marker),
            (None, None) => {
                let underline = !trimmed.is_empty()
                    && (trimmed.bytes().all(|byte| byte == b'=') || trimmed.bytes().all(|byte| byte == b'-'));
                if underline && is_paragraph(previous) {
                    return Some(previous.trim());
                }
                if let Some(heading) = number_sign_heading(line) {
                    return Some(heading);
                }
            }
            _ => {}
        }
        previous = if fence.is_some() || marker.is_some() { "" } else { line };
    }
    None
}

/// `## Heading ##`, if it is one and says something.
fn number_sign_heading(line: &str) -> Option<&str> {
    let unindented = line.trim_start_matches(' ');
    let rest = unindented.trim_start_matches('#');
    let (indent, level) = (line.len() - unindented.len(), unindented.len() - rest.len());
    if indent > 3 || !(1..=6).contains(&level) || !rest.starts_with([' ', '\t']) {
        return None;
    }
    let rest = rest.trim();
    let closed = rest.trim_end_matches('#');
    let heading = if closed.ends_with([' ', '\t']) || closed.is_empty() { closed.trim_end() } else { rest };
    (!heading.is_empty()).then_some(heading)
}

/// Whether a line of `---` below this one makes it a heading: not below nothing, a list, a quote or a table.
fn is_paragraph(line: &str) -> bool {
    let indented = line.starts_with("    ") || line.starts_with('\t');
    let line = line.trim();
    let other = ["- ", "* ", "+ ", ">", "|", "#", "<"].iter().any(|start| line.starts_with(start));
    !indented && !other && !line.bytes().all(|byte| matches!(byte, b'-' | b'=' | b'*' | b'_' | b' '))
}

/// What follows a block of settings between two lines `---` at the very start.
fn after_front_matter(markdown: &str) -> &str {
    let mut lines = markdown.split_inclusive('\n');
    let Some(first) = lines.next().filter(|line| line.trim_end() == "---") else { return markdown };
    let mut length = first.len();
    for line in lines {
        length += line.len();
        if matches!(line.trim_end(), "---" | "...") {
            return &markdown[length..];
        }
    }
    markdown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_heading_is_the_title() {
        let cases = [
            ("# One\ntext", Some("One")),
            ("text\r\n\r\n  ## Two words ##\r\n", Some("Two words")),
            ("# C#\n", Some("C#")),
            ("#no space\n\n####### seven\n\n# Yes", Some("Yes")),
            ("```sh\n# comment\n```\n# Real", Some("Real")),
            ("~~~\n```\n# comment\n~~~\n# Real", Some("Real")),
            ("---\ntitle: x\n# comment\n---\n# Real", Some("Real")),
            ("Set\n===\n# Later", Some("Set")),
            ("Set\n---\n", Some("Set")),
            ("text\n\n---\n\nmore", None),
            ("- item\n---\n", None),
            ("| a |\n---\n", None),
            ("    # code\n", None),
            ("# \n#\n", None),
            ("---\nnot closed", None),
            ("", None),
        ];
        for (markdown, expected) in cases {
            assert_eq!(first_heading(markdown), expected, "{markdown:?}");
        }
    }

    #[test]
    fn stems_lose_extensions_only() {
        for (id, expected) in [("a/b.c/note.txt", "note"), ("v1.2.md", "v1.2"), ("x.html.gz", "x")] {
            assert_eq!(stem(id), expected);
        }
    }
}
