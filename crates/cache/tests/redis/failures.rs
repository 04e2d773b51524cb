//! Servers that die, sleep or forget: a miss with a reason, never a wrong hit, and all is well again afterwards.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use vetted::Deadline;
use vetted_cache::redis::Settings;
use vetted_cache::{Attributes, Backend, BackendError, Entry, Scope, Wanted};

use crate::contract::{entry, exact, nearest};
use crate::server::{Cluster, Server, cache, cache_with, patient};

/// Keeps what it acknowledges, whatever happens to it.
const KEEPS: [&str; 2] = ["appendonly yes", "appendfsync always"];

fn numbered(scope: &Scope, number: usize) -> Entry {
    entry(scope, &format!("prompt {number}"), number)
}

fn asked<'a>(scope: &'a Scope, prompt: &'a str, attributes: &'a Attributes, deadline: &'a Deadline) -> Wanted<'a> {
    Wanted { scope, prompt, attributes, now: SystemTime::now(), deadline }
}

/// Looks it up both ways. A wrong answer is a failed test; an error is none.
fn look_up(backend: &dyn Backend, scope: &Scope, number: usize) -> Result<bool, BackendError> {
    let (none, deadline, expected) =
        (Attributes::new(), Deadline::after(Duration::from_secs(5)), numbered(scope, number));
    let asked = asked(scope, &expected.prompt, &none, &deadline);
    let same = |found: &Entry| {
        (&found.id, &found.prompt, &found.response) == (&expected.id, &expected.prompt, &expected.response)
    };
    let found = backend.exact(&asked)?;
    assert!(found.as_deref().is_none_or(same), "a wrong hit: {found:?}");
    for candidate in backend.nearest(&asked, &expected.vector, 3)? {
        let number: usize = candidate.entry.prompt["prompt ".len()..].parse().unwrap();
        assert_eq!(candidate.entry.response, numbered(scope, number).response, "another entry's response");
        assert_eq!(candidate.entry.scope, *scope);
    }
    Ok(found.is_some())
}

#[test]
fn nothing_acknowledged_is_lost_when_a_server_is_killed_again_and_again() {
    const KILLS: usize = 10;
    let Some(mut server) = Server::start(&KEEPS) else { return };
    let settings = Settings { connect: Duration::from_secs(2), command: Duration::from_secs(5), ..Settings::default() };
    let backend = cache_with(&server.url(), &settings);
    let scope = Scope::new("killed");
    let (acknowledged, tried) = (Mutex::new(BTreeSet::new()), Mutex::new(BTreeSet::new()));
    let (next, failed, is_over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|threads| {
        for worker in 0..4 {
            let (backend, scope, acknowledged, tried) = (&*backend, &scope, &acknowledged, &tried);
            let (next, failed, is_over) = (&next, &failed, &is_over);
            threads.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    tried.lock().unwrap().insert(number);
                    let outcome = backend.put(&numbered(scope, number)).and_then(|()| {
                        acknowledged.lock().unwrap().insert(number);
                        look_up(backend, scope, number.saturating_sub(7 * worker))
                    });
                    if let Err(error) = outcome {
                        assert!(
                            matches!(error, BackendError::Unreachable { .. } | BackendError::Late { .. }),
                            "{error}"
                        );
                        failed.fetch_add(1, Ordering::Relaxed);
                        std::thread::sleep(Duration::from_millis(5));
                    }
                }
            });
        }
        for round in 0..KILLS {
            std::thread::sleep(Duration::from_millis(40 + 37 * (round as u64 % 5)));
            server.kill();
            std::thread::sleep(Duration::from_millis(30));
            server.restart();
        }
        std::thread::sleep(Duration::from_millis(100));
        is_over.store(true, Ordering::Relaxed);
    });
    let (acknowledged, tried) = (acknowledged.into_inner().unwrap(), tried.into_inner().unwrap());
    assert!(acknowledged.len() > KILLS && failed.into_inner() > 0, "{} acknowledged", acknowledged.len());
    // It is there whole, or, if nobody was told that it is kept, not at all.
    let none = Attributes::new();
    for number in tried {
        let stored = numbered(&scope, number);
        let found = exact(&*backend, &scope, &stored.prompt, &none);
        assert!(found.is_some() || !acknowledged.contains(&number), "{number} was acknowledged and is lost");
        if let Some(found) = &found {
            assert_eq!((&found.id, &found.response), (&stored.id, &stored.response));
        }
        assert_eq!(backend.get(&scope, &stored.id).unwrap().is_some(), found.is_some());
        let is_near = nearest(&*backend, &scope, &none, &stored.vector, 8).iter().any(|it| it.0 == stored.prompt);
        let is_in_set: usize =
            server.run(&format!("VISMEMBER vetted:{{{}}}:v {}", &scope.digest().to_string()[..32], stored.id));
        assert_eq!(is_in_set == 1, found.is_some(), "half of {number} is there");
        assert!(!is_near || found.is_some());
    }
}

