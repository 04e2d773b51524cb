//! How room is made, and what becomes of what is over or lost its content.

use std::time::{Duration, Instant, SystemTime};

use vetted_cache::redis::Settings;
use vetted_cache::{Attributes, Entry, Scope};

use crate::contract::{entry, exact, nearest, vector};
use crate::server::{Server, cache, cache_with, patient};

fn base(scope: &Scope) -> String {
    format!("vetted:{{{}}}:", &scope.digest().to_string()[..32])
}

/// Waits for what nobody is told of.
fn soon(mut is_so: impl FnMut() -> bool) -> bool {
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(10) {
        if is_so() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn what_was_not_used_for_longest_makes_room() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache_with(&server.url(), &Settings { entries_per_scope: 5, ..patient() });
    let (scope, other, none) = (Scope::new("room"), Scope::new("other"), Attributes::new());
    backend.put(&entry(&other, "elsewhere", 1)).unwrap();
    let entries: Vec<Entry> = (0..12).map(|number| entry(&scope, &format!("prompt {number}"), number)).collect();
    for entry in &entries[..5] {
        backend.put(entry).unwrap();
    }
    let use_of = |entry: &Entry| server.run::<f64>(&format!("ZSCORE {}u {}", base(&scope), entry.id));
    for served in [&entries[0], &entries[3]] {
        let before = use_of(served);
        backend.served(&scope, &served.id);
        assert!(soon(|| use_of(served) > before));
    }
    // What is not there does not come back by being used.
    backend.served(&scope, &entries[11].id);
    for (number, entry) in entries.iter().enumerate().skip(5).take(3) {
        backend.put(entry).unwrap();
        assert_eq!(backend.len(&scope).unwrap(), 5, "{number}");
    }
    let kept: Vec<usize> = (0..12).filter(|n| exact(&*backend, &scope, &entries[*n].prompt, &none).is_some()).collect();
    assert_eq!(kept, [0, 3, 5, 6, 7]);
    let mut near: Vec<String> = nearest(&*backend, &scope, &none, &vector(3), 20).into_iter().map(|it| it.0).collect();
    near.sort();
    assert_eq!(near, [0, 3, 5, 6, 7].map(|number| format!("prompt {number}")));
    assert_eq!(backend.len(&other).unwrap(), 1, "each scope has room of its own");
    // Replacing makes no room.
    backend.put(&entries[5]).unwrap();
    assert_eq!(backend.len(&scope).unwrap(), 5);
    // A smaller limit is reached step by step.
    let smaller = cache_with(&server.url(), &Settings { entries_per_scope: 1, ..patient() });
    smaller.put(&entries[9]).unwrap();
    assert_eq!(backend.len(&scope).unwrap(), 1);
    assert!(exact(&*backend, &scope, "prompt 9", &none).is_some());
    backend.clear(&scope).unwrap();
    backend.clear(&other).unwrap();
    assert_eq!(server.run::<usize>("DBSIZE"), 0);
}

/// As a full server does with `volatile-lru`: the content of an entry is gone, and its vector is still there.
#[test]
fn a_vector_without_content_is_a_miss_is_removed_and_hides_nothing() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache(&server.url());
    let (scope, none) = (Scope::new("lost"), Attributes::new());
    let entries: Vec<Entry> = (0..30).map(|number| entry(&scope, &format!("prompt {number}"), number)).collect();
    for entry in &entries {
        backend.put(entry).unwrap();
    }
    let vectors = || server.run::<usize>(&format!("VCARD {}v", base(&scope)));
    for entry in &entries[..20] {
        server.run::<()>(&format!("DEL {}e:{}", base(&scope), entry.id));
    }
    assert_eq!(vectors(), 30);
    assert_eq!(exact(&*backend, &scope, "prompt 0", &none), None);
    // All that is nearest is lost.
    let found = nearest(&*backend, &scope, &none, &vector(0), 2);
    assert!(found.iter().all(|(prompt, _)| entries[20..].iter().any(|entry| entry.prompt == *prompt)), "{found:?}");
    nearest(&*backend, &scope, &none, &vector(5), 30);
    assert!(soon(|| vectors() == 10), "{}", vectors());
    assert_eq!(backend.len(&scope).unwrap(), 10);
    assert_eq!(nearest(&*backend, &scope, &none, &vector(0), 30).len(), 10);
    // Storing finds some that nobody looks for.
    for entry in &entries[20..] {
        server.run::<()>(&format!("DEL {}e:{}", base(&scope), entry.id));
    }
    let far = entry(&scope, "far", 1000);
    assert!(soon(|| {
        backend.put(&far).unwrap();
        vectors() == 1
    }));
    backend.clear(&scope).unwrap();
    assert_eq!(server.run::<usize>("DBSIZE"), 0);
}

