//! What of folders is read, what of it is passed over, and what is said about that.

use flate2::{Compression, write::GzEncoder};
use std::{fs, io::Write, path::Path};
use tempfile::TempDir;
use vetted_corpus::{Error, FileIds, IgnoreFiles, OnBadRecord, ReadOptions, Reader, RepeatedIds, VectorField, read};

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn skipping() -> ReadOptions {
    ReadOptions { on_bad_record: OnBadRecord::Skip, ..ReadOptions::default() }
}

fn ids(reader: &mut Reader) -> Vec<String> {
    reader.map(|document| document.unwrap().id).collect()
}

fn read_one(folder: &Path, options: &ReadOptions) -> Reader {
    read(&[folder.to_path_buf()], options)
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_are_noted_and_the_rest_is_read() {
    use std::os::unix::fs::symlink;
    let files = folder(&[("a/b.txt", b"x"), ("z.txt", b"z")]);
    let at = |name: &str| files.path().join(name);
    symlink("/nonexistent", at("broken.txt")).unwrap();
    symlink("../a", at("a/loop")).unwrap();
    symlink("itself", at("itself")).unwrap();
    symlink(at("z.txt"), at("link.txt")).unwrap();
    for options in [ReadOptions::default(), skipping()] {
        let mut reader = read_one(files.path(), &options);
        assert_eq!(ids(&mut reader), ["a/b.txt", "link.txt", "z.txt"]);
        let links: Vec<_> =
            reader.broken_links().iter().map(|link| (link.path.clone(), link.target.clone(), link.circular)).collect();
        assert_eq!(
            links,
            [
                (at("a/loop"), "../a".into(), true),
                (at("broken.txt"), "/nonexistent".into(), false),
                (at("itself"), "itself".into(), true)
            ]
        );
        assert_eq!(reader.skipped().count, 0);
        assert_eq!(reader.unreadable().len(), 3, "what lies behind may only be away");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_opened_is_a_bad_record() {
    use std::os::unix::fs::PermissionsExt;
    let files =
        folder(&[("a.txt", b"a"), ("b.txt", b"b"), ("c/d.txt", b"d"), ("e.csv", b"name\nx\n"), ("f.txt", b"f")]);
    for (name, mode) in [("b.txt", 0o000), ("c", 0o000)] {
        fs::set_permissions(files.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let root = fs::read(files.path().join("b.txt")).is_ok();
    let mut reader = read_one(files.path(), &skipping());
    let found = ids(&mut reader);
    fs::set_permissions(files.path().join("c"), fs::Permissions::from_mode(0o755)).unwrap();
    // Root may read everything; the table without an id is passed over all the same.
    let expected = if root { vec!["a.txt", "b.txt", "c/d.txt", "f.txt"] } else { vec!["a.txt", "f.txt"] };
    assert_eq!(found, expected);
    assert_eq!(reader.skipped().count, if root { 1 } else { 3 });
    let unreadable: Vec<_> = reader.unreadable().iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(unreadable, if root { vec!["e.csv"] } else { vec!["c", "b.txt", "e.csv"] });
}

#[test]
fn ignore_files_and_patterns_are_honoured() {
    let files = folder(&[
        (".gitignore", b"target/\n*.log.txt\n"),
        (".vettedignore", b"private.md\n"),
        ("sub/.ignore", b"draft*\n"),
        ("a.md", b"a"),
        ("private.md", b"p"),
        ("x.log.txt", b"l"),
        ("sub/draft.md", b"d"),
        ("sub/b.txt", b"b"),
        ("target/c.md", b"c"),
        ("node_modules/x/README.md", b"r"),
    ]);
    let patterns = |patterns: &[&str]| patterns.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let cases = [
        (ReadOptions::default(), vec!["a.md", "node_modules/x/README.md", "sub/b.txt"]),
        (ReadOptions { exclude: patterns(&["node_modules/", "*.txt"]), ..ReadOptions::default() }, vec!["a.md"]),
        (
            ReadOptions { exclude: patterns(&["/sub"]), ..ReadOptions::default() },
            vec!["a.md", "node_modules/x/README.md"],
        ),
        (ReadOptions { include: patterns(&["*.txt"]), ..ReadOptions::default() }, vec!["sub/b.txt", "x.log.txt"]),
        (
            ReadOptions {
                ignore_files: IgnoreFiles::Unheeded,
                exclude: patterns(&["target"]),
                ..ReadOptions::default()
            },
            vec!["a.md", "node_modules/x/README.md", "private.md", "sub/b.txt", "sub/draft.md", "x.log.txt"],
        ),
    ];
    for (options, expected) in cases {
        assert_eq!(ids(&mut read_one(files.path(), &options)), expected, "{options:?}");
    }
    let bad = ReadOptions { exclude: patterns(&["a{b"]), ..ReadOptions::default() };
    let error = read_one(files.path(), &bad).next().unwrap().unwrap_err();
    assert!(matches!(error, Error::Glob { .. }) && error.to_string().contains("a{b"), "{error}");
}

#[test]
fn what_is_not_read_is_counted_by_kind_and_empty_files_are_no_documents() {
    let files = folder(&[
        ("a.md", b"a"),
        ("b.py", b"b"),
        ("c.PY", b"c"),
        ("d.rst", b"d"),
        ("LICENSE", b"l"),
        ("empty.txt", b""),
        ("blank.md", b" \n\n"),
        ("title.html", b"<title>Only a title</title>"),
    ]);
    let mut reader = read_one(files.path(), &ReadOptions::default());
    assert_eq!(ids(&mut reader), ["a.md", "title.html"]);
    assert_eq!(reader.empty_files(), 2);
    let unread: Vec<_> = reader.unread().iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(unread, [(".py", 2), (".rst", 1), ("without an extension", 1)]);
}

#[test]
fn two_files_of_one_name_stop_the_run_unless_folders_are_in_ids() {
    let files =
        folder(&[("d1/readme.md", b"one"), ("d2/readme.md", b"two"), ("d2/x.jsonl", b"{\"id\":1,\"text\":\"\"}")]);
    let inputs = [files.path().join("d1"), files.path().join("d2")];
    let mut reader = read(&inputs, &skipping());
    let error = reader.next().unwrap().unwrap_err().to_string();
    for part in ["d1/readme.md", "d2/readme.md", "\"readme.md\"", "--folder-in-ids"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(reader.next().is_none());
    let options = ReadOptions { file_ids: FileIds::WithFolder, ..ReadOptions::default() };
    assert_eq!(ids(&mut read(&inputs, &options)), ["d1/readme.md", "d2/readme.md", "1"]);
    // One file that is named twice is one document.
    let twice = [files.path().join("d1"), files.path().join("d1/readme.md")];
    assert_eq!(ids(&mut read(&twice, &ReadOptions::default())), ["readme.md"]);
}

#[test]
fn of_documents_with_one_id_the_last_counts_and_the_others_are_named() {
    let line = |id: &str, text: &str| format!("{{\"_id\": \"{id}\", \"text\": \"{text}\"}}\n");
    let first: String = line("x", "old") + &line("y", "only") + "{broken\n" + &line("x", "newer");
    let files = folder(&[
        ("a.jsonl", first.as_bytes()),
        ("b.csv", b"id,text\nx,newest\nz,1\nz,2\n"),
        ("c.txt", b"file"),
        ("d.jsonl", line("c.txt", "record").as_bytes()),
    ]);
    let last_kept = ReadOptions { repeated: RepeatedIds::LastKept, ..skipping() };
    for _ in 0..2 {
        let mut reader = read_one(files.path(), &last_kept);
        let texts: Vec<_> = reader.by_ref().map(|it| it.unwrap()).map(|it| (it.id, it.text)).collect();
        let expected = [("y", "only"), ("x", "newest"), ("z", "2"), ("c.txt", "record")];
        assert_eq!(texts, expected.map(|(id, text)| (id.to_owned(), text.to_owned())));
        assert_eq!(reader.duplicates().count, 4);
        let named: Vec<_> = reader.duplicates().first.iter().map(ToString::to_string).collect();
        assert!(named[0].ends_with("a.jsonl:1: a later document is also called \"x\", and counts"), "{named:?}");
        assert!(named[3].contains("c.txt: a later document"), "{named:?}");
    }
    // Where the reading stops, what comes behind does not count.
    let stopping = ReadOptions { on_bad_record: OnBadRecord::Stop, ..last_kept };
    let texts: Vec<_> = read_one(files.path(), &stopping).filter_map(Result::ok).map(|it| it.text).collect();
    assert_eq!(texts, ["old", "only"]);
}

#[test]
fn documents_say_where_they_came_from() {
    let files = folder(&[("a.jsonl", b"\n{\"id\":1,\"text\":\"x\"}\n"), ("b.csv", b"id,text\n1,x\n"), ("c.txt", b"c")]);
    let mut reader = read_one(files.path(), &ReadOptions::default());
    let mut origins = Vec::new();
    while let Some(document) = reader.next() {
        document.unwrap();
        origins.push(reader.origin().unwrap().clone());
    }
    let root = files.path().canonicalize().unwrap();
    for (origin, (name, line)) in origins.iter().zip([("a.jsonl", Some(2)), ("b.csv", Some(2)), ("c.txt", None)]) {
        assert_eq!((origin.line, origin.absolute.as_ref()), (line, Some(&root.join(name))));
        assert_eq!(origin.path, files.path().join(name));
    }
    assert_eq!(reader.roots(), [root]);
}

#[test]
fn vectors_that_cannot_be_used_are_bad_records() {
    let lines = r#"{"_id": "a", "text": "a", "vec": [1, 0, 0]}
{"_id": "b", "text": "b", "vec": [1, 0]}
{"_id": "c", "text": "c"}
{"_id": "d", "text": "d", "vec": [1e39, 0, 0]}
{"_id": "e", "text": "e", "vec": [0, 0, 0]}
{"_id": "f", "text": "f", "vec": [true, 0, 0]}
{"_id": "g", "text": "g", "vec": [0, 1, 0]}
"#;
    let files = folder(&[("v.jsonl", lines.as_bytes())]);
    let vectors = Some(VectorField { name: "vec".into(), dimensions: None });
    let mut reader = read_one(files.path(), &ReadOptions { vectors: vectors.clone(), ..skipping() });
    assert_eq!(ids(&mut reader), ["a", "g"]);
    assert_eq!(reader.vector_dimensions(), Some(3));
    let said: Vec<_> = reader.skipped().first.iter().map(ToString::to_string).collect();
    for (error, expected) in said.iter().zip([
        "v.jsonl:2: the vector of document \"b\" in its field `vec` has 2 dimensions; expected 3",
        "v.jsonl:3: the vector of document \"c\" in its field `vec` is missing",
        "v.jsonl:4: the vector of document \"d\" in its field `vec` has 1e39 at position 0",
        "v.jsonl:5: the vector of document \"e\" in its field `vec` is all zeros",
        "v.jsonl:6: the vector of document \"f\" in its field `vec` has a boolean at position 0",
    ]) {
        assert!(error.contains(expected), "{error}\nshould contain: {expected}");
    }
    let mut reader = read_one(files.path(), &ReadOptions { vectors, ..ReadOptions::default() });
    assert!(reader.find_map(Result::err).unwrap().to_string().contains("v.jsonl:2:"));
}

#[test]
fn quotes_in_tables_are_kept_or_refused() {
    /// A file and its content, the texts in it, and what is said about the rest.
    type Case = (&'static str, &'static [u8], &'static [&'static str], &'static [&'static str]);
    let cases: [Case; 5] = [
        ("a.tsv", b"id\ttext\n1\t\"No\" is what he said\n2\t\"whole\"\n", &["\"No\" is what he said", "whole"], &[]),
        ("a.csv", b"id,text\n1,a 5\" pipe\n2,\"say \"\"a\"\"\"\n", &["a 5\" pipe", "say \"a\""], &[]),
        (
            "a.csv",
            b"id,text\n1,\"A 5.25\" drive\"\n2,b\n",
            &["b"],
            &["a.csv:2: something follows the closing double quote"],
        ),
        (
            "a.csv",
            b"id,text\n1,\"never closed\n2,b\n3,c\n",
            &["b", "c"],
            &["a.csv:2: a double quote opened in this row"],
        ),
        ("a.csv", b"id,text\n1,\"never closed\n2,\"b\"\n3,c\n", &["b", "c"], &["a.csv:2: "]),
    ];
    for (name, content, texts, errors) in cases {
        let files = folder(&[(name, content)]);
        let mut reader = read(&[files.path().join(name)], &skipping());
        let got: Vec<_> = reader.by_ref().map(|document| document.unwrap().text).collect();
        assert_eq!(got, texts, "{}", String::from_utf8_lossy(content));
        let said: Vec<_> = reader.skipped().first.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), errors.len(), "{said:?}");
        assert!(said.iter().zip(errors).all(|(said, expected)| said.contains(expected)), "{said:?}");
    }
}

#[test]
fn records_have_a_limit_and_the_next_one_is_read() {
    let long = "x".repeat(2000);
    let cases = [
        (
            "a.jsonl",
            format!("{{\"id\":1,\"text\":\"{long}\"}}\n{{\"id\":2,\"text\":\"y\"}}\n"),
            vec!["2"],
            "a.jsonl:1: ",
        ),
        ("a.csv", format!("id,text\n1,{long}\n2,y\n"), vec!["2"], "a.csv:2: "),
        ("a.csv", format!("id,text\n1,\"{}\"\n2,y\n", "short\n".repeat(400)), vec![], "a.csv:2: "),
        ("a.txt", long.clone(), vec![], "a.txt:1: "),
    ];
    for (name, content, expected, place) in cases {
        let files = folder(&[(name, content.as_bytes())]);
        let options = ReadOptions { max_record_bytes: 1000, ..skipping() };
        let mut reader = read(&[files.path().join(name)], &options);
        let found = ids(&mut reader);
        assert!(expected.iter().all(|id| found.iter().any(|it| it == id)), "{name}: {found:?}");
        let first = reader.skipped().first[0].to_string();
        assert!(first.contains(place) && first.contains("longer than 1000 bytes"), "{first}");
    }
}

/// How much memory the process has needed at most, in bytes.
#[cfg(target_os = "linux")]
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn a_gzip_bomb_is_one_bad_record_and_takes_no_memory() {
    const ZEROS: usize = 2 << 30;
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    let block = vec![0; 1 << 20];
    for _ in 0..ZEROS / block.len() {
        bomb.write_all(&block).unwrap();
    }
    bomb.write_all(b"\n{\"id\":2,\"text\":\"y\"}\n").unwrap();
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 20 << 20, "{} bytes", bomb.len());
    let before = peak_memory();
    for name in ["a.jsonl.gz", "a.txt.gz", "a.csv.gz", "a.json.gz"] {
        let files = folder(&[(name, &bomb)]);
        let error =
            read(&[files.path().join(name)], &ReadOptions { max_record_bytes: 4 << 20, ..ReadOptions::default() })
                .next()
                .unwrap()
                .unwrap_err()
                .to_string();
        assert!(error.contains(&format!("{name}:1: this record is longer than")), "{error}");
    }
    let files = folder(&[("a.jsonl.gz", &bomb)]);
    let options = ReadOptions { max_record_bytes: 4 << 20, ..skipping() };
    assert_eq!(ids(&mut read(&[files.path().join("a.jsonl.gz")], &options)), ["2"]);
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < 512 << 20, "{} MiB for 2 GiB of zeros", grown >> 20);
}

#[test]
fn other_encodings_are_named() {
    let utf16: Vec<u8> = "\u{feff}{\"id\": 1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&str, &[u8], &str); 4] = [
        ("a.jsonl", &utf16, "iconv -f UTF-16 "),
        ("a.txt", &utf16, "iconv -f UTF-16 "),
        ("a.csv", &utf16, "iconv -f UTF-16 "),
        ("a.txt", b"caf\xe9", "iconv -f WINDOWS-1252 "),
    ];
    for (name, content, expected) in cases {
        let files = folder(&[(name, content)]);
        let error = read(&[files.path().join(name)], &ReadOptions::default()).next().unwrap().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
