//! What a sentence stands under: headings, the line that introduces a list, the first row of a table.
//!
//! "The following statements are wrong:" says of each item below it that it is not so, and the heading "What this program
//! does not do" says it of a whole section. Whoever reads one sentence alone must know. Other headings are not read with
//! the text: their words would count for every sentence below them (docs/decisions/8).

use std::ops::Range;

use crate::outline::{Block, BlockKind};
use crate::sentences::sentences_of;

/// What stands above a place in a text and counts there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Above {
    headings: Vec<(usize, Range<usize>)>,
    leads: Vec<Lead>,
    /// Whether the block before was a line that introduces something.
    introduced: bool,
}

/// A sentence that introduces what comes next: it ends with a colon.
#[derive(Clone, Debug)]
struct Lead {
    bytes: Range<usize>,
    /// That of the item which ends with it; none of a paragraph.
    indent: Option<usize>,
}

impl Above {
    /// Forgets what does not count for a block. Blocks come in order, each here first and then to [`leave`](Self::leave).
    pub(crate) fn enter(&mut self, block: &Block) {
        match block.kind {
            BlockKind::Heading { level } => {
                self.headings.retain(|(above, _)| *above < level);
                self.leads.clear();
            }
            BlockKind::Item => self.leads.retain(|lead| lead.indent.is_none_or(|indent| indent < block.indent)),
            // What is set in below an item belongs to it; anything else ends the list.
            BlockKind::Paragraph if !self.introduced && block.indent == 0 => self.leads.clear(),
            BlockKind::Paragraph if !self.introduced => {
                self.leads.retain(|lead| lead.indent.is_none_or(|indent| indent < block.indent));
            }
            BlockKind::Rule => self.leads.clear(),
            BlockKind::Paragraph | BlockKind::TableHead | BlockKind::TableRow { .. } | BlockKind::Code => {}
        }
    }

    /// Remembers what of a block counts for those below it.
    pub(crate) fn leave(&mut self, text: &str, block: &Block) {
        self.introduced = false;
        match block.kind {
            BlockKind::Heading { level } => self.headings.push((level, block.content.clone())),
            BlockKind::Paragraph | BlockKind::Item if text[block.content.clone()].ends_with(':') => {
                let Some(bytes) = sentences_of(text, block.content.clone()).pop() else { return };
                let indent = (block.kind == BlockKind::Item).then_some(block.indent);
                if indent.is_none() {
                    self.leads.clear();
                }
                self.leads.push(Lead { bytes, indent });
                self.introduced = true;
            }
            // A paragraph that was introduced is all that was.
            BlockKind::Paragraph if block.indent == 0 => self.leads.clear(),
            _ => {}
        }
    }

    /// What is read before a sentence here, from the farthest to the nearest.
    pub(crate) fn read(&self, text: &str) -> String {
        let headings = self.headings.iter().map(|(_, bytes)| bytes).filter(|bytes| turns(&text[(*bytes).clone()]));
        let mut context = String::new();
        for part in headings.chain(self.leads.iter().map(|lead| &lead.bytes)) {
            let words =
                text[part.clone()].trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '.' | '\u{2026}'));
            context.push_str(words);
            context.push_str(": ");
        }
        context
    }

    /// A text which says the same above whatever is put after it, that is, above what begins `at` in `block`.
    pub(crate) fn written(&self, text: &str, block: &Block, at: usize) -> String {
        let mut written = String::new();
        for (level, bytes) in &self.headings {
            let (marks, heading) = ("#".repeat(*level), text[bytes.clone()].replace(['\n', '\r'], " "));
            written += &format!("{marks} {heading}\n\n");
        }
        for Lead { bytes, indent } in &self.leads {
            let lead = text[bytes.clone()].replace(['\n', '\r'], " ");
            written += &match indent {
                Some(indent) => format!("{}- {lead}\n\n", " ".repeat(*indent)),
                None => format!("{lead}\n\n"),
            };
        }
        let within = at > block.bytes.start;
        match &block.kind {
            BlockKind::TableRow { head } => {
                let head = text[head.clone()].to_owned();
                written += &format!("{head}\n|-|\n");
            }
            BlockKind::Code if within => written += "```\n",
            BlockKind::Item if within => written += &format!("{}- ", " ".repeat(block.indent)),
            _ if !written.is_empty() => written += &" ".repeat(block.indent),
            _ => {}
        }
        written
    }
}

/// For each of these places in a text, in order, what must stand before the part that begins there, so that it is read as
/// it is in the whole text: headings, the line that introduces a list, the first row of a table. Mostly nothing.
///
/// ```
/// let text = "# Not allowed\n\nThe following:\n\n- pets\n- smoking";
/// let at = text.find("- smoking").unwrap();
/// assert_eq!(vetted_corpus::leads(text, &[0, at]), ["", "# Not allowed\n\nThe following:\n\n"]);
/// ```
pub fn leads(text: &str, starts: &[usize]) -> Vec<String> {
    let mut leads = Vec::with_capacity(starts.len());
    let mut starts = starts.iter().peekable();
    // Where every part begins at the start of the text, there is nothing above it.
    while starts.next_if(|start| text.get(..**start).is_none_or(|before| before.trim().is_empty())).is_some() {
        leads.push(String::new());
    }
    if starts.peek().is_none() {
        return leads;
    }
    let mut above = Above::default();
    for block in crate::outline::blocks(text) {
        above.enter(&block);
        while starts.next_if(|start| **start < block.bytes.end).is_some_and(|start| {
            leads.push(above.written(text, &block, *start));
            true
        }) {}
        above.leave(text, &block);
    }
    leads.extend(starts.map(|_| String::new()));
    leads
}

/// Whether a heading says that what stands below it is not so, or not for sure.
pub(crate) fn turns(heading: &str) -> bool {
    const TURNING: &[&str] = &[
        "abandoned",
        "against",
        "avoid",
        "avoided",
        "banned",
        "beware",
        "cancelled",
        "cannot",
        "deprecated",
        "disallowed",
        "discontinued",
        "discouraged",
        "disproved",
        "except",
        "exceptions",
        "excluded",
        "exclusions",
        "expired",
        "false",
        "falsehoods",
        "fiction",
        "forbidden",
        "former",
        "formerly",
        "future",
        "illegal",
        "impossible",
        "incorrect",
        "invalid",
        "lacking",
        "lacks",
        "limitations",
        "misconceptions",
        "missing",
        "mistakes",
        "myth",
        "myths",
        "neither",
        "never",
        "no",
        "nobody",
        "non",
        "none",
        "nor",
        "not",
        "nothing",
        "obsolete",
        "outdated",
        "planned",
        "prohibited",
        "proposed",
        "refuted",
        "rejected",
        "removed",
        "repealed",
        "restrictions",
        "retracted",
        "revoked",
        "superseded",
        "unavailable",
        "unlike",
        "unlikely",
        "unproven",
        "unsupported",
        "untrue",
        "withdrawn",
        "without",
        "wrong",
    ];
    if heading.to_lowercase().contains("out of scope") {
        return true;
    }
    let mut words = heading.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '\u{2019}'));
    words.any(|word| {
        let word = word.to_lowercase().replace('\u{2019}', "'");
        word.ends_with("n't") || TURNING.binary_search(&word.as_str()).is_ok()
    })
}
