//! Fine-tuning of sentence encoders on triplets: what the study and its audit are about.

mod contrast;
mod folder;
mod network;
mod recipe;

use std::collections::HashMap;
use std::path::Path;

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
use crate::Error;
use crate::base::Base;
use crate::checkpoint::Origin;
use crate::held_out::HeldOut;
use crate::model::layer_parameters;
use crate::ops::Ops;
use crate::parameters::{Gradients, Parameters};
use crate::random::{Purpose, Random};
use crate::run::{Between, Outcome, Plan, Progress, Run, Trainee, WORKERS, Watcher, in_parallel};
use crate::texts::Texts;

/// Fine-tunes the encoder in `base` on `triplets` and leaves a folder `out` that vetted and sentence-transformers load, with
/// `metrics.jsonl`, `curve.svg` and `checkpoint.safetensors` beside the model. With a retrieval set to watch, the weights
/// that are best on it are kept, those before the first step among them; without one, the last.
///
/// Its transformer layers are trained; embeddings stay as they are, and so does MPNet's table of distances. A run that was
/// killed, or stopped by `watcher`, goes on from its last checkpoint when started again with the same arguments, and ends in
/// the same weights, bit for bit, as one that never was. There is a checkpoint at least every two minutes of steps.
///
/// # Errors
/// [`Error::Interrupted`] when `watcher` breaks off;
/// [`Error::Untrainable`], [`Error::Recipe`] and [`Error::TooFewTriplets`] before anything is done; those of files that
/// cannot be read; [`Error::OtherRun`] when `out` holds another run's checkpoint, [`Error::OtherVerifier`] when it holds a
/// model and no checkpoint; [`Error::Diverged`]; [`Error::Unwritable`] when the disk is full, older files being kept.
pub fn train_encoder(
    recipe: &EncoderRecipe,
    base: &ModelFolder,
    triplets: &[Triplet],
    watched: Option<&Collection>,
    out: &Path,
    watcher: &mut Watcher<'_>,
) -> Result<Outcome, Error> {
    let mut base = base.clone();
    base.settings.pooling = recipe.pooling.map_or(base.settings.pooling, Into::into);
    let base = &base;
    let opened = Base::of_folder(base)?;
    recipe.check(opened.shape.layers)?;
    if triplets.len() < 2 {
        return Err(Error::TooFewTriplets { got: triplets.len() });
    }
    // Nothing is lost yet: who wants it to stop is asked again when it has begun.
    let _ = watcher(&Progress::preparing());
    std::fs::create_dir_all(out).map_err(|source| Error::Unwritable { path: out.into(), source })?;
    let (folder, base) = (base, opened);
    let network =
        Network::new(&base, folder.settings.pooling, recipe.trained_from_layer, Ops::kernels(recipe.arithmetic))?;
    let parameters = Parameters { list: layer_parameters(&base, recipe.trained_from_layer)? };
    let longest = folder.settings.max_tokens;
    let (texts, numbered) = numbered(folder, &base, triplets, recipe.max_tokens.min(longest))?;
    let plan = Plan {
        batches: batches(recipe, numbered.len()),
        batch: recipe.batch,
        examples: numbered.len(),
        rates: recipe.rates(),
        shown_rate: recipe.rate,
        log_every: recipe.log_every,
        evaluate_every: recipe.evaluate_every,
        checkpoint_every: recipe.checkpoint_every,
        between: Between::default(),
        patience: recipe.patience,
    };
    let origin = Origin {
        recipe: serde_json::to_value(recipe).map_err(|source| Error::Json { path: out.into(), source })?,
        base: base.sha256.clone(),
        start: None,
        train: digest(triplets.iter().flat_map(|t| [&t.anchor, &t.positive, &t.negative])),
        held_out: digest(watched.iter().flat_map(|set| set.ids.iter().chain(&set.texts))),
    };
    let watched = watched.map(|collection| Watched::new(collection, folder, &base)).transpose()?;
    let memories = (0..WORKERS).map(|_| Memory::default()).collect();
    let encoder = Encoder { recipe, folder, base, out, network, memories, texts, triplets: numbered, watched };
    Run::begin(encoder, plan, parameters, origin, out, &[folder::WEIGHTS, "modules.json"])?.complete(watcher)
}

/// An encoder in training.
struct Encoder<'a> {
    recipe: &'a EncoderRecipe,
    folder: &'a ModelFolder,
    base: Base,
    out: &'a Path,
    network: Network,
    memories: Vec<Memory>,
    /// Token ids of every text of the triplets.
    texts: Vec<Vec<u32>>,
    /// Anchor, positive and negative, by their numbers among the texts.
    triplets: Vec<[Option<usize>; 3]>,
    watched: Option<Watched<'a>>,
}

/// A retrieval set as token ids.
struct Watched<'a> {
    collection: &'a Collection,
    queries: Vec<Vec<u32>>,
    documents: Vec<Vec<u32>>,
}

impl<'a> Watched<'a> {
    fn new(collection: &'a Collection, folder: &ModelFolder, base: &Base) -> Result<Watched<'a>, Error> {
        let (prompts, longest) = (&folder.settings.prompts, folder.settings.max_tokens);
        let queries = collection.queries();
        let queries: Vec<&str> = queries.iter().map(String::as_str).collect();
        let documents: Vec<&str> = collection.texts.iter().map(String::as_str).collect();
        let queries = token_ids(folder, base, &prompts.query, &queries, longest)?;
        let documents = token_ids(folder, base, &prompts.document, &documents, longest)?;
        Ok(Watched { collection, queries, documents })
    }
}

impl Trainee for Encoder<'_> {
    type Fitted = ();

    const MEASURED_UNTRAINED: bool = true;

    /// Every worker's vectors, the loss over all of them, and every worker's gradients.
    fn learn(
        &self,
        batch: &[usize],
        _step: usize,
        parameters: &Parameters,
        gradients: &mut [Gradients],
    ) -> Result<f64, Error> {
        let layers = self.network.bind(parameters)?;
        let batch = Batch::new(batch.iter().map(|triplet| self.triplets[*triplet]));
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
        let work = self.memories.iter().zip(gradients).zip(vectors.iter().zip(&shares));
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
        Ok(loss)
    }

    fn is_watched(&self) -> bool {
        self.watched.is_some()
    }

    /// nDCG@10 on the retrieval set.
    fn evaluate(&self, parameters: &Parameters) -> Result<(HeldOut, ()), Error> {
        let Some(watched) = &self.watched else { return Ok((HeldOut::default(), ())) };
        let layers = self.network.bind(parameters)?;
        let documents = self.network.embed(&layers, &watched.documents, &self.memories)?;
        let queries = self.network.embed(&layers, &watched.queries, &self.memories)?;
        let hits: Vec<Vec<Hit>> =
            queries.chunks_exact(self.base.shape.hidden).map(|query| nearest(query, &documents)).collect();
        let figure = mean(&watched.collection.ndcg_at_10(&hits)?);
        Ok((HeldOut { retrieval: Some(figure), ..HeldOut::default() }, ()))
    }

    fn export(&self, parameters: &Parameters, (): ()) -> Result<(), Error> {
        folder::write(self.out, self.folder, self.recipe.pooling.is_some(), &self.base, parameters)
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
