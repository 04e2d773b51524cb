//! The commands over an index on Qdrant say what they say over a folder. Where `VETTED_QDRANT_PYTHON` names nothing that can stand in for
//! its server, they say that they were skipped; CI sets it.

use std::path::Path;

use serde_json::{Value, json};
use vetted_fixtures::qdrant_server::Server;

use crate::program::{command, json as parsed, succeed};
use crate::serving::{delete, get, post, serve};

const NOTES: &str = r#"{"id": "dog", "text": "The dog bit the man.", "year": 2021}
{"id": "man", "text": "The man bit the dog.", "year": 2022}
{"id": "tea", "title": "Tea", "text": "Green tea turns bitter in boiling water.", "year": 2019}
{"id": "boat", "text": "Mara sold the old boat to Jonas in May."}
"#;

#[test]
fn the_same_commands_give_the_same_answers() {
    let Some(server) = Server::start(&[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("notes.jsonl"), NOTES).unwrap();
    let remote = format!("{}/notes", server.url());
    for place in ["local", &remote] {
        let said = parsed(&succeed(folder, &["index", "notes.jsonl", "--into", place, "--json"]));
        assert_eq!(
            (&said["added"], &said["documents"], &said["index"]),
            (&4.into(), &4.into(), &place.into()),
            "{said}"
        );
    }
    let search = |place: &str, arguments: &[&str]| {
        let mut answer = parsed(&succeed(folder, &[&["search", "--json", "--index", place], arguments].concat()));
        answer.as_object_mut().unwrap().remove("ms");
        answer
    };
    for arguments in [
        &["who was bitten by the dog?"][..],
        &["the dog bit the man", "--mode", "hybrid", "--evidence", "--verify", "flag"],
        &["tea", "--filter", "year<2020", "--mode", "bm25"],
    ] {
        assert_eq!(search(&remote, arguments), search("local", arguments), "{arguments:?}");
    }
    // What is gone from a file is gone from both.
    std::fs::write(folder.join("notes.jsonl"), NOTES.lines().skip(1).collect::<Vec<_>>().join("\n")).unwrap();
    for place in ["local", &remote] {
        let said = parsed(&succeed(folder, &["sync", "notes.jsonl", "--into", place, "--json"]));
        assert_eq!((&said["deleted"], &said["unchanged"]), (&1.into(), &3.into()), "{said}");
        assert!(succeed(folder, &["delete", "--index", place, "--filter", "year=2022"]).contains("2 left"));
        succeed(folder, &["info", "--check", "--index", place]);
    }
    // And a server over it.
    let served = serve(folder, &["--index", &remote]);
    let url = |path: &str| format!("{}{path}", served.url);
    let (status, said) = post(&url("/v1/documents"), &json!({"documents": [{"id": "7", "text": "The dog bit Ann."}]}));
    assert_eq!((status, &said["added"], &said["index"]), (200, &1.into(), &"notes".into()), "{said}");
    let (status, found) = post(&url("/v1/search"), &json!({"query": "The dog bit Ann.", "k": 1}));
    assert_eq!((status, &found["hits"][0]["id"]), (200, &"7".into()), "{found}");
    assert_eq!(found["not_asked"], Value::Null);
    assert_eq!(delete(&url("/v1/documents/7")).0, 200);
    assert_eq!(get(&url("/v1/documents/7")).0, 404);
}

#[test]
fn no_key_is_printed_whatever_goes_wrong() {
    let Some(server) = Server::start(&["--key", "hunter2"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder: &Path = folder.path();
    std::fs::write(folder.join("notes.jsonl"), NOTES).unwrap();
    // From the environment, so that it is in no list of processes either.
    let run = |key: &str, name: &str, arguments: &[&str]| {
        let place = format!("qdrant://127.0.0.1:{}/{name}", server.port);
        command(folder, arguments).env("VETTED_INDEX", place).env("QDRANT_API_KEY", key).output().unwrap()
    };
    let mut said = vec![
        run("hunter2", "notes", &["index", "notes.jsonl"]),
        run("hunter2", "notes", &["search", "dog", "--json"]),
        run("hunter2", "notes", &["info"]),
        run("hunter2", "notes", &["search", "--help"]),
    ];
    assert!(said.iter().all(|output| output.status.success()), "{said:?}");
    for (key, name) in [("hunter3", "notes"), ("hunter2", "none"), ("hunter2", "notes?x=y"), ("", "notes")] {
        said.push(run(key, name, &["search", "dog"]));
        assert!(!said.last().unwrap().status.success());
    }
    let written = format!("qdrant://:hunter3@127.0.0.1:{}/notes", server.port);
    said.push(command(folder, &["search", "dog", "--index", &written]).output().unwrap());
    for output in said {
        let all = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!all.contains("hunter"), "{all}");
    }
}
