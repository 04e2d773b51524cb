//! Ctrl-C and SIGTERM, for commands that bring what they have to disk before they end.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// Listens for the first signal; the second one ends the program at once, as any would have without it.
#[derive(Clone, Default)]
pub struct Interruption(Arc<AtomicI32>);

impl Interruption {
    /// From now on a first signal is answered by saying that the program ends after `what`.
    pub fn listen(what: &'static str) -> std::io::Result<Interruption> {
        let interruption = Interruption::default();
        #[cfg(unix)]
        {
            use signal_hook::consts::{SIGINT, SIGTERM};
            let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
            let first = interruption.0.clone();
            std::thread::spawn(move || {
                for signal in signals.forever() {
                    if first.swap(signal, Ordering::Relaxed) != NONE {
                        std::process::exit(status(signal).into());
                    }
                    eprintln!("stopping after {what}; a second Ctrl-C stops at once");
                }
            });
        }
        #[cfg(not(unix))]
        let _ = what;
        Ok(interruption)
    }

    /// Whether a signal has come.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed) != NONE
    }

    /// The error that ends a command, with what it left behind.
    pub fn error(&self, message: String) -> Interrupted {
        Interrupted { signal: self.0.load(Ordering::Relaxed), message }
    }
}

const NONE: i32 = 0;

/// The exit status that shells give to what a signal ended.
fn status(signal: i32) -> u8 {
    128u8.saturating_add(u8::try_from(signal).unwrap_or(0))
}

/// A command that was interrupted, and has kept what it had done.
#[derive(Debug)]
pub struct Interrupted {
    signal: i32,
    message: String,
}

impl Interrupted {
    /// 130 after Ctrl-C, 143 after SIGTERM.
    pub fn status(&self) -> u8 {
        status(self.signal)
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Interrupted {}
