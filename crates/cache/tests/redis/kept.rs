//! What is kept, and what is served of it: the entry that was asked for, whole, or nothing.

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use vetted::Deadline;
use vetted_cache::redis::Settings;
use vetted_cache::{Attributes, BackendError, Entry, EntryId, Scope, Wanted};

use crate::contract::{attributes, entry, exact, nearest, vector};
use crate::server::{Server, cache, cache_with, patient};

/// The names of all keys, sorted.
fn keys(server: &Server) -> Vec<String> {
    let mut keys: Vec<String> = server.run("KEYS *");
    keys.sort();
    keys
}

#[test]
fn keys_are_as_the_documentation_says() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache(&server.url());
    let scope = Scope::new("kept");
    let stored = Entry { expires_at: Some(SystemTime::now() + Duration::from_secs(600)), ..entry(&scope, "prompt", 1) };
    backend.put(&stored).unwrap();
    let base = format!("vetted:{{{}}}:", &scope.digest().to_string()[..32]);
    let prompt = &vetted_tensors::digest::of_bytes("prompt")[..32];
    let id = &stored.id;
    assert_eq!(
        keys(&server),
        [
            format!("{base}e:{id}"),
            format!("{base}t"),
            format!("{base}u"),
            format!("{base}v"),
            format!("{base}x:{prompt}")
        ]
    );
    let left: i64 = server.run(&format!("PTTL {base}e:{id}"));
    assert!((590_000..=600_000).contains(&left), "{left}");
    let info: std::collections::HashMap<String, String> = server.run(&format!("VINFO {base}v"));
    assert_eq!(info["quant-type"], "int8");
    // Another prefix is another cache.
    let other = cache_with(&server.url(), &Settings { prefix: "other".into(), ..patient() });
    assert_eq!(exact(&*other, &scope, "prompt", &Attributes::new()), None);
}

#[test]
fn responses_of_any_bytes_come_back() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache(&server.url());
    let scope = Scope::new("bytes");
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let any = (any::<Vec<u8>>(), prop::option::of(any::<Vec<u8>>()), "(?s).{0,20}");
    let outcome = TestRunner::new(config).run(&any, |(response, views, prompt)| {
        let stored = Entry { response, views, ..entry(&scope, &prompt, 5) };
        backend.put(&stored).unwrap();
        let found = exact(&*backend, &scope, &prompt, &Attributes::new()).unwrap();
        prop_assert_eq!(&*found, &stored);
        Ok(())
    });
    outcome.unwrap();

    let large = Entry { response: (0..10_000_000u32).map(|n| (n % 251) as u8).collect(), ..entry(&scope, "large", 9) };
    backend.put(&large).unwrap();
    assert_eq!(*exact(&*backend, &scope, "large", &Attributes::new()).unwrap(), large);
    let none = Attributes::new();
    let asked =
        Wanted { scope: &scope, prompt: "", attributes: &none, now: SystemTime::now(), deadline: &Deadline::none() };
    let found = backend.nearest(&asked, &vector(9), 1).unwrap();
    assert_eq!(*found[0].entry, large);
    assert!((found[0].cosine - 1.0).abs() < 1e-5);

    let small = cache_with(&server.url(), &Settings { largest_entry: 1000, ..patient() });
    let error = small.put(&large).unwrap_err();
    assert!(matches!(error, BackendError::TooLarge { limit: 1000, .. }), "{error}");
}

#[test]
fn vectors_that_are_no_numbers_are_refused() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache(&server.url());
    let scope = Scope::new("numbers");
    backend.put(&entry(&scope, "right", 1)).unwrap();
    let none = Attributes::new();
    let asked =
        Wanted { scope: &scope, prompt: "", attributes: &none, now: SystemTime::now(), deadline: &Deadline::none() };
    assert!(backend.nearest(&asked, &[], 3).is_err());
    for wrong in [vec![f32::NAN; 64], [vec![f32::INFINITY], vec![0.0; 63]].concat()] {
        assert!(backend.put(&Entry { vector: wrong.clone(), ..entry(&scope, "wrong", 1) }).is_err());
        assert!(backend.nearest(&asked, &wrong, 3).is_err());
    }
    let error = backend.nearest(&asked, &[1.0; 3], 3).unwrap_err();
    assert!(matches!(error, BackendError::Dimensions { expected: 64, got: 3 }), "{error}");
}

/// Storing what cannot be stored changes nothing: not even the entry that it would replace.
#[test]
fn an_entry_that_is_refused_leaves_its_predecessor() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache(&server.url());
    let scope = Scope::new("refused");
    let (first, second) = (entry(&scope, "first", 1), entry(&scope, "second", 2));
    backend.put(&first).unwrap();
    backend.put(&second).unwrap();
    let wrong = Entry { id: first.id.clone(), vector: vec![1.0, 0.0], ..entry(&scope, "other", 3) };
    let error = backend.put(&wrong).unwrap_err();
    assert!(matches!(error, BackendError::Dimensions { expected: 64, got: 2 }), "{error}");

    let used: u64 = server
        .run::<String>("INFO memory")
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:")?.parse().ok())
        .unwrap();
    server.run::<()>(&format!("CONFIG SET maxmemory {}", used + 1_000_000));
    let large = Entry { id: first.id.clone(), response: vec![0; 3_000_000], ..entry(&scope, "other", 3) };
    let mut full = None;
    for number in 0..10 {
        full = backend.put(&Entry { id: EntryId::new(format!("large-{number}")).unwrap(), ..large.clone() }).err();
        if full.is_some() {
            break;
        }
    }
    let error = full.expect("it is full at last").to_string();
    assert!(error.contains("maxmemory"), "{error}");
    assert!(backend.put(&large).is_err());
    server.run::<()>("CONFIG SET maxmemory 0");
    let found = exact(&*backend, &scope, "first", &Attributes::new()).unwrap();
    assert_eq!(*found, first);
    assert!(nearest(&*backend, &scope, &Attributes::new(), &first.vector, 1)[0].1 > 0.999);
}

