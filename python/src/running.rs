//! Work that takes long: without the interpreter's lock, on a thread that Ctrl-C does not wait for, and with panics caught.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use vetted::models::Progress;
use vetted::{Compute, Deadline};

use crate::errors::{Fault, invalid};

/// Stops work that was started with it: what waits gives up at once, what computes within a millisecond or so.
#[pyclass(frozen, module = "vetted._vetted")]
#[derive(Default)]
pub struct Cancellation(vetted::Cancellation);

#[pymethods]
impl Cancellation {
    #[new]
    fn new() -> Cancellation {
        Cancellation::default()
    }

    /// Stops the work.
    fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether it was cancelled.
    #[getter]
    fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// Until when a caller wants a result, and how the work is told that he does not any more.
#[derive(Clone)]
pub struct Wanted {
    /// For the library.
    pub deadline: Deadline,
    cancellation: vetted::Cancellation,
}

impl Wanted {
    /// Within so many seconds, and until `cancellation` is cancelled.
    pub fn new(timeout: Option<f64>, cancellation: Option<&Cancellation>) -> PyResult<Wanted> {
        let cancellation = cancellation.map(|it| it.0.clone()).unwrap_or_default();
        let deadline = match timeout {
            None => Deadline::none(),
            Some(seconds) => {
                let time = Duration::try_from_secs_f64(seconds).map_err(|_| {
                    invalid(format!("timeout is {seconds}: it must be a number of seconds, 0 or more; None for no end"))
                })?;
                Deadline::after(time)
            }
        };
        Ok(Wanted { deadline: deadline.or_cancelled(&cancellation), cancellation })
    }
}

/// How often Python's signals are looked at while work runs.
const LOOK: Duration = Duration::from_millis(20);

/// So long work that was cancelled is waited for. What cannot be cancelled, as a download, is then left alone.
const PATIENCE: Duration = Duration::from_secs(2);

/// Does the work, and meanwhile lets other Python threads run. On the main thread, where signals arrive, a handler that raises,
/// as that of Ctrl-C does, ends the wait: the work is cancelled, and what the handler raised is raised here.
pub fn run<T, E, Work>(py: Python<'_>, wanted: &Wanted, work: Work) -> PyResult<T>
where
    T: Send + 'static,
    Fault: From<E>,
    Work: FnOnce() -> Result<T, E> + Send + 'static,
{
    let guarded = move || match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Fault::from),
        Err(payload) => Err(Fault::of_panic(&*payload)),
    };
    if !is_main_thread(py)? {
        return Ok(py.detach(guarded)?);
    }
    let (waiting, done) = (thread::current(), Arc::new(AtomicBool::new(false)));
    let told = done.clone();
    let worker = thread::Builder::new().name("vetted-call".into()).spawn(move || {
        let result = guarded();
        // The thread itself is not over yet when the other one wakes up.
        told.store(true, Ordering::Release);
        waiting.unpark();
        result
    });
    let worker = worker.map_err(|error| Fault::Known((&error).into(), format!("cannot start a thread: {error}")))?;
    loop {
        let finished = py.detach(|| {
            if !done.load(Ordering::Acquire) {
                thread::park_timeout(LOOK);
            }
            done.load(Ordering::Acquire)
        });
        if finished {
            break;
        }
        if let Err(raised) = py.check_signals() {
            wanted.cancellation.cancel();
            py.detach(|| {
                let end = Instant::now() + PATIENCE;
                while !done.load(Ordering::Acquire) && Instant::now() < end {
                    thread::park_timeout(Duration::from_millis(1));
                }
            });
            return Err(raised);
        }
    }
    let result = py.detach(|| worker.join());
    Ok(result.unwrap_or_else(|payload| Err(Fault::of_panic(&*payload)))?)
}

fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    static THREADING: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
    let (main, current) = THREADING.get_or_try_init(py, || {
        let threading = py.import("threading")?;
        Ok::<_, PyErr>((threading.getattr("main_thread")?.unbind(), threading.getattr("get_ident")?.unbind()))
    })?;
    let main = main.bind(py).call0()?.getattr("ident")?;
    main.eq(current.bind(py).call0()?)
}

/// The processors that this process computes on. After a fork the threads of the parent are not there: a child has its own.
pub fn compute() -> Compute {
    static SHARED: Mutex<Option<(u32, Compute)>> = Mutex::new(None);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    match &*shared {
        Some((process, compute)) if *process == std::process::id() => compute.clone(),
        Some(_) => {
            let wanted = std::env::var("VETTED_THREADS").ok().and_then(|threads| threads.trim().parse().ok());
            let there = || thread::available_parallelism().map_or(1, usize::from);
            let compute = Compute::with_threads(wanted.filter(|threads| *threads > 0).unwrap_or_else(there));
            // The parent's is forgotten: to drop it would be to wait for threads that only the parent has.
            std::mem::forget(shared.replace((std::process::id(), compute.clone())));
            compute
        }
        None => {
            let compute = Compute::of_this_process();
            *shared = Some((std::process::id(), compute.clone()));
            compute
        }
    }
}

/// Something that is of use only in the process that made it, and that a forked child must not even drop: its threads, locks and
/// memory maps are the parent's.
pub struct OfProcess<T> {
    process: u32,
    value: Option<T>,
}

impl<T> OfProcess<T> {
    /// Of this process.
    pub fn new(value: T) -> OfProcess<T> {
        OfProcess { process: std::process::id(), value: Some(value) }
    }

    /// The value, unless this is a forked child.
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref().filter(|_| self.process == std::process::id())
    }
}

impl<T> Drop for OfProcess<T> {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            std::mem::forget(self.value.take());
        }
    }
}

/// Tells a Python function how a download comes along: it is called with what is done, the bytes that are there, and how many
/// there will be (None where it says something else). What it raises is kept, and raised when the work is done.
pub struct Told {
    function: Option<Py<PyAny>>,
    raised: Option<PyErr>,
}

impl Told {
    /// `None` tells nobody.
    pub fn new(function: Option<Py<PyAny>>) -> Told {
        Told { function, raised: None }
    }

    /// For the library.
    pub fn tell(&mut self, progress: &Progress<'_>) {
        let (what, done, total) = match progress {
            Progress::Fetching { file, bytes, total } => (format!("fetching {file}"), *bytes, Some(*total)),
            Progress::Unpacking { file, bytes, total } => (format!("unpacking {file}"), *bytes, Some(*total)),
            Progress::SourceFailed(attempt) => (attempt.failure.to_string(), 0, None),
            Progress::Waiting => ("another process is fetching this model; waiting for it".to_owned(), 0, None),
            _ => return,
        };
        self.call(what, done, total);
    }

    /// That so many things of so many are done.
    pub fn count(&mut self, what: &str, done: usize, total: usize) {
        self.call(what.to_owned(), done as u64, Some(total as u64));
    }

    fn call(&mut self, what: String, done: u64, total: Option<u64>) {
        let Some(function) = self.function.as_ref().filter(|_| self.raised.is_none()) else { return };
        // Nobody is told where the interpreter is going away.
        if let Some(Err(error)) = Python::try_attach(|py| function.bind(py).call1((what, done, total)).map(drop)) {
            self.raised = Some(error);
        }
    }

    /// What the function raised, if it raised something.
    pub fn end(self) -> Result<(), Fault> {
        self.raised.map_or(Ok(()), |error| Err(Fault::Raised(error)))
    }
}
