//! `vetted train verifier`: labelled pairs to a verifier's folder.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use vetted::models;
use vetted_pairs::Sources;
use vetted_training::{Architecture, Base, Contrast, Example, F3, F4, MapTransformer, Recipe, hold_out, train};

use super::Shown;
use crate::commands::sources::SourcesFile;
use crate::parsing::within;
use crate::terminal::download_progress;

/// Writes config.json and model.safetensors (what `vetted verify --verifier DIR` and `vetted eval pairs --scorer DIR`
/// take), metrics.jsonl and curve.svg. There is a checkpoint every two minutes, and at Ctrl-C or SIGTERM: a run that was
/// stopped goes on from it when started again with the same arguments.
#[derive(Args)]
pub struct Verifier {
    /// Pair files, tab-separated, .gz or not: s1 (candidate), s2 (query), equiv or label, and optionally source, relation,
    /// conflict, kind
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    data: Vec<PathBuf>,
    #[command(flatten)]
    sources: SourcesFile,
    /// The folder to write
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Pairs to watch the training by; the best weights on them are kept, and probabilities fitted to them [default: a part
    /// of the data that shares no text with the rest]
    #[arg(long, value_name = "FILE")]
    held_out: Option<PathBuf>,
    /// The part of the data that is held out, from 0 to 0.99, at most 2,000 pairs of a source
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, conflicts_with = "held_out",
        value_parser = |text: &str| within(text, 0.0, 0.99), allow_negative_numbers = true)]
    held_out_share: f64,
    /// Every setting of the run, in JSON; the options below take precedence
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// What is trained
    #[arg(long, value_enum)]
    architecture: Option<Reader>,
    /// The encoder under it: a name or a folder
    #[arg(long, default_value = models::DEFAULT_MODEL)]
    base: String,
    /// A verifier's folder to begin from
    #[arg(long, value_name = "DIR")]
    start: Option<PathBuf>,
    /// Begin the outputs for support and conflict as that for equivalence and its opposite, where --start has learnt
    /// equivalence alone
    #[arg(long, requires = "start")]
    spread_head: bool,
    /// Train the reader alone and leave the encoder as it is
    #[arg(long, conflicts_with = "train_from_layer")]
    frozen: bool,
    /// The first encoder layer that is trained, from 0
    #[arg(long, value_name = "LAYER")]
    train_from_layer: Option<usize>,
    /// Passes over the data
    #[arg(long)]
    epochs: Option<f64>,
    /// Pairs visited in the whole run, instead of passes over the data
    #[arg(long, value_name = "N", conflicts_with = "epochs")]
    visits: Option<usize>,
    /// A source's part of all visits, relative to the others; `*` stands for all that are not named, which are not trained on
    /// otherwise. May be given several times [default: every pair counts the same]
    #[arg(long, value_delimiter = ',', value_name = "SOURCE=WEIGHT", value_parser = share)]
    share: Vec<(String, f64)>,
    /// Pairs a step
    #[arg(long)]
    batch: Option<usize>,
    /// Highest learning rate of the encoder
    #[arg(long)]
    encoder_rate: Option<f64>,
    /// Highest learning rate of the reader
    #[arg(long)]
    reader_rate: Option<f64>,
    /// Stop after so many evaluations without a new best
    #[arg(long, value_name = "N")]
    patience: Option<usize>,
    /// Add an in-batch contrastive loss (MNRL) of this weight
    #[arg(long, value_name = "WEIGHT")]
    contrast: Option<f64>,
    /// The same seed, data and machine give the same weights
    #[arg(long)]
    seed: Option<u64>,
    /// Leave out the pairs of these sources
    #[arg(long, value_delimiter = ',', value_name = "SOURCE")]
    without: Vec<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// What reads a pair.
#[derive(Clone, Copy, ValueEnum)]
enum Reader {
    /// vetted's own: the true similarity maps in patches
    MapTransformer,
    /// The paper's map Transformer on a padded map
    F4,
    /// The paper's convolutional reader
    F3,
    /// Both texts through the encoder at once
    CrossEncoder,
}

