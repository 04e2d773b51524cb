//! Scorers of pairs by name.

use std::path::Path;

use vetted::reader::{Architecture, F2};
use vetted::{Verifier, VerifierOptions};

use crate::Error;
use crate::watch::{Event, Watch};

/// A scorer with the name it is reported under.
pub struct Named {
    /// As it was asked for.
    pub name: String,
    /// The scorer.
    pub verifier: Verifier,
}

/// Loads a scorer: `vetted` (the shipped verifier), `cosine`, `f0`, `f1` or `maxsim`, `f2`, or the one in a folder.
///
/// # Errors
/// When a model cannot be fetched or read.
pub fn load(name: &str, options: VerifierOptions, watch: Watch<'_>) -> Result<Named, Error> {
    let progress = &mut |progress: vetted::models::Progress<'_>| watch(Event::Fetching(progress));
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

/// Loads what gives verdicts. A formula's similarities have no scale on which to accept or reject.
///
/// # Errors
/// [`Error::NoVerdicts`] of a formula, and those of [`load`].
pub fn load_judge(name: &str, options: VerifierOptions, watch: Watch<'_>) -> Result<Verifier, Error> {
    let verifier = load(name, options, watch)?.verifier;
    if !verifier.is_trained() {
        return Err(Error::NoVerdicts { name: name.to_owned() });
    }
    Ok(verifier)
}
