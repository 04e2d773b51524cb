//! What people see: messages, highlights, errors. Whatever comes from documents, files and their names goes through here:
//! no control character of it reaches a terminal.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::ops::Range;
use std::time::Duration;

use vetted::Snippet;
use vetted::models::Progress;
use vetted::wire::TokenPair;

#[cfg(feature = "study")]
use crate::progress::count_bar;
use crate::progress::{Bar, byte_bar};

/// Says something on standard error, in as many lines as it has.
pub fn say(message: impl Display) {
    eprintln!("{}", printable_lines(&message.to_string()));
}

/// An error on one line: what we were doing, and what the library says, each cause once.
pub fn chain(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let part = cause.to_string();
        // Many messages have their causes in them.
        if !parts.iter().any(|said| said.contains(&part)) {
            parts.push(part);
        }
        let complete = cause.is::<vetted::Error>()
            || cause.is::<vetted::corpus::Error>()
            || cause.is::<vetted::models::Error>()
            || cause.is::<vetted::retrieval::Error>()
            || cause.is::<vetted::reader::Error>();
        #[cfg(feature = "study")]
        let complete = complete || cause.is::<vetted_evaluation::Error>() || cause.is::<vetted_study::Error>();
        #[cfg(feature = "train")]
        let complete = complete || cause.is::<vetted_training::Error>();
        if complete {
            break;
        }
    }
    parts.join(": ")
}

/// Prints a report on standard output: one line of JSON for programs, or the table for people.
#[cfg(feature = "study")]
pub fn print_report(report: &(impl serde::Serialize + std::fmt::Display), json: bool) -> anyhow::Result<()> {
    match json {
        true => writeln!(stdout(), "{}", printable_json(&serde_json::to_string(report)?))?,
        false => writeln!(stdout(), "{}", printable_lines(&report.to_string()))?,
    }
    Ok(())
}

/// Whether writing failed because the reader is gone.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kinds = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    kinds.into_iter().any(|kind| kind == std::io::ErrorKind::BrokenPipe)
}

/// Shows how a measurement comes along: a bar for whatever is being worked through, a line for what is worth saying.
#[cfg(feature = "study")]
pub fn watch() -> impl Fn(vetted_study::Event<'_>) {
    use std::cell::RefCell;
    use vetted_study::Event;

    let bar: RefCell<Option<Bar>> = RefCell::new(None);
    let download = RefCell::new(download_progress());
    move |event| match event {
        Event::Begun { what, total } => *bar.borrow_mut() = Some(count_bar(total, what)),
        Event::Advanced(more) => {
            if let Some(bar) = &*bar.borrow() {
                bar.inc(more);
            }
        }
        Event::Ended => {
            if let Some(bar) = bar.take() {
                finish(&bar);
            }
        }
        Event::Fetching(progress) => download.borrow_mut()(progress),
        Event::Note(note) => say(format_args!("note: {note}")),
        _ => {}
    }
}

/// Takes a bar away. Where a log was told of it, a line says what was done.
#[cfg(feature = "study")]
fn finish(bar: &Bar) {
    bar.finish_and_clear();
    if !stderr().is_terminal() && bar.elapsed() >= Duration::from_secs(60) {
        say(format_args!("{}: {} in {:.0} s", bar.message(), bar.position(), bar.elapsed().as_secs_f64()));
    }
}

/// Shows how a model's download comes along.
pub fn download_progress() -> impl FnMut(Progress<'_>) {
    let mut current: Option<(String, Bar)> = None;
    move |progress| {
        let (what, bytes, total) = match progress {
            Progress::Fetching { file, bytes, total } => (format!("fetching {file}"), bytes, total),
            Progress::Unpacking { file, bytes, total } => (format!("unpacking {file}"), bytes, total),
            Progress::SourceFailed(attempt) => return say(format_args!("note: {}", attempt.failure)),
            Progress::Waiting => return say("another process is fetching this model; waiting for it"),
            _ => return,
        };
        if current.as_ref().is_none_or(|(name, _)| *name != what) {
            if let Some((_, bar)) = current.take() {
                bar.finish_and_clear();
            }
            let bar = byte_bar(Some(total));
            if bar.is_hidden() {
                say(format_args!("{what} ({:.1} MB)", total as f64 / 1e6));
            }
            bar.set_message(printable(&what));
            current = Some((what, bar));
        }
        if let Some((_, bar)) = &current {
            bar.set_position(bytes);
            if bytes == total {
                bar.finish_and_clear();
            }
        }
    }
}

