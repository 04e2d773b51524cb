//! The program as people run it: real binary, real model, real files; wrong input and killed processes included.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{command, fail, json, succeed, vetted};

/// A folder with `notes.jsonl`, indexed into `notes.index`.
fn notes() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        r#"{"_id": "dog", "title": "Report", "text": "A dog bit a man on Harbour Street.", "metadata": {"year": 2025, "tags": ["city", "dogs"]}}"#,
        r#"{"_id": "man", "title": "Notice", "text": "A man bit a dog in the park.", "metadata": {"year": 2024, "tags": ["court"]}}"#,
        r#"{"_id": "tea", "title": "Green tea", "text": "Let the kettle stand until the water is at seventy degrees.", "metadata": {"year": 2021}}"#,
        r#"{"_id": 4, "text": "Le caf\u00e9 na\u00eff est ferm\u00e9 \ud83d\ude00 le lundi.", "metadata": {"year": 2021}}"#,
    ];
    fs::write(folder.path().join("notes.jsonl"), lines.join("\n")).unwrap();
    succeed(folder.path(), &["index", "notes.jsonl", "--into", "notes.index"]);
    folder
}

fn ids(answer: &str) -> Vec<String> {
    json(answer)["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_indexed_is_found_in_every_mode() {
    let folder = notes();
    for mode in ["dense", "bm25", "hybrid", "hybrid-rrf"] {
        let search = ["search", "--index", "notes.index", "--mode", mode, "--json", "how hot is water for tea?"];
        let answer = json(&succeed(folder.path(), &search));
        let hit = &answer["hits"][0];
        assert_eq!((hit["id"].as_str(), hit["rank"].as_u64()), (Some("tea"), Some(1)), "{mode}");
        assert_eq!(answer["mode"], mode);
        let (text, start) = (hit["snippet"]["text"].as_str().unwrap(), hit["snippet"]["start"].as_u64().unwrap());
        assert_eq!((text.starts_with("Let the kettle"), start), (true, 0));
        assert!(answer["ms"]["rank"].as_f64().unwrap() > 0.0);
    }
    let shown = succeed(folder.path(), &["search", "--index", "notes.index", "-k", "1", "kettle"]);
    assert!(shown.contains("Green tea") && shown.contains("seventy degrees") && shown.contains("1 hit in"), "{shown}");
}

#[test]
fn filters_restrict_and_many_queries_are_answered_in_order() {
    let folder = notes();
    let search = |rest: &[&str]| {
        let mut arguments = vec!["search", "--index", "notes.index", "--json"];
        arguments.extend(rest);
        succeed(folder.path(), &arguments)
    };
    assert_eq!(ids(&search(&["--filter", "year>=2024", "--filter", "tags=court", "bitten"])), ["man"]);
    assert_eq!(ids(&search(&["--filter", "year=1999", "bitten"])), [""; 0]);
    fs::write(
        folder.path().join("questions"),
        "kettle\n\n{\"_id\": \"q7\", \"text\": \"le caf\u{e9} est ferm\u{e9} le lundi\"}\n",
    )
    .unwrap();
    let answers = search(&["--queries", "questions", "-k", "1", "--mode", "bm25", "--verify", "off"]);
    let answers: Vec<Value> = answers.lines().map(json).collect();
    assert_eq!(answers.len(), 2);
    assert_eq!((&answers[0]["hits"][0]["id"], &answers[0]["query_id"]), (&"tea".into(), &"1".into()));
    assert_eq!((&answers[1]["hits"][0]["id"], &answers[1]["query_id"]), (&"4".into(), &"q7".into()));
}

#[test]
fn indexing_again_replaces_skips_and_deletes() {
    let folder = notes();
    let tea = r#"{"_id": "tea", "text": "Black tea likes boiling water."}"#;
    fs::write(folder.path().join("more.jsonl"), format!("{tea}\n{tea}\n")).unwrap();
    let outcome =
        json(&succeed(folder.path(), &["index", "notes.jsonl", "more.jsonl", "--into", "notes.index", "--json"]));
    let count = |key: &str| outcome[key].as_u64().unwrap();
    // The tea of the first file and the first of the second file: the last one counts.
    assert_eq!((count("documents"), count("unchanged"), count("replaced"), count("duplicates")), (4, 3, 1, 2));
    let found = succeed(folder.path(), &["search", "--index", "notes.index", "--mode", "bm25", "--json", "kettle"]);
    assert!(ids(&found).is_empty(), "the old text of the replaced document is still found: {found}");

    let deleted = succeed(folder.path(), &["delete", "--index", "notes.index", "tea", "nobody"]);
    assert!(deleted.starts_with("1 of 2 documents deleted, 3 left"), "{deleted}");
    succeed(folder.path(), &["info", "--index", "notes.index", "--check"]);
}

#[test]
fn folders_tables_and_long_documents_are_cut_and_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("pages")).unwrap();
    let filler = "The harbour was quiet and the boats lay still. ".repeat(300);
    fs::write(
        path("pages/long.md"),
        format!("# Harbour\n\n{filler}\n\nThe lighthouse keeper's cat is called Marzipan.\n\n{filler}"),
    )
    .unwrap();
    fs::write(path("pages/page.html"), "<title>Bread</title><p>Salt slows yeast.<script>x()</script>").unwrap();
    fs::write(path("table.csv"), "id,title,text,kind\n9,Frost,\"Kale survives frost, tomatoes do not.\",garden\n")
        .unwrap();
    succeed(folder.path(), &["index", "pages", "table.csv", "--into", "ix"]);
    let search = |query| {
        json(&succeed(folder.path(), &["search", "--index", "ix", "-k", "1", "--json", query]))["hits"][0].clone()
    };

    let hit = search("what is the name of the keeper's cat?");
    let (start, end) =
        (hit["snippet"]["start"].as_u64().unwrap() as usize, hit["snippet"]["end"].as_u64().unwrap() as usize);
    assert_eq!((&hit["id"], &hit["title"]), (&"long.md".into(), &"Harbour".into()));
    let stored = json(&succeed(folder.path(), &["get", "long.md", "--index", "ix", "--json"]));
    let text = stored["text"].as_str().unwrap();
    let quoted: String = text.chars().skip(start).take(end - start).collect();
    assert_eq!(quoted, hit["snippet"]["text"].as_str().unwrap());
    assert!(quoted.contains("Marzipan"), "{quoted}");

    assert_eq!(search("yeast")["title"], "Bread");
    assert_eq!(search("does kale survive frost?")["metadata"]["kind"], "garden");
}

