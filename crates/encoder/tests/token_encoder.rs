//! The encoder under tier two agrees with the one under tier one, and takes replacements.

use vetted_encoder::{
    Encoder, Error, ModelFolder, Options, Precision, Replacements, Role, Tensor, TokenEncoder, models,
};
use vetted_kernels::{Cancellation, Compute, Deadline, Expired, Team};

fn team() -> Team {
    Compute::of_this_process().team()
}

fn folder() -> vetted_encoder::ModelFolder {
    models::ensure(models::DEFAULT_MODEL, &mut |_| {}).expect("the default model can be fetched")
}

const TEXTS: [&str; 3] = ["the dog bit the man", "", "The man, who had been warned, bit the dog all the same."];

#[test]
fn token_vectors_are_those_of_the_frozen_encoder_whatever_the_batch() {
    let frozen = Encoder::open(&folder(), Options::default()).unwrap();
    let reader = TokenEncoder::open(&folder(), Replacements::new(), Precision::F32, 64).unwrap();
    let ids: Vec<Vec<u32>> = TEXTS.iter().map(|text| reader.tokens().ids(text).unwrap()).collect();
    let together = reader.token_vectors(&ids, &mut team()).unwrap();
    assert_eq!(together, frozen.token_vectors(&TEXTS, Role::Document, &mut team()).unwrap());
    let many: Vec<Vec<u32>> = ids.iter().cycle().take(90).cloned().collect();
    assert_eq!(reader.token_vectors(&many, &mut team()).unwrap()[87..], together[..]);
}

#[test]
fn layers_that_two_encoders_share_are_computed_once_and_change_nothing() {
    let frozen = Encoder::open(&folder(), Options::default()).unwrap();
    let name = "encoder.layer.2.output.LayerNorm.bias".to_owned();
    let tensor = Tensor { shape: vec![384], values: vec![0.1; 384] };
    let replaced = Replacements::from([(name, tensor)]);
    let reader = TokenEncoder::over(&frozen, replaced.clone(), 64).unwrap();
    assert_eq!(reader.shared_layers(&frozen), 2);
    let alone = TokenEncoder::open(&folder(), replaced, Precision::F32, 64).unwrap();
    assert_eq!(alone.shared_layers(&frozen), 0);
    let words = Replacements::from([(
        "embeddings.LayerNorm.bias".to_owned(),
        Tensor { shape: vec![384], values: vec![0.1; 384] },
    )]);
    assert_eq!(TokenEncoder::over(&frozen, words, 64).unwrap().shared_layers(&frozen), 0);
    let texts: Vec<&str> = TEXTS.iter().cycle().take(90).copied().collect();
    let ids: Vec<Vec<u32>> = texts.iter().map(|text| reader.tokens().ids(text).unwrap()).collect();
    for (reader, count) in [&reader, &alone].into_iter().flat_map(|reader| [1, 3, 90].map(|count| (reader, count))) {
        let (tokens, pooled) = reader.token_vectors_and_embeddings(&frozen, &ids[..count], &mut team()).unwrap();
        assert_eq!(tokens, alone.token_vectors(&ids[..count], &mut team()).unwrap());
        assert_eq!(pooled, frozen.embed(&texts[..count], Role::Document, &mut team()).unwrap());
    }
}

#[test]
fn a_pair_read_together_knows_its_second_text() {
    let reader = TokenEncoder::open(&folder(), Replacements::new(), Precision::F32, 64).unwrap();
    let ids: Vec<Vec<u32>> = TEXTS.iter().map(|text| reader.tokens().ids(text).unwrap()).collect();
    let (a, b) = (ids[0].as_slice(), ids[2].as_slice());
    let vectors = reader.joint_vectors(&[(a, b), (b, a), (a, b)], &mut team()).unwrap();
    let vectors: Vec<&[f32]> = vectors.iter().collect();
    assert_eq!(vectors[0], vectors[2]);
    assert_ne!(vectors[0], vectors[1]);
    let untyped = reader.token_vectors(&[[a, &b[1..]].concat()], &mut team()).unwrap();
    assert_ne!(vectors[0], untyped[0].iter().next().unwrap(), "the second text has a token type of its own");
}

#[test]
fn replacements_take_the_place_of_tensors_or_say_why_not() {
    let name = "encoder.layer.5.output.LayerNorm.weight".to_owned();
    let replaced = |name: &str, shape: Vec<usize>, value| {
        let values = vec![value; shape.iter().product()];
        let replacements = Replacements::from([(name.to_owned(), Tensor { shape, values })]);
        TokenEncoder::open(&folder(), replacements, Precision::F32, 64)
    };
    let reader = replaced(&name, vec![384], 0.0).unwrap();
    let ids = reader.tokens().ids(TEXTS[0]).unwrap();
    let vectors = reader.token_vectors(&[ids], &mut team()).unwrap();
    let rows: Vec<&[f32]> = vectors[0].iter().collect();
    assert_eq!(rows[0], rows[1], "with a gain of zero only the bias is left");

    assert!(matches!(replaced(&name, vec![768], 1.0), Err(Error::TensorShape { .. })));
    assert!(matches!(replaced("encoder.layer.99.nothing", vec![1], 1.0), Err(Error::TensorMissing { .. })));
}

#[test]
fn what_is_no_longer_wanted_is_given_up() {
    let cancellation = Cancellation::default();
    let mut team = Compute::with_threads(2).enter(&Deadline::none().or_cancelled(&cancellation)).unwrap();
    let reader = TokenEncoder::open(&folder(), Replacements::new(), Precision::F32, 64).unwrap();
    let ids = [reader.tokens().ids(TEXTS[0]).unwrap()];
    reader.token_vectors(&ids, &mut team).unwrap();
    cancellation.cancel();
    assert!(matches!(reader.token_vectors(&ids, &mut team), Err(Error::Expired(Expired::Cancelled))));
}

#[test]
fn what_ids_do_not_tell_is_known_in_its_order() {
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/tiny/encoder");
    let folder = ModelFolder::open(tiny).unwrap();
    let encoder = TokenEncoder::open(&folder, Replacements::new(), Precision::F32, 64).unwrap();
    let long = "x".repeat(120);
    let long_words = format!("the {long} and the dog");
    for (text, unknown, mistaken) in [
        ("The dog bit the man.", vec![], vec![]),
        ("\u{1f436} bit \u{1f468}.", vec!["\u{1f436}", "\u{1f468}"], vec![]),
        // How it is drawn does not matter.
        ("\u{2764}\u{fe0f} the dog", vec!["\u{2764}"], vec![]),
        (long_words.as_str(), vec![long.as_str()], vec![]),
        // Signs of a font of one's own are left out, and an unequal sign loses its stroke.
        ("the \u{e000} dog", vec!["\u{e000}"], vec![]),
        ("x \u{2260} y", vec![], vec!["\u{2260}"]),
        ("x =\u{338} y", vec![], vec!["\u{338}"]),
        // Accents of letters may be overlooked.
        ("caf\u{e9} cafe\u{301}", vec![], vec![]),
    ] {
        let unseen = encoder.tokens().unseen(text).unwrap();
        assert_eq!((unseen.unknown, unseen.mistaken), (strings(&unknown), strings(&mistaken)), "{text}");
    }
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|it| (*it).to_owned()).collect()
}
