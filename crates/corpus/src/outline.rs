//! Where the blocks of a text end: headings, paragraphs, list items, rows of tables, code.
//!
//! One set of rules for every text, whatever file it comes from: empty lines end a block, and so do the marks of
//! Markdown, which people also write in plain text. A single line end within a paragraph is mostly a blank, see
//! [`lines`](crate::lines).

use std::ops::Range;

use crate::lines::{Line, divide};

/// A part of a text that no sentence reaches beyond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// All of it, its mark included, without white space at its ends.
    pub(crate) bytes: Range<usize>,
    /// What of it is read: without the mark of a heading or an item, without the fences of code.
    pub(crate) content: Range<usize>,
    pub(crate) kind: BlockKind,
    /// In how many columns of white space its first line begins.
    pub(crate) indent: usize,
    /// Whether an empty line stands above it.
    pub(crate) apart: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    Heading {
        /// 1 to 6; the greater, the lower.
        level: usize,
    },
    Paragraph,
    /// An item of a list, or another line of one.
    Item,
    /// The first row of a table, with the line below it that makes it one.
    TableHead,
    TableRow {
        /// The first row.
        head: Range<usize>,
    },
    /// Lines between two fences, or to the end of the text.
    Code,
    /// A line that only divides, such as `---`.
    Rule,
}

/// The blocks of a text, in order. Together they hold everything that is not white space.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let lines = lines(text);
    let mut outline = Outline { text, blocks: Vec::new(), run: Vec::new(), apart: false };
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += outline.take(line, &lines[at + 1..]);
    }
    outline.close();
    outline.blocks
}

/// The first row of the table that a line like `|---|---|` stands below.
pub(crate) fn is_table_rule(line: &str) -> bool {
    line.contains('|') && line.contains('-') && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
}

fn lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::with_capacity(text.len() / 64 + 1);
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        lines.push(Line::new(text, start..start + line.len()));
        start += line.len();
    }
    lines
}

struct Outline<'a> {
    text: &'a str,
    blocks: Vec<Block>,
    /// Lines of paragraphs and lists that are not blocks yet.
    run: Vec<Line>,
    /// Whether the last line was empty.
    apart: bool,
}

impl Outline<'_> {
    /// Takes in a line, before those `below`; returns how many lines are done with.
    fn take(&mut self, line: &Line, below: &[Line]) -> usize {
        let content = &self.text[line.bytes.clone()];
        let next = below.first().map_or("", |next| &self.text[next.bytes.clone()]);
        if content.is_empty() {
            self.close();
            self.apart = true;
            return 1;
        }
        if let Some(fence) = fence(content) {
            return self.code(line, below, fence);
        }
        if let Some((level, inner)) = number_signs(content) {
            let start = line.bytes.start;
            self.push(line.bytes.clone(), start + inner.start..start + inner.end, BlockKind::Heading { level }, line);
            return 1;
        }
        if self.run.is_empty()
            && let Some(level) = underline(next)
            && is_title(content)
        {
            let bytes = line.bytes.start..below[0].bytes.end;
            self.push(bytes, line.bytes.clone(), BlockKind::Heading { level }, line);
            return 2;
        }
        if content.contains('|') && is_table_rule(next) {
            return self.table(line, below);
        }
        if is_rule(content) {
            self.push(line.bytes.clone(), line.bytes.start..line.bytes.start, BlockKind::Rule, line);
            return 1;
        }
        self.run.push(line.clone());
        1
    }

    fn push(&mut self, bytes: Range<usize>, content: Range<usize>, kind: BlockKind, first: &Line) {
        self.close();
        self.blocks.push(Block { bytes, content, kind, indent: first.indent, apart: self.apart });
        self.apart = false;
    }

    fn code(&mut self, line: &Line, below: &[Line], fence: &str) -> usize {
        let closes = |line: &Line| {
            let content = &self.text[line.bytes.clone()];
            content.starts_with(fence) && content.trim_start_matches(&fence[..1]).is_empty()
        };
        let inner = below.iter().position(closes).unwrap_or(below.len());
        let last = below[..inner].iter().rev().find(|line| !line.bytes.is_empty());
        let first = below[..inner].iter().find(|line| !line.bytes.is_empty());
        let content = match (first, last) {
            (Some(first), Some(last)) => first.bytes.start..last.bytes.end,
            _ => line.bytes.end..line.bytes.end,
        };
        let closing = below.get(inner).map(|line| line.bytes.end);
        let end = closing.unwrap_or_else(|| content.end.max(line.bytes.end));
        self.push(line.bytes.start..end, content, BlockKind::Code, line);
        1 + (inner + 1).min(below.len())
    }

    fn table(&mut self, line: &Line, below: &[Line]) -> usize {
        let head = line.bytes.clone();
        self.push(head.start..below[0].bytes.end, head.clone(), BlockKind::TableHead, line);
        let rows = below[1..].iter().take_while(|row| self.text[row.bytes.clone()].contains('|'));
        let rows: Vec<&Line> = rows.collect();
        for row in &rows {
            self.push(row.bytes.clone(), row.bytes.clone(), BlockKind::TableRow { head: head.clone() }, row);
        }
        2 + rows.len()
    }

    fn close(&mut self) {
        let run = std::mem::take(&mut self.run);
        for part in divide(self.text, &run) {
            let kind = if part.item { BlockKind::Item } else { BlockKind::Paragraph };
            self.blocks.push(Block {
                bytes: part.bytes,
                content: part.content,
                kind,
                indent: part.indent,
                apart: self.apart,
            });
            self.apart = false;
        }
    }
}

