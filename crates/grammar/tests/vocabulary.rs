//! What the generator may not say, how much it can say, and that it says the same for the same seed.

use std::collections::{BTreeSet, HashSet};

use vetted_grammar::{Options, generate};
use vetted_pairs::Label;

/// Nouns and verbs of the HANS challenge set (McCoy et al., 2019), on which verifiers are tested.
const HELD_OUT: &[&str] = &[
    "professor",
    "student",
    "president",
    "judge",
    "senator",
    "secretary",
    "doctor",
    "lawyer",
    "scientist",
    "banker",
    "tourist",
    "manager",
    "artist",
    "author",
    "actor",
    "athlete",
    "recommended",
    "helped",
    "supported",
    "contacted",
    "avoided",
    "advised",
    "stopped",
    "introduced",
    "mentioned",
    "encouraged",
    "thanked",
    "recognized",
    "admired",
    "slept",
    "danced",
    "ran",
    "shouted",
    "resigned",
    "waited",
    "arrived",
    "performed",
    "hid",
    "presented",
    "studied",
    "fought",
    "explored",
    "wrote",
    "ate",
];

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[test]
fn held_out_words_are_absent() {
    let pairs = generate(60_000, &Options { seed: 3, ..Options::default() });
    let said: BTreeSet<String> =
        pairs.iter().flat_map(|pair| words(&pair.candidate).chain(words(&pair.query))).collect();
    let found: Vec<&&str> =
        HELD_OUT.iter().filter(|word| said.contains(**word) || said.contains(&format!("{word}s"))).collect();
    assert!(found.is_empty(), "words of a held-out set: {found:?}");
    assert!(said.len() > 3_000, "only {} words", said.len());
}

#[test]
fn pairs_are_distinct_and_reproducible() {
    let options = Options { seed: 9, ..Options::default() };
    let pairs = generate(50_000, &options);
    let distinct: HashSet<(&str, &str, &str)> =
        pairs.iter().map(|pair| (pair.relation.name(), pair.candidate.as_str(), pair.query.as_str())).collect();
    assert!(distinct.len() > 48_000, "{} distinct pairs of 50,000", distinct.len());
    assert_eq!(generate(2_000, &options), pairs[..2_000], "the same seed gives the same pairs, and fewer are a prefix");
    assert_ne!(generate(10, &Options { seed: 10, ..Options::default() }), pairs[..10]);
}

#[test]
fn texts_are_well_formed() {
    for pair in generate(30_000, &Options { seed: 4, ..Options::default() }) {
        for text in [&pair.candidate, &pair.query] {
            assert!(text.ends_with(['.', '?']), "{text}");
            assert!(text.chars().next().is_some_and(|c| c.is_uppercase() || c.is_numeric()), "{text}");
            assert!(!text.contains(['{', '}', '_', '\t', '+', '|']), "{text}");
            assert!(!text.contains("  ") && !text.contains(" ,") && !text.contains(" ."), "{text}");
        }
        assert_ne!(pair.candidate, pair.query);
        assert_eq!(pair.kind.is_none(), pair.label == Some(Label::Match), "a kind says how texts differ: {pair:?}");
        assert!(!(pair.label == Some(Label::Match) && pair.conflict == Some(true)), "{pair:?}");
    }
}

#[test]
fn a_pair_has_one_label() {
    let mut labels = std::collections::HashMap::new();
    for pair in generate(200_000, &Options { seed: 8, ..Options::default() }) {
        let key = (pair.relation, pair.candidate.clone(), pair.query.clone());
        if let Some(before) = labels.insert(key, pair.label == Some(Label::Match)) {
            assert_eq!(before, pair.label == Some(Label::Match), "{pair:?}");
        }
    }
}

#[test]
fn unknown_phenomena_give_nothing() {
    assert!(generate(5, &Options { phenomena: vec!["no such thing".to_owned()], ..Options::default() }).is_empty());
}
