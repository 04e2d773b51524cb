//! Processes that die, and disks that are full. A test starts itself anew as a child, which a variable in the environment tells
//! what to do.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use vetted_cache::{Attributes, Backend, BackendError, Entry, Memory, MemoryLimits, Scope};

use crate::contract::{entry, exact, nearest, vector};

const ROLE: &str = "VETTED_TEST_ROLE";
const FOLDER: &str = "VETTED_TEST_FOLDER";

/// Starts the test `name` of this file again, in a process of its own.
fn start(name: &str, role: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([&format!("killed::{name}"), "--exact", "--nocapture", "--include-ignored", "--test-threads=1"])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// In a child, its role and folder.
fn role() -> Option<(String, PathBuf)> {
    Some((std::env::var(ROLE).ok()?, std::env::var_os(FOLDER)?.into()))
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "child: {line}").and_then(|()| out.flush()).unwrap();
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.filter_map(|line| line.split_once("child: ").map(|(_, said)| said.to_owned()))
}

fn scope() -> Scope {
    Scope::new("killed")
}

/// Prompts that are stored again and again, by three threads, each its own.
const PROMPTS: usize = 60;
const WRITERS: usize = 3;

fn versioned(prompt: usize, version: usize) -> Entry {
    let response = format!("{version} ").into_bytes();
    Entry { response, ..entry(&scope(), &format!("prompt {prompt}"), prompt) }
}

/// Writes until it is killed. Every change is announced before, and told when it is acknowledged.
fn write_until_killed(first: usize, folder: &Path) {
    let (backend, _) = Memory::open(folder, MemoryLimits::default()).unwrap();
    let next = AtomicUsize::new(first);
    std::thread::scope(|threads| {
        for writer in 0..WRITERS {
            let (backend, next) = (&backend, &next);
            threads.spawn(move || {
                loop {
                    let version = next.fetch_add(1, Ordering::Relaxed);
                    let prompt = version / WRITERS % (PROMPTS / WRITERS) * WRITERS + writer;
                    let entry = versioned(prompt, version);
                    match version % 7 {
                        0 => {
                            say(&format!("removing {prompt} {version}"));
                            backend.remove(&scope(), std::slice::from_ref(&entry.id)).unwrap();
                            say(&format!("removed {prompt} {version}"));
                        }
                        1 => {
                            // Over nearly at once: not there after the restart, whatever happens.
                            say(&format!("removing {prompt} {version}"));
                            let end = SystemTime::now() + Duration::from_millis(1);
                            backend.put(&Entry { expires_at: Some(end), ..entry }).unwrap();
                            say(&format!("removed {prompt} {version}"));
                        }
                        _ => {
                            say(&format!("putting {prompt} {version}"));
                            backend.put(&entry).unwrap();
                            say(&format!("put {prompt} {version}"));
                        }
                    }
                }
            });
        }
        let compacting = &backend;
        threads.spawn(move || {
            loop {
                compacting.compact().unwrap();
                std::thread::sleep(Duration::from_millis(3));
            }
        });
    });
}

/// What a prompt may be after a kill: what was acknowledged last, or what was under way.
#[derive(Clone, Debug, Default)]
struct Possible {
    acknowledged: Option<usize>,
    under_way: Option<Option<usize>>,
}

