//! Bringing what is needed of a repository from the hub into the shared cache.

use std::path::{Component, Path};

use crate::error::{Error, Halt, storage};
use crate::fetch::Hold;
use crate::folder::{Architecture, LIMITS, module_paths, modules};
use crate::hub::{Hub, ListedFile, Listing};
use crate::repository::Repository;
use crate::shared::{OPTIONAL, OPTIONAL_OF_NETWORK, SharedRepository, Snapshot};
use crate::transfer::{Expected, Incoming};
use crate::{Cache, Contents, Progress, folder};

/// Fetches the files of `repository` that are needed to run it and are not in the shared cache. The revision is
/// remembered last, so that until then it means what it meant before.
pub fn fetch(
    cache: &Cache,
    repository: &Repository,
    name: &str,
    contents: Contents,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), Halt> {
    let hub = Hub::new(cache, cache.token.as_ref());
    let listing = hub.listing(repository)?;
    let shared = SharedRepository::new(&cache.hub_cache, &repository.id);
    let snapshot = shared.snapshot(&listing.commit);
    let mut pull = Pull { hub, repository, listing, shared, snapshot, progress };

    for path in OPTIONAL {
        pull.optional(path)?;
    }
    let network = pull.modules()?;
    for path in OPTIONAL_OF_NETWORK {
        pull.optional(&format!("{network}{path}"))?;
    }
    for path in LIMITS {
        pull.listed(&format!("{network}{path}"))?;
    }
    let unsuitable = |lacks, advice| Error::Unsuitable { name: name.into(), lacks, advice };
    let config = format!("{network}config.json");
    if !pull.optional(&config)? {
        return Err(unsuitable("config.json", "it is no model of the `transformers` library").into());
    }
    // Before anything large: what cannot be run is refused here.
    let architecture = Architecture::read(&pull.snapshot.path.join(&network))?;
    if !pull.optional(&format!("{network}tokenizer.json"))? {
        let advice = "make a folder of your own in Python, with `AutoModel` and `AutoTokenizer` \
                      `.from_pretrained(NAME).save_pretrained(FOLDER)`, and give that folder";
        return Err(unsuitable("tokenizer.json", advice).into());
    }
    pull.weights(&network, &architecture, contents, name)?;
    pull.shared.remember(&repository.revision, &pull.listing.commit)?;
    Ok(())
}

struct Pull<'a> {
    hub: Hub<'a>,
    repository: &'a Repository,
    listing: Listing,
    shared: SharedRepository,
    snapshot: Snapshot,
    progress: &'a mut dyn FnMut(Progress<'_>),
}

impl Pull<'_> {
    /// Fetches what `modules.json` refers to, and returns the network's folder, empty or with `/` at the end.
    fn modules(&mut self) -> Result<String, Halt> {
        let mut network = String::new();
        for (index, path) in module_paths(&self.snapshot.path)?.iter().enumerate() {
            let path = prefix(path).ok_or_else(|| folder::Error::BadModulePath {
                path: self.snapshot.path.join("modules.json"),
                module: path.clone(),
            })?;
            if index == 0 {
                network = path;
            } else {
                self.listed(&format!("{path}config.json"))?;
            }
        }
        modules(&self.snapshot.path)?;
        Ok(network)
    }

    fn weights(
        &mut self,
        network: &str,
        architecture: &Architecture,
        contents: Contents,
        name: &str,
    ) -> Result<(), Halt> {
        let is_native = matches!(architecture, Architecture::Native(_));
        let has_safetensors = is_native && self.optional(&format!("{network}model.safetensors"))?;
        if has_safetensors && contents == Contents::Base {
            return Ok(());
        }
        for onnx in ["onnx/model.onnx", "model.onnx"] {
            let onnx = format!("{network}{onnx}");
            if self.listing.file(&onnx).is_some() {
                // The tensors first: the other file is what makes a folder an ONNX folder.
                for suffix in ["_data", ".data"] {
                    self.listed(&format!("{onnx}{suffix}"))?;
                }
                self.optional(&onnx)?;
                return Ok(());
            }
        }
        if has_safetensors {
            return Err(Error::NoOnnx { name: name.into() }.into());
        }
        let has = |file: &str| self.listing.file(&format!("{network}{file}")).is_some();
        let advice = if !is_native {
            "networks of this type run from ONNX only: export it with `optimum-cli export onnx --task \
             feature-extraction --model NAME FOLDER`, and give that folder"
        } else if has("model.safetensors.index.json") {
            "its weights are sharded, in several files, which vetted does not read: join them in Python with \
             `AutoModel.from_pretrained(NAME).save_pretrained(FOLDER, max_shard_size=\"100GB\")`, and give that folder"
        } else if has("pytorch_model.bin") {
            "it has pytorch_model.bin, a pickle, which can run code when it is loaded: convert it in Python with \
             `AutoModel.from_pretrained(NAME).save_pretrained(FOLDER)`, and give that folder"
        } else {
            "choose a model that has one of them"
        };
        let lacks = if is_native { "model.safetensors and no onnx/model.onnx" } else { "onnx/model.onnx" };
        Err(Error::Unsuitable { name: name.into(), lacks, advice }.into())
    }

    /// Brings the file at `path` into the snapshot, if there is one.
    fn listed(&mut self, path: &str) -> Result<(), Halt> {
        if self.listing.file(path).is_some() {
            self.optional(path)?;
        }
        Ok(())
    }

    /// Brings the file at `path` into the snapshot, or remembers that there is none. Tells whether there is one.
    fn optional(&mut self, path: &str) -> Result<bool, Halt> {
        let Some(file) = self.listing.file(path) else {
            self.snapshot.remember_absent(path)?;
            return Ok(false);
        };
        if !self.snapshot.path.join(path).exists() {
            bring(&self.hub, self.repository, &self.listing.commit, &self.shared, file, self.progress)?;
            self.snapshot.link(path, &self.shared.blob(&file.etag))?;
        }
        Ok(true)
    }
}

/// Brings a file's content into the cache, unless it is there.
fn bring(
    hub: &Hub<'_>,
    repository: &Repository,
    commit: &str,
    shared: &SharedRepository,
    file: &ListedFile,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), Halt> {
    let blob = shared.blob(&file.etag);
    if blob.exists() {
        return Ok(());
    }
    let lock = shared.lock(&file.etag);
    let locks = lock.parent().unwrap_or(&lock);
    std::fs::create_dir_all(locks).map_err(storage(locks))?;
    let _hold = Hold::take(&lock, progress)?;
    if blob.exists() {
        return Ok(());
    }
    let mut part = blob.clone().into_os_string();
    part.push(".incomplete");
    let sha256 = file.is_large.then_some(file.etag.as_str());
    let incoming = Incoming::new(Expected { path: &file.path, bytes: file.bytes, sha256 }, blob, part.into())?;
    hub.fetch(repository, commit, &incoming, progress)
}

/// A module's path as what precedes its files' names, if it stays inside the repository.
fn prefix(path: &Path) -> Option<String> {
    let mut prefix = String::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => {
                let name = name.to_str()?;
                let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                prefix.push_str(Some(name).filter(|name| name.chars().all(plain))?);
                prefix.push('/');
            }
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(prefix)
}
