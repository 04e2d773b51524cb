//! Changes to the disk, then to memory.
//!
//! Whoever comes while nobody writes becomes the writer: for all that wait, in the order in which they came, with one write and
//! one call that brings it to the disk. Then the changes are made in memory, in the same order, and everybody is told. So memory
//! is always what reading the log would lead to, and nobody sees what a crash could take back.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::SystemTime;

use super::MemoryNotice;
use super::journal::Change;
use super::journal_file::{self, Format, Opened};
use super::lock::FolderLock;
use super::shelves::Shelves;
use crate::BackendError;

const FILE: &str = "entries.log";
/// A log is written anew when it is longer than twice what is live, and this.
const SLACK: u64 = 4 << 20;
/// No more than so many bytes are written at once, and so at most lost to one failure.
const MOST_AT_ONCE: usize = 16 << 20;

/// The log of a folder, and what it says in memory.
pub(super) struct Durable {
    log: Arc<Log>,
    compacting: Mutex<Option<JoinHandle<()>>>,
    is_compacting: Arc<AtomicBool>,
    _lock: FolderLock,
}

struct Log {
    path: PathBuf,
    shelves: Arc<RwLock<Shelves>>,
    line: Mutex<Line>,
    moved: Condvar,
}

/// Who waits, and who writes.
struct Line {
    waiting: VecDeque<Waiting>,
    /// Taken by who writes.
    writer: Option<Writer>,
    length: u64,
    /// Why nothing can be written any more.
    stopped: Option<String>,
}

struct Waiting {
    change: Change,
    record: Vec<u8>,
    outcome: Arc<Mutex<Option<Result<usize, Failed>>>>,
}

struct Writer {
    file: File,
    format: Format,
    length: u64,
}

/// A failure that is told to everybody whose change was part of it.
#[derive(Clone)]
enum Failed {
    Io { action: &'static str, code: Option<i32>, kind: io::ErrorKind, message: String },
    Stopped { reason: String },
}

impl Durable {
    pub(super) fn open(
        folder: &Path,
        shelves: Arc<RwLock<Shelves>>,
    ) -> Result<(Durable, Vec<MemoryNotice>), BackendError> {
        let io = |action, path: &Path| {
            let path = path.to_owned();
            move |source| BackendError::Io { action, path, source }
        };
        fs::create_dir_all(folder).map_err(io("create", folder))?;
        let lock = FolderLock::take(folder)?;
        remove_drafts(folder);
        let path = folder.join(FILE);
        let now = SystemTime::now();
        let opened = {
            let mut shelves = shelves.write().unwrap_or_else(PoisonError::into_inner);
            journal_file::open(&path, |change| {
                shelves.apply(change, now);
            })?
        };
        let Opened { file, format, length, notice } = opened;
        let writer = Some(Writer { file, format, length });
        let line = Mutex::new(Line { waiting: VecDeque::new(), writer, length, stopped: None });
        let log = Arc::new(Log { path, shelves, line, moved: Condvar::new() });
        let (compacting, is_compacting) = (Mutex::new(None), Arc::new(AtomicBool::new(false)));
        let durable = Durable { log, compacting, is_compacting, _lock: lock };
        durable.compact_if_long();
        Ok((durable, notice.into_iter().collect()))
    }

    /// Makes a change that outlives the process; says how many live entries it removed.
    pub(super) fn write(&self, change: Change) -> Result<usize, BackendError> {
        self.write_many(vec![change]).pop().unwrap_or(Ok(0))
    }

    /// As [`write`](Self::write), of several: together, as far as they fit.
    pub(super) fn write_many(&self, changes: Vec<Change>) -> Vec<Result<usize, BackendError>> {
        let outcomes = self.log.write(changes);
        self.compact_if_long();
        outcomes
    }

    pub(super) fn log_bytes(&self) -> u64 {
        self.log.line().length
    }

    pub(super) fn compact(&self) -> Result<(), BackendError> {
        self.wait_for_compacting();
        self.log.compact()
    }

