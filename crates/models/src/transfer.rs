//! From a source into the cache: a file appears under its own name only when all of it is there and verified.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::digest;
use crate::error::{Error, Failure};
use crate::registry::PinnedFile;

/// Why a transfer ended early.
pub enum Halt {
    /// This source has failed; another may do.
    Source(Failure),
    /// The cache itself has failed: no other source would help.
    Cache(Error),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Source(failure)
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Cache(error)
    }
}

/// Turns an error of the operating system into [`Error::Storage`].
pub fn storage(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Storage { path, source }
}

/// A pinned file on its way into a folder: `FILE.part` until it is complete and verified.
pub struct Incoming<'a> {
    pub file: &'a PinnedFile,
    target: PathBuf,
    part: PathBuf,
}

/// What ended a copy before the reader did.
pub enum CopyError {
    Read(io::Error),
    Write(Error),
}

impl<'a> Incoming<'a> {
    /// Prepares for `file` to arrive in `folder`.
    pub fn new(folder: &Path, file: &'a PinnedFile) -> Result<Self, Error> {
        let target = folder.join(file.path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(storage(parent))?;
        }
        let mut part = target.clone().into_os_string();
        part.push(".part");
        Ok(Self { file, target, part: part.into() })
    }

    /// Bytes that are there already, from a transfer that broke off.
    pub fn arrived(&self) -> u64 {
        fs::metadata(&self.part).map_or(0, |metadata| metadata.len())
    }

    /// Appends what `reader` gives to the first `from` bytes, telling `at` how many bytes there are by then. Reads one
    /// byte beyond the pinned size at most.
    pub fn append(&self, from: u64, reader: impl Read, mut at: impl FnMut(u64)) -> Result<(), CopyError> {
        let write = |source| CopyError::Write(storage(&self.part)(source));
        let mut part = OpenOptions::new().create(true).append(true).open(&self.part).map_err(write)?;
        part.set_len(from).map_err(write)?;
        let mut reader = reader.take((self.file.bytes + 1).saturating_sub(from));
        let mut block = vec![0; 1 << 17];
        let mut bytes = from;
        loop {
            at(bytes);
            let n = match reader.read(&mut block) {
                Ok(0) => return part.sync_all().map_err(write),
                Ok(n) => n,
                Err(source) if source.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(CopyError::Read(source)),
            };
            part.write_all(&block[..n]).map_err(write)?;
            bytes += n as u64;
        }
    }

    /// Gives the file its name if it is the pinned one, and throws it away if not.
    pub fn finish(&self) -> Result<(), Halt> {
        let found = digest::of_file(&self.part).map_err(storage(&self.part))?;
        if found == self.file.sha256 {
            fs::rename(&self.part, &self.target).map_err(storage(&self.target))?;
            return Ok(());
        }
        let bytes = self.arrived();
        self.discard()?;
        Err(Halt::Source(Failure::WrongContent { file: self.file.path, expected: self.file.sha256, found, bytes }))
    }

    /// Throws away what has arrived.
    pub fn discard(&self) -> Result<(), Error> {
        match fs::remove_file(&self.part) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(storage(&self.part)(source)),
            _ => Ok(()),
        }
    }
}
