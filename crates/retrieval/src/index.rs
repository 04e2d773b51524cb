//! The index: everything that changes it, and everything that is asked of one document.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use vetted_corpus::{Document, Passage};

use crate::error::{Error, Result};
use crate::lock::WriterLock;
use crate::manifest::Manifest;
use crate::notice::Notice;
use crate::query::check_vector;
use crate::search::RecentFilters;
use crate::settings::Settings;
use crate::state::{Needs, State, Surroundings, Written};
use crate::store::{Access, Snapshot, Store, fingerprint};
use crate::{text, vectors};

/// Where in the index's folder the store is.
const STORE: &str = "store";

/// An index in a folder: a store of documents with their passages and vectors, and the caches that search it.
///
/// Many processes may search an index while one writes to it. Within a process, share one `Index` among threads: every
/// method takes `&self`. A search sees each batch of changes whole or not at all.
pub struct Index {
    directory: PathBuf,
    manifest: Manifest,
    settings: Settings,
    store: Store,
    state: RwLock<State>,
    notices: Mutex<Vec<Notice>>,
    /// Held while the graph of the vectors is made.
    linking: Mutex<()>,
    recent_filters: RecentFilters,
    /// `Some` if this index may be changed.
    writer: Option<WriterLock>,
}

/// A document with its passages and their vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The document. Its id is not empty.
    pub document: Document,
    /// Its passages, each with its vector. Without any, only BM25 finds the document.
    pub passages: Vec<(Passage, Vec<f32>)>,
    /// What the second tier keeps of it, if anything. This crate keeps it and does not look into it.
    pub views: Option<Vec<u8>>,
}

/// What [`Index::upsert`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Upserted {
    /// Documents that were not there before.
    pub added: usize,
    /// Documents that took the place of one with the same id.
    pub replaced: usize,
    /// Entries that were left out because a later one of the same batch has the same id.
    pub duplicates: usize,
}

impl Index {
    /// Makes an index in `directory`, which does not exist or is empty, and opens it for writing.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::Occupied`], [`Error::Locked`], [`Error::NoDimensions`], or what the operating
    /// system refuses. If it is interrupted, calling it again is fine.
    pub fn create(directory: impl AsRef<Path>, manifest: Manifest) -> Result<Self> {
        Self::create_with(directory, manifest, Settings::default())
    }

    /// [`Index::create`], with other settings.
    ///
    /// # Errors
    /// As [`Index::create`].
    pub fn create_with(directory: impl AsRef<Path>, manifest: Manifest, settings: Settings) -> Result<Self> {
        let directory = directory.as_ref();
        let dimensions = manifest.encoder.dimensions;
        if dimensions == 0 {
            return Err(Error::NoDimensions { name: manifest.encoder.name });
        }
        check_vacant(directory)?;
        make_folder(directory)?;
        let lock = WriterLock::take(directory)?;
        // Another process may have been faster.
        check_vacant(directory)?;
        for folder in [STORE, vectors::FOLDER] {
            make_folder(&directory.join(folder))?;
        }
        let store = Store::create(&directory.join(STORE), dimensions, settings.store_limit)?;
        text::TextIndex::create(&directory.join(text::FOLDER))?;
        manifest.write(directory)?;
        Self::assemble(directory, manifest, settings, store, Some(lock))
    }

