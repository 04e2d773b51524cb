//! How many search at once.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::available_parallelism;

/// A search in usearch needs working memory, of which there is a fixed number and which it does not wait for. There is
/// one for each processor, and here is where further threads wait.
pub(super) struct Seats {
    count: usize,
    free: Mutex<usize>,
    left: Condvar,
}

/// The right to search, until it is dropped.
pub(super) struct Seat<'seats>(&'seats Seats);

impl Default for Seats {
    fn default() -> Self {
        let count = available_parallelism().map_or(1, usize::from);
        Self { count, free: Mutex::new(count), left: Condvar::new() }
    }
}

impl Seats {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Waits until a seat is free.
    pub(super) fn take(&self) -> Seat<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.left.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Seat(self)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.left.notify_one();
    }
}
