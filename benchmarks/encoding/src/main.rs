//! How fast texts become vectors: vetted's engines and candle, one engine and one round per run.
//!
//! `run.sh` beside this crate calls it in turn with `peers.py`, which measures ONNX Runtime and PyTorch the same way
//! and writes the same lines; `report.py` makes the table.

mod candle;
mod engine;
mod texts;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use serde_json::json;
use vetted_encoder::{Encoder, Options, Role};

use crate::engine::Engine;

/// Measures how fast texts become vectors.
#[derive(Parser)]
enum Command {
    /// Writes the texts everything is measured on.
    Texts {
        #[command(flatten)]
        common: Common,
        /// Texts per profile.
        #[arg(long, default_value_t = 512)]
        count: usize,
    },
    /// Measures one engine once and appends the numbers to a file of JSON lines.
    Measure {
        #[command(flatten)]
        common: Common,
        /// What to measure.
        #[arg(long)]
        engine: engine::Name,
        /// A quantized ONNX file, for `vetted-onnx-int8`.
        #[arg(long)]
        int8: Option<PathBuf>,
        /// Where the numbers go.
        #[arg(long)]
        out: PathBuf,
        /// Where the vectors of the mixed profile go, as little-endian f32.
        #[arg(long)]
        vectors: Option<PathBuf>,
        /// Encodings of each query.
        #[arg(long, default_value_t = 200)]
        queries: usize,
    },
}

#[derive(clap::Args)]
struct Common {
    /// A model folder, or the name of a model that vetted knows.
    #[arg(long, default_value = "all-MiniLM-L6-v2")]
    model: String,
    /// The texts, as JSON.
    #[arg(long)]
    texts: PathBuf,
}

fn main() -> Result<()> {
    match Command::parse() {
        Command::Texts { common, count } => {
            let encoder = Encoder::open(&engine::folder(&common.model)?, Options::default())?;
            let input = texts::make(encoder.tokens(), count)?;
            fs::write(common.texts, serde_json::to_vec(&input)?)?;
        }
        Command::Measure { common, engine, int8, out, vectors, queries } => {
            let input: texts::Input = serde_json::from_slice(&fs::read(common.texts)?)?;
            let opened = Engine::open(engine, &engine::folder(&common.model)?, int8)?;
            let name = clap::ValueEnum::to_possible_value(&engine).map(|value| value.get_name().to_owned());
            let mut out = fs::File::options().create(true).append(true).open(out)?;

            opened.embed(&input.profiles[0].texts, Role::Document)?; // warm up
            for profile in &input.profiles {
                let start = Instant::now();
                opened.tokenize(&profile.texts)?;
                let tokenizing = start.elapsed().as_secs_f64();
                let start = Instant::now();
                let values = opened.embed(&profile.texts, Role::Document)?;
                let seconds = start.elapsed().as_secs_f64();
                let line = json!({
                    "engine": name, "profile": profile.name, "texts": profile.texts.len(), "tokens": profile.tokens,
                    "seconds": seconds, "tokenizing": tokenizing,
                });
                writeln!(out, "{line}")?;
                if let Some(path) = vectors.as_ref().filter(|_| profile.name == "mixed") {
                    fs::write(path, values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
                }
            }
            for query in &input.queries {
                let text = std::slice::from_ref(&query.text);
                let mut milliseconds = Vec::with_capacity(queries);
                for run in 0..queries + queries / 10 {
                    let start = Instant::now();
                    opened.embed(text, Role::Query)?;
                    if run >= queries / 10 {
                        milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
                    }
                }
                writeln!(out, "{}", json!({"engine": name, "query": query.tokens, "milliseconds": milliseconds}))?;
            }
        }
    }
    Ok(())
}
