//! The readable text of an HTML page.
//!
//! Uses html5ever's tokenizer alone. `html2text` lays pages out for a terminal (wrapped lines, drawn tables, numbered
//! links), which is noise for an encoder; `scraper` builds a tree only to throw it away and brings MPL-2.0 dependencies.
//! To tell text from markup no tree is needed, so depth of nesting costs nothing and cannot overflow a stack.

use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind::{Rawtext, Rcdata, ScriptData},
    },
};
use std::cell::RefCell;

/// The content of the first `<title>`, if it says something, and the text that a reader of the page sees: paragraphs are
/// separated by an empty line, items and rows by a line end; headings begin with `# `, items with `- `; other white space is one space except in `<pre>`.
pub(crate) fn title_and_text(html: &str) -> (Option<String>, String) {
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from_slice(html));
    let tokenizer = Tokenizer::new(Extractor::default(), TokenizerOpts::default());
    // The sink never hands out a script to run, so one call takes in everything.
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    let Page { title, body, in_title, .. } = tokenizer.sink.page.into_inner();
    // A title that is never closed swallowed the page: better a document without title than without text.
    let (title, body) = if in_title { (None, title.unwrap_or_default()) } else { (title, body) };
    (title.map(|title| title.text).filter(|title| !title.is_empty()), body.text)
}

#[derive(Default)]
struct Extractor {
    page: RefCell<Page>,
}

#[derive(Default)]
struct Page {
    title: Option<Flow>,
    body: Flow,
    in_title: bool,
    /// The element whose content nobody sees, and how many of its name are open.
    hidden: Option<(String, usize)>,
    /// How many `<pre>` are open.
    preformatted: usize,
}

