//! One process at a time has a folder open.

use std::fs::{self, File, TryLockError};
use std::io::{Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::BackendError;

const FILE: &str = "cache.lock";
/// So long somebody may hold the lock who gives it back at once.
const PATIENCE: Duration = Duration::from_millis(200);

/// The right to write in a folder. The operating system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes it, or fails within a moment.
    pub(super) fn take(folder: &Path) -> Result<FolderLock, BackendError> {
        let path = folder.join(FILE);
        let io = |action| {
            let path = path.clone();
            move |source| BackendError::Io { action, path, source }
        };
        let mut file =
            File::options().create(true).truncate(false).read(true).write(true).open(&path).map_err(io("open"))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // A process that is just being started has the files of the one that starts it, and so its lock, until it is
                // itself.
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => std::thread::sleep(PATIENCE / 20),
                Err(TryLockError::WouldBlock) => {
                    let process = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
                    return Err(BackendError::Locked { path: folder.to_owned(), process });
                }
                Err(TryLockError::Error(source)) => return Err(io("lock")(source)),
            }
        }
        // Only for the message that another process shows, so a full disk is no reason to fail here.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(FolderLock { _file: file })
    }
}
