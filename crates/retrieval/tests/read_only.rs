//! Who only reads writes nothing: not where he could, and so not on a read-only file system or in another user's folder either.
//! A test starts itself anew as a child, on a mount that is read-only or as a user who owns nothing.
#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use support::{check, entries, entry, id, manifest, vector};
use vetted_retrieval::{Error, Index, Notice, Query, Settings};

const FOLDER: &str = "VETTED_TEST_FOLDER";
/// The test that a child runs.
const TEST: [&str; 4] = ["reads_in_a_child", "--exact", "--ignored", "--nocapture"];

/// Keeps tests of this file apart: a child that another one is just starting holds, for a moment, this one's locks as well.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An index of 100 documents in a folder that everybody may read, with a graph; `finished`, its text index has all of them.
fn index(finished: bool) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = folder.path().join("index");
    let index = Index::create_with(&path, manifest(), with_graph()).unwrap();
    index.upsert(entries(0..100)).unwrap();
    index.finish().unwrap();
    if !finished {
        index.upsert(vec![entry(5, 1), entry(100, 0)]).unwrap();
        index.delete(&[id(6)]).unwrap();
    }
    (folder, path)
}

fn with_graph() -> Settings {
    Settings::default().graph_from(50)
}

/// Searches in every way and reads everything.
fn read_everything(path: &Path) -> Index {
    let index = Index::open_with(path, with_graph()).unwrap();
    let query = vector(1);
    for query in [Query::dense(&query), Query::bm25("number42"), Query::hybrid("number42", &query)] {
        assert!(!index.search(&query).unwrap().is_empty());
        let filtered = query.clone().filter("year=2002".parse().unwrap());
        assert!(index.search(&filtered).unwrap().iter().all(|hit| hit.id.ends_with('2')));
    }
    assert_eq!(index.search(&Query::bm25("number42")).unwrap()[0].id, id(42));
    assert_eq!(index.search(&Query::bm25("winter").k(1000)).unwrap().len(), holding("winter", &index));
    check(&index);
    index
}

/// How many documents hold a word.
fn holding(word: &str, index: &Index) -> usize {
    let texts = index.ids().unwrap().into_iter().map(|id| index.get(&id).unwrap().unwrap());
    texts.filter(|document| document.full_text().contains(word)).count()
}

/// Every file with its content and when it was written, except LMDB's table of those who read.
fn files(path: &Path) -> BTreeMap<PathBuf, (Vec<u8>, (i64, i64))> {
    let mut files = BTreeMap::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.metadata().unwrap();
            match path.is_dir() {
                true => folders.push(path),
                false if path.ends_with("lock.mdb") => {}
                false => drop(
                    files.insert(path.clone(), (fs::read(path).unwrap(), (metadata.mtime(), metadata.mtime_nsec()))),
                ),
            }
        }
    }
    files
}

/// What happens to the folder of the text index, and what to call it.
type Accident = (&'static str, fn(&Path));

const ACCIDENTS: [Accident; 4] = [
    ("missing", |text| fs::remove_dir_all(text).unwrap()),
    ("empty", |text| {
        fs::remove_dir_all(text).unwrap();
        fs::create_dir(text).unwrap();
    }),
    ("damaged", |text| fs::write(text.join("meta.json"), "damaged").unwrap()),
    ("of another version's analysis", |text| {
        let path = text.join("meta.json");
        let meta = fs::read_to_string(&path).unwrap();
        assert!(meta.contains("vetted-english-2"));
        fs::write(&path, meta.replace("vetted-english-2", "vetted-english")).unwrap();
    }),
];

#[test]
fn a_reader_writes_nothing_whatever_is_missing() {
    let _alone = alone();
    for finished in [true, false] {
        let (_folder, path) = index(finished);
        let before = files(&path);
        assert_eq!(read_everything(&path).notices(), []);
        assert!(files(&path) == before, "finished: {finished}");
    }
    for (accident, wreck) in ACCIDENTS {
        let (_folder, path) = index(true);
        wreck(&path.join("text"));
        let before = files(&path);
        let reader = read_everything(&path);
        let notices = reader.notices();
        assert!(matches!(notices[..], [Notice::TextUnusable { documents: 100, .. }]), "{accident}: {notices:?}");
        assert!(files(&path) == before, "{accident}");
        drop(reader);

        let writer = Index::open_writable_with(&path, with_graph()).unwrap();
        let notices = writer.notices();
        assert!(matches!(notices[..], [Notice::TextRebuilt { documents: 100, .. }]), "{accident}: {notices:?}");
        drop(writer);
        assert_eq!(read_everything(&path).notices(), [], "{accident}");
    }
}

#[test]
fn scores_are_the_same_where_words_are_counted_in_memory() {
    let _alone = alone();
    let (_folder, path) = index(true);
    let query = Query::bm25("winter copper number7").k(200);
    let search = || Index::open_with(&path, with_graph()).unwrap().search(&query).unwrap();
    let expected = search();
    fs::remove_dir_all(path.join("text")).unwrap();
    assert_eq!(search(), expected);
}

#[test]
fn a_reader_follows_a_writer_from_memory() {
    let _alone = alone();
    let (_folder, path) = index(true);
    fs::remove_dir_all(path.join("text")).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["writes_in_a_child", "--exact", "--ignored", "--nocapture"]).env(FOLDER, &path);
    let reader = read_everything(&path);
    assert!(reader.search(&Query::bm25("number200")).unwrap().is_empty());
    assert!(child.output().unwrap().status.success());
    assert_eq!(reader.search(&Query::bm25("number200")).unwrap()[0].id, id(200));
    assert!(reader.search(&Query::bm25("number42")).unwrap().iter().all(|hit| hit.id != id(42)));
    check(&reader);
}

