//! Whole runs over a tiny encoder: that they learn, that they come back from a kill, and what they say when they cannot.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use vetted_pairs::Kind;
use vetted_training::{
    Architecture, Base, Contrast, Error, Example, F3, F4, MapTransformer, Outcome, Progress, Recipe, Stage, Storage,
    train,
};

fn tiny() -> Base {
    Base::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tiny")).unwrap()
}

/// Pairs that match when both have the same words: those that do not have another in one place.
fn pairs(count: usize, seed: usize) -> Vec<Example> {
    let mut state = seed as u64 * 77 + 1;
    let mut random = |end: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % end
    };
    (0..count)
        .map(|index| {
            let words: Vec<u64> = (0..3 + random(5)).map(|_| 4 + random(36)).collect();
            let mut other = words.clone();
            let equivalent = index % 2 == 0;
            if !equivalent {
                let place = random(other.len() as u64) as usize;
                other[place] = 4 + (other[place] - 4 + 1 + random(35)) % 36;
            }
            let text = |words: &[u64]| words.iter().map(|word| format!("w{word}")).collect::<Vec<_>>().join(" ");
            Example {
                query: text(&words),
                candidate: text(&other),
                equivalence: Some(equivalent),
                conflict: equivalent.then_some(false),
                kind: (!equivalent).then_some(Kind::Entity),
                symmetric: true,
                weight: 1.0,
                ..Example::default()
            }
        })
        .collect()
}

fn recipe() -> Recipe {
    let shape = MapTransformer {
        view: 12,
        traits: 2,
        width: 16,
        layers: 1,
        heads: 2,
        feed_forward: 16,
        convolutions: vec![8, 16],
        ..MapTransformer::default()
    };
    Recipe {
        architecture: Architecture::MapTransformer(shape),
        max_tokens: 12,
        kinds: vec![Kind::Entity, Kind::Other],
        epochs: 4.0,
        batch: 16,
        reader_rate: 5e-3,
        encoder_rate: 1e-3,
        log_every: 5,
        evaluate_every: 20,
        checkpoint_every: 8,
        storage: Storage::F32,
        ..Recipe::default()
    }
}

fn run(recipe: &Recipe, out: &Path, progress: &mut dyn FnMut(&Progress)) -> Result<Outcome, Error> {
    train(recipe, &tiny(), None, &pairs(200, 1), &pairs(60, 2), out, &mut |told| {
        progress(told);
        ControlFlow::Continue(())
    })
}

#[test]
fn every_architecture_learns_what_a_word_changes() {
    let f4 = F4 { view: 16, grid: 12, patch: 4, width: 16, layers: 1, heads: 2, feed_forward: 16, ..F4::default() };
    let f3 = F3 { view: 16, channels: vec![8, 8], ..F3::default() };
    let contrast = Some(Contrast::default());
    let cases = [
        (recipe().architecture, None, 0, 0.8),
        (recipe().architecture, contrast, 2, 0.8),
        (Architecture::F4(f4), None, 0, 0.55),
        (Architecture::F3(f3), contrast, 1, 0.8),
        // A cross-encoder of two random layers learns to read pairs slowly; here it only must run.
        (Architecture::CrossEncoder, contrast, 0, 0.3),
    ];
    for (architecture, contrast, trained_from_layer, least) in cases {
        let out = tempfile::tempdir().unwrap();
        let what = format!("{} from layer {trained_from_layer}", architecture.name());
        let recipe =
            Recipe { architecture, contrast, trained_from_layer, epochs: 40.0, checkpoint_every: 100, ..recipe() };
        let mut stages = Vec::new();
        let outcome = train(&recipe, &tiny(), None, &pairs(300, 1), &pairs(100, 2), out.path(), &mut |progress| {
            stages.push(progress.stage);
            ControlFlow::Continue(())
        })
        .unwrap();
        let area = outcome.held_out.and_then(|held_out| held_out.equivalence).unwrap();
        assert!(area > least, "{what}: {area}");
        assert_eq!((stages[0], outcome.steps, outcome.stopped_early), (Stage::Preparing, 40 * 300 / 16, false));
        assert!(stages.contains(&Stage::Training) && stages.contains(&Stage::Evaluating));
        for file in ["config.json", "model.safetensors", "metrics.jsonl", "curve.svg", "checkpoint.safetensors"] {
            assert!(out.path().join(file).is_file(), "{what}: {file}");
        }
        let config: serde_json::Value =
            serde_json::from_slice(&std::fs::read(out.path().join("config.json")).unwrap()).unwrap();
        assert_eq!(config["architecture"], recipe.architecture.name());
        assert_eq!(config["encoder"]["trained_from_layer"], trained_from_layer);
    }
}