#[test]
fn a_killed_node_of_a_cluster_is_a_miss_and_the_others_serve() {
    let Some(mut cluster) = Cluster::start(&[&KEEPS[..], &["cluster-require-full-coverage no"]].concat()) else {
        return;
    };
    let settings = Settings { connect: Duration::from_secs(1), command: Duration::from_secs(4), ..Settings::default() };
    let backend = cache_with(&cluster.url(), &settings);
    // A scope on each node.
    let mut scopes: [Option<Scope>; 3] = Default::default();
    for number in 0..100 {
        let scope = Scope::new(format!("scope {number}"));
        let node = cluster.node_of(&format!("{{{}}}", &scope.digest().to_string()[..32]));
        scopes[node].get_or_insert(scope);
    }
    let scopes = scopes.map(Option::unwrap);
    for scope in &scopes {
        for number in 0..5 {
            backend.put(&numbered(scope, number)).unwrap();
        }
    }
    // Not the first one, whose address was given: and then that one.
    for killed in [1, 0] {
        cluster.nodes[killed].kill();
        for round in 0..3 {
            for (node, scope) in scopes.iter().enumerate() {
                let since = Instant::now();
                let outcome = look_up(&*backend, scope, round);
                assert!(since.elapsed() < Duration::from_secs(9), "{:?}", since.elapsed());
                match outcome {
                    Ok(is_hit) => assert!(is_hit && node != killed, "node {node} of which {killed} was killed"),
                    Err(error) => {
                        assert!(
                            matches!(error, BackendError::Unreachable { .. } | BackendError::Late { .. }),
                            "{error}"
                        );
                        assert_eq!(node, killed, "{error}");
                        assert!(backend.put(&numbered(scope, 9)).is_err());
                    }
                }
            }
        }
        cluster.nodes[killed].restart();
        let since = Instant::now();
        while !matches!(look_up(&*backend, &scopes[killed], 0), Ok(true)) {
            assert!(since.elapsed() < Duration::from_secs(60), "it is back and not used");
            std::thread::sleep(Duration::from_millis(100));
        }
        for scope in &scopes {
            assert!((0..5).all(|number| look_up(&*backend, scope, number).unwrap()));
        }
    }
}

