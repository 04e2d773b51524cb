//! What came from where, what is gone from there, and which of two texts with one id counts.

use std::fs;
use std::path::{Path, PathBuf};

use vetted::corpus::{OnBadRecord, ReadOptions, read};
use vetted::{Engine, Gone, Sighted};

use crate::{builder, document};

#[test]
fn of_two_texts_with_one_id_the_last_counts_in_every_run() {
    let folder = tempfile::tempdir().unwrap();
    let engine = builder(folder.path()).open_or_create().unwrap();
    let twice = || vec![document("x", "Parking is free."), document("x", "Parking costs five euros.")];
    for run in 0..4 {
        let indexed = engine.upsert(twice()).unwrap();
        let (added, unchanged) = if run == 0 { (1, 0) } else { (0, 1) };
        assert_eq!(
            (indexed.added, indexed.replaced, indexed.unchanged, indexed.duplicates),
            (added, 0, unchanged, 1),
            "run {run}"
        );
        assert_eq!(engine.get("x").unwrap().unwrap().text, "Parking costs five euros.");
    }
}

/// Reads `inputs` into the index; what is gone from there is not removed yet.
fn sync(engine: &Engine, inputs: &[PathBuf]) -> Gone {
    let options = ReadOptions { on_bad_record: OnBadRecord::Skip, ..ReadOptions::default() };
    let mut reader = read(inputs, &options);
    let mut sighted = Sighted::default();
    while let Some(document) = reader.next().transpose().unwrap() {
        let file = reader.origin().and_then(|origin| origin.absolute.clone());
        sighted.add(&document.id, file.as_deref());
        engine.upsert_from(vec![(document, file)]).unwrap();
    }
    engine.gone(reader.roots(), reader.unreadable(), &sighted).unwrap()
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
    fs::write(folder.join(name), text).unwrap();
}

#[test]
fn what_is_gone_from_a_folder_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let engine = builder(folder.path()).open_or_create().unwrap();
    write(folder.path(), "notes/a.md", "Kale survives frost.");
    write(folder.path(), "notes/b.md", "Tea turns bitter.");
    write(folder.path(), "notes/deep/c.md", "A dog bit a man.");
    write(folder.path(), "notes/list.jsonl", "{\"id\":\"r1\",\"text\":\"one\"}\n{\"id\":\"r2\",\"text\":\"two\"}\n");
    write(folder.path(), "other/d.md", "Mara sold the boat.");
    write(folder.path(), "more.jsonl", "{\"id\":\"r1\",\"text\":\"one\"}\n{\"id\":\"m\",\"text\":\"m\"}\n");
    // From before origins were kept: `b.md` is in the folder too, and the folder's from then on.
    let mut before = document("b.md", "Tea turns bitter.");
    before.title = "b".into();
    engine.upsert(vec![before, document("by hand", "Jonas sold it.")]).unwrap();
    assert_eq!(sync(&engine, &[at("other"), at("more.jsonl")]), Gone { unknown: 2, ..Gone::default() });
    assert_eq!(sync(&engine, &[at("notes")]), Gone { unknown: 1, ..Gone::default() });

    fs::remove_file(at("notes/b.md")).unwrap();
    fs::remove_dir_all(at("notes/deep")).unwrap();
    write(folder.path(), "notes/list.jsonl", "{\"id\":\"r3\",\"text\":\"three\"}\n");
    let gone = sync(&engine, &[at("notes")]);
    assert_eq!(gone.documents, ["b.md", "deep/c.md", "r2"]);
    let elsewhere: Vec<&str> = gone.elsewhere.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!((elsewhere, gone.unknown, gone.unreadable), (vec!["r1"], 1, 0), "the other file still has r1");
    assert_eq!(engine.prune(&gone).unwrap(), 3);
    assert_eq!(sync(&engine, &[at("notes")]), Gone { unknown: 1, ..Gone::default() }, "done");
    let mut left = engine.index().ids().unwrap();
    left.sort();
    assert_eq!(left, ["a.md", "by hand", "d.md", "m", "r1", "r3"]);

    // A file that cannot be read is not gone: not even what was in it before.
    write(folder.path(), "notes/list.jsonl", "{broken\n");
    fs::write(at("notes/a.md"), b"caf\xe9").unwrap();
    let gone = sync(&engine, &[at("notes")]);
    assert_eq!((gone.documents.len(), gone.elsewhere.len(), gone.unreadable), (0, 0, 2));

    // A document that is written anew by somebody else is theirs.
    engine.upsert(vec![document("d.md", "Mara kept the boat.")]).unwrap();
    fs::remove_file(at("other/d.md")).unwrap();
    assert!(sync(&engine, &[at("other")]).documents.is_empty());
    drop(engine);
    assert_eq!(Engine::open(folder.path().join("index")).unwrap().index().check().unwrap().problems, []);
}

#[test]
fn a_folder_that_was_moved_is_the_same_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let engine = builder(folder.path()).open_or_create().unwrap();
    write(folder.path(), "old/a.md", "Kale survives frost.");
    sync(&engine, &[at("old")]);
    fs::rename(at("old"), at("new")).unwrap();
    assert_eq!(sync(&engine, &[at("new")]), Gone::default());
    fs::remove_file(at("new/a.md")).unwrap();
    assert_eq!(sync(&engine, &[at("new")]).documents, ["a.md"]);
}
