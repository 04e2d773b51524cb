//! The first experiment: encoders trained with and without structural negatives.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;

use vetted::Precision;
use vetted_encoder::ModelFolder;
use vetted_evaluation::Collection;
use vetted_evaluation::metrics::geometry::Geometry;
use vetted_pairs::triplets::Triplet;
use vetted_training::{EncoderRecipe, train_encoder};

use super::cells::Cells;
use super::separation::separated;
use super::training::Shown;
use crate::Error;
use crate::audit::{AuditedEncoder, Cache, PairSet, cosines, ranked};
use crate::error::writing;
use crate::findings::{Encoder, SetFigures, Shape, Training};
use crate::watch::Watch;

/// What encoders are trained and measured with.
pub struct Encoders<'a> {
    pub base: &'a ModelFolder,
    pub recipe: EncoderRecipe,
    /// Model A's triplets.
    pub retrieval: &'a [Triplet],
    /// What model B has besides; as many as the largest share takes, or fewer where there are not so many.
    pub structural: &'a [Triplet],
    pub sets: &'a [Collection],
    pub pairs: &'a PairSet,
    pub cells: &'a Cells,
    pub cache: &'a Cache,
    pub work: PathBuf,
    pub precision: Precision,
    pub watch: Watch<'a>,
}

/// Texts whose vectors' shape is looked at.
const GEOMETRY_TEXTS: usize = 1000;

impl Encoders<'_> {
    /// The base as it comes.
    pub fn untouched(&self) -> Result<Encoder, Error> {
        let name = format!("{}-untouched", self.base.name);
        self.cells
            .figures(&name, self.settings(None)?, self.watch, || self.measure(&self.base.path.to_string_lossy(), None))
    }

    /// The base after training: model A with a share of 0, else B. `steps` are those of A.
    pub fn tuned(&self, share: f64, steps: usize, seed: u64) -> Result<Encoder, Error> {
        let planned = self.plan(share, steps, seed);
        let name = self.name(&planned);
        self.cells.figures(&name, self.settings(Some(planned))?, self.watch, || {
            let training = self.train(&name, planned)?;
            self.measure(&self.folder(&name).to_string_lossy(), Some(training))
        })
    }

    /// Where the model of a share and a seed is, once it was trained.
    pub fn model(&self, share: f64, steps: usize, seed: u64) -> PathBuf {
        self.folder(&self.name(&self.plan(share, steps, seed)))
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.work.join("models").join(name)
    }

    fn name(&self, training: &Training) -> String {
        let Training { share, steps, rate, seed, .. } = training;
        let model = if *share == 0.0 { "a".to_owned() } else { format!("b{:.0}", share * 100.0) };
        format!("{}-{model}-steps{steps}-rate{rate:e}-seed{seed}", self.base.name)
    }

    fn plan(&self, share: f64, steps: usize, seed: u64) -> Training {
        let retrieval = (steps * self.recipe.batch).min(self.retrieval.len());
        let structural = (retrieval as f64 * share / (1.0 - share)).round() as usize;
        let taken = (steps as f64 / (1.0 - share)).round() as usize;
        Training {
            share,
            retrieval,
            structural: structural.min(self.structural.len()),
            steps,
            taken,
            batch: self.recipe.batch,
            rate: self.recipe.rate,
            seed,
            seconds: 0.0,
        }
    }

    /// Everything that figures depend on.
    fn settings(&self, training: Option<Training>) -> Result<serde_json::Value, Error> {
        let sets = self
            .sets
            .iter()
            .map(|set| (&set.dataset.name, &set.dataset.split, set.ids.len(), set.dataset.queries.len()));
        let training = training.map(|training| {
            let recipe = EncoderRecipe { seed: training.seed, steps: Some(training.taken), ..self.recipe.clone() };
            (training, recipe, self.retrieval.first(), self.structural.first())
        });
        Ok(serde_json::json!({
            "base": self.base.fingerprint().map_err(vetted_encoder::Error::from)?,
            "training": training,
            "sets": sets.collect::<Vec<_>>(),
            "pairs": self.pairs.pairs.len(),
            "precision": format!("{:?}", self.precision),
        }))
    }

    fn train(&self, name: &str, planned: Training) -> Result<Training, Error> {
        let folder = self.folder(name);
        let done = folder.join("training.json");
        if let Some(training) = fs::read(&done).ok().and_then(|json| serde_json::from_slice::<Training>(&json).ok())
            && (Training { seconds: 0.0, ..training }) == planned
        {
            return Ok(training);
        }
        let Training { retrieval, structural, taken, seed, .. } = planned;
        let triplets = [&self.retrieval[..retrieval], &self.structural[..structural]].concat();
        let recipe = EncoderRecipe { seed, steps: Some(taken), ..self.recipe.clone() };
        let start = std::time::Instant::now();
        let mut shown = Shown::new("nDCG@10", "triplets", self.watch);
        train_encoder(&recipe, self.base, &triplets, None, &folder, &mut |progress| {
            shown.update(progress);
            ControlFlow::Continue(())
        })?;
        let training = Training { seconds: start.elapsed().as_secs_f64(), ..planned };
        fs::write(&done, serde_json::json!(training).to_string()).map_err(writing(&done))?;
        // Three times the model's size, and of no more use.
        let _ = fs::remove_file(folder.join("checkpoint.safetensors"));
        Ok(training)
    }

    fn measure(&self, model: &str, training: Option<Training>) -> Result<Encoder, Error> {
        let encoder = AuditedEncoder::open(model, self.precision, self.watch)?;
        let (mut sets, mut sample) = (Vec::new(), Vec::new());
        for set in self.sets {
            let found = ranked(set, &encoder, self.cache, self.watch)?;
            sample.extend(found.sample(GEOMETRY_TEXTS.div_ceil(self.sets.len())));
            let (name, ndcg) = (set.dataset.name.clone(), set.ndcg_at_10(&found.hits)?);
            sets.push(SetFigures { name, documents: set.ids.len(), ndcg });
        }
        let geometry = Geometry::of(&sample, encoder.dimensions())?;
        Ok(Encoder {
            base: self.base.name.clone(),
            training,
            sets,
            structure: separated(self.pairs, &cosines(self.pairs, &encoder, self.cache, self.watch)?)?,
            geometry: Shape {
                dimensions: geometry.dimensions,
                anisotropy: geometry.anisotropy,
                effective_rank: geometry.effective_rank,
                mean_similarity: geometry.mean_similarity,
            },
        })
    }
}
