//! Who waited in vain, and when: a server that hangs lets one lookup wait, and not each of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After a lookup that waited in vain, so long no other one waits. Then one tries.
const REST: Duration = Duration::from_millis(500);
/// So many places are remembered at most; then all are forgotten, which costs one wait each.
const PLACES: usize = 4096;

/// Places that did not answer in time. A place is a server, or a scope where a cluster has many.
#[derive(Default)]
pub(super) struct Patience(Mutex<HashMap<String, Instant>>);

impl Patience {
    /// Whether waiting is worth it. If nobody has waited for long enough, it is, and the others wait for what comes of it.
    pub(super) fn is_left(&self, place: &str) -> bool {
        let mut silent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match silent.get_mut(place) {
            None => true,
            Some(since) if since.elapsed() >= REST => {
                *since = Instant::now();
                true
            }
            Some(_) => false,
        }
    }

    /// Somebody waited in vain.
    pub(super) fn lost(&self, place: &str) {
        let mut silent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if silent.len() >= PLACES {
            silent.clear();
        }
        silent.insert(place.to_owned(), Instant::now());
    }

    /// It answered.
    pub(super) fn found(&self, place: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_wait_in_vain_one_at_a_time_tries() {
        let patience = Patience::default();
        assert!(patience.is_left("a") && patience.is_left("a"));
        patience.lost("a");
        assert!(!patience.is_left("a") && patience.is_left("b"));
        std::thread::sleep(REST + Duration::from_millis(20));
        assert!(patience.is_left("a") && !patience.is_left("a"), "one tries, the others do not wait for it");
        patience.found("a");
        assert!(patience.is_left("a") && patience.is_left("a"));
    }
}
