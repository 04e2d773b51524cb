//! What an index keeps in memory: the documents of one moment, and the caches that search them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::roster::Roster;
use crate::store::Reading;
use crate::text::{Text, Words};
use crate::vectors::Vectors;

/// The caches of one moment. Never changed once others can see it: a change makes another state, which shares with this
/// one what is the same. The vectors and the text index are loaded when a query first needs them.
#[derive(Clone)]
pub(crate) struct State {
    /// The store's sequence number at this moment.
    pub(crate) sequence: u64,
    pub(crate) roster: Roster,
    pub(crate) vectors: Option<Vectors>,
    pub(crate) text: Option<Text>,
}

/// What a transaction changes, as the caches take it.
pub(crate) struct Change {
    /// The store's sequence number with it.
    pub(crate) sequence: u64,
    /// The numbers of documents that are removed.
    pub(crate) removed: Vec<u64>,
    /// The new documents, by ascending number.
    pub(crate) added: Vec<Added>,
    /// Whether the new documents' vectors are here.
    pub(crate) has_vectors: bool,
    /// The new documents' words, if they are here.
    pub(crate) words: Option<Arc<Words>>,
}

/// A new document.
pub(crate) struct Added {
    pub(crate) number: u64,
    pub(crate) id: Arc<str>,
    /// The passages' vectors one after the other.
    pub(crate) vectors: Vec<f32>,
}

impl State {
    /// The documents of a moment of the store, without the caches that search them.
    pub(crate) fn load(reading: &Reading) -> Result<Self> {
        Ok(Self { sequence: reading.sequence(), roster: Roster::load(reading)?, vectors: None, text: None })
    }

    /// The state after a change. Costs what the change does, and a bit for each document of the index. When more than half of
    /// all ordinals are of removed documents, all are given anew, so that over time a removal costs little more.
    pub(crate) fn after(&self, change: &Change) -> State {
        let mut state = self.clone();
        let State { sequence, roster, vectors, text } = &mut state;
        *sequence = change.sequence;
        let removed: Vec<_> =
            change.removed.iter().filter_map(|number| Some((roster.remove(*number)?, *number))).collect();
        let ordinals: Vec<_> = change.added.iter().map(|it| roster.add(it.number, it.id.clone())).collect();
        if let Some(kept) = vectors {
            for (ordinal, _) in &removed {
                kept.remove(*ordinal, roster.alive());
            }
            let new = change.added.iter().map(|it| it.vectors.as_slice());
            kept.add(ordinals.iter().copied().zip(new), roster.alive());
        }
        if let Some(kept) = text {
            kept.remove(change.sequence, &removed);
            if let Some(words) = &change.words {
                kept.add(ordinals.clone(), words.clone());
            }
        }
        // Loaded after the change was put together, which therefore lacks something: loaded again when needed.
        if !ordinals.is_empty() {
            vectors.take_if(|vectors| vectors.keeps_all() && !change.has_vectors);
            text.take_if(|_| change.words.is_none());
        }
        if roster.is_sparse() { state.renumbered() } else { state }
    }

    /// The same documents under new ordinals, without the places of those that were removed.
    fn renumbered(&self) -> State {
        let (roster, ordinals) = self.roster.renumbered();
        State {
            sequence: self.sequence,
            roster,
            vectors: self.vectors.as_ref().map(|vectors| vectors.renumbered(&ordinals)),
            text: self.text.as_ref().map(|text| text.renumbered(&ordinals)),
        }
    }
}

/// The state that searches read, and the one that will follow it. The lock is held for as long as a pointer takes to copy.
///
/// A transaction's state is here before the transaction is on disk. So whoever begins to read the store finds the state of
/// what he reads, without waiting: the current one, or the next.
pub(crate) struct States(Mutex<Pair>);

struct Pair {
    current: Arc<State>,
    next: Option<Arc<State>>,
}

impl States {
    pub(crate) fn new(current: State) -> Self {
        Self(Mutex::new(Pair { current: Arc::new(current), next: None }))
    }

    /// The current state.
    pub(crate) fn current(&self) -> Arc<State> {
        self.lock().current.clone()
    }

    /// The state after transaction `sequence`, if that is the last one or the one under way.
    pub(crate) fn at(&self, sequence: u64) -> Option<Arc<State>> {
        let pair = self.lock();
        let mut states = [Some(&pair.current), pair.next.as_ref()].into_iter().flatten();
        states.find(|state| state.sequence == sequence).cloned()
    }

    /// Announces the state after a transaction that is about to be made durable.
    pub(crate) fn announce(&self, next: Arc<State>) {
        self.lock().next = Some(next);
    }

    /// Forgets what was announced: the transaction failed.
    pub(crate) fn withdraw(&self) {
        self.lock().next = None;
    }

    /// Puts `new` in the place of `current`, unless that is not the current state any more; says whether it did.
    pub(crate) fn replace(&self, current: &Arc<State>, new: Arc<State>) -> bool {
        let mut pair = self.lock();
        let same = Arc::ptr_eq(&pair.current, current);
        if same {
            pair.next.take_if(|next| next.sequence <= new.sequence);
            pair.current = new;
        }
        same
    }

    fn lock(&self) -> MutexGuard<'_, Pair> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
