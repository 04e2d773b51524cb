//! Waiting for what is a few microseconds away.

use std::time::{Duration, Instant};

/// So long a thread stays awake: about what it costs to put one to sleep and to wake it again.
const AWAKE: Duration = Duration::from_micros(50);

/// How long a thread has waited.
#[derive(Default)]
pub(super) struct Patience {
    looks: u32,
    since: Option<Instant>,
}

impl Patience {
    /// Waits a moment; false once it has lasted long enough and the thread should sleep.
    pub(super) fn wait(&mut self) -> bool {
        if cfg!(any(loom, miri)) {
            return false;
        }
        self.looks += 1;
        if self.looks.is_multiple_of(32) {
            let since = *self.since.get_or_insert_with(Instant::now);
            return since.elapsed() < AWAKE;
        }
        std::hint::spin_loop();
        true
    }
}
