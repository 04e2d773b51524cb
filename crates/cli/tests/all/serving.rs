//! `vetted serve` as people run it: the real binary, started, asked, told to end, killed.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::{command, fail};

/// A server that is killed with its test.
pub struct Served {
    pub child: Child,
    pub url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn serve(folder: &Path, arguments: &[&str]) -> Served {
    let all = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
    let mut child = command(folder, &all).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
    Served { child, url }
}

fn agent() -> ureq::Agent {
    let timeout = Some(Duration::from_secs(30));
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(timeout).build().into()
}

pub fn get(url: &str) -> (u16, Value) {
    let mut answer = agent().get(url).call().unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
}

pub fn post(url: &str, body: &Value) -> (u16, Value) {
    let mut answer = agent().post(url).send(body.to_string()).unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
}

pub fn delete(url: &str) -> (u16, Value) {
    let mut answer = agent().delete(url).call().unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
}

pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn it_is_started_by_one_command_and_ends_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut served = serve(folder.path(), &["--index", "notes.index", "--log-format", "json", "--log", "info"]);
    let (status, answer) =
        post(&format!("{}/v1/documents", served.url), &json!({"id": "dog", "text": "The dog bit the man."}));
    assert_eq!((status, &answer["index"]), (200, &"notes".into()), "{answer}");
    let rerank = json!({"query": "The dog bit the man.", "documents": ["The man bit the dog.", "Tea."]});
    assert_eq!(post(&format!("{}/v2/rerank", served.url), &rerank).0, 200);
    signal(&served.child, "-TERM");
    assert!(served.child.wait().unwrap().success());
    let lines = BufReader::new(served.child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let log: Vec<Value> = lines.map(|line| serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let answered: Vec<_> = log.iter().filter(|line| line["message"] == "answered").collect();
    assert_eq!(answered.len(), 2, "{log:?}");
    assert_eq!((&answered[1]["route"], &answered[1]["status"]), (&"/v2/rerank".into(), &200.into()));
    assert!(!log.iter().any(|line| line.to_string().contains("bit the")), "no text of a request is logged: {log:?}");

    let served = serve(folder.path(), &["--index", "other=notes.index", "--read-only"]);
    assert_eq!(get(&format!("{}/v1/documents/dog?index=other", served.url)).0, 200);
}

#[test]
fn what_cannot_be_served_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, part) in [
        (&["serve", "--listen", "0.0.0.0:0"][..], "--keys"),
        (&["serve", "--index", "none", "--read-only"], "none"),
        (&["serve", "--index", "a=x", "--index", "a=y", "--listen", "127.0.0.1:0"], "two indexes"),
        (&["serve", "--keys", "none", "--listen", "127.0.0.1:0"], "cannot read the keys"),
        (&["serve", "--max-memory", "1"], "--max-memory"),
    ] {
        let said = fail(folder.path(), arguments);
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}

/// So often it is killed.
const KILLED: usize = 100;
/// Clients that write meanwhile.
const WRITERS: usize = 3;

/// What was acknowledged is there after `kill -9`, as it was last acknowledged or as a change left it that was on its way.
#[test]
fn nothing_that_was_acknowledged_is_lost_when_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    // Of each writer the last change that was acknowledged of each document.
    let mut acknowledged: Vec<HashMap<String, usize>> = vec![HashMap::new(); WRITERS];
    let mut changes = 0;
    for round in 0..KILLED {
        let mut served = serve(folder.path(), &["--index", "notes"]);
        for (writer, known) in acknowledged.iter().enumerate() {
            for (id, change) in known {
                let (status, document) = get(&format!("{}/v1/documents/{id}", served.url));
                assert_eq!(status, 200, "round {round}: {id} of writer {writer} is lost");
                let kept = document["metadata"]["change"].as_u64().unwrap() as usize;
                assert!(kept >= *change, "round {round}: {id} is {kept}, and {change} was acknowledged");
                assert_eq!(document["text"], format!("Change {kept}."), "whole");
            }
        }
        let stop = Arc::new(AtomicBool::new(false));
        let said = Arc::new(Mutex::new(Vec::new()));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (stop, said, url) = (stop.clone(), said.clone(), format!("{}/v1/documents", served.url));
                thread::spawn(move || {
                    let agent = agent();
                    for n in 0.. {
                        let change = round * 100_000 + n;
                        let id = format!("{writer}-{}", n % 7);
                        let body = json!({"id": id, "text": format!("Change {change}."), "change": change}).to_string();
                        let sent = agent.post(&url).send(&body);
                        let acknowledged = sent.and_then(|mut answer| {
                            let status = answer.status().as_u16();
                            answer.body_mut().read_to_string().map(|_| status)
                        });
                        match acknowledged {
                            Ok(200) => said.lock().unwrap().push((writer, id, change)),
                            _ => return,
                        }
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                    }
                })
            })
            .collect();
        // Somewhere in a change, each time elsewhere.
        thread::sleep(Duration::from_micros(20_000 + (round as u64 * 7_919) % 40_000));
        served.child.kill().unwrap();
        served.child.wait().unwrap();
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        for (writer, id, change) in said.lock().unwrap().drain(..) {
            acknowledged[writer].insert(id, change);
            changes += 1;
        }
    }
    assert!(changes > 2 * KILLED, "only {changes} changes were acknowledged");
}
