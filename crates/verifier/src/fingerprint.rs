//! Whose views are whose: a verifier reads the views that it makes itself, and no others.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vetted_encoder::Precision;
use vetted_reader::{Architecture, Config, Storage, Weights};

use crate::verifier::VerifierOptions;
use crate::windows;

/// What tells the views that one verifier makes from those of every other: a hash of all that views depend on, and of nothing
/// else. Other thresholds, another calibration or a head trained anew read the same views.
pub type ViewsFingerprint = [u8; 8];

/// The fingerprint of the views that a verifier makes, and the one under which versions before 0.1 kept the same views.
pub(crate) struct Fingerprints {
    pub(crate) own: ViewsFingerprint,
    before: ViewsFingerprint,
}

impl Fingerprints {
    /// `bytes` are those that `weights` was parsed from.
    pub(crate) fn new(config: &Config, weights: &Weights, bytes: &[u8], options: VerifierOptions) -> Fingerprints {
        Fingerprints { own: own(config, Some(weights), options), before: before(config, bytes, options.precision) }
    }

    /// Of a verifier without weights.
    pub(crate) fn of_formula(config: &Config, options: VerifierOptions) -> Fingerprints {
        Fingerprints { own: own(config, None, options), before: before(config, b"", options.precision) }
    }

    pub(crate) fn accept(&self, fingerprint: &[u8]) -> bool {
        fingerprint == self.own || fingerprint == self.before
    }
}

/// Everything by name: the base and the layers in place of its own, how many tokens are read, how hidden states become views
/// and how these are stored, the arithmetic, and how texts are cut.
fn own(config: &Config, weights: Option<&Weights>, options: VerifierOptions) -> ViewsFingerprint {
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
    shortened(hash)
}

/// As it was before 0.1: of the description as it is written, but for what views do not depend on, and of the whole weight
/// file. Fields that have come since are left out, so that what was kept then stays valid.
fn before(config: &Config, bytes: &[u8], precision: Precision) -> ViewsFingerprint {
    const FIELDS: [&str; 6] = ["format", "architecture", "base", "encoder", "reader", "kinds"];
    const READER: [&str; 13] = [
        "view",
        "traits",
        "lexical",
        "width",
        "layers",
        "heads",
        "feed_forward",
        "patch",
        "convolutions",
        "view_range",
        "grid",
        "channels",
        "backwards_penalty",
    ];
    // A description always serializes, to an object.
    let mut described = serde_json::to_value(config).unwrap_or_default();
    if let Some(fields) = described.as_object_mut() {
        fields.retain(|field, _| FIELDS.contains(&field.as_str()));
    }
    if let Some(reader) = described.get_mut("reader").and_then(Value::as_object_mut) {
        reader.retain(|field, _| READER.contains(&field.as_str())); // `remove` would move the last field to its place
    }
    let mut hash = Sha256::new();
    hash.update(described.to_string());
    hash.update([precision as u8, windows::VERSION]);
    hash.update(bytes);
    shortened(hash)
}

fn shortened(hash: Sha256) -> ViewsFingerprint {
    let hash: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|i| hash[i])
}

#[cfg(test)]
mod tests {
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

    fn fingerprints((config, bytes): &(Config, Vec<u8>), options: VerifierOptions) -> Fingerprints {
        Fingerprints::new(config, &Weights::parse(bytes).unwrap(), bytes, options)
    }

    /// As vetted of commit 863442a wrote it into records; of the verifier shipped then, `acceptance.rs` of the command line
    /// knows what it was.
    #[test]
    fn what_was_kept_before_stays_valid() {
        let written = concat!(
            r#"{"format":1,"architecture":"map-transformer","#,
            r#""base":{"name":"tiny-encoder","sha256":"00ff","hidden":32,"layers":2},"#,
            r#""encoder":{"trained_from_layer":1,"max_tokens":32},"#,
            r#""reader":{"view":24,"traits":4,"lexical":true,"width":32,"layers":2,"heads":2,"feed_forward":64,"#,
            r#""patch":4,"convolutions":[8,16,32],"view_range":0.5},"kinds":["negation","role"]}"#
        );
        let verifier = changed(|config| {
            config["name"] = "other".into();
            config["base"]["sha256"] = "00ff".into();
            config["kinds"] = json!(["negation", "role"]);
            config["thresholds"] = json!({"support": 0.7});
            config["reader"]["missing_words"] = json!(1.0);
            config["reader"]["view_range"] = json!(0.5);
        });
        for (precision, number) in [(Precision::F32, 0), (Precision::Bf16, 1), (Precision::Int8, 2)] {
            let hash =
                Sha256::new().chain_update(written).chain_update([number, 1]).chain_update(&verifier.1).finalize();
            let kept = &hash[..8];
            let now = fingerprints(&verifier, VerifierOptions::all_in(precision));
            assert_eq!(now.before, kept, "{precision:?}: {:02x?}", now.before);
            assert!(now.accept(kept) && now.accept(&now.own) && now.own != kept);
            assert!(!now.accept(&[0; 8]) && !now.accept(&kept[..7]) && !now.accept(&[]));
        }
    }

    #[test]
    fn views_depend_on_what_makes_them_and_on_nothing_else() {
        let options = VerifierOptions::default();
        let own = |verifier: &_, options| fingerprints(verifier, options).own;
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
        let unchanged = fingerprints(&verifier, VerifierOptions::default());
        let flipped = |tensor: &str| {
            let (config, mut bytes) = verifier.clone();
            let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            let names: Value = serde_json::from_slice(&bytes[8..header]).unwrap();
            let at = header + names[tensor]["data_offsets"][0].as_u64().unwrap() as usize;
            bytes[at] ^= 1;
            fingerprints(&(config, bytes), VerifierOptions::default())
        };
        let (head, view) = (flipped("reader.head.output.weight"), flipped("view.weight"));
        assert_eq!(head.own, unchanged.own);
        assert!(head.before != unchanged.before && view.own != unchanged.own);
        let encoder = Weights::parse(&verifier.1).unwrap();
        let (encoder, ..) = encoder.of_views().swap_remove(0);
        assert!(encoder.starts_with("encoder.") && flipped(&encoder).own != unchanged.own);
    }
}