    fn compact_if_long(&self) {
        let live = self.log.shelves.read().unwrap_or_else(PoisonError::into_inner).bytes();
        if self.log_bytes() < 2 * live + SLACK || self.is_compacting.swap(true, Ordering::AcqRel) {
            return;
        }
        let (log, is_compacting) = (self.log.clone(), self.is_compacting.clone());
        let begun = std::thread::Builder::new().name("vetted-cache-log".into()).spawn(move || {
            if let Err(error) = log.compact() {
                tracing::warn!(%error, "the log of a cache could not be written anew; it goes on as it is");
                // Not again at once: a disk that is full stays so for a while.
                std::thread::sleep(std::time::Duration::from_secs(1));
            }
            is_compacting.store(false, Ordering::Release);
        });
        match begun {
            Ok(thread) => *self.compacting.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread),
            Err(_) => self.is_compacting.store(false, Ordering::Release),
        }
    }

    fn wait_for_compacting(&self) {
        let thread = self.compacting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for Durable {
    fn drop(&mut self) {
        self.wait_for_compacting();
    }
}

impl Log {
    fn write(&self, changes: Vec<Change>) -> Vec<Result<usize, BackendError>> {
        let waiting = |change: Change| {
            let mut record = Vec::new();
            change.write_to(&mut record);
            Waiting { change, record, outcome: Arc::new(Mutex::new(None)) }
        };
        let waiting: Vec<Waiting> = changes.into_iter().map(waiting).collect();
        let mut open: VecDeque<_> = waiting.iter().map(|waiting| waiting.outcome.clone()).collect();
        let mut outcomes = Vec::with_capacity(open.len());
        let mut line = self.line();
        line.waiting.extend(waiting);
        loop {
            // Each is told in its turn, so the first that is not told is waited for.
            while let Some(outcome) = open.front().and_then(|outcome| taken(outcome)) {
                open.pop_front();
                outcomes.push(outcome.map_err(|failed| self.error(&failed)));
            }
            if open.is_empty() {
                return outcomes;
            }
            match line.writer.take() {
                None => line = self.moved.wait(line).unwrap_or_else(PoisonError::into_inner),
                Some(mut writer) => {
                    let batch = next_batch(&mut line.waiting);
                    let stopped = line.stopped.clone();
                    drop(line);
                    let stopped = match stopped {
                        Some(reason) => {
                            tell(batch, &Failed::Stopped { reason: reason.clone() });
                            Some(reason)
                        }
                        None => self.write_batch(&mut writer, batch).err(),
                    };
                    line = self.line();
                    line.length = writer.length;
                    line.writer = Some(writer);
                    line.stopped = stopped;
                    self.moved.notify_all();
                }
            }
        }
    }

    /// Fails, with the reason, where nothing can be written any more.
    fn write_batch(&self, writer: &mut Writer, batch: Vec<Waiting>) -> Result<(), String> {
        let mut frame = Format::room();
        batch.iter().for_each(|waiting| frame.extend(&waiting.record));
        let frame = writer.format.close(frame);
        if let Err(error) = writer.file.write_all(&frame) {
            writer.format.take_back();
            // What was written of the frame must not stand before the next one.
            let length = writer.length;
            let undone = writer.file.set_len(length).and_then(|()| writer.file.seek(SeekFrom::Start(length)));
            tell(batch, &Failed::of("write to", &error));
            return undone.map(drop).map_err(|undoing| format!("{error}, then {undoing}"));
        }
        // After a failure here nobody knows what is on the disk and what is not.
        if let Err(error) = writer.file.sync_data() {
            tell(batch, &Failed::of("bring to the disk", &error));
            return Err(error.to_string());
        }
        writer.length += frame.len() as u64;
        let now = SystemTime::now();
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        for Waiting { change, outcome, .. } in batch {
            let removed = shelves.apply(change, now);
            *outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(Ok(removed));
        }
        Ok(())
    }

    /// Writes a new log of what is live while the old one goes on; then what came meanwhile, and puts it in the old one's place.
    fn compact(&self) -> Result<(), BackendError> {
        let io = |action| move |source| BackendError::Io { action, path: self.path.clone(), source };
        let (live, from) = {
            let writer = self.take_writer()?;
            let live = self.shelves.read().unwrap_or_else(PoisonError::into_inner).all();
            let from = writer.length;
            self.give_back(writer);
            (live, from)
        };
        let (draft, mut format, mut length) = journal_file::begin(&self.path).map_err(io("write"))?;
        let mut draft = BufWriter::with_capacity(1 << 20, draft);
        let now = SystemTime::now();
        let mut entries = live.iter().map(|kept| kept.entry()).filter(|entry| !entry.is_over(now)).peekable();
        while entries.peek().is_some() {
            let mut frame = Format::room();
            while frame.len() < 1 << 20
                && let Some(entry) = entries.next()
            {
                Change::Put(entry.clone()).write_to(&mut frame);
            }
            let frame = format.close(frame);
            draft.write_all(&frame).map_err(io("write"))?;
            length += frame.len() as u64;
        }
        drop(live);

        // Nobody writes from here on, until the new log is in its place.
        let old = self.take_writer()?;
        let written = (|| {
            for content in contents(&self.path, from, old.length)? {
                let mut frame = Format::room();
                frame.extend(content);
                let frame = format.close(frame);
                draft.write_all(&frame)?;
                length += frame.len() as u64;
            }
            draft.into_inner().map_err(io::IntoInnerError::into_error)
        })();
        let draft = match written {
            Ok(draft) => draft,
            Err(source) => {
                self.give_back(old);
                return Err(io("write")(source));
            }
        };
        if let Err(source) = draft.commit() {
            // The old log is still there, unless only the folder could not be brought to the disk: what were written to the old
            // one then would be lost.
            if format.is_of(&self.path) {
                self.line().stopped = Some(source.to_string());
            }
            self.give_back(old);
            return Err(io("replace")(source));
        }
        let reopened = File::options().read(true).write(true).open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(length))?;
            Ok(file)
        });
        match reopened {
            Ok(file) => {
                self.give_back(Writer { file, format, length });
                Ok(())
            }
            Err(source) => {
                self.line().stopped = Some(source.to_string());
                self.give_back(old);
                Err(io("open")(source))
            }
        }
    }

    /// The right to write, when nobody else has it.
    fn take_writer(&self) -> Result<Writer, BackendError> {
        let mut line = self.line();
        loop {
            if let Some(reason) = &line.stopped {
                return Err(BackendError::Stopped { path: self.path.clone(), reason: reason.clone() });
            }
            match line.writer.take() {
                Some(writer) => return Ok(writer),
                None => line = self.moved.wait(line).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn give_back(&self, writer: Writer) {
        let mut line = self.line();
        line.length = writer.length;
        line.writer = Some(writer);
        self.moved.notify_all();
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, failed: &Failed) -> BackendError {
        let path = self.path.clone();
        match failed {
            Failed::Stopped { reason } => BackendError::Stopped { path, reason: reason.clone() },
            Failed::Io { action, code, kind, message } => {
                let source = code.map(io::Error::from_raw_os_error);
                let source = source.unwrap_or_else(|| io::Error::new(*kind, message.clone()));
                BackendError::Io { action, path, source }
            }
        }
    }
}

impl Failed {
    fn of(action: &'static str, error: &io::Error) -> Failed {
        Failed::Io { action, code: error.raw_os_error(), kind: error.kind(), message: error.to_string() }
    }
}

/// Whoever comes first, and who comes after as long as it is little.
fn next_batch(waiting: &mut VecDeque<Waiting>) -> Vec<Waiting> {
    let mut bytes = 0;
    let mut batch = Vec::new();
    while let Some(next) = waiting.pop_front_if(|next| bytes == 0 || bytes + next.record.len() <= MOST_AT_ONCE) {
        bytes += next.record.len();
        batch.push(next);
    }
    batch
}

fn tell(batch: Vec<Waiting>, failed: &Failed) {
    for waiting in batch {
        *waiting.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(Err(failed.clone()));
    }
}

fn taken<T>(outcome: &Mutex<Option<T>>) -> Option<T> {
    outcome.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The contents of the frames between two borders of frames.
fn contents(path: &Path, from: u64, to: u64) -> io::Result<Vec<Vec<u8>>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(to - from).read_to_end(&mut bytes)?;
    journal_file::contents(&bytes)
}

/// What a process that was killed while it wrote a log anew left behind.
fn remove_drafts(folder: &Path) {
    let Ok(files) = fs::read_dir(folder) else { return };
    for file in files.flatten() {
        let name = file.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&format!(".{FILE}.")) && name.ends_with(".partial") {
            let _ = fs::remove_file(file.path());
        }
    }
}
