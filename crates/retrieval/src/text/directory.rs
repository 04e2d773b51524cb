//! Tantivy's files, with the rights that files of an index should have.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::Directory;
use tantivy::directory::error::{DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::directory::{DirectoryLock, FileHandle, Lock, MmapDirectory, WatchCallback, WatchHandle, WritePtr};
use vetted_tensors::Replacement;

/// The folder of the text index. It differs from tantivy's own directory in who may do what:
///
/// - Who only reads writes, deletes and makes nothing. Tantivy opens lock files for writing, which fails on a read-only file
///   system and in another user's folder.
/// - What is written may be read by whom the umask lets. Tantivy's lists of files may be read by nobody but who wrote them.
#[derive(Debug, Clone)]
pub(super) struct TextDirectory {
    path: PathBuf,
    files: MmapDirectory,
    access: FileAccess,
}

/// What may be done with files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileAccess {
    Read,
    ReadAndWrite,
}

impl TextDirectory {
    pub(super) fn open(path: &Path, access: FileAccess) -> Result<Self, OpenDirectoryError> {
        Ok(Self { path: path.to_owned(), files: MmapDirectory::open(path)?, access })
    }

    fn check_writable(&self) -> io::Result<()> {
        match self.access {
            FileAccess::ReadAndWrite => Ok(()),
            FileAccess::Read => {
                Err(io::Error::new(io::ErrorKind::PermissionDenied, "this process only reads the text index"))
            }
        }
    }
}

impl Directory for TextDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.files.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        let refused = |error| DeleteError::IoError { io_error: Arc::new(error), filepath: path.to_owned() };
        self.check_writable().map_err(refused)?;
        self.files.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.files.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        self.check_writable().map_err(|error| OpenWriteError::wrap_io_error(error, path.to_owned()))?;
        self.files.open_write(path)
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.files.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.check_writable()?;
        // Tantivy writes each of these files under a lock, so a draft needs no name of its own.
        let path = self.path.join(path);
        let mut draft = path.clone().into_os_string();
        draft.push(".partial");
        let mut file = Replacement::with_draft(path, draft)?;
        file.write_all(data)?;
        file.commit()
    }

    fn sync_directory(&self) -> io::Result<()> {
        match self.access {
            FileAccess::ReadAndWrite => self.files.sync_directory(),
            FileAccess::Read => Ok(()),
        }
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        if self.access == FileAccess::ReadAndWrite {
            return self.files.acquire_lock(lock);
        }
        // The lock keeps a writer from deleting files that are just being opened. Where there is no lock file, nobody has
        // deleted any yet; and a file that is deleted all the same is an error, of which the caller makes something.
        let Ok(file) = File::open(self.path.join(&lock.filepath)) else { return Ok(DirectoryLock::from(Box::new(()))) };
        // A lock can be had on a file that is open for reading. Where a file system has no locks, nobody writes.
        let _ = file.lock();
        Ok(DirectoryLock::from(Box::new(file)))
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.files.watch(callback)
    }
}
