//! What every backend promises: one contract, checked against each of them.
//!
//! A backend that outlives a test, such as a server, is handed a name of the test's own, which is part of every scope.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use vetted::Deadline;
use vetted_cache::{Attributes, Backend, BackendError, Entry, EntryId, Scope, Source, Wanted};

/// Values of a vector.
pub const DIMENSIONS: usize = 64;

/// All of the contract. `make` gives an empty backend, or one that has nothing in scopes of a cache called `name`.
pub fn holds(name: &str, make: &dyn Fn() -> Arc<dyn Backend>) {
    keeps_what_it_is_given(&*make(), &Scope::new(name).with("check", "keeps"));
    finds_the_nearest_first(&*make(), &Scope::new(name).with("check", "nearest"));
    filters_before_it_searches(&*make(), &Scope::new(name).with("check", "filters"));
    the_last_of_equal_prompts_is_found(&*make(), &Scope::new(name).with("check", "last"));
    what_is_over_is_gone(&*make(), &Scope::new(name).with("check", "over"));
    prompts_of_any_kind_are_kept(&*make(), &Scope::new(name).with("check", "prompts"));
    vectors_of_another_length_are_refused(&*make(), &Scope::new(name).with("check", "lengths"));
    nobody_is_kept_waiting(&*make(), &Scope::new(name).with("check", "waiting"));
    without_a_vector_it_is_found_by_its_prompt(&*make(), &Scope::new(name).with("check", "without"));
    what_changed_meanwhile_is_not_replaced(&*make(), &Scope::new(name).with("check", "replaced"));
    many_use_it_at_once(&*make(), &Scope::new(name).with("check", "many"));
    scopes_are_walls(name, make);
}

/// A vector in a direction of its own for each number; neighbours are near.
pub fn vector(number: usize) -> Vec<f32> {
    let values = (0..DIMENSIONS).map(|at| ((number * (at + 3)) as f32 * 0.013 + at as f32).sin());
    unit(values.collect())
}

pub fn unit(mut values: Vec<f32>) -> Vec<f32> {
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter_mut().for_each(|value| *value /= length);
    values
}

/// An entry that does not expire.
pub fn entry(scope: &Scope, prompt: &str, number: usize) -> Entry {
    Entry {
        id: EntryId::of(scope, prompt, &Attributes::new()),
        scope: scope.clone(),
        prompt: prompt.to_owned(),
        response: format!("response {number} \u{0} to {prompt}").into_bytes(),
        attributes: Attributes::new(),
        vector: vector(number),
        views: Some(vec![number as u8, 0, 255]),
        sources: vec![Source { id: "handbook".into(), version: number.to_string() }],
        volatile: number % 2 == 1,
        stored_at: whole_milliseconds(SystemTime::now()),
        expires_at: None,
        copy_of: None,
        cost: None,
    }
}

/// What a backend keeps of a time.
pub fn whole_milliseconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_millis(since.as_millis() as u64)
}

