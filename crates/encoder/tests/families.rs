//! Every family that runs natively against transformers, on tiny random models (golden/families.py). Needs no network.

use std::path::Path;

use vetted_encoder::{Encoder, ModelFolder, Options, Role};

#[derive(serde::Deserialize)]
struct Expected {
    text: String,
    vector: Vec<f32>,
}

#[test]
fn every_family_equals_transformers() {
    for family in ["bert", "roberta", "distilbert", "mpnet"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/families").join(family);
        let encoder = Encoder::open(&ModelFolder::open(&path).unwrap(), Options::default()).unwrap();
        let expected = std::fs::read(path.join("expected.json")).unwrap();
        let expected: Vec<Expected> = serde_json::from_slice(&expected).unwrap();
        for Expected { text, vector } in expected {
            let got = encoder
                .embed_one(&text, Role::Document, &mut vetted_encoder::Compute::of_this_process().team())
                .unwrap();
            let largest = got.iter().zip(&vector).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(largest < 2e-5, "{family} is {largest:.1e} away from transformers on {text:?}");
        }
    }
}
