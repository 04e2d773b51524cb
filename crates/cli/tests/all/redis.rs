//! The commands over an index on a real Redis say what they say over a folder. Where `VETTED_REDIS_SERVER` names no Redis, they say
//! that they were skipped; CI sets it.

use std::path::Path;

use serde_json::{Value, json};
use vetted_fixtures::redis_server::{Cluster, Server};

use crate::program::{command, fail, json as parsed, succeed};
use crate::serving::{delete, get, post, serve};

const NOTES: &str = r#"{"id": "dog", "text": "The dog bit the man.", "year": 2021}
{"id": "man", "text": "The man bit the dog.", "year": 2022}
{"id": "tea", "title": "Tea", "text": "Green tea turns bitter in boiling water.", "year": 2019}
{"id": "boat", "text": "Mara sold the old boat to Jonas in May."}
"#;

/// An answer without how long it took.
fn answer(folder: &Path, arguments: &[&str]) -> Value {
    let mut answer = parsed(&succeed(folder, arguments));
    answer.as_object_mut().unwrap().remove("ms");
    answer
}

#[test]
fn the_same_commands_give_the_same_answers() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("notes.jsonl"), NOTES).unwrap();
    let remote = format!("redis://127.0.0.1:{}/notes", cluster.nodes[0].port);
    for place in ["local", &remote] {
        let said = parsed(&succeed(folder, &["index", "notes.jsonl", "--into", place, "--json"]));
        assert_eq!((&said["added"], &said["documents"]), (&4.into(), &4.into()), "{said}");
        assert_eq!(
            said["index"],
            if place == "local" { "local".into() } else { json!(place.replace("/notes", "/0/notes")) }
        );
    }
    for arguments in [
        &["who was bitten by the dog?"][..],
        &["the dog bit the man", "--mode", "bm25"],
        &["the dog bit the man", "--mode", "hybrid", "--evidence", "--verify", "flag"],
        &["boat in May", "--filter", "not exists year", "-k", "1"],
        &["tea", "--filter", "year<2020", "--mode", "hybrid-rrf"],
    ] {
        let search = |place: &str| answer(folder, &[&["search", "--json", "--index", place], arguments].concat());
        assert_eq!(search(&remote), search("local"), "{arguments:?}");
    }
    for (arguments, index) in [(&["get", "tea", "--json"][..], 1), (&["info"], 1)] {
        let say =
            |place: &str| succeed(folder, &[&arguments[..index], &["--index", place], &arguments[index..]].concat());
        let same = |text: String| {
            text.lines()
                .filter(|it| !it.contains("of them views") && !it.contains("changed"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(same(say(&remote)), same(say("local")), "{arguments:?}");
    }
    let listed = |place: &str| {
        let mut lines: Vec<String> =
            succeed(folder, &["list", "--json", "--index", place]).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(listed(&remote), listed("local"));
    // What is gone from a file is gone from both.
    std::fs::write(folder.join("notes.jsonl"), NOTES.lines().skip(1).collect::<Vec<_>>().join("\n")).unwrap();
    for place in ["local", &remote] {
        let said = parsed(&succeed(folder, &["sync", "notes.jsonl", "--into", place, "--json"]));
        assert_eq!((&said["deleted"], &said["unchanged"]), (&1.into(), &3.into()), "{said}");
        assert!(succeed(folder, &["delete", "--index", place, "--filter", "year=2022"]).contains("2 left"));
        succeed(folder, &["info", "--check", "--index", place]);
    }
}

#[test]
fn a_server_serves_and_changes_an_index_on_redis_and_says_what_it_could_not_ask() {
    let Some(mut cluster) = Cluster::start(&["cluster-require-full-coverage no", "cluster-allow-reads-when-down yes"])
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let place = format!("redis://127.0.0.1:{}/notes", cluster.nodes[0].port);
    let served = serve(folder.path(), &["--index", &place]);
    let url = |path: &str| format!("{}{path}", served.url);
    let documents: Vec<Value> = (0..30)
        .map(|number| json!({"id": format!("{number}"), "text": format!("The dog number {number} bit the man."), "even": number % 2 == 0}))
        .collect();
    let (status, said) = post(&url("/v1/documents"), &json!({"documents": documents}));
    assert_eq!((status, &said["added"], &said["index"]), (200, &30.into(), &"notes".into()), "{said}");
    assert_eq!(get(&url("/v1/documents/7")).1["text"], "The dog number 7 bit the man.");
    assert_eq!(delete(&url("/v1/documents/7")).0, 200);
    assert_eq!(get(&url("/v1/documents/7")).0, 404);
    let (_, indexes) = get(&url("/v1/indexes"));
    assert_eq!(indexes["indexes"][0]["documents"], 29, "{indexes}");
    let search = json!({"query": "The dog number 3 bit the man.", "k": 29, "verify": "off", "filter": ["exists even"]});
    let (status, whole) = post(&url("/v1/search"), &search);
    assert_eq!((status, whole["hits"].as_array().unwrap().len()), (200, 29), "{whole}");
    assert_eq!(whole["not_asked"], Value::Null);
    // A node is gone: the others answer, and it is said whose answer is missing.
    cluster.nodes[2].kill();
    let (status, part) = post(&url("/v1/search"), &search);
    assert_eq!(status, 200, "{part}");
    let hits = part["hits"].as_array().unwrap().len();
    assert!((5..29).contains(&hits), "{part}");
    assert_eq!(part["not_asked"][0]["part"], "shard 3 of 3", "{part}");
    let said = command(folder.path(), &["search", "dog", "--index", &place, "--verify", "off"]).output().unwrap();
    assert!(String::from_utf8_lossy(&said.stderr).contains("shard 3 of 3"), "{said:?}");
    assert!(said.status.success());
}

#[test]
fn no_password_is_printed_whatever_goes_wrong() {
    let Some(server) = Server::start(&["requirepass hunter2"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let place = |password: &str, rest: &str| format!("redis://:{password}@127.0.0.1:{}/{rest}", server.port);
    std::fs::write(folder.path().join("notes.jsonl"), NOTES).unwrap();
    // From the environment, so that it is in no list of processes either.
    let run = |place: &str, arguments: &[&str]| {
        command(folder.path(), arguments).env("VETTED_INDEX", place).output().unwrap()
    };
    let right = place("hunter2", "notes");
    let mut said =
        vec![run(&right, &["index", "notes.jsonl"]), run(&right, &["search", "dog", "--json"]), run(&right, &["info"])];
    assert!(said.iter().all(|output| output.status.success()), "{said:?}");
    said.push(run(&right, &["search", "--help"]));
    said.push(run(&right, &["serve", "--help"]));
    said.push(run(&right, &["get", "nothing"]));
    said.push(run(&right, &["index", "notes.jsonl", "--max-tokens", "9"]));
    for wrong in
        [place("hunter3", "notes"), place("hunter2", "none"), place("hunter2", "a b"), place("hunter2", "notes?x=y")]
    {
        said.push(run(&wrong, &["search", "dog"]));
        said.push(run(&wrong, &["serve", "--listen", "127.0.0.1:0", "--read-only"]));
        assert!(!said.last().unwrap().status.success());
    }
    for output in said {
        let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!all.contains("hunter"), "{all}");
    }
    assert!(fail(folder.path(), &["search", "dog", "--index", "qdrant://127.0.0.1/notes"]).contains("qdrant://"));
}
