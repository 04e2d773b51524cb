//! Where documents came from, and what becomes of those that are gone from there.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use vetted_corpus::Document;

use crate::{Engine, Error, Indexed};

/// The documents that were read from files, to be held against the documents of an index that came from there before.
///
/// ```no_run
/// # use std::path::PathBuf;
/// # use vetted::{Engine, Sighted, corpus::{ReadOptions, read}};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::builder("notes.index").open_or_create()?;
/// let mut reader = read(&[PathBuf::from("notes")], &ReadOptions::default());
/// let mut sighted = Sighted::default();
/// while let Some(document) = reader.next().transpose()? {
///     let file = reader.origin().and_then(|origin| origin.absolute.clone());
///     sighted.add(&document.id, file.as_deref());
///     engine.upsert_from(vec![(document, file)])?;
/// }
/// let gone = engine.gone(reader.roots(), reader.unreadable(), &sighted)?;
/// engine.prune(&gone)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Sighted {
    hasher: RandomState,
    /// Of a document's id and its file. Two that share a hash keep a document that is gone, and remove none.
    seen: HashSet<u64>,
}

impl Sighted {
    /// Adds a document and the file it was read from.
    pub fn add(&mut self, id: &str, file: Option<&Path>) {
        if let Some(file) = file {
            self.seen.insert(self.hash(id, &name(file)));
        }
    }

    /// Whether no document was read from a file.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    fn hash(&self, id: &str, file: &str) -> u64 {
        self.hasher.hash_one((id, file))
    }
}

/// What [`Engine::gone`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Ids of the documents that are nowhere any more where they came from.
    pub documents: Vec<String>,
    /// Ids of the documents that are gone from one of several files that had them, and where they still are.
    pub elsewhere: Vec<(String, Vec<String>)>,
    /// Of the files and folders that were read, those from which documents came before and none came now: gone, or perhaps only
    /// not mounted.
    pub emptied: Vec<PathBuf>,
    /// How many documents stay because their file, or the folder it is in, could not be read.
    pub unreadable: usize,
    /// How many documents of the index came from nowhere that is known: from standard input, from a program, or from files
    /// before origins were kept. They stay.
    pub unknown: usize,
}

impl Engine {
    /// As [`upsert`](Engine::upsert), and remembers the file that each document came from.
    ///
    /// # Errors
    /// As [`upsert`](Engine::upsert).
    pub fn upsert_from(&self, documents: Vec<(Document, Option<PathBuf>)>) -> Result<Indexed, Error> {
        let origins =
            documents.iter().filter_map(|(document, file)| Some((document.id.clone(), name(file.as_deref()?))));
        let origins: HashMap<String, String> = origins.collect();
        self.write(documents.into_iter().map(|(document, _)| document).collect(), &origins)
    }

    /// Adds the origins of documents that are there already. Those that are no more on disk are forgotten: a folder that was
    /// moved is the same folder.
    pub(crate) fn add_origins(&self, ids: &[String], origins: &HashMap<String, String>) -> Result<(), Error> {
        if origins.is_empty() || ids.is_empty() {
            return Ok(());
        }
        let mut changed = Vec::new();
        let borrowed: Vec<&str> = ids.iter().map(String::as_str).collect();
        for (id, known) in ids.iter().zip(self.index().origins(&borrowed)?) {
            let Some(origin) = origins.get(id).filter(|origin| !known.contains(origin)) else { continue };
            let mut all: Vec<String> = known.into_iter().filter(|file| Path::new(file).exists()).collect();
            all.push(origin.clone());
            changed.push((id.clone(), all));
        }
        if !changed.is_empty() {
            self.index().set_origins(&changed)?;
        }
        Ok(())
    }

    /// The documents that came from files under `roots`, and were not seen there when these were read. What lies under
    /// `unreadable` is not known to be gone.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn gone(&self, roots: &[PathBuf], unreadable: &[PathBuf], sighted: &Sighted) -> Result<Gone, Error> {
        let mut gone = Gone::default();
        let (mut had, mut has) = (vec![false; roots.len()], vec![false; roots.len()]);
        let under = |file: &str, folders: &[PathBuf]| folders.iter().any(|folder| Path::new(file).starts_with(folder));
        for (id, origins) in self.index().all_origins()? {
            if origins.is_empty() {
                gone.unknown += 1;
                continue;
            }
            for file in &origins {
                let is_seen = sighted.seen.contains(&sighted.hash(&id, file));
                for (at, _) in roots.iter().enumerate().filter(|(_, root)| Path::new(file).starts_with(root)) {
                    *if is_seen { &mut has[at] } else { &mut had[at] } = true;
                }
            }
            let left = |file: &String| !under(file, roots) || sighted.seen.contains(&sighted.hash(&id, file));
            let in_doubt = |file: &String| !left(file) && under(file, unreadable);
            if origins.iter().any(in_doubt) {
                gone.unreadable += 1;
            }
            let kept: Vec<String> = origins.iter().filter(|file| left(file) || in_doubt(file)).cloned().collect();
            match kept.len() {
                0 => gone.documents.push(id),
                kept_of_all if kept_of_all < origins.len() => gone.elsewhere.push((id, kept)),
                _ => {}
            }
        }
        let emptied = roots.iter().zip(had.into_iter().zip(has)).filter(|(_, (had, has))| *had && !has);
        gone.emptied = emptied.map(|(root, _)| root.clone()).collect();
        gone.documents.sort();
        Ok(gone)
    }

    /// Removes the documents that are gone; says how many of them were there.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn prune(&self, gone: &Gone) -> Result<usize, Error> {
        if !gone.elsewhere.is_empty() {
            self.index().set_origins(&gone.elsewhere)?;
        }
        self.delete(&gone.documents)
    }
}

fn name(file: &Path) -> String {
    file.to_string_lossy().into_owned()
}
