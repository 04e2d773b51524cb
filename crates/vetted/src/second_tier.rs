//! An engine's verifier: which one it is, and loading it when it is first needed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use vetted_encoder::Precision;
use vetted_kernels::Compute;
use vetted_reader::Storage;

use crate::{Error, Verifier, VerifierOptions};
use vetted_verifier::LoadedBase;

/// Where an engine's verifier comes from.
#[derive(Clone, Default)]
pub enum VerifierSource {
    /// The one that comes with vetted.
    #[default]
    Shipped,
    /// `config.json` and `model.safetensors` in this folder.
    Folder(PathBuf),
    /// One that is open already.
    Open(Arc<Verifier>),
}

/// The verifier of one engine. Loaded at the first search that verifies: recall alone never needs it.
pub(crate) struct SecondTier {
    source: VerifierSource,
    loaded: Mutex<Option<Arc<Verifier>>>,
}

impl SecondTier {
    pub(crate) fn new(source: VerifierSource) -> SecondTier {
        SecondTier { source, loaded: Mutex::new(None) }
    }

    /// The verifier; one that is not open yet encodes in this arithmetic, and reads in bf16: that changes no verdict to speak
    /// of and takes two thirds of the time (docs/decisions/5).
    /// `base` is asked for an encoder that is there already, to build on.
    pub(crate) fn get(
        &self,
        precision: Precision,
        compute: &Compute,
        base: LoadedBase<'_>,
    ) -> Result<Arc<Verifier>, Error> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verifier) = &*loaded {
            return Ok(verifier.clone());
        }
        let options = VerifierOptions { precision, reader: Precision::Bf16, storage: Storage::Int8 };
        let verifier = match &self.source {
            VerifierSource::Shipped => {
                Arc::new(Verifier::shipped_over(base, options, &mut |_| {})?.with_compute(compute.clone()))
            }
            VerifierSource::Folder(folder) => {
                Arc::new(Verifier::open_over(folder, base, options, &mut |_| {})?.with_compute(compute.clone()))
            }
            VerifierSource::Open(verifier) => verifier.clone(),
        };
        Ok(loaded.insert(verifier).clone())
    }
}

impl From<PathBuf> for VerifierSource {
    fn from(folder: PathBuf) -> Self {
        VerifierSource::Folder(folder)
    }
}

impl From<Arc<Verifier>> for VerifierSource {
    fn from(verifier: Arc<Verifier>) -> Self {
        VerifierSource::Open(verifier)
    }
}

impl From<Verifier> for VerifierSource {
    fn from(verifier: Verifier) -> Self {
        VerifierSource::Open(Arc::new(verifier))
    }
}
