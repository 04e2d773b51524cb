//! What the members of a team see: the work that is up, and who takes which share of it.
//!
//! The owner puts up one piece of work at a time and takes shares of it itself, so it never depends on a helper that does
//! not come. It waits only for shares that a helper has begun. `tests::model` (`RUSTFLAGS="--cfg loom"`) runs this protocol
//! through the orders in which threads can meet.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sync::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, Thread, current, fence, park};

#[cfg(not(loom))]
mod sync {
    pub(super) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};
    pub(super) use std::thread::{Thread, current, park};
}
#[cfg(loom)]
mod sync {
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};
    pub(super) use loom::thread::{Thread, current, park};
}

use super::patience::Patience;

/// One for each team.
pub(super) struct Board {
    /// Which work is up, how many shares it has and how many of them are taken; see [`Ticket`].
    ticket: AtomicU64,
    /// Shares that are done, of the work that is up.
    finished: AtomicUsize,
    /// Whether a helper's share panicked.
    broken: AtomicBool,
    /// The work: a closure, and the function that calls it.
    closure: AtomicPtr<()>,
    call: AtomicPtr<()>,
    /// Whether the owner sleeps until the last share is done.
    asleep: AtomicBool,
    owner: Thread,
    /// How many helpers were called and have not left. Changes under the lock of the permits only.
    pub(super) helpers: AtomicUsize,
}

/// [`Board::ticket`] taken apart. `generation` tells one work from the next, so that a helper that read the board of
/// one cannot take a share of another. The last generation says that the team has gone.
#[derive(Clone, Copy)]
struct Ticket {
    generation: u32,
    shares: u16,
    taken: u16,
}

impl Ticket {
    const GONE: u32 = u32::MAX;

    fn read(bits: u64) -> Ticket {
        Ticket { generation: (bits >> 32) as u32, shares: (bits >> 16) as u16, taken: bits as u16 }
    }

    fn bits(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.shares) << 16 | u64::from(self.taken)
    }
}

/// The most shares that one piece of work can have.
pub(super) const MOST_SHARES: usize = u16::MAX as usize;

impl Board {
    /// A board of the calling thread, which alone may [`run`](Self::run).
    pub(super) fn new() -> Board {
        Board {
            ticket: AtomicU64::new(0),
            finished: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            closure: AtomicPtr::new(std::ptr::null_mut()),
            call: AtomicPtr::new(std::ptr::null_mut()),
            asleep: AtomicBool::new(false),
            owner: current(),
            helpers: AtomicUsize::new(0),
        }
    }

    /// Calls `work` with every number below `shares`, each once, and returns when all calls have; `between` shares of its own
    /// the owner may call helpers. By the owner only, and never two calls at once: a team gives it as `&mut` and stays on its
    /// thread.
    pub(super) fn run<W: Fn(usize) + Sync>(&self, shares: usize, work: W, between: impl Fn()) {
        assert!(shares <= MOST_SHARES, "{shares} shares are too many");
        /// # Safety
        /// `closure` points to a living `W`.
        unsafe fn call<W: Fn(usize)>(closure: *const (), share: usize) {
            // SAFETY: the caller's contract.
            unsafe { (*closure.cast::<W>())(share) };
        }
        let complete = Complete { board: self, shares };
        self.closure.store((&raw const work).cast_mut().cast(), Ordering::Relaxed);
        self.call.store(call::<W> as unsafe fn(*const (), usize) as *mut (), Ordering::Relaxed);
        self.finished.store(0, Ordering::Relaxed);
        self.broken.store(false, Ordering::Relaxed);
        let generation = Ticket::read(self.ticket.load(Ordering::Relaxed)).generation;
        let generation = if generation + 1 == Ticket::GONE { 0 } else { generation + 1 };
        self.ticket.store(Ticket { generation, shares: shares as u16, taken: 0 }.bits(), Ordering::Release);
        while self.take_share().is_some() {
            between();
        }
        drop(complete);
        assert!(!self.broken.load(Ordering::Relaxed), "a helper's share of the work panicked");
    }

    /// Tells the helpers that there will be no more work.
    pub(super) fn close(&self) {
        self.ticket.store(Ticket { generation: Ticket::GONE, shares: 0, taken: 0 }.bits(), Ordering::Release);
    }

