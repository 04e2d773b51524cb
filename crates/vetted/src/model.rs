//! An index's encoder: which one it is, and loading it when it is first needed.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use vetted_encoder::{Encoder, ModelFolder, Options, Precision, models};
use vetted_recall::{EncoderIdentity, Manifest};

use crate::Error;

/// The encoder of one index. Loaded at the first text: BM25 searches and deletions never need it.
pub(crate) struct Model {
    /// A name that `models::resolve` knows, or an absolute path.
    source: String,
    precision: Precision,
    identity: EncoderIdentity,
    loaded: Mutex<Option<Arc<Encoder>>>,
}

const SOURCE: &str = "model";
const PRECISION: &str = "precision";

impl Model {
    /// The model `name_or_path`, fetched if it is known and not there, and loaded.
    pub(crate) fn fetch(
        name_or_path: &str,
        precision: Precision,
        progress: &mut dyn FnMut(models::Progress<'_>),
    ) -> Result<Model, Error> {
        let folder = models::ensure(name_or_path, progress)?;
        let encoder = Encoder::open(&folder, Options { precision, ..Options::default() })?;
        let identity = EncoderIdentity {
            name: folder.name.clone(),
            fingerprint: folder.fingerprint()?,
            dimensions: encoder.dimensions(),
        };
        let loaded = Mutex::new(Some(Arc::new(encoder)));
        Ok(Model { source: lasting_name(name_or_path), precision, identity, loaded })
    }

    /// The model that an index's manifest names, not loaded yet.
    pub(crate) fn of(manifest: &Manifest, index: &Path) -> Result<Model, Error> {
        let missing = |missing| Error::Manifest { index: index.into(), missing };
        let source = manifest.passage_options.get(SOURCE).and_then(Value::as_str).ok_or(missing("its model"))?;
        let precision = manifest.passage_options.get(PRECISION).and_then(Value::as_str);
        let precision = precision.and_then(precision_from_name).ok_or(missing("its precision"))?;
        let identity = manifest.encoder.clone();
        Ok(Model { source: source.to_owned(), precision, identity, loaded: Mutex::new(None) })
    }

    pub(crate) fn identity(&self) -> &EncoderIdentity {
        &self.identity
    }

    pub(crate) fn precision(&self) -> Precision {
        self.precision
    }

    pub(crate) fn write_to(&self, manifest: &mut Map<String, Value>) {
        manifest.insert(SOURCE.into(), self.source.clone().into());
        manifest.insert(PRECISION.into(), precision_name(self.precision).into());
    }

    /// Fails unless `name_or_path` is this very model.
    pub(crate) fn check_is(&self, name_or_path: &str, index: &Path) -> Result<(), Error> {
        let folder = models::resolve(name_or_path)?;
        if folder.fingerprint()? == self.identity.fingerprint {
            return Ok(());
        }
        let (expected, got) = (self.identity.name.clone(), folder.name);
        Err(Error::ModelMismatch { index: index.into(), expected, got })
    }

    /// The encoder, loaded (and fetched, if it is gone) at the first call.
    pub(crate) fn encoder(&self, index: &Path) -> Result<Arc<Encoder>, Error> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(encoder) = &*loaded {
            return Ok(encoder.clone());
        }
        let folder: ModelFolder = models::ensure(&self.source, &mut |_| {})?;
        let got = folder.fingerprint()?;
        if got != self.identity.fingerprint {
            let (model, expected) = (self.source.clone(), self.identity.fingerprint.clone());
            return Err(Error::ModelChanged { index: index.into(), model, expected, got });
        }
        let options = Options { precision: self.precision, ..Options::default() };
        let encoder = Arc::new(Encoder::open(&folder, options)?);
        Ok(loaded.insert(encoder).clone())
    }
}

/// A relative path means something else tomorrow; a name does not.
fn lasting_name(name_or_path: &str) -> String {
    let path = Path::new(name_or_path);
    let is_path = models::find(name_or_path).is_none() && path.is_dir();
    let absolute = is_path.then(|| path.canonicalize().ok()).flatten();
    absolute.map_or_else(|| name_or_path.to_owned(), |path| path.to_string_lossy().into_owned())
}

fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
        Precision::Int8 => "int8",
    }
}

fn precision_from_name(name: &str) -> Option<Precision> {
    [Precision::F32, Precision::Bf16, Precision::Int8].into_iter().find(|p| precision_name(*p) == name)
}
