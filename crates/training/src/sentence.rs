//! Fine-tuning of sentence encoders on triplets: what the study and its audit are about.

mod contrast;
mod folder;
mod network;
mod recipe;

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use vetted_encoder::ModelFolder;
use vetted_evaluation::Collection;
use vetted_evaluation::collection::Hit;
use vetted_evaluation::metrics::retrieval::mean;
use vetted_kernels::{Isa, dots};
use vetted_pairs::triplets::Triplet;
use vetted_tensors::digest::Digest;

pub use self::recipe::{EncoderRecipe, TrainedPooling};

use self::contrast::{Batch, contrast};
use self::network::{Memory, Network};
use crate::base::Base;
use crate::checkpoint::{self, Origin, State};
use crate::held_out::HeldOut;
use crate::metrics::{Line, Metrics};
use crate::model::layer_parameters;
use crate::ops::Ops;
use crate::optimizer::{Optimizer, combine, schedule};
use crate::parameters::{Gradients, Parameters};
use crate::random::{Purpose, Random};
use crate::texts::Texts;
use crate::trainer::{CHECKPOINT, CURVE, METRICS, WORKERS};
use crate::{Error, Outcome, Progress, Stage, curve};

/// Fine-tunes the encoder in `base` on `triplets` and leaves a folder `out` that vetted and sentence-transformers load, with
/// `metrics.jsonl`, `curve.svg` and `checkpoint.safetensors` beside the model. With a retrieval set to watch, the weights
/// that are best on it are kept, those before the first step among them; without one, the last.
///
/// Its transformer layers are trained; embeddings stay as they are, and so does MPNet's table of distances. A run that was
/// killed goes on from its last checkpoint when started again with the same arguments, and ends in the same weights, bit for
/// bit, as one that never was.
///
/// # Errors
/// [`Error::Untrainable`], [`Error::Recipe`] and [`Error::TooFewTriplets`] before anything is done; those of files that
/// cannot be read; [`Error::OtherRun`] when `out` holds another run's checkpoint, [`Error::OtherVerifier`] when it holds a
/// model and no checkpoint; [`Error::Diverged`]; [`Error::Unwritable`] when the disk is full, older files being kept.
pub fn train_encoder(
    recipe: &EncoderRecipe,
    base: &ModelFolder,
    triplets: &[Triplet],
    watched: Option<&Collection>,
    out: &Path,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Outcome, Error> {
    let mut base = base.clone();
    base.settings.pooling = recipe.pooling.map_or(base.settings.pooling, Into::into);
    let base = &base;
    let opened = Base::of_folder(base)?;
    recipe.check(opened.shape.layers)?;
    if triplets.len() < 2 {
        return Err(Error::TooFewTriplets { got: triplets.len() });
    }
    progress(&Progress::preparing());
    std::fs::create_dir_all(out).map_err(|source| Error::Unwritable { path: out.into(), source })?;
    let mut run = Run::prepare(recipe, base, opened, triplets, watched, out)?;
    let stopped_early = run.steps(progress)?;
    run.finish(stopped_early)
}

/// Everything a run holds.
struct Run<'a> {
    recipe: &'a EncoderRecipe,
    folder: &'a ModelFolder,
    base: Base,
    out: &'a Path,
    network: Network,
    parameters: Parameters,
    optimizer: Optimizer,
    memories: Vec<Memory>,
    gradients: Vec<Gradients>,
    /// Token ids of every text of the triplets.
    texts: Vec<Vec<u32>>,
    /// Anchor, positive and negative, by their numbers among the texts.
    triplets: Vec<[Option<usize>; 3]>,
    /// The triplets of every step.
    batches: Vec<Vec<usize>>,
    watched: Option<Watched<'a>>,
    state: State,
    metrics: Metrics,
}

/// A retrieval set as token ids.
struct Watched<'a> {
    collection: &'a Collection,
    queries: Vec<Vec<u32>>,
    documents: Vec<Vec<u32>>,
}

