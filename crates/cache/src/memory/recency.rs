//! Which entry was used least recently, and which is over first.

use std::cmp::{Ordering as Order, Reverse};
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use super::shelf::Kept;
use crate::encoding::milliseconds;

/// Both queues may name entries that are gone, and the queue of uses may name an old use: what is taken out is looked at then.
#[derive(Default)]
pub(super) struct Recency {
    /// Counts uses.
    clock: AtomicU64,
    uses: BinaryHeap<Reverse<At>>,
    ends: BinaryHeap<Reverse<At>>,
}

struct At {
    at: u64,
    kept: Weak<Kept>,
}

impl Recency {
    /// `entries` are there now.
    pub(super) fn add(&mut self, kept: &Arc<Kept>, entries: usize) {
        self.touch(kept);
        self.uses.push(Reverse(At { at: kept.used(), kept: Arc::downgrade(kept) }));
        if let Some(end) = kept.entry().expires_at {
            self.ends.push(Reverse(At { at: milliseconds(end), kept: Arc::downgrade(kept) }));
        }
        for queue in [&mut self.uses, &mut self.ends] {
            if queue.len() > 2 * entries + 1024 {
                queue.retain(|Reverse(it)| it.kept.strong_count() > 0);
            }
        }
    }

    pub(super) fn touch(&self, kept: &Kept) {
        kept.set_used(self.clock.fetch_add(1, Ordering::Relaxed));
    }

    /// The entry that was used least recently of those that are there.
    pub(super) fn least_recent(&mut self) -> Option<Arc<Kept>> {
        while let Some(Reverse(At { at, kept })) = self.uses.pop() {
            let Some(there) = kept.upgrade() else { continue };
            if there.used() == at {
                return Some(there);
            }
            // Used since: it has a later place.
            self.uses.push(Reverse(At { at: there.used(), kept }));
        }
        None
    }

    /// One that is over by `now`, if there is one.
    pub(super) fn over(&mut self, now: u64) -> Option<Arc<Kept>> {
        while self.ends.peek().is_some_and(|Reverse(it)| it.at <= now) {
            if let Some(there) = self.ends.pop().and_then(|Reverse(it)| it.kept.upgrade()) {
                return Some(there);
            }
        }
        None
    }
}

impl PartialEq for At {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for At {}

impl PartialOrd for At {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl Ord for At {
    fn cmp(&self, other: &Self) -> Order {
        self.at.cmp(&other.at)
    }
}
