//! Searches beside changes: each answer is that of one moment, and what was written is found at once.

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use proptest::prelude::*;
use rayon::prelude::*;
use serde_json::json;
use support::{DIMENSIONS, check, entries, entry, id, manifest, vector};
use vetted_corpus::{Document, Passage};
use vetted_kernels::{Compute, Team};
use vetted_retrieval::{Entry, Filter, Hit, Index, Query, Settings, Snapshot};

fn created(settings: Settings) -> (tempfile::TempDir, Index) {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::create_with(folder.path().join("index"), manifest(), settings).unwrap();
    (folder, index)
}

/// How many documents a generation has, and how many are left after some were deleted.
const WHOLE: usize = 60;
const LEFT: usize = 40;

/// Documents that say in every part which generation they are of: in their words, their metadata, their vectors, their
/// passages and their views.
fn generation(generation: usize) -> Vec<Entry> {
    let entry = |number| {
        let metadata = json!({"generation": generation, "third": number % 3});
        let document = Document {
            id: id(number),
            text: format!("marker generation{generation} {}", "filler ".repeat(generation % 7)),
            metadata: metadata.as_object().cloned().unwrap_or_default(),
            ..Document::default()
        };
        let mut vector = vec![0.0; DIMENSIONS];
        vector[0] = generation as f32;
        let passage = |at: usize| Passage { bytes: generation..generation + at, chars: 0..at };
        let passages = vec![(passage(1), vector.clone()), (passage(2), vec![-1.0; DIMENSIONS])];
        Entry { document, passages, views: Some(generation.to_le_bytes().to_vec()) }
    };
    (0..WHOLE).map(entry).collect()
}

/// Checks that an answer is of one generation, and returns which.
fn one_generation(snapshot: &Snapshot, hits: &[Hit], dense: bool) -> usize {
    let of = |hit: &Hit| snapshot.get(&hit.id).unwrap().unwrap().metadata["generation"].as_u64().unwrap() as usize;
    let generation = of(&hits[0]);
    let views = snapshot.views(&hits.iter().map(|hit| hit.id.as_str()).collect::<Vec<_>>()).unwrap();
    for (hit, views) in hits.iter().zip(views) {
        assert_eq!(of(hit), generation);
        assert_eq!(views, Some(&generation.to_le_bytes()[..]));
        assert_eq!(hit.scores.bm25, hits[0].scores.bm25, "documents of one generation have the same words");
        if dense {
            assert_eq!(hit.scores.dense, Some(generation as f32));
            assert_eq!(hit.passage, Some(Passage { bytes: generation..generation + 1, chars: 0..1 }));
        }
        let text = snapshot.get(&hit.id).unwrap().unwrap().text;
        assert!(text.starts_with(&format!("marker generation{generation} ")), "{text}");
    }
    generation
}

fn searches_beside_a_writer(settings: Settings, generations: usize) {
    let (_folder, index) = created(settings);
    index.upsert(generation(1)).unwrap();
    index.finish().unwrap();
    let mut first = vec![0.0; DIMENSIONS];
    first[0] = 1.0;
    let (done, searched) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (index, first, done, searched) = (&index, &first, &done, &searched);
            scope.spawn(move || {
                let mut latest = 0;
                for round in thread.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let (query, dense) = match round % 3 {
                        0 => (Query::dense(first), true),
                        1 => (Query::bm25("marker"), false),
                        _ => (Query::hybrid("marker", first), true),
                    };
                    let filtered = round % 2 == 1;
                    let third: Filter = "third=1".parse().unwrap();
                    let query = if filtered { query.k(1000).filter(third) } else { query.k(1000) };
                    let snapshot = index.snapshot().unwrap();
                    let hits = snapshot.search(&query, &mut Team::alone()).unwrap();
                    let sizes = if filtered { [WHOLE / 3, LEFT / 3] } else { [WHOLE, LEFT] };
                    assert!(sizes.contains(&hits.len()), "{} hits", hits.len());
                    assert!(filtered || hits.len() == snapshot.len());
                    let generation = one_generation(&snapshot, &hits, dense);
                    assert!(generation >= latest, "a later search saw an earlier moment");
                    latest = generation;
                    let own = format!("generation{generation}");
                    let again = snapshot.search(&Query::bm25(&own).k(1000), &mut Team::alone()).unwrap();
                    assert_eq!(again.len(), snapshot.len(), "{generation}");
                    let other = format!("generation{}", generation + 1);
                    assert_eq!(snapshot.search(&Query::bm25(&other), &mut Team::alone()).unwrap(), []);
                    searched.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let write = || {
            for number in 2..generations {
                index.upsert(generation(number)).unwrap();
                if number % 3 == 0 {
                    assert_eq!(index.delete(&(LEFT..WHOLE).map(id).collect::<Vec<_>>()).unwrap(), WHOLE - LEFT);
                }
                if number % 11 == 0 {
                    index.finish().unwrap();
                }
            }
        };
        let written = std::panic::catch_unwind(std::panic::AssertUnwindSafe(write));
        done.store(true, Ordering::Relaxed);
        written.unwrap();
    });
    assert!(searched.into_inner() > 50);
    check(&index);
    assert_eq!(index.notices(), []);
}

