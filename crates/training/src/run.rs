//! The training loop, whatever is trained.

use std::path::{Path, PathBuf};
use std::time::Instant;

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
    /// Taking steps.
    Training,
    /// Measuring on what is held out.
    Evaluating,
}

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
    pub(crate) patience: Option<usize>,
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
}

/// The names of a run's files.
const CHECKPOINT: &str = "checkpoint.safetensors";
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
                let state =
                    State { step: 0, best: None, without_best: 0, loss_sum: 0.0, loss_steps: 0, seconds: 0.0, origin };
                // From here on the folder is this run's.
                checkpoint::save(&path, &state, &parameters, &optimizer)?;
                state
            }
        };
        let metrics = Metrics::open(&out.join(METRICS), state.step)?;
        let gradients = (0..WORKERS).map(|_| parameters.zeros()).collect();
        Ok(Run { trainee, plan, out, parameters, optimizer, gradients, state, metrics })
    }

    /// Takes all steps that are left, and leaves the best weights in the folder.
    ///
    /// # Errors
    /// [`Error::Diverged`]; [`Error::Unwritable`] when the disk is full, older files being kept.
    pub(crate) fn complete(mut self, progress: &mut dyn FnMut(&Progress)) -> Result<Outcome, Error> {
        let steps = self.plan.batches.len();
        let (began, seconds_before) = (Instant::now(), self.state.seconds);
        let (mut seen, mut training) = (0usize, 0f64);
        let first = self.state.step;
        let mut report = Progress { steps, ..Progress::preparing() };
        if T::MEASURED_UNTRAINED && first == 0 && self.trainee.is_watched() && self.metrics.lines.is_empty() {
            progress(&Progress { stage: Stage::Evaluating, ..report.clone() });
            let held_out = self.evaluate()?;
            self.metrics.add(self.line(0, None, 0.0, 0.0, held_out))?;
            self.save()?;
        }
        report.held_out = self.metrics.lines.iter().rev().map(|line| line.held_out).find(|h| h.selection().is_some());
        while self.state.step < steps && !self.exhausted() {
            let step = self.state.step + 1;
            let since = Instant::now();
            let (loss, norm) = self.step(step)?;
            training += since.elapsed().as_secs_f64();
            seen += self.plan.batches[step - 1].len();
            self.state.step = step;
            self.state.loss_sum += loss;
            self.state.loss_steps += 1;

            let mean = Some(self.state.loss_sum / self.state.loss_steps as f64);
            report.stage = Stage::Training;
            report.step = step;
            report.loss = mean;
            report.pairs_per_second = seen as f64 / training.max(1e-9);
            report.seconds_left = began.elapsed().as_secs_f64() / (step - first) as f64 * (steps - step) as f64;
            let last = step == steps;
            let evaluated = self.trainee.is_watched() && (step.is_multiple_of(self.plan.evaluate_every) || last);
            let mut held_out = HeldOut::default();
            if evaluated {
                progress(&Progress { stage: Stage::Evaluating, ..report.clone() });
                held_out = self.evaluate()?;
                report.held_out = Some(held_out);
            }
            if evaluated || step.is_multiple_of(self.plan.log_every) || last {
                self.metrics.add(self.line(step, mean, norm, report.pairs_per_second, held_out))?;
                (self.state.loss_sum, self.state.loss_steps) = (0.0, 0);
            }
            if step.is_multiple_of(self.plan.checkpoint_every) || last || self.exhausted() {
                self.state.seconds = seconds_before + began.elapsed().as_secs_f64();
                self.save()?;
            }
            progress(&report);
        }
        self.finish()
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

    fn save(&self) -> Result<(), Error> {
        checkpoint::save(&self.out.join(CHECKPOINT), &self.state, &self.parameters, &self.optimizer)?;
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
