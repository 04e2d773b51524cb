//! Reads small corpora from a temporary folder, good ones and bad ones.

use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use std::{fs, io::Write, path::PathBuf};
use tempfile::TempDir;
use vetted_corpus::{Document, Error, OnBadRecord, ReadOptions, Reader, Skipped, read};

/// A temporary folder with these files in it.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn reader(folder: &TempDir, name: &str, on_bad_record: OnBadRecord) -> Reader {
    read(&[folder.path().join(name)], &ReadOptions { on_bad_record, ..ReadOptions::default() })
}

/// What one file holds, its documents as `id|title|text|metadata`.
fn lines_of(name: &str, content: &[u8]) -> Result<Vec<String>, Error> {
    let folder = folder(&[(name, content)]);
    reader(&folder, name, OnBadRecord::Stop).map(|document| document.map(line)).collect()
}

fn line(document: Document) -> String {
    let Document { id, title, text, metadata } = document;
    format!("{id}|{title}|{text}|{}", serde_json::Value::Object(metadata))
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn formats_are_read() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("a.jsonl", "{\"_id\":\"1\",\"title\":\"t\",\"text\":\"x\"}\n", &["1|t|x|{}"]),
        (
            "a.ndjson",
            "\u{feff}\r\n{\"id\":1,\"text\":\"x\"}\r\n\r\n \n{\"id\":2,\"text\":\"y\"}",
            &["1||x|{}", "2||y|{}"],
        ),
        ("a.jsonl", "", &[]),
        ("a.json", "\u{feff}[ ]\n", &[]),
        (
            "a.json",
            "[{\"id\":1,\"text\":\"x\"},\r\n {\"id\":2,\"text\":\"y\",\"k\":[1]} ]",
            &["1||x|{}", "2||y|{\"k\":[1]}"],
        ),
        ("a.csv", "_id,title,text\n1,t,\"a, \"\"b\"\"\nc\"\n\n2,,y", &["1|t|a, \"b\"\nc|{}", "2||y|{}"]),
        ("a.csv", "\u{feff}id,body,year\r\n7,x,1999\r\n", &["7||x|{\"year\":\"1999\"}"]),
        ("a.csv", "text,content,_id,id\nx,y,1,2\n", &["1||x|{\"content\":\"y\",\"id\":\"2\"}"]),
        ("a.csv", "", &[]),
        ("a.tsv", "id\ttext\n1\ta, 5\" b\n2\tç", &["1||a, 5\" b|{}", "2||ç|{}"]),
        ("a.txt", "\u{feff}plain\r\ntext\n", &["a.txt|a|plain\r\ntext\n|{}"]),
        ("a.md", "in<b>tro</b>\n\n# Head\n", &["a.md|Head|intro\n\n# Head|{}"]),
        ("b.md", "---\ntitle: T\ntags: [x]\n---\na\nb", &["b.md|T|a b|{\"tags\":[\"x\"]}"]),
        ("a.html", "<title>T</title><p>a<script>b</script>", &["a.html|T|a|{}"]),
    ];
    for (name, content, expected) in cases {
        assert_eq!(lines_of(name, content.as_bytes()).unwrap(), *expected, "{name}: {content:?}");
        let compressed = lines_of(&format!("{name}.gz"), &gzip(content.as_bytes())).unwrap();
        let plain: Vec<String> = compressed.iter().map(|line| line.replacen(".gz|", "|", 1)).collect();
        assert_eq!(plain, *expected, "{name}.gz");
    }
}