#[test]
fn every_search_is_of_one_moment() {
    searches_beside_a_writer(Settings::default(), 150);
}

#[test]
fn every_search_is_of_one_moment_with_a_graph() {
    searches_beside_a_writer(Settings::default().graph_from(90), 60);
}

#[test]
fn what_was_written_is_found_at_once() {
    let (_folder, index) = created(Settings::default());
    let query = vector(1);
    let modes = || [Query::dense(&query), Query::bm25("marker"), Query::hybrid("marker", &query)];
    let of = |number: usize, version: usize| {
        let mut entry = entry(number, version);
        entry.document.text = format!("marker of version{version}");
        entry.document.metadata.insert("version".into(), version.into());
        entry
    };
    let mut living = BTreeSet::new();
    for step in 0..40 {
        index.upsert((step * 5..step * 5 + 10).map(|number| of(number, step)).collect()).unwrap();
        living.extend(step * 5..step * 5 + 10);
        let newest: Filter = format!("version={step}").parse().unwrap();
        for query in modes() {
            assert_eq!(index.search(&query.clone().k(1000)).unwrap().len(), living.len());
            assert_eq!(index.search(&query.k(1000).filter(newest.clone())).unwrap().len(), 10);
        }
        assert_eq!(index.search(&Query::bm25(&format!("version{step}")).k(1000)).unwrap().len(), 10);
        if step % 2 == 0 {
            assert_eq!(index.delete(&[id(step * 5)]).unwrap(), 1);
            living.remove(&(step * 5));
            for query in modes() {
                let hits = index.search(&query.k(1000)).unwrap();
                assert_eq!(hits.len(), living.len());
                assert!(hits.iter().all(|hit| hit.id != id(step * 5)));
            }
        }
    }
    check(&index);
}

/// Everything that a search can tell apart.
fn answers(snapshot: &Snapshot) -> Vec<Vec<Hit>> {
    let mut answers = Vec::new();
    for seed in 0..3 {
        let vector = vector(seed);
        for query in [
            Query::dense(&vector),
            Query::bm25("winter harbor version1"),
            Query::bm25("number7 number300"),
            Query::hybrid("copper lantern thunder number7", &vector),
        ] {
            for filter in [None, Some("year>=2010"), Some("parity=odd")] {
                let query = query.clone().k(2000);
                let query = filter.into_iter().fold(query, |query, it| query.filter(it.parse().unwrap()));
                answers.push(snapshot.search(&query, &mut Team::alone()).unwrap());
            }
        }
    }
    answers
}