    /// Whether there will be no more work.
    pub(super) fn is_closed(&self) -> bool {
        Ticket::read(self.ticket.load(Ordering::Relaxed)).generation == Ticket::GONE
    }

    /// As a helper, does one share if one is left. A panic is caught, and told to the owner.
    pub(super) fn help(&self) -> bool {
        !matches!(catch_unwind(AssertUnwindSafe(|| self.take_share())), Ok(None))
    }

    /// Does one share, if one is left.
    fn take_share(&self) -> Option<()> {
        loop {
            let bits = self.ticket.load(Ordering::Acquire);
            let ticket = Ticket::read(bits);
            if ticket.taken >= ticket.shares {
                return None;
            }
            let (closure, call) = (self.closure.load(Ordering::Relaxed), self.call.load(Ordering::Relaxed));
            let next = Ticket { taken: ticket.taken + 1, ..ticket }.bits();
            if self.ticket.compare_exchange_weak(bits, next, Ordering::AcqRel, Ordering::Relaxed).is_err() {
                continue;
            }
            /// Counts the share also when it panics.
            struct Count<'a>(&'a Board, usize);
            impl Drop for Count<'_> {
                fn drop(&mut self) {
                    let Count(board, shares) = *self;
                    if std::thread::panicking() {
                        board.broken.store(true, Ordering::Relaxed);
                    }
                    if board.finished.fetch_add(1, Ordering::AcqRel) + 1 == shares {
                        // With the owner's fence: either the owner sees this share done, or it is seen asleep.
                        fence(Ordering::SeqCst);
                        if board.asleep.load(Ordering::Relaxed) {
                            board.owner.unpark();
                        }
                    }
                }
            }
            let _count = Count(self, usize::from(ticket.shares));
            // SAFETY: `call` was stored from this very type of function. The exchange succeeded, so the ticket, its
            // generation included, is the one under which both pointers were read: they belong together, and `run`
            // keeps the closure alive until the share taken here has been counted.
            unsafe {
                let call: unsafe fn(*const (), usize) = std::mem::transmute(call);
                call(closure, usize::from(ticket.taken));
            }
            return Some(());
        }
    }

    /// Waits until so many shares are done: a short time awake, for a share is short, then asleep.
    fn wait_for(&self, shares: usize) {
        let done = || self.finished.load(Ordering::Acquire) >= shares;
        let mut patience = Patience::default();
        while !done() {
            if !patience.wait() {
                self.asleep.store(true, Ordering::Relaxed);
                fence(Ordering::SeqCst);
                while !done() {
                    park();
                }
                self.asleep.store(false, Ordering::Relaxed);
            }
        }
    }
}

/// Waits, when dropped, for every share: also when one of the owner's panicked, for `work` lives on the owner's stack.
struct Complete<'a> {
    board: &'a Board,
    shares: usize,
}

impl Drop for Complete<'_> {
    fn drop(&mut self) {
        // A second panic while the first one passes would end the process.
        while self.board.help() {}
        self.board.wait_for(self.shares);
    }
}

#[cfg(all(test, loom))]
mod tests {
    use super::*;
    use loom::sync::Arc;

    /// Two pieces of work of two shares each, a helper that comes whenever it likes, and an owner that falls asleep at once.
    #[test]
    fn model() {
        let mut model = loom::model::Builder::new();
        // A bug that takes more than three interruptions is not to be expected, and every order takes hours.
        model.preemption_bound = Some(3);
        model.check(|| {
            let (here, came) = loom::sync::mpsc::channel();
            // A thread of its own: loom takes a late unpark for the end of whatever else the owner waits for.
            let owner = loom::thread::spawn(move || {
                let board = Arc::new(Board::new());
                here.send(board.clone()).unwrap();
                for _ in 0..2 {
                    let done = [AtomicUsize::new(0), AtomicUsize::new(0)];
                    let work = |share: usize| {
                        done[share].fetch_add(1, Ordering::Relaxed);
                    };
                    board.run(2, work, || {});
                    assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1));
                }
                board.close();
            });
            let board = came.recv().unwrap();
            for _ in 0..3 {
                board.help();
            }
            owner.join().unwrap();
        });
    }
}
