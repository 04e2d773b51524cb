//! The training loop, whatever is trained.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::checkpoint::{self, Origin, State};
use crate::held_out::HeldOut;
use crate::metrics::{Line, Metrics};
use crate::optimizer::{Optimizer, Rates, combine, schedule};
use crate::parameters::{Gradients, Parameters};
use crate::{Error, curve};

/// Where a run stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Steps taken.
    pub step: usize,
    /// Steps of the whole run, unless it stops early.
    pub steps: usize,
    /// Mean loss since the last line of metrics.
    pub loss: Option<f64>,
    /// On what is held out, when last evaluated.
    pub held_out: Option<HeldOut>,
    /// Training pairs, or triplets, per second.
    pub pairs_per_second: f64,
    /// Until the last step, evaluations included.
    pub seconds_left: f64,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading weights, turning texts into tokens.
    Preparing,
    /// Going on from a checkpoint, after [`Progress::step`] steps.
    Resuming,
    /// Taking steps.
    Training,
    /// Measuring on what is held out.
    Evaluating,
}

/// Who is told where a run stands, and says whether it goes on. At a break it writes a checkpoint and ends with
/// [`Error::Interrupted`]; started again, it goes on from there.
pub type Watcher<'a> = dyn FnMut(&Progress) -> ControlFlow<()> + 'a;

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The folder with the model.
    pub folder: PathBuf,
    /// Steps taken.
    pub steps: usize,
    /// Whether it stopped because nothing got better any more.
    pub stopped_early: bool,
    /// The step whose weights were exported: the best on what is held out, the last without any.
    pub exported_step: usize,
    /// Their figures on what is held out.
    pub held_out: Option<HeldOut>,
    /// Numbers trained.
    pub parameters: usize,
}

/// Parts of a batch that are computed apart. It is no setting, for another number gives other sums.
pub(crate) const WORKERS: usize = 2;

/// What is trained: it knows its losses and its files, and nothing of steps and checkpoints.
pub(crate) trait Trainee {
    /// What is fitted to the held-out examples beside the weights. The default is for a model without any.
    type Fitted: Default;

    /// Whether the weights before the first step are measured, and may be the best.
    const MEASURED_UNTRAINED: bool;

    /// The loss of a batch at step `step`, from 1, and each worker's gradients, whose sum is the batch's.
    fn learn(
        &self,
        batch: &[usize],
        step: usize,
        parameters: &Parameters,
        gradients: &mut [Gradients],
    ) -> Result<f64, Error>;

    /// Whether anything is held out.
    fn is_watched(&self) -> bool;

    /// Figures on what is held out.
    fn evaluate(&self, parameters: &Parameters) -> Result<(HeldOut, Self::Fitted), Error>;

    /// Writes the model.
    fn export(&self, parameters: &Parameters, fitted: Self::Fitted) -> Result<(), Error>;
}

/// What the loop goes by.
pub(crate) struct Plan {
    /// The examples of every step.
    pub(crate) batches: Vec<Vec<usize>>,
    /// Examples of a full batch, and of a pass over all of them.
    pub(crate) batch: usize,
    pub(crate) examples: usize,
    pub(crate) rates: Rates,
    /// Which of the highest rates is shown in metrics.
    pub(crate) shown_rate: f64,
    pub(crate) log_every: usize,
    pub(crate) evaluate_every: usize,
    pub(crate) checkpoint_every: usize,
    pub(crate) between: Between,
    pub(crate) patience: Option<usize>,
}

/// The longest that a run goes without a checkpoint, for what was not checkpointed is lost if it is killed. When that is
/// does not change what comes out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Between {
    /// From the start: short, as mistakes are seen early.
    pub(crate) first: Duration,
    /// From then on.
    pub(crate) later: Duration,
}

impl Default for Between {
    fn default() -> Self {
        Between { first: Duration::from_secs(10), later: Duration::from_secs(120) }
    }
}

/// Everything a run holds.
pub(crate) struct Run<'a, T> {
    trainee: T,
    plan: Plan,
    out: &'a Path,
    parameters: Parameters,
    optimizer: Optimizer,
    gradients: Vec<Gradients>,
    state: State,
    metrics: Metrics,
    clock: Clock,
}

/// When this process began with the run, and when it last wrote a checkpoint.
struct Clock {
    began: Instant,
    /// Seconds that earlier processes worked on the run.
    before: f64,
    saved: Option<Instant>,
}

impl Clock {
    fn seconds(&self) -> f64 {
        self.before + self.began.elapsed().as_secs_f64()
    }

    /// Whether the run has gone without a checkpoint for as long as it may.
    fn is_time(&self, between: Between) -> bool {
        match self.saved {
            None => self.began.elapsed() >= between.first,
            Some(saved) => saved.elapsed() >= between.later,
        }
    }
}

/// The names of a run's files.
pub(crate) const CHECKPOINT: &str = "checkpoint.safetensors";
const METRICS: &str = "metrics.jsonl";
const CURVE: &str = "curve.svg";

