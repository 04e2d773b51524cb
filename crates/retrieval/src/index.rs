//! The index: opening it, and everything that is asked of one document.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use vetted_corpus::{Document, Passage};

use crate::background::Background;
use crate::error::{Error, Result};
use crate::lock::{ReaderLock, WriterLock};
use crate::manifest::Manifest;
use crate::notice::Notice;
use crate::settings::Settings;
use crate::shared::{Shared, lock};
use crate::snapshot::Snapshot;
use crate::state::State;
use crate::store::{Access, DATA, Store};
use crate::writing::make_folder;
use crate::{text, vectors};

/// Where in the index's folder the store is.
const STORE: &str = "store";

/// An index in a folder: a store of documents with their passages and vectors, and the caches that search it.
///
/// Many processes may search an index while one writes to it. Within a process, share one `Index` among threads: every
/// method takes `&self`. A search sees each batch of changes whole or not at all, and several questions are answered from one
/// moment by a [`Snapshot`].
pub struct Index {
    pub(crate) shared: Arc<Shared>,
    /// `Some` if this index may be changed.
    writer: Option<Writer>,
}

/// What an index has that may be changed. Given up in this order.
struct Writer {
    background: Background,
    _lock: WriterLock,
}

/// What keeps others away.
struct Locks {
    writer: Option<WriterLock>,
    reader: Option<ReaderLock>,
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
        text::Files::create(&directory.join(text::FOLDER))?;
        manifest.write(directory)?;
        Self::assemble(directory, manifest, settings, store, Locks { writer: Some(lock), reader: None })
    }

    /// Opens the index in `directory` for searching. It follows what another process writes to it, and writes nothing itself.
    ///
    /// The index may lie on a read-only file system, or be another user's. Then this process cannot tell writers what it reads,
    /// and nobody can write to the index until it is closed: whoever tries gets [`Error::SearchedUnlocked`]. (In a copy without
    /// the file `writer.lock`, nothing keeps him from it, and he must not.)
    ///
    /// # Errors
    /// [`Error::NotAnIndex`], [`Error::FormatVersion`], [`Error::ManifestDamaged`], [`Error::StoreDamaged`],
    /// [`Error::AlreadyOpen`], or what the operating system refuses; [`Error::Locked`] only where the index cannot be written to.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(directory, Settings::default())
    }

    /// [`Index::open`], with other settings.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn open_with(directory: impl AsRef<Path>, settings: Settings) -> Result<Self> {
        let directory = directory.as_ref();
        let manifest = Manifest::read(directory)?;
        let path = directory.join(STORE);
        let access = Access::to_read(&path);
        let reader_lock = match access {
            Access::ReadUnlocked => ReaderLock::take(directory)?,
            _ => None,
        };
        let store = Store::open(&path, access, manifest.encoder.dimensions, settings.store_limit)?;
        Self::assemble(directory, manifest, settings, store, Locks { writer: None, reader: reader_lock })
    }

    /// Opens the index in `directory` for searching and changing.
    ///
    /// # Errors
    /// As [`Index::open`]; [`Error::Locked`] at once if another process has it open for writing, and
    /// [`Error::SearchedUnlocked`] if one searches it that cannot write there.
    pub fn open_writable(directory: impl AsRef<Path>) -> Result<Self> {
        Self::open_writable_with(directory, Settings::default())
    }

    /// [`Index::open_writable`], with other settings.
    ///
    /// # Errors
    /// As [`Index::open_writable`].
    pub fn open_writable_with(directory: impl AsRef<Path>, settings: Settings) -> Result<Self> {
        let directory = directory.as_ref();
        let manifest = Manifest::read(directory)?;
        let lock = WriterLock::take(directory)?;
        let path = directory.join(STORE);
        let store = Store::open(&path, Access::Write, manifest.encoder.dimensions, settings.store_limit)?;
        store.forget_dead_readers()?;
        Self::assemble(directory, manifest, settings, store, Locks { writer: Some(lock), reader: None })
    }

    fn assemble(
        directory: &Path,
        manifest: Manifest,
        settings: Settings,
        store: Arc<Store>,
        locks: Locks,
    ) -> Result<Self> {
        let shared = Arc::new(Shared::new(directory, manifest, settings, store, locks.writer.is_some(), locks.reader)?);
        let mut writer = None;
        if let Some(lock) = locks.writer {
            // Now, so that the notices of what had to be repaired come when the index is opened.
            let (state, reading) = shared.moment()?;
            let text = Some(shared.open_text(&state.roster, &reading)?);
            shared.states.replace(&state, Arc::new(State { text, ..State::clone(&state) }));
            writer = Some(Writer { background: Background::start(shared.clone())?, _lock: lock });
        }
        Ok(Self { shared, writer })
    }

    /// The folder the index is in.
    pub fn directory(&self) -> &Path {
        &self.shared.directory
    }

    /// What the index is: its format, its encoder, its passages.
    pub fn manifest(&self) -> &Manifest {
        &self.shared.manifest
    }

    /// The index as it is now, to be asked any number of questions about this moment.
    ///
    /// # Errors
    /// If the store cannot be read, or what another process has written to it.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let (state, reading) = self.shared.moment()?;
        Ok(Snapshot::new(self.shared.clone(), state, reading))
    }

    /// How many documents there are.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn len(&self) -> Result<usize> {
        Ok(self.shared.store.read()?.len()? as usize)
    }

    /// How many passages the documents have.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn passage_count(&self) -> Result<usize> {
        let counts = self.shared.store.read()?.passage_counts()?;
        Ok(counts.into_iter().map(|(_, passages)| passages as usize).sum())
    }

    /// When the index was made, and when it was last changed, as the file system has it: copying may have made it younger.
    /// `None` where the file system does not say.
    pub fn dates(&self) -> (Option<SystemTime>, Option<SystemTime>) {
        let modified = |file: PathBuf| file.metadata().and_then(|metadata| metadata.modified()).ok();
        let directory = self.directory();
        (modified(directory.join(crate::manifest::FILE)), modified(directory.join(STORE).join(DATA)))
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
        Ok(self.snapshot()?.ids().map(str::to_owned).collect())
    }

    /// Whether there is a document with this id.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn contains(&self, id: &str) -> Result<bool> {
        Ok(self.shared.store.read()?.find(id)?.is_some())
    }

    /// Whether exactly this document is in the index: same id, title, text and metadata. Indexing that was interrupted
    /// goes on by leaving out the documents for which this is true, before they are encoded.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn unchanged(&self, document: &Document) -> Result<bool> {
        self.shared.store.read()?.unchanged(document)
    }

    /// The document with this id.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn get(&self, id: &str) -> Result<Option<Document>> {
        self.shared.store.read()?.get(id)
    }

    /// The passages of the document with this id.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn passages(&self, id: &str) -> Result<Option<Vec<Passage>>> {
        self.shared.store.read()?.passages_of(id)
    }

    /// The vectors of the document with this id, one after the other, as many as it has passages.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn vectors(&self, id: &str) -> Result<Option<Vec<f32>>> {
        let reading = self.shared.store.read()?;
        let Some((number, _)) = reading.find(id)? else { return Ok(None) };
        let mut vectors = Vec::new();
        reading.vectors(number)?.read(&mut vectors);
        Ok(Some(vectors))
    }

    /// Gives `read` the [`Entry::views`](crate::Entry::views) of the documents with these ids, as they lie in the store:
    /// `None` for what is not there. No lock is held meanwhile.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn read_views<Id: AsRef<str>, R>(&self, ids: &[Id], read: impl FnOnce(&[Option<&[u8]>]) -> R) -> Result<R> {
        Ok(read(&self.shared.store.read()?.views_of(ids)?))
    }

    /// How many bytes of [`bytes_on_disk`](Self::bytes_on_disk) are [`Entry::views`](crate::Entry::views).
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn bytes_of_views(&self) -> Result<u64> {
        self.shared.store.read()?.bytes_of_views()
    }

    /// How many bytes the store takes on disk, without the caches.
    ///
    /// # Errors
    /// If the operating system does not say.
    pub fn bytes_on_disk(&self) -> Result<u64> {
        self.shared.store.bytes_on_disk()
    }

    /// What the index did on its own account since this was last asked. The latest 64 are kept until then.
    pub fn notices(&self) -> Vec<Notice> {
        self.shared.notices.take()
    }

    /// What brings the text index up to date, of an index that may be changed.
    pub(crate) fn writer(&self) -> Result<&Background> {
        let writer = self.writer.as_ref().ok_or_else(|| Error::ReadOnly { path: self.shared.directory.clone() });
        Ok(&writer?.background)
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        if let Some(Writer { background, _lock }) = self.writer.take() {
            drop(background);
            // Snapshots may live on, and must not keep others from writing.
            *lock(&self.shared.text_writer) = None;
        }
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
