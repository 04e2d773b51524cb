//! What holds for the passages of every text.

use proptest::prelude::*;
use vetted_corpus::{Error, PassageOptions, cut, cut_sentences, leads, sentences};

fn parts(text: &str, max: usize, overlap: usize, count: impl Fn(&str) -> usize) -> Vec<&str> {
    let options = PassageOptions::new(max, overlap).unwrap();
    cut(text, &options, count).into_iter().map(|passage| &text[passage.bytes]).collect()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn characters(text: &str) -> usize {
    text.chars().count()
}

#[test]
fn places_to_cut() {
    let cases: [(&str, usize, usize, &[&str]); 13] = [
        ("", 3, 0, &[]),
        (" \n\t", 3, 0, &[]),
        ("  fits well \n", 3, 1, &["fits well"]),
        ("One two. Three four. Five.", 3, 0, &["One two.", "Three four. Five."]),
        ("One two. Three. Four five.", 3, 1, &["One two. Three.", "Three. Four five."]),
        ("An ant. A cow.\n\nAn emu. A goat.", 6, 0, &["An ant. A cow.", "An emu. A goat."]),
        ("An ant.\n\nA cow. An emu. A goat.", 6, 0, &["An ant.\n\nA cow. An emu.", "A goat."]),
        ("An ant. A cow.\n\n# Birds\n\nAn emu. A goat.", 8, 0, &["An ant. A cow.", "# Birds\n\nAn emu. A goat."]),
        ("a b c d e f", 2, 0, &["a b", "c d", "e f"]),
        ("a b c d", 2, 1, &["a b", "b c", "c d"]),
        ("One.\r\n\r\nTwo.", 1, 0, &["One.", "Two."]),
        ("第一句。第二句。", 1, 0, &["第一句。第二句。"]),
        ("no stop\nbut lines", 2, 0, &["no stop", "but lines"]),
    ];
    for (text, max, overlap, expected) in cases {
        assert_eq!(parts(text, max, overlap, words), expected, "{text:?} max {max} overlap {overlap}");
    }
}

#[test]
fn words_too_long_are_divided_between_graphemes() {
    assert_eq!(parts("abcdefgh", 3, 0, characters).concat(), "abcdefgh");
    // Each é is a letter and a combining accent: two characters that belong together.
    for part in parts("e\u{301}e\u{301}e\u{301}e\u{301}", 3, 0, characters) {
        assert!(part.starts_with('e') && part.ends_with('\u{301}'), "{part:?}");
    }
    assert_eq!(parts("\u{1F600}a", 2, 0, str::len), ["\u{1F600}", "a"], "one character is never divided");
}

#[test]
fn options_are_checked() {
    assert!(matches!(PassageOptions::new(0, 0), Err(Error::NoTokens)));
    assert!(matches!(PassageOptions::new(10, 6), Err(Error::OverlapTooLarge { .. })));
    assert!(PassageOptions::new(10, 5).is_ok());
}

#[test]
fn a_long_line_takes_linear_time() {
    let options = PassageOptions::new(200, 20).unwrap();
    for text in ["word ".repeat(400_000), "x".repeat(2_000_000), "1. ".repeat(700_000), "漢".repeat(700_000)] {
        let calls = std::cell::Cell::new(0);
        let count = |part: &str| {
            calls.set(calls.get() + part.len());
            part.len() / 4
        };
        assert!(cut(&text, &options, count).len() > 1000);
        assert!(calls.get() < 5 * text.len(), "{} bytes counted for {}", calls.get(), text.len());
    }
}

type Counter = fn(&str) -> usize;

/// Three that add up, one that counts less than the parts do (special tokens), and one that counts more.
const COUNTERS: [Counter; 5] =
    [words, characters, str::len, |text| words(text) + 2, |text| characters(text) * characters(text) / 16];

fn text() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        1 => Just("\n# ".to_string()),
        1 => Just("\n- ".to_string()),
        1 => Just("\n  1. ".to_string()),
        1 => Just(":\n\n".to_string()),
        1 => Just("\n| a | \\| b |\n|---|---|\n| 1 | 2 |\n".to_string()),
        1 => Just("\n```\n".to_string()),
        1 => Just("\n---\n".to_string()),
        1 => Just("\u{201c}".to_string()),
        4 => "[a-zA-Z]{1,12}",
        1 => "[a-z]{100,200}",
        2 => Just(" ".to_string()),
        2 => "[.!?] ",
        1 => Just("\n".to_string()),
        1 => Just("\r\n\r\n".to_string()),
        1 => "[äßéΩЖ漢字。\u{301}\u{1F469}\u{200D}\u{1F680}\u{3000}]{1,6}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(fragment, 0..80).prop_map(|fragments| fragments.concat())
}

