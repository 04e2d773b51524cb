//! A verifier, exported and run by onnxruntime, says what vetted says.

use std::path::Path;
use std::process::Command;

use ::vetted::reader::{Relation, Storage};
use ::vetted::{Precision, Verifier, VerifierOptions};

use crate::program::succeed;

/// Each of at most 32 tokens, which is what the tiny verifier reads at once.
const TEXTS: [&str; 6] = [
    "The dog bit the man.",
    "The man was bitten by the dog, which had escaped from its garden twice that week.",
    "Can I cancel an order before it ships?",
    "Orders can be cancelled until they are sent.",
    "no",
    "The company moved its looms from Leeds to Bradford.",
];

#[test]
#[ignore = "needs Python with onnxruntime and tokenizers: VETTED_PYTHON=python3 cargo test --release onnx -- --ignored"]
fn onnxruntime_agrees_with_vetted() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("verifier.onnx");
    let verifier = vetted_fixtures::verifier(folder.path());
    succeed(folder.path(), &["export", "--verifier", &verifier.to_string_lossy(), "--out", "verifier.onnx"]);

    let options = VerifierOptions { storage: Storage::F32, ..VerifierOptions::all_in(Precision::F32) };
    let verifier = Verifier::open(&verifier, options, &mut |_| {}).unwrap();
    let mut pairs = Vec::new();
    for query in TEXTS {
        for (candidate, verification) in TEXTS.iter().zip(verifier.verify(query, &TEXTS, Relation::Support).unwrap()) {
            let outputs = verification.outputs();
            let known = verifier.config().kinds.iter().map(|kind| outputs.kinds[*kind as usize]);
            let logits: Vec<f32> =
                [outputs.support, outputs.equivalence, outputs.conflict].into_iter().chain(known).collect();
            pairs.push(serde_json::json!({"query": query, "candidate": candidate, "logits": logits}));
        }
    }
    let expected = folder.path().join("pairs.json");
    std::fs::write(&expected, serde_json::to_vec(&pairs).unwrap()).unwrap();

    let tokenizer = vetted_fixtures::encoder().join("tokenizer.json");
    let python = std::env::var("VETTED_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/check.py");
    let checked = Command::new(python).arg(script).args([&model, &tokenizer, &expected]).output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert!(checked.status.success(), "{said}{complained}");
}
