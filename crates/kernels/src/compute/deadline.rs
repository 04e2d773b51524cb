//! When a piece of work is no longer wanted.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Until when a result is wanted: for ever, up to a moment, until somebody cancels, or both. Cheap to clone.
///
/// ```
/// use std::time::Duration;
/// use vetted_kernels::{Cancellation, Deadline, Expired};
///
/// let cancellation = Cancellation::default();
/// let deadline = Deadline::after(Duration::from_secs(5)).or_cancelled(&cancellation);
/// assert_eq!(deadline.check(), Ok(()));
/// cancellation.cancel();
/// assert_eq!(deadline.check(), Err(Expired::Cancelled));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Deadline {
    at: Option<Instant>,
    cancellation: Option<Cancellation>,
}

/// Tells the work that was given a [`Deadline`] with it to stop. Clones cancel the same work.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<Request>);

#[derive(Debug, Default)]
struct Request {
    cancelled: AtomicBool,
    /// Threads that sleep until they are given a permit, or this.
    sleeping: Mutex<Vec<Thread>>,
}

/// Why work was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expired {
    /// The time is over.
    Time,
    /// Somebody cancelled it.
    Cancelled,
}

impl Deadline {
    /// For ever.
    pub fn none() -> Deadline {
        Deadline::default()
    }

    /// Up to `moment`.
    pub fn at(moment: Instant) -> Deadline {
        Deadline { at: Some(moment), cancellation: None }
    }

    /// For so long from now; for ever where the clock does not reach so far.
    pub fn after(time: Duration) -> Deadline {
        Deadline { at: Instant::now().checked_add(time), cancellation: None }
    }

    /// The same, or until `cancellation` is cancelled. It takes the place of an earlier one.
    pub fn or_cancelled(self, cancellation: &Cancellation) -> Deadline {
        Deadline { cancellation: Some(cancellation.clone()), ..self }
    }

    /// The same, but no later than `moment`: for a part of the work that has a budget of its own.
    pub fn no_later_than(&self, moment: Instant) -> Deadline {
        Deadline { at: Some(self.at.map_or(moment, |at| at.min(moment))), cancellation: self.cancellation.clone() }
    }

    /// Whether the result is still wanted. Costs nothing without a deadline, and a look at the clock with one.
    ///
    /// # Errors
    /// When it is not, and why.
    pub fn check(&self) -> Result<(), Expired> {
        if self.cancellation.as_ref().is_some_and(Cancellation::is_cancelled) {
            return Err(Expired::Cancelled);
        }
        match self.at.is_some_and(|at| Instant::now() >= at) {
            true => Err(Expired::Time),
            false => Ok(()),
        }
    }

    /// How much time is left; none where there is no end.
    pub fn remaining(&self) -> Option<Duration> {
        self.at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// While the value lives, a cancellation unparks this thread.
    pub(super) fn listen(&self) -> Listening<'_> {
        if let Some(cancellation) = &self.cancellation {
            cancellation.sleeping().push(std::thread::current());
        }
        Listening(self.cancellation.as_ref())
    }
}

/// See [`Deadline::listen`].
pub(super) struct Listening<'a>(Option<&'a Cancellation>);

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        let Some(cancellation) = self.0 else { return };
        let mut sleeping = cancellation.sleeping();
        let own = std::thread::current().id();
        if let Some(at) = sleeping.iter().position(|thread| thread.id() == own) {
            sleeping.swap_remove(at);
        }
    }
}

impl Cancellation {
    /// Stops the work: what waits for a processor gives up at once, what runs at its next look.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        // A thread that is not in the list yet looks at the flag after it has put itself there.
        self.sleeping().iter().for_each(Thread::unpark);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    fn sleeping(&self) -> std::sync::MutexGuard<'_, Vec<Thread>> {
        self.0.sleeping.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Expired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Expired::Time => "the time allowed for this was over before it was done: allow more, or ask for less",
            Expired::Cancelled => "this was cancelled before it was done",
        })
    }
}

impl std::error::Error for Expired {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_of_two_ends_counts() {
        let now = Instant::now();
        let hour = Duration::from_secs(3600);
        assert_eq!(Deadline::none().check(), Ok(()));
        assert_eq!(Deadline::none().remaining(), None);
        assert_eq!(Deadline::at(now + hour).check(), Ok(()));
        assert_eq!(Deadline::at(now + hour).no_later_than(now).check(), Err(Expired::Time));
        assert_eq!(Deadline::at(now).no_later_than(now + hour).check(), Err(Expired::Time));
        assert_eq!(Deadline::after(Duration::MAX).check(), Ok(()));
    }

    #[test]
    fn clones_and_parts_are_cancelled_together() {
        let cancellation = Cancellation::default();
        let deadline = Deadline::none().or_cancelled(&cancellation);
        let part = deadline.no_later_than(Instant::now() + Duration::from_secs(3600));
        assert_eq!((deadline.clone().check(), part.check()), (Ok(()), Ok(())));
        cancellation.clone().cancel();
        assert_eq!((deadline.check(), part.check()), (Err(Expired::Cancelled), Err(Expired::Cancelled)));
    }
}
