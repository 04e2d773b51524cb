//! Cutting texts into what is read at once: sentences, with what they stand under.

use std::borrow::Cow;
use std::ops::Range;

use crate::PassageOptions;
use crate::context::{Above, turns};
use crate::outline::{Block, BlockKind, blocks};
use crate::passages::{fitting, lines_of};
use crate::sentences::{sentences_of, trimmed};

/// A part of a text that is read at once: a sentence, a row of a table, some lines of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Where it stands, in bytes.
    pub bytes: Range<usize>,
    /// What is read for it, where that is more than what stands there: a heading or the line that introduces a list before a
    /// sentence, the names of the columns in a row of a table.
    pub with_context: Option<String>,
}

impl Window {
    /// What is read.
    pub fn read<'a>(&'a self, text: &'a str) -> Cow<'a, str> {
        match &self.with_context {
            Some(read) => Cow::Borrowed(read.as_str()),
            None => Cow::Borrowed(text.get(self.bytes.clone()).unwrap_or_default()),
        }
    }
}

/// Cuts `text` into its sentences: each is a window of its own, or several where it has more than
/// [`max_tokens`](PassageOptions::max_tokens), what it stands under included. A sentence of less than `min_tokens` is joined
/// with the next one of its paragraph if the two fit, and such a heading with the first sentence below it. Rows of tables are
/// windows, and so are lines of code, as many as fit. There is no overlap. A line that only divides is no window.
///
/// `lead` is what stands above the text where that is a part of a longer one, from [`leads`](crate::leads()); else empty.
pub fn cut_sentences(
    lead: &str,
    text: &str,
    options: &PassageOptions,
    min_tokens: usize,
    count_tokens: impl Fn(&str) -> usize,
) -> Vec<Window> {
    let whole = if lead.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(format!("{lead}{text}")) };
    let (text, start) = (&*whole, lead.len());
    let mut cutter = Cutter {
        text,
        max_tokens: options.max_tokens(),
        min_tokens,
        count: count_tokens,
        heading: None,
        windows: Vec::new(),
    };
    let mut above = Above::default();
    for mut block in blocks(text) {
        above.enter(&block);
        if block.bytes.end > start {
            block.content = block.content.start.max(start)..block.content.end.max(start);
            cutter.block(&block, &above);
        }
        above.leave(text, &block);
    }
    cutter.let_go_of_heading();
    if cutter.windows.is_empty()
        && let Some(all) = trimmed(text, start..text.len())
    {
        cutter.add(all, "", Joined::Never);
    }
    let mut windows = cutter.windows;
    for window in &mut windows {
        window.bytes = window.bytes.start - start..window.bytes.end - start;
    }
    windows
}

struct Cutter<'a, Count> {
    text: &'a str,
    max_tokens: usize,
    min_tokens: usize,
    count: Count,
    /// A short heading that is read with the next sentence.
    heading: Option<Range<usize>>,
    windows: Vec<Window>,
}

/// Whether parts are put together while they fit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Joined {
    /// A part with too few tokens is, with the next.
    Short,
    Always,
    Never,
}