#[test]
fn bad_input_is_named_and_costs_nothing() {
    let folder = notes();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let good = br#"{"_id": "a", "text": "one"}"#;
    write("broken.jsonl", &[&good[..], b"\n{\"_id\": \"b\", \"text\": oops}\n", good].concat());
    write("latin1.jsonl", &[&good[..], b"\n{\"_id\": \"c\", \"text\": \"caf\xe9\"}\n"].concat());
    write("empty.jsonl", b"\n\n");
    write("picture.png", b"\x89PNG");
    let index = |input: &str| fail(folder.path(), &["index", input, "--into", "bad.index"]);
    let cases = [
        ("missing.jsonl", vec!["missing.jsonl"]),
        ("broken.jsonl", vec!["broken.jsonl:2:", "1 document, which is indexed"]),
        ("latin1.jsonl", vec!["latin1.jsonl:2", "UTF-8"]),
        ("empty.jsonl", vec!["no documents", "empty"]),
        ("picture.png", vec!["picture.png"]),
    ];
    for (input, expected) in cases {
        let message = index(input);
        assert!(expected.iter().all(|part| message.contains(part)), "{input}: {message}");
    }
    let outcome = succeed(folder.path(), &["index", "broken.jsonl", "--into", "skip.index", "--skip-bad", "--json"]);
    assert_eq!((&json(&outcome)["skipped"], &json(&outcome)["documents"]), (&1.into(), &1.into()));

    let search = |arguments: &[&str]| fail(folder.path(), &[&["search"], arguments].concat());
    assert!(search(&["--index", "nowhere", "x"]).contains("nowhere"));
    assert!(search(&["--index", "notes.index", "  "]).contains("empty"));
    let other = fail(folder.path(), &["index", "notes.jsonl", "--into", "notes.index", "--model", "no-such-model"]);
    assert!(other.contains("no-such-model") && other.contains("all-MiniLM-L6-v2"), "{other}");
    assert_eq!(
        vetted(folder.path(), &["search", "--index", "notes.index", "--filter", "year", "x"]).status.code(),
        Some(2)
    );
}

