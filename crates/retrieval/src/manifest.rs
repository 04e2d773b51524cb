//! What an index is: its format, its encoder, how its documents were cut into passages.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vetted_tensors::Replacement;

use crate::error::{Error, Result};

/// The format this version writes, and the newest it reads. It grows when an older version would misread what a newer
/// one wrote; `tests/fixtures/` keeps an index of every format, and a test opens them all.
pub const FORMAT_VERSION: u32 = 1;

pub(crate) const FILE: &str = "vetted.json";
/// The manifest before it is whole.
pub(crate) const DRAFT: &str = "vetted.json.new";

/// Which encoder made an index's vectors. Vectors of two encoders cannot be compared, so an index refuses a second one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderIdentity {
    /// The encoder's name, for people: `all-MiniLM-L6-v2`.
    pub name: String,
    /// What tells it from every other, for programs: a digest of its weights and of the settings that change vectors.
    pub fingerprint: String,
    /// How many numbers a vector has.
    pub dimensions: usize,
}

impl fmt::Display for EncoderIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({} dimensions, {})", self.name, self.dimensions, self.fingerprint)
    }
}

/// What an index is. Written once, when the index is created, as `vetted.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    format_version: u32,
    /// The encoder that made the vectors.
    pub encoder: EncoderIdentity,
    /// How documents were cut into passages. This crate keeps it and does not look into it.
    pub passage_options: Map<String, Value>,
}

impl Manifest {
    /// The manifest of a new index, in format [`FORMAT_VERSION`].
    pub fn new(encoder: EncoderIdentity, passage_options: Map<String, Value>) -> Self {
        Self { format_version: FORMAT_VERSION, encoder, passage_options }
    }

    /// The format the index is in.
    pub fn format_version(&self) -> u32 {
        self.format_version
    }

    /// Reads the manifest of the index in `directory`, without opening the index.
    ///
    /// # Errors
    /// [`Error::NotAnIndex`], [`Error::FormatVersion`], [`Error::ManifestDamaged`], or what the operating system refuses.
    pub fn read(directory: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
        }

        let path = directory.join(FILE);
        let bytes = fs::read(&path).map_err(|source| match source.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Error::NotAnIndex { path: directory.to_owned() },
            _ => Error::Io { action: "read", path: path.clone(), source },
        })?;
        let damaged = |source| Error::ManifestDamaged { path: path.clone(), source };
        // The version comes first: a format of the future may hold anything else.
        let Version { format_version: found } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if found != FORMAT_VERSION {
            let path = directory.to_owned();
            return Err(Error::FormatVersion { path, found, supported: FORMAT_VERSION });
        }
        serde_json::from_slice(&bytes).map_err(damaged)
    }

    /// Writes the manifest, whole or not at all. An index exists from this moment on.
    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        let path = directory.join(FILE);
        // Whoever writes a manifest holds the index's lock, so its draft has a name of its own.
        let written = Replacement::with_draft(&path, directory.join(DRAFT)).and_then(|mut file| {
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.commit()
        });
        written.map_err(|source| Error::Io { action: "write", path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoder(fingerprint: &str, dimensions: usize) -> EncoderIdentity {
        EncoderIdentity { name: "small".into(), fingerprint: fingerprint.into(), dimensions }
    }

    #[test]
    fn reads_what_it_wrote() {
        let directory = tempfile::tempdir().unwrap();
        let options = Map::from_iter([("tokens".to_owned(), Value::from(256))]);
        let manifest = Manifest::new(encoder("abc", 3), options);
        manifest.write(directory.path()).unwrap();
        assert_eq!(Manifest::read(directory.path()).unwrap(), manifest);
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        assert!(matches!(Manifest::read(path), Err(Error::NotAnIndex { .. })));
        fs::write(path.join(FILE), r#"{"format_version": 2, "unknown": []}"#).unwrap();
        assert!(matches!(Manifest::read(path), Err(Error::FormatVersion { found: 2, .. })));
        fs::write(path.join(FILE), r#"{"format_version": 1, "enc"#).unwrap();
        assert!(matches!(Manifest::read(path), Err(Error::ManifestDamaged { .. })));
    }
}
