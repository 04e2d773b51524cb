//! Threads that work on one text together.
//!
//! A short query takes well under a millisecond, spread over two dozen matrix products: waking threads for each of them
//! would cost more than it saves. Helpers of a [`Team`] stay awake for a moment after each piece of work, for the next one
//! is microseconds away.

use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::board::{Board, MOST_SHARES};
use super::{Compute, Deadline, Expired, unmark_as_holder};

/// The calling thread, and helpers while there are processors to spare. From [`Compute::enter`]; stays on its thread.
///
/// What is computed does not depend on who computes it: shares of work have borders of their own.
pub struct Team {
    /// None of a thread that works alone.
    crew: Option<Crew>,
    deadline: Deadline,
    /// The permit is that of the thread that entered.
    not_send: PhantomData<*const ()>,
}

struct Crew {
    compute: Compute,
    board: Arc<Board>,
}

/// No text is so long that more threads would help.
const LARGEST: usize = 16;

/// Rows of a matrix that are too few to share, where each costs less than a microsecond.
const ROWS_TOGETHER: usize = 16;

impl Team {
    /// The calling thread alone, without a permit and a deadline: for tests and for what has threads of its own.
    pub fn alone() -> Team {
        Team { crew: None, deadline: Deadline::none(), not_send: PhantomData }
    }

    /// Of a thread that was given a permit.
    pub(super) fn of(compute: &Compute, deadline: &Deadline) -> Team {
        let crew = Crew { compute: compute.clone(), board: Arc::new(Board::new()) };
        Team { crew: Some(crew), deadline: deadline.clone(), not_send: PhantomData }
    }

    /// The same team, whose work is wanted until `deadline`.
    pub fn until(self, deadline: &Deadline) -> Team {
        Team { deadline: deadline.clone(), ..self }
    }

    /// Until when the work is wanted.
    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// Whether the work is still wanted: what loops deep inside ask every few milliseconds.
    ///
    /// # Errors
    /// When it is not, and why.
    pub fn check(&self) -> Result<(), Expired> {
        self.deadline.check()
    }

    /// How many threads there are just now; calls helpers where processors are idle.
    pub fn size(&self) -> usize {
        self.crew.as_ref().map_or(1, Crew::size)
    }

    /// Calls `work` with every piece, each once, and returns when all calls have.
    ///
    /// # Panics
    /// When a call does.
    pub fn each<T: Send>(&mut self, pieces: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
        if self.size() == 1 {
            return pieces.for_each(work);
        }
        let pieces: Vec<Mutex<Option<T>>> = pieces.map(|piece| Mutex::new(Some(piece))).collect();
        self.run(pieces.len(), |share| {
            let piece = locked(&pieces[share]).take();
            piece.into_iter().for_each(&work);
        });
    }

    /// What `work` makes of every item, in their order: for pieces of work that have nothing to do with each other, such as
    /// batches of texts. A single item gets the whole team; each of several a thread, which is a team of itself alone with
    /// this team's deadline. `memory` is made once for each thread that takes part.
    ///
    /// # Panics
    /// When a call does.
    pub fn map<T: Send, M: Send, Out: Send>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        memory: impl Fn() -> M + Sync,
        work: impl Fn(&mut M, T, &mut Team) -> Out + Sync,
    ) -> Vec<Out> {
        let items: Vec<T> = items.into_iter().collect();
        if items.len() == 1 || self.crew.as_ref().is_none_or(|crew| crew.most_helpers() == 0) {
            let mut own = memory();
            return items.into_iter().map(|item| work(&mut own, item, self)).collect();
        }
        let items: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
        let results: Vec<Mutex<Option<Out>>> = items.iter().map(|_| Mutex::new(None)).collect();
        let (memories, deadline) = (Mutex::new(Vec::new()), self.deadline.clone());
        self.share_out(items.len(), |share| {
            let Some(item) = locked(&items[share]).take() else { return };
            let kept = locked(&memories).pop();
            let mut own = kept.unwrap_or_else(&memory);
            let result = work(&mut own, item, &mut Team::alone().until(&deadline));
            *locked(&results[share]) = Some(result);
            locked(&memories).push(own);
        });
        results.into_iter().flat_map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
    }

    /// As [`map`](Self::map) without memory, of what can fail: the first failure in the order of the items.
    ///
    /// # Errors
    /// Those of `work`.
    ///
    /// # Panics
    /// When a call does.
    pub fn try_map<T: Send, Out: Send, E: Send>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        work: impl Fn(T) -> Result<Out, E> + Sync,
    ) -> Result<Vec<Out>, E> {
        self.map(items, || (), |(), item, _| work(item)).into_iter().collect()
    }

    /// Into how many rows at a time the work on `rows` rows, each of about a microsecond, is best cut.
    pub fn rows_at_a_time(&self, rows: usize) -> usize {
        ROWS_TOGETHER.max(rows.div_ceil(self.pieces(rows).max(1)))
    }

    /// In how many pieces `units` of work are best done: some for each thread, so that one that comes late takes fewer.
    pub(crate) fn pieces(&self, units: usize) -> usize {
        match self.size() {
            1 => 1,
            size => units.min(4 * size),
        }
    }

    /// Calls `work` with every number below `shares`, each once, and returns when all calls have.
    pub(crate) fn run<W: Fn(usize) + Sync>(&mut self, shares: usize, work: W) {
        match shares > 1 && self.size() > 1 {
            true => self.share_out(shares, work),
            false => (0..shares).for_each(work),
        }
    }

    /// As [`run`](Self::run), also where there is no helper yet: one may come while the work lasts.
    fn share_out<W: Fn(usize) + Sync>(&mut self, shares: usize, work: W) {
        let Some(crew) = &self.crew else { return (0..shares).for_each(work) };
        crew.call_helpers();
        for first in (0..shares).step_by(MOST_SHARES) {
            let some = (shares - first).min(MOST_SHARES);
            crew.board.run(some, |share| work(first + share), || crew.call_helpers());
        }
    }
}

impl Crew {
    fn size(&self) -> usize {
        self.call_helpers();
        1 + self.helpers()
    }

    /// How many were called and have not left.
    fn helpers(&self) -> usize {
        self.board.helpers.load(Ordering::Relaxed)
    }

    fn most_helpers(&self) -> usize {
        self.compute.permits().threads().min(LARGEST) - 1
    }

    /// Those that have left come back where permits are spare. Cheap where none are.
    fn call_helpers(&self) {
        let (here, most) = (self.helpers(), self.most_helpers());
        let permits = self.compute.permits();
        if here < most && permits.has_spare() {
            permits.call(&self.board, most - here);
        }
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.board.close();
        unmark_as_holder(self.compute.permits());
        self.compute.permits().release(&self.board);
    }
}
