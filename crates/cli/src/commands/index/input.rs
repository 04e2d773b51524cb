//! What is read, and what is said about it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use vetted::corpus::{FileIds, IgnoreFiles, OnBadRecord, ReadOptions, Reader, RepeatedIds, VectorField, read};

use crate::terminal::{counted, printable, say};

/// Where documents are, and how they are read.
#[derive(Args)]
pub struct Input {
    /// JSONL (`_id`, `title`, `text`, `metadata`), CSV or TSV with a header, each also as .gz; .json arrays; .txt, .md, .html,
    /// .pdf and .docx files; folders of these; or `-` for JSONL from standard input. Of several documents with one id the last
    /// counts
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Leave out files and folders in folders that fit this pattern of .gitignore's kind, as `drafts/` or `*.html`; may be given
    /// many times
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Of folders read only files that fit this pattern, as `*.md`; may be given many times
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Read also what .gitignore, .ignore and .vettedignore name. (What is hidden, as .git is, is never read)
    #[arg(long)]
    no_ignore: bool,
    /// Begin the ids of files with the name of the folder that was given: several folders may then have files of the same names
    #[arg(long)]
    folder_in_ids: bool,
    /// Count malformed records, and files in folders that cannot be read, and go on, instead of stopping at the first
    #[arg(long)]
    skip_bad: bool,
    /// The longest record: a line, a row, a text file. Longer ones are malformed
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = size)]
    max_record_size: usize,
}

impl Input {
    /// Begins to read. In an index of given vectors, `vectors` says where they are.
    pub fn read(&self, vectors: Option<VectorField>) -> Reader {
        let options = ReadOptions {
            on_bad_record: if self.skip_bad { OnBadRecord::Skip } else { OnBadRecord::Stop },
            repeated: RepeatedIds::LastKept,
            max_record_bytes: self.max_record_size,
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            ignore_files: if self.no_ignore { IgnoreFiles::Unheeded } else { IgnoreFiles::Honoured },
            file_ids: if self.folder_in_ids { FileIds::WithFolder } else { FileIds::BelowFolder },
            vectors,
        };
        read(&self.inputs, &options)
    }

    /// The inputs as they were given.
    pub fn listed(&self) -> String {
        self.inputs.iter().map(|input| input.display().to_string()).collect::<Vec<_>>().join(", ")
    }
}

/// Says on standard error what was not indexed, and why.
pub fn report_left_out(reader: &Reader) {
    /// Of what there may be thousands, so many are named.
    const NAMED: usize = 10;
    for error in &reader.skipped().first {
        say(format_args!("skipped: {error}"));
    }
    for duplicate in &reader.duplicates().first {
        say(format_args!("note: {}", printable(&duplicate.to_string())));
    }
    for link in reader.broken_links().iter().take(NAMED) {
        let how = if link.circular { "leads back to a folder that it is in" } else { "leads nowhere" };
        say(format_args!("note: the link {} -> {} {how}", link.path.display(), link.target.display()));
    }
    if reader.broken_links().len() > NAMED {
        say(format_args!("note: {} links in all lead nowhere", reader.broken_links().len()));
    }
    if reader.empty_files() > 0 {
        say(format_args!("note: not indexed: {}", counted(reader.empty_files() as usize, "empty file")));
    }
    if !reader.unread().is_empty() {
        say(format_args!("note: not read: {}", kinds(reader.unread())));
    }
}

/// Why there is no document at all.
pub fn nothing_found(reader: &Reader) -> String {
    let (skipped, unread) = (reader.skipped().count, reader.unread());
    if skipped > 0 {
        let first = reader.skipped().first.first().map(ToString::to_string).unwrap_or_default();
        return format!("all {skipped} records are malformed, the first: {first}");
    }
    if !unread.is_empty() {
        return format!("the files are of kinds that vetted does not read in a folder: {}", kinds(unread));
    }
    "the input is empty".into()
}

/// The most frequent kinds first: "3 .png, 2 .py".
fn kinds(unread: &BTreeMap<String, u64>) -> String {
    let mut kinds: Vec<(&String, &u64)> = unread.iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    kinds.iter().map(|(kind, count)| format!("{count} {}", printable(kind))).collect::<Vec<_>>().join(", ")
}

/// `500`, `64K`, `64M`, `2G`: bytes.
fn size(text: &str) -> Result<usize, String> {
    let wrong = || format!("{text:?} is no size; write 500000, 500K, 64M or 2G");
    let number = text.trim_end_matches(['B', 'b']);
    let (number, unit) = match number.char_indices().last() {
        Some((at, 'k' | 'K')) => (&number[..at], 1 << 10),
        Some((at, 'm' | 'M')) => (&number[..at], 1 << 20),
        Some((at, 'g' | 'G')) => (&number[..at], 1 << 30),
        _ => (number, 1),
    };
    let number: usize = number.parse().map_err(|_| wrong())?;
    number.checked_mul(unit).filter(|bytes| *bytes > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [("500", 500), ("64K", 65_536), ("64M", 64 << 20), ("2gb", 2 << 30), ("10MB", 10 << 20)] {
            assert_eq!(size(text), Ok(bytes));
        }
        for text in ["", "M", "-1", "0", "1.5G", "64X", "99999999999999G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
