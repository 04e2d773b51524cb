//! What an index, its snapshots and its background thread share, and how the states in memory follow the store.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Result;
use crate::lock::ReaderLock;
use crate::manifest::Manifest;
use crate::notice::Notices;
use crate::settings::Settings;
use crate::state::{Added, Change, State, States};
use crate::store::{Reading, Store};
use crate::text::{self, Words};
use crate::vectors::{self, Vectors};

/// So long a moment that somebody has seen may take until it is announced: a disk that is slow to write takes as long. One that
/// never is was not written.
const UNTIL_ANNOUNCED: Duration = Duration::from_secs(1);

/// An index without the right to write to it. The crate's documentation says which of the locks is held when.
pub(crate) struct Shared {
    pub(crate) directory: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) settings: Settings,
    /// Whether this is the process that writes.
    pub(crate) writable: bool,
    /// Keeps writers away from a store that is read without its locks, for as long as there are snapshots.
    _reader_lock: Option<ReaderLock>,
    pub(crate) store: Arc<Store>,
    pub(crate) states: States,
    pub(crate) notices: Notices,
    /// Whether a search has asked for words: then those of new documents are counted when they are written.
    pub(crate) words_asked: AtomicBool,
    /// The latest moment that anybody has read.
    seen: AtomicU64,
    /// Held by one change after the other.
    pub(crate) writing: Mutex<()>,
    /// Held by whoever follows another process.
    pub(crate) following: Mutex<()>,
    /// Held by the first search that needs vectors, while it loads them.
    pub(crate) loading_vectors: Mutex<()>,
    /// Held by the first search that needs the text index, while it opens it.
    pub(crate) loading_text: Mutex<()>,
    /// What writes the text index, held while that is done.
    pub(crate) text_writer: Mutex<text::Writer>,
    /// Held while the graph of the vectors is made.
    pub(crate) linking: Mutex<()>,
}

/// Takes a lock. What a thread that panicked was changing is either whole or thrown away, so its lock can be taken.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(
        directory: &Path,
        manifest: Manifest,
        settings: Settings,
        store: Arc<Store>,
        writable: bool,
        reader_lock: Option<ReaderLock>,
    ) -> Result<Self> {
        let states = States::new(State::load(&store.read()?)?);
        Ok(Self {
            directory: directory.to_owned(),
            manifest,
            settings,
            writable,
            _reader_lock: reader_lock,
            store,
            states,
            notices: Notices::default(),
            words_asked: AtomicBool::new(false),
            seen: AtomicU64::new(0),
            writing: Mutex::default(),
            following: Mutex::default(),
            loading_vectors: Mutex::default(),
            loading_text: Mutex::default(),
            text_writer: Mutex::default(),
            linking: Mutex::default(),
        })
    }

    /// Where the graph of the vectors is.
    pub(crate) fn vectors_folder(&self) -> PathBuf {
        self.directory.join(vectors::FOLDER)
    }

    /// Where the text index is.
    pub(crate) fn text_folder(&self) -> PathBuf {
        self.directory.join(text::FOLDER)
    }

    /// The store now, and its state. In the process that writes, no search waits here.
    pub(crate) fn moment(&self) -> Result<(Arc<State>, Reading)> {
        let mut waited = None;
        loop {
            let reading = self.store.read()?;
            // LMDB reads which moment is the last one, and then that moment's root, which the next but one is written over. A
            // thread that sleeps in between sees a moment before it is announced, and the next reading is of an earlier one.
            if self.seen.fetch_max(reading.sequence(), Ordering::AcqRel) > reading.sequence()
                && waited.get_or_insert_with(Instant::now).elapsed() < UNTIL_ANNOUNCED
            {
                std::thread::yield_now();
                continue;
            }
            if let Some(state) = self.states.at(reading.sequence()) {
                return Ok((state, reading));
            }
            if self.states.current().sequence < reading.sequence() {
                return self.follow();
            }
            // Since the store was read, this process has written again.
        }
    }

    /// Takes in what another process has written.
    fn follow(&self) -> Result<(Arc<State>, Reading)> {
        let _one_at_a_time = lock(&self.following);
        let _no_change = self.writable.then(|| lock(&self.writing));
        loop {
            let reading = self.store.read()?;
            let current = self.states.current();
            if current.sequence == reading.sequence() {
                return Ok((current, reading));
            }
            let mut next = current.after(&changes(&current, &reading)?);
            if !self.writable {
                follow_text(&mut next);
            }
            let next = Arc::new(next);
            if self.states.replace(&current, next.clone()) {
                return Ok((next, reading));
            }
        }
    }

    /// Whether nobody has written another graph since these vectors were loaded.
    pub(crate) fn is_newest(&self, vectors: &Vectors) -> bool {
        vectors.is_current(&self.vectors_folder(), &self.settings)
    }
}

