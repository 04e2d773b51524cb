//! Whether verdicts depend on where lines end: the documents of a BEIR folder are indexed twice, each text on one line and
//! wrapped at 72 columns, and searched with the folder's queries. Prints the share of verdicts that are equal.
//!
//! `cargo run --release -p vetted --example wrapped_verdicts -- BEIR_FOLDER [MOST_DOCUMENTS] [MOST_QUERIES]`

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use vetted::{Document, Engine, Policy, Search, Verify};
use vetted_corpus::{ReadOptions, read};

const COLUMNS: usize = 72;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = PathBuf::from(arguments.first().ok_or("usage: wrapped_verdicts BEIR_FOLDER [DOCUMENTS] [QUERIES]")?);
    let most = |at: usize| arguments.get(at).map_or(Ok(usize::MAX), |most| most.parse::<usize>());
    let documents = documents(&folder.join("corpus.jsonl"), most(1)?)?;
    let queries = documents_of(&folder.join("queries.jsonl"), most(2)?)?;

    let scratch = tempfile::tempdir()?;
    let flat = indexed(&scratch.path().join("flat"), &documents, |text| text.to_owned())?;
    let wrapped = indexed(&scratch.path().join("wrapped"), &documents, wrapped)?;
    let (mut equal, mut all) = (0, 0);
    let mut changes: BTreeMap<String, usize> = BTreeMap::new();
    for query in &queries {
        let verify = Verify { policy: Policy::Flag, ..Verify::default() };
        let verdicts = |engine: &Engine| -> Result<BTreeMap<String, String>, vetted::Error> {
            let found = engine.rank(&Search::new(&query.text).k(20).verify(verify))?;
            let verdict = |verdict| format!("{verdict:?}").replace("Some", "");
            Ok(found.hits.into_iter().map(|hit| (hit.id, verdict(hit.outcome.verdict()))).collect())
        };
        let (before, after) = (verdicts(&flat)?, verdicts(&wrapped)?);
        for (id, verdict) in &before {
            let other = after.get(id).map_or("(not found)", String::as_str);
            all += 1;
            equal += usize::from(verdict == other);
            if verdict != other {
                *changes.entry(format!("{verdict} -> {other}")).or_default() += 1;
            }
        }
    }
    let share = 100.0 * equal as f64 / f64::from(all.max(1));
    println!(
        "{} documents, {} queries: {equal} of {all} verdicts are equal, {share:.2} %",
        documents.len(),
        queries.len()
    );
    changes.iter().for_each(|(change, count)| println!("  {count} {change}"));
    Ok(())
}

fn documents(path: &Path, most: usize) -> Result<Vec<Document>, Box<dyn Error>> {
    let mut documents = documents_of(path, most)?;
    for document in &mut documents {
        document.text = document.text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    Ok(documents)
}

fn documents_of(path: &Path, most: usize) -> Result<Vec<Document>, Box<dyn Error>> {
    Ok(read(&[path.to_owned()], &ReadOptions::default()).take(most).collect::<Result<_, _>>()?)
}

fn indexed(folder: &Path, documents: &[Document], text: impl Fn(&str) -> String) -> Result<Engine, Box<dyn Error>> {
    let engine = Engine::builder(folder).open_or_create()?;
    for some in documents.chunks(256) {
        engine.upsert(some.iter().map(|it| Document { text: text(&it.text), ..it.clone() }).collect())?;
    }
    engine.finish()?;
    Ok(engine)
}

/// As many words on a line as fit.
fn wrapped(text: &str) -> String {
    let (mut wrapped, mut column) = (String::with_capacity(text.len()), 0);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > COLUMNS {
            wrapped.push('\n');
            column = 0;
        } else if column > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
    wrapped
}