impl<'a> Run<'a> {
    fn prepare(
        recipe: &'a EncoderRecipe,
        folder: &'a ModelFolder,
        base: Base,
        triplets: &[Triplet],
        watched: Option<&'a Collection>,
        out: &'a Path,
    ) -> Result<Run<'a>, Error> {
        let network =
            Network::new(&base, folder.settings.pooling, recipe.trained_from_layer, Ops::kernels(recipe.arithmetic))?;
        let mut parameters = Parameters { list: layer_parameters(&base, recipe.trained_from_layer)? };
        let mut optimizer = Optimizer::new(&parameters);
        let longest = folder.settings.max_tokens;
        let (texts, numbered) = numbered(folder, &base, triplets, recipe.max_tokens.min(longest))?;
        let watching = watched
            .map(|collection| -> Result<Watched<'a>, Error> {
                let prompts = &folder.settings.prompts;
                let queries = collection.queries();
                let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
                let documents: Vec<&str> = collection.texts.iter().map(String::as_str).collect();
                let queries = token_ids(folder, &base, &prompts.query, &queries, longest)?;
                let documents = token_ids(folder, &base, &prompts.document, &documents, longest)?;
                Ok(Watched { collection, queries, documents })
            })
            .transpose()?;
        let path = out.join(CHECKPOINT);
        let origin = Origin {
            recipe: serde_json::to_value(recipe).map_err(|source| Error::Json { path: path.clone(), source })?,
            base: base.sha256.clone(),
            start: None,
            train: digest(triplets.iter().flat_map(|t| [&t.anchor, &t.positive, &t.negative])),
            held_out: digest(watched.iter().flat_map(|set| set.ids.iter().chain(&set.texts))),
        };
        let state = match path.exists() {
            true => checkpoint::load(&path, &origin, &mut parameters, &mut optimizer)?,
            false => {
                if let Some(path) =
                    [folder::WEIGHTS, "modules.json"].map(|name| out.join(name)).into_iter().find(|f| f.exists())
                {
                    return Err(Error::OtherVerifier { path });
                }
                let state =
                    State { step: 0, best: None, without_best: 0, loss_sum: 0.0, loss_steps: 0, seconds: 0.0, origin };
                // From here on the folder is this run's.
                checkpoint::save(&path, &state, &parameters, &optimizer)?;
                state
            }
        };
        Ok(Run {
            metrics: Metrics::open(&out.join(METRICS), state.step)?,
            memories: (0..WORKERS).map(|_| Memory::default()).collect(),
            gradients: (0..WORKERS).map(|_| parameters.zeros()).collect(),
            batches: batches(recipe, numbered.len()),
            triplets: numbered,
            watched: watching,
            recipe,
            folder,
            base,
            out,
            network,
            parameters,
            optimizer,
            texts,
            state,
        })
    }

    /// Takes all steps that are left; true when it stopped before the last one.
    fn steps(&mut self, progress: &mut dyn FnMut(&Progress)) -> Result<bool, Error> {
        let steps = self.batches.len();
        let began = Instant::now();
        let (mut seen, mut training) = (0usize, 0f64);
        let first = self.state.step;
        let mut report = Progress { steps, ..Progress::preparing() };
        if first == 0 && self.watched.is_some() && self.metrics.lines.is_empty() {
            progress(&Progress { stage: Stage::Evaluating, ..report.clone() });
            let held_out = self.evaluate()?;
            self.metrics.add(self.line(0, None, 0.0, 0.0, held_out))?;
            self.save()?;
        }
        report.held_out = self.metrics.lines.iter().rev().map(|line| line.held_out).find(|h| h.retrieval.is_some());
        while self.state.step < steps && !self.exhausted() {
            let step = self.state.step + 1;
            let since = Instant::now();
            let (loss, norm) = self.step(step)?;
            training += since.elapsed().as_secs_f64();
            seen += self.batches[step - 1].len();
            self.state.step = step;
            self.state.loss_sum += loss;
            self.state.loss_steps += 1;

            let mean = self.state.loss_sum / self.state.loss_steps as f64;
            report.stage = Stage::Training;
            report.step = step;
            report.loss = Some(mean);
            report.pairs_per_second = seen as f64 / training.max(1e-9);
            report.seconds_left = began.elapsed().as_secs_f64() / (step - first) as f64 * (steps - step) as f64;
            let last = step == steps;
            let evaluated = self.watched.is_some() && (step.is_multiple_of(self.recipe.evaluate_every) || last);
            let mut held_out = HeldOut::default();
            if evaluated {
                progress(&Progress { stage: Stage::Evaluating, ..report.clone() });
                held_out = self.evaluate()?;
                report.held_out = Some(held_out);
            }
            if evaluated || step.is_multiple_of(self.recipe.log_every) || last {
                self.metrics.add(self.line(step, Some(mean), norm, report.pairs_per_second, held_out))?;
                (self.state.loss_sum, self.state.loss_steps) = (0.0, 0);
            }
            if step.is_multiple_of(self.recipe.checkpoint_every) || last || self.exhausted() {
                self.save()?;
            }
            progress(&report);
        }
        Ok(self.state.step < steps)
    }

    /// One step: every worker's vectors, the loss over all of them, every worker's gradients, their sum, the optimizer.
    fn step(&mut self, step: usize) -> Result<(f64, f64), Error> {
        let layers = self.network.bind(&self.parameters)?;
        let batch = Batch::new(self.batches[step - 1].iter().map(|triplet| self.triplets[*triplet]));
        // Each worker has every so manieth text.
        let shares: Vec<Vec<usize>> =
            (0..WORKERS).map(|worker| (worker..batch.texts.len()).step_by(WORKERS).collect()).collect();
        let width = self.base.shape.hidden;
        let (network, texts, layers) = (&self.network, &self.texts, &layers);
        let vectors = in_parallel(self.memories.iter().zip(&shares), |(memory, rows)| {
            let some: Vec<&[u32]> = rows.iter().map(|row| &texts[batch.texts[*row]][..]).collect();
            match some[..] {
                [] => Ok(None),
                _ => Ok(Some(network.vectors(layers, &Texts::of(&some), memory, true)?)),
            }
        })?;
        let mut all = vec![0.0; batch.texts.len() * width];
        for (vectors, rows) in vectors.iter().zip(&shares) {
            let Some(vectors) = vectors else { continue };
            let values = vectors.flatten_all()?.to_vec1::<f32>()?;
            for (vector, row) in values.chunks_exact(width).zip(rows) {
                all[row * width..(row + 1) * width].copy_from_slice(vector);
            }
        }
        let (loss, gradient) = contrast(&all, &batch, self.recipe.temperature);
        let work = self.memories.iter().zip(&mut self.gradients).zip(vectors.iter().zip(&shares));
        in_parallel(work, |((memory, into), (vectors, rows))| {
            let Some(vectors) = vectors else {
                into.iter_mut().for_each(|values| values.fill(0.0));
                return Ok(());
            };
            let mine: Vec<f32> =
                rows.iter().flat_map(|row| &gradient[row * width..(row + 1) * width]).copied().collect();
            let mine = candle_core::Tensor::from_vec(mine, (rows.len(), width), vectors.device())?;
            // The product's gradient is the one that is wanted.
            let store = (vectors * mine)?.sum_all()?.backward()?;
            layers.gradients(&store, memory, into.as_chunks_mut().0)
        })?;
        let norm = combine(&mut self.gradients);
        let rates = self.recipe.rates();
        if !(loss.is_finite() && norm.is_finite()) {
            let rate = self.recipe.rate * schedule(&rates, step, self.batches.len());
            let checkpoint = Some(self.out.join(CHECKPOINT)).filter(|path| path.exists());
            return Err(Error::Diverged { step, loss, norm, rate, checkpoint });
        }
        self.optimizer.step(&rates, &mut self.parameters, &self.gradients[0], norm, step, self.batches.len());
        Ok((loss, norm))
    }

    /// nDCG@10 on the retrieval set; writes the model if it is the best so far.
    fn evaluate(&mut self) -> Result<HeldOut, Error> {
        let Some(watched) = &self.watched else { return Ok(HeldOut::default()) };
        let layers = self.network.bind(&self.parameters)?;
        let documents = self.network.embed(&layers, &watched.documents, &self.memories)?;
        let queries = self.network.embed(&layers, &watched.queries, &self.memories)?;
        let hits: Vec<Vec<Hit>> =
            queries.chunks_exact(self.base.shape.hidden).map(|query| nearest(query, &documents)).collect();
        let figure = mean(&watched.collection.ndcg_at_10(&hits)?);
        if self.state.best.is_none_or(|(best, _)| figure > best) {
            folder::write(self.out, self.folder, self.recipe.pooling.is_some(), &self.base, &self.parameters)?;
            self.state.best = Some((figure, self.state.step));
            self.state.without_best = 0;
        } else {
            self.state.without_best += 1;
        }
        Ok(HeldOut { retrieval: Some(figure), ..HeldOut::default() })
    }

    fn line(&self, step: usize, loss: Option<f64>, norm: f64, pairs_per_second: f64, held_out: HeldOut) -> Line {
        let epoch = (step * self.recipe.batch) as f64 / self.triplets.len() as f64;
        let rate = self.recipe.rate * schedule(&self.recipe.rates(), step, self.batches.len());
        Line { step, epoch, loss, rate, norm, pairs_per_second, held_out }
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
                folder::write(self.out, self.folder, self.recipe.pooling.is_some(), &self.base, &self.parameters)?;
                self.state.step
            }
        };
        let of_step = |line: &&Line| line.step == exported_step && line.held_out.retrieval.is_some();
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