impl<Count: Fn(&str) -> usize> Cutter<'_, Count> {
    fn block(&mut self, block: &Block, above: &Above) {
        if !matches!(block.kind, BlockKind::Paragraph | BlockKind::Item) {
            self.let_go_of_heading();
        }
        let content = block.content.clone();
        match &block.kind {
            BlockKind::Heading { .. } if (self.count)(&self.text[content.clone()]) < self.min_tokens => {
                self.heading = Some(content);
            }
            BlockKind::Heading { .. } => self.add(content, "", Joined::Never),
            BlockKind::Paragraph | BlockKind::Item => {
                let (text, first, heading) = (self.text, self.windows.len(), self.heading.take());
                let context = self.shortened(above.read(text));
                // What turns what stands below it is among the context already.
                let named = heading.clone().map(|heading| &text[heading]).filter(|heading| !turns(heading));
                let named = named.map(before_sentence).unwrap_or_default();
                let mut sentences = sentences_of(text, content);
                if !named.is_empty() && !sentences.is_empty() {
                    self.add(sentences.remove(0), &format!("{context}{named}"), Joined::Never);
                }
                self.add_all(sentences, &context, Joined::Short);
                if let (Some(heading), Some(window)) = (heading, self.windows.get_mut(first)) {
                    window.bytes.start = heading.start;
                }
            }
            BlockKind::TableHead | BlockKind::Rule => {}
            BlockKind::TableRow { head } => self.row(head.clone(), content, above),
            BlockKind::Code => {
                let context = self.shortened(above.read(self.text));
                let lines = lines_of(self.text, content).collect();
                self.add_all(lines, &context, Joined::Always);
            }
        }
    }

    fn let_go_of_heading(&mut self) {
        if let Some(heading) = self.heading.take() {
            self.add(heading, "", Joined::Never);
        }
    }

    fn add(&mut self, part: Range<usize>, context: &str, joined: Joined) {
        self.add_all(vec![part], context, joined);
    }

    fn add_all(&mut self, parts: Vec<Range<usize>>, context: &str, joined: Joined) {
        let room = self.max_tokens.saturating_sub((self.count)(context)).max(1);
        let mut joined_parts: Vec<(Range<usize>, usize)> = Vec::new();
        for part in parts {
            for (part, tokens) in fitting(self.text, part, room, &self.count) {
                match joined_parts.last_mut() {
                    Some((last, so_far))
                        if *so_far + tokens <= room
                            && (joined == Joined::Always || joined == Joined::Short && *so_far < self.min_tokens) =>
                    {
                        last.end = part.end;
                        *so_far += tokens;
                    }
                    _ => joined_parts.push((part, tokens)),
                }
            }
        }
        let text = self.text;
        self.windows.extend(joined_parts.into_iter().map(|(bytes, _)| Window {
            with_context: (!context.is_empty()).then(|| format!("{context}{}", &text[bytes.clone()])),
            bytes,
        }));
    }

    /// Each cell with the name of its column, in as many windows as it takes. Each begins with the first cell: it mostly names
    /// what the row is about.
    fn row(&mut self, head: Range<usize>, row: Range<usize>, above: &Above) {
        let context = self.shortened(above.read(self.text));
        let names = cells(self.text, head);
        let mut named: Vec<(Range<usize>, String)> = Vec::new();
        for (at, bytes) in cells(self.text, row.clone()).into_iter().enumerate() {
            let cell = unescaped(&self.text[bytes.clone()]);
            let name = names.get(at).map(|name| unescaped(&self.text[name.clone()])).unwrap_or_default();
            match (name.is_empty(), cell.is_empty()) {
                (_, true) => {}
                (true, false) => named.push((bytes, cell)),
                (false, false) => named.push((bytes, format!("{name}: {cell}"))),
            }
        }
        let Some((first, about)) = named.first().cloned() else { return };
        let mut read = format!("{context}{about}");
        let mut bytes = first.clone();
        for (cell, words) in &named[1..] {
            let longer = format!("{read}; {words}");
            let full = (self.count)(&longer) > self.max_tokens;
            if full && bytes.end > first.end {
                self.windows.push(Window { bytes: bytes.clone(), with_context: Some(read) });
                read = format!("{context}{about}; {words}");
                bytes = cell.clone();
            } else {
                read = longer;
                bytes.end = cell.end;
            }
        }
        // A row that is read whole is shown whole.
        let bytes = if bytes.start == first.start { row } else { bytes };
        self.windows.push(Window { bytes, with_context: Some(read) });
    }

    /// What is left of a context of more than half of a window: its end.
    fn shortened(&self, mut context: String) -> String {
        while (self.count)(&context) > self.max_tokens / 2 {
            let words = context.trim_end();
            let rest = words.find(char::is_whitespace).map_or("", |at| words[at..].trim_start());
            if rest.is_empty() {
                return String::new();
            }
            context = format!("{rest} ");
        }
        context
    }
}

/// A heading that is read before a sentence.
fn before_sentence(heading: &str) -> String {
    match heading.trim_end_matches(':') {
        said if said.ends_with(['.', '!', '?']) => format!("{said} "),
        named => format!("{named}: "),
    }
}

