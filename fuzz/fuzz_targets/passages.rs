//! Texts cut into passages and sentences. The first two bytes are the lengths.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vetted_corpus::{PassageOptions, cut};

fuzz_target!(|data: &[u8]| {
    let Some((&[longest, overlap], bytes)) = data.split_first_chunk() else { return };
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(options) = PassageOptions::new(longest.into(), overlap.into()) else { return };
    let passages = cut(text, &options, |text| text.split_whitespace().count());
    let mut covered = 0;
    for passage in &passages {
        let bytes = passage.bytes.clone();
        assert!(text.get(bytes.clone()).is_some(), "a passage ends inside a character");
        assert!(text[covered.min(bytes.start)..bytes.start].trim().is_empty() || bytes.start <= covered);
        covered = covered.max(bytes.end);
    }
    assert!(text[covered..].trim().is_empty(), "the end is in no passage");
});
