//! What goes in, as people give it: folders that change, ids that meet, vectors, byte order marks.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::program::{command, fail, json, succeed, vetted};

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn index(folder: &Path, arguments: &[&str]) -> Value {
    json(&succeed(folder, &[&["index", "--into", "ix", "--json"], arguments].concat()))
}

fn listed(folder: &Path) -> Vec<String> {
    let list = succeed(folder, &["list", "--index", "ix", "--json"]);
    let mut ids: Vec<String> = list.lines().map(|line| json(line)["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_last_of_several_documents_with_one_id_counts_also_over_batches() {
    let folder = tempfile::tempdir().unwrap();
    let line = |id: usize, text: &str| format!("{{\"_id\": \"n{id}\", \"text\": \"{text}\"}}\n");
    // More than a batch between the two.
    let between: String = (1..600).map(|id| line(id, &format!("note {id}"))).collect();
    write(folder.path(), "dup.jsonl", line(0, "Parking is free.") + &between + &line(0, "Parking costs five euros."));
    for run in 0..3 {
        let counts = index(folder.path(), &["dup.jsonl"]);
        let expected = if run == 0 { [600, 0, 0, 1] } else { [0, 0, 600, 1] };
        let got = ["added", "replaced", "unchanged", "duplicates"].map(|key| counts[key].as_u64().unwrap());
        assert_eq!(got, expected, "run {run}");
        let text = json(&succeed(folder.path(), &["get", "n0", "--index", "ix", "--json"]))["text"].clone();
        assert_eq!(text, "Parking costs five euros.", "run {run}");
    }
    let output = vetted(folder.path(), &["index", "dup.jsonl", "--into", "ix"]);
    assert!(stderr(&output).contains("dup.jsonl:1: a later document is also called \"n0\""), "{}", stderr(&output));
}

#[test]
fn files_of_one_name_do_not_overwrite_each_other() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "d1/readme.md", "First folder says yes.");
    write(folder.path(), "d2/readme.md", "Second folder says no.");
    let message = fail(folder.path(), &["index", "d1", "d2", "--into", "ix"]);
    assert!(message.contains("d1/readme.md") && message.contains("d2/readme.md"), "{message}");
    assert!(!folder.path().join("ix").exists(), "nothing was made");

    index(folder.path(), &["d1"]);
    for input in ["d2", "d2/readme.md"] {
        let message = fail(folder.path(), &["index", input, "--into", "ix"]);
        assert!(message.contains("d1/readme.md") && message.contains("d2/readme.md"), "{message}");
    }
    assert_eq!(index(folder.path(), &["d1"])["unchanged"], 1);
    index(folder.path(), &["d2", "--folder-in-ids"]);
    assert_eq!(listed(folder.path()), ["d2/readme.md", "readme.md"]);
    // The first folder is gone: its name is free.
    fs::remove_dir_all(folder.path().join("d1")).unwrap();
    assert_eq!(index(folder.path(), &["d2"])["replaced"], 1);
}

