//! Bringing the text index on disk up to date, in the background and when asked.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::notice::Notice;
use crate::shared::{Shared, lock};
use crate::state::State;
use crate::text::{Files, failure};

/// How long changes may wait for others, to be written together.
const PATIENCE: Duration = Duration::from_secs(2);
/// So many documents wait for no others.
const MANY: usize = 4096;
/// How long after a failure nothing is tried.
const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// Whoever writes so many bytes of text faster than tantivy takes them in waits for it, so that memory does not fill.
const MOST_BYTES_WAITING: usize = 64 << 20;

impl Shared {
    /// Writes to the text index on disk what was written to the store. Searches find the same before, meanwhile and after.
    pub(crate) fn write_text(&self) -> Result<()> {
        let mut writer = lock(&self.text_writer);
        let (state, reading) = self.moment()?;
        let Some(text) = &state.text else { return Ok(()) };
        let difference = text.recent_difference(&state.roster);
        if difference.is_empty() {
            return Ok(());
        }
        text.files().write(&mut writer, &difference, &reading, &self.settings)?;
        self.renew_text(text.files(), state.sequence)
    }

    /// As [`write_text`](Self::write_text); where tantivy fails, it gets an empty folder.
    pub(crate) fn write_text_or_rebuild(&self) -> Result<()> {
        let Err(error) = self.write_text() else { return Ok(()) };
        let Error::Text { source, .. } = &error else { return Err(error) };
        let mut writer = lock(&self.text_writer);
        *writer = None;
        let (state, reading) = self.moment()?;
        let (text, documents) = self.rebuild_text(&state.roster, &reading, &mut writer)?;
        self.renew_text(text.files(), state.sequence)?;
        self.notices.add(Notice::TextRebuilt { reason: source.to_string(), documents });
        Ok(())
    }

    /// Waits for tantivy's merges, and lets go of what writes.
    pub(crate) fn settle_text(&self) -> Result<()> {
        let mut writer = lock(&self.text_writer);
        let Some(files) = self.states.current().text.as_ref().map(|text| text.files().clone()) else { return Ok(()) };
        if files.settle(&mut writer)? {
            self.renew_text(&files, 0)?;
        }
        Ok(())
    }

    /// Makes searches find in tantivy's files what is there now, of which `included` is the last transaction.
    fn renew_text(&self, files: &Arc<Files>, included: u64) -> Result<()> {
        let fail = |source| failure(files.path(), source);
        files.reload().map_err(fail)?;
        let _no_change = lock(&self.writing);
        loop {
            let current = self.states.current();
            let Some(text) = &current.text else { return Ok(()) };
            let text = text.renewed(files, &current.roster, included).map_err(fail)?;
            if self.states.replace(&current, Arc::new(State { text: Some(text), ..State::clone(&current) })) {
                return Ok(());
            }
        }
    }
}

/// The thread that brings the text index up to date, until this value is dropped.
pub(crate) struct Background {
    wanted: Arc<(Mutex<Wanted>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Wanted {
    /// When the first change came that is not on disk.
    since: Option<Instant>,
    /// How many documents have changed since.
    documents: usize,
    /// Whether to end.
    end: bool,
}

impl Background {
    /// Starts the thread.
    pub(crate) fn start(shared: Arc<Shared>) -> Result<Self> {
        let wanted = Arc::<(Mutex<Wanted>, Condvar)>::default();
        let (its_wanted, directory) = (wanted.clone(), shared.directory.clone());
        let thread =
            std::thread::Builder::new().name("vetted-text".to_owned()).spawn(move || work(&shared, &its_wanted));
        let thread = thread.map_err(|source| Error::Io { action: "start a thread for", path: directory, source })?;
        Ok(Self { wanted, thread: Some(thread) })
    }

    /// Says that so many documents have changed.
    pub(crate) fn changed(&self, shared: &Shared, documents: usize) {
        let (wanted, condition) = &*self.wanted;
        {
            let mut wanted = lock(wanted);
            wanted.since.get_or_insert_with(Instant::now);
            wanted.documents += documents;
        }
        condition.notify_one();
        let waiting = shared.states.current().text.as_ref().map_or(0, |text| text.bytes_waiting());
        if waiting > MOST_BYTES_WAITING {
            // If it fails, the thread will say so.
            let _ = shared.write_text();
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let (wanted, condition) = &*self.wanted;
        lock(wanted).end = true;
        condition.notify_one();
        // A panic of the thread's has been printed; what it was writing is made again when the index is next opened.
        self.thread.take().map(JoinHandle::join);
    }
}

fn work(shared: &Shared, (wanted, condition): &(Mutex<Wanted>, Condvar)) {
    let mut not_before = Instant::now();
    loop {
        let mut waiting = lock(wanted);
        loop {
            if waiting.end {
                return;
            }
            let now = Instant::now();
            let due = waiting.since.map(|since| if waiting.documents >= MANY { now } else { since + PATIENCE });
            let due = due.map(|due| due.max(not_before));
            let timeout = match due {
                Some(due) if due <= now => break,
                Some(due) => due - now,
                None => Duration::from_secs(3600),
            };
            let woken = condition.wait_timeout(waiting, timeout);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        *waiting = Wanted::default();
        drop(waiting);
        if let Err(error) = shared.write_text() {
            shared.notices.add(Notice::TextNotWritten { reason: error.to_string() });
            not_before = Instant::now() + AFTER_FAILURE;
            lock(wanted).since.get_or_insert_with(Instant::now);
        }
    }
}
