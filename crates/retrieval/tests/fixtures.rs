//! Indexes of every format this crate ever wrote stay readable.
//!
//! `tests/fixtures/format-N` was written by the version that introduced format N, by the test that is ignored here, and is
//! not written again: only the manifest and the store, which are the truth. A new format gets a new folder.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use vetted_corpus::{Document, Passage};
use vetted_retrieval::{EncoderIdentity, Entry, FORMAT_VERSION, Index, Manifest, Query};

const FILES: [&str; 2] = ["vetted.json", "store/data.mdb"];

fn fixture(format: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/format-{format}"))
}

fn manifest() -> Manifest {
    let encoder = EncoderIdentity { name: "three".into(), fingerprint: "sha256:abc".into(), dimensions: 3 };
    Manifest::new(encoder, [("tokens".to_owned(), json!(256))].into_iter().collect())
}

fn entries() -> Vec<Entry> {
    let entry = |id: &str, title: &str, text: &str, metadata: serde_json::Value, vectors: &[[f32; 3]]| Entry {
        document: Document {
            id: id.into(),
            title: title.into(),
            text: text.into(),
            metadata: metadata.as_object().cloned().unwrap_or_default(),
        },
        passages: (0..)
            .zip(vectors)
            .map(|(at, it)| (Passage { bytes: at..at + 4, chars: at..at + 3 }, it.to_vec()))
            .collect(),
        views: None,
    };
    vec![
        entry(
            "tea",
            "Tea",
            "Gr\u{fc}ner Tee: leaves in hot water.",
            json!({"year": 1211, "tags": ["hot", "green"]}),
            &[[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]],
        ),
        entry("bread", "", "Flour, water, salt, time.", json!({}), &[[0.0, 1.0, 0.0]]),
        entry(
            &"long/".repeat(200),
            "A long id",
            "Found all the same.",
            json!({"nested": {"deep": true}}),
            &[[0.0, 0.0, 1.0]],
        ),
        entry("pointless", "No passages", "Only words.", json!({}), &[]),
    ]
}

#[test]
fn every_format_is_readable() {
    for format in 1..=FORMAT_VERSION {
        for writable in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path();
            fs::create_dir(path.join("store")).unwrap();
            for file in FILES {
                fs::copy(fixture(format).join(file), path.join(file)).unwrap();
            }
            let index = if writable { Index::open_writable(path) } else { Index::open(path) }.unwrap();
            assert_eq!(index.manifest().encoder, manifest().encoder);
            assert_eq!(index.manifest().passage_options, manifest().passage_options);
            for Entry { document, passages, .. } in entries() {
                assert_eq!(index.get(&document.id).unwrap().as_ref(), Some(&document));
                assert!(index.unchanged(&document).unwrap(), "{}", document.id);
                let passages: Vec<_> = passages.into_iter().map(|(passage, _)| passage).collect();
                assert_eq!(index.passages(&document.id).unwrap(), Some(passages));
            }
            let hit = &index.search(&Query::dense(&[0.0, 0.9, 0.1])).unwrap()[..2];
            assert_eq!((hit[0].id.as_str(), hit[1].id.as_str()), ("bread", "tea"));
            assert_eq!(hit[1].passage, Some(Passage { bytes: 1..5, chars: 1..4 }));
            let filtered = Query::bm25("water words").filter("tags=green".parse().unwrap());
            assert_eq!(index.search(&filtered).unwrap().len(), 1);
            for (filter, expected) in [
                ("year=1211", 1),
                ("year in 1210, 1212", 0),
                ("not exists year or tags=cold", 3),
                ("nested.deep=true", 1),
            ] {
                let fitting = Query::dense(&[0.0, 0.9, 0.1]).filter(filter.parse().unwrap());
                let words = Query::bm25("water words found").filter(filter.parse().unwrap());
                let (fitting, words) = (index.search(&fitting).unwrap(), index.search(&words).unwrap());
                assert_eq!(words.len(), expected, "{filter}");
                assert!(fitting.iter().all(|hit| words.iter().any(|it| it.id == hit.id)), "{filter}");
            }
            // Without its dots: the text index is made anew with today's analysis.
            assert_eq!(index.search(&Query::bm25("gruner")).unwrap()[0].id, "tea");
            // From before views were kept: there are none, and there may be from now on.
            let views = || index.read_views(&["tea"], |views| views[0].map(<[u8]>::to_vec)).unwrap();
            assert_eq!(views(), None);
            if writable {
                assert_eq!(index.set_views(&[("tea".into(), vec![1, 2]), ("absent".into(), vec![3])]).unwrap(), 1);
                assert_eq!(views(), Some(vec![1, 2]));
                assert_eq!(index.delete(&["tea"]).unwrap(), 1);
                assert_eq!(views(), None);
            }
            support::check(&index);
        }
    }
}

/// Writes the fixture of the present format: `cargo test -p vetted-retrieval --test fixtures -- --ignored`.
#[test]
#[ignore = "writes a fixture that is not to change"]
fn write_fixture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let index = Index::create(&path, manifest()).unwrap();
    // Replaced documents, as in an index that has been in use.
    index.upsert(entries().into_iter().rev().take(2).collect()).unwrap();
    index.upsert(entries()).unwrap();
    drop(index);
    let target = fixture(FORMAT_VERSION);
    assert!(!target.exists(), "{} exists", target.display());
    fs::create_dir_all(target.join("store")).unwrap();
    for file in FILES {
        fs::copy(path.join(file), target.join(file)).unwrap();
    }
}