/// The vector set and its filter only propose. What another scope's keys hold, however it came there, is not served.
#[test]
fn what_lies_under_the_wrong_key_is_not_served() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache(&server.url());
    let (mine, theirs) = (Scope::new("walls").with(Scope::TENANT, "a"), Scope::new("walls").with(Scope::TENANT, "b"));
    let id = EntryId::new("same").unwrap();
    let (here, there) = (
        Entry { id: id.clone(), attributes: attributes([("language", "en")]), ..entry(&mine, "prompt", 1) },
        Entry { id: id.clone(), response: b"of another tenant".to_vec(), ..entry(&theirs, "prompt", 1) },
    );
    backend.put(&here).unwrap();
    backend.put(&there).unwrap();
    let key = |scope: &Scope| format!("vetted:{{{}}}:e:same", &scope.digest().to_string()[..32]);
    let none = Attributes::new();
    let is_served = |attributes: &Attributes| {
        let found = exact(&*backend, &mine, "prompt", attributes);
        let near = nearest(&*backend, &mine, attributes, &vector(1), 5);
        assert_eq!(found.is_some(), !near.is_empty());
        assert!(found.as_ref().is_none_or(|found| found.scope == mine));
        assert_eq!(backend.get(&mine, &id).unwrap().is_some(), found.is_some() || !attributes.is_empty());
        found.is_some()
    };
    assert!(is_served(&none));
    let bytes: Vec<u8> = redis::cmd("GET").arg(key(&mine)).query(&mut server.connection()).unwrap();
    let set = |bytes: &[u8]| {
        redis::cmd("SET").arg(key(&mine)).arg(bytes).query::<()>(&mut server.connection()).unwrap();
    };
    let foreign: Vec<u8> = redis::cmd("GET").arg(key(&theirs)).query(&mut server.connection()).unwrap();
    // Of another scope, of another id, over, cut off, and nothing at all.
    let past = SystemTime::now() - Duration::from_secs(1);
    for wrong in [
        foreign,
        Entry { id: EntryId::new("other").unwrap(), scope: theirs.clone(), ..here.clone() }.to_bytes(),
        Entry { expires_at: Some(past), ..here.clone() }.to_bytes(),
        bytes[..bytes.len() - 1].to_vec(),
        bytes[..1].to_vec(),
        vec![],
    ] {
        set(&wrong);
        assert!(!is_served(&none), "{wrong:?}");
    }
    // The filter says that it fits, and what is kept says that it does not.
    set(&Entry { attributes: attributes([("language", "de")]), ..here.clone() }.to_bytes());
    assert!(!is_served(&attributes([("language", "en")])));
    set(&bytes);
    assert!(is_served(&none) && is_served(&attributes([("language", "en")])));
}

/// Names and values of attributes that look like filters select exactly what has them.
#[test]
fn attributes_of_any_text_select_what_has_them() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache(&server.url());
    let scope = Scope::new("injection");
    let text = || {
        prop_oneof![
            "[ab]",
            "(?s).{0,6}",
            Just("\" or 1 or \"".to_owned()),
            Just("x\" or 1 == 1 or .exp > \"".to_owned()),
            Just("\\".to_owned()),
            Just("exp".to_owned()),
            Just("p".to_owned())
        ]
    };
    let some = move || prop::collection::btree_map(text(), text(), 0..3);
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&(prop::collection::vec(some(), 1..6), some()), |(stored, asked)| {
        backend.clear(&scope).unwrap();
        for (number, attributes) in stored.iter().enumerate() {
            let id = EntryId::new(number.to_string()).unwrap();
            backend.put(&Entry { id, attributes: attributes.clone(), ..entry(&scope, "prompt", number) }).unwrap();
        }
        for asked in stored.iter().chain([&asked]) {
            let fitting =
                stored.iter().filter(|has| asked.iter().all(|(name, value)| has.get(name) == Some(value))).count();
            prop_assert_eq!(nearest(&*backend, &scope, asked, &vector(0), 10).len(), fitting);
            prop_assert_eq!(exact(&*backend, &scope, "prompt", asked).is_some(), fitting > 0);
        }
        let fitting =
            stored.iter().filter(|has| asked.iter().all(|(name, value)| has.get(name) == Some(value))).count();
        prop_assert_eq!(backend.remove_where(&scope, &asked).unwrap(), fitting);
        prop_assert_eq!(backend.len(&scope).unwrap(), stored.len() - fitting);
        Ok(())
    });
    outcome.unwrap();
}
