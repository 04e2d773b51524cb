//! Against PyTorch: logits, gradients and a training run of every architecture, from `tests/golden/make.py`.

use std::path::PathBuf;

use candle_core::Device;
use serde::Deserialize;
use vetted_kernels::Arithmetic;
use vetted_pairs::Kind;
use vetted_reader::{Architecture, Calibrations};

use crate::base::Base;
use crate::batches::{Contrasted, Shard, Target};
use crate::loss::loss;
use crate::model::{Input, Model, Pass, Start, Worker, read_parameters, stored_parts};
use crate::ops::{Backend, Dropout, Ops};
use crate::optimizer::{Optimizer, combine};
use crate::parameters::{Gradients, Parameters};
use crate::random::{Purpose, Random};
use crate::recipe::{Contrast, Decay, Recipe, Storage, Weights};
use crate::tensors::TensorFile;
use crate::texts::Texts;

#[derive(Deserialize)]
struct Golden {
    max_tokens: usize,
    kinds: usize,
    architectures: std::collections::BTreeMap<String, Architecture>,
    pairs: Vec<Pair>,
    extra: Vec<(usize, usize)>,
    contrasts: Vec<Beats>,
    loss: LossSettings,
    adamw: Steps,
}

#[derive(Deserialize)]
struct Pair {
    query: Vec<u32>,
    candidate: Vec<u32>,
    labels: [Option<bool>; 3],
    kind: Option<usize>,
    weight: f32,
}

#[derive(Deserialize)]
struct Beats {
    output: usize,
    positive: usize,
    negatives: Vec<usize>,
}

#[derive(Deserialize)]
struct LossSettings {
    support: f64,
    equivalence: f64,
    conflict: f64,
    kind: f64,
    contrast: f64,
    temperature: f64,
}

#[derive(Deserialize)]
struct Steps {
    reader_rate: f64,
    encoder_rate: f64,
    weight_decay: f64,
    warm_up: f64,
    clip: f64,
    steps: usize,
}

