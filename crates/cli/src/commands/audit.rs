//! `vetted audit`: what fine-tuning an encoder cost, and what two tiers would give instead.

mod cache;
pub mod encoders;
mod pairs;
mod retrieval;

use std::collections::BTreeSet;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use vetted::{Verifier, VerifierOptions};
use vetted_evaluation::audit::{PairScores, Part, SetScores, Settings, System};
use vetted_evaluation::metrics::geometry::Geometry;
use vetted_evaluation::pairs::Groups;
use vetted_evaluation::{AuditReport, Collection};

use crate::commands::Precision;
use crate::commands::scorers;
use crate::commands::sources::SourcesFile;
pub use cache::Cache;
use encoders::AuditedEncoder;
pub use pairs::{PairSet, cosines, probabilities};
pub use retrieval::{own_collection, ranked, verified};

/// Compares encoders before and after fine-tuning: retrieval (nDCG@10 by set, with intervals and a significance test), pairs
/// that differ in structure (AUC by phenomenon), the shape of their vectors, and in the same tables the untouched base with
/// a verifier behind it.
///
/// Prints Markdown. Exit status 3 if a tuned encoder's nDCG@10, averaged over the retrieval sets, is lower than the base's
/// by more than --max-drop. Without --data or --pairs it takes small sets that come with vetted: enough to see it work, too
/// small to gate a model by.
#[derive(Args)]
pub struct Audit {
    /// The encoder before fine-tuning: a name (`vetted models list`) or a folder
    #[arg(long, value_name = "MODEL")]
    base: String,
    /// Encoders after it: names or folders
    #[arg(long, value_name = "MODEL", required = true, num_args = 1..)]
    tuned: Vec<String>,
    /// Retrieval sets: BEIR folders with corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv [default: a small one of vetted's own]
    #[arg(long, value_name = "DIR", num_args = 1..)]
    data: Vec<PathBuf>,
    /// Which qrels
    #[arg(long, default_value = "test")]
    split: String,
    /// Labeled pairs, tab-separated, .gz or not: s1, s2, equiv or label, and optionally source, phenomenon, relation
    /// [default: small ones of vetted's own]
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pairs: Vec<PathBuf>,
    #[command(flatten)]
    sources: SourcesFile,
    /// At most so many pairs, spread evenly over the files
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(20..))]
    most_pairs: Option<u32>,
    /// The page to write; OUT.md and OUT.json are written beside it
    #[arg(long, value_name = "REPORT.html")]
    out: Option<PathBuf>,
    /// The drop of nDCG@10, averaged over the retrieval sets, above which the exit status is 3: 0.02 is two points of a hundred
    #[arg(long, value_name = "X", env = "VETTED_MAX_DROP", default_value_t = 0.02)]
    max_drop: f64,
    /// The verifier behind the untouched base: `vetted` (the shipped one), a folder, or `none`
    #[arg(long, value_name = "NAME|DIR", default_value = "vetted")]
    verifier: String,
    /// How many of the base's candidates it reads for a query
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(10..=1000))]
    verify: u32,
    /// The arithmetic of encoders and verifier; bf16 differs from f32 by less than 0.001 nDCG@10 and takes a third of the time
    #[arg(long, value_enum, env = "VETTED_PRECISION", default_value = "bf16")]
    precision: Precision,
    /// Where vectors are kept for the next time [default: `audit` in vetted's cache folder]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Where the sequence of random samples starts
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print JSON instead of Markdown
    #[arg(long)]
    json: bool,
}

/// The exit status when a tuned encoder lost more than it may.
const DROP_EXCEEDED: u8 = 3;

/// Samples for intervals and tests.
const RESAMPLES: u32 = 10_000;

/// Texts whose vectors' shape is looked at.
const GEOMETRY_TEXTS: usize = 1000;

impl Audit {
    pub fn run(self) -> Result<ExitCode> {
        if !(self.max_drop.is_finite() && self.max_drop >= 0.0) {
            bail!("--max-drop is {}: it must be a number, 0 or more, such as 0.02", self.max_drop);
        }
        // What is wrong with any input is said before anything is computed.
        let encoders = self.encoders()?;
        let sets = self.sets()?;
        let pairs = self.pair_set()?;
        let groups = Groups::new(&pairs.pairs)?;
        let cache = Cache::open(self.cache.as_deref())?;
        let verifier = self.verifier()?;

        let mut systems = Vec::new();
        let mut ndcg: Vec<Vec<Vec<f64>>> = vec![Vec::new(); sets.len()];
        let mut scores = Vec::new();
        for (index, encoder) in encoders.iter().enumerate() {
            let mut sample = Vec::new();
            for (set, ndcg) in sets.iter().zip(&mut ndcg) {
                let found = ranked(set, encoder, &cache)?;
                ndcg.push(set.ndcg_at_10(&found.hits)?);
                sample.extend(found.sample(GEOMETRY_TEXTS.div_ceil(sets.len())));
                if let (0, Some((_, verifier))) = (index, &verifier) {
                    let kept = verified(set, &found.hits, self.verify as usize, verifier, &cache)?;
                    ndcg.push(set.ndcg_at_10(&kept)?);
                }
            }
            scores.push(cosines(&pairs, encoder, &cache)?);
            let part = if index == 0 { Part::Base } else { Part::Tuned };
            let origin = encoder.folder.path.display().to_string();
            let geometry = Geometry::of(&sample, encoder.dimensions())?;
            systems.push(System { name: encoder.name.clone(), part, origin, geometry: Some(geometry) });
        }
        if let Some((name, verifier)) = &verifier {
            // The pipeline was measured beside the base; it stands last.
            ndcg.iter_mut().for_each(|systems| systems[1..].rotate_left(1));
            scores.push(probabilities(&pairs, verifier, &cache)?);
            let origin = format!("{} + the verifier {}", systems[0].name, name);
            systems.push(System {
                name: format!("{} + {name}", systems[0].name),
                part: Part::TwoTier,
                origin,
                geometry: None,
            });
        }

        let sets: Vec<SetScores> = sets
            .iter()
            .zip(ndcg)
            .map(|(set, ndcg)| SetScores { name: set.dataset.name.clone(), documents: set.texts.len(), ndcg })
            .collect();
        let settings = Settings {
            max_drop: self.max_drop,
            precision: self.precision.name(),
            resamples: RESAMPLES,
            seed: self.seed,
            verified: if verifier.is_some() { self.verify as usize } else { 0 },
        };
        let report = AuditReport::new(settings, systems, &sets, Some(PairScores { groups: &groups, scores: &scores }))?;
        self.deliver(&report)
    }

