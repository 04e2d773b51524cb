//! What people see: progress bars, highlights, errors.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use vetted::Snippet;
use vetted::models::Progress;
use vetted::wire::TokenPair;

/// An error on one line: what we were doing, and what the library says. Its messages include their own causes.
pub fn chain(error: &anyhow::Error) -> String {
    let mut parts = Vec::new();
    for cause in error.chain() {
        parts.push(cause.to_string());
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
        true => writeln!(stdout(), "{}", serde_json::to_string(report)?)?,
        false => writeln!(stdout(), "{report}")?,
    }
    Ok(())
}

/// Whether writing failed because the reader is gone.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kinds = error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    kinds.into_iter().any(|kind| kind == std::io::ErrorKind::BrokenPipe)
}

/// A bar over `total` bytes (a spinner where the total is not known), on standard error, drawn only in a terminal.
pub fn byte_bar(total: Option<u64>) -> ProgressBar {
    let target =
        if stderr().is_terminal() { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
    let (template, bar) = match total {
        Some(total) => (
            "{wide_bar:.cyan/dim} {bytes:>10}/{total_bytes} {msg} {eta:>4} left",
            ProgressBar::with_draw_target(Some(total), target),
        ),
        None => ("{spinner} {bytes:>10} {msg} {elapsed}", ProgressBar::with_draw_target(None, target)),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Shows how a measurement comes along: a bar for whatever is being worked through, a line for what is worth saying.
#[cfg(feature = "study")]
pub fn watch() -> impl Fn(vetted_study::Event<'_>) {
    use std::cell::RefCell;
    use vetted_study::Event;

    let bar: RefCell<Option<ProgressBar>> = RefCell::new(None);
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
        Event::Note(note) => eprintln!("note: {note}"),
        _ => {}
    }
}

/// A bar over `total` things with its own estimate of the time left (without one where the total is 0), drawn only in a terminal.
#[cfg(feature = "study")]
fn count_bar(total: u64, message: &str) -> ProgressBar {
    let bar = match total {
        0 => plain_bar(total, "{spinner} {pos} {msg} {elapsed}"),
        total => plain_bar(total, "{wide_bar:.cyan/dim} {pos}/{len} {msg} {per_sec} {eta:>4} left"),
    };
    bar.set_message(message.to_owned());
    bar
}

/// Takes a bar away. Where none was drawn a line says what was done, so that the log of a long run shows how far it came.
#[cfg(feature = "study")]
fn finish(bar: &ProgressBar) {
    bar.finish_and_clear();
    if !stderr().is_terminal() {
        eprintln!("{}: {} in {:.0} s", bar.message(), bar.position(), bar.elapsed().as_secs_f64());
    }
}

/// A bar over the steps of a run that knows best itself how long it takes.
#[cfg(feature = "train")]
pub fn step_bar(total: u64) -> ProgressBar {
    plain_bar(total, "{wide_bar:.cyan/dim} {pos}/{len} {msg}")
}

#[cfg(any(feature = "study", feature = "train"))]
fn plain_bar(total: u64, template: &str) -> ProgressBar {
    let target =
        if stderr().is_terminal() { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

/// Shows how a model's download comes along.
pub fn download_progress() -> impl FnMut(Progress<'_>) {
    let mut current: Option<(String, ProgressBar)> = None;
    move |progress| {
        let (what, bytes, total) = match progress {
            Progress::Fetching { file, bytes, total } => (format!("fetching {file}"), bytes, total),
            Progress::Unpacking { file, bytes, total } => (format!("unpacking {file}"), bytes, total),
            Progress::SourceFailed(attempt) => return eprintln!("note: {}", attempt.failure),
            Progress::Waiting => return eprintln!("another process is fetching this model; waiting for it"),
            _ => return,
        };
        if current.as_ref().is_none_or(|(name, _)| *name != what) {
            if let Some((_, bar)) = current.take() {
                bar.finish_and_clear();
            }
            let bar = byte_bar(Some(total));
            if bar.is_hidden() {
                eprintln!("{what} ({:.1} MB)", total as f64 / 1e6);
            }
            bar.set_message(what.clone());
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

/// A snippet with the query's words marked, if standard output is a terminal that shows colors.
pub fn highlighted(snippet: &Snippet) -> String {
    let mut shown = String::new();
    let mut at = 0;
    for range in &snippet.matches {
        shown += &escaped(&snippet.text[at..range.start]);
        shown += &bold(&escaped(&snippet.text[range.clone()]));
        at = range.end;
    }
    shown += &escaped(&snippet.text[at..]);
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text of somebody else's on one line: no control character of it reaches the terminal.
pub fn printable(text: &str) -> String {
    escaped(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `text` with control characters other than white space written out.
fn escaped(text: &str) -> String {
    let harmless = |c: char| !c.is_control() || c.is_whitespace();
    text.chars().map(|c| if harmless(c) { c.to_string() } else { c.escape_default().to_string() }).collect()
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

fn colors() -> bool {
    stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn styled(text: &str, code: &str) -> String {
    if colors() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// So many things, by the name of one: "1 hit", "2 hits".
pub fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
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
        assert!(!highlighted(&snippet).contains('\u{1b}') || colors());
    }
}
