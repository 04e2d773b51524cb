//! How far a long command has come: a bar in a terminal, and a line a minute in a log.

use std::io::{IsTerminal, stderr};
use std::ops::Deref;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::{printable, say};

/// A bar on standard error. Where that is no terminal, nothing is drawn, and a line says every minute how far it is, so that a
/// short command says nothing and a long one is not silent for hours.
pub struct Bar {
    bar: ProgressBar,
    _log: Option<Log>,
}

impl Deref for Bar {
    type Target = ProgressBar;

    fn deref(&self) -> &ProgressBar {
        &self.bar
    }
}

/// What is counted.
#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Things,
    /// Of a run that knows best itself how long it takes.
    #[cfg(feature = "train")]
    Steps,
    /// Nothing: it takes as long as it takes.
    #[cfg(feature = "train")]
    Time,
}

/// A bar over `total` bytes (a spinner where the total is not known).
pub fn byte_bar(total: Option<u64>) -> Bar {
    let template = match total {
        Some(_) => "{wide_bar:.cyan/dim} {bytes:>10}/{total_bytes} {msg} {eta:>4} left",
        None => "{spinner} {bytes:>10} {msg} {elapsed}",
    };
    bar(total, template, Unit::Bytes, "")
}

/// A bar over `total` things with its own estimate of the time left (without one where the total is 0).
pub fn count_bar(total: u64, message: &str) -> Bar {
    match total {
        0 => bar(None, "{spinner} {pos} {msg} {elapsed}", Unit::Things, message),
        total => {
            bar(Some(total), "{wide_bar:.cyan/dim} {pos}/{len} {msg} {per_sec} {eta:>4} left", Unit::Things, message)
        }
    }
}

/// A bar over the steps of a run that knows best itself how long it takes.
#[cfg(feature = "train")]
pub fn step_bar(total: u64) -> Bar {
    bar(Some(total), "{wide_bar:.cyan/dim} {pos}/{len} {msg}", Unit::Steps, "")
}

/// For what cannot be counted while it is done.
#[cfg(feature = "train")]
pub fn spinner(message: &str) -> Bar {
    let spinner = bar(None, "{spinner} {msg} {elapsed}", Unit::Time, message);
    if !spinner.is_hidden() {
        spinner.enable_steady_tick(Duration::from_millis(200));
    }
    spinner
}

fn bar(total: Option<u64>, template: &str, unit: Unit, message: &str) -> Bar {
    let drawn = stderr().is_terminal();
    let target = if drawn { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(total, target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(printable(message));
    let log = (!drawn).then(|| {
        let bar = bar.clone();
        Log::every(MINUTE, move || say(line(&bar, unit)))
    });
    Bar { bar, _log: log }
}

const MINUTE: Duration = Duration::from_secs(60);

/// Where a bar stands, in words.
fn line(bar: &ProgressBar, unit: Unit) -> String {
    let (done, total, elapsed) = (bar.position(), bar.length(), bar.elapsed());
    let message = bar.message();
    let left = total.filter(|total| done > 0 && *total >= done).map(|total| {
        let left = elapsed.mul_f64((total - done) as f64 / done as f64);
        format!(", {} left", HumanDuration(left))
    });
    let left = left.unwrap_or_else(|| format!(", after {}", HumanDuration(elapsed)));
    match (unit, total) {
        (Unit::Bytes, Some(total)) => format!("{} of {}: {message}{left}", HumanBytes(done), HumanBytes(total)),
        (Unit::Bytes, None) => format!("{}: {message}{left}", HumanBytes(done)),
        (Unit::Things, total) => {
            let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
            format!("{message}: {done}{of}, {}{left}", crate::terminal::rate(done, elapsed))
        }
        #[cfg(feature = "train")]
        (Unit::Steps, total) => format!("step {done} of {}: {message}", total.unwrap_or(done)),
        #[cfg(feature = "train")]
        (Unit::Time, _) => format!("{message}{left}"),
    }
}

/// Says something again and again, until it is dropped.
struct Log {
    /// Gone when there is nothing more to say.
    going_on: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    fn every(pause: Duration, say: impl Fn() + Send + 'static) -> Log {
        let (going_on, ended) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            while matches!(ended.recv_timeout(pause), Err(RecvTimeoutError::Timeout)) {
                say();
            }
        });
        Log { going_on: Some(going_on), thread: Some(thread) }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.going_on.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Condvar};

    use super::*;

    #[test]
    fn a_log_has_a_line_for_every_pause_and_none_after_the_end() {
        let told = Arc::new((Mutex::new(0), Condvar::new()));
        let teller = told.clone();
        let log = Log::every(Duration::from_millis(5), move || {
            *teller.0.lock().unwrap() += 1;
            teller.1.notify_all();
        });
        drop(told.1.wait_while(told.0.lock().unwrap(), |lines| *lines < 3).unwrap());
        drop(log);
        let lines = *told.0.lock().unwrap();
        std::thread::sleep(Duration::from_millis(30));
        assert_eq!(*told.0.lock().unwrap(), lines);

        let count = Arc::new(AtomicUsize::new(0));
        let counter = count.clone();
        let log = Log::every(MINUTE, move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        drop(log);
        assert_eq!(count.load(Ordering::Relaxed), 0, "what takes less than a minute says nothing, and is not held up");
    }

    #[test]
    fn a_line_says_how_far_it_is_and_how_long_it_will_take() {
        let at = |done: u64, total: Option<u64>| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden())
                .with_elapsed(Duration::from_secs(60))
                .with_message("40 documents, 2/s");
            bar.set_position(done);
            bar
        };
        assert_eq!(
            line(&at(1 << 20, Some(3 << 20)), Unit::Bytes),
            "1.00 MiB of 3.00 MiB: 40 documents, 2/s, 2 minutes left"
        );
        assert_eq!(line(&at(1 << 20, None), Unit::Bytes), "1.00 MiB: 40 documents, 2/s, after 60 seconds");
        assert_eq!(line(&at(0, Some(1 << 20)), Unit::Bytes), "0 B of 1.00 MiB: 40 documents, 2/s, after 60 seconds");
        #[cfg(feature = "train")]
        assert_eq!(line(&at(7, Some(94)), Unit::Steps), "step 7 of 94: 40 documents, 2/s");
        assert!(line(&at(30, Some(90)), Unit::Things).ends_with(": 30 of 90, 0.50/s, 2 minutes left"));
    }
}
