//! One writer at a time, across processes; and none while somebody reads who cannot tell the store that he does.

use std::fs::{self, File, TryLockError};
use std::io::{Seek, Write};
use std::path::Path;

use crate::error::{Error, Result};

pub(crate) const FILE: &str = "writer.lock";

/// The right to write to an index. The operating system takes it back when the process ends, however it ends, so a
/// killed writer leaves nothing to clean up.
#[derive(Debug)]
pub(crate) struct WriterLock {
    _file: File,
}

impl WriterLock {
    /// Takes the lock of the index in `directory`, or fails at once with [`Error::Locked`].
    pub(crate) fn take(directory: &Path) -> Result<Self> {
        let path = directory.join(FILE);
        let io = |action| {
            let path = path.clone();
            move |source| Error::Io { action, path, source }
        };
        let mut file =
            File::options().create(true).truncate(false).read(true).write(true).open(&path).map_err(io("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            // Readers share the lock, and a writer does not.
            Err(TryLockError::WouldBlock) if file.try_lock_shared().is_ok() => {
                return Err(Error::SearchedUnlocked { path: directory.to_owned() });
            }
            Err(TryLockError::WouldBlock) => {
                let process = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
                let path = directory.to_owned();
                return Err(match process {
                    Some(id) if id == std::process::id() => Error::AlreadyOpen { path },
                    _ => Error::Locked { path, process },
                });
            }
            Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
        }
        // Only for the message another process shows, so a full disk is no reason to fail here.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

/// The right to read an index without LMDB's locks, which take a right to write: nobody writes while it is held.
#[derive(Debug)]
pub(crate) struct ReaderLock {
    _file: File,
}

impl ReaderLock {
    /// Takes the lock of the index in `directory`, or fails at once with [`Error::Locked`] if somebody writes to it. `None` where
    /// there is nothing to lock: in a copy without the file, or on a file system without locks.
    pub(crate) fn take(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(FILE);
        let Ok(file) = File::open(&path) else { return Ok(None) };
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => {
                let process = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
                Err(Error::Locked { path: directory.to_owned(), process })
            }
            Err(TryLockError::Error(_)) => Ok(None),
        }
    }
}
