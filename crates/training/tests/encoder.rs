//! Fine-tuning of tiny sentence encoders: that it learns, in every family and pooling, that it comes back from a kill, that
//! what it writes is what it trained, and what it says when it cannot.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use vetted_encoder::{Encoder, ModelFolder, Options, Role};
use vetted_evaluation::Collection;
use vetted_pairs::triplets::Triplet;
use vetted_training::{Arithmetic, EncoderRecipe, Error, Outcome, Progress, Stage, train_encoder};

/// Words that every tiny model's vocabulary has.
const WORDS: [&str; 6] = ["dog", "man", "tea", "kettle", "water", "bridge"];

/// A tiny encoder of the encoder crate's tests, laid out as sentence-transformers does.
fn tiny(folder: &Path, family: &str, pooling: &str) -> ModelFolder {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoder/tests/golden/families").join(family);
    std::fs::create_dir_all(folder.join("1_Pooling")).unwrap();
    for file in ["tokenizer.json", "model.safetensors"] {
        std::fs::copy(golden.join(file), folder.join(file)).unwrap();
    }
    // These test every activation; the trainer knows one.
    let config = std::fs::read(golden.join("config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_slice(&config).unwrap();
    if family != "distilbert" {
        config["hidden_act"] = "gelu".into();
    }
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let modules = r#"[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]"#;
    std::fs::write(folder.join("modules.json"), modules).unwrap();
    let modes = ["cls_token", "mean_tokens", "max_tokens"];
    let modes = modes.map(|mode| format!("\"pooling_mode_{mode}\": {}", mode.starts_with(pooling)));
    std::fs::write(folder.join("1_Pooling/config.json"), format!("{{{}}}", modes.join(", "))).unwrap();
    ModelFolder::open(folder).unwrap()
}

/// Texts of two words: the positive has them the other way round, the negative another one.
fn triplets() -> Vec<Triplet> {
    let mut triplets = Vec::new();
    for (index, first) in WORDS.iter().enumerate() {
        for second in WORDS.iter().filter(|second| *second != first) {
            let other = WORDS.iter().find(|other| *other != first && *other != second).unwrap();
            triplets.push(Triplet {
                anchor: format!("{first} {second}"),
                positive: format!("{second} {first}"),
                negative: if index == 0 { String::new() } else { format!("{other} {first}") },
            });
        }
    }
    triplets
}

/// The same as a retrieval set: every anchor asks for its positive.
fn collection(folder: &Path) -> Collection {
    std::fs::create_dir_all(folder.join("qrels")).unwrap();
    let lines = |of: fn(&Triplet) -> &str, letter: &str| -> String {
        let line = |(index, triplet): (usize, &Triplet)| {
            format!("{{\"_id\": \"{letter}{index}\", \"text\": \"{}\"}}\n", of(triplet))
        };
        triplets().iter().enumerate().map(line).collect()
    };
    let qrels: String = (0..triplets().len()).map(|index| format!("q{index}\td{index}\t1\n")).collect();
    std::fs::write(folder.join("corpus.jsonl"), lines(|t| &t.positive, "d")).unwrap();
    std::fs::write(folder.join("queries.jsonl"), lines(|t| &t.anchor, "q")).unwrap();
    std::fs::write(folder.join("qrels/dev.tsv"), qrels).unwrap();
    Collection::load(folder, "dev").unwrap()
}

fn recipe() -> EncoderRecipe {
    EncoderRecipe {
        batch: 8,
        steps: Some(60),
        rate: 5e-3,
        temperature: 0.1,
        log_every: 5,
        evaluate_every: 20,
        checkpoint_every: 8,
        ..EncoderRecipe::default()
    }
}

fn run(
    recipe: &EncoderRecipe,
    base: &ModelFolder,
    watched: Option<&Collection>,
    out: &Path,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Outcome, Error> {
    train_encoder(recipe, base, &triplets(), watched, out, &mut |told| {
        progress(told);
        ControlFlow::Continue(())
    })
}

struct Folders {
    base: tempfile::TempDir,
    data: tempfile::TempDir,
    out: tempfile::TempDir,
}

impl Folders {
    fn new() -> Folders {
        let folder = || tempfile::tempdir().unwrap();
        Folders { base: folder(), data: folder(), out: folder() }
    }
}

#[test]
fn every_family_learns_and_vetted_reads_what_was_learnt() {
    for (family, pooling, arithmetic) in [
        ("bert", "mean", Arithmetic::F32),
        ("bert", "cls", Arithmetic::Bf16),
        ("roberta", "mean", Arithmetic::F32),
        ("mpnet", "mean", Arithmetic::F32),
    ] {
        let folders = Folders::new();
        let base = tiny(folders.base.path(), family, pooling);
        let watched = collection(folders.data.path());
        let recipe = EncoderRecipe { arithmetic, ..recipe() };
        let out = folders.out.path();
        let (mut first, mut stages) = (None, Vec::new());
        let outcome = run(&recipe, &base, Some(&watched), out, &mut |progress| {
            stages.push(progress.stage);
            first = first.or(progress.held_out.and_then(|held_out| held_out.retrieval));
        })
        .unwrap();
        let what = format!("{family}, {pooling}");
        let (before, after) = (first.unwrap(), outcome.held_out.and_then(|held_out| held_out.retrieval).unwrap());
        assert!(after > before + 0.1 && outcome.exported_step > 0, "{what}: {before} before, {after} after");
        assert!(stages[0] == Stage::Preparing && stages.contains(&Stage::Evaluating), "{what}");
        for file in
            ["modules.json", "1_Pooling/config.json", "tokenizer.json", "config.json", "metrics.jsonl", "curve.svg"]
        {
            assert!(out.join(file).is_file(), "{what}: {file}");
        }

        // What the run measured is what the folder gives.
        let encoder = Encoder::open(&ModelFolder::open(out).unwrap(), Options::default()).unwrap();
        let documents = encoder
            .embed(&watched.texts, Role::Document, &mut vetted_encoder::Compute::of_this_process().team())
            .unwrap();
        let hits: Vec<Vec<(usize, f32)>> = watched
            .queries()
            .iter()
            .map(|query| {
                let query = encoder
                    .embed_one(query, Role::Query, &mut vetted_encoder::Compute::of_this_process().team())
                    .unwrap();
                let score = |d: &[f32]| d.iter().zip(&query).map(|(a, b)| a * b).sum::<f32>();
                documents.iter().map(score).enumerate().collect()
            })
            .collect();
        let figures = watched.ndcg_at_10(&hits).unwrap();
        let figure = figures.iter().sum::<f64>() / figures.len() as f64;
        let slack = if arithmetic == Arithmetic::F32 { 1e-3 } else { 0.05 }; // ties of 16 dimensions in bf16
        assert!((figure - after).abs() < slack, "{what}: {figure} from the folder, {after} in the run");
    }
}

#[test]
fn frozen_layers_and_embeddings_stay_as_they_are() {
    let folders = Folders::new();
    let base = tiny(folders.base.path(), "bert", "mean");
    let recipe = EncoderRecipe { trained_from_layer: 1, steps: Some(3), ..recipe() };
    run(&recipe, &base, None, folders.out.path(), &mut |_| {}).unwrap();
    let file = |folder: &Path| std::fs::read(folder.join("model.safetensors")).unwrap();
    let (before, after) = (file(folders.base.path()), file(folders.out.path()));
    let tensors = |bytes: &[u8]| -> std::collections::BTreeMap<String, Vec<u8>> {
        let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
        file.iter().map(|(name, tensor)| (name.to_owned(), tensor.data().to_vec())).collect()
    };
    let (before, after) = (tensors(&before), tensors(&after));
    assert!(before.keys().eq(after.keys()));
    for (name, values) in before {
        // A bias of keys shifts all of a query's scores alike, so that no softmax sees it.
        if !name.ends_with("key.bias") {
            assert_eq!(after[&name] != values, name.starts_with("encoder.layer.1."), "{name}");
        }
    }
}

#[test]
fn a_run_that_was_cut_off_ends_where_an_unbroken_one_does() {
    let folders = Folders::new();
    let base = tiny(folders.base.path(), "mpnet", "mean");
    let watched = collection(folders.data.path());
    let whole = folders.out.path();
    // What a kill at step 21 leaves on disk: a checkpoint of step 16 and five more lines of metrics than belong to it.
    let broken = tempfile::tempdir().unwrap();
    let copy = |to: &Path| {
        for entry in std::fs::read_dir(whole).unwrap().map(Result::unwrap).filter(|e| e.path().is_file()) {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    };
    let expected = run(&recipe(), &base, Some(&watched), whole, &mut |progress| {
        if progress.step == 21 && progress.stage == Stage::Training {
            copy(broken.path());
        }
    })
    .unwrap();
    let mut first = None;
    let outcome = run(&recipe(), &base, Some(&watched), broken.path(), &mut |progress| {
        if progress.stage == Stage::Training && first.is_none() {
            first = Some(progress.step);
        }
    })
    .unwrap();
    assert_eq!(first, Some(17));
    assert_eq!((outcome.exported_step, outcome.held_out), (expected.exported_step, expected.held_out));
    let weights = |out: &Path| std::fs::read(out.join("model.safetensors")).unwrap();
    assert!(weights(whole) == weights(broken.path()), "weights differ");

    // Told to stop at any moment, it writes a checkpoint and goes on from it.
    for (stage, step) in [(Stage::Evaluating, 0), (Stage::Training, 9), (Stage::Evaluating, 20)] {
        let stopped = tempfile::tempdir().unwrap();
        let error = train_encoder(&recipe(), &base, &triplets(), Some(&watched), stopped.path(), &mut |told| match (
            told.stage, told.step,
        ) == (
            stage, step,
        ) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
        .unwrap_err();
        assert!(matches!(error, Error::Interrupted { step: at, .. } if at == step), "{error}");
        let outcome = run(&recipe(), &base, Some(&watched), stopped.path(), &mut |_| {}).unwrap();
        assert_eq!((outcome.exported_step, outcome.held_out), (expected.exported_step, expected.held_out));
        assert!(weights(whole) == weights(stopped.path()), "weights differ after {stage:?} {step}");
    }

    let other = EncoderRecipe { seed: 1, ..recipe() };
    let error = run(&other, &base, Some(&watched), whole, &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::OtherRun { what: "recipe", .. }), "{error}");
}

#[test]
fn it_stops_when_nothing_gets_better() {
    let folders = Folders::new();
    let base = tiny(folders.base.path(), "bert", "mean");
    let watched = collection(folders.data.path());
    // So small a rate changes nothing: the untouched weights stay the best.
    let recipe = EncoderRecipe { rate: 1e-12, evaluate_every: 2, patience: Some(3), ..recipe() };
    let outcome = run(&recipe, &base, Some(&watched), folders.out.path(), &mut |_| {}).unwrap();
    assert_eq!((outcome.steps, outcome.stopped_early, outcome.exported_step), (6, true, 0));
}

#[test]
fn what_cannot_be_trained_is_said_before_anything_is_done() {
    let folders = Folders::new();
    let base = |family, pooling| {
        std::fs::remove_dir_all(folders.base.path()).unwrap();
        tiny(folders.base.path(), family, pooling)
    };
    let out: PathBuf = folders.out.path().join("new");
    let error = |base: &ModelFolder, recipe: &EncoderRecipe, triplets: &[Triplet]| {
        train_encoder(recipe, base, triplets, None, &out, &mut |_| ControlFlow::Continue(())).unwrap_err().to_string()
    };
    let distilbert = error(&base("distilbert", "mean"), &recipe(), &triplets());
    assert!(distilbert.contains("its network is a DistilBERT; give a sentence encoder that is"), "{distilbert}");
    let bert = base("bert", "mean");
    let all_frozen = EncoderRecipe { trained_from_layer: 2, ..recipe() };
    assert!(error(&bert, &all_frozen, &triplets()).contains("trained_from_layer is 2, and must be below 2"));
    assert!(error(&bert, &recipe(), &triplets()[..1]).contains("1 triplets are too few"));
    let maxima = error(&base("bert", "max"), &recipe(), &triplets());
    assert!(maxima.contains("it pools by maxima; mean and CLS pooling are trained"), "{maxima}");
    assert!(!out.exists());

    std::fs::create_dir_all(&out).unwrap();
    std::fs::write(out.join("model.safetensors"), "somebody else's").unwrap();
    let error =
        train_encoder(&recipe(), &base("bert", "mean"), &triplets(), None, &out, &mut |_| ControlFlow::Continue(()))
            .unwrap_err();
    assert!(matches!(error, Error::OtherVerifier { .. }), "{error}");
}
