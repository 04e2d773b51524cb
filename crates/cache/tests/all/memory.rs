//! The in-process backend: the contract, what makes room, and searching beside writing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use proptest::prelude::*;
use vetted_cache::{Attributes, Backend, BackendError, Entry, Evicted, Memory, MemoryLimits, Scope};

use crate::contract::{self, attributes, entry, exact, nearest, unit, vector};

/// Threads that go on until they are told to stop end after this, so that a test that fails ends as well.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn memory_holds_the_contract() {
    contract::holds("memory", &|| Arc::new(Memory::new(MemoryLimits::default())));
}

#[test]
fn memory_with_a_log_holds_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let made = AtomicUsize::new(0);
    contract::holds("durable", &|| {
        let folder = folder.path().join(made.fetch_add(1, Ordering::Relaxed).to_string());
        Arc::new(Memory::open(folder, MemoryLimits::default()).unwrap().0)
    });
}

fn prompts(backend: &Memory, scope: &Scope, count: usize) -> Vec<usize> {
    let there = |number: &usize| exact(backend, scope, &format!("prompt {number}"), &Attributes::new()).is_some();
    (0..count).filter(there).collect()
}

#[test]
fn what_is_over_makes_room_first_and_then_what_was_least_recently_used() {
    let limits = MemoryLimits { entries: 4, ..MemoryLimits::default() };
    let backend = Memory::new(limits);
    let (a, b) = (Scope::new("a"), Scope::new("b"));
    let put = |scope: &Scope, number: usize| backend.put(&entry(scope, &format!("prompt {number}"), number)).unwrap();
    put(&a, 0);
    put(&b, 1);
    put(&a, 2);
    let end = SystemTime::now() + Duration::from_millis(30);
    backend.put(&Entry { expires_at: Some(end), ..entry(&b, "brief", 9) }).unwrap();
    // Served: 1 is the least recently used now.
    backend.served(&a, &entry(&a, "prompt 0", 0).id);
    std::thread::sleep(Duration::from_millis(40));
    put(&a, 3);
    assert_eq!((prompts(&backend, &a, 9), prompts(&backend, &b, 9)), (vec![0, 2, 3], vec![1]), "the brief one went");
    assert_eq!(backend.evicted(), Evicted { expired: 1, room: 0 });
    put(&b, 4);
    assert_eq!((prompts(&backend, &a, 9), prompts(&backend, &b, 9)), (vec![0, 2, 3], vec![4]));
    put(&b, 5);
    assert_eq!((prompts(&backend, &a, 9), prompts(&backend, &b, 9)), (vec![0, 3], vec![4, 5]));
    // Storing again is a use.
    put(&a, 0);
    put(&a, 6);
    assert_eq!((prompts(&backend, &a, 9), prompts(&backend, &b, 9)), (vec![0, 6], vec![4, 5]));
    assert_eq!(backend.evicted(), Evicted { expired: 1, room: 3 });
}