fn kill_again_and_again(name: &str, rounds: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Instant::now().elapsed().as_nanos() as u64 ^ u64::from(std::process::id()) << 20;
    let mut possible: BTreeMap<usize, Possible> = BTreeMap::new();
    let (mut first, mut kills_at_work, mut torn, mut acknowledged) = (0, 0, 0, 0);
    for round in 0..rounds {
        let mut child = start(name, &first.to_string(), folder.path());
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wait = Duration::from_micros(3_000 + (random >> 33) % 150_000);
        let said = lines(&mut child);
        let reader = std::thread::spawn(move || said.collect::<Vec<_>>());
        std::thread::sleep(wait);
        child.kill().unwrap();
        child.wait().unwrap();
        let said = reader.join().unwrap();
        kills_at_work += usize::from(!said.is_empty());
        for line in &said {
            let words: Vec<&str> = line.split(' ').collect();
            // The last line may be torn.
            let [what, prompt, version] = words.as_slice() else { continue };
            let (Ok(prompt), Ok(version)) = (prompt.parse::<usize>(), version.parse::<usize>()) else { continue };
            let of_prompt = possible.entry(prompt).or_default();
            match *what {
                "putting" => of_prompt.under_way = Some(Some(version)),
                "removing" => of_prompt.under_way = Some(None),
                "put" => *of_prompt = Possible { acknowledged: Some(version), under_way: None },
                "removed" => *of_prompt = Possible::default(),
                _ => continue,
            }
            acknowledged += usize::from(matches!(*what, "put" | "removed"));
            first = first.max(version + 1);
        }
        std::thread::sleep(Duration::from_millis(2));
        let (backend, notices) = Memory::open(folder.path(), MemoryLimits::default()).unwrap();
        torn += notices.len();
        for prompt in 0..PROMPTS {
            let found = exact(&backend, &scope(), &format!("prompt {prompt}"), &Attributes::new());
            let version = found.map(|entry| {
                assert!(!entry.is_over(SystemTime::now()), "round {round}: what is over is served");
                String::from_utf8(entry.response.clone()).unwrap().trim().parse::<usize>().unwrap()
            });
            let allowed = possible.entry(prompt).or_default();
            let is_allowed = version == allowed.acknowledged || Some(version) == allowed.under_way;
            assert!(
                is_allowed,
                "round {round}, killed after {wait:?}: prompt {prompt} is {version:?}, and {allowed:?}"
            );
            *allowed = Possible { acknowledged: version, under_way: None };
        }
        let live = possible.values().filter(|it| it.acknowledged.is_some()).count();
        assert_eq!(backend.len(&scope()).unwrap(), live);
        assert_eq!(nearest(&backend, &scope(), &Attributes::new(), &vector(1), 1000).len(), live);
    }
    println!("{rounds} kills, {kills_at_work} at work, {acknowledged} acknowledged changes, {torn} torn ends");
    assert!(
        kills_at_work > rounds / 2,
        "only {kills_at_work} of {rounds} kills hit a writer at work: nothing was tested"
    );
}

#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged() {
    const NAME: &str = "a_killed_process_loses_nothing_that_was_acknowledged";
    match role() {
        Some((first, folder)) => write_until_killed(first.parse().unwrap(), &folder),
        None => kill_again_and_again(NAME, 30),
    }
}

/// `cargo test --release -p vetted-cache --test cache -- --ignored --nocapture a_thousand_kills`
#[test]
#[ignore = "takes minutes"]
fn a_thousand_kills_lose_nothing_that_was_acknowledged() {
    const NAME: &str = "a_thousand_kills_lose_nothing_that_was_acknowledged";
    match role() {
        Some((first, folder)) => write_until_killed(first.parse().unwrap(), &folder),
        None => kill_again_and_again(NAME, 1000),
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_said_and_loses_nothing_that_was_acknowledged() {
    const NAME: &str = "a_full_disk_is_said_and_loses_nothing_that_was_acknowledged";
    let numbered =
        |number: usize| Entry { response: vec![7; 10_000], ..entry(&scope(), &format!("prompt {number}"), number) };
    if let Some((_, folder)) = role() {
        let (backend, _) = Memory::open(&folder, MemoryLimits::default()).unwrap();
        for number in 0.. {
            match backend.put(&numbered(number)) {
                Ok(()) => say(&format!("put {number}")),
                Err(error) => {
                    // Lookups go on, the one that failed is not there, and small changes still find room.
                    assert_eq!(backend.len(&scope()).unwrap(), number);
                    assert_eq!(exact(&backend, &scope(), &format!("prompt {number}"), &Attributes::new()), None);
                    assert_eq!(nearest(&backend, &scope(), &Attributes::new(), &vector(3), 5).len(), 5.min(number));
                    assert_eq!(backend.remove(&scope(), &[numbered(0).id]).unwrap(), 1);
                    say(&format!("failed {} {error}", matches!(error, BackendError::Io { .. })));
                    break;
                }
            }
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // A limit on the size of files stands in for a disk that is full: `ulimit -f` counts blocks of 1024 bytes.
    let mut shell = Command::new("bash");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 512; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    shell.args([&format!("killed::{NAME}"), "--exact", "--nocapture"]).env(ROLE, "writer").env(FOLDER, folder.path());
    let mut child = shell.stdout(Stdio::piped()).spawn().unwrap();
    let said: Vec<_> = lines(&mut child).collect();
    assert!(child.wait().unwrap().success(), "{said:?}");
    let (failed, put) = said.split_last().unwrap();
    assert!(failed.starts_with("failed true cannot write to "), "{failed}");
    assert!(put.len() > 20, "{put:?}");
    let (backend, notices) = Memory::open(folder.path(), MemoryLimits::default()).unwrap();
    assert_eq!(notices, [], "what was written in part was taken back at once");
    assert_eq!(backend.len(&scope()).unwrap(), put.len() - 1);
    backend.put(&numbered(1000)).unwrap();
}
