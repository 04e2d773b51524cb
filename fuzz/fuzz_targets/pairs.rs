//! Files of labelled pairs.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use vetted_pairs::{read, read_labelled};

fuzz_target!(|data: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.tsv");
    fs::write(&path, data).unwrap();
    if let Ok(pairs) = read(&path) {
        pairs.take(1000).for_each(drop);
    }
    if let Ok(pairs) = read_labelled(&path) {
        assert!(pairs.take(1000).filter_map(Result::ok).all(|pair| pair.label.is_some()));
    }
});