/// Every text once, as token ids, and the triplets by the numbers of their texts.
#[allow(clippy::type_complexity)]
fn numbered(
    folder: &ModelFolder,
    base: &Base,
    triplets: &[Triplet],
    max_tokens: usize,
) -> Result<(Vec<Vec<u32>>, Vec<[Option<usize>; 3]>), Error> {
    let prompts = &folder.settings.prompts;
    // Where prompts differ, an anchor is another text than a positive of the same words.
    let (mut texts, mut number_of) = (Vec::new(), HashMap::new());
    let mut number = |prompt: &'static str, text: &str| {
        let text = text.to_owned();
        *number_of.entry((prompt, text.clone())).or_insert_with(|| {
            texts.push((prompt, text));
            texts.len() - 1
        })
    };
    const QUERY: &str = "query";
    let document = if prompts.query == prompts.document { QUERY } else { "document" };
    let numbered = triplets.iter().map(|triplet| {
        let negative = (!triplet.negative.trim().is_empty()).then_some(&triplet.negative);
        [
            Some(number(QUERY, &triplet.anchor)),
            Some(number(document, &triplet.positive)),
            negative.map(|negative| number(document, negative)),
        ]
    });
    let numbered = numbered.collect();
    let mut ids = vec![Vec::new(); texts.len()];
    for (role, prompt) in [(QUERY, &prompts.query), ("document", &prompts.document)] {
        let places: Vec<usize> = (0..texts.len()).filter(|text| texts[*text].0 == role).collect();
        let some: Vec<&str> = places.iter().map(|text| &texts[*text].1[..]).collect();
        for (place, tokens) in places.iter().zip(token_ids(folder, base, prompt, &some, max_tokens)?) {
            ids[*place] = tokens;
        }
    }
    Ok((ids, numbered))
}