impl Verifier {
    pub fn run(self) -> Result<()> {
        let sources = self.sources.read()?;
        let mut examples = Vec::new();
        for path in &self.data {
            examples.extend(self.examples(path, &sources)?);
        }
        let (examples, held_out) = match &self.held_out {
            Some(path) => (examples, self.examples(path, &sources)?),
            None => hold_out(examples, self.held_out_share, MOST_HELD_OUT),
        };
        if examples.is_empty() {
            bail!("no pairs are left to train on");
        }
        let folder = models::ensure(&self.base, &mut download_progress())?;
        let mut base = Base::open(&folder.path)?;
        base.name.clone_from(&folder.name); // the name it is found under again, which need not be its folder's
        let recipe = self.recipe(base.shape.layers)?;
        let mut shown = Shown::new("held-out AUC", "pairs")?;
        let outcome = train(&recipe, &base, self.start.as_deref(), &examples, &held_out, &self.out, &mut |progress| {
            shown.update(progress)
        });
        shown.finish();
        let outcome = outcome.map_err(|error| shown.ended(error))?;
        if self.json {
            let answer = serde_json::json!({
                "folder": outcome.folder, "steps": outcome.steps, "stopped_early": outcome.stopped_early,
                "exported_step": outcome.exported_step, "parameters": outcome.parameters,
                "pairs": examples.len(), "held_out": outcome.held_out,
            });
            writeln!(stdout(), "{answer}")?;
        } else {
            writeln!(
                stdout(),
                "{} steps on {} pairs; the weights of step {} are in {}",
                outcome.steps,
                examples.len(),
                outcome.exported_step,
                outcome.folder.display()
            )?;
        }
        Ok(())
    }

    fn examples(&self, path: &Path, sources: &Sources) -> Result<Vec<Example>> {
        let mut examples = Vec::new();
        for pair in vetted_pairs::read_labelled(path)?.with_sources(sources.clone()) {
            let pair = pair?;
            if !self.without.contains(&pair.source) {
                examples.push(Example::from(&pair));
            }
        }
        if examples.is_empty() {
            bail!("{} holds no pairs to use", path.display());
        }
        Ok(examples)
    }

    fn recipe(&self, layers: usize) -> Result<Recipe> {
        let mut recipe = match &self.recipe {
            None => Recipe::default(),
            Some(path) => {
                let json = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                serde_json::from_slice(&json).with_context(|| format!("{} is no recipe", path.display()))?
            }
        };
        if let Some(architecture) = self.architecture {
            recipe.architecture = match architecture {
                Reader::MapTransformer => Architecture::MapTransformer(MapTransformer::default()),
                Reader::F4 => Architecture::F4(F4::default()),
                Reader::F3 => Architecture::F3(F3::default()),
                Reader::CrossEncoder => Architecture::CrossEncoder,
            };
        }
        let frozen = self.frozen.then_some(layers);
        recipe.trained_from_layer = frozen.or(self.train_from_layer).unwrap_or(recipe.trained_from_layer);
        if let Some(epochs) = self.epochs {
            (recipe.epochs, recipe.visits) = (epochs, None);
        }
        recipe.visits = self.visits.or(recipe.visits);
        if !self.share.is_empty() {
            recipe.shares = self.share.iter().cloned().collect();
        }
        recipe.spread_head |= self.spread_head;
        recipe.batch = self.batch.unwrap_or(recipe.batch);
        recipe.encoder_rate = self.encoder_rate.unwrap_or(recipe.encoder_rate);
        recipe.reader_rate = self.reader_rate.unwrap_or(recipe.reader_rate);
        recipe.patience = self.patience.or(recipe.patience);
        if let Some(weight) = self.contrast {
            recipe.contrast = Some(Contrast { weight, ..recipe.contrast.unwrap_or_default() });
        }
        recipe.seed = self.seed.unwrap_or(recipe.seed);
        Ok(recipe)
    }
}

/// Most pairs of a source that are held out: enough to tell areas under the curve apart by two hundredths, and quick.
const MOST_HELD_OUT: usize = 2000;

fn share(argument: &str) -> Result<(String, f64)> {
    let (source, weight) = argument.rsplit_once('=').context("expected SOURCE=WEIGHT, such as qqp=2")?;
    let weight: f64 = weight.parse().with_context(|| format!("{weight:?} is no number"))?;
    if !(weight.is_finite() && weight >= 0.0) {
        bail!("a weight is 0 or more");
    }
    Ok((source.to_owned(), weight))
}
