//! Where an index's vectors come from: an encoder, loaded when it is first needed, or the documents themselves.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use vetted_encoder::{Encoder, ModelFolder, Options, Precision, models};
use vetted_retrieval::{EncoderIdentity, Manifest};

use crate::Error;

/// The encoder of one index. Loaded at the first text: BM25 searches and deletions never need it.
pub(crate) struct Model {
    source: Source,
    precision: Precision,
    identity: EncoderIdentity,
    loaded: Mutex<Option<Arc<Encoder>>>,
}

enum Source {
    /// A name that `models::resolve` knows, or an absolute path.
    Encoder(String),
    /// The metadata field in which documents bring their vectors.
    Field(String),
}

const SOURCE: &str = "model";
const FIELD: &str = "vectors";
const PRECISION: &str = "precision";

impl Model {
    /// The model `name_or_path`, fetched if it is known and not there, and loaded; in its fastest precision unless told.
    pub(crate) fn fetch(
        name_or_path: &str,
        precision: Option<Precision>,
        progress: &mut dyn FnMut(models::Progress<'_>),
    ) -> Result<Model, Error> {
        let folder = models::ensure(name_or_path, progress)?;
        let precision = precision.unwrap_or_else(|| Encoder::fastest(&folder));
        let encoder = Encoder::open(&folder, Options { precision, ..Options::default() })?;
        let identity = EncoderIdentity {
            name: folder.name.clone(),
            fingerprint: folder.fingerprint()?,
            dimensions: encoder.dimensions(),
        };
        let loaded = Mutex::new(Some(Arc::new(encoder)));
        Ok(Model { source: Source::Encoder(lasting_name(name_or_path)), precision, identity, loaded })
    }

    /// No model of vetted's: documents bring vectors of so many dimensions in `field` of their metadata.
    pub(crate) fn given(field: &str, dimensions: usize, precision: Precision) -> Model {
        let identity = EncoderIdentity { name: given_name(field), fingerprint: "given".into(), dimensions };
        Model { source: Source::Field(field.to_owned()), precision, identity, loaded: Mutex::default() }
    }

    /// The metadata field in which documents bring their vectors, if they do.
    pub(crate) fn field(&self) -> Option<&str> {
        match &self.source {
            Source::Field(field) => Some(field),
            Source::Encoder(_) => None,
        }
    }

    /// The model that an index's manifest names, not loaded yet.
    pub(crate) fn of(manifest: &Manifest, index: &Path) -> Result<Model, Error> {
        let missing = |missing| Error::Manifest { index: index.into(), missing };
        let text = |key| manifest.passage_options.get(key).and_then(Value::as_str).map(str::to_owned);
        let source = match text(FIELD) {
            Some(field) => Source::Field(field),
            None => Source::Encoder(text(SOURCE).ok_or(missing("its model"))?),
        };
        let precision = manifest.passage_options.get(PRECISION).and_then(Value::as_str);
        let precision = precision.and_then(precision_from_name).ok_or(missing("its precision"))?;
        let identity = manifest.encoder.clone();
        Ok(Model { source, precision, identity, loaded: Mutex::new(None) })
    }

    pub(crate) fn identity(&self) -> &EncoderIdentity {
        &self.identity
    }

    pub(crate) fn precision(&self) -> Precision {
        self.precision
    }

    pub(crate) fn write_to(&self, manifest: &mut Map<String, Value>) {
        let (key, value) = match &self.source {
            Source::Encoder(name) => (SOURCE, name),
            Source::Field(field) => (FIELD, field),
        };
        manifest.insert(key.into(), value.clone().into());
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

    /// Fails unless documents bring their vectors in `field`.
    pub(crate) fn check_given(&self, field: &str, index: &Path) -> Result<(), Error> {
        if self.field() == Some(field) {
            return Ok(());
        }
        let (expected, got) = (self.identity.name.clone(), given_name(field));
        Err(Error::ModelMismatch { index: index.into(), expected, got })
    }

    /// The encoder, loaded (and fetched, if it is gone) at the first call; [`Error::NoEncoder`] where vectors are given.
    pub(crate) fn encoder(&self, index: &Path) -> Result<Arc<Encoder>, Error> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(encoder) = &*loaded {
            return Ok(encoder.clone());
        }
        let Source::Encoder(source) = &self.source else { return Err(Error::NoEncoder { index: index.into() }) };
        let folder: ModelFolder = models::ensure(source, &mut |_| {})?;
        let got = folder.fingerprint()?;
        if got != self.identity.fingerprint {
            let (model, expected) = (source.clone(), self.identity.fingerprint.clone());
            return Err(Error::ModelChanged { index: index.into(), model, expected, got });
        }
        let options = Options { precision: self.precision, ..Options::default() };
        let encoder = Arc::new(Encoder::open(&folder, options)?);
        Ok(loaded.insert(encoder).clone())
    }
}

impl Model {
    /// The encoder, if it is that of `folder`: then whoever else builds on that model shares it.
    pub(crate) fn encoder_of(&self, folder: &ModelFolder, index: &Path) -> Option<Arc<Encoder>> {
        let Source::Encoder(source) = &self.source else { return None };
        let own = models::resolve(source).ok()?;
        // What is wrong with the index's own model is said where that is needed.
        if own.path == folder.path { self.encoder(index).ok() } else { None }
    }
}

fn given_name(field: &str) -> String {
    format!("vectors given in {field:?}")
}

/// A relative path means something else tomorrow; a name does not.
fn lasting_name(name_or_path: &str) -> String {
    let path = Path::new(name_or_path);
    let is_path = models::find(name_or_path).is_none() && path.is_dir();
    let absolute = is_path.then(|| path.canonicalize().ok()).flatten();
    absolute.map_or_else(|| name_or_path.to_owned(), |path| path.to_string_lossy().into_owned())
}

pub(crate) fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::Bf16 => "bf16",
        Precision::Int8 => "int8",
    }
}

fn precision_from_name(name: &str) -> Option<Precision> {
    [Precision::F32, Precision::Bf16, Precision::Int8].into_iter().find(|p| precision_name(*p) == name)
}
