//! From a source into the cache: a file appears under its own name only when all of it is there and verified.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use vetted_tensors::digest::of_file;
use vetted_tensors::move_into_place;

use crate::error::{Error, Failure, Halt, storage};
use crate::registry::PinnedFile;

/// What is known of a file before it arrives.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// Its path in the repository, with `/`.
    pub path: &'a str,
    pub bytes: u64,
    /// SHA-256, in lower-case hex. The hub knows it of large files only.
    pub sha256: Option<&'a str>,
}

/// A file on its way: a part until it is complete and verified.
pub struct Incoming<'a> {
    pub file: Expected<'a>,
    target: PathBuf,
    part: PathBuf,
}

/// What ended a copy before the reader did.
pub enum CopyError {
    Read(io::Error),
    Write(Error),
}

impl<'a> Incoming<'a> {
    /// Prepares for a pinned file to arrive in `folder`, by way of `FILE.part`.
    pub fn pinned(folder: &Path, file: &'a PinnedFile) -> Result<Self, Error> {
        let target = folder.join(file.path);
        let mut part = target.clone().into_os_string();
        part.push(".part");
        Self::new(Expected { path: file.path, bytes: file.bytes, sha256: Some(file.sha256) }, target, part.into())
    }

    /// Prepares for a file to arrive at `target` by way of `part`.
    pub fn new(file: Expected<'a>, target: PathBuf, part: PathBuf) -> Result<Self, Error> {
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(storage(parent))?;
        }
        Ok(Self { file, target, part })
    }

    /// Bytes that are there already, from a transfer that broke off.
    pub fn arrived(&self) -> u64 {
        fs::metadata(&self.part).map_or(0, |metadata| metadata.len())
    }

    /// Appends what `reader` gives to the first `from` bytes, telling `at` how many bytes there are by then. Reads one
    /// byte beyond the expected size at most.
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

    /// Gives the file its name if it is the expected one, and throws it away if not.
    pub fn finish(&self) -> Result<(), Halt> {
        let Expected { path, bytes: expected, sha256 } = self.file;
        let (file, bytes) = (path.to_owned(), self.arrived());
        let failure = match sha256 {
            Some(sha256) => {
                let found = of_file(&self.part).map_err(storage(&self.part))?;
                let expected = sha256.to_owned();
                (found != sha256).then_some(Failure::WrongContent { file, expected, found, bytes })
            }
            None => (bytes != expected).then_some(Failure::WrongSize { file, expected, bytes }),
        };
        match failure {
            None => Ok(move_into_place(&self.part, &self.target).map_err(storage(&self.target))?),
            Some(failure) => {
                self.discard()?;
                Err(Halt::Source(failure))
            }
        }
    }

    /// Throws away what has arrived.
    fn discard(&self) -> Result<(), Error> {
        match fs::remove_file(&self.part) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(storage(&self.part)(source)),
            _ => Ok(()),
        }
    }
}
