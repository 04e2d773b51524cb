//! A line of work between the requests and the threads that compute.
//!
//! Requests put [`Work`] in and wait for its answer. One thread takes as much of it as it can do together, does a *step* of all
//! of it, hands out what is done, takes what has come meanwhile, and goes on: work of different clients shares batches, and a
//! small request that comes behind a large one does not wait for all of it. Nobody waits for a batch to fill.
//!
//! The line is bounded. What does not fit, or would not be done by its deadline, is refused at once with the time after which
//! trying again may help. Work whose client went away is dropped before its next step.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use vetted::{Cancellation, Deadline};

use crate::error::{Code, Failure};
use crate::metrics::QueueMetrics;

/// Something that can be done in steps, together with others of its kind.
pub(crate) trait Work: Send + 'static {
    /// What comes of it.
    type Answer: Send + 'static;

    /// How much it is, in texts, at least one.
    fn units(&self) -> usize;
}

/// How much a queue holds, and how much is done together.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    /// Requests that wait.
    pub(crate) waiting: usize,
    /// Units that wait.
    pub(crate) waiting_units: usize,
    /// Requests that are done together.
    pub(crate) together: usize,
}

/// A line of work, with the thread that does it. Clones are the same line.
pub(crate) struct Queue<W: Work>(Arc<Owner<W>>);

struct Owner<W: Work> {
    line: Arc<Line<W>>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

struct Line<W: Work> {
    bounds: Bounds,
    state: Mutex<State<W>>,
    came: Condvar,
    metrics: QueueMetrics,
}

struct State<W: Work> {
    waiting: VecDeque<Item<W>>,
    waiting_units: usize,
    /// Units of what is being done.
    active_units: usize,
    /// What a unit took lately, in seconds.
    seconds_per_unit: f64,
    closed: bool,
}

/// Work on its way.
pub(crate) struct Item<W: Work> {
    /// What is to be done.
    pub(crate) work: W,
    /// Until when; cancelled when the client goes away.
    pub(crate) deadline: Deadline,
    /// What came of it, once it is done.
    pub(crate) outcome: Option<Result<W::Answer, Failure>>,
    units: usize,
    came: Instant,
    begun: Option<Instant>,
    reply: oneshot::Sender<Answered<W>>,
}

/// What whoever handed in work is told.
type Answered<W> = Result<Done<<W as Work>::Answer>, Failure>;

/// What came of work, and how long that took.
pub(crate) struct Done<Answer> {
    pub(crate) answer: Answer,
    /// In line.
    pub(crate) waited: Duration,
    /// From its first step to its last.
    pub(crate) computed: Duration,
}

/// Cancels work when the future that waits for it is dropped, as it is when the client goes away.
struct CancelOnDrop(Cancellation);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl<W: Work> Clone for Queue<W> {
    fn clone(&self) -> Self {
        Queue(self.0.clone())
    }
}

impl<W: Work> Queue<W> {
    /// Starts the thread. `step` does some of each item's work, and leaves an outcome where all is done.
    pub(crate) fn start(
        name: &str,
        bounds: Bounds,
        metrics: QueueMetrics,
        step: impl FnMut(&mut [Item<W>]) + Send + 'static,
    ) -> std::io::Result<Queue<W>> {
        let state =
            State { waiting: VecDeque::new(), waiting_units: 0, active_units: 0, seconds_per_unit: 0.0, closed: false };
        let line = Arc::new(Line { bounds, state: Mutex::new(state), came: Condvar::new(), metrics });
        let own = line.clone();
        let worker = std::thread::Builder::new().name(format!("vetted-{name}")).spawn(move || own.run(step))?;
        Ok(Queue(Arc::new(Owner { line, worker: Mutex::new(Some(worker)) })))
    }

    /// Does `work`, and waits for it until `deadline`.
    pub(crate) async fn submit(&self, work: W, deadline: Instant) -> Result<Done<W::Answer>, Failure> {
        let cancellation = Cancellation::default();
        let until = Deadline::at(deadline).or_cancelled(&cancellation);
        let reply = self.0.line.put(work, until)?;
        let _cancel = CancelOnDrop(cancellation);
        match tokio::time::timeout_at(deadline.into(), reply).await {
            Ok(Ok(done)) => done,
            // The thread ended, which it does not while there is something to do.
            Ok(Err(_)) => Err(Failure::new(Code::Internal, "the thread that computes is gone; the log says why")),
            Err(_) => Err(vetted::Expired::Time.into()),
        }
    }

    /// How many requests wait.
    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.0.line.lock().waiting.len()
    }

    /// Takes nothing more, does what was taken, and ends the thread.
    pub(crate) fn finish(&self) {
        self.0.finish();
    }
}