fn token_ids(
    folder: &ModelFolder,
    base: &Base,
    prompt: &str,
    texts: &[&str],
    max_tokens: usize,
) -> Result<Vec<Vec<u32>>, Error> {
    if prompt.is_empty() && !folder.settings.lower_case {
        return base.token_ids(texts, max_tokens);
    }
    let read = |text: &&str| {
        let text = format!("{prompt}{text}");
        if folder.settings.lower_case { text.to_lowercase() } else { text }
    };
    let texts: Vec<String> = texts.iter().map(read).collect();
    base.token_ids(&texts.iter().map(String::as_str).collect::<Vec<_>>(), max_tokens)
}

/// Which triplets each step takes: all of them in a new order, pass after pass.
fn batches(recipe: &EncoderRecipe, triplets: usize) -> Vec<Vec<usize>> {
    let visits = match recipe.steps {
        Some(steps) => steps * recipe.batch,
        None => ((recipe.epochs * triplets as f64).round() as usize).max(1),
    };
    let pass = |pass: u64| {
        let mut order: Vec<usize> = (0..triplets).collect();
        Random::new(recipe.seed, Purpose::Order, &[pass]).shuffle(&mut order);
        order
    };
    let order: Vec<usize> = (0..).flat_map(pass).take(visits).collect();
    order.chunks(recipe.batch).map(<[usize]>::to_vec).collect()
}

/// The documents nearest to a query by inner product, as many as nDCG@10 may need where scores tie.
fn nearest(query: &[f32], documents: &[f32]) -> Vec<Hit> {
    const DEPTH: usize = 100;
    let mut scores = vec![0.0; documents.len() / query.len().max(1)];
    dots(Isa::detect(), query, documents, &mut scores);
    let mut hits: Vec<Hit> = scores.into_iter().enumerate().collect();
    hits.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    hits.truncate(DEPTH);
    hits
}

fn digest<'a>(texts: impl Iterator<Item = &'a String>) -> String {
    let mut digest = Digest::default();
    for text in texts {
        digest.update_delimited(text);
    }
    digest.hex()
}

/// A thread for each piece of work; what they make, in order.
fn in_parallel<T: Send, R: Send>(
    work: impl Iterator<Item = T>,
    each: impl Fn(T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    std::thread::scope(|scope| {
        let each = &each;
        let handles: Vec<_> = work.map(|piece| scope.spawn(move || each(piece))).collect();
        handles.into_iter().map(|handle| handle.join().map_err(|_| Error::Worker)?).collect()
    })
}
