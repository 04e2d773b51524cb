//! Files that are replaced whole or not at all.
//!
//! The new content goes to a draft beside the file. The draft is brought to the disk, takes the file's name, and then
//! the folder is brought to the disk as well. A crash at any moment leaves the old file or the new one. After an error,
//! a full disk for instance, the old file is there and the draft is gone.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

/// Puts a file of `bytes` in the place of `path`, whole or not at all.
///
/// # Errors
/// Those of [`Replacement::create`] and [`Replacement::commit`].
pub fn replace(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let mut replacement = Replacement::create(path)?;
    replacement.write_all(bytes.as_ref())?;
    replacement.commit()
}

/// A file that is being written, and takes the place of another when it is complete.
///
/// It is not buffered: put a [`std::io::BufWriter`] around it for small writes. Dropped without
/// [`commit`](Self::commit), it leaves everything as it was. Its permissions are those of any new file.
#[derive(Debug)]
pub struct Replacement {
    file: File,
    draft: Draft,
    path: PathBuf,
}

/// A file that is removed when dropped, as long as it is ours.
#[derive(Debug)]
struct Draft {
    path: PathBuf,
    is_ours: bool,
}

impl Replacement {
    /// Begins a file that will take the place of `path`. The folder must exist.
    ///
    /// The draft is called `.NAME.PID-N.partial`, with the first N that is free, so any number of writers may work on
    /// one file: the last to commit wins. A process that is killed leaves its draft behind.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for a path without a file's name, [`io::ErrorKind::IsADirectory`] for a folder,
    /// and whatever keeps the draft from being created.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let Some(name) = path.file_name() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path ends in no file's name"));
        };
        let mut number = 0u32;
        loop {
            let mut hidden = OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".{}-{number}.partial", process::id()));
            match Self::begin(path, path.with_file_name(hidden), OpenOptions::new().write(true).create_new(true)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                begun => return begun,
            }
        }
    }

    /// As [`create`](Self::create), with a draft at a place of the caller's choice in the same file system. A file that
    /// is there already is overwritten, so a process that is killed again and again leaves one draft at most. Two
    /// writers must not share a draft: this is for callers that hold a lock, or are alone for another reason.
    ///
    /// # Errors
    /// [`io::ErrorKind::IsADirectory`] where `path` is a folder, and whatever keeps the draft from being created.
    pub fn with_draft(path: impl AsRef<Path>, draft: impl Into<PathBuf>) -> io::Result<Self> {
        Self::begin(path.as_ref(), draft.into(), OpenOptions::new().write(true).create(true).truncate(true))
    }

    fn begin(path: &Path, draft: PathBuf, options: &OpenOptions) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let file = options.open(&draft)?;
        Ok(Self { file, draft: Draft { path: draft, is_ours: true }, path: path.into() })
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// When the draft cannot be brought to the disk or take the name; the old file is then still there. A folder that
    /// cannot be brought to the disk is an error too, though the new file is in its place by then.
    pub fn commit(self) -> io::Result<()> {
        let Self { file, mut draft, path } = self;
        file.sync_all()?;
        drop(file);
        fs::rename(&draft.path, &path)?;
        // From here on, a draft of that name is another writer's.
        draft.is_ours = false;
        sync_folder_of(&path)
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Nobody can be told about a failure here.
        if self.is_ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Puts the file `draft`, which somebody else has written, in the place of `path` in the same file system. After a
/// crash, either the old file or the new one is there, whole.
///
/// # Errors
/// Those of [`Replacement::commit`]; the draft is then left to the caller.
pub fn move_into_place(draft: &Path, path: &Path) -> io::Result<()> {
    // Windows brings only what may be written to the disk.
    OpenOptions::new().append(true).open(draft)?.sync_all()?;
    fs::rename(draft, path)?;
    sync_folder_of(path)
}

/// Brings a file's name to the disk, by its folder.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    // Windows opens no folders, and writes names at once.
    if cfg!(not(unix)) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match File::open(folder)?.sync_all() {
        // Some network file systems cannot do it for folders.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_made_and_then_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for content in ["one", "two, longer", ""] {
            replace(&path, content).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            assert_eq!(names(folder.path()), ["file"]);
        }
    }

    #[test]
    fn what_is_not_committed_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace(&path, "old").unwrap();
        let mut replacement = Replacement::create(&path).unwrap();
        replacement.write_all(b"new").unwrap();
        assert_eq!(names(folder.path()).len(), 2);
        drop(replacement);
        assert_eq!(names(folder.path()), ["file"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_keeps_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, draft) = (folder.path().join("file"), folder.path().join("draft"));
        replace(&path, "old").unwrap();
        std::os::unix::fs::symlink("/dev/full", &draft).unwrap();
        let mut replacement = Replacement::with_draft(&path, &draft).unwrap();
        let error = replacement.write_all(b"new").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        drop(replacement);
        assert_eq!(names(folder.path()), ["file"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }

    #[test]
    fn a_draft_that_was_left_behind_is_no_hindrance() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let left = folder.path().join(format!(".file.{}-0.partial", process::id()));
        fs::write(&left, "left by a process that was killed").unwrap();
        replace(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let draft = folder.path().join("draft");
        fs::write(&draft, "left, and longer than what comes").unwrap();
        let mut replacement = Replacement::with_draft(&path, &draft).unwrap();
        replacement.write_all(b"newer").unwrap();
        replacement.commit().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "newer");
        assert!(!draft.exists());
    }

    #[test]
    fn a_draft_of_somebody_else_is_moved() {
        let folder = tempfile::tempdir().unwrap();
        let (path, draft) = (folder.path().join("file"), folder.path().join("draft"));
        fs::write(&path, "old").unwrap();
        fs::write(&draft, "new").unwrap();
        move_into_place(&draft, &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert!(move_into_place(&draft, &path).is_err(), "there is no draft any more");
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn places_that_cannot_hold_a_file_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let kind = |path: &Path| replace(path, "x").unwrap_err().kind();
        assert_eq!(kind(folder.path()), io::ErrorKind::IsADirectory);
        assert_eq!(kind(Path::new("/")), io::ErrorKind::InvalidInput);
        assert_eq!(kind(&folder.path().join("absent/file")), io::ErrorKind::NotFound);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn many_writers_leave_one_of_their_files_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let contents: Vec<String> = (0..8).map(|writer| writer.to_string().repeat(50_000)).collect();
        thread::scope(|scope| {
            for content in &contents {
                let path = &path;
                scope.spawn(move || (0..5).for_each(|_| replace(path, content).unwrap()));
            }
        });
        assert!(contents.contains(&fs::read_to_string(&path).unwrap()));
        assert_eq!(names(folder.path()), ["file"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn pieces_make_the_file(pieces in prop::collection::vec(any::<Vec<u8>>(), 0..6)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            let mut replacement = Replacement::create(&path).unwrap();
            for piece in &pieces {
                replacement.write_all(piece).unwrap();
            }
            replacement.commit().unwrap();
            prop_assert_eq!(fs::read(&path).unwrap(), pieces.concat());
        }
    }
}