/// The cells of a row, without white space at their ends.
fn cells(text: &str, row: Range<usize>) -> Vec<Range<usize>> {
    let line = &text[row.clone()];
    let inner = line.strip_prefix('|').unwrap_or(line);
    let mut start = row.end - inner.len();
    let mut cells = Vec::new();
    let mut escaped = false;
    for (at, character) in inner.char_indices() {
        if character == '|' && !escaped {
            let end = row.end - inner.len() + at;
            cells.push(trimmed(text, start..end).unwrap_or(end..end));
            start = end + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    cells.extend(trimmed(text, start..row.end));
    cells
}

fn unescaped(cell: &str) -> String {
    cell.replace("\\|", "|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leads;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn read(lead: &str, text: &str, most: usize) -> Vec<String> {
        let options = PassageOptions::new(most, 0).unwrap();
        let windows = cut_sentences(lead, text, &options, 2, words);
        assert!(
            windows.iter().all(|it| text.get(it.bytes.clone()).is_some_and(|part| part.trim() == part)),
            "{text:?}"
        );
        windows.iter().map(|window| window.read(text).replace('\n', " ")).collect()
    }

    #[test]
    fn sentences_are_read_with_what_they_stand_under() {
        let cases: [(&str, &[&str]); 16] = [
            ("", &[]),
            ("One two. Three four.", &["One two.", "Three four."]),
            (
                "# What it does not do\n\nIt hides files.",
                &["What it does not do", "What it does not do: It hides files."],
            ),
            ("# What it does\n\nIt hides files.", &["What it does", "It hides files."]),
            ("## Parking\n\nIt costs a lot.", &["Parking: It costs a lot."]),
            ("## Unsupported\n\nIt hides. It shows.", &["Unsupported: It hides.", "Unsupported: It shows."]),
            (
                "# Not so\n\n## Pets\n\nDogs may enter. Cats may.\n\n# So\n\nBirds may enter.",
                &["Not so", "Not so: Pets: Dogs may enter.", "Not so: Cats may.", "So: Birds may enter."],
            ),
            (
                "All of this is wrong:\n\n- guests may smoke\n- dogs may enter\n\nParking is free.",
                &[
                    "All of this is wrong:",
                    "All of this is wrong: guests may smoke",
                    "All of this is wrong: dogs may enter",
                    "Parking is free.",
                ],
            ),
            (
                "This is wrong:\n\nGuests may smoke.\n\nParking is free.",
                &["This is wrong:", "This is wrong: Guests may smoke.", "Parking is free."],
            ),
            (
                "- In the house:\n  - no smoking\n- In the yard:\n  - free parking\n- And so on",
                &[
                    "In the house:",
                    "In the house: no smoking",
                    "In the yard:",
                    "In the yard: free parking",
                    "And so on",
                ],
            ),
            (
                "| Feature | Free | Pro |\n|---|---|---|\n| SSO | no | yes |\n| a \\| b | | 1 |",
                &["Feature: SSO; Free: no; Pro: yes", "Feature: a | b; Pro: 1"],
            ),
            ("Never run:\n\n```sh\nrm a\nrm b\n```", &["Never run:", "Never run: rm a rm b"]),
            ("Never these:\n\n| a |\n|---|\n| x |", &["Never these:", "Never these: a: x"]),
            ("Yes. It rains all day. No. It does not.", &["Yes. It rains all day.", "No. It does not."]),
            ("---", &["---"]),
            ("# Only\n\n# Headings", &["Only", "Headings"]),
        ];
        for (text, expected) in cases {
            assert_eq!(read("", text, 60), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut_and_keeps_its_context() {
        assert_eq!(read("", "# No\n\na b c d e f", 4), ["No: a b c", "No: d e f"]);
        let table = "| of | p | q | r |\n|---|---|---|---|\n| x | 1 | 2 | 3 |";
        assert_eq!(read("", table, 6), ["of: x; p: 1; q: 2", "of: x; r: 3"]);
        let long = "# Not one two three four five six seven eight\n\nIt is so.";
        assert_eq!(read("", long, 8)[2], "five six seven eight: It is so.");
    }

    /// Wherever a text is divided, each part is read as it is in the whole text.
    #[test]
    fn a_part_of_a_text_is_read_as_in_the_whole_text() {
        let text = "# Not allowed\n\n## In the house\n\nAll of this:\n\n- smoking here\n- noise as in:\n  - loud music\n  - \
                    drums of all sizes\n- dogs\n\nThis is else.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\n```\nrun \
                    this\nrun that\n```\n\n# Allowed\n\nCats may enter.";
        let whole = cut_sentences("", text, &PassageOptions::new(60, 0).unwrap(), 0, words);
        let starts: Vec<usize> = whole.iter().map(|window| window.bytes.start).collect();
        let lines: Vec<usize> = starts.iter().map(|start| text[..*start].rfind('\n').map_or(0, |at| at + 1)).collect();
        for ((window, start), line) in whole.iter().zip(&starts).zip(&lines) {
            for from in [*line, *line + text[*line..].len() - text[*line..].trim_start().len()] {
                if from > *start {
                    continue;
                }
                let lead = leads(text, &[from]).remove(0);
                let part = cut_sentences(&lead, &text[from..], &PassageOptions::new(60, 0).unwrap(), 0, words);
                let first = part.first().unwrap();
                assert_eq!(first.read(&text[from..]), window.read(text), "{lead:?} {:?}", &text[from..]);
                assert_eq!(first.bytes.start + from, window.bytes.start);
            }
        }
    }
}
