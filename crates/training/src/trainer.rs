//! The training loop.

use std::path::{Path, PathBuf};
use std::time::Instant;

use vetted_reader::Calibrations;

use crate::Error;
use crate::base::Base;
use crate::batches::{Set, Shard, sample, shards};
use crate::calibration;
use crate::checkpoint::{self, Origin, State};
use crate::example::Example;
use crate::held_out::HeldOut;
use crate::loss::loss;
use crate::metrics::{Line, Metrics};
use crate::model::{Model, Pass, Start, Worker, principal_view, read_parameters};
use crate::ops::{Dropout, Ops};
use crate::optimizer::{Optimizer, combine, schedule};
use crate::parameters::{Gradients, Parameters};
use crate::random::{Purpose, Random};
use crate::recipe::Recipe;
use crate::scoring::score;
use crate::tensors::TensorFile;
use crate::{curve, export};

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

/// The names of a run's files.
pub(crate) const CHECKPOINT: &str = "checkpoint.safetensors";
pub(crate) const METRICS: &str = "metrics.jsonl";
pub(crate) const CURVE: &str = "curve.svg";

/// Parts of a batch that are computed apart. It is no setting, for another number gives other sums.
pub(crate) const WORKERS: usize = 2;

/// Trains a verifier on `train` and leaves the weights that are best on `held_out` in the folder `out`, with
/// `metrics.jsonl`, `curve.svg` and `checkpoint.safetensors`. `start` is an earlier verifier's folder: what it has in the
/// same shape is where training begins.
///
/// A run that was killed goes on from its last checkpoint when started again with the same arguments, and ends in the same
/// weights, bit for bit, as one that never was.
///
/// # Errors
/// [`Error::Recipe`] and [`Error::NoExamples`] before anything is done; [`Error::OtherRun`] when
/// `out` holds another run's checkpoint, [`Error::OtherVerifier`] when it holds a verifier and no checkpoint;
/// [`Error::Base`] when `start` was trained over another encoder; [`Error::NoShare`];
/// [`Error::Diverged`] when the loss is no number any more; [`Error::Unwritable`] when the disk is full, older files being kept.
pub fn train(
    recipe: &Recipe,
    base: &Base,
    start: Option<&Path>,
    train: &[Example],
    held_out: &[Example],
    out: &Path,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Outcome, Error> {
    recipe.check(base.shape.layers, base.shape.hidden)?;
    if !train.iter().any(Example::is_labelled) {
        return Err(Error::NoExamples { set: "training" });
    }
    progress(&Progress::preparing());
    std::fs::create_dir_all(out).map_err(|source| Error::Unwritable { path: out.into(), source })?;
    let mut run = Run::prepare(recipe, base, start, train, held_out, out)?;
    let stopped_early = run.steps(progress)?;
    run.finish(stopped_early)
}

/// Everything a run holds.
struct Run<'a> {
    recipe: &'a Recipe,
    base: &'a Base,
    out: &'a Path,
    model: Model,
    parameters: Parameters,
    optimizer: Optimizer,
    workers: Vec<Worker>,
    gradients: Vec<Gradients>,
    train: Set,
    held_out: Set,
    state: State,
    metrics: Metrics,
    batches: Vec<Vec<usize>>,
}

