//! What people and scripts are told: no control character of a document reaches a terminal, errors say their cause once and in
//! time, and exit statuses and JSON say what happened.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{command, fail, json, succeed, vetted};

/// NUL, ESC, a C1 control and an override of direction.
const HARMFUL: [char; 4] = ['\0', '\u{1b}', '\u{9b}', '\u{202e}'];

fn assert_harmless(what: &str, text: &str) {
    for c in HARMFUL {
        assert!(!text.contains(c), "{what} has a raw {}: {text:?}", c.escape_unicode());
    }
}

/// A folder with an index of one hostile document, whose words are ordinary.
fn hostile() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let harmful: String = HARMFUL.iter().collect();
    let document = serde_json::json!({
        "_id": format!("id{harmful}"),
        "title": format!("Title{harmful}"),
        "text": format!("The kettle{harmful}[31m is on the red stove."),
    });
    fs::write(folder.path().join("in.jsonl"), document.to_string()).unwrap();
    succeed(folder.path(), &["index", "in.jsonl", "--into", "ix"]);
    folder
}

#[test]
fn no_control_character_of_a_document_reaches_a_terminal() {
    let folder = hostile();
    let harmful: String = HARMFUL.iter().filter(|c| **c != '\0').collect(); // no argument can hold a NUL
    let path = |name: &str| folder.path().join(name);
    let line = format!("candidate{harmful}");
    fs::write(path("lines.txt"), format!("{line}\n")).unwrap();
    fs::write(
        path("bad.jsonl"),
        format!("{{\"_id\": \"a\", \"text\": \"x\"}}\n{{\"_id\": \"b{harmful}\", \"text\": 7}}\n"),
    )
    .unwrap();
    fs::write(path("questions"), format!("{{\"_id\": \"q{harmful}\", \"text\": \"\"}}\nkettle{harmful}\n")).unwrap();
    let name = format!("file{harmful}.jsonl");
    fs::write(path(&name), "{oops\n").unwrap();
    let cases: &[&[&str]] = &[
        &["search", "--index", "ix", "is the kettle on?"],
        &["search", "--index", "ix", "--verify", "off", "--mode", "bm25", "kettle"],
        &["search", "--index", "ix", "--evidence", "The kettle is on the stove."],
        &["search", "--index", "ix", "--queries", "questions"],
        &["verify", "--evidence", "-q", &line, "-c", &line],
        &["verify", "-q", "the candidate stands here", "--candidates", "lines.txt"],
        &["verify", "-q", "x", "-c", "x", "--verifier", &name],
        &["index", "bad.jsonl", "--into", "other", "--skip-bad"],
        &["index", &name, "--into", "other"],
        &["index", "in.jsonl", "--into", "other", "--model", &name],
        &["search", "--index", &name, "x"],
        &["models", "path", &name],
        &["--log", "trace", "search", "--index", "ix", "is the kettle on?"],
    ];
    for case in cases {
        let output = vetted(folder.path(), case);
        assert_harmless(&format!("{case:?}"), &String::from_utf8_lossy(&output.stdout));
        assert_harmless(&format!("{case:?}"), &String::from_utf8_lossy(&output.stderr));
    }
    let found = succeed(folder.path(), &["search", "--index", "ix", "--verify", "off", "kettle"]);
    assert!(found.contains("kettle\\u{0}\\u{1b}\\u{9b}\\u{202e}[31m is on the red stove."), "{found}");
    // For programs, all of it.
    let found = succeed(folder.path(), &["search", "--index", "ix", "--json", "kettle"]);
    assert_harmless("JSON", &found);
    assert!(json(&found)["hits"][0]["snippet"]["text"].as_str().unwrap().contains('\0'));
}

#[cfg(feature = "study")]
#[test]
fn reports_of_hostile_files_are_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = "source\tphenomenon\tequiv\ts1\ts2\n\
        a\u{1b}[2J\tswap\u{202e}\t1\tThe dog ran.\tThe dog ran.\n\
        a\u{1b}[2J\tswap\u{202e}\t0\tThe dog ran.\tThe cat slept.\n";
    fs::write(folder.path().join("pairs.tsv"), pairs).unwrap();
    let shown = succeed(folder.path(), &["eval", "pairs", "--data", "pairs.tsv", "--scorer", "f1"]);
    assert_harmless("eval pairs", &shown);
    assert!(shown.contains("a\\u{1b}[2J"), "{shown}");
}

#[test]
fn usage_is_checked_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (&["search", "--index", "ix", "--alpha", "2", "x"], &["'2'", "--alpha", "from 0 to 1"]),
        (&["search", "--index", "ix", "-k", "-1", "x"], &["-1 is not in 1.."]),
        (&["--log", "nonsense=", "info", "--index", "ix"], &["nonsense=", "expected off, error"]),
        #[cfg(feature = "study")]
        (&["eval", "twins", "--data", "x", "--alpha", "-0.5"], &["--alpha", "from 0 to 1"]),
        #[cfg(feature = "train")]
        (&["synth", "notes", "--out", "x", "--slack", "0.5"], &["--slack", "1 or more"]),
        #[cfg(feature = "train")]
        (&["train", "verifier", "--data", "x", "--out", "y", "--held-out-share", "1"], &["from 0 to 0.99"]),
    ];
    for (arguments, expected) in cases {
        let output = vetted(folder.path(), arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert!(expected.iter().all(|part| message.contains(part)), "{arguments:?}: {message}");
    }
    let output = command(folder.path(), &["info", "--index", "ix"]).env("VETTED_THREADS", "abc").output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("VETTED_THREADS") && message.contains("\"abc\"") && message.contains("1 or more"),
        "{message}"
    );
}