#[test]
#[ignore = "is started by another test"]
fn writes_in_a_child() {
    let Some(path) = std::env::var_os(FOLDER) else { return };
    let index = Index::open_writable_with(path, with_graph()).unwrap();
    index.upsert(entries([200])).unwrap();
    index.delete(&[id(42)]).unwrap();
    index.finish().unwrap();
}

#[test]
#[ignore = "is started by other tests"]
fn reads_in_a_child() {
    let Some(path) = std::env::var_os(FOLDER) else { return };
    let path = Path::new(&path);
    assert!(fs::write(path.join("probe"), "").is_err(), "nothing is tested where one may write");
    let reader = read_everything(path);
    let error = Index::open_writable(path).err().unwrap();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    // Stays for as long as somebody holds the other end.
    println!("child: reads");
    let _ = std::io::stdin().lines().next();
    drop(reader);
}

fn child(program: &str, arguments: &[&str], path: &Path) -> Option<Output> {
    let executable = std::env::current_exe().unwrap();
    let output = Command::new(program).args(arguments).arg(executable).args(TEST).env(FOLDER, path).output();
    output.map_err(|error| eprintln!("skipped: {program} cannot be started: {error}")).ok()
}

/// Whether a program that takes rights away works here.
fn works(program: &str, arguments: &[&str]) -> bool {
    let works = Command::new(program).args(arguments).arg("true").output().is_ok_and(|output| output.status.success());
    if !works {
        eprintln!("skipped: `{program} {} true` does not work here", arguments.join(" "));
    }
    works
}

fn assert_passed(output: &Output) {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// The states in which an index may be found: whole, late, and without the files of the text index.
fn states() -> Vec<(tempfile::TempDir, PathBuf)> {
    let states = [index(true), index(false), index(true)];
    fs::remove_dir_all(states[2].1.join("text")).unwrap();
    states.into()
}

#[test]
#[cfg(target_os = "linux")]
fn an_index_on_a_read_only_file_system_is_searched() {
    let _alone = alone();
    const MOUNT: &str = "mount --bind \"$VETTED_TEST_FOLDER\" \"$VETTED_TEST_FOLDER\" && \
        mount -o remount,bind,ro \"$VETTED_TEST_FOLDER\" && exec \"$0\" \"$@\"";
    if !works("unshare", &["-m"]) {
        return;
    }
    for (_folder, path) in states() {
        let before = files(&path);
        let Some(output) = child("unshare", &["-m", "sh", "-c", MOUNT], &path) else { return };
        assert_passed(&output);
        assert!(files(&path) == before);
        // As it comes out of a copy without lock files.
        fs::remove_file(path.join("store/lock.mdb")).unwrap();
        let _ = fs::remove_file(path.join("text/.tantivy-meta.lock"));
        assert_passed(&child("unshare", &["-m", "sh", "-c", MOUNT], &path).unwrap());
    }
}

const NOBODY: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

#[test]
#[cfg(target_os = "linux")]
fn who_reads_without_locks_and_who_writes_keep_each_other_away() {
    let _alone = alone();
    if !works("setpriv", &NOBODY) {
        return;
    }
    let (_folder, path) = index(true);
    let writer = Index::open_writable(&path).unwrap();
    let output = child("setpriv", &NOBODY, &path).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("Locked"), "{said}");
    drop(writer);

    let mut reader = Command::new("setpriv");
    reader.args(NOBODY).arg(std::env::current_exe().unwrap()).args(TEST).env(FOLDER, &path);
    let mut reader = reader.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(reader.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("child: reads")));
    let error = Index::open_writable(&path).err().unwrap();
    assert!(matches!(error, Error::SearchedUnlocked { .. }), "{error:?}");
    drop(Index::open(&path).unwrap());
    drop(reader.stdin.take());
    assert!(lines.any(|line| line.contains("1 passed")));
    assert!(reader.wait().unwrap().success());
    drop(Index::open_writable(&path).unwrap());
}

#[test]
#[cfg(target_os = "linux")]
fn another_user_s_index_is_searched() {
    let _alone = alone();
    if !works("setpriv", &NOBODY) {
        return;
    }
    for (_folder, path) in states() {
        for file in files(&path).keys() {
            assert_eq!(fs::metadata(file).unwrap().mode() & 0o044, 0o044, "{} is readable", file.display());
        }
        let before = files(&path);
        assert_passed(&child("setpriv", &NOBODY, &path).unwrap());
        assert!(files(&path) == before);
        fs::remove_file(path.join("store/lock.mdb")).unwrap();
        assert_passed(&child("setpriv", &NOBODY, &path).unwrap());
        // Who may not even read is told which file it is.
        fs::set_permissions(path.join("store/data.mdb"), fs::Permissions::from_mode(0o600)).unwrap();
        let output = child("setpriv", &NOBODY, &path).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("data.mdb") && said.contains("PermissionDenied"), "{said}");
    }
}
