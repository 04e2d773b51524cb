//! What the models say that come with vetted: the default encoder (fetched once, 91 MB) and the shipped verifier. Training them
//! anew may change these tests and no other.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

fn vetted(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_vetted")).args(arguments).current_dir(folder).output().unwrap()
}

/// Standard output of a run that must succeed.
fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = vetted(folder, arguments);
    assert!(output.status.success(), "vetted {arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Documents, one a line, indexed into `ix`.
fn indexed(lines: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.jsonl"), lines.join("\n")).unwrap();
    succeed(folder.path(), &["index", "notes.jsonl", "--into", "ix"]);
    folder
}

fn search(folder: &TempDir, query: &str) -> Value {
    serde_json::from_str(&succeed(folder.path(), &["search", "--index", "ix", "--json", query])).unwrap()
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap()).collect()
}

#[test]
fn the_demo_shows_an_accept_a_reject_with_its_reason_and_an_abstain() {
    let folder = tempfile::tempdir().unwrap();
    let shown = succeed(folder.path(), &["demo"]);
    for part in [
        "vector search alone puts first: Merger news  acquire-a  (left out below)",
        "vector search alone puts first: Frost and tomatoes  frost-tomato  (left out below)",
        "reject: contradicts",
        "Tomato plants die in the first frost.",
        "Quarterly figures, autumn",
        "accept: supports",
        "abstain",
        "Animal control report 114",
    ] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
    let own = succeed(folder.path(), &["demo", "Kale survives hard frost."]);
    assert!(own.contains("Frost and kale  frost-kale  (and it is accepted)"), "{own}");
}

#[test]
fn what_is_meant_is_found_in_other_words() {
    let folder = indexed(&[
        r#"{"_id": "dog", "title": "Report", "text": "A dog bit a man on Harbour Street."}"#,
        r#"{"_id": "tea", "title": "Green tea", "text": "Let the kettle stand until the water is at seventy degrees."}"#,
        r#"{"_id": "kale", "title": "Frost", "text": "Kale survives frost, tomatoes do not."}"#,
    ]);
    for (query, expected) in [
        ("how hot should it be for a brew?", "tea"),
        ("which vegetable bears the cold?", "kale"),
        ("an animal injured somebody", "dog"),
    ] {
        assert_eq!(ids(&search(&folder, query)["hits"])[0], expected, "{query}");
    }
}

#[test]
fn a_near_miss_is_left_out_and_what_supports_is_accepted() {
    let folder = indexed(&[
        r#"{"_id": "dog", "text": "The dog bit the man."}"#,
        r#"{"_id": "man", "text": "The man bit the dog."}"#,
        r#"{"_id": "tea", "text": "Green tea turns bitter in boiling water."}"#,
    ]);
    for query in ["The dog bit the man.", "The man was bitten by the dog."] {
        let found = search(&folder, query);
        assert_eq!((ids(&found["hits"])[0], ids(&found["rejected"])), ("dog", vec!["man"]), "{query}: {found}");
        assert_eq!(found["hits"][0]["verdict"], "accept", "{query}: {found}");
        assert!(ids(&found["hits"]).contains(&"tea"), "what is merely about something else stays: {found}");
    }
}

#[test]
fn of_two_that_say_nearly_the_same_the_worse_one_is_left_out() {
    let folder = indexed(&[
        r#"{"_id": "right", "text": "Each repeat comprises two helices joined by a short loop. It was found in 2011."}"#,
        r#"{"_id": "wrong", "text": "Hardly any repeat comprises two helices joined by a short loop. It was found in 2011."}"#,
    ]);
    let found = search(&folder, "How many helices does each repeat comprise, joined by a short loop?");
    assert_eq!((ids(&found["hits"]), ids(&found["rejected"])), (vec!["right"], vec!["wrong"]), "{found}");
}
