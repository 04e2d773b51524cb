//! Folders that keep their place and have a name in the cache: `HOME/models/NAME.json`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vetted_tensors::replace;

use crate::error::storage;
use crate::{Cache, Error};

/// What the file holds.
#[derive(Serialize, Deserialize)]
struct Registration {
    path: PathBuf,
}

impl Cache {
    /// The folder registered under `name`, which may have gone since.
    pub(super) fn registered(&self, name: &str) -> Result<Option<PathBuf>, Error> {
        if !is_name(name) {
            return Ok(None);
        }
        let file = self.registration_of(name);
        let json = match fs::read(&file) {
            Ok(json) => json,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(storage(&file)(source)),
        };
        match serde_json::from_slice::<Registration>(&json) {
            Ok(registration) => Ok(Some(registration.path)),
            Err(source) => Err(Error::DamagedRegistration { path: file, source }),
        }
    }

    /// All names with a registration, sorted.
    pub(super) fn registered_names(&self) -> Result<Vec<String>, Error> {
        let models = self.home.join("models");
        let entries = match fs::read_dir(&models) {
            Ok(entries) => entries,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(storage(&models)(source)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.map_err(storage(&models))?.file_name();
            let name = file.to_str().and_then(|file| file.strip_suffix(".json"));
            names.extend(name.filter(|name| is_name(name)).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// Registers `path` under `name`, in one step, so that a crash leaves the old registration or the new one.
    pub(super) fn remember(&self, name: &str, path: &Path) -> Result<(), Error> {
        let models = self.home.join("models");
        fs::create_dir_all(&models).map_err(storage(&models))?;
        let json = serde_json::to_vec_pretty(&Registration { path: path.into() });
        let file = self.registration_of(name);
        json.map_err(io::Error::from).and_then(|json| replace(&file, json)).map_err(storage(&file))
    }

    /// Takes the name away from the folder registered under it.
    pub(super) fn forget(&self, name: &str) -> Result<(), Error> {
        let file = self.registration_of(name);
        fs::remove_file(&file).map_err(storage(&file))
    }

    fn registration_of(&self, name: &str) -> PathBuf {
        self.home.join("models").join(format!("{name}.json"))
    }
}

/// Whether `name` may name a model: nothing that could lead out of the cache folder.
pub fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}