proptest! {
    #[test]
    fn passages_hold(text in text(), max in 1_usize..60, overlap in 0_usize..30, counter in 0..COUNTERS.len()) {
        let count = COUNTERS[counter];
        let options = PassageOptions::new(max, overlap.min(max / 2)).unwrap();
        let passages = cut(&text, &options, count);

        let mut covered = vec![false; text.len()];
        for passage in &passages {
            let part = text.get(passage.bytes.clone()).expect("a slice of the text");
            prop_assert_eq!(part.trim(), part);
            prop_assert!(count(part) <= max || characters(part) == 1, "{} of {}", count(part), max);
            let by_characters: String = text.chars().skip(passage.chars.start).take(passage.chars.len()).collect();
            prop_assert_eq!(by_characters, part);
            covered[passage.bytes.clone()].fill(true);
        }
        for (at, character) in text.char_indices() {
            prop_assert!(covered[at] || character.is_whitespace(), "{character:?} at {at} is in no passage");
        }
        for pair in passages.windows(2) {
            prop_assert!(pair[0].bytes.start < pair[1].bytes.start && pair[0].bytes.end < pair[1].bytes.end);
        }
        if text.trim().len() <= 64 * max && !text.trim().is_empty() && count(text.trim()) <= max {
            prop_assert_eq!(passages.len(), 1);
        }
    }

    #[test]
    fn overlap_is_bounded(text in text(), max in 2_usize..40, overlap in 0_usize..20) {
        let options = PassageOptions::new(max, overlap.min(max / 2)).unwrap();
        for pair in cut(&text, &options, words).windows(2) {
            let shared = pair[1].bytes.start.min(pair[0].bytes.end)..pair[0].bytes.end;
            prop_assert!(words(&text[shared]) <= options.overlap_tokens());
        }
    }

    #[test]
    fn windows_hold(text in text(), max in 1_usize..60, fewest in 0_usize..9, counter in 0..3_usize) {
        let count = COUNTERS[counter];
        let windows = cut_sentences("", &text, &PassageOptions::new(max, 0).unwrap(), fewest, count);
        prop_assert_eq!(windows.is_empty(), text.trim().is_empty());
        for window in &windows {
            let part = text.get(window.bytes.clone()).expect("a slice of the text");
            prop_assert_eq!(part.trim(), part);
            prop_assert!(!window.read(&text).trim().is_empty());
        }
        for pair in windows.windows(2) {
            prop_assert!(pair[0].bytes.end <= pair[1].bytes.start, "{:?}", pair);
        }
        for sentence in sentences(&text) {
            prop_assert_eq!(sentence.trim(), sentence);
        }
    }

    #[test]
    fn every_place_has_a_lead(text in text(), places in prop::collection::vec(0_usize..800, 0..6)) {
        let mut places: Vec<usize> = places.into_iter().map(|at| text.floor_char_boundary(at.min(text.len()))).collect();
        places.sort_unstable();
        let leads = leads(&text, &places);
        prop_assert_eq!(leads.len(), places.len());
        for (lead, at) in leads.iter().zip(places) {
            let windows = cut_sentences(lead, &text[at..], &PassageOptions::new(60, 0).unwrap(), 2, words);
            prop_assert!(windows.iter().all(|window| text[at..].get(window.bytes.clone()).is_some()));
        }
    }
}
