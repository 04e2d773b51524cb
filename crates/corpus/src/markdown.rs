//! The readable text of a Markdown file.
//!
//! What marks words is taken away (emphasis, links, HTML), so that "`<b>not</b>`" is read as "not"; what was struck out is
//! left out. What divides a text stays and is written in one way: `# ` before headings, `- ` before items, `|` between cells,
//! fences around code. A paragraph is one line. So cutting finds the same structure in it as in any other text.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use crate::html;

/// What a Markdown file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// The first heading that says something.
    pub(crate) heading: Option<String>,
    pub(crate) text: String,
    /// What stands between two lines `---` at the very start.
    pub(crate) front_matter: Option<String>,
}

pub(crate) fn read(markdown: &str) -> Page {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut writer = Writer::default();
    for event in Parser::new_ext(markdown, options) {
        writer.event(event);
    }
    let Writer { text, heading, front_matter, .. } = writer;
    Page { heading, text: text.trim_end().to_owned(), front_matter }
}

#[derive(Default)]
struct Writer {
    text: String,
    heading: Option<String>,
    heading_start: Option<usize>,
    front_matter: Option<String>,
    in_front_matter: bool,
    /// The next number of each list that is open; none of one with bullets.
    lists: Vec<Option<u64>>,
    /// The mark of an item was just written: what follows goes on the same line.
    after_mark: bool,
    code: Option<(String, String)>,
    html: Option<String>,
    /// How many elements are open whose content was struck out.
    struck: usize,
    in_table: bool,
    cells: usize,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.words(&text),
            Event::Code(text) => self.words(&text),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.words(&text),
            Event::Html(html) => match &mut self.html {
                Some(block) => block.push_str(&html),
                None => self.inline_html(&html),
            },
            Event::InlineHtml(html) => self.inline_html(&html),
            Event::SoftBreak => self.words(" "),
            Event::HardBreak => self.line_end(),
            Event::Rule => self.gap(),
            Event::TaskListMarker(done) => self.words(if done { "[x] " } else { "[ ] " }),
            Event::FootnoteReference(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::FootnoteDefinition(_) | Tag::BlockQuote(_) => self.gap(),
            Tag::Heading { level, .. } => {
                self.gap();
                self.text.push_str(&"#".repeat(depth(level)));
                self.text.push(' ');
                self.heading_start = Some(self.text.len());
            }
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::HtmlBlock => self.html = Some(String::new()),
            Tag::List(first) => {
                if self.lists.is_empty() {
                    self.gap();
                }
                self.lists.push(first);
            }
            Tag::Item => {
                self.new_line();
                self.indent(self.lists.len().saturating_sub(1));
                match self.lists.last_mut() {
                    Some(Some(number)) => {
                        self.text.push_str(&format!("{number}. "));
                        *number += 1;
                    }
                    _ => self.text.push_str("- "),
                }
                self.after_mark = true;
            }
            Tag::Table(_) => {
                self.gap();
                self.in_table = true;
            }
            Tag::TableHead | Tag::TableRow => {
                self.new_line();
                self.text.push('|');
                self.cells = 0;
            }
            Tag::TableCell => self.text.push(' '),
            Tag::Strikethrough => self.struck += 1,
            Tag::MetadataBlock(MetadataBlockKind::YamlStyle) => self.in_front_matter = true,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                if let Some(start) = self.heading_start.take() {
                    let heading = self.text[start..].trim().to_owned();
                    if heading.is_empty() {
                        let kept = self.text[..start].trim_end_matches(['#', ' ']).len();
                        self.text.truncate(kept);
                    } else if self.heading.is_none() {
                        self.heading = Some(heading);
                    }
                }
                // An element that was left open strikes out no more than its block.
                self.struck = 0;
            }
            TagEnd::Paragraph => self.struck = 0,
            TagEnd::CodeBlock => self.write_code(),
            TagEnd::HtmlBlock => {
                let block = self.html.take().unwrap_or_default();
                let (_, text) = html::title_and_text(&block);
                if !text.is_empty() {
                    self.gap();
                    self.text.push_str(&text);
                }
            }
            TagEnd::List(_) => drop(self.lists.pop()),
            TagEnd::Item => self.after_mark = false,
            TagEnd::TableCell => {
                self.text.push_str(" |");
                self.cells += 1;
            }
            TagEnd::TableHead => {
                self.text.push_str("\n|");
                self.text.push_str(&" --- |".repeat(self.cells));
            }
            TagEnd::Table => self.in_table = false,
            TagEnd::Strikethrough => self.struck = self.struck.saturating_sub(1),
            TagEnd::MetadataBlock(_) => self.in_front_matter = false,
            _ => {}
        }
    }

    fn words(&mut self, words: &str) {
        if self.in_front_matter {
            self.front_matter.get_or_insert_default().push_str(words);
        } else if let Some((_, code)) = &mut self.code {
            code.push_str(words);
        } else if self.struck == 0 {
            self.after_mark = false;
            let words = if self.text.ends_with(' ') { words.trim_start_matches(' ') } else { words };
            match self.in_table {
                true => self.text.push_str(&words.replace('|', "\\|")),
                false => self.text.push_str(words),
            }
        }
    }

    fn inline_html(&mut self, html: &str) {
        let name = html.trim_start_matches(['<', '/']).split(|c: char| !c.is_ascii_alphanumeric()).next();
        match (name.unwrap_or_default().to_ascii_lowercase().as_str(), html.starts_with("</")) {
            ("br", _) => self.line_end(),
            ("del" | "s" | "strike", false) => self.struck += 1,
            ("del" | "s" | "strike", true) => self.struck = self.struck.saturating_sub(1),
            _ => {}
        }
    }

    /// A line end that the writer asked for; cells and headings have one line.
    fn line_end(&mut self) {
        if self.in_table || self.heading_start.is_some() {
            self.words(" ");
        } else if self.struck == 0 {
            self.text.push('\n');
            self.indent(self.lists.len());
        }
    }

    fn write_code(&mut self) {
        let Some((language, code)) = self.code.take() else { return };
        let mut fence = "```".to_owned();
        while code.contains(&fence) {
            fence.push('`');
        }
        let language = language.replace('`', "");
        self.gap();
        self.text.push_str(&format!("{fence}{language}\n{}\n{fence}", code.trim_end_matches('\n')));
    }

    /// Begins a new line.
    fn new_line(&mut self) {
        let kept = self.text.trim_end_matches(' ').len();
        if !self.after_mark {
            self.text.truncate(kept);
        }
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Leaves a line empty, unless the mark of an item was just written.
    fn gap(&mut self) {
        if self.after_mark {
            return;
        }
        let kept = self.text.trim_end().len();
        self.text.truncate(kept);
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.indent(self.lists.len());
    }

    fn indent(&mut self, levels: usize) {
        self.text.push_str(&"  ".repeat(levels.min(16)));
    }
}

