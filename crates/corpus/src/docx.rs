//! The text of a Word document (Office Open XML, ECMA-376): a zip archive in which one XML file holds the text.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use std::io::{Cursor, Read};
use zip::{ZipArchive, result::ZipError};

const BODY: &str = "word/document.xml";
const PROPERTIES: &str = "docProps/core.xml";

/// The title (in the properties, else the paragraph in the style Title), and the text: paragraphs with an empty line between
/// two, items of lists and rows of tables on a line each. At most `limit` bytes are unpacked.
///
/// # Errors
/// Why no text can be had, and what to do.
pub(crate) fn title_and_text(bytes: Vec<u8>, limit: usize) -> Result<(Option<String>, String), String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| match error {
        ZipError::UnsupportedArchive(_) => "the document is encrypted with a password: save a copy without one".into(),
        error => format!("this is no Word document, or it is broken ({error}); save it again as .docx"),
    })?;
    let body = unpacked(&mut archive, BODY, limit)?
        .ok_or_else(|| format!("this is no Word document: it holds no {BODY}; save it again as .docx"))?;
    let properties = unpacked(&mut archive, PROPERTIES, limit)?;
    let broken = |error: quick_xml::Error| format!("the document is broken ({error}); save it again as .docx");
    let (styled, text) = body_text(&body).map_err(broken)?;
    let title = properties.and_then(|properties| property_title(&properties)).or(styled);
    Ok((title, text))
}

/// A file of the archive; `None` if there is none of this name.
fn unpacked(archive: &mut ZipArchive<Cursor<Vec<u8>>>, name: &str, limit: usize) -> Result<Option<String>, String> {
    let file = match archive.by_name(name) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(format!("the document is broken ({name}: {error}); save it again as .docx")),
    };
    let mut text = Vec::new();
    let read = file.take((limit as u64).saturating_add(1)).read_to_end(&mut text);
    read.map_err(|error| format!("the document is broken ({name}: {error}); save it again as .docx"))?;
    if text.len() > limit {
        return Err(format!(
            "its text takes more than {limit} bytes unpacked; if that is no mistake, allow more (`--max-record-size`)"
        ));
    }
    // ECMA-376 allows UTF-16 too, and nothing writes it.
    String::from_utf8(text).map(Some).map_err(|_| format!("the document is broken ({name} is not UTF-8)"))
}

/// The text inside `<dc:title>`.
fn property_title(properties: &str) -> Option<String> {
    let mut reader = Reader::from_str(properties);
    let (mut title, mut inside) = (String::new(), false);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => inside = element.local_name().as_ref() == "title",
            Ok(Event::End(_)) if inside => break,
            Ok(Event::Text(text)) if inside => title.push_str(&text.xml10_content()),
            Ok(Event::GeneralRef(name)) if inside => title.extend(character(&name)),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    let title = title.trim();
    (!title.is_empty()).then(|| title.to_owned())
}

/// What the document's body says.
#[derive(Default)]
struct Body {
    text: String,
    /// The paragraph that is being read.
    paragraph: String,
    /// Whether it is an item of a list.
    item: bool,
    /// Whether it has the style Title.
    titled: bool,
    /// Which level of heading it has.
    heading: Option<usize>,
    title: Option<String>,
    /// What stands before the next paragraph.
    gap: &'static str,
    /// How many tables are open.
    tables: usize,
    /// How many elements are open whose text is not shown.
    hidden: usize,
    /// Whether characters are text.
    in_text: bool,
}

fn body_text(xml: &str) -> Result<(Option<String>, String), quick_xml::Error> {
    let mut reader = Reader::from_str(xml);
    let mut body = Body::default();
    loop {
        match reader.read_event()? {
            Event::Start(element) => body.open(&element),
            Event::Empty(element) => body.empty(&element),
            Event::End(element) => body.close(element.local_name().as_ref()),
            Event::Text(text) if body.in_text => body.paragraph.push_str(&text.xml10_content()),
            Event::GeneralRef(name) if body.in_text => body.paragraph.extend(character(&name)),
            Event::Eof => return Ok((body.title, body.text)),
            _ => {}
        }
    }
}

impl Body {
    fn open(&mut self, element: &BytesStart<'_>) {
        match element.local_name().as_ref() {
            // What was deleted while changes were tracked; the second form of a drawing whose first was read.
            "del" | "moveFrom" | "Fallback" => self.hidden += 1,
            "t" => self.in_text = self.hidden == 0,
            "tbl" => {
                self.tables += 1;
                self.gap = if self.tables == 1 { "\n\n" } else { self.gap };
            }
            _ => self.empty(element),
        }
    }

