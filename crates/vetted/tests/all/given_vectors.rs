//! Documents whose vectors an encoder of one's own made.

use vetted::{Document, Fusion, Mode, Outcome, Search, Unverified};

use crate::SENTENCES;

#[test]
fn documents_may_bring_their_vectors_and_are_vetted_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let opened = || crate::opened(folder.path());
    let builder = || opened().given_vectors("embedding", 2);
    let engine = builder().open_or_create().unwrap();
    let document = |id: &str, text: &str, vector: serde_json::Value| Document {
        id: id.into(),
        text: text.into(),
        metadata: [("embedding".to_owned(), vector), ("year".to_owned(), 2026.into())].into_iter().collect(),
        ..Document::default()
    };
    let texts =
        [("bit", SENTENCES[0], [1.0, 0.0]), ("bitten", SENTENCES[1], [0.9, 0.1]), ("tea", SENTENCES[4], [0.0, 1.0])];
    engine
        .upsert(texts.iter().map(|(id, text, vector)| document(id, text, serde_json::json!(vector))).collect())
        .unwrap();
    drop(engine);
    let engine = opened().open().unwrap();
    let search = Search::new("The man was bitten by the dog.").vector(vec![1.0, 0.0]);
    let found = engine.search(&search).unwrap();
    assert_eq!(found.hits[0].id, "bit");
    assert!(found.hits[0].outcome.is_accepted() && found.rejected.iter().any(|it| it.id == "bitten"));
    assert!(!found.hits[0].metadata.contains_key("embedding") && found.hits[0].metadata.contains_key("year"));

    let missing = engine.search(&Search::new("The man was bitten by the dog.")).unwrap_err();
    assert!(matches!(missing, vetted::Error::NoEncoder { .. }), "{missing}");
    assert!(engine.search(&search.clone().vector(vec![1.0])).is_err(), "one dimension of two");
    drop(engine);
    let engine = builder().open_or_create().unwrap();
    for (vector, problem) in [
        (serde_json::json!("no vector"), "is a string"),
        (serde_json::json!([1.0]), "has 1 dimensions; expected 2"),
        (serde_json::json!([1e39, 0.0]), "does not fit a 32-bit float"),
        (serde_json::json!([0.0, 0.0]), "is all zeros"),
        (serde_json::Value::Null, "is null"),
    ] {
        let error = engine.upsert(vec![document("other", "Text.", vector)]).unwrap_err().to_string();
        assert!(error.contains("\"other\"") && error.contains(problem), "{error}");
    }
    let again = engine.upsert(vec![document("tea", SENTENCES[4], serde_json::json!([0.0, 1.0]))]).unwrap();
    assert_eq!((again.unchanged, again.replaced), (1, 0), "text and vector are the same");
    assert_eq!(engine.len().unwrap(), 3);
    let moved = engine.upsert(vec![document("tea", SENTENCES[4], serde_json::json!([1.5, 0.0]))]).unwrap();
    assert_eq!(moved.replaced, 1, "the text is the same, the vector is not");
    assert_eq!(engine.search(&search.verify(None)).unwrap().hits[0].id, "tea");
}

#[test]
fn a_vector_without_a_text_finds_what_nobody_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let engine = crate::opened(folder.path()).given_vectors("embedding", 2).open_or_create().unwrap();
    let document = |id: &str, vector: [f32; 2]| Document {
        id: id.into(),
        text: SENTENCES[0].into(),
        metadata: [("embedding".to_owned(), serde_json::json!(vector))].into_iter().collect(),
        ..Document::default()
    };
    engine.upsert((0..40).map(|n| document(&n.to_string(), [1.0, n as f32])).collect()).unwrap();
    let search = Search::new("").vector(vec![0.0, 1.0]).k(3);
    let found = engine.search(&search).unwrap();
    assert_eq!(found.hits.iter().map(|hit| hit.id.as_str()).collect::<Vec<_>>(), ["39", "38", "37"]);
    for hit in &found.hits {
        let why = matches!(hit.outcome, Outcome::Unverified(Unverified::QueryWithoutText));
        assert!(why, "{:?}", hit.outcome);
    }
    assert!(
        engine.search(&search.clone().verify(None)).unwrap().hits.iter().all(|hit| hit.outcome.verdict().is_none())
    );
    for mode in [Mode::Bm25, Mode::Hybrid(Fusion::default())] {
        assert!(matches!(engine.search(&search.clone().mode(mode)), Err(vetted::Error::EmptyQuery)), "{mode:?}");
    }
}