fn over_in(scope: &Scope, number: usize, time: Duration) -> Entry {
    Entry { expires_at: Some(SystemTime::now() + time), ..entry(scope, &format!("prompt {number}"), number) }
}

#[test]
fn what_is_over_is_never_served_and_is_swept() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache(&server.url());
    let (scope, none) = (Scope::new("over"), Attributes::new());
    let vectors = || server.run::<usize>(&format!("VCARD {}v", base(&scope)));
    let store = || {
        for number in 0..20 {
            backend.put(&over_in(&scope, number, Duration::from_secs(2))).unwrap();
        }
    };
    let lasting = over_in(&scope, 50, Duration::from_secs(600));
    backend.put(&lasting).unwrap();
    store();
    assert_eq!(nearest(&*backend, &scope, &none, &vector(3), 30).len(), 21);
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(backend.len(&scope).unwrap(), 1);
    assert_eq!(vectors(), 21, "the vectors linger");
    assert_eq!(exact(&*backend, &scope, "prompt 3", &none), None);
    assert_eq!(nearest(&*backend, &scope, &none, &vector(3), 30).len(), 1);
    // Searches let them be swept, a few at a time.
    assert!(soon(|| {
        nearest(&*backend, &scope, &none, &vector(3), 30);
        vectors() == 1
    }));
    assert!(soon(|| backend.evicted().expired == 20), "{:?}", backend.evicted());

    // So does storing.
    store();
    std::thread::sleep(Duration::from_millis(2100));
    for _ in 0..3 {
        backend.put(&lasting).unwrap();
    }
    assert_eq!(vectors(), 1);
    assert_eq!(backend.evicted().expired, 40);
    backend.clear(&scope).unwrap();
    assert_eq!(server.run::<usize>("DBSIZE"), 0, "nothing is left of them");
}

#[test]
fn a_scope_that_nobody_asks_for_leaves_nothing() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache(&server.url());
    let (scope, none) = (Scope::new("left"), Attributes::new());
    for number in 0..3 {
        backend.put(&over_in(&scope, number, Duration::from_millis(500 + 500 * number as u64))).unwrap();
    }
    // The first that ends does not end the others.
    std::thread::sleep(Duration::from_millis(600));
    assert!(exact(&*backend, &scope, "prompt 2", &none).is_some());
    assert!(soon(|| server.run::<usize>("DBSIZE") == 0));
    // One that does not end keeps what belongs to it, and so does one that ends later.
    backend.put(&entry(&scope, "lasting", 1)).unwrap();
    backend.put(&over_in(&scope, 2, Duration::from_millis(300))).unwrap();
    std::thread::sleep(Duration::from_millis(400));
    assert!(exact(&*backend, &scope, "lasting", &none).is_some());
    assert_eq!(nearest(&*backend, &scope, &none, &vector(1), 5).len(), 1);
    assert_eq!(server.run::<i64>(&format!("PTTL {}t", base(&scope))), -1);
}

/// A clearing that is cut off after its first step: what was taken away is not found, and the next one goes on from there.
#[test]
fn a_clearing_that_is_cut_off_is_finished_later() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache(&server.url());
    let (scope, none) = (Scope::new("cleared"), Attributes::new());
    let entries: Vec<Entry> = (0..8).map(|number| entry(&scope, &format!("prompt {number}"), number)).collect();
    for entry in &entries {
        backend.put(entry).unwrap();
    }
    let base = base(&scope);
    backend.put(&Entry { vector: Vec::new(), ..entry(&scope, "by its words", 9) }).unwrap();
    server.run::<()>(&format!("RENAME {base}t {base}gone:t"));
    server.run::<()>(&format!("RENAME {base}a {base}gone:a"));
    server.run::<()>(&format!("RENAME {base}v {base}gone:v"));
    assert_eq!(backend.len(&scope).unwrap(), 0);
    assert_eq!(exact(&*backend, &scope, "by its words", &none), None);
    for entry in &entries {
        assert_eq!(exact(&*backend, &scope, &entry.prompt, &none), None);
        assert_eq!(backend.get(&scope, &entry.id).unwrap(), None);
        assert_eq!(nearest(&*backend, &scope, &none, &entry.vector, 5), []);
    }
    // Stored again meanwhile: under the same prompt, and under another one.
    backend.put(&entries[0]).unwrap();
    let renamed = Entry { id: entries[1].id.clone(), ..entry(&scope, "another prompt", 1) };
    backend.put(&renamed).unwrap();
    assert_eq!(backend.clear(&scope).unwrap(), 2);
    assert_eq!(server.run::<usize>("DBSIZE"), 0);
}