    fn encoders(&self) -> Result<Vec<AuditedEncoder>> {
        let names = std::iter::once(&self.base).chain(&self.tuned);
        let mut encoders =
            names.map(|name| AuditedEncoder::open(name, self.precision.into())).collect::<Result<Vec<_>>>()?;
        // Two folders may have one name.
        for index in 1..encoders.len() {
            let (before, rest) = encoders.split_at_mut(index);
            if before.iter().any(|other| other.name == rest[0].name) {
                rest[0].name = self.tuned[index - 1].clone();
            }
        }
        let names: BTreeSet<&str> = encoders.iter().map(|encoder| encoder.name.as_str()).collect();
        if names.len() < encoders.len() {
            bail!("a model is given twice: give each --tuned once, and another than --base");
        }
        let (base, tuned) = encoders.split_at(1);
        if let Some(other) = tuned.iter().find(|tuned| tuned.dimensions() != base[0].dimensions()) {
            bail!(
                "{} has vectors of {} dimensions and {} of {}: one cannot be a fine-tuned version of the other, nor take its \
                 place in an index. Give --tuned models that were made from --base; to compare unrelated encoders, use \
                 `vetted eval retrieval --model` with each",
                base[0].name,
                base[0].dimensions(),
                other.name,
                other.dimensions()
            );
        }
        Ok(encoders)
    }

    fn sets(&self) -> Result<Vec<Collection>> {
        match &self.data[..] {
            [] => Ok(vec![own_collection()?]),
            folders => folders.iter().map(|folder| Ok(Collection::load(folder, &self.split)?)).collect(),
        }
    }

    fn pair_set(&self) -> Result<PairSet> {
        let set = match &self.pairs[..] {
            [] => PairSet::own()?,
            files => PairSet::read(files, &self.sources.read()?)?,
        };
        Ok(match self.most_pairs {
            Some(most) => set.at_most(most as usize),
            None => set,
        })
    }

    fn verifier(&self) -> Result<Option<(String, NamedVerifier)>> {
        if self.verifier == "none" {
            return Ok(None);
        }
        let options = VerifierOptions::all_in(self.precision.into());
        let verifier = NamedVerifier::load(&self.verifier, options, &self.precision.name())?;
        let name = verifier.verifier.config().name.clone();
        Ok(Some((name, verifier)))
    }

    /// Prints and writes the report, and says whether it passes.
    fn deliver(&self, report: &AuditReport) -> Result<ExitCode> {
        let json = serde_json::to_string(report)?;
        if let Some(out) = &self.out {
            let write = |path: &Path, text: &str| {
                std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
            };
            write(out, &report.html())?;
            write(&out.with_extension("md"), &format!("{report}\n"))?;
            write(&out.with_extension("json"), &json)?;
            eprintln!("wrote {}, and the same as .md and .json", out.display());
        }
        match self.json {
            true => writeln!(stdout(), "{json}")?,
            false => writeln!(stdout(), "{report}")?,
        }
        if report.exceeded.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("{}", report.verdict());
        Ok(DROP_EXCEEDED.into())
    }
}

/// A verifier and what tells its answers from another's, for the cache.
pub struct NamedVerifier {
    pub verifier: Verifier,
    pub identity: Vec<u8>,
}

impl NamedVerifier {
    pub fn load(name: &str, options: VerifierOptions, precision: &str) -> Result<NamedVerifier> {
        let verifier = scorers::load_judge(name, options)?;
        let mut identity = format!("{precision} {name}\n").into_bytes();
        for (file, shipped) in vetted::SHIPPED_VERIFIER {
            match name {
                "vetted" => identity.extend_from_slice(shipped),
                folder => identity.extend(std::fs::read(Path::new(folder).join(file)).unwrap_or_default()),
            }
        }
        Ok(NamedVerifier { verifier, identity })
    }
}