/// A snippet with the query's words marked, if standard output is a terminal that shows colors. There, what stands around
/// `within`, bytes of the snippet, is dimmed.
pub fn highlighted(snippet: &Snippet, within: Range<usize>) -> String {
    let text = &snippet.text;
    let mut shown = dim(&escaped(&text[..within.start]));
    let mut at = within.start;
    for range in snippet.matches.iter().filter(|range| within.start <= range.start && range.end <= within.end) {
        shown += &escaped(&text[at..range.start]);
        shown += &bold(&escaped(&text[range.clone()]));
        at = range.end;
    }
    shown += &escaped(&text[at..within.end]);
    shown += &dim(&escaped(&text[within.end..]));
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text of somebody else's on one line: no control character of it reaches the terminal.
pub fn printable(text: &str) -> String {
    escaped(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same of a text that is made of lines.
pub fn printable_lines(text: &str) -> String {
    escaped(text)
}

/// JSON with the same characters as JSON writes them: it means the same.
pub fn printable_json(json: &str) -> String {
    let written_out = |c: char| if is_harmless(c) { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) };
    json.chars().map(written_out).collect()
}

/// `text` with what would act on the terminal written out: control characters (NUL, ESC, the C1 set) and what turns the direction
/// of other letters around. Control characters that are white space become blanks, but for the ends of lines and tabs.
fn escaped(text: &str) -> String {
    if text.chars().all(is_harmless) {
        return text.to_owned();
    }
    let written_out = |c: char| match c {
        c if is_harmless(c) => c.to_string(),
        c if c.is_whitespace() => " ".to_owned(),
        c => c.escape_default().to_string(),
    };
    text.chars().map(written_out).collect()
}

fn is_harmless(c: char) -> bool {
    let turns_around = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !turns_around && (!c.is_control() || matches!(c, '\n' | '\t'))
}

/// Standard error for lines that bring colors of their own, and have written out what came in escape sequences. What else is no
/// letter is written out here.
pub struct ColoredLines;

impl Write for ColoredLines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let shown: Vec<String> = text.split('\u{1b}').map(escaped).collect();
        stderr().write_all(shown.join("\u{1b}").as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        stderr().flush()
    }
}

/// `1 hit`, `2 hits`.
pub fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// The token pairs behind a verdict, each on a line `indent` columns in.
pub fn token_pairs(out: &mut impl Write, indent: usize, pairs: &[TokenPair]) -> std::io::Result<()> {
    for TokenPair { query, candidate, similarity, weight } in pairs {
        let numbers = dim(&format!("similarity {similarity:.2}, weight {weight:.2}"));
        writeln!(out, "{:indent$}{} ~ {}  {numbers}", "", printable(query), printable(candidate))?;
    }
    Ok(())
}

/// `text` in bold, where that is seen.
pub fn bold(text: &str) -> String {
    styled(text, "1")
}

/// `text` in gray, where that is seen.
pub fn dim(text: &str) -> String {
    styled(text, "2")
}

/// `text` in a color (an SGR code), where that is seen.
pub fn colored(text: &str, code: &str) -> String {
    styled(text, code)
}

/// A cell of a similarity map, one column wide: from blue (0 and below) over green and yellow to red (1), or, where colors
/// are not wanted, from a blank to `@`.
pub fn heat(similarity: f32) -> String {
    const COLORS: [u8; 16] = [17, 18, 20, 26, 32, 37, 36, 35, 34, 70, 106, 142, 178, 208, 202, 196];
    const MARKS: [&str; 10] = [" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"];
    let place = |steps: usize| (similarity.clamp(0.0, 1.0) * (steps - 1) as f32).round() as usize;
    match colors() {
        true => styled(" ", &format!("48;5;{}", COLORS[place(COLORS.len())])),
        false => MARKS[place(MARKS.len())].to_owned(),
    }
}

/// Whether standard output is a terminal that shows colors.
pub fn colors() -> bool {
    stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn styled(text: &str, code: &str) -> String {
    if colors() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// How many a second, for people.
pub fn rate(count: u64, elapsed: Duration) -> String {
    let rate = count as f64 / elapsed.as_secs_f64().max(1e-9);
    if rate < 10.0 { format!("{rate:.2}/s") } else { format!("{rate:.0}/s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_of_a_document_reaches_the_terminal() {
        assert_eq!(
            printable("a \u{1b}[31mred\u{7}\r\n\tcaf\u{e9} \u{9b}1m"),
            "a \\u{1b}[31mred\\u{7} caf\u{e9} \\u{9b}1m"
        );
        let snippet = Snippet { text: "\u{1b}c dog".into(), chars: 0..6, matches: std::iter::once(3..6).collect() };
        assert!(!highlighted(&snippet, 0..6).contains('\u{1b}') || colors());
        for (text, expected) in [
            ("a\0b", "a\\u{0}b"),
            ("\u{202e}txt.exe", "\\u{202e}txt.exe"),
            ("\u{2066}a\u{2069}", "\\u{2066}a\\u{2069}"),
            ("a\u{9f}b\u{7f}", "a\\u{9f}b\\u{7f}"),
            ("form\u{c}feed\u{85}next", "form feed next"),
            ("two\nlines\tof", "two lines of"),
            (
                "\u{1f468}\u{200d}\u{1f469}\u{fe0f} e\u{301} \u{5d0}\u{5d1}",
                "\u{1f468}\u{200d}\u{1f469}\u{fe0f} e\u{301} \u{5d0}\u{5d1}",
            ),
        ] {
            assert_eq!(printable(text), expected);
        }
        let json = serde_json::json!({"a\u{202e}": "\u{9b}31m \u{1b} caf\u{e9} \u{1f600}"});
        let shown = printable_json(&json.to_string());
        assert_eq!(shown, "{\"a\\u202e\":\"\\u009b31m \\u001b caf\u{e9} \u{1f600}\"}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), json);
        assert_eq!(printable_lines("a\tb\n\u{1b}[2J\rc\n"), "a\tb\n\\u{1b}[2J c\n");
    }

    #[test]
    fn a_cause_is_said_once() {
        let inner = std::io::Error::other("No such file");
        let error = anyhow::Error::from(inner).context("cannot read x: No such file. Give another").context("query 1");
        assert_eq!(chain(&error), "query 1: cannot read x: No such file. Give another");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "hit")), ["0 hits", "1 hit", "2 hits"]);
    }

    #[test]
    fn what_surrounds_the_sentence_that_decided_is_kept_apart() {
        let text = "Rain fell. The dog bit. Ships came.".to_owned();
        let snippet = Snippet { chars: 0..text.len(), matches: vec![0..4, 15..18], text };
        let shown = highlighted(&snippet, 11..23);
        assert_eq!(shown, "Rain fell. The dog bit. Ships came.");
    }
}
