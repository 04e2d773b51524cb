//! What changes do, and what is refused.

mod support;

use std::fs;

use support::{check, entries, entry, id, manifest, vector};
use vetted_corpus::{Document, Passage};
use vetted_retrieval::{Entry, Error, Index, Manifest, Query, Settings, Upserted};

fn created() -> (tempfile::TempDir, Index) {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::create(folder.path().join("index"), manifest()).unwrap();
    (folder, index)
}

#[test]
fn documents_come_back_as_they_went_in() {
    let (folder, index) = created();
    let upserted = index.upsert(entries(0..50)).unwrap();
    assert_eq!(upserted, Upserted { added: 50, replaced: 0, duplicates: 0 });
    drop(index);
    let index = Index::open(folder.path().join("index")).unwrap();
    assert_eq!((index.len().unwrap(), index.manifest()), (50, &manifest()));
    for Entry { document, passages, .. } in entries(0..50) {
        assert_eq!(index.get(&document.id).unwrap().as_ref(), Some(&document));
        let expected: Vec<Passage> = passages.into_iter().map(|(passage, _)| passage).collect();
        assert_eq!(index.passages(&document.id).unwrap(), Some(expected));
        assert!(index.unchanged(&document).unwrap());
    }
    assert_eq!(index.ids().unwrap(), (0..50).map(id).collect::<Vec<_>>());
    assert_eq!(index.get("document-x").unwrap(), None);
    check(&index);
}

#[test]
fn the_last_entry_of_an_id_counts() {
    let (_folder, index) = created();
    index.upsert(vec![entry(1, 0), entry(2, 0)]).unwrap();
    let upserted = index.upsert(vec![entry(1, 1), entry(3, 0), entry(1, 2)]).unwrap();
    assert_eq!(upserted, Upserted { added: 1, replaced: 1, duplicates: 1 });
    assert_eq!(index.get(&id(1)).unwrap(), Some(entry(1, 2).document));
    assert_eq!(index.len().unwrap(), 3);
    let found = index.search(&Query::bm25("version0 version1")).unwrap();
    assert_eq!(found.iter().map(|hit| &hit.id).collect::<Vec<_>>(), [&id(2), &id(3)]);
    check(&index);
}

#[test]
fn unchanged_sees_every_part_of_a_document() {
    let (_folder, index) = created();
    let Entry { document, .. } = entry(1, 0);
    assert!(!index.unchanged(&document).unwrap());
    index.upsert(vec![entry(1, 0)]).unwrap();
    let mut metadata = document.metadata.clone();
    metadata.insert("new".into(), true.into());
    for changed in [
        Document { id: id(2), ..document.clone() },
        Document { title: "x".into(), ..document.clone() },
        Document { text: "x".into(), ..document.clone() },
        Document { metadata, ..document.clone() },
        Document { title: String::new(), text: document.title.clone() + &document.text, ..document.clone() },
    ] {
        assert!(!index.unchanged(&changed).unwrap(), "{changed:?}");
    }
}

#[test]
fn deleted_documents_are_gone_everywhere() {
    let (folder, index) = created();
    index.upsert(entries(0..20)).unwrap();
    let vector = vector(0);
    index.search(&Query::hybrid("winter", &vector)).unwrap();
    assert_eq!(index.delete(&[id(3), id(4), "nobody".into(), id(3)]).unwrap(), 2);
    // No document has an empty id, and none of these is an error.
    let long = "n".repeat(10_000);
    assert_eq!(index.delete(&["nobody", "", &long]).unwrap(), 0);
    assert_eq!(index.get("").unwrap(), None);
    assert_eq!(index.len().unwrap(), 18);
    for query in [Query::dense(&vector), Query::hybrid("number3 number4 number5", &vector)] {
        let hits = index.search(&query.k(100)).unwrap();
        assert_eq!(hits.len(), 18);
        assert!(hits.iter().all(|hit| hit.id != id(3) && hit.id != id(4)));
    }
    assert_eq!(index.search(&Query::bm25("number3 number4 number5")).unwrap().len(), 1);
    check(&index);
    index.finish().unwrap();
    drop(index);
    let index = Index::open(folder.path().join("index")).unwrap();
    check(&index);
    assert_eq!(index.notices(), []);
}

#[test]
fn many_changes_leave_no_trace_in_memory() {
    let (_folder, index) = created();
    let vector = vector(0);
    index.search(&Query::dense(&vector)).unwrap();
    for version in 0..8 {
        index.upsert((0..500).map(|number| entry(number, version)).collect()).unwrap();
        assert_eq!(index.search(&Query::hybrid(&format!("version{version}"), &vector).k(1000)).unwrap().len(), 500);
    }
    check(&index);
}