impl<'a> Run<'a> {
    fn prepare(
        recipe: &'a Recipe,
        base: &'a Base,
        start: Option<&Path>,
        train: &[Example],
        held_out: &[Example],
        out: &'a Path,
    ) -> Result<Run<'a>, Error> {
        if let Some(folder) = start {
            export::read_config(base, &folder.join("config.json"))?; // it must be over this base
        }
        let start = start.map(|folder| TensorFile::open(&folder.join("model.safetensors"))).transpose()?;
        let train = Set::new(base, recipe, train)?;
        let held_out = Set::new(base, recipe, held_out)?;
        let batches = train.batches(recipe)?;
        let model = Model::new(base, recipe, ops(recipe)?)?;
        let mut parameters = read_parameters(base, recipe, start.as_ref().map_or(Start::Fresh, Start::From))?;
        narrow(&model, recipe, start.as_ref(), &train, &mut parameters)?;
        let mut optimizer = Optimizer::new(&parameters);
        let path = out.join(CHECKPOINT);
        let origin = Origin {
            recipe: serde_json::to_value(recipe).map_err(|source| Error::Json { path: path.clone(), source })?,
            base: base.sha256.clone(),
            start: start.as_ref().map(TensorFile::sha256),
            train: train.fingerprint(),
            held_out: held_out.fingerprint(),
        };
        let state = match path.exists() {
            true => checkpoint::load(&path, &origin, &mut parameters, &mut optimizer)?,
            false => {
                if let Some(path) = export::FILES.map(|file| out.join(file)).into_iter().find(|file| file.exists()) {
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
        let workers: Vec<Worker> = (0..WORKERS).map(|_| Worker::default()).collect();
        let gradients = workers.iter().map(|_| parameters.zeros()).collect();
        Ok(Run {
            recipe,
            base,
            out,
            model,
            parameters,
            optimizer,
            workers,
            gradients,
            train,
            held_out,
            state,
            metrics,
            batches,
        })
    }

    /// Takes all steps that are left; true when it stopped before the last one.
    fn steps(&mut self, progress: &mut dyn FnMut(&Progress)) -> Result<bool, Error> {
        let steps = self.batches.len();
        let per_pass = self.train.pairs.len() as f64 / self.recipe.batch as f64;
        let began = Instant::now();
        let (mut pairs, mut training) = (0usize, 0f64);
        let mut held_out = self.metrics.lines.iter().rev().map(|line| line.held_out).find(|h| h.selection().is_some());
        let first = self.state.step;
        while self.state.step < steps && !self.exhausted() {
            let step = self.state.step + 1;
            let batch = &self.batches[self.state.step];
            let since = Instant::now();
            pairs += batch.len();
            let shards = shards(&self.train, self.recipe, batch, step, WORKERS);
            let (loss, norm) = self.step(step, &shards)?;
            training += since.elapsed().as_secs_f64();
            self.state.step = step;
            self.state.loss_sum += loss;
            self.state.loss_steps += 1;

            let pairs_per_second = pairs as f64 / training.max(1e-9);
            let taken = (step - first) as f64;
            let seconds_left = began.elapsed().as_secs_f64() / taken * (steps - step) as f64;
            let mean = Some(self.state.loss_sum / self.state.loss_steps as f64);
            let mut report =
                Progress { stage: Stage::Training, step, steps, loss: mean, held_out, pairs_per_second, seconds_left };
            let last = step == steps;
            let evaluated =
                !self.held_out.pairs.is_empty() && (step.is_multiple_of(self.recipe.evaluate_every) || last);
            if evaluated {
                progress(&Progress { stage: Stage::Evaluating, ..report.clone() });
                held_out = Some(self.evaluate()?);
                report.held_out = held_out;
            }
            if evaluated || step.is_multiple_of(self.recipe.log_every) || last {
                self.metrics.add(Line {
                    step,
                    epoch: step as f64 / per_pass,
                    loss: mean,
                    rate: self.recipe.reader_rate * schedule(&self.recipe.rates(), step, steps),
                    norm,
                    pairs_per_second,
                    held_out: if evaluated { held_out.unwrap_or_default() } else { HeldOut::default() },
                })?;
                (self.state.loss_sum, self.state.loss_steps) = (0.0, 0);
            }
            if step.is_multiple_of(self.recipe.checkpoint_every) || last || self.exhausted() {
                self.state.seconds += began.elapsed().as_secs_f64();
                self.save()?;
            }
            progress(&report);
        }
        Ok(self.state.step < steps)
    }

    /// One step: every worker's gradients, their sum, and the optimizer.
    fn step(&mut self, step: usize, shards: &[Shard]) -> Result<(f64, f64), Error> {
        let bound = self.model.bind(&self.parameters)?;
        let (model, recipe, parameters) = (&self.model, self.recipe, &self.parameters);
        let work = self.workers.iter().zip(&mut self.gradients).zip(shards).enumerate();
        let losses = std::thread::scope(|scope| {
            let handles: Vec<_> = work
                .map(|(index, ((worker, gradients), shard))| {
                    let (bound, place) = (&bound, [step as u64, index as u64]);
                    scope.spawn(move || {
                        let random = Random::new(recipe.seed, Purpose::Dropout, &place);
                        let pass = &mut Pass::Training(Dropout::new(recipe.dropout, random));
                        if shard.targets.is_empty() {
                            gradients.iter_mut().for_each(|values| values.fill(0.0));
                            return Ok(0.0);
                        }
                        let logits = model.logits(bound, &shard.input, worker, pass)?;
                        let loss = loss(&logits, shard, recipe)?;
                        model.gradients(&loss, bound, parameters, worker, gradients)?;
                        Ok(f64::from(loss.to_scalar::<f32>()?))
                    })
                })
                .collect();
            let joined = handles.into_iter().map(|handle| handle.join().map_err(|_| Error::Worker)?);
            joined.collect::<Result<Vec<f64>, Error>>()
        })?;
        let loss = losses.iter().sum::<f64>();
        let norm = combine(&mut self.gradients);
        if !(loss.is_finite() && norm.is_finite()) {
            let rate = recipe.reader_rate * schedule(&recipe.rates(), step, self.batches.len());
            let checkpoint = Some(self.out.join(CHECKPOINT)).filter(|path| path.exists());
            return Err(Error::Diverged { step, loss, norm, rate, checkpoint });
        }
        let gradients = &self.gradients[0];
        self.optimizer.step(&recipe.rates(), &mut self.parameters, gradients, norm, step, self.batches.len());
        Ok((loss, norm))
    }

    /// Scores the held-out pairs, and exports the weights if they are the best so far.
    fn evaluate(&mut self) -> Result<HeldOut, Error> {
        let bound = self.model.bind(&self.parameters)?;
        let logits = score(&self.model, &bound, &self.workers, &self.held_out)?;
        let held_out = HeldOut::of(&logits, &self.held_out.pairs);
        let figure = held_out.selection();
        if figure.is_some_and(|figure| self.state.best.is_none_or(|(best, _)| figure > best)) {
            self.export(calibration::fit(&logits, &self.held_out.pairs))?;
            self.state.best = figure.map(|figure| (figure, self.state.step));
            self.state.without_best = 0;
        } else {
            self.state.without_best += 1;
        }
        Ok(held_out)
    }

    fn export(&self, calibration: Calibrations) -> Result<(), Error> {
        export::write(self.out, self.base, self.recipe, &self.parameters, calibration)
    }

    /// Whether nothing has got better for as long as the recipe waits.
    fn exhausted(&self) -> bool {
        self.recipe.patience.is_some_and(|patience| self.state.best.is_some() && self.state.without_best >= patience)
    }

    fn save(&self) -> Result<(), Error> {
        checkpoint::save(&self.out.join(CHECKPOINT), &self.state, &self.parameters, &self.optimizer)?;
        curve::draw(&self.out.join(CURVE), &self.metrics.lines)
    }

    fn finish(self, stopped_early: bool) -> Result<Outcome, Error> {
        let exported_step = match self.state.best {
            Some((_, step)) => step,
            None => {
                self.export(Calibrations::default())?;
                self.state.step
            }
        };
        let of_step = |line: &&Line| line.step == exported_step && line.held_out.selection().is_some();
        Ok(Outcome {
            folder: self.out.into(),
            steps: self.state.step,
            stopped_early,
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

/// The first CUDA device where this crate was built for one and there is one, else the CPU.
fn ops(recipe: &Recipe) -> Result<Ops, Error> {
    #[cfg(feature = "cuda")]
    if let device @ candle_core::Device::Cuda(_) = candle_core::Device::cuda_if_available(0)? {
        return Ok(Ops { device, backend: crate::ops::Backend::Plain });
    }
    Ok(Ops::kernels(recipe.arithmetic))
}

/// Begins the view, where neither `start` nor its width gives it, with the texts' principal directions.
fn narrow(
    model: &Model,
    recipe: &Recipe,
    start: Option<&TensorFile>,
    train: &Set,
    parameters: &mut Parameters,
) -> Result<(), Error> {
    let Some(at) = parameters.list.iter().position(|parameter| parameter.name == "view.weight") else { return Ok(()) };
    let shape = parameters.list[at].shape.clone();
    if start.is_some_and(|start| start.tensor("view.weight", &shape).is_ok()) {
        return Ok(());
    }
    let wider = start.and_then(|start| Some((start, start.shape("view.weight")?))).filter(|(_, of)| of[0] > shape[0]);
    let wide = wider.map(|(start, of)| start.tensor("view.weight", &[of[0], shape[1]])).transpose()?;
    let texts = sample(train, recipe, VIEW_TEXTS);
    let bound = model.bind(parameters)?;
    parameters.list[at].values = principal_view(model, &bound, &texts, shape[0], wide.as_deref(), recipe.seed)?;
    Ok(())
}

/// Texts whose tokens the view's first directions are taken from.
const VIEW_TEXTS: usize = 256;