#[test]
fn a_damaged_cache_is_rebuilt_and_a_damaged_store_is_reported() {
    let folder = notes();
    let index = folder.path().join("notes.index");
    for entry in fs::read_dir(index.join("text")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::write(path, b"damaged").unwrap();
        }
    }
    let search = ["search", "--index", "notes.index", "--mode", "bm25", "--json", "kettle"];
    assert_eq!(ids(&succeed(folder.path(), &search)), ["tea"]);

    let data = index.join("store/data.mdb");
    let bytes = fs::read(&data).unwrap();
    fs::write(&data, &bytes[..bytes.len() / 3]).unwrap();
    let message = fail(folder.path(), &["search", "--index", "notes.index", "kettle"]);
    assert!(message.contains("notes.index"), "{message}");
}

#[test]
fn a_second_writer_is_told_so_and_a_reader_is_not_disturbed() {
    let folder = notes();
    let many: String =
        (0..20_000).map(|i| format!("{{\"_id\": \"n{i}\", \"text\": \"note number {i} about the sea\"}}\n")).collect();
    fs::write(folder.path().join("many.jsonl"), many).unwrap();
    let index = ["index", "many.jsonl", "--into", "notes.index"];
    let mut writer = command(folder.path(), &index).stdout(Stdio::null()).spawn().unwrap();
    // Until the writer has the lock, the second one would simply be the first.
    let grown = || {
        json(&succeed(folder.path(), &["info", "--index", "notes.index", "--json"]))["documents"].as_u64().unwrap() > 4
    };
    while !grown() {
        assert!(writer.try_wait().unwrap().is_none(), "the writer ended before it wrote anything");
        std::thread::sleep(Duration::from_millis(20));
    }
    let message = fail(folder.path(), &["index", "notes.jsonl", "--into", "notes.index"]);
    assert!(message.contains(&writer.id().to_string()), "the message should name process {}: {message}", writer.id());
    assert_eq!(
        ids(&succeed(folder.path(), &["search", "--index", "notes.index", "-k", "1", "--json", "kettle"])),
        ["tea"]
    );
    writer.kill().unwrap();
    writer.wait().unwrap();
}

#[test]
fn indexing_that_is_killed_resumes_to_the_same_index() {
    const DOCUMENTS: usize = 3000;
    let folder = tempfile::tempdir().unwrap();
    let line = |i: usize| {
        format!(
            "{{\"_id\": \"n{i}\", \"text\": \"entry {i}: the {} of the ship wrote about storm {}\"}}\n",
            ["cook", "mate", "boy"][i % 3],
            i * 7 % 1000
        )
    };
    fs::write(folder.path().join("log.jsonl"), (0..DOCUMENTS).map(line).collect::<String>()).unwrap();
    // Delays that differ from round to round, the same in every run of the test.
    let mut seen = 0;
    for round in 0..6u64 {
        let index = ["index", "log.jsonl", "--into", "log.index"];
        let mut writer = command(folder.path(), &index).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(150 + round * 173 % 500));
        writer.kill().unwrap(); // SIGKILL
        writer.wait().unwrap();
        let info = vetted(folder.path(), &["info", "--index", "log.index", "--json", "--check"]);
        if info.status.success() {
            let documents = json(&String::from_utf8(info.stdout).unwrap())["documents"].as_u64().unwrap();
            assert!(documents >= seen, "{documents} documents after round {round}, {seen} before");
            seen = documents;
        } else {
            assert_eq!(seen, 0, "{}", String::from_utf8_lossy(&info.stderr));
        }
    }
    let outcome = json(&succeed(folder.path(), &["index", "log.jsonl", "--into", "log.index", "--json"]));
    assert_eq!(outcome["documents"].as_u64(), Some(DOCUMENTS as u64));
    assert!(outcome["unchanged"].as_u64().unwrap() >= seen);
    succeed(folder.path(), &["index", "log.jsonl", "--into", "fresh.index"]);
    for query in ["storm 42", "who wrote about storm 511?"] {
        let search =
            |index| ids(&succeed(folder.path(), &["search", "--index", index, "--mode", "hybrid", "--json", query]));
        assert_eq!(search("log.index"), search("fresh.index"), "{query}");
    }
}
