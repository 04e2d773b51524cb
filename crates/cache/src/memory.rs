//! Entries in this process, and in a log on disk where they shall outlive it.
//!
//! # Who waits for whom
//!
//! A lookup takes a lock for as long as pointers are copied (some microseconds), and searches without one. A change is written to
//! the log first; when its record is on the disk, it is made in memory, under a lock that is held for microseconds. Changes that
//! come while the disk writes share the next write. So no lookup ever waits for the disk, and many writers wait for one write.
//!
//! # What makes room
//!
//! No more than [`MemoryLimits`] allow is kept. When an entry makes it too much, what is over goes first; then what was least
//! recently used, where storing and serving are uses. The order of use is not kept on disk: after a restart, entries count as
//! used when they were stored, and one that had made room for others may be there again. One that was removed is not.
//!
//! # Time
//!
//! Expiry is a moment of the system's clock. A clock that is set back lets entries live longer.

mod durable;
mod journal;
mod journal_file;
mod lock;
mod recency;
mod shelf;
mod shelves;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::SystemTime;

use vetted::Deadline;

use crate::{Attributes, Backend, BackendError, Candidate, Entry, EntryId, Evicted, Scope, Wanted};
use durable::Durable;
use journal::Change;
use shelves::Shelves;

const NAME: &str = "memory";

/// A [`Backend`] in this process.
pub struct Memory {
    shelves: Arc<RwLock<Shelves>>,
    /// None where entries end with the process.
    durable: Option<Durable>,
    /// Changes go on beside each other; who looks first and then changes is alone.
    turns: RwLock<()>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimits {
    /// So many entries, of all scopes together.
    pub entries: usize,
    /// So many bytes, as [`Entry::size`] counts them: a little less than what they take.
    pub bytes: u64,
}

/// What the owner of a cache should know about its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemoryNotice {
    /// The end of the log was not whole: a process died while it wrote. What was cut off had not been acknowledged.
    TailCut {
        /// The log.
        path: PathBuf,
        /// Where it ends now.
        at: u64,
        /// So many bytes were cut off.
        bytes: u64,
    },
}

impl Default for MemoryLimits {
    /// 100,000 entries, 1 GiB.
    fn default() -> Self {
        MemoryLimits { entries: 100_000, bytes: 1 << 30 }
    }
}

impl std::fmt::Display for MemoryNotice {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let MemoryNotice::TailCut { path, at, bytes } = self;
        write!(
            formatter,
            "the last {bytes} bytes of {} are no whole record and are cut off (it ends at byte {at} now). A process that was \
             killed while it wrote leaves such an end, and nothing that it had acknowledged is in it",
            path.display()
        )
    }
}

impl Memory {
    /// Entries that end with the process.
    pub fn new(limits: MemoryLimits) -> Memory {
        Memory { shelves: Arc::new(RwLock::new(Shelves::new(limits))), durable: None, turns: RwLock::default() }
    }

    /// Entries that are kept in `folder`, which is made if it is not there. One process at a time has it open.
    ///
    /// # Errors
    /// [`BackendError::Locked`] when another process has it open, [`BackendError::Damaged`] when something is wrong in the middle of
    /// the log, and what keeps files from being read or written.
    pub fn open(folder: impl AsRef<Path>, limits: MemoryLimits) -> Result<(Memory, Vec<MemoryNotice>), BackendError> {
        let shelves = Arc::new(RwLock::new(Shelves::new(limits)));
        let (durable, notices) = Durable::open(folder.as_ref(), shelves.clone())?;
        Ok((Memory { shelves, durable: Some(durable), turns: RwLock::default() }, notices))
    }

    /// Writes the log anew with what is live, where it is much longer than that. Happens by itself, beside everything else.
    ///
    /// # Errors
    /// When it cannot be written; the old log is then still there.
    pub fn compact(&self) -> Result<(), BackendError> {
        self.durable.as_ref().map_or(Ok(()), Durable::compact)
    }

    /// How many bytes the log has; 0 where there is none.
    pub fn log_bytes(&self) -> u64 {
        self.durable.as_ref().map_or(0, Durable::log_bytes)
    }

    fn change(&self, change: Change) -> Result<usize, BackendError> {
        let _with_others = self.turns.read().unwrap_or_else(PoisonError::into_inner);
        self.change_now(change)
    }

