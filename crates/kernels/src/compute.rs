//! Who computes, and on how many threads.
//!
//! A process has one [`Compute`], which owns as many permits as there are processors to use. Whoever wants to compute enters it
//! and gets a [`Team`]: the calling thread, which holds a permit, and helpers while permits are spare.
//!
//! * On an idle machine a query has all processors, so that it is answered soon.
//! * On a busy machine each request has one thread: helpers leave between two shares of work as soon as somebody waits, and the
//!   permit goes to whoever has waited longest. What is computed does not depend on who computes it.
//! * Nobody spins: a thread without work stays awake for 50 microseconds, then sleeps.
//!
//! ```
//! use vetted_kernels::{Compute, Deadline};
//!
//! let compute = Compute::with_threads(2);
//! let mut team = compute.enter(&Deadline::none())?;
//! let squares = team.map(0..100, || (), |_, number: u64, team| {
//!     team.check()?;
//!     Ok::<_, vetted_kernels::Expired>(number * number)
//! });
//! assert_eq!(squares.into_iter().collect::<Result<Vec<_>, _>>()?.iter().sum::<u64>(), 328_350);
//! # Ok::<(), vetted_kernels::Expired>(())
//! ```

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

pub use deadline::{Cancellation, Deadline, Expired};
use permits::Permits;
pub use team::Team;

mod board;
mod deadline;
mod patience;
mod permits;
mod team;

/// The processors that this process computes on. Clones share them; the last one to go ends its threads.
#[derive(Clone)]
pub struct Compute(Arc<Owner>);

struct Owner(Arc<Permits>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Compute {
    /// One of `threads` permits, at least one. Threads are started when they are first needed.
    pub fn with_threads(threads: usize) -> Compute {
        Compute(Arc::new(Owner(Arc::new(Permits::new(threads.max(1))))))
    }

    /// What the whole process shares unless told otherwise: one permit for each processor that it may use, or as many as the
    /// environment variable `VETTED_THREADS` says. Read once per process.
    pub fn of_this_process() -> Compute {
        static SHARED: OnceLock<Compute> = OnceLock::new();
        let shared = SHARED.get_or_init(|| {
            let wanted = std::env::var("VETTED_THREADS").ok().and_then(|threads| threads.trim().parse().ok());
            let there = || std::thread::available_parallelism().map_or(1, usize::from);
            Compute::with_threads(wanted.filter(|threads| *threads > 0).unwrap_or_else(there))
        });
        shared.clone()
    }

    /// A team, as soon as there is a permit for the calling thread: first come, first served. It is given back when the team is
    /// dropped.
    ///
    /// Enter once a request and pass the team down. A thread that enters while it holds a permit (also as a helper of somebody's
    /// team) does not wait for a second one, which might never come: it gets a team of itself alone.
    ///
    /// # Errors
    /// When the deadline is over before there is a permit.
    pub fn enter(&self, deadline: &Deadline) -> Result<Team, Expired> {
        deadline.check()?;
        if is_holder(self.permits()) {
            return Ok(Team::alone().until(deadline));
        }
        self.permits().acquire(deadline)?;
        mark_as_holder(self.permits());
        Ok(Team::of(self, deadline))
    }

    /// As [`enter`](Self::enter), however long it takes.
    pub fn team(&self) -> Team {
        // Without a deadline nothing can expire.
        self.enter(&Deadline::none()).unwrap_or_else(|_| Team::alone())
    }

    /// How many permits there are: the most threads that compute at once.
    pub fn threads(&self) -> usize {
        self.permits().threads()
    }

    /// How many threads wait for a permit just now.
    pub fn waiting(&self) -> usize {
        self.permits().waiting()
    }

    fn permits(&self) -> &Arc<Permits> {
        &self.0.0
    }
}

impl Default for Compute {
    /// [`of_this_process`](Compute::of_this_process).
    fn default() -> Self {
        Compute::of_this_process()
    }
}

impl std::fmt::Debug for Compute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compute").field("threads", &self.threads()).field("waiting", &self.waiting()).finish()
    }
}

thread_local! {
    /// Whose permits the thread holds: nearly always those of one.
    static HOLDS: RefCell<Vec<*const Permits>> = const { RefCell::new(Vec::new()) };
}

fn is_holder(permits: &Permits) -> bool {
    HOLDS.with_borrow(|holds| holds.contains(&std::ptr::from_ref(permits)))
}

fn mark_as_holder(permits: &Permits) {
    HOLDS.with_borrow_mut(|holds| holds.push(permits));
}

fn unmark_as_holder(permits: &Permits) {
    HOLDS.with_borrow_mut(|holds| {
        if let Some(at) = holds.iter().rposition(|held| *held == std::ptr::from_ref(permits)) {
            holds.swap_remove(at);
        }
    });
}

#[cfg(all(test, not(loom)))]
mod tests;
