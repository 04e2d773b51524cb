//! Tantivy's files for those who only read them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::Directory;
use tantivy::directory::error::{DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::directory::{DirectoryLock, FileHandle, Lock, MmapDirectory, WatchCallback, WatchHandle, WritePtr};

/// A folder in which nothing is written, deleted or made. Tantivy's own directory opens lock files for writing, which fails on
/// a read-only file system and in another user's folder.
#[derive(Debug, Clone)]
pub(super) struct ReadOnlyDirectory {
    path: PathBuf,
    files: MmapDirectory,
}

impl ReadOnlyDirectory {
    pub(super) fn open(path: &Path) -> Result<Self, OpenDirectoryError> {
        Ok(Self { path: path.to_owned(), files: MmapDirectory::open(path)? })
    }
}

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "this process only reads the text index")
}

impl Directory for ReadOnlyDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.files.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        Err(DeleteError::IoError { io_error: Arc::new(refused()), filepath: path.to_owned() })
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.files.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        Err(OpenWriteError::wrap_io_error(refused(), path.to_owned()))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.files.atomic_read(path)
    }

    fn atomic_write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(refused())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    /// The lock keeps a writer from deleting files that are just being opened. Where there is no lock file, nobody has
    /// deleted any yet; and a file that is deleted all the same is an error, of which the caller makes something.
    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        let Ok(file) = File::open(self.path.join(&lock.filepath)) else { return Ok(DirectoryLock::from(Box::new(()))) };
        // A lock can be had on a file that is open for reading. A file system that has no locks has no writer.
        let _ = file.lock();
        Ok(DirectoryLock::from(Box::new(file)))
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.files.watch(callback)
    }
}
