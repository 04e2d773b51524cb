//! `vetted train encoder`: triplets to a sentence encoder's folder.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use vetted::models;
use vetted_evaluation::Collection;
use vetted_pairs::triplets::{self, Triplet};
use vetted_training::{EncoderRecipe, TrainedPooling, train_encoder};

use super::Shown;
use crate::terminal::download_progress;

/// Contrastive fine-tuning: each anchor is pulled to its positive and pushed from its negative and from all other texts
/// of the batch (MNRL). Writes a folder that `--model`, `vetted audit --tuned` and sentence-transformers load, with
/// metrics.jsonl and curve.svg. There is a checkpoint every two minutes, and at Ctrl-C or SIGTERM: a run that was stopped goes
/// on from it when started again with the same arguments. Embeddings are never trained.
#[derive(Args)]
pub struct Encoder {
    /// Triplet files: tab-separated with a header, or .jsonl, .gz or not: anchor, positive and, where there is one, negative
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    data: Vec<PathBuf>,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The encoder to begin from: a name or a folder
    #[arg(long, value_name = "MODEL", default_value = models::DEFAULT_MODEL)]
    base: String,
    /// A BEIR folder to watch: the weights with the best nDCG@10 on it are kept, those before the first step among them
    #[arg(long, value_name = "DIR")]
    watch: Option<PathBuf>,
    /// Which of its qrels; never the ones that you report
    #[arg(long, value_name = "SPLIT", default_value = "dev", requires = "watch")]
    watch_split: String,
    /// Search only so many of its documents: all judged ones, and others spread evenly
    #[arg(long, value_name = "N", requires = "watch")]
    watch_documents: Option<usize>,
    /// Every setting of the run, in JSON; the options below take precedence
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// The first layer that is trained, from 0; those below stay as they are
    #[arg(long, value_name = "LAYER")]
    train_from_layer: Option<usize>,
    /// Passes over the triplets
    #[arg(long)]
    epochs: Option<f64>,
    /// Steps of the whole run, instead of passes over the triplets
    #[arg(long, value_name = "N", conflicts_with = "epochs")]
    steps: Option<usize>,
    /// Triplets a step
    #[arg(long)]
    batch: Option<usize>,
    /// Highest learning rate
    #[arg(long)]
    rate: Option<f64>,
    /// How token vectors become one [default: as in the base]
    #[arg(long, value_enum)]
    pooling: Option<Pooling>,
    /// Cosines are divided by it
    #[arg(long)]
    temperature: Option<f64>,
    /// Longest text in tokens while training
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,
    /// Steps between two looks at the watched set
    #[arg(long, value_name = "N", requires = "watch")]
    evaluate_every: Option<usize>,
    /// Stop after so many looks without a new best
    #[arg(long, value_name = "N", requires = "watch")]
    patience: Option<usize>,
    /// The same seed, data and machine give the same weights
    #[arg(long)]
    seed: Option<u64>,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// How token vectors become one.
#[derive(Clone, Copy, ValueEnum)]
enum Pooling {
    /// Their mean
    Mean,
    /// The first token's
    Cls,
}

impl Encoder {
    pub fn run(self) -> Result<()> {
        let triplets = self.triplets()?;
        let recipe = self.recipe()?;
        let base = models::ensure(&self.base, &mut download_progress())?;
        let watched = match &self.watch {
            None => None,
            Some(folder) => {
                let collection = Collection::load(folder, &self.watch_split)?;
                Some(self.watch_documents.map_or(collection.clone(), |most| collection.at_most(most)))
            }
        };
        let mut shown = Shown::new("nDCG@10", "triplets")?;
        let outcome = train_encoder(&recipe, &base, &triplets, watched.as_ref(), &self.out, &mut |progress| {
            shown.update(progress)
        });
        shown.finish();
        let outcome = outcome.map_err(|error| shown.ended(error))?;
        if self.json {
            let answer = serde_json::json!({
                "folder": outcome.folder, "steps": outcome.steps, "stopped_early": outcome.stopped_early,
                "exported_step": outcome.exported_step, "parameters": outcome.parameters,
                "triplets": triplets.len(), "held_out": outcome.held_out,
            });
            writeln!(stdout(), "{answer}")?;
        } else {
            writeln!(
                stdout(),
                "{} steps on {} triplets; the weights of step {} are in {}\nWhat it cost: vetted audit --base {} --tuned {}",
                outcome.steps,
                triplets.len(),
                outcome.exported_step,
                outcome.folder.display(),
                self.base,
                outcome.folder.display()
            )?;
        }
        Ok(())
    }

    fn triplets(&self) -> Result<Vec<Triplet>> {
        let mut all = Vec::new();
        for path in &self.data {
            let triplets = triplets::read(path)?;
            if triplets.is_empty() {
                bail!("{} holds no triplets", path.display());
            }
            all.extend(triplets);
        }
        Ok(all)
    }

    fn recipe(&self) -> Result<EncoderRecipe> {
        let mut recipe = match &self.recipe {
            None => EncoderRecipe::default(),
            Some(path) => {
                let json = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                serde_json::from_slice(&json).with_context(|| format!("{} is no recipe", path.display()))?
            }
        };
        recipe.trained_from_layer = self.train_from_layer.unwrap_or(recipe.trained_from_layer);
        if let Some(epochs) = self.epochs {
            (recipe.epochs, recipe.steps) = (epochs, None);
        }
        recipe.steps = self.steps.or(recipe.steps);
        recipe.batch = self.batch.unwrap_or(recipe.batch);
        recipe.rate = self.rate.unwrap_or(recipe.rate);
        recipe.pooling = match self.pooling {
            Some(Pooling::Mean) => Some(TrainedPooling::Mean),
            Some(Pooling::Cls) => Some(TrainedPooling::Cls),
            None => recipe.pooling,
        };
        recipe.temperature = self.temperature.unwrap_or(recipe.temperature);
        recipe.max_tokens = self.max_tokens.unwrap_or(recipe.max_tokens);
        recipe.evaluate_every = self.evaluate_every.unwrap_or(recipe.evaluate_every);
        recipe.patience = self.patience.or(recipe.patience);
        recipe.seed = self.seed.unwrap_or(recipe.seed);
        Ok(recipe)
    }
}