impl<W: Work> Owner<W> {
    fn finish(&self) {
        self.line.lock().closed = true;
        self.line.came.notify_all();
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if worker.is_some_and(|worker| worker.join().is_err()) {
            tracing::error!("a thread that computes ended by a panic");
        }
    }
}

impl<W: Work> Drop for Owner<W> {
    fn drop(&mut self) {
        self.finish();
    }
}

impl<W: Work> Line<W> {
    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, work: W, deadline: Deadline) -> Result<oneshot::Receiver<Answered<W>>, Failure> {
        let units = work.units().max(1);
        let (reply, receiver) = oneshot::channel();
        let mut state = self.lock();
        if state.closed {
            return Err(Failure::new(
                Code::Unavailable,
                "the server is shutting down: ask another one, or ask again soon",
            ));
        }
        let wait = state.seconds_per_unit * (state.waiting_units + state.active_units) as f64;
        let seconds = wait.ceil() as u64;
        // A request that is larger than the whole line is taken where nobody waits.
        let full = state.waiting.len() >= self.bounds.waiting
            || (state.waiting_units > 0 && state.waiting_units + units > self.bounds.waiting_units);
        if full {
            self.metrics.refused();
            return Err(Failure::overloaded("the server has as much to do as it can hold: try again later", seconds));
        }
        let own = state.seconds_per_unit * units as f64;
        // Where there is nothing to do, a request is tried: the guess may be wrong.
        let late = state.waiting_units + state.active_units > 0
            && deadline.remaining().is_some_and(|remaining| remaining.as_secs_f64() < wait + own);
        if late {
            self.metrics.refused();
            let message = format!(
                "the server is busy for about {seconds} s, longer than this request allows: try again later, or allow more"
            );
            return Err(Failure::overloaded(message, seconds));
        }
        let came = Instant::now();
        state.waiting.push_back(Item { work, deadline, outcome: None, units, came, begun: None, reply });
        state.waiting_units += units;
        self.metrics.waiting(state.waiting.len());
        drop(state);
        self.came.notify_one();
        Ok(receiver)
    }

    fn run(&self, mut step: impl FnMut(&mut [Item<W>])) {
        let mut active: Vec<Item<W>> = Vec::new();
        loop {
            if !self.take(&mut active) {
                return;
            }
            active.retain(|item| !item.reply.is_closed());
            for item in &mut active {
                item.outcome = item.deadline.check().err().map(|expired| Err(expired.into()));
            }
            self.hand_out(&mut active);
            if active.is_empty() {
                continue;
            }
            let begun = Instant::now();
            active.iter_mut().for_each(|item| {
                item.begun.get_or_insert(begun);
            });
            self.metrics.step(active.len(), active.iter().map(|item| item.units).sum());
            // One request that nobody foresaw must not end the server.
            if catch_unwind(AssertUnwindSafe(|| step(&mut active))).is_err() {
                let failure = || Failure::new(Code::Internal, "vetted failed while it computed this; its log says how");
                active.iter_mut().for_each(|item| item.outcome = Some(Err(failure())));
            }
            let took = begun.elapsed();
            self.metrics.stepped(took);
            self.hand_out(&mut active);
        }
    }

    /// Adds what waits to what is being done; waits where there is nothing to do. False at the end.
    fn take(&self, active: &mut Vec<Item<W>>) -> bool {
        let mut state = self.lock();
        while active.is_empty() && state.waiting.is_empty() {
            state.active_units = 0;
            if state.closed {
                return false;
            }
            state = self.came.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        while active.len() < self.bounds.together
            && let Some(item) = state.waiting.pop_front()
        {
            state.waiting_units -= item.units;
            active.push(item);
        }
        state.active_units = active.iter().map(|item| item.units).sum();
        self.metrics.waiting(state.waiting.len());
        true
    }

    fn hand_out(&self, active: &mut Vec<Item<W>>) {
        let mut done_units = 0;
        let mut took = Duration::ZERO;
        let mut rest = Vec::with_capacity(active.len());
        for mut item in active.drain(..) {
            let Some(outcome) = item.outcome.take() else {
                rest.push(item);
                continue;
            };
            let (now, begun) = (Instant::now(), item.begun.unwrap_or(item.came));
            let (waited, computed) = (begun - item.came, now - begun);
            if outcome.is_ok() {
                done_units += item.units;
                took = took.max(computed);
            }
            self.metrics.done(waited);
            // A client that went away reads nothing.
            let _ = item.reply.send(outcome.map(|answer| Done { answer, waited, computed }));
        }
        *active = rest;
        if done_units > 0 {
            // What was done beside it is counted to it: a guess that is rather too long.
            let seconds = took.as_secs_f64() / done_units as f64;
            let mut state = self.lock();
            let before = state.seconds_per_unit;
            state.seconds_per_unit = if before == 0.0 { seconds } else { 0.8 * before + 0.2 * seconds };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// So many steps.
    struct Steps(usize);

    impl Work for Steps {
        type Answer = usize;

        fn units(&self) -> usize {
            self.0
        }
    }

    fn bounds(waiting: usize) -> Bounds {
        Bounds { waiting, waiting_units: 1_000, together: 4 }
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
    }

    fn in_a_minute() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    /// A queue that does a step of each item whenever it is let, and says how many items it did together.
    fn stepwise(waiting: usize) -> (Queue<Steps>, mpsc::Sender<()>, mpsc::Receiver<usize>) {
        let (go, wait) = mpsc::channel::<()>();
        let (say, said) = mpsc::channel();
        let queue =
            Queue::start("test", bounds(waiting), QueueMetrics::default(), move |items: &mut [Item<Steps>]| {
                let _ = say.send(items.len());
                let _ = wait.recv();
                for item in items {
                    item.work.0 -= 1;
                    if item.work.0 == 0 {
                        item.outcome = Some(Ok(item.units));
                    }
                }
            });
        (queue.unwrap(), go, said)
    }

    #[test]
    fn what_comes_later_joins_and_the_smaller_one_is_done_first() {
        let runtime = runtime();
        let (queue, go, said) = stepwise(10);
        let other = queue.clone();
        let large = runtime.spawn(async move { other.submit(Steps(4), in_a_minute()).await });
        assert_eq!(said.recv(), Ok(1));
        let other = queue.clone();
        let small = runtime.spawn(async move { other.submit(Steps(1), in_a_minute()).await });
        while queue.waiting() == 0 {
            std::thread::yield_now();
        }
        go.send(()).unwrap();
        assert_eq!(said.recv(), Ok(2), "both are done together");
        go.send(()).unwrap();
        assert_eq!(runtime.block_on(small).unwrap().map(|done| done.answer), Ok(1));
        assert!(!large.is_finished());
        for _ in 0..2 {
            go.send(()).unwrap();
        }
        assert_eq!(runtime.block_on(large).unwrap().map(|done| done.answer), Ok(4));
    }

    #[test]
    fn a_full_line_refuses_and_says_when_to_come_back() {
        let runtime = runtime();
        let (queue, go, said) = stepwise(1);
        let spawn = |queue: Queue<Steps>| runtime.spawn(async move { queue.submit(Steps(1), in_a_minute()).await });
        let first = spawn(queue.clone());
        assert_eq!(said.recv(), Ok(1));
        let second = spawn(queue.clone());
        while queue.waiting() == 0 {
            std::thread::yield_now();
        }
        let refused = runtime.block_on(queue.submit(Steps(1), in_a_minute())).err().unwrap();
        assert_eq!((refused.code, refused.retry_after.is_some()), (Code::Overloaded, true));
        go.send(()).unwrap();
        go.send(()).unwrap();
        assert!(runtime.block_on(first).unwrap().is_ok() && runtime.block_on(second).unwrap().is_ok());
    }

    #[test]
    fn what_nobody_waits_for_is_dropped_and_a_deadline_ends_the_waiting() {
        let runtime = runtime();
        let (queue, go, said) = stepwise(10);
        let other = queue.clone();
        let gone = runtime.spawn(async move { other.submit(Steps(1_000), in_a_minute()).await });
        assert_eq!(said.recv(), Ok(1));
        gone.abort();
        assert!(runtime.block_on(gone).is_err());
        go.send(()).unwrap();
        let soon = Instant::now() + Duration::from_millis(20);
        let late = runtime.block_on(queue.submit(Steps(1), soon)).err().unwrap();
        assert_eq!(late.code, Code::DeadlineExceeded);
        go.send(()).unwrap();
        assert_eq!(said.recv(), Ok(1), "the one that is late, and not the one that is gone");
    }

    #[test]
    fn what_was_taken_is_finished_and_nothing_more_is_taken() {
        let runtime = runtime();
        let (queue, go, said) = stepwise(10);
        let other = queue.clone();
        let taken = runtime.spawn(async move { other.submit(Steps(2), in_a_minute()).await });
        assert_eq!(said.recv(), Ok(1));
        go.send(()).unwrap();
        go.send(()).unwrap();
        queue.finish();
        assert_eq!(runtime.block_on(taken).unwrap().map(|done| done.answer), Ok(2));
        let refused = runtime.block_on(queue.submit(Steps(1), in_a_minute())).err().unwrap();
        assert_eq!(refused.code, Code::Unavailable);
    }
}
