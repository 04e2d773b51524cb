//! What an index keeps of passages for the verifier: it is used where it is the verifier's own, and changes no answer.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use vetted::{
    Candidate, Document, Engine, Mode, Notice, Part, Passages, Policy, Precision, Search, Verify, ViewStorage,
};

use crate::{SENTENCES, builder, changed, document, facts, statements};

/// [`statements`], one long enough for several passages of several windows each, a title alone, and nothing at all.
fn documents() -> Vec<Document> {
    let filler = "Rain fell on the harbour all night and nobody left the house. ".repeat(12);
    let report = document("long", &format!("{filler}The dog bit the man. {filler}"));
    let mut documents = statements();
    documents.push(Document { title: "A report".into(), ..report });
    documents.push(Document { title: "The man bit the dog.".into(), ..document("title", "") });
    documents.push(document("empty", " \n"));
    documents
}

/// An engine with [`documents`] in `folder/index`.
fn engine(folder: &Path, views: ViewStorage) -> Engine {
    let passages = Passages::Cut { max_tokens: Some(128), overlap_tokens: 16 };
    let engine = builder(folder).passages(passages).views(views).open_or_create().unwrap();
    engine.upsert(documents()).unwrap();
    engine.finish().unwrap();
    engine
}

#[test]
fn kept_views_change_nothing_but_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let kept = engine(&folder.path().join("kept"), ViewStorage::Int8);
    let encoded = engine(&folder.path().join("encoded"), ViewStorage::None);
    assert!(kept.index().holdings().unwrap().bytes_of_views > 0);
    assert_eq!(kept.views(), ViewStorage::Int8);
    for (text, mode) in [
        (SENTENCES[0], Mode::Dense),
        (SENTENCES[0], Mode::Bm25),
        ("who was bitten by the dog?", Mode::Hybrid(vetted::Fusion::default())),
    ] {
        let flag = Verify { policy: Policy::Flag, ..Verify::default() };
        let rank = |engine: &Engine| engine.rank(&Search::new(text).k(20).mode(mode).verify(flag)).unwrap();
        let (a, b) = (rank(&kept), rank(&encoded));
        assert_eq!(facts(&a.hits), facts(&b.hits));
        let parts = |hits: &[Candidate]| {
            hits.iter().map(|hit| hit.outcome.assessment().map(|it| it.window.clone())).collect::<Vec<_>>()
        };
        assert_eq!(parts(&a.hits), parts(&b.hits));
        let long = a.hits.iter().find(|hit| hit.id == "long").unwrap();
        if let (Mode::Bm25, Some(Part::Text(bytes))) = (mode, long.outcome.assessment().map(|it| &it.window)) {
            assert!(
                kept.get("long").unwrap().unwrap().text[bytes.clone()].contains("dog bit"),
                "the passage with the words"
            );
        }
    }
    assert_eq!(kept.notices(), []);
}