/// Not a test of its own: what [`a_killed_run_ends_where_an_unbroken_one_does`] starts and kills.
#[test]
#[ignore = "run by another test"]
fn a_slow_run() {
    let Some(out) = std::env::var_os("VETTED_TEST_OUT") else { return };
    run(&recipe(), Path::new(&out), &mut |_| std::thread::sleep(Duration::from_millis(20))).unwrap();
}

#[test]
fn a_killed_run_ends_where_an_unbroken_one_does() {
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = run(&recipe(), whole.path(), &mut |_| {}).unwrap();
    let metrics = |out: &Path| std::fs::read_to_string(out.join("metrics.jsonl")).unwrap_or_default();
    for lines in [3, 8] {
        // With a line of metrics every five steps and a checkpoint every eight, some steps are lost.
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_slow_run", "--ignored"])
            .env("VETTED_TEST_OUT", broken.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while metrics(broken.path()).lines().count() < lines {
            assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be killed");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap(); // SIGKILL
        assert!(!child.wait().unwrap().success());
    }
    let mut first = None;
    let outcome = run(&recipe(), broken.path(), &mut |progress| {
        if progress.stage == Stage::Training {
            first.get_or_insert(progress.step);
        }
    })
    .unwrap();
    assert!(first.is_some_and(|step| step > 8), "it began again at step {first:?}");
    assert_eq!(
        (outcome.steps, outcome.exported_step, outcome.held_out),
        (expected.steps, expected.exported_step, expected.held_out)
    );
    let bytes = |out: &Path, file: &str| std::fs::read(out.join(file)).unwrap();
    assert!(bytes(whole.path(), "model.safetensors") == bytes(broken.path(), "model.safetensors"));
    assert!(tensors(whole.path()) == tensors(broken.path()), "weights or moments differ");
    let losses = |out: &Path| -> Vec<(u64, Option<f64>)> {
        let lines = metrics(out);
        let line = |line: &str| -> serde_json::Value { serde_json::from_str(line).unwrap() };
        lines.lines().map(line).map(|line| (line["step"].as_u64().unwrap(), line["loss"].as_f64())).collect()
    };
    assert_eq!(losses(whole.path()), losses(broken.path()));
}

/// All tensors of a checkpoint, without what it says about time.
fn tensors(out: &Path) -> Vec<u8> {
    let bytes = std::fs::read(out.join("checkpoint.safetensors")).unwrap();
    let header = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    bytes[8 + header..].to_vec()
}

#[test]
fn a_reader_with_a_new_part_begins_as_the_old_one() {
    let with = |change: &dyn Fn(&mut MapTransformer)| {
        let mut recipe = recipe();
        if let Architecture::MapTransformer(shape) = &mut recipe.architecture {
            change(shape);
        }
        recipe
    };
    let f3 = Architecture::F3(F3 { view: 12, channels: vec![8, 16], ..F3::default() });
    let cases = [
        (with(&|shape| shape.convolutions.clear()), with(&|_| ())),
        (Recipe { architecture: f3, ..recipe() }, with(&|shape| shape.lexical = false)),
    ];
    for (old, new) in cases {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let expected = run(&old, first.path(), &mut |_| {}).unwrap();
        let new = Recipe { visits: Some(16), reader_rate: 0.0, encoder_rate: 0.0, ..new };
        let start = Some(first.path());
        let outcome = train(&new, &tiny(), start, &pairs(200, 1), &pairs(60, 2), second.path(), &mut |_| {
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(outcome.held_out, expected.held_out);
        assert!(outcome.parameters > expected.parameters);
    }
}

#[test]
fn a_wide_view_is_narrowed_to_what_tells_most() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let wide = Recipe { epochs: 20.0, ..recipe() };
    let before = run(&wide, first.path(), &mut |_| {}).unwrap().held_out.unwrap().equivalence.unwrap();
    let mut narrow = Recipe { visits: Some(16), reader_rate: 0.0, encoder_rate: 0.0, ..recipe() };
    if let Architecture::MapTransformer(shape) = &mut narrow.architecture {
        shape.view = 9;
    }
    let start = Some(first.path());
    let outcome =
        train(
            &narrow,
            &tiny(),
            start,
            &pairs(200, 1),
            &pairs(60, 2),
            second.path(),
            &mut |_| ControlFlow::Continue(()),
        )
        .unwrap();
    let after = outcome.held_out.unwrap().equivalence.unwrap();
    assert!(before > 0.7 && after > before - 0.03, "{before} before, {after} after");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_costs_no_checkpoint() {
    let out = tempfile::tempdir().unwrap();
    let checkpoint = out.path().join("checkpoint.safetensors");
    let mut before = None;
    let error = run(&recipe(), out.path(), &mut |progress| {
        if progress.step == 12 {
            before = Some(std::fs::read(&checkpoint).unwrap());
            // Whatever is written there now meets a full disk.
            std::os::unix::fs::symlink("/dev/full", out.path().join("checkpoint.safetensors.partial")).unwrap();
        }
    })
    .unwrap_err();
    let message = error.to_string();
    assert!(matches!(&error, Error::Unwritable { path, .. } if *path == checkpoint), "{message}");
    assert!(message.contains("No space left") && message.contains("run the same command again"), "{message}");
    assert_eq!(std::fs::read(&checkpoint).unwrap(), before.unwrap());
    let mut steps = Vec::new();
    run(&recipe(), out.path(), &mut |progress| steps.push(progress.step)).unwrap();
    assert_eq!(steps[1..3], [8, 9], "it says that it resumes, and goes on after the checkpoint of step 8");
}

#[test]
fn a_loss_that_is_no_number_stops_the_run() {
    let out = tempfile::tempdir().unwrap();
    let recipe = Recipe { reader_rate: 1e30, encoder_rate: 1e30, checkpoint_every: 1, warm_up: 0.0, ..recipe() };
    let error = run(&recipe, out.path(), &mut |_| {}).unwrap_err();
    let Error::Diverged { step, checkpoint, .. } = &error else { panic!("{error}") };
    assert!((2..6).contains(step), "{error}");
    assert_eq!(*checkpoint, Some(out.path().join("checkpoint.safetensors")));
    assert!(checkpoint.as_ref().is_some_and(|path| path.is_file()));
    assert!(error.to_string().contains("Try half the learning rates"), "{error}");
}

fn shape(recipe: &mut Recipe) -> &mut MapTransformer {
    match &mut recipe.architecture {
        Architecture::MapTransformer(shape) => shape,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_asked_for_must_make_sense() {
    let out = tempfile::tempdir().unwrap();
    let with = |change: &dyn Fn(&mut Recipe)| {
        let mut recipe = recipe();
        change(&mut recipe);
        run(&recipe, out.path(), &mut |_| {}).unwrap_err().to_string()
    };
    type Change = fn(&mut Recipe);
    let cases: [(Change, &str); 15] = [
        (|r| r.batch = 0, "recipe: batch is 0, and must be at least 1"),
        (|r| r.epochs = f64::NAN, "recipe: epochs is NaN, and must be a number above 0"),
        (|r| r.encoder_rate = -1.0, "recipe: encoder_rate is -1"),
        (|r| r.dropout = 1.0, "recipe: dropout is 1, and must be from 0 to below 1"),
        (|r| r.visits = Some(0), "recipe: visits is 0, and must be at least 1"),
        (|r| r.shares = [("a".into(), -1.0)].into(), "recipe: shares is -1, and must be a number, 0 or more"),
        (|r| r.trained_from_layer = 3, "recipe: trained_from_layer is 3, and must be at most base.layers"),
        (|r| r.max_tokens = 65, "recipe: max_tokens is 65, and must be from 3 to 64"),
        (
            |r| r.architecture = Architecture::MapTransformer(MapTransformer::default()),
            "recipe: view is 48, and must be at most base.hidden",
        ),
        (
            |r| r.architecture = Architecture::F4(F4 { view: 4, grid: 10, patch: 4, ..F4::default() }),
            "recipe: grid is 10",
        ),
        // A reader of so many layers, or so many traits, could be trained and not be opened.
        (|r| shape(r).layers = 65, "recipe: layers is 65, and must be between 1 and 64"),
        (|r| shape(r).layers = 0, "recipe: layers is 0"),
        (|r| shape(r).traits = 1025, "recipe: traits is 1025, and must be at most 1024"),
        (
            |r| shape(r).convolutions = vec![8],
            "recipe: convolutions is [8], and must be the last as wide as the reader",
        ),
        (|r| r.architecture = Architecture::F1, "recipe: architecture is f1, and must be map-transformer, f4"),
    ];
    for (change, expected) in cases {
        let message = with(&change);
        assert!(message.contains(expected), "{message}");
    }
    let nothing =
        train(&recipe(), &tiny(), None, &[Example::default()], &[], out.path(), &mut |_| ControlFlow::Continue(()));
    assert!(matches!(nothing, Err(Error::NoExamples { set: "training" })));

    std::fs::write(out.path().join("config.json"), "somebody's").unwrap();
    let error = run(&recipe(), out.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(&error, Error::OtherVerifier { path } if path.ends_with("config.json")), "{error}");
    std::fs::remove_file(out.path().join("config.json")).unwrap();

    let short = Recipe { epochs: 1.0, ..recipe() };
    run(&short, out.path(), &mut |_| {}).unwrap();
    let error = run(&Recipe { seed: 1, ..short.clone() }, out.path(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, Error::OtherRun { what: "recipe", .. }), "{error}");
    let error =
        train(&short, &tiny(), None, &pairs(99, 5), &pairs(60, 2), out.path(), &mut |_| ControlFlow::Continue(()))
            .unwrap_err();
    assert!(matches!(error, Error::OtherRun { what: "set of training pairs", .. }), "{error}");
}

#[test]
fn a_run_can_start_from_an_earlier_verifier_and_stop_early() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let earlier = run(&Recipe { epochs: 10.0, ..recipe() }, first.path(), &mut |_| {}).unwrap();
    let earlier = earlier.held_out.and_then(|held_out| held_out.equivalence).unwrap();
    // Rates of nothing: no evaluation is better than the first.
    let recipe = Recipe { reader_rate: 0.0, encoder_rate: 0.0, patience: Some(2), evaluate_every: 3, ..recipe() };
    let folder: PathBuf = first.path().into();
    let outcome = train(&recipe, &tiny(), Some(&folder), &pairs(200, 1), &pairs(60, 2), second.path(), &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(outcome.stopped_early);
    assert_eq!((outcome.steps, outcome.exported_step), (9, 3));
    let area = outcome.held_out.and_then(|held_out| held_out.equivalence).unwrap();
    assert!((area - earlier).abs() < 1e-9, "{area} after starting from {earlier}");
}

#[test]
fn a_second_stage_begins_with_a_spread_head_and_probabilities_are_fitted() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(&Recipe { epochs: 30.0, ..recipe() }, first.path(), &mut |_| {}).unwrap();
    let config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(first.path().join("config.json")).unwrap()).unwrap();
    let calibration = &config["calibration"];
    assert!(calibration["equivalence"]["scale"].as_f64().is_some_and(|scale| scale > 0.0 && scale != 1.0), "{config}");
    assert_eq!(calibration["support"], serde_json::json!({"scale": 1.0, "offset": 0.0}), "no pair asks for support");

    let still = Recipe { reader_rate: 0.0, encoder_rate: 0.0, spread_head: true, epochs: 1.0, ..recipe() };
    let folder: PathBuf = first.path().into();
    train(&still, &tiny(), Some(&folder), &pairs(40, 1), &[], second.path(), &mut |_| ControlFlow::Continue(()))
        .unwrap();
    let head = |folder: &Path| -> Vec<f32> {
        let bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let tensor = file.tensor("reader.head.output.weight").unwrap();
        tensor.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    let (before, after) = (head(first.path()), head(second.path()));
    let width = before.len() / 5;
    assert_eq!(after[..width], before[width..2 * width]);
    assert_eq!(after[width..2 * width], before[width..2 * width]);
    let opposite: Vec<f32> = before[width..2 * width].iter().map(|value| -value).collect();
    assert_eq!(after[2 * width..3 * width], opposite);
    assert_eq!(after[3 * width..], before[3 * width..]);

    let foreign =
        std::fs::read_to_string(first.path().join("config.json")).unwrap().replace("sha256\": \"", "sha256\": \"0");
    std::fs::write(first.path().join("config.json"), foreign).unwrap();
    let out = tempfile::tempdir().unwrap();
    let error =
        train(&still, &tiny(), Some(&folder), &pairs(40, 1), &[], out.path(), &mut |_| ControlFlow::Continue(()))
            .unwrap_err();
    assert!(matches!(error, Error::Base { field: "base.sha256", .. }), "{error}");
}

#[test]
fn damaged_bases_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tiny");
    let copy = |file: &str| std::fs::copy(golden.join(file), folder.path().join(file)).unwrap();
    let open = || Base::open(folder.path()).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(open().contains("cannot read"), "{}", open());
    for file in ["config.json", "tokenizer.json", "model.safetensors"] {
        copy(file);
    }
    assert_eq!(open(), "");
    let weights = folder.path().join("model.safetensors");
    let bytes = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    assert!(open().contains("is damaged"), "{}", open());
    let mut broken = bytes.clone();
    let end = broken.len();
    broken[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&weights, broken).unwrap();
    let base = Base::open(folder.path()).unwrap();
    let out = tempfile::tempdir().unwrap();
    let error =
        train(&recipe(), &base, None, &pairs(20, 1), &[], out.path(), &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
    std::fs::write(folder.path().join("config.json"), "{\"model_type\": \"gpt2\", \"hidden_act\": \"gelu\"}").unwrap();
    assert!(!open().is_empty());
}