pub fn attributes<const N: usize>(pairs: [(&str, &str); N]) -> Attributes {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Asks for a prompt, now.
pub fn exact(backend: &dyn Backend, scope: &Scope, prompt: &str, attributes: &Attributes) -> Option<Arc<Entry>> {
    backend.exact(&wanted(scope, prompt, attributes, &Deadline::none())).unwrap()
}

/// Prompts of the nearest, with their cosines.
pub fn nearest(
    backend: &dyn Backend,
    scope: &Scope,
    attributes: &Attributes,
    vector: &[f32],
    k: usize,
) -> Vec<(String, f32)> {
    let found = backend.nearest(&wanted(scope, "", attributes, &Deadline::none()), vector, k).unwrap();
    assert!(found.iter().all(|it| it.entry.scope == *scope), "a candidate is of another scope");
    found.iter().map(|it| (it.entry.prompt.clone(), it.cosine)).collect()
}

fn wanted<'a>(scope: &'a Scope, prompt: &'a str, attributes: &'a Attributes, deadline: &'a Deadline) -> Wanted<'a> {
    Wanted { scope, prompt, attributes, now: SystemTime::now(), deadline }
}

/// The same in all that counts: a backend may leave the vector out.
fn assert_same(found: &Entry, stored: &Entry) {
    let mut found = found.clone();
    if found.vector.is_empty() {
        found.vector.clone_from(&stored.vector);
    }
    let close = found.vector.iter().zip(&stored.vector).all(|(a, b)| (a - b).abs() < 0.02);
    assert!(found.vector.len() == stored.vector.len() && close, "the vector changed");
    found.vector.clone_from(&stored.vector);
    assert_eq!(found, *stored);
}

fn keeps_what_it_is_given(backend: &dyn Backend, scope: &Scope) {
    let none = Attributes::new();
    let first = entry(scope, "who bit the man?", 1);
    assert_eq!(exact(backend, scope, &first.prompt, &none), None);
    backend.put(&first).unwrap();
    assert_same(&exact(backend, scope, &first.prompt, &none).unwrap(), &first);
    assert_same(&backend.get(scope, &first.id).unwrap().unwrap(), &first);
    assert_eq!(backend.get(scope, &EntryId::new("other").unwrap()).unwrap(), None);
    assert_eq!(backend.len(scope).unwrap(), 1);
    assert!(!backend.is_empty(scope).unwrap());

    // The same id: another prompt, vector and response take the place.
    let second = Entry { id: first.id.clone(), ..entry(scope, "who was bitten?", 40) };
    backend.put(&second).unwrap();
    assert_eq!(backend.len(scope).unwrap(), 1);
    assert_eq!(exact(backend, scope, &first.prompt, &none), None);
    assert_same(&exact(backend, scope, &second.prompt, &none).unwrap(), &second);
    let near_first = nearest(backend, scope, &none, &first.vector, 5);
    assert_eq!(near_first.len(), 1);
    assert!(near_first[0].1 < 0.99, "the old vector is gone: {near_first:?}");

    let ids: Vec<EntryId> = ["a", "b", "c"].map(|id| EntryId::new(id).unwrap()).into();
    for id in &ids {
        backend.put(&Entry { id: id.clone(), ..entry(scope, id.as_str(), 7) }).unwrap();
    }
    let absent = EntryId::new("absent").unwrap();
    assert_eq!(backend.remove(scope, &[ids[0].clone(), absent, ids[1].clone()]).unwrap(), 2);
    assert_eq!(backend.remove(scope, &ids[..1]).unwrap(), 0);
    assert_eq!(backend.len(scope).unwrap(), 2);
    assert_eq!(exact(backend, scope, "a", &none), None);
    assert!(exact(backend, scope, "c", &none).is_some());
    assert_eq!(backend.clear(scope).unwrap(), 2);
    assert_eq!(backend.clear(scope).unwrap(), 0);
    assert!(backend.is_empty(scope).unwrap());
    assert_eq!(nearest(backend, scope, &none, &second.vector, 5), []);
    backend.put(&first).unwrap();
    assert_same(&exact(backend, scope, &first.prompt, &none).unwrap(), &first);
    backend.clear(scope).unwrap();
}

fn finds_the_nearest_first(backend: &dyn Backend, scope: &Scope) {
    for number in 0..60 {
        backend.put(&entry(scope, &format!("prompt {number}"), number)).unwrap();
    }
    let query = vector(30);
    let mut expected: Vec<(String, f32)> = (0..60)
        .map(|number| (format!("prompt {number}"), vector(number).iter().zip(&query).map(|(a, b)| a * b).sum()))
        .collect();
    expected.sort_by(|a, b| b.1.total_cmp(&a.1));
    let found = nearest(backend, scope, &Attributes::new(), &query, 10);
    assert_eq!(found.len(), 10);
    assert_eq!(found[0].0, "prompt 30");
    assert!(found.is_sorted_by(|a, b| a.1 >= b.1), "{found:?}");
    for ((_, got), (_, want)) in found.iter().zip(&expected) {
        assert!((got - want).abs() < 0.01, "{found:?} instead of {:?}", &expected[..10]);
    }
    assert_eq!(nearest(backend, scope, &Attributes::new(), &query, 0), []);
    assert_eq!(nearest(backend, scope, &Attributes::new(), &query, 1000).len(), 60);
    backend.clear(scope).unwrap();
}

fn filters_before_it_searches(backend: &dyn Backend, scope: &Scope) {
    // Of a hundred, three are wanted, and these are the farthest.
    for number in 0..100 {
        let language = if number >= 97 { "de" } else { "en" };
        let attributes = attributes([("language", language), ("number", &number.to_string())]);
        backend.put(&Entry { attributes, ..entry(scope, &format!("prompt {number}"), number) }).unwrap();
    }
    let german = attributes([("language", "de")]);
    let mut found = nearest(backend, scope, &german, &vector(0), 5);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let prompts: Vec<&str> = found.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(prompts, ["prompt 97", "prompt 98", "prompt 99"]);
    assert_eq!(exact(backend, scope, "prompt 1", &german), None);
    assert!(exact(backend, scope, "prompt 98", &german).is_some());
    let both = attributes([("language", "de"), ("number", "98")]);
    assert!(exact(backend, scope, "prompt 98", &both).is_some());
    assert_eq!(nearest(backend, scope, &both, &vector(0), 5).len(), 1);
    for absent in [attributes([("language", "fr")]), attributes([("other", "de")]), attributes([("language", "")])] {
        assert_eq!(nearest(backend, scope, &absent, &vector(0), 5), []);
        assert_eq!(exact(backend, scope, "prompt 98", &absent), None);
        assert_eq!(backend.remove_where(scope, &absent).unwrap(), 0);
    }
    // Quotes and operators are text.
    let odd = attributes([("a\"b or 1==1", "'x' \\ \" {}\n\u{1f600}")]);
    backend.put(&Entry { attributes: odd.clone(), ..entry(scope, "odd", 3) }).unwrap();
    assert_eq!(nearest(backend, scope, &odd, &vector(0), 5).len(), 1);
    assert_eq!(backend.remove_where(scope, &odd).unwrap(), 1);
    assert_eq!(backend.remove_where(scope, &german).unwrap(), 3);
    assert_eq!(backend.len(scope).unwrap(), 97);
    assert_eq!(backend.remove_where(scope, &Attributes::new()).unwrap(), 97);
    assert!(backend.is_empty(scope).unwrap());
}

fn the_last_of_equal_prompts_is_found(backend: &dyn Backend, scope: &Scope) {
    let none = Attributes::new();
    let at = |second: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000 + second);
    for (id, language, second) in [("one", "en", 5), ("two", "de", 9), ("three", "en", 7)] {
        let (id, attributes) = (EntryId::new(id).unwrap(), attributes([("language", language)]));
        backend.put(&Entry { id, attributes, stored_at: at(second), ..entry(scope, "same", 4) }).unwrap();
    }
    let id = |attributes: &Attributes| exact(backend, scope, "same", attributes).map(|it| it.id.as_str().to_owned());
    assert_eq!(id(&none).as_deref(), Some("two"));
    assert_eq!(id(&attributes([("language", "en")])).as_deref(), Some("three"));
    backend.remove(scope, &[EntryId::new("three").unwrap()]).unwrap();
    assert_eq!(id(&attributes([("language", "en")])).as_deref(), Some("one"));
    backend.clear(scope).unwrap();
}