fn depth(level: HeadingLevel) -> usize {
    level as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_a_reader_sees() {
        let cases = [
            ("It is <b>not</b> *so*, [see](x.md) `here`.", "It is not so, see here."),
            ("wrapped\nlines\n\nand  \nmore", "wrapped lines\n\nand\nmore"),
            ("Title\n=====\ntext", "# Title\n\ntext"),
            ("## A **b** ##\n\ntext", "## A b\n\ntext"),
            ("- a\n- b\n\n  c\n    - d\n\n1. e\n2. f", "- a\n- b\n\n  c\n  - d\n\n1. e\n2. f"),
            ("They are:\n* a\n* b", "They are:\n\n- a\n- b"),
            ("| a | b |\n|:--|--:|\n| `x\\|y` | *z* |", "| a | b |\n| --- | --- |\n| x\\|y | z |"),
            ("```sh\nrun *this*\n```\nx", "```sh\nrun *this*\n```\n\nx"),
            ("    indented", "```\nindented\n```"),
            ("It costs ~~nothing~~ <s>one</s> two.", "It costs two."),
            ("<div>\n<p>one</p><script>x()</script>\n</div>\n\ntwo<br>three<!-- no -->", "one\n\ntwo\nthree"),
            ("> quoted\n> text\n\nmore", "quoted text\n\nmore"),
            ("a\n\n---\n\nb", "a\n\nb"),
            ("![alt](x.png) <https://example.org>", "alt https://example.org"),
            ("- [x] done\n- [ ] open", "- [x] done\n- [ ] open"),
            ("#\n\ntext[^1]\n\n[^1]: note", "text\n\nnote"),
            ("", ""),
        ];
        for (markdown, expected) in cases {
            assert_eq!(read(markdown).text, expected, "{markdown:?}");
        }
    }

    #[test]
    fn the_first_heading_is_found() {
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
            ("    # code\n", None),
            ("# \n#\n", None),
            ("---\nnot closed", None),
            ("", None),
        ];
        for (markdown, expected) in cases {
            assert_eq!(read(markdown).heading.as_deref(), expected, "{markdown:?}");
        }
    }

    #[test]
    fn front_matter_is_no_text() {
        let page = read("---\ntitle: Bridges\ntags: [a, b]\n---\n\nBridges need gaps.");
        assert_eq!(page.front_matter.as_deref(), Some("title: Bridges\ntags: [a, b]\n"));
        assert_eq!(page.text, "Bridges need gaps.");
    }

    #[test]
    fn a_text_that_was_read_is_read_as_itself() {
        let text = "# A\n\nOne line.\n\n- a\n- b\n  - c\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n```\nx\n```";
        assert_eq!(read(text).text, text);
    }
}
