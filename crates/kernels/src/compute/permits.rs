//! Who may compute: permits, the line of those who wait for one, and the threads that help.
//!
//! Every permit is in one of three places: nobody's, a team's own thread's, or a helper's that a team has called. The sum is the
//! number of threads, always. A helper that was called and has not woken yet can lose its permit to somebody who needs it now.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, Thread};

use super::board::Board;
use super::deadline::{Deadline, Expired};
use super::patience::Patience;

/// Permits, and who has them.
pub(super) struct Permits {
    threads: usize,
    state: Mutex<State>,
    /// How many wait in line, and how many permits a team may take for helpers: what is read without the lock.
    waiting: AtomicUsize,
    spare: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// Permits that nobody has.
    free: usize,
    line: VecDeque<Arc<Waiter>>,
    helpers: Vec<Helper>,
    /// Helpers that sleep and were not called.
    asleep: Vec<usize>,
    closing: bool,
}

/// A thread that waits for a permit.
struct Waiter {
    thread: Thread,
    granted: AtomicBool,
}

struct Helper {
    thread: JoinHandle<()>,
    /// The team that called it, until it has woken.
    called: Option<Arc<Board>>,
}

impl Permits {
    pub(super) fn new(threads: usize) -> Permits {
        let state = State { free: threads, ..State::default() };
        Permits { threads, state: Mutex::new(state), waiting: AtomicUsize::new(0), spare: AtomicUsize::new(threads) }
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// How many threads wait in line.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether a team may call a helper just now.
    pub(super) fn has_spare(&self) -> bool {
        self.spare.load(Ordering::Relaxed) > 0
    }

    /// A permit for the calling thread, first come, first served.
    pub(super) fn acquire(&self, deadline: &Deadline) -> Result<(), Expired> {
        deadline.check()?;
        let waiter = {
            let mut state = self.lock();
            if state.line.is_empty() && (state.free > 0 || state.recall_one(|_| true)) {
                state.free -= 1;
                return Ok(());
            }
            let waiter = Arc::new(Waiter { thread: std::thread::current(), granted: AtomicBool::new(false) });
            state.line.push_back(waiter.clone());
            waiter
        };
        let _listening = deadline.listen();
        while !waiter.granted.load(Ordering::Acquire) {
            if let Err(expired) = deadline.check() {
                let mut state = self.lock();
                match state.line.iter().position(|other| Arc::ptr_eq(other, &waiter)) {
                    Some(at) => drop(state.line.remove(at)),
                    None => state.give_back(1), // granted meanwhile
                }
                return Err(expired);
            }
            match deadline.remaining() {
                None => std::thread::park(),
                Some(time) => std::thread::park_timeout(time),
            }
        }
        Ok(())
    }

    /// The permit of a team's own thread comes back, and those of helpers that it called in vain.
    pub(super) fn release(&self, board: &Arc<Board>) {
        let mut state = self.lock();
        while state.recall_one(|called| Arc::ptr_eq(called, board)) {}
        state.give_back(1);
    }

    /// Calls up to `most` helpers to a team, as far as permits are spare and nobody waits for one.
    pub(super) fn call(self: &Arc<Permits>, board: &Arc<Board>, most: usize) {
        let mut called: Vec<Thread> = Vec::new();
        {
            let mut state = self.lock();
            while called.len() < most && state.free > 0 && state.line.is_empty() {
                let Some(index) = state.asleep.pop().or_else(|| self.start_helper(&mut state)) else { break };
                let helper = &mut state.helpers[index];
                helper.called = Some(board.clone());
                called.push(helper.thread.thread().clone());
                board.helpers.fetch_add(1, Ordering::Relaxed);
                state.free -= 1;
            }
        }
        called.iter().for_each(Thread::unpark);
    }

    /// Ends the helpers. Called when no team is left.
    pub(super) fn close(&self) {
        let helpers = {
            let mut state = self.lock();
            state.closing = true;
            std::mem::take(&mut state.helpers)
        };
        helpers.iter().for_each(|helper| helper.thread.thread().unpark());
        let own = std::thread::current().id();
        for helper in helpers.into_iter().filter(|helper| helper.thread.thread().id() != own) {
            // A helper catches what its work throws.
            let _ = helper.thread.join();
        }
    }

    /// None where there are enough of them, or the system gives no more threads.
    fn start_helper(self: &Arc<Permits>, state: &mut State) -> Option<usize> {
        let index = state.helpers.len();
        if index + 1 >= self.threads || state.closing {
            return None;
        }
        let permits = self.clone();
        let thread = std::thread::Builder::new().name(format!("vetted-{index}"));
        let thread = thread.spawn(move || permits.help(index)).ok()?;
        state.helpers.push(Helper { thread, called: None });
        Some(index)
    }

    /// A helper's life.
    fn help(&self, index: usize) {
        super::mark_as_holder(self);
        loop {
            let called = {
                let mut state = self.lock();
                if state.closing {
                    return;
                }
                state.helpers[index].called.take()
            };
            match called {
                None => std::thread::park(),
                // Nothing in there panics but by a fault of its own; the thread outlives even that.
                Some(board) => drop(catch_unwind(AssertUnwindSafe(|| self.serve(index, &board)))),
            }
        }
    }

    /// Takes shares of a team's work until the team is gone, has had nothing to do for a while, or somebody waits for a permit.
    fn serve(&self, index: usize, board: &Board) {
        let mut patience = Patience::default();
        loop {
            if self.waiting() > 0 {
                let state = self.lock();
                if !state.line.is_empty() {
                    return leave(state, index, board);
                }
            }
            if board.help() {
                patience = Patience::default();
            } else if board.is_closed() || !patience.wait() {
                return leave(self.lock(), index, board);
            }
        }

        fn leave(mut state: Locked<'_>, index: usize, board: &Board) {
            board.helpers.fetch_sub(1, Ordering::Relaxed);
            state.asleep.push(index);
            state.give_back(1);
        }
    }

    fn lock(&self) -> Locked<'_> {
        Locked { state: self.state.lock().unwrap_or_else(PoisonError::into_inner), permits: self }
    }
}

impl State {
    /// Takes back the permit of a helper that has not woken yet; says whether there was one.
    fn recall_one(&mut self, which: impl Fn(&Arc<Board>) -> bool) -> bool {
        let late = self.helpers.iter().position(|helper| helper.called.as_ref().is_some_and(&which));
        let Some(index) = late else { return false };
        if let Some(board) = self.helpers[index].called.take() {
            board.helpers.fetch_sub(1, Ordering::Relaxed);
        }
        self.asleep.push(index);
        self.give_back(1);
        true
    }

    /// To those who wait, in their order, and what is left to nobody.
    fn give_back(&mut self, permits: usize) {
        for _ in 0..permits {
            match self.line.pop_front() {
                Some(waiter) => {
                    waiter.granted.store(true, Ordering::Release);
                    waiter.thread.unpark();
                }
                None => self.free += 1,
            }
        }
    }
}

/// The state, under its lock. What others read without the lock is renewed at the end.
struct Locked<'a> {
    state: MutexGuard<'a, State>,
    permits: &'a Permits,
}

impl std::ops::Deref for Locked<'_> {
    type Target = State;
    fn deref(&self) -> &State {
        &self.state
    }
}

impl std::ops::DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.permits.waiting.store(self.state.line.len(), Ordering::Relaxed);
        let spare = if self.state.line.is_empty() { self.state.free } else { 0 };
        self.permits.spare.store(spare, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
impl Permits {
    /// How many permits nobody has.
    pub(super) fn free(&self) -> usize {
        self.lock().free
    }
}