fn what_is_over_is_gone(backend: &dyn Backend, scope: &Scope) {
    let none = Attributes::new();
    let now = SystemTime::now();
    let lasting = entry(scope, "lasting", 1);
    backend.put(&lasting).unwrap();
    let over = |prompt: &str| Entry { expires_at: Some(now - Duration::from_secs(1)), ..entry(scope, prompt, 2) };
    backend.put(&over("over already")).unwrap();
    assert_eq!(backend.len(scope).unwrap(), 1);
    assert_eq!(exact(backend, scope, "over already", &none), None);
    // It takes the place of its predecessor all the same.
    backend.put(&Entry { id: lasting.id.clone(), ..over("lasting") }).unwrap();
    assert_eq!(backend.len(scope).unwrap(), 0);
    assert_eq!(exact(backend, scope, "lasting", &none), None);

    let brief = Entry { expires_at: Some(SystemTime::now() + Duration::from_millis(400)), ..entry(scope, "brief", 3) };
    let long = Entry { expires_at: Some(SystemTime::now() + Duration::from_secs(600)), ..entry(scope, "long", 4) };
    backend.put(&brief).unwrap();
    backend.put(&long).unwrap();
    assert!(exact(backend, scope, "brief", &none).is_some());
    assert_eq!(nearest(backend, scope, &none, &vector(3), 5).len(), 2);
    std::thread::sleep(Duration::from_millis(450));
    assert_eq!(exact(backend, scope, "brief", &none), None);
    assert_eq!(backend.get(scope, &brief.id).unwrap(), None);
    let found: Vec<String> =
        nearest(backend, scope, &none, &vector(3), 5).into_iter().map(|(prompt, _)| prompt).collect();
    assert_eq!(found, ["long"]);
    assert_eq!(backend.len(scope).unwrap(), 1);
    assert_eq!(backend.remove(scope, &[brief.id]).unwrap(), 0);
    assert_eq!(backend.clear(scope).unwrap(), 1);
}

