//! All scopes' entries, and what makes room.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::MemoryLimits;
use super::journal::Change;
use super::recency::Recency;
use super::shelf::{Kept, Shelf};
use crate::encoding::milliseconds;
use crate::{Entry, EntryId, Evicted, Scope, ScopeDigest};

pub(super) struct Shelves {
    limits: MemoryLimits,
    shelves: HashMap<ScopeDigest, Shelf>,
    recency: Recency,
    entries: usize,
    bytes: u64,
    evicted: Evicted,
}

impl Shelves {
    pub(super) fn new(limits: MemoryLimits) -> Shelves {
        let (shelves, recency, evicted) = (HashMap::new(), Recency::default(), Evicted::default());
        Shelves { limits, shelves, recency, entries: 0, bytes: 0, evicted }
    }

    pub(super) fn limits(&self) -> MemoryLimits {
        self.limits
    }

    pub(super) fn evicted(&self) -> Evicted {
        self.evicted
    }

    pub(super) fn shelf(&self, scope: &Scope) -> Option<&Shelf> {
        self.shelves.get(&scope.digest())
    }

    /// Bytes of all that is kept.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All that is kept, in the order in which it was used.
    pub(super) fn all(&self) -> Vec<Arc<Kept>> {
        let mut all: Vec<_> = self.shelves.values().flat_map(Shelf::all).cloned().collect();
        all.sort_by_key(|kept| kept.used());
        all
    }

    pub(super) fn used(&self, scope: &Scope, id: &EntryId) {
        if let Some(kept) = self.shelf(scope).and_then(|shelf| shelf.kept(id)) {
            self.recency.touch(kept);
        }
    }

    /// Makes a change; says how many live entries it removed.
    pub(super) fn apply(&mut self, change: Change, now: SystemTime) -> usize {
        match change {
            Change::Put(entry) => {
                self.put(entry, now);
                0
            }
            Change::Remove(scope, ids) => {
                ids.iter().filter_map(|id| self.take(scope, id)).filter(|kept| !kept.entry().is_over(now)).count()
            }
            Change::RemoveWhere(scope, attributes) => {
                let all = self.shelves.get(&scope).into_iter().flat_map(Shelf::all);
                let ids: Vec<EntryId> =
                    all.filter(|kept| kept.entry().fits(&attributes)).map(|kept| kept.entry().id.clone()).collect();
                ids.iter().filter_map(|id| self.take(scope, id)).filter(|kept| !kept.entry().is_over(now)).count()
            }
            Change::Clear(scope) => {
                let Some(shelf) = self.shelves.remove(&scope) else { return 0 };
                let live = shelf.live(now);
                for kept in shelf.all() {
                    self.entries -= 1;
                    self.bytes -= kept.entry().size() as u64;
                }
                live
            }
        }
    }

    fn put(&mut self, entry: Arc<Entry>, now: SystemTime) {
        self.take(entry.scope.digest(), &entry.id);
        self.drop_what_is_over(now);
        let size = entry.size() as u64;
        if entry.is_over(now) || size > self.limits.bytes {
            return;
        }
        while self.entries + 1 > self.limits.entries.max(1) || self.bytes + size > self.limits.bytes {
            let Some(kept) = self.recency.least_recent() else { break };
            self.evicted.room += u64::from(self.take_this(&kept));
        }
        let shelf = self.shelves.entry(entry.scope.digest()).or_insert_with(|| Shelf::new(entry.scope.clone()));
        // Of vectors of another length, which were refused before they were written, unless two of the first came at once.
        if shelf.check_length(&entry.vector).is_err() {
            return;
        }
        let kept = shelf.add(entry);
        self.entries += 1;
        self.bytes += size;
        self.recency.add(&kept, self.entries);
    }

    fn drop_what_is_over(&mut self, now: SystemTime) {
        while let Some(kept) = self.recency.over(milliseconds(now)) {
            self.evicted.expired += u64::from(self.take_this(&kept));
        }
    }

    /// Says whether it was there. An entry that was replaced may still be held by a search; its successor has the same id.
    fn take_this(&mut self, kept: &Arc<Kept>) -> bool {
        let (scope, id) = (kept.entry().scope.digest(), &kept.entry().id);
        let there = self.shelves.get(&scope).and_then(|shelf| shelf.kept(id));
        let is_this = there.is_some_and(|there| Arc::ptr_eq(there, kept));
        is_this && self.take(scope, id).is_some()
    }

    fn take(&mut self, scope: ScopeDigest, id: &EntryId) -> Option<Arc<Kept>> {
        let shelf = self.shelves.get_mut(&scope)?;
        let kept = shelf.remove(id)?;
        if shelf.is_empty() {
            self.shelves.remove(&scope);
        }
        self.entries -= 1;
        self.bytes -= kept.entry().size() as u64;
        Some(kept)
    }
}
