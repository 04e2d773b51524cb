//! Whose views are whose: a verifier reads the views that it makes itself, and no others.

use serde_json::json;
use sha2::{Digest, Sha256};
use vetted_encoder::Precision;
use vetted_reader::{Architecture, Config, Storage, Weights};

use crate::verifier::VerifierOptions;
use crate::windows;

/// What tells the views that one verifier makes from those of every other: a hash of all that views depend on, and of nothing
/// else. Other thresholds, another calibration or a head trained anew read the same views.
pub type ViewsFingerprint = [u8; 8];

/// Everything by name: the base and the layers in place of its own, how many tokens are read, how hidden states become views
/// and how these are stored, the arithmetic, and how texts are cut.
pub(crate) fn fingerprint(config: &Config, weights: Option<&Weights>, options: VerifierOptions) -> ViewsFingerprint {
    let (view, traits, lexical, range) = match &config.architecture {
        Architecture::MapTransformer(shape) => ("linear", shape.traits, shape.lexical, shape.view_range),
        Architecture::F4(shape) => ("linear", 0, false, shape.view_range),
        Architecture::F3(shape) => ("linear", 0, false, shape.view_range),
        Architecture::Cosine => ("pooled", 0, false, 1.0),
        Architecture::F0 | Architecture::F1 | Architecture::F2(_) => ("hidden", 0, false, 1.0),
        Architecture::CrossEncoder => ("none", 0, false, 1.0),
    };
    let precision = match options.precision {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
        Precision::Int8 => "int8",
    };
    let storage = match options.storage {
        Storage::F32 => "f32",
        Storage::Int8 => "int8",
    };
    let described = json!({
        "base": config.base.sha256.to_lowercase(), "max_tokens": config.encoder.max_tokens, "view": view, "traits": traits,
        "lexical": lexical, "view_range": range, "storage": storage, "precision": precision, "windows": windows::VERSION,
    });
    let mut hash = Sha256::new();
    hash.update(described.to_string());
    for (name, shape, bytes) in weights.map(Weights::of_views).unwrap_or_default() {
        hash.update(format!("{name} {shape:?} {}", bytes.len()));
        hash.update(bytes);
    }
    let hash: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|i| hash[i])
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// The tiny verifier's description, changed, and its weights.
    fn changed(change: impl FnOnce(&mut Value)) -> (Config, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let verifier = vetted_fixtures::verifier(folder.path());
        let read = |name: &str| std::fs::read(verifier.join(name)).unwrap();
        let mut config: Value = serde_json::from_slice(&read("config.json")).unwrap();
        // Its base is the folder where the fixture lies.
        config["base"]["name"] = "tiny-encoder".into();
        change(&mut config);
        (Config::parse(config.to_string().as_bytes()).unwrap(), read("model.safetensors"))
    }

    fn own((config, bytes): &(Config, Vec<u8>), options: VerifierOptions) -> ViewsFingerprint {
        fingerprint(config, Some(&Weights::parse(bytes).unwrap()), options)
    }

    #[test]
    fn views_depend_on_what_makes_them_and_on_nothing_else() {
        let options = VerifierOptions::default();
        let unchanged = changed(|_| {});
        let expected = own(&unchanged, options);
        for (name, same) in [
            ("name", changed(|config| config["name"] = "other".into())),
            ("thresholds", changed(|config| config["thresholds"] = json!({"support": 0.7}))),
            ("calibration", changed(|config| config["calibration"] = json!({}))),
            ("missing words", changed(|config| config["reader"]["missing_words"] = json!(1.0))),
            ("the reader's heads", changed(|config| config["reader"]["heads"] = json!(4))),
        ] {
            assert_eq!(own(&same, options), expected, "{name}");
        }
        for (name, other) in [
            ("base", changed(|config| config["base"]["sha256"] = "00".into())),
            ("tokens", changed(|config| config["encoder"]["max_tokens"] = 31.into())),
            ("range", changed(|config| config["reader"]["view_range"] = json!(0.6))),
        ] {
            assert_ne!(own(&other, options), expected, "{name}");
        }
        let bf16 = VerifierOptions { precision: Precision::Bf16, ..options };
        let floats = VerifierOptions { storage: Storage::F32, ..options };
        let reader = VerifierOptions { reader: Precision::Bf16, ..options };
        assert_ne!(own(&unchanged, bf16), expected);
        assert_ne!(own(&unchanged, floats), expected);
        assert_eq!(own(&unchanged, reader), expected, "how views are read does not matter");
    }

    #[test]
    fn a_head_trained_anew_reads_the_same_views_and_an_encoder_trained_anew_does_not() {
        let verifier = changed(|_| {});
        let unchanged = own(&verifier, VerifierOptions::default());
        let flipped = |tensor: &str| {
            let (config, mut bytes) = verifier.clone();
            let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            let names: Value = serde_json::from_slice(&bytes[8..header]).unwrap();
            let at = header + names[tensor]["data_offsets"][0].as_u64().unwrap() as usize;
            bytes[at] ^= 1;
            own(&(config, bytes), VerifierOptions::default())
        };
        assert_eq!(flipped("reader.head.output.weight"), unchanged);
        assert_ne!(flipped("view.weight"), unchanged);
        let encoder = Weights::parse(&verifier.1).unwrap();
        let (encoder, ..) = encoder.of_views().swap_remove(0);
        assert!(encoder.starts_with("encoder.") && flipped(&encoder) != unchanged);
    }
}