fn prompts_of_any_kind_are_kept(backend: &dyn Backend, scope: &Scope) {
    let none = Attributes::new();
    let long = "word ".repeat(20_000);
    let prompts = ["", " ", "a\0b", "\u{1f600}\u{200b}", "{brace}", "line\r\nend", "*", &long, "A", "a", "a "];
    for (number, prompt) in prompts.iter().enumerate() {
        backend.put(&entry(scope, prompt, number)).unwrap();
    }
    for (number, prompt) in prompts.iter().enumerate() {
        assert_same(
            &exact(backend, scope, prompt, &none).unwrap(),
            &Entry {
                stored_at: exact(backend, scope, prompt, &none).unwrap().stored_at,
                ..entry(scope, prompt, number)
            },
        );
    }
    let bare = Entry { response: Vec::new(), views: None, sources: Vec::new(), ..entry(scope, "bare", 3) };
    backend.put(&bare).unwrap();
    assert_same(&exact(backend, scope, "bare", &none).unwrap(), &bare);
    assert_eq!(backend.clear(scope).unwrap(), prompts.len() + 1);
}

fn vectors_of_another_length_are_refused(backend: &dyn Backend, scope: &Scope) {
    backend.put(&entry(scope, "right", 1)).unwrap();
    let other = Entry { vector: unit(vec![1.0; DIMENSIONS / 2]), ..entry(scope, "other", 2) };
    assert!(backend.put(&other).is_err());
    assert_eq!(exact(backend, scope, "other", &Attributes::new()), None);
    assert_eq!(backend.len(scope).unwrap(), 1);
    let (none, deadline) = (Attributes::new(), Deadline::none());
    assert!(backend.nearest(&wanted(scope, "", &none, &deadline), &other.vector, 3).is_err());
    backend.clear(scope).unwrap();
}

fn without_a_vector_it_is_found_by_its_prompt(backend: &dyn Backend, scope: &Scope) {
    let none = Attributes::new();
    let without = Entry { vector: Vec::new(), views: None, ..entry(scope, "too long to be encoded", 1) };
    backend.put(&without).unwrap();
    assert_same(&exact(backend, scope, &without.prompt, &none).unwrap(), &without);
    assert_same(&backend.get(scope, &without.id).unwrap().unwrap(), &without);
    assert_eq!(nearest(backend, scope, &none, &vector(1), 5), []);
    backend.put(&entry(scope, "with", 2)).unwrap();
    assert_eq!(nearest(backend, scope, &none, &vector(1), 5).len(), 1);
    assert_eq!(backend.len(scope).unwrap(), 2);
    // And in the place of one that has a vector, and the other way round.
    let with = Entry { id: without.id.clone(), ..entry(scope, "now with", 3) };
    backend.put(&with).unwrap();
    assert_eq!(nearest(backend, scope, &none, &vector(1), 5).len(), 2);
    backend.put(&without).unwrap();
    assert_eq!(nearest(backend, scope, &none, &vector(1), 5).len(), 1);
    assert_eq!(backend.clear(scope).unwrap(), 2);
}