impl TokenSink for Extractor {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut page = self.page.borrow_mut();
        match token {
            Token::TagToken(tag) => {
                page.tag(&tag);
                match (tag.kind, &*tag.name) {
                    (TagKind::StartTag, "script") => TokenSinkResult::RawData(ScriptData),
                    (TagKind::StartTag, "title" | "textarea") if page.hidden.is_none() => {
                        TokenSinkResult::RawData(Rcdata)
                    }
                    (TagKind::StartTag, "style" | "xmp" | "iframe" | "noembed" | "noframes" | "noscript") => {
                        TokenSinkResult::RawData(Rawtext)
                    }
                    _ => TokenSinkResult::Continue,
                }
            }
            Token::CharacterTokens(text) => {
                page.text(&text);
                TokenSinkResult::Continue
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

impl Page {
    fn tag(&mut self, tag: &Tag) {
        let name = &*tag.name;
        let opens = tag.kind == TagKind::StartTag;
        if let Some((hidden, depth)) = &mut self.hidden {
            if name == hidden.as_str() && !tag.self_closing {
                *depth = if opens { *depth + 1 } else { *depth - 1 };
                if *depth == 0 {
                    self.hidden = None;
                }
            }
            return;
        }
        match name {
            "title" => {
                self.in_title = opens && self.title.is_none();
                if self.in_title {
                    self.title = Some(Flow::default());
                } else if opens {
                    self.hidden = Some((name.to_string(), 1));
                }
            }
            "pre" => {
                self.preformatted = if opens { self.preformatted + 1 } else { self.preformatted.saturating_sub(1) };
                self.body.separate(Gap::Paragraph);
            }
            // Only foreign elements can close themselves; `<script/>` is open.
            "svg" if tag.self_closing => {}
            _ if opens && is_hidden(name) => self.hidden = Some((name.to_string(), 1)),
            _ => {
                if let Some(gap) = gap_around(name) {
                    self.body.separate(gap);
                }
                match (name, opens) {
                    ("h1" | "h2" | "h3" | "h4" | "h5" | "h6", true) => {
                        self.body.mark = HEADINGS.iter().find(|(heading, _)| *heading == name).map(|(_, mark)| *mark);
                    }
                    ("li", true) => self.body.mark = Some("- "),
                    ("h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "li", false) => self.body.mark = None,
                    _ => {}
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        match &mut self.title {
            _ if self.hidden.is_some() => {}
            Some(title) if self.in_title => title.push(text),
            _ if self.preformatted > 0 => self.body.push_preformatted(text),
            _ => self.body.push(text),
        }
    }
}

/// What stands before a heading in text.
const HEADINGS: [(&str, &str); 6] =
    [("h1", "# "), ("h2", "## "), ("h3", "### "), ("h4", "#### "), ("h5", "##### "), ("h6", "###### ")];

/// Whether browsers that run scripts show nothing of an element's content.
fn is_hidden(name: &str) -> bool {
    matches!(name, "script" | "style" | "noscript" | "template" | "iframe" | "noembed" | "noframes" | "svg")
}

/// What separates an element from the text before and after it.
fn gap_around(name: &str) -> Option<Gap> {
    match name {
        "p" | "div" | "section" | "article" | "main" | "header" | "footer" | "nav" | "aside" | "h1" | "h2" | "h3"
        | "h4" | "h5" | "h6" | "ul" | "ol" | "dl" | "table" | "blockquote" | "figure" | "form" | "fieldset" | "hr"
        | "address" | "details" | "body" => Some(Gap::Paragraph),
        "br" | "li" | "tr" | "dt" | "dd" | "option" | "caption" | "figcaption" | "summary" | "legend" => {
            Some(Gap::Line)
        }
        "td" | "th" | "button" | "select" | "label" | "img" => Some(Gap::Space),
        _ => None,
    }
}

/// Text whose white space is settled when the next word arrives, so that none stands at either end.
#[derive(Default)]
struct Flow {
    text: String,
    gap: Option<Gap>,
    /// What goes before the next word: the mark of a heading or of an item.
    mark: Option<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    Space,
    Line,
    Paragraph,
}

impl Flow {
    fn separate(&mut self, gap: Gap) {
        self.gap = self.gap.max(Some(gap));
    }

    fn push(&mut self, text: &str) {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let space = first.is_whitespace();
            let end = rest.find(|character: char| character.is_whitespace() != space).unwrap_or(rest.len());
            if space {
                self.separate(Gap::Space);
            } else {
                self.close_gap();
                self.text.push_str(&rest[..end]);
            }
            rest = &rest[end..];
        }
    }

    fn push_preformatted(&mut self, text: &str) {
        let text = if self.gap == Some(Gap::Paragraph) { text.trim_start_matches(['\r', '\n']) } else { text };
        let kept = text.trim_end();
        if !kept.is_empty() {
            self.close_gap();
            self.text.push_str(kept);
        }
        match text[kept.len()..].matches('\n').count() {
            0 if text.len() == kept.len() => {}
            0 => self.separate(Gap::Space),
            1 => self.separate(Gap::Line),
            _ => self.separate(Gap::Paragraph),
        }
    }

    fn close_gap(&mut self) {
        let gap = self.gap.take().filter(|_| !self.text.is_empty());
        self.text.push_str(match gap {
            None => "",
            Some(Gap::Space) => " ",
            Some(Gap::Line) => "\n",
            Some(Gap::Paragraph) => "\n\n",
        });
        self.text.push_str(self.mark.take().unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_become_text() {
        let cases = [
            ("<title> A &amp; B\n</title><p>x", Some("A & B"), "x"),
            ("<p>one\n  two<p>three<br>four", None, "one two\n\nthree\nfour"),
            ("a<script>if (1 < 2) { '</p>' }</script>b<style>p { }</style>c", None, "abc"),
            ("<script>\"<title>no</title>\"</script><title>yes</title>", Some("yes"), ""),
            ("<!-- <p>no</p> -->yes", None, "yes"),
            ("<ul><li>a<li><p>b</ul>c", None, "- a\n\n- b\n\nc"),
            ("<h2>Not <b>so</b></h2>x<h1></h1>y", None, "## Not so\n\nx\n\ny"),
            ("<table><tr><td>a<td>b<tr><td>c</table>", None, "a b\nc"),
            ("<b>bo</b>ld &lt;tag&gt; &eacute;&nbsp;x", None, "bold <tag> é x"),
            ("<pre>\n a\n   b\n</pre>c", None, " a\n   b\n\nc"),
            ("<svg><title>icon</title><svg></svg>x</svg><svg/>y", None, "y"),
            ("<title>first</title><title>second</title>z", Some("first"), "z"),
            ("<title></title>z", None, "z"),
            ("<title>never closed <p>z", None, "never closed <p>z"),
            ("<noscript><img alt='x'>enable</noscript>z", None, "z"),
            ("<template><p>t</template>z", None, "z"),
            ("unclosed <b", None, "unclosed"),
            ("", None, ""),
        ];
        for (html, title, text) in cases {
            assert_eq!(title_and_text(html), (title.map(str::to_string), text.to_string()), "{html:?}");
        }
    }

    #[test]
    fn deep_nesting_is_harmless() {
        let html = "<div>".repeat(200_000) + "x" + &"</div>".repeat(200_000);
        assert_eq!(title_and_text(&html).1, "x");
    }
}