#[test]
fn bad_entries_are_refused_with_their_whole_batch() {
    let (_folder, index) = created();
    let with_vector = |vector| Entry { passages: vec![(Passage { bytes: 0..1, chars: 0..1 }, vector)], ..entry(7, 0) };
    let nameless = Document { title: "Nameless".into(), ..Document::default() };
    let is_this = |error: &Error, expected: &str| error.to_string().contains(expected);
    for (bad, expected) in [
        (with_vector(vec![0.5; 5]), "a vector of document \"document-00007\" has 5 dimensions where the index has 8"),
        (with_vector(vec![f32::NAN; 8]), "holds NaN at position 0"),
        (with_vector([vec![0.0; 7], vec![f32::INFINITY]].concat()), "holds inf at position 7"),
        (
            Entry { document: nameless, passages: Vec::new(), views: None },
            "empty id cannot be stored (title \"Nameless\")",
        ),
    ] {
        let error = index.upsert(vec![entry(1, 0), bad, entry(2, 0)]).unwrap_err();
        assert!(is_this(&error, expected), "{error}");
        assert!(index.is_empty().unwrap());
    }
}

#[test]
fn ids_may_be_of_any_length_and_alphabet() {
    let (folder, index) = created();
    let ids = ["a".to_owned(), "x".repeat(511), "x".repeat(512), "ü".repeat(5000), "\0".into(), "\u{10ffff}".into()];
    let entry = |id: &String| {
        let mut entry = entry(1, 0);
        entry.document.id = id.clone();
        entry
    };
    index.upsert(ids.iter().map(entry).collect()).unwrap();
    index.upsert(ids.iter().rev().map(entry).collect()).unwrap();
    drop(index);
    let index = Index::open(folder.path().join("index")).unwrap();
    assert_eq!(index.ids().unwrap(), ids.iter().rev().cloned().collect::<Vec<_>>());
    for id in &ids {
        assert_eq!(index.get(id).unwrap().map(|document| document.id).as_ref(), Some(id));
    }
    check(&index);
}

#[test]
fn a_document_may_have_ten_megabytes() {
    let (_folder, index) = created();
    let mut long = entry(1, 0);
    long.document.text = "All work and no play makes Jack a dull boy.\n".repeat(10_000_000 / 44 + 1) + "needle";
    long.passages = (0..5000).map(|at| (Passage { bytes: at..at + 1, chars: at..at + 1 }, vector(at))).collect();
    index.upsert(vec![entry(0, 0), long.clone(), entry(2, 0)]).unwrap();
    assert_eq!(index.get(&id(1)).unwrap().unwrap(), long.document);
    assert_eq!(index.search(&Query::bm25("needles")).unwrap()[0].id, id(1));
    let wanted = vector(4321);
    let hit = &index.search(&Query::dense(&wanted)).unwrap()[0];
    assert_eq!((&hit.id, hit.passage.as_ref()), (&id(1), Some(&long.passages[4321].0)));
    check(&index);
}

#[test]
fn folders_are_what_they_should_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(matches!(Index::open(path.join("nowhere")), Err(Error::NotAnIndex { .. })));
    assert!(matches!(Index::open(path), Err(Error::NotAnIndex { .. })));
    fs::write(path.join("notes.txt"), "mine").unwrap();
    assert!(matches!(Index::create(path, manifest()), Err(Error::Occupied { .. })));
    assert!(matches!(Index::create(path.join("notes.txt/index"), manifest()), Err(Error::Io { .. })));
    let index = Index::create(path.join("index"), manifest()).unwrap();
    assert!(matches!(Index::open(path.join("index")), Err(Error::AlreadyOpen { .. })));
    assert!(matches!(Index::open_writable(path.join("index")), Err(Error::AlreadyOpen { .. })));
    drop(index);
    assert!(matches!(Index::create(path.join("index"), manifest()), Err(Error::AlreadyExists { .. })));
    let reader = Index::open(path.join("index")).unwrap();
    assert!(matches!(reader.upsert(entries(0..1)), Err(Error::ReadOnly { .. })));
    assert!(matches!(reader.delete(&["a"]), Err(Error::ReadOnly { .. })));
    assert!(matches!(reader.finish(), Err(Error::ReadOnly { .. })));
    let mut encoder = manifest().encoder;
    encoder.dimensions = 0;
    let nothing = Manifest::new(encoder, serde_json::Map::new());
    assert!(matches!(Index::create(path.join("other"), nothing), Err(Error::NoDimensions { .. })));
}

#[test]
fn an_interrupted_creation_can_be_repeated() {
    let (folder, index) = created();
    drop(index);
    let path = folder.path().join("index");
    fs::rename(path.join("vetted.json"), path.join("vetted.json.new")).unwrap();
    let index = Index::create(&path, manifest()).unwrap();
    index.upsert(entries(0..3)).unwrap();
    check(&index);
}

#[test]
fn a_full_store_refuses_the_batch_and_keeps_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let small = Settings::default().store_limit(1 << 20);
    let index = Index::create_with(&path, manifest(), small).unwrap();
    let mut acknowledged = 0;
    let error = loop {
        match index.upsert(entries(acknowledged..acknowledged + 50)) {
            Ok(_) => acknowledged += 50,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::StoreFull { limit: 1_048_576, .. }), "{error}");
    assert!(acknowledged > 0);
    assert_eq!(index.len().unwrap(), acknowledged);
    check(&index);
    drop(index);
    let index = Index::open_writable(&path).unwrap();
    index.upsert(entries(acknowledged..acknowledged + 50)).unwrap();
    assert_eq!(index.len().unwrap(), acknowledged + 50);
    check(&index);
}
