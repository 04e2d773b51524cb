//! Reading settings out of JSON files, with errors that name the file and the key.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Error;

/// Parses the file at `path`; `None` when there is no such file.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(Error::Unreadable { path: path.into(), source });
        }
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|source| Error::BadJson {
        path: path.into(),
        line: source.line(),
        column: source.column(),
        source,
    })
}

/// A JSON object together with the file it came from. `null` counts as absent, as it does in Python's configs.
pub struct Object {
    path: PathBuf,
    members: Map<String, Value>,
}

impl Object {
    /// Reads the object at `path`; `None` when there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>, Error> {
        Ok(read(path)?.map(|members| Self { path: path.into(), members }))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A whole number of 1 or more.
    pub fn size(&self, key: &'static str) -> Result<usize, Error> {
        self.optional_size(key)?.ok_or_else(|| self.missing(key))
    }

    /// A whole number of 1 or more, if the key is there.
    pub fn optional_size(&self, key: &'static str) -> Result<Option<usize>, Error> {
        let positive = |value: &Value| {
            let size = usize::try_from(value.as_u64()?).ok()?;
            (size > 0).then_some(size)
        };
        self.optional(key, "a whole number of 1 or more", positive)
    }

    /// A whole number of 0 or more, if the key is there.
    pub fn optional_count(&self, key: &'static str) -> Result<Option<usize>, Error> {
        self.optional(key, "a whole number", |value| usize::try_from(value.as_u64()?).ok())
    }

    /// A number, if the key is there.
    pub fn optional_number(&self, key: &'static str) -> Result<Option<f64>, Error> {
        self.optional(key, "a number", Value::as_f64)
    }

    /// A string.
    pub fn text(&self, key: &'static str) -> Result<String, Error> {
        self.optional_text(key)?.ok_or_else(|| self.missing(key))
    }

    /// A string, if the key is there.
    pub fn optional_text(&self, key: &'static str) -> Result<Option<String>, Error> {
        self.optional(key, "a string", |value| value.as_str().map(Into::into))
    }

    /// A truth value, if the key is there.
    pub fn optional_flag(&self, key: &'static str) -> Result<Option<bool>, Error> {
        self.optional(key, "true or false", Value::as_bool)
    }

    /// The error for a value that can be read and cannot be used.
    pub fn bad_value(&self, key: &'static str, expected: &'static str) -> Error {
        Error::BadValue {
            path: self.path.clone(),
            key,
            expected,
            found: self.members.get(key).unwrap_or(&Value::Null).to_string(),
        }
    }

    fn missing(&self, key: &'static str) -> Error {
        Error::KeyMissing { path: self.path.clone(), key }
    }

    fn optional<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        convert: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        match self.members.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match convert(value) {
                Some(converted) => Ok(Some(converted)),
                None => Err(self.bad_value(key, expected)),
            },
        }
    }
}
