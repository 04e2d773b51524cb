//! `vetted train encoder` as people run it, and what sentence-transformers makes of what it writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use vetted_encoder::folder::Pooling;
use vetted_encoder::{Encoder, ModelFolder, Options, Role};

use crate::program::{fail, json, succeed};

/// A tiny encoder with random weights, as sentence-transformers lays it out, of the encoder crate's tests.
fn tiny(folder: &Path, family: &str) -> PathBuf {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoder/tests/golden/families").join(family);
    let out = folder.join(family);
    fs::create_dir_all(out.join("1_Pooling")).unwrap();
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs::copy(golden.join(file), out.join(file)).unwrap();
    }
    let config = fs::read_to_string(out.join("config.json")).unwrap();
    let mut config = json(&config);
    config["hidden_act"] = "gelu".into();
    fs::write(out.join("config.json"), config.to_string()).unwrap();
    let modules = r#"[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]"#;
    fs::write(out.join("modules.json"), modules).unwrap();
    let pooling = r#"{"word_embedding_dimension": 16, "pooling_mode_mean_tokens": true}"#;
    fs::write(out.join("1_Pooling/config.json"), pooling).unwrap();
    out
}

const TRIPLETS: &str = "anchor\tpositive\tnegative\n\
    who bit the man\tthe dog bit the man\tthe man bit the dog\n\
    is the kettle on\tthe kettle boils water\tthe bridge is steel\n\
    tea\tthe kettle boils tea\t\n\
    when does the tide turn\tthe moon turns the tide\tthe bread needs salt\n";

const TEXTS: [&str; 5] =
    ["The dog bit the man.", "the man bit the dog", "tea", "", "The moon turns the tide; salt in summer bread."];

#[test]
fn triplets_make_a_model_that_vetted_searches_with() {
    let folder = tempfile::tempdir().unwrap();
    tiny(folder.path(), "mpnet");
    fs::write(folder.path().join("triplets.tsv"), TRIPLETS).unwrap();
    let train = [
        "train",
        "encoder",
        "--base",
        "mpnet",
        "--data",
        "triplets.tsv",
        "--steps",
        "3",
        "--batch",
        "4",
        "--out",
        "tuned",
    ];
    let answer = json(&succeed(folder.path(), &[&train[..], &["--json"]].concat()));
    assert_eq!((answer["steps"].as_u64(), answer["triplets"].as_u64()), (Some(3), Some(4)));
    let texts = succeed(folder.path(), &train);
    assert!(
        texts.contains("vetted audit --base mpnet --tuned tuned"),
        "the same command again is done at once: {texts}"
    );
    fs::write(folder.path().join("note.txt"), "The moon turns the tide.").unwrap();
    succeed(folder.path(), &["index", "note.txt", "--into", "my.index", "--model", "tuned"]);
    assert!(succeed(folder.path(), &["search", "--index", "my.index", "--verify", "off", "tide"]).contains("moon"));
}

#[test]
fn another_pooling_than_the_bases_is_trained_and_written() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("triplets.tsv"), TRIPLETS).unwrap();
    let pooling = |base: &str, out: &str, more: &[&str]| {
        let train = ["train", "encoder", "--base", base, "--data", "triplets.tsv", "--steps", "1", "--out", out];
        succeed(folder.path(), &[&train[..], more].concat());
        ModelFolder::open(folder.path().join(out)).unwrap().settings.pooling
    };
    let base = tiny(folder.path(), "bert");
    assert_eq!(pooling("bert", "as-it-was", &[]), Pooling::Mean);
    assert_eq!(pooling("bert", "first-token", &["--pooling", "cls"]), Pooling::Cls);
    assert_eq!(pooling("first-token", "mean-again", &["--pooling", "mean"]), Pooling::Mean);
    fs::remove_file(base.join("modules.json")).unwrap();
    assert_eq!(pooling("bert", "unlisted", &["--pooling", "cls"]), Pooling::Cls);
}

#[test]
fn wrong_input_is_named() {
    let folder = tempfile::tempdir().unwrap();
    tiny(folder.path(), "bert");
    let write = |name: &str, content: &str| fs::write(folder.path().join(name), content).unwrap();
    write("triplets.tsv", TRIPLETS);
    write("pairs.tsv", "s1\ts2\na\tb\n");
    write("headed.tsv", "anchor\tpositive\n");
    let with = |base: &str, data: &str, more: &[&str]| {
        let train = ["train", "encoder", "--base", base, "--data", data, "--out", "tuned"];
        fail(folder.path(), &[&train[..], more].concat())
    };
    assert!(with("bert", "pairs.tsv", &[]).contains("the header has no column `anchor`; it has: s1, s2"));
    assert!(with("bert", "headed.tsv", &[]).contains("headed.tsv holds no triplets"));
    assert!(with("bert", "triplets.tsv", &["--batch", "1"]).contains("recipe: batch is 1, and must be at least 2"));
    assert!(with("bert", "triplets.tsv", &["--watch", "nowhere"]).contains("there is no folder nowhere"));

    fs::remove_file(folder.path().join("bert/1_Pooling/config.json")).unwrap();
    assert!(with("bert", "triplets.tsv", &[]).contains("1_Pooling/config.json"), "a missing pooling file");
    write("bert/1_Pooling/config.json", r#"{"pooling_mode_mean_tokens": true}"#);
    write("bert/config.json", r#"{"model_type": "gpt2"}"#);
    let no_encoder = with("bert", "triplets.tsv", &[]);
    assert!(no_encoder.contains("gpt2"), "{no_encoder}");
    assert!(!folder.path().join("tuned").exists());
}

#[test]
#[ignore = "needs Python with sentence-transformers: VETTED_PYTHON=python3 cargo test --release --features full sentence_transformers -- --ignored"]
fn sentence_transformers_gives_the_same_vectors() {
    for pooling in ["mean", "cls"] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("triplets.tsv"), TRIPLETS).unwrap();
        let base = std::env::var("VETTED_MODEL").unwrap_or_else(|_| "all-MiniLM-L6-v2".into());
        let train = ["train", "encoder", "--base", &base, "--data", "triplets.tsv", "--steps", "3", "--batch", "4"];
        succeed(folder.path(), &[&train[..], &["--pooling", pooling, "--out", "tuned"]].concat());
        let out = folder.path().join("tuned");
        let encoder = Encoder::open(&ModelFolder::open(&out).unwrap(), Options::default()).unwrap();
        let vectors =
            encoder.embed(&TEXTS, Role::Document, &mut vetted_encoder::Compute::of_this_process().team()).unwrap();
        let cases: Vec<_> = TEXTS
            .iter()
            .zip(vectors.iter())
            .map(|(text, vector)| serde_json::json!({"text": text, "vector": vector}))
            .collect();
        let expected = folder.path().join("expected.json");
        fs::write(&expected, serde_json::to_vec(&cases).unwrap()).unwrap();
        let python = std::env::var("VETTED_PYTHON").unwrap_or_else(|_| "python3".into());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/encoder/check.py");
        let checked = Command::new(python).arg(script).args([&out, &expected]).output().unwrap();
        let (said, complained) = (String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
        assert!(checked.status.success(), "{pooling}: {said}{complained}");
        println!("{pooling}: {said}");
    }
}