#[test]
fn bytes_are_bounded_and_what_is_larger_than_all_is_refused() {
    let scope = Scope::new("bytes");
    let of_size = |number: usize, bytes: usize| Entry {
        response: vec![0; bytes],
        ..entry(&scope, &format!("prompt {number}"), number)
    };
    let own = of_size(0, 0).size();
    let limit = 3 * (own + 1000) as u64 + 100;
    let backend = Memory::new(MemoryLimits { bytes: limit, ..MemoryLimits::default() });
    for number in 0..5 {
        backend.put(&of_size(number, 1000)).unwrap();
    }
    assert_eq!(prompts(&backend, &scope, 9), [2, 3, 4]);
    let error = backend.put(&of_size(7, 100_000)).unwrap_err();
    assert!(matches!(error, BackendError::TooLarge { .. }), "{error}");
    assert_eq!(prompts(&backend, &scope, 9), [2, 3, 4], "nothing was taken away for it");
    backend.put(&of_size(8, 2500)).unwrap();
    assert_eq!(prompts(&backend, &scope, 9), [8]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// The sketches' search against all cosines: with filters, removed rows and rows that are used again.
    #[test]
    fn the_nearest_by_sketches_are_those_by_cosines(seed: u64, removed in 0usize..700, languages in 1u64..40) {
        let scope = Scope::new("sketches");
        let backend = Memory::new(MemoryLimits::default());
        let mut state = seed | 1;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        // Clusters, as prompts have them.
        let centres: Vec<Vec<f32>> = (0..40).map(|_| unit((0..384).map(|_| random()).collect())).collect();
        let mut entries = Vec::new();
        for number in 0..1500 {
            let values = centres[number % 40].iter().map(|value| value + 0.06 * random());
            let attributes = attributes([("language", &(number as u64 % languages).to_string())]);
            let entry = Entry { attributes, vector: unit(values.collect()), ..entry(&scope, &format!("prompt {number}"), number) };
            backend.put(&entry).unwrap();
            entries.push(entry);
        }
        let gone: Vec<Entry> = entries.drain(..removed).collect();
        let ids: Vec<_> = gone.iter().map(|entry| entry.id.clone()).collect();
        backend.remove(&scope, &ids).unwrap();
        for entry in gone.into_iter().step_by(2) {
            backend.put(&entry).unwrap();
            entries.push(entry);
        }
        let query = unit(centres[7].iter().map(|value| value + 0.06 * random()).collect());
        let german = attributes([("language", "3")]);
        for attributes in [Attributes::new(), german] {
            let mut expected: Vec<(String, f32)> = entries.iter().filter(|entry| entry.fits(&attributes))
                .map(|entry| (entry.prompt.clone(), entry.vector.iter().zip(&query).map(|(a, b)| a * b).sum())).collect();
            expected.sort_by(|a, b| b.1.total_cmp(&a.1));
            expected.truncate(8);
            let found = nearest(&backend, &scope, &attributes, &query, 8);
            prop_assert_eq!(found.len(), expected.len());
            for ((_, got), (_, want)) in found.iter().zip(&expected) {
                prop_assert!((got - want).abs() < 1e-4, "{:?} instead of {:?}", found, expected);
            }
        }
    }
}

/// The disk takes its time and the lock is short: searches go on beside writers.
#[test]
fn searches_do_not_wait_for_writers() {
    let folder = tempfile::tempdir().unwrap();
    let (backend, _) = Memory::open(folder.path(), MemoryLimits::default()).unwrap();
    let scope = Scope::new("beside");
    for number in 0..3000 {
        backend.put(&entry(&scope, &format!("prompt {number}"), number)).unwrap();
    }
    let (done, begun) = (AtomicBool::new(false), Instant::now());
    std::thread::scope(|threads| {
        for writer in 0..4 {
            let (backend, scope, done) = (&backend, &scope, &done);
            threads.spawn(move || {
                let mut number = 10_000 * (writer + 1);
                while !done.load(Ordering::Relaxed) && begun.elapsed() < PATIENCE {
                    backend.put(&entry(scope, &format!("prompt {number}"), number)).unwrap();
                    backend.remove(scope, &[entry(scope, &format!("prompt {number}"), number).id]).unwrap();
                    number += 1;
                }
            });
        }
        let begun = Instant::now();
        let mut times: Vec<Duration> = (0..500)
            .map(|number| {
                let begun = Instant::now();
                let found = nearest(&backend, &scope, &Attributes::new(), &vector(number), 8);
                assert_eq!(found.len(), 8);
                assert!(exact(&backend, &scope, &format!("prompt {number}"), &Attributes::new()).is_some());
                begun.elapsed()
            })
            .collect();
        done.store(true, Ordering::Relaxed);
        times.sort();
        // Generous for a busy machine: a search that waited for one write of a slow disk each time would take far longer.
        assert!(times[250] < Duration::from_millis(5), "median {:?}, all {:?}", times[250], begun.elapsed());
    });
    assert_eq!(backend.len(&scope).unwrap(), 3000);
}

/// Entries that are replaced while searches hold the old ones, each with an end: what was acknowledged last stays.
#[test]
fn what_is_over_takes_nothing_away_that_took_its_place() {
    let backend = Memory::new(MemoryLimits::default());
    let scope = Scope::new("replaced");
    let end = SystemTime::now() + Duration::from_millis(20);
    backend.put(&Entry { expires_at: Some(end), ..entry(&scope, "prompt", 1) }).unwrap();
    let held = exact(&backend, &scope, "prompt", &Attributes::new()).unwrap();
    let (done, begun) = (AtomicBool::new(false), Instant::now());
    std::thread::scope(|threads| {
        let searching = threads.spawn(|| {
            while !done.load(Ordering::Relaxed) && begun.elapsed() < PATIENCE {
                nearest(&backend, &scope, &Attributes::new(), &vector(1), 8);
            }
        });
        for round in 0..200 {
            let lasting = entry(&scope, "prompt", 2 + round % 50);
            backend.put(&lasting).unwrap();
            let end = SystemTime::now() + Duration::from_micros(200);
            backend.put(&Entry { expires_at: Some(end), ..lasting.clone() }).unwrap();
            backend.put(&lasting).unwrap();
            std::thread::sleep(Duration::from_micros(300));
            backend.put(&entry(&scope, "another", 99)).unwrap();
            let found = exact(&backend, &scope, "prompt", &Attributes::new());
            assert_eq!(found.map(|it| it.response.clone()), Some(lasting.response), "round {round}");
        }
        done.store(true, Ordering::Relaxed);
        drop(searching.join());
    });
    assert_eq!(held.prompt, "prompt");
}
