//! Where a cache keeps its entries: what every backend promises.

use std::sync::Arc;
use std::time::SystemTime;

use vetted::Deadline;

use crate::{Attributes, BackendError, Entry, EntryId, Scope};

/// Where a cache keeps its entries.
///
/// What holds for every backend, and is tested by one contract (`tests/all/contract.rs`):
///
/// * **Scopes are walls.** Every operation names a scope, and nothing is found, replaced, removed or counted that was stored
///   under another one, however alike the two are.
/// * **What is over is gone.** An entry whose [`expires_at`](Entry::expires_at) is not after [`Wanted::now`] is never returned.
/// * **An acknowledged entry is kept** as the backend says it keeps entries: [`put`](Self::put) returns once that is so. One that
///   could not be kept is an error, and takes nothing away that was kept before.
/// * **An id is of one entry of a scope.** Storing under the same id replaces; another scope may use the same id.
/// * **Without a vector, by its words.** An entry whose vector is empty is found by its id and its prompt, and is near nothing.
/// * **Removing is final.** What [`remove`](Self::remove), [`remove_where`](Self::remove_where) or [`clear`](Self::clear) took
///   away does not come back, also not after a restart. An entry that made room for others may.
/// * **Nobody waits for ever.** A call gives up at its [deadline](Wanted::deadline), or after a time of the backend's own, with
///   [`BackendError::Late`].
/// * **Nothing is decided here.** A backend finds candidates; whether one is served is the [cache](crate)'s decision. What it
///   cannot read is an error or is left out, never another entry's content.
///
/// Vectors are of unit length, and all of one scope have the same number of values: whoever makes scopes sees to it that vectors
/// of different encoders never share one.
pub trait Backend: Send + Sync {
    /// Its name, for telemetry: `memory`, `redis`, `redisvl`.
    fn name(&self) -> &'static str;

    /// The live entry of this scope that was stored last under this very prompt, if its attributes fit.
    ///
    /// Prompts are equal when their bytes are. Of several such entries the one with the latest
    /// [`stored_at`](Entry::stored_at) whose attributes fit is returned.
    ///
    /// # Errors
    /// When the backend cannot be asked.
    fn exact(&self, wanted: &Wanted<'_>) -> Result<Option<Arc<Entry>>, BackendError>;

    /// The `k` live entries of this scope that are nearest to `vector`, the nearest first, of those whose attributes fit.
    /// A backend that searches approximately may miss some; the cosines of those it returns are right to three digits.
    ///
    /// # Errors
    /// When the backend cannot be asked, or keeps vectors of another length in this scope.
    fn nearest(&self, wanted: &Wanted<'_>, vector: &[f32], k: usize) -> Result<Vec<Candidate>, BackendError>;

    /// Keeps an entry. One that is over already is not kept, and takes the place of its predecessor all the same.
    ///
    /// # Errors
    /// When it cannot be kept: what was there before is then still there.
    fn put(&self, entry: &Entry) -> Result<(), BackendError>;

    /// Keeps an entry in the place of `was`, if that is still what is there, whole and unchanged; says whether it was. Between
    /// the look and the change nobody else changes it.
    ///
    /// # Errors
    /// When it cannot be kept: what was there before is then still there.
    fn replace(&self, was: &Entry, entry: &Entry) -> Result<bool, BackendError>;

    /// As [`put`](Self::put), of several: each is kept or not for itself, and an outcome is told for each, in their order. A
    /// backend that can keeps them together, which is faster.
    fn put_many(&self, entries: &[&Entry]) -> Vec<Result<(), BackendError>> {
        entries.iter().map(|entry| self.put(entry)).collect()
    }

    /// The live entry with this id. The vector may be left out.
    ///
    /// # Errors
    /// When the backend cannot be asked.
    fn get(&self, scope: &Scope, id: &EntryId) -> Result<Option<Arc<Entry>>, BackendError>;

    /// Removes the entries with these ids; says how many live ones were there.
    ///
    /// # Errors
    /// When the removal cannot be kept.
    fn remove(&self, scope: &Scope, ids: &[EntryId]) -> Result<usize, BackendError>;

    /// Removes the entries that have all of these attributes; says how many live ones there were. No attributes fit every entry.
    ///
    /// # Errors
    /// When the removal cannot be kept.
    fn remove_where(&self, scope: &Scope, attributes: &Attributes) -> Result<usize, BackendError>;

    /// Removes all entries of the scope; says how many live ones there were.
    ///
    /// # Errors
    /// When the removal cannot be kept.
    fn clear(&self, scope: &Scope) -> Result<usize, BackendError>;

    /// How many live entries the scope has.
    ///
    /// # Errors
    /// When the backend cannot be asked.
    fn len(&self, scope: &Scope) -> Result<usize, BackendError>;

    /// Whether the scope has no live entry.
    ///
    /// # Errors
    /// As [`len`](Self::len).
    fn is_empty(&self, scope: &Scope) -> Result<bool, BackendError> {
        Ok(self.len(scope)? == 0)
    }

    /// This entry was served: a backend that makes room by use takes note. Nothing waits for it and nothing depends on it.
    fn served(&self, scope: &Scope, id: &EntryId) {
        let _ = (scope, id);
    }

    /// How many entries it has taken away by itself since it was opened, where it knows.
    fn evicted(&self) -> Evicted {
        Evicted::default()
    }
}

/// Entries that a backend took away by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// Because they were over.
    pub expired: u64,
    /// To make room for others.
    pub room: u64,
}

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Where. Nothing else is looked at.
    pub scope: &'a Scope,
    /// The prompt.
    pub prompt: &'a str,
    /// What an entry must have: each of these, with this value. It may have others too.
    pub attributes: &'a Attributes,
    /// The time that it is: what is over by now is not found.
    pub now: SystemTime,
    /// Until when the answer is of use.
    pub deadline: &'a Deadline,
}

/// An entry that may answer.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// It. The vector may be left out.
    pub entry: Arc<Entry>,
    /// The cosine of its vector and the one that was asked for, in [-1, 1].
    pub cosine: f32,
}