#[test]
fn a_snapshot_answers_as_before_whatever_is_written() {
    for (asked_before, graph_from) in [(true, usize::MAX), (false, usize::MAX), (true, 100), (false, 100)] {
        let (folder, index) = created(Settings::default().graph_from(graph_from));
        index.upsert(entries(0..700)).unwrap();
        index.delete(&[id(5), id(6)]).unwrap();
        if asked_before {
            index.finish().unwrap();
        }
        let snapshot = index.snapshot().unwrap();
        let before = asked_before.then(|| answers(&snapshot));
        let document = snapshot.get(&id(7)).unwrap();
        // So much that ordinals are given anew.
        for version in 1..4 {
            index.upsert((0..700).map(|number| entry(number, version)).collect()).unwrap();
            index.delete(&(version * 100..version * 100 + 50).map(id).collect::<Vec<_>>()).unwrap();
            index.search(&Query::hybrid("winter", &vector(version)).filter("year>=2010".parse().unwrap())).unwrap();
            if version == 2 {
                index.finish().unwrap();
            }
        }
        let (_other, straight) = created(Settings::default());
        straight.upsert(entries((0..700).filter(|number| ![5, 6].contains(number)))).unwrap();
        let expected = answers(&straight.snapshot().unwrap());
        let now = answers(&snapshot);
        before.into_iter().for_each(|before| assert_eq!(before, now));
        assert_eq!(now, expected);
        assert_eq!((snapshot.get(&id(7)).unwrap(), snapshot.len()), (document, 698));
        assert!(!snapshot.contains(&id(5)).unwrap() && index.contains(&id(5)).unwrap());
        check(&index);
        drop(index);
        assert_eq!(answers(&snapshot), now, "a snapshot outlives its index");
        drop(snapshot);
        check(&Index::open_writable(folder.path().join("index")).unwrap());
    }
}

#[test]
fn searching_within_a_pool_waits_for_nobody() {
    let (_folder, index) = created(Settings::default().graph_from(3000));
    index.upsert(entries(0..2000)).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let search = |seed: usize| {
        let vector = vector(seed);
        let query = Query::hybrid("winter harbor", &vector).filter("year>=2005".parse().unwrap());
        index.snapshot().unwrap().search(&query, &mut Compute::of_this_process().team()).unwrap().len()
    };
    let found: Vec<usize> = pool.install(|| {
        let work = |step: usize| {
            if step.is_multiple_of(10) {
                index.upsert(entries(2000 + step..2010 + step)).unwrap();
            }
            if step.is_multiple_of(40) {
                index.finish().unwrap();
            }
            search(step)
        };
        (0..200).into_par_iter().map(work).collect()
    });
    assert!(found.iter().all(|found| *found == 10));
}

/// What happens to an index.
#[derive(Debug, Clone)]
enum Step {
    Upsert { first: usize, count: usize, version: usize },
    Delete { first: usize, count: usize },
    Search,
    Finish,
}

fn step() -> impl Strategy<Value = Step> {
    let upsert = (0..400usize, 1..250usize, 0..4usize);
    prop_oneof![
        5 => upsert.prop_map(|(first, count, version)| Step::Upsert { first, count, version }),
        2 => (0..400usize, 1..200usize).prop_map(|(first, count)| Step::Delete { first, count }),
        2 => Just(Step::Search),
        1 => Just(Step::Finish),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn scores_are_the_same_bits_wherever_the_words_are(steps in prop::collection::vec(step(), 1..14)) {
        let (folder, index) = created(Settings::default());
        let mut versions = vec![None; 700];
        for step in &steps {
            match *step {
                Step::Upsert { first, count, version } => {
                    index.upsert((first..first + count).map(|number| entry(number, version)).collect()).unwrap();
                    versions[first..first + count].fill(Some(version));
                }
                Step::Delete { first, count } => {
                    index.delete(&(first..first + count).map(id).collect::<Vec<_>>()).unwrap();
                    versions[first..first + count].fill(None);
                }
                Step::Search => drop(index.search(&Query::hybrid("winter", &vector(0))).unwrap()),
                Step::Finish => index.finish().unwrap(),
            }
        }
        let found = answers(&index.snapshot().unwrap());
        check(&index);
        // By documents that were written once, in another order, and are all in the text index.
        let (_other, straight) = created(Settings::default());
        let living = versions.iter().enumerate().rev().filter_map(|(number, version)| Some(entry(number, (*version)?)));
        straight.upsert(living.collect()).unwrap();
        prop_assert_eq!(&answers(&straight.snapshot().unwrap()), &found);
        straight.finish().unwrap();
        prop_assert_eq!(&answers(&straight.snapshot().unwrap()), &found);
        // By the same index, opened again.
        drop(index);
        let index = Index::open_writable(folder.path().join("index")).unwrap();
        prop_assert_eq!(&answers(&index.snapshot().unwrap()), &found);
        index.finish().unwrap();
        prop_assert_eq!(&answers(&index.snapshot().unwrap()), &found);
        check(&index);
    }
}
