//! `vetted audit` as people run it: the small sets of its own, the gate, and wrong input.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{fail, json, succeed, verifier, vetted};

/// A tiny encoder with random weights, as sentence-transformers lays it out, of the encoder crate's tests.
fn tiny(folder: &Path, name: &str, family: &str) -> PathBuf {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoder/tests/golden/families").join(family);
    let out = folder.join(name);
    fs::create_dir_all(out.join("1_Pooling")).unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(golden.join(file), out.join(file)).unwrap();
    }
    let modules = r#"[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]"#;
    fs::write(out.join("modules.json"), modules).unwrap();
    fs::write(out.join("1_Pooling/config.json"), r#"{"pooling_mode_mean_tokens": true}"#).unwrap();
    out
}

/// The default encoder under another name.
fn copy(folder: &Path, name: &str) -> PathBuf {
    let base = vetted_fixtures::encoder();
    let out = folder.join(name);
    for file in ["config.json", "tokenizer.json", "modules.json", "1_Pooling/config.json", "model.safetensors"] {
        fs::create_dir_all(out.join(file).parent().unwrap()).unwrap();
        fs::copy(base.join(file), out.join(file)).unwrap();
    }
    out.join("model.safetensors")
}

#[test]
fn a_copy_of_the_base_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path(), "same");
    let audit = ["audit", "--base", "all-MiniLM-L6-v2", "--tuned", "same", "--cache", "cache", "--verifier", "none"];
    let text = succeed(folder.path(), &audit);
    assert!(text.contains("same finds what all-MiniLM-L6-v2 finds") && !text.contains("-0.000"), "{text}");
}

/// The default encoder with its word embeddings in reverse order: of the right shape, and it finds nothing.
fn ruined(folder: &Path, name: &str) {
    let weights = copy(folder, name);
    let mut bytes = fs::read(&weights).unwrap();
    let start = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = json(std::str::from_utf8(&bytes[8..start]).unwrap());
    let words = &header["embeddings.word_embeddings.weight"]["data_offsets"];
    let [from, to] = [0, 1].map(|end| start + words[end].as_u64().unwrap() as usize);
    bytes[from..to].as_chunks_mut::<4>().0.reverse();
    fs::write(weights, bytes).unwrap();
}

#[test]
fn the_gate_opens_and_shuts_and_a_rerun_says_the_same() {
    let folder = tempfile::tempdir().unwrap();
    ruined(folder.path(), "ruined");
    let common = ["audit", "--base", "all-MiniLM-L6-v2", "--tuned", "ruined", "--cache", "cache"];
    let verifier = verifier();
    let audit = [&common[..], &["--out", "report.html", "--verify", "10", "--verifier", &verifier]].concat();
    let first = vetted(folder.path(), &audit);
    assert_eq!(first.status.code(), Some(3), "{}", String::from_utf8_lossy(&first.stderr));
    assert!(String::from_utf8_lossy(&first.stderr).contains("Fail: ruined loses"));
    let text = String::from_utf8(first.stdout).unwrap();
    assert!(text.contains("| all-MiniLM-L6-v2 + vetted-tiny |"), "{text}");
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("<svg") && !page.contains("<script"));
    let written = json(&fs::read_to_string(folder.path().join("report.json")).unwrap());
    let base = written["average"][0]["ndcg"].as_f64().unwrap();
    assert!(base > 0.1, "the tiny encoder finds something by words: {base}");
    assert_eq!(written["groups"][0]["figures"].as_array().unwrap().len(), 3);

    let again = vetted(folder.path(), &audit);
    assert_eq!(String::from_utf8(again.stdout).unwrap(), text, "cached vectors give the same report");

    let lenient = [&common[..], &["--verifier", "none", "--max-drop", "1", "--json"]].concat();
    let answer = json(&succeed(folder.path(), &lenient));
    assert!(answer["exceeded"].as_array().unwrap().is_empty());
    assert_eq!(answer["systems"].as_array().unwrap().len(), 2);
}

#[test]
fn wrong_input_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    tiny(path, "base", "bert");
    tiny(path, "unpooled", "bert");
    fs::remove_file(path.join("unpooled/1_Pooling/config.json")).unwrap();
    tiny(path, "gpt", "bert");
    fs::write(path.join("gpt/config.json"), r#"{"model_type": "gpt2", "hidden_size": 8}"#).unwrap();
    fs::create_dir_all(path.join("set/qrels")).unwrap();
    fs::write(
        path.join("set/corpus.jsonl"),
        "{\"_id\": \"d1\", \"text\": \"a dog\"}\n{\"_id\": \"d2\", \"text\": \"a cat\"}\n",
    )
    .unwrap();
    fs::write(path.join("set/queries.jsonl"), "{\"_id\": \"q1\", \"text\": \"dog\"}\n").unwrap();
    let qrels = |document: &str| fs::write(path.join("set/qrels/test.tsv"), format!("q1\t{document}\t1\n")).unwrap();

    let audit = |tuned: &str, more: &[&str]| {
        let arguments = ["audit", "--base", "base", "--tuned", tuned, "--cache", "cache", "--verifier", "none"];
        fail(path, &[&arguments[..], more].concat())
    };
    qrels("d1");
    for (tuned, more, expected) in [
        ("unpooled", &[][..], "1_Pooling/config.json, which is missing"),
        ("gpt", &[], "a generating model, not an encoder"),
        ("nowhere/at/all", &[], "nowhere/at/all"),
        ("base", &[], "given twice"),
        ("unpooled", &["--max-drop=-1"], "--max-drop is -1"),
    ] {
        let said = audit(tuned, more);
        assert!(said.contains(expected), "{tuned} {more:?}: {said}");
    }
    let arguments = ["audit", "--base", "all-MiniLM-L6-v2", "--tuned", "unlike", "--verifier", "none"];
    tiny(path, "unlike", "bert");
    let said = fail(path, &arguments);
    assert!(said.contains("all-MiniLM-L6-v2 has vectors of 32 dimensions and unlike of 16"), "{said}");
    tiny(path, "other", "mpnet");
    qrels("d9");
    let said = audit("other", &["--data", "set"]);
    assert!(said.contains("judges 1 document (d9)") && said.contains("corpus.jsonl"), "{said}");
    let said = audit("other", &["--data", "set", "--split", "dev"]);
    assert!(said.contains("choose one of test"), "{said}");
}