/// The marks that open a block of code, without what stands after them.
fn fence(line: &str) -> Option<&str> {
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let rest = line.trim_start_matches(mark);
    let length = line.len() - rest.len();
    (length >= 3 && !rest.contains('`')).then(|| &line[..length])
}

/// Level and content of `## Heading ##`.
fn number_signs(line: &str) -> Option<(usize, Range<usize>)> {
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    if !(1..=6).contains(&level) || !rest.starts_with([' ', '\t']) {
        return None;
    }
    let start = line.len() - rest.trim_start().len();
    let closed = rest.trim_end_matches('#');
    let inner = if closed.ends_with([' ', '\t']) { closed.trim() } else { rest.trim() };
    (!inner.is_empty()).then(|| (level, start..start + inner.len()))
}

/// The level of the heading above a line of `===` or `---`.
fn underline(line: &str) -> Option<usize> {
    let of = |mark: u8| line.len() >= 3 && line.bytes().all(|byte| byte == mark);
    match () {
        () if of(b'=') => Some(1),
        () if of(b'-') => Some(2),
        () => None,
    }
}

/// Whether a line above `---` can be a heading: something is said, and it is no item, quotation or table.
fn is_title(line: &str) -> bool {
    let other = ["- ", "* ", "+ ", ">", "|"].iter().any(|start| line.starts_with(start));
    !other && line.chars().any(char::is_alphanumeric)
}

/// Whether a line consists of three or more of one mark, perhaps with blanks between them.
fn is_rule(line: &str) -> bool {
    let Some(mark) = line.chars().next().filter(|mark| matches!(mark, '-' | '=' | '*' | '_' | '~' | '+')) else {
        return false;
    };
    line.chars().all(|c| c == mark || c == ' ') && line.matches(mark).count() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<String> {
        let of = |block: &Block| {
            let kind = match &block.kind {
                BlockKind::Heading { level } => format!("h{level}"),
                BlockKind::Paragraph => "p".to_owned(),
                BlockKind::Item => format!("i{}", block.indent),
                BlockKind::TableHead => "th".to_owned(),
                BlockKind::TableRow { .. } => "tr".to_owned(),
                BlockKind::Code => "code".to_owned(),
                BlockKind::Rule => "rule".to_owned(),
            };
            format!("{kind} {}", text[block.content.clone()].replace('\n', "/"))
        };
        blocks(text).iter().map(of).collect()
    }

    #[test]
    fn marks_and_empty_lines_end_blocks() {
        let cases: [(&str, &[&str]); 14] = [
            ("", &[]),
            (" \n\t\n", &[]),
            ("One.\nTwo.\n\nThree.", &["p One.", "p Two.", "p Three."]),
            ("# One #\ntext", &["h1 One", "p text"]),
            ("#hash\n# C#", &["p #hash", "h1 C#"]),
            ("Set\n===\nSub\n---\ntext", &["h1 Set", "h2 Sub", "p text"]),
            ("text\n\n---\n\nmore", &["p text", "rule ", "p more"]),
            ("- a\n- b\n  c\n\nd", &["i0 a", "i0 b/  c", "p d"]),
            ("List:\n\n1. a\n2) b\n   - c", &["p List:", "i0 a", "i0 b", "i3 c"]),
            ("| a | b |\n|---|---|\n| 1 | 2 |\n\nx | y", &["th | a | b |", "tr | 1 | 2 |", "p x | y"]),
            ("```sh\n# no heading\n\n- none\n```\nx", &["code # no heading/- none".replace("/-", "//-").leak(), "p x"]),
            ("~~~\nopen to the end", &["code open to the end"]),
            ("```\n```\nx", &["code ", "p x"]),
            ("Windows\r\nlines\r\n\r\nend", &["p Windows\r/lines", "p end"]),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }
}