#[test]
fn an_index_from_before_there_were_views_is_searched_and_added_to() {
    let folder = tempfile::tempdir().unwrap();
    let expected = {
        let engine = engine(folder.path(), ViewStorage::None);
        facts(&engine.rank(&Search::new(SENTENCES[0])).unwrap().hits)
    };
    let path = folder.path().join("index/vetted.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(manifest["passage_options"].as_object_mut().unwrap().remove("views"), Some("none".into()));
    fs::write(&path, manifest.to_string()).unwrap();
    let engine = builder(folder.path()).open_writable().unwrap();
    assert_eq!(engine.views(), ViewStorage::None);
    assert_eq!(facts(&engine.rank(&Search::new(SENTENCES[0])).unwrap().hits), expected);
    engine.upsert(vec![document("new", "A new one.")]).unwrap();
    assert_eq!(engine.index().holdings().unwrap().bytes_of_views, 0);
}

/// The fingerprint under which vetted of commit 863442a kept this verifier's views: of all of its description but for
/// its name and what judges them, of the arithmetic and the way texts are cut, and of all weights.
fn fingerprint_before(verifier: &Path) -> [u8; 8] {
    let config = fs::read(verifier.join("config.json")).unwrap();
    let mut config: Value = serde_json::from_slice(&config).unwrap();
    config["reader"]["view_range"] = 0.7_f32.into();
    let described = ["format", "architecture", "base", "encoder", "reader", "kinds"];
    let described: Map<String, Value> = described.map(|it| (it.to_owned(), config[it].clone())).into_iter().collect();
    let weights = fs::read(verifier.join("model.safetensors")).unwrap();
    let hash = Sha256::new()
        .chain_update(Value::from(described).to_string())
        .chain_update([Precision::fastest() as u8, 1])
        .chain_update(weights)
        .finalize();
    std::array::from_fn(|at| hash[at])
}

/// That version ended sentences at every line end.
#[test]
fn views_kept_by_a_version_before_are_not_used_until_they_are_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), ViewStorage::Int8);
    let before = fingerprint_before(&vetted_fixtures::verifier(folder.path()));
    let ids: Vec<String> = documents().into_iter().map(|document| document.id).collect();
    let records = |engine: &Engine| -> Vec<(String, Vec<u8>)> {
        let kept = |records: &[Option<&[u8]>]| records.iter().map(|it| it.map(<[u8]>::to_vec)).collect::<Vec<_>>();
        let kept = engine.index().read_views(&ids, |records| kept(records)).unwrap();
        ids.iter().cloned().zip(kept).filter_map(|(id, record)| Some((id, record?))).collect()
    };
    let now = engine.verifier().unwrap().views_fingerprint();
    let renewed = records(&engine);
    let mut kept = renewed.clone();
    for (id, record) in &mut kept {
        assert_eq!(record[..8], now, "{id}");
        record[..8].copy_from_slice(&before);
    }
    let search = Search::new(SENTENCES[0]);
    let expected = facts(&engine.rank(&search).unwrap().hits);
    engine.index().set_views(&kept).unwrap();
    assert_eq!(facts(&engine.rank(&search).unwrap().hits), expected);
    assert_eq!(engine.notices(), [Notice::OtherViews]);
    assert_eq!(engine.upsert(documents()).unwrap().unchanged, documents().len());
    assert_eq!(records(&engine), renewed);
}

#[test]
fn views_of_another_verifier_are_not_used_until_they_are_renewed() {
    let folder = tempfile::tempdir().unwrap();
    // A different way to store views (0.7 is usual), the same weights.
    let other =
        changed(&folder.path().join("verifier"), |config| config["reader"]["view_range"] = serde_json::json!(0.6));
    drop(engine(folder.path(), ViewStorage::Int8));

    // Other thresholds judge the same views, and so does another weight of missing words.
    let strict = changed(&folder.path().join("strict"), |config| {
        config["thresholds"] = serde_json::json!({"passage_conflict": 0.1});
        config["reader"]["missing_words"] = 2.into();
    });
    let engine = builder(folder.path()).verifier(strict).open().unwrap();
    assert!(engine.rank(&Search::new(SENTENCES[4])).unwrap().rejected.len() > 5, "it rejects what does not match");
    assert_eq!(engine.notices(), []);
    drop(engine);

    let open = || builder(folder.path()).verifier(other.clone()).open_writable().unwrap();
    let engine = open();
    let search = Search::new(SENTENCES[0]);
    let before = facts(&engine.rank(&search).unwrap().hits);
    engine.rank(&search).unwrap();
    assert_eq!(engine.notices(), [Notice::OtherViews], "said once");
    let indexed = engine.upsert(documents()).unwrap();
    assert_eq!((indexed.unchanged, indexed.replaced), (documents().len(), 0));
    drop(engine);
    let engine = open();
    assert_eq!(facts(&engine.rank(&search).unwrap().hits), before);
    assert_eq!(engine.notices(), []);
}

#[test]
fn damaged_views_are_encoded_anew_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path(), ViewStorage::Int8);
    let search = Search::new(SENTENCES[0]);
    let expected = facts(&engine.rank(&search).unwrap().hits);
    let whole = engine.index().read_views(&["0"], |views| views[0].unwrap().to_vec()).unwrap();
    for damage in [9, 30, whole.len() - 1] {
        let mut views = whole.clone();
        views[damage] ^= 0x40;
        engine.index().set_views(&[("0".into(), views)]).unwrap();
        assert_eq!(facts(&engine.rank(&search).unwrap().hits), expected, "byte {damage}");
        assert_eq!(engine.notices(), [Notice::DamagedViews { id: "0".into() }], "byte {damage}");
    }
    engine.index().set_views(&[("0".into(), whole[..20].to_vec())]).unwrap();
    assert_eq!(facts(&engine.rank(&search).unwrap().hits), expected);
}