/// Everything for one architecture.
struct Case {
    name: String,
    recipe: Recipe,
    parameters: Parameters,
    expected: Gradients,
    logits: Vec<f32>,
    losses: Vec<f32>,
    norms: Vec<f32>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn golden() -> (Base, Golden, Vec<Case>) {
    let base = Base::open(folder().join("tiny")).unwrap();
    let golden: Golden = serde_json::from_slice(&std::fs::read(folder().join("golden.json")).unwrap()).unwrap();
    let file = TensorFile::open(&folder().join("golden.safetensors")).unwrap();
    let cases = golden.architectures.iter().map(|(name, architecture)| {
        let recipe = Recipe {
            architecture: architecture.clone(),
            max_tokens: golden.max_tokens,
            kinds: Kind::ALL[..golden.kinds].to_vec(),
            reader_rate: golden.adamw.reader_rate,
            encoder_rate: golden.adamw.encoder_rate,
            weight_decay: golden.adamw.weight_decay,
            warm_up: golden.adamw.warm_up,
            clip: golden.adamw.clip,
            decay: Decay::Linear,
            dropout: 0.0,
            weights: Weights {
                support: golden.loss.support,
                equivalence: golden.loss.equivalence,
                conflict: golden.loss.conflict,
                kind: golden.loss.kind,
            },
            contrast: Some(Contrast {
                weight: golden.loss.contrast,
                temperature: golden.loss.temperature,
                negatives: 1,
            }),
            arithmetic: Arithmetic::F32,
            ..Recipe::default()
        };
        recipe.check(base.shape.layers, base.shape.hidden).unwrap();
        let mut parameters = read_parameters(&base, &recipe, Start::Fresh).unwrap();
        let mut expected = parameters.zeros();
        for (parameter, expected) in parameters.list.iter_mut().zip(&mut expected) {
            for (stored, range, shape) in stored_parts(&parameter.name, &parameter.shape) {
                let tensor = |kind: &str| file.tensor(&format!("{name}.{kind}.{stored}"), &shape).unwrap();
                expected[range.clone()].copy_from_slice(&tensor("gradients"));
                if !stored.starts_with("encoder.") {
                    parameter.values[range].copy_from_slice(&tensor("values"));
                }
            }
        }
        let outputs = 3 + golden.kinds;
        let rows = golden.pairs.len() + golden.extra.len();
        Case {
            name: name.clone(),
            parameters,
            expected,
            logits: file.tensor(&format!("{name}.logits"), &[rows, outputs]).unwrap(),
            losses: file.tensor(&format!("{name}.losses"), &[golden.adamw.steps]).unwrap(),
            norms: file.tensor(&format!("{name}.norms"), &[golden.adamw.steps]).unwrap(),
            recipe,
        }
    });
    let cases = cases.collect();
    (base, golden, cases)
}

/// The pairs `which`, and all readings and contrasts if they are all.
fn shard(golden: &Golden, architecture: &Architecture, which: &[usize]) -> Shard {
    let all = which.len() == golden.pairs.len();
    let pairs: Vec<(usize, usize)> =
        which.iter().map(|k| (*k, *k)).chain(golden.extra.iter().copied().filter(|_| all)).collect();
    let input = if *architecture == Architecture::CrossEncoder {
        let text = |(q, c): &(usize, usize)| (&golden.pairs[*q].query[..], &golden.pairs[*c].candidate[..]);
        let joined: Vec<_> = pairs.iter().map(text).collect();
        Input { texts: Texts::joined(&joined), pairs: (0..pairs.len()).map(|k| (k, k)).collect() }
    } else {
        let texts: Vec<&[u32]> = golden.pairs.iter().flat_map(|pair| [&pair.query[..], &pair.candidate[..]]).collect();
        Input { texts: Texts::of(&texts), pairs: pairs.iter().map(|(q, c)| (2 * q, 2 * c + 1)).collect() }
    };
    let target = |k: &usize| {
        let Pair { labels, kind, weight, .. } = golden.pairs[*k];
        Target { labels, kind, weight }
    };
    let contrasts = golden.contrasts.iter().filter(|_| all).map(|beats| Contrasted {
        output: beats.output,
        positive: beats.positive,
        negatives: beats.negatives.clone(),
        weight: golden.pairs[beats.positive].weight,
    });
    Shard {
        input,
        targets: which.iter().map(target).collect(),
        contrasts: contrasts.collect(),
        total: golden.pairs.iter().map(|pair| pair.weight).sum(),
    }
}

/// Logits, loss and gradients.
fn step(model: &Model, recipe: &Recipe, parameters: &Parameters, shard: &Shard) -> (Vec<f32>, f64, Gradients) {
    let (bound, worker) = (model.bind(parameters).unwrap(), Worker::default());
    let dropout = Dropout::new(recipe.dropout, Random::new(7, Purpose::Dropout, &[]));
    let logits = model.logits(&bound, &shard.input, &worker, &mut Pass::Training(dropout)).unwrap();
    let loss = loss(&logits, shard, recipe).unwrap();
    let mut gradients = parameters.zeros();
    model.gradients(&loss, &bound, parameters, &worker, &mut gradients).unwrap();
    (logits.flatten_all().unwrap().to_vec1().unwrap(), loss.to_scalar::<f32>().unwrap().into(), gradients)
}

fn backends() -> [Ops; 2] {
    [Ops::kernels(Arithmetic::F32), Ops { device: Device::Cpu, backend: Backend::Plain }]
}

fn close(what: &str, got: &[f32], want: &[f32], tolerance: f32) {
    assert_eq!(got.len(), want.len(), "{what}");
    let largest = want.iter().fold(1e-3f32, |a, b| a.max(b.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= tolerance * largest, "{what}[{i}]: {got} for {want}");
    }
}

#[test]
fn logits_and_gradients_are_pytorchs() {
    let (base, golden, cases) = golden();
    let all: Vec<usize> = (0..golden.pairs.len()).collect();
    for case in &cases {
        for ops in backends() {
            let what = format!("{} on {:?}", case.name, ops.backend);
            let model = Model::new(&base, &case.recipe, ops).unwrap();
            let shard = shard(&golden, &case.recipe.architecture, &all);
            let (logits, loss, gradients) = step(&model, &case.recipe, &case.parameters, &shard);
            close(&format!("{what}: logits"), &logits, &case.logits, 2e-5);
            assert!((loss - f64::from(case.losses[0])).abs() < 1e-5, "{what}: loss {loss} for {}", case.losses[0]);
            let norm = combine(&mut [gradients.clone()]);
            assert!((norm - f64::from(case.norms[0])).abs() < 1e-4 * norm, "{what}: norm {norm} for {}", case.norms[0]);
            let largest = case.expected.iter().flatten().fold(0f32, |a, b| a.max(b.abs()));
            for (parameter, (got, want)) in case.parameters.list.iter().zip(gradients.iter().zip(&case.expected)) {
                for (got, want) in got.iter().zip(want) {
                    let name = &parameter.name;
                    assert!((got - want).abs() < 1e-4 * largest, "{what}: gradient of {name}: {got} for {want}");
                }
            }
        }
    }
}

#[test]
fn twenty_steps_are_pytorchs() {
    let (base, golden, cases) = golden();
    let all: Vec<usize> = (0..golden.pairs.len()).collect();
    for case in cases {
        let model = Model::new(&base, &case.recipe, Ops::kernels(Arithmetic::F32)).unwrap();
        let shard = shard(&golden, &case.recipe.architecture, &all);
        let mut parameters = case.parameters;
        let mut optimizer = Optimizer::new(&parameters);
        for (at, want) in case.losses.iter().enumerate() {
            let (_, loss, gradients) = step(&model, &case.recipe, &parameters, &shard);
            let norm = combine(&mut [gradients.clone()]);
            optimizer.step(&case.recipe.rates(), &mut parameters, &gradients, norm, at + 1, case.losses.len());
            let what = format!("{} step {}", case.name, at + 1);
            assert!((loss - f64::from(*want)).abs() < 2e-3 * f64::from(*want), "{what}: loss {loss} for {want}");
        }
    }
}

#[test]
fn shards_add_up_and_dropout_is_the_same_on_both_backends() {
    let (base, golden, cases) = golden();
    for mut case in cases {
        case.recipe.contrast = None;
        let mut golden_without = Golden { contrasts: Vec::new(), extra: Vec::new(), ..self::golden().1 };
        golden_without.loss.contrast = 0.0;
        let all: Vec<usize> = (0..golden.pairs.len()).collect();
        let model = Model::new(&base, &case.recipe, Ops::kernels(Arithmetic::F32)).unwrap();
        let of = |which: &[usize]| {
            let shard = shard(&golden_without, &case.recipe.architecture, which);
            step(&model, &case.recipe, &case.parameters, &shard).2
        };
        let mut parts = [of(&[0, 2, 4]), of(&[1, 3])];
        combine(&mut parts);
        for (got, want) in parts[0].iter().zip(&of(&all)) {
            close(&case.name, got, want, 1e-3);
        }
        case.recipe.dropout = 0.3;
        let [kernels, plain] = backends().map(|ops| {
            let model = Model::new(&base, &case.recipe, ops).unwrap();
            let shard = shard(&golden_without, &case.recipe.architecture, &all);
            step(&model, &case.recipe, &case.parameters, &shard)
        });
        close(&case.name, &kernels.0, &plain.0, 1e-4);
        for (got, want) in kernels.2.iter().zip(&plain.2) {
            close(&case.name, got, want, 1e-2);
        }
    }
}

#[test]
fn bf16_stays_near() {
    let (base, golden, cases) = golden();
    let all: Vec<usize> = (0..golden.pairs.len()).collect();
    for case in cases {
        let model = Model::new(&base, &case.recipe, Ops::kernels(Arithmetic::Bf16)).unwrap();
        let shard = shard(&golden, &case.recipe.architecture, &all);
        let (logits, _, gradients) = step(&model, &case.recipe, &case.parameters, &shard);
        close(&case.name, &logits, &case.logits, 0.05);
        let dot = |a: &Gradients, b: &Gradients| -> f64 {
            a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let expected = &case.expected;
        let cosine = dot(&gradients, expected) / (dot(&gradients, &gradients) * dot(expected, expected)).sqrt();
        assert!(cosine > 0.99, "{}: {cosine}", case.name);
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let (base, golden, cases) = golden();
    let all: Vec<usize> = (0..golden.pairs.len()).collect();
    for case in cases {
        let model = Model::new(&base, &case.recipe, Ops::kernels(Arithmetic::F32)).unwrap();
        let shard = shard(&golden, &case.recipe.architecture, &all);
        let (_, _, gradients) = step(&model, &case.recipe, &case.parameters, &shard);
        // Along a random direction: every parameter takes part.
        let mut random = Random::new(3, Purpose::Sample, &[]);
        let direction: Gradients =
            gradients.iter().map(|values| values.iter().map(|_| random.normal() as f32).collect()).collect();
        let moved = |by: f32| {
            let mut parameters = case.parameters.clone();
            for (parameter, direction) in parameters.list.iter_mut().zip(&direction) {
                parameter.values.iter_mut().zip(direction).for_each(|(v, d)| *v += by * d);
            }
            step(&model, &case.recipe, &parameters, &shard).1
        };
        let slope: f64 = gradients
            .iter()
            .flatten()
            .zip(direction.iter().flatten())
            .map(|(g, d)| f64::from(*g) * f64::from(*d))
            .sum();
        let measured = (moved(1e-3) - moved(-1e-3)) / 2e-3;
        assert!((slope - measured).abs() < 0.02 * slope.abs().max(0.1), "{}: {slope} {measured}", case.name);
    }
}

#[test]
#[ignore = "needs Python with onnxruntime and safetensors: VETTED_PYTHON=python3 cargo test -p vetted-training -- --ignored onnx"]
fn onnxruntime_gives_pytorchs_logits() {
    let (base, _, cases) = golden();
    let out = tempfile::tempdir().unwrap();
    for case in cases {
        let recipe = Recipe { storage: Storage::F32, ..case.recipe };
        crate::export::write(out.path(), &base, &recipe, &case.parameters, Calibrations::default()).unwrap();
        let model = out.path().join(format!("{}.onnx", case.name));
        match crate::export::export_onnx(&base, out.path(), &model) {
            Err(crate::Error::NotExported { architecture: "f4" }) => {}
            outcome => outcome.unwrap(),
        }
    }
    let python = std::env::var("VETTED_PYTHON").unwrap_or_else(|_| "python3".into());
    let status = std::process::Command::new(python).arg(folder().join("check_onnx.py")).arg(out.path()).status();
    assert!(status.unwrap().success());
}