    fn empty(&mut self, element: &BytesStart<'_>) {
        match element.local_name().as_ref() {
            "tab" if self.hidden == 0 && !self.paragraph.is_empty() => self.paragraph.push('\t'),
            "br" | "cr" if self.hidden == 0 => self.paragraph.push('\n'),
            "noBreakHyphen" if self.hidden == 0 => self.paragraph.push('-'),
            "numPr" => self.item = true,
            "pStyle" => {
                let style = element.attributes().flatten().find(|it| it.key.local_name().as_ref() == "val");
                let style = style.map(|it| it.value.into_owned()).unwrap_or_default();
                self.titled = style == "Title";
                self.item |= style.starts_with("List");
                self.heading = style.strip_prefix("Heading").and_then(|level| level.parse().ok());
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "del" | "moveFrom" | "Fallback" => self.hidden = self.hidden.saturating_sub(1),
            "t" => self.in_text = false,
            "p" => self.end_paragraph(),
            "tc" if self.tables == 1 => self.gap = "\t",
            "tr" if self.tables == 1 => self.gap = "\n",
            "tbl" => {
                self.tables = self.tables.saturating_sub(1);
                self.gap = if self.tables == 0 { "\n\n" } else { self.gap };
            }
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        let (item, titled) = (std::mem::take(&mut self.item), std::mem::take(&mut self.titled));
        let heading = self.heading.take();
        let paragraph = paragraph.trim();
        if paragraph.is_empty() {
            return;
        }
        if titled && self.title.is_none() {
            self.title = Some(paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        if item && self.gap == "\n\n" && self.last_was_item() {
            self.gap = "\n";
        }
        if !self.text.is_empty() {
            self.text.push_str(self.gap);
        }
        match heading {
            // As in Markdown, so that what stands below is read with it.
            Some(level) if self.tables == 0 => self.text.extend(["#".repeat(level.clamp(1, 6)).as_str(), " "]),
            _ if item => self.text.push_str("- "),
            _ => {}
        }
        match self.tables {
            0 => self.text.push_str(paragraph),
            // A row is a line.
            _ => self.text.push_str(&paragraph.split_whitespace().collect::<Vec<_>>().join(" ")),
        }
        self.gap = if self.tables == 0 { "\n\n" } else { " " };
    }

    fn last_was_item(&self) -> bool {
        self.text.rsplit('\n').next().is_some_and(|line| line.starts_with("- "))
    }
}

/// The character that `&name;` or `&#number;` stands for.
fn character(name: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    if let Ok(Some(character)) = name.resolve_char_ref() {
        return Some(character);
    }
    Some(match name.xml10_content().as_ref() {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_becomes_text() {
        let p = |properties: &str, text: &str| {
            format!("<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
        };
        let list = r#"<w:numPr><w:ilvl w:val="0"/></w:numPr>"#;
        let row = |cells: &[&str]| {
            let cells: String = cells.iter().map(|cell| format!("<w:tc>{}</w:tc>", p("", cell))).collect();
            format!("<w:tr>{cells}</w:tr>")
        };
        let cases = [
            (p("", "one") + &p("", "") + &p("", "two &amp; &#233;"), None, "one\n\ntwo & \u{e9}"),
            (p(r#"<w:pStyle w:val="Title"/>"#, "The plan") + &p("", "x"), Some("The plan"), "The plan\n\nx"),
            (p(r#"<w:pStyle w:val="Heading2"/>"#, "Not included") + &p("", "x"), None, "## Not included\n\nx"),
            (p("", "buy") + &p(list, "tea") + &p(list, "milk") + &p("", "go"), None, "buy\n\n- tea\n- milk\n\ngo"),
            (
                format!("{}<w:tbl>{}{}</w:tbl>{}", p("", "a"), row(&["k", "v"]), row(&["1", "2"]), p("", "b")),
                None,
                "a\n\nk\tv\n1\t2\n\nb",
            ),
            ("<w:p><w:r><w:t>a</w:t><w:br/><w:t>b</w:t><w:tab/><w:t>c</w:t></w:r></w:p>".into(), None, "a\nb\tc"),
            (
                "<w:p><w:r><w:t>kept</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>".into(),
                None,
                "kept",
            ),
            (
                r#"<w:p><w:r><w:t xml:space="preserve">split </w:t></w:r><w:r><w:t>word</w:t></w:r></w:p>"#.into(),
                None,
                "split word",
            ),
        ];
        for (body, title, text) in cases {
            let got = body_text(&format!("<w:document><w:body>{body}</w:body></w:document>")).unwrap();
            assert_eq!((got.0.as_deref(), got.1.as_str()), (title, text), "{body}");
        }
        assert!(body_text("<w:document><w:p></w:q>").is_err());
    }
}
