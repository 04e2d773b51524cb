//! Training of verifiers on labelled pairs.

use std::path::Path;

use vetted_reader::Calibrations;

use crate::base::Base;
use crate::batches::{Set, sample, shards};
use crate::checkpoint::Origin;
use crate::example::Example;
use crate::held_out::HeldOut;
use crate::loss::loss;
use crate::model::{Model, Pass, Start, Worker, principal_view, read_parameters};
use crate::ops::{Dropout, Ops};
use crate::parameters::{Gradients, Parameters};
use crate::random::{Purpose, Random};
use crate::recipe::Recipe;
use crate::run::{Between, Outcome, Plan, Progress, Run, Trainee, WORKERS, Watcher, in_parallel};
use crate::scoring::score;
use crate::tensors::TensorFile;
use crate::{Error, calibration, export};

/// Trains a verifier on `train` and leaves the weights that are best on `held_out` in the folder `out`, with
/// `metrics.jsonl`, `curve.svg` and `checkpoint.safetensors`. `start` is an earlier verifier's folder: what it has in the
/// same shape is where training begins.
///
/// A run that was killed, or stopped by `watcher`, goes on from its last checkpoint when started again with the same
/// arguments, and ends in the same weights, bit for bit, as one that never was. There is a checkpoint at least every two
/// minutes of steps.
///
/// # Errors
/// [`Error::Interrupted`] when `watcher` breaks off;
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
    watcher: &mut Watcher<'_>,
) -> Result<Outcome, Error> {
    recipe.check(base.shape.layers, base.shape.hidden)?;
    if !train.iter().any(Example::is_labelled) {
        return Err(Error::NoExamples { set: "training" });
    }
    // Nothing is lost yet: who wants it to stop is asked again when it has begun.
    let _ = watcher(&Progress::preparing());
    std::fs::create_dir_all(out).map_err(|source| Error::Unwritable { path: out.into(), source })?;
    let out_json = |source| Error::Json { path: out.into(), source };
    if let Some(folder) = start {
        export::read_config(base, &folder.join("config.json"))?; // it must be over this base
    }
    let start = start.map(|folder| TensorFile::open(&folder.join("model.safetensors"))).transpose()?;
    let train = Set::new(base, recipe, train)?;
    let held_out = Set::new(base, recipe, held_out)?;
    let plan = Plan {
        batches: train.batches(recipe)?,
        batch: recipe.batch,
        examples: train.pairs.len(),
        rates: recipe.rates(),
        shown_rate: recipe.reader_rate,
        log_every: recipe.log_every,
        evaluate_every: recipe.evaluate_every,
        checkpoint_every: recipe.checkpoint_every,
        between: Between::default(),
        patience: recipe.patience,
    };
    let model = Model::new(base, recipe, ops(recipe)?)?;
    let mut parameters = read_parameters(base, recipe, start.as_ref().map_or(Start::Fresh, Start::From))?;
    narrow(&model, recipe, start.as_ref(), &train, &mut parameters)?;
    let origin = Origin {
        recipe: serde_json::to_value(recipe).map_err(out_json)?,
        base: base.sha256.clone(),
        start: start.as_ref().map(TensorFile::sha256),
        train: train.fingerprint(),
        held_out: held_out.fingerprint(),
    };
    let workers = (0..WORKERS).map(|_| Worker::default()).collect();
    let verifier = Verifier { recipe, base, out, model, workers, train, held_out };
    Run::begin(verifier, plan, parameters, origin, out, &export::FILES)?.complete(watcher)
}

/// A verifier in training.
struct Verifier<'a> {
    recipe: &'a Recipe,
    base: &'a Base,
    out: &'a Path,
    model: Model,
    workers: Vec<Worker>,
    train: Set,
    held_out: Set,
}

impl Trainee for Verifier<'_> {
    type Fitted = Calibrations;

    const MEASURED_UNTRAINED: bool = false;

    fn learn(
        &self,
        batch: &[usize],
        step: usize,
        parameters: &Parameters,
        gradients: &mut [Gradients],
    ) -> Result<f64, Error> {
        let Verifier { model, recipe, .. } = self;
        let bound = model.bind(parameters)?;
        let shards = shards(&self.train, recipe, batch, step, WORKERS);
        let work = self.workers.iter().zip(gradients).zip(&shards).enumerate();
        let losses = in_parallel(work, |(index, ((worker, gradients), shard))| {
            let random = Random::new(recipe.seed, Purpose::Dropout, &[step as u64, index as u64]);
            let pass = &mut Pass::Training(Dropout::new(recipe.dropout, random));
            if shard.targets.is_empty() {
                gradients.iter_mut().for_each(|values| values.fill(0.0));
                return Ok(0.0);
            }
            let logits = model.logits(&bound, &shard.input, worker, pass)?;
            let loss = loss(&logits, shard, recipe)?;
            model.gradients(&loss, &bound, parameters, worker, gradients)?;
            Ok(f64::from(loss.to_scalar::<f32>()?))
        })?;
        Ok(losses.iter().sum())
    }

    fn is_watched(&self) -> bool {
        !self.held_out.pairs.is_empty()
    }

    /// Areas under the curve on the held-out pairs, and the calibration that is fitted to them.
    fn evaluate(&self, parameters: &Parameters) -> Result<(HeldOut, Calibrations), Error> {
        let bound = self.model.bind(parameters)?;
        let logits = score(&self.model, &bound, &self.workers, &self.held_out)?;
        let pairs = &self.held_out.pairs;
        Ok((HeldOut::of(&logits, pairs), calibration::fit(&logits, pairs)))
    }

    fn export(&self, parameters: &Parameters, calibration: Calibrations) -> Result<(), Error> {
        export::write(self.out, self.base, self.recipe, parameters, calibration)
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
