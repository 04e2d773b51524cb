//! The text of a PDF file, by `pdf-extract`.
//!
//! PDF says where each letter stands and not what is a paragraph, and many files break the rules. `pdf-extract` panics on some
//! of these, so it works in a thread of its own, and what it does there is one bad file and not the end of the program.

use pdf_extract::{Document as Pdf, Object, PlainTextOutput, output_doc_page};
use std::{
    panic::{self, AssertUnwindSafe},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// The name of threads that extract text. Their panics are reported as errors of the file, so a program's panic hook need not
/// print them.
pub const EXTRACTION_THREAD: &str = "vetted-pdf";

/// No readable file comes near it: a thousand pages take a few seconds.
const LONGEST: Duration = Duration::from_secs(120);
/// Pages may hold forms in forms in forms.
const STACK: usize = 32 << 20;

/// The title that the file's properties have, if it says something, and the text of its pages.
///
/// # Errors
/// Why no text can be had, and what to do.
pub(crate) fn title_and_text(bytes: Vec<u8>) -> Result<(Option<String>, String), String> {
    let (sender, receiver) = channel();
    let extract = move || {
        let extracted = panic::catch_unwind(AssertUnwindSafe(|| extract(&bytes)));
        let broken = |_| Err("the PDF is broken: its text cannot be extracted; try to print it to a new PDF".into());
        // Nobody listens where it took too long.
        let _ = sender.send(extracted.unwrap_or_else(broken));
    };
    let thread = thread::Builder::new().name(EXTRACTION_THREAD.into()).stack_size(STACK).spawn(extract);
    thread.map_err(|error| format!("no thread to extract its text in: {error}"))?;
    match receiver.recv_timeout(LONGEST) {
        Ok(extracted) => extracted,
        Err(RecvTimeoutError::Timeout) => {
            Err(format!("extracting the text of this PDF takes longer than {} seconds", LONGEST.as_secs()))
        }
        Err(RecvTimeoutError::Disconnected) => Err("the PDF is broken: its text cannot be extracted".into()),
    }
}

fn extract(bytes: &[u8]) -> Result<(Option<String>, String), String> {
    let broken = |error| format!("the PDF is broken ({error}); try to print it to a new PDF");
    let mut pdf = Pdf::load_mem(bytes).map_err(|error| match error {
        pdf_extract::Error::Decryption(_) => ENCRYPTED.to_owned(),
        error => broken(error.to_string()),
    })?;
    // Many files are encrypted without a password, so that some programs do not print or change them.
    if pdf.is_encrypted() {
        pdf.decrypt("").map_err(|_| ENCRYPTED.to_owned())?;
    }
    let mut text = String::new();
    for page in pdf.get_pages().into_keys() {
        let mut of_page = String::new();
        output_doc_page(&pdf, &mut PlainTextOutput::new(&mut of_page), page)
            .map_err(|error| broken(format!("page {page}: {error}")))?;
        let of_page = paragraphs(&of_page);
        if !of_page.is_empty() && !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&of_page);
    }
    if text.is_empty() {
        return Err("the PDF has no text, only pictures: make its text readable with an OCR program first".into());
    }
    Ok((title(&pdf), text))
}

const ENCRYPTED: &str = "the PDF is encrypted with a password: save a copy without one";

/// The title in the file's properties.
fn title(pdf: &Pdf) -> Option<String> {
    let information = pdf.trailer.get(b"Info").ok()?;
    let information = match information {
        Object::Reference(id) => pdf.get_dictionary(*id).ok()?,
        direct => direct.as_dict().ok()?,
    };
    let title = pdf_extract::decode_text_string(information.get(b"Title").ok()?).ok()?;
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    // What word processors write of their own accord is the name of the file that was printed.
    let of_a_program = title.starts_with("Microsoft Word - ") || title.eq_ignore_ascii_case("untitled");
    (!title.is_empty() && !of_a_program).then_some(title)
}

/// Lines joined to paragraphs: without blanks at their ends, words that were divided at a line's end made whole, one empty line
/// between two paragraphs.
fn paragraphs(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut gap = "";
    for line in page.lines() {
        // What cannot be decoded is not text.
        let line: String = line.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        let line = line.trim();
        if line.is_empty() {
            if !text.is_empty() {
                gap = "\n\n";
            }
            continue;
        }
        match divided(&text, line) {
            Some(hyphen) if gap == "\n" => text.truncate(text.len() - hyphen),
            _ => text.push_str(gap),
        }
        text.push_str(line);
        gap = "\n";
    }
    text
}

/// How many bytes the hyphen has that divides a word at the end of `text`, which goes on in `next`. A hyphen before a capital
/// letter or a digit belongs to the word (Anglo-American, COVID-19).
fn divided(text: &str, next: &str) -> Option<usize> {
    let (hyphen, before) = {
        let mut back = text.chars().rev();
        (back.next()?, back.next()?)
    };
    let divides = match hyphen {
        '\u{ad}' => true,
        '-' | '\u{2010}' => before.is_lowercase() && next.chars().next().is_some_and(char::is_lowercase),
        _ => false,
    };
    divides.then(|| hyphen.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_paragraphs() {
        for (page, expected) in [
            ("\n\n one \n two\n\n\n\nthree\n", "one\ntwo\n\nthree"),
            ("tempera-\nture of 20-\n30 degrees", "temperature of 20-\n30 degrees"),
            ("Anglo-\nAmerican and co\u{ad}\nworker", "Anglo-\nAmerican and coworker"),
            ("a dash -\nthen", "a dash -\nthen"),
            ("end of a par-\n\ntable", "end of a par-\n\ntable"),
            ("\u{1}a\u{0}b", "ab"),
            ("", ""),
        ] {
            assert_eq!(paragraphs(page), expected, "{page:?}");
        }
    }
}
