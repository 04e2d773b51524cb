//! What operations make of sentences, through the public interface.

use proptest::prelude::*;
use vetted_pairs::{Kind, Relation};
use vetted_synthesis::{Options, SyntheticPair, report, sentences, synthesize};

/// Every pair that a few sentences give, uncomposed and unbalanced.
fn everything(sentences: &[&str]) -> Vec<SyntheticPair> {
    let options = Options { per_sentence: 200, slack: f64::INFINITY, compose: 0.0, negate: 0.0, ..Options::default() };
    synthesize(sentences.iter().copied(), &options)
}

#[test]
fn operations_say_what_they_should() {
    #[rustfmt::skip]
    let cases = [
        ("Ann defeated Tom in the final.", "active-to-passive", "Tom was defeated by Ann in the final.", true),
        ("Ann defeated Tom in the final.", "roles-swapped", "Tom defeated Ann in the final.", false),
        ("Ann defeated Tom in the final.", "roles-swapped-and-voice-changed", "Ann was defeated by Tom in the final.", false),
        ("Ann defeated Tom in the final.", "cleft", "It was Ann who defeated Tom in the final.", true),
        ("The letter was written by Ann in 1990.", "passive-to-active", "Ann wrote the letter in 1990.", true),
        ("The letter was written by Ann in 1990.", "adjuncts-reordered", "The letter was written in 1990 by Ann.", true),
        ("The boat sailed from Oslo to Bergen.", "ends-swapped", "The boat sailed from Bergen to Oslo.", false),
        ("The boat sailed from Oslo to Bergen.", "from-to-reordered", "The boat sailed to Bergen from Oslo.", true),
        ("The tower is taller than the church.", "compared-swapped", "The church is taller than the tower.", false),
        ("The tower is taller than the church.", "comparison-reversed", "The tower is shorter than the church.", false),
        ("The tower is taller than the church.", "compared-swapped-and-reversed", "The church is shorter than the tower.", true),
        ("Ann bought the car from Tom.", "transfer-told-from-other-end", "Tom sold the car to Ann.", true),
        ("Ann bought the car from Tom.", "transfer-reversed", "Ann sold the car to Tom.", false),
        ("The shop was open on Sundays.", "not-inserted", "The shop was not open on Sundays.", false),
        ("The road was visible.", "negated-opposite", "The road was not invisible.", true),
        ("The team reached the final.", "did-not-fail-to", "The team did not fail to reach the final.", true),
        ("The team reached the final.", "failed-to", "The team failed to reach the final.", false),
        ("The team did not reach the final.", "did-not-as-failed-to", "The team failed to reach the final.", true),
        ("The team did not reach the final.", "not-removed", "The team reached the final.", false),
        ("The team did not reach the final.", "contraction", "The team didn't reach the final.", true),
        ("The museum opened on May 5, 1990.", "date-reformatted", "The museum opened on 5 May 1990.", true),
        ("The trip took three days.", "number-in-digits", "The trip took 3 days.", true),
        ("The trip took three days.", "unit-converted", "The trip took 72 hours.", true),
        ("a black cat and a white dog", "modifiers-swapped", "a white cat and a black dog", false),
        ("a black cat and a white dog", "conjuncts-reordered", "a white dog and a black cat", true),
        ("a man riding a horse", "roles-swapped", "a horse riding a man", false),
        ("a man riding a horse", "active-to-passive", "a horse being ridden by a man", true),
        ("a cup next to a plate", "neighbors-swapped", "a plate next to a cup", true),
        ("The hall was not a church.", "asks-whether+contraction", "Wasn't the hall a church?", true),
        ("How do I convert feet to meters?", "conversion-reversed", "How do I convert meters to feet?", false),
    ];
    let mut missing = Vec::new();
    for (sentence, operation, expected, matches) in cases {
        let made = everything(&[sentence]);
        let found = made.iter().find(|made| {
            made.pair.phenomenon == operation
                && [&made.pair.candidate, &made.pair.query].iter().any(|text| *text == expected)
        });
        let offers: Vec<_> =
            made.iter().filter(|made| made.pair.phenomenon == operation).map(|made| &made.pair).collect();
        let Some(found) = found else {
            missing.push(format!("{operation} of {sentence:?} gave {offers:?}"));
            continue;
        };
        assert_eq!(found.matches(), matches, "{operation} of {sentence:?}");
        assert_eq!(found.pair.kind.is_some(), !matches);
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn statements_answer_their_own_questions_and_not_those_of_their_edits() {
    let made: Vec<SyntheticPair> = (1..40)
        .flat_map(|seed| {
            let options = Options {
                seed,
                per_sentence: 200,
                slack: f64::INFINITY,
                compose: 0.0,
                negate: 0.0,
                ..Options::default()
            };
            synthesize(["Ann defeated Tom in 1990."], &options)
        })
        .filter(|made| made.pair.relation == Relation::Support && made.pair.query.ends_with('?'))
        .collect();
    let has = |candidate: &str, query: &str, matches: bool| {
        made.iter()
            .any(|made| made.pair.candidate == candidate && made.pair.query == query && made.matches() == matches)
    };
    assert!(has("Ann defeated Tom in 1990.", "When did Ann defeat Tom?", true));
    assert!(
        has("Tom defeated Ann in 1990.", "When did Ann defeat Tom?", false)
            || has("Ann defeated Tom in 1990.", "When did Tom defeat Ann?", false)
    );
    assert!(has("Ann defeated Tom in 1990.", "Who defeated Tom in 1990?", true));
}

#[test]
fn what_says_more_supports_what_says_less_and_not_the_other_way_round() {
    let sentence = "A man in a red coat walked along the river.";
    let shorter = "A man in a coat walked along the river.";
    for made in (0..8).flat_map(|seed| {
        let options =
            Options { seed, per_sentence: 200, slack: f64::INFINITY, compose: 0.0, negate: 0.0, ..Options::default() };
        synthesize([sentence], &options)
    }) {
        if made.pair.phenomenon == "adjective-dropped" {
            assert_eq!(made.matches(), made.pair.query == shorter);
            assert_eq!(made.pair.relation, Relation::Support);
            assert!(made.matches() || made.pair.kind == Some(Kind::Addition));
        }
    }
}

#[test]
fn a_seed_reproduces_and_another_differs() {
    let text: Vec<String> = (2..60)
        .map(|number| {
            format!("Ann Lee sold {number} old books and new maps to Tom in {} before the shop closed.", 1900 + number)
        })
        .collect();
    let text = || text.iter().map(String::as_str);
    let options = Options::default();
    let once = synthesize(text(), &options);
    assert!(once.len() > 20);
    assert_eq!(once, synthesize(text(), &options));
    assert_ne!(once, synthesize(text(), &Options { seed: 2, ..options }));
}

#[test]
fn the_report_counts_every_pair() {
    let text =
        sentences("Ann Lee founded the museum in 1990. The old dog chased a black cat. Tom visited Rome and Oslo.");
    let made = everything(&text);
    let report = report(&made, text.iter().copied());
    assert_eq!(report.kinds.values().map(|tally| tally.pairs).sum::<usize>(), made.len());
    assert_eq!(report.shortcut.pairs, made.len());
}

#[test]
fn a_place_within_the_subject_is_survived() {
    let options = Options { slack: f64::INFINITY, ..Options::default() };
    synthesize(["The El Escondido crater northeast of the caldera is 40 metres deep."], &options);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_at_all_is_survived(text in "(\\PC{0,12}|[a-z]{1,9}|the|a|not|and|in|was|by|5|1990|May|,|\\.|\\?|to|from|than|\\s){0,40}") {
        for made in synthesize([text.as_str()], &Options { slack: f64::INFINITY, ..Options::default() }) {
            prop_assert_ne!(made.pair.candidate, made.pair.query);
        }
    }

    #[test]
    fn words_in_a_row_are_survived(words in prop::collection::vec(prop::sample::select(vec![
        "the", "a", "dog", "dogs", "Ann", "Tom", "was", "is", "did", "not", "n't", "beat", "by", "in", "1990", "May", "5", "and", ",", "than",
        "taller", "from", "to", "Rome", "who", "that", "before", "after", "while", "sitting", "red", "next", "of", "'s", "(", ")", "three", "km",
        "there", "has", "no", "every", "How", "do", "I", "?", ".", "the", "19th", "century", "bought", "also", "Currently",
    ]), 3..25)) {
        let text = words.join(" ");
        synthesize([text.as_str()], &Options { per_sentence: 30, slack: f64::INFINITY, ..Options::default() });
    }
}
