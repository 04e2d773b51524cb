//! The second experiment: what reads pairs over the untouched encoder.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use vetted::VerifierOptions;
use vetted_pairs::Pair;
use vetted_training::{Architecture, Base, Example, F3, F4, MapTransformer, Recipe, Storage, train};

use super::cells::Cells;
use super::separation::separated;
use super::training::Shown;
use crate::Error;
use crate::audit::PairSet;
use crate::error::writing;
use crate::findings::{Made, Verifier};
use crate::pairs::scores;
use crate::scorers;
use crate::watch::Watch;

/// What verifiers are trained and measured with.
pub struct Verifiers<'a> {
    pub base: Base,
    /// What they learn from.
    pub learnt: Vec<Pair>,
    /// Pairs visited by each.
    pub visits: usize,
    pub seed: u64,
    /// What they are measured on.
    pub pairs: &'a PairSet,
    pub cells: Cells,
    pub work: PathBuf,
    pub options: VerifierOptions,
    pub watch: Watch<'a>,
}

impl Verifiers<'_> {
    /// The formulas, the shipped weights, and every architecture trained in both ways; the cross-encoder last, as it takes
    /// longest, and end to end only, since frozen layers cannot read two texts as one.
    pub fn all(&self) -> Result<(), Error> {
        for formula in ["cosine", "f0", "f1", "f2"] {
            self.measured(formula, formula, Made::Formula, 0)?;
        }
        self.measured("vetted-minilm", "vetted", Made::Shipped, 0)?;
        let visits = self.visits;
        for architecture in [
            Architecture::F3(F3::default()),
            Architecture::F4(F4::default()),
            Architecture::MapTransformer(MapTransformer::default()),
        ] {
            for made in [Made::Frozen { visits }, Made::EndToEnd { visits }] {
                self.trained(architecture.clone(), made)?;
            }
        }
        self.trained(Architecture::CrossEncoder, Made::EndToEnd { visits })?;
        Ok(())
    }

    /// Where the cross-encoder is, once it was trained.
    pub fn cross_encoder(&self) -> PathBuf {
        self.folder(&Architecture::CrossEncoder, Made::EndToEnd { visits: self.visits })
    }

    fn folder(&self, architecture: &Architecture, made: Made) -> PathBuf {
        let how = if matches!(made, Made::Frozen { .. }) { "frozen" } else { "end-to-end" };
        let name = format!("{}-{}-{how}-visits{}", self.base.name, architecture.name(), self.visits);
        self.work.join("models").join(name)
    }

    fn trained(&self, architecture: Architecture, made: Made) -> Result<Verifier, Error> {
        let folder = self.folder(&architecture, made);
        let layers = self.base.shape.layers;
        let recipe = Recipe {
            name: architecture.name().into(),
            trained_from_layer: if matches!(made, Made::Frozen { .. }) { layers } else { 0 },
            visits: Some(self.visits),
            storage: Storage::F32,
            seed: self.seed,
            ..Recipe { architecture, ..Recipe::default() }
        };
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let settings = serde_json::json!({ "recipe": recipe, "base": self.base.sha256, "learnt": self.learnt.len(), "measured": self.pairs.pairs.len() });
        self.cells.figures(&name, settings, self.watch, || {
            let examples: Vec<Example> = self.learnt.iter().map(Example::from).collect();
            let mut shown = Shown::new("held-out AUC", "pairs", self.watch);
            let done = folder.join("trained");
            if !done.exists() {
                train(&recipe, &self.base, None, &examples, &[], &folder, &mut |progress| {
                    shown.update(progress);
                    ControlFlow::Continue(())
                })?;
                let _ = fs::remove_file(folder.join("checkpoint.safetensors"));
                fs::write(&done, "").map_err(writing(&done))?;
            }
            self.figures(recipe.architecture.name(), &folder.to_string_lossy(), made)
        })
    }

    fn measured(&self, name: &str, scorer: &str, made: Made, visits: usize) -> Result<Verifier, Error> {
        let settings =
            serde_json::json!({ "base": self.base.sha256, "measured": self.pairs.pairs.len(), "visits": visits });
        self.cells
            .figures(&format!("{}-{name}", self.base.name), settings, self.watch, || self.figures(name, scorer, made))
    }

    fn figures(&self, name: &str, scorer: &str, made: Made) -> Result<Verifier, Error> {
        let named = scorers::load(scorer, self.options, self.watch)?;
        let start = Instant::now();
        let scores = scores(&named, &self.pairs.pairs, self.watch)?;
        Ok(Verifier {
            base: self.base.name.clone(),
            name: name.to_owned(),
            made,
            parameters: named.verifier.parameters(),
            structure: separated(self.pairs, &scores)?,
            microseconds: start.elapsed().as_secs_f64() * 1e6 / self.pairs.pairs.len().max(1) as f64,
        })
    }
}