/// What lies between a state and a moment of the store.
fn changes(state: &State, reading: &Reading) -> Result<Change> {
    let has_vectors = state.vectors.as_ref().is_some_and(Vectors::keeps_all);
    let (removed, added) = match logged_changes(state, reading)? {
        Some(changes) => changes,
        None => compared(state, reading)?,
    };
    let mut change = Change {
        sequence: reading.sequence(),
        removed,
        added: Vec::with_capacity(added.len()),
        has_vectors,
        words: None,
    };
    let mut texts = Vec::new();
    for (number, id) in added {
        let mut vectors = Vec::new();
        if has_vectors {
            reading.vectors(number)?.read(&mut vectors);
        }
        let id = match id {
            Some(id) if state.text.is_none() => id,
            _ => {
                let (id, text) = reading.id_and_text(number)?;
                texts.push(text);
                id
            }
        };
        change.added.push(Added { number, id: id.into(), vectors });
    }
    change.words = state.text.is_some().then(|| Words::later(texts));
    Ok(change)
}

/// Numbers that were removed, and by ascending number what was added, with its id where that is known.
type Difference = (Vec<u64>, Vec<(u64, Option<String>)>);

/// The difference as the store's log has it, if that reaches back so far.
fn logged_changes(state: &State, reading: &Reading) -> Result<Option<Difference>> {
    let Some(changes) = reading.changes_since(state.sequence)? else { return Ok(None) };
    let removed: Vec<u64> = changes.iter().flat_map(|change| change.removed.iter().copied()).collect();
    let gone: HashSet<u64> = removed.iter().copied().collect();
    let added = changes.into_iter().flat_map(|change| change.added).filter(|number| !gone.contains(number));
    let added = added.map(|number| (number, None)).collect();
    Ok(Some((removed, added)))
}

/// The difference between all numbers of the store and the state's.
fn compared(state: &State, reading: &Reading) -> Result<Difference> {
    let mut stored = HashSet::new();
    let mut added = Vec::new();
    reading.each_id(|number, id| {
        stored.insert(number);
        if state.roster.ordinal(number).is_none() {
            added.push((number, Some(id)));
        }
    })?;
    added.sort_unstable_by_key(|(number, _)| *number);
    let removed = state.roster.living().map(|(_, number)| number).filter(|number| !stored.contains(number)).collect();
    Ok((removed, added))
}

/// Takes over what the writing process has put into the text index on disk, if it is no newer than the state. When it cannot
/// be read, nothing is lost: what it has more is in memory here.
fn follow_text(state: &mut State) {
    let Some(text) = &state.text else { return };
    let sequence = || text.files().sequence().ok().flatten().filter(|sequence| *sequence <= state.sequence);
    let Some(before) = sequence().filter(|sequence| *sequence != text.included()) else { return };
    if text.files().reload().is_err() || sequence() != Some(before) {
        return;
    }
    if let Ok(text) = text.renewed(text.files(), &state.roster, before) {
        state.text = Some(text);
    }
}
