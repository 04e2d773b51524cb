//! The cache that all programs share which use the Hugging Face hub, in the layout of Python's `huggingface_hub`:
//!
//! ```text
//! HUB_CACHE/models--OWNER--NAME/refs/main                    the commit that `main` was, when it was last looked at
//! HUB_CACHE/models--OWNER--NAME/snapshots/COMMIT/...         the repository's files, as links to:
//! HUB_CACHE/models--OWNER--NAME/blobs/ETAG                   contents
//! HUB_CACHE/models--OWNER--NAME/blobs/ETAG.incomplete        contents on their way
//! HUB_CACHE/models--OWNER--NAME/.no_exist/COMMIT/...         empty files, for what the repository is known to lack
//! HUB_CACHE/.locks/models--OWNER--NAME/ETAG.lock             locked by whoever fetches
//! ```
//!
//! See <https://huggingface.co/docs/huggingface_hub/guides/manage-cache>.

use std::fs;
use std::path::{Path, PathBuf};

use crate::ModelFolder;
use crate::repository::is_commit;

/// Settings that a model may do without. Whether they are there must be known, as they change vectors.
pub const OPTIONAL: [&str; 2] = ["modules.json", "config_sentence_transformers.json"];

/// And those beside the network.
pub const OPTIONAL_OF_NETWORK: [&str; 2] = ["sentence_bert_config.json", "tokenizer_config.json"];

/// A repository's part of the cache.
pub struct SharedRepository {
    /// `HUB_CACHE/models--OWNER--NAME`.
    pub folder: PathBuf,
    #[cfg(feature = "fetch")]
    locks: PathBuf,
}

/// A repository's files at one commit.
pub struct Snapshot {
    /// The folder, which is a model folder if all files are there.
    pub path: PathBuf,
    absent: PathBuf,
}

impl SharedRepository {
    pub fn new(hub_cache: &Path, id: &str) -> Self {
        let name = format!("models--{}", id.replace('/', "--"));
        Self {
            folder: hub_cache.join(&name),
            #[cfg(feature = "fetch")]
            locks: hub_cache.join(".locks").join(name),
        }
    }

    /// The commit that a revision was when it was last looked at.
    pub fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) {
            return Some(revision.into());
        }
        let commit = fs::read_to_string(self.folder.join("refs").join(revision)).ok()?;
        Some(commit.trim().to_owned()).filter(|commit| is_commit(commit))
    }

    /// The folders of all commits that are there, in part or whole.
    pub fn snapshots(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.join("snapshots")).into_iter().flatten().filter_map(Result::ok);
        entries.map(|entry| entry.path()).collect()
    }

    pub fn snapshot(&self, commit: &str) -> Snapshot {
        Snapshot {
            path: self.folder.join("snapshots").join(commit),
            absent: self.folder.join(".no_exist").join(commit),
        }
    }
}

impl Snapshot {
    /// Whether it is known of every optional file that it is there or that the repository has none. A program that
    /// needs weights only fetches no `modules.json`, and then the folder would seem to want another pooling.
    pub fn tells_all(&self, folder: &ModelFolder) -> bool {
        // In every repository, and of no use: who has it has fetched the repository whole.
        if self.path.join(".gitattributes").exists() {
            return true;
        }
        let network = folder.network().strip_prefix(&self.path).unwrap_or(Path::new(""));
        let known = |path: PathBuf| self.path.join(&path).exists() || self.absent.join(&path).exists();
        OPTIONAL.iter().map(PathBuf::from).chain(OPTIONAL_OF_NETWORK.iter().map(|name| network.join(name))).all(known)
    }
}

/// The repositories in the cache, as `OWNER/NAME`, sorted.
pub fn repositories(hub_cache: &Path) -> Vec<String> {
    // A cache that is not there, or cannot be read, has none.
    let entries = fs::read_dir(hub_cache).into_iter().flatten().filter_map(Result::ok);
    let id = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let (owner, model) = name.strip_prefix("models--")?.split_once("--")?;
        Some(format!("{owner}/{model}"))
    };
    let mut ids: Vec<String> = entries.filter_map(id).collect();
    ids.sort();
    ids
}

/// What only fetching needs.
#[cfg(feature = "fetch")]
mod writing {
    use std::io;

    use vetted_tensors::replace;

    use super::*;
    use crate::Error;
    use crate::error::storage;

    impl SharedRepository {
        pub fn blob(&self, etag: &str) -> PathBuf {
            self.folder.join("blobs").join(etag)
        }

        pub fn lock(&self, etag: &str) -> PathBuf {
            self.locks.join(format!("{etag}.lock"))
        }

        /// Remembers which commit a revision is.
        pub fn remember(&self, revision: &str, commit: &str) -> Result<(), Error> {
            if is_commit(revision) {
                return Ok(());
            }
            let path = self.folder.join("refs").join(revision);
            make_parent(&path)?;
            replace(&path, commit).map_err(storage(&path))
        }
    }

    impl Snapshot {
        /// Puts the content of `blob` into the snapshot as `path`, as a link where the system has links.
        pub fn link(&self, path: &str, blob: &Path) -> Result<(), Error> {
            let pointer = self.path.join(path);
            make_parent(&pointer)?;
            #[cfg(unix)]
            let linked = {
                // Relative, so that the cache can be moved: up from the file's folder, the snapshot and `snapshots`.
                let up = "../".repeat(path.split('/').count() + 1);
                let name = blob.file_name().unwrap_or_default();
                std::os::unix::fs::symlink(Path::new(&up).join("blobs").join(name), &pointer)
            };
            #[cfg(not(unix))]
            let linked = Err(io::Error::from(io::ErrorKind::Unsupported));
            match linked {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                Err(_) => fs::rename(blob, &pointer).map_err(storage(&pointer)),
                Ok(()) => Ok(()),
            }
        }

        /// Remembers that the repository has no such file.
        pub fn remember_absent(&self, path: &str) -> Result<(), Error> {
            let path = self.absent.join(path);
            make_parent(&path)?;
            fs::File::create(&path).map_err(storage(&path))?;
            Ok(())
        }
    }

    fn make_parent(path: &Path) -> Result<(), Error> {
        let parent = path.parent().unwrap_or(path);
        fs::create_dir_all(parent).map_err(storage(parent))
    }
}