#[test]
fn errors_say_where_and_what() {
    let cases: &[(&str, &[u8], &str)] = &[
        (
            "a.jsonl",
            b"{\"id\":1,\"text\":\"x\"}\n\n{\"id\":2,}\n",
            "a.jsonl:3:9: malformed JSON: trailing comma; expected",
        ),
        (
            "a.jsonl",
            b"[1]\n",
            "a.jsonl:1:1: malformed JSON: invalid type: sequence, expected a map; expected one object",
        ),
        ("a.jsonl", b"{\"id\":1,\"text\":\"x\"} {}\n", "a.jsonl:1:21: malformed JSON: trailing characters"),
        ("a.jsonl", b"\n{\"text\":\"x\"}\n", "a.jsonl:2: no field `_id` or `id`"),
        ("a.jsonl", b"\xef\xbb\xbf{}\n{\"id\":\"\xff\"}", "a.jsonl:1: no field"),
        ("a.jsonl", b"\xef\xbb\xbf\n{\"id\":\"\xff\"}", "a.jsonl:2: invalid UTF-8 at byte 11"),
        ("a.json", b"", "a.json:1:1: malformed JSON: the file is empty"),
        ("a.json", b"{\"id\":1}", "a.json:1:1: malformed JSON: does not begin with `[`"),
        ("a.json", b"[{\"id\":1,\"text\":\"\"},\n  {\"id\" 2}]", "a.json:2:9: malformed JSON: expected `:`"),
        ("a.json", b"[\n7]", "a.json:2: `(element of the array)` is a number; expected an object"),
        ("a.json", b"[{\"id\":1,\"text\":\"\"}", "a.json:1:20: malformed JSON: the array is not closed"),
        ("a.json", b"[{\"id\":1,\"text\":\"\"},", "a.json:1:21: malformed JSON: the file ends inside the array"),
        ("a.json", b"[]\n,", "a.json:2:1: malformed JSON: something follows the array"),
        ("a.json", b"[\n\xff]", "a.json:2: invalid UTF-8 at byte 2"),
        ("a.csv", b"title,text\na,b\n", "a.csv:1: the header has no column `_id` or `id`; it has: title, text"),
        ("a.csv", b"id,title\na,b\n", "a.csv:1: the header has no column `text`, `body` or `content`"),
        ("a.csv", b"id,text,k,k\n", "a.csv:1: the header names the column `k` twice"),
        ("a.csv", b"id,text\r\n\r\n1,x\r\n2,y,z\r\n", "a.csv:4: 3 cells, but the header has 2"),
        ("a.csv", b"id,text\n1,\"a\nb\"\n,x\n", "a.csv:4: the identifier is empty"),
        ("a.csv", b"id,text\n1,\"a\n\xff\"\n", "a.csv:3: invalid UTF-8 at byte 13"),
        ("a.csv", b"id,text\n1,x\n2,\"y\n3,z\n4,z\n", "a.csv:3: a double quote opened in this row is never closed"),
        ("a.txt", b"a\nb\xe9", "a.txt:2: invalid UTF-8 at byte 3"),
        ("a.png", b"x", "a.png: unknown extension; expected .jsonl"),
        ("a.jsonl.gz", b"\x1f\x8b not gzip", "a.jsonl.gz: "),
    ];
    for (name, content, expected) in cases {
        let results = folder(&[(name, content)]);
        let mut reader = reader(&results, name, OnBadRecord::Stop);
        let error = reader.find_map(Result::err).unwrap_or_else(|| panic!("{name}: no error in {content:?}"));
        assert!(error.to_string().contains(expected), "{name}: {error}\nshould contain: {expected}");
        assert!(reader.next().is_none(), "nothing follows an error");
    }
}

#[test]
fn bad_records_are_skipped_and_reported() {
    let good = |id: usize| format!("{{\"id\":{id},\"text\":\"x\"}}\n");
    let mut lines = good(1).into_bytes();
    for _ in 0..20 {
        lines.extend_from_slice(b"{\"id\":\n\xff\n");
    }
    lines.extend_from_slice(good(2).as_bytes());
    let cases: [(&str, &[u8], u64); 3] = [
        ("a.jsonl", &lines, 40),
        ("a.csv", b"id,text\n1,x\n,y\n3\n4,\xff\n2,x\n", 3),
        ("a.json", b"[{\"id\":1,\"text\":\"x\"}, 5, {\"id\":\"\"}, {\"id\":2,\"text\":\"x\"}]", 2),
    ];
    for (name, content, count) in cases {
        let files = folder(&[(name, content)]);
        let mut reader = reader(&files, name, OnBadRecord::Skip);
        let ids: Vec<String> = reader.by_ref().map(|document| document.unwrap().id).collect();
        assert_eq!(ids, ["1", "2"], "{name}");
        assert_eq!(reader.skipped().count, count, "{name}");
        assert_eq!(reader.progress().skipped(), count, "{name}");
        assert_eq!(reader.skipped().first.len(), Skipped::KEPT.min(count as usize), "{name}");
    }
}