impl<'a, T: Trainee> Run<'a, T> {
    /// Begins the run in the folder `out`, or goes on from its last checkpoint there. `model_files` are names that only
    /// another model's files can have before the first checkpoint.
    ///
    /// # Errors
    /// [`Error::OtherRun`], [`Error::OtherVerifier`]; those of files that cannot be read or written.
    pub(crate) fn begin(
        trainee: T,
        plan: Plan,
        mut parameters: Parameters,
        origin: Origin,
        out: &'a Path,
        model_files: &[&str],
    ) -> Result<Run<'a, T>, Error> {
        let mut optimizer = Optimizer::new(&parameters);
        let path = out.join(CHECKPOINT);
        let state = match path.exists() {
            true => checkpoint::load(&path, &origin, &mut parameters, &mut optimizer)?,
            false => {
                if let Some(path) = model_files.iter().map(|file| out.join(file)).find(|file| file.exists()) {
                    return Err(Error::OtherVerifier { path });
                }
                let state = State {
                    step: 0,
                    unsettled: None,
                    best: None,
                    without_best: 0,
                    loss_sum: 0.0,
                    loss_steps: 0,
                    seconds: 0.0,
                    origin,
                };
                // From here on the folder is this run's.
                checkpoint::save(&path, &state, &parameters, &optimizer)?;
                state
            }
        };
        // A step that is not settled writes its line again.
        let settled = if state.unsettled.is_some() { state.step.saturating_sub(1) } else { state.step };
        let metrics = Metrics::open(&out.join(METRICS), settled)?;
        let gradients = (0..WORKERS).map(|_| parameters.zeros()).collect();
        let clock = Clock { began: Instant::now(), before: state.seconds, saved: None };
        Ok(Run { trainee, plan, out, parameters, optimizer, gradients, state, metrics, clock })
    }

    /// Takes all steps that are left, and leaves the best weights in the folder.
    ///
    /// # Errors
    /// [`Error::Diverged`]; [`Error::Interrupted`] when `watcher` says so; [`Error::Unwritable`] when the disk is full, older
    /// files being kept.
    pub(crate) fn complete(mut self, watcher: &mut Watcher<'_>) -> Result<Outcome, Error> {
        let steps = self.plan.batches.len();
        let (mut seen, mut training) = (0usize, 0f64);
        let first = self.state.step;
        let mut report = Progress { step: first, steps, ..Progress::preparing() };
        if first > 0 {
            self.tell(watcher, &Progress { stage: Stage::Resuming, ..report.clone() })?;
        } else if T::MEASURED_UNTRAINED && self.trainee.is_watched() && self.metrics.lines.is_empty() {
            self.tell(watcher, &Progress { stage: Stage::Evaluating, ..report.clone() })?;
            let held_out = self.evaluate()?;
            self.metrics.add(self.line(0, None, 0.0, 0.0, held_out))?;
            self.save()?;
        }
        report.stage = Stage::Training;
        report.held_out = self.metrics.lines.iter().rev().map(|line| line.held_out).find(|h| h.selection().is_some());
        while !self.is_over() {
            if self.state.unsettled.is_none() {
                let step = self.state.step + 1;
                let since = Instant::now();
                let (loss, norm) = self.step(step)?;
                training += since.elapsed().as_secs_f64();
                seen += self.plan.batches[step - 1].len();
                self.state.step = step;
                self.state.unsettled = Some(norm);
                self.state.loss_sum += loss;
                self.state.loss_steps += 1;
                report.step = step;
                report.pairs_per_second = seen as f64 / training.max(1e-9);
                let each = self.clock.began.elapsed().as_secs_f64() / (step - first) as f64;
                report.seconds_left = each * (steps - step) as f64;
            }
            self.settle(&mut report, watcher)?;
            self.tell(watcher, &report)?;
        }
        self.finish()
    }

    /// What belongs to the last step beside the step itself: evaluation, metrics, checkpoint. A checkpoint that was written
    /// before the evaluation leads here, too.
    fn settle(&mut self, report: &mut Progress, watcher: &mut Watcher<'_>) -> Result<(), Error> {
        let Some(norm) = self.state.unsettled else { return Ok(()) };
        let step = self.state.step;
        let last = step == self.plan.batches.len();
        let mean = Some(self.state.loss_sum / self.state.loss_steps.max(1) as f64);
        report.loss = mean;
        let evaluated = self.trainee.is_watched() && (step.is_multiple_of(self.plan.evaluate_every) || last);
        let mut held_out = HeldOut::default();
        if evaluated {
            // It may take longer than a run should go without a checkpoint.
            if self.clock.saved.unwrap_or(self.clock.began).elapsed() >= self.plan.between.first {
                self.save()?;
            }
            self.tell(watcher, &Progress { stage: Stage::Evaluating, ..report.clone() })?;
            held_out = self.evaluate()?;
            report.held_out = Some(held_out);
        }
        if evaluated || step.is_multiple_of(self.plan.log_every) || last {
            self.metrics.add(self.line(step, mean, norm, report.pairs_per_second, held_out))?;
            (self.state.loss_sum, self.state.loss_steps) = (0.0, 0);
        }
        self.state.unsettled = None;
        let due = step.is_multiple_of(self.plan.checkpoint_every) || self.clock.is_time(self.plan.between);
        if due || self.is_over() {
            self.save()?;
        }
        Ok(())
    }

    /// Says where the run stands. Where the answer is that it shall stop, and anything is left to do, it is brought to disk
    /// first.
    fn tell(&mut self, watcher: &mut Watcher<'_>, report: &Progress) -> Result<(), Error> {
        if watcher(report).is_continue() || self.is_over() {
            return Ok(());
        }
        self.save()?;
        Err(Error::Interrupted { step: self.state.step, steps: self.plan.batches.len() })
    }

    /// Whether nothing is left to do.
    fn is_over(&self) -> bool {
        self.state.unsettled.is_none() && (self.state.step >= self.plan.batches.len() || self.exhausted())
    }

    /// One step: every worker's gradients, their sum, and the optimizer. The loss, and the gradients' norm.
    fn step(&mut self, step: usize) -> Result<(f64, f64), Error> {
        let Plan { batches, rates, .. } = &self.plan;
        let loss = self.trainee.learn(&batches[step - 1], step, &self.parameters, &mut self.gradients)?;
        let norm = combine(&mut self.gradients);
        if !(loss.is_finite() && norm.is_finite()) {
            let checkpoint = Some(self.out.join(CHECKPOINT)).filter(|path| path.exists());
            return Err(Error::Diverged { step, loss, norm, rate: self.rate(step), checkpoint });
        }
        self.optimizer.step(rates, &mut self.parameters, &self.gradients[0], norm, step, batches.len());
        Ok((loss, norm))
    }

    /// Measures on what is held out, and exports the weights if they are the best so far.
    fn evaluate(&mut self) -> Result<HeldOut, Error> {
        let (held_out, fitted) = self.trainee.evaluate(&self.parameters)?;
        let figure = held_out.selection();
        if figure.is_some_and(|figure| self.state.best.is_none_or(|(best, _)| figure > best)) {
            self.trainee.export(&self.parameters, fitted)?;
            self.state.best = figure.map(|figure| (figure, self.state.step));
            self.state.without_best = 0;
        } else {
            self.state.without_best += 1;
        }
        Ok(held_out)
    }

    /// Whether nothing has got better for as long as the recipe waits.
    fn exhausted(&self) -> bool {
        self.plan.patience.is_some_and(|patience| self.state.best.is_some() && self.state.without_best >= patience)
    }

    fn rate(&self, step: usize) -> f64 {
        self.plan.shown_rate * schedule(&self.plan.rates, step, self.plan.batches.len())
    }

    fn line(&self, step: usize, loss: Option<f64>, norm: f64, pairs_per_second: f64, held_out: HeldOut) -> Line {
        let epoch = (step * self.plan.batch) as f64 / self.plan.examples as f64;
        Line { step, epoch, loss, rate: self.rate(step), norm, pairs_per_second, held_out }
    }

    fn save(&mut self) -> Result<(), Error> {
        self.state.seconds = self.clock.seconds();
        checkpoint::save(&self.out.join(CHECKPOINT), &self.state, &self.parameters, &self.optimizer)?;
        self.clock.saved = Some(Instant::now());
        curve::draw(&self.out.join(CURVE), &self.metrics.lines)
    }

    fn finish(self) -> Result<Outcome, Error> {
        let exported_step = match self.state.best {
            Some((_, step)) => step,
            None => {
                self.trainee.export(&self.parameters, T::Fitted::default())?;
                self.state.step
            }
        };
        let of_step = |line: &&Line| line.step == exported_step && line.held_out.selection().is_some();
        Ok(Outcome {
            folder: self.out.into(),
            steps: self.state.step,
            stopped_early: self.state.step < self.plan.batches.len(),
            exported_step,
            held_out: self.metrics.lines.iter().find(of_step).map(|line| line.held_out),
            parameters: self.parameters.count(),
        })
    }
}

impl Progress {
    pub(crate) fn preparing() -> Progress {
        Progress {
            stage: Stage::Preparing,
            step: 0,
            steps: 0,
            loss: None,
            held_out: None,
            pairs_per_second: 0.0,
            seconds_left: 0.0,
        }
    }
}

/// A thread for each piece of work; what they make, in order.
pub(crate) fn in_parallel<T: Send, R: Send>(
    work: impl Iterator<Item = T>,
    each: impl Fn(T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    std::thread::scope(|scope| {
        let each = &each;
        let handles: Vec<_> = work.map(|piece| scope.spawn(move || each(piece))).collect();
        handles.into_iter().map(|handle| handle.join().map_err(|_| Error::Worker)?).collect()
    })
}

#[cfg(test)]
mod tests;
