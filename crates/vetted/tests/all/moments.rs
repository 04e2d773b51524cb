//! Searches beside changes: each answer is that of one moment, and what was written is found at once.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use vetted::{Document, Engine, Found, Fusion, Mode, Search, Verdict};

use crate::{builder, document};

/// How many documents a generation has, and how many are left after some were deleted.
const WHOLE: usize = 12;
const LEFT: usize = 8;

/// Generations that are so far apart say the same.
const PLACES: [&str; 4] = ["in the park", "at the gate", "near the river", "on the bridge"];

const QUERY: &str = "The nurse visited the farmer.";

/// How many ways there are to search.
const MODES: usize = 3;

fn modes() -> [Mode; MODES] {
    [Mode::Dense, Mode::Bm25, Mode::Hybrid(Fusion::default())]
}

/// Near-misses of [`QUERY`] and others, in the place of this generation, and with its number in their metadata.
fn generation(generation: usize) -> Vec<Document> {
    let place = PLACES[generation % PLACES.len()];
    let statements = [
        "The nurse visited the farmer",
        "The farmer visited the nurse",
        "The farmer was visited by the nurse",
        "The nurse did not visit the farmer",
        "The baker thanked the sailor",
        "The nurse warned the judge",
    ];
    let entry = |number: usize| {
        let text = format!("{} {place}.", statements[number % statements.len()]).repeat(1 + number / statements.len());
        let metadata = json!({"generation": generation}).as_object().cloned().unwrap_or_default();
        Document { metadata, ..document(&id(number), &text) }
    };
    (0..WHOLE).map(entry).collect()
}

fn id(number: usize) -> String {
    format!("d{number}")
}

/// All of an answer that may depend on the moment, but for the number of the generation: of each hit and of all that is left
/// out the id, the bits of the scores, the verdict with the bits of its probabilities, the window that decided and the text.
#[derive(Debug, PartialEq)]
struct Answer {
    hits: Vec<(String, u32, Said, String, String)>,
    left_out: Vec<(String, u32, Said, String)>,
}

type Said = Option<(Verdict, u32, u32)>;

fn answer(found: &Found) -> Answer {
    let said = |outcome: &vetted::Outcome| {
        let judgement = outcome.assessment()?.judgement;
        Some((outcome.verdict()?, judgement.p_match.to_bits(), judgement.p_conflict.to_bits()))
    };
    let hits = found.hits.iter().map(|hit| {
        let (window, text) = (hit.window.text.clone(), hit.snippet.text.clone());
        (hit.id.clone(), hit.score.to_bits(), said(&hit.outcome), window, text)
    });
    let left_out = found.rejected.iter();
    let left_out = left_out.map(|it| (it.id.clone(), it.score.to_bits(), said(&it.outcome), it.window.text.clone()));
    Answer { hits: hits.collect(), left_out: left_out.collect() }
}

fn search(engine: &Engine, mode: Mode) -> Found {
    engine.search(&Search::new(QUERY).mode(mode).k(1000)).unwrap()
}

/// What is answered in each mode about each kind of generation, whole and after some were deleted, when nobody writes.
fn expected() -> Vec<Vec<[Answer; 2]>> {
    let of_place = |place: usize| {
        let folder = tempfile::tempdir().unwrap();
        let engine = builder(folder.path()).open_or_create().unwrap();
        engine.upsert(generation(place)).unwrap();
        let whole = modes().map(|mode| answer(&search(&engine, mode)));
        assert_eq!(engine.delete(&(LEFT..WHOLE).map(id).collect::<Vec<_>>()).unwrap(), WHOLE - LEFT);
        let left = modes().map(|mode| answer(&search(&engine, mode)));
        whole.into_iter().zip(left).map(|(whole, left)| [whole, left]).collect::<Vec<_>>()
    };
    (0..PLACES.len()).map(of_place).collect()
}

/// Checks that an answer is that of one generation, and returns which.
fn one_generation(found: &Found, mode: usize, expected: &[Vec<[Answer; 2]>]) -> usize {
    let numbers = found.hits.iter().map(|hit| hit.metadata["generation"].as_u64().unwrap() as usize);
    let numbers: Vec<usize> = numbers.collect();
    assert!(numbers.iter().all(|number| *number == numbers[0]), "hits of several generations: {numbers:?}");
    let answer = answer(found);
    let of_generation = &expected[numbers[0] % PLACES.len()][mode];
    assert!(of_generation.contains(&answer), "of generation {}: {answer:#?}", numbers[0]);
    numbers[0]
}

#[test]
fn every_search_is_of_one_generation_and_sees_the_last_acknowledged_write() {
    const GENERATIONS: usize = 60;
    let expected = expected();
    let folder = tempfile::tempdir().unwrap();
    let engine = builder(folder.path()).open_or_create().unwrap();
    engine.upsert(generation(0)).unwrap();
    let (done, acknowledged, searched) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (engine, expected, done, acknowledged, searched) =
                (&engine, &expected, &done, &acknowledged, &searched);
            scope.spawn(move || {
                let mut latest = 0;
                for round in thread.. {
                    if done.load(Ordering::Acquire) {
                        break;
                    }
                    let (mode, written) = (round % MODES, acknowledged.load(Ordering::Acquire));
                    let found = one_generation(&search(engine, modes()[mode]), mode, expected);
                    assert!(found >= written, "generation {found} is found, and {written} was written");
                    assert!(found >= latest, "a later search saw an earlier moment");
                    latest = found;
                    searched.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let write = || {
            for number in 1..GENERATIONS {
                engine.upsert(generation(number)).unwrap();
                acknowledged.store(number, Ordering::Release);
                for mode in 0..MODES {
                    let found = search(&engine, modes()[mode]);
                    assert_eq!(one_generation(&found, mode, &expected), number);
                    assert_eq!(answer(&found), expected[number % PLACES.len()][mode][0]);
                }
                if number % 3 == 0 {
                    assert_eq!(engine.delete(&(LEFT..WHOLE).map(id).collect::<Vec<_>>()).unwrap(), WHOLE - LEFT);
                    assert_eq!(answer(&search(&engine, Mode::Dense)), expected[number % PLACES.len()][0][1]);
                    assert_eq!((engine.get(&id(LEFT)).unwrap(), engine.len().unwrap()), (None, LEFT));
                }
                if number % 11 == 0 {
                    engine.finish().unwrap();
                }
            }
        };
        let written = std::panic::catch_unwind(std::panic::AssertUnwindSafe(write));
        done.store(true, Ordering::Release);
        written.unwrap();
    });
    assert!(searched.into_inner() > 50);
    assert_eq!(engine.notices(), []);
}

#[test]
fn generations_differ_in_every_part_of_an_answer() {
    let expected = expected();
    for mode in 0..MODES {
        for (place, [whole, left]) in expected.iter().map(|it| &it[mode]).enumerate() {
            assert_ne!(whole, left);
            assert!(!whole.left_out.is_empty() && whole.hits.iter().any(|hit| hit.2.is_some()));
            let other = &expected[(place + 1) % PLACES.len()][mode][0];
            for hit in &whole.hits {
                // Words and ranks give the same scores in each place; vectors do not.
                let Some(same) = other.hits.iter().find(|it| it.0 == hit.0) else { continue };
                assert!(hit.4 != same.4 && (mode != 0 || hit.1 != same.1), "{hit:?} {same:?}");
            }
        }
    }
}
