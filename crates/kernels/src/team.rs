//! Threads that work on one text together.
//!
//! A short query takes well under a millisecond, spread over two dozen matrix products: waking threads for each of them
//! would cost more than it saves. A [`Team`] wakes them once. Its helpers then watch for work until the team is
//! dropped, and take shares of it as the calling thread does; a helper that never comes is not waited for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The calling thread, and helpers from the current rayon pool while this value lives.
///
/// What is computed does not depend on who computes it: shares of work have borders of their own.
pub struct Team {
    board: Option<Arc<Board>>,
    size: usize,
}

/// No text is so long that more threads would help, and each costs processor time while it watches.
const LARGEST: usize = 16;

/// Rows of a matrix that are too few to share, where each costs less than a microsecond.
const ROWS_TOGETHER: usize = 16;

/// What the members of a team see.
#[derive(Default)]
struct Board {
    /// Which work is up, how many shares it has and how many of them are taken; see [`Ticket`].
    ticket: AtomicU64,
    finished: AtomicUsize,
    /// Whether a helper's share panicked.
    broken: AtomicBool,
    /// The work: a closure, and the function that calls it.
    closure: AtomicPtr<()>,
    call: AtomicPtr<()>,
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

impl Team {
    /// The calling thread alone.
    pub fn alone() -> Team {
        Team { board: None, size: 1 }
    }

    /// The calling thread and the other threads of the current rayon pool, as soon as they are free.
    pub fn gather() -> Team {
        let size = rayon::current_num_threads().min(LARGEST);
        if size == 1 {
            return Team::alone();
        }
        let board = Arc::new(Board::default());
        for _ in 1..size {
            let board = board.clone();
            rayon::spawn(move || board.help());
        }
        Team { board: Some(board), size }
    }

    /// How many threads there are at most.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Calls `work` with every piece, each once, and returns when all calls have.
    ///
    /// # Panics
    /// When a call does.
    pub fn each<T: Send>(&mut self, pieces: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
        if self.board.is_none() {
            return pieces.for_each(work);
        }
        let pieces: Vec<Mutex<Option<T>>> = pieces.map(|piece| Mutex::new(Some(piece))).collect();
        self.run(pieces.len(), |share| {
            let piece = pieces[share].lock().map(|mut piece| piece.take());
            piece.ok().flatten().into_iter().for_each(&work);
        });
    }

    /// Into how many rows at a time the work on `rows` rows, each of about a microsecond, is best cut.
    pub fn rows_at_a_time(&self, rows: usize) -> usize {
        ROWS_TOGETHER.max(rows.div_ceil(self.pieces(rows).max(1)))
    }

    /// In how many pieces `units` of work are best done: some for each thread, so that one that comes late takes fewer.
    pub(crate) fn pieces(&self, units: usize) -> usize {
        if self.size == 1 { 1 } else { units.min(4 * self.size) }
    }

    /// Calls `work` with every number below `shares`, each once, and returns when all calls have.
    pub(crate) fn run<W: Fn(usize) + Sync>(&mut self, shares: usize, work: W) {
        let Some(board) = self.board.as_ref().filter(|_| (2..=usize::from(u16::MAX)).contains(&shares)) else {
            (0..shares).for_each(work);
            return;
        };
        /// # Safety
        /// `closure` points to a living `W`.
        unsafe fn call<W: Fn(usize)>(closure: *const (), share: usize) {
            // SAFETY: the caller's contract.
            unsafe { (*closure.cast::<W>())(share) };
        }
        let complete = Complete { board, shares };
        board.closure.store((&raw const work).cast_mut().cast(), Ordering::Relaxed);
        board.call.store(call::<W> as unsafe fn(*const (), usize) as *mut (), Ordering::Relaxed);
        board.finished.store(0, Ordering::Relaxed);
        board.broken.store(false, Ordering::Relaxed);
        let generation = Ticket::read(board.ticket.load(Ordering::Relaxed)).generation;
        let generation = if generation + 1 == Ticket::GONE { 0 } else { generation + 1 };
        board.ticket.store(Ticket { generation, shares: shares as u16, taken: 0 }.bits(), Ordering::Release);
        while board.take_share().is_some() {}
        drop(complete);
        assert!(!board.broken.load(Ordering::Relaxed), "a helper's share of the work panicked");
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        if let Some(board) = &self.board {
            board.ticket.store(Ticket { generation: Ticket::GONE, shares: 0, taken: 0 }.bits(), Ordering::Release);
        }
    }
}

/// Waits, when dropped, for every share: also when one of the caller's panicked, for `work` lives on the caller's stack.
struct Complete<'a> {
    board: &'a Board,
    shares: usize,
}

impl Drop for Complete<'_> {
    fn drop(&mut self) {
        // A second panic while the first one passes would end the process.
        while !matches!(catch_unwind(AssertUnwindSafe(|| self.board.take_share())), Ok(None)) {}
        let mut patience = Patience::default();
        while self.board.finished.load(Ordering::Acquire) < self.shares {
            patience.wait();
        }
    }
}

impl Board {
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
            /// Counts the share as finished even when it panics: nobody must wait forever.
            struct Count<'a>(&'a Board);
            impl Drop for Count<'_> {
                fn drop(&mut self) {
                    if std::thread::panicking() {
                        self.0.broken.store(true, Ordering::Relaxed);
                    }
                    self.0.finished.fetch_add(1, Ordering::Release);
                }
            }
            let _count = Count(self);
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

    fn help(&self) {
        let mut patience = Patience::default();
        while Ticket::read(self.ticket.load(Ordering::Relaxed)).generation != Ticket::GONE {
            // A panic here would end the process; the team's caller is told instead.
            match catch_unwind(AssertUnwindSafe(|| self.take_share())) {
                Ok(Some(())) => patience = Patience::default(),
                Ok(None) => patience.wait(),
                Err(_) => {}
            }
        }
    }
}

/// Waiting without sleep: the next work is microseconds away. On a busy machine others get the processor meanwhile.
#[derive(Default)]
struct Patience(u32);

impl Patience {
    fn wait(&mut self) {
        self.0 += 1;
        if self.0.is_multiple_of(512) {
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_share_is_done_once() {
        for mut team in [Team::alone(), Team::gather(), Team::gather()] {
            for shares in (0..40).chain([1000]) {
                let counts: Vec<AtomicUsize> = (0..shares).map(|_| AtomicUsize::new(0)).collect();
                team.run(shares, |share| {
                    counts[share].fetch_add(1, Ordering::Relaxed);
                });
                assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1), "{shares} shares");
            }
        }
    }

    #[test]
    fn teams_inside_a_busy_pool_do_not_wait_for_each_other() {
        use rayon::prelude::*;
        let sum = AtomicUsize::new(0);
        (0..64).into_par_iter().for_each(|_| {
            let mut team = Team::gather();
            (0..20).for_each(|_| {
                team.run(5, |share| {
                    sum.fetch_add(share, Ordering::Relaxed);
                })
            });
        });
        assert_eq!(sum.into_inner(), 64 * 20 * 10);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_works_on() {
        for mut team in [Team::alone(), Team::gather()] {
            for _ in 0..20 {
                let run = AssertUnwindSafe(|| team.run(8, |share| assert!(share % 3 != 1)));
                assert!(catch_unwind(run).is_err());
                let count = AtomicUsize::new(0);
                team.run(8, |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                });
                assert_eq!(count.into_inner(), 8);
            }
        }
    }
}
