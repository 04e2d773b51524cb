//! Files of documents: JSON lines, JSON arrays, tables, HTML, Markdown. The first byte says which.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use vetted_corpus::{OnBadRecord, ReadOptions, read};

const ENDINGS: [&str; 6] = ["jsonl", "json", "csv", "tsv", "html", "md"];

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("a.{}", ENDINGS[*kind as usize % ENDINGS.len()]));
    fs::write(&path, bytes).unwrap();
    // What is read is read alike, whether a bad record stops the reader or is skipped.
    let stopping = read(std::slice::from_ref(&path), &ReadOptions { on_bad_record: OnBadRecord::Stop, ..ReadOptions::default() });
    let whole: Vec<_> = stopping.map_while(Result::ok).collect();
    let skipping = read(std::slice::from_ref(&path), &ReadOptions { on_bad_record: OnBadRecord::Skip, ..ReadOptions::default() });
    let with_gaps: Vec<_> = skipping.filter_map(Result::ok).collect();
    assert!(with_gaps.starts_with(&whole));
});
