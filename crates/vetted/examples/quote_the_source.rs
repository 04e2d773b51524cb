//! Long documents: passages, and where in the document a hit stands.
//!
//!     cargo run --release -p vetted --example quote_the_source

use vetted::{Document, Engine, Passages, Search};

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    // Encoders read a few hundred tokens at a time. Here passages are kept short, so that hits are precise.
    let engine = Engine::builder(folder.path().join("book.index"))
        .passages(Passages::Cut { max_tokens: Some(64), overlap_tokens: 16 })
        .open_or_create()?;

    let chapter = |name: &str| {
        format!("{name} woke early and walked to the harbour, as on every other day of that long summer. ").repeat(20)
    };
    let text = format!("{}At noon the bell of the drowned church rang twice. {}", chapter("Ines"), chapter("Tomas"));
    engine.upsert(vec![Document {
        id: "book".into(),
        title: "The Bell".into(),
        text: text.clone(),
        ..Document::default()
    }])?;

    let found = engine.search(&Search::new("when did the church bell ring?"))?;
    let snippet = &found.hits[0].snippet;
    println!("characters {:?}: {}", snippet.chars, snippet.text);

    // The offsets count characters of the document's text, so any language can cut the quotation out again.
    let quoted: String = text.chars().skip(snippet.chars.start).take(snippet.chars.len()).collect();
    assert_eq!(quoted, snippet.text);
    assert!(quoted.contains("rang twice"));
    Ok(())
}
