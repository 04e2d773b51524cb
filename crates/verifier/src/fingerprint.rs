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
    use crate::SHIPPED_VERIFIER;

    fn changed(change: impl FnOnce(&mut Value)) -> Config {
        let mut config = serde_json::from_slice(SHIPPED_VERIFIER[0].1).unwrap();
        change(&mut config);
        Config::parse(config.to_string().as_bytes()).unwrap()
    }

    fn fingerprints(config: &Config, bytes: &[u8], options: VerifierOptions) -> Fingerprints {
        Fingerprints::new(config, &Weights::parse(bytes).unwrap(), bytes, options)
    }

    /// The first eight bytes of the records in indexes that vetted of commit 863442a wrote, with the weights shipped then.
    #[test]
    fn what_was_kept_before_stays_valid() {
        let (config, bytes) = (changed(|_| {}), SHIPPED_VERIFIER[1].1);
        for (precision, kept) in [(Precision::F32, KEPT_F32), (Precision::Bf16, KEPT_BF16)] {
            let now = fingerprints(&config, bytes, VerifierOptions::all_in(precision));
            assert_eq!(now.before, kept, "{precision:?}: {:02x?}", now.before);
            assert!(now.accept(&kept) && now.accept(&now.own) && now.own != kept);
            assert!(!now.accept(&[0; 8]) && !now.accept(&kept[..7]) && !now.accept(&[]));
        }
    }

    const KEPT_F32: ViewsFingerprint = [0xf2, 0x1f, 0x6f, 0x72, 0x14, 0xcb, 0x31, 0x05];
    const KEPT_BF16: ViewsFingerprint = [0x9c, 0xd7, 0xa0, 0xfc, 0x5b, 0x50, 0x8e, 0x42];

    #[test]
    fn views_depend_on_what_makes_them_and_on_nothing_else() {
        let (options, bytes) = (VerifierOptions::default(), SHIPPED_VERIFIER[1].1);
        let own = |config: &Config, bytes: &[u8], options| fingerprints(config, bytes, options).own;
        let shipped = own(&changed(|_| {}), bytes, options);
        for (name, same) in [
            ("name", changed(|config| config["name"] = "other".into())),
            ("thresholds", changed(|config| config["thresholds"] = json!({"support": 0.7}))),
            ("calibration", changed(|config| config["calibration"] = json!({}))),
            ("missing words", changed(|config| config["reader"]["missing_words"] = json!(1.0))),
            ("the reader's heads", changed(|config| config["reader"]["heads"] = json!(8))),
        ] {
            assert_eq!(own(&same, bytes, options), shipped, "{name}");
        }
        for (name, other) in [
            ("base", changed(|config| config["base"]["sha256"] = "00".into())),
            ("tokens", changed(|config| config["encoder"]["max_tokens"] = 63.into())),
            ("range", changed(|config| config["reader"]["view_range"] = json!(0.7))),
        ] {
            assert_ne!(own(&other, bytes, options), shipped, "{name}");
        }
        let bf16 = VerifierOptions { precision: Precision::Bf16, ..options };
        let floats = VerifierOptions { storage: Storage::F32, ..options };
        let reader = VerifierOptions { reader: Precision::Bf16, ..options };
        assert_ne!(own(&changed(|_| {}), bytes, bf16), shipped);
        assert_ne!(own(&changed(|_| {}), bytes, floats), shipped);
        assert_eq!(own(&changed(|_| {}), bytes, reader), shipped, "how views are read does not matter");
    }

    #[test]
    fn a_head_trained_anew_reads_the_same_views_and_an_encoder_trained_anew_does_not() {
        let (config, bytes) = (changed(|_| {}), SHIPPED_VERIFIER[1].1);
        let shipped = fingerprints(&config, bytes, VerifierOptions::default());
        let flipped = |tensor: &str| {
            let mut bytes = bytes.to_vec();
            let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            let names: Value = serde_json::from_slice(&bytes[8..header]).unwrap();
            let at = header + names[tensor]["data_offsets"][0].as_u64().unwrap() as usize;
            bytes[at] ^= 1;
            fingerprints(&config, &bytes, VerifierOptions::default())
        };
        let (head, view) = (flipped("reader.head.output.weight"), flipped("view.weight"));
        assert_eq!(head.own, shipped.own);
        assert!(head.before != shipped.before && view.own != shipped.own);
        let encoder = Weights::parse(bytes).unwrap();
        let (encoder, ..) = encoder.of_views().swap_remove(0);
        assert!(encoder.starts_with("encoder.") && flipped(&encoder).own != shipped.own);
    }
}
