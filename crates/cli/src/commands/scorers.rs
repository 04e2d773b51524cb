//! Who judges, by the name that `--verifier` takes.

use std::path::Path;

use anyhow::{Result, bail};
use vetted::{Encoder, EncoderOptions, Precision, Verifier, VerifierOptions, VerifierSource, models};

use crate::terminal::download_progress;

/// What `--verifier` takes, for its help.
pub const JUDGES: &str = "vetted (the shipped verifier) or a verifier's folder";

/// The verifier of an engine's searches, by what `--verifier` says.
pub fn source(name: &str) -> VerifierSource {
    match name {
        "vetted" => VerifierSource::Shipped,
        folder => VerifierSource::Folder(folder.into()),
    }
}

/// Loads what gives verdicts. A formula's similarities have no scale on which to accept or reject.
pub fn load_judge(name: &str, options: VerifierOptions) -> Result<Verifier> {
    let progress = &mut download_progress();
    match name {
        "vetted" => Ok(Verifier::shipped(options, progress)?),
        "cosine" | "f0" | "f1" | "maxsim" | "f2" => {
            bail!("{name} is a formula without verdicts: compare its scores by `vetted eval pairs`, or give {JUDGES}")
        }
        folder => Ok(Verifier::open(Path::new(folder), options, progress)?),
    }
}

/// Loads an encoder: a name that models are known by, or a folder.
pub fn load_encoder(name: &str, precision: Precision) -> Result<Encoder> {
    let folder = models::ensure(name, &mut download_progress())?;
    Ok(Encoder::open(&folder, EncoderOptions { precision, ..EncoderOptions::default() })?)
}