fn nobody_is_kept_waiting(backend: &dyn Backend, scope: &Scope) {
    let none = Attributes::new();
    backend.put(&entry(scope, "there", 1)).unwrap();
    let over = Deadline::after(Duration::ZERO);
    let wanted = wanted(scope, "there", &none, &over);
    assert!(matches!(backend.exact(&wanted), Err(BackendError::Late { .. })));
    assert!(matches!(backend.nearest(&wanted, &vector(1), 3), Err(BackendError::Late { .. })));
    backend.clear(scope).unwrap();
}

fn what_changed_meanwhile_is_not_replaced(backend: &dyn Backend, scope: &Scope) {
    let first = entry(scope, "prompt", 1);
    let second = Entry { response: b"second".to_vec(), ..first.clone() };
    backend.put(&first).unwrap();
    let read = backend.get(scope, &first.id).unwrap().unwrap();
    assert!(backend.replace(&read, &second).unwrap());
    assert_same(&backend.get(scope, &first.id).unwrap().unwrap(), &second);
    // Who read before that knows nothing of it.
    assert!(!backend.replace(&read, &first).unwrap());
    assert_same(&backend.get(scope, &first.id).unwrap().unwrap(), &second);
    let read = backend.get(scope, &first.id).unwrap().unwrap();
    assert_eq!(backend.remove(scope, std::slice::from_ref(&first.id)).unwrap(), 1);
    assert!(!backend.replace(&read, &first).unwrap(), "removing is final");
    assert_eq!(backend.get(scope, &first.id).unwrap(), None);

    // Everybody counts one up, so that no change may be lost; and what is removed while others change it stays away.
    let counter = entry(scope, "counter", 2);
    backend.put(&Entry { response: b"0".to_vec(), ..counter.clone() }).unwrap();
    let count_up = || {
        for _ in 0..10 {
            loop {
                let was = backend.get(scope, &counter.id).unwrap().unwrap();
                let number: u32 = std::str::from_utf8(&was.response).unwrap().parse().unwrap();
                let response = (number + 1).to_string().into_bytes();
                if backend.replace(&was, &Entry { response, ..Entry::clone(&was) }).unwrap() {
                    break;
                }
            }
        }
    };
    std::thread::scope(|threads| (0..4).for_each(|_| drop(threads.spawn(count_up))));
    assert_eq!(backend.get(scope, &counter.id).unwrap().unwrap().response, b"40");
    backend.clear(scope).unwrap();
}

fn many_use_it_at_once(backend: &dyn Backend, scope: &Scope) {
    const WRITERS: usize = 4;
    const EACH: usize = 30;
    let none = Attributes::new();
    let prompt = |writer: usize, number: usize| format!("prompt {number} of {writer}");
    std::thread::scope(|threads| {
        for writer in 0..WRITERS {
            threads.spawn(move || {
                let none = Attributes::new();
                for number in 0..EACH {
                    let stored = entry(scope, &prompt(writer, number), writer * EACH + number);
                    backend.put(&stored).unwrap();
                    // Acknowledged: found at once.
                    assert_same(&exact(backend, scope, &stored.prompt, &none).unwrap(), &stored);
                    let found = nearest(backend, scope, &none, &stored.vector, 3);
                    assert!(found[0].1 > 0.98, "{found:?}");
                    if number % 3 == 2 {
                        assert_eq!(backend.remove(scope, &[stored.id]).unwrap(), 1);
                        assert_eq!(exact(backend, scope, &stored.prompt, &none), None);
                    }
                }
            });
        }
    });
    assert_eq!(backend.len(scope).unwrap(), WRITERS * EACH * 2 / 3);
    assert!(exact(backend, scope, &prompt(1, 1), &none).is_some());
    backend.clear(scope).unwrap();
}