#[test]
fn a_query_may_begin_with_a_hyphen() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in.jsonl"), r#"{"_id": "a", "text": "-5 degrees is the limit"}"#).unwrap();
    succeed(folder.path(), &["index", "in.jsonl", "--into", "ix"]);
    for query in ["-5 degrees is the limit", "-5"] {
        let found = succeed(folder.path(), &["search", "--index", "ix", "--mode", "bm25", query, "--json"]);
        assert_eq!(json(&found)["query"], query);
    }
    let judged = succeed(folder.path(), &["verify", "--json", "-q", "-5 degrees is the limit", "-c", "-5 degrees"]);
    assert_eq!(json(&judged)["results"][0]["candidate"], "-5 degrees");
}

#[test]
fn a_cause_is_said_once_and_what_to_do_fits() {
    let folder = tempfile::tempdir().unwrap();
    let message = fail(folder.path(), &["verify", "--verifier", "nowhere", "-q", "the dog ran", "-c", "x"]);
    assert_eq!(message.matches("No such file").count(), 1, "{message}");
    #[cfg(feature = "train")]
    {
        let message = fail(folder.path(), &["export", "--verifier", "nowhere", "--out", "x.onnx"]);
        assert!(message.contains("nowhere is no verifier") && message.contains("train verifier"), "{message}");
        let message = fail(folder.path(), &["export", "--out", "nowhere/x.onnx"]);
        assert!(message.contains("its folder is not there") && !message.contains("checkpoint"), "{message}");
    }
}

#[test]
fn an_empty_query_is_skipped_and_a_bad_line_costs_nothing() {
    let folder = hostile();
    let search = ["search", "--index", "ix", "--json", "--queries", "questions"];
    fs::write(folder.path().join("questions"), "{\"_id\": \"q1\", \"text\": \" \"}\nkettle\n").unwrap();
    let output = vetted(folder.path(), &search);
    let (answers, said) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), answers.lines().count()), (Some(0), 1), "{said}");
    assert!(said.contains("query q1 is empty: skipped"), "{said}");
    fs::write(folder.path().join("questions"), "kettle\n{\"_id\": \"q1\"\n").unwrap();
    let output = vetted(folder.path(), &search);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(1), true), "nothing is answered by halves");
    assert!(String::from_utf8_lossy(&output.stderr).contains("questions:2"));
}

#[test]
fn failures_are_json_where_answers_are() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.jsonl"), "{oops\n").unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["search", "--index", "nowhere", "x", "--json"], "not-found"),
        (&["index", "bad.jsonl", "--into", "ix", "--json"], "invalid-input"),
        #[cfg(feature = "study")]
        (&["eval", "pairs", "--data", "nowhere.tsv", "--json"], "not-found"),
    ];
    for (arguments, kind) in cases {
        let output = vetted(folder.path(), arguments);
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(1), true), "{arguments:?}");
        let answer = json(&String::from_utf8(output.stderr).unwrap());
        assert_eq!(answer["error"]["kind"], *kind, "{arguments:?}: {answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    assert!(fail(folder.path(), &["search", "--index", "nowhere", "x"]).starts_with("error: "));
}

#[test]
fn verify_ends_with_3_where_a_verdict_is_not_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let query = "The museum opened in 1911.";
    let verify = |candidates: &[&str], rest: &[&str]| {
        let candidates = candidates.iter().flat_map(|candidate| ["-c", candidate]);
        let arguments: Vec<&str> = ["verify", "--json", "-q", query].into_iter().chain(candidates).collect();
        let output = vetted(folder.path(), &[&arguments[..], rest].concat());
        let answer: Value = json(&String::from_utf8(output.stdout).unwrap());
        let verdicts = answer["results"].as_array().unwrap().iter();
        (
            output.status.code().unwrap(),
            verdicts.map(|one| one["verdict"].as_str().unwrap().to_owned()).collect::<Vec<_>>(),
        )
    };
    let (rejected, blank) = ("The museum did not open in 1911.", " ");
    for (candidates, rest, expected) in [
        (&[query, rejected][..], &[][..], 0),
        (&[query, rejected], &["--fail-on", "reject"], 3),
        (&[query, blank], &["--fail-on", "reject,abstain"], 0),
        (&[query, blank], &["--fail-on", "reject,unverified"], 3),
        (&[query], &["--fail-on", "reject", "--require-verified"], 0),
        (&[rejected], &["--require-verified"], 3),
    ] {
        let (status, verdicts) = verify(candidates, rest);
        assert_eq!(status, expected, "{rest:?}: {verdicts:?}");
    }
}

#[cfg(feature = "train")]
#[test]
fn a_newcomers_small_folder_gives_pairs_and_where_there_are_none_it_is_said_why() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("one.txt", "Trains leave at five.");
    write("none.txt", "xyzzy. Hm! 42");
    write(
        "notes.txt",
        "Anna sold the old boat to Jonas in May. The north library is open on Tuesdays. Every ticket costs five euros.",
    );
    let made = json(&succeed(folder.path(), &["synth", "notes.txt", "--out", "pairs.tsv", "--json"]));
    assert!(made["pairs"].as_u64().is_some_and(|pairs| pairs >= 6), "{made}");
    let message = fail(folder.path(), &["synth", "none.txt", "--out", "none.tsv"]);
    assert!(message.contains("in 1 document: none of them is an English sentence of 3 to 60 words"), "{message}");
    let synth = ["synth", "one.txt", "--out", "none.tsv", "--kind", "unit", "--per-sentence", "2"];
    let message = fail(folder.path(), &synth);
    assert!(
        message.contains("could be made from 1 sentence in 1 document") && message.contains("--slack inf"),
        "{message}"
    );
}
