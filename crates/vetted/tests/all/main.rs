//! The engine and its verifier over tiny models that need no download (`vetted-fixtures`). What the models say that come with
//! vetted is tested in `crates/cli/tests/acceptance.rs`.

mod behind_others;
mod deadlines;
#[cfg(feature = "redis")]
mod elsewhere;
mod given_vectors;
mod kept_views;
mod moments;
mod origins;
mod pairs;
mod verified_search;
mod vouching;
mod wire;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use vetted::{Builder, Candidate, Document, Engine, Precision, Verdict, Verifier, VerifierOptions};

/// Statements, some of them near-misses of each other.
const SENTENCES: [&str; 8] = [
    "The dog bit the man.",
    "The man bit the dog.",
    "The man was bitten by the dog.",
    "A dog and a man met in the park.",
    "Green tea turns bitter in boiling water.",
    "Mara sold the old boat to Jonas in May.",
    "Jonas sold the old boat to Mara in May.",
    "Kale survives hard frost.",
];

/// An engine in `folder/index` that asks the tiny verifier.
fn opened(folder: &Path) -> Builder<'static> {
    Engine::builder(folder.join("index")).verifier(vetted_fixtures::verifier(folder))
}

/// The same over the tiny encoder.
fn builder(folder: &Path) -> Builder<'static> {
    opened(folder).model(vetted_fixtures::encoder().to_string_lossy())
}

/// The tiny verifier, to be asked about pairs.
fn verifier(options: VerifierOptions) -> Verifier {
    let folder = tempfile::tempdir().unwrap();
    Verifier::open(&vetted_fixtures::verifier(folder.path()), options, &mut |_| {}).unwrap()
}

/// The tiny verifier with another `config.json`, in `folder`.
fn changed(folder: &Path, change: impl FnOnce(&mut Value)) -> PathBuf {
    let verifier = vetted_fixtures::verifier(folder);
    let path = verifier.join("config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut config);
    fs::write(path, config.to_string()).unwrap();
    verifier
}

fn document(id: &str, text: &str) -> Document {
    Document { id: id.into(), text: text.into(), ..Document::default() }
}

/// One document for each of [`SENTENCES`]; its id is the sentence's number.
fn statements() -> Vec<Document> {
    SENTENCES.iter().enumerate().map(|(number, text)| document(&number.to_string(), text)).collect()
}

/// An engine with [`statements`], in the arithmetic that is fastest here.
fn engine(folder: &Path) -> Engine {
    engine_in(folder, Precision::fastest())
}

/// The same in this arithmetic.
fn engine_in(folder: &Path, precision: Precision) -> Engine {
    let engine = builder(folder).precision(precision).open_or_create().unwrap();
    engine.upsert(statements()).unwrap();
    engine
}

/// A candidate's id, the bits of its score, and its verdict with the bits of its two probabilities.
type Facts = (String, u32, Option<(Verdict, u32, u32)>);

fn facts(hits: &[Candidate]) -> Vec<Facts> {
    let said = |hit: &Candidate| {
        let judgement = hit.outcome.assessment()?.judgement;
        Some((hit.outcome.verdict()?, judgement.p_match.to_bits(), judgement.p_conflict.to_bits()))
    };
    hits.iter().map(|hit| (hit.id.clone(), hit.score.to_bits(), said(hit))).collect()
}