#[test]
fn sync_removes_what_is_gone_and_says_what_it_would_do() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["notes/a.md", "notes/b.md", "notes/sub/c.md"] {
        write(folder.path(), name, format!("The text of {name}."));
    }
    write(folder.path(), "notes/d.pdf", include_bytes!("../../../corpus/tests/files/bells.pdf"));
    write(folder.path(), "notes/e.py", "print()");
    write(folder.path(), "other.jsonl", "{\"_id\": \"o\", \"text\": \"Other.\"}");
    let sync = |rest: &[&str]| vetted(folder.path(), &[&["sync", "notes", "--into", "ix"], rest].concat());
    let first = index(folder.path(), &["notes", "other.jsonl"]);
    assert_eq!((&first["added"], &first["unread"][".py"], &first["deleted"]), (&5.into(), &1.into(), &0.into()));
    fs::remove_file(folder.path().join("notes/b.md")).unwrap();
    write(folder.path(), "notes/.gitignore", "sub/");
    write(folder.path(), "notes/new.md", "New.");
    assert_eq!(index(folder.path(), &["notes"])["documents"], 6, "index removes nothing");

    let output = sync(&["--dry-run"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("would delete b.md\n") && said.contains("would delete sub/c.md\n"), "{said}");
    assert!(said.ends_with("would add 0, replace 0, leave 3 unchanged, delete 2\n"), "{said}");
    assert_eq!(listed(folder.path()).len(), 6);
    let output = sync(&["--json"]);
    let answer = json(&String::from_utf8_lossy(&output.stdout));
    assert_eq!((&answer["deleted"], &answer["documents"], &answer["unchanged"]), (&2.into(), &4.into(), &3.into()));
    assert!(stderr(&output).contains("not read: 1 .py"), "{}", stderr(&output));
    assert_eq!(listed(folder.path()), ["a.md", "d.pdf", "new.md", "o"]);
    let found =
        json(&succeed(folder.path(), &["search", "--index", "ix", "--mode", "bm25", "--json", "copper and tin"]));
    assert_eq!(found["hits"][0]["id"], "d.pdf", "{found}");

    // What cannot be read is not gone.
    fs::write(folder.path().join("notes/a.md"), b"caf\xe9").unwrap();
    assert_eq!(sync(&[]).status.code(), Some(1));
    let output = sync(&["--skip-bad"]);
    assert!(stderr(&output).contains("1 documents stay"), "{}", stderr(&output));
    assert_eq!(listed(folder.path()), ["a.md", "d.pdf", "new.md", "o"]);

    // An empty folder may be one that is not mounted.
    fs::remove_dir_all(folder.path().join("notes")).unwrap();
    fs::create_dir(folder.path().join("notes")).unwrap();
    let output = sync(&[]);
    assert!(output.status.code() == Some(1) && stderr(&output).contains("--allow-empty"), "{}", stderr(&output));
    assert!(sync(&["--allow-empty"]).status.success());
    assert_eq!(listed(folder.path()), ["o"]);
    // Nor is what was in it gone because another folder has something.
    write(folder.path(), "notes/again.md", "Again.");
    write(folder.path(), "full/f.md", "Full.");
    let both = |rest: &[&str]| vetted(folder.path(), &[&["sync", "notes", "full", "--into", "ix"], rest].concat());
    assert!(both(&[]).status.success());
    fs::remove_file(folder.path().join("notes/again.md")).unwrap();
    for rest in [&["--dry-run"][..], &[]] {
        let output = both(rest);
        assert!(output.status.code() == Some(1) && stderr(&output).contains("notes"), "{}", stderr(&output));
    }
    assert_eq!(listed(folder.path()), ["again.md", "f.md", "o"]);
    succeed(folder.path(), &["info", "--index", "ix", "--check"]);
}

#[cfg(unix)]
#[test]
fn a_folder_with_links_that_lead_nowhere_is_indexed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "notes/a.md", "Kale survives frost.");
    write(folder.path(), "notes/empty.txt", "");
    std::os::unix::fs::symlink("/nonexistent", folder.path().join("notes/broken")).unwrap();
    std::os::unix::fs::symlink("../notes", folder.path().join("notes/loop")).unwrap();
    let output = vetted(folder.path(), &["index", "notes", "--into", "ix", "--json"]);
    let answer = json(&String::from_utf8_lossy(&output.stdout));
    assert_eq!((&answer["added"], &answer["broken_links"], &answer["empty"]), (&1.into(), &2.into(), &1.into()));
    let said = stderr(&output);
    assert!(said.contains("notes/broken -> /nonexistent leads nowhere"), "{said}");
    assert!(said.contains("notes/loop -> ../notes leads back"), "{said}");
    assert!(said.contains("not indexed: 1 empty file"), "{said}");
}

