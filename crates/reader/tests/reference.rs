//! Every reader against PyTorch (`fixtures/reference.py`), and what int8 storage costs.

use std::collections::HashMap;

use safetensors::SafeTensors;
use vetted_kernels::{Precision, Team};
use vetted_reader::{
    Architecture, Config, F2, Kind, LexicalTable, Outputs, Relation, Runtime, Scorer, Scratch, Storage, ViewScorer,
    Weights,
};

const HIDDEN: usize = 24;
const PAIRS: usize = 8;

/// Texts and words of `values.safetensors`, expectations of `values.json`.
struct Reference {
    tensors: HashMap<String, Vec<f32>>,
    ids: HashMap<String, Vec<u32>>,
    expected: HashMap<String, Vec<Vec<f64>>>,
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn reference() -> Reference {
    let bytes = fixture("values.safetensors");
    let (mut tensors, mut ids) = (HashMap::new(), HashMap::new());
    for (name, tensor) in SafeTensors::deserialize(&bytes).unwrap().tensors() {
        let words = || tensor.data().as_chunks::<4>().0.iter();
        match name.strip_suffix(".ids") {
            Some(text) => drop(ids.insert(text.to_owned(), words().map(|b| u32::from_le_bytes(*b)).collect())),
            None => drop(tensors.insert(name, words().map(|b| f32::from_le_bytes(*b)).collect())),
        }
    }
    Reference { tensors, ids, expected: serde_json::from_slice(&fixture("values.json")).unwrap() }
}

fn load(name: &str, storage: Storage, precision: Precision, reference: &Reference) -> Scorer {
    let config = Config::parse(&fixture(&format!("{name}.json"))).unwrap();
    let weights = fixture(&format!("{name}.safetensors"));
    let lexical = Some(LexicalTable::new(&reference.tensors["words"], HIDDEN, storage).unwrap());
    Scorer::load(config, &Weights::parse(&weights).unwrap(), Runtime { precision, storage, lexical }).unwrap()
}

fn score(scorer: &ViewScorer, pair: usize, relation: Relation, reversed: bool, reference: &Reference) -> Outputs {
    let views = |side: &str| {
        let name = format!("{pair}.{side}");
        scorer.views(&reference.tensors[&name], &reference.ids[&name]).unwrap()
    };
    let (mut query, mut candidate) = (views("query"), views("candidate"));
    if reversed {
        std::mem::swap(&mut query, &mut candidate);
    }
    let (mut team, mut scratch) = (Team::alone(), Scratch::default());
    scorer.score(&query, &[candidate], relation, &mut team, &mut scratch).unwrap()[0]
}

/// The largest difference to the expected head values.
fn difference(outputs: &Outputs, expected: &[f64]) -> f64 {
    let kinds = [Kind::Negation, Kind::Role, Kind::Number, Kind::Other];
    let values = [outputs.support, outputs.equivalence, outputs.conflict].into_iter();
    let values = values.chain(kinds.map(|kind| outputs.kinds[kind as usize]));
    assert_eq!(expected.len(), 7);
    assert_eq!(outputs.kinds[Kind::Date as usize], f32::NEG_INFINITY);
    values.zip(expected).map(|(got, want)| (f64::from(got) - want).abs()).fold(0.0, f64::max)
}

#[test]
fn readers_agree_with_pytorch() {
    let reference = reference();
    // Logits reach 6 with these weights; bounds of int8 and bf16 are three times what was measured.
    let runs = [
        (Storage::F32, Precision::F32, 1e-5),
        (Storage::F32, Precision::Bf16, 0.15),
        (Storage::F32, Precision::Int8, 0.4),
        (Storage::Int8, Precision::F32, 0.3),
    ];
    for name in ["map-transformer-0", "map-transformer-1", "both-0", "f4-0", "f3-0"] {
        for (storage, precision, bound) in runs {
            let Scorer::Views(scorer) = load(name, storage, precision, &reference) else { panic!("{name}") };
            for pair in 0..PAIRS {
                for (key, reversed) in [(name.to_owned(), false), (format!("{name} reversed"), true)] {
                    let outputs = score(&scorer, pair, Relation::Support, reversed, &reference);
                    let off = difference(&outputs, &reference.expected[&key][pair]);
                    eprintln!("{key} {storage:?} {precision:?} {pair}: {off:.6}");
                    assert!(off < bound, "{key}, {storage:?}, {precision:?}, pair {pair}: off by {off}");
                }
            }
        }
    }
}

#[test]
fn equivalence_is_the_mean_of_both_orders() {
    let reference = reference();
    for name in ["map-transformer-0", "both-0", "f4-0", "f3-0"] {
        let Scorer::Views(scorer) = load(name, Storage::F32, Precision::F32, &reference) else { panic!("{name}") };
        for pair in 0..PAIRS {
            let expected = &reference.expected[name][pair];
            let backward = &reference.expected[&format!("{name} reversed")][pair];
            let outputs = score(&scorer, pair, Relation::Equivalence, false, &reference);
            assert!((f64::from(outputs.equivalence) - (expected[1] + backward[1]) / 2.0).abs() < 1e-5);
            assert!((f64::from(outputs.support) - expected[0]).abs() < 1e-5);
            assert!((f64::from(outputs.conflict) - expected[2]).abs() < 1e-5);
        }
    }
}

#[test]
fn the_cross_encoders_head_agrees_with_pytorch() {
    let reference = reference();
    let Scorer::Joint(scorer) = load("cross-encoder-0", Storage::F32, Precision::F32, &reference) else { panic!() };
    let cls: Vec<f32> =
        (0..PAIRS).flat_map(|pair| reference.tensors[&format!("{pair}.query")][..HIDDEN].to_vec()).collect();
    for (outputs, expected) in scorer.score(&cls).unwrap().iter().zip(&reference.expected["cross-encoder-0"]) {
        assert!(difference(outputs, expected) < 1e-5);
    }
}

#[test]
fn scores_without_parameters_agree_with_pytorch() {
    let reference = reference();
    for (name, architecture) in [
        ("cosine", Architecture::Cosine),
        ("f0", Architecture::F0),
        ("f1", Architecture::F1),
        ("f2", Architecture::F2(F2::default())),
        ("f2 backwards 0.5", Architecture::F2(F2 { backwards_penalty: 0.5 })),
    ] {
        for (storage, bound) in [(Storage::F32, 1e-5), (Storage::Int8, 0.02)] {
            let scorer = ViewScorer::parameter_free(architecture.clone(), HIDDEN, 16, storage).unwrap();
            for pair in 0..PAIRS {
                let outputs = score(&scorer, pair, Relation::Support, false, &reference);
                let off = (f64::from(outputs.support) - reference.expected[name][pair][0]).abs();
                assert!(off < bound, "{name}, {storage:?}, pair {pair}: off by {off}");
            }
        }
    }
}
