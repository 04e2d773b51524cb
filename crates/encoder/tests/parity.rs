//! Vectors against PyTorch's, and the promises about batches, threads and damaged files, on the real default model.
//!
//! The model is fetched once if it is not there (`vetted models pull` does the same). The golden values come from
//! `golden/make.py`.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use vetted_encoder::{Backend, Compute, Encoder, Error, ModelFolder, Options, Precision, Role, Team, models};

fn team() -> Team {
    Compute::of_this_process().team()
}

static FOLDER: LazyLock<ModelFolder> = LazyLock::new(|| {
    models::ensure("all-MiniLM-L6-v2", &mut |_| {})
        .unwrap_or_else(|error| panic!("this test needs the default model: {error}"))
});

#[derive(serde::Deserialize)]
struct Golden {
    tokens: usize,
    text: String,
}

fn golden() -> (Vec<Golden>, Vec<Vec<f32>>) {
    let file = |name| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let texts: Vec<Golden> = serde_json::from_slice(&std::fs::read(file("texts.json")).unwrap()).unwrap();
    let bytes = std::fs::read(file("vectors.f16")).unwrap();
    let halves = bytes.as_chunks::<2>().0.iter().map(|b| half::f16::from_le_bytes(*b).to_f32());
    let values: Vec<f32> = halves.collect();
    (texts, values.chunks_exact(384).map(<[f32]>::to_vec).collect())
}

fn cosine_distance(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn open(precision: Precision) -> Encoder {
    let options = Options { backend: Backend::Native, precision, max_tokens: Some(512) };
    Encoder::open(&FOLDER, options).unwrap()
}

#[test]
fn vectors_equal_pytorch() {
    let (texts, expected) = golden();
    assert!(texts.len() >= 200 && texts.iter().any(|t| t.tokens == 512) && texts.iter().any(|t| t.text.is_empty()));
    // What each precision may lose, as cosine distance: the largest over all texts.
    for (precision, bound) in [(Precision::F32, 1e-6), (Precision::Bf16, 1e-3), (Precision::Int8, 2e-2)] {
        let encoder = open(precision);
        let inputs: Vec<&str> = texts.iter().map(|t| t.text.as_str()).collect();
        let vectors = encoder.embed(&inputs, Role::Document, &mut team()).unwrap();
        let distances: Vec<f64> = vectors.iter().zip(&expected).map(|(a, b)| cosine_distance(a, b)).collect();
        let worst = distances.iter().copied().fold(0.0, f64::max);
        let mean = distances.iter().sum::<f64>() / distances.len() as f64;
        println!("{precision:?}: worst {worst:.2e}, mean {mean:.2e}");
        assert!(worst < bound, "{precision:?} is {worst:.2e} away from PyTorch");
    }
}

#[cfg(feature = "onnx")]
#[test]
fn the_onnx_export_gives_the_same_vectors() {
    let cache = models::Cache::from_env().unwrap();
    let folder = cache.pull("all-MiniLM-L6-v2", models::Contents::WithOnnx, &mut |_| {}).unwrap();
    let options = Options { backend: Backend::Onnx, precision: Precision::F32, max_tokens: Some(512) };
    let encoder = Encoder::open(&folder, options).unwrap();
    let (texts, expected) = golden();
    let some: Vec<&str> = texts.iter().step_by(4).map(|t| t.text.as_str()).collect();
    let vectors = encoder.embed(&some, Role::Document, &mut team()).unwrap();
    for (vector, expected) in vectors.iter().zip(expected.iter().step_by(4)) {
        assert!(cosine_distance(vector, expected) < 1e-5);
    }
}

#[test]
fn token_counts_equal_the_reference() {
    let encoder = open(Precision::F32);
    for Golden { tokens, text } in golden().0 {
        assert_eq!(encoder.tokens().ids(&text).unwrap().len(), tokens, "{text:?}");
    }
}

#[test]
fn a_vector_does_not_depend_on_batch_or_threads() {
    let texts: Vec<String> = golden().0.into_iter().map(|t| t.text).step_by(2).collect();
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        let encoder = open(precision);
        let together = encoder.embed(&texts, Role::Document, &mut team()).unwrap();
        for threads in [1, 3] {
            let again = encoder.embed(&texts, Role::Document, &mut Compute::with_threads(threads).team()).unwrap();
            assert!(again == together, "{precision:?}, {threads} threads");
        }
        for (text, vector) in texts.iter().zip(together.iter()).step_by(5) {
            assert!(encoder.embed_one(text, Role::Document, &mut team()).unwrap() == vector, "{precision:?}: {text:?}");
        }
    }
}

#[test]
fn token_vectors_pool_to_the_text_vector() {
    let encoder = open(Precision::F32);
    let text = "the committee did not notice the narrow bridge";
    let tokens = encoder.token_vectors(&[text], Role::Document, &mut team()).unwrap().remove(0);
    let mut mean = vec![0.0; 384];
    tokens.iter().for_each(|t| mean.iter_mut().zip(t).for_each(|(m, x)| *m += x));
    assert!(cosine_distance(&mean, &encoder.embed_one(text, Role::Document, &mut team()).unwrap()) < 1e-6);
}

#[test]
fn a_long_document_costs_only_its_beginning() {
    let encoder = open(Precision::F32);
    let page = "seven blue lanterns outran the winter storm. ".repeat(100);
    let book = page.repeat(2500); // 11 MB
    let embed = |text: &str| encoder.embed_one(text, Role::Document, &mut team()).unwrap();
    assert_eq!(embed(&page), embed(&book));
}

/// A copy of the model folder with one file changed.
fn damaged(file: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> (tempfile::TempDir, ModelFolder) {
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&FOLDER.path, copy.path());
    let path = copy.path().join(file);
    let bytes = change(std::fs::read(&path).unwrap());
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let folder = ModelFolder::open(copy.path()).unwrap();
    (copy, folder)
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (source, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if source.is_dir() {
            copy_folder(&source, &target);
        } else {
            std::fs::copy(source, target).unwrap();
        }
    }
}

#[test]
fn damaged_files_are_named() {
    let fault = |(_copy, folder): (tempfile::TempDir, ModelFolder)| {
        Encoder::open(&folder, Options::default()).err().expect("a damaged model must not open")
    };
    let in_config = |from: &'static str, to: &'static str| {
        damaged("config.json", move |bytes| String::from_utf8(bytes).unwrap().replace(from, to).into_bytes())
    };
    let truncated = damaged("model.safetensors", |bytes| bytes[..bytes.len() / 2].to_vec());
    assert!(matches!(fault(truncated), Error::WeightFile { .. }));
    let no_tokenizer = damaged("tokenizer.json", |_| b"{}".to_vec());
    assert!(matches!(fault(no_tokenizer), Error::Tokenizer { .. }));
    let narrower = in_config("\"intermediate_size\": 1536", "\"intermediate_size\": 1024");
    assert!(matches!(fault(narrower), Error::TensorShape { .. }));
    let deeper = in_config("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 7");
    assert!(matches!(fault(deeper), Error::TensorMissing { .. }));
    let not_a_number = damaged("model.safetensors", |mut bytes| {
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4096].fill(0xff); // all ones is NaN
        bytes
    });
    assert!(matches!(fault(not_a_number), Error::NotFinite { .. }));
}