/// An answer that comes late is the answer to nothing.
#[test]
fn a_slow_server_meets_the_deadline_and_its_late_answers_are_dropped() {
    let Some(server) = Server::start(&[]) else { return };
    let scope = Scope::new("slow");
    let backend = cache_with(&server.url(), &Settings { command: Duration::from_millis(300), ..patient() });
    for number in 0..8 {
        backend.put(&numbered(&scope, number)).unwrap();
    }
    for _ in 0..3 {
        std::thread::scope(|threads| {
            threads.spawn(|| server.run::<()>("DEBUG SLEEP 1"));
            std::thread::sleep(Duration::from_millis(200));
            for number in 0..8 {
                let (backend, scope) = (&backend, &scope);
                threads.spawn(move || {
                    let (none, since) = (Attributes::new(), Instant::now());
                    let (prompt, deadline) = (format!("prompt {number}"), Deadline::after(Duration::from_millis(100)));
                    let error = backend.exact(&asked(scope, &prompt, &none, &deadline)).unwrap_err();
                    assert!(matches!(error, BackendError::Late { .. }), "{error}");
                    assert!(since.elapsed() < Duration::from_millis(900), "{:?}", since.elapsed());
                });
            }
        });
        // The answers to those come now, and are nobody's.
        std::thread::scope(|threads| {
            for number in 0..8 {
                let (backend, scope) = (&backend, &scope);
                threads.spawn(move || {
                    let since = Instant::now();
                    while look_up(&**backend, scope, 7 - number).is_err() {
                        assert!(since.elapsed() < Duration::from_secs(20));
                    }
                });
            }
        });
    }
    assert!((0..8).all(|number| look_up(&*backend, &scope, number).unwrap()));
}

#[test]
fn closed_connections_are_opened_again_unnoticed() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache(&server.url());
    let scope = Scope::new("closed");
    backend.put(&numbered(&scope, 1)).unwrap();
    for _ in 0..5 {
        server.run::<()>("CLIENT KILL TYPE normal SKIPME yes");
        assert!(look_up(&*backend, &scope, 1).unwrap());
    }
}

#[test]
fn a_server_that_forgets_everything_is_an_empty_cache() {
    let Some(server) = Server::start(&[]) else { return };
    let backend = cache(&server.url());
    let scope = Scope::new("forgotten");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for worker in 0..3 {
            let (backend, scope, is_over) = (&*backend, &scope, &is_over);
            threads.spawn(move || {
                for number in (worker * 1000..).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                    backend.put(&numbered(scope, number)).unwrap();
                    look_up(backend, scope, number).unwrap();
                }
            });
        }
        for _ in 0..10 {
            std::thread::sleep(Duration::from_millis(30));
            server.run::<()>("FLUSHALL");
        }
        is_over.store(true, Ordering::Relaxed);
    });
    server.run::<()>("FLUSHALL");
    assert!(!look_up(&*backend, &scope, 0).unwrap());
    backend.put(&numbered(&scope, 0)).unwrap();
    assert!(look_up(&*backend, &scope, 0).unwrap());
    assert_eq!(backend.len(&scope).unwrap(), 1);
}

/// What [`two_processes_store_at_once`] starts: it stores under ids that both use, and looks up what it finds.
#[test]
fn as_one_of_two_processes() {
    let Some(url) = std::env::var_os("VETTED_TEST_STORE_AT") else { return };
    let backend = cache(url.to_str().unwrap());
    let scope = Scope::new("two");
    for round in 0..5 {
        for number in 0..20 {
            backend.put(&numbered(&scope, (number * 7 + round) % 20)).unwrap();
            look_up(&*backend, &scope, number).unwrap();
            if number % 5 == 4 {
                backend.remove(&scope, &[numbered(&scope, number).id]).unwrap();
            }
        }
    }
    for number in 0..20 {
        backend.put(&numbered(&scope, number)).unwrap();
    }
}

#[test]
fn two_processes_store_at_once() {
    let Some(server) = Server::start(&[]) else { return };
    let start = || {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "failures::as_one_of_two_processes"])
            .env("VETTED_TEST_STORE_AT", server.url())
            .spawn()
            .unwrap()
    };
    for mut process in [start(), start()] {
        assert!(process.wait().unwrap().success());
    }
    let backend = cache(&server.url());
    let scope = Scope::new("two");
    assert!((0..20).all(|number| look_up(&*backend, &scope, number).unwrap()));
    assert_eq!(backend.len(&scope).unwrap(), 20);
    backend.clear(&scope).unwrap();
    assert_eq!(server.run::<usize>("DBSIZE"), 0);
}
