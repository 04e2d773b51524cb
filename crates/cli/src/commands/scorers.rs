//! Scorers of pairs by name: what `--scorer` takes.

use std::path::Path;

use anyhow::{Result, bail};
use vetted::verification::{Architecture, F2};
use vetted::{Verifier, VerifierOptions, VerifierSource};

use crate::terminal::download_progress;

/// What `--scorer` takes, for its help.
pub const SCORERS: &str = "vetted (the shipped verifier), cosine, f0, f1 (MaxSim), f2, or a verifier's folder";

/// What `--verifier` takes, for its help.
pub const JUDGES: &str = "vetted (the shipped verifier) or a verifier's folder";

/// A scorer with the name it is reported under.
pub struct Named {
    pub name: String,
    pub verifier: Verifier,
}

/// Loads a scorer by its name or its folder.
pub fn load(name: &str, options: VerifierOptions) -> Result<Named> {
    let progress = &mut download_progress();
    let parameter_free = match name {
        "cosine" => Some(Architecture::Cosine),
        "f0" => Some(Architecture::F0),
        "f1" | "maxsim" => Some(Architecture::F1),
        "f2" => Some(Architecture::F2(F2::default())),
        _ => None,
    };
    let verifier = match parameter_free {
        Some(architecture) => Verifier::parameter_free(architecture, options, progress)?,
        None if name == "vetted" => Verifier::shipped(options, progress)?,
        None => Verifier::open(Path::new(name), options, progress)?,
    };
    Ok(Named { name: name.to_owned(), verifier })
}

/// The verifier of an engine's searches, by what `--verifier` says.
pub fn source(name: &str) -> VerifierSource {
    match name {
        "vetted" => VerifierSource::Shipped,
        folder => VerifierSource::Folder(folder.into()),
    }
}

/// Loads what gives verdicts. A formula's similarities have no scale on which to accept or reject.
pub fn load_judge(name: &str, options: VerifierOptions) -> Result<Verifier> {
    let verifier = load(name, options)?.verifier;
    if !verifier.is_trained() {
        bail!("{name} is a formula without verdicts: compare its scores by `vetted eval pairs`, or give {JUDGES}");
    }
    Ok(verifier)
}