    /// Opens the index in `directory` for searching. It follows what another process writes to it.
    ///
    /// # Errors
    /// [`Error::NotAnIndex`], [`Error::FormatVersion`], [`Error::ManifestDamaged`], [`Error::StoreDamaged`],
    /// [`Error::AlreadyOpen`], or what the operating system refuses.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(directory, Settings::default())
    }

    /// [`Index::open`], with other settings.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn open_with(directory: impl AsRef<Path>, settings: Settings) -> Result<Self> {
        Self::open_for(Access::Read, directory.as_ref(), settings)
    }

    /// Opens the index in `directory` for searching and changing.
    ///
    /// # Errors
    /// As [`Index::open`], and [`Error::Locked`] at once if another process has it open for writing.
    pub fn open_writable(directory: impl AsRef<Path>) -> Result<Self> {
        Self::open_writable_with(directory, Settings::default())
    }

    /// [`Index::open_writable`], with other settings.
    ///
    /// # Errors
    /// As [`Index::open_writable`].
    pub fn open_writable_with(directory: impl AsRef<Path>, settings: Settings) -> Result<Self> {
        Self::open_for(Access::Write, directory.as_ref(), settings)
    }

    fn open_for(access: Access, directory: &Path, settings: Settings) -> Result<Self> {
        let manifest = Manifest::read(directory)?;
        let lock = match access {
            Access::Write => Some(WriterLock::take(directory)?),
            Access::Read => None,
        };
        let path = directory.join(STORE);
        let store = Store::open(&path, access, manifest.encoder.dimensions, settings.store_limit)?;
        if access == Access::Write {
            store.forget_dead_readers()?;
        }
        Self::assemble(directory, manifest, settings, store, lock)
    }

    fn assemble(
        directory: &Path,
        manifest: Manifest,
        settings: Settings,
        store: Store,
        writer: Option<WriterLock>,
    ) -> Result<Self> {
        let state = RwLock::new(State::load(&store.snapshot()?)?);
        let (directory, notices) = (directory.to_owned(), Mutex::default());
        let (linking, recent_filters) = (Mutex::default(), RecentFilters::default());
        let index = Self { directory, manifest, settings, store, state, notices, linking, recent_filters, writer };
        if index.writer.is_some() {
            // Now, so that the notices of what had to be repaired come when the index is opened.
            drop(index.current(Needs { text: true, ..Needs::default() })?);
        }
        Ok(index)
    }

    /// The folder the index is in.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the index is: its format, its encoder, its passages.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Writes documents, in place of those with the same ids. When it returns `Ok`, all of them are on disk, whatever
    /// happens next; otherwise none of them is. Of several entries with one id the last counts.
    ///
    /// A call is one transaction, and each waits for the disk: a few hundred documents at a time are best.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::EmptyId`], [`Error::Dimensions`], [`Error::NotFinite`], [`Error::StoreFull`],
    /// [`Error::DiskFull`], [`Error::BatchTooLarge`].
    pub fn upsert(&self, entries: Vec<Entry>) -> Result<Upserted> {
        self.check_writable()?;
        for entry in &entries {
            self.check_entry(entry)?;
        }
        let mut upserted = Upserted::default();
        let last: HashMap<String, usize> =
            entries.iter().enumerate().map(|(at, entry)| (entry.document.id.clone(), at)).collect();
        upserted.duplicates = entries.len() - last.len();
        if entries.is_empty() {
            return Ok(upserted);
        }

        let mut transaction = self.store.begin()?;
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        for (at, Entry { document, passages, views }) in entries.into_iter().enumerate() {
            if last.get(&document.id) != Some(&at) {
                continue;
            }
            match transaction.remove(&document.id)? {
                Some(number) => {
                    upserted.replaced += 1;
                    removed.push(number);
                }
                None => upserted.added += 1,
            }
            let (passages, vectors): (Vec<_>, Vec<_>) = passages.into_iter().unzip();
            let vectors = vectors.concat();
            let number = transaction.insert(&document, &passages, &vectors, views.as_deref())?;
            added.push(Written { number, id: document.id, vectors });
        }
        // Searches wait while the transaction is made durable, so that they find the store and the caches agreeing.
        let mut state = self.state_mut();
        let sequence = transaction.commit()?;
        state.apply(sequence, &removed, added);
        Ok(upserted)
    }

    /// Replaces [`Entry::views`] of documents, all of them or, on an error, none, and returns how many were there. Ids that
    /// are not there are no error. Searches are not disturbed.
    ///
    /// # Errors
    /// As [`upsert`](Self::upsert).
    pub fn set_views(&self, views: &[(String, Vec<u8>)]) -> Result<usize> {
        self.check_writable()?;
        let mut transaction = self.store.begin()?;
        let mut set = 0;
        for (id, views) in views {
            set += usize::from(transaction.set_views(id, views)?);
        }
        let mut state = self.state_mut();
        let sequence = transaction.commit()?;
        state.apply(sequence, &[], Vec::new());
        Ok(set)
    }

    /// Removes documents, all of them or, on an error, none, and returns how many were there. Ids that are not there
    /// are no error.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::DiskFull`].
    pub fn delete<Id: AsRef<str>>(&self, ids: &[Id]) -> Result<usize> {
        self.check_writable()?;
        let mut transaction = self.store.begin()?;
        let mut removed = Vec::new();
        for id in ids {
            removed.extend(transaction.remove(id.as_ref())?);
        }
        if removed.is_empty() {
            return Ok(0);
        }
        let mut state = self.state_mut();
        let sequence = transaction.commit()?;
        state.apply(sequence, &removed, Vec::new());
        Ok(removed.len())
    }

    /// Brings the text index and the graph of the vectors on disk up to date with the store. Call it when there is
    /// nothing more to write.
    ///
    /// Searches of other processes find new documents by BM25 only then. (Searches of this process bring the text index
    /// up to date themselves, and what is not done by the time the process ends is done when the index is next
    /// searched.) Dense searches find everything at any time, and are quick again only then.
    ///
    /// An index of less than [`Settings::graph_from`] passages has no graph. Linking a passage takes 0.4 to 0.7 ms of
    /// one processor, and a million six minutes on two; searches and changes go on meanwhile.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]; [`Error::Text`], [`Error::Graph`] or [`Error::Io`] if the caches cannot be written, while the
    /// store is as it should be.
    pub fn finish(&self) -> Result<()> {
        self.check_writable()?;
        drop(self.current(Needs { text: true, ..Needs::default() })?);
        self.link()?; // while the text index merges its segments in the background
        self.state_mut().settle()
    }

    /// Brings the graph of the vectors up to date.
    fn link(&self) -> Result<()> {
        let _one_at_a_time = self.linking.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.directory.join(vectors::FOLDER);
        make_folder(&folder)?;
        let notice = vectors::refresh(&folder, &self.store.snapshot()?, &self.settings)?;
        self.notices_mut().extend(notice);
        Ok(())
    }

    /// How many documents there are.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn len(&self) -> Result<usize> {
        Ok(self.store.snapshot()?.len()? as usize)
    }

    /// Whether there are no documents.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The ids of all documents, in the order in which they were last written.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn ids(&self) -> Result<Vec<String>> {
        let (state, _) = self.current(Needs::default())?;
        let roster = state.roster();
        Ok(roster.living().map(|(ordinal, _)| roster.ids()[ordinal as usize].to_string()).collect())
    }

    /// Whether there is a document with this id.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn contains(&self, id: &str) -> Result<bool> {
        Ok(self.store.snapshot()?.find(id)?.is_some())
    }

    /// Whether exactly this document is in the index: same id, title, text and metadata. Indexing that was interrupted
    /// goes on by leaving out the documents for which this is true, before they are encoded.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn unchanged(&self, document: &Document) -> Result<bool> {
        let found = self.store.snapshot()?.find(&document.id)?;
        Ok(found.is_some_and(|(_, stored)| stored == fingerprint(document)))
    }

    /// The document with this id.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn get(&self, id: &str) -> Result<Option<Document>> {
        let snapshot = self.store.snapshot()?;
        snapshot.find(id)?.map(|(number, _)| snapshot.document(number)).transpose()
    }

    /// The passages of the document with this id.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn passages(&self, id: &str) -> Result<Option<Vec<Passage>>> {
        let snapshot = self.store.snapshot()?;
        snapshot.find(id)?.map(|(number, _)| snapshot.passages(number)).transpose()
    }

    /// Gives `read` the [`Entry::views`] of the documents with these ids, as they lie in the store: `None` for what is not
    /// there.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn read_views<Id: AsRef<str>, R>(&self, ids: &[Id], read: impl FnOnce(&[Option<&[u8]>]) -> R) -> Result<R> {
        let snapshot = self.store.snapshot()?;
        let views = ids.iter().map(|id| match snapshot.find(id.as_ref())? {
            Some((number, _)) => snapshot.views(number),
            None => Ok(None),
        });
        Ok(read(&views.collect::<Result<Vec<_>>>()?))
    }

    /// How many bytes of [`bytes_on_disk`](Self::bytes_on_disk) are [`Entry::views`].
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn bytes_of_views(&self) -> Result<u64> {
        self.store.snapshot()?.bytes_of_views()
    }

    /// How many bytes the store takes on disk, without the caches.
    ///
    /// # Errors
    /// If the operating system does not say.
    pub fn bytes_on_disk(&self) -> Result<u64> {
        self.store.bytes_on_disk()
    }

    /// What the index did on its own account since this was last asked.
    pub fn notices(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.notices_mut())
    }

    /// The caches, following the store, and the store at the same moment.
    pub(crate) fn current(&self, needs: Needs) -> Result<(RwLockReadGuard<'_, State>, Snapshot<'_>)> {
        let around =
            Surroundings { directory: &self.directory, settings: &self.settings, writable: self.writer.is_some() };
        {
            // A snapshot taken while the lock is held includes what this process has written, and no less.
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            let snapshot = self.store.snapshot()?;
            if state.serves(&snapshot, needs, &around)? {
                return Ok((state, snapshot));
            }
        }
        let mut state = self.state_mut();
        let snapshot = self.store.snapshot()?;
        state.follow(&snapshot, needs, &around, &mut self.notices_mut())?;
        Ok((RwLockWriteGuard::downgrade(state), snapshot))
    }

    pub(crate) fn recent_filters(&self) -> &RecentFilters {
        &self.recent_filters
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn notices_mut(&self) -> MutexGuard<'_, Vec<Notice>> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_writable(&self) -> Result<()> {
        if self.writer.is_some() { Ok(()) } else { Err(Error::ReadOnly { path: self.directory.clone() }) }
    }

    fn check_entry(&self, entry: &Entry) -> Result<()> {
        let Document { id, title, .. } = &entry.document;
        if id.is_empty() {
            return Err(Error::EmptyId { title: title.clone() });
        }
        let dimensions = self.manifest.encoder.dimensions;
        entry.passages.iter().try_for_each(|(_, vector)| check_vector(vector, dimensions, Some(id)))
    }
}

/// Checks that an index can be made in `directory`: it is empty, or holds what an interrupted attempt left.
fn check_vacant(directory: &Path) -> Result<()> {
    if !matches!(Manifest::read(directory), Err(Error::NotAnIndex { .. })) {
        return Err(Error::AlreadyExists { path: directory.to_owned() });
    }
    let io = |source| Error::Io { action: "read", path: directory.to_owned(), source };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(io)?,
    };
    for entry in entries {
        let name = entry.map_err(io)?.file_name();
        let ours = [STORE, vectors::FOLDER, text::FOLDER, crate::lock::FILE, crate::manifest::DRAFT];
        if !ours.iter().any(|it| name == *it) {
            return Err(Error::Occupied { path: directory.to_owned() });
        }
    }
    Ok(())
}

fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|source| Error::Io { action: "create", path: path.to_owned(), source })
}
