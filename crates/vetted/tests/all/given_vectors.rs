//! Documents whose vectors an encoder of one's own made.

use vetted::{Document, Search};

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
    for vector in [serde_json::json!("no vector"), serde_json::json!([1.0]), serde_json::Value::Null] {
        assert!(engine.upsert(vec![document("other", "Text.", vector)]).is_err());
    }
    assert_eq!(engine.len().unwrap(), 3);
    let moved = engine.upsert(vec![document("tea", SENTENCES[4], serde_json::json!([1.5, 0.0]))]).unwrap();
    assert_eq!(moved.replaced, 1, "the text is the same, the vector is not");
    assert_eq!(engine.search(&search.verify(None)).unwrap().hits[0].id, "tea");
}