#[test]
fn skipping_does_not_hide_lost_files() {
    let cases: [(&str, &[u8]); 4] = [
        ("a.csv", b"title\nx\n"),
        ("a.json", b"[{\"id\":1,\"text\":\"x\"} {}]"),
        ("a.jsonl.gz", &gzip(b"{\"id\":1,\"text\":\"x\"}\n")[..20]),
        ("a.png", b""),
    ];
    for (name, content) in cases {
        let files = folder(&[(name, content)]);
        assert!(reader(&files, name, OnBadRecord::Skip).any(|document| document.is_err()), "{name}");
    }
}

#[test]
fn folders_are_walked_in_order() {
    let files = folder(&[
        ("b/deep/z.txt", b"z"),
        ("b/a.md", b"# A"),
        ("c.htm", b"c"),
        ("a.csv", b"id,text\n7,seven\n"),
        ("image.png", b"\x89PNG"),
        ("settings.json", b"{}"),
        (".git/config.txt", b"hidden"),
        ("b-c.txt", b"x"),
    ]);
    let mut reader = reader(&files, "", OnBadRecord::Stop);
    let found: Vec<(String, String)> =
        reader.by_ref().map(|document| document.map(|document| (document.id, document.title)).unwrap()).collect();
    let expected = [("7", ""), ("b/a.md", "A"), ("b/deep/z.txt", "z"), ("b-c.txt", "b-c"), ("c.htm", "c")];
    assert_eq!(found, expected.map(|(id, title)| (id.to_string(), title.to_string())));
    let unread: Vec<(&str, u64)> = reader.unread().iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(unread, [(".json", 1), (".png", 1)]);
    let progress = reader.progress();
    assert_eq!((progress.documents(), Some(progress.bytes_read())), (5, progress.bytes_total()));
}

#[test]
fn a_missing_input_is_found_before_anything_is_read() {
    let files = folder(&[("a.jsonl", b"{\"id\":1,\"text\":\"x\"}\n")]);
    let inputs = [files.path().join("a.jsonl"), files.path().join("missing.jsonl")];
    let mut reader = read(&inputs, &ReadOptions { on_bad_record: OnBadRecord::Skip, ..ReadOptions::default() });
    let error = reader.next().unwrap().unwrap_err();
    assert!(matches!(&error, Error::Open { path, .. } if path.ends_with("missing.jsonl")), "{error}");
    assert!(reader.next().is_none());
    assert!(read(&[], &ReadOptions::default()).next().is_none());
}

#[test]
fn progress_grows_while_reading() {
    let lines: String = (0..20_000).map(|id| format!("{{\"id\":{id},\"text\":\"some text\"}}\n")).collect();
    let files = folder(&[("a.jsonl", lines.as_bytes())]);
    let inputs: Vec<PathBuf> = vec![files.path().join("a.jsonl"); 2];
    let mut reader = read(&inputs, &ReadOptions::default());
    let progress = reader.progress();
    assert_eq!(progress.bytes_total(), Some(2 * lines.len() as u64));
    reader.next().unwrap().unwrap();
    assert!((1..200_000).contains(&progress.bytes_read()), "one buffer, not the file: {}", progress.bytes_read());
    assert_eq!(reader.by_ref().count(), 39_999);
    assert_eq!(progress.bytes_read(), 2 * lines.len() as u64);
}

#[test]
fn ten_megabytes_in_one_record() {
    let text = "many words ".repeat(1_000_000);
    let cases = [
        ("a.jsonl", json!({"id": 1, "text": text}).to_string()),
        ("a.json", json!([{"id": 1, "text": text}]).to_string()),
        ("a.csv", format!("id,text\n1,\"{text}\"\n")),
        ("a.html", format!("<p>{text}")),
    ];
    for (name, content) in cases {
        let files = folder(&[(name, content.as_bytes())]);
        let document = reader(&files, name, OnBadRecord::Stop).next().unwrap().unwrap();
        assert_eq!(document.text.trim().len(), text.trim().len(), "{name}");
    }
}

#[test]
fn readers_may_change_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    assert!(is_send(read(&[], &ReadOptions::default())).next().is_none());
}
