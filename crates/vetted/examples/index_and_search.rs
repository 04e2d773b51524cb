//! From nothing to an answer.
//!
//!     cargo run --release -p vetted --example index_and_search
//!
//! Three steps: open an index (the default encoder is fetched the first time), put documents in, ask.

use vetted::{Document, Engine, Search};

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;

    // An index is a folder. It remembers which encoder made it and how documents were cut.
    let engine = Engine::builder(folder.path().join("notes.index")).open_or_create()?;

    // When `upsert` returns, the documents are on disk, all or none. The same id again replaces.
    let document = |id: &str, text: &str| Document { id: id.into(), text: text.into(), ..Document::default() };
    engine.upsert(vec![
        document("dog", "The dog bit the man."),
        document("man", "The man bit the dog."),
        document("tea", "Green tea turns bitter in boiling water."),
    ])?;

    // Ranked by meaning: no word of the question is in the answer.
    let found = engine.search(&Search::new("how do I brew sencha?").k(1))?;
    assert_eq!(found.hits[0].id, "tea");

    // And here is why tier two exists: to one vector, who bit whom is nearly the same.
    for hit in engine.search(&Search::new("a man was bitten by a dog").k(2))?.hits {
        println!("{:.3}  {}", hit.score, hit.snippet.text);
    }
    Ok(())
}
