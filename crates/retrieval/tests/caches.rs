//! The store is the truth: caches that are missing, late or damaged are made anew from it.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{check, entries, entry, id, manifest};
use vetted_retrieval::{Damage, Error, Index, Notice, Query};

fn finished(documents: usize) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let index = Index::create(&path, manifest()).unwrap();
    index.upsert(entries(0..documents)).unwrap();
    index.finish().unwrap();
    assert_eq!(index.notices(), []);
    (folder, path)
}

/// What happens to a file or a folder, and what to call it.
type Accident = (&'static str, fn(&Path));

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Flips a bit of every byte in the middle of a file.
fn garble(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let length = bytes.len();
    bytes[length / 4..(length * 3).div_ceil(4)].iter_mut().for_each(|byte| *byte ^= 0x40);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_text_index_in_any_state_is_rebuilt() {
    let wreck: [Accident; 5] = [
        ("missing", |text| fs::remove_dir_all(text).unwrap()),
        ("empty", |text| files(text).iter().for_each(|file| fs::remove_file(file).unwrap())),
        ("garbled", |text| files(text).iter().for_each(|file| garble(file))),
        ("truncated", |text| files(text).iter().for_each(|file| fs::write(file, "").unwrap())),
        ("without its list", |text| fs::remove_file(text.join("meta.json")).unwrap()),
    ];
    for (state, wreck) in wreck {
        let (_folder, path) = finished(100);
        wreck(&path.join("text"));
        // Who only reads counts the words himself, and leaves the files as they are (see also `read_only.rs`).
        for _ in 0..2 {
            let reader = Index::open(&path).unwrap();
            assert_eq!(reader.search(&Query::bm25("number42")).unwrap()[0].id, id(42), "{state}");
            let notices = reader.notices();
            assert!(matches!(notices[..], [Notice::TextUnusable { documents: 100, .. }]), "{state}: {notices:?}");
            check(&reader);
        }
        let index = Index::open_writable(&path).unwrap();
        assert_eq!(index.search(&Query::bm25("number42")).unwrap()[0].id, id(42), "{state}");
        let notices = index.notices();
        assert!(matches!(notices[..], [Notice::TextRebuilt { documents: 100, .. }]), "{state}: {notices:?}");
        check(&index);
        drop(index);
        let again = Index::open(&path).unwrap();
        check(&again);
        assert_eq!(again.notices(), []);
    }
}

#[test]
fn each_damaged_file_of_the_text_index_is_noticed() {
    let (_folder, path) = finished(100);
    let index_files = files(&path.join("text"));
    let segments = index_files.iter().filter(|file| file.extension().is_some_and(|it| it != "lock" && it != "json"));
    let names: Vec<_> = segments.map(|file| file.extension().unwrap().to_owned()).collect();
    assert!(names.len() >= 4, "{names:?}");
    for extension in names {
        let segment = files(&path.join("text"));
        let Some(file) = segment.iter().find(|file| file.extension() == Some(&extension)) else { continue };
        garble(file);
        let reader = Index::open(&path).unwrap();
        reader.search(&Query::bm25("winter")).unwrap();
        let notices = reader.notices();
        assert!(matches!(notices[..], [Notice::TextUnusable { .. }]), "{extension:?}: {notices:?}");
        drop(reader);
        let index = Index::open_writable(&path).unwrap();
        index.search(&Query::bm25("winter")).unwrap();
        let notices = index.notices();
        assert!(matches!(notices[..], [Notice::TextRebuilt { .. }]), "{extension:?}: {notices:?}");
        check(&index);
    }
}

#[test]
fn a_late_text_index_catches_up() {
    for writable in [false, true] {
        let (_folder, path) = finished(100);
        let index = Index::open_writable(&path).unwrap();
        index.upsert(vec![entry(5, 1), entry(100, 0)]).unwrap();
        index.delete(&[id(6)]).unwrap();
        drop(index); // without `finish`, as if killed
        let index = if writable { Index::open_writable(&path) } else { Index::open(&path) }.unwrap();
        check(&index);
        // Who only reads has the words in memory, and there is nothing to be said about it.
        let caught_up = writable.then_some(Notice::TextCaughtUp { added: 2, removed: 2 });
        assert_eq!(index.notices(), caught_up.into_iter().collect::<Vec<_>>());
        assert_eq!(index.search(&Query::bm25("version1")).unwrap()[0].id, id(5));
    }
}

#[test]
fn a_damaged_store_is_an_error_that_says_what_to_do() {
    let damage: [Accident; 4] = [
        ("garbled head", |data| {
            let mut bytes = fs::read(data).unwrap();
            bytes[..8192].fill(0x5a);
            fs::write(data, bytes).unwrap();
        }),
        ("truncated", |data| {
            let length = fs::metadata(data).unwrap().len();
            fs::File::options().write(true).open(data).unwrap().set_len(length / 2).unwrap();
        }),
        ("empty", |data| fs::write(data, "").unwrap()),
        ("gone", |data| fs::remove_file(data).unwrap()),
    ];
    for (state, damage) in damage {
        for writable in [false, true] {
            let (_folder, path) = finished(100);
            damage(&path.join("store/data.mdb"));
            let opened = if writable { Index::open_writable(&path) } else { Index::open(&path) };
            let error = opened.err().unwrap_or_else(|| panic!("{state} was not noticed"));
            assert!(matches!(error, Error::StoreDamaged { .. }), "{state}: {error:?}");
            assert!(error.to_string().contains("restore the folder from a backup"), "{error}");
        }
    }
}

#[test]
fn damaged_records_are_named() {
    let (_folder, path) = finished(100);
    let data = path.join("store/data.mdb");
    let mut bytes = fs::read(&data).unwrap();
    let needle = b"\"id\":\"document-00042\"";
    let mut found = 0;
    for at in 0..bytes.len() - needle.len() {
        if bytes[at..].starts_with(needle) {
            bytes[at] = b'!';
            found += 1;
        }
    }
    assert!(found > 0);
    fs::write(&data, bytes).unwrap();
    let index = Index::open(&path).unwrap();
    let error = index.get(&id(42)).unwrap_err();
    let expected = Damage::Record { table: "documents", number: 42 };
    assert!(
        matches!(&error, Error::StoreDamaged { damage, .. } if damage.to_string() == expected.to_string()),
        "{error}"
    );
    assert!(index.get(&id(41)).unwrap().is_some());
}