#[test]
fn vectors_are_checked_where_they_stand_and_search_without_a_text() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        r#"{"_id": "bad", "text": "Kale survives frost.", "vec": [1.0, 0.0, "x"]}"#,
        r#"{"_id": "a", "text": "Kale survives frost.", "vec": [1.0, 0.0, 0.0]}"#,
        r#"{"_id": "short", "text": "Tea turns bitter.", "vec": [1.0, 0.0]}"#,
        r#"{"_id": "large", "text": "Tea turns bitter.", "vec": [1e39, 0.0, 0.0]}"#,
        r#"{"_id": "zero", "text": "Tea turns bitter.", "vec": [0.0, 0.0, 0.0]}"#,
        r#"{"_id": "b", "text": "The dog bit the man.", "vec": [0.0, 1.0, 0.0]}"#,
    ];
    write(folder.path(), "v.jsonl", lines.join("\n"));
    let message = fail(folder.path(), &["index", "v.jsonl", "--vectors", "vec", "--into", "ix"]);
    assert!(message.contains("v.jsonl:1: the vector of document \"bad\""), "{message}");
    let options = ["v.jsonl", "--vectors", "vec", "--skip-bad"];
    let answer = index(folder.path(), &options);
    assert_eq!((&answer["added"], &answer["skipped"]), (&2.into(), &4.into()));
    // The index knows where vectors are.
    let again = index(folder.path(), &["v.jsonl", "--skip-bad"]);
    assert_eq!((&again["unchanged"], &again["skipped"]), (&2.into(), &4.into()));

    let search = ["search", "--index", "ix", "--vector", "[0.1, 0.9, 0]", "--json"];
    let found = json(&succeed(folder.path(), &search));
    assert_eq!(found["hits"][0]["id"], "b", "{found}");
    assert_eq!(found["hits"][0]["reason"], "query-without-text", "{found}");
    write(
        folder.path(),
        "q.jsonl",
        "\u{feff}{\"_id\": \"q1\", \"vec\": [0, 1, 0]}\n{\"_id\": \"q2\", \"vector\": [1, 0, 0], \"text\": \"Kale survives frost.\"}\n",
    );
    let answers = succeed(folder.path(), &["search", "--index", "ix", "--queries", "q.jsonl", "--json"]);
    let first: Vec<(Value, Value)> =
        answers.lines().map(json).map(|it| (it["query_id"].clone(), it["hits"][0]["id"].clone())).collect();
    assert_eq!(first, [("q1".into(), "b".into()), ("q2".into(), "a".into())]);
    for (vector, problem) in
        [("[1, 0]", "--vector has 2 dimensions; expected 3"), ("[0,0,0]", "all zeros"), ("x", "JSON")]
    {
        let message = fail(folder.path(), &["search", "--index", "ix", "--vector", vector]);
        assert!(message.contains(problem), "{message}");
    }
    write(folder.path(), "bad.jsonl", "\n{\"vec\": [1e39, 0, 0]}\n");
    let message = fail(folder.path(), &["search", "--index", "ix", "--queries", "bad.jsonl"]);
    assert!(message.contains("bad.jsonl:2: the vector in the field \"vec\" has 1e39"), "{message}");
}

#[test]
fn candidates_and_queries_are_json_behind_blanks_and_keep_their_ids() {
    let folder = tempfile::tempdir().unwrap();
    let lines = "\u{feff}{\"_id\": \"c1\", \"text\": \"The dog bit the man.\"}\r\n  {\"id\": 7, \"text\": \"The dog bit the man.\"}\n\
                 The dog bit the man.\n";
    write(folder.path(), "c.jsonl", lines);
    let verify = ["verify", "-q", "The dog bit the man.", "--json", "--candidates"];
    let from_file = json(&succeed(folder.path(), &[&verify[..], &["c.jsonl"]].concat()));
    let mut piped = command(folder.path(), &[&verify[..], &["-"]].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    piped.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let piped = json(&String::from_utf8_lossy(&piped.wait_with_output().unwrap().stdout));
    assert_eq!(from_file, piped);
    let results = from_file["results"].as_array().unwrap();
    let ids: Vec<&Value> = results.iter().map(|result| &result["id"]).collect();
    assert_eq!(ids, [&Value::from("c1"), &"7".into(), &Value::Null]);
    for result in results {
        assert_eq!(result["candidate"], "The dog bit the man.");
        assert_eq!(result["p_match"], results[0]["p_match"], "all three are the same text");
    }
    for (content, expected) in [
        (&b"a\n {\"text\": oops}\n"[..], "bad:2:11: malformed JSON"),
        (b"a\n{\"_id\": \"x\"}\n", "bad:2: the object has no string `text`"),
        (b"a\n\xff\xfe\x00\n", "bad:2: invalid UTF-8 at byte 2"),
    ] {
        write(folder.path(), "bad", content);
        let message = fail(folder.path(), &[&verify[..], &["bad"]].concat());
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn documents_are_listed_and_printed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "n/a.md", "# Frost\n\n    Kale \u{1b}[31msurvives.\n");
    write(folder.path(), "m.jsonl", "{\"_id\": \"m\", \"text\": \"Tea.\", \"year\": 2021}");
    index(folder.path(), &["n", "m.jsonl"]);
    let list = succeed(folder.path(), &["list", "--index", "ix"]);
    assert_eq!(list.lines().collect::<Vec<_>>(), ["Frost  a.md", "m"]);
    let first = succeed(folder.path(), &["list", "--index", "ix", "--json"]);
    let origin = folder.path().canonicalize().unwrap().join("n/a.md");
    assert_eq!(json(first.lines().next().unwrap())["origins"][0], origin.to_str().unwrap());
    let got = succeed(folder.path(), &["get", "a.md", "m", "--index", "ix"]);
    assert!(got.contains("\nKale \\u{1b}[31msurvives.\n") && got.contains("year: 2021"), "{got}");
    let message = fail(folder.path(), &["get", "m", "nobody", "--index", "ix"]);
    assert!(message.contains("not in ix: nobody"), "{message}");
}
