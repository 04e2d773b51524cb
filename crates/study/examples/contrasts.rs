//! Near-misses of one's own documents as a file for `vetted eval contrast`: how well does a scorer, reading whole documents, tell
//! each from its copy in which one sentence says something else?
//!
//! `cargo run --release -p vetted-study --example contrasts -- corpus.jsonl 1500 > contrasts.json`
//!
//! The first query of a contrast is the original's sentence in other words, or a question that it answers; the second is the
//! copy's sentence as it stands there.

use std::collections::HashMap;
use std::error::Error;

use serde_json::json;
use vetted_corpus::{Document, ReadOptions, read};
use vetted_study::twins::{Options, plant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: contrasts CORPUS [TWINS]";
    let corpus = arguments.next().ok_or(usage)?;
    let twins = arguments.next().map_or(Ok(1000), |number| number.parse())?;

    let documents: Vec<Document> = read(&[corpus.into()], &ReadOptions::default()).collect::<Result<_, _>>()?;
    let planted = plant(&documents, &Options { twins, first_words: None, ..Options::default() });
    let by_id: HashMap<&str, &Document> = documents.iter().map(|document| (document.id.as_str(), document)).collect();
    let contrasts: Vec<_> = planted
        .queries
        .iter()
        .map(|query| {
            let twin = &planted.twins[query.twin];
            let original = by_id[twin.original.as_str()].full_text();
            json!({"q1": query.text, "q2": twin.edited, "doc1": original, "doc2": twin.document.full_text()})
        })
        .collect();
    println!("{}", serde_json::to_string_pretty(&contrasts)?);
    Ok(())
}
