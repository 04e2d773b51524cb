//! Search with both tiers as people run it: verdicts, exit status, what is left out, what is never accepted.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{fail, json, succeed, vetted};

/// A folder with statements, some of them near-misses of each other, indexed into `ix`.
fn statements() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        r#"{"_id": "dog", "text": "The dog bit the man."}"#,
        r#"{"_id": "man", "text": "The man bit the dog."}"#,
        r#"{"_id": "tea", "text": "Green tea turns bitter in boiling water."}"#,
        r#"{"_id": "long", "text": "The museum was built in 1911. It stands beside the river. The dog bit the man at its gate."}"#,
        r#"{"_id": "void", "title": "The dog that bit the man", "text": ""}"#,
    ];
    fs::write(folder.path().join("notes.jsonl"), lines.join("\n")).unwrap();
    succeed(folder.path(), &["index", "notes.jsonl", "--into", "ix"]);
    folder
}

fn hits(answer: &Value) -> Vec<&str> {
    answer["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap()).collect()
}

#[test]
fn a_near_miss_is_left_out_and_what_supports_is_accepted() {
    let folder = statements();
    let query = "The dog bit the man.";
    let found = json(&succeed(folder.path(), &["search", "--index", "ix", "--json", query]));
    assert_eq!((hits(&found)[0], &found["verified"]), ("dog", &Value::Bool(true)), "{found}");
    assert_eq!(found["rejected"][0]["id"], "man", "{found}");
    let rejected = &found["rejected"][0];
    assert_eq!((&rejected["verdict"], &rejected["reason"]), (&"reject".into(), &"contradicts".into()), "{found}");
    assert_eq!(
        (&rejected["finding"], &rejected["window"]["text"]),
        (&"contradicts".into(), &"The man bit the dog.".into())
    );
    let first = &found["hits"][0];
    assert_eq!((&first["verdict"], &first["window"]["text"]), (&"accept".into(), &query.into()));
    assert!(first["evidence"].is_null() && found["ms"]["evidence"].is_null(), "nobody asked for it: {found}");
    let tea = found["hits"].as_array().unwrap().iter().find(|hit| hit["id"] == "tea").expect("another subject stays");
    assert_eq!((&tea["verdict"], &tea["finding"]), (&"abstain".into(), &"neither".into()), "{found}");
    let search = ["search", "--index", "ix", "--json", "--evidence", query];
    let explained = json(&succeed(folder.path(), &search));
    assert!(!explained["hits"][0]["evidence"].as_array().unwrap().is_empty(), "{explained}");
    assert!(explained["ms"]["evidence"].as_f64() < explained["ms"]["total"].as_f64(), "{explained}");

    let flagged = json(&succeed(folder.path(), &["search", "--index", "ix", "--json", "--verify", "flag", query]));
    let off = json(&succeed(folder.path(), &["search", "--index", "ix", "--json", "--verify", "off", query]));
    assert_eq!(hits(&flagged), hits(&off), "a flag changes no rank");
    for (flagged, off) in flagged["hits"].as_array().unwrap().iter().zip(off["hits"].as_array().unwrap()) {
        assert_eq!(flagged["score"], off["score"]);
        assert!(off["verdict"].is_null() && off["recall_rank"].is_null());
    }
    let shown = succeed(folder.path(), &["search", "--index", "ix", query]);
    assert!(shown.contains("accept: supports") && shown.contains("left out") && !shown.contains(" ~ "), "{shown}");
    assert!(shown.contains("reject: contradicts") && shown.contains("The man bit the dog."), "{shown}");
    assert!(succeed(folder.path(), &["search", "--index", "ix", "--evidence", query]).contains("dog ~ dog"));
}

#[test]
fn the_exit_status_says_whether_anything_can_be_vouched_for() {
    let folder = statements();
    let status = |rest: &[&str]| {
        let output = vetted(folder.path(), &[&["search", "--index", "ix", "--json"], rest].concat());
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let nothing = "Mara sold the old boat to Jonas in May.";
    let (code, text) = status(&["--require-verified", nothing]);
    let found = json(&text);
    assert_eq!((code, &found["verified"], hits(&found).is_empty()), (Some(3), &Value::Bool(false), false), "{text}");
    assert_eq!(status(&[nothing]).0, Some(0), "nobody asked for more");
    let (code, text) = status(&["dog man"]);
    assert_eq!((code, &json(&text)["hits"][0]["reason"]), (Some(0), &"query-too-short".into()), "{text}");
    assert_eq!(status(&["--require-verified", "The dog bit the man."]).0, Some(0));
    assert_eq!(status(&["--verify", "off", nothing]).0, Some(0));
    assert_eq!(status(&["--require-verified", "--verify", "off", nothing]).0, Some(2), "that cannot be had");
    assert_eq!(status(&["--verify", "penalty", nothing]).0, Some(2));
    fs::write(folder.path().join("queries"), format!("The dog bit the man.\n{nothing}\n")).unwrap();
    assert_eq!(status(&["--queries", "queries"]).0, Some(0));
    assert_eq!(status(&["--require-verified", "--queries", "queries"]).0, Some(3), "one of them finds nothing");
    let verify = |rest: &[&str]| vetted(folder.path(), &[&["verify", "-q", nothing], rest].concat()).status.code();
    assert_eq!(verify(&["-c", "Kale survives hard frost."]), Some(0));
    assert_eq!(verify(&["--require-verified", "-c", "Kale survives hard frost."]), Some(3));
    assert_eq!(verify(&["--require-verified", "-c", nothing]), Some(0));
}

#[test]
fn nothing_unread_is_accepted_and_the_reason_is_given() {
    let folder = statements();
    let why = |rest: &[&str]| {
        let found = json(&succeed(folder.path(), &[&["search", "--index", "ix", "--json"], rest].concat()));
        let hit = found["hits"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(hit["verdict"], "unverified", "{found}");
        let (reason, why) = (hit["reason"].as_str().unwrap(), hit["why"].as_str().unwrap());
        format!("{reason}: {why}")
    };
    let query = "The dog bit the man.";
    assert!(why(&["--budget-ms", "0", query]).contains("budget-spent: the time"));
    assert!(why(&["--depth", "1", query]).starts_with("beyond-depth: "));
    assert!(why(&[&query.repeat(40)]).starts_with("query-too-long: "));
}

#[test]
fn hits_are_filled_up_from_deeper_candidates() {
    let folder = statements();
    let search = |k: &str| {
        json(&succeed(folder.path(), &["search", "--index", "ix", "--json", "-k", k, "The dog bit the man."]))
    };
    assert!(!search("3")["rejected"].as_array().unwrap().is_empty());
    assert_eq!(search("3")["hits"].as_array().unwrap().len(), 3);
    assert_eq!(search("2")["hits"][1]["rank"], 2);
}

#[test]
fn a_wrong_verifier_is_told() {
    let folder = statements();
    assert!(fail(folder.path(), &["search", "--index", "ix", "--verifier", "nowhere", "x"]).contains("nowhere"));
    succeed(folder.path(), &["search", "--index", "ix", "--verifier", "nowhere", "--verify", "off", "x"]);
}

#[test]
fn an_index_may_keep_nothing_and_gives_the_same_answers() {
    let folder = statements();
    succeed(folder.path(), &["index", "notes.jsonl", "--into", "bare", "--views", "none"]);
    let find = |index: &str| {
        let mut found = json(&succeed(folder.path(), &["search", "--index", index, "--json", "The dog bit the man."]));
        found["ms"] = Value::Null;
        found
    };
    assert_eq!(find("ix"), find("bare"));
    let info = |index: &str| json(&succeed(folder.path(), &["info", "--index", index, "--json"]));
    assert!(info("ix")["bytes_of_views"].as_u64() > info("bare")["bytes_of_views"].as_u64());
    assert_eq!(info("bare")["settings"]["views"], "none");
}

#[test]
fn what_says_nearly_the_same_and_supports_less_is_left_out_with_its_rival() {
    let folder = statements();
    let query = "The dog bit the man.";
    let found = json(&succeed(folder.path(), &["search", "--index", "ix", "--json", query]));
    let rejected = found["rejected"].as_array().unwrap();
    let beside = rejected.iter().find(|candidate| candidate["id"] == "void").unwrap();
    assert_eq!((&beside["rival"], &beside["verdict"]), (&"dog".into(), &"reject".into()), "{found}");
    assert_eq!(beside["reason"], "rival", "{found}");
    assert!(beside["kind"].is_string(), "whatever is rejected says in what it differs: {found}");
    let shown = succeed(folder.path(), &["search", "--index", "ix", query]);
    assert!(shown.contains("reject: says nearly the same as dog, which supports the query better"), "{shown}");
}

#[test]
fn a_retriever_of_ones_own_brings_vectors_or_candidates() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let lines = [
        r#"{"_id": "dog", "text": "The dog bit the man.", "vector": [1, 0]}"#,
        r#"{"_id": "man", "text": "The man bit the dog.", "vector": [0.9, 0.1]}"#,
    ];
    fs::write(path.join("notes.jsonl"), lines.join("\n")).unwrap();
    succeed(path, &["index", "notes.jsonl", "--into", "ix", "--vectors", "vector"]);
    fn search<'a>(rest: &[&'a str]) -> Vec<&'a str> {
        [&["search", "--index", "ix", "--json"], rest].concat()
    }
    let query = "The man was bitten by the dog.";
    let found = json(&succeed(path, &search(&["--vector", "[1, 0]", query])));
    assert_eq!((hits(&found), &found["rejected"][0]["id"]), (vec!["dog"], &"man".into()), "{found}");
    fs::write(path.join("queries.jsonl"), format!(r#"{{"_id": "q", "text": "{query}", "vector": [1, 0]}}"#)).unwrap();
    let many = json(&succeed(path, &search(&["--queries", "queries.jsonl"])));
    assert_eq!(hits(&many), ["dog"]);

    assert!(fail(path, &search(&[query])).contains("--vector"));
    assert!(fail(path, &search(&["--vector", "[1, x]", query])).contains("JSON array of numbers"));
    assert!(fail(path, &search(&["--vector", "[1]", query])).contains("dimension"));
    let nameless = fail(path, &["index", "notes.jsonl", "--into", "other", "--vectors", "embedding"]);
    assert!(nameless.contains("embedding") && nameless.contains("dog"), "{nameless}");

    let verify = |file: &str| vetted(path, &["verify", "--json", "-q", query, "--candidates", file]);
    fs::write(path.join("found.txt"), "The dog bit the man.\n{\"text\": \"The man bit the dog.\"}\n").unwrap();
    let judged = json(&String::from_utf8(verify("found.txt").stdout).unwrap());
    let verdicts: Vec<&Value> = judged["results"].as_array().unwrap().iter().map(|it| &it["verdict"]).collect();
    assert_eq!(verdicts, ["accept", "reject"], "{judged}");
    fs::write(path.join("bad.jsonl"), "{\"title\": 1}").unwrap();
    assert!(String::from_utf8_lossy(&verify("bad.jsonl").stderr).contains("bad.jsonl:1"));
    assert!(String::from_utf8_lossy(&verify("absent.txt").stderr).contains("cannot open absent.txt"));
}

#[test]
fn what_happens_is_said_on_standard_error_as_far_as_is_asked_for() {
    let folder = statements();
    let errors = |log: &str| {
        let output = vetted(folder.path(), &["search", "--index", "ix", "--log", log, "The dog bit the man."]);
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(errors("warn"), "");
    let stages = errors("vetted=debug");
    for stage in ["encode", "recall", "verify", "documents", "verify_ms"] {
        assert!(stages.contains(stage), "{stage} is missing in\n{stages}");
    }
}