    fn change_now(&self, change: Change) -> Result<usize, BackendError> {
        match &self.durable {
            Some(durable) => durable.write(change),
            None => {
                let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
                Ok(shelves.apply(change, SystemTime::now()))
            }
        }
    }

    /// Whether an entry can be kept at all.
    fn check(&self, entry: &Entry) -> Result<(), BackendError> {
        let shelves = self.read();
        let (bytes, limit) = (entry.size() as u64, shelves.limits().bytes);
        if bytes > limit {
            return Err(BackendError::TooLarge { bytes, limit });
        }
        shelves.shelf(&entry.scope).map_or(Ok(()), |shelf| shelf.check_length(&entry.vector))
    }

    fn read(&self) -> RwLockReadGuard<'_, Shelves> {
        self.shelves.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for Memory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn exact(&self, wanted: &Wanted<'_>) -> Result<Option<Arc<Entry>>, BackendError> {
        in_time(wanted.deadline)?;
        Ok(self.read().shelf(wanted.scope).and_then(|shelf| shelf.exact(wanted)))
    }

    fn nearest(&self, wanted: &Wanted<'_>, vector: &[f32], k: usize) -> Result<Vec<Candidate>, BackendError> {
        in_time(wanted.deadline)?;
        let Some(rows) = self.read().shelf(wanted.scope).map(|shelf| shelf.rows()) else { return Ok(Vec::new()) };
        // Without a lock from here on.
        rows.nearest(wanted, vector, k)
    }

    fn put(&self, entry: &Entry) -> Result<(), BackendError> {
        self.check(entry)?;
        self.change(Change::Put(Arc::new(entry.clone())))?;
        Ok(())
    }

    fn replace(&self, was: &Entry, entry: &Entry) -> Result<bool, BackendError> {
        self.check(entry)?;
        let _alone = self.turns.write().unwrap_or_else(PoisonError::into_inner);
        if self.get(&was.scope, &was.id)?.is_none_or(|now| *now != *was) {
            return Ok(false);
        }
        self.change_now(Change::Put(Arc::new(entry.clone())))?;
        Ok(true)
    }

    fn put_many(&self, entries: &[&Entry]) -> Vec<Result<(), BackendError>> {
        let Some(durable) = &self.durable else { return entries.iter().map(|entry| self.put(entry)).collect() };
        let checked: Vec<Result<(), BackendError>> = entries.iter().map(|entry| self.check(entry)).collect();
        let good = entries.iter().zip(&checked).filter(|(_, checked)| checked.is_ok());
        let changes = good.map(|(entry, _)| Change::Put(Arc::new(Entry::clone(entry)))).collect();
        let _with_others = self.turns.read().unwrap_or_else(PoisonError::into_inner);
        let mut written = durable.write_many(changes).into_iter();
        let outcome =
            |checked: Result<(), BackendError>| checked.and_then(|()| written.next().unwrap_or(Ok(0)).map(drop));
        checked.into_iter().map(outcome).collect()
    }

    fn get(&self, scope: &Scope, id: &EntryId) -> Result<Option<Arc<Entry>>, BackendError> {
        let entry = self.read().shelf(scope).and_then(|shelf| shelf.get(id).cloned());
        Ok(entry.filter(|entry| !entry.is_over(SystemTime::now())))
    }

    fn remove(&self, scope: &Scope, ids: &[EntryId]) -> Result<usize, BackendError> {
        // Also what is not there: the log may have an entry that made room for others.
        self.change(Change::Remove(scope.digest(), ids.to_vec()))
    }

    fn remove_where(&self, scope: &Scope, attributes: &Attributes) -> Result<usize, BackendError> {
        self.change(Change::RemoveWhere(scope.digest(), attributes.clone()))
    }

    fn clear(&self, scope: &Scope) -> Result<usize, BackendError> {
        self.change(Change::Clear(scope.digest()))
    }

    fn len(&self, scope: &Scope) -> Result<usize, BackendError> {
        Ok(self.read().shelf(scope).map_or(0, |shelf| shelf.live(SystemTime::now())))
    }

    fn served(&self, scope: &Scope, id: &EntryId) {
        self.read().used(scope, id);
    }

    fn evicted(&self) -> Evicted {
        self.read().evicted()
    }
}

fn in_time(deadline: &Deadline) -> Result<(), BackendError> {
    deadline.check().map_err(|_| BackendError::Late { backend: NAME })
}