#[derive(Clone, Debug)]
enum Step {
    Put { scope: usize, prompt: usize, language: Option<bool>, id: Option<usize>, is_over: bool },
    Remove { scope: usize, id: usize },
    RemoveWhere { scope: usize, language: Option<bool> },
    Clear { scope: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let put = (0..SCOPES, 0..PROMPTS, any::<Option<bool>>(), prop::option::of(0..3usize), prop::bool::weighted(0.15))
        .prop_map(|(scope, prompt, language, id, is_over)| Step::Put { scope, prompt, language, id, is_over });
    let remove = (0..SCOPES, 0..3usize).prop_map(|(scope, id)| Step::Remove { scope, id });
    let remove_where =
        (0..SCOPES, any::<Option<bool>>()).prop_map(|(scope, language)| Step::RemoveWhere { scope, language });
    let clear = (0..SCOPES).prop_map(|scope| Step::Clear { scope });
    prop::collection::vec(prop_oneof![8 => put, 2 => remove, 1 => remove_where, 1 => clear], 1..40)
}

const SCOPES: usize = 4;
const PROMPTS: usize = 4;

/// Any order of operations in scopes that differ in little finds, in each scope, what a simple model finds there.
fn scopes_are_walls(name: &str, make: &dyn Fn() -> Arc<dyn Backend>) {
    let scopes: [Scope; SCOPES] = [
        Scope::new(name).with("check", "walls"),
        Scope::new(name).with("check", "walls").with(Scope::USER, "a"),
        Scope::new(name).with("check", "walls").with(Scope::USER, "b"),
        Scope::new(name).with("check", "walls").with(Scope::TENANT, "a"),
    ];
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        let backend = make();
        for scope in &scopes {
            backend.clear(scope).unwrap();
        }
        walk(&*backend, &scopes, &steps)
    });
    outcome.unwrap();
}

fn walk(backend: &dyn Backend, scopes: &[Scope; SCOPES], steps: &[Step]) -> Result<(), TestCaseError> {
    let language = |language: Option<bool>| match language {
        None => Attributes::new(),
        Some(english) => attributes([("language", if english { "en" } else { "de" })]),
    };
    let named = |id: usize| EntryId::new(format!("id-{id}")).unwrap();
    let base = whole_milliseconds(SystemTime::now());
    let mut model: [BTreeMap<EntryId, Entry>; SCOPES] = Default::default();
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Put { scope, prompt, language: of, id, is_over } => {
                let (at, attributes) = (*scope, language(*of));
                let scope = &scopes[at];
                let text = format!("prompt {prompt}");
                let id = id.map_or_else(|| EntryId::of(scope, &text, &attributes), named);
                let stored_at = base + Duration::from_millis(number as u64);
                let expires_at = is_over.then(|| base - Duration::from_secs(1));
                let entry = Entry { id, attributes, stored_at, expires_at, ..entry(scope, &text, number) };
                backend.put(&entry).unwrap();
                match is_over {
                    true => model[at].remove(&entry.id),
                    false => model[at].insert(entry.id.clone(), entry),
                };
            }
            Step::Remove { scope, id } => {
                let removed = backend.remove(&scopes[*scope], &[named(*id)]).unwrap();
                prop_assert_eq!(removed, usize::from(model[*scope].remove(&named(*id)).is_some()));
            }
            Step::RemoveWhere { scope, language: of } => {
                let (before, attributes) = (model[*scope].len(), language(*of));
                model[*scope].retain(|_, entry| !entry.fits(&attributes));
                let removed = backend.remove_where(&scopes[*scope], &attributes).unwrap();
                prop_assert_eq!(removed, before - model[*scope].len());
            }
            Step::Clear { scope } => {
                prop_assert_eq!(backend.clear(&scopes[*scope]).unwrap(), model[*scope].len());
                model[*scope].clear();
            }
        }
    }
    for (scope, model) in scopes.iter().zip(&model) {
        prop_assert_eq!(backend.len(scope).unwrap(), model.len());
        for attributes in [language(None), language(Some(true)), language(Some(false))] {
            for prompt in (0..PROMPTS).map(|prompt| format!("prompt {prompt}")) {
                let fitting = model.values().filter(|it| it.prompt == prompt && it.fits(&attributes));
                let expected = fitting.max_by_key(|it| it.stored_at);
                let found = exact(backend, scope, &prompt, &attributes);
                prop_assert_eq!(found.map(|it| it.response.clone()), expected.map(|it| it.response.clone()));
            }
            let expected = model.values().filter(|it| it.fits(&attributes)).count();
            prop_assert_eq!(nearest(backend, scope, &attributes, &vector(3), 100).len(), expected);
        }
        for (id, entry) in model {
            let found = backend.get(scope, id).unwrap();
            prop_assert_eq!(found.map(|it| it.response.clone()), Some(entry.response.clone()));
        }
    }
    Ok(())
}
